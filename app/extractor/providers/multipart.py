"""A form with files out of a copy that may have a gap: its fields, and what is kept of each file."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BOUNDARY = re.compile(rb'boundary="?([^";\s]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="([^"\r\n]{0,200})"', re.IGNORECASE)
_FILE = re.compile(rb'[;\s]filename="([^"\r\n]{0,1000})"', re.IGNORECASE)


@dataclass(slots=True)
class Part:
    """One field of a form; `tail` is what follows the gap where the gap lies in this field."""

    name: str
    file: str
    head: bytes
    tail: bytes = b""
    cut: bool = False


def parts(head: bytes, tail: bytes, content_type: bytes, cut: bool) -> list[Part]:
    """The form's fields in their order; none where the content type names no boundary."""
    named = _BOUNDARY.search(content_type)
    if not named:
        return []
    delimiter = b"\r\n--" + named[1]
    found = _parts((b"\r\n" + head).split(delimiter)[1:])
    if not cut:
        return found
    rest, *others = tail.split(delimiter)
    if found:
        found[-1].tail, found[-1].cut = rest, True
    return found + _parts(others)


def _parts(pieces: list[bytes]) -> list[Part]:
    found = []
    for piece in pieces:
        if piece.startswith(b"--"):
            break
        lines, blank, content = piece.partition(b"\r\n\r\n")
        name, file = _NAME.search(lines), _FILE.search(lines)
        if blank and name:
            found.append(Part(_text(name[1]), _text(file[1]) if file else "", content))
    return found


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
