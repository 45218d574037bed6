"""A copy of an OpenAI exchange to Exchange: JSON and streams, any prefix of the path; never raises."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson

from app.dialects import openai
from app.dialects.paths import Route, recognise
from app.dialects.values import Fields, estimated_tokens, is_retry
from app.extractor.providers import salvage
from app.extractor.providers.body import Body, document, header, plain
from app.extractor.providers.sse import Events
from app.store.handoff import Copy
from detectors.exchange import Dialect, Exchange, Operation, Outcome, Usage

READ: Final = frozenset({Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING})
_OUTCOMES: Final = {int(outcome): outcome for outcome in Outcome}
_ERROR_STATUS: Final = 400
_NAMES_LIMIT: Final = 512  # bytes kept of a User-Agent


class Reading(NamedTuple):
    """An exchange, and by what cause some or all of it stayed unread; empty where all was read."""

    exchange: Exchange
    cause: str


def parse(copy: Copy) -> Exchange:
    """The exchange in a copy; opaque where the format is not known."""
    return read(copy).exchange


def read(copy: Copy) -> Reading:
    """The exchange in a copy, and the cause where some of it could not be read.

    Causes: opaque (not a format we read), request_json, request_encoding, request_shape, response_json,
    response_encoding, response_stream.
    """
    fields = _envelope(copy)
    route = recognise(copy.method, copy.target.decode("latin-1"))
    if route.dialect != Dialect.OPENAI or route.operation not in READ:
        return Reading(Exchange(**fields), "opaque")
    asked, cause = _request(copy, route)
    if asked is None:
        return Reading(Exchange(**fields), cause)
    answered, answer_cause = _response(copy, route)
    fields |= {"dialect": route.dialect, "operation": route.operation}
    fields |= asked
    fields["model"] = asked["model"] or route.model or answered.pop("model", "")
    answered.pop("model", None)
    fields["truncated"] = fields["truncated"] or answered.pop("truncated", False)
    fields |= answered
    if answered.get("usage") == Usage.ESTIMATED:
        fields["input_tokens"] = estimated_tokens(sum(len(message.text) for message in asked["messages"]))
    return Reading(Exchange(**fields), cause or answer_cause)


def opaque(copy: Copy) -> Exchange:
    """The event of a copy that no parser could take: only what its envelope says."""
    return Exchange(**_envelope(copy))


def _envelope(copy: Copy) -> Fields:
    retries = header(copy.request_headers, b"x-stainless-retry-count")
    return {
        "at": copy.at,
        "client": copy.client,
        "outcome": _OUTCOMES.get(copy.outcome, Outcome.OK),
        "status": copy.status,
        "ttfb": copy.ttfb,
        "duration": copy.duration,
        "peer": copy.peer,
        "user_agent": header(copy.request_headers, b"user-agent")[:_NAMES_LIMIT].decode("latin-1"),
        "retry": is_retry(retries.decode("latin-1")),
        "truncated": copy.request_cut >= 0 or copy.response_cut >= 0,
    }


def _request(copy: Copy, route: Route) -> tuple[Fields | None, str]:
    """The request's fields, or None and why there are none."""
    body = plain(copy.request_body, copy.request_cut, header(copy.request_headers, b"content-encoding"))
    if body.problem and not body.head:
        return None, "request_encoding"
    cause = ""
    if not body.cut:
        try:
            asked = document(body.head)
        except ValueError:
            asked, cause = salvage.request(body.head, b""), "request_json"
            if not asked["messages"] and "prompt" not in asked and "input" not in asked:
                return None, cause
    else:
        asked = salvage.request(body.head, body.tail)
    if not isinstance(asked, dict):
        return None, "request_shape"
    fields = openai.read_request(asked, route.operation)
    if body.cut:
        missing = max(copy.request_bytes - len(copy.request_body), 0)
        kept = sum(len(message.text) for message in fields["messages"])
        fields |= {"truncated": True, "prompt_chars": kept + missing}
    return fields, cause


def _response(copy: Copy, route: Route) -> tuple[Fields, str]:
    """The answer's fields, and why some are missing."""
    if copy.status >= _ERROR_STATUS or not copy.response_body:
        return {}, ""
    body = plain(copy.response_body, copy.response_cut, header(copy.response_headers, b"content-encoding"))
    if body.problem and not body.head:
        return {}, "response_encoding"
    answer = openai.Answer()
    kind = header(copy.response_headers, b"content-type")
    if b"event-stream" in kind or body.head.startswith((b"data:", b"event:", b":")):
        cause = _stream(body, answer)
    elif route.operation == Operation.EMBEDDING:
        cause = ""
        answer.add(salvage.answer(body.head[:4096], body.tail[-4096:] or body.head[-4096:]))
    else:
        cause = _whole(body, answer)
    fields = answer.fields()
    fields["model"] = answer.model
    if body.cut:
        fields["truncated"] = True
    if "usage" not in fields and answer.chunks and not answer.failed:
        fields |= _estimate(fields)
    broken = copy.outcome != Outcome.OK  # then what is missing is no fault of the parser's
    return fields, "" if broken else cause


def _estimate(answered: Fields) -> Fields:
    written = sum(map(len, answered["completions"])) + answered["reasoning_chars"]
    return {"usage": Usage.ESTIMATED, "output_tokens": estimated_tokens(written)}


def _whole(body: Body, answer: openai.Answer) -> str:
    if not body.cut:
        try:
            answer.add(document(body.head))
        except ValueError:
            answer.add(salvage.answer(body.head, b""))
            return "response_json"
        return ""
    answer.add(salvage.answer(body.head, body.tail))
    return ""


def _stream(body: Body, answer: openai.Answer) -> str:
    """Read the events before and after the gap; the one that the gap tore is passed over."""
    broken = 0
    events = Events()
    found = events.feed(body.head)
    if not body.cut:
        found += events.finish()
    broken += _chunks(found, answer)
    overflowed = events.overflowed
    if body.tail:
        events = Events()
        _chunks(events.feed(body.tail) + events.finish(), answer)
        overflowed = overflowed or events.overflowed
    return "response_stream" if broken or overflowed else ""


def _chunks(found: list[bytes], answer: openai.Answer) -> int:
    """Give each event's JSON to the answer; the number of events that held none."""
    events = [data for data in found if data.startswith(b"{")]
    strange = sum(1 for data in found if not data.startswith(b"{") and data.strip() not in (b"[DONE]", b""))
    try:
        whole: Any = orjson.loads(b"[" + b",".join(events) + b"]")
    except orjson.JSONDecodeError:
        whole = []
    if len(whole) == len(events):
        for chunk in whole:
            answer.add(chunk)
        return strange
    for data in events:
        try:
            answer.add(document(data))
        except ValueError:
            strange += 1
    return strange
