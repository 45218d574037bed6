"""/campaigns: the list, one campaign, its members and edges, and what a reviewer does to it."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import Caller, GuardedRoute, allowed
from app.api.alerts import IfMatch, expected_version
from app.api.campaign_schemas import (
    CampaignCloseBody,
    CampaignDetail,
    CampaignEventShape,
    CampaignQuery,
    CampaignShape,
    EdgeShape,
    MemberQuery,
    MemberShape,
    MergeBody,
    ReasonBody,
    SplitBody,
    SplitShape,
    StandingShape,
)
from app.api.documents import BASE, ETAG, errors
from app.api.paging import PageQuery, listing, unsealed, utc
from app.api.schemas import Listing
from app.campaigns import decide, lifecycle, organisations, queries, regroup
from app.campaigns.queries import CampaignFilter, MemberFilter
from app.models.campaign import OURS, Campaign
from app.policies.tell import tell
from app.store.db import read_scope, session_scope

router = APIRouter(prefix=f"{BASE}/campaigns", tags=["campaigns"], route_class=GuardedRoute)
READ, WRITE = allowed("alerts:read"), allowed("alerts:write")
CHANGES = errors(400, 401, 403, 404, 409, 412, 413, 422, 428, 503) | ETAG


def shape(campaign: Campaign) -> CampaignShape:
    """The campaign as a list shows it."""
    return CampaignShape.model_validate(campaign)


async def _detail(session: Any, campaign: Campaign, response: Response) -> CampaignDetail:
    response.headers["ETag"] = f'"{campaign.version}"'
    counts = await decide.counts(session, campaign.id, time.time())
    standing = [StandingShape(action=a, simulated=s, clients=n) for (a, s), n in sorted(counts.items())]  # type: ignore[arg-type]
    return CampaignDetail.model_construct(
        **shape(campaign).model_dump(by_alias=False),
        evidence=campaign.evidence,
        latest={name: value for name, value in campaign.latest.items() if name not in OURS},
        next_id=await queries.following(session, campaign.id),
        decisions=standing,
    )


@router.get(
    "",
    operation_id="listCampaigns",
    summary="List campaigns",
    dependencies=READ,
    responses=errors(400, 401, 403, 422, 503),
)
async def list_campaigns(
    request: Request, response: Response, query: Annotated[CampaignQuery, Query()]
) -> Listing[CampaignShape]:
    """A page of campaigns, newest first."""
    filters = CampaignFilter(
        states=tuple(sorted(set(query.status.split(",")))) if query.status else (),
        level_gte=query.level_gte,
        client=query.client or "",
        size_gte=query.size_gte,
        created_gte=utc("created_gte", query.created_gte),
        created_lt=utc("created_lt", query.created_lt),
        q=query.q,
        sort=query.sort,
    )
    async with read_scope(request.app.state.engine) as session:
        page = await queries.list_campaigns(session, filters, unsealed(request, query.cursor), query.limit)
    return listing(request, response, page, shape)


@router.get(
    "/{campaign_id}",
    operation_id="getCampaign",
    summary="Read a campaign",
    dependencies=READ,
    responses=errors(401, 403, 404, 503) | ETAG,
)
async def get_campaign(request: Request, response: Response, campaign_id: str) -> CampaignDetail:
    """One campaign with its frozen evidence and the newest reading."""
    async with read_scope(request.app.state.engine) as session:
        return await _detail(session, await queries.get_campaign(session, campaign_id), response)


@router.get(
    "/{campaign_id}/members",
    operation_id="listCampaignMembers",
    summary="List a campaign's members",
    dependencies=READ,
    responses=errors(400, 401, 403, 404, 422, 503),
)
async def list_members(
    request: Request, response: Response, campaign_id: str, query: Annotated[MemberQuery, Query()]
) -> Listing[MemberShape]:
    """A page of members, who joined first at the top; those who left are among them."""
    cursor = unsealed(request, query.cursor)
    async with read_scope(request.app.state.engine) as session:
        page = await queries.members_page(session, campaign_id, MemberFilter(query.present), cursor, query.limit)
        known = await organisations.of(session, [member.client_id for member in page.items])

    def member_shape(member: Any) -> MemberShape:
        made = MemberShape.model_validate(member)
        made.organisation, made.organisation_verified = known.get(member.client_id, (None, False))
        return made

    return listing(request, response, page, member_shape)


@router.get(
    "/{campaign_id}/edges",
    operation_id="listCampaignEdges",
    summary="List what ties a campaign together",
    dependencies=READ,
    responses=errors(400, 401, 403, 404, 422, 503),
)
async def list_edges(
    request: Request, response: Response, campaign_id: str, query: Annotated[PageQuery, Query()]
) -> Listing[EdgeShape]:
    """The strongest edges, the strongest first."""
    async with read_scope(request.app.state.engine) as session:
        page = await queries.edges_page(session, campaign_id, unsealed(request, query.cursor), query.limit)
    return listing(request, response, page, EdgeShape.model_validate)


@router.get(
    "/{campaign_id}/history",
    operation_id="listCampaignHistory",
    summary="Read a campaign's history",
    dependencies=READ,
    responses=errors(400, 401, 403, 404, 422, 503),
)
async def list_history(
    request: Request, response: Response, campaign_id: str, query: Annotated[PageQuery, Query()]
) -> Listing[CampaignEventShape]:
    """Who did what, when; oldest first."""
    async with read_scope(request.app.state.engine) as session:
        page = await queries.history_page(session, campaign_id, unsealed(request, query.cursor), query.limit)
    return listing(request, response, page, CampaignEventShape.model_validate)


@router.post(
    "/{campaign_id}/claim",
    operation_id="claimCampaign",
    summary="Take a campaign into review",
    dependencies=WRITE,
    responses=CHANGES,
)
async def claim(
    request: Request, response: Response, caller: Caller, campaign_id: str, if_match: IfMatch = None
) -> CampaignDetail:
    """Claim a new campaign: others see who works on it."""
    version = expected_version(if_match)
    async with session_scope(request.app.state.engine) as session:
        campaign = await lifecycle.claim(session, campaign_id, caller.name, version, time.time())
        return await _detail(session, campaign, response)


@router.post(
    "/{campaign_id}/close",
    operation_id="closeCampaign",
    summary="Close a campaign with a verdict",
    dependencies=WRITE,
    responses=CHANGES,
)
async def close(
    request: Request,
    response: Response,
    caller: Caller,
    campaign_id: str,
    body: CampaignCloseBody,
    if_match: IfMatch = None,
) -> CampaignDetail:
    """Close it, and on request its members' open alerts with the same verdict; nothing is closed by halves."""
    version, now = expected_version(if_match), time.time()
    async with session_scope(request.app.state.engine) as session:
        closed = await lifecycle.close(
            session,
            campaign_id,
            body.disposition,
            body.note,
            caller.name,
            version,
            now,
            with_alerts=body.close_alerts,
        )
        detail = await _detail(session, closed.campaign, response)
    await tell(request.app.state.redis, closed.ended)
    return detail


@router.post(
    "/{campaign_id}/reopen",
    operation_id="reopenCampaign",
    summary="Bring a closed campaign back",
    dependencies=WRITE,
    responses=CHANGES,
)
async def reopen(
    request: Request,
    response: Response,
    caller: Caller,
    campaign_id: str,
    body: ReasonBody,
    if_match: IfMatch = None,
) -> CampaignDetail:
    """Re-open a closed campaign; alerts that were closed with it stay closed."""
    version = expected_version(if_match)
    async with session_scope(request.app.state.engine) as session:
        campaign = await lifecycle.reopen(session, campaign_id, body.reason, caller.name, version, time.time())
        return await _detail(session, campaign, response)


@router.post(
    "/{campaign_id}/split",
    operation_id="splitCampaign",
    summary="Move members into a campaign of their own",
    dependencies=WRITE,
    responses=CHANGES,
)
async def split(
    request: Request,
    response: Response,
    caller: Caller,
    campaign_id: str,
    body: SplitBody,
    if_match: IfMatch = None,
) -> SplitShape:
    """Whom you move out is never linked with the others again, until you merge the two."""
    version = expected_version(if_match)
    async with session_scope(request.app.state.engine) as session:
        made = await regroup.split(
            session,
            campaign_id,
            body.clients,
            body.reason,
            caller.name,
            version,
            time.time(),
            disposition=body.disposition,
        )
    response.headers["ETag"] = f'"{made.rest.version}"'
    return SplitShape(rest=shape(made.rest), part=shape(made.part))


@router.post(
    "/{campaign_id}/merge",
    operation_id="mergeCampaigns",
    summary="Take another campaign in",
    dependencies=WRITE,
    responses=CHANGES,
)
async def merge(
    request: Request,
    response: Response,
    caller: Caller,
    campaign_id: str,
    body: MergeBody,
    if_match: IfMatch = None,
) -> CampaignDetail:
    """The other one's members move in and stay; it is closed as a duplicate and points here."""
    version, now = expected_version(if_match), time.time()
    async with session_scope(request.app.state.engine) as session:
        campaign = await regroup.merge(
            session, campaign_id, body.other, body.other_version, body.reason, caller.name, version, now
        )
        return await _detail(session, campaign, response)
