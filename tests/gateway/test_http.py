"""HTTP correctness (cases 30 to 48): framing, coding, targets, methods, early answers, connections and their reuse."""

from __future__ import annotations

import gzip
import hashlib
import os
import select
import socket
import threading
import time
import zlib

import pytest

MIB = 1 << 20
FULL = os.environ.get("CONFORMANCE_FULL") == "1"
TEXT = b'{"hello": "world"}' * 20
BROTLI = b"\x0b\x02\x80hello\x03"  # hello
ZSTD = b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello"  # hello, in one raw block
CODINGS = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "deflate": zlib.compress(TEXT),
    "br": BROTLI,
    "zstd": ZSTD,
    "identity": TEXT,
    "gzip, br": gzip.compress(BROTLI, mtime=0),
    "x-unknown": b"\x00\xff\x80",
    "gzip;q=broken": gzip.compress(TEXT, mtime=0)[:-5],  # cut by whoever made it
}


# Codings and framings of answers.


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("status", [b"200 OK", b"429 Too Many Requests", b"500 Internal Server Error"])
def test_case_30_and_27_coded_answers_keep_bytes_and_header(gateway, upstream, wire, coding, framing, status):
    body = CODINGS[coding]
    named = b"Content-Encoding: " + coding.encode()
    if framing == "length":
        upstream.says(wire.plain(body, named, status=status))
    else:
        upstream.says(wire.chunked_head(named).replace(b"200 OK", status), wire.chunk(body), wire.end)
    answer = gateway.ask(wire.request("POST", b"/v1/x", b"{}", b"Accept-Encoding: gzip, br, zstd"))
    assert b"%d" % answer.status == status[:3]
    assert answer.values("content-encoding") == [coding.encode()]
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()
    assert upstream.asked[-1].values("accept-encoding") == [b"gzip, br, zstd"]


def test_case_27_the_copy_has_the_coded_bytes_and_says_so(gateway, copies, upstream, wire):
    body = gzip.compress(b'data: {"usage": 1}\n\n', mtime=0)
    upstream.says(wire.chunked_head(b"Content-Encoding: gzip"), wire.chunk(body), wire.end)
    gateway.ask(wire.request("POST", b"/coded", b"{}"))
    (copy,) = copies.of(b"/coded")
    assert copy.response_body == body
    assert (b"content-encoding", b"gzip") in copy.response_headers


def test_case_30_no_accept_encoding_is_added(gateway, upstream, wire):
    gateway.ask(wire.request("POST", b"/v1/x", b"{}"))
    assert upstream.asked[-1].values("accept-encoding") == []
    assert upstream.asked[-1].values("user-agent") == []
    assert upstream.asked[-1].values("accept") == []


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 300_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_case_31_framing_of_answers_is_kept(gateway, upstream, wire, size, framing):
    body = os.urandom(size)
    if framing == "length":
        upstream.says(wire.plain(body))
    else:
        upstream.says(wire.chunked_head(kind=b"application/json"), *([wire.chunk(body)] if body else []), wire.end)
    with gateway.client() as client:
        for _ in range(2):
            answer = client.ask(wire.request(body=b"{}"))
            assert answer.body == body
            assert bool(answer.values("content-length")) == (framing == "length")
            assert bool(answer.values("transfer-encoding")) == (framing == "chunked")


@pytest.mark.parametrize("size", [0, 1, 65536, 300_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_case_31_framing_of_requests_is_kept(gateway, upstream, wire, size, framing):
    body = os.urandom(size)
    if framing == "length":
        data = wire.request("POST", b"/v1/x", body)
    else:
        data = b"POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        data += (wire.chunk(body) if body else b"") + wire.end
    with gateway.client() as client:
        for _ in range(2):
            assert client.ask(data).status == 200
            asked = upstream.asked[-1]
            assert asked.body == body
            assert bool(asked.values("content-length")) == (framing == "length")
            assert bool(asked.values("transfer-encoding")) == (framing == "chunked")


@pytest.mark.parametrize("length", [b"Content-Length: 18", b"Transfer-Encoding: chunked", b"X-None: 1"])
def test_case_31_head_has_no_body_whatever_its_headers_say(gateway, upstream, wire, length):
    def script(link, asked):
        if asked.method == "HEAD":
            link.send(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
        else:
            link.body(asked)
            link.send(wire.plain(b"next"))

    upstream.script = script
    with gateway.client() as client:
        answer = client.ask(wire.request("HEAD", b"/v1/models"), bodiless=True)
        assert answer.status == 200
        assert upstream.asked[-1].method == "HEAD"
        if length.startswith(b"Content-Length"):
            assert answer.values("content-length") == [b"18"]
        assert client.ask(wire.request(body=b"{}")).body == b"next"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_case_31_204_and_304_have_no_body(gateway, upstream, wire, status):
    def script(link, asked):
        link.body(asked)
        link.send(b"HTTP/1.1 " + status + b'\r\nETag: "x"\r\n\r\n' if asked.target == b"/none" else wire.plain(b"next"))

    upstream.script = script
    with gateway.client() as client:
        answer = client.ask(wire.request("GET", b"/none"))
        assert b"%d" % answer.status == status[:3]
        assert answer.values("etag") == [b'"x"']
        assert answer.values("transfer-encoding") == answer.values("content-length") == []
        assert client.ask(wire.request(body=b"{}")).body == b"next"


def test_case_31_trailers_do_not_break_the_connection(gateway, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(b"Trailer: X-Sum"), wire.chunk(b"body"), b"0\r\nX-Sum: 1\r\n\r\n")

    upstream.script = script
    data = b"POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"up")
    with gateway.client() as client:
        for _ in range(3):
            answer = client.ask(data + b"0\r\nX-Sum: 2\r\n\r\n")
            assert answer.whole
            assert answer.body == b"body"
    assert [asked.body for asked in upstream.asked] == [b"up"] * 3


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "OPTIONS", "PROPFIND"])
def test_case_52_any_method_passes_and_may_have_a_body(gateway, upstream, wire, method):
    assert gateway.ask(wire.request(method, b"/v1/files/f", b"a body")).status == 200
    asked = upstream.asked[-1]
    assert (asked.method, asked.body) == (method, b"a body")
    assert gateway.ask(wire.request(method, b"/v1/files/f")).status == 200
    assert upstream.asked[-1].values("content-length") == upstream.asked[-1].values("transfer-encoding") == []


@pytest.mark.parametrize(
    "status", [b"201 Created", b"307 Temporary Redirect", b"418 Teapot", b"529 Overloaded", b"599 X"]
)
def test_case_36_no_status_is_followed_or_changed(gateway, upstream, wire, status):
    upstream.says(wire.plain(b"{}", b"Location: http://elsewhere.test/x", status=status))
    for path in (b"/v1/x", b"/v1/x/"):
        answer = gateway.ask(wire.request("POST", path, b"{}"))
        assert b"%d" % answer.status == status[:3]
        assert answer.values("location") == [b"http://elsewhere.test/x"]
    assert [asked.target for asked in upstream.asked] == [b"/v1/x", b"/v1/x/"]


# Targets.

TARGETS = [
    b"/",
    b"//",
    b"///v1//x",
    b"/v1/x/",
    b"/v1/models/publishers%2Fgoogle%2Fmodels%2Fm:generateContent",
    b"/v1/%252F",
    b"/v1/%2f%2F",
    b"/v1/a;b=c",
    b"/v1/a;b=c?d;e=f",
    b"/v1/caf%C3%A9",
    b"/v1/%F0%9F%A6%89",
    b"/v1/%",
    b"/v1/%zz",
    b"/v1/%00",
    b"/v1/..%2f..%2fetc",
    b"/v1/../x",
    b"/v1/./x",
    b"/v1/x?",
    b"/v1/x??",
    b"/v1/x?a=b?c=d",
    b"/v1/x?a=b&a=b&&",
    b"/v1/x?=",
    b"/v1/x?a+b=%20c+d",
    b"/v1/x?q=http://other.test/y",
    b"/v1/arn:aws:bedrock:us-east-1:1:inference-profile%2Fx/invoke",
    b"/v1/a@b",
    b"/v1/a:b!$&'()*+,=~",
    b"/v1/{id}",
    b'/v1/"quoted"',
    b"/v1/a|b\\c^`",
    b"/_stillwatc",
    b"/v1/" + b"x" * 4000,
    b"/v1/x?" + b"y" * 8000,
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:24].decode("latin-1"))
def test_case_35_targets_are_byte_equal(gateway, upstream, wire, target):
    assert gateway.ask(wire.request("POST", target, b"{}")).status == 200
    assert upstream.asked[-1].target == target


def test_case_35_bytes_that_no_target_may_have_are_refused_rather_than_changed(gateway, upstream, wire):
    assert gateway.ask(wire.request("POST", b"/v1/caf\xc3\xa9", b"{}")).code == "bad_request"
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://other.test/v1/x?a=%2F", b"/v1/x?a=%2F"),
        (b"https://other.test:99", b"/"),
        (b"http://other.test?a=b", b"/?a=b"),
        (b"HTTP://other.test/%2F", b"/%2F"),
    ],
)
def test_case_35_and_59_absolute_targets_lose_their_host_and_go_nowhere_else(gateway, upstream, wire, target, path):
    assert gateway.ask(wire.request("POST", target, b"{}")).status == 200
    assert upstream.asked[-1].target == path
    assert upstream.asked[-1].values("host") == [b"127.0.0.1:%d" % upstream.port]


def test_case_35_options_asterisk_passes(gateway, upstream, wire):
    assert gateway.ask(wire.request("OPTIONS", b"*")).status == 200
    assert (upstream.asked[-1].method, upstream.asked[-1].target) == ("OPTIONS", b"*")


# Uploads.


def test_case_37_expect_100_continue_with_a_large_body(gateway, upstream, wire):
    body = os.urandom(4 * MIB)
    head = wire.request("POST", b"/v1/files", body, b"Expect: 100-continue")[: -len(body)]
    with gateway.client() as client:
        client.send(head)
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        answer = client.ask(body)
        assert answer.status == 200
        assert answer.interim == []
        assert client.ask(wire.request(body=b"{}")).status == 200
    assert upstream.asked[0].body == body
    assert upstream.asked[0].values("expect") == []


def test_case_37_a_client_that_does_not_wait_for_100_is_served(gateway, upstream, wire):
    with gateway.client() as client:
        for body in (b"small", b"x" * 300_000):
            assert client.ask(wire.request("POST", b"/v1/files", body, b"Expect: 100-continue")).status == 200
            assert upstream.asked[-1].body == body


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_case_37_interim_answers_of_the_upstream_are_not_the_answer(gateway, upstream, wire, interim):
    upstream.says(b"HTTP/1.1 " + interim + b"\r\nLink: </x>\r\n\r\n", wire.plain(b"final", b"X-Final: 1"))
    with gateway.client() as client:
        for _ in range(2):
            answer = client.ask(wire.request(body=b"{}"))
            assert (answer.status, answer.body) == (200, b"final")
            assert answer.values("x-final") == [b"1"]


@pytest.mark.parametrize("ending", ["close", "reset", "open"])
@pytest.mark.parametrize("status", [b"413 Payload Too Large", b"401 Unauthorized"])
def test_case_38_early_answer_reaches_a_client_that_is_still_sending(gateway, copies, upstream, wire, ending, status):
    release = threading.Event()

    def script(link, asked):
        link.exactly(65536)
        link.send(wire.plain(b"too large", b"Connection: close", status=status))
        if ending == "open":
            release.wait(60)
        elif ending == "close":
            link.close()
        else:
            time.sleep(0.05)
            link.reset()

    upstream.script = script
    with gateway.client() as client:
        client.send(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (50 * MIB))
        sending = threading.Thread(target=push, args=(client.sock, 50 * MIB))
        sending.start()
        answer = client.answer()
        assert b"%d" % answer.status == status[:3]
        assert answer.body == b"too large"
        release.set()
        sending.join(60)
        assert not sending.is_alive()
    assert copies.outcomes(b"/early") == ["ok"]


def push(sock, size):
    try:
        for _ in range(size // 65536):
            sock.sendall(b"x" * 65536)
    except OSError:
        pass


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_case_43_a_huge_upload_streams_through(gateway, copies, upstream, wire, framing):
    size = (60 if FULL else 24) * MIB
    piece = os.urandom(MIB)
    begun = threading.Event()
    digest = [0, 0]

    def script(link, asked):
        begun.set()
        pieces = iter(link.chunk, b"") if framing == "chunked" else (link.exactly(MIB) for _ in range(size // MIB))
        for data in pieces:
            digest[:] = zlib.crc32(data, digest[0]), digest[1] + len(data)
        link.send(wire.plain())

    gateway.ask(wire.request(body=b"x" * MIB))
    upstream.script = script
    before = gateway.mark_peak()
    wanted = 0
    said = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % size
    with gateway.client() as client, gateway.client() as probe:
        client.send(b"POST /huge HTTP/1.1\r\nHost: a\r\n" + said + b"\r\n\r\n")
        for number in range(size // MIB):
            client.send(wire.chunk(piece) if framing == "chunked" else piece)
            wanted = zlib.crc32(piece, wanted)
            if number == 8:
                assert begun.wait(60)  # before the client's last byte
                assert probe.ask(wire.request("GET", b"/_stillwatch/livez")).status == 200
        assert client.ask(wire.end if framing == "chunked" else b"").status == 200
    assert digest == [wanted, size]
    assert gateway.peak() - before < 12 * MIB
    (copy,) = copies.of(b"/huge")
    assert copy.request_bytes == size
    assert len(copy.request_body) <= 65536


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_case_44_multipart_is_opaque(gateway, upstream, wire, framing):
    edge = b"--=_odd'boundary()+_,-./:=?"
    body = edge + b'\r\nContent-Disposition: form-data; name="file"; filename="a\xc3\xa9.wav"\r\n\r\n'
    body += bytes(range(256)) * 40 + b"\r\n" + edge + b"--\r\n"
    kind = b'Content-Type: multipart/form-data; boundary="=_odd\'boundary()+_,-./:=?"'
    if framing == "length":
        data = wire.request("POST", b"/v1/audio/transcriptions", body, kind)
    else:
        data = b"POST /v1/files HTTP/1.1\r\nHost: a\r\n" + kind + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        data += wire.chunk(body[:999]) + wire.chunk(body[999:]) + wire.end
    assert gateway.ask(data).status == 200
    assert upstream.asked[-1].body == body
    assert upstream.asked[-1].values("content-type") == [kind.partition(b": ")[2]]


# Connections.


@pytest.mark.parametrize("end", ["close", "reset"])
def test_case_39_stale_pooled_connection_never_makes_a_502_and_nothing_runs_twice(gateway, upstream, wire, end):
    """The upstream ends idle connections 0 to 50 ms after an answer, the client asks again at such moments."""
    count = 2000 if FULL else 400
    ran = []
    lock = threading.Lock()

    def script(link, asked):
        body = link.body(asked)
        with lock:
            ran.append(body)
        link.send(wire.plain(body))
        if int(body) % 2:
            idle, _, _ = select.select([link.sock], [], [], (int(body) * 7919 % 51) / 1000)
            if not idle:
                link.open = False
                wire.reset(link.sock) if end == "reset" else link.sock.close()

    upstream.script = script
    answers = {}

    def drive(numbers):
        with gateway.client() as client:
            for number in numbers:
                answers[number] = client.ask(wire.request(body=b"%d" % number))
                time.sleep((number * 104729 % 40) / 1000)

    threads = [threading.Thread(target=drive, args=(range(first, count, 8),)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers.values()} == {200}
    assert all(answer.body == b"%d" % number for number, answer in answers.items())
    assert sorted(ran) == sorted(b"%d" % number for number in range(count))


def test_case_39_a_request_that_lay_unread_when_the_upstream_closed_is_sent_again(gateway, upstream, wire):
    """Its kernel had taken the request, and says by a reset behind the FIN that nobody read it."""

    def script(link, asked):
        link.body(asked)
        link.send(wire.plain())
        if asked.target == b"/first":
            select.select([link.sock], [], [], 10)
            link.close()

    upstream.script = script
    for _ in range(10):
        assert gateway.ask(wire.request("POST", b"/first", b"{}")).status == 200
        assert gateway.ask(wire.request("POST", b"/second", b"{}")).status == 200
    assert [asked.target for asked in upstream.asked] == [b"/first", b"/second"] * 10


def test_case_39_a_connection_closed_while_idle_is_not_used(gateway, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.plain())
        link.close()

    upstream.script = script
    with gateway.client() as client:
        for _ in range(20):
            assert client.ask(wire.request(body=b"{}")).status == 200
            wire.eventually(lambda: gateway.counters()["upstream_idle"] == 0, "an empty pool")
    assert len({asked.link for asked in upstream.asked}) == 20


def test_case_39_healthy_connections_are_reused(gateway, upstream, wire):
    for _ in range(10):
        assert gateway.ask(wire.request(body=b"{}")).status == 200
    assert len({asked.link for asked in upstream.asked}) == 1


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "reused"])
def test_case_41_a_request_that_was_read_is_never_sent_again(gateway, copies, upstream, wire, used, end):
    def script(link, asked):
        link.body(asked)
        if asked.target == b"/once":
            # A reset that comes before the kernel says that it has the request looks like one that crossed it.
            link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            time.sleep(0.01)
            link.reset() if end == "reset" else link.close()
        else:
            link.send(wire.plain(b"{}", *([] if used else [b"Connection: close"])))

    upstream.script = script
    for _ in range(5):
        gateway.ask(wire.request(body=b"{}"))
        answer = gateway.ask(wire.request("POST", b"/once", b"{}"))
        assert (answer.status, answer.code) == (502, "upstream_closed")
    assert sum(asked.target == b"/once" for asked in upstream.asked) == 5
    assert copies.outcomes(b"/once", 5) == ["upstream_error"] * 5


def test_case_41_an_answer_that_breaks_off_in_its_head_is_never_asked_for_again(gateway, upstream, wire):
    def script(link, asked):
        link.body(asked)
        if asked.target == b"/half":
            link.send(b"HTTP/1.1 200 OK\r\nContent-")
            link.close()
        else:
            link.send(wire.plain())

    upstream.script = script
    gateway.ask(wire.request(body=b"{}"))
    assert gateway.ask(wire.request("POST", b"/half", b"{}")).code == "upstream_closed"
    assert [asked.target for asked in upstream.asked].count(b"/half") == 1


@pytest.mark.parametrize("status", [b"408 Request Timeout", b"429 Too Many Requests", b"503 Service Unavailable"])
def test_case_41_no_status_is_retried(gateway, upstream, wire, status):
    upstream.says(wire.plain(b"{}", b"Retry-After: 0", status=status))
    assert b"%d" % gateway.ask(wire.request(body=b"{}")).status == status[:3]
    assert len(upstream.asked) == 1


def test_case_40_idle_clients_are_kept_longer_than_load_balancers_keep_them(gateway, upstream, wire):
    """75 s is too long for a test: 6 s are more than the 5 that servers of this kind begin with."""
    from app.gateway.serve import KEEP_ALIVE_SECONDS

    assert KEEP_ALIVE_SECONDS >= 75
    with gateway.client() as client:
        assert client.ask(wire.request(body=b"{}")).status == 200
        time.sleep(6.2)
        assert client.ask(wire.request(body=b"{}")).status == 200


def test_case_42_connect_failures_are_told_at_once(another, free_port, wire):
    gateway = another(f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    answer = gateway.ask(wire.request(body=b"{}"))
    assert (answer.status, answer.code) == (502, "upstream_unreachable")
    assert time.monotonic() - began < 8


def test_http_1_0_clients_get_no_chunks(gateway, upstream, wire):
    upstream.says(wire.chunked_head(), wire.chunk(b"data: 1\n\n"), wire.chunk(b"data: 2\n\n"), wire.end)
    answer = gateway.ask(b"POST /v1/x HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
    assert answer.status == 200
    assert answer.values("transfer-encoding") == []
    assert answer.body == b"data: 1\n\ndata: 2\n\n"
    assert upstream.asked[-1].head.startswith(b"POST /v1/x HTTP/1.1\r\n")


def test_connection_close_is_honoured_and_keep_alive_is_the_default(gateway, upstream, wire):
    with gateway.client() as client:
        assert client.ask(wire.request(body=b"{}")).values("connection") == []
        answer = client.ask(wire.request("POST", b"/v1/x", b"{}", b"Connection: close"))
        assert answer.values("connection") == [b"close"]
        assert client.ended()


def test_pipelined_requests_are_answered_in_order(gateway, upstream, wire):
    def script(link, asked):
        body = link.body(asked)
        time.sleep(0.02 if asked.target == b"/0" else 0)
        link.send(wire.plain(asked.target + body))

    upstream.script = script
    with gateway.client() as client:
        client.send(b"".join(wire.request("POST", b"/%d" % n, b"x" * n) for n in range(20)))
        assert [client.answer().body for _ in range(20)] == [b"/%d" % n + b"x" * n for n in range(20)]


@pytest.mark.parametrize("extra", [b"Upgrade: websocket, h2c", b"Upgrade: TLS/1.0"])
def test_case_48_upgrades_to_all_but_websocket_are_refused_with_a_clear_501(gateway, copies, upstream, wire, extra):
    data = wire.request("GET", b"/v1/realtime", None, b"Connection: Upgrade", extra, b"Sec-WebSocket-Version: 13")
    with gateway.client() as client:
        answer = client.ask(data)
        assert (answer.status, answer.code) == (501, "upgrade_not_supported")
        assert b"WebSocket" in answer.body
    assert upstream.asked == []
    assert copies.outcomes(b"/v1/realtime") == ["rejected"]
