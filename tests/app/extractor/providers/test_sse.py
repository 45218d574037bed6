"""The event reader gives the same events wherever the bytes are cut, and holds a bounded amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extractor.providers.sse import Events

STREAM = (
    b"\xef\xbb\xbf: hello\r\nevent: ping\rdata: one\n\n"
    b"data: two\r\ndata:  lines\r\n\r\n"
    b"id: 3\rdata:three\r\r"
    b"data\n\n"
    b": only a comment\n\n"
    b"retry: 10\ndata: \xe6\xb0\xb4\xf0\x9f\x8c\x8a\n\n"
    b"data: no blank line at the end"
)
EVENTS = [b"one", b"two\n lines", b"three", b"", "水🌊".encode(), b"no blank line at the end"]


def read(*chunks: bytes) -> list[bytes]:
    events = Events()
    return [data for chunk in chunks for data in events.feed(chunk)] + events.finish()


def test_line_ends_comments_bom_and_several_data_lines():
    assert read(STREAM) == EVENTS


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_cut_at_any_byte_changes_nothing(cut):
    assert read(STREAM[:cut], STREAM[cut:]) == EVENTS


def test_byte_by_byte():
    assert read(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b": c", b"event: x", b"", b"datax: no", b"data: \xf0\x9f\x8c\x8a"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=12), st.data())
def test_any_cuts_of_any_stream_give_the_same_events(lines, data):
    stream = b"".join(line + end for line, end in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*pieces) == read(stream)


def test_a_line_without_end_is_not_kept():
    events = Events(limit=1000)
    for _ in range(100):
        assert events.feed(b"x" * 100) == []
    assert events.overflowed
    assert events.feed(b"\n\ndata: late\n\n") == []
    assert events.finish() == []


def test_an_event_of_too_many_lines_is_not_kept():
    events = Events(limit=1000)
    assert events.feed(b"data: 0123456789\n" * 200) == []
    assert events.overflowed


def test_what_came_before_the_overflow_is_given():
    events = Events(limit=100)
    assert events.feed(b"data: good\n\ndata: " + b"x" * 200) == [b"good"]
    assert events.overflowed
