"""The house keeps its shape: floors, sizes, mirrored tests, and documents that name what exists."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for package in ("app", "detectors", "bench", "migrations")
    for path in (ROOT / package).rglob("*.py")
    if "out" not in path.relative_to(ROOT).parts  # what the benchmarks install and write
)
MODULES = [path for path in SOURCES if path.parts[len(ROOT.parts)] in ("app", "detectors")]
MODULE_LINES = 400
FUNCTION_LINES = 40
PLAIN = {"__init__", "__main__"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its decorators, its signature and its docstring."""
    start = node.body[0]
    if isinstance(start, ast.Expr) and isinstance(start.value, ast.Constant) and isinstance(start.value.value, str):
        if len(node.body) == 1:
            return 0
        start = node.body[1]
    assert node.end_lineno is not None
    return node.end_lineno - start.lineno + 1


def test_the_sources_are_found():
    assert len(MODULES) > 30


def test_import_contracts():
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_part_stands_on_a_floor():
    """The contract says nothing of a module that it does not name."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    floors = {name for floor in contracts[0]["layers"] for name in re.findall(r"[\w.]+", floor)}
    parts = {
        f"app.{path.stem}"
        for path in (ROOT / "app").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert parts - floors == {"app.__init__", "app.sample"}  # the sample is the outside world: a contract of its own


def test_a_broken_contract_would_be_seen(tmp_path):
    """The contracts above can fail: a rock that imports the service is refused."""
    for package in ("app", "detectors"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "detectors" / "bad.py").write_text("import app\n")
    contract = "[importlinter]\nroot_packages=\n  app\n  detectors\n[importlinter:contract:1]\nname=rock\n"
    contract += "type=forbidden\nsource_modules=detectors\nforbidden_modules=app\n"
    (tmp_path / ".importlinter").write_text(contract)
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "BROKEN" in result.stdout


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_module_says_its_purpose_and_stays_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    if text.strip() and "versions" not in path.parts:
        assert ast.get_docstring(ast.parse(text)), "the module has no docstring"


def test_functions_stay_small():
    long = [
        f"{relative(p)}:{f.name} {body_lines(f)}"
        for p in SOURCES
        for f in functions(p)
        if body_lines(f) > FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_every_function_is_annotated():
    bare = [
        f"{relative(path)}:{node.name}"
        for path in SOURCES
        for node in functions(path)
        if node.returns is None
        or any(a.annotation is None for a in node.args.args + node.args.kwonlyargs if a.arg not in ("self", "cls"))
    ]
    assert not bare, "\n".join(bare)


def test_imports_stand_at_module_top():
    """A lazy import hides a cycle; only the command line defers heavy modules, through importlib."""
    inner = [
        f"{relative(path)}:{inside.lineno}"
        for path in MODULES
        for node in functions(path)
        for inside in ast.walk(node)
        if isinstance(inside, ast.Import | ast.ImportFrom)
    ]
    assert not inner, "\n".join(inner)


def test_no_module_imports_a_private_name_of_another():
    """What two modules share has a public name: else nobody sees who depends on it."""
    hits = [
        f"{relative(path)}:{node.lineno} {name.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name.startswith("_") and not name.name.startswith("__")
    ]
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_module_has_a_test_file(path):
    if path.stem in PLAIN or "models" in path.parts:
        pytest.skip("no behaviour of its own: covered through its users")
    mirror = ROOT / "tests" / path.parent.relative_to(ROOT)
    assert list(mirror.glob(f"test_{path.stem}*.py")), f"write {relative(mirror)}/test_{path.stem}.py"


def test_every_test_file_has_its_module():
    """A mirrored test whose module is gone tests nothing."""
    lost = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.parent.relative_to(ROOT / "tests")
        if not folder.parts or folder.parts[0] not in ("app", "detectors"):
            continue
        stems = {module.stem for module in (ROOT / folder).glob("*.py")} | {"e2e", "crash", "conformance", "contract"}
        if not any(path.stem.removeprefix("test_").startswith(stem) for stem in stems):
            lost.append(relative(path))
    assert not lost, "\n".join(lost)


def test_time_is_a_parameter_in_the_rock():
    """detectors/ reads no clock and draws no unseeded number."""
    bad = re.compile(r"\b(time\.time|datetime\.now|time\.monotonic|np\.random\.(?!default_rng)|default_rng\(\))")
    hits = [relative(path) for path in (ROOT / "detectors").rglob("*.py") if bad.search(path.read_text("utf-8"))]
    assert not hits


def test_versioned_text_names_no_place_of_this_machine():
    """No path of the checkout or of its owner's home, and no package index that another machine cannot reach."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    places = [f"{place}/" for place in (ROOT, Path.home()) if len(place.parts) > 1]
    bad = re.compile("|".join([*map(re.escape, places), r"(?m:^--(?:extra-)?index-url)"]))
    hits = []
    for name in listed:
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".yml", ".lock", ".sh", "") and path.is_file():
            hits += [name] if bad.search(path.read_text("utf-8", errors="ignore")) else []
    assert not hits
