"""Chunks that come by themselves pass as they are; whatever else comes is parsed, and nothing is lost between."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from app.gateway.chunks import MOST_BYTES, OPENINGS
from app.gateway.connection import Connection
from app.gateway.upstream import Pool

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Deaf(asyncio.Transport):
    """A transport that writes nowhere."""

    def write(self, data):
        pass

    def abort(self):
        pass


def test_an_opening_is_known_by_the_length_of_its_chunk():
    for size in (1, 9, 15, 16, 255, 256, 4095, MOST_BYTES):
        chunk = b"%x\r\n%b\r\n" % (size, b"x" * size)
        assert chunk.startswith(OPENINGS[len(chunk)])
        assert chunk[len(OPENINGS[len(chunk)]) : -2] == b"x" * size
    assert len(b"0\r\n\r\n") not in OPENINGS


SIZES = [b"%x", b"%x", b"%x", b"%X", b"0%x", b"%x;name=value"]  # as servers may write them


def _chunks(chance):
    """Bodies of chunks, and the chunks in every form that a server may write."""
    lengths = [chance.choice([1, 2, 15, 16, 42, 171, 255, 256, 5000]) for _ in range(30)]
    bodies = [bytes(chance.choices(b"ab\r\n0", k=length)) for length in lengths]
    return bodies, [b"%b\r\n%b\r\n" % (chance.choice(SIZES) % len(body), body) for body in bodies]


@pytest.mark.parametrize("seed", range(40))
async def test_any_cut_of_any_form_gives_the_same_body(seed):
    chance = random.Random(seed)
    bodies, chunks = _chunks(chance)
    reads = [HEAD]
    for chunk in chunks:
        how = chance.random()
        if how < 0.6:
            reads.append(chunk)
        elif how < 0.8:
            reads[-1] += chunk
        else:
            at = chance.randrange(len(chunk))
            reads[-1] += chunk[:at]
            reads.append(chunk[at:])
    reads.append(b"0\r\ntrailer: 1\r\n\r\n")
    connection = Connection(Pool("http://model.test", 1.0, 1.0), asyncio.get_running_loop())
    connection.connection_made(Deaf())
    connection.begin(b"GET / HTTP/1.1\r\n\r\n", False, True)
    found, alone = [], []
    connection.pump = lambda: found.append(connection.take())

    def through(chunk, start):
        alone.append(chunk)
        found.append(chunk[start:-2])

    connection.through = through
    for data in reads:
        if data:
            connection.data_received(data)
    assert b"".join(found) == b"".join(bodies)
    assert alone
    assert set(alone) <= set(chunks)
    assert (connection.complete, connection.keep, connection.spoiled, connection.error) == (True, True, False, "")


@pytest.mark.parametrize(
    "wrong", [b"zz\r\nab\r\n", b"2\r\nabc\r\n", b"-2\r\nab\r\n", b"0x2\r\nab\r\n", b"2\nab\r\n", b"\r\n"]
)
async def test_what_is_no_chunk_ends_the_exchange_between_two_as_anywhere(wrong):
    connection = Connection(Pool("http://model.test", 1.0, 1.0), asyncio.get_running_loop())
    connection.connection_made(Deaf())
    connection.begin(b"GET / HTTP/1.1\r\n\r\n", False, True)
    connection.pump = connection.take
    passed = []
    connection.through = lambda chunk, _start: passed.append(chunk)
    for data in (HEAD, b"2\r\nab\r\n", b"2\r\ncd\r\n", wrong):
        connection.data_received(data)
    assert passed == [b"2\r\ncd\r\n"]
    assert connection.error == "invalid"


def test_events_pass_one_by_one_as_they_were_cut_and_are_copied_whole(model_api, client, kit, sink):
    events = [b"data: %d %b\n\n" % (number, b"x" * (37 * number)) for number in range(12)]
    taken = []

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(HEAD)
        for event in events:
            wire.send(kit.chunk(event))
            kit.until(lambda event=event: event in b"".join(taken), "the event at the client")
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = kit.echo
    assert client.ask("/warm", b"{}")[0] == 200  # so that the next request finds a pooled connection
    model_api.behaviour = behave
    client.request("/chunks", b"{}")
    raw = b""
    until = time.monotonic() + 10
    while b"0\r\n\r\n" not in raw and time.monotonic() < until:
        taken.append(client.sock.recv(65536))
        raw += taken[-1]
    body = raw.partition(b"\r\n\r\n")[2]
    assert body == b"".join(map(kit.chunk, events)) + b"0\r\n\r\n"
    copy = sink.copy(b"/chunks")
    assert copy.response_body == b"".join(events)
    assert copy.response_bytes == sum(map(len, events))
