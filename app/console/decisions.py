"""The decisions: what is done to clients, until when, and a way to take it back."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.console import acting, deciding, listing, render, review, session
from app.console.deciding import CHANGE, STEP, WRITE
from app.console.listing import Asked
from app.console.route import PageRoute
from app.console.session import Visit
from app.errors import Conflict, InvalidInput
from app.models.base import moment
from app.models.client import is_client_ref
from app.policies import manual, mode, queries
from app.policies.queries import DecisionFilter
from app.policies.tell import tell

READ = "clients:read"
LONGEST = 200  # characters of what is typed as a client
SHOWN: dict[str, tuple[str, bool | None]] = {
    "active": ("Active", True),
    "ended": ("Ended", False),
    "all": ("All", None),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks the list to show."""

    shown: str
    client: str

    def parameters(self) -> dict[str, str]:
        """The filters as parameters of an address."""
        return {"shown": self.shown if self.shown != "active" else "", "client": self.client}


def filters_of(request: Request) -> tuple[Filters, Asked]:
    """The filters of the address, defaults in place of what is unknown, and what was unknown."""
    asked = Asked(request, ("shown", "client"))
    shown, client = asked.choice("shown", SHOWN, "active"), asked.text("client", LONGEST).lower()
    whole = is_client_ref(client)
    if client and not whole:
        asked.refuse("client", client, "give a client's id: cl_ and 16 hexadecimal digits")
    return Filters(shown, client if whole else ""), asked


@dataclass(frozen=True, slots=True)
class Entered:
    """What a reviewer typed to revoke a decision, and what is wrong with it."""

    decision_id: str = ""
    reason: str = ""
    problem: str = ""


async def _list(
    request: Request, visit: Visit, problem: str = "", status: int = 0, entered: Entered = Entered()
) -> Response:
    """The list; `problem` says why nothing was changed, `entered` is shown in its form."""
    (filters, asked), now = filters_of(request), moment(visit.now)
    wanted = DecisionFilter(active=SHOWN[filters.shown][1], client=filters.client)
    cursor = request.query_params.get("cursor") or None
    page = listing.NOTHING
    if not asked.unknown:
        page = await queries.list_decisions(visit.db, wanted, cursor, listing.PAGE_ROWS, now)
    parameters, present = filters.parameters(), await mode.present(visit.db, request.app.state.settings.mode)
    tabs = [
        (title, listing.address("/decisions", {**parameters, "shown": name}), name == filters.shown)
        for name, (title, _) in SHOWN.items()
    ]
    context = {
        "decisions": [review.decision(item, visit.now) for item in page.items],
        "counts": await queries.counts(visit.db, now),
        "all_url": listing.address("/decisions", {**parameters, "shown": "all"}),
        "filters": filters,
        "unknown": asked.unknown,
        "known_url": listing.address("/decisions", parameters),
        "query": listing.address("", parameters),  # a form leads back to the list it was sent from
        "tabs": tabs,
        "mode": present.mode,
        "may_revoke": WRITE in visit.scopes,
        "may_see_alerts": acting.READ in visit.scopes,
        "pager": listing.pager("/decisions", parameters, page.prev_cursor, page.next_cursor),
        "problem": problem,
        "entered": entered,
        "done": "" if problem else deciding.said(request.query_params.get("done", ""), present.mode),
    }
    return render.html("decisions.html", visit.page("decisions", **context), status or asked.status)


async def show_list(request: Request) -> Response:
    """`GET /decisions`: the active ones, the latest made first."""
    async with session.visit(request, READ) as visit:
        return await _list(request, visit)


async def revoke(request: Request) -> Response:
    """`POST /decisions/{id}/revoke`: end one, with a reason."""
    decision_id, form = request.path_params["decision_id"], await session.read_form(request)
    reason = form.get("reason", "")
    try:
        async with session.visit(request, READ, WRITE, write=True) as visit:
            session.check_token(form, visit.csrf)
            if form.get(STEP) == CHANGE:
                return await _list(request, visit, entered=Entered(decision_id, reason))
            ended = await manual.revoke(visit.db, decision_id, reason, visit.name, visit.now)
    except (Conflict, InvalidInput) as error:
        unsaid = isinstance(error, InvalidInput)
        problem = "Say why you revoke it." if unsaid else f"{str(error).capitalize()}."
        async with session.visit(request, READ) as visit:
            entered = Entered(decision_id, reason, problem) if unsaid else Entered()
            return await _list(request, visit, problem, error.status, entered)
    told = await tell(request.app.state.redis, ended.changed)
    parameters = {**filters_of(request)[0].parameters(), "done": deciding.done("revoked", told)}
    return render.redirect(listing.address("/decisions", parameters))


async def _back(request: Request) -> Response:
    """The address of a form that was refused, asked for again."""
    return render.redirect(listing.address("/decisions", filters_of(request)[0].parameters()))


def make_router() -> APIRouter:
    """Everything under `/decisions`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/decisions", show_list, methods=["GET"])
    router.add_api_route("/decisions/{decision_id}/revoke", revoke, methods=["POST"])
    router.add_api_route("/decisions/{decision_id}/revoke", _back, methods=["GET"])
    return router
