"""A mixed client is told of for the part of its traffic that harvests, and once."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import mixed, parts
from detectors.base import Level
from detectors.engine import WINDOW, Engine, window_of
from detectors.event import Flag
from detectors.table import Table

CHAT = {"temperature": 0.3, "out_chars": 300, "user": 9, "flags": int(Flag.SYSTEM | Flag.STREAM | Flag.USER_ID)}


def hidden(traffic, harvest, client: int = 1, count: int = 400, every: int = 8) -> np.ndarray:
    """One request in `every` harvests, between repeated ones of a chat product."""
    rng = np.random.default_rng(client)
    events = traffic(client, count, **CHAT)
    events["payload"] = events["body"] = rng.integers(1, 12, count)
    chosen = np.arange(count) % every == 0
    # What is weighed by its number would show in the whole as well: log probabilities, reasoning asked for.
    plain = {"top_logprobs": -1, "choices": 2, "elicitation": 0, "flags": 0}
    events[chosen] = harvest(client, count, seed=3, **plain)[chosen]
    return events


def run(engine: Engine, events: np.ndarray, pieces: int = 1) -> tuple[Table, np.ndarray]:
    table = Table(engine)
    return table, np.concatenate([table.step(part, 0.0) for part in np.array_split(events, pieces)])


def test_an_ordinary_mixture_and_a_single_program_are_as_before(shipped_engine: Engine, traffic, harvest) -> None:
    pure = harvest(7, 200)
    table, findings = run(shipped_engine, pure)
    rows = shipped_engine.empty(np.array([7], np.uint64))
    assert findings.tobytes() == shipped_engine.step(rows, pure, 0.0).tobytes()
    assert not len(table.parts())
    assert table.explain(7, 0.0).part_requests == 0


def test_the_harvesting_part_of_a_mixed_client_raises_it(shipped_engine: Engine, traffic, harvest) -> None:
    events = hidden(traffic, harvest)
    table, findings = run(shipped_engine, events)
    row = table[1]
    assert row["level"] < row["parts"]["level"]
    assert findings["client"].tolist() == [1]
    assert findings["level"][-1] == row["parts"]["level"] >= Level.WATCH
    assert findings["score"][-1] == row["parts"]["score"]
    told = table.explain(1, 0.0)
    assert told.client == 1
    assert told.level == row["parts"]["level"]
    assert told.requests == 400
    assert 40 <= told.part_requests <= 50
    assert told.sentence.startswith(f"In a part of its traffic, {told.part_requests} of 400 answered requests")
    summary = shipped_engine.summary(table.rows())
    assert summary["level"].tolist() == [row["parts"]["level"]]
    assert summary["score"].tolist() == [row["parts"]["score"]]


@pytest.mark.parametrize("pieces", [2, 7, 400])
def test_where_the_stream_is_cut_changes_nothing(shipped_engine: Engine, traffic, harvest, pieces: int) -> None:
    events = np.concatenate([hidden(traffic, harvest, client, every=every) for client, every in ((1, 8), (2, 9))])
    events = events[np.argsort(events["at"], kind="stable")]
    whole, found = run(shipped_engine, events)
    split, again = run(shipped_engine, events, pieces)
    assert np.sort(whole.parts(), order="client").tobytes() == np.sort(split.parts(), order="client").tobytes()
    assert np.sort(whole.rows(), order="client").tobytes() == np.sort(split.rows(), order="client").tobytes()
    assert len(found) > 1
    assert found.tobytes() == again[np.argsort(again["client"], kind="stable")].tobytes()


def stepped(engine: Engine, traffic, harvest, batches: int) -> tuple[list[np.void], list[str]]:
    """What is told of a client whose harvesting part and whole go up and down in turn, and how it is explained."""
    calm = traffic(1, 400, **CHAT)
    calm["payload"] = calm["body"] = np.arange(400) % 12 + 1
    events = np.concatenate([hidden(traffic, harvest), calm, harvest(1, 600, seed=5)])
    events["at"] = 1_764_000_000.0 + np.repeat([0.0, 8.0, 15.0], [400, 400, 600]) * 86_400.0 + np.arange(1_400)
    rows, shelf, findings, said = engine.empty(np.array([1], np.uint64)), {}, [], []

    def load(numbers: np.ndarray) -> np.ndarray:
        return np.concatenate([shelf.get(number, engine.empty(numbers[:1] * 0 + number)) for number in numbers])

    for some in np.array_split(events, batches):
        found = mixed.step(engine, rows, some, 0.0, load)
        shelf |= {number: found.rows[[place]] for place, number in enumerate(found.rows["client"])}
        for finding, row, part in zip(found.findings, found.seen, found.because, strict=True):
            apart = found.apart[part] if part >= 0 else None
            findings.append(finding)
            said.append(mixed.explain(engine, row, apart, 0.0, int(finding["level"])).sentence)
    return findings, said


@pytest.mark.parametrize("batches", [1, 5])
def test_what_is_told_of_a_part_that_rose_and_was_left_depends_on_no_batch(
    shipped_engine: Engine, traffic, harvest, batches: int
) -> None:
    one, why = stepped(shipped_engine, traffic, harvest, batches)
    other, because = stepped(shipped_engine, traffic, harvest, 1_400)
    levels = [(int(finding["previous"]), int(finding["level"])) for finding in one]
    assert levels[0] == (Level.NONE, Level.REVIEW)
    assert levels == [(int(finding["previous"]), int(finding["level"])) for finding in other]
    assert why == because


def test_the_finding_says_how_many_requests_the_client_had_sent(shipped_engine: Engine, traffic, harvest) -> None:
    events = hidden(traffic, harvest)
    _, findings = run(shipped_engine, events, 400)
    first = findings[0]
    assert first["requests"] == int((events["at"] <= first["at"]).sum())
    _, at_once = run(shipped_engine, events)
    assert int(at_once[0]["requests"]) <= 400
    assert at_once[0]["requests"] == int((events["at"] <= at_once[0]["at"]).sum())


def test_levels_of_the_whole_under_that_of_a_part_are_not_told(shipped_engine: Engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    row = table[1]
    standing = int(row["parts"]["level"])
    later = hidden(traffic, harvest, count=200)
    later["at"] += 500.0
    for finding in table.step(later, 0.0):
        assert finding["previous"] == standing or finding["level"] != finding["previous"]
        assert finding["level"] >= table[1]["level"]


def test_a_part_that_does_not_come_any_more_lets_its_client_go(shipped_engine: Engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    later = traffic(1, 400, **CHAT)
    later["payload"] = later["body"] = np.arange(400) % 12 + 1
    later["at"] += 8 * 86_400.0
    findings = table.step(later, 0.0)
    assert table[1]["parts"]["level"] == 0
    assert findings["level"].tolist() == [table[1]["level"]]
    assert findings["previous"][0] > findings["level"][0]
    assert table.explain(1, 0.0).part_requests == 0


@pytest.mark.parametrize("every", [8, 12, 40])
def test_who_goes_on_in_the_next_window_is_not_told_of_again(shipped_engine: Engine, traffic, harvest, every: int):
    table, first = run(shipped_engine, hidden(traffic, harvest))
    assert first["level"].tolist() == [Level.REVIEW]
    later = hidden(traffic, harvest, count=600, every=every)
    later["at"] += 8 * 86_400.0
    told = [table.step(some, 0.0) for some in np.array_split(later, 60)]
    assert not len(np.concatenate(told))
    assert shipped_engine.summary(table.rows())["level"].tolist() == [Level.REVIEW]


def test_single_requests_of_a_part_that_was_let_go_raise_nobody(shipped_engine: Engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    later = hidden(traffic, harvest, count=900, every=90)
    later["at"] += 8 * 86_400.0
    told = np.concatenate([table.step(some, 0.0) for some in np.array_split(later, 90)])
    assert told["previous"].tolist()[0] == Level.REVIEW
    assert (told["level"] < told["previous"]).all()


def test_a_client_of_few_requests_does_not_stand_for_a_part_for_ever(shipped_engine: Engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    later = traffic(1, 100, **CHAT)
    later["payload"] = later["body"] = np.arange(100) % 12 + 1
    told = []
    for _ in range(2):
        later["at"] += WINDOW
        told.append(table.step(later, 0.0))
    assert [len(one) for one in told] == [0, 1]
    assert told[1]["previous"][0] == Level.REVIEW > told[1]["level"][0]
    assert table[1]["parts"]["part"] == 0


def test_late_events_of_a_part_are_told_as_what_was_found_last(shipped_engine: Engine, traffic, harvest) -> None:
    events = hidden(traffic, harvest)
    late = np.arange(400) % 8 == 0
    table, _ = run(shipped_engine, events[~late])
    last, known = float(table[1]["last"]), int(table[1]["events"])
    (finding,) = table.step(events[late], 0.0)
    assert finding["level"] == Level.REVIEW
    assert finding["at"] >= last  # an older one is taken for one that is recorded already
    assert finding["requests"] > known


def test_a_part_that_its_client_comes_back_to_is_what_the_finding_is_about(shipped_engine, traffic, harvest) -> None:
    events = hidden(traffic, harvest)
    table, _ = run(shipped_engine, events)
    rows, kept = table.rows().copy(), table.parts().copy()
    rows["parts"]["level"] = 0  # as when another part of it was higher, and is not any more
    events["at"] += 400.0
    stepped = mixed.step(shipped_engine, rows, events[:9], 0.0, lambda numbers: kept)
    assert stepped.findings["level"].tolist() == [Level.REVIEW]
    assert stepped.findings["score"].tolist() == kept["score"].tolist()
    assert stepped.because.tolist() == [0]


def test_what_is_told_of_the_whole_has_its_own_score(shipped_engine: Engine, harvest) -> None:
    rows = shipped_engine.empty(np.array([1], np.uint64))
    events = harvest(1, 60)
    rows["parts"]["window"] = window_of(events["client"], events["at"])[0]
    rows["parts"]["part"], rows["parts"]["level"], rows["parts"]["score"] = 3, Level.REVIEW, 90.0
    stepped = mixed.step(shipped_engine, rows, events, 0.0, shipped_engine.empty)
    assert mixed.chief(rows[0])
    assert set(stepped.findings["level"].tolist()) == set(rows["level"].tolist()) == {Level.REVIEW}
    assert stepped.findings["score"].tolist() == stepped.seen["score"].tolist()
    assert stepped.findings["score"][-1] == rows["score"][0]
    assert set(stepped.because.tolist()) == {-1}


def test_a_part_of_an_earlier_window_is_not_told_as_a_share_of_this_one(shipped_engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    size = table.explain(1, 0.0).part_requests
    table.step(traffic(1, 3, start=1_764_000_000.0 + 8 * 86_400.0, **CHAT), 0.0)
    assert table.explain(1, 0.0).sentence.startswith(f"In a part of its traffic, {size} answered requests that are")


def test_a_client_stands_where_it_does_though_its_part_s_row_is_gone(shipped_engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    assert table[1]["level"] < Level.REVIEW
    assert mixed.explain(shipped_engine, table[1], None, 0.0).level is Level.REVIEW


def test_numbers_of_parts_are_apart_from_each_other_and_from_clients() -> None:
    clients = np.arange(1, 2_001, dtype=np.uint64)
    numbers = [mixed.ids(clients, np.array([part])) for part in range(1, parts.COUNT + 1)]
    assert len(np.unique(np.concatenate([clients, *numbers]))) == 2_000 * 17


def test_a_part_s_windows_are_those_of_its_client() -> None:
    rng = np.random.default_rng(1)
    clients = np.append(rng.integers(0, 2**64, 2_000, np.uint64), np.array([1, 2**64 - 1], np.uint64))
    at = rng.uniform(1.7e9, 1.8e9, len(clients))
    for part in range(1, parts.COUNT + 1):
        numbers = mixed.ids(clients, np.array([part]))
        assert window_of(numbers, at).tolist() == window_of(clients, at).tolist()


def test_no_more_parts_than_can_be_held_are_stepped(shipped_engine: Engine, traffic, harvest, monkeypatch) -> None:
    monkeypatch.setattr(mixed, "MOST", 1)
    events = np.concatenate([hidden(traffic, harvest, client) for client in (1, 2, 3)])
    rows = shipped_engine.empty(np.array([1, 2, 3], np.uint64))
    stepped = mixed.step(shipped_engine, rows, events, 0.0, shipped_engine.empty)
    assert len(stepped.rows) == 1
    assert stepped.left_out == 2
    assert rows["events"].tolist() == [400, 400, 400]


def test_no_events_are_no_findings(shipped_engine: Engine, traffic) -> None:
    stepped = mixed.step(shipped_engine, shipped_engine.empty(np.zeros(0, np.uint64)), traffic(1, 0), 0.0, None)
    assert len(stepped.findings) == len(stepped.rows) == 0


def test_a_part_is_marked_down_and_raised_by_no_family_alone(shipped_engine: Engine, traffic, harvest) -> None:
    table, _ = run(shipped_engine, hidden(traffic, harvest))
    part = table.parts()[:1].copy()
    apart = shipped_engine.judge.judge(part, 0.0).fused
    part["part"] = 0
    alone = shipped_engine.judge.judge(part, 0.0).fused
    assert float(alone.score[0] - apart.score[0]) == pytest.approx(parts.MARGIN)
    assert not apart.beyond.any()
    assert not apart.tripped.any()
