"""Stream integrity (cases 11 to 20 and 42): every byte, when it comes, and never one that the upstream did not send."""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
import zlib

import pytest

MIB = 1 << 20
FULL = os.environ.get("CONFORMANCE_FULL") == "1"  # the sizes that the cases name, which take a minute
CHAT = (
    b'data: {"choices":[{"delta":{"content":"caf\xc3\xa9 \xf0\x9f\xa6\x89"}}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n'
)
RESPONSES = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"\xe6\xbc\xa2"}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed"}\n\n'
)
MESSAGES = (
    b'event: ping\ndata: {"type":"ping"}\n\n'
    b'event: content_block_delta\ndata: {"delta":{"type":"input_json_delta","partial_json":"{\\"a"}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
GEMINI = b'data: {"candidates":[{"content":{"parts":[{"text":"\xc3\xbc"}]},"finishReason":"STOP"}]}\r\n\r\n'
ARRAY = b'[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\r\n,{"usageMetadata":{"totalTokenCount":3}}]\r\n'
DIALECTS = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES, "gemini": GEMINI, "array": ARRAY}


# What an upstream that dies looks like.


@pytest.mark.parametrize("end", ["reset", "close"])
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_case_11_truncated_stream_is_never_made_whole(gateway, copies, upstream, wire, framing, end):
    deltas = [b'data: {"n":1}\n\n', b'data: {"n":2}\n\n']
    seen = threading.Event()

    def script(link, asked):
        link.body(asked)
        if framing == "chunked":
            link.send(wire.chunked_head(), *map(wire.chunk, deltas))
        else:
            link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n", *deltas)
        seen.wait(60)  # a reset would overtake what was sent
        link.reset() if end == "reset" else link.close()

    upstream.script = script
    with gateway.client() as client:
        client.send(wire.request("POST", b"/dies", b"{}"))
        head = client.head()
        assert head.status == 200
        got = client.until(deltas[1])
        seen.set()
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            rest = client.rest()
    assert rest in (b"", b"\r\n")  # the end of the last chunk's line, never a last chunk
    assert b"[DONE]" not in got
    assert copies.outcomes(b"/dies") == ["upstream_truncated"]


def test_case_11_truncation_inside_a_chunk_passes_what_came(gateway, copies, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(), b"64\r\n" + b"x" * 50)
        link.close()

    upstream.script = script
    answer = gateway.ask(wire.request("POST", b"/inside", b"{}"))
    assert not answer.whole
    assert answer.body.count(b"x") == 50
    assert copies.outcomes(b"/inside") == ["upstream_truncated"]


def test_case_11_upstream_that_breaks_the_chunk_syntax_is_truncated(gateway, copies, upstream, wire):
    upstream.says(wire.chunked_head(), wire.chunk(b"data: 1\n\n"), b"zz\r\nnonsense")
    answer = gateway.ask(wire.request("POST", b"/syntax", b"{}"))
    assert not answer.whole
    assert b"nonsense" not in answer.body
    assert copies.outcomes(b"/syntax") == ["upstream_truncated"]


def test_case_11_an_answer_without_length_that_ends_in_a_reset_is_not_whole(gateway, copies, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: 1\n\n")
        time.sleep(0.2)
        link.reset()

    upstream.script = script
    assert not gateway.ask(wire.request("POST", b"/lengthless", b"{}")).whole
    assert copies.outcomes(b"/lengthless") == ["upstream_truncated"]


def test_case_11_an_answer_that_ends_with_its_connection_is_whole(gateway, copies, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: 1\n\n")
        link.close()

    upstream.script = script
    answer = gateway.ask(wire.request("POST", b"/ends", b"{}"))
    assert answer.whole
    assert answer.body == b"data: 1\n\n"
    assert copies.outcomes(b"/ends") == ["ok"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_case_12_and_18_no_terminal_event_is_demanded_or_added(gateway, copies, upstream, wire, dialect):
    upstream.says(wire.chunked_head(), wire.chunk(DIALECTS[dialect]), wire.end)
    answer = gateway.ask(wire.request("POST", b"/terminal", b"{}"))
    assert answer.whole
    assert answer.body == DIALECTS[dialect]
    assert copies.outcomes(b"/terminal") == ["ok"]


# When bytes come.


@pytest.mark.parametrize("kind", [b"text/event-stream", b"application/json", b"application/x-ndjson"])
def test_case_13_and_20_each_chunk_goes_on_before_the_next_is_there(gateway, upstream, wire, kind):
    """The upstream sends a chunk only when the client has got the one before: one lump would never come."""
    steps = [threading.Event() for _ in range(10)]

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(kind=kind))
        for number, step in enumerate(steps):
            assert step.wait(60)
            link.send(wire.chunk(b"<%d>" % number))
        link.send(wire.end)

    upstream.script = script
    with gateway.client() as client:
        client.send(wire.request(body=b"{}"))
        assert client.head().status == 200  # before any of the body
        for number, step in enumerate(steps):
            step.set()
            client.until(b"<%d>\r\n" % number)
        assert client.chunk() == b""


def test_case_13_chunks_arrive_within_50_ms_of_being_sent(gateway, upstream, wire):
    sent, got = [], []

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head())
        for number in range(12):
            time.sleep(0.05)
            sent.append(time.monotonic())
            link.send(wire.chunk(b"data: %d\n\n" % number))
        link.send(wire.end)

    upstream.script = script
    with gateway.client() as client:
        client.send(wire.request(body=b"{}"))
        client.head()
        while client.chunk():
            got.append(time.monotonic())
    late = [there - here for here, there in zip(sent, got, strict=True)]
    assert statistics.median(late) < 0.05, late
    assert sum(one < 0.05 for one in late) >= 9, late  # a busy machine may hold one or the other back


def test_case_13_event_streams_say_that_no_proxy_may_buffer(gateway, upstream, wire):
    upstream.says(wire.chunked_head(b"Cache-Control: no-cache"), wire.end)
    answer = gateway.ask(wire.request(body=b"{}"))
    assert answer.values("x-accel-buffering") == [b"no"]
    assert answer.values("cache-control") == [b"no-cache"]
    upstream.says(wire.chunked_head(b"X-Accel-Buffering: yes"), wire.end)
    assert gateway.ask(wire.request(body=b"{}")).values("x-accel-buffering") == [b"yes"]
    upstream.says(wire.plain())
    assert gateway.ask(wire.request(body=b"{}")).values("x-accel-buffering") == []


@pytest.mark.parametrize("framing", ["chunked", "length", "none"])
def test_case_14_headers_do_not_wait_for_the_body(gateway, upstream, wire, framing):
    got = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

    def script(link, asked):
        link.body(asked)
        if framing == "chunked":
            link.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        else:
            link.send(head + (b"Content-Length: 2\r\n\r\n" if framing == "length" else b"\r\n"))
        assert got.wait(60)
        link.send(wire.chunk(b"{}") + wire.end if framing == "chunked" else b"{}")
        if framing == "none":
            link.close()

    upstream.script = script
    with gateway.client() as client:
        client.send(wire.request(body=b"{}"))
        assert client.head().status == 200
        got.set()


def test_case_19_nothing_is_injected_into_silence(gateway, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(), wire.chunk(b"data: 1\n\n"))
        time.sleep(2.5)
        link.send(wire.chunk(b"data: 2\n\n"), wire.end)

    upstream.script = script
    assert gateway.ask(wire.request(body=b"{}")).body == b"data: 1\n\ndata: 2\n\n"


def test_case_42_long_silence_is_not_cut_and_no_total_limit_applies(gateway, copies, upstream, wire):
    """The idle limit is 4 s here: silences below it pass, although together they are longer."""

    def script(link, asked):
        link.body(asked)
        time.sleep(2.2)
        link.send(wire.chunked_head())
        for number in range(2):
            time.sleep(2.2)
            link.send(wire.chunk(b"data: %d\n\n" % number))
        link.send(wire.end)

    upstream.script = script
    began = time.monotonic()
    answer = gateway.ask(wire.request("POST", b"/silent", b"{}"))
    assert time.monotonic() - began > 6
    assert answer.whole
    assert answer.body == b"data: 0\n\ndata: 1\n\n"
    assert copies.outcomes(b"/silent") == ["ok"]


def test_case_42_endless_silence_ends_at_the_idle_limit(another, sink, upstream, wire):
    gateway = another(STILLWATCH_IDLE_SECONDS="1")
    copies = sink(gateway)

    def script(link, asked):
        link.body(asked)
        if asked.target == b"/begun":
            link.send(wire.chunked_head(), wire.chunk(b"data: 1\n\n"))
        link.abandoned()
        link.close()

    upstream.script = script
    answer = gateway.ask(wire.request("POST", b"/never", b"{}"))
    assert (answer.status, answer.code) == (504, "upstream_timeout")
    answer = gateway.ask(wire.request("POST", b"/begun", b"{}"))
    assert (answer.status, answer.whole) == (200, False)
    assert copies.outcomes(b"/never") == copies.outcomes(b"/begun") == ["timeout"]


def test_case_42_a_reader_that_pauses_longer_than_the_idle_limit_is_not_the_upstreams_silence(another, upstream, wire):
    """Back-pressure makes the upstream's connection quiet: that is the client's doing."""
    gateway = another(STILLWATCH_IDLE_SECONDS="1")
    piece = wire.chunk(b"x" * 65535)

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(), *[piece] * 160, wire.end)

    upstream.script = script
    with gateway.client(buffer=32768) as client:
        client.send(wire.request(body=b"{}"))
        client.head()
        time.sleep(2.5)
        size = 0
        while data := client.chunk():
            size += len(data)
    assert size == 160 * 65535


# Which bytes come.


@pytest.mark.parametrize("dialect", DIALECTS)
def test_case_15_answers_cut_at_every_byte_are_the_same_bytes(gateway, copies, upstream, wire, dialect):
    body = DIALECTS[dialect]
    whole = wire.chunked_head(b"X-Cut: yes") + wire.chunk(body) + wire.end
    cuts = range(1, len(whole))
    at = 0

    def script(link, asked):
        link.body(asked)
        link.send(whole[:at])
        time.sleep(0.0002)
        link.send(whole[at:])

    upstream.script = script
    with gateway.client() as client:
        for at in cuts:
            answer = client.ask(wire.request("POST", b"/cut", b"{}"))
            assert answer.body == body, at
            assert answer.values("x-cut") == [b"yes"], at
    assert all(copy.response_body == body for copy in copies.of(b"/cut", len(cuts)))


def test_case_15_answers_that_come_byte_by_byte_are_the_same_bytes(gateway, upstream, wire):
    body = CHAT + MESSAGES
    whole = wire.chunked_head() + wire.chunk(CHAT) + wire.chunk(MESSAGES) + wire.end

    def script(link, asked):
        link.body(asked)
        for at in range(len(whole)):
            link.send(whole[at : at + 1])

    upstream.script = script
    answer = gateway.ask(wire.request(body=b"{}"))
    assert answer.whole
    assert answer.body == body


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_case_15_requests_cut_at_every_byte_are_the_same_bytes(gateway, upstream, wire, framing):
    body = '{"messages":[{"content":"caf\u00e9 \U0001f989"}]}'.encode()
    if framing == "length":
        whole = wire.request("POST", b"/v1/x?a=%2F", body, b"X-Cut: yes")
    else:
        head = b"POST /v1/x?a=%2F HTTP/1.1\r\nHost: gateway.test\r\nX-Cut: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
        whole = head + wire.chunk(body[:20]) + wire.chunk(body[20:]) + wire.end
    with gateway.client() as client:
        for at in range(1, len(whole)):
            client.send(whole[:at])
            time.sleep(0.0002)
            client.send(whole[at:])
            assert client.answer().status == 200, at
            asked = upstream.asked[-1]
            assert (asked.target, asked.body, asked.values("x-cut")) == (b"/v1/x?a=%2F", body, [b"yes"]), at
    assert len(upstream.asked) == len(whole) - 1


NOISE = {
    "crlf": b"data: 1\r\n\r\ndata: [DONE]\r\n\r\n",
    "cr": b"data: 1\r\rdata: [DONE]\r\r",
    "mixed": b"data: 1\n\r\ndata: 2\r\n\ndata: 3\r\r\n",
    "comment": b": ping\n\n: OPENROUTER PROCESSING\n\ndata: 1\n\n",
    "ping": b"event: ping\ndata: {}\n\n",
    "lines": b"data: 1\ndata: 2\ndata:3\n\n",
    "bom": b"\xef\xbb\xbfdata: 1\n\n",
    "unended": b"data: 1\n\ndata: 2",
    "binary": bytes(range(256)),
    "chunk-like": b"5\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_case_18_line_endings_and_noise_pass_as_they_are(gateway, upstream, wire, noise, framing):
    body = NOISE[noise]
    if framing == "chunked":
        upstream.says(wire.chunked_head(), *(wire.chunk(body[at : at + 3]) for at in range(0, len(body), 3)), wire.end)
    else:
        upstream.says(wire.plain(body))
    answer = gateway.ask(wire.request(body=b"{}"))
    assert answer.whole
    assert answer.body == body


# How much memory.


def pour(upstream, wire, total, piece, kind=b"text/event-stream", status=b"200 OK"):
    """An upstream that sends `total` bytes in pieces as fast as it may; the digest of all."""
    count = total // len(piece)
    digest = 0
    for _ in range(count):
        digest = zlib.crc32(piece, digest)

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(kind=kind).replace(b"200 OK", status))
        framed = wire.chunk(piece)
        for _ in range(count):
            link.send(framed)
        link.send(wire.end)

    upstream.script = script
    return digest, count * len(piece)


def drink(client):
    """Size and digest of the body."""
    digest = size = 0
    while data := client.chunk():
        digest = zlib.crc32(data, digest)
        size += len(data)
    return digest, size


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"], ids=["case_16", "case_45"])
def test_case_16_and_45_a_stream_without_a_newline_is_not_gathered(gateway, copies, upstream, wire, status):
    wanted = pour(upstream, wire, (256 if FULL else 48) * MIB, os.urandom(32768).replace(b"\n", b"x"), status=status)
    assert gateway.ask(wire.request(body=b"{}")).whole  # warm
    before = gateway.mark_peak()
    with gateway.client() as client:
        client.send(wire.request("POST", b"/endless", b"{}"))
        assert b"%d" % client.head().status == status[:3]
        assert drink(client) == wanted
    assert gateway.peak() - before < 20 * MIB
    (copy,) = copies.of(b"/endless")
    assert copy.response_bytes == wanted[1]
    assert len(copy.response_body) <= 65536


def test_case_17_a_slow_reader_does_not_fill_the_gateways_memory(gateway, upstream, wire):
    size = (200 if FULL else 64) * MIB
    wanted = pour(upstream, wire, size, os.urandom(65536))
    before = gateway.mark_peak()
    with gateway.client(buffer=65536) as client:
        client.send(wire.request(body=b"{}"))
        client.head()
        held = client.chunk()
        time.sleep(0.5)  # the upstream could have sent everything by now
        assert gateway.rss() - before < 16 * MIB
        digest, rest = zlib.crc32(held), len(held)
        while data := client.chunk():
            digest, rest = zlib.crc32(data, digest), rest + len(data)
    assert (digest, rest) == wanted
    assert gateway.peak() - before < 16 * MIB
