"""The hand-off's records and their frames: a bounded copy of an exchange, and a gateway's counters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from struct import Struct

from app.store.frozen import maker

# What `Copy.outcome` counts in, in the order of detectors.exchange.Outcome; the gateway does not import detectors.
OUTCOMES = ("ok", "client_aborted", "upstream_error", "upstream_truncated", "timeout", "rejected")
OK, CLIENT_ABORTED, UPSTREAM_ERROR, UPSTREAM_TRUNCATED, TIMEOUT, REJECTED = range(6)
DIALECTS = ("auto", "openai", "anthropic", "gemini", "ollama", "opaque")  # what `Copy.dialect` counts in

COPY, COUNTERS = 1, 2  # frame kinds
PREFIX = Struct("<IB")  # bytes that follow this prefix, kind
FIXED = Struct("<IBBBHHHIBIIIIiiQQQddd")  # the prefix again, then the fixed part of a copy
LENGTHS = slice(5, 13)  # of the parts that follow the fixed one, among its fields
FIXED_LENGTH = FIXED.size - PREFIX.size
FRAME_LIMIT = 512 << 20  # a longer frame means that the peer does not speak this protocol


@dataclass(frozen=True, slots=True)
class Copy:
    """A bounded copy of one exchange, free of credentials.

    Header names are in lower case. Where a body is longer than the copy limit its head and its tail are
    kept, and `request_cut` or `response_cut` is the offset of the gap in the kept bytes; -1: it is whole.
    """

    at: float  # start of the request, seconds since the epoch
    client: int
    peer: str
    method: str
    target: bytes  # path and query as sent, the value of the query's key removed
    request_headers: tuple[tuple[bytes, bytes], ...]
    request_body: bytes
    request_bytes: int  # true length
    request_cut: int
    status: int  # as sent to the client; 0 where no answer was begun
    response_headers: tuple[tuple[bytes, bytes], ...]
    response_body: bytes
    response_bytes: int  # true length
    response_cut: int
    ttfb: float  # seconds from the request's start to the answer's head; NaN where none came
    duration: float  # seconds from the request's start to the exchange's end
    outcome: int  # index into OUTCOMES
    dialect: int = 0  # index into DIALECTS: what the route says that its model API speaks
    ja4: str = ""  # fingerprint of the client's TLS, where a trusted peer gave it


@dataclass(frozen=True, slots=True)
class Counters:
    """A gateway's own counters, as sent about once a second."""

    instance: str  # which gateway process
    values: dict[str, float]
    accounts: dict[str, str] = field(default_factory=dict)  # clients, 16 hex digits, and whose they are
    started: float = 0.0  # when it started, epoch seconds; 0: a gateway of before does not say


Record = Copy | Counters
_copy = maker(Copy)


class Subject:
    """Who asked for what: the part of a frame that stays the same over a connection's requests."""

    __slots__ = ("dialect", "lengths", "text")

    def __init__(self, peer: bytes, method: bytes, target: bytes, dialect: int = 0, ja4: bytes = b"") -> None:
        self.text = peer + method + target + ja4
        self.lengths = (len(peer), len(method), len(target), len(ja4))
        self.dialect = dialect


def pack(
    at: float,
    client: int,
    subject: Subject,
    request_headers: bytes,
    request_body: Sequence[bytes],
    request_bytes: int,
    request_cut: int,
    status: int,
    response_headers: bytes,
    response_body: Sequence[bytes],
    response_bytes: int,
    response_cut: int,
    ttfb: float,
    duration: float,
    outcome: int,
) -> tuple[int, tuple[bytes, ...]]:
    """The size and the pieces of one exchange's frame; nothing is joined, so that nothing is copied twice.

    Headers are lines `name: value` with CR LF, bodies come in pieces.
    """
    text = subject.text
    peer_length, method_length, target_length, ja4_length = subject.lengths
    request_kept = request_bytes if request_cut < 0 else sum(map(len, request_body))
    response_kept = response_bytes if response_cut < 0 else sum(map(len, response_body))
    variable = len(text) + len(request_headers) + request_kept + len(response_headers) + response_kept
    fixed = FIXED.pack(
        FIXED_LENGTH + variable,
        COPY,
        outcome,
        subject.dialect,
        status,
        peer_length,
        method_length,
        target_length,
        ja4_length,
        len(request_headers),
        request_kept,
        len(response_headers),
        response_kept,
        request_cut,
        response_cut,
        client,
        request_bytes,
        response_bytes,
        at,
        ttfb,
        duration,
    )
    parts = (fixed, text, request_headers, *request_body, response_headers, *response_body)
    return FIXED.size + variable, parts


Whole = tuple[
    float, int, Subject, tuple[bytes, bytes], bytes, bytes, int, bytes, bytes, float, float, int
]  # what `pack_whole` takes, in its order


def pack_whole(facts: Whole) -> tuple[bytes, ...]:
    """The pieces of the frame of an exchange whose bodies were copied whole.

    The request's headers come as what stands before and after the value of Content-Length, and that value.
    """
    at, client, subject, (before, after), length, request, status, head, response, ttfb, duration, outcome = facts
    lines = before + length + after
    asked, told = len(request), len(response)
    variable = len(subject.text) + len(lines) + asked + len(head) + told
    fixed = FIXED.pack(
        FIXED_LENGTH + variable,
        COPY,
        outcome,
        subject.dialect,
        status,
        *subject.lengths,
        len(lines),
        asked,
        len(head),
        told,
        -1,
        -1,
        client,
        asked,
        told,
        at,
        ttfb,
        duration,
    )
    return fixed, subject.text, lines, request, head, response


def _subject(copy: Copy) -> Subject:
    peer, method, ja4 = (text.encode("latin-1", "replace") for text in (copy.peer, copy.method, copy.ja4))
    return Subject(peer, method, copy.target, copy.dialect, ja4)


def _block(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def encode(record: Record) -> bytes:
    """The frame of a record, for whoever has one as an object; the gateway calls `pack`."""
    if isinstance(record, Counters):
        more = {"accounts": record.accounts, "started": record.started}  # what readers of before pass over
        told = {"instance": record.instance, "values": record.values} | {name: one for name, one in more.items() if one}
        text = json.dumps(told).encode()
        return PREFIX.pack(len(text), COUNTERS) + text
    _, parts = pack(
        record.at,
        record.client,
        _subject(record),
        _block(record.request_headers),
        (record.request_body,),
        record.request_bytes,
        record.request_cut,
        record.status,
        _block(record.response_headers),
        (record.response_body,),
        record.response_bytes,
        record.response_cut,
        record.ttfb,
        record.duration,
        record.outcome,
    )
    return b"".join(parts)


def _headers(block: bytes) -> tuple[tuple[bytes, bytes], ...]:
    pairs = (line.partition(b": ") for line in block.split(b"\r\n") if line)
    return tuple((name.lower(), value) for name, _, value in pairs)


def _decode_copy(data: bytes, start: int) -> Copy:
    fields = FIXED.unpack_from(data, start)
    outcome, dialect, status = fields[2:5]
    parts: list[bytes] = []
    place = start + FIXED.size
    for length in fields[LENGTHS]:
        parts.append(data[place : place + length])
        place += length
    cut, cut2, client, request_bytes, response_bytes, at, ttfb, duration = fields[LENGTHS.stop :]
    return _copy(
        at=at,
        client=client,
        peer=parts[0].decode("latin-1"),
        method=parts[1].decode("latin-1"),
        target=parts[2],
        request_headers=_headers(parts[4]),
        request_body=parts[5],
        request_bytes=request_bytes,
        request_cut=cut,
        status=status,
        response_headers=_headers(parts[6]),
        response_body=parts[7],
        response_bytes=response_bytes,
        response_cut=cut2,
        ttfb=ttfb,
        duration=duration,
        outcome=outcome,
        dialect=dialect,
        ja4=parts[3].decode("latin-1"),
    )


class Decoder:
    """Frames out of a byte stream that may be cut anywhere; raises ValueError on what is no frame."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._need = PREFIX.size

    def feed(self, data: bytes) -> list[Record]:
        """The records that `data` completes."""
        self._parts.append(data)
        self._held += len(data)
        if self._held < self._need:
            return []
        whole = b"".join(self._parts) if len(self._parts) > 1 else data
        records: list[Record] = []
        place = 0
        for start, end in self._frames(whole):
            records.append(self._record(whole, start, end))
            place = end
        rest = whole[place:]
        self._parts, self._held = [rest], len(rest)
        return records

    def _frames(self, data: bytes) -> Iterator[tuple[int, int]]:
        place, size = 0, len(data)
        self._need = PREFIX.size
        while size - place >= PREFIX.size:
            length, kind = PREFIX.unpack_from(data, place)
            if length > FRAME_LIMIT or kind not in (COPY, COUNTERS):
                raise ValueError(f"no hand-off frame: kind {kind}, {length} bytes")
            end = place + PREFIX.size + length
            if end > size:
                self._need = end - place
                return
            yield place, end
            place = end

    @staticmethod
    def _record(data: bytes, start: int, end: int) -> Record:
        if data[start + PREFIX.size - 1] == COUNTERS:
            try:
                loaded = json.loads(data[start + PREFIX.size : end])
                accounts, started = dict(loaded.get("accounts", {})), float(loaded.get("started", 0.0))
                return Counters(str(loaded["instance"]), dict(loaded["values"]), accounts, started)
            except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
                raise ValueError(f"a hand-off frame holds no counters: {error!r}") from None
        lengths = FIXED.unpack_from(data, start)[LENGTHS] if end - start >= FIXED.size else ()
        if FIXED.size + sum(lengths) != end - start:
            raise ValueError("a hand-off frame's lengths do not add up")
        return _decode_copy(data, start)
