"""Whether scoring is up to date, and how each part of the service is: from heartbeats and the clients' table."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from app.clients.queries import Totals
from app.console import words
from app.policies.mode import Present
from app.store import lately, readings
from app.store.heartbeat import Heartbeat, read_all_async
from detectors.said import count as counted

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
ROLES = ("gateway", "extractor", "worker", "linker")
NOT_KNOWN = "not known while Redis does not answer"
NOT_TOLD = "not known until a gateway and an extractor report"
_DROPPED = "events and copies, since the processes started"
MOMENTS = frozenset({"last_pass"})  # gauges in epoch seconds
_NAMES = {"database": "the database", "redis": "Redis"}
AWAY = {
    "database": "Alerts and client summaries wait, and are written when it takes them. Look whether it runs, whether "
    "its disk has room, and whether another program keeps it locked.",
    "redis": "Events wait there, and then drop. Look whether it runs, is reached, and has memory left.",
}
"""What follows where a process cannot reach one of these, and what to do."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The line above every list: an empty queue must never look like a stopped scorer."""

    state: str  # ok, late, idle, bypass, starting or down
    clients: int
    highest: float
    thresholds: tuple[float, float]  # nats at which a review begins, by requests: the lowest and the highest
    last_score: datetime | None
    headline: str = ""
    detail: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a reviewer or operator must know; `kind` is bad or warn."""

    kind: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of the status page."""

    title: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Process:
    """One process with the numbers that it reports."""

    role: str
    instance: str
    at: float
    started: float
    numbers: tuple[tuple[str, str], ...]


async def heartbeats(redis: Any) -> list[Heartbeat] | None:
    """Every living process, or None where Redis does not answer."""
    try:
        return await read_all_async(redis)
    except (RedisError, OSError):
        return None


def scored(beats: Iterable[Heartbeat]) -> float:
    """Events that the living workers have scored."""
    return sum(float(beat.counters.get("events", 0)) for beat in beats if beat.role == "worker")


def _stopped(totals: Totals, now: float) -> str:
    if totals.last_seen is None:
        return "Nothing was scored so far."
    return f"Scores are {words.duration(now - totals.last_seen.timestamp())} old."


def pulse(
    beats: Sequence[Heartbeat] | None,
    totals: Totals,
    thresholds: tuple[float, float],
    now: float,
    mode: str,
    starting: Collection[str] = (),
) -> Pulse:
    """Where scoring stands; in bypass nothing is scored, however well everything runs.

    Roles among `starting` have not had the time to report.
    """

    def said(state: str, headline: str = "", detail: str = "", problem: str = "") -> Pulse:
        highest = totals.highest or 0.0
        return Pulse(state, totals.clients, highest, thresholds, totals.last_seen, headline, detail, problem)

    if beats is None:
        return said("down", "Redis does not answer, so nothing is scored.", _stopped(totals, now))
    if "worker" in starting:
        return said("starting", "Scoring is starting: no worker has reported yet.", _stopped(totals, now))
    if not any(beat.role == "worker" for beat in beats):
        return said("down", "Scoring has stopped: no worker reports.", _stopped(totals, now))
    if mode == "bypass":
        return said("bypass", "The mode is bypass: nothing is observed or scored.", _stopped(totals, now))
    behind = readings.lag_seconds(beats)
    if behind is not None and behind > readings.LATE_SECONDS:
        return said("late", f"Scoring is {words.duration(behind)} behind.", "Newer requests are not in the scores yet.")
    dropped = readings.total(beats, "dropped")
    problem = f"{words.count(dropped)} dropped" if dropped else ""
    return said("idle" if not totals.clients else "ok", problem=problem)


def problems(beats: Sequence[Heartbeat] | None, mode: str, starting: Collection[str] = ()) -> list[Problem]:
    """What is wrong, worst first; empty where all is well. Roles among `starting` have not had the time to report."""
    if beats is None:
        detail = "Requests to the model API pass, but nothing is handed on or scored until it is back."
        return [Problem("bad", "Redis does not answer.", detail)]
    found = []
    alive = {beat.role for beat in beats}  # Redis forgets the others
    effects = {
        "gateway": "Requests that come through it may not be observed, and what it drops is not known.",
        "extractor": "Exchanges are not turned into events.",
        "worker": "Nothing is scored and no alert opens.",
        "linker": "Scores and alerts of clients do not need it, but no new campaign is found.",
    }
    kinds = {"linker": "warn"}  # nothing else needs it
    found += [
        Problem(kinds.get(role, "bad"), f"No {role} reports.", effects[role])
        for role in ROLES
        if role not in alive and role not in starting
    ]
    found += [
        Problem("warn", f"Starting: no {role} has reported yet.", effects[role]) for role in ROLES if role in starting
    ]
    if mode == "bypass":
        found.append(Problem("warn", "The mode is bypass.", "The gateway only relays; nothing is observed."))
    behind = readings.lag_seconds(beats)
    if behind is not None and behind > readings.LATE_SECONDS:
        found.append(Problem("warn", f"Scoring is {words.duration(behind)} behind.", "It catches up by itself."))
    found += _lost(beats)
    found += _unanswered(beats)
    found += unlinked(beats)
    found += drifted(beats)
    for beat in beats:
        for name in (name for name, word in beat.info.items() if word == "away"):
            title = f"{beat.role.capitalize()} {beat.instance}: {_NAMES.get(name, name)} is away."
            found.append(Problem("warn", title, AWAY.get(name, "")))
    return found


def _lost(beats: Sequence[Heartbeat]) -> list[Problem]:
    """Events that no score holds."""
    found = []
    dropped = readings.total(beats, "dropped")
    if dropped:
        detail = "Scores of the clients concerned can be too low. Each alert names what its window lost, where counted."
        found.append(
            Problem("warn", f"{counted(dropped, 'event or copy was', 'events or copies were')} dropped.", detail)
        )
    aside = readings.total(beats, "blocks_rejected", "poison_blocks")
    if aside:
        detail = "A worker could not score them; its log says why."
        found.append(
            Problem("warn", f"{counted(aside, 'block of events was', 'blocks of events were')} set aside.", detail)
        )
    broken = readings.total(beats, "features_failed", "parse_failed_parser")
    if broken:
        detail = "Each counts as a request without content. That is a fault of Stillwatch; an extractor's log names it."
        found.append(Problem("warn", f"{counted(broken, 'exchange')} could not be worked out.", detail))
    return found


def _unanswered(beats: Sequence[Heartbeat]) -> list[Problem]:
    """That the model API behind the gateways is away, or answers nothing but errors."""
    found = lately.failing(beats)
    if found is None:
        return []
    many = f"{words.count(found.failed)} of {words.count(found.asked)} requests failed in the last minute."
    where = "" if found.reached else " Look whether it runs, and whether UPSTREAM or the file of routes names it."
    return [Problem("warn", f"The model API {found.what}.", many + where)]


def unlinked(beats: Sequence[Heartbeat]) -> list[Problem]:
    """Events that the workers left out of linking: now, or at some time since they started."""
    count = readings.total(beats, "linking_left_out")
    if any(beat.role == "worker" and beat.info.get("linking") for beat in beats):
        detail = (
            f"{words.count(count)} so far: the linker does not run or does not keep up, or Redis does not take them. "
            "Clients are scored as ever; campaigns are found late, or not at all."
        )
        return [Problem("warn", "Events are left out of linking.", detail)]
    if count:
        detail = "None in the last minute. Campaigns of that time can lack clients; scores and alerts lack nothing."
        return [Problem("warn", f"{counted(count, 'event was', 'events were')} left out of linking.", detail)]
    return []


def drifted(beats: Iterable[Heartbeat]) -> list[Problem]:
    """What the workers say of a reference that no longer fits, or of a new one that they could not read; each once."""
    found = []
    for name, headline in (
        ("drift", "Traffic has moved away from the reference, so scores may be off."),
        ("reference", "The new reference cannot be read; the old one stays."),
    ):
        said = sorted({beat.info[name] for beat in beats if beat.role == "worker" and beat.info.get(name)})
        found += [Problem("warn", headline, f"{text[0].upper()}{text[1:]}.") for text in said[:1]]
    return found


def late(beats: Iterable[Heartbeat], present: Present, now: float) -> list[Problem]:
    """Gateways that have not taken up the newest change of the mode."""
    if present.at is None:
        return []
    behind = readings.behind_mode(beats, present.version, now - present.at.timestamp())
    detail = "It keeps its last mode until it hears of the change; its link to Redis may be broken."
    return [
        Problem("warn", f"Gateway {beat.instance} has not taken up the mode {present.mode}.", detail) for beat in behind
    ]


def _mode(present: Present) -> Tile:
    modes = {
        "observe": "Decisions are counted, no answer is changed",
        "enforce": "Real decisions act",
        "bypass": "Relays only, observes nothing",
    }
    who = (
        f", since {words.utc_short(present.at)} by {present.actor}"
        if present.at is not None
        else ", as STILLWATCH_MODE says"
    )
    return Tile("Mode", str(present.mode).capitalize(), modes[str(present.mode)] + who)


def tiles(beats: Sequence[Heartbeat] | None, present: Present, database: str, redis_ms: float | None) -> list[Tile]:
    """The numbers at the top of the status page."""
    living, known, dropped = beats or (), beats is not None, readings.dropped(beats)
    behind = readings.lag_seconds(living)
    return [
        _mode(present),
        Tile("Redis", "Away" if redis_ms is None else "Answers", "" if redis_ms is None else f"in {redis_ms:.1f} ms"),
        Tile("Database", "Answers", DATABASES.get(database, database)),
        Tile(
            "Scoring lag",
            "–" if behind is None else words.duration(behind),
            "age of the oldest unread event" if known else NOT_KNOWN,
        ),
        Tile(
            "Dropped",
            "–" if dropped is None else words.count(dropped),
            _DROPPED if dropped is not None else NOT_TOLD if known else NOT_KNOWN,
        ),
        Tile(
            "Events scored",
            words.compact(scored(living)) if known else "–",
            "by the workers that run" if known else NOT_KNOWN,
        ),
    ]


def _number(name: str, value: float) -> str:
    if name in MOMENTS:
        return words.utc(value)
    return words.duration(value) if name.endswith("_seconds") else words.quantity(value)


def process(beat: Heartbeat) -> Process:
    """A heartbeat, ready to print."""
    parts: tuple[Mapping[str, float], ...] = (beat.counters, beat.gauges)
    numbers = [(words.words(name), _number(name, float(value))) for part in parts for name, value in part.items()]
    numbers += [(words.words(name), str(value)) for name, value in beat.info.items()]
    return Process(
        beat.role, beat.instance, beat.at, beat.started, (*numbers, ("process", f"{beat.pid} on {beat.host}"))
    )


async def ping(redis: Any) -> float | None:
    """Milliseconds of one round trip to Redis; None where it does not answer."""
    start = time.perf_counter()
    try:
        await redis.ping()
    except (RedisError, OSError):
        return None
    return (time.perf_counter() - start) * 1000
