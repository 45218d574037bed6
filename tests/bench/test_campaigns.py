"""The crowd is made as described, and its planted campaigns are found."""

from __future__ import annotations

import numpy as np

from bench.campaigns import __main__ as scale
from bench.campaigns import crowd


def test_planted_campaigns_do_not_overlap() -> None:
    made = crowd.planted(10_000, np.random.default_rng(1))
    every = np.concatenate([one.accounts for one in made])
    assert len(np.unique(every)) == len(every)
    assert [len(one.accounts) for one in made[:3]] == [250, 35, 25]


def test_planted_campaigns_are_found_and_stay_after_an_update() -> None:
    told = scale.measure(4_000)
    assert told["accounts"] == 4_000
    assert told["tokens"] > 40_000
    assert np.mean([share for _, share, _ in told["found"]]) > 0.9
    assert np.mean([share for _, share, _ in told["kept"]]) > 0.9
    page = scale.page([told])
    assert "| 4,000 |" in page
