"""A refused body that another client sends within seconds ties the two; other repeats do not."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import moves
from detectors.campaign.moves import Refused
from detectors.campaign.tells import Kind
from detectors.event import zeros


def pair(gap: float, first: int = 1, second: int = 2, status: int = 429) -> np.ndarray:
    events = zeros(2)
    events["client"], events["body"], events["status"] = [first, second], 5, [status, 200]
    events["at"] = [1_000.0, 1_000.0 + gap]
    return events


@pytest.mark.parametrize("status", [429, 403])
def test_both_clients_get_the_same_token(status: int) -> None:
    rows = Refused().follow(pair(3.0, status=status))
    assert rows["client"].tolist() == [1, 2]
    assert len(set(rows["token"].tolist())) == 1
    assert (rows["kind"] == Kind.MOVED).all()


def test_the_retry_may_come_in_a_later_batch_and_counts_each_time() -> None:
    table = Refused()
    for turn in range(3):
        events = pair(2.0)
        events["body"] += turn
        events["at"] += turn * 100.0
        table.follow(events[:1])
        assert table.follow(events[1:])["n"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "events", [pair(30.0), pair(-3.0), pair(3.0, second=1), pair(3.0, status=200), pair(3.0, status=500)]
)
def test_late_earlier_own_and_answered_ones_do_not_count(events: np.ndarray) -> None:
    assert len(Refused().follow(events)) == 0


def test_indicated_clients_get_a_token_in_common() -> None:
    events = pair(1.0)
    rows = moves.indicated(events, np.array([True, True]))
    assert rows["client"].tolist() == [1, 2]
    assert rows["token"][0] == rows["token"][1]
