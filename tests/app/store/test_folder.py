"""A folder is its owner's alone, whoever made it first."""

import stat

import pytest

from app.store.folder import make_private


def test_a_folder_is_made_for_its_owner_and_an_old_one_is_left_as_it_is(tmp_path):
    folder = tmp_path / "a" / "b"
    make_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o750)
    make_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_a_file_in_its_place_is_an_error(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OSError, match="exists"):
        make_private(tmp_path / "a")
