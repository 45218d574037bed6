"""Tells: what an exchange has in common with those of the same operator, as tokens of a client."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import elicitation, twins
from detectors.batch import Batch
from detectors.event import Flag, Listed
from detectors.sketch import mix

BIN = 300.0  # seconds: the length of an activity bin


class Kind(IntEnum):
    """What a token says is shared."""

    CLIENT = 0  # no token: how many requests, from when to when
    HEAD = 1  # the wording in front of the content: the user turn's first 12 tokens, masked
    TAIL = 2  # behind it: the last 6
    SYSTEM = 3
    PHRASE = 4  # a run of three words that comes again and again
    FRAMED = 5  # HEAD under the same parameters
    FRAMED_TAIL = 6  # TAIL under the same parameters
    LISTED = 7  # items of one public list under the same parameters
    TOOLS = 8  # offered tools and output schema
    RECIPE = 9  # the sampling temperature and top_p
    NETWORK = 10
    AGENT = 11
    JA4 = 12
    USER = 13  # the end-user id
    SIGNATURE = 14  # a reasoning signature that was issued or presented
    BIN = 15  # activity in the same five minutes
    ITEM = 16  # one item of a public list
    SIGNUP = 17  # a sign-up attribute that the operator supplied
    INDICATOR = 18  # on an imported list of indicators
    MOVED = 19  # the same body right after it was refused to the other
    FRAMED_SYSTEM = 20  # SYSTEM under the same parameters
    FRAMED_PHRASE = 21  # PHRASE under the same parameters
    FOLLOWED = 22  # one began, seconds after the other was refused and fell silent
    BESIDE = 23  # one began, but later in that minute: as often as by chance


FRAMED = (Kind.FRAMED, Kind.FRAMED_TAIL, Kind.FRAMED_SYSTEM, Kind.FRAMED_PHRASE, Kind.LISTED)
"""The kinds that say two things at once: a wording, and the parameters of the same request."""

PHRASES = (Kind.PHRASE, Kind.FRAMED_PHRASE)
"""The kinds of which one request has several; they count from a client's second use on."""

WORDING = (Kind.HEAD, Kind.TAIL, Kind.SYSTEM, Kind.PHRASE, *FRAMED)
"""The kinds that pick out a part of a client's requests; the graph keeps what these requests are like."""

COUNTS = (
    "requests", "multi_turn", "closed_answers", "greedy", "structured", "end_users", "streamed", "no_longer",
    "asks_plain", "asks_all", "samples", "logprobs", "listed", "grading", "log_answer", "blank",
)  # fmt: skip
"""What is counted of the requests behind a wording: each of them a sum."""

LOAD = np.dtype([("sums", "<u2", (len(COUNTS),)), ("topic", "<i2", (24,)), ("payloads", "u1", (32,))])
TELL = np.dtype(
    [
        ("client", "<u8"),
        ("token", "<u8"),
        ("at", "<f8"),
        ("last", "<f8"),
        ("n", "<u4"),
        ("load", "<i4"),  # its row in the loads; -1: none
        ("kind", "u1"),
        ("recipe", "<u8"),  # of FRAMED kinds: the token of the parameters
    ]
)


class Tells(NamedTuple):
    """Each client's tokens, each once, and the loads of the wordings among them."""

    rows: NDArray[np.void]
    loads: NDArray[np.void]


def token(kind: Kind, values: NDArray[Any]) -> NDArray[np.uint64]:
    """The token of a kind's raw values; 0, which says unknown, stays 0."""
    wide = values.astype(np.uint64)
    salted = mix(wide ^ np.uint64(int(kind) * 0x9E3779B97F4A7C15 & (2**64 - 1)))
    return np.where(wide == 0, np.uint64(0), salted | np.uint64(1))


def tells(events: NDArray[np.void]) -> Tells:
    """The tells of a batch of events of any clients."""
    batch = Batch(events)
    seen = batch.counted
    loads = _Loads(seen)
    parts: list[tuple[NDArray[np.void], NDArray[np.void] | None]] = []
    for kind, values in wordings(seen):
        parts.append(_grouped(seen, kind, values, loads))
    parts.append((_clients(batch), None))
    for kind, values in _others(batch):
        parts.append(_grouped(batch, kind, values, None))
    return joined(parts)


def joined(parts: list[tuple[NDArray[np.void], NDArray[np.void] | None]]) -> Tells:
    """Several runs of tells as one; each run's load numbers count from its own loads."""
    rows, loads, start = [], [], 0
    for some, heavy in parts:
        rows.append(some)
        if heavy is not None:
            some["load"] = np.where(some["load"] >= 0, some["load"] + start, -1)
            loads.append(heavy)
            start += len(heavy)
    return Tells(
        np.concatenate(rows) if rows else np.zeros(0, TELL), np.concatenate(loads) if loads else np.zeros(0, LOAD)
    )


def recipe(seen: Batch | NDArray[np.void]) -> NDArray[np.uint64]:
    """The sampling temperature and top_p: an operator sets them alike, limits and seeds are the program's."""
    heat, top = (
        np.ascontiguousarray(seen[name]).view(np.uint32).astype(np.uint64) for name in ("temperature", "top_p")
    )
    return mix((heat << np.uint64(32)) | top | np.uint64(1))


def _heads(seen: Batch | NDArray[np.void]) -> NDArray[np.uint64]:
    """The wording in front; empty prompts have one of their own, since sending nothing is a wording too."""
    head = seen["head12"]
    blank = (seen["flags"] & np.uint32(Flag.BLANK_INPUT)) != 0
    return np.where((head == 0) & blank, np.uint64(1), head)


def wordings(seen: Batch | NDArray[np.void]) -> Iterator[tuple[Kind, NDArray[np.uint64]]]:
    """Each wording kind's raw values for a batch, or for events in their own order; 0 where an event has none."""
    head, tail, how = _heads(seen), seen["tail6"], recipe(seen)
    yield Kind.HEAD, head
    yield Kind.TAIL, tail
    yield Kind.SYSTEM, seen["system"]
    yield Kind.FRAMED, np.where(head == 0, np.uint64(0), mix(head ^ how))
    yield Kind.FRAMED_TAIL, np.where(tail == 0, np.uint64(0), mix(tail ^ how))
    public = (seen["listed"] & np.uint8(Listed.TRAIN)) != 0
    yield Kind.FRAMED_SYSTEM, np.where(seen["system"] == 0, np.uint64(0), mix(seen["system"] ^ how))
    yield Kind.LISTED, np.where(public, how ^ np.uint64(1), np.uint64(0))
    for place in range(8):
        value = seen["sketch"][:, place].astype(np.uint64)
        phrase = np.where(value == 0, np.uint64(0), value | np.uint64((place + 1) << 32))
        yield Kind.PHRASE, phrase
        yield Kind.FRAMED_PHRASE, np.where(value == 0, np.uint64(0), mix(phrase) ^ how)


def _others(batch: Batch) -> Iterator[tuple[Kind, NDArray[np.uint64]]]:
    listed = (batch["listed"] & np.uint8(Listed.TRAIN)) != 0
    offered = batch["tools"] ^ (batch["schema"] * np.uint64(0x9E3779B97F4A7C15))
    yield Kind.TOOLS, offered
    yield Kind.RECIPE, np.where(batch.counted_mask, recipe(batch), np.uint64(0))
    yield Kind.NETWORK, batch["network"].astype(np.uint64)
    yield Kind.AGENT, batch["agent"].astype(np.uint64)
    yield Kind.JA4, batch["ja4"].astype(np.uint64)
    yield Kind.USER, batch["user"]
    yield Kind.SIGNATURE, batch["issued"]
    yield Kind.SIGNATURE, batch["presented"]
    yield Kind.BIN, np.maximum(batch["at"], 0.0).astype(np.uint64) // np.uint64(int(BIN))
    yield Kind.ITEM, np.where(listed, batch["payload"], np.uint64(0))


def _clients(batch: Batch) -> NDArray[np.void]:
    rows = np.zeros(len(batch.clients), TELL)
    rows["client"], rows["at"], rows["last"] = batch.clients, batch.first, batch.last
    rows["n"], rows["load"] = batch.counted.counts, -1
    return rows


class _Loads:
    """What each event adds to a load: counters, topic and the register of its payload."""

    def __init__(self, seen: Batch) -> None:
        answers = twins.measures(seen)
        asks = seen["elicitation"]
        strong = (asks & np.uint16(~elicitation.PLAIN & 0xFFFF)) != 0
        logprobs = (seen["top_logprobs"] >= 0) & answers.open
        columns = (
            np.ones(len(seen)), seen.flag(Flag.MULTI_TURN), ~answers.open, seen["temperature"] <= 0.05,
            seen.flag(Flag.TOOLS | Flag.SCHEMA), seen.flag(Flag.USER_ID), seen.flag(Flag.STREAM),
            4 * answers.chars <= 5 * seen["payload_chars"].astype(np.int64), (asks != 0) & ~strong, strong,
            (seen["choices"] >= 2) & answers.open, logprobs, seen["listed"] & np.uint8(Listed.TRAIN),
            seen["grading"] != 0, np.where(answers.unknown, 0, answers.log_choice // 2), seen.flag(Flag.BLANK_INPUT),
        )  # fmt: skip
        self.sums = np.column_stack(columns).astype(np.int64)
        self.topic = (seen["topic"].astype(np.int64) + 8) >> 4
        content = mix(np.where(seen["payload"] == 0, seen["body"], seen["payload"]))
        self.register = (content & np.uint64(31)).astype(np.int64)
        rest = (content >> np.uint64(5)) | (np.uint64(1) << np.uint64(58))
        low = rest & (~rest + np.uint64(1))
        self.rank = ((low.astype(np.float64).view(np.int64) >> 52) - 1022).astype(np.uint8)

    def reduced(self, order: NDArray[np.intp], starts: NDArray[np.intp], group: NDArray[np.intp]) -> NDArray[np.void]:
        """The loads of groups of events: `order` lists the events, `starts` where each group begins in it."""
        out = np.zeros(len(starts), LOAD)
        out["sums"] = np.minimum(np.add.reduceat(self.sums[order], starts, axis=0), 65_535)
        out["topic"] = np.clip(np.add.reduceat(self.topic[order], starts, axis=0), -32_768, 32_767)
        cells = np.zeros((len(starts), 32), np.uint8)
        np.maximum.at(cells, (group, self.register[order]), self.rank[order])
        out["payloads"] = cells
        return out


def _grouped(
    batch: Batch, kind: Kind, values: NDArray[np.uint64], loads: _Loads | None
) -> tuple[NDArray[np.void], NDArray[np.void] | None]:
    """One tell for each client and value, with the times and the number of its events."""
    keep = np.flatnonzero(values)
    who, tokens = batch.index[keep], token(kind, values[keep])
    order = np.lexsort((tokens, who))
    who, tokens, places = who[order], tokens[order], keep[order]
    head = np.ones(len(order), np.bool_)
    head[1:] = (who[1:] != who[:-1]) | (tokens[1:] != tokens[:-1])
    starts = np.flatnonzero(head)
    rows = np.zeros(len(starts), TELL)
    if not len(starts):
        return rows, None if loads is None else np.zeros(0, LOAD)
    at = batch["at"][places]
    rows["client"], rows["token"], rows["kind"] = batch.clients[who[starts]], tokens[starts], kind
    rows["at"], rows["last"] = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
    rows["n"], rows["load"] = np.diff(starts, append=len(order)), -1
    if kind in FRAMED:
        rows["recipe"] = token(Kind.RECIPE, recipe(batch)[places[starts]])
    if loads is None:
        return rows, None
    rows["load"] = np.arange(len(starts))
    return rows, loads.reduced(places, starts, np.cumsum(head) - 1)
