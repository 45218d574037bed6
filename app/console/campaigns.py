"""The campaigns: the list, the page of one, and what a reviewer does to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.campaigns import decide, lifecycle, organisations, queries, regroup
from app.campaigns.queries import CampaignFilter, MemberFilter
from app.console import acting, campaign_view, charts, deciding, graph, health, listing, render, session, words
from app.console.acting import READ, WRITE, Entered, Incomplete, Refusal
from app.console.listing import Asked
from app.console.route import PageRoute
from app.console.session import Visit
from app.errors import InvalidInput, NotFound
from app.models.campaign import Campaign
from app.models.campaign_event import CampaignEvent
from app.models.client import is_client_ref
from app.policies import mode
from app.policies.decide import DecisionOut
from detectors.base import Level

NEWEST = "-created_at"
SORTS: dict[str, str] = {NEWEST: "Newest first", "-size": "Largest first", "-score": "Highest score first"}
MEMBERS_ROWS = 50  # of the table, a page
FIELDS = 200  # of the form that a split is sent with
CHECKED = "m_"  # names the boxes of members


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks the list to show."""

    state: str
    level: str
    q: str
    sort: str

    @property
    def active(self) -> bool:
        """Whether anything beyond the state narrows the list."""
        return bool(self.q)

    def parameters(self) -> dict[str, str]:
        """The filters as parameters of an address."""
        return {"state": self.state, "level": self.level, "q": self.q, "sort": "" if self.sort == NEWEST else self.sort}

    @property
    def least(self) -> int:
        """The level that new campaigns have at least."""
        return int(Level.NONE if self.level == "all" else Level.REVIEW)

    def query(self) -> CampaignFilter:
        """The filters as the domain knows them."""
        whole = is_client_ref(self.q)
        return CampaignFilter(
            states=() if self.state == "all" else (self.state,),
            level_gte=self.least,
            client=self.q if whole else "",
            q="" if whole else self.q,
            sort=self.sort,
        )


def filters_of(request: Request) -> tuple[Filters, Asked]:
    """The filters of the address, defaults in place of unknown words, and what was unknown."""
    asked = Asked(request, ("state", "level", "q", "sort"))
    return Filters(
        asked.choice("state", (*words.STATES, "all"), "new"),
        asked.choice("level", ("all",)),
        asked.text("q", 60).lower(),
        asked.choice("sort", SORTS, NEWEST),
    ), asked


async def show_list(request: Request) -> Response:
    """`GET /campaigns`: those to be reviewed, newest first, one page."""
    filters, asked = filters_of(request)
    parameters = filters.parameters()
    async with session.visit(request, READ) as visit:
        cursor = request.query_params.get("cursor") or None
        page = listing.NOTHING
        if not asked.unknown:
            page = await queries.list_campaigns(visit.db, filters.query(), cursor, listing.PAGE_ROWS)
        counts = await queries.counts_by_state(visit.db, filters.least)
        beats = await health.heartbeats(request.app.state.redis)
        linker = next((beat for beat in beats or () if beat.role == "linker"), None)
        context = {
            "campaigns": page.items,
            "top": max(map(campaign_view.score, page.items), default=0.0),
            "score_of": campaign_view.score,
            "tabs": listing.tabs("/campaigns", parameters, counts),
            "total": sum(counts.values()),
            "filters": filters,
            "unknown": asked.unknown,
            "known_url": listing.address("/campaigns", parameters),
            "sorts": SORTS,
            "order": SORTS[filters.sort].lower(),
            "clear_url": listing.address("/campaigns", {"state": filters.state, "level": filters.level}),
            "pager": listing.pager("/campaigns", parameters, page.prev_cursor, page.next_cursor),
            "linker": linker,
            "redis": beats is not None,
            "starting": "linker" in request.app.state.startup.waiting(beats, time.monotonic()),
        }
        return render.html("campaigns.html", visit.page("campaigns", **context), asked.status)


async def page(request: Request, visit: Visit, campaign: Campaign, refusal: Refusal, entered: Entered) -> Response:
    """The page of one campaign, as it is now."""
    cursor = request.query_params.get("cursor") or None if request.method == "GET" else None
    members = await queries.members_page(visit.db, campaign.id, MemberFilter(), cursor, MEMBERS_ROWS)
    known = await organisations.of(visit.db, [one.client_id for one in members.items])
    first = await queries.members_page(visit.db, campaign.id, MemberFilter(present=True), None, graph.MEMBERS)
    edges = await queries.edges(visit.db, campaign.id)
    speaks, against = campaign_view.terms(campaign.latest)
    standing = await decide.counts(visit.db, campaign.id, visit.now)
    present, done = await mode.present(visit.db, request.app.state.settings.mode), request.query_params.get("done", "")
    path, events = f"/campaigns/{campaign.id}", await queries.history(visit.db, campaign.id)
    context = {
        "campaign": campaign,
        "members": [campaign_view.member(one, known) for one in members.items],
        "pager": listing.pager(path, {}, members.prev_cursor, members.next_cursor),
        "picture": campaign_view.picture(campaign, first.items, edges),
        "edges": edges,
        "drawn": graph.HUBS,
        "score": campaign_view.score(campaign),
        "score_bar": charts.score_bar(campaign_view.score(campaign), campaign.threshold),
        "terms": speaks,
        "counter": against,
        "without": campaign_view.without(campaign.latest),
        "left": campaign_view.left(campaign),
        "mixed": campaign.latest.get("mixed"),
        "cannot_tell": campaign.latest.get("cannot_tell") or "",
        "history": [campaign_view.entry(event) for event in events],
        "facts": campaign_view.facts(campaign, await queries.following(visit.db, campaign.id)),
        "standing": sorted(standing.items()),
        "may_review": WRITE in visit.scopes,
        "may_decide": deciding.WRITE in visit.scopes,
        "dispositions": words.DISPOSITIONS,
        "entered": entered,
        "typed": _typed(entered, [one.client_id for one in members.items]),
        "conflict": refusal.conflict,
        "at": refusal.at,
        "done": "" if refusal.status != 200 else _said(done, events, visit.name, present.mode),
    }
    return render.html("campaign.html", visit.page("campaigns", **context), refusal.status)


def _said(done: str, events: Sequence[CampaignEvent], author: str, mode: str) -> str:
    """What the page says of the step that the address names."""
    order = campaign_view.decided(done, events, author)
    return campaign_view.outcome(done, events, author) or deciding.said(done, mode, order)


def _typed(entered: Entered, shown: Sequence[str]) -> str:
    """The ids that were typed to be split off, and those that were ticked where the page now shows no box."""
    ticked = {name.removeprefix(CHECKED) for name in entered.form if name.startswith(CHECKED)}
    return "\n".join([entered.form.get("clients", ""), *sorted(ticked - set(shown))]).strip()


async def show(request: Request) -> Response:
    """`GET /campaigns/{id}`: one campaign."""
    async with session.visit(request, READ) as visit:
        campaign = await queries.get_campaign(visit.db, request.path_params["campaign_id"])
        return await page(request, visit, campaign, Refusal(200), Entered())


async def _claim(visit: Visit, campaign_id: str, _form: dict[str, str], version: int | None) -> list[DecisionOut]:
    await lifecycle.claim(visit.db, campaign_id, visit.name, version, visit.now)
    return []


async def _close(visit: Visit, campaign_id: str, form: dict[str, str], version: int | None) -> list[DecisionOut]:
    disposition, note = form.get("disposition", ""), form.get("note", "")
    closed = await lifecycle.close(
        visit.db, campaign_id, disposition, note, visit.name, version, visit.now, with_alerts="close_alerts" in form
    )
    return closed.ended


async def _reopen(visit: Visit, campaign_id: str, form: dict[str, str], version: int | None) -> list[DecisionOut]:
    await lifecycle.reopen(visit.db, campaign_id, form.get("reason", ""), visit.name, version, visit.now)
    return []


def chosen(form: Mapping[str, str]) -> list[str]:
    """The members that a split names: ticked boxes, and ids that were typed."""
    ticked = [name.removeprefix(CHECKED) for name in form if name.startswith(CHECKED)]
    return sorted({*ticked, *form.get("clients", "").replace(",", " ").split()})


async def _split(visit: Visit, campaign_id: str, form: dict[str, str], version: int | None) -> list[DecisionOut]:
    reason, moving = form.get("split_reason", ""), chosen(form)
    wrong = {} if moving else {"clients": "Tick members in the table, or name them here."}
    wrong |= {} if reason.strip() else {"split_reason": "Say why."}
    if wrong:
        raise Incomplete(wrong)
    await regroup.split(visit.db, campaign_id, moving, reason, visit.name, version, visit.now)
    return []


async def _merge(visit: Visit, campaign_id: str, form: dict[str, str], version: int | None) -> list[DecisionOut]:
    try:
        other = await queries.get_campaign(visit.db, form.get("other", "").strip())
    except NotFound as error:
        raise InvalidInput("/other", str(error)) from None
    reason = form.get("merge_reason", "")
    await regroup.merge(visit.db, campaign_id, other.id, other.version, reason, visit.name, version, visit.now)
    return []


async def _again(request: Request, visit: Visit, campaign_id: str, refusal: Refusal, entered: Entered) -> Response:
    return await page(request, visit, await queries.get_campaign(visit.db, campaign_id), refusal, entered)


STEPS = acting.Steps("campaign", "linker", _again, FIELDS)


def make_router() -> APIRouter:
    """Everything under `/campaigns` but the orders about all members."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/campaigns", show_list, methods=["GET"])
    router.add_api_route("/campaigns/{campaign_id}", show, methods=["GET"])
    STEPS.add(
        router,
        (
            ("claim", _claim, "claimed"),
            ("close", _close, "closed"),
            ("reopen", _reopen, "reopened"),
            ("split", _split, "split"),
            ("merge", _merge, "merged"),
        ),
    )
    return router
