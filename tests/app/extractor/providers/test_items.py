"""An array's objects come out the same wherever the bytes are cut, and one without end is not kept."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extractor.providers.items import Items, resume

OBJECTS = [
    {"candidates": [{"content": {"parts": [{"text": 'a]}[{ "b" \\ 水🌊'}]}}]},
    {"usageMetadata": {"promptTokenCount": 3}},
    {},
    {"a": [[], [{}], "\\"], "b": {"c": "]"}},
]
STREAM = b"[" + b"\n,\r\n".join(json.dumps(one, ensure_ascii=False, indent=2).encode() for one in OBJECTS) + b"\n]"


def read(*chunks: bytes) -> list[object]:
    items = Items()
    return [json.loads(item) for chunk in chunks for item in items.feed(chunk)] + items.finish()


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_cut_at_any_byte_changes_nothing(cut):
    assert read(STREAM[:cut], STREAM[cut:]) == OBJECTS


def test_byte_by_byte():
    assert read(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == OBJECTS


@pytest.mark.parametrize("end", range(len(STREAM)))
def test_what_ends_early_gives_what_is_whole(end):
    found = read(STREAM[:end])
    assert found == OBJECTS[: len(found)]


def test_objects_without_an_array():
    assert read(b'{"a": 1}\n{"b": 2}') == [{"a": 1}, {"b": 2}]
    assert read(b'{"error": {"code": 400}}') == [{"error": {"code": 400}}]


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b","]), max_size=12))
def test_any_cuts_of_any_bytes_give_the_same_objects(pieces):
    one, many = Items(), Items()
    assert [item for piece in pieces for item in many.feed(piece)] == one.feed(b"".join(pieces))


def test_an_object_without_end_is_not_kept():
    items = Items(limit=1000)
    assert items.feed(b'[{"a": 1}, {"b": "') == [b'{"a": 1}']
    for _ in range(20):
        assert items.feed(b"x" * 100) == []
    assert items.overflowed
    assert items.feed(b'"}, {"c": 1}]') == []


@pytest.mark.parametrize("byte", [b"[", b"{", b'"', b"\\", b"}", b",", b'"["'])
def test_a_megabyte_of_anything_is_read_in_time(byte):
    begun = time.process_time()
    Items().feed(byte * (1_000_000 // len(byte)))
    resume(byte * 1_000_000)
    assert time.process_time() - begun < 4


def test_reading_goes_on_behind_a_gap():
    assert resume(b'torn "text"}]}}]\n,\r\n{ "candidates": []}]') == b'{ "candidates": []}]'
    assert resume(b'a text that says {\\"candidates\\": []}') == b""
    assert resume(b"") == b""
