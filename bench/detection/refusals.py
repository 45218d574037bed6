"""Refusals on one clock: accounts that a provider bans, a pace that moves on, and ordinary programs that meet both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.detection import campaigns, dataset, lookalikes, store
from bench.detection import profile as profiles
from bench.detection.campaigns import FAMILIES, Shape
from bench.detection.campaigns import _refused as refused
from bench.detection.compose import EPOCH, Account
from bench.detection.dataset import World
from bench.detection.harvests import VARIANTS
from bench.detection.sources import Split

SHAPES = (
    Shape(15, 60, 0.5, event="provider bans"), Shape(25, 40, 0.25, event="provider bans"),
    Shape(15, 60, 0.5, event="moving rate"), Shape(25, 40, 0.25, event="moving rate"),
)  # fmt: skip
HOUR, DAY = 3_600.0, 86_400.0
Befalls = Callable[[list[Account], Random], list[Account]]


def compose(data: Path | None, seed: int, split: Split = "test") -> Iterator[Account]:
    """The campaigns and the look-alikes of one seed; from disk where they were composed before."""
    key = store.digest(data, seed, split, more=("campaigns", "lookalikes", "refusals"))
    return store.cached(f"refusals-{split}-{seed}{'' if data else '-made'}", key, composed(data, seed, split))


def composed(data: Path | None, seed: int, split: Split) -> Iterator[Account]:
    """The same, made anew; nothing of it is drawn where `campaigns` draws."""
    made, name = dataset.world(data, split), f"refusals/{split}/{seed}"
    for title in TWINS:
        yield from twins(made, title, f"{name}/{title}")
    for number, shape in enumerate(SHAPES):
        yield from campaign(made, shape, f"{name}/{number}")


def campaign(made: World, shape: Shape, name: str) -> list[Account]:
    """One operator's accounts, and what befalls them."""
    variant = Random(f"{name}/variant").choice([one for one in VARIANTS if one.family in FAMILIES])
    accounts = [dataset.build(made, plan) for plan in campaigns.plans(made, variant, shape, name, shape.accounts)]
    befalls = provider_bans if shape.event == "provider bans" else moving_rate
    accounts = befalls(accounts, Random(f"{name}/event"))
    return [replace(one, evasion=shape.title, cover=1.0 - shape.share) for one in accounts]


def twins(made: World, title: str, name: str) -> list[Account]:
    """A group of ordinary accounts that meets what campaigns meet."""
    group, size, apart, befalls = TWINS[title]
    accounts = []
    for plan in lookalikes.group(made, group, name, size):
        own = profiles.draw(Random(f"{plan.name}/network"), made.pools).networks
        profile = replace(plan.profile, networks=own) if apart else plan.profile
        accounts.append(dataset.build(made, replace(plan, profile=profile)))
    accounts = befalls(accounts, Random(f"{name}/event"))
    return [replace(one, persona=title, campaign=f"{title} {name}") for one in accounts]


def shut(one: Account, keep: int, rng: Random, status: int, gap: float = 900.0) -> Account:
    """An account that is answered so many times, then refused three to eight times, `gap` seconds apart, and silent."""
    events, harvested = one.events.copy(), store.mask_of(one).copy()
    tries = rng.randint(3, 8)
    rest = np.minimum(np.arange(keep, keep + tries), len(events) - 1)
    after = events[rest].copy()
    after["at"] = events["at"][keep - 1] + np.cumsum([30.0 + rng.expovariate(1.0 / gap) for _ in rest])
    refused(after, np.arange(tries), status)
    label = np.concatenate([harvested[:keep], np.zeros(tries, bool)])
    return replace(one, events=np.concatenate([events[:keep], after]), harvested=label)


def begun(one: Account, at: float) -> Account:
    """The account, with its first request at a time."""
    events = one.events.copy()
    events["at"] += at - float(events["at"][0])
    return replace(one, events=events)


def provider_bans(accounts: list[Account], rng: Random) -> list[Account]:
    """The provider shuts half of the accounts; in each one's place another begins within two days."""
    half = len(accounts) // 2
    out = accounts[2 * half :]
    for old, new in zip(accounts[:half], accounts[half : 2 * half], strict=True):
        keep = max(6, int(len(old.events) * rng.uniform(0.4, 0.8)))
        gone = shut(old, keep, rng, rng.choice((403, 403, 403, 401)))
        out += [gone, begun(new, float(gone.events["at"][keep]) + rng.uniform(0.2, 40.0) * HOUR)]
    return out


class _Clock:
    """Events of several accounts, dealt anew over a schedule's times."""

    def __init__(self, accounts: list[Account], free: list[NDArray[np.bool_]], rng: Random) -> None:
        self.events = [one.events.copy() for one in accounts]
        self.masks = [store.mask_of(one).copy() for one in accounts]
        self.left = [np.flatnonzero(some).tolist() for some in free]
        self.accounts, self.rng = accounts, rng

    def send(self, which: int, at: float, status: int = 200) -> bool:
        """The account's next request at a time; whether there was one."""
        if not self.left[which]:
            return False
        place = self.left[which].pop(0)
        self.events[which]["at"][place] = at
        if status != 200:
            refused(self.events[which], np.array([place]), status)
            self.masks[which][place] = False
        return True

    def told(self) -> list[Account]:
        """The accounts as they are now, each in order of time."""
        out = []
        for one, events, mask in zip(self.accounts, self.events, self.masks, strict=True):
            order = np.argsort(events["at"], kind="stable")
            out.append(replace(one, events=events[order], harvested=mask[order]))
        return out


def _routed(clock: _Clock, statuses: tuple[int, ...]) -> list[Account]:
    """One queue of work: each account in turn until it is refused, the next one seconds later; pauses of hours."""
    rng, at, which = clock.rng, EPOCH + clock.rng.uniform(0.0, 43_200.0), 0
    pace, runs = rng.uniform(3.0, 15.0), rng.randint(10, 30)
    while any(clock.left):
        for turn in range(rng.randint(4, 12)):
            at += pace * rng.uniform(0.7, 1.3) if turn else 0.0
            clock.send(which, at)
        at += pace
        clock.send(which, at, rng.choice(statuses))
        at += rng.uniform(0.5, 8.0)
        which = rng.choice([k for k, some in enumerate(clock.left) if some and k != which] or [which])
        runs -= 1
        if not runs:
            at, runs = at + rng.uniform(1.0, 8.0) * HOUR, rng.randint(10, 30)
    return clock.told()


def moving_rate(accounts: list[Account], rng: Random) -> list[Account]:
    """The harvest goes through one account after the other, each until its rate is refused; other work stays."""
    return _routed(_Clock(accounts, [store.mask_of(one) for one in accounts], rng), (429, 429, 429, 403))


def routed(accounts: list[Account], rng: Random) -> list[Account]:
    """A company's router does the same with its keys, on refusals and on faults."""
    return _routed(_Clock(accounts, [np.ones(len(one.events), bool) for one in accounts], rng), (429, 429, 500, 503))


def one_limit(accounts: list[Account], rng: Random) -> list[Account]:
    """Keys of a company begin at the full hour, within seconds; beyond a common limit all are refused and try again."""
    clock = _Clock(accounts, [np.ones(len(one.events), bool) for one in accounts], rng)
    hour = EPOCH + HOUR
    while any(clock.left):
        due = [(hour + rng.uniform(0.0, 40.0), k) for k in range(len(accounts)) if rng.random() < 0.7]
        spent: dict[float, int] = {}
        while due and any(clock.left):
            at, which = due.pop(due.index(min(due)))
            minute = at // 60.0
            spent[minute] = spent.get(minute, 0) + 1
            over = spent[minute] > 2 * len(accounts)
            clock.send(which, at, 429 if over else 200)
            if at < hour + 240.0:
                due.append((at + (rng.uniform(5.0, 60.0) if over else rng.uniform(2.0, 12.0)), which))
        hour += HOUR * rng.choice((1, 2, 6))
    return clock.told()


def expired(accounts: list[Account], rng: Random, gap: float = 0.5 * HOUR) -> list[Account]:
    """Half of the keys end on one day; in each one's place a new one begins within minutes to an hour."""
    half, out = len(accounts) // 2, accounts[2 * (len(accounts) // 2) :]
    for old, new in zip(accounts[:half], accounts[half : 2 * half], strict=True):
        keep = max(6, int(len(old.events) * rng.uniform(0.5, 0.7)))
        gone = shut(old, keep, rng, rng.choice((401, 401, 403)), 300.0)
        out += [gone, begun(new, float(gone.events["at"][keep]) + rng.uniform(0.02, 1.0) * gap)]
    return out


def exhausted(accounts: list[Account], rng: Random) -> list[Account]:
    """Half of the keys are out of quota in the end, and others go on."""
    half, out = len(accounts) // 2, accounts[2 * (len(accounts) // 2) :]
    for old, new in zip(accounts[:half], accounts[half : 2 * half], strict=True):
        keep = max(6, int(len(old.events) * rng.uniform(0.5, 0.7)))
        gone = shut(old, keep, rng, 429)
        out += [gone, begun(new, float(gone.events["at"][keep]) + rng.uniform(0.0, 12.0) * HOUR)]
    return out


def come_and_go(accounts: list[Account], rng: Random) -> list[Account]:
    """Independent users who begin on any day of the week; the key of every fifth ends for good."""
    out = []
    for number, one in enumerate(accounts):
        keep = max(6, int(len(one.events) * rng.uniform(0.4, 0.8)))
        gone = shut(one, keep, rng, rng.choice((401, 403))) if number % 5 == 0 else one
        out.append(begun(gone, EPOCH + rng.uniform(0.0, 5.0) * DAY))
    return out


def another_model(accounts: list[Account], rng: Random) -> list[Account]:
    """Every third tries a model that it may not use, a few times, and goes on with its own some hours later."""
    out = []
    for number, one in enumerate(accounts):
        if number % 3 or len(one.events) < 12:
            out.append(begun(one, EPOCH + rng.uniform(0.0, 5.0) * DAY))
            continue
        keep = len(one.events) // 2
        tried = shut(one, keep, rng, 403)
        tried.events["model"][keep:] ^= np.uint32(0x5BD1E995)
        rest = one.events[keep:].copy()
        rest["at"] += max(0.0, float(tried.events["at"][-1]) + rng.uniform(2.0, 20.0) * HOUR - float(rest["at"][0]))
        events = np.concatenate([tried.events, rest])
        whole = replace(one, events=events, harvested=np.zeros(len(events), bool))
        out.append(begun(whole, EPOCH + rng.uniform(0.0, 3.0) * DAY))
    return out


TWINS: dict[str, tuple[str, int, bool, Befalls]] = {
    "company keys, expired": ("company keys", 14, True, expired),
    "firm keys, expired": ("company keys", 14, False, expired),
    "firm keys, expired elsewhere": ("company keys", 14, True, expired),
    "firm keys, one limit": ("company keys", 20, True, one_limit),
    "firm keys, routed": ("company keys", 10, False, routed),
    "firm keys, routed abroad": ("company keys", 10, True, routed),
    "firm keys, quota": ("company keys", 14, True, exhausted),
    "library users, coming and going": ("library users", 30, False, come_and_go),
    "library users, another model": ("library users", 30, False, another_model),
}
"""By title: the group of look-alikes, its size, whether each account has networks of its own, and what befalls it.

Company keys are a verified organisation's, firm keys nobody's.
"""
