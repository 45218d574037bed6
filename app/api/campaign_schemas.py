"""The JSON shapes of campaigns, organisations and shared indicators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.flags import Flag
from app.api.moments import Moment
from app.api.schemas import CLIENT, STATES, TEXT, Body, DecisionShape, GivenAction, GivenDisposition, Query, Shape
from app.campaigns.regroup import MOST
from app.models.vocabulary import Action, Disposition, State

CAMPAIGN = "cp_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"


class CampaignShape(Shape):
    """A campaign without its evidence."""

    id: str = Field(examples=[CAMPAIGN])
    status: State = Field(validation_alias="state")
    disposition: Disposition | None = Field(description="The verdict; present exactly when the campaign is closed")
    level: int = Field(description="1 watch, 2 review, now; 0 where it has calmed down", examples=[2])
    reached: int = Field(description="The highest level of the episode: at review once, it stays in the queue")
    score: float = Field(description="The highest of the episode, nats", examples=[14.2])
    score_threshold: float | None = Field(
        description="Where review began when `score` was reached, nats; null where that was not kept", examples=[9.2]
    )
    threshold: float = Field(
        description="Where review begins for the newest reading, nats: it goes with `latest.score`, not with `score`",
        examples=[9.2],
    )
    size: int = Field(description="Members now", examples=[25])
    requests: int = Field(description="Of the part of the members' traffic that was linked", examples=[1250])
    sentence: str = Field(description="Why, in one sentence")
    episode: int = Field(description="1, or one more than the closed campaign that went on growing")
    previous_id: str | None = Field(description="The episode before")
    merged_into: str | None = Field(description="The campaign that took its members over")
    assignee: str | None
    created_at: datetime = Field(validation_alias="opened_at")
    updated_at: datetime
    seen_at: datetime = Field(description="The newest pass of the linker that found it")
    closed_at: datetime | None
    closed_by: str | None
    note: str | None
    version: int = Field(description="The number in the ETag; joins and newer readings leave it alone", examples=[1])


class StandingShape(Shape):
    """How many decisions about the whole campaign are active."""

    action: Action
    simulated: bool
    clients: int


class CampaignDetail(CampaignShape):
    """A campaign with its evidence."""

    evidence: dict[str, Any] = Field(description="Frozen when the campaign opened; never changes (docs/review.md)")
    latest: dict[str, Any] = Field(description="The newest reading of the linker")
    next_id: str | None = Field(description="The next episode")
    decisions: list[StandingShape]


class MemberShape(Shape):
    """A client of a campaign."""

    client_id: str = Field(examples=[CLIENT])
    joined_at: datetime
    reason: str = Field(description="Why it is in")
    requests: int = Field(description="Of the part of its traffic that was linked")
    share: float = Field(description="Which that is of all its requests: far below 1 for a reseller", examples=[0.97])
    left_at: datetime | None
    left_reason: str | None
    organisation: str | None = None
    organisation_verified: bool = False


class EdgeShape(Shape):
    """What several members have."""

    rank: int
    kind: str = Field(examples=["wording"])
    token: str = Field(description="Keyed hash: it says nothing outside this deployment", examples=["9f3c5d2a7b10e84c"])
    members: int = Field(description="Members that have it")
    clients: int = Field(description="Clients in all that have it: its document frequency")
    weight: float = Field(description="Nats")
    sentence: str
    holders: list[str] = Field(description="Members that have it, at most 100")


class CampaignEventShape(Shape):
    """One step of a campaign's history."""

    id: str
    sequence: int = Field(description="The campaign's version after the step")
    at: datetime
    kind: str = Field(
        description="opened, grew, shrank, escalated, cleared, claimed, closed, reopened, split, merged, decided or "
        "revoked"
    )
    actor: str
    data: dict[str, Any]


class CampaignQuery(Query):
    """Which campaigns, in which order."""

    status: str = Field("", pattern=rf"^(({STATES})(,({STATES}))*)?$", description="Several, joined by commas")
    level_gte: int = Field(0, ge=0, le=2, description="Of new ones those that reached this level: 1 watch, 2 review")
    client: str | None = Field(None, pattern=r"^cl_[0-9a-f]{16}$", examples=[CLIENT])
    size_gte: int = Field(0, ge=0, le=10_000_000)
    created_gte: Moment | None = Field(None, description="RFC 3339 with its offset")
    created_lt: Moment | None = Field(None, description="RFC 3339 with its offset")
    q: str = Field("", max_length=200, pattern=TEXT, description="Part of the sentence or of the id")
    sort: str = Field(
        "-created_at",
        max_length=100,
        pattern=r"^-?(created_at|updated_at|score|size)(,-?(created_at|updated_at|score|size)){0,3}$",
    )


class MemberQuery(Query):
    """Which members."""

    present: Flag | None = Field(None, description="true: those who have not left; false: those who have")


class CampaignCloseBody(Body):
    """The verdict."""

    disposition: GivenDisposition = Field(description="Mandatory")
    note: str = Field("", max_length=4000, pattern=TEXT)
    close_alerts: bool = Field(False, description="Close the members' open alerts with the same verdict and note")


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=4000, pattern=r"\S", examples=["The customer sent the contract."])


class SplitBody(Body):
    """Who is moved out, for ever, and why."""

    clients: list[str] = Field(min_length=1, max_length=MOST, examples=[[CLIENT]])
    reason: str = Field(min_length=1, max_length=4000, pattern=r"\S", examples=["Two keys of a customer we know."])
    disposition: GivenDisposition | None = Field(None, description="Closes what is moved out at once")


class MergeBody(Body):
    """Which campaign is taken in, in the version that was read, and why."""

    other: str = Field(max_length=60, examples=[CAMPAIGN])
    other_version: int = Field(ge=0, le=2**31 - 1, description="Its `version`, as If-Match names that of this one")
    reason: str = Field(min_length=1, max_length=4000, pattern=r"\S", examples=["One invoice address."])


class SplitShape(Shape):
    """Both campaigns after a split."""

    rest: CampaignShape
    part: CampaignShape


class CampaignDecisionBody(Body):
    """What is to be done to every member, for how long, and why."""

    action: GivenAction
    duration_seconds: float = Field(ge=60, le=90 * 86400, examples=[14400])
    reason: str = Field(min_length=1, max_length=2000, pattern=r"\S", examples=["One operator behind 25 keys."])
    parameters: dict[str, Any] = Field(default_factory=dict, examples=[{"rate_per_minute": 6, "burst": 3}])
    simulated: bool = Field(True, description="False: it acts, once the mode is enforce")
    start_within_seconds: float = Field(0, ge=0, le=3600)
    exempt_too: bool = Field(False, description="Decide also about clients of verified organisations")


class CampaignApplyBody(CampaignDecisionBody):
    """The same, for real."""

    expected_clients: int = Field(ge=1, description="The `clients` of the preview: another number is a 409")


class PlanItem(Shape):
    """What would happen to one member."""

    client_id: str
    outcome: str = Field(description="decide, replace (what stands ends), stands (nothing to do) or exempt")
    organisation: str | None
    standing: list[DecisionShape]


class CampaignPreview(Shape):
    """Who would be hit, and how; nothing is kept."""

    clients: int = Field(description="Members now: `expected_clients` of the order")
    counts: dict[str, int] = Field(description="Members by outcome", examples=[{"decide": 24, "exempt": 1}])
    acts_now: bool = Field(description="Whether it would change answers at once: real, and the mode is enforce")
    items: list[PlanItem] = Field(description="The first 1,000 members, in order of id")
    items_left_out: int


class CampaignApplied(Shape):
    """What was decided."""

    decisions: list[DecisionShape]
    skipped: dict[str, int]
    remaining: int = Field(description="Members that another call is needed for: send the same order again")
    version: int


class CampaignRevoked(Shape):
    """What was taken back."""

    ended: int
    version: int


class OrganisationShape(Shape):
    """A company behind clients."""

    id: str
    name: str
    verified: bool = Field(description="Verified: its own clients are not linked with one another")
    clients: int = Field(description="Clients that name it")
    accounts: int = Field(description="Accounts that name it")
    updated_by: str
    updated_at: datetime


class OrganisationQuery(Query):
    """Which organisations."""

    q: str = Field("", max_length=200, pattern=TEXT, description="Part of the name")


class OrganisationImportBody(Body):
    """A table of clients or of accounts."""

    csv: str = Field(
        max_length=240_000,
        description="First line client,organisation or account,organisation; an empty organisation takes an entry back",
        examples=["client,organisation\ncl_5f0c2b9e4d17a36c,Acme Ltd\n"],
    )
    verified: bool = Field(True, description="Whether somebody made sure of it")


class OrganisationImported(Shape):
    """What an import did."""

    organisations: int
    entries: int
    removed: int


class AttributeShape(Shape):
    """One attribute of a client or an account: never its value."""

    client: str | None = Field(description="The client that it is of, or", examples=[CLIENT])
    account: str | None = Field(description="the account: it holds for all its clients")
    name: str = Field(examples=["email_domain"])
    shared: int = Field(description="Entries with the same value, this one among them", examples=[1])
    updated_by: str
    updated_at: datetime


class SubjectQuery(BaseModel):
    """Whose attributes: give exactly one."""

    model_config = ConfigDict(extra="forbid")

    client: str | None = Field(None, max_length=19, pattern=TEXT, examples=[CLIENT])
    account: str | None = Field(None, max_length=200, pattern=TEXT)


class AttributeQuery(Query, SubjectQuery):
    """Which attributes: of all, of one client, or of one account; of one name."""

    name: str = Field("", max_length=32, pattern=TEXT)


VALUE = {"type": ["string", "integer", "null"], "maxLength": 500}
Values = Annotated[  # what a value may be is said by app.campaigns.attribute_tables, in one sentence
    dict[str, Any],
    Field(
        max_length=16,
        description="Names and values; kept is a keyed hash of each. null or empty: taken back",
        json_schema_extra={"additionalProperties": VALUE},
    ),
]


class AttributesBody(Body):
    """All that one client or account signed up with."""

    attributes: Values = Field(examples=[{"email_domain": "example.org", "sign_up_hour": 14}])


class AttributeEntryBody(AttributesBody):
    """What one client or account signed up with."""

    client: str | None = Field(None, max_length=19, examples=[CLIENT])
    account: str | None = Field(None, max_length=200)


class AttributeImportBody(Body):
    """Several at once: as a table or as entries, one of the two."""

    csv: str | None = Field(
        None,
        max_length=240_000,
        description="First line client or account, then attributes' names; an empty value takes one back",
        examples=["client,email_domain,payment\ncl_5f0c2b9e4d17a36c,example.org,card-4711\n"],
    )
    entries: list[AttributeEntryBody] | None = Field(None, min_length=1, max_length=2_000)
    replace: bool = Field(False, description="Whether attributes that an entry does not name are forgotten")


class AttributesImported(Shape):
    """What an import did; counted are attributes."""

    entries: int = Field(description="Clients and accounts named")
    changed: int
    unchanged: int
    removed: int


class AttributesForgotten(Shape):
    """What was forgotten."""

    removed: int


class IndicatorExportBody(Body):
    """How long what is shared holds."""

    days: float = Field(30, gt=0, le=365)


class IndicatorImportBody(Body):
    """A document that another installation exported with the same sharing key."""

    document: dict[str, Any]
    note: str = Field("", max_length=2000, pattern=TEXT)


class IndicatorSetShape(Shape):
    """An imported set."""

    id: str
    source: str
    note: str
    count: int = Field(description="Indicators in it")
    digest: str
    imported_by: str
    imported_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    clients: int = Field(0, description="Clients whose requests matched")
    matches: int = Field(0, description="Requests that matched")


class IndicatorMatchQuery(BaseModel):
    """Which client."""

    model_config = ConfigDict(extra="forbid")

    client: str = Field(pattern=r"^cl_[0-9a-f]{16}$", examples=[CLIENT])


class IndicatorMatchShape(Shape):
    """How often a client's requests matched an imported set."""

    set_id: str
    source: str
    kinds: list[str] = Field(description="head, tail, system or network", examples=[["head"]])
    matches: int
    first_at: datetime
    last_at: datetime
