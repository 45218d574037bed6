"""A copy of an exchange to Exchange, in whatever known format it is; never raises."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from app.dialects import exchanges
from app.dialects.paths import Route, hinted, recognise
from app.dialects.values import Fields, is_retry
from app.extractor.providers import request, response
from app.extractor.providers.body import header
from app.store.frames import DIALECTS
from app.store.frozen import maker
from app.store.handoff import Copy
from detectors.exchange import Channel, Dialect, Exchange, Operation, Outcome

_OUTCOMES: Final = {int(outcome): outcome for outcome in Outcome}
_PROMPTED: Final = frozenset({Operation.CHAT, Operation.COMPLETION})
_TARGET_REMEMBERED: Final = 200  # bytes; most requests of a client go to the same few


_exchange = maker(Exchange)


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
    find = _route if len(copy.target) <= _TARGET_REMEMBERED else _route.__wrapped__
    route, guessed = find(copy.method, copy.target, copy.dialect)
    if copy.status == exchanges.SWITCHED:
        fields["channel"] = Channel.SOCKET
    if route.dialect == Dialect.OPAQUE:
        return Reading(Exchange(**fields), "opaque")
    asked, cause = request.read(copy, route)
    if guessed and (asked is None or not asked["messages"]):
        return Reading(Exchange(**fields), "opaque")
    if asked is None:
        return Reading(Exchange(**fields), cause)
    answered, answer_cause = response.read(copy, route)
    if not cause and _is_unseen(asked, answered):
        cause = "request_shape"
    exchanges.join(fields, asked, answered, route)
    return Reading(_exchange(**fields), cause or answer_cause)


def _is_unseen(asked: Fields, answered: Fields) -> bool:
    """Whether a model answered what we saw nothing of, though no gap of the copy holds it."""
    if asked["messages"] or asked["operation"] not in _PROMPTED or asked.get("truncated"):
        return False
    return any(answered.get("completions", ()))


@lru_cache(maxsize=1024)
def _route(method: str, target: bytes, hint: int) -> tuple[Route, bool]:
    """The route of a target, and whether only the deployment's hint says so."""
    named = recognise(method, target.decode("latin-1"))
    route = hinted(named, method, Dialect[DIALECTS[hint].upper()] if 0 < hint < len(DIALECTS) else None)
    return route, named.dialect == Dialect.OPAQUE


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
        "ja4": copy.ja4,
        "user_agent": header(copy.request_headers, b"user-agent")[: exchanges.AGENT_LIMIT].decode("latin-1"),
        "retry": bool(retries) and is_retry(retries.decode("latin-1")),
        "truncated": copy.request_cut >= 0 or copy.response_cut >= 0,
    }
