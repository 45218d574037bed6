"""The hand-off: bounded, never waiting, every loss counted."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from app.store import handoff
from app.store.frames import Copy, Counters, Decoder, Subject, encode
from app.store.handoff import Sender, serve


def _copy(number=0, size=10):
    return Copy(
        at=1.5,
        client=number,
        peer="192.0.2.1",
        method="POST",
        target=b"/v1",
        request_headers=((b"a", b"b"),),
        request_body=b"q" * size,
        request_bytes=size,
        request_cut=-1,
        status=200,
        response_headers=(),
        response_body=b"r",
        response_bytes=1,
        response_cut=-1,
        ttfb=0.1,
        duration=0.2,
        outcome=0,
    )


def _offer(sender, frame):
    return sender.offer_parts(len(frame), (frame[:20], frame[20:]))


async def _until(condition, seconds=60):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


async def _stop(server):
    """Stop listening, and let the accepted connections see their end."""
    server.close()
    await asyncio.sleep(0.02)


@pytest.fixture
def path():
    with tempfile.TemporaryDirectory() as folder:  # short: a unix socket's path is limited
        yield Path(folder) / "h.sock"


async def test_copies_arrive_in_order_and_are_acknowledged(path):
    got = []
    server = await serve(path, got.extend)
    sender = Sender(path, 1 << 20, "g")
    sender.start()
    for number in range(500):
        assert sender.offer(encode(_copy(number)))
    await _until(lambda: sender.sent == 500)
    assert [copy.client for copy in got] == list(range(500))
    assert (sender.dropped, sender.waiting, sender.connected) == (0, 0, True)
    await sender.close(1)
    await _stop(server)


def _facts(number):
    subject = Subject(b"192.0.2.1", b"POST", b"/v1")
    return 1.5, number, subject, (b"a: ", b"\r\n"), b"b", b"q" * 10, 200, b"", b"r", 0.1, 0.2, 0


async def test_copies_whose_frames_are_made_late_are_the_same_in_the_same_order(path):
    got = []
    server = await serve(path, got.extend)
    sender = Sender(path, 1 << 20, "g")
    sender.start()
    size = len(encode(_copy()))
    for number in range(0, 1000, 2):
        assert sender.offer_whole(size, _facts(number))
        assert sender.waiting >= size
        if number % 6 == 0:
            assert _offer(sender, encode(_copy(number + 1)))
    await _until(lambda: sender.sent == 667)
    assert [copy.client for copy in got] == sorted(copy.client for copy in got)
    assert got[0] == _copy(0)
    assert (sender.dropped, sender.waiting) == (0, 0)
    full = Sender(path, 2 * size, "g")
    full.start()
    assert [full.offer_whole(size, _facts(number)) for number in range(3)] == [True, True, False]
    assert full.dropped == 1
    await full.close(0)
    assert full.dropped == 3
    await sender.close(1)
    await _stop(server)


async def test_the_socket_is_its_owners_alone_and_a_stale_one_is_replaced(path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    server = await serve(path, list)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(OSError, match="another extractor"):
        await serve(path, list)
    await _stop(server)


async def test_a_full_channel_drops_and_counts_without_waiting(path):
    sender = Sender(path, 10_000, "g")
    sender.start()
    frame = encode(_copy(size=3000))
    taken = [_offer(sender, frame) for _ in range(10)]
    assert taken == [True] * 3 + [False] * 7
    assert (sender.dropped, sender.connected) == (7, False)
    assert sender.waiting == 3 * len(frame) <= 10_000
    got = []
    server = await serve(path, got.extend)  # it comes late: what waited arrives
    await _until(lambda: sender.sent == 3)
    assert len(got) == 3
    await sender.close(1)
    await _stop(server)


async def test_what_an_extractor_took_and_never_acknowledged_is_counted_as_dropped(path):
    class Deaf(asyncio.Protocol):
        def connection_made(self, transport):
            made.append(transport)

        def data_received(self, data):
            made[-1].abort()

    made = []
    server = await asyncio.get_running_loop().create_unix_server(Deaf, str(path))
    sender = Sender(path, 1 << 20, "g")
    sender.start()
    await _until(lambda: sender.connected)
    for number in range(20):
        _offer(sender, encode(_copy(number)))
    await _until(lambda: sender.dropped == 20)
    assert sender.sent == 0
    server.close()
    made[-1].abort()
    await _until(lambda: not sender.connected)
    path.unlink(missing_ok=True)
    got = []
    server = await serve(path, got.extend)  # and it recovers
    _offer(sender, encode(_copy(99)))
    await _until(lambda: got)
    assert got[0].client == 99
    await sender.close(1)
    await _stop(server)


async def test_a_slow_extractor_holds_frames_in_the_bounded_channel(path):
    class Slow(asyncio.Protocol):
        def connection_made(self, transport):
            transport.pause_reading()
            self.transport = transport

    loop = asyncio.get_running_loop()
    made = []
    server = await loop.create_unix_server(lambda: made.append(Slow()) or made[-1], str(path))
    sender = Sender(path, 200_000, "g")
    sender.start()
    await _until(lambda: sender.connected)
    frame = encode(_copy(size=50_000))
    for _ in range(200):
        _offer(sender, frame)
        await asyncio.sleep(0.001)
    assert sender.dropped > 100
    assert sender.waiting <= 200_000
    for protocol in made:
        protocol.transport.abort()
    await sender.close(0)
    await _stop(server)


async def test_counters_are_sent_while_connected(path, monkeypatch):
    monkeypatch.setattr(handoff, "COUNTER_SECONDS", 0.02)
    got = []
    server = await serve(path, got.extend)
    values = {"requests": 1}
    sender = Sender(path, 1000, "gateway-7", lambda: values)
    sender.start()
    await _until(lambda: got)
    values["requests"] = 2
    await _until(lambda: got[-1] == Counters("gateway-7", {"requests": 2}))
    assert (sender.sent, sender.dropped) == (0, 0)
    await sender.close(1)
    await _stop(server)


class _Clogged(asyncio.Protocol):
    """An extractor that takes counters, and for now no copy."""

    def __init__(self, got):
        self._got = got
        self._decoder = Decoder()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        records = self._decoder.feed(data)
        self._got += records
        if any(isinstance(record, Copy) for record in records):
            self.transport.pause_reading()


async def test_counters_come_while_copies_wait_and_are_dropped(path, monkeypatch):
    monkeypatch.setattr(handoff, "COUNTER_SECONDS", 0.02)
    got, made = [], []
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: made.append(_Clogged(got)) or made[-1], str(path))
    sender = Sender(path, 200_000, "g", lambda: {"dropped": sender.dropped})
    sender.start()
    await _until(lambda: sender.connected)
    frame = encode(_copy(size=50_000))
    while sender.dropped < 100:
        _offer(sender, frame)
        await asyncio.sleep(0)
    await _until(lambda: got[-1] == Counters("g", {"dropped": sender.dropped}))
    for protocol in made:
        protocol.transport.abort()
    await sender.close(0)
    await _stop(server)


async def test_an_extractor_that_reads_no_counters_does_not_fill_the_gateways_memory(path, monkeypatch):
    monkeypatch.setattr(handoff, "COUNTER_SECONDS", 0.0)

    class Deaf(asyncio.Protocol):
        def connection_made(self, transport):
            transport.pause_reading()
            made.append(transport)

    made, asked = [], []
    server = await asyncio.get_running_loop().create_unix_server(Deaf, str(path))
    sender = Sender(path, 1000, "g", lambda: asked.append(1) or {"x" * 50_000: 1})
    sender.start()
    await _until(lambda: asked)
    last = 0
    while last < len(asked):  # until the kernel takes no more
        last = len(asked)
        await asyncio.sleep(0.1)
    assert len(asked) < 100
    for transport in made:
        transport.abort()
    await sender.close(0)
    await _stop(server)


async def test_what_a_gateway_drops_at_its_end_is_told(path):
    got, made = [], []
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: made.append(_Clogged(got)) or made[-1], str(path))
    sender = Sender(path, 1 << 30, "g", lambda: {"dropped": sender.dropped})
    sender.start()
    await _until(lambda: sender.connected and got)
    for _ in range(100):
        _offer(sender, encode(_copy(size=50_000)))
    await sender.close(0.05)
    assert sender.dropped > 0
    await _until(lambda: got[-1] == Counters("g", {"dropped": sender.dropped}))
    for protocol in made:
        protocol.transport.abort()
    await _stop(server)


async def test_closing_sends_what_waits_and_counts_what_cannot_go(path):
    got = []
    server = await serve(path, got.extend)
    sender = Sender(path, 1 << 20, "g")
    sender.start()
    await _until(lambda: sender.connected)
    _offer(sender, encode(_copy(1)))
    await sender.close(2)
    assert len(got) == 1
    assert not _offer(sender, encode(_copy(2)))
    await _stop(server)
    alone = Sender(path.with_name("nobody"), 1 << 20, "g")
    alone.start()
    _offer(alone, encode(_copy(3)))
    await alone.close(0.05)
    assert (alone.dropped, alone.waiting) == (1, 0)


async def test_a_peer_that_speaks_something_else_is_cut_off(path, caplog):
    got = []
    server = await serve(path, got.extend)
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"GET / HTTP/1.1\r\n\r\n" + os.urandom(50))
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(_read_all(reader), 5)
    assert got == []
    assert "hand-off connection closed" in caplog.text
    writer.close()
    await _stop(server)


async def _read_all(reader):
    if await reader.read() == b"":
        raise ConnectionResetError


def test_decoder_is_exported_with_the_channel():
    assert handoff.Decoder is Decoder
