"""Who was let in lately: while the database, where tokens are kept, is away, they may still ask how the service is."""

from __future__ import annotations

from collections import OrderedDict

from app.access.tokens import Principal, secret_hash

SCOPES = frozenset({"metrics:read"})  # all that a remembered caller may do
LIFE_SECONDS = 900.0
MOST = 256


class Memory:
    """Principals by the hash of their token, in this process only; `ticks` is a monotonic clock."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def note(self, presented: str, principal: Principal, ticks: float) -> None:
        """The database has just said who this is."""
        key = secret_hash(presented)
        self._known[key] = (ticks, principal)
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def forget(self, presented: str) -> None:
        """The database has just said that this is nobody any more."""
        self._known.pop(secret_hash(presented), None)

    def recall(self, presented: str, ticks: float) -> Principal | None:
        """Who this lately was, with no more scopes than SCOPES."""
        noted, principal = self._known.get(secret_hash(presented), (0.0, None))
        if principal is None or ticks - noted > LIFE_SECONDS:
            return None
        return Principal(principal.token_id, principal.name, principal.scopes & SCOPES, principal.touched_at)
