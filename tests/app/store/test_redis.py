"""Connecting: clear errors, short timeouts, no retries."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import redis

from app.errors import SettingError, Unavailable
from app.store.redis import LARGE_BYTES, Link, check, check_async, connect, connect_async, judge, pack


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "", "redis://localhost:port/0"])
@pytest.mark.parametrize("make", [connect, connect_async])
def test_a_wrong_url_is_named_without_its_password(make, url):
    with pytest.raises(SettingError, match="REDIS_URL") as caught:
        make(url.replace("localhost", "u:hunter2@localhost"))
    assert "hunter2" not in str(caught.value)


def test_an_old_server_is_refused():
    with pytest.raises(SettingError, match=r"6\.0\.16.*6\.2"):
        judge({"redis_version": "6.0.16"})
    assert judge({"redis_version": "7.2.4", "valkey_version": "9.1.2"}).version == "9.1.2"
    assert judge({"redis_version": "6.2"}).version == "6.2"


def test_a_server_that_may_evict_rows_is_recognised():
    full = {"redis_version": "7.0.0", "maxmemory": 1 << 30}
    assert judge({**full, "maxmemory_policy": "allkeys-lru"}).evicts
    assert not judge({**full, "maxmemory_policy": "noeviction"}).evicts
    assert not judge({**full, "maxmemory": 0, "maxmemory_policy": "allkeys-lru"}).evicts


async def test_both_clients_reach_a_real_server(redis_url):
    with connect(redis_url) as client:
        assert check(client).version
        assert client.get("nothing") is None
    async with connect_async(redis_url) as client:
        assert (await check_async(client)).version


def test_a_black_hole_is_given_up_after_one_timeout(private_valkey):
    private_valkey.start()
    with connect(private_valkey.url) as client:
        client.ping()
        private_valkey.pause()
        begun = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        with pytest.raises(Unavailable):
            check(client)
        assert time.monotonic() - begun < 10.0


async def test_nobody_there_is_unavailable_at_once(free_port):
    url = f"redis://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    with connect(url) as client, pytest.raises(Unavailable):
        check(client)
    async with connect_async(url) as client:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(check_async(client), 30)
    with pytest.raises(Unavailable):
        Link(url, 1.0).call("PING")
    assert time.monotonic() - begun < 10.0


def test_pack_speaks_the_protocol():
    assert pack("SET", b"k\r\n", 12) == b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n12\r\n"


def test_link_answers_in_order_and_keeps_binary(redis_url):
    link = Link(redis_url, 5.0)
    assert not link.connected
    value = bytes(range(256)) * 8192  # larger than one read
    assert link.pipeline([("SET", "k", value), ("GET", "k"), ("GET", "none")]) == [b"OK", value, None]
    assert link.pipeline([]) == []
    link.close()
    assert not link.connected
    assert link.call("GET", "k") == value
    link.close()


def test_link_raises_for_an_error_reply_and_heals(redis_url):
    link = Link(redis_url, 5.0)
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        link.pipeline([("SET", "k", "text"), ("LPUSH", "k", "1"), ("GET", "k")])
    assert link.call("GET", "k") == b"text"
    link.close()


def test_link_survives_a_server_that_dies_and_returns(private_valkey):
    private_valkey.start()
    link = Link(private_valkey.url, 1.0)
    assert link.call("PING") == b"PONG"
    private_valkey.kill()
    with pytest.raises(Unavailable):
        link.call("PING")
    with pytest.raises(Unavailable):
        link.call("PING")
    private_valkey.start()
    assert link.call("PING") == b"PONG"
    link.close()


def test_link_times_out(private_valkey):
    private_valkey.start()
    link = Link(private_valkey.url, 0.1)
    link.call("PING")
    private_valkey.pause()
    with pytest.raises(Unavailable, match="timed out"):
        link.call("PING")
    assert not link.connected
    private_valkey.resume()


def test_link_passes_over_replies_that_are_as_expected_and_reads_on(redis_url):
    link = Link(redis_url, 5.0)
    many = 300_000  # more than one read
    link.send(pack("SET", "k", "1") * many, pack("GET", "k"))
    assert link.expect(b"+OK\r\n" * many)
    assert link.read(1) == [b"1"]
    link.close()


@pytest.mark.parametrize("before", [0, 1, 40])
def test_link_reads_what_came_where_it_is_not_what_was_expected(redis_url, before):
    link = Link(redis_url, 5.0)
    link.send(pack("SET", "k", "1") * before, pack("GET", "k"), pack("INCR", "k"))
    assert not link.expect(b"+OK\r\n" * (before + 2))
    assert link.read(before + 2) == [b"OK"] * before + ([b"1", 2] if before else [None, 1])
    link.close()


def test_a_link_may_be_refused_for_as_long_as_it_takes(private_valkey):
    """The client library's pool gives up after a hundred connections ever made: an outage of a few minutes."""
    with contextlib.closing(Link(private_valkey.url, 1)) as link:
        for _ in range(150):
            with pytest.raises(Unavailable):
                link.ping()
        private_valkey.start()
        for _ in range(150):
            link.ping()
            link.close()
        assert link.call("PING") == b"PONG"


@pytest.fixture
def impostor():
    """A server on a Redis port that is no Redis: gives back what `answer` makes of each read."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers = {"now": bytes}

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, contextlib.suppress(OSError):
                    while data := peer.recv(65536):
                        peer.sendall(answers["now"](data))

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", answers
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("answer", [bytes, lambda data: b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["echo", "http"])
def test_something_else_on_the_port_is_unavailable(impostor, answer):
    url, answers = impostor
    answers["now"] = answer
    with contextlib.closing(Link(url, 1)) as link:
        with pytest.raises(Unavailable):
            link.ping()
        assert not link.connected


def test_a_real_server_answers_the_ping(redis_url):
    with contextlib.closing(Link(redis_url, 1)) as link:
        link.ping()
        assert link.connected


@pytest.mark.parametrize("size", [0, 1, LARGE_BYTES - 1, LARGE_BYTES, 3 * LARGE_BYTES])
def test_arguments_of_any_size_arrive_whole_and_in_order(redis_url, size):
    value = bytes(range(256)) * (size // 256 + 1)
    value = value[:size]
    link = Link(redis_url, 5.0)
    replies = link.pipeline(
        [
            ("SET", "a", memoryview(value)),
            ("SET", "b", value, "PX", 60_000),
            ("MSET", "c", value, "d", memoryview(value)),
            ("GET", "a"),
            ("GET", "b"),
            ("MGET", "c", "d"),
        ]
    )
    link.close()
    assert replies == [b"OK", b"OK", b"OK", value, value, [value, value]]


def test_a_packed_command_is_one_piece_whatever_its_size():
    value = b"x" * (2 * LARGE_BYTES)
    assert pack("SET", "k", value, 1) == b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%b\r\n$1\r\n1\r\n" % (len(value), value)
