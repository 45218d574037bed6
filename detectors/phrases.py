"""Classes of wordings searched in many texts at once: a scan for what a match must hold, then the expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_GRAMS: Final = 6  # runs of signs looked for of one string
_PRODUCT: Final = 64  # strings that a part may stand for and still be spelled out
_NEEDS: Final = 4  # needs that are checked of one wording
_LONG: Final = 4  # signs looked for of a string; fewer of a shorter one
_GROUP: Final = 65_536  # characters scanned at once
_FACTORS = tuple(np.uint32(factor) for factor in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F))
_BUCKETS: Final = 1 << 16
_QUANTIFIER = re.compile(r"([?*+]|\{(\d*)(?:,(\d*))?\})\??")

Strings = frozenset[str]


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


class _Need(NamedTuple):
    """What a part of an expression matches: all its strings where they are few, else strings it must hold."""

    exact: Strings | None
    holds: tuple[Strings, ...]  # of each set, one string at least


_NOTHING = _Need(frozenset({""}), ())
_ANYTHING = _Need(None, ())


def _grams(text: str) -> tuple[str, ...]:
    """What is looked for of a string: runs of four signs, from its beginning to its end; all of a short one."""
    if len(text) < (3 if text.isascii() else 2):
        return ()
    if len(text) <= _LONG:
        return (text if len(text) != 3 or text.isascii() else text[:2],)
    last = len(text) - _LONG
    steps = min(_GRAMS - 1, -(-last // _LONG))
    return tuple(text[last * step // steps :][:_LONG] for step in range(steps + 1))


def _usable(strings: Strings) -> bool:
    return all(map(_grams, strings))


def _sequence(items: Iterable[_Need]) -> _Need:
    run: Strings = frozenset({""})
    holds: list[Strings] = []
    whole = True
    for item in items:
        if item.exact is not None and len(run) * len(item.exact) <= _PRODUCT:
            run = frozenset(one + other for one in run for other in item.exact)
            continue
        whole = False
        if _usable(run):
            holds.append(run)
        holds += item.holds
        run = item.exact if item.exact is not None else frozenset({""})
    if whole:
        return _Need(run, ())
    return _Need(None, tuple([*holds, run] if _usable(run) else holds))


def _best(need: _Need) -> Strings | None:
    """The set of strings that tells most: few and long ones."""
    if need.exact is not None:
        return need.exact if _usable(need.exact) else None
    return min(need.holds, key=lambda strings: (len(strings), -min(map(len, strings))), default=None)


def _either(needs: Sequence[_Need]) -> _Need:
    if len(needs) == 1:
        return needs[0]
    exact: set[str] = set()
    for need in needs:
        if need.exact is None or len(exact) + len(need.exact) > _PRODUCT:
            best = [_best(one) for one in needs]
            if any(one is None for one in best):
                return _ANYTHING
            return _Need(None, (frozenset[str]().union(*[one for one in best if one is not None]),))
        exact |= need.exact
    return _Need(frozenset(exact), ())


class _Reader:
    """Reads the part of the syntax that wordings use; raises ValueError at any other."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._place = 0

    def read(self) -> _Need:
        """The need of the whole expression."""
        need = self._alternation()
        if self._place < len(self._text):
            raise ValueError(f"unbalanced: {self._text!r}")
        return need

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _alternation(self) -> _Need:
        needs = [self._run()]
        while self._peek() == "|":
            self._place += 1
            needs.append(self._run())
        return _either(needs)

    def _run(self) -> _Need:
        items: list[_Need] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._quantified(self._atom()))
        return _sequence(items)

    def _atom(self) -> _Need:
        sign = self._peek()
        self._place += 1
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._set()
        if sign == "\\":
            sign = self._peek()
            self._place += 1
            if sign == "b":
                return _NOTHING
            return _ANYTHING if sign.isalnum() else _Need(frozenset({sign}), ())
        if sign in "^$":
            return _NOTHING
        if sign in "*+?{":
            raise ValueError(f"nothing to repeat: {self._text!r}")
        return _ANYTHING if sign == "." else _Need(frozenset({sign}), ())

    def _group(self) -> _Need:
        start = self._text[self._place - 1 :]
        for opening in ("(?:", "(?<!", "(?!", "(?<=", "(?="):
            if start.startswith(opening):
                self._place += len(opening) - 1
                break
        else:
            raise ValueError(f"a group of another kind: {self._text!r}")
        need = self._alternation()
        if self._peek() != ")":
            raise ValueError(f"unbalanced: {self._text!r}")
        self._place += 1
        return need if opening == "(?:" else _NOTHING

    def _set(self) -> _Need:
        end = self._text.index("]", self._place + 1)
        while self._text[end - 1] == "\\":
            end = self._text.index("]", end + 1)
        inside = self._text[self._place : end]
        self._place = end + 1
        plain = re.sub(r"\\([^\w])", r"\1", inside)
        is_plain = inside[0] != "^" and not re.search(r"\\\w|.-.", inside.replace("\\-", ""))
        return _Need(frozenset(plain), ()) if is_plain else _ANYTHING

    def _quantified(self, need: _Need) -> _Need:
        found = _QUANTIFIER.match(self._text, self._place)
        if not found:
            return need
        self._place = found.end()
        least = {"?": 0, "*": 0, "+": 1}.get(found[1])
        least = int(found[2] or 0) if least is None else least
        if found[1] == "?" and need.exact is not None:
            return _Need(need.exact | {""}, ())
        if not least:
            return _ANYTHING
        best = _best(need)
        return _Need(None, (best,) if best else ())


def alternatives(wording: str) -> list[str]:
    """The wording's alternatives, those of its groups left inside them."""
    found, depth, begin, place = [], 0, 0, 0
    in_set = False
    while place < len(wording):
        sign = wording[place]
        if sign == "\\":
            place += 1
        elif in_set:
            in_set = sign != "]"
        elif sign == "[":
            in_set = True
            place += wording[place + 1 : place + 2] in ("]", "^")
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and not depth:
            found.append(wording[begin:place])
            begin = place + 1
        place += 1
    return [*found, wording[begin:]]


def needs(wording: str) -> list[Strings]:
    """Sets of strings of which each match of a wording without alternatives holds one of each."""
    need = _Reader(wording).read()
    if need.exact is not None:
        return [need.exact] if _usable(need.exact) else []
    return sorted(need.holds, key=lambda strings: (len(strings), -min(map(len, strings))))[:_NEEDS]


class _Scan:
    """Finds which texts hold what each wording needs; over bytes for ASCII texts, over code points for others."""

    def __init__(self, wanted: Sequence[Sequence[Strings]], *, ascii_only: bool) -> None:
        self._ascii = ascii_only
        self._tables = {length: np.zeros(_BUCKETS, np.uint16) for length in ((4, 3) if ascii_only else (4, 3, 2))}
        self._packed = [0]  # of each column what is looked for, as a number; the first column is for nothing
        strings: list[list[int]] = []  # of each string the columns that it needs
        needs: list[int] = []  # where the strings of each need begin
        self._begins: list[int] = []  # where the needs of each wording begin
        for clauses in wanted:
            if not clauses:
                raise ValueError("a wording without a word to look for")
            self._begins.append(len(needs))
            for clause in clauses:
                needs.append(len(strings))
                strings += self._strings(clause)
        self._values = np.array(self._packed, np.uint32)
        self._columns = np.array(strings, np.intp).T
        self._needs = np.array(needs, np.intp)

    def _strings(self, clause: Strings) -> list[list[int]]:
        """The columns of each string, those that an ASCII text cannot hold left out; column 0 where none is left."""
        found = []
        for text in sorted(clause):
            if text.isascii() or not self._ascii:
                columns = [self._column(gram) for gram in _grams(text)]
                found.append((columns * _GRAMS)[:_GRAMS])
        return found or [[0] * _GRAMS]

    def _column(self, gram: str) -> int:
        """The column of a string of two to four signs; of two whose numbers share a bucket, no number is compared."""
        [packed] = self._numbers(np.frombuffer(gram.encode("utf-32-le"), np.uint32), len(gram)).tolist()
        table, bucket = self._tables[len(gram)], _bucket(np.array([packed], np.uint32))[0]
        column = int(table[bucket])
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
        for begin in range(_LONG):
            packed = np.frombuffer(raw, "<u4", (len(raw) - begin) // _LONG, begin)
            for length in self._tables:
                places, columns = self._found(packed if length == _LONG else packed & np.uint32(0xFFFFFF), length)
                yield places * _LONG + begin, columns

    def hopeful(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether a text may match a wording: shape (texts, wordings); never False where it does."""
        hits = list(self._hits("\n".join(texts) + "\n\n\n\n"))
        ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
        rows = np.searchsorted(ends, np.concatenate([places for places, _ in hits]), side="right")
        holds = np.zeros((len(self._packed), len(texts) + 1), np.bool_)
        holds[np.concatenate([columns for _, columns in hits]), rows] = True
        strings = holds[self._columns[0]]
        for columns in self._columns[1:]:
            strings &= holds[columns]
        met = np.logical_or.reduceat(strings, self._needs, axis=0)
        return np.logical_and.reduceat(met, self._begins, axis=0).T[:-1]


class Phrases:
    """Rules compiled for searching many texts; rule i sets bit i."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        spelled = [
            (place, one) for place, rule in enumerate(rules) for text in rule.wordings for one in alternatives(text)
        ]
        self._bits = [place for place, _ in spelled]
        self._patterns = [re.compile(wording) for _, wording in spelled]
        wanted = [needs(wording) for _, wording in spelled]
        self._plain = _Scan(wanted, ascii_only=True)
        self._other = _Scan(wanted, ascii_only=False)

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
        hopeful: Any = np.argwhere(scan.hopeful(texts)).tolist()
        for row, wording in hopeful:
            bit = 1 << self._bits[wording]
            if not bits[places[row]] & bit and self._patterns[wording].search(texts[row]):
                bits[places[row]] |= bit

    def match(self, text: str) -> int:
        """The bits of one text."""
        return self.match_many([text])[0]


def named(rules: Sequence[Rule], bits: int) -> tuple[str, ...]:
    """The names of the rules whose bits are set."""
    return tuple(rule.name for position, rule in enumerate(rules) if bits >> position & 1)
