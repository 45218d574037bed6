"""Other views of an account in training: without its answers, and with what anyone can put on a request."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.detection.compose import Account
from detectors.event import Flag, Kind

MARKS = {Flag.SCHEMA: "schema", Flag.TOOLS: "tools", Flag.USER_ID: "user", Flag.MULTI_TURN: "opening", Flag.STREAM: ""}
"""What anyone can put on a request, and the field that goes with it."""
_UNSEEN, _MARKED = 1 << 63, 1 << 62  # of the client number of an account that is seen a second and a third time
_ANSWERS = ("answer", "answer_gist", "kind", "out_chars", "reasoning_chars")
_OWN_SYSTEM, _GREETED, _REPEATED = 0.35, 0.2, 0.2  # of accounts: each of what follows
_BEFORE, _BEHIND = ("head4", "head12"), ("tail6",)  # template keys that words before and behind a prompt change
_WHOLE = ("payload", "body")
_RECENT = 80  # requests among which one is sent again


def unseen(one: Account) -> Account:
    """The same account as a log without answers' texts shows it: nothing but their number of tokens is known."""
    events = one.events.copy()
    for name in _ANSWERS:
        events[name] = 0
    events["client"] ^= np.uint64(_UNSEEN)
    return replace(one, client=one.client ^ _UNSEEN, events=events)


def marked(one: Account) -> Account:
    """The same account with what costs nothing, or little, to whoever puts it on requests.

    Marks of an ordinary use, a system prompt, some words before or behind each prompt, requests sent again: each on
    none, on some or on all requests, of harvesters and of ordinary clients alike, so that the trees do not take one
    of them, or that it is missing, for a use.
    """
    rng = np.random.default_rng(one.client)
    events = again(one.events, rng) if rng.random() < _REPEATED else one.events.copy()
    events["client"] ^= np.uint64(_MARKED)
    for flag, field in MARKS.items():
        share = rng.choice((0.0, 0.0, rng.uniform(0.3, 1.0), 1.0))
        on = rng.random(len(events)) < share
        events["flags"][on] |= np.uint32(flag)
        if flag == Flag.SCHEMA:  # then the text comes inside a record
            events["kind"][on & (events["kind"] > 0)] = Kind.RECORD
        if field:
            some = int(rng.choice((1, 40, 1 << 62)))  # one value for all, a few, or another each time
            events[field][on] = rng.integers(1, some + 1, int(on.sum()), dtype=np.uint64)
    if rng.random() < _OWN_SYSTEM:
        instructed(events, rng)
    for keys in (_BEFORE, _BEHIND):
        if rng.random() < _GREETED:
            greeted(events, keys, rng)
    whole = one.harvested if len(events) == len(one.events) else None
    return replace(one, client=one.client ^ _MARKED, events=events, harvested=whole)


def instructed(events: NDArray[np.void], rng: np.random.Generator) -> None:
    """One system prompt, of twenty to two thousand characters, on every request that has none."""
    bare = events["flags"] & np.uint32(Flag.SYSTEM) == 0
    events["flags"][bare] |= np.uint32(Flag.SYSTEM)
    events["system"][bare] = rng.integers(1, 1 << 62, dtype=np.uint64)
    events["in_chars"][bare] += np.uint32(20.0 * 100.0 ** rng.random())


def greeted(events: NDArray[np.void], keys: tuple[str, ...], rng: np.random.Generator) -> None:
    """One of some phrases before or behind each prompt, drawn anew each time: template keys and hashes change by it.

    A long one hides the prompt's own words from the key; a short one leaves some of them in it.
    """
    phrases = rng.integers(1, 1 << 62, int(rng.choice((4, 16, 64, 1_000))), dtype=np.uint64)
    drawn = rng.choice(phrases, len(events))
    long = rng.random() < 0.5
    for name in keys:
        events[name] = drawn if long else events[name] ^ drawn
    for name in _WHOLE:
        events[name] ^= drawn


def again(events: NDArray[np.void], rng: np.random.Generator) -> NDArray[np.void]:
    """The events with one to four in ten more, each of a recent request sent once again."""
    more = np.flatnonzero(rng.random(len(events)) < rng.uniform(0.1, 0.7))
    copied = events[np.maximum(more - rng.integers(0, _RECENT, len(more)), 0)].copy()
    gap = np.diff(events["at"], append=events["at"][-1:] + 60.0)[more]
    copied["at"] = events["at"][more] + gap * rng.random(len(more))
    both = np.concatenate([events, copied])
    return np.asarray(both[np.argsort(both["at"], kind="stable")])
