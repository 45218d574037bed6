"""Headings of measured numbers are words that a reviewer knows, and none is for a number that nobody measures."""

from __future__ import annotations

import numpy as np
import pytest

from app.console import labels
from detectors import registry


@pytest.fixture(scope="module")
def measured() -> set[str]:
    return {
        term.feature
        for detector in registry.shipped()
        for term in detector.explain(np.zeros(1, detector.state)[0], 0.0)
    }


def test_a_number_with_a_name_of_its_own_is_told_by_it() -> None:
    assert labels.label("hours_to_full") == "time to full speed"


def test_any_other_is_told_by_its_name_in_words() -> None:
    assert labels.label("several_samples") == "several samples"


def test_every_heading_belongs_to_a_number_that_is_measured(measured) -> None:
    assert set(labels.LABELS) <= measured


def test_no_two_numbers_have_the_same_heading(measured) -> None:
    told = [labels.label(feature) for feature in sorted(measured)]
    assert len(set(told)) == len(told)
