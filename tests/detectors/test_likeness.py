"""The numbers of the joint score: named in order, taken from every detector, and looked up by name."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import likeness, profile, registry
from detectors.checks import sample
from detectors.engine import Engine
from detectors.reference import empty


def test_every_number_has_its_name_and_its_place():
    engine = Engine(registry.shipped(), empty())
    events = sample(3)
    rows = engine.empty(np.unique(events["client"]))
    engine.step(rows, events, 0.0)
    scores = np.column_stack([one.score(rows[one.name], 0.0) for one in engine.detectors])
    names, found = likeness.names(engine.detectors), likeness.numbers(engine.detectors, rows, scores)
    assert found.shape == (len(rows), len(names))
    assert len(set(names)) == len(names)
    by_name = dict(zip(names, found.T, strict=True))
    np.testing.assert_array_equal(by_name["profile.multi_turn_share"], profile.features(rows["profile"])[:, 0])
    for place, one in enumerate(engine.detectors):
        if one.measures:
            np.testing.assert_allclose(by_name[f"{one.name}.score"], scores[:, place])
            np.testing.assert_array_equal(by_name[f"{one.name}.{one.measures[-1]}"], one.measure(rows[one.name])[:, -1])


def test_a_number_that_nobody_measures_is_named():
    known = likeness.names(registry.shipped())
    assert [known[place] for place in likeness.chosen(known[3:6], known)] == list(known[3:6])
    with pytest.raises(ValueError, match=r"moon\.phase"):
        likeness.chosen(["moon.phase"], known)
