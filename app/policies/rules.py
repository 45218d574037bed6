"""Pure: what an alert of some severity should do to its client."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from app.models.vocabulary import Action, Severity

POLICY = "harvest"
POLICY_VERSION = 1

HOUR = 3600.0
LADDER: dict[Severity, tuple[Action, float]] = {
    Severity.LOW: (Action.TAG, 24 * HOUR),
    Severity.MEDIUM: (Action.TAG, 24 * HOUR),
    Severity.HIGH: (Action.THROTTLE, 4 * HOUR),
    Severity.CRITICAL: (Action.THROTTLE, 24 * HOUR),
}
STRENGTH: dict[Action, int] = {Action.TAG: 0, Action.THROTTLE: 1, Action.DEGRADE: 2, Action.BLOCK: 3}
RATE = {"rate_per_minute": 30, "burst": 10}  # of a throttled client, at each gateway process
EXEMPT_SECONDS = 7 * 24 * HOUR  # for which the policy does no more to a client than a person revoked
JITTER_SECONDS = 300.0  # within which a decision begins: nobody can tell which request brought it about


@dataclass(frozen=True, slots=True)
class Intent:
    """What a policy wants done: the action, for how many seconds, and whether only in simulation."""

    action: Action
    seconds: float
    simulated: bool
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the policy looks at of a decision that stands; moments are epoch seconds."""

    action: Action
    expires_at: float
    simulated: bool = True
    by_hand: bool = False
    revoked: bool = False  # lately, by a person


def decide(severity: Severity, enforce: Collection[Action] = ()) -> Intent:
    """The action for an alert of `severity`; simulated unless the operator lets the policy do such actions."""
    return _intent(*LADDER[severity], severity, enforce)


def orders(severity: Severity, enforce: Collection[Action] = ()) -> tuple[Intent, ...]:
    """The action for an alert of `severity`, and while that one is only simulated the strongest milder one that is not.

    So a client that rises above what the operator allows keeps what it had, and has what milder ones have.
    """
    meant = decide(severity, enforce)
    allowed = [step for step in LADDER.values() if step[0] in enforce and STRENGTH[step[0]] < STRENGTH[meant.action]]
    if not meant.simulated or not allowed:
        return (meant,)
    return (meant, _intent(*max(allowed, key=lambda step: STRENGTH[step[0]]), severity, enforce))


def _intent(action: Action, seconds: float, severity: Severity, enforce: Collection[Action]) -> Intent:
    reason = f"policy {POLICY} {POLICY_VERSION}: {severity} severity"
    parameters = RATE if action is Action.THROTTLE else {}
    return Intent(action, seconds, action not in enforce, reason, parameters)


def replaces(intent: Intent, standing: Standing, now: float) -> bool:
    """Whether `intent` makes a decision that stands superfluous: that has run out, is weaker, or is only simulated."""
    if standing.expires_at <= now or STRENGTH[intent.action] > STRENGTH[standing.action]:
        return True
    return intent.action == standing.action and standing.simulated and not intent.simulated


def makes_way(intent: Intent, standing: Standing, now: float) -> bool:
    """Whether `intent` may be decided beside or instead of what stands. A person's word is never overruled.

    What is only simulated is to change nothing for the client, so it says nothing about what is real: not what a
    person tries, and not what the policy simulates, unless a person took that back.
    """
    if standing.simulated and not intent.simulated and (standing.by_hand or not standing.revoked):
        return True
    if standing.revoked or (standing.by_hand and standing.expires_at > now):
        return STRENGTH[intent.action] > STRENGTH[standing.action]
    return replaces(intent, standing, now)


def ends(intent: Intent, standing: Standing, now: float) -> bool:
    """Whether what stands ends by a decision of `intent`: what ran out, or the policy's own that is no stronger.

    What is only simulated ends nothing real.
    """
    if standing.revoked or standing.expires_at <= now:
        return not standing.revoked
    if standing.by_hand or (intent.simulated and not standing.simulated):
        return False
    return STRENGTH[intent.action] >= STRENGTH[standing.action]


def start_delay(decision_id: str, window: float = JITTER_SECONDS) -> float:
    """Seconds from a decision to its start, the same for the same id, evenly spread over `window`."""
    draw = int.from_bytes(blake2b(decision_id.encode(), digest_size=8, person=b"start").digest(), "big")
    return window * draw / 2**64
