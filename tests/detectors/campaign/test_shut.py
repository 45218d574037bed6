"""Refused for good: three stretches of 401 or 403 without an answer since; not a hiccup, a quota or a model."""

from __future__ import annotations

import io

import numpy as np
import pytest

from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.shut import TOLD, Shut
from detectors.campaign.tells import tells
from detectors.event import zeros
from detectors.exchange import Operation

START = 1_764_100_200.0
LATER = START + 12 * 3_600.0
SERVED, REFUSED = [k * 60.0 for k in range(6)], [1_800.0, 2_400.0, 3_000.0, 3_600.0]


def sent(answered=SERVED, refused=REFUSED, status: int = 403, client: int = 1, models=(7, 7)) -> np.ndarray:
    events = zeros(len(answered) + len(refused))
    events["client"], events["operation"] = client, Operation.CHAT
    events["at"] = START + np.array([*answered, *refused])
    events["status"] = [200] * len(answered) + [status] * len(refused)
    events["model"] = [models[0]] * len(answered) + [models[1]] * len(refused)
    return events


def held(*batches: np.ndarray) -> tuple[Graph, Shut]:
    graph, shut = Graph(Bounds(singles=1 << 8, recurring=1 << 8)), Shut()
    for events in batches:
        graph.add(tells(events))
        shut.observe(graph, events)
    return graph, shut


def since(*batches: np.ndarray, now: float = LATER) -> dict[int, float]:
    graph, shut = held(*batches)
    account, at = shut.since(now)
    return dict(zip(graph.clients.known()[account].tolist(), (at - START).tolist(), strict=True))


@pytest.mark.parametrize("status", [401, 403])
def test_a_ban_is_known_after_an_hour_from_its_first_refusal_on(status: int) -> None:
    assert since(sent(status=status)) == {1: 1_800.0}
    assert since(sent(status=status), now=START + 1_800.0 + TOLD - 1.0) == {}


@pytest.mark.parametrize(
    "events",
    [
        sent(status=429),
        sent(status=503),
        sent(refused=REFUSED[:2]),
        sent(refused=[1_800.0, 1_801.0, 1_802.0, 1_803.0]),
        sent(answered=SERVED[:4]),
        sent(answered=[*SERVED, 9_000.0]),
        sent(answered=[*SERVED, 2_500.0]),
        sent(models=(7, 8)),
    ],
    ids=["quota", "fault", "twice", "one moment", "hardly served", "answered again", "answered between", "one model"],
)
def test_what_is_no_ban(events: np.ndarray) -> None:
    assert since(events) == {}


def test_the_order_of_batches_and_of_events_does_not_matter() -> None:
    events = np.concatenate([sent(), sent(answered=[*SERVED, 9_000.0], client=2), sent(refused=REFUSED[:2], client=3)])
    rng = np.random.default_rng(1)
    for _ in range(20):
        mixed = events[rng.permutation(len(events))]
        assert since(*np.array_split(mixed, 5)).keys() == {1}
    assert since(*np.array_split(events[np.argsort(events["at"])], 5)) == {1: 1_800.0}


def test_an_answer_ends_it_and_a_later_run_begins_anew() -> None:
    more = sent(answered=[9_000.0], refused=[20_000.0 + 400.0 * k for k in range(3)])
    assert since(sent(), more) == {1: 20_000.0}


def test_it_outlives_a_restart_and_follows_new_numbers() -> None:
    graph, shut = held(sent(client=5), sent(client=6))
    file = io.BytesIO()
    np.savez(file, **shut.arrays(graph))
    file.seek(0)
    again = Shut()
    again.load_arrays(np.load(file))
    for one in (shut, again):
        one.renumber(np.array([-1, 0], np.int32))
        account, at = one.since(LATER)
        assert (account.tolist(), at.tolist()) == ([0], [START + 1_800.0])
