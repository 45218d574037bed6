"""An order about all members of a campaign: entered, looked at member by member, then decided or taken back."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.campaigns import decide, queries
from app.campaigns.decide import CampaignOrder, Plan
from app.console import campaign_view, campaigns, deciding, render, review, session
from app.console.acting import READ, Entered, Refusal, version_of
from app.console.deciding import CHANGE, NOTHING, STEP, Ordered
from app.console.route import PageRoute
from app.console.session import Visit
from app.errors import Conflict, Forbidden, InvalidInput
from app.models.campaign import Campaign
from app.models.decision import Decision
from app.policies import mode
from app.policies.tell import tell
from detectors.said import count as counted

ITEMS = 200  # members that the look lists


def _order(form: Mapping[str, str], visit: Visit) -> CampaignOrder:
    """What the form asks for; see `deciding.order` for what it refuses."""
    one = deciding.order(form, "", "", visit.scopes)
    return CampaignOrder(
        action=one.action,
        seconds=one.seconds,
        reason=one.reason,
        parameters=one.parameters,
        simulated=one.simulated,
        exempt_too="exempt_too" in form,
    )


def _said(plan: Plan) -> dict[str, str | Decision]:
    """The order of a plan in words."""
    draft = plan.draft
    return {
        "order": draft,
        "summary": deciding.summary(draft),
        "effect": deciding.effect(draft.action),
        "extent": review.extent(draft.parameters),
    }


async def _page(
    request: Request,
    visit: Visit,
    campaign: Campaign,
    ordered: Ordered = NOTHING,
    plan: Plan | None = None,
    form: Mapping[str, str] | None = None,
    status: int = 200,
    decided: str = "",
) -> Response:
    """The form; with a plan, in its place, the look at whom the order would hit, and after a part what was decided."""
    present = await mode.present(visit.db, request.app.state.settings.mode)
    kept = deciding.kept(form or {})
    context = {
        "campaign": campaign,
        **deciding.offered(visit.scopes, ordered, present.mode, f"/campaigns/{campaign.id}/order"),
        "exempt_too": "exempt_too" in kept,
        "plan": plan,
        **(_said(plan) if plan else {}),
        "items": plan.items[:ITEMS] if plan else (),
        "items_left_out": max(0, len(plan.items) - ITEMS) if plan else 0,
        "outcomes": campaign_view.OUTCOMES,
        "kept": kept,
        "due": plan.counts[decide.DECIDE] + plan.counts[decide.REPLACE] if plan else 0,
        "most": decide.MOST,
        "decided": decided,
    }
    return render.html("campaign_order.html", visit.page("campaigns", **context), status)


async def show(request: Request) -> Response:
    """`GET /campaigns/{id}/order`: the empty form."""
    async with session.visit(request, READ, deciding.WRITE) as visit:
        campaign = await queries.get_campaign(visit.db, request.path_params["campaign_id"])
        return await _page(request, visit, campaign)


async def look(request: Request) -> Response:
    """`POST /campaigns/{id}/order`: who would be hit; nothing is kept."""
    form = await session.read_form(request)
    async with session.visit(request, READ, deciding.WRITE) as visit:
        session.check_token(form, visit.csrf)
        campaign = await queries.get_campaign(visit.db, request.path_params["campaign_id"])
        if form.get(STEP) == CHANGE:
            return await _page(request, visit, campaign, deciding.entered(form), form=form)
        try:
            plan = await decide.preview(visit.db, campaign.id, _order(form, visit), visit.name, visit.now)
        except (InvalidInput, Forbidden) as error:
            wrong = error if isinstance(error, InvalidInput) else None
            ordered = deciding.entered(form, wrong, "" if wrong else str(error).capitalize())
            return await _page(request, visit, campaign, ordered, form=form, status=error.status)
        return await _page(request, visit, campaign, deciding.entered(form), plan, form)


async def apply(request: Request) -> Response:
    """`POST /campaigns/{id}/decide`: the order as it was looked at; shows the campaign again either way."""
    campaign_id, form = request.path_params["campaign_id"], await session.read_form(request)
    expected = form.get("expected", "")
    try:
        async with session.visit(request, READ, deciding.WRITE, write=True) as visit:
            session.check_token(form, visit.csrf)
            if form.get(STEP) == CHANGE:
                campaign = await queries.get_campaign(visit.db, campaign_id)
                return await _page(request, visit, campaign, deciding.entered(form), form=form)
            done = await decide.apply(
                visit.db,
                campaign_id,
                _order(form, visit),
                int(expected) if expected.isdecimal() and len(expected) < 10 else 0,
                visit.name,
                version_of(form),
                visit.now,
            )
    except (Conflict, InvalidInput) as error:
        async with session.visit(request, READ) as visit:
            campaign = await queries.get_campaign(visit.db, campaign_id)
            return await campaigns.page(request, visit, campaign, campaigns.STEPS.refused(error), Entered())
    told = await tell(request.app.state.redis, done.changed)
    if done.remaining:
        async with session.visit(request, READ, deciding.WRITE) as visit:
            plan = await decide.preview(visit.db, campaign_id, _order(form, visit), visit.name, visit.now)
            decided = f"{deciding.summary(plan.draft)}: {counted(len(done.made), 'member')}"
            return await _page(request, visit, plan.campaign, deciding.entered(form), plan, form, decided=decided)
    word = deciding.done("decided", told, simulated="simulated" in form)
    return render.redirect(f"/campaigns/{campaign_id}?done={word}")


async def revoke(request: Request) -> Response:
    """`POST /campaigns/{id}/revoke`: take back what was decided about the campaign as a whole."""
    campaign_id, form = request.path_params["campaign_id"], await session.read_form(request)
    entered = Entered(form={"revoke_reason": form.get("reason", "")})
    try:
        async with session.visit(request, READ, deciding.WRITE, write=True) as visit:
            session.check_token(form, visit.csrf)
            if form.get(STEP) == CHANGE:
                campaign = await queries.get_campaign(visit.db, campaign_id)
                return await campaigns.page(request, visit, campaign, Refusal(200), entered)
            version, why = version_of(form), form.get("reason", "")
            _, ended = await decide.revoke(visit.db, campaign_id, why, visit.name, version, visit.now)
    except (Conflict, InvalidInput) as error:
        async with session.visit(request, READ) as visit:
            refusal = campaigns.STEPS.refused(error, "revoke")
            campaign = await queries.get_campaign(visit.db, campaign_id)
            return await campaigns.page(request, visit, campaign, refusal, entered)
    told = await tell(request.app.state.redis, ended)
    return render.redirect(f"/campaigns/{campaign_id}?done={deciding.done('revoked', told)}")


def make_router() -> APIRouter:
    """The orders about all members of a campaign."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/campaigns/{campaign_id}/order", show, methods=["GET"])
    router.add_api_route("/campaigns/{campaign_id}/order", look, methods=["POST"])
    for name, handler in (("decide", apply), ("revoke", revoke)):
        router.add_api_route(f"/campaigns/{{campaign_id}}/{name}", handler, methods=["POST"])
        router.add_api_route(f"/campaigns/{{campaign_id}}/{name}", campaigns.STEPS.back, methods=["GET"])
    return router
