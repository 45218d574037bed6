"""Chunks that come by themselves pass as they are; whatever else comes is parsed, and nothing is lost between."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from app.gateway import relay
from app.gateway.chunks import OPENINGS
from app.gateway.connection import Connection
from app.gateway.splice import HELD_BYTES, Splice, passing
from app.gateway.upstream import Pool

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Deaf(asyncio.Transport):
    """A transport that writes nowhere."""

    def write(self, data):
        pass

    def abort(self):
        pass


class Client:
    """A client's connection that writes where it is told."""

    def __init__(self, write):
        self.write = write
        self.write_paused = False


def _never(*_):
    raise AssertionError("called")


def _connection():
    connection = Connection(Pool("http://model.test", 1.0, 1.0), asyncio.get_running_loop())
    connection.connection_made(Deaf())
    connection.begin(b"GET / HTTP/1.1\r\n\r\n", False, True)
    return connection


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
    connection = _connection()
    found, alone = [], []
    connection.pump = lambda: found.append(connection.take())

    def write(chunk):
        alone.append(chunk)
        found.append(chunk[len(OPENINGS[len(chunk)]) : -2])

    receive = passing(connection, Client(write), None, _never, _never)
    for data in reads:
        if data:
            receive(data)
    assert b"".join(found) == b"".join(bodies)
    assert alone
    assert set(alone) <= set(chunks)
    assert (connection.complete, connection.keep, connection.spoiled, connection.error) == (True, True, False, "")


@pytest.mark.parametrize(
    "wrong", [b"zz\r\nab\r\n", b"2\r\nabc\r\n", b"-2\r\nab\r\n", b"0x2\r\nab\r\n", b"2\nab\r\n", b"\r\n"]
)
async def test_what_is_no_chunk_ends_the_exchange_between_two_as_anywhere(wrong):
    for begun in ((HEAD,), (HEAD, b"2\r\nab\r\n"), (HEAD + b"1;x=y\r\na\r\n", b"2\r\ncd\r\n")):
        connection = _connection()
        connection.pump = connection.take
        passed = []
        receive = passing(connection, Client(passed.append), None, _never, _never)
        for data in (*begun, wrong):
            receive(data)
        assert passed == list(begun[1:])
        assert connection.error == "invalid"


@pytest.mark.parametrize("cut", range(1, len(HEAD) + 1))
async def test_a_chunk_behind_part_of_a_head_is_never_taken_for_one_by_itself(cut):
    chunk = b"2\r\nab\r\n"
    connection = _connection()
    taken, passed = [], []
    connection.pump = lambda: taken.append(connection.take())
    receive = passing(connection, Client(passed.append), None, _never, _never)
    for data in (HEAD[:cut], HEAD[cut:] + chunk, chunk):
        receive(data)
    assert b"".join(taken) + b"ab" * len(passed) == b"abab"
    assert (connection.status, connection.error) == (200, "")


async def test_what_is_held_for_the_copy_is_sorted_before_it_is_much():
    chunk = b"1000\r\n%b\r\n" % (b"x" * 4096)
    connection = _connection()
    connection.pump = connection.take
    held, most = [], []

    def sort():
        most.append(len(held))
        held.clear()

    receive = passing(connection, Client(lambda _: None), held, sort, _never)
    receive(HEAD)
    for _ in range(100):
        receive(chunk)
    assert len(most) == 100 // (HELD_BYTES // len(chunk) + 1)
    assert max(most) * len(chunk) < HELD_BYTES + len(chunk)


async def test_a_client_that_is_slow_or_breaks_ends_the_short_way():
    connection = _connection()
    connection.pump = connection.take
    ends = []
    client = Client(lambda _: None)
    receive = passing(connection, client, None, _never, ends.append)
    receive(HEAD)
    receive(b"2\r\nab\r\n")
    client.write_paused = True
    receive(b"2\r\ncd\r\n")
    assert ends == [None]
    broken = passing(connection, Client(_never), None, _never, ends.append)
    broken(b"2\r\nef\r\n")
    assert isinstance(ends[1], AssertionError)


class Silent(asyncio.Protocol):
    """What a splice stands in for: it keeps what it is told."""

    def __init__(self):
        self.told = []

    def __getattribute__(self, name):
        if name in ("eof_received", "connection_lost", "pause_writing", "resume_writing"):
            return lambda *_: self.told.append(name)
        return super().__getattribute__(name)


def test_all_but_the_data_reaches_the_connection_itself():
    connection, got = Silent(), []
    splice = Splice(connection, got.append)
    splice.data_received(b"x")
    splice.pause_writing()
    splice.resume_writing()
    splice.eof_received()
    splice.connection_lost(None)
    assert got == [b"x"]
    assert connection.told == ["pause_writing", "resume_writing", "eof_received", "connection_lost"]


@pytest.mark.parametrize("warm", [True, False])
def test_events_pass_one_by_one_as_they_were_cut_and_are_copied_whole(model_api, client, kit, sink, monkeypatch, warm):
    """On a pooled connection, and on a new one with a request in chunks, which a coroutine relays."""
    passed = []

    class Watched:
        def __init__(self, client):
            self.client = client

        def write(self, chunk):
            passed.append(chunk)
            self.client.write(chunk)

        @property
        def write_paused(self):
            return self.client.write_paused

    def watched(connection, client, *rest):
        return passing(connection, Watched(client), *rest)

    monkeypatch.setattr(relay, "passing", watched)
    events = [b"data: %d %b\n\n" % (number, b"x" * (37 * number)) for number in range(12)]
    taken = []

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(HEAD)
        for event in events:
            wire.send(kit.chunk(event))
            kit.until(lambda event=event: event in b"".join(taken), "the event at the client")
        wire.send(b"0\r\n\r\n")

    if warm:
        model_api.behaviour = kit.echo
        assert client.ask("/warm", b"{}")[0] == 200  # so that the next request finds a pooled connection
        model_api.behaviour = behave
        client.request("/chunks", b"{}")
    else:
        model_api.behaviour = behave
        head = b"POST /chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        client.sock.sendall(head + kit.chunk(b"{}") + b"0\r\n\r\n")
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
    assert passed[-11:] == list(map(kit.chunk, events[1:]))  # the first may have come with the head


@pytest.mark.parametrize("warm", [True, False])
def test_a_chunk_that_cannot_be_passed_on_ends_its_exchange_alone(model_api, client, kit, gateway, monkeypatch, warm):
    class Broken:
        write_paused = False

        def write(self, chunk):
            raise RuntimeError("no way through")

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(HEAD)
        kit.until(lambda: gateway.counters()["in_flight"] == 1, "the exchange")
        while not noticed:
            wire.send(kit.chunk(b"data: x\n\n"))
            time.sleep(0.01)

    noticed = []
    if warm:
        assert client.ask("/warm", b"{}")[0] == 200
    before = gateway.counters()["faults"]
    monkeypatch.setattr(relay, "passing", lambda connection, _, *rest: passing(connection, Broken(), *rest))
    model_api.behaviour = behave
    client.request("/broken", b"{}")
    assert not client.rest().endswith(b"0\r\n\r\n")
    noticed.append(True)
    kit.until(lambda: gateway.counters()["in_flight"] == 0, "in_flight 0")
    assert gateway.counters()["faults"] == before + 1
