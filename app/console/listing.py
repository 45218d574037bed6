"""What the two lists share: filters out of the address, addresses out of filters, the line on scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from app.clients import queries as clients
from app.console import health, words
from app.models.vocabulary import State
from app.policies import mode
from detectors.engine import Engine

PAGE_ROWS = 50


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
    return health.pulse(beats, await clients.totals(db), thresholds(state.scoring), now, present.mode)
