"""Weighted rules stay silent on a quiet client and speak where their words say so."""

from __future__ import annotations

import numpy as np

from bench.detection.baselines import rules
from detectors import event


def _events(count: int, gap: float) -> np.ndarray:
    events = event.zeros(count)
    events["at"] = 1_764_000_000.0 + np.arange(count) * gap
    events["in_tokens"] = np.arange(count) % 97 * 30
    events["user"] = 1
    return events


def test_a_quiet_client_meets_nothing() -> None:
    quiet = _events(40, 10_000.0)
    assert rules.advisory(quiet, np.array([40])).tolist() == [0.0]
    assert rules.glasswally(quiet, np.array([40]))[0] == 0.0


def test_a_loud_one_meets_the_indicators_by_name() -> None:
    loud = _events(2_000, 60.0)
    loud["user"] = 0
    loud["network"] = np.arange(2_000) % 40
    loud["elicitation"] = 1
    assert rules.advisory(loud, np.array([50, 2_000])).tolist() == [2.0, 5.0]


def test_a_fast_regular_client_that_asks_for_reasoning_reaches_the_first_tier() -> None:
    fast = _events(400, 10.0)
    fast["elicitation"] = 1
    fast["in_tokens"] = 500
    assert rules.glasswally(fast, np.array([400]))[0] >= rules.GLASSWALLY


def test_the_score_of_rules_never_falls() -> None:
    events = _events(300, 5.0)
    events["elicitation"][:100] = 1
    scores = rules.glasswally(events, np.array([100, 200, 300]))
    assert (np.diff(scores) >= 0).all()
