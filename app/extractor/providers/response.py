"""The answer side of a copy: whole, as server-sent events, as lines or as an array that comes in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from app.dialects import exchanges
from app.dialects.answer import BaseAnswer
from app.dialects.answers import begin
from app.dialects.paths import Route
from app.dialects.values import Fields
from app.extractor.providers import items, salvage
from app.extractor.providers.body import Body, document, header, plain
from app.extractor.providers.items import Items
from app.extractor.providers.lines import Lines
from app.extractor.providers.sse import Events
from app.store.handoff import Copy
from detectors.exchange import Dialect, Operation, Outcome

_ERROR_BYTES: Final = 64 << 10  # a longer error is not looked into
_ENDS: Final = 4096  # bytes at either end of a list of vectors in which its counts are looked for
_DONE: Final = exchanges.DONE.encode()

Reader = type[Events] | type[Lines] | type[Items]


def read(copy: Copy, route: Route) -> tuple[Fields, str]:
    """The answer's fields, with `model` and, where the answer itself tells of a failure, `outcome`; why some miss."""
    if copy.status >= exchanges.ERROR_STATUS:
        return _declined(copy), ""
    if not copy.response_body or route.operation in exchanges.UNREAD:
        return {}, ""
    body = plain(copy.response_body, copy.response_cut, header(copy.response_headers, b"content-encoding"))
    if body.problem and not body.head:
        return {}, "response_encoding"
    answer = begin(route)
    reader = _reader(header(copy.response_headers, b"content-type"), body.head, route.dialect)
    if reader is not None:
        cause = _stream(body, answer, reader)
    elif route.operation == Operation.EMBEDDING:
        cause = ""
        answer.chunks += 1
        answer.late(salvage.answered(body.head[:_ENDS] + b" " + (body.tail or body.head)[-_ENDS:]))
    else:
        cause = _whole(body, answer)
    closed = reader is not None and not (body.cut or cause)
    fields = exchanges.answered(answer, route, copy.outcome, closed=closed)
    if reader is Events:
        fields["stream"] = True
    if body.cut:
        fields["truncated"] = True
        fields["issued"] = salvage.signature(body.head, body.tail) if fields["reasoning_sealed"] or body.tail else ""
    return fields, "" if copy.outcome != Outcome.OK else cause  # what is missing then is no fault of the parser's


def _reader(kind: bytes, head: bytes, dialect: Dialect) -> Reader | None:
    """What takes the answer apart, by its content type and then by how it begins; None where it is one document."""
    start = head[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:6]
    if start[:1] not in (b"{", b"["):
        is_events = b"event-stream" in kind or start.startswith((b"data:", b"event:", b":"))
        return Events if is_events else None
    if dialect == Dialect.GEMINI and start[:1] == b"[":
        return Items
    return Lines if b"ndjson" in kind or b"jsonl" in kind else None


def _declined(copy: Copy) -> Fields:
    """What an error answer says of a content filter."""
    if len(copy.response_body) > _ERROR_BYTES:
        return {}
    body = plain(copy.response_body, copy.response_cut, header(copy.response_headers, b"content-encoding"))
    try:
        return exchanges.declined(document(body.head))
    except ValueError:
        return {}


def _whole(body: Body, answer: BaseAnswer) -> str:
    if not body.cut:
        try:
            answer.add(document(body.head))
        except ValueError:
            return _broken(body.head, answer)
        return ""
    try:
        answer.add(salvage.joined(body.head, body.tail))
    except ValueError:
        _broken(body.head, answer)
        answer.late(salvage.answered(body.tail))
    return ""


def _broken(data: bytes, answer: BaseAnswer) -> str:
    """Take what there is of a document that does not end, or that is several lines."""
    if b"}\n{" in data or b"}\r\n{" in data:
        return _stream(Body(data, b"", False), answer, Lines)
    try:
        answer.add(salvage.completed(data))
    except ValueError:
        answer.late(salvage.answered(data))
    return "response_json"


def _stream(body: Body, answer: BaseAnswer, kind: Reader) -> str:
    """Read the events before and after the gap; the one that the gap tore is passed over."""
    strange = take([body.head], answer, kind, ends=not body.cut)
    if body.tail:
        tail = items.resume(body.tail) if kind is Items else body.tail
        take([tail], answer, kind, ends=True)
        if not answer.counted:
            answer.late(salvage.answered(body.tail))
    return "response_stream" if strange else ""


def take(pieces: Iterable[bytes], answer: BaseAnswer, kind: Reader, *, ends: bool) -> bool:
    """Give the answer the events of a stream that comes in `pieces`; true where some of it held none.

    Where the stream `ends`, an event that nothing closed counts too.
    """
    reader = kind()
    strange = 0
    for piece in pieces:
        strange += _chunks(reader.feed(piece), answer)
    if ends:
        strange += _chunks(reader.finish(), answer)
    return bool(strange) or reader.overflowed


def _chunks(found: list[bytes], answer: BaseAnswer) -> int:
    """Give each event's JSON to the answer; the number of events that held none."""
    events = [data for data in found if data.startswith(b"{")]
    strange = 0
    if len(events) < len(found):
        for word in [data.strip() for data in found if not data.startswith(b"{")]:
            answer.ended = answer.ended or word == _DONE
            strange += word not in (_DONE, b"")
    try:
        whole: Any = orjson.loads(b"[" + b",".join(events) + b"]")
    except orjson.JSONDecodeError:
        whole = []
    if len(whole) == len(events):
        answer.add_all(whole)
        return strange
    for data in events:
        try:
            answer.add(document(data))
        except ValueError:
            strange += 1
    return strange
