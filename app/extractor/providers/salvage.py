"""What can be had from JSON whose middle or end is missing, in time linear in its length."""

from __future__ import annotations

import json
import re
from collections import deque
from itertools import islice
from typing import Any, Final

from app.dialects.signatures import genuine
from app.extractor.providers.body import document
from detectors.exchange import Dialect

Found = list[tuple[str, str | float | bool]]
"""Known fields and their values in the order of the text."""

_VALUES_LIMIT: Final = 20_000  # fields looked at in one body
MARKS_LIMIT: Final = 50_000  # texts and brackets looked at one by one: those of more messages than are read
_DEPTH_LIMIT: Final = 1_000  # containers within each other; no parser reads more

# A whole string or one that the end cuts; a bracket.
MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[\]{}]', re.DOTALL)
CLOSING: Final = {91: b"]", 123: b"}"}
_CUT_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")

_PARAMETERS: Final = {
    "topP": "top_p",
    "maxOutputTokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "num_predict": "max_tokens",
    "candidateCount": "n",
} | {key: key for key in ("model", "user", "safety_identifier", "stream", "temperature", "top_p", "n", "seed")} | {
    key: key for key in ("max_tokens", "logprobs", "top_logprobs", "background")
}  # fmt: skip
_GEMINI: Final = {"top_p": "topP", "max_tokens": "maxOutputTokens", "n": "candidateCount"}
_LISTS: Final = {Dialect.GEMINI: "contents"}
_TEXTS: Final = frozenset({"content", "text", "prompt", "input"})
_COUNTS: Final = (
    "prompt_tokens|completion_tokens|input_tokens|output_tokens|cache_creation_input_tokens|cache_read_input_tokens"
    "|promptTokenCount|candidatesTokenCount|thoughtsTokenCount|toolUsePromptTokenCount|prompt_eval_count|eval_count"
    "|finish_reason|stop_reason|finishReason|done_reason|category"
)


def _fields(names: str) -> re.Pattern[bytes]:
    """Finds named fields whose value is a string (or begins a list of them), a number or a truth value.

    Inside a JSON string a quotation mark is escaped, so a bare one before a known name opens a real key.
    """
    return re.compile(
        rf'(?<!\\)"({names})"[ \t\r\n]{{0,64}}:[ \t\r\n]{{0,64}}'.encode()
        + rb'(?:\[?[ \t\r\n]{0,64}"((?:[^"\\]++|\\.)*+)"?|(-?[0-9][0-9.eE+\-]{0,40}|true|false))',
        re.DOTALL,
    )


_SIGNATURE = re.compile(
    rb'(?<!\\)"(?:signature|encrypted_content|thoughtSignature|thought_signature'
    rb'|type"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}"redacted_thinking"[ \t\r\n]{0,64},[ \t\r\n]{0,64}"data)'
    rb'"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}"((?:[A-Za-z0-9+/=_\-]|\\/|\\u00[0-9a-f]{2})++)"',
)
_ASKED = _fields("|".join(("role", *_TEXTS, *_PARAMETERS)))
_ANSWERED = _fields(_COUNTS)


def trimmed(head: bytes) -> bytes:
    """`head` without a character or an escape that its end cuts in two."""
    for back in range(1, min(4, len(head) + 1)):
        byte = head[-back]
        if byte & 0xC0 == 0xC0:  # the first byte of a character of several
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            head = head[:-back] if back < needed else head
            break
        if byte < 0x80:
            break
    found = _CUT_ESCAPE.search(head, max(len(head) - 6, 0))
    if not found:
        return head
    before = head[: found.start()]
    escaped = (len(before) - len(before.rstrip(b"\\"))) % 2
    return head if escaped else before


def joined(head: bytes, tail: bytes) -> Any:
    """The JSON value of `head` and `tail` where the gap between them lies in one text; raises ValueError otherwise."""
    begun = 0
    while begun < min(3, len(tail)) and tail[begun] & 0xC0 == 0x80:
        begun += 1
    found = document(trimmed(head) + tail[begun:])
    marks = deque(MARK.finditer(head), maxlen=1)
    if not marks or head[marks[0].start()] != 34 or marks[0][1]:
        raise ValueError("the gap begins outside of a text")
    return found


def bounded(data: bytes) -> bytes:
    """`data` as far as its first MARKS_LIMIT texts and brackets go."""
    if sum([data.count(sign) for sign in (b'"', b"[", b"]", b"{", b"}")]) <= MARKS_LIMIT:
        return data
    last = next(islice(MARK.finditer(data), MARKS_LIMIT, None), None)
    return data if last is None else data[: last.start()]


def completed(data: bytes) -> Any:
    """The JSON value that `data` begins, as far as it goes; raises ValueError where it begins none."""
    closers: list[bytes] = []
    safe: list[int] = []  # for each open container, up to where its content is whole
    in_text = False
    before = 0
    for mark in MARK.finditer(data):
        start, after = mark.span()
        if safe and (comma := data.rfind(b",", before, start)) >= 0:
            safe[-1] = comma
        before = after
        byte = data[start]
        if byte == 34:
            in_text = not mark[1]
        elif byte in CLOSING:
            if len(closers) >= _DEPTH_LIMIT:
                raise ValueError("nested too deep")
            closers.append(CLOSING[byte])
            safe.append(after)
        elif not safe:
            break
        else:
            closers.pop()
            safe.pop()
    if safe and (comma := data.rfind(b",", before)) >= 0:
        safe[-1] = comma
    end = b"".join(reversed(closers))
    if in_text or data.rstrip()[-1:] in (b'"', b"]", b"}"):
        try:
            return document((trimmed(data) + b'"' if in_text else data) + end)
        except ValueError:
            pass  # it ends in a name, not in a value
    if not safe:
        raise ValueError("no JSON value begins here")
    return document(data[: safe[-1]] + end)


def _unescape(raw: bytes) -> str:
    """The text of a JSON string's inside that may be cut at either end."""
    text = trimmed(raw).decode("utf-8", "ignore")
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def _scalar(raw: bytes) -> float | bool:
    if raw in (b"true", b"false"):
        return raw == b"true"
    try:
        number: float = json.loads(raw)
    except ValueError:
        return 0
    return number


def _scan(pattern: re.Pattern[bytes], data: bytes) -> Found:
    found: Found = []
    for field in pattern.finditer(data):
        if len(found) >= _VALUES_LIMIT:
            break
        found.append((field[1].decode(), _scalar(field[3]) if field[2] is None else _unescape(field[2])))
    return found


def asked(data: bytes, dialect: Dialect, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """`base` with the messages and parameters that a scan of `data` finds; what `base` has is kept."""
    known = dict(base or {})
    target = known
    if dialect == Dialect.GEMINI:
        config = known.get("generationConfig")
        target = known["generationConfig"] = dict(config) if isinstance(config, dict) else {}
    told: list[dict[str, Any]] = []
    role = "user"
    for name, value in _scan(_ASKED, data):
        if name == "role":
            role = str(value)
        elif name in ("content", "text"):
            told.append({"role": role, "parts" if dialect == Dialect.GEMINI else "content": _content(dialect, value)})
        elif name in _TEXTS:
            known.setdefault(name, value)
        elif dialect == Dialect.GEMINI:
            target.setdefault(_GEMINI.get(_PARAMETERS[name], name), value)
        else:
            target.setdefault(_PARAMETERS[name], value)
    place = "input" if isinstance(known.get("input"), list) else _LISTS.get(dialect, "messages")
    before = known.get(place)
    known[place] = [*(before if isinstance(before, list) else []), *told]
    return known


def _content(dialect: Dialect, value: object) -> Any:
    return [{"text": value}] if dialect == Dialect.GEMINI else str(value)


def answered(data: bytes) -> dict[str, Any]:
    """The last value of each count and of the reason for stopping that a scan of `data` finds."""
    return dict(_scan(_ANSWERED, data))


def signature(*parts: bytes) -> str:
    """The last signature of reasoning that stands whole in the last of several parts that has one; empty for none."""
    for data in reversed(parts):
        found = [mark[1] for mark in _SIGNATURE.finditer(data)]
        if found:
            return genuine(_unescape(found[-1]))
    return ""
