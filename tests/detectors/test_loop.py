"""Synthetic-data loop: answers that come back in other sessions, and grades of ever new items."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.event import Flag, Kind
from detectors.loop import Loop


def runs(count: int, seed: int) -> np.ndarray:
    """The smallest hashes of so many texts."""
    return np.sort(np.random.default_rng(seed).integers(1, 2**28, (count, 8)), axis=1).astype(np.uint32)


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Loop.state)
    Loop().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Loop().score(rows_of(events), 0.0)[0])


@pytest.fixture
def loop(traffic):
    """Each answer is the next prompt, behind as much wording of its own."""

    def make(count: int = 120, **fields: object) -> np.ndarray:
        answers, own = runs(count, 1), runs(count, 2)
        asked = np.concatenate([own[:, ::2], np.roll(answers, 1, axis=0)[:, ::2]], axis=1)
        return traffic(1, count, **{"gist": np.sort(asked, axis=1), "answer_gist": answers} | fields)

    return make


def test_answers_that_come_back_score_and_new_texts_do_not(loop, traffic) -> None:
    assert score(loop()) > 2.0
    assert score(traffic(1, 120, gist=runs(120, 2), answer_gist=runs(120, 1))) == 0.0


def test_the_order_in_which_they_are_seen_does_not_matter(loop) -> None:
    assert score(loop()[::-1].copy()) == score(loop())


def test_an_answer_that_repeats_its_own_prompt_is_an_edit(traffic) -> None:
    texts = runs(120, 3)
    assert score(traffic(1, 120, gist=texts, answer_gist=texts)) == 0.0
    longer = np.concatenate([texts[:, :4], texts[:, 7:] + np.arange(1, 5, dtype=np.uint32)], axis=1)
    assert score(traffic(1, 120, gist=texts, answer_gist=longer)) == 0.0


def test_answers_quoted_in_conversations_count_for_less_and_in_steps_not_at_all(loop) -> None:
    assert score(loop(flags=int(Flag.MULTI_TURN))) == pytest.approx(0.4 * score(loop()))
    assert score(loop(flags=int(Flag.TOOL_RESULT))) == 0.0


def test_a_task_list_of_which_the_items_return_one_by_one_scores(traffic) -> None:
    """A list answer, then eight prompts of a word run each out of it, answered at length."""
    lists = runs(30, 5)
    gist = np.zeros((270, 8), np.uint32)
    gist[0::9] = runs(30, 6)
    given = runs(270, 7)
    given[0::9] = lists
    for item in range(8):
        gist[1 + item :: 9, 0] = lists[:, item]
    kind = np.where(np.arange(270) % 9 == 0, int(Kind.LIST), int(Kind.PROSE))
    events = traffic(1, 270, gist=gist, answer_gist=given, kind=kind)
    assert score(events) > 1.0
    terms = {term.feature: term for term in Loop().explain(rows_of(events)[0], 0.0)}
    assert terms["returned_answers"].value == pytest.approx(0.11, abs=0.09)
    assert terms["generated_lists"].value == pytest.approx(1 / 9)


@pytest.mark.parametrize("twin", [{"flags": int(Flag.MULTI_TURN)}, {"flags": int(Flag.STREAM)}])
def test_each_ordinary_twin_takes_a_part(loop, twin) -> None:
    assert score(loop(**twin)) < 0.75 * score(loop())


def test_grades_of_new_items_score_and_those_of_a_set_that_comes_round_do_not(traffic) -> None:
    new = score(traffic(1, 300, grading=1, kind=Kind.NUMBER))
    assert new > 3.0
    assert score(traffic(1, 300, grading=1, kind=Kind.NUMBER, payload=np.arange(300) % 100 + 1)) < 0.1 * new
    assert score(traffic(1, 300, kind=Kind.NUMBER)) == 0.0


def test_a_grading_frame_counts_where_a_verdict_comes_back(traffic) -> None:
    assert score(traffic(1, 300, grading=1, kind=Kind.RECORD)) > 3.0
    assert score(traffic(1, 300, grading=1, kind=0, out_chars=200)) > 3.0
    assert score(traffic(1, 300, grading=1, kind=Kind.CODE)) == 0.0
    assert score(traffic(1, 300, grading=1, kind=Kind.PROSE, out_chars=5_000)) == 0.0


def test_lists_count_whether_or_not_their_words_are_known(traffic) -> None:
    assert rows_of(traffic(1, 12, kind=Kind.LIST))["lists"][0] == 12
    assert rows_of(traffic(1, 12, kind=Kind.LIST, answer_gist=runs(12, 1)))["lists"][0] == 12


def test_only_verdicts_are_graded_items(traffic) -> None:
    short, long = 1_199, 1_200
    verdicts = [(kind, long) for kind in (Kind.LABEL, Kind.NUMBER, Kind.RECORD)] + [(Kind.NONE, short)]
    others = [(Kind.LIST, short), (Kind.CODE, short), (Kind.PROSE, long), (Kind.NONE, long)]
    for forms, graded in ((verdicts, 4), (others, 0)):
        kinds, chars = (np.array(column) for column in zip(*forms, strict=True))
        row = rows_of(traffic(1, 4, grading=2, kind=kinds, out_chars=chars))[0]
        assert (row["graded"], np.count_nonzero(row["items"])) == (graded, graded)
