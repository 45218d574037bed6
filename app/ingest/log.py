"""Exchange log v1: JSON lines, optionally gzip, to Exchanges; what cannot be read is named and passed over."""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson

from app.dialects import answers, exchanges, requests
from app.dialects.answer import BaseAnswer
from app.dialects.paths import Route, recognise
from app.dialects.values import Fields, integer, is_retry, mapping, name, real, string
from app.errors import InvalidInput
from detectors.exchange import Channel, Dialect, Exchange, Operation, Outcome, Usage

NAMED: Final = 1_000  # unreadable lines that are kept by name; the rest is only counted
_PSEUDONYM: Final = 24  # a credential longer than this may be a real one: it is shown by its hash
_GZIP: Final = b"\x1f\x8b"
_SIGNED: Final = re.compile(r"aws4-[a-z0-9-]+\s", re.IGNORECASE)
_KEY_ID: Final = re.compile(r"(?:^|[,\s])Credential=([^/,\s]+)/")
_BOM: Final = b"\xef\xbb\xbf"
_KEYS: Final = ("x-api-key", "api-key", "x-goog-api-key")
_ABORTED: Final = 499
_SERVER_ERROR: Final = 500
_MADE_LATER: Final = frozenset({Operation.COUNT, Operation.BATCH})  # or never: no answer comes with the response
_EVENTS: Final = frozenset({Dialect.OPENAI, Dialect.ANTHROPIC})  # what they stream are events; others have other ways

Advance = Callable[[int], None]
"""Told how many more bytes of the files have been read."""


class Entry(NamedTuple):
    """One line of a log: the exchange, and the client's name as the log writes it."""

    exchange: Exchange
    client: str


class Unreadable(NamedTuple):
    """A line that was passed over."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Problems:
    """The lines that could not be read: all counted, the first of them named."""

    count: int = 0
    named: list[Unreadable] = field(default_factory=list)

    def add(self, file: str, line: int, reason: str) -> None:
        """Count one line."""
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append(Unreadable(file, line, reason))


def client_id(text: str) -> int:
    """The 64-bit id of a client's name; the same in every run, so that runs can be compared."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _headers(value: object) -> dict[str, str]:
    """Header names in lower case to values; the first of several wins."""
    pairs: Any = value.items() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found: dict[str, str] = {}
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
            found.setdefault(pair[0].lower(), pair[1])
    return found


def _client(record: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The client's name: as the line gives it, else the credential's pseudonym, else the peer."""
    given = record.get("client")
    if given is not None and given != "":
        return given if isinstance(given, str) else str(given)
    authorization = headers.get("authorization", "").strip()
    scheme, _, rest = authorization.partition(" ")
    presented = rest.strip() or scheme
    if _SIGNED.match(authorization):  # the signature is another one for each request: its key's id stays
        ids = _KEY_ID.findall(rest)
        presented = ids[0] if len(ids) == 1 else presented
    presented = presented or next((headers[key] for key in _KEYS if headers.get(key)), "")
    if not presented:
        query = string(record.get("path")).partition("?")[2]
        presented = dict(parse_qsl(query)).get("key", "")
    if not presented:
        return f"anonymous {name(record.get('peer'))}".strip()
    return presented if len(presented) <= _PSEUDONYM else f"cl_{client_id(presented):016x}"


def _ending(record: Mapping[str, Any]) -> tuple[int, Outcome]:
    """The status that the client was sent, 0 for none, and how the exchange ended as far as the status tells."""
    status = integer(record.get("status")) or 0
    if status == _ABORTED:
        was_begun = bool(record.get("response")) or real(record.get("ttfb_s")) is not None
        return 200 if was_begun else 0, Outcome.CLIENT_ABORTED
    return status, Outcome.UPSTREAM_ERROR if status >= _SERVER_ERROR else Outcome.OK


def _usage(record: Mapping[str, Any], fields: Fields) -> Fields:
    """The token counts of the line, which go before those of its answer; none where nothing was made for it.

    What a batch is answered comes later, as a file: counts that stand with its upload are not its answers'.
    """
    usage = mapping(record.get("usage"))
    given, made = integer(usage.get("input_tokens")), integer(usage.get("output_tokens"))
    operation = fields.get("operation")
    made_before = operation == Operation.RETRIEVAL and fields.get("channel") != Channel.BACKGROUND
    if (given is None and made is None) or made_before or operation in _MADE_LATER:
        return {}
    return {"usage": Usage.REPORTED, "input_tokens": max(given or 0, 0), "output_tokens": max(made or 0, 0)}


def _answer(answer: object, route: Route, status: int, outcome: Outcome) -> Fields:
    """The answer side: a text, a whole answer or its chunks, in the format that the path names."""
    if status >= exchanges.ERROR_STATUS:
        return exchanges.declined(answer)
    if not answer or route.operation in exchanges.UNREAD:
        return {}
    if isinstance(answer, str):
        counts = exchanges.estimate(len(answer)) if route.operation != Operation.RETRIEVAL else {}
        return {"completions": (answer,), **counts}
    read = answers.begin(route)
    if isinstance(answer, list):
        closed = _take(answer, read)
        fields = exchanges.answered(read, route, outcome, closed=closed)
        return fields | {"stream": True} if route.dialect in _EVENTS else fields
    if route.operation == Operation.EMBEDDING:  # of vectors nothing is read but what they cost
        document = mapping(answer)
        read.chunks += 1
        read.late({**document, **mapping(document.get("usage")), **mapping(document.get("usageMetadata"))})
    else:
        read.add(answer)
    return exchanges.answered(read, route, outcome, closed=False)


def _take(chunks: list[Any], answer: BaseAnswer) -> bool:
    """Give the answer the chunks of a stream; false where one of them held nothing that is known."""
    told = [chunk for chunk in chunks if isinstance(chunk, dict)]
    words = [chunk.strip() for chunk in chunks if isinstance(chunk, str)]
    answer.ended = exchanges.DONE in words
    answer.add_all(told)
    return len(told) + sum(word in ("", exchanges.DONE) for word in words) == len(chunks)


def read_entry(record: object) -> Entry:
    """The exchange of one parsed line; raises ValueError that says what is wrong with it."""
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    at = real(record.get("ts"))
    if at is None or not 0 < at < 2**35:
        raise ValueError("`ts` is not a time in seconds")
    path = record.get("path")
    if not isinstance(path, str):
        raise ValueError("`path` is not a text")
    headers = _headers(record.get("headers"))
    client = _client(record, headers).encode("utf-8", "replace").decode()  # half a surrogate pair can be told nowhere
    route = recognise(name(record.get("method")) or "POST", path)
    status, outcome = _ending(record)
    ttfb, duration = real(record.get("ttfb_s")), real(record.get("duration_s"))
    fields: Fields = {
        "at": at,
        "client": client_id(client),
        "status": status,
        "outcome": outcome,
        "ttfb": math.nan if ttfb is None else ttfb,
        "duration": duration or 0.0,
        "peer": name(record.get("peer")),
        "user_agent": headers.get("user-agent", "")[: exchanges.AGENT_LIMIT],
        "retry": is_retry(headers.get("x-stainless-retry-count", "")),
    }
    if status == exchanges.SWITCHED:
        fields["channel"] = Channel.SOCKET
    asked = requests.read(route, record.get("body"))
    if asked is not None:
        exchanges.join(fields, asked, _answer(record.get("response"), route, status, outcome), route)
    fields |= _usage(record, fields)
    return Entry(Exchange(**fields), client)


def open_log(path: Path) -> IO[bytes]:
    """A log's raw file; raises InvalidInput that names the path where there is none."""
    try:
        return path.open("rb")
    except OSError as error:
        remedy = "give the path of an exchange log, JSON lines (docs/exchange-log.md)"
        raise InvalidInput("LOG", f"{path}: {error.strerror or error}. Remedy: {remedy}") from None


def _lines(raw: IO[bytes], advance: Advance) -> Iterator[bytes]:
    """Lines of a plain or gzip file; raises OSError, EOFError or zlib.error where gzip breaks off."""
    is_gzip = raw.read(2) == _GZIP
    raw.seek(0)
    told = 0
    stream: Iterable[bytes] = gzip.GzipFile(fileobj=raw) if is_gzip else raw
    for number, line in enumerate(stream):
        if number % 256 == 0:
            place = raw.tell()
            advance(place - told)
            told = place
        yield line
    advance(raw.tell() - told)


def _value(line: bytes) -> object:
    """The JSON value of a line, as the service reads bodies: with NaN and half surrogate pairs, which many write."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        strict = error
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(f"not JSON: {strict.msg}") from None


def read_log(path: Path, problems: Problems, advance: Advance = lambda _: None) -> Iterator[Entry]:
    """The exchanges of one log in its order; raises InvalidInput where there is no such file."""
    number = 0
    with open_log(path) as raw:
        try:
            for number, line in enumerate(_lines(raw, advance), 1):
                found = line.removeprefix(_BOM) if number == 1 else line
                if not found.strip():
                    continue
                try:
                    yield read_entry(_value(found))
                except ValueError as error:
                    problems.add(str(path), number, str(error))
        except (OSError, EOFError, zlib.error) as error:
            problems.add(str(path), number + 1, f"the file breaks off: {error}")
