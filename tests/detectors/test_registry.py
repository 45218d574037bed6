"""The registry lists what ships and finds installed detectors by their entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from detectors import registry
from detectors.base import Detector


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str, value: str) -> None:
    """A package with an entry point, as an installer would leave it."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\n{name} = {value}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)


def test_names_are_unique_and_every_family_is_known() -> None:
    shipped = registry.shipped()
    assert len({one.name for one in shipped}) == len(shipped)
    assert {one.family for one in shipped} <= {"content", "surface", "rhythm", "coordination"}
    assert [one.name for one in registry.detectors()] == [one.name for one in shipped]


def test_an_installed_detector_is_found_and_gets_its_place_in_the_row(tmp_path, monkeypatch) -> None:
    code = "from detectors.lists import Lists\nclass Mine(Lists):\n    name = 'mine'\n"
    install(tmp_path, monkeypatch, "outside_one", code, "outside_one:Mine")
    engine = registry.load()
    assert [one.name for one in engine.detectors][-1] == "mine"
    assert "mine" in engine.row.names


def test_an_entry_point_that_makes_something_else_is_refused_by_name(tmp_path, monkeypatch) -> None:
    install(tmp_path, monkeypatch, "outside_two", "def make():\n    return 5\n", "outside_two:make")
    with pytest.raises(TypeError, match="outside_two"):
        registry.detectors()


def test_another_reference_may_be_given(tmp_path) -> None:
    known = registry.load().reference
    known.save(tmp_path / "own.npz")
    assert registry.load(str(tmp_path / "own.npz")).reference.groups == known.groups
    with pytest.raises(FileNotFoundError):
        registry.load(str(tmp_path / "none.npz"))


def test_every_shipped_detector_is_one() -> None:
    assert all(isinstance(one, Detector) for one in registry.shipped())
