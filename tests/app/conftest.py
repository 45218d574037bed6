"""A migrated database and findings to record in it, for the tests of alerts, clients, access and the API."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from app.alerts.evidence import FindingInput
from app.store.db import make_engine
from detectors.base import Evidence, Explanation, Level, Term


@dataclass(frozen=True)
class Active:
    """When a client asked, as the engine tells it."""

    minutes: tuple[tuple[float, int], ...] = ((1_800_000_000.0, 12), (1_800_000_060.0, 9))
    hours: tuple[tuple[float, int], ...] = ((1_799_996_400.0, 640), (1_800_000_000.0, 21))
    models: dict[str, int] = field(default_factory=lambda: {"m-large": 661})


def term(feature: str, value: float, share: float) -> Term:
    return Term(
        feature=feature,
        value=value,
        unit="share",
        expected=0.02,
        expected_p99=math.nan,
        percentile=99.9,
        share=share,
        sentence=f"{feature} is {value:g}.",
    )


def explanation(client: int, score: float, requests: int, at: float, **nats: float) -> Explanation:
    evidence = tuple(
        Evidence(
            detector=name,
            version=1,
            family="content",
            raw=value,
            p=math.exp(-value),
            nats=value,
            terms=(term(f"{name}_share", 0.97, value),),
        )
        for name, value in (nats or {"template": score / 2, "surface": score / 2}).items()
    )
    return Explanation(
        client=client,
        at=at,
        level=Level.REVIEW,
        score=score,
        threshold=9.2,
        peer_group="bulk",
        requests=requests,
        look=400,
        sentence="One template fills 97 % of the requests and never repeats a question.",
        evidence=evidence,
        counter=(term("repeats", 0.0, -0.5),),
        cannot_tell="",
    )


@pytest.fixture
def make_finding():
    """A finding of a client: REVIEW at 12 nats unless told otherwise; keyword `nats` names the detectors."""

    def make(
        client: int = 0xC0FFEE,
        *,
        score: float = 12.0,
        requests: int = 500,
        at: float = 1_800_000_000.0,
        level: int = Level.REVIEW,
        previous: int = Level.WATCH,
        nats: dict[str, float] | None = None,
    ) -> FindingInput:
        return FindingInput(
            client=client,
            level=level,
            previous=previous,
            score=score,
            requests=requests,
            at=at,
            explanation=explanation(client, score, requests, at, **(nats or {})),
            traffic={"requests": requests, "in_tokens": 1000, "out_tokens": 20000, "models": {"m-large": requests}},
            activity=Active(),
            quality={"dropped_events": 0},
        )

    return make


@pytest.fixture
def migrated_url(database_url, migrated):
    """A database of either kind with this version's tables."""
    migrated(database_url)
    return database_url


@pytest.fixture
async def database(migrated_url):
    """An engine on a migrated database of either kind."""
    engine = make_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def sqlite_database(sqlite_url, migrated):
    """An engine on a migrated SQLite database, where the kind does not matter."""
    migrated(sqlite_url)
    engine = make_engine(sqlite_url)
    yield engine
    await engine.dispose()
