"""The ladder from severity to action, always with an end, always simulated unless switched on."""

import pytest

from app.gateway.enforce import bucket_of
from app.models.vocabulary import Action, Severity
from app.policies.rules import (
    JITTER_SECONDS,
    LADDER,
    STRENGTH,
    Standing,
    decide,
    ends,
    makes_way,
    orders,
    replaces,
    start_delay,
)
from app.settings import AUTOMATIC


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_has_an_action_that_ends(severity):
    intent = decide(severity)
    assert intent.simulated
    assert 0 < intent.seconds <= 24 * 3600
    assert str(severity) in intent.reason
    assert decide(severity, {Action.TAG, Action.THROTTLE}).simulated is False
    assert decide(severity, {Action.BLOCK, Action.DEGRADE}).simulated is True
    if intent.action is Action.THROTTLE:
        assert bucket_of(intent.parameters)


def test_a_higher_severity_is_never_treated_more_gently():
    strengths = [STRENGTH[LADDER[severity][0]] for severity in Severity]
    assert strengths == sorted(strengths)
    assert set(STRENGTH) == set(Action)
    assert {action for action, _ in LADDER.values()} <= set(map(Action, AUTOMATIC))  # never a block, never a degrade


@pytest.mark.parametrize(
    ("severity", "standing", "left", "replaced"),
    [
        (Severity.HIGH, Action.TAG, 100, True),
        (Severity.LOW, Action.TAG, 100, False),
        (Severity.LOW, Action.THROTTLE, 100, False),
        (Severity.CRITICAL, Action.THROTTLE, 100, False),
        (Severity.LOW, Action.THROTTLE, 0, True),
    ],
)
def test_what_stands_makes_way_for_the_stronger_or_when_it_ran_out(severity, standing, left, replaced):
    assert replaces(decide(severity), Standing(standing, 1000.0 + left), 1000.0) is replaced


def test_a_real_one_replaces_a_simulated_one_and_nothing_replaces_a_persons():
    real = decide(Severity.LOW, {Action.TAG})
    assert replaces(real, Standing(Action.TAG, 2000.0, simulated=True), 1000.0)
    assert not replaces(real, Standing(Action.TAG, 2000.0, simulated=False), 1000.0)
    assert not makes_way(real, Standing(Action.TAG, 2000.0, simulated=False, by_hand=True), 1000.0)
    assert not makes_way(real, Standing(Action.BLOCK, 2000.0, simulated=False, by_hand=True), 1000.0)
    assert not makes_way(decide(Severity.LOW), Standing(Action.TAG, 2000.0, by_hand=True), 1000.0)
    assert not makes_way(decide(Severity.LOW), Standing(Action.TAG, 2000.0, simulated=False, by_hand=True), 1000.0)
    assert makes_way(real, Standing(Action.BLOCK, 1000.0, by_hand=True), 1000.0)
    assert makes_way(decide(Severity.HIGH), Standing(Action.TAG, 2000.0, by_hand=True), 1000.0)
    assert not makes_way(real, Standing(Action.TAG, 0.0, revoked=True), 1000.0)
    assert makes_way(decide(Severity.HIGH), Standing(Action.TAG, 0.0, revoked=True), 1000.0)  # it escalated


def test_what_a_person_only_simulates_holds_back_what_is_simulated_and_nothing_real():
    for revoked in (False, True):
        tried = Standing(Action.BLOCK, 2000.0, simulated=True, by_hand=True, revoked=revoked)
        assert makes_way(decide(Severity.CRITICAL, {Action.THROTTLE}), tried, 1000.0)
        assert not makes_way(decide(Severity.CRITICAL), tried, 1000.0)
        done = Standing(Action.BLOCK, 2000.0, simulated=False, by_hand=True, revoked=revoked)
        assert not makes_way(decide(Severity.CRITICAL, {Action.THROTTLE}), done, 1000.0)
    doubted = Standing(
        Action.THROTTLE, 2000.0, simulated=True, revoked=True
    )  # the policy's own, taken back by a person
    assert not makes_way(decide(Severity.CRITICAL, {Action.THROTTLE}), doubted, 1000.0)


def test_the_start_is_drawn_from_the_window_by_the_id_alone():
    delays = [start_delay(f"dc_{number}") for number in range(2000)]  # the same ones each time
    assert 0 <= min(delays) < 0.02 * JITTER_SECONDS
    assert 0.98 * JITTER_SECONDS < max(delays) < JITTER_SECONDS
    assert sum(delays) / len(delays) == pytest.approx(JITTER_SECONDS / 2, rel=0.05)
    assert start_delay("dc_1") == start_delay("dc_1") != start_delay("dc_2")
    assert start_delay("dc_1", 0) == 0


def test_a_severity_beyond_what_is_allowed_has_for_real_what_milder_ones_have():
    for severity in (Severity.HIGH, Severity.CRITICAL):
        meant, real = orders(severity, {Action.TAG})
        assert (meant.action, meant.simulated) == (Action.THROTTLE, True)
        assert (real.action, real.simulated, real.seconds) == (Action.TAG, False, LADDER[Severity.LOW][1])
        assert str(severity) in real.reason
        assert [one.simulated for one in orders(severity, {Action.TAG, Action.THROTTLE})] == [False]
        assert orders(severity) == (decide(severity),)
    assert orders(Severity.LOW, {Action.THROTTLE}) == (decide(Severity.LOW),)  # never more than the severity's own


@pytest.mark.parametrize("left", [100, -1])
def test_what_is_simulated_ends_nothing_real_and_only_what_ran_out_ends_by_a_weaker_one(left):
    until, over = 1000.0 + left, left < 0
    tried, tag = decide(Severity.HIGH), decide(Severity.LOW, {Action.TAG})
    assert ends(tried, Standing(Action.TAG, until, simulated=False), 1000.0) is over
    assert ends(tried, Standing(Action.TAG, until, simulated=True), 1000.0)
    assert ends(tag, Standing(Action.TAG, until, simulated=True), 1000.0)
    assert ends(tag, Standing(Action.THROTTLE, until, simulated=True), 1000.0) is over
    assert ends(decide(Severity.HIGH, {Action.THROTTLE}), Standing(Action.TAG, until, simulated=False), 1000.0)
    assert ends(tag, Standing(Action.TAG, until, simulated=False, by_hand=True), 1000.0) is over
    assert not ends(tag, Standing(Action.TAG, until, simulated=False, revoked=True), 1000.0)
    assert makes_way(tag, Standing(Action.THROTTLE, until, simulated=True), 1000.0)
