"""The ladder from severity to action, always with an end, always simulated unless switched on."""

import pytest

from app.models.vocabulary import Action, Severity
from app.policies.rules import LADDER, STRENGTH, decide, replaces


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_has_an_action_that_ends(severity):
    intent = decide(severity)
    assert intent.simulated
    assert 0 < intent.seconds <= 24 * 3600
    assert str(severity) in intent.reason
    assert decide(severity, enforce=True).simulated is False


def test_a_higher_severity_is_never_treated_more_gently():
    strengths = [STRENGTH[LADDER[severity][0]] for severity in Severity]
    assert strengths == sorted(strengths)
    assert set(STRENGTH) == set(Action)


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
    assert replaces(decide(severity), standing, 1000.0 + left, 1000.0) is replaced
