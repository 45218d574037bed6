"""A crowd: the tells of many made-up accounts, with campaigns among them, without any text behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.tells import LOAD, TELL, Kind, Tells, token
from detectors.sketch import mix

NOW = 1_764_100_000.0
EACH = 10  # tokens of an ordinary account
_CHUNK = 50_000
_ORDINARY = (Kind.NETWORK, Kind.AGENT, Kind.RECIPE, Kind.HEAD, Kind.TAIL, Kind.FRAMED, Kind.FRAMED_TAIL,
             Kind.SYSTEM, Kind.FRAMED_SYSTEM, Kind.TOOLS)  # fmt: skip
_WORDED = {Kind.HEAD, Kind.TAIL, Kind.FRAMED, Kind.FRAMED_TAIL, Kind.SYSTEM, Kind.FRAMED_SYSTEM}


class Planted(NamedTuple):
    """One campaign: its accounts, and how many of each account's requests are its own."""

    name: int
    accounts: NDArray[np.int64]


def client(accounts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The ids of accounts by their numbers."""
    return mix(accounts.astype(np.uint64) + np.uint64(1))


def planted(total: int, rng: np.random.Generator) -> list[Planted]:
    """The campaigns of a crowd: two large ones in proportion, as disclosed, and twenty of twenty-five accounts."""
    sizes = [max(total * 25 // 1000, 25), max(total * 35 // 10_000, 12), *[25] * 20]
    chosen = rng.permutation(total)[: sum(sizes)].astype(np.int64)
    bounds = np.cumsum([0, *sizes])
    return [Planted(k, chosen[bounds[k] : bounds[k + 1]]) for k in range(len(sizes))]


def ordinary(accounts: NDArray[np.int64], total: int, rng: np.random.Generator) -> Tells:
    """The tells of some accounts: half of what each has is its own, the rest is popular or shared by a few."""
    count = len(accounts)
    who = client(accounts)
    template = np.where(rng.random(count) < 0.5, (rng.pareto(0.6, count) * 3).astype(np.int64), accounts + 10**9)
    recipe = (rng.pareto(0.8, count) * 2).astype(np.int64) % 4_000
    system = np.where(rng.random(count) < 0.4, (rng.pareto(0.7, count) * 3).astype(np.int64), accounts + 2 * 10**9)
    values = {
        Kind.NETWORK: np.where(rng.random(count) < 0.6, accounts, rng.integers(0, max(total // 8, 1), count)) + 1,
        Kind.AGENT: (rng.pareto(0.9, count) * 2).astype(np.int64) % 300 + 1,
        Kind.RECIPE: recipe + 1,
        Kind.HEAD: template * 2 + 1,
        Kind.TAIL: template * 3 + 1,
        Kind.FRAMED: template * 4_001 + recipe + 1,
        Kind.FRAMED_TAIL: template * 4_003 + recipe + 1,
        Kind.SYSTEM: system + 1,
        Kind.FRAMED_SYSTEM: system * 4_001 + recipe + 1,
        Kind.TOOLS: (rng.pareto(0.8, count) * 5).astype(np.int64) + 1,
    }
    about = rng.normal(size=(count, 24))
    return _tells(who, values, recipe, rng.integers(2, 60, count), rng, about, harvest=rng.random(count) < 0.05)


def of_campaign(one: Planted, rng: np.random.Generator) -> Tells:
    """What the members of a campaign have in common beside all that is their own."""
    count = len(one.accounts)
    mark = 3 * 10**12 + one.name * 1_000
    recipe = np.full(count, 5_000 + one.name)
    some = np.full(count, mark)
    values = {Kind.HEAD: some + 1, Kind.FRAMED: some + 2, Kind.TAIL: some + 3, Kind.FRAMED_TAIL: some + 4,
              Kind.RECIPE: recipe + 1}  # fmt: skip
    about = np.tile(rng.normal(size=24), (count, 1))
    every = np.ones(count, bool)
    return _tells(client(one.accounts), values, recipe, rng.integers(3, 14, count), rng, about, harvest=every)


def crowd(total: int, campaigns: list[Planted], rng: np.random.Generator) -> Iterator[Tells]:
    """Everybody's tells, some accounts at a time, as they might arrive."""
    for start in range(0, total, _CHUNK):
        yield ordinary(np.arange(start, min(start + _CHUNK, total)), total, rng)
    for one in campaigns:
        yield of_campaign(one, rng)


def _tells(
    who: NDArray[np.uint64],
    values: dict[Kind, NDArray[np.int64]],
    recipe: NDArray[np.int64],
    n: NDArray[np.int64],
    rng: np.random.Generator,
    about: NDArray[np.float64],
    harvest: NDArray[np.bool_],
) -> Tells:
    count = len(who)
    parts: list[NDArray[np.void]] = []
    loads: list[NDArray[np.void]] = []
    load = _loads(n, rng, about, harvest)
    at = NOW - rng.random(count) * 86_400.0
    for kind, value in values.items():
        rows = np.zeros(count, TELL)
        rows["client"], rows["token"], rows["kind"] = who, token(kind, value), kind
        rows["at"], rows["last"], rows["n"], rows["load"] = at, at + 60.0, n, -1
        rows["recipe"] = token(Kind.RECIPE, recipe + 1) if kind in _WORDED else 0
        if kind in _WORDED:
            rows["load"] = np.arange(count) + len(loads) * count
            loads.append(load)
        parts.append(rows)
    own = np.zeros(count, TELL)
    own["client"], own["at"], own["last"], own["n"], own["load"] = who, at, at + 60.0, n, -1
    return Tells(np.concatenate([own, *parts]), np.concatenate(loads))


def _loads(
    n: NDArray[np.int64], rng: np.random.Generator, about: NDArray[np.float64], harvest: NDArray[np.bool_]
) -> NDArray[np.void]:
    """Requests with different items each around one topic; ordinary ones have an ordinary habit."""
    out = np.zeros(len(n), LOAD)
    out["sums"][:, 0] = n
    out["sums"][:, 14] = n * 80
    habit = rng.integers(1, 8, len(n))
    rows = np.flatnonzero(~harvest)
    out["sums"][rows, habit[rows]] = n[rows]
    unit = about / np.linalg.norm(about, axis=1, keepdims=True)
    noise = rng.normal(size=unit.shape) * np.sqrt(n / 24.0)[:, None]
    out["topic"] = np.rint(7.94 * (0.5 * n[:, None] * unit + 0.87 * noise))
    items = np.minimum(n, 32)
    which = np.repeat(np.arange(len(n)), items)
    out["payloads"][which, rng.integers(0, 32, len(which))] = rng.geometric(0.5, len(which))
    return out
