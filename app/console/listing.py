"""What the lists share: filters out of the address, addresses out of filters, the line on scoring."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from app.clients import queries as clients
from app.console import health, words
from app.models.vocabulary import State
from app.policies import mode
from app.store.page import Page
from detectors.engine import Engine

PAGE_ROWS = 50
OURS = ("cursor", "done", "since")  # parameters that our own links add to a list's address
SHOWN_LENGTH = 40  # characters of what is not known, repeated on the page
NOTHING: Page[Any] = Page([], None, None)  # of a list that does not know what it is asked for


class Asked:
    """The filters in a list's address, taken one by one; `unknown` says what of it the list does not know.

    As the REST API, which answers 422: a misspelt filter must not pass for a list that nothing narrows.
    """

    def __init__(self, request: Request, names: Collection[str]) -> None:
        self._given = request.query_params
        strange = [name for name in dict.fromkeys(self._given.keys()) if name not in {*names, *OURS}]
        known = f"this list has {', '.join(names)}"
        self.unknown = [f"“{_short(name)}” is no filter: {known}." for name in strange]
        twice = [name for name in names if len(self._given.getlist(name)) > 1]
        self.unknown += [f"“{name}” is given more than once: give it once." for name in twice]

    @property
    def status(self) -> int:
        """The status of the list's page."""
        return 422 if self.unknown else 200

    def text(self, name: str, length: int) -> str:
        """What was typed, as far as the database takes it."""
        return self._given.get(name, "").replace("\0", "").strip()[:length]

    def choice(self, name: str, choices: Collection[str], default: str = "") -> str:
        """One of the choices; the default where there is none, or an unknown one."""
        value = self._given.get(name) or default
        if value in choices or value == default:
            return value
        self.refuse(name, value, f"choose {'one of ' if len(choices) > 1 else ''}{', '.join(choices)}, or leave it out")
        return default

    def refuse(self, name: str, value: str, remedy: str) -> None:
        """Say that a value is not known, and what is."""
        self.unknown.append(f"{name}: “{_short(value)}” is unknown; {remedy}.")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"


@dataclass(frozen=True, slots=True)
class Pager:
    """Addresses of the neighbouring pages; None where there is none."""

    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Tab:
    """One state with the number of those in it."""

    title: str
    url: str
    count: int
    current: bool


def address(path: str, parameters: Mapping[str, str | None]) -> str:
    """`path` with the parameters that hold something."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path


def pager(path: str, parameters: Mapping[str, str], previous: str | None, following: str | None) -> Pager:
    """The neighbouring pages of a list, by cursor."""
    return Pager(
        address(path, {**parameters, "cursor": previous}) if previous else None,
        address(path, {**parameters, "cursor": following}) if following else None,
    )


def tabs(path: str, parameters: Mapping[str, str], counts: Mapping[State, int]) -> list[Tab]:
    """A tab for each state and one for all; `parameters` are those of the list as it is shown."""
    numbers = {**{name: counts.get(State(name), 0) for name in words.STATES}, "all": sum(counts.values())}
    titles = {**words.STATES, "all": "All"}
    return [
        Tab(titles[name], address(path, {**parameters, "state": name}), count, name == parameters["state"])
        for name, count in numbers.items()
    ]


def thresholds(scoring: Engine) -> tuple[float, float]:
    """The lowest and the highest evidence at which reviews begin, nats: which one, a client's requests decide."""
    review = scoring.reference.review
    return float(review.min()), float(review.max())


def threshold_at(scoring: Engine, requests: int) -> float:
    """The evidence at which a review begins, nats, of a client with so many requests, all of which count."""
    look = scoring.reference.look_index(np.array([requests], np.uint32))
    return scoring.reference.review_at(int(look[0]))


async def pulse(request: Request, db: AsyncSession, now: float) -> health.Pulse:
    """Where scoring stands now."""
    state = request.app.state
    beats = await health.heartbeats(state.redis)
    present = await mode.present(db, state.settings.mode)
    starting = state.startup.waiting(beats, time.monotonic())
    return health.pulse(beats, await clients.totals(db), thresholds(state.scoring), now, present.mode, starting)
