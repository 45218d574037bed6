"""Compiled loops: where their code lies follows from all that is compiled into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors import cells, compiled, rings, template


def place(module) -> Path:
    return compiled.folder(Path(module.__file__))


def test_a_change_of_an_imported_module_moves_the_code_and_of_another_does_not(monkeypatch) -> None:
    before = {module: place(module) for module in (template, rings, cells)}
    changed = Path(cells.__file__)
    read = compiled._read

    def other(path: Path) -> tuple[bytes, tuple[Path, ...]]:
        digest, imports = read(path)
        return (b"another", imports) if path == changed else (digest, imports)

    monkeypatch.setattr(compiled, "_read", other)
    assert place(cells) != before[cells]
    assert place(template) != before[template]
    monkeypatch.setattr(compiled, "_read", read)
    assert {module: place(module) for module in before} == before


def test_imports_are_found_however_they_are_written(tmp_path) -> None:
    one = tmp_path / "one.py"
    one.write_text(
        "from detectors import (\n    cells,\n    twins as t,\n)\nfrom detectors.rings import count\nimport os\n"
    )
    _, found = compiled._read(one)
    assert {path.stem for path in found} == {"cells", "twins", "rings"}


def test_nowhere_to_keep_the_code_is_no_error(tmp_path, monkeypatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(compiled, "_GIVEN", str(blocked))

    @compiled.compiled
    def double(value: int) -> int:
        return 2 * value

    assert double(21) == 42
    compiled.LOOPS.remove(double)


def test_fields_of_another_type_are_refused() -> None:
    @compiled.compiled
    def add(field, column) -> None:
        for place in range(len(column)):
            field[place] += column[place]

    rows = np.zeros(3, [("a", "<u4"), ("b", "<u8")])
    compiled.fold(add, (rows["a"],), (np.arange(3, dtype=np.uint32),))
    assert rows["a"].tolist() == [0, 1, 2]
    with pytest.raises(TypeError):
        compiled.fold(add, (rows["b"],), (np.arange(3, dtype=np.uint32),))
    compiled.LOOPS.remove(add)
