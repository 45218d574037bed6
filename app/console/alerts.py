"""The alerts: the list, the page of one, and what a reviewer does to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from app.alerts import lifecycle, queries
from app.campaigns import queries as campaign_queries
from app.clients import queries as clients
from app.console import deciding, evidence, listing, markdown, render, review, session, words
from app.console.deciding import NOTHING, Ordered
from app.console.review import DecisionView
from app.console.route import PageRoute
from app.console.session import Visit
from app.errors import Conflict, InvalidInput
from app.models.alert import Alert
from app.models.vocabulary import State
from app.policies import decide, mode
from app.policies.tell import tell

READ, WRITE = "alerts:read", "alerts:write"
NEWEST, GRAVEST = "-created_at", "-severity"
SORTS: dict[str, str] = {NEWEST: "Newest first", GRAVEST: "Gravest first", "-score": "Highest score first"}
ARRIVALS = 20  # counted at most; more are "20+"
CLIENT_LENGTH = 19  # characters of a whole id
DONE = {
    "claimed": "Claimed: the alert is yours to review.",
    "closed": "Closed.",
    "reopened": "Reopened: the alert is back in the queue.",
    "decided": "Decided. The gateways follow within two seconds.",
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
        whole = len(self.client) == CLIENT_LENGTH and self.client.startswith("cl_")
        return queries.AlertFilter(
            states=() if self.state == "all" else (self.state,),
            severities=(self.severity,) if self.severity else (),
            client=self.client if whole else "",
            q="" if whole else self.client,
            sort=sort or self.sort,
        )


@dataclass(frozen=True, slots=True)
class Tab:
    """One state with the number of its alerts."""

    title: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """What the reviewer typed, kept when it could not be saved."""

    disposition: str = ""
    note: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was saved: a conflict, or a problem with one field."""

    status: int
    conflict: str = ""
    problem: str = ""
    invalid: str = ""


def filters_of(request: Request) -> Filters:
    """The filters of the address; unknown words mean none."""
    asked = request.query_params
    state, severity, sort = asked.get("state", "new"), asked.get("severity", ""), asked.get("sort", NEWEST)
    return Filters(
        state if state in (*words.STATES, "all") else "new",
        severity if severity in words.SEVERITIES else "",
        asked.get("client", "").replace("\0", "").strip().lower()[:40],
        sort if sort in SORTS else NEWEST,
    )


async def show_list(request: Request) -> Response:
    """`GET /alerts`: the queue, newest first, one page."""
    filters = filters_of(request)
    parameters = filters.parameters()
    async with session.visit(request, READ) as visit:
        cursor = request.query_params.get("cursor") or None
        page = await queries.list_alerts(visit.db, filters.query(), cursor, listing.PAGE_ROWS)
        counts = await queries.counts_by_state(visit.db)
        newest = await _newest(visit.db, filters)
        context = {
            "pulse": await listing.pulse(request, visit.db, visit.now),
            "alerts": page.items,
            "top": max((alert.score for alert in page.items), default=0.0),
            "tabs": _tabs(filters, counts),
            "total": sum(counts.values()),
            "filters": filters,
            "severities": words.SEVERITIES,
            "clear_url": listing.address("/alerts", {"state": filters.state}),
            "poll_url": listing.address("/alerts/arrivals", {**parameters, "since": newest}),
            "order": SORTS[filters.sort].lower(),
            "sorts": SORTS,
            "pager": listing.pager("/alerts", parameters, page.prev_cursor, page.next_cursor),
            "arrivals": 0,
            "gateway_url": _gateway_url(request),
        }
        return render.html("alerts.html", visit.page("alerts", **context))


def _tabs(filters: Filters, counts: Mapping[State, int]) -> list[Tab]:
    tabs = []
    for name, title in (*words.STATES.items(), ("all", "All")):
        count = sum(counts.values()) if name == "all" else counts.get(State(name), 0)
        url = listing.address("/alerts", {**filters.parameters(), "state": name})
        tabs.append(Tab(title, url, count, name == filters.state))
    return tabs


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
    filters, since = filters_of(request), request.query_params.get("since", "")
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


async def _decisions(visit: Visit, alert: Alert) -> list[DecisionView]:
    """What this alert decided, newest first, and what stands for its client from elsewhere."""
    found = await clients.decisions_of(visit.db, alert.client_id)
    mine = [item for item in found if item.alert_id == alert.id]
    shown = mine or [item for item in found if item.revoked_at is None]
    return [review.decision(item, visit.now) for item in shown]


async def page(
    request: Request, visit: Visit, alert: Alert, refusal: Refusal, entered: Entered, ordered: Ordered = NOTHING
) -> Response:
    """The page of one alert, as it is now; `ordered` is what the reviewer entered to be decided."""
    timing = alert.evidence.get("timing") or {}
    minutes, hours = (evidence.frozen_points(timing.get(name) or ()) for name in ("minutes", "hours"))
    decisions = await _decisions(visit, alert)
    context = {
        "alert": alert,
        "evidence": evidence.frozen(alert.evidence),
        "plots": evidence.plots(minutes, hours),
        "traffic": review.traffic(alert.evidence.get("traffic")),
        "quality": review.quality(alert.evidence),
        "history": [review.entry(event) for event in await queries.history(visit.db, alert.id)],
        "decisions": decisions,
        "campaigns": await campaign_queries.campaigns_of(visit.db, alert.client_id, 3),
        "facts": review.facts(alert),
        "latest": review.latest(alert),
        "may_review": WRITE in visit.scopes,
        "may_decide": deciding.WRITE in visit.scopes,
        "actions": deciding.actions(visit.scopes),
        "durations": deciding.DURATIONS,
        "ordered": ordered,
        "mode": (await mode.present(visit.db, request.app.state.settings.mode)).mode,
        "dispositions": words.DISPOSITIONS,
        "entered": entered,
        "conflict": refusal.conflict,
        "problem": refusal.problem,
        "invalid": refusal.invalid,
        "done": "" if refusal.status != 200 else DONE.get(request.query_params.get("done", ""), ""),
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
        decisions = await _decisions(visit, alert)
        history = [review.entry(event) for event in await queries.history(visit.db, alert.id)]
        quality = review.quality(alert.evidence)
        address = str(request.url.replace(path=f"/alerts/{alert.id}", query=""))
        text = markdown.document(alert, evidence.frozen(alert.evidence), decisions, history, quality, address)
        return Response(text, 200, render.PRIVATE, "text/plain; charset=utf-8")


async def next_new(request: Request) -> Response:
    """`GET /alerts/next`: to the gravest new alert but the one just seen, or to the list where there is none."""
    after = request.query_params.get("after", "")
    async with session.visit(request, READ) as visit:
        page = await queries.list_alerts(
            visit.db, queries.AlertFilter(states=("new",), sort="-severity,created_at"), None, 2
        )
        other = [alert.id for alert in page.items if alert.id != after]
    return render.redirect(f"/alerts/{other[0]}" if other else "/alerts")


Act = Callable[[Visit, str, dict[str, str], int | None], Awaitable[Alert]]


async def _claim(visit: Visit, alert_id: str, _form: dict[str, str], version: int | None) -> Alert:
    return await lifecycle.claim(visit.db, alert_id, visit.name, version, visit.now)


async def _close(visit: Visit, alert_id: str, form: dict[str, str], version: int | None) -> Alert:
    disposition, note = form.get("disposition", ""), form.get("note", "")
    return await lifecycle.close(visit.db, alert_id, disposition, note, visit.name, version, visit.now)


async def _reopen(visit: Visit, alert_id: str, form: dict[str, str], version: int | None) -> Alert:
    return await lifecycle.reopen(visit.db, alert_id, form.get("reason", ""), visit.name, version, visit.now)


def _refusal(error: Conflict | InvalidInput) -> Refusal:
    if isinstance(error, InvalidInput):
        field = error.pointer.strip("/")
        said = {"disposition": "Choose a disposition.", "reason": "Say why you reopen the alert."}
        return Refusal(422, problem=said.get(field, f"{field.capitalize()}: {error.problem}."), invalid=field)
    if error.status == 409:
        return Refusal(409, conflict=f"{str(error).capitalize()}.")
    return Refusal(409, conflict="Someone else, or the scorer, changed this alert while you were reading it.")


def _acting(act: Act, done: str) -> Callable[[Request], Awaitable[Response]]:
    """A handler that takes one step in the life of an alert, and shows the alert again either way."""

    async def handle(request: Request) -> Response:
        alert_id, form = request.path_params["alert_id"], await session.read_form(request)
        version = form.get("version", "")
        try:
            async with session.visit(request, READ, WRITE, write=True) as visit:
                session.check_token(form, visit.csrf)
                await act(visit, alert_id, form, int(version) if version.isdecimal() and len(version) < 10 else None)
                ended = await decide.ended_of_alert(visit.db, alert_id)
        except (Conflict, InvalidInput) as error:
            entered = Entered(form.get("disposition", ""), form.get("note", ""), form.get("reason", ""))
            async with session.visit(request, READ) as visit:
                alert = await queries.get_alert(visit.db, alert_id)
                return await page(request, visit, alert, _refusal(error), entered)
        await tell(request.app.state.redis, ended)
        return render.redirect(f"/alerts/{alert_id}?done={done}")

    return handle


async def _back(request: Request) -> Response:
    """The address of a form that was refused, asked for again: the alert that it was about."""
    return render.redirect(f"/alerts/{quote(request.path_params['alert_id'], safe='')}")


def make_router() -> APIRouter:
    """Everything under `/alerts`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/alerts", show_list, methods=["GET"])
    router.add_api_route("/alerts/arrivals", arrivals, methods=["GET"])
    router.add_api_route("/alerts/next", next_new, methods=["GET"])
    router.add_api_route("/alerts/{alert_id}", show, methods=["GET"])
    router.add_api_route("/alerts/{alert_id}/markdown", as_markdown, methods=["GET"])
    steps: tuple[tuple[str, Act, str], ...] = (
        ("claim", _claim, "claimed"),
        ("close", _close, "closed"),
        ("reopen", _reopen, "reopened"),
    )
    for name, act, done in steps:
        router.add_api_route(f"/alerts/{{alert_id}}/{name}", _acting(act, done), methods=["POST"])
        router.add_api_route(f"/alerts/{{alert_id}}/{name}", _back, methods=["GET"])
    return router
