"""What of a message's head goes on, in either direction, what is copied, and what is refused."""

from __future__ import annotations

import re

from app.gateway.identify import CREDENTIALS, SECRETS, bearer
from app.gateway.problems import (
    BAD_HOST,
    BAD_TARGET,
    BAD_VERSION,
    NO_UPGRADE,
    TRANSFER_CODING,
    TWO_FRAMINGS,
    Problem,
)

Headers = list[tuple[bytes, bytes]]

MEMO_LIMIT = 2048  # spellings of header names remembered
_HOST_SYNTAX = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")


# How a header is treated.
PLAIN = 0
SECRET = 1  # forwarded, never copied
DROP = 2  # concerns one hop only
HOST = 3
CONNECTION = 4
LENGTH = 5
CODING = 6
UPGRADE = 7
CREDENTIAL = 8  # a secret that names the client
TYPE = 9
BUFFERING = 10

_COMMON = {
    b"keep-alive": DROP,
    b"proxy-connection": DROP,
    b"proxy-authenticate": DROP,
    b"proxy-authorization": DROP,
    b"te": DROP,
    b"trailer": DROP,
    b"connection": CONNECTION,
    b"content-length": LENGTH,
    b"transfer-encoding": CODING,
    b"upgrade": UPGRADE,
}
# The gateway itself answers Expect: 100-continue when it begins to read the body.
REQUEST_RULES = {
    **dict.fromkeys(SECRETS, SECRET),
    **dict.fromkeys(CREDENTIALS, CREDENTIAL),
    **_COMMON,
    b"expect": DROP,
    b"host": HOST,
}
RESPONSE_RULES = {
    **dict.fromkeys(SECRETS, SECRET),
    **_COMMON,
    b"content-type": TYPE,
    b"x-accel-buffering": BUFFERING,
}
HARMLESS = frozenset((b"keep-alive", b"close", b"Keep-Alive", b"Close", b""))


class _Spellings(dict[bytes, int]):
    """The rule of a header name however it is spelt; bounded, since clients choose the names."""

    def __init__(self, rules: dict[bytes, int]) -> None:
        super().__init__(rules)
        self._rules = rules

    def __missing__(self, name: bytes) -> int:
        rule = self._rules.get(name.lower(), PLAIN)
        if len(self) < MEMO_LIMIT:
            self[name] = rule
        return rule


_request_rules = _Spellings(REQUEST_RULES)
_response_rules = _Spellings(RESPONSE_RULES)
_good_hosts: set[bytes] = set()


class RequestHead:
    """A request's head as it goes on. Reading the headers costs one pass."""

    __slots__ = ("_connection", "_credentials", "_hosts", "_secret_at", "_upgrade", "chunked", "lengths", "lines")

    def __init__(self, headers: Headers) -> None:
        self.lines: list[bytes] = []
        self.lengths = 0
        self.chunked = 0  # transfer codings seen; more than 1 is refused
        self._connection: list[bytes] | None = None
        self._credentials: list[tuple[bytes, bytes]] | None = None
        self._hosts = 0
        self._secret_at: list[int] | None = None
        self._upgrade = False
        lines = self.lines
        rules = _request_rules
        for name, value in headers:
            rule = rules[name]
            if rule == PLAIN or self._special(rule, name, value):
                lines.append(b"%b: %b\r\n" % (name, value))
        if self._connection is not None:
            self._drop_nominated(self._connection)

    def _special(self, rule: int, name: bytes, value: bytes) -> bool:
        """Note what a special header says; whether it goes on."""
        if rule in (CREDENTIAL, SECRET):
            if self._secret_at is None:
                self._secret_at, self._credentials = [], []
            self._secret_at.append(len(self.lines))
            if rule == CREDENTIAL and self._credentials is not None:
                self._credentials.append((name, value))
            return True
        if rule == HOST:
            self._hosts += 1 if value in _good_hosts or _is_host(value) else 2
        elif rule == LENGTH:
            self.lengths += 1
            return True
        elif rule == CODING:
            self.chunked += 1 if value.lower() == b"chunked" else 16
        elif rule == CONNECTION:
            if value not in HARMLESS:
                tokens = [token.strip().lower() for token in value.split(b",")]
                self._connection = (self._connection or []) + tokens
        elif rule == UPGRADE:
            self._upgrade = True
        return False

    def _drop_nominated(self, tokens: list[bytes]) -> None:
        names = set(tokens) - {b"content-length", b"close", b"keep-alive", b"upgrade"}
        kept = [at for at, line in enumerate(self.lines) if line.partition(b":")[0].lower() not in names]
        if len(kept) < len(self.lines):
            if self._secret_at is not None:
                secret = set(self._secret_at)
                self._secret_at = [new for new, at in enumerate(kept) if at in secret]
            self.lines = [self.lines[at] for at in kept]

    @property
    def credential(self) -> bytes:
        """The credential by precedence; empty where no header carries one."""
        if not self._credentials:
            return b""
        if len(self._credentials) == 1:
            return bearer(self._credentials[0][1])
        order = sorted(self._credentials, key=lambda pair: CREDENTIALS.index(pair[0].lower()))
        for name, value in order:
            if found := bearer(value) if name.lower() == b"authorization" else value:
                return found
        return b""

    def opening(self, method: str, target: bytes, host: bytes) -> bytes:
        """The head as it goes to the model API."""
        coding = b"transfer-encoding: chunked\r\n\r\n" if self.chunked else b"\r\n"
        first = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode(), target, host)
        return b"".join((first, *self.lines, coding))

    def copied(self) -> bytes:
        """The lines that the extractor may see."""
        if self._secret_at is None:
            return b"".join(self.lines)
        return b"".join([line for at, line in enumerate(self.lines) if at not in self._secret_at])

    def refused(self, method: str, version: str) -> Problem | None:
        """Why this request is not forwarded."""
        if version not in ("1.1", "1.0"):
            return BAD_VERSION
        if method == "CONNECT" or (self._upgrade and self._connection and b"upgrade" in self._connection):
            return NO_UPGRADE
        if self._hosts != 1 and (self._hosts > 1 or version == "1.1"):
            return BAD_HOST
        if self.chunked:
            if self.lengths or version == "1.0":
                return TWO_FRAMINGS
            if self.chunked > 1:
                return TRANSFER_CODING
        if self.lengths > 1:
            return TWO_FRAMINGS
        return None


def _is_host(value: bytes) -> bool:
    if _HOST_SYNTAX.fullmatch(value) is None:
        return False
    if len(_good_hosts) < MEMO_LIMIT:
        _good_hosts.add(value)
    return True


def origin_form(target: bytes) -> bytes | Problem:
    """The path and query of a request's target, byte for byte; a proxy-style absolute target loses its host."""
    if target[:1] == b"/" or target == b"*":
        return target
    scheme, separator, rest = target.partition(b"://")
    if separator and scheme.lower() in (b"http", b"https"):
        at = min((place for mark in (b"/", b"?") if (place := rest.find(mark)) >= 0), default=len(rest))
        path = rest[at:]
        return path if path[:1] == b"/" else b"/" + path
    return BAD_TARGET


class ResponseHead:
    """An answer's head as it goes back to the client."""

    __slots__ = ("_block", "codings", "lengths", "pairs")

    def __init__(self, headers: Headers) -> None:
        self.pairs: Headers = []
        self.lengths = 0
        self.codings = 0
        pairs = self.pairs
        copied: list[bytes] = []
        nominated: list[bytes] = []
        events = buffering = False
        rules = _response_rules
        for name, value in headers:
            rule = rules[name]
            if rule == PLAIN:
                pass
            elif rule == LENGTH:
                self.lengths += 1
            elif rule == TYPE:
                events = events or value[:17].lower() == b"text/event-stream"
            elif rule == BUFFERING:
                buffering = True
            elif rule == CODING:
                self.codings += 1 if value.lower() == b"chunked" else 16
                continue
            elif rule == CONNECTION:
                nominated += value.lower().split(b",")
                continue
            elif rule != SECRET:
                continue
            pairs.append((name, value))
            if rule != SECRET:
                copied.append(b"%b: %b\r\n" % (name, value))
        if nominated:
            self._drop({token.strip() for token in nominated} - {b"content-length"})
        if events and not buffering:
            self.pairs.append((b"x-accel-buffering", b"no"))
        self._block = copied

    def _drop(self, names: set[bytes]) -> None:
        self.pairs[:] = [pair for pair in self.pairs if pair[0].lower() not in names]

    @property
    def two_framings(self) -> bool:
        """Whether it is not certain where the answer ends, or it uses a coding that nobody asked for."""
        return self.lengths > 1 or self.codings > 1 or (self.lengths > 0 and self.codings > 0)

    def copied(self) -> bytes:
        """The lines that the extractor may see."""
        return b"".join(self._block)
