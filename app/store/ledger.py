"""The ledger: to whom reasoning signatures were issued, what was refused a moment ago, who received which answer.

Hashes only. Everything in it expires, and its size is bounded: the oldest goes first. It is a convenience: who
cannot reach it goes on without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.store.redis import Argument, Link, pack

DAY = 86_400.0
GENERATIONS = 2  # of issued signatures: half of the ledger's days each
SLICES = 64  # of answers: so many parts of the ledger's days
SIGNATURE_SHARE = 0.25  # of the ledger's bytes
SIGNATURE_BYTES = 96  # of one signature in the server's memory: 70 measured, more while its table grows
REFUSED_SECONDS = 600  # for which refusals are kept: batches may come late
MOST_REFUSED = 4_096  # of one minute
MOST_MINUTES = 8  # of refusals that one batch is compared with, the latest
KEPT_PLACES = 16  # conversations remembered of one signature, the earliest
TAG = b"{ledger}:"
SIZES = TAG + b"sizes"  # bytes of each part of the answers
Appended = tuple[str, bytes, bytes, int]  # command, key, data, milliseconds until it expires

ISSUED = np.dtype([("client", "<u8"), ("opening", "<u8"), ("context", "<u8"), ("at", "<f8")])
REFUSED = np.dtype([("body", "<u8"), ("client", "<u8"), ("end", "<f8")])
ANSWER = np.dtype([("gist", "<u4", (8,)), ("client", "<u8"), ("at", "<u4"), ("answer", "<u4")])


@dataclass(frozen=True, slots=True)
class Notes:
    """What one batch writes and asks: all arrays may be empty."""

    issued: NDArray[np.uint64]  # signatures, each once
    issues: NDArray[np.void]  # ISSUED, beside them
    presented: NDArray[np.uint64]  # signatures, each once
    refused: NDArray[np.void]  # REFUSED
    minutes: Sequence[int]  # of refusals that are asked for, since the epoch
    answers: NDArray[np.void]  # ANSWER


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger knows of them."""

    again: NDArray[np.bool_]  # issued signatures that were there already
    known: NDArray[np.bool_]  # presented signatures that were issued here
    issuers: NDArray[np.void]  # ISSUED, beside `presented`; zeros where unknown
    refused: NDArray[np.void]  # REFUSED, of the minutes asked for


@dataclass(frozen=True, slots=True)
class Place:
    """A signature in a conversation that is not its own."""

    signature: int
    client: int
    opening: int
    at: float


class Ledger:
    """Writes and reads the ledger over a connection of its own; `size` in bytes, `days` until everything expires."""

    def __init__(self, link: Link, size: int, days: float) -> None:
        self._link = link
        self._size = size
        self._days = days
        self._expiry = max(1, round(days * DAY * 1_000))
        self._full: set[bytes] = set()  # keys that take no more until the next `keep`

    def exchange(self, notes: Notes, now: float) -> Seen:
        """Write and ask in one round trip; raises Unavailable. What was written twice counts once."""
        key = issued_key(now, self._days)
        written = 0 if key in self._full else len(notes.issued)
        buffers: list[bytes | memoryview] = []
        if written:
            buffers += [_setnx(key, notes.issued, notes.issues), pack("PEXPIRE", key, self._expiry)]
        generations = issued_keys(now, self._days) if len(notes.presented) else []
        buffers += [_many("HMGET", generation, notes.presented) for generation in generations]
        appended = [*_by_minute(notes.refused, self._full), *self._answers(notes.answers, now)]
        for command, name, data, expiry in appended:
            buffers += [pack(command, name, data), pack("PEXPIRE", name, expiry)]
        pushed = [(name, len(data)) for command, name, data, _ in appended if command == "RPUSH"]
        buffers += [pack("HINCRBY", SIZES, name, size) for name, size in pushed]
        minutes = list(notes.minutes)[-MOST_MINUTES:]
        buffers += [pack("GET", refused_key(minute)) for minute in minutes]
        if not buffers:
            return _nothing(notes)
        self._link.send(*buffers)
        asked = written + bool(written) + len(generations) + 2 * len(appended) + len(pushed) + len(minutes)
        replies = iter(self._link.read(asked))
        again = np.zeros(len(notes.issued), np.bool_)
        again[:written] = [next(replies) == 0 for _ in range(written)]
        if written:
            next(replies)
        found = [next(replies) for _ in generations]
        for command, name, _, _ in appended:
            length = int(next(replies))
            if command == "APPEND" and length >= MOST_REFUSED * REFUSED.itemsize:
                self._full.add(name)
            next(replies)
        for name, _ in pushed:
            if int(next(replies)) >= self._most_answers:
                self._full.add(name)
        refused = _records([next(replies) for _ in minutes], REFUSED)
        return Seen(again, *_issuers(found, len(notes.presented)), refused)

    def again(
        self, signatures: NDArray[np.uint64], clients: NDArray[np.uint64], now: float
    ) -> list[tuple[Argument, ...]]:
        """The commands that note further clients of signatures that were issued before."""
        key = issued_key(now, self._days)
        return [
            ("HSET", key, _name(signature, client), b"1")
            for signature, client in zip(signatures.tolist(), clients.tolist(), strict=True)
        ]

    def places(
        self,
        places: Sequence[Place],
        holders: Sequence[tuple[int, int]],
        first: Sequence[tuple[Argument, ...]],
        now: float,
    ) -> tuple[list[int], list[bool]]:
        """In one round trip: the `first` commands; in how many conversations each place's signature stood by then, its
        own included; and which holders (signature, client) were issued it as well. Raises Unavailable.
        """
        commands = list(first)
        for place in places:
            key = TAG + b"shown:" + place.signature.to_bytes(8, "little")
            member = place.opening.to_bytes(8, "little")
            commands += [
                ("ZADD", key, "LT", repr(place.at), member),
                ("ZREMRANGEBYRANK", key, KEPT_PLACES, -1),
                ("PEXPIRE", key, self._expiry),
            ]
        begin = len(commands)
        for place in places:
            key = TAG + b"shown:" + place.signature.to_bytes(8, "little")
            commands.append(("ZCOUNT", key, "-inf", repr(place.at)))
        generations = issued_keys(now, self._days)
        names = [_name(signature, client) for signature, client in holders]
        commands += [("HMGET", key, *names) for key in generations] if names else []
        replies = self._link.pipeline(commands)[begin:]
        counts = [int(count) for count in replies[: len(places)]]
        held = [any(reply[k] is not None for reply in replies[len(places) :]) for k in range(len(names))]
        return counts, held

    def keep(self, now: float) -> int:
        """Keep the ledger within its size, the oldest goes first; bytes in use. Raises Unavailable."""
        generations, slices = issued_keys(now, self._days), answer_keys(now, self._days)
        commands: list[tuple[Argument, ...]] = [("HGETALL", SIZES), *(("HLEN", key) for key in generations)]
        told, *lengths = self._link.pipeline(commands)
        known = {bytes(name): int(size) for name, size in zip(told[::2], told[1::2], strict=True)}
        gone = known.keys() - set(slices)
        if gone:
            self._link.pipeline([("HDEL", SIZES, *gone)])
        self._full.clear()
        signatures = [int(length) * SIGNATURE_BYTES for length in lengths]
        answers = [known.get(key, 0) for key in slices]
        used = self._keep(generations, signatures, self._size - self._most_answers)
        return used + self._keep(slices, answers, self._most_answers)

    def _keep(self, keys: Sequence[bytes], sizes: Sequence[int], most: int) -> int:
        """Delete the oldest of `keys`, newest first, beyond `most` bytes; the newest alone stops growing instead."""
        used, kept = 0, len(keys)
        for place, size in enumerate(sizes):
            if place and used + size > most:
                kept = place
                break
            used += size
        doomed = [key for key, size in zip(keys[kept:], sizes[kept:], strict=True) if size]
        if doomed:
            self._link.pipeline([("UNLINK", *doomed), ("HDEL", SIZES, *doomed)])
        if used >= most:
            self._full.add(keys[0])
        return used

    @property
    def _most_answers(self) -> int:
        return int((1.0 - SIGNATURE_SHARE) * self._size)

    def _answers(self, answers: NDArray[np.void], now: float) -> list[Appended]:
        key = answer_key(now, self._days)
        return [("RPUSH", key, answers.tobytes(), self._expiry)] if len(answers) and key not in self._full else []


def issued_key(now: float, days: float) -> bytes:
    """The name of the hash that holds the signatures issued at a time."""
    return issued_keys(now, days)[0]


def issued_keys(now: float, days: float) -> list[bytes]:
    """Those that may hold what has not expired, the newest first."""
    part = int(now * GENERATIONS // (days * DAY))
    return [TAG + b"issued:%d" % (part - back) for back in range(GENERATIONS + 1)]


def refused_key(minute: int) -> bytes:
    """The name of the list of what was refused in a minute."""
    return TAG + b"refused:%d" % minute


def answer_key(now: float, days: float) -> bytes:
    """The name of the list of answers given at a time."""
    return answer_keys(now, days)[0]


def answer_keys(now: float, days: float) -> list[bytes]:
    """Those that may hold what has not expired, the newest first."""
    part = int(now * SLICES // (days * DAY))
    return [TAG + b"answers:%d" % (part - back) for back in range(SLICES + 1)]


def _nothing(notes: Notes) -> Seen:
    count = len(notes.presented)
    return Seen(
        np.zeros(len(notes.issued), np.bool_), np.zeros(count, np.bool_), np.zeros(count, ISSUED), np.zeros(0, REFUSED)
    )


def _name(signature: int, client: int) -> bytes:
    return signature.to_bytes(8, "little") + client.to_bytes(8, "little")


def _setnx(key: bytes, names: NDArray[np.uint64], values: NDArray[np.void]) -> memoryview:
    """One HSETNX for each name, as fixed-width records: no Python object for a signature."""
    before = b"*4\r\n$6\r\nHSETNX\r\n$%d\r\n%b\r\n$8\r\n" % (len(key), key)
    between = b"\r\n$%d\r\n" % ISSUED.itemsize
    frame = [("before", f"V{len(before)}"), ("name", "<u8"), ("between", f"V{len(between)}")]
    records = np.empty(len(names), [*frame, ("value", f"V{ISSUED.itemsize}"), ("after", "V2")])
    records["before"], records["between"], records["after"] = np.void(before), np.void(between), np.void(b"\r\n")
    records["name"] = names
    records["value"] = np.ascontiguousarray(values).view(f"V{ISSUED.itemsize}")
    return memoryview(records.view(np.uint8).data)


def _many(command: str, key: bytes, names: NDArray[np.uint64]) -> bytes:
    """One command about many names of 8 bytes."""
    records = np.empty(len(names), [("before", "V4"), ("name", "<u8"), ("after", "V2")])
    records["before"], records["after"] = np.void(b"$8\r\n"), np.void(b"\r\n")
    records["name"] = names
    head = b"*%d\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(names) + 2, len(command), command.encode(), len(key), key)
    return head + records.tobytes()


def _by_minute(refused: NDArray[np.void], full: set[bytes]) -> list[Appended]:
    """What is appended to which minute's list."""
    minute = (refused["end"] // 60.0).astype(np.int64)
    found = []
    for one in np.unique(minute).tolist()[-MOST_MINUTES:]:
        name = refused_key(one)
        if name not in full:
            data = refused[minute == one][:MOST_REFUSED].tobytes()
            found.append(("APPEND", name, data, REFUSED_SECONDS * 1_000))
    return found


def _records(texts: Sequence[bytes | None], kind: np.dtype[np.void]) -> NDArray[np.void]:
    """Records of stored texts; what is no whole record is left out."""
    whole = b"".join(text[: len(text) // kind.itemsize * kind.itemsize] for text in texts if text)
    return np.frombuffer(whole, kind)


def _issuers(found: Sequence[list[bytes | None]], count: int) -> tuple[NDArray[np.bool_], NDArray[np.void]]:
    """Which signatures a generation holds, and their oldest records."""
    issuers = np.zeros(count, ISSUED)
    known = np.zeros(count, np.bool_)
    for reply in found:  # the newest generation first, so that the oldest has the last word
        for place, value in enumerate(reply):
            if value is not None and len(value) == ISSUED.itemsize:
                issuers[place] = np.frombuffer(value, ISSUED)[0]
                known[place] = True
    return known, issuers


@dataclass(frozen=True, slots=True)
class Match:
    """A client that received some of a text."""

    client: int
    share: float  # of the shingles kept of its closest answer, those that the text has
    answers: int  # answers of which it has at least half
    first: float  # seconds since the epoch
    last: float


class Search:
    """Finds answers whose shingles a text has, slice by slice; feed it with what the slices hold.

    Shingles that very many answers have are turns of phrase or templates: they are left out on both sides.
    """

    LEAST_FOUND = 2  # shingles: one alone may be a turn of phrase
    LEAST_SHARE = 0.25
    COMMON = 20  # answers with a shingle, and one in a thousand of all, from which it is common
    _BITS = 22
    _HELD = 200_000  # candidates; beyond it those with common shingles alone are let go

    def __init__(self, hashes: NDArray[np.uint32]) -> None:
        self._wanted = np.unique(hashes[hashes != 0])
        self._cells = np.zeros(1 << self._BITS, np.bool_)
        self._cells[self._wanted >> np.uint32(32 - self._BITS)] = True
        self._counts = np.zeros(len(self._wanted), np.int64)  # answers with each
        self._answers = 0
        self._found: list[NDArray[np.void]] = []

    def feed(self, text: bytes) -> None:
        """Look through answers as they are stored, a whole number of records."""
        answers = np.frombuffer(text[: len(text) // ANSWER.itemsize * ANSWER.itemsize], ANSWER)
        self._answers += len(answers)
        gist = np.ascontiguousarray(answers["gist"])
        near = np.flatnonzero(self._cells[gist >> np.uint32(32 - self._BITS)].any(axis=1))
        if not len(near) or not len(self._wanted):
            return
        place, hit = self._hits(gist[near])
        self._counts += np.bincount(place[hit], minlength=len(self._wanted))
        enough = hit.sum(axis=1) >= self.LEAST_FOUND
        self._found.append(answers[near[enough]].copy())
        if sum(map(len, self._found)) > self._HELD:
            self._found = [self._rare()[0]]

    def matches(self) -> list[Match]:
        """The clients found, the closest first; an answer that was written twice counts once."""
        found, share = self._rare()
        _, once = np.unique(found[["client", "answer", "at"]], return_index=True)
        found, share = found[once], share[once]
        out = []
        for client in np.unique(found["client"]).tolist():
            mine = found["client"] == client
            at = found["at"][mine]
            half = int((share[mine] >= 0.5).sum())
            out.append(Match(client, float(share[mine].max()), half, float(at.min()), float(at.max())))
        return sorted(out, key=lambda match: (-match.share, -match.answers, match.client))

    def _hits(self, gist: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where each kept shingle stands among the wanted, and whether it is one of them."""
        place = np.minimum(np.searchsorted(self._wanted, gist), len(self._wanted) - 1)
        return place, (self._wanted[place] == gist) & (gist != 0)

    def _rare(self) -> tuple[NDArray[np.void], NDArray[np.float64]]:
        """The candidates that share what is not common, and which part of it."""
        found = np.concatenate([np.zeros(0, ANSWER), *self._found])
        if not len(found):
            return found, np.zeros(0)
        gist = np.ascontiguousarray(found["gist"])
        place, hit = self._hits(gist)
        common = hit & (self._counts > max(self.COMMON, self._answers // 1_000))[place]
        rare = (hit & ~common).sum(axis=1)
        share = rare / np.maximum((gist != 0).sum(axis=1) - common.sum(axis=1), 1)
        told = (rare >= self.LEAST_FOUND) & (share >= self.LEAST_SHARE)
        return found[told], share[told]


PIECES = 4  # batches read at once: a mebibyte each at most


def lookup(call: Callable[..., list[bytes]], hashes: NDArray[np.uint32], now: float, days: float) -> list[Match]:
    """Which clients received the text with these shingles; `call` runs LRANGE. Raises what it raises."""
    search = Search(hashes)
    for key in answer_keys(now, days):
        start = 0
        while pieces := call("LRANGE", key, start, start + PIECES - 1):
            search.feed(b"".join(pieces))
            start += PIECES
    return search.matches()
