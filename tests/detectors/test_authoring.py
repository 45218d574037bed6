"""Authoring: counts who has tasks and training material written, and is talked down by the ordinary twins."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import synthesis
from detectors.authoring import Authoring
from detectors.batch import Batch
from detectors.event import Flag

TASKS, PAIRS, DIVERSE = (1 << synthesis.CLASSES.index(name) for name in ("tasks", "pairs", "diverse"))


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Authoring.state)
    Authoring().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Authoring().score(rows_of(events), 0.0)[0])


def test_who_asks_for_nothing_of_the_kind_is_silent(traffic) -> None:
    assert score(traffic(1, 100)) == 0.0
    assert score(traffic(1, 100, synthesis=DIVERSE)) == 0.0


def test_material_counts_for_more_than_tasks(traffic) -> None:
    tasks, material = score(traffic(1, 100, synthesis=TASKS)), score(traffic(1, 100, synthesis=TASKS | PAIRS))
    assert tasks == pytest.approx(1.5)
    assert material == pytest.approx(4.0)


def test_the_score_grows_with_the_share(traffic) -> None:
    asked = np.where(np.arange(100) % 4 == 0, PAIRS, 0)
    assert score(traffic(1, 100, synthesis=asked)) == pytest.approx(1.0)


@pytest.mark.parametrize("twin", [Flag.MULTI_TURN, Flag.STREAM])
def test_each_ordinary_twin_takes_a_part(traffic, twin) -> None:
    assert score(traffic(1, 100, synthesis=PAIRS, flags=int(twin))) <= 0.5 * score(traffic(1, 100, synthesis=PAIRS))


def test_it_says_the_shares_and_measures_them(traffic) -> None:
    asked = np.where(np.arange(100) < 30, TASKS, np.where(np.arange(100) < 40, PAIRS, 0))
    row = rows_of(traffic(1, 100, synthesis=asked))
    assert Authoring().measure(row)[0].tolist() == [0.4, 0.1]
    terms = {term.feature: term for term in Authoring().explain(row[0], 0.0)}
    assert "40 % of its requests" in terms["tasks_asked"].sentence
    assert terms["material_asked"].sentence.startswith("10 % of its requests")
    assert sum(term.share for term in terms.values()) == pytest.approx(float(Authoring().score(row, 0.0)[0]))


def test_failed_calls_do_not_count_and_what_calls_itself_a_retry_does(traffic) -> None:
    assert rows_of(traffic(1, 50, synthesis=PAIRS, status=429))["n"][0] == 0
    assert rows_of(traffic(1, 50, synthesis=PAIRS, flags=int(Flag.RETRY)))["material"][0] == 50
