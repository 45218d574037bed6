"""/campaigns/{id}/decisions: one order about every member, looked at first, and taken back as a whole."""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.access.tokens import Principal
from app.api.access import Caller, GuardedRoute, allowed
from app.api.alerts import IfMatch, expected_version
from app.api.campaign_schemas import (
    CampaignApplied,
    CampaignApplyBody,
    CampaignDecisionBody,
    CampaignPreview,
    CampaignRevoked,
    PlanItem,
    ReasonBody,
)
from app.api.campaigns import CHANGES
from app.api.decisions import shape
from app.api.documents import BASE, errors
from app.campaigns import decide
from app.campaigns.decide import CampaignOrder
from app.models.vocabulary import Action, Mode
from app.policies import mode
from app.policies.tell import tell
from app.store.db import read_scope, session_scope

router = APIRouter(prefix=f"{BASE}/campaigns/{{campaign_id}}/decisions", tags=["campaigns"], route_class=GuardedRoute)
WRITE = allowed("decisions:write", "alerts:read")
ITEMS = 1_000  # members that a preview lists


def _order(body: CampaignDecisionBody, caller: Principal) -> CampaignOrder:
    """What the body asks for; Forbidden where the token may not block."""
    if body.action is Action.BLOCK:
        caller.require("decisions:block")
    return CampaignOrder(
        action=body.action,
        seconds=body.duration_seconds,
        reason=body.reason,
        parameters=body.parameters,
        simulated=body.simulated,
        start_within=body.start_within_seconds,
        exempt_too=body.exempt_too,
    )


@router.post(
    "/preview",
    operation_id="previewCampaignDecisions",
    summary="Look at whom an order about a campaign would hit",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 404, 413, 422, 503),
)
async def preview(request: Request, caller: Caller, campaign_id: str, body: CampaignDecisionBody) -> CampaignPreview:
    """Member by member: decided, replacing what stands, standing already, or exempt. Nothing is kept."""
    async with read_scope(request.app.state.engine) as session:
        plan = await decide.preview(session, campaign_id, _order(body, caller), caller.name, time.time())
        present = await mode.present(session, request.app.state.settings.mode)
    items = [
        PlanItem(
            client_id=item.client_id,
            outcome=item.outcome,
            organisation=item.organisation or None,
            standing=[shape(one) for one in item.standing],
        )
        for item in plan.items[:ITEMS]
    ]
    return CampaignPreview(
        clients=len(plan.items),
        counts=plan.counts,
        acts_now=not body.simulated and present.mode is Mode.ENFORCE,
        items=items,
        items_left_out=max(0, len(plan.items) - ITEMS),
    )


@router.post(
    "",
    operation_id="decideAboutCampaign",
    summary="Decide about every member of a campaign",
    dependencies=WRITE,
    responses=CHANGES,
)
async def apply(
    request: Request,
    response: Response,
    caller: Caller,
    campaign_id: str,
    body: CampaignApplyBody,
    if_match: IfMatch = None,
) -> CampaignApplied:
    """At most 500 decisions in one call; `remaining` says whether to send it again. What stands is not made twice."""
    version, order = expected_version(if_match), _order(body, caller)
    async with session_scope(request.app.state.engine) as session:
        done = await decide.apply(session, campaign_id, order, body.expected_clients, caller.name, version, time.time())
    await tell(request.app.state.redis, done.changed)
    response.headers["ETag"] = f'"{done.campaign.version}"'
    return CampaignApplied(
        decisions=[shape(one) for one in done.made],
        skipped=done.skipped,
        remaining=done.remaining,
        version=done.campaign.version,
    )


@router.post(
    "/revoke",
    operation_id="revokeCampaignDecisions",
    summary="Take every decision about a campaign back",
    dependencies=WRITE,
    responses=CHANGES,
)
async def revoke(
    request: Request,
    response: Response,
    caller: Caller,
    campaign_id: str,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> CampaignRevoked:
    """End what was decided about the campaign as a whole; decisions about single members stay."""
    version = expected_version(if_match)
    async with session_scope(request.app.state.engine) as session:
        campaign, ended = await decide.revoke(session, campaign_id, body.reason, caller.name, version, time.time())
    await tell(request.app.state.redis, ended)
    response.headers["ETag"] = f'"{campaign.version}"'
    return CampaignRevoked(ended=len(ended), version=campaign.version)
