"""Every reading is in every place that shows readings."""

from __future__ import annotations

from app.gateway.metrics import LABELLED, PLAIN


def test_every_reading_has_a_meaning_and_the_other_way_round(gateway):
    readings = gateway.parts.readings
    assert readings.plain().keys() == PLAIN.keys()
    assert readings.labelled().keys() == LABELLED.keys()
    labelled = sum(len(values) for values in readings.labelled().values())
    assert len(readings.flat()) == 1 + len(PLAIN) + labelled
