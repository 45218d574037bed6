"""A copied body as plain bytes: content encodings undone within bounds, the gap of a cut copy kept in sight."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any, Final, NamedTuple

import orjson

Headers = tuple[tuple[bytes, bytes], ...]

DECODED_LIMIT: Final = 8 << 20  # bytes that a compressed body may grow to
DECODED_LEAST: Final = 64 << 10  # and whatever its length
RATIO: Final = 100  # times its length, as a long template by the thousand grows; more costs its sender nothing
MARKS_LIMIT: Final = 1_000_000  # what may hold a value in a long body that is read whole: each takes up to 120 bytes
_DENSE: Final = 1 << 20  # bytes that are kept of a body with more
_STEP: Final = 64 << 10
_PIECE: Final = 256 << 10  # plain bytes at once
_MEMBERS: Final = 1_000  # gzip members read of one body
_PLAIN: Final = frozenset({b"", b"identity"})
_GZIP: Final = frozenset({b"gzip", b"x-gzip"})
# How JSON, forms and events begin, in UTF-8, 16 or 32; and what none of them holds, but nearly all that is compressed.
_BEGINNING = re.compile(rb"(?:[\0 \t\r\n]|\xef\xbb\xbf|\xff\xfe|\xfe\xff)*+(?:[\[{]|--|[\w%+.\-]{0,64}[:=])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SAMPLE: Final = 4096  # bytes in which that is looked for


class Body(NamedTuple):
    """Plain bytes before and after the gap; `cut` where there is a gap or an end is missing."""

    head: bytes
    tail: bytes
    cut: bool
    problem: str = ""  # empty, or why the bytes could not be decoded: encoding, corrupt
    grown: float = 1.0  # plain bytes of each byte as sent, those counted that were not kept


def header(headers: Headers, name: bytes) -> bytes:
    """The first value of a header, its name given in lower case; empty where it is missing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


class _Inflated(NamedTuple):
    """Plain bytes as far as they are kept, whether that is all, whether the data were sound as far as they go."""

    data: bytes
    whole: bool
    sound: bool
    grown: float


def _inflate(data: bytes, wbits: int, ratio: int) -> _Inflated:
    """Undo zlib; what is beyond `ratio` times the length is counted and let go, up to DECODED_LIMIT."""
    parts: list[bytes] = []
    room = min(max(ratio * len(data), DECODED_LEAST), DECODED_LIMIT)
    size = place = 0
    sound, ended = True, False
    for _ in range(_MEMBERS):
        stream = zlib.decompressobj(wbits)
        while not stream.eof and size < DECODED_LIMIT:
            step = data[place : place + _STEP]
            try:
                part = stream.decompress(step, min(_PIECE, DECODED_LIMIT - size))
            except zlib.error:
                sound = False
                break
            if not step and not part:
                break
            place += len(step) - len(stream.unused_data if stream.eof else stream.unconsumed_tail)
            if size < room:
                parts.append(part[: room - size])
            size += len(part)
        ended = stream.eof and size <= room
        if not stream.eof or data[place : place + 2] != b"\x1f\x8b":
            break
        ended = False
    return _Inflated(b"".join(parts), ended, sound, size / max(place, 1))


def _sparse(data: bytes) -> bytes:
    """`data`, or its beginning where it would become millions of values; signs within texts count too."""
    if len(data) <= _DENSE:
        return data
    marks = data.count(b"[") + data.count(b"{") + data.count(b'"') // 2 + data.count(b"\n")
    return data if marks <= MARKS_LIMIT else data[:_DENSE]


def _is_text(kept: bytes) -> bool:
    """Whether a body is plain, whatever its header says: most servers look at no encoding of a request.

    Asked before anything is undone: some plain texts are valid bare deflate, of another text.
    """
    if not _BEGINNING.match(kept):
        return not kept
    sample = kept[:_SAMPLE]
    return not _CONTROL.search(sample.decode(json.detect_encoding(sample), "replace"))


def plain(kept: bytes, cut: int, encoding: bytes, ratio: int = RATIO) -> Body:
    """The plain bytes of a copied body; `cut` is the offset of the gap in the kept bytes, -1 for none."""
    head, tail = (kept, b"") if cut < 0 else (kept[:cut], kept[cut:])
    if not encoding:
        return Body(head, tail, cut >= 0)
    applied = [name for part in encoding.lower().split(b",") if (name := part.strip()) not in _PLAIN]
    if not applied or _is_text(kept):
        return Body(head, tail, cut >= 0)
    if len(applied) > 1 or applied[0] not in _GZIP | {b"deflate"}:
        return Body(b"", b"", True, "encoding")
    if applied[0] in _GZIP:
        found = _inflate(head, 31, ratio)
    else:  # the standard means zlib's format, some servers send the bare one
        found = _inflate(head, 15, ratio)
        if not found.data and not found.sound:
            found = _inflate(head, -15, ratio)
    data = _sparse(found.data)
    is_whole = cut < 0 and found.whole and len(data) == len(found.data)
    return Body(data, b"", not is_whole, "" if found.sound else "corrupt", found.grown)


def document(data: bytes) -> Any:
    """The JSON value in `data`; raises ValueError where there is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass  # stricter than most servers: NaN, lone surrogates
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
