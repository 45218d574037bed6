"""Many accounts from a few composed ones, feature by feature: a thousand accounts in a second instead of minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.detection.compose import Account, client_id
from bench.detection.store import mask_of
from detectors.event import EVENT
from detectors.sketch import mix

KEYS = (
    "body", "payload", "head4", "head12", "tail6", "system", "answer", "tools", "schema", "user", "opening", "sketch",
    "gist", "answer_gist", "network", "agent",
)  # fmt: skip
"""Hashes of text and of origin: what no two accounts of the sample share is an account's own, and is made new."""
SORTED = ("gist", "answer_gist")
MIXED = ("words", "topic", "script")  # summaries of a payload: dealt anew among the sample's requests of the same sort


def multiply(sample: Sequence[Account], count: int, name: str) -> Iterator[Account]:
    """So many accounts like those of the sample: templates stay, items, answers, origins and times are their own."""
    common = {key: _common([one.events for one in sample], key) for key in KEYS if key in (EVENT.names or ())}
    pools = {label: np.concatenate([one.events[mask_of(one) == label] for one in sample]) for label in (False, True)}
    for number in range(count):
        one = sample[number % len(sample)]
        rng = np.random.default_rng(client_id(f"{name}/{number}") & 0xFFFFFFFF)
        harvested = mask_of(one)
        events = _renewed(one.events, common, np.uint64(client_id(f"{name}/{number}/salt")))
        for label, pool in pools.items():
            chosen = np.flatnonzero(harvested == label)
            dealt = pool[rng.integers(len(pool), size=len(chosen))] if len(pool) else pool
            for field in MIXED:
                events[field][chosen] = dealt[field]
        events["client"] = client_id(f"{name}/{number}")
        start, stretch = float(events["at"][0]), float(np.exp(rng.normal(0.0, 0.3)))
        events["at"] = start + rng.uniform(0.0, 43_200.0) + (events["at"] - start) * min(stretch, 1.2)
        yield replace(one, client=int(events["client"][0]), events=events, pair=-1)


def _common(every: Sequence[NDArray[np.void]], key: str) -> NDArray[np.uint64]:
    """The values that at least two accounts have."""
    seen = np.concatenate([np.unique(events[key].astype(np.uint64)) for events in every])
    values, accounts = np.unique(seen, return_counts=True)
    return values[accounts > 1]


def _renewed(events: NDArray[np.void], common: dict[str, NDArray[np.uint64]], salt: np.uint64) -> NDArray[np.void]:
    """The events with an account's own values replaced, the same value by the same one in every field."""
    out = events.copy()
    for key, kept in common.items():
        old = events[key].astype(np.uint64)
        bits = np.uint64(8 * events[key].dtype.itemsize)
        new = mix(old ^ salt) >> (np.uint64(64) - bits)
        new = np.where((old == 0) | np.isin(old, kept), old, np.maximum(new, np.uint64(1)))
        if key in SORTED:
            most = np.iinfo(np.uint64).max
            new = np.sort(np.where(new == 0, most, new), axis=1)
            new = np.where(new == most, np.uint64(0), new)
        out[key] = new.astype(events[key].dtype)
    return out


def background(sample: Sequence[Account], count: int, name: str) -> Iterator[Account]:
    """Ordinary accounts in numbers, from composed ones drawn with replacement."""
    rng = Random(name)
    drawn = [sample[rng.randrange(len(sample))] for _ in range(count)]
    for number, one in enumerate(drawn):
        yield from multiply([one, *rng.sample(list(sample), min(8, len(sample)))], 1, f"{name}/{number}")
