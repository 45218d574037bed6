"""Words, and the signs of scripts without spaces, of many texts: where they are and what they hash to."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.folded import Codes, Folded, Places, packed
from detectors.text import SPACELESS_CHARACTER

NUMERIC: Final = 1  # marks of a token: a digit is in it
TOPICAL: Final = 2  # long enough for its script to tell a topic
SINGLE: Final = 4  # a sign of its own
PAIRED: Final = 8  # a sign of its own, another right behind it
_TOPICAL: Final = 4  # letters of a word that tells a topic, in scripts with many short words
_SHORT_WORDS: Final = 0x530  # scripts below: Latin, Greek, Cyrillic
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_WORD, _SIGN, _DIGIT = np.uint8(1), np.uint8(2), np.uint8(4)

Hashes = NDArray[np.uint64]
Marks = NDArray[np.uint8]


class Tokens(NamedTuple):
    """The tokens of a group of texts in their order; those of text k from starts[k] up to starts[k + 1]."""

    texts: Folded
    starts: Places
    first: Places  # where each token begins, in the texts' codes
    last: Places  # where it is over
    hashes: Hashes  # of each token, wherever it stands; not keyed
    marks: Marks

    def owner(self) -> Places:
        """The text of each token."""
        return np.repeat(np.arange(len(self.texts)), np.diff(self.starts))


def _kinds() -> NDArray[np.uint8]:
    """Of each place that `_place_of` gives: bits for what belongs to a word, for a token of its own, and for a digit.

    Beyond the first plane everything is of words but the Han of two planes, each sign of which is a token.
    """
    table = np.zeros((1 << 16) + 2, np.uint8)
    for code in range(1 << 16):
        letter = chr(code)
        if letter.isalnum() or unicodedata.category(letter)[0] == "M":
            table[code] = _SIGN if SPACELESS_CHARACTER.match(letter) else _WORD
            table[code] |= _DIGIT if letter.isdigit() else 0
    table[-2:] = _WORD, _SIGN
    return table


_KIND = _kinds()


@compiled
def _place_of(code: np.uint32) -> np.uint32:
    """The place of any code point in the table of kinds."""
    if code <= np.uint32(0xFFFF):
        return code
    return np.uint32(0x10001) if np.uint32(0x20000) <= code < np.uint32(0x40000) else np.uint32(0x10000)


@compiled
def _marks_of(first: np.uint32, length: int, bits: np.uint8) -> int:
    """The marks of a word by its first sign, its length and the bits of all its signs."""
    needed = _TOPICAL if first < np.uint32(_SHORT_WORDS) else 2
    return (NUMERIC if bits & _DIGIT else 0) | (TOPICAL if length >= needed else 0)


@compiled
def _find_in(
    codes: Codes,
    place: int,
    end: int,
    kinds: Marks,
    first: Places,
    last: Places,
    hashes: Hashes,
    marks: Marks,
    count: int,
) -> int:
    """Write the tokens of one text from the `count`th on; how many there are then.

    No call in here has an array for an argument: each would count references to it.
    """
    own = count
    while place < end:
        kind = kinds[_place_of(codes[place])]
        if kind & _WORD:
            begin = place
            bits = np.uint8(0)
            value, power = np.uint64(0), np.uint64(1)
            while kind & _WORD:
                bits |= kind
                value += np.uint64(codes[place]) * power
                power *= _MULTIPLIER
                place += 1
                kind = kinds[_place_of(codes[place])] if place < end else np.uint8(0)
            hashes[count], first[count], last[count] = value, begin, place
            marks[count] = _marks_of(codes[begin], place - begin, bits)
            count += 1
        elif kind & _SIGN:
            hashes[count], first[count], last[count] = codes[place], place, place + 1
            marks[count] = SINGLE | TOPICAL | (NUMERIC if kind & _DIGIT else 0)
            if count > own and last[count - 1] == place and marks[count - 1] & SINGLE:
                marks[count - 1] |= PAIRED
            place += 1
            count += 1
        else:
            place += 1
    return count


@compiled
def _find(
    codes: Codes,
    begins: Places,
    ends: Places,
    kinds: Marks,
    starts: Places,
    first: Places,
    last: Places,
    hashes: Hashes,
    marks: Marks,
) -> int:
    """Write the tokens of every text and how many there are; the columns have room for a token a code point.

    `kinds` is the table, `starts` has one place more than there are texts; begins and ends lie within the codes.
    """
    count = 0
    for one in range(len(begins)):
        starts[one] = count
        count = _find_in(codes, begins[one], ends[one], kinds, first, last, hashes, marks, count)
    starts[len(begins)] = count
    return count


def tokenise(texts: Sequence[str]) -> Tokens:
    """The tokens of all texts, which are normalised and clipped."""
    group = packed(texts)
    room = int((group.ends - group.begins).sum())
    starts = np.empty(len(group) + 1, np.int64)
    first, last = np.empty(room, np.int64), np.empty(room, np.int64)
    hashes, marks = np.empty(room, np.uint64), np.empty(room, np.uint8)
    count = _find(group.codes, group.begins, group.ends, _KIND, starts, first, last, hashes, marks)
    return Tokens(group, starts, first[:count], last[:count], hashes[:count], marks[:count])
