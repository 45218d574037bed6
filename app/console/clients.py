"""The clients: the list, and what one of them does now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from app.campaigns import attributes, indicators, organisations
from app.campaigns import queries as campaign_queries
from app.clients import live, queries
from app.clients.live import LiveClient
from app.console import acting, deciding, evidence, listing, render, review, session, timelines, words
from app.console.deciding import NOTHING, Ordered
from app.console.listing import Asked
from app.console.route import PageRoute
from app.console.session import Visit
from app.errors import Unavailable
from app.models.client import ACCOUNT_LENGTH, Client
from app.policies import mode
from detectors.base import Explanation, Level

READ = "clients:read"
WAITING = "waiting"
CHOICES = (("review", "Review"), ("watch", "Watch or review"), (WAITING, "Waits for a verdict"))
MODELS_SHOWN = 12
MODEL_NAMES = "names:models"  # hash of hash: hex of the event's model, and its name


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks the list to show."""

    level: str
    client: str
    account: str

    @property
    def active(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.level or self.client or self.account)

    def query(self) -> queries.ClientFilter:
        """The filters as the domain knows them."""
        waiting = self.level == WAITING
        level = Level[self.level.upper()] if self.level and not waiting else Level.NONE
        return queries.ClientFilter(level_gte=int(level), flagged=waiting, q=self.client, account=self.account)


async def show_list(request: Request) -> Response:
    """`GET /clients`: highest score first, one page."""
    asked = Asked(request, ("level", "client", "account"))
    client, account = asked.text("client", 40).lower(), asked.text("account", ACCOUNT_LENGTH)
    filters = Filters(asked.choice("level", dict(CHOICES)), client, account)
    async with session.visit(request, READ) as visit:
        cursor, page = request.query_params.get("cursor") or None, listing.NOTHING
        if not asked.unknown:
            page = await queries.list_clients(visit.db, filters.query(), cursor, listing.PAGE_ROWS)
        ids = [one.id for one in page.items]
        parameters = {"level": filters.level, "client": filters.client, "account": filters.account}
        context = {
            "pulse": await listing.pulse(request, visit.db, visit.now),
            "arrivals": 0,
            "clients": page.items,
            "campaigns": await queries.campaign_of(visit.db, ids),
            "confirmed": await queries.confirmed_in(visit.db, ids),
            "thresholds": {one.id: listing.threshold_at(request.app.state.scoring, one.requests) for one in page.items},
            "top": max((client.score for client in page.items), default=0.0),
            "filters": filters,
            "unknown": asked.unknown,
            "known_url": listing.address("/clients", parameters),
            "levels": CHOICES,
            "pager": listing.pager("/clients", parameters, page.prev_cursor, page.next_cursor),
        }
        return render.html("clients.html", visit.page("clients", **context), asked.status)


async def _now(request: Request, client_id: str, now: float) -> tuple[LiveClient | None, str]:
    """The client's row as it stands, and why there is none where there is none."""
    state = request.app.state
    try:
        found = await live.live(state.redis, state.scoring, client_id, now, partitions=state.settings.partitions)
    except (RedisError, Unavailable):
        return None, "Redis does not answer, so today's evidence cannot be read. What the database knows is below."
    gone = "The client was idle for so long that its row was forgotten. Its alerts keep their evidence."
    return found, "" if found else gone


def _facts(client: Client) -> list[tuple[str, Any, str]]:
    compared = words.compared(client.level, client.requests)
    return [
        ("Level", words.level(client.level, client.requests), ""),
        ("Score at the last look", f"{words.score(client.score)} nats" if compared else "none yet", ""),
        ("Peer group", words.words(client.peer_group) or "not known yet", ""),
        ("Requests", words.count(client.requests), ""),
        ("Tokens in", words.compact(client.in_tokens), ""),
        ("Tokens out", words.compact(client.out_tokens), ""),
        ("First seen", client.first_seen, "time"),
        ("Last seen", client.last_seen, "time"),
    ]


def _held(explanation: Explanation) -> bool:
    """Whether the level is one that the score alone would not give today."""
    return explanation.level == Level.REVIEW and explanation.score < explanation.threshold


async def _models(request: Request, found: LiveClient) -> list[tuple[str, int]]:
    """The client's models by name, most used first; where it is not known, with a hash to tell them apart."""
    counts = found.activity.models[:MODELS_SHOWN]
    hashes = [f"{number:08x}" for number, _ in counts]
    try:
        names = await request.app.state.redis.hmget(MODEL_NAMES, hashes) if hashes else []
    except RedisError:
        names = [None] * len(hashes)
    return [
        (name.decode("utf-8", "replace") if name else f"name not known yet ({code})", amount)
        for name, code, (_, amount) in zip(names, hashes, counts, strict=True)
    ]


async def page(
    request: Request, visit: Visit, client: Client, ordered: Ordered = NOTHING, status: int = 200
) -> Response:
    """The page of one client, as it is now; `ordered` is what the reviewer entered to be decided."""
    found, gone = await _now(request, client.id, visit.now)
    decisions = await queries.decisions_of(visit.db, client.id)
    confirmed = await queries.confirmed_in(visit.db, [client.id])
    present, done = await mode.present(visit.db, request.app.state.settings.mode), request.query_params.get("done", "")
    sees_alerts = acting.READ in visit.scopes
    context = {
        "client": client,
        "evidence": evidence.live(found.explanation) if found else None,
        "gone": gone,
        "confirmed": confirmed.get(client.id),
        "held": found is not None and _held(found.explanation),
        "plots": timelines.plots(found.activity.minutes, found.activity.hours) if found else [],
        "models": await _models(request, found) if found else [],
        "facts": _facts(client),
        "alerts": await queries.alerts_of(visit.db, client.id) if sees_alerts else None,
        "campaigns": await campaign_queries.campaigns_of(visit.db, client.id) if sees_alerts else [],
        "matches": await indicators.hits_of(visit.db, client.id) if sees_alerts else [],
        "organisation": (await organisations.of(visit.db, [client.id])).get(client.id),
        "signed": await attributes.of_client(visit.db, client.id, client.account),
        "decisions": [review.decision(decision, visit.now) for decision in decisions],
        **deciding.offered(visit.scopes, ordered, present.mode, f"/clients/{client.id}/decide"),
        "done": deciding.said(done, present.mode, deciding.newest(decisions, visit.name)) if status == 200 else "",
    }
    return render.html("client.html", visit.page("clients", **context), status)


async def show(request: Request) -> Response:
    """`GET /clients/{id}`: one client."""
    async with session.visit(request, READ) as visit:
        return await page(request, visit, await queries.get_client(visit.db, request.path_params["client_id"]))


def make_router() -> APIRouter:
    """Everything under `/clients`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/clients", show_list, methods=["GET"])
    router.add_api_route("/clients/{client_id}", show, methods=["GET"])
    return router
