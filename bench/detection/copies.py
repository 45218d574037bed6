"""Other views of an account in training: without its answers, and with marks that anyone can put on a request."""

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
_INSTRUCTED = 0.35  # of accounts: those that get a system prompt


def unseen(one: Account) -> Account:
    """The same account as a log without answers' texts shows it: nothing but their number of tokens is known."""
    events = one.events.copy()
    for name in _ANSWERS:
        events[name] = 0
    events["client"] ^= np.uint64(_UNSEEN)
    return replace(one, client=one.client ^ _UNSEEN, events=events)


def marked(one: Account) -> Account:
    """The same account with marks of an ordinary use on its requests that cost nothing to whoever puts them there.

    A fixed format, tools, end users, a turn before the prompt, a stream, a system prompt: each on none, on some or on
    all requests, of harvesters and of ordinary clients alike, so that the trees do not take a mark for a use.
    """
    rng = np.random.default_rng(one.client)
    events = one.events.copy()
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
    if rng.random() < _INSTRUCTED:
        instructed(events, rng)
    return replace(one, client=one.client ^ _MARKED, events=events)


def instructed(events: NDArray[np.void], rng: np.random.Generator) -> None:
    """One system prompt, of twenty to two thousand characters, on every request that has none."""
    bare = events["flags"] & np.uint32(Flag.SYSTEM) == 0
    events["flags"][bare] |= np.uint32(Flag.SYSTEM)
    events["system"][bare] = rng.integers(1, 1 << 62, dtype=np.uint64)
    events["in_chars"][bare] += np.uint32(20.0 * 100.0 ** rng.random())
