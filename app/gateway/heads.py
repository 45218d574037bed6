"""What of a message's head goes on, in either direction, what is copied, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.gateway.credentials import SECRETS, SPACE, SPELLINGS, Headers
from app.gateway.problems import (
    BAD_HOST,
    BAD_TARGET,
    BAD_VERSION,
    NO_UPGRADE,
    TRANSFER_CODING,
    TWO_FRAMINGS,
    Problem,
)

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
EXPECT = 11

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
}
REQUEST_RULES = {
    **dict.fromkeys(SECRETS, SECRET),
    **dict.fromkeys(SPELLINGS, CREDENTIAL),
    **_COMMON,
    b"upgrade": UPGRADE,
    b"expect": EXPECT,
    # Ours alone: whoever reads it can believe it, also where underscores are read as hyphens.
    **{b"x%bstillwatch%bdecision" % (one, two): DROP for one in (b"-", b"_") for two in (b"-", b"_")},
    b"host": HOST,
}
RESPONSE_RULES = {
    **dict.fromkeys(SECRETS, SECRET),
    **_COMMON,
    b"upgrade": DROP,
    b"content-type": TYPE,
    b"x-accel-buffering": BUFFERING,
}
H2C = (b"upgrade", b"http2-settings")  # the headers of an offer of HTTP/2
HARMLESS = frozenset((b"keep-alive", b"close", b"Keep-Alive", b"Close", b""))  # values of Connection
HARMLESS_LINES = frozenset(name + b": " + value for name in (b"Connection", b"connection") for value in HARMLESS)


class _Spellings(dict[bytes, int]):
    """The rule of a header name however it is spelt; bounded, since others choose the names."""

    def __init__(self, rules: dict[bytes, int]) -> None:
        super().__init__(rules)
        self._rules = rules

    def __missing__(self, name: bytes) -> int:
        rule = self._rules.get(name.lower(), PLAIN)
        if len(self) < MEMO_LIMIT:
            self[name] = rule
        return rule


# Header lines that RESPONSE_RULES may concern, by the beginnings of their names.
_SPECIAL = re.compile(
    rb"\r\n(?:[cC][oO](?:[nN](?:[tT][eE][nN][tT]-[lLtT]|[nN])|[oO])|[kK][eE][eE]|[pP][rR][oO][xX]"
    rb"|[tT](?:[eE]|[rR][aA])|[uU][pP]|[sS][eE][tTcC]|[aA](?:[uU][tT]|[pP][iI])|[xX]-(?:[aA]|[gG][oO]))[^\r]*"
)
_request_rules = _Spellings(REQUEST_RULES)
_response_rules = _Spellings(RESPONSE_RULES)


class RequestHead:
    """A request's headers, read once: the lines that go on, and what the others say."""

    chunked = 0  # transfer codings seen; more than 1 is refused
    expects = False  # the client waits for 100 Continue; the gateway says so when it begins to read the body
    length = b""  # the value of Content-Length
    length_at = -1  # its place in lines
    _lengths = 0
    _hosts = 0
    _upgrade = b""  # protocols asked for
    _nominated: list[bytes] | None = None  # by Connection

    def __init__(self, headers: Headers) -> None:
        self.lines: list[bytes] = []  # name, colon, value, CR LF
        self.secret_at: list[int] = []  # places in lines
        self.credentials: Headers = []  # the headers that may carry one
        lines = self.lines
        rules = _request_rules
        for pair in headers:
            rule = rules[pair[0]]
            if rule == PLAIN or self._special(rule, *pair):
                lines.append(b"%b: %b\r\n" % pair)
        if self._nominated is not None:
            self._drop_nominated(self._nominated)

    def _special(self, rule: int, name: bytes, value: bytes) -> bool:
        """Note what a special header says; whether it still has to be added to what goes on."""
        if rule == LENGTH:
            self._lengths += 1
            self.length, self.length_at = value, len(self.lines)
        elif rule == HOST:
            self._hosts += 1 if _HOST_SYNTAX.fullmatch(value) is not None else 2
        elif rule == CREDENTIAL:
            # White space behind it would make it another client's here, and goes unseen by the model API.
            pair = (name, value.strip(SPACE))
            self.credentials.append(pair)
            self.secret_at.append(len(self.lines))
            self.lines.append(b"%b: %b\r\n" % pair)
        elif rule == SECRET:
            self.secret_at.append(len(self.lines))
        elif rule == CODING:
            self.chunked += 1 if value.lower() == b"chunked" else 16
        elif rule == CONNECTION:
            if value not in HARMLESS:
                self._nominated = [*(self._nominated or ()), *(token.strip().lower() for token in value.split(b","))]
        elif rule == UPGRADE:
            self._upgrade = self._upgrade + b"," + value if self._upgrade else value or b","
        elif rule == EXPECT:
            self.expects = self.expects or value.lower() == b"100-continue"
        return rule in (LENGTH, SECRET)

    def _drop_nominated(self, tokens: list[bytes]) -> None:
        # A credential that names the client and never arrives would let a client choose its name.
        names = set(tokens) - {b"content-length", b"close", b"keep-alive", b"upgrade"} - SPELLINGS.keys()
        kept = [at for at, line in enumerate(self.lines) if line.partition(b":")[0].lower() not in names]
        if len(kept) < len(self.lines):
            moved = {at: new for new, at in enumerate(kept)}
            self.secret_at = [moved[at] for at in self.secret_at if at in moved]
            self.length_at = moved.get(self.length_at, -1)
            self.lines = [self.lines[at] for at in kept]

    @property
    def _upgrades(self) -> bool:
        """Whether its Upgrade header, if it has one, counts."""
        return bool(self._nominated and b"upgrade" in self._nominated)

    @property
    def websocket(self) -> bool:
        """Whether it asks to go on as a WebSocket, with no body before that."""
        if not self._upgrade:
            return False
        bare = not self.chunked and self.length in (b"", b"0")
        return bare and self._upgrades and self._upgrade.strip().lower() == b"websocket"

    def refused(self, method: str, version: str) -> Problem | None:
        """Why this request is not forwarded."""
        if version not in ("1.1", "1.0"):
            return BAD_VERSION
        if method == "CONNECT" or (
            self._upgrade and self._upgrades and not (self.websocket and method == "GET" and version == "1.1")
        ):
            return NO_UPGRADE
        if self._hosts != 1 and (self._hosts > 1 or version == "1.1"):
            return BAD_HOST
        if self.chunked:
            if self._lengths or version == "1.0":
                return TWO_FRAMINGS
            if self.chunked > 1:
                return TRANSFER_CODING
        return TWO_FRAMINGS if self._lengths > 1 else None


def without_h2c(method: bytes, target: bytes, headers: Headers) -> bytes:
    """The head of an HTTP/1.1 request that offers HTTP/2 and nothing else, without the offer; empty where it is none.

    Nobody has to take the offer, and Java's client makes it with every request that is not under TLS.
    """
    offered = [value.lower() for name, value in headers if name.lower() == b"upgrade"]
    if offered != [b"h2c"] or method == b"CONNECT":
        return b""
    lines = [b"%b %b HTTP/1.1\r\n" % (method, target)]
    for name, value in headers:
        lower = name.lower()
        if lower == b"connection":
            tokens = [token.strip() for token in value.split(b",")]
            value = b", ".join(token for token in tokens if token.lower() not in H2C)
        if lower not in H2C:
            lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join([*lines, b"\r\n"])


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


class AnswerHead:
    """An answer's head as it goes back to the client; its lines are read once and kept as they came."""

    length = -1  # -1 where the head does not say
    valid = True  # it is certain where the answer ends, and it is in no coding that nobody asked for
    coded = False  # its body comes in chunks
    _events = False  # it is a stream of server-sent events
    _buffering = False  # it says itself whether proxies may buffer
    _nominated: list[bytes] | None = None
    _secrets: list[bytes] | None = None

    def __init__(self, lines: list[bytes]) -> None:
        rules = _response_rules
        kept = []
        for line in lines:
            rule = rules[line[: line.index(b":")]]
            if rule == PLAIN:
                kept.append(line)
            elif rule == TYPE:
                kept.append(line)
                self._events = b"text/event-stream" in line.lower()
            elif rule != DROP and line not in HARMLESS_LINES and self._special(rule, line):
                kept.append(line)
        if self._nominated is not None:
            names = set(self._nominated) - {b"content-length"}
            kept = [line for line in kept if line.partition(b":")[0].lower() not in names]
        if self.coded and self.length >= 0:
            self.valid = False
        if self._events and not self._buffering:
            kept.append(b"x-accel-buffering: no")
        kept.append(b"")
        self.block = b"\r\n".join(kept)

    def _special(self, rule: int, line: bytes) -> bool:
        """Note what a special line says; whether it goes on."""
        value = line.partition(b":")[2].strip()
        if rule == LENGTH:
            self.valid = self.valid and self.length < 0 and value.isdigit()
            if self.valid:
                self.length = int(value)
        elif rule == CONNECTION:
            if value not in HARMLESS:
                self._nominated = [*(self._nominated or ()), *(token.strip().lower() for token in value.split(b","))]
        elif rule == CODING:
            self.valid = self.valid and not self.coded and value.lower() == b"chunked"
            self.coded = True
        elif rule == BUFFERING:
            self._buffering = True
        elif rule == SECRET:
            self._secrets = [*(self._secrets or ()), line]
        return rule not in (CONNECTION, CODING)

    def copied(self) -> bytes:
        """The lines that the extractor may see."""
        if self._secrets is None:
            return self.block
        return b"\r\n".join(line for line in self.block.split(b"\r\n") if line not in self._secrets)


def answer_head(block: bytes) -> AnswerHead:
    """The head of an answer's header lines: CR LF before the first of them, between them and after the last.

    The usual answer says its length and its type and nothing else that concerns us: its lines stay one block.
    """
    length = -1
    for line in _SPECIAL.findall(block):
        name, _, value = line.partition(b":")
        lower = name.lower()
        if lower == b"\r\ncontent-length" and length < 0 and (value := value.strip()).isdigit():
            length = int(value)
        elif lower != b"\r\ncontent-type" or b"event-stream" in value.lower():
            return AnswerHead(block[2:-2].split(b"\r\n") if len(block) > 2 else [])
    head = plain_head(block[2:])
    head.length = length
    return head


def plain_head(block: bytes) -> AnswerHead:
    """The head of an answer whose lines all go on as they came and may be copied; CR LF stands behind each."""
    head = AnswerHead.__new__(AnswerHead)
    head.block = block
    return head


def own_head(length: int, lines: Sequence[bytes] = ()) -> AnswerHead:
    """The head of a JSON answer that the gateway makes itself."""
    return AnswerHead([b"content-type: application/json", b"content-length: %d" % length, *lines])
