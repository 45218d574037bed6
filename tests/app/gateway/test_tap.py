"""The tap keeps a body's head and tail, whatever the pieces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway.tap import Tally, Tap

steady = settings(deadline=None, derandomize=True)  # the same examples each time, however busy the machine


@steady
@given(st.lists(st.binary(max_size=50), max_size=40), st.integers(2, 120))
def test_head_and_tail_are_the_bodys_own(pieces, limit):
    tap = Tap(limit)
    for piece in pieces:
        tap.add(piece)
    whole = b"".join(pieces)
    parts, cut = tap.kept()
    kept = b"".join(parts)
    assert tap.size == len(whole)
    if len(whole) <= limit:
        assert (kept, cut) == (whole, -1)
    else:
        half = limit // 2
        assert cut == half
        assert kept == whole[:half] + whole[-half:]


def test_what_is_held_stays_bounded():
    tap = Tap(1000)
    for _ in range(10_000):
        tap.add(b"x" * 300)
        assert sum(map(len, tap._parts)) <= 1000
        if tap._head is not None:
            assert tap._tail_size <= 500 + 300


def test_one_huge_piece_is_cut_at_once():
    tap = Tap(1000)
    tap.add(b"a" * 5_000_000 + b"z")
    parts, cut = tap.kept()
    assert (cut, tap._tail_size, parts[1][-1:]) == (500, 500, b"z")


def test_a_tally_counts_and_keeps_nothing():
    tally = Tally()
    assert tally.kept() == ([], -1)
    tally.add(b"abc")
    assert (tally.size, *tally.kept()) == (3, [], 0)


@pytest.mark.parametrize("sizes", [[3, 4], [3, 400, 5000], [900, 101], [2000], []])
def test_pieces_at_once_are_kept_as_one_by_one(sizes):
    pieces = [bytes([number]) * size for number, size in enumerate(sizes, 65)]
    for kind in (lambda: Tap(1000), Tally):
        at_once, one_by_one = kind(), kind()
        for tap in (at_once, one_by_one):
            tap.add(b"first")
        at_once.extend(pieces)
        for piece in pieces:
            one_by_one.add(piece)
        assert (at_once.size, at_once.kept()) == (one_by_one.size, one_by_one.kept())


def test_a_body_is_had_in_one_piece_only_while_it_is_whole():
    tap = Tap(10)
    assert tap.joined() == b""
    for piece in (b"abc", b"defg"):
        tap.add(piece)
    assert tap.joined() == b"abcdefg"
    tap.add(b"hijk")
    assert tap.joined() is None
