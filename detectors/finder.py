"""Which of many strings stand in texts: one walk over the code points of a text, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.folded import Codes, Places, packed

LEAST: Final = 2  # signs of a string; three of one in ASCII, which would else be in every other word
_RUNS: Final = (4, 3, 2)  # signs of a run; a string is known by the longest that it has
_SIZES: Final = (1 << 18, 1 << 14, 1 << 14)  # buckets for the runs of each length, one after another
_THREES: Final = np.uint64(_SIZES[0])
_TWOS: Final = np.uint64(_SIZES[0] + _SIZES[1])
_SPREAD: Final = 0x9E3779B1
_MIX: Final = 0x9E3779B97F4A7C15
_U32: Final = (1 << 32) - 1
_U64: Final = (1 << 64) - 1
_FACTOR, _FACTORS, _LOW = np.uint64(_SPREAD), np.uint64(_MIX), np.uint64(_U32)
_SHIFT, _SHIFT_SHORT = np.uint64(64 - 18), np.uint64(64 - 14)
_EIGHT, _SIXTEEN, _THREE, _SEVEN = np.uint64(8), np.uint64(16), np.uint64(3), np.uint64(7)
_CROWDED: Final = 8  # strings of one run that count as much as a run being common
# How often English text has a letter, in percent; of any other sign, one in a hundred.
_COMMON: Final = dict(
    zip(" etaoinshrdlucmfwygpbvkjxqz", (18, 10, 7, 6, 6, 6, 6, 5, 5, 5, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1), strict=False)
) | {"k": 0.6, "j": 0.1, "x": 0.1, "q": 0.1, "z": 0.1}  # fmt: skip

Small = NDArray[np.uint16]
Numbers = NDArray[np.int32]
Marks = NDArray[np.uint8]
Hashes = NDArray[np.uint64]


class Buckets(NamedTuple):
    """Strings by a run of their signs: of each run's bucket the list, of each list the strings."""

    some: Marks  # a bit for each bucket that has a list
    lists: Small  # of each bucket the list, 0 for none
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
    """The bucket of a run of signs, as the loop works it out."""
    value = 0
    for sign in run:
        value = (value << 8 ^ ord(sign) * _SPREAD) & _U32
    which = _RUNS.index(len(run))
    mixed = (value << 8 * which & _U32) * _MIX & _U64
    return sum(_SIZES[:which]) + (mixed * _SIZES[which] >> 64)


def _rarity(run: str, load: int) -> float:
    """How common a run is, and how many strings are known by it already."""
    product = 1.0
    for sign in run:
        product *= _COMMON.get(sign, 1)
    return product * (1 + load / _CROWDED)


def bucketed(strings: Sequence[str]) -> Buckets:
    """Every string under the run of its signs that is rarest in texts; raises ValueError for one that is too short."""
    table = np.zeros(sum(_SIZES), np.uint16)
    lists: list[list[tuple[int, int]]] = [[]]
    loads: dict[str, int] = {}
    for number, string in sorted(enumerate(strings), key=lambda one: len(one[1])):
        if not findable(string):
            raise ValueError(f"too short to be looked for: {string!r}")
        size = next(size for size in _RUNS if size <= len(string))
        runs = [string[place : place + size] for place in range(len(string) - size + 1)]
        place = min(range(len(runs)), key=lambda place: _rarity(runs[place], loads.get(runs[place], 0)))
        loads[runs[place]] = loads.get(runs[place], 0) + 1
        bucket = _bucket(runs[place])
        if not table[bucket]:
            table[bucket] = len(lists)
            lists.append([])
        lists[table[bucket]].append((number, place + size - 1))
    begins = np.cumsum([0, *map(len, lists)]).astype(np.int32)
    entries = np.array([entry for one in lists for entry in one], np.int32).reshape(-1, 2)
    some = np.packbits(table != 0, bitorder="little")
    return Buckets(some, table, begins, entries[:, 0].copy(), entries[:, 1].copy())


def joined(strings: Sequence[str]) -> Strings:
    """The strings as the loop compares them."""
    signs = packed(strings).codes
    return Strings(signs, np.cumsum([0, *map(len, strings)]).astype(np.int32))


@compiled
def _places(codes: Codes, begin: int, end: int, some: Marks, places: Places, values: Hashes) -> int:
    """Write where a run of a text ends whose bucket has a list, and the number of the last four signs there.

    How many they are: at most one a sign. The number loses a sign with each shift, so it tells nothing of those before.
    """
    value = np.uint64(0)
    before = np.uint32(0)
    count = 0
    for last in range(begin, end):
        code = codes[last]
        value = (value << _EIGHT ^ np.uint64(code) * _FACTOR) & _LOW
        four = value * _FACTORS >> _SHIFT
        three = _THREES + ((value << _EIGHT & _LOW) * _FACTORS >> _SHIFT_SHORT)
        bits = some[four >> _THREE] >> (four & _SEVEN) | some[three >> _THREE] >> (three & _SEVEN)
        if (code | before) > np.uint32(127):  # a run of two is looked for only where a sign is not ASCII
            two = _TWOS + ((value << _SIXTEEN & _LOW) * _FACTORS >> _SHIFT_SHORT)
            bits |= some[two >> _THREE] >> (two & _SEVEN)
        before = code
        places[count], values[count] = last, value
        count += int(bits & np.uint64(1))
    return count


@compiled
def _those(
    codes: Codes,
    begin: int,
    end: int,
    places: Places,
    values: Hashes,
    places_count: int,
    some: Marks,
    lists: Small,
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
    """Write the strings that stand in a text at the places, each once; how many are written then."""
    for number in range(places_count):
        last, value = places[number], values[number]
        for which in range(3):
            if which == 0:
                bucket = value * _FACTORS >> _SHIFT
            elif which == 1:
                bucket = _THREES + ((value << _EIGHT & _LOW) * _FACTORS >> _SHIFT_SHORT)
            else:
                bucket = _TWOS + ((value << _SIXTEEN & _LOW) * _FACTORS >> _SHIFT_SHORT)
            if not some[bucket >> _THREE] >> (bucket & _SEVEN) & np.uint64(1):
                continue
            listed = np.int64(lists[bucket])
            for entry in range(begins[listed], begins[listed + 1]):
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
    some: Marks,
    lists: Small,
    begins: Numbers,
    strings: Numbers,
    ahead: Numbers,
    signs: Codes,
    bounds: Numbers,
    owns: Numbers,
    needs: Numbers,
    wants: Numbers,
    totals: Numbers,
    places: Places,
    values: Hashes,
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
    `hopeful` for every want of every text, `places` and `values` for every sign of the longest and one more; `seen`,
    `needed` and `marked` are 0 and have a place for each string, need and want, as `counts` has for each want.
    """
    count = made = 0
    for text in range(len(text_begins)):
        own, before, begin, end = count, made, text_begins[text], text_ends[text]
        size = _places(codes, begin, end, some, places, values)
        count = _those(
            codes, begin, end, places, values, size, some, lists, begins, strings, ahead, signs, bounds, seen, text + 1,
            found, count,
        )  # fmt: skip
        made = _met(
            found, own, count, owns, needs, wants, totals, needed, marked, counts, text + 1, text, rows, hopeful, made
        )
        if made == before:
            count = own
        ends[text] = count
    return made
