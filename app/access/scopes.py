"""Scopes: what a token may do."""

from __future__ import annotations

from collections.abc import Iterable

from app.errors import InvalidInput

SCOPES: dict[str, str] = {
    "clients:read": "See clients, their activity and their decisions",
    "alerts:read": "See alerts and campaigns, their evidence and their history",
    "alerts:write": "Claim, close and re-open alerts and campaigns; split and merge campaigns",
    "decisions:write": "Make and revoke decisions about clients; a block also needs decisions:block",
    "decisions:block": "Block clients",
    "organisations:write": "Say which company is behind which clients",
    "attributes:write": "Supply, replace and forget what clients signed up with",
    "indicators:write": "Export indicators of campaigns, import and withdraw those of others",
    "mode:admin": "Switch the gateways between observe, enforce and bypass",
    "metrics:read": "Read the status, the mode and the metrics",
}
READ_ONLY = ("clients:read", "alerts:read", "metrics:read")


def checked(scopes: Iterable[str]) -> list[str]:
    """The scopes, sorted, each once; InvalidInput where one is unknown."""
    wanted = sorted(set(scopes))
    if not wanted or any(scope not in SCOPES for scope in wanted):
        raise InvalidInput("scopes", f"choose from {', '.join(SCOPES)}")
    return wanted
