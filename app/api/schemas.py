"""The JSON shapes of the API. Words such as `status` may gain values: readers must tolerate new ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict

from app.api.flags import Flag
from app.api.moments import MOMENT, Moment
from app.models.vocabulary import Action, Disposition, Mode, Severity, State, Verdict

T = TypeVar("T")

CLIENT = "cl_5f0c2b9e4d17a36c"
ALERT = "al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"
DECISION = "dc_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"
SCALE = (
    "A term's `contribution` is in nats: those above 0 add up to its detector's `nats`, the others say what was taken "
    "off, in proportion; null where nothing is found. `share` is the same in the unit of the detector's own `raw`"
)


class Shape(BaseModel):
    """Root of what we send; read from rows by attribute."""

    model_config = ConfigDict(from_attributes=True)


class Links(Shape):
    """Where a page stands."""

    next_cursor: str | None = Field(description="Leads to the rows after this page")
    prev_cursor: str | None = Field(description="Leads to the rows before this page")
    has_more: bool = Field(description="Whether rows follow this page")


class Listing(Shape, Generic[T]):
    """A page of rows."""

    data: list[T]
    page: Links


class AlertShape(Shape):
    """An alert without its evidence."""

    id: str = Field(examples=[ALERT])
    client_id: str = Field(examples=[CLIENT])
    status: State = Field(validation_alias="state")
    disposition: Disposition | None = Field(description="The verdict; present exactly when the alert is closed")
    severity: Severity
    severity_id: int = Field(description="2 low, 3 medium, 4 high, 5 critical, as in OCSF", examples=[4])
    score: float = Field(description="The highest of the episode, nats", examples=[14.2])
    threshold: float = Field(description="Where review begins, nats", examples=[9.2])
    sentence: str = Field(description="Why, in one sentence", examples=["One template fills 97 % of 1,204 requests."])
    episode: int = Field(description="Counts the alerts of this client under this policy", examples=[1])
    policy: str = Field(examples=["harvest"])
    policy_version: int = Field(examples=[1])
    assignee: str | None = Field(description="Who claimed it")
    created_at: datetime = Field(validation_alias="opened_at", examples=[MOMENT])
    updated_at: datetime = Field(examples=[MOMENT])
    closed_at: datetime | None
    closed_by: str | None
    note: str | None = Field(description="What the reviewer wrote at the closing")
    version: int = Field(description="The number in the ETag; a refresh of `latest` leaves it alone", examples=[1])
    q_value: float | None = Field(
        None,
        description="Of the week's alerts that opened as high or higher, the share that is expected to be ordinary at "
        "most; null where the alert is no part of the week's batch (docs/review.md)",
        examples=[0.04],
    )


class ChanceShape(Shape):
    """The alerts of seven days beside what chance would bring."""

    since: datetime = Field(description="When the seven days began", examples=[MOMENT])
    clients: int = Field(description="Seen since then, with requests enough to be compared", examples=[10000])
    reviewed: int = Field(description="Of them, those that came to review by their score", examples=[34])
    tripwires: int = Field(
        description="Of them, those that a tripwire alone brought: no part of the rest", examples=[1]
    )
    complete: bool = Field(description="False: only the newest alerts were taken, which makes each q larger")
    expected: float | None = Field(
        description="How many would come if all were ordinary; null where the reference does not say", examples=[21.4]
    )
    level: float = Field(description="The false discovery rate that is asked for", examples=[0.1])
    beyond_chance: int = Field(description="Clients whose q is no larger than that", examples=[3])
    resolvable: float | None = Field(
        description="The smallest q that so few alerts of so many clients can have; null where there is none",
        examples=[0.09],
    )


class DecisionShape(Shape):
    """What the gateway does to a client, until when."""

    id: str = Field(examples=[DECISION])
    alert_id: str | None = Field(description="The alert that it came from; null where a person named none")
    campaign_id: str | None = Field(description="The campaign about all of whose members it was made")
    client_id: str = Field(examples=[CLIENT])
    action: Action
    simulated: bool = Field(description="True: recorded, and not one answer is changed")
    parameters: dict[str, Any] = Field(description="How fast, or what less", examples=[{"max_n": 1}])
    made_by: str = Field(description="The name of the token, or `stillwatch` for the policy")
    reason: str
    policy: str = Field(description="`manual` where a person decided", examples=["harvest"])
    policy_version: int
    starts_at: datetime = Field(description="When it begins; until then it acts on nothing", examples=[MOMENT])
    expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None = Field(description="revoked, superseded, expired or closed_benign")
    revoked_by: str | None
    revoked_note: str | None = Field(description="What the person wrote who revoked it")


class AlertDetail(AlertShape):
    """An alert with its evidence and decisions."""

    evidence: dict[str, Any] = Field(
        description=f"Frozen when the alert opened; never changes (docs/review.md). {SCALE}"
    )
    latest: dict[str, Any] = Field(description=f"The newest reading of the client; follows the traffic. {SCALE}")
    decisions: list[DecisionShape]


class EventShape(Shape):
    """One step of an alert's history."""

    id: str
    sequence: int = Field(description="The alert's version after the step")
    at: datetime
    kind: str = Field(description="opened, escalated, cleared, returned, claimed, closed or reopened")
    actor: str = Field(description="The name of the token, or `stillwatch` for what no person did")
    data: dict[str, Any]


class ClientShape(Shape):
    """A client as the worker last wrote it down."""

    id: str = Field(examples=[CLIENT])
    first_seen: datetime = Field(examples=[MOMENT])
    last_seen: datetime = Field(examples=[MOMENT])
    requests: int = Field(description="Each line of a batch that is looked at is one", examples=[1204])
    in_tokens: int
    out_tokens: int
    level: int = Field(description="0 none, 1 watch, 2 review", examples=[2])
    score: float = Field(description="Fused evidence, nats", examples=[14.2])
    peer_group: str
    account: str = Field(description="The customer it belongs to, where that is known", examples=["acme"])


class LabelShape(Shape):
    """A reviewer's verdict."""

    id: str
    alert_id: str
    verdict: Verdict
    disposition: Disposition
    given_by: str
    given_at: datetime


class Bucket(Shape):
    """Requests in one span of time."""

    start: datetime
    requests: int


class ActivityShape(Shape):
    """When a client asked."""

    minutes: list[Bucket] = Field(description="The last 60 minutes")
    hours: list[Bucket] = Field(description="The last 72 hours")


class LiveShape(Shape):
    """What the engine says of the client now."""

    at: datetime
    level: int
    score: float | None
    threshold: float | None
    peer_group: str
    requests: int
    explanation: dict[str, Any] = Field(
        description=f"sentence, detectors, contributions, counter_evidence, rests_on, cannot_tell. {SCALE}"
    )
    activity: ActivityShape


class ClientDetail(ClientShape):
    """A client with all that is known of it."""

    live: LiveShape | None = Field(description="Null where the row expired or Redis is away: see live_status")
    live_status: str = Field(description="ok, expired or unavailable", examples=["ok"])
    alerts: list[AlertShape] = Field(description="The newest 50")
    decisions: list[DecisionShape] = Field(description="The newest 50")
    labels: list[LabelShape]
    campaign_ids: list[str] = Field(description="The campaigns that it is in, the newest 20")


class Process(Shape):
    """One process, by its heartbeat."""

    role: str
    instance: str
    host: str
    at: datetime
    started: datetime
    counters: dict[str, float]
    gauges: dict[str, float]
    info: dict[str, Any]


class StatusShape(Shape):
    """Whether traffic is watched."""

    gateway_mode: str = Field(
        description="observe, enforce or bypass: what the gateways are told; unknown while nobody says",
        examples=["observe"],
    )
    gateway_mode_version: int | None = Field(
        description="The number of the change that set it; 0 for the setting; null while the mode is unknown"
    )
    mode: str = Field(
        description="ok, degraded (scores are late or unknown) or fail_open (traffic passes, its events are lost)"
    )
    reasons: list[str] = Field(description="Why the mode is not ok, and what else is worth a look")
    at: datetime
    redis: str = Field(description="ok or away")
    db: str = Field(description="ok or away")
    scorer_lag_s: float | None = Field(description="How far the slowest worker is behind; null where none says")
    dropped_events: float | None = Field(description="Dropped since the processes started; null where nobody says")
    alerts: dict[str, int] = Field(description="Alerts by status; empty while the database is away")
    clients: int | None = Field(description="null while the database is away")
    processes: list[Process]


class Health(Shape):
    """Whether this process can serve."""

    status: str = Field(examples=["ok"])
    checks: dict[str, str] = Field(default_factory=dict, examples=[{"db": "ok", "redis": "ok"}])


class Body(BaseModel):
    """Root of what we are sent: names that we do not know are refused, and so are values of another JSON type."""

    model_config = ConfigDict(extra="forbid", strict=True)  # "simulated": "no" must not be taken for false


GivenAction = Annotated[Action, Strict(False)]  # JSON has no words of ours: a strict one would have to be the object
GivenDisposition = Annotated[Disposition, Strict(False)]


class CloseBody(Body):
    """The verdict."""

    disposition: GivenDisposition = Field(description="Mandatory; it also becomes a label")
    note: str = Field("", max_length=4000, examples=["One key, one template, 40,000 different questions."])


class ReopenBody(Body):
    """Why the verdict does not hold."""

    reason: str = Field(min_length=1, max_length=4000, pattern=r"\S", examples=["The customer sent the contract."])


STATES = "|".join(State)
TEXT = r"^[^\x00]*$"
Limit = Annotated[int, Field(ge=1, le=200, description="Rows of a page")]
Cursor = Annotated[str | None, Field(max_length=2000, description="`next_cursor` or `prev_cursor` of another page")]


class Query(BaseModel):
    """Root of the parameters of a list: names that we do not know are refused."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = 50
    cursor: Cursor = None


class AlertQuery(Query):
    """Which alerts, in which order."""

    status: str = Field("", pattern=rf"^(({STATES})(,({STATES}))*)?$", description="Several, joined by commas")
    severity_gte: str | None = Field(None, pattern=r"^(low|medium|high|critical|[2-5])$", description="A word or id")
    client: str | None = Field(None, pattern=r"^cl_[0-9a-f]{16}$", examples=[CLIENT])
    created_gte: Moment | None = Field(None, description="RFC 3339 with its offset")
    created_lt: Moment | None = Field(None, description="RFC 3339 with its offset")
    q: str = Field("", max_length=200, pattern=TEXT, description="Part of the sentence, the client's id or the alert's")
    sort: str = Field(
        "-created_at",
        max_length=100,
        pattern=r"^-?(created_at|updated_at|score|severity)(,-?(created_at|updated_at|score|severity)){0,3}$",
    )


class ClientQuery(Query):
    """Which clients, in which order."""

    level_gte: int = Field(0, ge=0, le=2, description="1 watch, 2 review: by its own traffic")
    flagged: Flag = Field(False, description="Those that wait for a verdict: an alert, or a campaign once at review")
    peer_group: str = Field("", max_length=120, pattern=TEXT)
    seen_gte: Moment | None = Field(None, description="RFC 3339 with its offset")
    account: str = Field("", max_length=200, pattern=TEXT, description="Of this customer alone")
    q: str = Field("", max_length=200, pattern=TEXT, description="Part of the id")
    sort: str = Field(
        "-score",
        max_length=100,
        pattern=r"^-?(last_seen|first_seen|score|requests)(,-?(last_seen|first_seen|score|requests)){0,3}$",
    )


class DecisionQuery(Query):
    """Which decisions."""

    active: Flag | None = Field(None, description="Neither revoked nor expired; they may be still to begin")
    client: str | None = Field(None, pattern=r"^cl_[0-9a-f]{16}$", examples=[CLIENT])
    action: str | None = Field(None, pattern=rf"^({'|'.join(Action)})$")
    simulated: Flag | None = None


class DecisionBody(Body):
    """What is to be done, to whom, for how long, and why."""

    client: str = Field(pattern=r"^cl_[0-9a-f]{16}$", examples=[CLIENT])
    action: GivenAction
    duration_seconds: float = Field(
        ge=60, le=90 * 86400, description="Mandatory: every decision ends", examples=[14400]
    )
    reason: str = Field(min_length=1, max_length=2000, pattern=r"\S", examples=["Same template from four accounts."])
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="throttle: rate_per_minute, burst. degrade: max_n, refuse_logprobs, drop_reasoning. Others: none",
        examples=[{"rate_per_minute": 6, "burst": 3}],
    )
    simulated: bool = Field(True, description="False: it acts, once the mode is enforce")
    alert_id: str | None = Field(None, max_length=60, examples=[ALERT])
    start_within_seconds: float = Field(0, ge=0, le=3600, description="The start is drawn evenly from this window")


class RevokeBody(Body):
    """Why the decision ends."""

    reason: str = Field(min_length=1, max_length=2000, pattern=r"\S", examples=["Their own evaluation run."])


class DecisionPreview(Shape):
    """Who would be hit, and by what; nothing is kept."""

    client: ClientShape
    action: Action
    simulated: bool
    acts_now: bool = Field(description="Whether it would change answers at once: real, and the mode is enforce")
    parameters: dict[str, Any]
    starts_before: datetime
    expires_at: datetime = Field(description="At the latest")
    requests_last_hour: int | None = Field(description="From the client's live row; null where that is not there")
    requests_last_day: int | None
    live_status: str = Field(description="ok, expired or unavailable", examples=["ok"])
    replaces: list[DecisionShape] = Field(
        description="Standing decisions of the same action, which would end; real ones only by a real one"
    )
    stands_beside: list[DecisionShape] = Field(description="Standing decisions that would go on")


class ModeChangeShape(Shape):
    """One change of the mode."""

    version: int
    mode: Mode
    reason: str
    actor: str
    at: datetime


class ModeShape(Shape):
    """What the gateways are told to do, and what each of them does."""

    mode: Mode
    version: int = Field(description="The number in the ETag; 0: nobody has switched it, the setting holds")
    changes: list[ModeChangeShape] = Field(description="The newest 20, newest first")
    gateways: dict[str, str] = Field(
        description="Mode by gateway process, as last reported", examples=[{"a-1": "observe"}]
    )


class ModeBody(Body):
    """The mode that is wanted."""

    mode: Annotated[Mode, Strict(False)]
    reason: str = Field("", max_length=2000, pattern=TEXT, examples=["Two weeks of watching showed no false alarm."])
