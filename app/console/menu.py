"""The main menu: which pages a reviewer's scopes open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.console.guard import HOME


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the menu; `scope` is the one that the page itself asks for."""

    path: str
    key: str  # after g
    title: str
    scope: str
    section: str  # what the page calls itself, and `goes` what the help calls it
    goes: str


ENTRIES = (
    Entry("/alerts", "q", "Alerts", "alerts:read", "alerts", "alerts"),
    Entry("/campaigns", "p", "Campaigns", "alerts:read", "campaigns", "campaigns"),
    Entry("/clients", "c", "Clients", "clients:read", "clients", "clients"),
    Entry("/decisions", "d", "Decisions", "clients:read", "decisions", "decisions"),
    Entry("/status", "s", "Status", "metrics:read", "status", "system status"),
)
HELP = "/help"  # asks for no scope


def entries(scopes: Collection[str]) -> list[Entry]:
    """The pages that these scopes open: a link to a refusal helps nobody."""
    return [entry for entry in ENTRIES if entry.scope in scopes]


def opens(scopes: Collection[str], path: str) -> bool:
    """Whether these scopes open a page of the menu: a link from another page, too, leads to no refusal."""
    return any(entry.path == path for entry in entries(scopes))


def first(scopes: Collection[str], wanted: str = HOME) -> str:
    """`wanted`, or where that is the home page and these scopes do not open it, the first page that they do."""
    if wanted != HOME:
        return wanted
    return next((entry.path for entry in entries(scopes)), HELP)
