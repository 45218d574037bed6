"""What can be had from JSON whose middle or end is missing: a linear scan for known fields, no guess at structure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from app.dialects.values import Fields

_VALUES_LIMIT: Final = 20_000  # fields looked at in one body

# Inside a JSON string a quotation mark is escaped, so a bare one before a known name opens a real key.
_FIELD = re.compile(
    rb'(?<!\\)"(role|content|text|prompt|input|model|user|safety_identifier|stream|temperature|top_p|n|seed'
    rb"|max_tokens|max_completion_tokens|logprobs|top_logprobs|finish_reason|reasoning_content|refusal"
    rb'|prompt_tokens|completion_tokens)"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}'
    rb'(?:\[?[ \t\r\n]{0,64}"((?:[^"\\]++|\\.)*+)("?)|(-?[0-9][0-9.eE+\-]{0,40}|true|false))',
    re.DOTALL,
)
_REST_OF_STRING = re.compile(rb'((?:[^"\\]++|\\.)*+)("?)', re.DOTALL)
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_TEXTS: Final = frozenset({"content", "text", "prompt", "input"})


def _unescape(raw: bytes) -> str:
    """The text of a JSON string's inside that may be cut at either end."""
    text = raw.decode("utf-8", "ignore")
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        pass
    try:
        return str(json.loads('"' + _CUT_ESCAPE.sub("", text) + '"', strict=False))
    except ValueError:
        return text


class _Scan:
    """The known fields of head and tail in their order; the tail takes up a string that the gap cut in two."""

    def __init__(self, head: bytes, tail: bytes) -> None:
        self.values: list[tuple[str, str | float | bool]] = []
        is_open = self._read(head)
        if is_open and tail and self.values:
            rest = _REST_OF_STRING.match(tail)
            assert rest is not None  # it matches the empty string
            name, begun = self.values[-1]
            self.values[-1] = (name, f"{begun}{_unescape(rest[1])}")
            tail = tail[rest.end() :]
        self._read(tail)

    def _read(self, data: bytes) -> bool:
        """Take the fields of `data`; true where it ends inside the last one's string."""
        is_open = False
        for found in _FIELD.finditer(data):
            if len(self.values) >= _VALUES_LIMIT:
                return False
            name = found[1].decode()
            if found[2] is None:
                self.values.append((name, _scalar(found[4])))
                is_open = False
            else:
                self.values.append((name, _unescape(found[2])))
                is_open = not found[3]
        return is_open


def _scalar(raw: bytes) -> float | bool:
    if raw in (b"true", b"false"):
        return raw == b"true"
    try:
        number: float = json.loads(raw)
    except ValueError:
        return 0
    return number


def request(head: bytes, tail: bytes) -> dict[str, Any]:
    """A document with the messages, the prompt and the parameters that were found."""
    found: dict[str, Any] = {}
    messages: list[dict[str, str]] = []
    role = "user"
    for name, value in _Scan(head, tail).values:
        if name == "role":
            role = str(value)
        elif name in ("content", "text"):
            messages.append({"role": role, "content": str(value)})
        else:
            found.setdefault(name, value)
    return {**found, "messages": messages}


def answer(head: bytes, tail: bytes) -> dict[str, Any]:
    """A document like a whole answer, with the texts and the counts that were found."""
    choices: list[Fields] = []
    usage: dict[str, Any] = {}
    model = ""
    for name, value in _Scan(head, tail).values:
        if name in _TEXTS or name == "refusal":
            key = "refusal" if name == "refusal" else "content"
            choices.append({"index": len(choices), "message": {key: value}})
        elif name == "reasoning_content" and isinstance(value, str):
            choices.append({"index": len(choices), "message": {"reasoning_content": value}})
        elif name in ("prompt_tokens", "completion_tokens"):
            usage[name] = value
        elif name == "finish_reason" and choices:
            choices[-1].setdefault("finish_reason", value)
        elif name == "model":
            model = str(value)
    return {"model": model, "choices": choices, "usage": usage}
