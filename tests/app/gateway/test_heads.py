"""Heads: which lines go on, what the others say, what is refused."""

from __future__ import annotations

import pytest

from app.gateway import heads
from app.gateway.heads import RESPONSE_RULES, AnswerHead, RequestHead, answer_head, origin_form, own_head, without_h2c
from app.gateway.problems import Problem

HOST = (b"Host", b"h")


def test_plain_lines_keep_spelling_and_order():
    head = RequestHead([HOST, (b"X-B", b"2"), (b"x-a", b"1"), (b"X-B", b"3"), (b"CONTENT-LENGTH", b"4")])
    assert head.lines == [b"X-B: 2\r\n", b"x-a: 1\r\n", b"X-B: 3\r\n", b"CONTENT-LENGTH: 4\r\n"]
    assert (head.length, head.length_at) == (b"4", 3)
    assert head.refused("POST", "1.1") is None


def test_secrets_and_length_keep_their_places_when_lines_are_dropped():
    head = RequestHead(
        [
            (b"X-Gone", b"1"),
            (b"Authorization", b"Bearer k"),
            (b"X-Kept", b"2"),
            (b"Cookie", b"c"),
            (b"Content-Length", b"0"),
            (b"Connection", b"x-gone, Cookie"),
        ]
    )
    assert head.lines == [b"Authorization: Bearer k\r\n", b"X-Kept: 2\r\n", b"Content-Length: 0\r\n"]
    assert (head.secret_at, head.length_at) == ([0], 2)


def test_a_credential_goes_on_without_white_space_and_connection_cannot_take_it_away():
    head = RequestHead(
        [HOST, (b"X-Api-Key", b"k \t"), (b"Authorization", b"Bearer\tb "), (b"Connection", b"authorization, x-api-key")]
    )
    assert head.lines == [b"X-Api-Key: k\r\n", b"Authorization: Bearer\tb\r\n"]
    assert head.credentials == [(b"X-Api-Key", b"k"), (b"Authorization", b"Bearer\tb")]
    assert head.secret_at == [0, 1]


def test_credentials_with_underscores_are_secrets_too():
    head = RequestHead([HOST, (b"X_Api_Key", b"k"), (b"api_key", b"k"), (b"X-Other", b"1")])
    assert (len(head.lines), head.secret_at) == (3, [0, 1])


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ([], "1.1", 400),
        ([], "1.0", None),
        ([HOST, HOST], "1.0", 400),
        ([(b"Host", b"a b")], "1.0", 400),
        ([HOST], "2.0", 505),
        ([HOST, (b"Transfer-Encoding", b"chunked")], "1.0", 400),
        ([HOST, (b"Transfer-Encoding", b"Chunked")], "1.1", None),
        ([HOST, (b"Transfer-Encoding", b"gzip, chunked")], "1.1", 501),
        ([HOST, (b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"1")], "1.1", 400),
        ([HOST, (b"Content-Length", b"1"), (b"Content-Length", b"1")], "1.1", 400),
        ([HOST, (b"Upgrade", b"h2c")], "1.1", None),
        ([HOST, (b"Connection", b"close, UPGRADE"), (b"Upgrade", b"h2c")], "1.1", 501),
    ],
)
def test_what_is_refused(headers, version, status):
    problem = RequestHead(headers).refused("GET", version)
    assert (problem.status if problem else None) == status


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ([HOST, (b"Connection", b"Upgrade, X,HTTP2-Settings"), (b"upgrade", b"H2C"), (b"HTTP2-Settings", b"A")], b"X"),
        ([HOST, (b"Connection", b"close"), (b"Upgrade", b"h2c")], b"close"),
        ([HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"h2c"), (b"Upgrade", b"websocket")], None),
        ([HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"h2c, websocket")], None),
        ([HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")], None),
    ],
)
def test_an_offer_of_http_2_is_left_out(headers, left):
    expected = b"" if left is None else b"PUT /a?b HTTP/1.1\r\n%b: %b\r\nConnection: %b\r\n\r\n" % (*HOST, left)
    assert without_h2c(b"PUT", b"/a?b", headers) == expected
    assert without_h2c(b"CONNECT", b"h:1", headers) == b""


def test_connect_is_refused():
    assert RequestHead([HOST]).refused("CONNECT", "1.1").status == 501


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a?b", b"/a?b"),
        (b"*", b"*"),
        (b"http://h/a?b", b"/a?b"),
        (b"HTTPS://h", b"/"),
        (b"http://h?q=/x", b"/?q=/x"),
        (b"//h/a", b"//h/a"),
    ],
)
def test_origin_form(target, expected):
    assert origin_form(target) == expected


@pytest.mark.parametrize("target", [b"", b"a", b"ftp://h/a", b"?a"])
def test_targets_that_are_no_path(target):
    assert isinstance(origin_form(target), Problem)


def test_an_answers_lines_are_kept_as_they_came():
    head = AnswerHead([b"X-A:no space", b"x-b:   three  ", b"Keep-Alive: 5", b"Content-Length:  7 ", b"Set-Cookie: s"])
    assert head.block == b"X-A:no space\r\nx-b:   three  \r\nContent-Length:  7 \r\nSet-Cookie: s\r\n"
    assert (head.valid, head.length) == (True, 7)
    assert head.copied() == b"X-A:no space\r\nx-b:   three  \r\nContent-Length:  7 \r\n"


@pytest.mark.parametrize(
    "lines",
    [
        [b"content-length: 1", b"content-length: 1"],
        [b"content-length: 1", b"transfer-encoding: chunked"],
        [b"transfer-encoding: chunked", b"transfer-encoding: chunked"],
        [b"transfer-encoding: gzip"],
        [b"content-length: 1a"],
    ],
)
def test_answers_of_uncertain_length(lines):
    assert not AnswerHead(lines).valid


def test_the_gateways_own_answers_say_their_length():
    assert own_head(12).length == 12


def test_the_memory_of_spellings_is_bounded():
    for number in range(3 * heads.MEMO_LIMIT):
        RequestHead([(b"X-%d" % number, b"1")])
        AnswerHead([b"X-%d: 1" % number])
    assert len(heads._request_rules) <= heads.MEMO_LIMIT
    assert len(heads._response_rules) <= heads.MEMO_LIMIT
    assert RequestHead([(b"tRaNsFeR-eNcOdInG", b"chunked")]).chunked == 1


@pytest.mark.parametrize(
    ("extra", "is_websocket"),
    [
        ([(b"Upgrade", b"websocket")], True),
        ([(b"UPGRADE", b" WebSocket ")], True),
        ([(b"Upgrade", b"websocket"), (b"Content-Length", b"0")], True),
        ([(b"Upgrade", b"websocket"), (b"Content-Length", b"1")], False),
        ([(b"Upgrade", b"websocket"), (b"Transfer-Encoding", b"chunked")], False),
        ([(b"Upgrade", b"websocket"), (b"Upgrade", b"h2c")], False),
        ([(b"Upgrade", b"")], False),
        ([], False),
    ],
)
def test_what_asks_for_a_websocket(extra, is_websocket):
    head = RequestHead([(b"Host", b"g"), (b"Connection", b"keep-alive, Upgrade"), *extra])
    assert head.websocket == is_websocket
    assert not RequestHead([(b"Host", b"g"), *extra]).websocket


@pytest.mark.parametrize("spelling", [bytes.lower, bytes.upper, bytes.title])
@pytest.mark.parametrize("name", sorted(RESPONSE_RULES))
def test_the_quick_reading_of_an_answer_misses_no_header_that_matters(name, spelling):
    value = {b"content-length": b"5", b"transfer-encoding": b"chunked", b"connection": b"x-other"}.get(name, b"v")
    lines = [b"server: model", spelling(name) + b": " + value, b"x-other: 1", b"content-type: text/event-stream; x"]
    for chosen in (lines, lines[:3]):
        quick, thorough = answer_head(b"\r\n" + b"\r\n".join(chosen) + b"\r\n"), AnswerHead(chosen)
        assert (quick.block, quick.length, quick.valid) == (thorough.block, thorough.length, thorough.valid)
        assert quick.copied() == thorough.copied()


def test_the_quick_reading_takes_no_second_length_and_no_empty_head_amiss():
    assert not answer_head(b"\r\ncontent-length: 5\r\nContent-Length: 5\r\n").valid
    assert not answer_head(b"\r\ncontent-length: +5\r\n").valid
    assert (answer_head(b"\r\n").block, answer_head(b"\r\n").length) == (b"", -1)
    plain = answer_head(b"\r\nserver: m\r\ncontent-type: text/plain\r\ncontent-length:  7 \r\n")
    assert (plain.length, plain.block) == (7, b"server: m\r\ncontent-type: text/plain\r\ncontent-length:  7 \r\n")
