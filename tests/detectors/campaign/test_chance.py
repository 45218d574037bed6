"""Some clients against as many picked at random: by the standard error, corrected for a crowd of few."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import chance

NAN = float("nan")


def test_random_sets_of_a_small_crowd_come_to_nothing_on_average_and_spread_by_one() -> None:
    rng = np.random.default_rng(3)
    lead = np.append(rng.normal(-0.5, 1.0, 40), NAN)
    crowd = chance.crowd(lead)
    found = [chance.ahead(crowd, lead[rng.choice(40, 15, replace=False)]) for _ in range(2_000)]
    assert np.mean(found) == pytest.approx(0.0, abs=0.1)
    assert np.std(found) == pytest.approx(1.0, abs=0.05)


def test_those_who_lead_most_are_far_from_chance_and_who_was_not_told_does_not_count() -> None:
    lead = np.append(np.linspace(-2.0, 2.0, 40), NAN)
    assert chance.ahead(chance.crowd(lead), lead[-11:]) > 4.0
    assert chance.ahead(chance.crowd(lead), lead[-11:-1]) == chance.ahead(chance.crowd(lead), lead[-11:])


@pytest.mark.parametrize("lead", [[], [NAN, NAN], [1.0, 2.0], [1.0, 1.0]])
def test_where_nobody_else_is_there_nothing_is_said(lead: list[float]) -> None:
    everybody = np.array(lead)
    assert np.isnan(chance.ahead(chance.crowd(everybody), everybody))
