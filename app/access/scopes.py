"""Scopes: what a token may do."""

from __future__ import annotations

from collections.abc import Iterable

from app.errors import InvalidInput

SCOPES: dict[str, str] = {
    "clients:read": "See clients, their activity and their decisions",
    "alerts:read": "See alerts, their evidence and their history",
    "alerts:write": "Claim, close and re-open alerts; a closing is also a label",
    "metrics:read": "Read the status and the metrics",
    "tokens:admin": "Create and revoke tokens",
}
READ_ONLY = ("clients:read", "alerts:read", "metrics:read")


def checked(scopes: Iterable[str]) -> list[str]:
    """The scopes, sorted, each once; InvalidInput where one is unknown."""
    wanted = sorted(set(scopes))
    if not wanted or any(scope not in SCOPES for scope in wanted):
        raise InvalidInput("scopes", f"choose of {', '.join(SCOPES)}")
    return wanted
