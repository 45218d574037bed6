"""Lists out of files of every usual form, and the index that a setting names."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from app.errors import InvalidInput, SettingError
from app.store.lists import Lists, build_index, read_texts, texts_of
from detectors.event import Listed

LONG = "a sentence of more than forty characters to work on"


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("  Name three rivers.\n", ["Name three rivers."]),
        ("\n", []),
        ('{"text": "a b"}', ["a b"]),
        ('{"id": 1, "question": "a b", "answer": "c"}', ["a b"]),
        ('{"prompt": "a b"}', ["a b"]),
        ('{"instruction": "a", "input": ""}', ["a"]),
        ('{"instruction": "a", "input": "b"}', ["a\nb", "a\n\n### Input:\nb"]),
        (f'{{"instruction": "a", "input": "{LONG}"}}', [f"a\n{LONG}", f"a\n\n### Input:\n{LONG}", LONG]),
        ('{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a b"}]}', ["a b"]),
        ('{"conversations": [{"from": "human", "value": "a b"}]}', ["a b"]),
        ('{"messages": [{"role": "user", "content": [1]}]}', []),
        ('{"messages": ["a b", "c"]}', ["a b"]),
        ('{"messages": []}', []),
        ('{"text": 1}', []),
        ("{not JSON", ["{not JSON"]),
        ("{" * 3_000, ["{" * 3_000]),
    ],
)
def test_items_of_a_line(line, texts):
    assert texts_of(line) == texts


def test_files_may_be_packed(tmp_path):
    plain, packed = tmp_path / "a.txt", tmp_path / "b.jsonl.gz"
    plain.write_text("one\ntwo", "utf-8")
    packed.write_bytes(gzip.compress(b'{"text": "three"}\n\xff\n'))
    assert list(read_texts([plain, packed])) == ["one", "two", "three", "\ufffd"]


def test_what_cannot_be_read_is_named(tmp_path):
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"one two three\n" * 99)[:20])
    for path in (tmp_path / "gone", broken, tmp_path):
        with pytest.raises(InvalidInput, match=str(path)):
            list(read_texts([path]))


def write(path: Path, *texts: str) -> None:
    source = path.with_suffix(".txt")
    source.write_text("\n".join(texts), "utf-8")
    build_index({Listed.TRAIN: [source]}).save(path)


def test_the_named_index_is_taken_and_renewed(tmp_path):
    path = tmp_path / "lists"
    write(path, "one two three four five")
    lists = Lists(str(path))
    assert lists.index is not None
    assert len(lists.index) == 1
    assert not lists.renew()
    write(path, "one two three four five", "six seven eight nine ten")
    assert lists.renew()
    assert len(lists.index) == 2
    assert not lists.renew()
    path.write_bytes(b"rubbish")
    assert not lists.renew()
    path.unlink()
    assert not lists.renew()
    assert len(lists.index) == 2


def test_no_setting_no_lists():
    lists = Lists("")
    assert lists.index is None
    assert not lists.renew()


def test_a_bad_file_ends_the_start(tmp_path):
    path = tmp_path / "lists"
    with pytest.raises(SettingError, match=r"STILLWATCH_LISTS: .*lists: No such file"):
        Lists(str(path))
    path.write_bytes(b"rubbish")
    with pytest.raises(SettingError, match=r"no index of lists.*Remedy: give a file that `stillwatch lists build`"):
        Lists(str(path))
    os.truncate(path, 0)
    with pytest.raises(SettingError, match="no index of lists"):
        Lists(str(path))
