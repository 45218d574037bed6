"""Which of a client's requests are kept apart, and what its record remembers of its parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import parts
from detectors.batch import Batch
from detectors.engine import WINDOW, window_of
from detectors.event import Flag

WARM = {"temperature": 0.7, "flags": int(Flag.SYSTEM | Flag.STREAM)}
BARE = {"temperature": 1.0}


def routed(events: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The parts of the events, in their order, and the clients' records."""
    batch = Batch(events)
    rows = np.zeros(len(batch.clients), parts.state) if rows is None else rows
    place = np.zeros(len(events), np.uint8)
    place[batch.order] = parts.route(rows, batch, window_of(batch.spread(batch.clients), batch["at"]))
    return place, rows


def mixture(traffic, count: int, every: int, client: int = 2) -> np.ndarray:
    """One request in `every` is bare, the others have a system prompt and are streamed."""
    events = traffic(client, count, **WARM)
    bare = traffic(client, count, seed=2, **BARE)
    chosen = np.arange(count) % every == 0
    events[chosen] = bare[chosen]
    return events


def test_one_manner_is_nothing_apart(traffic) -> None:
    place, rows = routed(traffic(1, 300, **WARM))
    assert not place.any()
    assert rows["seen"].tolist() == [300]
    assert rows["counts"].sum() == 300


def test_a_second_manner_is_kept_apart_and_what_mostly_comes_is_not(traffic) -> None:
    events = mixture(traffic, 400, 5)
    place, rows = routed(events)
    bare = np.isnan(events["temperature"]) | (events["temperature"] == 1.0)
    assert not place[~bare].any()
    assert not place[: parts.LEAST].any()
    begun = np.cumsum(bare) > parts.BEGUN
    late = np.arange(400) >= parts.LEAST
    assert (place[bare & begun & late] > 0).all()
    assert len(np.unique(place[place > 0])) == 1
    assert sorted(rows["counts"][0][rows["counts"][0] > 0].tolist()) == [80, 320]


@pytest.mark.parametrize(
    "other",
    [{"temperature": 0.2}, {"choices": 4}, {"top_logprobs": 5}, {"flags": int(Flag.TOOLS)}, {"flags": int(Flag.STREAM)},
     {"flags": int(Flag.SYSTEM)}, {"flags": int(Flag.SCHEMA)}, {"operation": 2}],
)  # fmt: skip
def test_each_setting_makes_a_manner(traffic, other) -> None:
    events = np.concatenate([traffic(1, 60), traffic(1, 20, start=1_764_000_100.0, **other)])
    assert (routed(events)[0][60 + parts.BEGUN :] > 0).all()


def test_a_conversation_goes_on_in_the_manner_that_it_began_in(traffic) -> None:
    events = traffic(1, 200, **WARM)
    events["flags"][1::2] |= int(Flag.MULTI_TURN)
    assert not routed(events)[0].any()


def test_two_clients_deal_the_same_manners_into_other_parts(traffic) -> None:
    places = {tuple(np.unique(routed(mixture(traffic, 200, 5, client))[0])) for client in range(1, 20)}
    assert len(places) > 5


def test_what_is_not_counted_is_not_dealt(traffic) -> None:
    events = mixture(traffic, 200, 5)
    events["status"][::5] = 500
    place, rows = routed(events)
    assert not place.any()
    assert rows["seen"].tolist() == [160]


def test_counts_begin_anew_with_a_window_and_late_events_do_not_count(traffic) -> None:
    events = mixture(traffic, 100, 5)
    _, rows = routed(events)
    later = events.copy()
    later["at"] += WINDOW
    place, rows = routed(later, rows)
    assert not place[: parts.LEAST].any()
    assert rows["seen"].tolist() == [100]
    place, rows = routed(events, rows)
    assert not place.any()
    assert rows["seen"].tolist() == [100]


def test_counts_end_at_the_largest_number(traffic) -> None:
    events = traffic(1, 10)
    rows = np.zeros(1, parts.state)
    rows["window"] = window_of(np.array([1], np.uint64), events["at"][:1])
    rows["counts"] = 65_530
    rows["seen"] = 1_000_000
    place, rows = routed(events, rows)
    assert rows["counts"].max() == 65_535
    assert (place > 0).tolist() == [True] * 5 + [False] * 5  # how large it is of the whole is not known any more


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.lists(st.integers(0, 299), max_size=6))
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_where_the_stream_is_cut(manners, cuts) -> None:
    from tests.detectors.conftest import _traffic

    events = _traffic(1, len(manners))
    events["temperature"] = np.array([0.0, 0.3, 0.7, 1.0], np.float32)[manners]
    events["client"] = 1 + np.array(manners) % 2
    whole, record = routed(events)
    pieces = [part for part in np.split(events, sorted(cut for cut in cuts if cut < len(events))) if len(part)]
    records = {client: np.zeros(1, parts.state) for client in (1, 2)}
    out = []
    for part in pieces:
        clients = np.unique(part["client"])
        held = np.concatenate([records[int(client)] for client in clients])
        out.append(routed(part, held)[0])
        records.update({int(client): held[at : at + 1] for at, client in enumerate(clients)})
    assert np.concatenate(out).tolist() == whole.tolist()
    assert np.concatenate([records[int(one)] for one in np.unique(events["client"])]).tobytes() == record.tobytes()


def kept(*known: tuple[int, int, float], look: int = 1) -> np.ndarray:
    rows = np.zeros(len(known), [("part", "u1"), ("level", "u1"), ("score", "<f4"), ("look", "u1")])
    rows["look"] = look
    for row, (part, level, score) in zip(rows, known, strict=True):
        row["part"], row["level"], row["score"] = part, level, score
    return rows


def standing(record: np.ndarray) -> tuple[int, int, float]:
    return int(record["part"][0]), int(record["level"][0]), float(record["score"][0])


def test_the_record_holds_the_part_that_is_highest() -> None:
    record = np.zeros(1, parts.state)
    owner = np.zeros(2, np.intp)
    parts.say(record, owner, kept((3, 0, 9.0), (5, 1, 4.0)))
    assert standing(record) == (5, 1, 4.0)
    parts.say(record, owner, kept((5, 1, 3.0), (3, 1, 6.0)))
    assert standing(record) == (3, 1, 6.0)
    parts.say(record, owner[:1], kept((5, 0, 1.0)))
    assert standing(record) == (3, 1, 6.0)
    parts.say(record, owner[:1], kept((3, 0, 1.0)))
    assert standing(record) == (3, 0, 1.0)


def test_what_a_part_was_at_in_an_earlier_window_raises_nobody() -> None:
    record = np.zeros(1, parts.state)
    parts.say(record, np.zeros(1, np.intp), kept((3, 2, 9.0), look=0))
    assert standing(record) == (0, 0, 0.0)
    record["part"], record["level"] = 3, 2
    parts.say(record, np.zeros(1, np.intp), kept((3, 2, 9.0), look=0))
    assert standing(record) == (3, 2, 9.0)  # where it stood until it is looked at anew
    parts.say(record, np.zeros(2, np.intp), np.concatenate([kept((3, 0, 1.0)), kept((5, 2, 9.0), look=0)]))
    assert standing(record) == (3, 0, 1.0)


def test_a_part_that_does_not_come_any_more_is_forgotten() -> None:
    record = np.zeros(3, parts.state)
    record["part"], record["level"], record["score"] = 2, 2, 8.0
    record["seen"] = [parts.FADES - 1, parts.FADES, parts.FADES]
    record["counts"][:, 1] = [0, parts.BEGUN - 1, parts.BEGUN]
    parts.fade(record)
    assert record["level"].tolist() == [2, 0, 2]
    assert record["part"].tolist() == [2, 0, 2]


@pytest.mark.parametrize(("came", "stays"), [(parts.LEAST + parts.BEGUN, True), (parts.LEAST + parts.BEGUN - 1, False)])
def test_a_part_that_came_to_no_look_in_a_whole_window_is_forgotten(traffic, came: int, stays: bool) -> None:
    events = traffic(1, 1)
    record = np.zeros(1, parts.state)
    record["window"] = window_of(events["client"], events["at"])[0]
    record["part"], record["level"], record["score"] = 2, 2, 8.0
    record["seen"], record["counts"][:, 1] = 150, came
    assert standing(routed(events, record)[1]) == (2, 2, 8.0)
    events["at"] += WINDOW
    assert standing(routed(events, record)[1]) == ((2, 2, 8.0) if stays else (0, 0, 0.0))


def test_a_client_stands_for_its_part_where_that_is_higher() -> None:
    record = np.zeros(4, parts.state)
    record["level"], record["score"] = [1, 1, 1, 0], [5.0, 5.0, 5.0, 9.0]
    level, score = np.array([0, 1, 2, 0], np.uint8), np.array([9.0, 6.0, 1.0, 1.0], np.float32)
    assert parts.said(record, level, score).tolist() == [True, False, False, False]


def test_a_jitter_of_the_temperature_leaves_a_manner_together(traffic) -> None:
    rng = np.random.default_rng(3)
    steady = mixture(traffic, 400, 5)
    jittered = steady.copy()
    jittered["temperature"] += rng.uniform(-3e-4, 3e-4, len(steady)).astype(np.float32)
    assert routed(jittered)[0].tolist() == routed(steady)[0].tolist()
