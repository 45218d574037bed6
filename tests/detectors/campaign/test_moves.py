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


def one(client: int, at: float, status: int = 200, body: int = 5) -> np.ndarray:
    events = zeros(1)
    events["client"], events["body"], events["status"], events["at"] = client, body, status, at
    return events


@pytest.mark.parametrize("before", [2, 3])
def test_what_the_second_client_or_a_third_sent_before_did_not_move(before: int) -> None:
    table = Refused()
    table.follow(one(before, 400.0))
    table.follow(one(1, 1_000.0, 429))
    assert len(table.follow(one(2, 1_003.0))) == 0
    table.follow(one(1, 1_005.0, 429, body=6))
    assert len(table.follow(one(2, 1_008.0, body=6))) == 2  # another one did


def test_what_several_send_at_once_is_nobodys() -> None:
    table = Refused()
    table.follow(np.concatenate([one(client, 400.0 + client) for client in (7, 8)]))
    table.follow(one(8, 1_000.0, 429))
    assert len(table.follow(one(9, 1_001.0))) == 0


def test_what_the_refused_client_itself_sent_before_moves_all_the_same() -> None:
    table = Refused()
    for at in (400.0, 500.0):
        table.follow(one(1, at))
    table.follow(one(1, 1_000.0, 429))
    assert len(table.follow(one(2, 1_003.0))) == 2


def test_a_body_that_is_refused_from_one_to_the_next_moves_each_time() -> None:
    table = Refused()
    table.follow(one(1, 1_000.0, 429))
    for turn, client in enumerate((2, 3, 4)):
        assert table.follow(one(client, 1_002.0 + turn, 429))["client"].tolist() == [client - 1, client]


def test_requests_without_a_body_say_nothing_of_one_another() -> None:
    table = Refused()
    table.follow(one(1, 1_000.0, 429, body=0))
    assert len(table.follow(one(2, 1_001.0, body=0))) == 0


def test_clients_that_match_one_imported_set_get_a_token_in_common() -> None:
    rows = moves.indicated(pair(1.0), np.array([7, 7]))
    assert rows["client"].tolist() == [1, 2]
    assert rows["token"][0] == rows["token"][1] != 0


def test_clients_that_match_different_sets_have_no_token_in_common() -> None:
    assert len(np.unique(moves.indicated(pair(1.0), np.array([7, 8]))["token"])) == 2
    assert (moves.indicated(pair(1.0), np.array([0, 1]))["token"] != 0).all()
    assert len(moves.indicated(pair(1.0)[:0], np.zeros(0, np.int64))) == 0
