"""When a client's requests come: laws of business services, people and bursts of work, drawn without the label."""

from __future__ import annotations

import csv
import gzip
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

DAY = 86_400.0
WEEK = 7 * DAY
STEP = 600.0  # seconds of one window of a business law
KINDS = (("service", 0.6), ("person", 0.25), ("burst", 0.15))
"""Kinds of arrival and how common each is, the same for every label."""
RATES = (20_000.0, 4_000.0, 400.0, 80.0, 13.0)
"""Requests a day, the middle of each band; a client's own lies within a factor of two."""
TRACES = {"dev": "servegen_windows_m-mid", "test": "servegen_windows_m-large"}
STEPS = "agent_steps_miniswe"
_TURNS = ((1, 0.59), (2, 0.2), (3, 0.11), (4, 0.05), (6, 0.03), (9, 0.02))
_HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 12, 12, 11, 11, 12, 12, 11, 10, 9, 9, 9, 8, 6, 4)  # of a person's day


class Law(NamedTuple):
    """One business client: ten-minute windows with traffic, and how its gaps spread in each."""

    name: str
    starts: tuple[float, ...]  # seconds from the trace's start
    rates: tuple[float, ...]  # requests a second
    shapes: tuple[float, ...]
    weibull: tuple[bool, ...]


class Moment(NamedTuple):
    """One request's time, and the session it belongs to."""

    at: float  # seconds from the client's start
    session: int
    fresh: bool  # the session's first


@dataclass(frozen=True, slots=True)
class Laws:
    """What arrivals are drawn from: business clients, and the gaps between an agent's steps."""

    services: tuple[Law, ...]
    steps: tuple[float, ...]


def own() -> Laws:
    """Laws made without any trace: on-runs of twenty minutes to days, gaps from regular to very bursty."""
    rng = Random("arrivals")
    laws = []
    for number in range(60):
        starts: list[float] = []
        rates: list[float] = []
        at = rng.uniform(0.0, DAY)
        on = rng.choice((2, 4, 12, 60, 300, 1_000))
        off = rng.choice((0, 0, 3, 20, 80))
        flat = rng.random() < 0.2
        while at < WEEK and len(starts) < 1_000:
            for _ in range(max(1, round(rng.expovariate(1.0 / on)))):
                hour = int(at % DAY // 3_600)
                starts.append(at)
                rates.append(math.exp(rng.gauss(0.0, 0.4)) * (1.0 if flat else 0.2 + _HOURS[hour] / 8.0))
                at += STEP
            at += STEP * round(rng.expovariate(1.0 / off)) if off else 0.0
        spread = math.exp(rng.gauss(-0.4, 0.7))
        shapes = tuple(min(max(spread * math.exp(rng.gauss(0.0, 0.3)), 0.05), 8.0) for _ in starts)
        kind = rng.random() < 0.25
        laws.append(Law(f"own/{number}", tuple(starts), tuple(rates), shapes, (kind,) * len(starts)))
    return Laws(tuple(laws), tuple(max(0.4, rng.lognormvariate(0.1, 0.4)) for _ in range(200)))


def missing(data: Path) -> list[str]:
    """The trace files that are not there."""
    names = (*TRACES.values(), STEPS)
    return [f"traces/{name}.csv.gz" for name in names if not (data / "traces" / f"{name}.csv.gz").is_file()]


def read(data: Path, split: str) -> Laws:
    """The laws of one pool of recorded business clients; the pools of the two splits are different services."""
    name = TRACES[split]
    windows: dict[str, list[tuple[float, float, float, bool]]] = defaultdict(list)
    with gzip.open(data / "traces" / f"{name}.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            shape = min(max(float(row["shape"] or 1.0), 0.05), 50.0)
            window = (float(row["t_s"]), float(row["rate_rps"]), shape, row["family"] == "Weibull")
            windows[row["client"]].append(window)
    short = name.removeprefix("servegen_windows_")
    laws = [
        Law(f"{short}/{client}", *(tuple(column) for column in zip(*sorted(some), strict=True)))
        for client, some in windows.items()
    ]
    with gzip.open(data / "traces" / f"{STEPS}.csv.gz", "rt", encoding="utf-8") as lines:
        rows = [(row["session"], float(row["t_s"])) for row in csv.DictReader(lines)]
    gaps = [b - a for (left, a), (right, b) in pairwise(rows) if left == right and b > a]
    return Laws(tuple(laws), tuple(gaps))


def rate(rng: Random, bands: Sequence[float] = RATES) -> float:
    """Requests a day: a band, and a place in it."""
    return rng.choice(bands) * math.exp(rng.uniform(-0.5, 0.5))


def moments(laws: Laws, kind: str, law: int, rng: Random, a_day: float, most: int, span: float = WEEK) -> list[Moment]:
    """The first `most` requests within `span` seconds, by time."""
    if kind == "service":
        return _service(laws.services[law % len(laws.services)], rng, a_day, most, span)
    return _sessions(rng, a_day, most, span, laws.steps if kind == "burst" else ())


def _gap(rng: Random, shape: float, weibull: bool) -> float:
    """One gap of mean 1."""
    if weibull:
        return rng.weibullvariate(1.0, shape) / math.gamma(1.0 + 1.0 / max(shape, 0.15))
    return rng.gammavariate(shape, 1.0) / shape


def _service(law: Law, rng: Random, a_day: float, most: int, span: float) -> list[Moment]:
    """Gaps in the law's own time: its windows' shape and duty cycle stay, its volume is the one asked for."""
    active = len({int(start // DAY) for start in law.starts})
    factor = a_day * active / max(sum(law.rates) * STEP, 1e-9)
    period = max(WEEK, law.starts[-1] + STEP)
    window = rng.randrange(len(law.starts))
    origin, turn, inside = law.starts[window], 0.0, 0.0
    talks = _Crowd(rng, a_day)
    out: list[Moment] = []
    while len(out) < most:
        need = _gap(rng, law.shapes[window], law.weibull[window])
        while need > (room := (STEP - inside) * law.rates[window] * factor):
            need -= room
            window, inside = window + 1, 0.0
            if window == len(law.starts):
                window, turn = 0, turn + period
            if law.starts[window] + turn - origin > span:
                return out
        inside += need / (law.rates[window] * factor)
        at = law.starts[window] + turn + inside - origin
        if at > span:
            break
        out.append(talks.take(at))
    return out


class _Crowd:
    """The sessions of many users behind one key: each request opens one or goes on with one that is due."""

    def __init__(self, rng: Random, a_day: float) -> None:
        self.rng = rng
        self.width = int(min(max(a_day / DAY * 60.0, 1.0), 40.0))
        self.open: list[tuple[int, int]] = []  # session, turns left
        self.count = 0

    def take(self, at: float) -> Moment:
        """The next request, as of some session."""
        if self.open and (len(self.open) >= self.width or self.rng.random() < 0.5):
            session, left = self.open.pop(0)
            if left > 1:
                self.open.append((session, left - 1))
            return Moment(at, session, False)
        self.count += 1
        turns = _turns(self.rng)
        if turns > 1:
            self.open.append((self.count, turns - 1))
        return Moment(at, self.count, True)


def _turns(rng: Random) -> int:
    return rng.choices([turns for turns, _ in _TURNS], [share for _, share in _TURNS])[0]


def _sessions(rng: Random, a_day: float, most: int, span: float, steps: Sequence[float]) -> list[Moment]:
    """People's days: sessions by the hour, a night, turns some forty seconds apart; or bursts of an agent's steps."""
    mean = 14.0 if steps else sum(turns * share for turns, share in _TURNS)
    zone = rng.uniform(0.0, DAY)
    weights = [_HOURS[int((zone + hour * 3_600.0) % DAY // 3_600)] for hour in range(24)]
    ends = [0.0]
    for weight in weights:
        ends.append(ends[-1] + weight)
    pace = math.exp(rng.gauss(0.0, 0.4))
    found: list[Moment] = []
    at, session = 0.0, 0
    while len(found) < 3 * most:
        at += rng.expovariate(a_day / mean)  # in days of activity
        day, share = divmod(at, 1.0)
        hour = min(bisect_right(ends, share * ends[-1]) - 1, 23)
        start = day * DAY + 3_600.0 * (hour + (share * ends[-1] - ends[hour]) / weights[hour])
        if start > span:
            break
        session += 1
        when = start
        for turn in range(min(rng.randint(4, 24), most) if steps else _turns(rng)):
            found.append(Moment(when, session, turn == 0))
            when += rng.choice(steps) * pace * 2.0 if steps else rng.lognormvariate(math.log(40.0), 0.9) * pace
    return sorted((one for one in found if one.at <= span), key=lambda one: (one.at, one.session))[:most]
