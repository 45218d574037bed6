"""A copied body as plain bytes: content encodings undone within bounds, the gap of a cut copy kept in sight."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any, Final, NamedTuple

import orjson

Headers = tuple[tuple[bytes, bytes], ...]

DECODED_LIMIT: Final = 8 << 20  # bytes that a compressed body may grow to
_STEP: Final = 64 << 10
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


def header(headers: Headers, name: bytes) -> bytes:
    """The first value of a header, its name given in lower case; empty where it is missing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def _inflate(data: bytes, wbits: int) -> tuple[bytes, bool, bool]:
    """Plain bytes, whether the end was reached, whether the data were sound up to where they end."""
    parts: list[bytes] = []
    size = place = 0
    for _ in range(_MEMBERS):
        stream = zlib.decompressobj(wbits)
        while place < len(data) and not stream.eof:
            step = data[place : place + _STEP]
            try:
                part = stream.decompress(step, DECODED_LIMIT - size)
            except zlib.error:
                return b"".join(parts), False, False
            parts.append(part)
            size += len(part)
            if size >= DECODED_LIMIT:
                return b"".join(parts), False, True
            place += len(step) - len(stream.unused_data)
        if not stream.eof or data[place : place + 2] != b"\x1f\x8b":
            return b"".join(parts), stream.eof, True
    return b"".join(parts), False, True


def _is_text(kept: bytes) -> bool:
    """Whether a body is plain, whatever its header says: most servers look at no encoding of a request.

    Asked before anything is undone: some plain texts are valid bare deflate, of another text.
    """
    if not _BEGINNING.match(kept):
        return not kept
    sample = kept[:_SAMPLE]
    return not _CONTROL.search(sample.decode(json.detect_encoding(sample), "replace"))


def plain(kept: bytes, cut: int, encoding: bytes) -> Body:
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
        data, ended, sound = _inflate(head, 31)
    else:  # the standard means zlib's format, some servers send the bare one
        data, ended, sound = _inflate(head, 15)
        if not data and not sound:
            data, ended, sound = _inflate(head, -15)
    return Body(data, b"", cut >= 0 or not ended, "" if sound else "corrupt")


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
