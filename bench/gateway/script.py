"""What the plays of a fuzzer are made of: decisions, answers of any kind, reads cut anywhere, ends of connections."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

REQUESTS: Final = (
    (b"POST", b"POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"),
    (b"POST", b"POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    (b"GET", b"GET /v1/x HTTP/1.0\r\nhost: a\r\n\r\n"),
    (b"HEAD", b"HEAD /v1/x HTTP/1.1\r\nhost: a\r\n\r\n"),
)
STATUSES: Final = (b"200 OK", b"200 OK", b"200 OK", b"429 Too Many Requests", b"204 No Content", b"500 Oh", b"304 No")
TYPES: Final = (b"text/event-stream", b"application/json", b"text/plain; charset=utf-8", b"application/json;x=y")
LINES: Final = (
    b"x-request-id: r", b"Connection: close", b"connection: keep-alive, x-hop", b"x-hop: 1", b"Set-Cookie: secret",
    b"Trailer: t", b"x-accel-buffering: yes", b"Keep-Alive: timeout=5", b"X-A: \xff", b"content-encoding: gzip",
    b"bad line", b"transfer-encoding: gzip", b"content-length: 3", b"Content-Length:  2", b"tE: x", b"a:",
)  # fmt: skip
SIZES: Final = (*(b"%x",) * 24, b"%X", b"0%x", b"%x;name=value", b"%x ", b"+%x", b"-%x", b"1%x", b"")
PIECES: Final = (b"data: x\n\n", b"a", b"\r\n", b"0\r\n\r\n", b"2\r\nab\r\n", b"z" * 300, b"y" * 5000, b"12\r\n" * 3)
ENDS: Final = (*(b"\r\n",) * 28, b"\n", b"", b"xx", b"\r\r\n")

NOWHERE: Final = socket.socket()
NOWHERE.close()


class Choices:
    """The input as decisions: a number below some bound at a time, 0 once it is used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, bound: int) -> int:
        """The next decision."""
        data = self._data[self._at : self._at + 1 + (bound > 256)]
        self._at += len(data)
        return int.from_bytes(data, "big") % bound

    def of(self, options: tuple[Any, ...]) -> Any:
        """One of these."""
        return options[self.below(len(options))]


class End(asyncio.Transport):
    """A transport to a peer that the play is: keeps what is written, and does what it is told one turn later."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.written: list[bytes] = []
        self.closing = self.reading = False
        self.over = -1  # pieces written since the peer was found slow; -1 while it is not
        protocol.connection_made(self)
        self.reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Its address, and a socket that is nowhere."""
        return {"peername": ("192.0.2.1", 1), "socket": NOWHERE}.get(name, default)

    def set_protocol(self, protocol: Any) -> None:
        """As every transport has it."""
        self.protocol = protocol

    def write(self, data: Any) -> None:
        """Keep it, unless there is nobody."""
        if self.closing:
            return
        self.written.append(bytes(data))
        if self.over >= 0:
            self.over += 1
            assert self.over < 3, "a slow peer is sent more and more"  # one to find out, and what came with it

    def slow(self) -> None:
        """The peer reads no more for now."""
        self.over = max(self.over, 0)
        self.protocol.pause_writing()

    def read_on(self) -> None:
        """The peer reads again."""
        self.over = -1
        self.protocol.resume_writing()

    def pause_reading(self) -> None:
        """As every transport has it."""
        self.reading = False

    def resume_reading(self) -> None:
        """As every transport has it."""
        self.reading = not self.closing

    def is_closing(self) -> bool:
        """As every transport has it."""
        return self.closing

    def close(self) -> None:
        """Nothing waits here, so that it is the same as to abort."""
        self.lose(None)

    def abort(self) -> None:
        """End it."""
        self.lose(None)

    def lose(self, error: Exception | None) -> None:
        """The connection ends, by us or by the peer."""
        if not self.closing:
            self.closing, self.reading = True, False
            asyncio.get_running_loop().call_soon(lambda: self.protocol.connection_lost(error))


def sized(form: bytes, chunk: bytes) -> bytes:
    """The line before a chunk, in one of the forms."""
    return (form % len(chunk) if form else b"") + b"\r\n"


def answer(choices: Choices) -> list[bytes]:
    """An answer, mostly a good one: its head, and its body in the units that a server would write at once."""
    lines = [b"HTTP/1.1 " + choices.of(STATUSES)]
    framing = choices.below(8)
    units = [choices.of(PIECES) for _ in range(choices.below(12) if framing < 5 else choices.below(4))]
    if framing < 5:
        lines.append(b"transfer-encoding: chunked")
        units = [sized(choices.of(SIZES), chunk) + chunk + choices.of(ENDS) for chunk in units]
        units.append(choices.of((*(b"0\r\n\r\n",) * 5, b"0\r\nt: 1\r\n\r\n", b"0\r\n", b"")))
    elif framing < 7:
        lines.append(b"content-length: %d" % max(sum(map(len, units)) + choices.of((0, 0, 0, 1, -1)), 0))
    if choices.below(4):
        lines.append(b"content-type: " + choices.of(TYPES))
    lines += [choices.of(LINES) for _ in range(max(choices.below(8) - 4, 0))]
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" if choices.below(6) == 5 else b""
    units.insert(0, interim + b"\r\n".join(lines) + b"\r\n\r\n")
    for _ in range(max(choices.below(8) - 6, 0)):
        which = choices.below(len(units))
        unit, at = units[which], choices.below(len(units[which]) + 1)
        units[which] = unit[:at] + bytes([choices.below(256)]) * choices.below(3) + unit[at + choices.below(3) :]
    return units


def cuts(choices: Choices, units: list[bytes]) -> list[bytes]:
    """The reads by which it comes: unit by unit, several at once, or cut anywhere."""
    reads = [b""]
    for unit in units:
        how = choices.below(8)
        if how == 1:
            at = choices.below(len(unit) + 1)
            reads[-1] += unit[:at]
            reads.append(unit[at:])
        elif how == 2:
            reads[-1] += unit
        else:
            reads.append(unit)
    return [read for read in reads if read]
