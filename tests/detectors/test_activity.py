"""The rings keep the last 60 minutes and 72 hours, whatever the order of events."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import activity
from detectors.batch import Batch
from detectors.checks import sample
from detectors.event import zeros


def rows_after(*parts: list[float], models: list[int] | None = None) -> np.ndarray:
    rows = np.zeros(1, activity.state)
    for times in parts:
        events = zeros(len(times))
        events["client"], events["at"] = 1, times
        events["model"] = models if models else 9
        activity.update(rows, Batch(events))
    return rows


def counts(rows: np.ndarray) -> tuple[dict[float, int], dict[float, int]]:
    seen = activity.read(rows[0])
    return {at: n for at, n in seen.minutes if n}, {at: n for at, n in seen.hours if n}


def test_minutes_and_hours_are_counted_where_they_fell() -> None:
    minutes, hours = counts(rows_after([3600.0, 3605.0, 3661.0, 7205.0]))
    assert minutes == {3660.0: 1, 7200.0: 1}  # 3600 is one minute too far back
    assert hours == {3600.0: 3, 7200.0: 1}


def test_a_late_event_lands_in_its_minute_and_a_very_late_one_is_dropped() -> None:
    minutes, _ = counts(rows_after([6000.0], [5940.0], [100.0]))
    assert minutes == {5940.0: 1, 6000.0: 1}


def test_a_pause_longer_than_the_ring_empties_it() -> None:
    minutes, hours = counts(rows_after([60.0 * k for k in range(60)], [400_000.0]))
    assert minutes == {399_960.0: 1}
    assert hours == {399_600.0: 1}


@pytest.mark.parametrize("seed", range(4))
def test_the_rings_agree_with_a_plain_count_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = rng.random(300) * 9_000.0 + 1e6
    latest = times.max() // 60
    expected: dict[float, int] = {}
    for at in times:
        if at // 60 > latest - 60:
            expected[at // 60 * 60] = expected.get(at // 60 * 60, 0) + 1
    shuffled = [part.tolist() for part in np.array_split(rng.permutation(times), 7)]
    assert counts(rows_after(*shuffled))[0] == expected


def test_a_minute_saturates_and_does_not_wrap() -> None:
    rows = rows_after([7320.0] * 70_000, [7320.0])
    assert counts(rows)[0] == {7320.0: 65_535}
    assert counts(rows)[1] == {7200.0: 70_001}


def test_models_are_counted_by_hash_the_most_used_first() -> None:
    rows = rows_after([1.0, 2.0, 3.0], models=[111, 222, 222])
    assert activity.read(rows[0]).models == ((222, 2), (111, 1))


def test_a_client_never_seen_has_no_series() -> None:
    seen = activity.read(np.zeros(1, activity.state)[0])
    assert (seen.minutes, seen.hours, seen.models) == ((), (), ())


def test_times_before_the_epoch_and_beyond_all_minutes_land_in_the_first_and_the_last() -> None:
    assert rows_after([-5.0])["minutes"][0].tolist() == [1] + [0] * 59
    rows = rows_after([1e300])
    assert (rows["minute"][0], rows["minutes"].sum(), rows["hours"].sum()) == (2**31 - 1, 1, 1)


def test_several_clients_fill_their_own_rings() -> None:
    events = sample(5, clients=7, events=400)
    batch = Batch(events)
    rows = np.zeros(7, activity.state)
    activity.update(rows, batch)
    for row, client in zip(rows, batch.clients, strict=True):
        alone = np.zeros(1, activity.state)
        activity.update(alone, Batch(events[events["client"] == client]))
        assert row.tobytes() == alone.tobytes()


def test_any_order_of_events_leaves_the_same_rings() -> None:
    events = sample(3)
    rings = []
    for order in (np.argsort(events["at"]), np.random.default_rng(1).permutation(len(events))):
        batch = Batch(events[order])
        rows = np.zeros(len(batch.clients), activity.state)
        activity.update(rows, batch)
        rings.append(rows.tobytes())
    assert rings[0] == rings[1]


def test_merged_rings_are_those_of_one_client_with_all_events() -> None:
    events = sample(4, clients=9, events=900)
    events["at"][events["client"] == events["client"][0]] -= 5 * 3600.0
    rows, whole = np.zeros(9, activity.state), np.zeros(1, activity.state)
    activity.update(rows, Batch(events))
    events["client"] = 1
    activity.update(whole, Batch(events))
    assert activity.merge(rows).tobytes() == whole.tobytes()
    assert activity.merge(rows[:0]).tobytes() == bytes(activity.state.itemsize)
