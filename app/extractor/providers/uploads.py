"""An uploaded batch file: how many requests its lines hold, and those that are kept of them."""

from __future__ import annotations

from typing import Any, Final

from app.dialects import requests
from app.dialects.batches import named
from app.dialects.values import Fields, bounded, mapping
from app.extractor.providers.body import document
from app.extractor.providers.multipart import Part, parts
from detectors.exchange import Dialect

_PURPOSE_LIMIT: Final = 64  # bytes


def read(head: bytes, tail: bytes, content_type: bytes, cut: bool, missing: int) -> Fields | None:
    """The upload as a request of many prompts; None where the form is no batch file.

    `missing` bytes lie in the gap: the lines that they hold are worked out from the length of the others.
    """
    form = parts(head, tail, content_type, cut)
    file = next((part for part in form if part.file or part.name == "file"), None)
    if file is None:
        return None
    purpose = next((part.head[:_PURPOSE_LIMIT].strip() for part in form if part.name == "purpose"), b"")
    lines, torn = _lines(file)
    read_lines = [value for line in bounded(lines) if (value := _value(line)) is not None]
    if purpose != b"batch" and (purpose or not any("url" in mapping(value) for value in read_lines[:1])):
        return None
    count = len(lines) + _between(lines, torn, missing)
    fields = requests.read_lines(read_lines) or {**named(Dialect.OPENAI), "messages": ()}
    several = max(fields["prompts"] - len(read_lines), 0)  # lines that hold more than one prompt
    return {**fields, "prompts": count + several}


def _lines(file: Part) -> tuple[list[bytes], int]:
    """The lines that are whole and not blank, and the bytes of those that the gap tore."""
    if not file.cut:
        return [line for line in file.head.split(b"\n") if line.strip()], 0
    *whole, begun = file.head.split(b"\n")
    ended, *others = file.tail.split(b"\n")
    return [line for line in (*whole, *others) if line.strip()], len(begun) + len(ended)


def _between(lines: list[bytes], torn: int, missing: int) -> int:
    """About how many lines the gap holds, from the length of those that are whole; at least the one it tore."""
    if not missing and not torn:
        return 0
    length = sum(map(len, lines)) + len(lines)
    return max(round((missing + torn) * len(lines) / length), 1) if lines else 1


def _value(line: bytes) -> Any:
    try:
        return document(line)
    except ValueError:
        return None
