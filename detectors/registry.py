"""The explicit list of shipped detectors, and one entry-point group for others."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from detectors import reference
from detectors.base import Detector
from detectors.engine import Engine
from detectors.reasoning import Reasoning
from detectors.sampling import Sampling
from detectors.template import Template

ENTRY_POINTS = "stillwatch.detectors"
SHIPPED = Path(__file__).parent / "shipped" / "ordinary.npz"


def shipped() -> tuple[Detector, ...]:
    """The detectors that come with the product, in the order in which they are shown."""
    return (Template(), Reasoning(), Sampling())


def detectors() -> tuple[Detector, ...]:
    """The shipped detectors and those of installed packages; raises TypeError where one is no Detector."""
    found = list(shipped())
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        made = point.load()()
        if not isinstance(made, Detector):
            raise TypeError(f"entry point {point.name} ({point.value}) does not make a Detector")
        found.append(made)
    return tuple(found)


def load(reference_path: str = "") -> Engine:
    """An engine of all detectors with the reference at a path, or with the one that ships."""
    return Engine(detectors(), reference.load(reference_path or SHIPPED))
