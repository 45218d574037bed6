"""Attackers who know the detectors: what each evasion changes, what it costs them, and what is still found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics
from bench.detection.compose import Account
from bench.detection.evaluate import decide, evidence, observe
from bench.detection.judging import RATES, Fold
from bench.detection.ours import Ours
from detectors.event import Flag

Events = NDArray[np.void]
Change = Callable[[Events, Events, np.random.Generator], Events]
"""A harvester's events and some ordinary client's to what the harvester sends instead, in order of time."""

EACH = 6  # harvesters of a family that try each evasion
_ELICIT = int(Flag.ELICIT_SYSTEM | Flag.ELICIT_USER)
_TEMPLATE = ("head4", "head12", "tail6", "system")
_REPHRASED = 40  # ways to put one template


class Evasion(NamedTuple):
    """One way to hide, and what it costs whoever uses it."""

    name: str
    cost: str
    change: Change


def _cover(share: float) -> Change:
    def change(events: Events, other: Events, rng: np.random.Generator) -> Events:
        need = round(len(events) * share / (1.0 - share))
        cover = np.resize(other, need)
        cover["at"] = np.sort(rng.uniform(events["at"][0], events["at"][-1], need))
        return _merged(events, cover)

    return change


def _repeat(events: Events, _: Events, rng: np.random.Generator) -> Events:
    again = events[rng.permutation(len(events))[: len(events) // 2]].copy()
    again["at"] = rng.uniform(events["at"][0], events["at"][-1], len(again))
    return _merged(events, again)


def _daytime(events: Events, _: Events, rng: np.random.Generator) -> Events:
    gaps = rng.lognormal(0.0, 1.5, len(events))
    worked = np.cumsum(gaps) / gaps.sum() * max(float(np.ptp(events["at"])), 3_600.0) * 0.5
    day, hour = np.divmod(worked, 12.0 * 3_600.0)
    out = events.copy()
    out["at"] = events["at"][0] + day * 86_400.0 + hour
    return out


def _scattered(events: Events, _: Events, rng: np.random.Generator) -> Events:
    out = events.copy()
    for name, many in (("network", 200), ("agent", 6), ("ja4", 6)):
        pool = rng.integers(1, 2**32, many, dtype=np.uint32)
        out[name] = pool[rng.integers(many, size=len(out))]
    return out


def _rephrased(events: Events, _: Events, rng: np.random.Generator) -> Events:
    out = events.copy()
    way = rng.integers(1, 1 + _REPHRASED, len(out)).astype(np.uint64)
    with np.errstate(over="ignore"):
        for name in _TEMPLATE:
            moved = out[name] ^ (way * np.uint64(0x9E3779B97F4A7C15))
            out[name] = np.where(out[name] == 0, 0, np.where(moved == 0, 1, moved))
        lanes = rng.random(out["sketch"].shape) < 0.5
        out["sketch"] ^= np.where(lanes, (way * np.uint64(2_654_435_761))[:, None] & np.uint64(0xFFFFFFFF), 0).astype(
            np.uint32
        )
    return out


def _reworded(events: Events, _: Events, rng: np.random.Generator) -> Events:
    out = _rephrased(events, events, rng)
    out["elicitation"] = 0
    out["flags"] &= np.uint32(~_ELICIT & 0xFFFFFFFF)
    return out


def _single(events: Events, _: Events, rng: np.random.Generator) -> Events:
    times = np.maximum(events["choices"].astype(np.intp), 1)
    out = np.repeat(events, times)
    out["out_chars"] //= np.repeat(times, times).astype(np.uint32)
    out["out_tokens"] //= np.repeat(times, times).astype(np.uint32)
    out["choices"] = 1
    out["at"] += rng.uniform(0.0, max(float(np.ptp(events["at"])), 1.0) / 4.0, len(out))
    return out[np.argsort(out["at"], kind="stable")]


def _plain(events: Events, other: Events, _: np.random.Generator) -> Events:
    out = events.copy()
    out["flags"] &= np.uint32(~int(Flag.LOGPROBS | Flag.SEED) & 0xFFFFFFFF)
    out["top_logprobs"] = -1
    for name in ("params", "temperature", "top_p", "max_tokens"):
        out[name] = other[name][0]
    out["out_chars"] //= np.maximum(out["choices"], 1)
    out["choices"] = 1
    return out


def _warmed(events: Events, other: Events, _: np.random.Generator) -> Events:
    first = np.resize(other, 200)
    first["at"] = np.sort(events["at"][0] - np.linspace(1.0, 86_400.0, 200))
    return _merged(events, first)


def _all_of(events: Events, other: Events, rng: np.random.Generator) -> Events:
    for change in (_plain, _reworded, _scattered, _repeat, _daytime, _cover(0.5)):
        events = change(events, other, rng)
    return events


def _merged(events: Events, more: Events) -> Events:
    more = more.copy()
    for name in ("client", "network", "agent"):
        more[name] = events[name][0]
    both = np.concatenate([events, more])
    return both[np.argsort(both["at"], kind="stable")]


def _same(events: Events, _: Events, __: np.random.Generator) -> Events:
    return events


EVASIONS: tuple[Evasion, ...] = (
    Evasion("none", "nothing", _same),
    Evasion("another network and program for each request", "proxies for each account", _scattered),
    Evasion("daytime only, jittered", "twice the time", _daytime),
    Evasion("a third of the prompts repeated", "1.5 times the requests", _repeat),
    Evasion("template put in 40 ways", "a rewriting call for each template", _rephrased),
    Evasion("reasoning asked in unknown words, in 40 ways", "prompts to invent; less of the reasoning", _reworded),
    Evasion("one sample a request", "the prompt paid once a sample", _single),
    Evasion("ordinary parameters", "no further samples, no log probabilities", _plain),
    Evasion("200 ordinary requests first", "200 requests and a day an account", _warmed),
    Evasion("half ordinary traffic", "2 times the requests", _cover(0.5)),
    Evasion("80 % ordinary traffic", "5 times the requests", _cover(0.8)),
    Evasion("90 % ordinary traffic", "10 times the requests", _cover(0.9)),
    Evasion("parameters, words, network, repeats, daytime, half cover", "all of those together", _all_of),
)
SPREAD = Evasion("spread over 8 accounts", "8 accounts", _same)


def evade(accounts: Sequence[Account], donors: Sequence[Account], seed: int) -> dict[str, list[Account]]:
    """Every harvester's traffic under each evasion; ordinary traffic comes from the donors, each used in turn."""
    out: dict[str, list[Account]] = {}
    long = [one for one in donors if len(one.events) >= 40]
    for evasion in EVASIONS if long else EVASIONS[:1]:
        rng = np.random.default_rng(seed)
        made = []
        for number, one in enumerate(accounts):
            other = long[number % len(long)].events if long else one.events
            made.append(replace(one, events=evasion.change(one.events, other, rng)))
        out[evasion.name] = made
    out[SPREAD.name] = [
        replace(one, client=one.client ^ (part << 1), events=_owned(one.events[part::8], one.client ^ (part << 1)))
        for one in accounts
        for part in range(8)
    ]
    return out


def _owned(events: Events, client: int) -> Events:
    out = events.copy()
    out["client"] = client
    return out


def found(ours: Ours, part: Fold, tried: dict[str, list[Account]]) -> dict[str, metrics.Share]:
    """How many of them the product still finds at the level of RATES[0], by one fold's reference and level."""
    top = metrics.highest(ours.seen.who, ours.decided[part.turn].score, len(ours.seen.clients))
    level = metrics.threshold(top[part.level], RATES[0])
    out = {}
    for name, accounts in tried.items():
        if accounts:
            seen = observe(ours.detectors, accounts)
            score = decide(evidence(ours.engine(part), seen), seen).score
            out[name] = metrics.share(metrics.highest(seen.who, score, len(seen.clients)) > level)
    return out
