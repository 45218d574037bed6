"""What a finding does to the newest alert of its client, case by case."""

import pytest

from app.alerts.episodes import HEARD_NATS, JOIN_NATS, REOPEN_NATS, Move, Step, is_stale, next_move
from app.models import Alert
from app.models.base import moment
from app.models.vocabulary import Disposition, State
from detectors.base import Level

AT = 1_800_000_000.0


def alert(state=State.NEW, disposition=None, *, closed_score=12.0, detectors=("surface", "template"), level=2):
    return Alert(
        state=state,
        disposition=disposition,
        latest={"level": level},
        seen_at=moment(AT),
        seen_requests=500,
        closed_score=closed_score if state == State.CLOSED else None,
        closed_detectors=list(detectors) if state == State.CLOSED else None,
    )


def closed(disposition, **fields):
    return alert(State.CLOSED, disposition, **fields)


@pytest.mark.parametrize(
    ("at", "requests", "stale"),
    [(AT, 500, True), (AT, 499, True), (AT, 501, False), (AT - 1, 900, True), (AT + 1, 3, False)],
)
def test_what_is_stale(make_finding, at, requests, stale):
    assert is_stale(alert(), make_finding(at=at, requests=requests)) is stale


@pytest.mark.parametrize("level", [Level.NONE, Level.WATCH])
def test_nothing_opens_below_review(make_finding, level):
    assert next_move(None, make_finding(level=level)) == Move(Step.IGNORE)


def test_the_first_finding_opens(make_finding):
    assert next_move(None, make_finding()) == Move(Step.OPEN)


@pytest.mark.parametrize("state", [State.NEW, State.IN_REVIEW])
@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("score", [0.0, 99.0])
def test_an_open_alert_is_only_refreshed(make_finding, state, level, score):
    finding = make_finding(level=level, score=score, at=AT + 1)
    assert next_move(alert(state), finding) == Move(Step.REFRESH)


@pytest.mark.parametrize("disposition", list(Disposition))
@pytest.mark.parametrize(
    ("score", "step"),
    [(3.0, Step.REFRESH), (12.0, Step.REFRESH), (12.0 + REOPEN_NATS - 0.01, Step.REFRESH), (14.0, Step.REOPEN)],
)
def test_while_it_goes_on_only_a_rise_reopens(make_finding, disposition, score, step):
    finding = make_finding(score=score, at=AT + 1, previous=Level.REVIEW, nats={"template": 6.0, "surface": 6.0})
    assert next_move(closed(disposition), finding).step is step


@pytest.mark.parametrize(
    ("nats", "joined"),
    [({"template": 6.0, "reasoning": JOIN_NATS}, ("reasoning",)), ({"template": 9.0, "reasoning": 4.5}, ())],
)
def test_a_detector_that_joins_reopens(make_finding, nats, joined):
    finding = make_finding(score=12.0, at=AT + 1, previous=Level.REVIEW, nats=nats)
    move = next_move(closed(Disposition.FALSE_POSITIVE), finding)
    assert move.joined == joined
    assert move.step is (Step.REOPEN if joined else Step.REFRESH)


def test_a_small_step_is_no_joining():
    assert HEARD_NATS < JOIN_NATS


ENDED = ["distillation_confirmed", "distillation_suspected", "other_abuse", "insufficient_data"]
COVERED = ["benign_expected", "false_positive", "duplicate", "test"]


def test_every_disposition_is_one_or_the_other():
    assert set(ENDED) | set(COVERED) == set(Disposition)


@pytest.mark.parametrize("told", ["by the finding", "by the reading"])
@pytest.mark.parametrize(
    ("disposition", "step"), [(d, Step.OPEN) for d in ENDED] + [(d, Step.REFRESH) for d in COVERED]
)
def test_who_fell_below_and_comes_back(make_finding, disposition, step, told):
    previous, level = (Level.WATCH, 2) if told == "by the finding" else (Level.REVIEW, 1)
    finding = make_finding(score=11.0, at=AT + 1, previous=previous, nats={"template": 5.5, "surface": 5.5})
    assert next_move(closed(Disposition(disposition), level=level), finding).step is step


@pytest.mark.parametrize("disposition", COVERED)
def test_a_covered_return_that_escalates_reopens(make_finding, disposition):
    finding = make_finding(score=15.0, at=AT + 1, previous=Level.NONE, nats={"template": 7.5, "surface": 7.5})
    assert next_move(closed(Disposition(disposition)), finding).step is Step.REOPEN


def test_falling_below_after_the_close_is_noted(make_finding):
    finding = make_finding(level=Level.NONE, previous=Level.REVIEW, at=AT + 1, score=0.0)
    assert next_move(closed(Disposition.OTHER_ABUSE), finding) == Move(Step.REFRESH)
