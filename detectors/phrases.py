"""Classes of wordings searched in many texts at once: a scan for what a match must hold, then the expressions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.wordings import GRAMS, SIGNS, Wording, alternatives, grams, read

_GROUP: Final = 131_072  # characters scanned at once
_FACTORS = tuple(np.uint32(factor) for factor in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F))
_BUCKETS: Final = 1 << 16
_THREE: Final = 0xFFFFFF  # of four ASCII signs as a number, the first three


def _bucket(numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (numbers * _FACTORS[0]) >> np.uint32(16)


class Rule(NamedTuple):
    """A class: its name and the wordings of which one must be found in a text of lower case."""

    name: str
    wordings: tuple[str, ...]


def rule(name: str, parts: dict[str, str], *wordings: str) -> Rule:
    """A class whose wordings have upper-case names for `parts`; texts are folded, so nothing clashes."""
    names = re.compile("|".join(parts) or r"(?!)")
    filled = (names.sub(lambda found: parts[found.group()], wording) for wording in wordings)
    return Rule(name, tuple(filled))


class _Scan:
    """Finds which texts hold what each wording needs; over bytes for ASCII texts, over code points for others."""

    def __init__(self, wordings: Sequence[Wording], *, ascii_only: bool) -> None:
        self._ascii = ascii_only
        self._tables = {length: np.zeros(_BUCKETS, np.uint16) for length in ((4, 3) if ascii_only else (4, 3, 2))}
        self._begin = np.zeros(_BUCKETS, np.bool_)  # of three signs in ASCII, whether anything looked for begins so
        self._packed = [0]  # of each column what is looked for, as a number; the first column is for nothing
        self._strings: list[str] = []
        columns: list[list[int]] = []  # of each string those that it needs
        needs: list[int] = []  # where the strings of each need begin
        self._begins: list[int] = []  # where the needs of each wording begin
        for wording in wordings:
            if not wording.needs:
                raise ValueError(f"a wording without a word to look for: {wording.pattern.pattern}")
            self._begins.append(len(needs))
            for clause in wording.needs:
                needs.append(len(columns))
                for text in [text for text in clause if text.isascii() or not ascii_only] or [""]:
                    found = [self._column(gram) for gram in grams(text)] or [0]
                    columns.append((found * GRAMS)[:GRAMS])
                    self._strings.append(text)
        self._values = np.array(self._packed, np.uint32)
        self._columns = np.array(columns, np.intp).T
        self._needs = np.array(needs, np.intp)
        ends = [*self._begins[1:], len(needs)]
        spans = list(zip(needs, [*needs[1:], len(columns)], strict=True))  # of each need its strings
        self._spans = [spans[begin:end] for begin, end in zip(self._begins, ends, strict=True)]

    def _column(self, gram: str) -> int:
        """The column of a string of two to four signs; of two whose numbers share a bucket, no number is compared."""
        [packed] = self._numbers(np.frombuffer(gram.encode("utf-32-le"), np.uint32), len(gram)).tolist()
        table, bucket = self._tables[len(gram)], _bucket(np.array([packed], np.uint32))[0]
        column = int(table[bucket])
        if self._ascii:
            self._begin[_bucket(np.array([packed & _THREE], np.uint32))] = True
        if not column:
            column = table[bucket] = len(self._packed)
            self._packed.append(packed)
        elif self._packed[column] != packed:
            self._packed[column] = 0
        return int(column)

    def _numbers(self, codes: NDArray[np.uint32], length: int) -> NDArray[np.uint32]:
        """Of each run of so many signs a number: the bytes themselves where they are ASCII, else a hash."""
        count = len(codes) - length + 1
        numbers = codes[:count] if self._ascii else codes[:count] * _FACTORS[0]
        for place in range(1, length):
            more = codes[place : count + place]
            if self._ascii:
                numbers = numbers | more << np.uint32(8 * place)
            else:
                numbers += more * _FACTORS[place]
        return numbers

    def _found(self, numbers: NDArray[np.uint32], length: int) -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
        columns = self._tables[length].take(_bucket(numbers))
        places = np.flatnonzero(columns != 0)
        columns = columns.take(places)
        values = self._values.take(columns)
        same = (values == numbers.take(places)) | (values == 0)
        return places[same], columns[same]

    def _hits(self, joined: str) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint16]]]:
        """Places and columns of what is found; bytes are read four at a time from each of four beginnings."""
        if not self._ascii:
            codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
            for length in self._tables:
                yield self._found(self._numbers(codes, length), length)
            return
        raw = joined.encode("ascii")
        for begin in range(SIGNS):
            packed = np.frombuffer(raw, "<u4", (len(raw) - begin) // SIGNS, begin)
            some = self._begin.take(_bucket(packed & np.uint32(_THREE))).nonzero()[0]
            near = packed.take(some)
            for length in self._tables:
                places, columns = self._found(near if length == SIGNS else near & np.uint32(_THREE), length)
                yield some.take(places) * SIGNS + begin, columns

    def hopeful(self, texts: Sequence[str]) -> Iterator[tuple[int, int, list[list[str]]]]:
        """Each text and wording that may match, and of each need the strings that the text may hold."""
        hits = list(self._hits("\n".join(texts) + "\n\n\n\n"))
        ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
        rows = np.searchsorted(ends, np.concatenate([places for places, _ in hits]), side="right")
        holds = np.zeros((len(self._packed), len(texts) + 1), np.bool_)
        holds[np.concatenate([columns for _, columns in hits]), rows] = True
        strings = holds[self._columns[0]]
        for columns in self._columns[1:]:
            strings &= holds[columns]
        met = np.logical_or.reduceat(strings, self._needs, axis=0)
        wordings, rows = np.logical_and.reduceat(met, self._begins, axis=0)[:, :-1].nonzero()
        held: dict[int, list[int]] = {}
        for wording, row in zip(wordings.tolist(), rows.tolist(), strict=True):
            if row not in held:
                held[row] = strings[:, row].nonzero()[0].tolist()
            yield row, wording, [self._those(held[row], *need) for need in self._spans[wording]]

    def _those(self, held: list[int], begin: int, end: int) -> list[str]:
        """Of the strings that a text may hold, those of one need."""
        return [self._strings[place] for place in held[bisect_left(held, begin) : bisect_left(held, end)]]


class Phrases:
    """Rules compiled for searching many texts; rule i sets bit i."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        spelled = [
            (place, one) for place, rule in enumerate(rules) for text in rule.wordings for one in alternatives(text)
        ]
        self._bits = [place for place, _ in spelled]
        self._wordings = [read(wording) for _, wording in spelled]
        self._plain = _Scan(self._wordings, ascii_only=True)
        self._other = _Scan(self._wordings, ascii_only=False)

    def match_many(self, texts: Sequence[str]) -> list[int]:
        """For each text the bits of the rules of which a wording is found in it, upper case taken as lower."""
        folded = [text.casefold() for text in texts]
        bits = [0] * len(texts)
        for scan, is_plain in ((self._plain, True), (self._other, False)):
            places = [place for place, text in enumerate(folded) if text and text.isascii() is is_plain]
            begin = 0
            while begin < len(places):
                end, size = begin, 0
                while end < len(places) and (end == begin or size + len(folded[places[end]]) < _GROUP):
                    size += len(folded[places[end]]) + 1
                    end += 1
                some = places[begin:end]
                self._search(scan, [folded[place] for place in some], some, bits)
                begin = end
        return bits

    def _search(self, scan: _Scan, texts: list[str], places: list[int], bits: list[int]) -> None:
        for row, wording, held in scan.hopeful(texts):
            bit = 1 << self._bits[wording]
            if not bits[places[row]] & bit and self._wordings[wording].found(texts[row], held):
                bits[places[row]] |= bit

    def match(self, text: str) -> int:
        """The bits of one text."""
        return self.match_many([text])[0]


def named(rules: Sequence[Rule], bits: int) -> tuple[str, ...]:
    """The names of the rules whose bits are set."""
    return tuple(rule.name for position, rule in enumerate(rules) if bits >> position & 1)
