"""Classes of wordings searched in many texts at once: a walk for what a match must hold, then the expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from detectors import finder
from detectors.folded import Folded, packed
from detectors.spellings import SPELLINGS, spelled
from detectors.wordings import Wording, alternatives, read

_GROUP: Final = 64  # texts walked at once


class Rule(NamedTuple):
    """A class: its name and the wordings of which one must be found in a text of lower case."""

    name: str
    wordings: tuple[str, ...]


def rule(name: str, parts: dict[str, str], *wordings: str) -> Rule:
    """A class whose wordings have upper-case names for `parts`; texts are folded, so nothing clashes.

    One spelling stands for all that `spellings` takes for the same.
    """
    names = re.compile("|".join(parts) or r"(?!)")
    filled = (names.sub(lambda found: parts[found.group()], wording) for wording in wordings)
    return Rule(name, tuple(map(spelled, filled)))


class _Scan:
    """Finds which texts hold what each wording needs."""

    def __init__(self, wordings: Sequence[Wording]) -> None:
        for wording in wordings:
            if not wording.needs:
                raise ValueError(f"a wording without a word to look for: {wording.text}")
        self._strings = sorted({one for wording in wordings for strings in wording.needs for one in strings})
        self._needs = [wording.needs for wording in wordings]
        self._buckets = finder.bucketed(self._strings)
        self._signs = finder.joined(self._strings)
        self._asked = self._wanted()

    def _wanted(self) -> finder.Asked:
        numbers = {string: number for number, string in enumerate(self._strings)}
        met: list[list[int]] = [[] for _ in self._strings]
        wants: list[int] = []
        for want, needs in enumerate(self._needs):
            for strings in needs:
                for string in strings:
                    met[numbers[string]].append(len(wants))
                wants.append(want)
        begins = np.cumsum([0, *map(len, met)]).astype(np.int32)
        flat = np.array([need for some in met for need in some], np.int32)
        return finder.Asked(begins, flat, np.array(wants, np.int32), np.array([*map(len, self._needs)], np.int32))

    def hopeful(self, texts: Folded) -> Iterator[tuple[int, int, list[list[str]]]]:
        """Each text and wording that may match, and of each need the strings that the text holds."""
        count, room = len(self._needs), len(self._strings)
        seen, needed = np.zeros(room, np.int32), np.zeros(len(self._asked.wants), np.int32)
        marked, counts = np.zeros(count, np.int32), np.zeros(count, np.int32)
        longest = int((texts.ends - texts.begins).max(initial=0)) + 1
        places, values = np.empty(longest, np.int64), np.empty(longest, np.uint64)
        found, ends = np.empty(room * len(texts), np.int32), np.zeros(len(texts), np.int32)
        rows, wanted = np.empty(count * len(texts), np.int32), np.empty(count * len(texts), np.int32)
        made = finder.find(
            texts.codes, texts.begins, texts.ends, *self._buckets, *self._signs, *self._asked, places, values, seen,
            needed, marked, counts, found, ends, rows, wanted,
        )  # fmt: skip
        row, held = -1, set[str]()
        for place, want in zip(rows[:made].tolist(), wanted[:made].tolist(), strict=True):
            if place != row:
                row = place
                begin = int(ends[row - 1]) if row else 0
                held = {self._strings[one] for one in found[begin : ends[row]].tolist()}
            yield row, want, [[one for one in strings if one in held] for strings in self._needs[want]]


class Phrases:
    """Rules compiled for searching many texts; rule i sets bit i."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        spelled = [
            (place, one) for place, rule in enumerate(rules) for text in rule.wordings for one in alternatives(text)
        ]
        self._bits = [1 << place for place, _ in spelled]
        self._wordings = [read(wording) for _, wording in spelled]
        self._scan = _Scan(self._wordings)

    def match_many(self, texts: Sequence[str]) -> list[int]:
        """For each text the bits of the rules of which a wording is found in it, upper case taken as lower."""
        folded = texts if isinstance(texts, Folded) else packed([text.casefold() for text in texts])
        folded = folded.mapped(SPELLINGS)
        bits = [0] * len(folded)
        for begin in range(0, len(folded), _GROUP):
            group = folded[begin : begin + _GROUP]
            row, text = -1, ""
            for place, wording, held in self._scan.hopeful(group):
                if bits[begin + place] & self._bits[wording]:
                    continue
                if place != row:
                    row, text = place, group[place]
                if self._wordings[wording].found(text, held):
                    bits[begin + place] |= self._bits[wording]
        return bits

    def match(self, text: str) -> int:
        """The bits of one text."""
        return self.match_many([text])[0]


def named(rules: Sequence[Rule], bits: int) -> tuple[str, ...]:
    """The names of the rules whose bits are set."""
    return tuple(rule.name for position, rule in enumerate(rules) if bits >> position & 1)
