"""The explicit list of shipped detectors, and one entry-point group for others."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from detectors import reference
from detectors.authoring import Authoring
from detectors.base import Detector
from detectors.change import Change
from detectors.coverage import Coverage
from detectors.declared import Plans, read_plans, read_releases
from detectors.engine import Engine
from detectors.entitlement import Entitlement
from detectors.lists import Lists
from detectors.loop import Loop
from detectors.pivot import Pivot
from detectors.reasoning import Reasoning
from detectors.rhythm import Rhythm
from detectors.sampling import Sampling
from detectors.shape import Shape
from detectors.signature import Signature
from detectors.template import Template
from detectors.variants import Variants

ENTRY_POINTS = "stillwatch.detectors"
SHIPPED = Path(__file__).parent / "shipped" / "ordinary.npz"


def shipped(plans: str = "", releases: str = "") -> tuple[Detector, ...]:
    """The detectors that come with the product, in the order in which they are shown.

    `plans` and `releases` are files of what the operator declares (declared.py); raises OSError and ValueError.
    """
    entitlement = Entitlement(read_plans(plans) if plans else Plans())
    pivot = Pivot(read_releases(releases) if releases else ())
    return (
        Template(), Coverage(), Reasoning(), Loop(), Authoring(), Lists(), Sampling(), Shape(), Variants(), Rhythm(),
        entitlement, pivot, Change(), Signature(),
    )  # fmt: skip


def detectors(plans: str = "", releases: str = "") -> tuple[Detector, ...]:
    """The shipped detectors and those of installed packages; raises TypeError where one is no Detector."""
    found = list(shipped(plans, releases))
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        made = point.load()()
        if not isinstance(made, Detector):
            raise TypeError(f"entry point {point.name} ({point.value}) does not make a Detector")
        found.append(made)
    return tuple(found)


def load(reference_path: str = "", plans: str = "", releases: str = "") -> Engine:
    """An engine of all detectors with the reference at a path, or with the one that ships."""
    return Engine(detectors(plans, releases), reference.load(reference_path or SHIPPED))
