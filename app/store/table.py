"""A gateway's local table of decisions: what applies to a client now, whatever the clocks do."""

from __future__ import annotations

from typing import Any

from app.store.decisions import Decision

LATEST_START = 3600.0  # seconds: no decision begins longer than this after it was heard


class Held:
    """A decision and the monotonic moments between which it can apply; `memo` is whatever its user keeps with it."""

    __slots__ = ("begins", "decision", "ends", "memo")

    def __init__(self, decision: Decision, now: float, ticks: float) -> None:
        self.decision = decision
        self.begins = ticks + min(decision.starts_at - now, LATEST_START)
        # However wrong the clock is, it lasts no longer than it was meant to.
        self.ends = min(ticks + decision.expires_at - now, self.begins + decision.expires_at - decision.starts_at)
        self.memo: Any = None


class Table:
    """The decisions a gateway knows, by client; expiry is checked at use, so no timer must come in time.

    `now` is the wall clock, `ticks` a monotonic one, both in seconds. A decision applies while both agree
    that it does: a clock set back does not prolong it, a clock set forward ends it by the new time.
    """

    def __init__(self) -> None:
        self.by_client: dict[int, dict[str, Held]] = {}
        self._held: dict[str, Held] = {}
        self._ended: dict[str, float] = {}  # revoked ones, until the tick at which they would have ended anyway

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, decision_id: str) -> bool:
        return decision_id in self._held

    def ids(self) -> list[str]:
        """The ids of the decisions in it."""
        return list(self._held)

    def apply(self, decision: Decision, now: float, ticks: float) -> None:
        """Add, replace or end one decision. What was revoked never comes back; what is known already stays as it is."""
        known = self._held.get(decision.id)
        if decision.id in self._ended or (known is not None and known.decision == decision):
            return
        self.forget(decision.id)
        held = Held(decision, now, ticks)
        if decision.revoked:
            self._ended[decision.id] = held.ends
        elif held.ends > ticks:
            self._held[decision.id] = held
            self.by_client.setdefault(decision.client, {})[decision.id] = held

    def forget(self, decision_id: str) -> None:
        """Drop one decision, if it is there."""
        held = self._held.pop(decision_id, None)
        if held is not None:
            of_client = self.by_client[held.decision.client]
            del of_client[decision_id]
            if not of_client:
                del self.by_client[held.decision.client]

    def active(self, client: int, now: float, ticks: float) -> list[Held]:
        """What applies to a client at this moment."""
        of_client = self.by_client.get(client)
        if of_client is None:
            return []
        return [
            held for held in of_client.values() if held.begins <= ticks < held.ends and now < held.decision.expires_at
        ]

    def sweep(self, ticks: float) -> None:
        """Forget what has ended, so that the table stays as large as what applies."""
        for decision_id in [name for name, held in self._held.items() if held.ends <= ticks]:
            self.forget(decision_id)
        for decision_id in [name for name, ends in self._ended.items() if ends <= ticks]:
            del self._ended[decision_id]
