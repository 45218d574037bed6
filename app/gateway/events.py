"""A filter for streams of server-sent events: takes the reasoning out, event by event, in bounded memory."""

from __future__ import annotations

import re
from typing import Any

from app.gateway.degrade import Unsafe, read, without_reasoning, write

LIMIT = 1 << 20  # bytes of one event
END_BYTES = 4  # of the longest end
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE = re.compile(rb"\r\n|\n|\r")
_SUSPECT = re.compile(rb"reasoning|thinking|thought")
_DROPPED = re.compile(r"response\.reasoning_(?:text|summary_text|summary_part)\.(?:delta|done|added)")


class EventFilter:
    """Feed it the stream as it comes; what it gives back is whole events, byte for byte but for the reasoning."""

    def __init__(self) -> None:
        self._held = bytearray()  # the beginning of an event
        self._lost = False  # an event was too long: the rest passes as it is
        self.untouched = 0  # events that could not be read, or were too long

    def feed(self, data: bytes) -> bytes:
        """What can be passed on now."""
        if self._lost:
            return data
        passed: list[bytes] = []
        start = 0
        if self._held:
            # Only the new bytes and what an end may have begun with are searched, or a long event costs its square.
            tail = self._held[1 - END_BYTES :]
            found = _END.search(tail + data)
            if found is not None:
                start = found.end() - len(tail)
                passed.append(self._event(self.rest() + data[:start]))
        if not self._held:
            for end in _END.finditer(data, start):
                passed.append(self._event(data[start : end.end()]))
                start = end.end()
        self._held += data[start:]
        if len(self._held) > LIMIT:
            self._lost = True
            self.untouched += 1
            passed.append(self.rest())
        return b"".join(passed)

    def rest(self) -> bytes:
        """What is left at the stream's end."""
        held, self._held = self._held, bytearray()
        return bytes(held)

    def end(self) -> bytes:
        """The last event, where no empty line follows it."""
        held = self.rest()
        return held if self._lost else self._event(held)

    def _event(self, event: bytes) -> bytes:
        if _SUSPECT.search(event) is None:
            return event
        lines = _LINE.split(event)
        data = [line[5:].removeprefix(b" ") for line in lines if line[:5] == b"data:"]
        try:
            document, _ = read(b"\n".join(data))
        except Unsafe:
            self.untouched += 1
            return event
        if _is_reasoning(document):
            return b""
        try:
            if not without_reasoning(document):
                return event
            if _says_nothing(document):
                return b""
            kept = [line for line in lines if line and line[:5] != b"data:"]
            return b"\n".join([*kept, b"data: " + write(document), b"", b""])
        except Unsafe:
            self.untouched += 1
            return event


def _is_reasoning(document: Any) -> bool:
    """Whether an event is about the reasoning and nothing else."""
    if not isinstance(document, dict):
        return False
    delta = document.get("delta")
    if isinstance(delta, dict) and delta.get("type") == "thinking_delta":
        return True
    return isinstance(kind := document.get("type"), str) and _DROPPED.fullmatch(kind) is not None


def _says_nothing(document: dict[str, Any]) -> bool:
    """Whether a chunk of a chat has nothing left to say."""
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or document.get("usage"):
        return False
    return all(
        isinstance(choice, dict)
        and choice.get("finish_reason") is None
        and not choice.get("logprobs")
        and isinstance(choice.get("delta"), dict)
        and not any(choice["delta"].values())
        for choice in choices
    )
