"""What the pages say of a campaign: its terms, what ties it, its history, what is decided about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.console import charts, graph, words
from app.console.evidence import LEAST_NATS, TermView
from app.console.graph import Hub, Node
from app.console.review import Entry
from app.models.campaign import Campaign
from app.models.campaign_edge import CampaignEdge
from app.models.campaign_event import CampaignEvent
from app.models.campaign_member import CampaignMember
from app.models.vocabulary import State
from detectors.said import count as counted

SYSTEM = "stillwatch"
MIXED = 0.5  # a member of whose requests less than this share was linked
ONLY_CLOSED = "Closed. No alert of its members was closed with it."
OUTCOMES: dict[str, tuple[str, str]] = {
    "decide": ("New decision", "Nothing of the same action stands."),
    "replace": ("Replaces a decision", "One of the same action stands and ends."),
    "stands": ("Stands already", "Nothing to do: the same decision lasts long enough."),
    "exempt": ("Exempt", "A client of a verified organisation."),
}


@dataclass(frozen=True, slots=True)
class MemberView:
    """A row of the table of members."""

    client_id: str
    joined_at: datetime
    reason: str
    requests: int
    share: str
    mixed: bool
    organisation: str
    verified: bool
    left_at: datetime | None
    left_reason: str


@dataclass(frozen=True, slots=True)
class Without:
    """What is left of a campaign when the strongest kind of edge is taken away."""

    kind: str
    members: int
    score: str
    holds: bool
    sentence: str


def left(campaign: Campaign) -> int:
    """Members that the newest reading is about and that have left since; 0 of a campaign that is closed."""
    read = campaign.latest.get("size")
    return max(read - campaign.size, 0) if isinstance(read, int) and campaign.state != State.CLOSED else 0


def score(campaign: Campaign) -> float:
    """The newest reading's score, nats, that the threshold belongs to; `campaign.score` is the episode's highest."""
    newest = campaign.latest.get("score")
    return float(newest) if isinstance(newest, int | float) else campaign.score


def member(row: CampaignMember, known: Mapping[str, tuple[str, bool]]) -> MemberView:
    """A member in words."""
    organisation, verified = known.get(row.client_id, ("", False))
    return MemberView(
        client_id=row.client_id,
        joined_at=row.joined_at,
        reason=row.reason,
        requests=row.requests,
        share=words.quantity(row.share, "share"),
        mixed=row.share < MIXED,
        organisation=organisation,
        verified=verified,
        left_at=row.left_at,
        left_reason=row.left_reason or "",
    )


def terms(said: Mapping[str, Any]) -> tuple[tuple[TermView, ...], tuple[TermView, ...]]:
    """What speaks for one operator, and what speaks against; the largest first."""
    found = [term for term in said.get("terms") or () if isinstance(term.get("contribution"), int | float)]
    found = [term for term in found if abs(term["contribution"]) >= LEAST_NATS]
    largest = max((abs(term["contribution"]) for term in found), default=0.0) or 1.0
    found.sort(key=lambda term: -abs(term["contribution"]))
    views = [(term["contribution"] >= 0, _term(term, largest)) for term in found]
    return tuple(view for good, view in views if good), tuple(view for good, view in views if not good)


def _term(term: Mapping[str, Any], largest: float) -> TermView:
    share, unit = float(term["contribution"]), str(term.get("unit") or "")
    kind = "for coordination" if share >= 0 else "against"
    expected, high = term.get("population_p50"), term.get("population_p99")
    return TermView(
        label=words.words(str(term.get("feature") or "")),
        sentence=str(term.get("sentence") or ""),
        weight=words.signed(share),
        value=words.quantity(term.get("value"), unit),
        expected="" if expected is None else words.quantity(expected, unit),
        expected_p99="" if high is None else words.quantity(high, unit),
        standing="",
        family="",
        family_title="",
        bar=charts.share_bar(abs(share) / largest, kind),
        strip=Markup(""),
    )


def without(said: Mapping[str, Any]) -> Without | None:
    """The box on the strongest kind of edge; None where nothing is known of it."""
    rest = said.get("without")
    if not rest:
        return None
    level = int(rest.get("level") or 0)
    return Without(
        kind=str(rest.get("kind") or ""),
        members=int(rest.get("members") or 0),
        score=words.score(rest.get("score")),
        holds=level >= 2,
        sentence=str(rest.get("sentence") or ""),
    )


def picture(campaign: Campaign, members: Sequence[CampaignMember], edges: Iterable[CampaignEdge]) -> graph.Drawing:
    """The graph of some members and the strongest edges."""
    nodes = [Node(one.client_id, one.share < MIXED) for one in members]
    hubs = [Hub(edge.rank, edge.kind, frozenset(edge.holders)) for edge in edges if edge.holders]
    return graph.draw(nodes, hubs, campaign.size)


def entry(event: CampaignEvent) -> Entry:
    """A step of the history in words; what the system did has no actor."""
    data = event.data or {}
    person = event.actor if event.actor != SYSTEM else ""
    note = str(data.get("note") or data.get("reason") or "") if person else ""
    return Entry(event.at, _what(event.kind, data), person, note)


def newest(events: Sequence[CampaignEvent], kind: str, author: str) -> Mapping[str, Any]:
    """What the author's newest step of a kind says; empty where there is none."""
    mine = (event for event in reversed(events) if event.kind == kind and event.actor == author)
    return next((event.data or {} for event in mine), {})


def outcome(word: str, events: Sequence[CampaignEvent], author: str) -> str:
    """What a reviewer's step came to, by the word that the address carries; empty where the word is none of ours."""
    data = newest(events, word, author)
    if word == "closed":
        also = data.get("alerts_closed") or 0
        return f"Closed, and with it {counted(also, 'alert')} of its members." if also else ONLY_CLOSED
    if word == "split" and data:
        return f"{_what(word, data)}. The linker keeps the two apart from now on."
    if word == "merged" and data:
        return f"{_what(word, data)}. The linker keeps the members together from now on."
    return {
        "claimed": "Claimed: the campaign is yours to review.",
        "reopened": "Reopened: the campaign is back in the queue.",
    }.get(word, "")


def decided(word: str, events: Sequence[CampaignEvent], author: str) -> str:
    """What a reviewer's newest order about all members was, or how much was taken back."""
    if word.startswith("revoked"):
        data = newest(events, "revoked", author)
        return counted(data["decisions"], "decision") if "decisions" in data else ""
    data = newest(events, "decided", author)
    return _what("decided", data) if data else ""


def _what(kind: str, data: Mapping[str, Any]) -> str:
    size = counted(data["size"], "member") if isinstance(data.get("size"), int) else ""
    if kind == "opened":
        source = f", split out of {data['split_from']}" if data.get("split_from") else ""
        return f"Opened with {size or 'its members'}{source}"
    if kind == "closed":
        also = data.get("alerts_closed") or 0
        alerts = f", and {counted(also, 'alert')} of its members" if also else ""
        return f"Closed: {words.disposition(str(data.get('disposition') or '')).lower()}{alerts}"
    if kind == "split":
        return f"{counted(data.get('clients') or 0, 'member')} moved out into {data.get('part', 'another campaign')}"
    if kind == "merged":
        other = data.get("from") or data.get("into") or "another campaign"
        return f"Took in {other}" if data.get("from") else f"Merged into {other}"
    if kind == "decided":
        how = ", simulated" if data.get("simulated") else ", real"
        action = words.words(str(data.get("action") or "")).capitalize()
        return f"{action}{how}: {counted(data.get('clients') or 0, 'member')}"
    if kind == "revoked":
        return f"{counted(data.get('decisions') or 0, 'decision')} taken back"
    text = {
        "grew": "Grew to",
        "shrank": "Shrank to",
        "escalated": "Rose above the review threshold with",
        "cleared": "Fell below the review threshold with",
    }.get(kind)
    if text:
        return f"{text} {size}" if size else f"{text} its members"
    return {"claimed": "Claimed for review", "reopened": "Reopened"}.get(kind, words.words(kind).capitalize())


def _highest(campaign: Campaign) -> str:
    """The episode's highest score beside the threshold that held then, where that is known."""
    began = campaign.score_threshold
    return f"{words.score(campaign.score)} nats" + (f", review from {words.score(began)} then" if began else "")


def facts(campaign: Campaign, following: str | None) -> list[tuple[str, Any, str]]:
    """Name, value and kind of what is known of a campaign beside its evidence."""
    found: list[tuple[str, Any, str]] = [
        ("Campaign", campaign.id, "id"),
        ("Members", words.count(campaign.size), ""),
        ("Linked requests", words.count(campaign.requests), ""),
        ("Highest score", _highest(campaign), ""),
        ("Opened", campaign.opened_at, "time"),
        ("Last found", campaign.seen_at, "time"),
        ("Claimed by", campaign.assignee or "nobody", ""),
    ]
    if campaign.episode > 1:
        found.append(("Episode", str(campaign.episode), ""))
    if campaign.previous_id:
        found.append(("Episode before", campaign.previous_id, "campaign"))
    if following:
        found.append(("Next episode", following, "campaign"))
    if campaign.merged_into:
        found.append(("Merged into", campaign.merged_into, "campaign"))
    return found
