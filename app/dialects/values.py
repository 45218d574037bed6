"""Reads untrusted JSON: each function takes any value and gives the type that it promises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
import xxhash

from app.dialects.casing import PART

Fields = dict[str, Any]
"""Keyword arguments of an Exchange."""

CHARS_PER_TOKEN: Final = 4.1
MESSAGES_LIMIT: Final = 4_000  # messages or prompts read of one request: the first and the last of them
NAME_LIMIT: Final = 256  # characters kept of a model's name, a user id or a role
_TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text", "refusal", "thinking", "summary_text"})
_TEXTLESS: Final = frozenset({"", "text", "input_text", "output_text"})  # strange without a text
_CACHING: Final = "cache_control"  # on a part: where a cached prefix ends, which clients move from turn to turn


def mapping(value: object) -> Mapping[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """`value` where it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def bounded(items: list[Any]) -> list[Any]:
    """`items`, or where they are too many the first half of the limit and the last."""
    half = MESSAGES_LIMIT // 2
    return items if len(items) <= MESSAGES_LIMIT else items[:half] + items[-half:]


def string(value: object) -> str:
    """`value` where it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def name(value: object) -> str:
    """A short string: a model, an end-user id, a role."""
    return value[:NAME_LIMIT] if isinstance(value, str) else ""


def integer(value: object) -> int | None:
    """`value` where it is a whole number, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def real(value: object) -> float | None:
    """`value` where it is a finite number that a float can hold, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def first(document: Mapping[str, Any], *names: str) -> Any:
    """The first of several fields that is there and is not null."""
    for key in names:
        value = document.get(key)
        if value is not None:
            return value
    return None


def canonical(value: object) -> str:
    """One text for equal JSON values; empty for null and for empty ones."""
    if not value:
        return ""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except (TypeError, ValueError, RecursionError):  # a lone surrogate, a number beyond 64 bits, too deep
        pass
    try:
        return repr(value)
    except RecursionError:
        return "⟨too deep⟩"


def attachment(kind: str, value: object) -> str:
    """What stands in a text for an image, a sound or a file: equal where the content is."""
    digest = xxhash.xxh3_64_hexdigest(canonical(value).encode("utf-8", "surrogatepass"))
    return f"⟨{kind or 'part'} {digest}⟩"


def _plain_text(part: object) -> str:
    """The text of a content part that holds no others."""
    if isinstance(part, str):
        return part
    fields = mapping(part)
    kind = name(fields.get("type"))
    if "text" not in fields and kind in _TEXTLESS:
        fields = PART.of(fields)
        kind = name(fields.get("type"))
    if kind in _TEXT_TYPES or (not kind and "text" in fields):
        text = first(fields, "text", "refusal", "thinking")
        return text if isinstance(text, str) else canonical(text)
    if _CACHING in fields:
        part = {key: value for key, value in fields.items() if key != _CACHING}
    return attachment(kind, part) if part is not None else ""


def _passage(fields: Mapping[str, Any]) -> list[object] | None:
    """The texts of a document that is given as text, or of a search result; None for any other part."""
    kind = fields.get("type")
    if kind == "document":
        source = mapping(fields.get("source"))
        given = {"text": source.get("data"), "content": source.get("content")}.get(name(source.get("type")))
    elif kind == "search_result":
        given = fields.get("content")
    else:
        return None
    if not given:
        return None
    told = [fields.get("title"), fields.get("context"), *(given if isinstance(given, list) else [given])]
    return [part for part in told if part]


def part_text(part: object) -> str:
    """The text of one content part; a document's or a search result's one line for each of its own parts."""
    passage = _passage(part) if isinstance(part, dict) else None
    return _plain_text(part) if passage is None else lines([_plain_text(one) for one in bounded(passage)])


def content_text(content: object) -> str:
    """The text of a message's content: a string, or parts of which the text is kept, one a line."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join([part_text(part) for part in bounded(content)])
    return part_text(content)


def call_text(called: object, arguments: object) -> str:
    """One line for a tool call in a message."""
    given = arguments if isinstance(arguments, str) else canonical(arguments)
    return f"⟨call⟩ {name(called)} {given}"


def lines(texts: Iterable[str]) -> str:
    """The texts that are not empty, one a line."""
    return "\n".join([text for text in texts if text])


def estimated_tokens(characters: int) -> int:
    """Tokens of so many characters, as a guess; never shown as a count."""
    return round(characters / CHARS_PER_TOKEN)


def is_retry(count: str) -> bool:
    """Whether the header `x-stainless-retry-count` says that a client library repeats a request by itself."""
    text = count.strip()
    return len(text) < 10 and text.isascii() and text.isdigit() and int(text) > 0
