"""Lines come out the same wherever the bytes are cut, and a line without end is not kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extractor.providers.lines import Lines

STREAM = b'{"a": 1}\n\r\n  {"b": "\xf0\x9f\x8c\x8a"}\r\n\n{"c": 3}'
LINES = [b'{"a": 1}', b'{"b": "\xf0\x9f\x8c\x8a"}', b'{"c": 3}']


def read(*chunks: bytes) -> list[bytes]:
    lines = Lines()
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.finish()


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_cut_at_any_byte_changes_nothing(cut):
    assert read(STREAM[:cut], STREAM[cut:]) == LINES


def test_byte_by_byte():
    assert read(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == LINES


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_any_cuts_of_any_bytes_give_the_same_lines(pieces):
    assert read(*pieces) == read(b"".join(pieces))


def test_a_line_without_end_is_not_kept():
    lines = Lines(limit=1000)
    assert lines.feed(b"one\n" + b"x" * 900) == [b"one"]
    assert lines.feed(b"x" * 200) == []
    assert lines.overflowed
    assert lines.feed(b"\nlate\n") == lines.finish() == []


def test_a_line_too_long_stops_the_reading():
    lines = Lines(limit=10)
    assert lines.feed(b"one\n" + b"x" * 20 + b"\ntwo\n") == [b"one"]
    assert lines.overflowed
