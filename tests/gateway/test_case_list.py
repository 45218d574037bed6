"""The list of cases in the documents is the list of tests."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "gateway-cases.md"
ROW = re.compile(r"^\| (\d+) \| (.+) \| (held|read|part: see below|out) \| (.+) \|$", re.M)


def numbers(path):
    """The cases in a module's test names."""
    names = re.findall(r"^def (test_case_\w+)", path.read_text(), re.M)
    found = set()
    for name in names:
        for first, last in re.findall(r"(?:case|and)_(\d\d)(?:_to_(\d\d))?", name):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_every_case_is_listed_once():
    assert [int(row[0]) for row in ROW.findall(DOCUMENT.read_text())] == list(range(1, 68))


def test_every_test_module_named_for_a_case_has_a_test_of_that_number():
    for number, _, state, tests in ROW.findall(DOCUMENT.read_text()):
        modules = [HERE / name for name in re.findall(r"`(test_\w+\.py)`", tests)]
        assert all(path.exists() for path in modules), number
        if state == "held" and modules != [HERE / "test_differential.py"]:
            assert any(int(number) in numbers(path) for path in modules), number
        for folder in re.findall(r"`(tests/[\w/]+)`", tests):
            assert list((HERE.parents[1] / folder).rglob("test_*.py")), number
