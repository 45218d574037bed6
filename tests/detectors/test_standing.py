"""What is told of a mixed client is where it stands after each request, by its whole traffic and its parts."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Level
from detectors.engine import FINDING, Engine
from detectors.standing import Before, Kept, Look, told

PART = 3


@pytest.fixture
def rows(shipped_engine: Engine) -> np.ndarray:
    return shipped_engine.empty(np.array([7], np.uint64))


def look(rows: np.ndarray, requests: int, level: Level, score: float, part: int = 0) -> Look:
    finding = np.zeros(1, FINDING)[0]
    finding["client"], finding["requests"], finding["level"], finding["score"] = 7, requests, level, score
    apart = rows[0].copy()
    apart["part"] = part
    return Look(finding, rows[0], apart if part else None)


def nobody(rows: np.ndarray) -> Kept:
    return Kept(rows[:0], np.zeros(0, np.intp))


def levels(found: list[Look]) -> list[tuple[int, int, int]]:
    return [(int(one.finding["previous"]), int(one.finding["level"]), one.of) for one in found]


def test_each_change_is_told_in_the_order_of_requests(rows) -> None:
    before = Before(rows)
    rows["parts"]["part"] = PART
    looks = [
        look(rows, 90, Level.NONE, 0.0, PART),
        look(rows, 60, Level.REVIEW, 9.0, PART),
        look(rows, 50, Level.WATCH, 5.0),
        look(rows, 100, Level.NONE, 0.0),
    ]
    found = told(rows, before, nobody(rows), looks)
    assert levels(found) == [(0, 1, 0), (1, 2, PART), (2, 1, 0), (1, 0, 0)]
    assert [float(one.finding["score"]) for one in found] == [5.0, 9.0, 5.0, 0.0]


def test_what_falls_and_rises_with_one_request_has_not_changed(rows) -> None:
    rows["level"], rows["score"] = Level.WATCH, 5.0
    before = Before(rows)
    rows["level"] = Level.NONE
    rows["parts"]["part"], rows["parts"]["level"] = PART, Level.WATCH
    looks = [look(rows, 50, Level.NONE, 0.0), look(rows, 50, Level.WATCH, 6.0, PART)]
    assert told(rows, before, nobody(rows), looks) == []


def test_a_rise_in_review_is_told_again_with_its_own_score(rows) -> None:
    rows["level"], rows["score"] = Level.REVIEW, 9.0
    before = Before(rows)
    (found,) = told(rows, before, nobody(rows), [look(rows, 50, Level.REVIEW, 11.0)])
    assert (found.finding["previous"], found.finding["score"]) == (Level.REVIEW, 11.0)


def test_a_change_that_no_look_made_is_told_as_the_row_stands_in_the_end(rows) -> None:
    rows["parts"]["part"], rows["parts"]["level"], rows["parts"]["score"] = PART, Level.REVIEW, 9.0
    before = Before(rows)
    rows["parts"]["part"], rows["parts"]["level"], rows["parts"]["score"] = 0, 0, 0.0
    rows["events"] = 40
    (found,) = told(rows, before, nobody(rows), [])
    assert levels([found]) == [(Level.REVIEW, Level.NONE, 0)]
    assert found.finding["requests"] == 40


def test_another_part_that_stands_high_holds_the_client_as_the_first_one_falls(rows, shipped_engine) -> None:
    apart = shipped_engine.empty(np.array([8, 9], np.uint64))
    apart["part"], apart["level"], apart["score"], apart["look"] = [3, 5], Level.REVIEW, [9.0, 8.0], 1
    rows["parts"]["part"], rows["parts"]["level"], rows["parts"]["score"] = PART, Level.REVIEW, 9.0
    before, kept = Before(rows), Kept(apart, np.zeros(2, np.intp))
    rows["parts"]["part"], rows["parts"]["score"] = 5, 8.0
    assert told(rows, before, kept, [look(rows, 50, Level.NONE, 0.0, PART)]) == []
