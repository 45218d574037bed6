"""What every match of a wording must hold, read from its expression; and a search that looks only where that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from math import inf
from typing import Final, NamedTuple

from detectors.finder import findable

_PRODUCT: Final = 64  # strings that a part may stand for and still be spelled out
_NEEDS: Final = 3  # needs that are checked of one wording
# A word's edge is also where a script that sets no spaces, or Korean with its endings, meets Latin letters.
_TIGHT: Final = "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7ff]"
_EDGE: Final = rf"(?:\b|(?<=[a-z0-9_])(?={_TIGHT})|(?<={_TIGHT})(?=[a-z0-9_]))"
_QUANTIFIER = re.compile(r"([?*+]|\{(\d*)(?:,(\d*))?\})\??")

Strings = frozenset[str]


class _Need(NamedTuple):
    """What a part of an expression matches: all its strings where they are few, else strings it must hold."""

    exact: Strings | None
    holds: tuple[Strings, ...]  # of each set, one string at least
    longest: float  # characters of its longest match


_NOTHING = _Need(frozenset({""}), (), 0)
_ANYTHING = _Need(None, (), 1)


def _spelled(*strings: str) -> _Need:
    return _Need(frozenset(strings), (), max(map(len, strings)))


def _usable(strings: Strings) -> bool:
    return all(map(findable, strings))


def _sequence(items: Iterable[_Need]) -> _Need:
    run: Strings = frozenset({""})
    holds: list[Strings] = []
    whole = True
    longest = 0.0
    for item in items:
        longest += item.longest
        if item.exact is not None and len(run) * len(item.exact) <= _PRODUCT:
            run = frozenset(one + other for one in run for other in item.exact)
            continue
        whole = False
        if _usable(run):
            holds.append(run)
        holds += item.holds
        run = item.exact if item.exact is not None else frozenset({""})
    if whole:
        return _Need(run, (), longest)
    return _Need(None, tuple([*holds, run] if _usable(run) else holds), longest)


def _best(need: _Need) -> Strings | None:
    """The set of strings that tells most: few and long ones."""
    if need.exact is not None:
        return need.exact if _usable(need.exact) else None
    return min(need.holds, key=lambda strings: (len(strings), -min(map(len, strings))), default=None)


def _either(needs: Sequence[_Need]) -> _Need:
    if len(needs) == 1:
        return needs[0]
    exact: set[str] = set()
    longest = max(need.longest for need in needs)
    for need in needs:
        if need.exact is None or len(exact) + len(need.exact) > _PRODUCT:
            best = [_best(one) for one in needs]
            if any(one is None for one in best):
                return _Need(None, (), longest)
            return _Need(None, (frozenset[str]().union(*[one for one in best if one is not None]),), longest)
        exact |= need.exact
    return _Need(frozenset(exact), (), longest)


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
            return _ANYTHING if sign.isalnum() else _spelled(sign)
        if sign in "^$":
            return _NOTHING
        if sign in "*+?{":
            raise ValueError(f"nothing to repeat: {self._text!r}")
        return _ANYTHING if sign == "." else _spelled(sign)

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
        return _spelled(*plain) if is_plain else _ANYTHING

    def _quantified(self, need: _Need) -> _Need:
        found = _QUANTIFIER.match(self._text, self._place)
        if not found:
            return need
        self._place = found.end()
        least, most = {"?": (0, 1.0), "*": (0, inf), "+": (1, inf)}.get(found[1], (0, 0.0))
        if found[1][0] == "{":
            least = int(found[2] or 0)
            most = float(least) if found[3] is None else float(found[3] or inf)
        longest = need.longest * most
        if found[1] == "?" and need.exact is not None:
            return _Need(need.exact | {""}, (), longest)
        best = _best(need) if least else None
        return _Need(None, (best,) if best else (), longest)


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


class Wording(NamedTuple):
    """A wording without alternatives: each match holds one string of each of `needs`, and is at most so long."""

    text: str
    needs: tuple[tuple[str, ...], ...]
    longest: float

    def found(self, text: str, held: Sequence[Sequence[str]]) -> bool:
        """Whether it is in a text that holds of each need the strings in `held`, and no others."""
        if not all(held):
            return False
        pattern = _plain(self.text) if text.isascii() else expression(self.text)
        if self.longest == inf:
            return pattern.search(text) is not None
        reach = int(self.longest)
        end = -1
        fewest = min(held, key=lambda strings: (len(strings), -len(strings[0])))
        for place in _places(text, fewest):
            if place > end:  # not within the reach of the last search
                end = place + 4 * reach
                match = pattern.search(text, max(place - reach, 0), end + reach)
                if match is not None and match.end() == end + reach < len(text):
                    match = pattern.search(text)  # it may go on, or end, only because it was cut there
                if match is not None:
                    return True
        return False


def _places(text: str, strings: Sequence[str]) -> list[int]:
    """Where any of the strings begins, ascending."""
    found: list[int] = []
    for string in strings:
        place = text.find(string)
        while place >= 0:
            found.append(place)
            place = text.find(string, place + 1)
    return sorted(found) if len(strings) > 1 else found


@cache  # most are never asked for: each is compiled when it first is
def expression(wording: str) -> re.Pattern[str]:
    r"""A wording's expression, in which `\b` is also where Latin letters meet signs of a script without spaces."""
    return re.compile(wording.replace(r"\b", _EDGE))


@cache
def _plain(wording: str) -> re.Pattern[str]:
    """The same for ASCII, where an edge is cheaper to find."""
    return re.compile(wording)


@cache  # of each class one search alone and one with all others are compiled
def read(wording: str) -> Wording:
    """What every match of a wording without alternatives holds."""
    need = _Reader(wording).read()
    holds = need.holds if need.exact is None else (need.exact,) if _usable(need.exact) else ()
    chosen = sorted(holds, key=lambda strings: (len(strings), -min(map(len, strings))))[:_NEEDS]
    needs = tuple(tuple(sorted(strings)) for strings in chosen)
    return Wording(wording, needs, need.longest)
