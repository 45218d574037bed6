"""Sifting: each kind of event is found as its definition says, and none other."""

from __future__ import annotations

import numpy as np

from app.worker.sift import LEAST_CHARS, sift
from detectors.event import zeros


def test_every_kind_is_found_as_it_is_defined() -> None:
    rng = np.random.default_rng(3)
    events = zeros(2_000)
    events["at"] = rng.random(2_000) * 1e9
    events["body"], events["issued"], events["presented"] = rng.integers(0, 2, (3, 2_000))
    events["in_chars"] = rng.integers(LEAST_CHARS - 2, LEAST_CHARS + 2, 2_000)
    events["status"] = rng.choice([0, 200, 403, 428, 429, 500], 2_000)
    events["answer_gist"][:, 2:5] = rng.integers(0, 2, (2_000, 3))
    found = sift(events)
    telling = (events["body"] != 0) & (events["in_chars"] >= LEAST_CHARS)
    refused = np.isin(events["status"], [403, 429])
    assert found.asked.tolist() == np.flatnonzero(telling & ~refused).tolist()
    assert found.refused.tolist() == np.flatnonzero(telling & refused).tolist()
    assert found.signed.tolist() == np.flatnonzero(events["issued"]).tolist()
    assert found.shown.tolist() == np.flatnonzero(events["presented"]).tolist()
    assert found.answered.tolist() == np.flatnonzero(events["answer_gist"][:, 3]).tolist()
    assert (found.first, found.last) == (events["at"][found.asked].min(), events["at"][found.asked].max())


def test_of_no_event_there_is_nothing_to_find() -> None:
    found = sift(zeros(0))
    assert [len(kind) for kind in found[:5]] == [0] * 5
    assert found.first > found.last
