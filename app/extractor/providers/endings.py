"""The end of a JSON object whose middle is missing: the fields behind the gap, and the messages of a torn list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from app.dialects.paths import Route
from app.dialects.values import mapping, name, sequence
from app.extractor.providers.body import document
from app.extractor.providers.salvage import CLOSING, MARK
from detectors.exchange import Dialect, Operation

_TORN = ""  # names the list, and in its first message the list of parts, whose own name lies before the gap
# What the text ends, from the outermost: the request, its messages, one of them, its parts; and what begins each.
_SHAPE: Final = b"}]}]"
_BEGINNINGS: Final = (b"{", b'{"":[', b'{"":[{', b'{"":[{"":[')
_MESSAGE: Final = 3  # containers around what stands in a message
_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)  # the rest of a text
# How kinds of items of the Responses API end that have no role; no kind of a tool does.
_ITEMS: Final = ("_call", "_output", "_request", "_response", "_tools", "reasoning", "item_reference", "compaction")
_HOLDING: Final = ("content", "parts", "tool_calls")  # fields of a message without one of which it says nothing


class _Level(NamedTuple):
    """A container that the text closes and does not open."""

    closer: int  # its last byte
    place: int  # where that stands
    comma: int  # the first comma between its own items, -1 where there is none behind the gap


def _begins(data: bytes) -> Iterator[int]:
    """Where the marks of JSON may begin: behind the text that the gap tore, its first sign escaped or not, or at once.

    Only one of them ends outside of a text.
    """
    ends = {mark.end() for first in (0, 1) if (mark := _INSIDE.match(data, first))}
    yield from sorted(ends)
    yield 0


def _levels(data: bytes, begin: int) -> list[_Level]:
    """The containers that `data` closes and does not open, the innermost first; empty where it ends no object."""
    found: list[_Level] = []
    depth, comma, before = 0, -1, begin
    for mark in MARK.finditer(data, begin):
        start, after = mark.span()
        if comma < 0 and not depth:
            comma = data.find(b",", before, start)
        before = after
        byte = data[start]
        if byte == 34:
            if not mark[1]:
                return []
        elif byte in CLOSING:
            depth += 1
        elif depth:
            depth -= 1
        else:
            found.append(_Level(byte, start, comma))
            comma = -1
    return found if found and not depth and not data[before:].strip() else []


def _ended(data: bytes) -> tuple[dict[str, Any], bool, bool]:
    """The object that `data` ends, from where something whole begins; raises ValueError where it ends none.

    A list that is not whole is named _TORN. Then whether the gap tore an item of it, and whether what is left of that
    stands first in it.
    """
    for begin in _begins(data):
        levels = _levels(data, begin)[: -len(_SHAPE) - 1 : -1]
        known = 0
        while known < len(levels) and levels[known].closer == _SHAPE[known]:
            known += 1
        if not known:
            continue
        depth = next((depth for depth in range(known, 0, -1) if levels[depth - 1].comma >= 0), 1)
        level = levels[depth - 1]
        try:
            found = document(_BEGINNINGS[depth - 1] + data[level.comma + 1 if level.comma >= 0 else level.place :])
        except ValueError:
            continue
        return found, known >= _MESSAGE, depth >= _MESSAGE
    raise ValueError("no object ends here")


def _is_message(item: object, place: str) -> bool:
    """Whether an item stands in the list of messages: other lists of a request hold other things."""
    fields = mapping(item)
    if place == "contents":
        return "parts" in fields
    return "role" in fields or (place == "input" and name(fields.get("type")).endswith(_ITEMS))


def _other(role: object, place: str) -> str:
    """Who speaks before or after a role."""
    if role in ("assistant", "model"):
        return "user"
    return "model" if place == "contents" else "assistant"


def _left(torn: dict[str, Any], following: list[Any], place: str) -> list[dict[str, Any]]:
    """What is left of a message that the gap tore, where it says something: its role may lie before the gap."""
    parts = torn.pop(_TORN, None)
    if isinstance(parts, list) and any("text" in mapping(part) or "tool_use_id" in mapping(part) for part in parts):
        torn["parts" if place == "contents" else "content"] = parts
    if not any(torn.get(key) for key in _HOLDING):
        return []
    after = mapping(following[0]).get("role") if following else "assistant"
    role = "tool" if "tool_call_id" in torn else "assistant" if "tool_calls" in torn else _other(after, place)
    return [{"role": role, **torn}]


def _part(torn: object) -> list[object]:
    """The last part before the gap; none where it says no more than its kind, which may be cut itself."""
    fields = mapping(torn)
    if "tool_use_id" in fields:
        return [{**fields, "type": "tool_result"}]
    says = isinstance(torn, str) or any(value for key, value in fields.items() if key != "type")
    return [torn] if says else []


def _begun(messages: list[Any], place: str) -> list[Any]:
    """The messages before the gap; what the last lacks behind it is made good, or it is left out if it says nothing."""
    *whole, last = messages or [None]
    if not isinstance(last, dict):
        return messages
    last = dict(last)
    for key in ("content", "parts"):
        if isinstance(last.get(key), list) and last[key]:
            last[key] = [*last[key][:-1], *_part(last[key][-1])]
    if place == "input" and name(last.get("type")).endswith(_ITEMS):
        return messages
    if not any(last.get(key) for key in _HOLDING):
        return whole
    if "role" not in last and whole:
        before = mapping(whole[-1])
        last["role"] = "tool" if before.get("tool_calls") else _other(before.get("role"), place)
    return [*whole, last]


def place_of(route: Route) -> str:
    """The field that holds a request's messages."""
    if route.dialect == Dialect.GEMINI:
        return "contents"
    return "input" if route.operation == Operation.RESPONSE else "messages"


def continued(begun: dict[str, Any], tail: bytes, place: str) -> dict[str, Any]:
    """The object that `begun` begins and `tail` ends: what `begun` has is kept, messages behind the gap are added.

    Raises ValueError where `tail` is not the end of an object.
    """
    rest, tore, left = _ended(tail)
    items = sequence(rest.pop(_TORN, None))
    known = {**rest, **begun}
    if place in rest or (place in begun and not isinstance(begun[place], list)):
        return known
    messages = _begun(sequence(begun.get(place)), place)
    torn = [mapping(item) for item in items[:left]]
    more = [item for item in items[left:] if _is_message(item, place)]
    if tore:
        more = [one for item in torn for one in _left(dict(item), more, place)] + more
        while messages and not more and mapping(messages[-1]).get("role") in ("assistant", "model"):
            messages = messages[:-1]  # else what the gap tore would look like the beginning of an answer
    known[place] = [*messages, *more]
    return known
