"""Words and shingles of many texts at once: sketches, samples of shingles and of words, topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.folded import Folded, Places, packed
from detectors.text import clip
from detectors.tokens import NUMERIC, PAIRED, SINGLE, TOPICAL, Hashes, Marks, Tokens, tokenise

SKETCH: Final = 8_192  # characters of one text that are read, head and tail
BINS: Final = 8  # values of a sketch
KEPT: Final = 8  # hashes kept of a text's shingles, and of its words
DIMENSIONS: Final = 24  # of a topic
_GROUP: Final = 65_536  # characters hashed at once: small enough for the columns to stay in the cache
_FIRST = np.uint64(3)
_SECOND, _THIRD = np.uint64(0x5851F42D4C957F2D), np.uint64(0xD1342543DE82EF95)
_FOURTH, _LATER = np.uint64(0x2545F4914F6CDD1D), np.uint64(0x9FB21C651E98DF25)
_FIRST_MIX, _SECOND_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_FILL = np.uint32(0x9E3779B9)  # added to a bin for each bin that it was taken over
_U64: Final = (1 << 64) - 1
_LOW = np.uint64(0xFFFFFFFF)
_PARTS: Final = DIMENSIONS // 4

SAMPLES: Final = np.dtype(
    [
        ("sketch", "<u4", (BINS,)),
        ("gist", "<u4", (KEPT,)),
        ("answer_gist", "<u4", (KEPT,)),
        ("words", "<u4", (KEPT,)),
        ("topic", "i1", (DIMENSIONS,)),
    ]
)
"""What is kept of an exchange's words, in EVENT's order."""
_ROW: Final = SAMPLES.itemsize // 4
_SKETCH, _GIST, _ANSWER, _WORDS, _TOPIC = 0, 8, 16, 24, 32  # where each begins in a row of numbers of four bytes

Row = NDArray[np.uint32]


class Measured(NamedTuple):
    """What is kept of each text; shapes (n, BINS), (n, KEPT), (n, KEPT), (n, DIMENSIONS), (n,)."""

    sketch: NDArray[np.uint32]
    gist: NDArray[np.uint32]
    words: NDArray[np.uint32]
    topic: NDArray[np.int8]
    listed: NDArray[np.uint8]


Look = Callable[[Tokens], NDArray[np.uint8]]
"""Of each text the bits of the lists that hold it."""


def _lanes() -> Hashes:
    """Of each 4 bits: each bit in 16 bits of its own, so that sums of many stay apart."""
    return np.array([sum((value >> bit & 1) << 16 * bit for bit in range(4)) for value in range(16)], np.uint64)


_LANES = _lanes()


@compiled
def _mix(value: np.uint64, seed: np.uint64) -> np.uint64:
    value ^= seed
    value ^= value >> np.uint64(31)
    value *= _FIRST_MIX
    value ^= value >> np.uint64(29)
    value *= _SECOND_MIX
    return value ^ (value >> np.uint64(32))


@compiled
def _least(values: Hashes, count: int, rows: Row, base: int) -> None:
    """Write the KEPT least distinct low halves of hashes from rows[base] on, ascending."""
    held = 0
    most = np.uint32(0xFFFFFFFF)  # the largest of as many as are kept
    for number in range(count):
        value = np.uint32(values[number] & _LOW)
        if value == np.uint32(0):
            value = np.uint32(1)
        if held == KEPT and value >= most:
            continue
        place = base + held
        while place > base and rows[place - 1] > value:
            place -= 1
        if place > base and rows[place - 1] == value:
            continue
        if held < KEPT:
            held += 1
        for back in range(base + held - 1, place, -1):
            rows[back] = rows[back - 1]
        rows[place] = value
        if held == KEPT:
            most = rows[base + KEPT - 1]


@compiled
def _shingles(hashes: Hashes, marks: Marks, begin: int, end: int, seed: np.uint64, out: Hashes) -> int:
    """Write the hash of each shingle of a text and how many they are; `out` has room for every token.

    A shingle is of four tokens, and of six where it begins with a sign of its own: in scripts without spaces a
    word has about two signs.
    """
    count = 0
    for at in range(begin, end - 3):
        value = hashes[at] * _FIRST + hashes[at + 1] * _SECOND + hashes[at + 2] * _THIRD + hashes[at + 3] * _FOURTH
        if marks[at] & SINGLE:
            if at + 5 >= end:
                continue
            later = hashes[at + 2] * _FIRST + hashes[at + 3] * _SECOND + hashes[at + 4] * _THIRD
            value += (later + hashes[at + 5] * _FOURTH) * _LATER
        out[count] = _mix(value, seed)
        count += 1
    return count


@compiled
def _triples(hashes: Hashes, begin: int, end: int, seed: np.uint64, out: Hashes) -> int:
    """Write the hash of each run of three tokens of a text, of fewer where it has no more; how many they are."""
    count = 0
    for at in range(begin, end if end - begin < 3 else end - 2):
        value = hashes[at] * _FIRST
        if at + 1 < end:
            value += hashes[at + 1] * _SECOND
        if at + 2 < end:
            value += hashes[at + 2] * _THIRD
        out[count] = _mix(value, seed)
        count += 1
    return min(count, 1) if end - begin < 3 else count


@compiled
def _sketch(values: Hashes, count: int, rows: Row, base: int) -> None:
    """Write the one-permutation MinHash of hashes; an empty bin is filled from the next full one, as of a long text."""
    full = 0
    for number in range(count):
        slot = int(values[number] >> np.uint64(61))
        value = np.uint32(values[number] & _LOW)
        if not full >> slot & 1 or value < rows[base + slot]:
            rows[base + slot] = value
        full |= 1 << slot
    if not full:
        return
    for slot in range(BINS):
        if not full >> slot & 1:
            step = 1
            while not full >> ((slot + step) % BINS) & 1:
                step += 1
            rows[base + slot] = rows[base + (slot + step) % BINS] + np.uint32(step) * _FILL


@compiled
def _units(hashes: Hashes, marks: Marks, begin: int, end: int, units: Hashes, tells: Marks) -> tuple[int, bool]:
    """Write words without digits, and pairs of signs where a script has no spaces; how many, and if any is topical.

    Of a text of numbers alone, as a prompt of token ids is, the numbers are the words.
    """
    worded = False
    for place in range(begin, end):
        if not marks[place] & NUMERIC:
            worded = True
            break
    count = begin
    telling = False
    for place in range(begin, end):
        mark = marks[place]
        if worded and mark & NUMERIC:
            continue
        if mark & PAIRED:
            units[count] = hashes[place] * np.uint64(3) + hashes[place + 1] * _SECOND
        elif place > begin and marks[place - 1] & PAIRED:
            continue
        else:
            units[count] = hashes[place]
        tells[count] = mark & TOPICAL
        telling = telling or (mark & TOPICAL) != 0
        count += 1
    return count, telling


@compiled
def _words(
    units: Hashes,
    tells: Marks,
    begin: int,
    end: int,
    telling: bool,
    seed: np.uint64,
    lanes: Hashes,
    sums: Hashes,
    out: Hashes,
) -> tuple[int, int]:
    """Write the hashes of a text's sampled words, and to `sums` those of the words that tell its topic; how many."""
    count = topical = 0
    sums[:] = np.uint64(0)
    for place in range(begin, end):
        hashed = _mix(units[place], seed)
        if hashed >> np.uint64(61) == np.uint64(0):
            out[count] = hashed
            count += 1
        if tells[place] or not telling:
            topical += 1
            bits = hashed >> np.uint64(32)
            for part in range(_PARTS):
                sums[part] += lanes[bits & np.uint64(15)]
                bits >>= np.uint64(4)
    return count, topical


@compiled
def _topic(sums: Hashes, count: int, topics: NDArray[np.int8], base: int) -> None:
    """Write the sum of the words' 24 signs, of length 127."""
    squares = 0
    for place in range(DIMENSIONS):
        ones = int(sums[place >> 2] >> np.uint64(16 * (place & 3)) & np.uint64(0xFFFF))
        squares += (2 * ones - count) * (2 * ones - count)
    scale = 127.0 / np.sqrt(np.float64(max(squares, 1)))
    for place in range(DIMENSIONS):
        ones = int(sums[place >> 2] >> np.uint64(16 * (place & 3)) & np.uint64(0xFFFF))
        topics[base + place] = np.int8(np.rint((2 * ones - count) * scale))


@compiled
def _sample(
    starts: Places,
    hashes: Hashes,
    marks: Marks,
    seed: np.uint64,
    lanes: Hashes,
    sums: Hashes,
    units: Hashes,
    tells: Marks,
    out: Hashes,
    number: int,
    texts: int,
    rows: Row,
    topics: NDArray[np.int8],
) -> None:
    """Write all samples of texts to their rows, and of those from `texts` on the answer's gist to the first rows.

    The group's first text is the batch's `number`th. `units`, `tells` and `out` have room for every token, `sums`
    for the parts of a topic, `lanes` are 16; `topics` are the bytes of the rows.
    """
    for one in range(len(starts) - 1):
        begin, end, row = starts[one], starts[one + 1], number + one
        count = _shingles(hashes, marks, begin, end, seed, out)
        if row >= texts:
            _least(out, count, rows, (row - texts) * _ROW + _ANSWER)
            continue
        base = row * _ROW
        _least(out, count, rows, base + _GIST)
        _sketch(out, _triples(hashes, begin, end, seed, out), rows, base + _SKETCH)
        over, telling = _units(hashes, marks, begin, end, units, tells)
        count, topical = _words(units, tells, begin, over, telling, seed, lanes, sums, out)
        _least(out, count, rows, base + _WORDS)
        if topical:
            _topic(sums, topical, topics, 4 * (base + _TOPIC))


def groups(texts: Folded) -> Iterator[tuple[int, Folded]]:
    """The texts, clipped, in groups that fit the cache, with the place of each group's first."""
    clipped = texts.clipped(SKETCH - 1)
    ends = np.cumsum(clipped.ends - clipped.begins)
    begin, read = 0, 0
    while begin < len(clipped):
        end = max(int(np.searchsorted(ends, read + _GROUP, side="right")), begin + 1)
        yield begin, clipped[begin:end]
        begin, read = end, int(ends[end - 1])


def sample(
    texts: Folded, count: int, seed: int, look: Look | None = None
) -> tuple[NDArray[np.void], NDArray[np.uint8]]:
    """SAMPLES of the first `count` texts, whose answers are the others; and what `look` finds in the first."""
    made = np.zeros(max(count, len(texts) - count), SAMPLES)
    listed = np.zeros(count, np.uint8)
    rows, topics = made.view(np.uint32), made.view(np.int8)
    sums, keyed = np.empty(_PARTS, np.uint64), np.uint64(seed & _U64)
    for number, group in groups(texts):
        found = tokenise(group)
        size = len(found.hashes)
        units, tells, out = np.empty(size, np.uint64), np.empty(size, np.uint8), np.empty(size, np.uint64)
        _sample(
            found.starts, found.hashes, found.marks, keyed, _LANES, sums, units, tells, out, number, count, rows, topics
        )  # fmt: skip
        if look is not None and number < count:
            listed[number : number + len(group)] = look(found)[: count - number]
    return made, listed


def measure(texts: Sequence[str], seed: int, look: Look | None = None) -> Measured:
    """Sketch, gist, words and topic of normalised texts, and what `look` finds; all 0 for a text without words."""
    found, listed = sample(packed(texts), len(texts), seed, look)
    return Measured(found["sketch"], found["gist"], found["words"], found["topic"], listed)


def gists(texts: Sequence[str], seed: int) -> NDArray[np.uint32]:
    """The gist of normalised texts alone, shape (n, KEPT), as `measure` gives it."""
    kept: NDArray[np.uint32] = sample(packed(texts), 0, seed)[0]["answer_gist"]
    return kept


def shingles(text: str, seed: int) -> NDArray[np.uint32]:
    """All that a gist is sampled from, of one normalised text of at most SKETCH characters; each once, ascending."""
    tokens = tokenise([clip(text, SKETCH - 1)])
    out = np.empty(len(tokens.hashes), np.uint64)
    hashes = out[: _shingles(tokens.hashes, tokens.marks, 0, len(out), np.uint64(seed & _U64), out)]
    return np.unique(np.maximum(hashes & _LOW, np.uint64(1)).astype(np.uint32))


def similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of sketches, over the last axis."""
    return np.asarray((one == other).mean(axis=-1), np.float64)
