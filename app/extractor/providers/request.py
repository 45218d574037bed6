"""The request side of a copy: its body's document, or what can be had of a body that is cut or broken."""

from __future__ import annotations

from typing import Any, Final

from app.dialects import requests
from app.dialects.paths import Route
from app.dialects.values import Fields
from app.extractor.providers import endings, salvage, uploads
from app.extractor.providers.body import RATIO, Body, document, header, plain
from app.store.handoff import Copy
from detectors.exchange import Dialect, Operation

_SEVERAL: Final = 4  # from so many prompts on, a gap in the list is taken to hold more of their kind
_SIGNED: Final = frozenset({Operation.CHAT, Operation.RESPONSE})  # their prompts may bring reasoning back
# Answers of servers that did not look at the body, to anybody without a key: it may grow to no more than this.
_UNASKED: Final = frozenset({401, 404, 405})
_UNASKED_RATIO: Final = 8
_BEFORE: Final = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"  # may stand before JSON; many servers look at no content type
_PLACES: Final = ("messages", "prompt", "input", "contents", "requests")


def read(copy: Copy, route: Route) -> tuple[Fields | None, str]:
    """The request's fields, dialect and operation included, and why some or all are missing."""
    if route.operation == Operation.RETRIEVAL:
        return requests.read(route, None), ""
    ratio = _UNASKED_RATIO if copy.status in _UNASKED else RATIO
    body = plain(copy.request_body, copy.request_cut, header(copy.request_headers, b"content-encoding"), ratio)
    if body.problem and not body.head:
        return None, "request_encoding"
    missing = _missing(copy, body)
    kind = header(copy.request_headers, b"content-type")
    if b"multipart/form-data" in kind[:64].lower() and body.head.lstrip(_BEFORE)[:1] != b"{":
        is_file = route.operation == Operation.BATCH and route.dialect == Dialect.OPENAI
        fields = uploads.read(body.head, body.tail, kind, body.cut, missing) if is_file else None
        cause = "" if fields is not None else "opaque"
    else:
        found, cause, taken = _document(body, route)
        fields = requests.read(route, found)
        if fields is None:
            return None, cause or "request_shape"
        if body.cut and fields.get("prompts", 1) >= _SEVERAL:
            whole = len(body.head) + missing + len(body.tail)
            fields["prompts"] = round(fields["prompts"] * whole / max(taken, 1))
    if body.cut and fields is not None and fields.get("prompts", 1):
        kept = sum([len(message.text) for message in fields["messages"]])
        fields |= {"truncated": True, "prompt_chars": kept + missing, "presented_at": -1}
        fields["presented"] = salvage.signature(body.head, body.tail) if route.operation in _SIGNED else ""
    return fields, cause


def _missing(copy: Copy, body: Body) -> int:
    """About how many plain bytes are not kept."""
    if not body.cut:
        return 0
    return max(round(copy.request_bytes * body.grown) - len(body.head) - len(body.tail), 0)


def _document(body: Body, route: Route) -> tuple[Any, str, int]:
    """The body's JSON value, why it is not whole where it should be, and the bytes whose lists it holds."""
    if not body.cut:
        try:
            return document(body.head), "", len(body.head)
        except ValueError:
            found, taken = _beginning(body, route)
            return found, "request_json", taken
    try:
        return salvage.joined(body.head, body.tail), "", len(body.head) + len(body.tail)
    except ValueError:
        found, taken = _beginning(body, route)
        return found, "", taken


def _beginning(body: Body, route: Route) -> tuple[Any, int]:
    """The document that the head begins, with what the tail ends or a scan of it finds, and the bytes read of the head.

    None where nothing is found.
    """
    head = salvage.bounded(body.head)
    try:
        begun = salvage.completed(head)
    except ValueError:
        found = salvage.asked(head + b" " + body.tail, route.dialect)
        return found if body.cut or any(found.get(place) for place in _PLACES) else None, len(head)
    if not isinstance(begun, dict) or not body.tail:
        return begun, len(head)
    try:
        return endings.continued(begun, body.tail, endings.place_of(route)), len(head)
    except ValueError:
        return salvage.asked(body.tail, route.dialect, begun), len(head)
