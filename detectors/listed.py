"""The operator's lists as an index of hashes: which lists hold an item that stands anywhere in a text."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.event import Listed
from detectors.folded import Places, string
from detectors.text import normalise
from detectors.tokens import SINGLE, Hashes, Tokens, tokenise

FORMAT: Final = "stillwatch-lists-1"
SIZES: Final = (5, 6, 7, 8, 9, 10, 11, 12, 16, 24, 32, 48, 64)
"""Tokens by which an item is known: all of them, or so many from its beginning where it has more."""

_START: Final = SIZES[0]
_SIGNS: Final = 8  # of a script without spaces; fewer say less than five words
_READ: Final = 2_000  # characters of an item: more than the longest of SIZES needs
_GROUP: Final = 40_000  # characters of items that are hashed at once
_BITS_AN_ITEM: Final = 24
_MOST_BITS: Final = 1 << 30
# What follows an item that is all there: an end of sentence, a mark, a label, or nothing.
_OVER = re.compile(r"[^\w\n]*(?:[.?!。:;\"”»」』)\]}<#|*\n]|\Z)|[^\w\n]+\w{1,20} ?[:#\d]")

_POWERS = np.multiply.accumulate(np.full(SIZES[-1], 0xD1342543DE82EF95, np.uint64))
_SPREAD = np.uint64(0x94D049BB133111EB)
_EXACT, _LONGER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class ListsError(ValueError):
    """A file that is no index of lists."""


def _mixed(sums: Hashes, salt: np.uint64) -> Hashes:
    values = sums ^ salt
    values ^= values >> np.uint64(31)
    values *= _SPREAD
    values ^= values >> np.uint64(29)
    return values


def _runs(hashes: Hashes, places: Places, size: int) -> Hashes:
    """The sum over the tokens of each run of `size` from `places`; their order counts."""
    sums = np.zeros(len(places), np.uint64)
    for step in range(size):
        sums += hashes[places + step] * _POWERS[step]
    return sums


@compiled
def _may_begin(
    hashes: Hashes, powers: Hashes, shift: np.uint64, seen: NDArray[np.uint8], places: Places, starts: Hashes
) -> int:
    """Write where five tokens hash to one of the bits that are set, and that hash; how many there are.

    `seen` has 2**(64 - shift) bits, `powers` five places, the columns to write one for each token.
    """
    count = 0
    for place in range(len(hashes) - _START + 1):
        value = np.uint64(_START)
        total = np.uint64(0)
        for step in range(_START):
            total += hashes[place + step] * powers[step]
        value ^= total
        value ^= value >> np.uint64(31)
        value *= _SPREAD
        value ^= value >> np.uint64(29)
        slot = value >> shift
        if seen[slot >> np.uint64(3)] >> np.uint8(slot & np.uint64(7)) & np.uint8(1):
            places[count], starts[count] = place, value
            count += 1
    return count


class Index:
    """Hashes of items, sorted, each with the bits of its lists; `starts` are hashes of how items begin."""

    def __init__(self, items: Hashes, bits: NDArray[np.uint8], starts: Hashes) -> None:
        self.items = items
        self.bits = bits
        self.starts = starts
        wanted = min(max(_BITS_AN_ITEM * len(starts), 1 << 16), _MOST_BITS)
        self._shift = np.uint64(64 - int(wanted - 1).bit_length())
        self._seen = np.zeros(1 << 64 - int(self._shift) >> 3, np.uint8)
        slots = starts >> self._shift
        np.bitwise_or.at(self._seen, slots >> np.uint64(3), (np.uint8(1) << (slots & np.uint64(7)).astype(np.uint8)))

    def __len__(self) -> int:
        return len(self.items)

    def look(self, tokens: Tokens) -> NDArray[np.uint8]:
        """Of each text the bits of the lists of which it holds an item."""
        found = np.zeros(len(tokens.texts), np.uint8)
        places = self._beginnings(tokens)
        if not len(places) or not len(self.items):
            return found
        owner = tokens.owner()
        for size in SIZES:
            places = places[places + size <= len(owner)]
            places = places[owner[places + size - 1] == owner[places]]
            if not len(places):
                break
            sums = _runs(tokens.hashes, places, size)
            for salt in (_EXACT, _LONGER):
                for at, bits in zip(*self._held(_mixed(sums, salt + np.uint64(size)), places), strict=True):
                    if salt == _LONGER or _is_over(tokens, int(at) + size - 1, int(owner[at])):
                        found[owner[at]] |= bits
        return found

    def _beginnings(self, tokens: Tokens) -> Places:
        """Where an item may begin: by a bit for each start, then by the starts themselves."""
        places = np.empty(len(tokens.hashes), np.int64)
        starts = np.empty(len(tokens.hashes), np.uint64)
        count = _may_begin(tokens.hashes, _POWERS, self._shift, self._seen, places, starts)
        places, starts = places[:count], starts[:count]
        where = np.searchsorted(self.starts, starts)
        return places[self.starts.take(where, mode="clip") == starts] if len(self.starts) else places[:0]

    def _held(self, hashes: Hashes, places: Places) -> tuple[Places, NDArray[np.uint8]]:
        where = np.minimum(np.searchsorted(self.items, hashes), len(self.items) - 1)
        same = self.items[where] == hashes
        return places[same], self.bits[where[same]]

    def save(self, path: Path) -> None:
        """Write the index; a reader sees the old file or the new one."""
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            np.savez(file, format=np.array(FORMAT), items=self.items, bits=self.bits, starts=self.starts)
        part.replace(path)


def _is_over(tokens: Tokens, last: int, owner: int) -> bool:
    """Whether what an item of few words matched is all that stands there, not the beginning of a longer sentence."""
    end, over = int(tokens.last[last]), int(tokens.texts.ends[owner])
    return _OVER.match(string(tokens.texts.codes[end : min(end + 40, over)])) is not None


def load(path: Path) -> Index:
    """The index of a file; raises ListsError where it is none, OSError where it cannot be read."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if str(file["format"]) != FORMAT:
                raise ListsError(f"{path} is of another format than {FORMAT}")
            items, bits, starts = file["items"], file["bits"], file["starts"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ListsError(f"{path} is no index of lists: {error}") from error
    sound = items.dtype == starts.dtype == np.uint64 and bits.dtype == np.uint8 and len(items) == len(bits)
    if not sound or (len(items) > 1 and not (items[1:] > items[:-1]).all()):
        raise ListsError(f"{path} is no index of lists: its columns do not fit")
    return Index(items, bits, starts)


def _identities(texts: list[str]) -> tuple[Hashes, Hashes]:
    """Of the texts that have enough words: the hash that each is known by, and that of its beginning."""
    tokens = tokenise(texts)
    counts, begins = np.diff(tokens.starts), tokens.starts[:-1]
    signs = np.bincount(tokens.owner(), weights=(tokens.marks & SINGLE) != 0, minlength=len(texts))
    enough = (counts >= _START) & ((2 * signs <= counts) | (counts >= _SIGNS))
    begins, counts = begins[enough], counts[enough]
    size_of = np.array(SIZES)[np.searchsorted(SIZES, counts, side="right") - 1]
    items = np.zeros(len(begins), np.uint64)
    for size in SIZES:
        for salt, some in ((_EXACT, counts == size), (_LONGER, (size_of == size) & (counts > size))):
            items[some] = _mixed(_runs(tokens.hashes, begins[some], size), salt + np.uint64(size))
    return items, _mixed(_runs(tokens.hashes, begins, _START), np.uint64(_START))


def _groups(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts, normalised and clipped, in groups of a few thousand characters."""
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(normalise(text[:_READ])[:_READ])
        size += len(group[-1]) + 1
        if size >= _GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def build(lists: Mapping[Listed, Iterable[str]]) -> Index:
    """The index of lists of texts; a text of fewer than five words is left out."""
    found: list[tuple[Hashes, Hashes, int]] = []
    for which, texts in lists.items():
        found += [(*_identities(group), int(which)) for group in _groups(texts)]
    nothing = np.zeros(0, np.uint64)
    known = np.concatenate([nothing, *(items for items, _, _ in found)])
    bits = np.concatenate([np.zeros(0, np.uint8), *(np.full(len(items), which, np.uint8) for items, _, which in found)])
    items, place = np.unique(known, return_inverse=True)
    held = np.zeros(len(items), np.uint8)
    np.bitwise_or.at(held, place, bits)
    return Index(items, held, np.unique(np.concatenate([nothing, *(starts for _, starts, _ in found)])))
