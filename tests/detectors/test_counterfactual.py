"""What a joint score rests on is named truly: put back to usual, the score is what is told of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import calibrate, counterfactual, likeness, registry
from detectors.base import Level
from detectors.counterfactual import ASPECTS, LEAST, ORDINARY, STEPS, steps
from detectors.engine import Engine
from detectors.reasoning import Reasoning
from detectors.table import Table

MEASURES = [number for held in ASPECTS.values() for number in held]
NAMES = (*MEASURES, *sorted({f"{one.split('.')[0]}.score" for one in MEASURES}))


def weighed(**weights: float):
    """A score that adds up weighed numbers; underscores for points."""
    weight = np.array([weights.get(name.replace(".", "_"), 0.0) for name in NAMES])
    return lambda numbers: numbers @ weight


def test_each_number_of_the_joint_score_is_of_one_aspect_and_an_explained_term(harvest) -> None:
    engine = registry.load()
    assert engine.judge.forest is not None
    read = [one for one in engine.judge.forest.names if not one.endswith(".score")]
    assert sorted(MEASURES) == sorted(read)
    table = Table(engine)
    table.step(harvest(1, 60), 0.0)
    evidence = engine.explain(table.rows()[0], 0.0).evidence
    terms = {f"{one.detector}.{term.feature}" for one in evidence for term in one.terms}
    assert set(read) <= terms


def test_the_aspect_that_carries_the_score_comes_first_with_its_weightiest_number() -> None:
    own = np.zeros(len(NAMES))
    for name, value in {"shape.answer_size": 4.0, "template.answer_taken": 2.0, "loop.graded_items": 5.0}.items():
        own[NAMES.index(name)] = value
    score = weighed(shape_answer_size=1.0, template_answer_taken=0.5, loop_graded_items=0.5)
    found = steps(NAMES, own, np.zeros(len(NAMES)), score)
    assert [(one.aspect, one.number, one.value, one.usual, one.nats) for one in found] == [
        ("the amount of text that it takes", "shape.answer_size", 4.0, 0.0, 2.5)
    ]  # 7.5 nats, of which 5 are its answers' length; what is left is ordinary


def test_a_detectors_score_goes_with_its_numbers_and_with_none_that_is_as_usual() -> None:
    own, as_usual = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    own[NAMES.index("loop.score")], own[NAMES.index("loop.graded_items")] = 9.0, 0.4
    score = weighed(loop_score=1.0)
    assert [one.aspect for one in steps(NAMES, own, as_usual, score)] == ["its requests for grades"]
    own[NAMES.index("loop.graded_items")] = 0.0
    assert steps(NAMES, own, as_usual, score) == []


def test_what_is_not_known_of_ordinary_clients_is_left_as_it_is() -> None:
    own, as_usual = np.full(len(NAMES), 5.0), np.full(len(NAMES), np.nan)
    score = weighed(template_greedy=1.0, loop_graded_items=1.0)
    assert steps(NAMES, own, as_usual, score) == []
    as_usual[NAMES.index("template.greedy")] = 0.0
    assert [one.number for one in steps(NAMES, own, as_usual, score)] == ["template.greedy"]


def test_an_ordinary_score_rests_on_nothing() -> None:
    own = np.zeros(len(NAMES))
    own[NAMES.index("template.greedy")] = ORDINARY
    assert steps(NAMES, own, np.zeros(len(NAMES)), weighed(template_greedy=1.0)) == []


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=len(NAMES), max_size=len(NAMES)), st.randoms(use_true_random=False)
)
def test_each_step_lowers_the_score_and_says_what_is_left(values: list[float], random) -> None:
    weight = np.array([random.uniform(-1, 2) for _ in NAMES])
    own = np.array(values)
    found = steps(NAMES, own, np.zeros(len(NAMES)), lambda numbers: numbers @ weight)
    assert len(found) <= STEPS
    assert len({one.aspect for one in found}) == len(found)
    left, now = float(own @ weight), own.copy()
    for one in found:
        for number in ASPECTS[one.aspect]:
            at = NAMES.index(number)
            if abs(now[at]) > counterfactual.SAME**2:
                now[at] = now[NAMES.index(f"{number.split('.')[0]}.score")] = 0.0
        assert one.nats == pytest.approx(float(now @ weight))
        assert one.nats <= left - LEAST + 1e-9
        assert one.value != one.usual
        left = one.nats


def test_what_is_told_of_a_client_is_what_its_forest_says(harvest) -> None:
    engine = registry.load()
    judge, table = engine.judge, Table(engine)
    table.step(np.concatenate([harvest(client, 120, out_chars=3_000) for client in range(1, 5)]), 0.0)
    row = table.rows()[0].copy()
    row["level"] = Level.REVIEW
    told = engine.explain(row, 0.0)
    assert told.rests_on
    rows = np.array([row])
    rows["group"] = judge.group(rows)
    found = judge.judge(rows, 0.0)
    names = [one.name for one in engine.detectors]
    own = likeness.numbers(judge.detectors, rows, found.scores)[0]
    known = likeness.names(judge.detectors)
    as_usual = counterfactual.usual(judge.reference, judge.place, known, names, int(row["look"]))
    for one in told.rests_on:
        number = f"{one.detector}.{one.feature}"
        assert own[known.index(number)] == pytest.approx(one.value)
        assert as_usual[known.index(number)] == pytest.approx(one.usual, nan_ok=True)
        for each in ASPECTS[one.aspect]:
            if counterfactual._differs(own[known.index(each)], as_usual[known.index(each)]):
                detector = f"{each.split('.')[0]}.score"
                own[known.index(each)] = as_usual[known.index(each)]
                own[known.index(detector)] = as_usual[known.index(detector)]
        read = likeness.chosen(judge.forest.names, known)
        before = judge.odds(rows, found.scores)[0, 0]
        odds = judge.forest.log_odds(own[None, read]) + found.rank - before
        limit = calibrate.joint_limit(judge.reference, int(row["look"]))
        assert one.nats == pytest.approx(
            min(calibrate.joint_nats(judge.reference, rows["look"], odds)[0], limit), abs=1e-6
        )


def test_who_is_not_watched_is_told_no_joint_score_and_nothing_that_it_rests_on(traffic) -> None:
    engine = registry.load()
    table = Table(engine)
    table.step(traffic(1, 60), 0.0)
    row = table.rows()[0].copy()
    row["level"] = Level.NONE
    assert engine.explain(row, 0.0).rests_on == ()


class Counting(Reasoning):
    """A detector that counts how often it measures."""

    measured = 0

    def measure(self, rows: np.ndarray) -> np.ndarray:
        self.measured += 1
        return super().measure(rows)


def test_an_explanation_measures_a_row_once(harvest) -> None:
    shipped, counting = registry.load(), Counting()
    found = [counting if type(one) is Reasoning else one for one in shipped.detectors]
    engine = Engine(found, shipped.reference)
    table = Table(engine)
    table.step(harvest(1, 120, out_chars=3_000), 0.0)
    row = table.rows()[0].copy()
    row["level"] = Level.REVIEW
    counting.measured = 0
    assert engine.explain(row, 0.0).rests_on
    assert counting.measured == 1
