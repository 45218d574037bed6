"""A reference that cannot be read is named with the remedy; a new file is taken up, a broken one is not."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from app.errors import SettingError
from app.store.reference import Watched, load_engine
from detectors import reference, registry


@pytest.fixture(scope="module")
def known():
    return registry.load().reference


def test_the_one_that_ships_is_loaded_without_a_path() -> None:
    assert load_engine("").reference.about["name"] == "ordinary"


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 torn"])
def test_a_file_that_is_none_is_an_error_with_the_remedy(tmp_path, content) -> None:
    path = tmp_path / "own.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"STILLWATCH_REFERENCE: .*own\.npz.*stillwatch fit"):
        load_engine(str(path))


def test_a_reference_without_some_detectors_loads_and_says_so(tmp_path, known, caplog) -> None:
    path = tmp_path / "own.npz"
    replace(known, detectors=(("template", 99), *known.detectors[1:])).save(path)
    engine = load_engine(str(path))
    assert "template" in engine.judge.unknown
    assert "stay silent" in caplog.text


def test_a_file_of_another_version_is_an_error_that_says_how_to_get_a_new_one(tmp_path, known, monkeypatch) -> None:
    path = tmp_path / "own.npz"
    monkeypatch.setattr(reference, "FORMAT", min(reference.READABLE) - 1)
    known.save(path)
    monkeypatch.undo()
    with pytest.raises(SettingError) as caught:
        load_engine(str(path))
    assert str(caught.value).count(str(path)) == 2  # what is wrong, and what to write
    assert "another version" in str(caught.value)
    assert f"until stillwatch fit --out {path} wrote it anew" in str(caught.value)
    assert load_engine("").reference.detectors == known.detectors  # what the remedy asks for works


def test_a_changed_file_is_taken_up_once(tmp_path, known) -> None:
    path = tmp_path / "own.npz"
    known.save(path)
    engine = load_engine(str(path))
    watched = Watched(engine, str(path))
    assert watched.refresh() is False
    made = tmp_path / "new.npz"
    replace(known, review=np.full(len(known.review), 42.0, np.float32)).save(made)
    made.replace(path)
    assert watched.refresh() is True
    assert engine.reference.review[0] == 42.0
    assert engine.judge.reference is engine.reference
    assert watched.refresh() is False


def test_a_broken_or_missing_file_leaves_the_old_one(tmp_path, known) -> None:
    path = tmp_path / "own.npz"
    known.save(path)
    engine = load_engine(str(path))
    watched = Watched(engine, str(path))
    path.unlink()
    assert watched.refresh() is False
    assert watched.problem == ""
    path.write_bytes(b"torn")
    assert watched.refresh() is False
    assert watched.problem
    assert engine.reference.groups == known.groups
    known.save(path)
    os.utime(path, (1, 1))
    assert watched.refresh() is True
    assert watched.problem == ""


def test_the_one_that_ships_is_not_watched() -> None:
    assert Watched(load_engine(""), "").refresh() is False
