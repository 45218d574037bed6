"""Pure: what an alert of some severity should do to its client."""

from __future__ import annotations

from dataclasses import dataclass

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
STRENGTH: dict[Action, int] = {Action.TAG: 0, Action.THROTTLE: 1}


@dataclass(frozen=True, slots=True)
class Intent:
    """What a policy wants done: the action, for how many seconds, and whether only in simulation."""

    action: Action
    seconds: float
    simulated: bool
    reason: str


def decide(severity: Severity, *, enforce: bool = False) -> Intent:
    """The action for an alert of `severity`; simulated unless the operator switched the policy on."""
    action, seconds = LADDER[severity]
    reason = f"policy {POLICY} {POLICY_VERSION}: {severity} severity"
    return Intent(action, seconds, not enforce, reason)


def replaces(intent: Intent, standing: Action, expires_at: float, now: float) -> bool:
    """Whether `intent` takes the place of a decision that stands: it has run out, or is weaker."""
    return expires_at <= now or STRENGTH[intent.action] > STRENGTH[standing]
