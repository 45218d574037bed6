"""The alerts: the list, the page of one, and what a reviewer does to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from app.alerts import lifecycle, queries
from app.alerts.chance import LEVEL
from app.campaigns import queries as campaign_queries
from app.clients import queries as clients
from app.console import acting, chance, deciding, evidence, listing, markdown, render, review, session, timelines, words
from app.console.acting import READ, WRITE, Entered, Refusal
from app.console.deciding import NOTHING, Ordered
from app.console.listing import Asked
from app.console.review import DecisionView, Entry
from app.console.route import PageRoute
from app.console.session import Visit
from app.models.alert import Alert
from app.models.client import is_client_ref
from app.models.decision import Decision
from app.policies import decide, mode
from app.policies.decide import DecisionOut

NEWEST, GRAVEST = "-created_at", "-severity"
SORTS: dict[str, str] = {NEWEST: "Newest first", GRAVEST: "Gravest first", "-score": "Highest score first"}
ARRIVALS = 20  # counted at most; more are "20+"
DONE = {
    "claimed": "Claimed: the alert is yours to review.",
    "closed": "Closed.",
    "reopened": "Reopened: the alert is back in the queue.",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks the list to show."""

    state: str
    severity: str
    client: str  # the whole id of a client, or words of it or of the sentence
    sort: str

    @property
    def active(self) -> bool:
        """Whether anything beyond the state narrows the list."""
        return bool(self.severity or self.client)

    def parameters(self) -> dict[str, str]:
        """The filters as parameters of an address."""
        sort = "" if self.sort == NEWEST else self.sort
        return {"state": self.state, "severity": self.severity, "client": self.client, "sort": sort}

    def query(self, sort: str = "") -> queries.AlertFilter:
        """The filters as the domain knows them, in the order asked for unless told otherwise."""
        whole = is_client_ref(self.client)
        return queries.AlertFilter(
            states=() if self.state == "all" else (self.state,),
            severities=(self.severity,) if self.severity else (),
            client=self.client if whole else "",
            q="" if whole else self.client,
            sort=sort or self.sort,
        )


def filters_of(request: Request) -> tuple[Filters, Asked]:
    """The filters of the address, defaults in place of unknown words, and what was unknown."""
    asked = Asked(request, ("state", "severity", "client", "sort"))
    return Filters(
        asked.choice("state", (*words.STATES, "all"), "new"),
        asked.choice("severity", words.SEVERITIES),
        asked.text("client", 40).lower(),
        asked.choice("sort", SORTS, NEWEST),
    ), asked


async def show_list(request: Request) -> Response:
    """`GET /alerts`: the queue, newest first, one page."""
    filters, asked = filters_of(request)
    parameters = filters.parameters()
    async with session.visit(request, READ) as visit:
        cursor = request.query_params.get("cursor") or None
        page = listing.NOTHING
        if not asked.unknown:
            page = await queries.list_alerts(visit.db, filters.query(), cursor, listing.PAGE_ROWS)
        counts = await queries.counts_by_state(visit.db)
        newest = await _newest(visit.db, filters)
        batch = await chance.week(request, visit.db, visit.now)
        context = {
            "chance": chance.queue(batch),
            "beyond": {alert.id for alert in page.items if batch.q.get(alert.id, 1.0) <= LEVEL},
            "pulse": await listing.pulse(request, visit.db, visit.now),
            "alerts": page.items,
            "opening": review.opening,
            "standing": review.standing,
            "top": max((alert.score for alert in page.items), default=0.0),
            "tabs": listing.tabs("/alerts", parameters, counts),
            "total": sum(counts.values()),
            "filters": filters,
            "unknown": asked.unknown,
            "known_url": listing.address("/alerts", parameters),
            "severities": words.SEVERITIES,
            "clear_url": listing.address("/alerts", {"state": filters.state}),
            "poll_url": listing.address("/alerts/arrivals", {**parameters, "since": newest}),
            "order": SORTS[filters.sort].lower(),
            "sorts": SORTS,
            "pager": listing.pager("/alerts", parameters, page.prev_cursor, page.next_cursor),
            "arrivals": 0,
            "gateway_url": _gateway_url(request),
        }
        return render.html("alerts.html", visit.page("alerts", **context), asked.status)


def _gateway_url(request: Request) -> str:
    settings = request.app.state.settings
    host = settings.gateway_host if settings.gateway_host not in ("0.0.0.0", "::", "") else request.url.hostname  # noqa: S104
    return f"http://{f'[{host}]' if ':' in str(host) else host}:{settings.gateway_port}"


async def _newest(db: AsyncSession, filters: Filters) -> str:
    """The id of the newest alert of the list, the mark that arrivals are counted from."""
    page = await queries.list_alerts(db, filters.query(NEWEST), None, 1)
    return page.items[0].id if page.items else "al_"


async def arrivals(request: Request) -> Response:
    """`GET /alerts/arrivals`: the line above the list with the number of alerts that came since `since`."""
    (filters, _), since = filters_of(request), request.query_params.get("since", "")
    async with session.visit(request, READ) as visit:
        page = await queries.list_alerts(visit.db, filters.query(NEWEST), None, ARRIVALS)
        fresh = sum(1 for alert in page.items if alert.id > since)
        context = {
            "pulse": await listing.pulse(request, visit.db, visit.now),
            "arrivals": fresh,
            "arrivals_more": fresh == ARRIVALS,
            "arrivals_url": listing.address("/alerts", filters.parameters()),
        }
        return render.html("_live.html", visit.page("alerts", **context))


def _shown(found: Sequence[Decision], alert: Alert, now: float) -> list[DecisionView]:
    """Of the client's decisions what this alert decided, and where that is nothing what stands from elsewhere."""
    mine = [item for item in found if item.alert_id == alert.id]
    return [review.decision(item, now) for item in mine or [item for item in found if item.revoked_at is None]]


async def _history(visit: Visit, alert: Alert) -> list[Entry]:
    """The steps of the alert, and the decisions that were made on it, in the order in which they happened."""
    steps = await queries.history(visit.db, alert.id)
    return review.history(steps, await decide.decisions_of_alert(visit.db, alert.id))


async def page(
    request: Request, visit: Visit, alert: Alert, refusal: Refusal, entered: Entered, ordered: Ordered = NOTHING
) -> Response:
    """The page of one alert, as it is now; `ordered` is what the reviewer entered to be decided."""
    timing = alert.evidence.get("timing") or {}
    minutes, hours = (timelines.frozen_points(timing.get(name) or ()) for name in ("minutes", "hours"))
    found = await clients.decisions_of(visit.db, alert.client_id)
    batch = await chance.week(request, visit.db, visit.now)
    present, done = await mode.present(visit.db, request.app.state.settings.mode), request.query_params.get("done", "")
    context = {
        "alert": alert,
        "evidence": evidence.frozen(alert.evidence),
        "chance": chance.alert(batch.q.get(alert.id)),
        "plots": timelines.plots(minutes, hours),
        "traffic": review.traffic(alert.evidence.get("traffic")),
        "quality": review.quality(alert.evidence, alert.latest),
        "history": await _history(visit, alert),
        "decisions": _shown(found, alert, visit.now),
        "campaigns": await campaign_queries.campaigns_of(visit.db, alert.client_id, 3),
        "facts": review.facts(alert),
        "latest": review.latest(alert),
        "standing": review.standing(alert),
        "reached": review.reached(alert.evidence),
        "may_review": WRITE in visit.scopes,
        **deciding.offered(visit.scopes, ordered, present.mode, f"/alerts/{alert.id}/decide"),
        "dispositions": words.DISPOSITIONS,
        "entered": entered,
        "conflict": refusal.conflict,
        "at": refusal.at,
        "done": ""
        if refusal.status != 200
        else DONE.get(done) or deciding.said(done, present.mode, deciding.newest(found, visit.name)),
    }
    return render.html("alert.html", visit.page("alerts", **context), refusal.status)


async def show(request: Request) -> Response:
    """`GET /alerts/{id}`: one alert."""
    async with session.visit(request, READ) as visit:
        alert = await queries.get_alert(visit.db, request.path_params["alert_id"])
        return await page(request, visit, alert, Refusal(200), Entered())


async def as_markdown(request: Request) -> Response:
    """`GET /alerts/{id}/markdown`: the same in text."""
    async with session.visit(request, READ) as visit:
        alert = await queries.get_alert(visit.db, request.path_params["alert_id"])
        decisions = _shown(await clients.decisions_of(visit.db, alert.client_id), alert, visit.now)
        history = await _history(visit, alert)
        quality = review.quality(alert.evidence, alert.latest)
        address = str(request.url.replace(path=f"/alerts/{alert.id}", query=""))
        text = markdown.document(alert, evidence.frozen(alert.evidence), decisions, history, quality, address)
        return Response(text, 200, render.PRIVATE, "text/plain; charset=utf-8")


async def next_new(request: Request) -> Response:
    """`GET /alerts/next`: to the gravest new alert, or past one that was seen and left; to the list at the end."""
    after = request.query_params.get("after", "")
    async with session.visit(request, READ) as visit:
        found = await queries.next_new(visit.db, after)
    return render.redirect(f"/alerts/{found.id}" if found else "/alerts")


async def _claim(visit: Visit, alert_id: str, _form: dict[str, str], version: int | None) -> Sequence[DecisionOut]:
    await lifecycle.claim(visit.db, alert_id, visit.name, version, visit.now)
    return ()


async def _close(visit: Visit, alert_id: str, form: dict[str, str], version: int | None) -> Sequence[DecisionOut]:
    disposition, note = form.get("disposition", ""), form.get("note", "")
    await lifecycle.close(visit.db, alert_id, disposition, note, visit.name, version, visit.now)
    return await decide.ended_of_alert(visit.db, alert_id)


async def _reopen(visit: Visit, alert_id: str, form: dict[str, str], version: int | None) -> Sequence[DecisionOut]:
    await lifecycle.reopen(visit.db, alert_id, form.get("reason", ""), visit.name, version, visit.now)
    return ()


async def _again(request: Request, visit: Visit, alert_id: str, refusal: Refusal, entered: Entered) -> Response:
    return await page(request, visit, await queries.get_alert(visit.db, alert_id), refusal, entered)


STEPS = acting.Steps("alert", "scorer", _again)


def make_router() -> APIRouter:
    """Everything under `/alerts`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/alerts", show_list, methods=["GET"])
    router.add_api_route("/alerts/arrivals", arrivals, methods=["GET"])
    router.add_api_route("/alerts/next", next_new, methods=["GET"])
    router.add_api_route("/alerts/{alert_id}", show, methods=["GET"])
    router.add_api_route("/alerts/{alert_id}/markdown", as_markdown, methods=["GET"])
    STEPS.add(router, (("claim", _claim, "claimed"), ("close", _close, "closed"), ("reopen", _reopen, "reopened")))
    return router
