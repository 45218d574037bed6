"""Request smuggling and broken HTTP (case 46): refused here, and never sent on for another to read otherwise."""

from __future__ import annotations

import contextlib

import pytest

HEAD = b"POST /v1/x HTTP/1.1\r\nHost: a\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CORPUS = {
    "length and coding": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT, 400),
    "coding and length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + NEXT, 400),
    "two lengths": (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + NEXT, 400),
    "two equal lengths": (HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + NEXT, 400),
    "list of lengths": (HEAD + b"Content-Length: 5, 5\r\n\r\nhello" + NEXT, 400),
    "signed length": (HEAD + b"Content-Length: +5\r\n\r\nhello" + NEXT, 400),
    "negative length": (HEAD + b"Content-Length: -5\r\n\r\nhello" + NEXT, 400),
    "hexadecimal length": (HEAD + b"Content-Length: 0x5\r\n\r\nhello" + NEXT, 400),
    "empty length": (HEAD + b"Content-Length: \r\n\r\n" + NEXT, 400),
    "endless length": (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
    "length with a space before the colon": (HEAD + b"Content-Length : 5\r\n\r\nhello" + NEXT, 400),
    "folded header": (HEAD + b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n", 400),
    "folded coding": (HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + NEXT, 400),
    "folded first line": (b"POST /v1/x HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "coding with a tab": (HEAD + b"Transfer-Encoding:\tchunked\tx\r\n\r\n0\r\n\r\n" + NEXT, (400, 501)),
    "coding identity": (HEAD + b"Transfer-Encoding: identity\r\n\r\n" + NEXT, (400, 501)),
    "coding gzip": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", (400, 501)),
    "coding gzip, chunked": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    "coding chunked, identity": (HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", (400, 501)),
    "coding xchunked": (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", (400, 501)),
    "coding twice": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    "coding in HTTP/1.0": (b"POST /v1/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "no chunk size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", 400),
    "signed chunk size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400),
    "prefixed chunk size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
    "wrong chunk size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400),
    "endless chunk size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\nhello", 400),
    "chunk longer than its size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size ended by LF": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", 400),
    "lines ended by LF": (b"POST /v1/x HTTP/1.1\nHost: a\nContent-Length: 0\n\n", 400),
    "lone CR in a header": (HEAD + b"X-A: b\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n", 400),
    "NUL in a value": (HEAD + b"X-A: b\x00c\r\nContent-Length: 0\r\n\r\n", 400),
    "NUL in a name": (HEAD + b"X-\x00A: b\r\nContent-Length: 0\r\n\r\n", 400),
    "space in a name": (HEAD + b"X A: b\r\nContent-Length: 0\r\n\r\n", 400),
    "no name": (HEAD + b": b\r\nContent-Length: 0\r\n\r\n", 400),
    "no colon": (HEAD + b"nonsense\r\nContent-Length: 0\r\n\r\n", 400),
    "no Host": (b"POST /v1/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
    "two Hosts": (HEAD + b"Host: b\r\nContent-Length: 0\r\n\r\n", 400),
    "odd Host": (b"POST /v1/x HTTP/1.1\r\nHost: a/b@c\r\nContent-Length: 0\r\n\r\n", 400),
    "two Hosts in one": (b"POST /v1/x HTTP/1.1\r\nHost: a, b\r\nContent-Length: 0\r\n\r\n", (200, 400)),
    "space in the target": (b"POST /v1/x y HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400),
    "no version": (b"POST /v1/x\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/0.9": (b"GET /\r\n\r\n", (400, 505)),
    "HTTP/2.0": (b"POST /v1/x HTTP/2.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n", (400, 505)),
    "HTTP/1.2": (b"POST /v1/x HTTP/1.2\r\nHost: a\r\nContent-Length: 0\r\n\r\n", (400, 505)),
    "HTTP/11": (b"POST /v1/x HTTP/11\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400),
    "h2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "unknown method": (b"P\xd6ST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400),
    "CONNECT": (b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n", (400, 405, 501)),
    "target without a slash": (b"GET v1/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "target ftp": (b"GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)), 400),
    "nonsense": (b"\x00" * 64, 400),
    "oversized header": (HEAD + b"X-A: " + b"b" * 600_000 + b"\r\nContent-Length: 0\r\n\r\n", (400, 431)),
    "many headers": (HEAD + b"X-A: b\r\n" * 80_000 + b"Content-Length: 0\r\n\r\n", (400, 431)),
}
HARMLESS = ("two Hosts in one",)  # sent on under the upstream's own name


@pytest.mark.parametrize("name", CORPUS)
def test_case_46_ambiguous_or_broken_requests_are_refused_and_end_the_connection(gateway, upstream, wire, name):
    data, wanted = CORPUS[name]
    with gateway.client() as client:
        with contextlib.suppress(OSError):  # refused before its end
            client.send(data)
        try:
            answer = client.answer()
            assert answer.status in (wanted if isinstance(wanted, tuple) else (wanted,))
            if answer.status >= 400:
                assert answer.code
                assert client.rest() == b""  # nothing more is answered: what follows may be anything
        except ConnectionResetError:
            assert name in ("oversized header", "many headers")  # closed with bytes unread
    wire.eventually(gateway.idle, "an idle gateway")
    for asked in upstream.asked:
        assert asked.target != b"/smuggled"
        assert name in HARMLESS or asked.body is None or "chunk" in name, asked.head
    assert gateway.ask(wire.request(body=b"{}")).status == 200


@pytest.mark.parametrize("name", [name for name in CORPUS if "chunk" in name])
def test_case_46_a_body_that_breaks_is_never_completed_at_the_upstream(gateway, upstream, wire, name):
    with gateway.client() as client:
        client.send(CORPUS[name][0])
        client.sock.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            client.rest()
    wire.eventually(gateway.idle, "an idle gateway")
    assert all(asked.body is None for asked in upstream.asked)


def test_case_46_a_header_that_never_ends_is_refused_at_the_limit(gateway, upstream, wire):
    with gateway.client() as client:
        client.send(HEAD + b"X-A: ")
        try:
            for _ in range(64):
                client.send(b"b" * 65536)
        except OSError:
            pass
        with contextlib.suppress(ConnectionResetError):
            assert client.answer().status == 431
    assert upstream.asked == []
    wire.eventually(gateway.idle, "an idle gateway")


def test_case_46_the_second_request_of_a_connection_is_judged_like_the_first(gateway, upstream, wire):
    """Heads that repeat are not parsed anew: what differs must be noticed."""
    good = HEAD + b"Content-Length: 2\r\n\r\n{}"
    for data in (
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"Content-Length: 2 2\r\n\r\n{}",
        HEAD + b"Content-Length: \xb2\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\n x\r\n\r\n{}",
        HEAD + b"Host: b\r\nContent-Length: 2\r\n\r\n{}",
    ):
        with gateway.client() as client:
            for _ in range(3):
                assert client.ask(good).status == 200
            before = len(upstream.asked)
            assert client.ask(data).status == 400, data
            assert len(upstream.asked) == before


@pytest.mark.parametrize("size", [0, 1, 9, 10, 99, 100, 1000, 65536, 300_000])
def test_case_46_requests_with_repeated_heads_keep_their_own_bodies(gateway, upstream, wire, size):
    with gateway.client() as client:
        for number in range(4):
            body = bytes([65 + number]) * (size + number)
            assert client.ask(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body).status == 200
            assert upstream.asked[-1].body == body
            piped = [b"%d" % n * (size % 50 + 1) for n in range(3)]
            client.send(b"".join(HEAD + b"Content-Length: %d\r\n\r\n" % len(one) + one for one in piped))
            assert [client.answer().status for _ in piped] == [200] * 3
            assert [asked.body for asked in upstream.asked[-3:]] == piped


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "length and coding": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "odd length": b"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
    "two codings": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "coding gzip": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    "no HTTP": b"hello\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "status 99": b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
    "space in a name": b"HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
    "oversized": b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 600_000 + b"\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_case_46_answers_whose_end_is_uncertain_are_refused_with_502(gateway, copies, upstream, wire, name):
    upstream.says(ANSWERS[name])
    with gateway.client() as client:
        answer = client.ask(wire.request("POST", b"/odd", b"{}"))
        assert (answer.status, answer.code) == (502, "upstream_invalid")
        upstream.says(wire.plain(b"next"))
        assert client.ask(wire.request(body=b"{}")).body == b"next"
    assert copies.outcomes(b"/odd") == ["upstream_error"]


def test_case_46_bytes_after_an_answer_never_become_the_next_one(gateway, upstream, wire):
    """A poisoned connection: whoever asks next must not get what an upstream sent too much."""
    extra = wire.plain(b"poison")
    upstream.says(wire.plain(b"right") + extra)
    with gateway.client() as client:
        for _ in range(5):
            assert client.ask(wire.request(body=b"{}")).body == b"right"
    upstream.says(wire.plain(b"clean"))
    for _ in range(5):
        assert gateway.ask(wire.request(body=b"{}")).body == b"clean"
