"""A pace that moves: refused in its work and silent, and another goes on; not retries, routers or common beginnings."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.paces import Paces
from detectors.campaign.tells import Kind, tells
from detectors.event import zeros
from detectors.exchange import Operation

START = 1_764_100_200.0


def sent(client: int, times: list[float], status: int = 200, **more: object) -> np.ndarray:
    events = zeros(len(times))
    events["client"], events["operation"], events["status"] = client, Operation.CHAT, status
    events["at"] = START + np.array(times)
    events["network"], events["tail6"] = client, 77
    events["body"] = client * 1_000_000 + np.array(times) * 10.0
    for name, value in more.items():
        events[name] = value
    return events


def worked(refused: int = 429, **more: object) -> list[np.ndarray]:
    """Client 1 works for half a minute and is refused at its end."""
    return [sent(1, [0.0, 10.0, 20.0, 30.0], **more), sent(1, [32.0], refused, **more)]


def told(*parts: np.ndarray, size: int = 100) -> list[tuple[Kind, int, int]]:
    """Kind, client and count of each tell, of events in order of time, so many at once."""
    events = np.concatenate(parts)
    events = events[np.argsort(events["at"], kind="stable")]
    graph, paces, rows = Graph(Bounds(singles=1 << 8, recurring=1 << 8)), Paces(), []
    for start in range(0, len(events), size):
        graph.add(tells(events[start : start + size]))
        rows.append(paces.follow(graph, events[start : start + size]))
    rows.append(paces.settle(graph, START + 9_000.0))
    found = np.concatenate(rows)
    assert paces.times(graph)[:1].sum() == found["n"][found["client"] == 1].sum()
    counts: Counter[tuple[Kind, int]] = Counter()
    for one in found:
        counts[Kind(int(one["kind"])), int(one["client"])] += int(one["n"])
    return sorted((*key, count) for key, count in counts.items())


@pytest.mark.parametrize("status", [429, 403])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_who_begins_within_ten_seconds_follows(status: int, size: int) -> None:
    found = told(*worked(status), sent(2, [36.0, 46.0, 56.0]), size=size)
    assert found == [(Kind.FOLLOWED, 1, 1), (Kind.FOLLOWED, 2, 1)]


def test_who_begins_later_in_the_minute_is_what_chance_gives() -> None:
    found = told(*worked(), sent(2, [62.0]), sent(3, [47.0]), sent(4, [99.0]))
    assert found == [(Kind.BESIDE, 1, 1), (Kind.BESIDE, 2, 1)]


def test_each_refusal_counts() -> None:
    parts = [*worked(), sent(2, [36.0])]
    for part in [one.copy() for one in parts]:
        part["at"] += 900.0
        parts.append(part)
    assert told(*parts) == [(Kind.FOLLOWED, 1, 2), (Kind.FOLLOWED, 2, 2)]


OTHER = sent(2, [36.0])


@pytest.mark.parametrize(
    "parts",
    [
        [*worked(500), OTHER],
        [*worked(), sent(1, [41.0]), OTHER],
        [*worked(), sent(2, [36.0], 429)],
        [*worked(), sent(2, [36.0], network=1)],
        [*worked(), sent(2, [36.0], tail6=78)],
        [*worked(), sent(2, [36.0], temperature=0.3)],
        [*worked(), sent(2, [0.0, 12.0, 24.0, 36.0])],
        [sent(1, [0.0, 4.0]), sent(1, [5.0], 429), sent(2, [9.0])],
        [sent(1, [0.0, 30.0]), sent(1, [200.0], 429), sent(2, [204.0])],
        [sent(1, [0.0, 30.0]), sent(1, [32.0], 429, body=5), sent(2, [36.0], body=5)],
    ],
    ids=["a fault", "tried again", "refused too", "one network", "other words", "other parameters", "busy before",
         "begun together", "after a pause", "the same body"],
)  # fmt: skip
def test_what_no_pace_takes_over(parts: list[np.ndarray]) -> None:
    assert told(*parts) == []


def test_a_client_that_was_served_again_and_refused_again_is_watched_anew() -> None:
    assert told(*worked(), sent(1, [41.0]), sent(1, [45.0], 429), sent(2, [50.0])) == [
        (Kind.FOLLOWED, 1, 1), (Kind.FOLLOWED, 2, 1),
    ]  # fmt: skip
