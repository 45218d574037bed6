"""Texts brought to their normal form together, as code points in one array that compiled loops walk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from detectors import text
from detectors.compiled import compiled
from detectors.spellings import BETWEEN

Codes = NDArray[np.uint32]
Places = NDArray[np.int64]

_SPACE: Final = 32
_HYPHEN: Final = 45
_FOLDED = np.frombuffer(bytes(range(256)).lower(), np.uint8).copy()
_FOLDED[[ord(space) for space in text.ASCII_SPACES]] = _SPACE


class Folded(Sequence[str]):
    """Normalised texts: text k is `codes[begins[k]:ends[k]]`, and as a string where one is asked for."""

    def __init__(self, codes: Codes, begins: Places, ends: Places, plain: bytes = b"") -> None:
        self.codes = codes
        self.begins = begins
        self.ends = ends
        self._plain = plain  # the first of the codes as bytes, where they are ASCII

    def __len__(self) -> int:
        return len(self.begins)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Folded: ...
    def __getitem__(self, place: int | slice) -> str | Folded:
        if isinstance(place, slice):
            return Folded(self.codes, self.begins[place], self.ends[place], self._plain)
        begin, end = int(self.begins[place]), int(self.ends[place])
        if end <= len(self._plain):
            return self._plain[begin:end].decode("ascii")
        return string(self.codes[begin:end])

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))

    def raw(self) -> list[bytes]:
        """The UTF-8 of every text."""
        plain, known = self._plain, len(self._plain)
        spans = zip(self.begins.tolist(), self.ends.tolist(), strict=True)
        return [
            plain[begin:end] if end <= known else string(self.codes[begin:end]).encode("utf-8", "surrogatepass")
            for begin, end in spans
        ]

    def taken(self, places: Sequence[int]) -> Folded:
        """Some of the texts, in the order that is given."""
        return Folded(self.codes, self.begins[places], self.ends[places], self._plain)

    def mapped(self, table: Codes) -> Folded:
        """The texts with each code that `table` has a place for replaced by what stands there; it keeps ASCII.

        Where BETWEEN stands there, that is a hyphen between two Latin letters, and nothing else.
        """
        others = self.ends > len(self._plain)
        if not others.any():
            return self
        codes = self.codes.copy()
        _map(codes, self.begins[others], self.ends[others], table)
        return Folded(codes, self.begins, self.ends, self._plain)

    def clipped(self, limit: int) -> Folded:
        """The texts as `text.clip` cuts them."""
        long = np.flatnonzero(self.ends - self.begins > limit).tolist()
        if not long:
            return self
        half, place = limit // 2, len(self.codes)
        pieces, begins, ends = [self.codes], self.begins.copy(), self.ends.copy()
        for one in long:
            head = self.codes[begins[one] : begins[one] + half]
            pieces += [head, np.array([10], np.uint32), self.codes[ends[one] - half : ends[one]]]
            begins[one], ends[one] = place, place + 2 * half + 1
            place += 2 * half + 1
        return Folded(np.concatenate(pieces), begins, ends, self._plain)


def string(codes: Codes) -> str:
    """Code points as a string."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


@compiled
def _map(codes: Codes, begins: Places, ends: Places, table: Codes) -> None:
    """Replace the codes of some texts, which may share them, by those of a table that maps what it gives to itself."""
    for one in range(len(begins)):
        for place in range(begins[one], ends[one]):
            if codes[place] >= len(table):
                continue
            told = table[codes[place]]
            if told != BETWEEN:
                codes[place] = told
            elif begins[one] < place < ends[one] - 1 and _is_latin(codes[place - 1]) and _is_latin(codes[place + 1]):
                codes[place] = _HYPHEN


@compiled
def _is_latin(code: np.uint32) -> bool:
    """Whether a code is a lower-case Latin letter, with or without a mark."""
    return bool(97 <= code <= 122 or (0xDF <= code <= 0x24F and code != 0xF7))


@compiled
def _fold_ascii(
    raw: NDArray[np.uint8],
    stops: Places,
    folded: NDArray[np.uint8],
    plain: NDArray[np.uint8],
    codes: Codes,
    begins: Places,
    ends: Places,
) -> int:
    """Fold bytes and squeeze white space; text k of `raw` is over at stops[k]. No text grows. How many bytes are left.

    `folded` has 256 places; `plain` and `codes` as many as `raw`, one more for an empty one.
    """
    count = place = 0
    for one in range(len(stops)):
        begin = count
        before = np.uint8(_SPACE)
        while place < stops[one]:
            byte = folded[raw[place]]
            plain[count] = byte
            codes[count] = byte
            if byte != np.uint8(_SPACE) or before != np.uint8(_SPACE):
                count += 1
            before = byte
            place += 1
        if count > begin and before == np.uint8(_SPACE):
            count -= 1
        begins[one] = begin
        ends[one] = count
    return count


def _codes(texts: Sequence[str]) -> Codes:
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)


def _stops(texts: Sequence[str]) -> Places:
    return np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))


def packed(texts: Sequence[str]) -> Folded:
    """Texts that are normalised already, or are to be taken as they are."""
    if isinstance(texts, Folded):
        return texts
    ends = _stops(texts)
    begins = np.zeros(len(texts), np.int64)
    begins[1:] = ends[:-1]
    return Folded(_codes(texts).copy(), begins, ends)


def fold(texts: Sequence[str]) -> Folded:
    """Every text as `text.normalise` has it."""
    clipped = [one if len(one) <= text.CLIP else text.clip(one) for one in texts]
    plain = [one for one in clipped if one.isascii()]
    raw = np.frombuffer("".join(plain).encode("ascii") or b"\0", np.uint8)
    begins, ends = np.zeros(len(plain), np.int64), np.zeros(len(plain), np.int64)
    squeezed, codes = np.empty(len(raw), np.uint8), np.empty(len(raw), np.uint32)
    count = _fold_ascii(raw, _stops(plain), _FOLDED, squeezed, codes, begins, ends)
    known = squeezed[:count].tobytes()
    if len(plain) == len(clipped):
        return Folded(codes, begins, ends, known)
    is_plain = np.fromiter((one.isascii() for one in clipped), np.bool_, len(clipped))
    others = packed([text.normalise(one) for one in clipped if not one.isascii()])
    all_begins, all_ends = np.empty(len(clipped), np.int64), np.empty(len(clipped), np.int64)
    all_begins[is_plain], all_ends[is_plain] = begins, ends
    all_begins[~is_plain], all_ends[~is_plain] = others.begins + count, others.ends + count
    return Folded(np.concatenate((codes[:count], others.codes)), all_begins, all_ends, known)
