"""Tokens as a plain reading of the text finds them; the loop stays inside its arrays for any numbers."""

from __future__ import annotations

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors import tokens
from detectors.text import SPACELESS_CHARACTER
from detectors.tokens import NUMERIC, PAIRED, SINGLE, TOPICAL, tokenise

PIECES = st.sampled_from(
    ["a", "word", "x1", " ", "-", "42", "é", "水", "天气", "ก", "๑", "𠀀", "\U00030001", "😀", "\ud800", "²", "́"]
)
ANY = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(alphabet=st.characters(), max_size=80))


def kind(sign: str) -> str:
    """What a sign is: of a word, a token of its own, or neither."""
    if ord(sign) > 0xFFFF:
        return "single" if 0x20000 <= ord(sign) < 0x40000 else "word"
    if not (sign.isalnum() or unicodedata.category(sign)[0] == "M"):
        return ""
    return "single" if SPACELESS_CHARACTER.match(sign) else "word"


def plainly(text: str) -> list[tuple[int, int, int, int]]:
    """Of each token where it begins and is over, its hash and its marks."""
    found: list[tuple[int, int, int, int]] = []
    place = 0
    while place < len(text):
        end = place + 1
        own = kind(text[place])
        while own == "word" and end < len(text) and kind(text[end]) == "word":
            end += 1
        if own:
            signs = text[place:end]
            hashed = sum(ord(sign) * 0x9E3779B97F4A7C15**power for power, sign in enumerate(signs)) % 2**64
            needed = 1 if own == "single" else 4 if ord(signs[0]) < 0x530 else 2
            marks = NUMERIC * any(sign.isdigit() and ord(sign) <= 0xFFFF for sign in signs)
            marks |= TOPICAL * (len(signs) >= needed) | SINGLE * (own == "single")
            pair = own == "single" and end < len(text) and kind(text[end]) == "single"
            found.append((place, end, hashed, marks | PAIRED * pair))
        place = end
    return found


@given(st.lists(ANY, max_size=5))
def test_the_loop_finds_what_a_plain_reading_finds(texts):
    found = tokenise(texts)
    assert len(found.starts) == len(texts) + 1
    for one, text in enumerate(texts):
        part = slice(found.starts[one], found.starts[one + 1])
        begin = found.texts.begins[one]
        columns = (found.first[part] - begin, found.last[part] - begin, found.hashes[part], found.marks[part])
        assert list(zip(*(column.tolist() for column in columns), strict=True)) == plainly(text)
    assert found.owner().tolist() == [one for one, text in enumerate(texts) for _ in plainly(text)]


def test_tokens_of_two_texts_are_never_a_pair():
    found = tokenise(["天", "气", "天气"])
    assert [bool(mark & PAIRED) for mark in found.marks] == [False, False, True, False]


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=30), max_size=4))
def test_any_numbers_stay_in_bounds(texts):
    """The loop checks no index itself, not even of code points that no text has; marks behind the ends stay."""
    codes = np.array([code for text in texts for code in text] or [0], np.uint32)
    ends = np.cumsum(np.array([len(text) for text in texts], np.int64))
    begins = ends - np.array([len(text) for text in texts], np.int64)
    room = int(ends[-1]) if texts else 0
    starts = np.full(len(texts) + 1 + 8, 77, np.int64)
    first, last = np.full(room + 8, 77, np.int64), np.full(room + 8, 77, np.int64)
    hashes, marks = np.full(room + 8, 77, np.uint64), np.full(room + 8, 77, np.uint8)
    table = tokens._KIND.copy()
    columns = [column[:-8] for column in (starts, first, last, hashes, marks)]
    count = tokens._find(codes, begins, ends, table, *columns)
    assert 0 <= count <= room
    for column in (starts, first, last, hashes, marks):
        assert (column[-8:] == 77).all()
    assert (first[:count] < last[:count]).all()
    assert (last[:count] <= room).all()


def test_the_table_has_a_place_for_every_number():
    for code in (0, 0xFFFF, 0x10000, 0x1FFFF, 0x20000, 0x3FFFF, 0x40000, 0x10FFFF, 2**32 - 1):
        assert int(tokens._place_of(np.uint32(code))) < len(tokens._KIND)
