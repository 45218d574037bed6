"""A dashboard on real servers with alerts that look like real ones, over HTTP and in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI

from app.access import create_token, ensure_admin
from app.alerts import lifecycle
from app.alerts.chance import Kept
from app.alerts.evidence import FindingInput
from app.campaigns import organisations
from app.campaigns import queries as campaign_queries
from app.campaigns.found import Edge, Found, Member
from app.campaigns.organisations import Line, Table
from app.campaigns.record import record as record_campaigns
from app.clients import queries as clients
from app.clients.queries import ClientSummary
from app.console.pages import make_router
from app.console.startup import Startup
from app.models.client import client_ref
from app.settings import read_settings
from app.store.db import make_engine, session_scope
from app.store.heartbeat import Heartbeat, publish_async
from app.store.redis import connect_async
from detectors.base import Counterfactual, Evidence, Explanation, Level, Term
from detectors.engine import Engine
from detectors.fuse import counter_evidence
from detectors.reference import empty
from detectors.registry import shipped

TOKEN = "an-admin-token-for-tests"
REVIEW_NATS = 9.2
HARVESTER, SAMPLER, SOLVER, BATCH = 0x3FA94C21B7D0E815, 0x91B7584A2265B1F5, 0xDCF4BB99F4BEA973, 0x4DA4F9FC3C6DA5D7
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\"'"


@dataclass(frozen=True)
class Active:
    """When a client asked, as the engine tells it."""

    minutes: tuple[tuple[float, int], ...]
    hours: tuple[tuple[float, int], ...]
    models: dict[str, int] = field(default_factory=lambda: {"large-2": 1730, "small-2": 143})


def activity(now: float) -> Active:
    minute, hour = now // 60 * 60, now // 3600 * 3600
    minutes = tuple((minute - 60 * (59 - i), 14 + (i * 37) % 29 if i > 8 else 0) for i in range(60))
    hours = tuple((hour - 3600 * (71 - i), int(900 + 500 * math.sin(i / 4)) if i > 40 else 0) for i in range(72))
    return Active(minutes, hours)


def term(feature: str, value: float, unit: str, peers: tuple[float, float, float], share: float, sentence: str) -> Term:
    return Term(feature, value, unit, peers[0], peers[1], peers[2], share, sentence)


def family(detector: str, name: str, nats: float, *terms: Term) -> Evidence:
    return Evidence(detector, 1, name, nats, math.exp(-nats), nats, terms)  # type: ignore[arg-type]


TEMPLATE = family(
    "template",
    "content",
    7.9,
    term(
        "template_share", 0.94, "share", (0.31, 0.72, 99.8), 3.6, "It wraps 94 % of its requests in the same wording."
    ),
    term("new_content", 0.998, "share", (0.62, 0.97, 99.6), 2.8, "It fills that wording with new content in 99 %."),
    term("answer_text", 2140.0, "chars", (610.0, 2900.0, 91.0), 2.3, "It takes about 2,140 characters of answer each."),
    term("streamed", 0.31, "share", (0.44, 1.0, 38.0), -0.8, "It streams the answer, as for a person, in 31 %."),
    term("structured", 0.06, "share", (0.2, 0.9, 41.0), -0.4, "It asks for a fixed output format in 6 %."),
    term("multi_turn", 0.0, "share", (0.1, 1.0, math.nan), 0.0, "It continues conversations in 0 %."),
)
REASONING = family(
    "reasoning",
    "content",
    5.8,
    term("full_reasoning_asked", 0.97, "share", (0.02, 0.41, 99.9), 4.4, "It asks for complete reasoning in 97 %."),
    term("streamed", 0.31, "share", (0.44, 1.0, 38.0), -0.3, "It streams the answer, as for a person, in 31 %."),
)
SAMPLING = family(
    "sampling",
    "surface",
    6.3,
    term("several_samples", 8.0, "samples", (1.0, 4.0, 99.7), 3.4, "It takes 8 answers to each prompt."),
    term("free_text_logprobs", 0.88, "share", (0.0, 0.2, 99.9), 1.8, "It asks for log probabilities in 88 %."),
)
RESTS_ON = (
    Counterfactual(
        "its repetition of one wording", "template", "template_share", 0.94, "share", 0.31, "It wraps.", 4.1
    ),
    Counterfactual(
        "the amount of text that it takes", "shape", "answer_size", 2_031.0, "chars", 431.0, "It takes.", 0.5
    ),
)
SENTENCES = {
    HARVESTER: "It wraps 94 % of its requests in the same wording, and it takes 8 answers to each prompt; "
    "at most 1 in 540 ordinary clients of its kind goes that far in any of these.",
    SAMPLER: "It asks for log probabilities of free text in 88 % of its requests, and for complete reasoning in 41 %.",
    SOLVER: "It asks for complete or hidden reasoning in 97 % of its requests, and it takes 8 answers to each prompt.",
    BATCH: "It fills one wording with new content in 63 % of its requests.",
}


def scaled(evidence: tuple[Evidence, ...], score: float) -> tuple[Evidence, ...]:
    """The evidence, so strong that its families add up to the score."""
    families = {one.family: max(e.nats for e in evidence if e.family == one.family) for one in evidence}
    factor = score / sum(families.values())
    return tuple(replace(one, nats=one.nats * factor, p=math.exp(-one.nats * factor)) for one in evidence)


def explain(client: int, score: float, now: float, sentence: str = "", level: Level = Level.REVIEW) -> Explanation:
    evidence = scaled((REASONING, SAMPLING) if client == SOLVER else (TEMPLATE, REASONING, SAMPLING), score)
    return Explanation(
        client=client,
        at=now,
        level=level,
        score=score,
        threshold=REVIEW_NATS,
        peer_group="templated_jobs",
        requests=1873,
        look=1600,
        sentence=sentence or SENTENCES[client],
        evidence=evidence,
        counter=counter_evidence(evidence),
        cannot_tell="No request names an end user, so nothing shows whether people read the answers.",
        rests_on=RESTS_ON if client == HARVESTER else (),
    )


def finding(client: int, score: float, now: float, requests: int = 1873, **more: Any) -> FindingInput:
    quality = more.pop("quality", {"dropped_events": 0.0, "fail_open_seconds": 0.0, "uncounted_seconds": 0.0})
    quality = {"known_since": now - 8 * 86_400, "known_until": now - 2} | quality
    return FindingInput(
        client=client,
        level=more.get("level", Level.REVIEW),
        previous=Level.WATCH,
        score=score,
        requests=requests,
        at=now,
        explanation=explain(client, score, now, **more),
        traffic={
            "requests": requests,
            "in_tokens": 1_234_567,
            "out_tokens": 3_456_789,
            "models": {"large-2": requests},
        },
        activity=activity(now),
        quality=quality,
    )


def campaign(clients: Sequence[int], at: float, key: str, score: float = 15.7, level: int = 2) -> Found:
    """What the linker says of clients that share a wording, parameters and partly a network."""
    members = {
        one: Member(
            "It uses the wording that 24 others use, from a network of its own.",
            44 + place % 9,
            0.12 if place == 5 else 0.97,
        )
        for place, one in enumerate(clients)
    }
    half, few = tuple(clients[: len(clients) // 2]), tuple(clients[-3:])
    edges = (
        Edge(
            "wording",
            0x9F3C5D2A7B10E84C,
            len(clients),
            len(clients) + 1,
            9.8,
            "The first twelve words are the same.",
            tuple(clients),
        ),
        Edge("parameters", 0x11, len(half), len(half) + 40, 4.4, "One set of unusual sampling parameters.", half),
        Edge("network", 0x22, len(few), 9, 3.1, "They come from one /24.", few),
    )
    terms = [
        {
            "feature": "shared_wording",
            "value": 25.0,
            "unit": "clients",
            "population_p50": 2.0,
            "population_p99": 6.0,
            "contribution": 9.8,
            "sentence": "One rare wording is used by 25 clients and by nobody else.",
        },
        {
            "feature": "separate_shards",
            "value": 0.0,
            "unit": "items",
            "population_p50": None,
            "population_p99": None,
            "contribution": 6.6,
            "sentence": "No item of the public list was asked by two of them; independent users would share about 90.",
        },
        {
            "feature": "end_users",
            "value": 0.02,
            "unit": "share",
            "population_p50": 0.4,
            "population_p99": 1.0,
            "contribution": -0.7,
            "sentence": "2 % of the requests name an end user.",
        },
    ]
    without = {
        "kind": "wording",
        "members": 14,
        "score": 7.2,
        "level": 1,
        "sentence": "What is left is tied by parameters alone.",
    }
    evidence = {
        "terms": terms,
        "without": without,
        "cannot_tell": "No sign-up data was supplied, so nobody can say who pays for them.",
        "mixed": {"members": 1, "clients": [client_ref(clients[-1])], "least_share": 0.12},
    }
    sentence = (
        f"{len(clients)} clients send one rare wording under the same parameters from different networks; "
        "they share out a public list without overlap."
    )
    return Found(key, members, level, score, REVIEW_NATS, sentence, at, 1_240, edges, evidence)


@dataclass
class Console:
    """A dashboard under test, and what it was seeded with."""

    app: FastAPI
    engine: Any
    redis: Any
    now: float = 0.0
    url: str = ""

    async def open_alert(self, client: int, score: float = 12.1, **more: Any) -> str:
        """Record a finding; the id of the alert that it opened."""
        at = more.pop("at", self.now)
        async with session_scope(self.engine) as db:
            await lifecycle.record(db, [finding(client, score, at, **more)], at)
            return (await clients.alerts_of(db, client_ref(client)))[0].id

    async def summarise(self, *numbers: int, score: float = 3.0, level: int = 0, account: str = "") -> None:
        """Put clients into the table."""
        rows = [
            ClientSummary(
                n,
                self.now - 260_000,
                self.now - 4,
                900 + i,
                120_000,
                480_000,
                level,
                score / (1 + i),
                "chat",
                account,
            )
            for i, n in enumerate(numbers)
        ]
        async with session_scope(self.engine) as db:
            await clients.upsert(db, rows)

    async def beat(self, *roles: str, **counters: float) -> None:
        """Heartbeats of processes that live."""
        for role in roles:
            gauges = {"lag_seconds": 0.4} if role == "worker" else {}
            beat = Heartbeat(role, f"{role}-1", time.time(), self.now - 5000, counters=counters, gauges=gauges)
            await publish_async(self.redis, beat)

    def know(self, ordinary: int, reviewed: int) -> None:
        """Another reference, which says how many ordinary clients it holds, and how many of them it would review."""
        engine: Engine = self.app.state.scoring
        engine.use(replace(engine.reference, about={"clients": ordinary, "ever_reviewed": reviewed}))

    async def seed(self) -> dict[str, str]:
        """A queue as after some days: four alerts in three states, a dozen clients, all processes alive."""
        await self.summarise(*(0xA11CE0000 + i * 7919 for i in range(9)), score=8.4)
        await self.summarise(HARVESTER, SAMPLER, SOLVER, BATCH, score=15.2, level=2)
        ids = {
            "closed": await self.open_alert(BATCH, 9.4, at=self.now - 90_000),
            "claimed": await self.open_alert(SOLVER, 12.1, at=self.now - 9_000),
            "new": await self.open_alert(SAMPLER, 14.2, at=self.now - 5_000),
            "critical": await self.open_alert(
                HARVESTER, 15.4, at=self.now - 840, quality={"dropped_events": 214, "fail_open_seconds": 12.0}
            ),
        }
        async with session_scope(self.engine) as db:
            note = "Agreed with the customer:\nthis is their own evaluation run."
            await lifecycle.close(db, ids["closed"], "benign_expected", note, "ana", 1, self.now - 80_000)
            await lifecycle.claim(db, ids["claimed"], "ana", 1, self.now - 6_000)
        await self.beat("gateway", "extractor", "worker", "linker")
        return ids

    async def seed_campaigns(self) -> dict[str, str]:
        """A campaign of 25, of which one client is a verified company's, and a pair that is only watched."""
        ring = [HARVESTER, *(0xC0DE00000 + i * 104_729 for i in range(24))]
        ids = {"campaign": await self.open_campaign(*ring, at=self.now - 700)}
        ids["pair"] = await self.open_campaign(0xAB1, 0xAB2, key="c2", level=1, score=6.1)
        table = Table(False, (Line(client_ref(ring[3]), "Northwind Analytics"),))
        async with session_scope(self.engine) as db:
            await organisations.give(db, table, "ana", self.now, verified=True)
        return ids

    async def open_campaign(self, *clients: int, key: str = "c1", at: float = 0.0, **more: Any) -> str:
        """Record a pass of the linker; the id of the campaign that it opened."""
        edges = more.pop("edges", None)
        one = campaign(clients, at or self.now, key, **more)
        one = one if edges is None else replace(one, edges=edges)
        async with session_scope(self.engine) as db:
            await record_campaigns(db, [one], one.at)
            return (await campaign_queries.campaigns_of(db, client_ref(clients[0])))[0].id

    async def reviewer(self, *scopes: str, name: str = "reader") -> str:
        """The secret of a new token."""
        async with session_scope(self.engine) as db:
            return (await create_token(db, name, scopes, self.now))[1]


def scoring() -> Engine:
    """An engine with a known threshold; what is ordinary does not matter here."""
    blank = empty()
    return Engine(shipped(), replace(blank, review=np.full_like(blank.review, REVIEW_NATS)))


@contextlib.asynccontextmanager
async def console_on(database_url: str, redis_url: str, folder: Path, **env: str) -> AsyncIterator[Console]:
    """A dashboard on a database that is up to date."""
    engine, redis = make_engine(database_url), connect_async(redis_url, 2.0)
    app = FastAPI()
    app.state.engine, app.state.redis, app.state.scoring, app.state.chance = engine, redis, scoring(), Kept()
    app.state.startup = Startup(time.time() - 3600, time.monotonic() - 3600)  # as some time after a start
    app.state.settings = read_settings({"STILLWATCH_DATA": str(folder), **env})
    app.include_router(make_router())
    made = Console(app, engine, redis, now=time.time())
    async with session_scope(engine) as db:
        await ensure_admin(db, TOKEN, made.now)
    try:
        yield made
    finally:
        await redis.aclose()
        await engine.dispose()


@pytest.fixture
async def console(sqlite_url, redis_url, tmp_path, migrated) -> AsyncIterator[Console]:
    """A dashboard without any alert or client."""
    migrated(sqlite_url)
    async with console_on(sqlite_url, redis_url, tmp_path) as made:
        yield made


def browse(console: Console, **options: Any) -> httpx.AsyncClient:
    """A visitor who is not signed in; pages are not followed."""
    transport = httpx.ASGITransport(app=console.app, client=options.pop("client", ("192.0.2.1", 4321)))
    return httpx.AsyncClient(transport=transport, base_url=options.pop("base_url", "http://console.test"), **options)


def form_token(page: httpx.Response) -> str:
    """The form token that a page gives."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)


async def sign_in(visitor: httpx.AsyncClient, token: str = TOKEN, following: str = "/alerts") -> httpx.Response:
    """Fill in the sign-in form and send it."""
    page = await visitor.get("/signin", params={"next": following})
    return await visitor.post("/signin", data={"csrf": form_token(page), "token": token, "next": following})


@pytest.fixture
async def visitor(console) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in."""
    async with browse(console) as client:
        yield client


@pytest.fixture
async def reviewer(console) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator, signed in."""
    async with browse(console) as client:
        assert (await sign_in(client)).status_code == 303
        yield client


@pytest.fixture
def tools():
    """The helpers above, for test modules."""

    @dataclass(frozen=True)
    class Tools:
        browse: Callable[..., httpx.AsyncClient]
        sign_in: Callable[..., Any]
        form_token: Callable[[httpx.Response], str]
        console_on: Callable[..., Any]
        explain: Callable[..., Explanation]
        finding: Callable[..., FindingInput]
        activity: Callable[[float], Active]
        token: str = TOKEN
        hostile: str = HOSTILE
        harvester: int = HARVESTER

    return Tools(browse, sign_in, form_token, console_on, explain, finding, activity)


class Server(uvicorn.Server):
    """Serves on a socket of ours and leaves the signals alone."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(valkey, tmp_path_factory, migrated) -> AsyncIterator[Console]:
    """A seeded dashboard on a loopback port, one for the browser tests of a test process."""
    folder = tmp_path_factory.mktemp("console")
    valkey.flush()
    url = f"sqlite+aiosqlite:///{folder / 'browser.db'}"
    migrated(url)
    async with console_on(url, valkey.url, folder) as console:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            console.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            server = Server(uvicorn.Config(console.app, log_config=None, lifespan="off"))
            task = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield console
            finally:
                server.should_exit = True
                await task


def browser_path() -> str:
    """The browser of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(path for path in map(shutil.which, names) if path)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Any]:
    """One headless browser for a test process."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        yield browser
        await browser.close()
