"""Pure: what a finding does to the newest alert of its client: open, refresh, re-open, or nothing.

An alert is one episode. While it is open every finding refreshes it. Once closed it stays closed unless the
client escalates: the score passes the closing score by a set margin, or a detector joins that was silent then.
When the client fell below the threshold in between and comes back, a closing as abuse or for want of data has
run its course: a new episode begins with evidence of its own. A closing as benign still covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from app.alerts.evidence import FindingInput, reading, speaking
from app.models.alert import Alert
from app.models.base import COUNT_LIMIT, moment
from app.models.vocabulary import Disposition, State
from detectors.base import Level

REOPEN_NATS = 2.0  # about seven times less likely by chance than at the closing
JOIN_NATS = 4.6  # p = 0.01: what fusion counts as a family that speaks
HEARD_NATS = 2.3  # p = 0.1: at the closing this much was in view, so it cannot "join" later by a small step
ENDS_WITH_CALM = frozenset(
    {
        Disposition.DISTILLATION_CONFIRMED,
        Disposition.DISTILLATION_SUSPECTED,
        Disposition.OTHER_ABUSE,
        Disposition.INSUFFICIENT_DATA,
    }
)


class Step(Enum):
    """What to do with one finding."""

    IGNORE = auto()  # nothing to review, or recorded already
    OPEN = auto()  # a new alert: the first, or the next episode
    REFRESH = auto()  # the newest reading, and the peak where it rose
    REOPEN = auto()  # a closed alert comes back to the queue


@dataclass(frozen=True, slots=True)
class Move:
    """A step, and for a re-opening the detectors that joined since the closing."""

    step: Step
    joined: tuple[str, ...] = ()


def is_stale(alert: Alert, finding: FindingInput) -> bool:
    """Whether the alert holds this finding, or a newer one: a worker that died after the commit says it again."""
    at = moment(finding.at)
    if at < alert.seen_at:
        return True
    return at == alert.seen_at and min(finding.requests, COUNT_LIMIT) <= alert.seen_requests


def next_move(alert: Alert | None, finding: FindingInput) -> Move:
    """The step for `finding`, given the client's newest alert."""
    below = finding.level < Level.REVIEW
    if alert is None:
        return Move(Step.IGNORE if below else Step.OPEN)
    if is_stale(alert, finding):
        return Move(Step.IGNORE)
    if below or alert.state != State.CLOSED:
        return Move(Step.REFRESH)
    returned = finding.previous < Level.REVIEW or int(alert.latest.get("level", Level.REVIEW)) < Level.REVIEW
    if returned and alert.disposition in ENDS_WITH_CALM:
        return Move(Step.OPEN)
    known = set(alert.closed_detectors or ())
    joined = tuple(name for name in speaking(reading(finding), JOIN_NATS) if name not in known)
    risen = alert.closed_score is not None and finding.score >= alert.closed_score + REOPEN_NATS
    return Move(Step.REOPEN, joined) if joined or risen else Move(Step.REFRESH)
