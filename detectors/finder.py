"""Which of many strings stand in texts: one walk over the code points of a text, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.folded import Codes, Places, packed

LEAST: Final = 2  # signs of a string; three of one in ASCII, which would else be in every other word
_BITS: Final = (12, 12, 15)  # of a table of buckets, for runs of two, three and four signs
_SPREAD: Final = 0x9E3779B1
_U32: Final = (1 << 32) - 1
_FACTOR: Final = np.uint32(_SPREAD)
_SHIFTS: Final = tuple(np.uint32(32 - bits) for bits in _BITS)
_CROWDED: Final = 8  # strings of one run that count as much as a run being common
# How often English text has a letter, in percent; of any other sign, one in a hundred.
_COMMON: Final = dict(
    zip(" etaoinshrdlucmfwygpbvkjxqz", (18, 10, 7, 6, 6, 6, 6, 5, 5, 5, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1), strict=False)
) | {"k": 0.6, "j": 0.1, "x": 0.1, "q": 0.1, "z": 0.1}  # fmt: skip

Small = NDArray[np.uint16]
Numbers = NDArray[np.int32]


class Buckets(NamedTuple):
    """Strings by a run of their signs: of each run's bucket the list, of each list the strings."""

    fours: Small  # of each bucket the list, 0 for none
    threes: Small
    twos: Small
    begins: Numbers  # where each list begins; the first is empty, and one place more says where the last ends
    strings: Numbers  # the strings of the lists
    ahead: Numbers  # of each of these, how many signs of the string stand before the run's last


class Strings(NamedTuple):
    """The strings' signs, all in one array."""

    signs: Codes
    begins: Numbers  # where each begins; one place more says where the last ends


class Asked(NamedTuple):
    """What wants strings: a want has several needs, each met by any of its strings."""

    begins: Numbers  # of each string where its needs begin; one place more
    needs: Numbers  # the needs that it meets
    wants: Numbers  # of each need its want
    totals: Numbers  # of each want how many needs it has


def findable(string: str) -> bool:
    """Whether a string is long enough to be looked for."""
    return len(string) >= (LEAST + 1 if string.isascii() else LEAST)


def _bucket(run: str) -> int:
    """The bucket of a run of two to four signs, as the loop works it out."""
    value = 0
    for sign in run:
        value = (value << 8 ^ ord(sign) * _SPREAD) & _U32
    value = value << 8 * (4 - len(run)) & _U32
    return (value * _SPREAD & _U32) >> 32 - _BITS[len(run) - 2]


def _rarity(run: str, load: int) -> float:
    product = 1.0
    for sign in run:
        product *= _COMMON.get(sign, 1)
    return product * (1 + load / _CROWDED)


def bucketed(strings: Sequence[str]) -> Buckets:
    """Every string under the run of its signs that is rarest in texts; raises ValueError for one that is too short."""
    tables = [np.zeros(1 << bits, np.uint16) for bits in _BITS]
    lists: list[list[tuple[int, int]]] = [[]]
    loads: dict[str, int] = {}
    for number, string in sorted(enumerate(strings), key=lambda one: len(one[1])):
        if not findable(string):
            raise ValueError(f"too short to be looked for: {string!r}")
        size = min(len(string), 4)
        runs = [string[place : place + size] for place in range(len(string) - size + 1)]
        place = min(range(len(runs)), key=lambda place: _rarity(runs[place], loads.get(runs[place], 0)))
        loads[runs[place]] = loads.get(runs[place], 0) + 1
        table, bucket = tables[size - 2], _bucket(runs[place])
        if not table[bucket]:
            table[bucket] = len(lists)
            lists.append([])
        lists[table[bucket]].append((number, place + size - 1))
    begins = np.cumsum([0, *map(len, lists)]).astype(np.int32)
    entries = np.array([entry for one in lists for entry in one], np.int32).reshape(-1, 2)
    return Buckets(tables[2], tables[1], tables[0], begins, entries[:, 0].copy(), entries[:, 1].copy())


def joined(strings: Sequence[str]) -> Strings:
    """The strings as the loop compares them."""
    signs = packed(strings).codes
    return Strings(signs, np.cumsum([0, *map(len, strings)]).astype(np.int32))


@compiled
def _find(
    codes: Codes,
    begin: int,
    end: int,
    fours: Small,
    threes: Small,
    twos: Small,
    begins: Numbers,
    strings: Numbers,
    ahead: Numbers,
    signs: Codes,
    bounds: Numbers,
    seen: Numbers,
    mark: int,
    found: Numbers,
    count: int,
) -> int:
    """Write the strings that stand in a text, each once; how many are written then.

    The number of the last four signs loses a sign with each shift, so it tells nothing of those before them.
    """
    value = before = np.uint32(0)
    for last in range(begin, end):
        code = codes[last]
        value = np.uint32(np.uint32(value << np.uint32(8)) ^ np.uint32(code * _FACTOR))
        four = np.int64(fours[np.uint32(value * _FACTOR) >> _SHIFTS[2]])
        three = np.int64(threes[np.uint32(np.uint32(value << np.uint32(8)) * _FACTOR) >> _SHIFTS[1]])
        two = np.int64(0)
        if (code | before) > np.uint32(127):
            two = np.int64(twos[np.uint32(np.uint32(value << np.uint32(16)) * _FACTOR) >> _SHIFTS[0]])
        before = code
        if not four | three | two:
            continue
        for bucket in (four, three, two):
            for entry in range(begins[bucket], begins[bucket + 1]):
                string = strings[entry]
                first, place = bounds[string], last - ahead[entry]
                size = bounds[string + 1] - first
                if seen[string] == mark or place < begin or place + size > end:
                    continue
                same = 0
                while same < size and codes[place + same] == signs[first + same]:
                    same += 1
                if same == size:
                    seen[string] = mark
                    found[count] = string
                    count += 1
    return count


@compiled
def _met(
    found: Numbers,
    begin: int,
    count: int,
    owns: Numbers,
    needs: Numbers,
    wants: Numbers,
    totals: Numbers,
    needed: Numbers,
    marked: Numbers,
    counts: Numbers,
    mark: int,
    text: int,
    rows: Numbers,
    hopeful: Numbers,
    made: int,
) -> int:
    """Write the wants of which every need is met by the strings of a text; how many are written then."""
    for place in range(begin, count):
        for at in range(owns[found[place]], owns[found[place] + 1]):
            need = needs[at]
            if needed[need] == mark:
                continue
            needed[need] = mark
            want = wants[need]
            if marked[want] != mark:
                marked[want], counts[want] = mark, 0
            counts[want] += 1
            if counts[want] == totals[want]:
                rows[made], hopeful[made] = text, want
                made += 1
    return made


@compiled
def find(
    codes: Codes,
    text_begins: Places,
    text_ends: Places,
    fours: Small,
    threes: Small,
    twos: Small,
    begins: Numbers,
    strings: Numbers,
    ahead: Numbers,
    signs: Codes,
    bounds: Numbers,
    owns: Numbers,
    needs: Numbers,
    wants: Numbers,
    totals: Numbers,
    seen: Numbers,
    needed: Numbers,
    marked: Numbers,
    counts: Numbers,
    found: Numbers,
    ends: Numbers,
    rows: Numbers,
    hopeful: Numbers,
) -> int:
    """Write the wants that each text may hold and, of such texts, the strings; how many wants are written.

    The strings of text k end at ends[k] of `found`. `found` has room for every string of every text, `rows` and
    `hopeful` for every want of every text; `seen`, `needed` and `marked` are 0 and have a place for each string, need
    and want, as `counts` has for each want.
    """
    count = made = 0
    for text in range(len(text_begins)):
        begin, before = count, made
        count = _find(
            codes, text_begins[text], text_ends[text], fours, threes, twos, begins, strings, ahead, signs, bounds, seen,
            text + 1, found, count,
        )  # fmt: skip
        made = _met(
            found, begin, count, owns, needs, wants, totals, needed, marked, counts, text + 1, text, rows, hopeful, made
        )
        if made == before:
            count = begin
        ends[text] = count
    return made
