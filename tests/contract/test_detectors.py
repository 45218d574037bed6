"""Every check crossed with every registered detector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detectors import checks, registry

CARDS = Path(__file__).parents[2] / "docs" / "detectors"
CASES = [
    pytest.param(check, id=f"{detector.name}-{name}")
    for detector in registry.detectors()
    for name, check in checks.checks(detector, CARDS)
]


@pytest.mark.parametrize("check", CASES)
def test_detector_keeps_the_contract(check: Callable[[], None]) -> None:
    check()
