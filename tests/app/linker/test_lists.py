"""The sizes of the operator's lists: those of the index as it stands, by its training lists alone."""

import pytest

from app.errors import SettingError
from app.linker.lists import Sizes
from app.store.lists import build_index
from detectors.event import Listed

FIVE = ["one two three four five", "six seven eight nine ten", "red green blue black white"]


def write(folder, **texts):
    """An index of some lists, named by their kinds."""
    files = {}
    for kind, items in texts.items():
        path = folder / f"{kind}.txt"
        path.write_text("\n".join(items), "utf-8")
        files[Listed[kind]] = [path]
    build_index(files).save(folder / "lists")
    return str(folder / "lists")


def test_the_items_that_pipelines_harvest_are_counted_and_a_new_index_taken_over(tmp_path):
    sizes = Sizes(write(tmp_path, TRAIN=FIVE[:2], TEST=FIVE[1:], CANARY=["never seen in any other text"]))
    assert sizes.now() == {"train": 2}
    write(tmp_path, TRAIN=FIVE)
    assert sizes.now() == {"train": 3}
    (tmp_path / "lists").write_bytes(b"rubbish")
    assert sizes.now() == {"train": 3}


def test_no_index_and_one_without_such_lists_have_no_size(tmp_path):
    assert Sizes("").now() == {}
    assert Sizes(write(tmp_path, TEST=FIVE)).now() == {}


def test_a_file_that_is_no_index_is_a_wrong_setting(tmp_path):
    (tmp_path / "lists").write_bytes(b"rubbish")
    with pytest.raises(SettingError, match="STILLWATCH_LISTS"):
        Sizes(str(tmp_path / "lists"))
