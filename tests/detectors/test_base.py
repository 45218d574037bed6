"""The contract refuses a detector that leaves something out."""

import pytest

from detectors.base import Detector, Level


def test_a_detector_without_its_methods_cannot_be_made():
    class Half(Detector):
        name = "half"

        def update(self, rows, batch):
            pass

    with pytest.raises(TypeError, match="explain"):
        Half()


def test_levels_are_ordered():
    assert Level.NONE < Level.WATCH < Level.REVIEW
