"""A cycle writes what its answer's head promises, and says so where it cannot."""

from __future__ import annotations

import asyncio

import pytest

from app.gateway.cycle import Cycle
from app.gateway.heads import AnswerHead


class Wire:
    """Stands where the client's connection would: keeps what was written."""

    faults = 0
    peer = "192.0.2.1"

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.running = set()
        self.written = b""
        self.closed = self.paused = self.write_paused = False
        self.answers = 0

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    abort = close

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def answered(self):
        self.answers += 1


def _cycle(wire, method="GET", version="1.1"):
    cycle = Cycle(wire, method, b"/t?q", version, [(b"Host", b"h")])
    cycle.keep_alive = True
    return cycle


@pytest.mark.parametrize(
    ("method", "version", "status", "lines", "expected", "closed"),
    [
        ("GET", "1.1", 200, [b"content-length: 4"], b"content-length: 4\r\n\r\nabcd", False),
        ("GET", "1.1", 200, [], b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", False),
        ("GET", "1.0", 200, [], b"connection: close\r\n\r\nabcd", True),
        ("HEAD", "1.1", 200, [b"content-length: 9"], b"content-length: 9\r\n\r\n", False),
        ("GET", "1.1", 304, [b"content-length: 9"], b"content-length: 9\r\n\r\n", False),
        ("GET", "1.1", 200, [b"content-length: 9"], b"content-length: 9\r\n\r\nabcd", True),
    ],
)
async def test_framings(method, version, status, lines, expected, closed):
    wire = Wire()
    cycle = _cycle(wire, method, version)
    cycle.begin(status, AnswerHead(lines), b"ab", False)
    cycle.write(b"", False)
    cycle.write(b"cd", True)
    assert wire.written.partition(b"\r\n")[2] == expected
    assert wire.closed is closed


async def test_an_answer_longer_than_its_length_is_a_fault():
    cycle = _cycle(Wire())
    with pytest.raises(RuntimeError, match="longer"):
        cycle.begin(200, AnswerHead([b"content-length: 1"]), b"ab", True)


async def test_the_body_is_read_as_it_comes_and_held_back_when_it_is_much():
    wire = Wire()
    cycle = _cycle(wire)
    assert cycle.take() is None
    cycle.feed(b"a" * 70_000)
    assert wire.paused
    reading = await cycle.read()
    assert reading == (b"a" * 70_000, True)
    waiting = asyncio.create_task(cycle.read())
    await asyncio.sleep(0)
    assert not wire.paused
    cycle.end()
    assert await waiting == (b"", False)
    gone = asyncio.create_task(cycle.read())
    await asyncio.sleep(0)
    cycle.left()
    assert await gone is None


async def test_leaving_is_told_once_and_nothing_is_written_after_it():
    wire, told = Wire(), []
    cycle = _cycle(wire)
    cycle.watch(lambda: told.append(1))
    cycle.left()
    assert cycle.begin(200, AnswerHead([]), b"x", True) is None
    assert cycle.write(b"x", True) is None
    assert (told, wire.written) == ([1], b"")
    cycle.watch(lambda: told.append(2))
    assert told == [1, 2]


async def test_asgi_applications_run_in_a_task():
    wire = Wire()
    cycle = _cycle(wire, "POST")
    cycle.feed(b"in")
    cycle.end()

    async def app(scope, receive, send):
        assert (scope["path"], scope["query_string"], scope["headers"]) == ("/t", b"q", [(b"host", b"h")])
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": body[::-1]})
        assert (await receive())["type"] == "http.disconnect"

    cycle.run(app(cycle.scope(), cycle.receive, cycle.send), driven=False)
    await asyncio.gather(*wire.running)
    assert wire.written.endswith(b"\r\n\r\nni")
    assert wire.answers == 1


async def test_an_application_that_stops_in_the_middle_is_a_cut():
    wire = Wire()
    cycle = _cycle(wire)

    async def work():
        cycle.begin(200, AnswerHead([]), b"part", False)

    cycle.run(work(), driven=True)
    assert wire.closed
    assert not wire.written.endswith(b"0\r\n\r\n")
