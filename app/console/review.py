"""What the pages say of an alert beside its evidence: history, decisions, facts, data quality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.console import words
from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import made_at
from app.models.decision import Decision
from detectors.base import Level
from detectors.said import count as counted

SYSTEM = "stillwatch"
ACTIONS: dict[str, tuple[str, str]] = {
    "tag": ("Tag", "mark the client's requests, and nothing else"),
    "throttle": ("Throttle", "slow the client down: what comes too fast is answered with 429"),
    "degrade": ("Degrade", "give the client less: what exactly, the decision says"),
    "block": ("Block", "answer every request of the client with 403"),
}
ENDED: dict[str, str] = {
    "expired": "ran out",
    "superseded": "replaced by another one",
    "revoked": "taken back",
    "closed_benign": "ended when the alert was closed as benign",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of an alert's history."""

    at: datetime
    what: str
    actor: str
    note: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision: what it does, or would do, and until when."""

    headline: str
    detail: str
    active: bool
    expires_at: datetime | None
    begins_at: datetime | None = None  # where that is still to come
    id: str = ""
    client_id: str = ""
    alert_id: str | None = None
    campaign_id: str | None = None  # where it was made about everybody of a campaign
    why: str = ""  # the reason, with who gave it
    extent: str = ""  # the parameters in words
    note: str = ""  # why it was taken back, with who did
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Quality:
    """The blind spots in an alert's window."""

    unknown: bool
    lines: tuple[str, ...]
    until: float | None = None  # epoch seconds of the counts that say so; None: not recorded, or nobody told any
    since: str = ""  # what was counted after that, where it says something else

    @property
    def clean(self) -> bool:
        """Whether the window is known to be whole."""
        return not self.unknown and not self.lines


def _scored(data: Mapping[str, Any]) -> str:
    score = data.get("score")
    return f", score {words.score(score)}" if isinstance(score, int | float) else ""


def _reopened(data: Mapping[str, Any], actor: str) -> str:
    if actor != SYSTEM:
        return "Reopened"
    joined = ", ".join(str(name) for name in data.get("joined") or ())
    why = f"{joined} joined the evidence" if joined else f"it was closed at {words.score(data.get('closed_score'))}"
    return f"Reopened because it escalated{_scored(data)}: {why}"


def _what(kind: str, data: Mapping[str, Any], actor: str) -> str:
    if kind == "closed":
        return f"Closed: {words.disposition(str(data.get('disposition') or '')).lower()}"
    if kind == "reopened":
        return _reopened(data, actor)
    if kind == "escalated":
        return f"Severity rose to {data.get('severity', 'a higher one')}{_scored(data)}"
    if kind == "claimed":
        return "Claimed for review"
    text = {
        "opened": "Opened",
        "cleared": "Fell below the review threshold",
        "returned": "Rose above the review threshold again",
    }.get(kind, words.words(kind).capitalize())
    return text + _scored(data)


def entry(event: AlertEvent) -> Entry:
    """A step of the history in words; what the system did has no actor."""
    data = event.data or {}
    person = _person(event.actor)
    reason = data.get("reason") if person else ""
    return Entry(event.at, _what(event.kind, data, event.actor), person, str(data.get("note") or reason or ""))


def _decided(item: Decision) -> list[Entry]:
    """A decision as steps of a history: that it was made, and that somebody or something ended it."""
    title = ACTIONS.get(str(item.action), (words.words(str(item.action)).capitalize(), ""))[0]
    what = f"{title}, {'simulated' if item.simulated else 'real'}"
    until = f"Decided: {what}, until {words.utc(item.expires_at)}"
    steps = [Entry(made_at(item.id), until, _person(item.made_by), item.reason)]
    if item.revoked_at is not None:
        how = ENDED.get(item.revoked_reason or "", words.words(item.revoked_reason or "ended"))
        steps.append(Entry(item.revoked_at, f"{what}: {how}", _person(item.revoked_by or ""), item.revoked_note or ""))
    return steps


def history(events: Iterable[AlertEvent], decisions: Iterable[Decision]) -> list[Entry]:
    """The steps of an alert and of the decisions about it, oldest first.

    The decisions keep who made and ended them; a step of the alert's own would count up the version that reviewers'
    forms are checked against.
    """
    steps = [entry(event) for event in events]
    steps += [step for item in decisions for step in _decided(item)]
    return sorted(steps, key=lambda step: int(step.at.timestamp() * 1000))  # as exact as an id; else as they stand


def _person(name: str) -> str:
    return "" if name == SYSTEM else name


def decision(item: Decision, now: float) -> DecisionView:
    """A decision in words; a simulated one says what it would do."""
    title, effect = ACTIONS.get(str(item.action), (words.words(str(item.action)).capitalize(), "act on the client"))
    active = item.revoked_at is None and item.expires_at.timestamp() > now
    headline = f"{title}, simulated" if item.simulated else title
    about: dict[str, Any] = {"id": item.id, "client_id": item.client_id, "simulated": item.simulated}
    about |= {"alert_id": item.alert_id, "campaign_id": item.campaign_id}
    about |= {"why": f"{item.reason} ({_author(item.made_by)})", "extent": extent(item.parameters or {})}
    if not active:
        how = ENDED.get(item.revoked_reason or "expired", words.words(item.revoked_reason or ""))
        ended = item.revoked_at or item.expires_at
        note = f"{item.revoked_note} ({item.revoked_by})" if item.revoked_note else ""
        detail = f"{how.capitalize()}, {words.utc(ended)}."
        return DecisionView(f"{headline} (ended)", detail, False, None, note=note, **about)
    begins = item.starts_at if item.starts_at.timestamp() > now else None
    begin = f"Begins {words.utc(begins)}: " if begins else ""
    if item.simulated:
        would = f"{begin}would {effect}" if begin else f"Would {effect}"
        detail = f"{would}. It is only simulated: the client's requests are served as ever."
    else:
        detail = f"{begin or 'Real: '}{effect}. It acts while the mode is enforce."
    return DecisionView(headline, detail, True, item.expires_at, begins, **about)


def _author(name: str) -> str:
    return "by policy" if name == SYSTEM else name


def extent(parameters: Mapping[str, Any]) -> str:
    """How fast, or what less, in words."""
    said = []
    if "rate_per_minute" in parameters:
        burst = parameters.get("burst")
        rate = parameters["rate_per_minute"]
        said.append(f"{rate:g} request{'' if rate == 1 else 's'} a minute, bursts of {burst}, at each gateway process")
    if "max_n" in parameters:
        most = parameters["max_n"]
        said.append(f"at most {most} answer{'' if most == 1 else 's'} to a prompt")
    if parameters.get("refuse_logprobs"):
        said.append("no log probabilities")
    if parameters.get("drop_reasoning"):
        said.append("no reasoning")
    return ", ".join(said)


def _first_request(document: Mapping[str, Any]) -> float | None:
    """When the window began, to the minute where all of it lies in the last hour; epoch seconds."""
    timing = document.get("timing") or {}
    active = [item["start"] for item in timing.get("minutes") or () if item.get("requests")]
    start = (document.get("window") or {}).get("start")
    if len(timing.get("hours") or ()) == 1 and active:
        start = active[0]
    return datetime.fromisoformat(start).timestamp() if start else None


def quality(document: Mapping[str, Any], newest: Mapping[str, Any] | None = None) -> Quality:
    """What the alert froze of the losses in its window, and what its newest reading says of them since.

    They are counted over all clients.
    """
    found = _quality(document)
    later = _quality({**document, "data_quality": (newest or {}).get("data_quality")})
    if later.unknown or later.until is None or later.lines == found.lines:
        return found
    said = " ".join(later.lines) or "no event was dropped, and no request passed unwatched."
    return replace(found, since=f"By the counts of {words.utc(later.until)}: {said}")


def _quality(document: Mapping[str, Any]) -> Quality:
    found = document.get("data_quality") or {}
    if not found:
        return Quality(unknown=True, lines=())
    lines = []
    dropped, unseen, since = (found.get(name) for name in ("dropped_events", "fail_open_seconds", "known_since"))
    if dropped:
        lines.append(f"{counted(dropped, 'event was', 'events were')} dropped, of all clients together.")
    if unseen:
        lines.append(f"For {words.duration(unseen)} requests passed without being watched.")
    start = _first_request(document)
    silent, exact = found.get("uncounted_seconds"), "uncounted_seconds" in found
    late = since is not None and start is not None and since > start + words.MINUTE
    if exact and not dropped:  # the worker knows the first request to the second, and says None where it came before
        late = since is not None and dropped is None and (late or not silent)
    if late:
        lines.append(f"Losses before {words.utc(since)} are not known.")
    lines += _uncounted(found, bool(lines))
    return Quality(unknown=False, lines=tuple(lines), until=found.get("known_until"))


def _uncounted(found: Mapping[str, Any], told: bool) -> list[str]:
    """That losses were not counted, or not for all of the time; no count is never told as no loss."""
    if "uncounted_seconds" not in found:
        old = "No loss was counted, but an earlier version recorded this and did not notice gaps in the counts."
        return [] if told else [old]
    if found.get("known_until") is None:
        return ["Not known: no gateway had told how many events were dropped."]
    if found["uncounted_seconds"]:
        silent = words.duration(found["uncounted_seconds"])
        return [f"What was dropped in {silent} of the window is not known: a gateway or extractor told no counts."]
    return []


def traffic(document: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Frozen traffic numbers as rows of name and value."""
    rows = []
    for name, value in (document or {}).items():
        if isinstance(value, Mapping):
            text = ", ".join(f"{key} ({words.count(amount)})" for key, amount in list(value.items())[:8])
        elif isinstance(value, Sequence) and not isinstance(value, str):
            text = ", ".join(str(item) for item in value[:8])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            text = words.quantity(float(value))
        else:
            text = "" if value is None else str(value)
        if text:
            rows.append((words.words(name).capitalize(), text))
    return rows


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest word on the client of an open alert."""

    score: float
    requests: int
    at: datetime


def latest(alert: Alert) -> Latest | None:
    """The newest reading where it differs from the frozen one."""
    reading = alert.latest or {}
    at, score, requests = reading.get("at"), reading.get("score"), reading.get("requests")
    if not at or score is None or requests in (None, alert.evidence.get("requests")):
        return None
    return Latest(float(score), int(requests), datetime.fromisoformat(at))


def standing(alert: Alert) -> str:
    """Where the client stands now beside the highest score of its alert; empty where it stands there still."""
    reading = alert.latest or {}
    score, level = reading.get("score"), int(reading.get("level", Level.REVIEW))
    if not isinstance(score, int | float):
        return ""
    if level < Level.REVIEW:
        return f"fell below the threshold since, {words.score(score)} now"
    return f"score {words.score(score)} now" if words.score(score) != words.score(alert.score) else ""


def opening(alert: Alert) -> str:
    """The score that the alert opened with, where it has risen since."""
    score = alert.evidence.get("score")
    risen = isinstance(score, int | float) and words.score(score) != words.score(alert.score)
    return f"{words.score(score)} when it opened" if risen else ""


def reached(document: Mapping[str, Any]) -> str:
    """That more requests had come than those at which the level was reached; empty where none had."""
    at, seen = document.get("requests") or 0, (document.get("traffic") or {}).get("requests") or 0
    if seen <= at:
        return ""
    return (
        f"The level was reached at {counted(at, 'request')}. {words.count(seen)} had come when this was written down."
    )


def facts(alert: Alert) -> list[tuple[str, Any, str]]:
    """Name, value and kind of what identifies an alert and what judged it."""
    document = alert.evidence
    window = document.get("window") or {}
    versions = document.get("detector_versions") or {}
    rows: list[tuple[str, Any, str]] = [("Alert", alert.id, "id"), ("Opened", alert.opened_at, "time")]
    if alert.assignee:
        rows.append(("Claimed by", alert.assignee, ""))
    if window.get("start"):
        rows.append(("Window from", datetime.fromisoformat(window["start"]), "time"))
    rows += [
        ("Level reached at", counted(document.get("requests") or 0, "request"), ""),
        ("Peer group", words.words(str(document.get("peer_group") or "")) or "all clients", ""),
        ("Policy", f"{alert.policy}, version {alert.policy_version}", ""),
        ("Detectors", ", ".join(f"{name} {version}" for name, version in versions.items()) or "not recorded", ""),
        ("Version", str(alert.version), ""),
    ]
    return rows
