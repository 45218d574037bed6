"""The engine folds events into rows exactly, takes its looks in time, and says why."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from detectors import reference, registry
from detectors.base import Detector, Family, Level, Term
from detectors.batch import Batch
from detectors.checks import same, sample
from detectors.engine import FINDING, RISE, ROW_LIMIT, WINDOW, Engine
from detectors.event import Flag
from detectors.table import Table


def fold(engine: Engine, parts: list[np.ndarray]) -> tuple[Table, list[np.ndarray]]:
    table = Table(engine)
    return table, [table.step(part, float(part["at"].max())) for part in parts]


def said(told: list[np.ndarray]) -> np.ndarray:
    """All findings, each client's in the order in which they were told."""
    together = np.concatenate(told)
    return together[np.argsort(together["client"], kind="stable")]


def by_client(table: Table) -> np.ndarray:
    return np.sort(table.rows(), order="client")


def test_a_row_is_small_and_aligned(shipped_engine: Engine) -> None:
    assert shipped_engine.row.itemsize <= ROW_LIMIT == 4096
    assert shipped_engine.row.itemsize % 8 == 0
    assert {"client", "schema", "events", "first", "last"} <= set(shipped_engine.row.names)


def test_fresh_rows_carry_client_and_schema(shipped_engine: Engine) -> None:
    rows = shipped_engine.empty(np.array([3, 9], np.uint64))
    assert rows["client"].tolist() == [3, 9]
    assert (rows["schema"] == shipped_engine.schema).all()
    assert rows["events"].tolist() == [0, 0]


def test_failures_are_events_that_are_not_compared_and_retries_are(shipped_engine: Engine, traffic) -> None:
    events = traffic(7, 10)
    events["flags"][:3] = Flag.RETRY
    events["status"][3:5] = 500
    table, _ = fold(shipped_engine, [events])
    assert table[7]["events"] == 10
    assert table[7]["counted"] == 8
    assert table[7]["in_tokens"] == 400


def test_rows_must_be_those_of_the_events(shipped_engine: Engine, traffic) -> None:
    with pytest.raises(ValueError, match="sorted unique clients"):
        shipped_engine.step(shipped_engine.empty(np.array([1], np.uint64)), traffic(2, 3), 0.0)


def test_no_events_are_no_findings(shipped_engine: Engine, traffic) -> None:
    findings = shipped_engine.step(shipped_engine.empty(np.zeros(0, np.uint64)), traffic(1, 0), 0.0)
    assert findings.dtype == FINDING
    assert len(findings) == 0


@pytest.mark.parametrize("seed", range(3))
def test_any_split_of_the_stream_leaves_the_same_rows_and_findings(
    shipped_engine: Engine, traffic, harvest, seed
) -> None:
    events = np.concatenate([sample(seed), harvest(1, 230), traffic(2, 230, choices=3)])
    events = events[np.argsort(events["at"], kind="stable")]
    cuts = np.sort(np.random.default_rng(seed).choice(len(events), 12, replace=False))
    whole, told = fold(shipped_engine, [events])
    split, again = fold(shipped_engine, np.split(events, cuts))
    singly, once = fold(shipped_engine, np.array_split(events, len(events)))
    assert by_client(whole).tobytes() == by_client(split).tobytes() == by_client(singly).tobytes()
    found = said(told)
    wired = found["client"] > 2  # sampled ones touch tripwires, which are told of after the batch
    assert not wired[:2].any()
    for other in (said(again), said(once)):
        assert found[~wired].tobytes() == other[~wired].tobytes()
        for name in ("client", "level", "previous", "score"):
            assert found[name].tolist() == other[name].tolist(), name


def test_a_level_that_is_lost_again_within_a_batch_is_told(shipped_engine: Engine, traffic, harvest) -> None:
    events = np.concatenate([harvest(1, 100), traffic(1, 50, start=1_764_000_000.0 + WINDOW, seed=2)])
    table, told = fold(shipped_engine, [events])
    found = said(told)
    assert table[1]["level"] == Level.NONE
    assert (found["previous"][0], found["level"].max(), found["level"][-1]) == (Level.NONE, Level.REVIEW, Level.NONE)
    assert (found["previous"][1:] == found["level"][:-1]).all()
    assert found.tobytes() == said(fold(shipped_engine, np.array_split(events, 30))[1]).tobytes()


def test_a_finding_comes_with_the_row_as_it_stood(shipped_engine: Engine, harvest) -> None:
    events = harvest(1, 400)
    rows = shipped_engine.empty(np.array([1], np.uint64))
    findings, seen = shipped_engine.tell(rows, events, 0.0)
    first = int(findings["requests"][0])
    table, _ = fold(shipped_engine, [events[:first]])
    for name in set(shipped_engine.row.names) - {"activity", "parts"}:  # which are of the batch
        assert seen[name][0].tobytes() == table[1][name].tobytes(), name


def test_shuffled_and_late_events_leave_the_same_memory(shipped_engine: Engine) -> None:
    events = sample(11)
    shuffled = events[np.random.default_rng(0).permutation(len(events))]
    one, other = (by_client(fold(shipped_engine, parts)[0]) for parts in ([events], np.array_split(shuffled, 5)))
    when = {"level", "score", "told", "group", "look"}  # these were decided at looks, on what had come by then
    # What a window hands to the next is what had come by its end.
    when |= {one.name for one in shipped_engine.detectors if type(one).turn is not Detector.turn}
    for name in shipped_engine.row.names:
        assert name in when or same(one[name], other[name]), name


def test_rows_come_back_from_their_bytes(shipped_engine: Engine) -> None:
    table, _ = fold(shipped_engine, [sample(12)])
    back = np.frombuffer(table.rows().tobytes(), shipped_engine.row).copy()
    assert shipped_engine.summary(back).tobytes() == shipped_engine.summary(table.rows()).tobytes()
    assert shipped_engine.explain(back[0], 0.0) is not None


def test_explaining_changes_nothing(shipped_engine: Engine, harvest) -> None:
    table, _ = fold(shipped_engine, [harvest(1, 120)])
    before = table.rows().tobytes()
    shipped_engine.explain(table[1], 1.0)
    shipped_engine.activity(table[1])
    assert table.rows().tobytes() == before


def test_a_harvest_with_two_kinds_of_evidence_is_reviewed_within_a_hundred_requests(shipped_engine, harvest) -> None:
    _, told = fold(shipped_engine, np.array_split(harvest(1, 100), 20))
    findings = np.concatenate(told)
    reviewed = findings[findings["level"] == Level.REVIEW]
    assert len(reviewed) >= 1
    assert reviewed["requests"][0] in (25, 50, 100)
    assert reviewed["previous"][0] < Level.REVIEW


def test_one_kind_of_evidence_is_never_reviewed(shipped_engine: Engine, harvest) -> None:
    # Answers of ordinary length: long ones would be of another kind.
    content = harvest(1, 450, choices=1, top_logprobs=-1, flags=int(Flag.ELICIT_USER), out_chars=400)
    surface = harvest(2, 450, elicitation=0, flags=0)
    for name in ("head4", "tail6"):
        surface[name] = np.random.default_rng(1).integers(1, 2**63, 450)
    table, _ = fold(shipped_engine, np.array_split(np.concatenate([content, surface]), 30))
    assert max(int(table[client]["level"]) for client in (1, 2)) < Level.REVIEW


def test_plain_questions_are_no_finding_at_all(shipped_engine: Engine, traffic) -> None:
    table, told = fold(shipped_engine, np.array_split(traffic(1, 900), 9))
    assert sum(map(len, told)) == 0
    assert table[1]["level"] == Level.NONE


def test_conversations_are_cleared_by_counter_evidence_and_the_names_of_users_clear_nobody(
    shipped_engine: Engine, harvest
) -> None:
    flags = Flag.ELICIT_USER | Flag.MULTI_TURN | Flag.USER_ID | Flag.STREAM
    users = np.random.default_rng(1).integers(1, 90, 200)
    product = harvest(1, 200, flags=int(flags), user=users, top_logprobs=-1, choices=1)
    alone = harvest(2, 200, flags=int(Flag.ELICIT_USER), top_logprobs=-1, choices=1)
    table, _ = fold(shipped_engine, [product, alone])
    told, other = (shipped_engine.explain(table[client], 0.0) for client in (1, 2))
    assert other.level == Level.REVIEW
    assert told.level == Level.NONE
    assert told.score < 0.7 * other.score
    assert {"multi_turn", "streamed"} <= {term.feature for term in told.counter}
    assert "end_users" not in {term.feature for term in told.counter}
    assert all(term.share < 0 for term in told.counter)


def test_of_several_looks_in_one_batch_each_is_told_that_raises(shipped_engine: Engine, harvest) -> None:
    _, (findings,) = fold(shipped_engine, [harvest(1, 400)])
    assert findings["client"].tolist() == [1, 1]
    assert (findings["score"][1:] >= findings["score"][:-1] + RISE).all()
    assert findings["previous"][0] == Level.NONE
    assert findings["level"][0] == Level.REVIEW
    assert findings["requests"][0] <= 100  # where the level was reached, not where the batch ended
    assert findings["at"][0] < 1_764_000_000.0 + 100


def test_nothing_is_told_twice_of_a_client_that_goes_on_as_before(shipped_engine: Engine, harvest) -> None:
    _, told = fold(shipped_engine, np.array_split(harvest(1, 1_700), 17))
    assert sum(map(len, told)) <= 4


def test_before_the_first_look_nothing_is_compared(shipped_engine: Engine, harvest) -> None:
    table, _ = fold(shipped_engine, [harvest(1, 24)])
    told = shipped_engine.explain(table[1], 5.0)
    assert (told.look, told.score, told.level) == (0, 0.0, Level.NONE)
    assert all(one.p == 1.0 for one in told.evidence)
    assert "25" in told.cannot_tell


def test_rows_of_another_schema_start_anew_and_are_counted(traffic) -> None:
    engine = registry.load()
    rows = engine.empty(np.array([4], np.uint64))
    rows["events"], rows["schema"] = 99, engine.schema ^ 1
    engine.step(rows, traffic(4, 3), 0.0)
    assert rows["events"].tolist() == [3]
    assert engine.reset == 1


def test_a_new_version_of_a_detector_is_another_schema(shipped_engine: Engine) -> None:
    newer = list(registry.shipped())
    changed = type("Template", (type(newer[0]),), {"version": newer[0].version + 1})()
    engine = Engine([changed, *newer[1:]], shipped_engine.reference)
    assert engine.schema != shipped_engine.schema


def test_a_detector_that_the_reference_does_not_know_stays_silent(shipped_engine: Engine, harvest) -> None:
    newer = [
        type("Sampling", (type(one),), {"version": one.version + 1})() if one.name == "sampling" else one
        for one in registry.shipped()
        if one.family == "content" or one.name == "sampling"
    ]
    engine = Engine(newer, shipped_engine.reference)
    assert "sampling" in engine.judge.unknown
    table, _ = fold(engine, [harvest(1, 200)])
    told = engine.explain(table[1], 0.0)
    assert {one.detector: one.p for one in told.evidence}["sampling"] == 1.0
    assert told.level < Level.REVIEW


def test_a_new_window_starts_the_comparison_anew_and_keeps_the_level(shipped_engine: Engine, harvest, traffic) -> None:
    table, _ = fold(shipped_engine, [harvest(1, 100)])
    assert table[1]["level"] == Level.REVIEW
    table.step(traffic(1, 10, start=1_764_000_000.0 + WINDOW), 0.0)
    row = table[1]
    assert (row["events"], row["counted"], row["look"]) == (110, 10, 0)
    assert row["level"] == Level.REVIEW
    table.step(traffic(1, 40, start=1_764_000_000.0 + WINDOW + 10, seed=2), 0.0)
    assert table[1]["level"] == Level.NONE


def test_late_events_of_a_past_window_count_as_events_alone(shipped_engine: Engine, traffic) -> None:
    new, old = traffic(1, 20, start=1_764_000_000.0 + WINDOW), traffic(1, 30)
    orders = ([new, old], [old, new], [np.concatenate([old, new])])
    rows = [fold(shipped_engine, parts)[0][1] for parts in orders]
    assert {(int(row["events"]), int(row["counted"])) for row in rows} == {(50, 20)}
    assert len({row["template"].tobytes() for row in rows}) == 1


def test_a_summary_has_what_a_list_shows(shipped_engine: Engine, harvest, traffic) -> None:
    table, _ = fold(shipped_engine, [np.concatenate([harvest(1, 60), traffic(2, 5)])])
    summary = np.sort(shipped_engine.summary(table.rows()), order="client")
    assert summary["requests"].tolist() == [60, 5]
    assert summary["out_tokens"].tolist() == [12_000, 1_000]
    assert summary["last"].tolist() == [1_764_000_059.0, 1_764_000_004.0]
    assert summary["score"][0] > summary["score"][1] == 0.0


def test_an_explanation_is_complete_and_true(shipped_engine: Engine, harvest) -> None:
    table, _ = fold(shipped_engine, [harvest(1, 50)])
    told = shipped_engine.explain(table[1], 9.0)
    assert told.client == 1
    assert told.requests == 50
    assert told.look == 50
    assert told.score >= told.threshold > 0
    assert told.peer_group in shipped_engine.reference.groups
    assert told.sentence.startswith("It ")
    assert "ordinary clients of its kind" in told.sentence
    assert "100 %" in told.sentence
    for one in told.evidence:
        assert 0 < one.p <= 1
        assert abs(sum(term.share for term in one.terms) - one.raw) < 1e-3
        known = one.detector not in shipped_engine.judge.unknown
        assert any(np.isfinite(term.expected) for term in one.terms) == known
    assert dataclasses.asdict(told)["evidence"]


def test_what_is_said_of_a_later_week_is_of_that_week(shipped_engine: Engine, traffic) -> None:
    begun = traffic(1, 905, gap=60.0)
    later = traffic(1, 5, seed=2)
    later["at"] += 3 * WINDOW
    table, _ = fold(shipped_engine, [begun, later])
    told = shipped_engine.explain(table[1], 0.0)
    assert told.requests == 910
    assert "905" not in told.cannot_tell + told.sentence
    assert "910" not in told.cannot_tell + told.sentence
    assert "this week" in told.sentence
    more = traffic(1, 25, seed=3)
    more["at"] += 3 * WINDOW + 60.0
    table, _ = fold(shipped_engine, [begun, later, more])
    assert "Nothing in the 30 requests compared this week" in shipped_engine.explain(table[1], 0.0).sentence


def test_activity_shows_the_last_minutes_hours_and_models(shipped_engine: Engine, traffic) -> None:
    table, _ = fold(shipped_engine, [traffic(1, 120, gap=60.0, model=[1, 2] * 60)])
    activity = shipped_engine.activity(table[1])
    assert len(activity.minutes) == 60
    assert len(activity.hours) == 72
    assert sum(count for _, count in activity.minutes) == 60
    assert sum(count for _, count in activity.hours) == 120
    assert sorted(count for _, count in activity.models) == [60, 60]


def test_events_that_count_for_nothing_stand_between_looks_as_in_any_split(shipped_engine: Engine, harvest) -> None:
    events = harvest(1, 420)
    events["status"][np.random.default_rng(5).random(420) < 0.3] = 429
    singly, told = fold(shipped_engine, np.array_split(events, 420))
    whole, (findings,) = fold(shipped_engine, [events])
    assert whole.rows().tobytes() == singly.rows().tobytes()
    assert findings.tobytes() == np.concatenate(told).tobytes()


class Wire(Detector):
    """A tripwire that is touched by the second event with a misused signature."""

    name = "wire"
    version = 1
    family: ClassVar[Family] = "content"
    tripwire = True
    scale = "evidence"
    reads = ("foreign",)
    horizons = ()
    state = np.dtype([("n", "<u4")])

    def update(self, rows: np.ndarray, batch: Batch) -> None:
        rows["n"] += batch.sum(batch["foreign"]).astype(np.uint32)

    def score(self, rows: np.ndarray, now: float) -> np.ndarray:
        return (rows["n"] / 2.0).astype(np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        nan = float("nan")
        return (Term("misused", float(row["n"]), "count", nan, nan, nan, float(row["n"]) / 2.0, "It is foreign."),)


@pytest.fixture(scope="module")
def wired(shipped_engine: Engine) -> Engine:
    return Engine([*registry.shipped(), Wire()], shipped_engine.reference)


def test_a_touched_tripwire_opens_a_review_at_once_and_says_so(wired: Engine, traffic) -> None:
    events = traffic(1, 6, foreign=[0, 1, 0, 0, 1, 0])
    table, told = fold(wired, np.array_split(events, 6))
    findings = np.concatenate(told)
    assert [(int(one["level"]), int(one["requests"])) for one in findings] == [(Level.REVIEW, 5)]
    assert findings["score"][0] >= wired.reference.review.max() + 2.9
    why = wired.explain(table[1], 0.0)
    assert why.level == Level.REVIEW
    assert why.score == pytest.approx(findings["score"][0])
    assert why.sentence.startswith("It is foreign: ")
    assert why.cannot_tell == ""


def test_a_review_by_tripwire_is_told_once_and_kept_at_the_looks(wired: Engine, traffic) -> None:
    events = traffic(1, 120, foreign=[1, 1] + [0] * 118)
    table, told = fold(wired, np.array_split(events, 60))
    assert sum(map(len, told)) == 1
    assert table[1]["level"] == Level.REVIEW
    whole, (findings,) = fold(wired, [events])
    assert whole.rows().tobytes() == table.rows().tobytes()
    assert findings["level"].tolist() == [Level.REVIEW]


def test_below_one_a_tripwire_is_evidence_like_any_other(wired: Engine, traffic) -> None:
    table, _ = fold(wired, [traffic(1, 60, foreign=[1] + [0] * 59)])
    assert table[1]["level"] < Level.REVIEW
    assert "reviewed at once" not in wired.explain(table[1], 0.0).sentence


def test_another_reference_can_be_taken_up_while_rows_live_on(wired: Engine, shipped_engine, harvest) -> None:
    engine = Engine(registry.shipped(), shipped_engine.reference)
    table, _ = fold(engine, [harvest(1, 120)])
    assert engine.explain(table[1], 0.0).score > 0
    engine.use(reference.empty())
    told = engine.explain(table[1], 0.0)
    assert told.score == 0.0
    assert told.peer_group == "all clients"
    assert set(engine.judge.unknown) == {one.name for one in engine.detectors}
    engine.use(shipped_engine.reference)
    assert engine.judge.unknown == shipped_engine.judge.unknown


def test_a_client_is_ranked_ahead_of_its_first_look_and_higher_with_more(
    shipped_engine: Engine, harvest, traffic
) -> None:
    table, _ = fold(shipped_engine, [np.concatenate([harvest(1, 10), harvest(2, 20), traffic(3, 20), harvest(4, 60)])])
    ranks = [shipped_engine.explain(table[client], 0.0).rank for client in (3, 1, 2, 4)]
    assert ranks == sorted(ranks)
    assert ranks[1] > ranks[0]


def test_what_clients_are_like_at_their_looks_is_counted(shipped_engine: Engine, traffic) -> None:
    engine = Engine(registry.shipped(), shipped_engine.reference)
    fold(engine, [np.concatenate([traffic(client, 30) for client in range(1, 6)])])
    assert engine.tally.groups.sum() == 5
    assert engine.tally.scores.sum() == 5


def test_the_level_that_the_reference_can_resolve_is_said(shipped_engine: Engine, harvest) -> None:
    table, _ = fold(shipped_engine, [np.concatenate([harvest(1, 10), harvest(2, 60)])])
    assert np.isnan(shipped_engine.explain(table[1], 0.0).resolvable)
    told = shipped_engine.explain(table[2], 0.0)
    assert told.resolvable == pytest.approx(1.0 / (1.0 + shipped_engine.reference.sizes[0, -1, 1]))
