"""Attackers who know the detectors: how much of each evasion's harvest is still found, and what it costs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import evasions, metrics
from bench.detection.compose import Account
from bench.detection.evaluate import decide, evidence, observe
from bench.detection.judging import RATES, Fold
from bench.detection.ours import Ours
from detectors.event import Flag

Events = NDArray[np.void]
EACH = 2  # accounts of every base variant for every evasion
PLAIN = "none"
ACCOUNTS = 8


class Change(NamedTuple):
    """An evasion by the request's settings alone, made on the plain harvest's events."""

    name: str
    cost: str
    throughput: float  # harvested answers for each request, against the plain harvest; NaN where it depends
    make: Callable[[Account], list[Account]]


def _single(one: Account) -> list[Account]:
    """One request a sample: the same prompt again and again, some time apart."""
    times = np.maximum(one.events["choices"].astype(np.intp), 1)
    out = np.repeat(one.events, times)
    for name in ("out_chars", "out_tokens"):
        out[name] //= np.repeat(times, times).astype(np.uint32)
    out["choices"] = 1
    nth = np.concatenate([np.arange(count) for count in times]) if len(times) else np.zeros(0)
    out["at"] += nth * 47.0
    return [replace(one, events=out[np.argsort(out["at"], kind="stable")])]


def _plain(one: Account) -> list[Account]:
    """The settings of an ordinary request: defaults, one sample, no log probabilities."""
    out = one.events.copy()
    out["flags"] &= np.uint32(~int(Flag.LOGPROBS | Flag.SEED) & 0xFFFFFFFF)
    out["top_logprobs"] = -1
    out["temperature"] = out["top_p"] = np.nan
    out["params"] = 1
    out["max_tokens"] = 0
    for name in ("out_chars", "out_tokens"):
        out[name] //= np.maximum(out["choices"], 1)
    out["choices"] = 1
    return [replace(one, events=out)]


def _spread(one: Account) -> list[Account]:
    """Every eighth request from an account of its own."""
    parts = []
    for part in range(ACCOUNTS):
        events = one.events[part::ACCOUNTS].copy()
        client = one.client ^ (part << 1)
        events["client"] = client
        parts.append(replace(one, client=client, events=events))
    return parts


CHANGES: tuple[Change, ...] = (
    Change("one sample a request", "the prompt paid once a sample", float("nan"), _single),
    Change("ordinary settings", "no further samples, no log probabilities", float("nan"), _plain),
    Change(f"spread over {ACCOUNTS} accounts", f"{ACCOUNTS} accounts", 1.0, _spread),
)


def costs() -> dict[str, tuple[str, float]]:
    """What each evasion costs, in words and in answers a request, in the order of the table."""
    out = {one.name: (one.cost, one.throughput) for one in evasions.EVASIONS}
    return out | {one.name: (one.cost, one.throughput) for one in CHANGES}


def found(ours: Ours, part: Fold, accounts: Iterable[Account]) -> dict[str, metrics.Share]:
    """How many evading accounts the product finds at RATES[0], by one fold's reference and level."""
    by: dict[str, list[Account]] = {}
    for one in accounts:
        by.setdefault(one.evasion, []).append(one)
    for change in CHANGES:
        by[change.name] = [made for one in by.get(PLAIN, []) for made in change.make(one)]
    top = metrics.highest(ours.seen.who, ours.decided[part.turn].score, len(ours.seen.clients))
    level = metrics.threshold(top[part.level], RATES[0])
    out = {}
    for name, some in by.items():
        seen = observe(ours.detectors, some) if some else None
        if seen is not None:
            score = decide(evidence(ours.engine(part), seen), seen).score
            out[name] = metrics.share(metrics.highest(seen.who, score, len(seen.clients)) > level)
    return out
