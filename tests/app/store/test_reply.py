"""Bulk replies: read as they arrive in whatever pieces, and nothing else than a reply is taken for one."""

from __future__ import annotations

import pytest

from app.errors import Unavailable
from app.store.reply import RECEIVE_BYTES, Reply


class Arriving:
    """A link on which these bytes arrive, `step` at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.closed = data, step, False

    def receive_into(self, view: memoryview) -> int:
        part = self.data[: min(self.step, len(view))]
        if not part:
            raise Unavailable("timed out")
        view[: len(part)] = part
        self.data = self.data[len(part) :]
        return len(part)

    def close(self) -> None:
        self.closed = True


def arriving(data: bytes, step: int = 1 << 16) -> Reply:
    return Reply(Arriving(data, step), bytearray(RECEIVE_BYTES))


def encoded(value: object) -> bytes:
    """A value in the Redis protocol."""
    if value is None:
        return b"*-1\r\n"
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n" % len(value) + b"".join(map(encoded, value))


@pytest.mark.parametrize("step", [1, 3, 1 << 16])
def test_texts_lines_and_arrays_are_read_in_order_in_whatever_pieces(step) -> None:
    large = bytes(range(256)) * 4_000
    reply = arriving(b"+OK\r\n$5\r\na\r\nb\r\r\n$-1\r\n*2\r\n" + encoded(large) + encoded(b""), step)
    assert reply.line() == b"+OK"
    assert [reply.text(), reply.text()] == [b"a\r\nb\r", None]
    reply.array(2)
    assert [reply.text(), reply.text()] == [large, b""]
    assert reply.position == reply.end


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"-LOADING the data\r\n", "LOADING"), (b":1\r\n", "not the one"), (b"$x\r\n", "not the one")],
)
def test_what_is_no_such_reply_closes_the_connection(data, told) -> None:
    reply = arriving(data)
    with pytest.raises(Unavailable, match=told):
        reply.text()
    assert reply._link.closed
