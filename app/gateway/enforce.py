"""Decision to action. Simulated decisions are counted, never felt; real enforcement is not switched on yet."""

from __future__ import annotations

import logging

from app.store.decisions import Table

ACTIONS = ("tag", "throttle", "degrade", "block")

logger = logging.getLogger(__name__)


class Enforcer:
    """Looks a request's client up in the local table; waits for nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._warned: set[str] = set()
        self.would_have = dict.fromkeys(ACTIONS, 0)  # requests that a simulated decision would have acted on
        self.not_enforced = dict.fromkeys(ACTIONS, 0)  # requests under a real decision, which this version only counts
        self.unknown = 0  # requests under a decision whose action we do not know

    def decide(self, client: int, now: float) -> None:
        """Count what the client's decisions say about a request at `now`; the request always passes."""
        if not len(self._table):
            return
        for decision in self._table.active(client, now):
            counter = self.would_have if decision.simulated else self.not_enforced
            if decision.action in counter:
                counter[decision.action] += 1
            else:
                self._ignore(decision.action)

    def _ignore(self, action: str) -> None:
        self.unknown += 1
        if action not in self._warned and len(self._warned) < 100:
            self._warned.add(action)
            logger.warning("decisions with the unknown action %.40r are ignored", action)
