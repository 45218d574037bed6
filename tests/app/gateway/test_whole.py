"""An answer that passes at one look is one that the parser and the rules of heads would let pass unchanged."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.gateway.heads import AnswerHead
from app.gateway.whole import split

steady = settings(deadline=None, derandomize=True, max_examples=600)

NAMES = [
    b"content-length", b"Content-Length", b"Content-type", b"content-type", b"Connection", b"keep-alive", b"trailer",
    b"te", b"transfer-encoding", b"Transfer-Encoding", b"upgrade", b"set-cookie", b"Set-Cookie2", b"X-Api-Key",
    b"x-goog-api-key", b"authorization", b"proxy-authenticate", b"sec-websocket-protocol", b"x-accel-buffering",
    b"date", b"x-request-id", b"Content-Encoding", b"content", b"server", b"a", b"", b"bad name", b"b\x00d", b"t\xe9",
]  # fmt: skip
VALUES = [
    b"3", b"3 ", b"+3", b"0x3", b"3, 3", b"close", b"keep-alive", b"chunked", b"gzip", b"", b"x", b"\x7f", b"a\tb",
    b"a\x01b", b"\xc3\xa9", b"application/json", b"application/json; charset=utf-8", b"text/event-stream",
    b"text/plain; x=text/event-stream", b"a\r\n b", b"a\nb: c", b"a\rb",
]  # fmt: skip
LINES = st.tuples(st.sampled_from(NAMES), st.sampled_from([b": ", b":", b" : ", b""]), st.sampled_from(VALUES))
LENGTHS = st.tuples(st.sampled_from(NAMES[:2]), st.just(b": "), st.just(b"3"))
HEADS = st.lists(LENGTHS | LINES, min_size=1, max_size=5)


class Parsed:
    """What the parser makes of an answer."""

    def __init__(self, data):
        self.body, self.complete, self.keep, self.more = b"", False, False, False
        self._parser = httptools.HttpResponseParser(self)
        self._parser.feed_data(data)

    def on_message_begin(self):
        self.more = self.complete

    def on_body(self, data):
        self.body += data

    def on_message_complete(self):
        self.complete, self.keep = True, self._parser.should_keep_alive()


@steady
@given(st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 OK"]), HEADS,
       st.sampled_from([b"abc", b"abcd", b"ab", b""]))  # fmt: skip
@example(b"HTTP/1.1 200 OK", [(b"date", b": ", b"x"), (b"content-length", b": ", b"3")], b"abc")
def test_what_passes_at_a_look_would_pass_unchanged(status, lines, body):
    data = status + b"\r\n" + b"".join(b"%b%b%b\r\n" % line for line in lines) + b"\r\n" + body
    found = split(data)
    if found is None:
        return
    parsed = Parsed(data)
    assert (parsed.body, parsed.complete, parsed.keep, parsed.more) == (found[1], True, True, False)
    head = AnswerHead(found[0][:-2].split(b"\r\n"))
    assert (head.block, head.copied(), head.length) == (found[0], found[0], len(body))
    assert head.valid
    assert not head.coded


USUAL = b"HTTP/1.1 200 OK\r\nserver: m\r\ncontent-type: application/json\r\nx-id: 1\r\ncontent-length: 2\r\n\r\n{}"


def test_the_usual_answer_passes_and_in_either_order():
    head = USUAL[17:-4]
    assert split(USUAL) == (head, b"{}")
    assert split(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == (b"Content-Length: 0\r\n", b"")
    turned = b"content-length: 2\r\ndate: x\r\nContent-Type: application/json; charset=utf-8\r\n"
    assert split(b"HTTP/1.1 200 OK\r\n" + turned + b"\r\n{}") == (turned, b"{}")


@pytest.mark.parametrize("at", range(1, len(USUAL)))
def test_a_part_of_an_answer_is_not_a_whole_one(at):
    assert split(USUAL[:at]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"connection: close", b"Set-Cookie: a=b", b"content-length: 2", b"transfer-encoding: chunked", b"bad name: x",
        b"x: \x01", b" folded", b"x-accel-buffering: yes", b"content-type: text/event-stream", b"upgrade: h2c",
    ],
)  # fmt: skip
def test_a_line_that_concerns_us_has_the_answer_parsed(line):
    assert split(USUAL.replace(b"x-id: 1", line)) is None
