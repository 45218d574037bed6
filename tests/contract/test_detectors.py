"""Every check crossed with every registered detector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detectors import checks, registry

CARDS = Path(__file__).parents[2] / "docs" / "detectors"
BUDGETS = {"shape": 288, "authoring": 64, "lists": 48, "coverage": 320, "loop": 384}  # bytes; of others checks.BUDGET
CASES = [
    pytest.param(check, id=f"{detector.name}-{name}")
    for detector in registry.detectors()
    for name, check in checks.checks(detector, CARDS, BUDGETS.get(detector.name, checks.BUDGET))
]


@pytest.mark.parametrize("check", CASES)
def test_detector_keeps_the_contract(check: Callable[[], None]) -> None:
    check()


def test_each_budget_is_of_a_detector() -> None:
    assert set(BUDGETS) <= {detector.name for detector in registry.detectors()}
