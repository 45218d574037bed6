"""Exchange log v1: JSON lines, optionally gzip, to Exchanges; what cannot be read is named and passed over."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson

from app.dialects import answers, requests
from app.dialects.paths import Route, recognise
from app.dialects.values import Fields, estimated_tokens, integer, is_retry, mapping, name, real, string
from app.errors import InvalidInput
from detectors.exchange import Dialect, Exchange, Outcome, Usage

NAMED: Final = 1_000  # unreadable lines that are kept by name; the rest is only counted
_PSEUDONYM: Final = 24  # a credential longer than this may be a real one: it is shown by its hash
_GZIP: Final = b"\x1f\x8b"
_KEYS: Final = ("x-api-key", "api-key", "x-goog-api-key")
_ABORTED: Final = 499
_ERROR: Final = 400
_SERVER_ERROR: Final = 500

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
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    presented = rest.strip() or scheme
    presented = presented or next((headers[key] for key in _KEYS if headers.get(key)), "")
    if not presented:
        query = string(record.get("path")).partition("?")[2]
        presented = dict(parse_qsl(query)).get("key", "")
    if not presented:
        return f"anonymous {name(record.get('peer'))}".strip()
    return presented if len(presented) <= _PSEUDONYM else f"cl_{client_id(presented):016x}"


def _outcome(status: int) -> Outcome:
    if status == _ABORTED:
        return Outcome.CLIENT_ABORTED
    return Outcome.UPSTREAM_ERROR if status >= _SERVER_ERROR else Outcome.OK


def _usage(record: Mapping[str, Any], fields: Fields) -> Fields:
    """The token counts of the line, else of its answer, else an estimate of the prompt."""
    usage = mapping(record.get("usage"))
    given, made = integer(usage.get("input_tokens")), integer(usage.get("output_tokens"))
    if given is not None or made is not None:
        return {"usage": Usage.REPORTED, "input_tokens": max(given or 0, 0), "output_tokens": max(made or 0, 0)}
    if "usage" in fields or not fields.get("completions"):
        return {}
    return {
        "usage": Usage.ESTIMATED,
        "input_tokens": estimated_tokens(sum(len(message.text) for message in fields.get("messages", ()))),
        "output_tokens": estimated_tokens(sum(map(len, fields["completions"]))),
    }


def _answer(record: Mapping[str, Any], route: Route) -> Fields:
    """The answer side: a text, a whole answer or its chunks, in the format that the path names."""
    answer = record.get("response")
    if isinstance(answer, str):
        return {"completions": (answer,)} if answer else {}
    if not answer or route.dialect == Dialect.OPAQUE:
        return {}
    read = answers.begin(route)
    for chunk in answer if isinstance(answer, list) else [answer]:
        read.add(chunk)
    return read.fields()


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
    client = _client(record, headers)
    route = recognise(name(record.get("method")) or "POST", path)
    fields: Fields = dict(requests.read(route, record.get("body")) or {})
    status = integer(record.get("status")) or 0
    fields |= _answer(record, route) if status < _ERROR else {}
    fields |= _usage(record, fields)
    ttfb, duration = real(record.get("ttfb_s")), real(record.get("duration_s"))
    fields |= {
        "at": at,
        "client": client_id(client),
        "status": status,
        "outcome": _outcome(status),
        "ttfb": math.nan if ttfb is None else ttfb,
        "duration": duration or 0.0,
        "peer": name(record.get("peer")),
        "user_agent": headers.get("user-agent", ""),
        "retry": is_retry(headers.get("x-stainless-retry-count", "")),
    }
    return Entry(Exchange(**fields), client)


def open_log(path: Path) -> IO[bytes]:
    """A log's raw file; raises InvalidInput that names the path where there is none."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput("LOG", f"{path}: {error.strerror or error}") from None


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


def read_log(path: Path, problems: Problems, advance: Advance = lambda _: None) -> Iterator[Entry]:
    """The exchanges of one log in its order; raises InvalidInput where there is no such file."""
    number = 0
    with open_log(path) as raw:
        try:
            for number, line in enumerate(_lines(raw, advance), 1):
                if not line.strip():
                    continue
                try:
                    yield read_entry(orjson.loads(line))
                except orjson.JSONDecodeError as error:
                    problems.add(str(path), number, f"not JSON: {error.msg}")
                except ValueError as error:
                    problems.add(str(path), number, str(error))
        except (OSError, EOFError, zlib.error) as error:
            problems.add(str(path), number + 1, f"the file breaks off: {error}")
