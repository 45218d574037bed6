"""Words and shingles of many texts at once: sketches, samples of shingles and of words, topics."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.text import SPACELESS_CHARACTER, clip

SKETCH: Final = 8_192  # characters of one text that are read, head and tail
BINS: Final = 8  # values of a sketch
KEPT: Final = 8  # hashes kept of a text's shingles, and of its words
DIMENSIONS: Final = 24  # of a topic
_GROUP: Final = 65_536  # characters hashed at once: small enough for the arrays to stay in the cache
_ENOUGH: Final = 32  # hashes a text that are looked at first when the smallest are wanted
_TOPICAL: Final = 4  # letters of a word that tells a topic, in scripts with many short words
_SHORT_WORDS: Final = 0x530  # scripts below: Latin, Greek, Cyrillic
_MULTIPLIER: Final = 0x9E3779B97F4A7C15
_SECOND, _THIRD = np.uint64(0x5851F42D4C957F2D), np.uint64(0xD1342543DE82EF95)
_FOURTH, _LATER = np.uint64(0x2545F4914F6CDD1D), np.uint64(0x9FB21C651E98DF25)
_WORD: Final = 1
_SINGLE: Final = 2
_U64: Final = (1 << 64) - 1
_LOW: Final = np.uint64(0xFFFFFFFF)

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]


class Measured(NamedTuple):
    """What is kept of each text; shapes (n, BINS), (n, KEPT), (n, KEPT), (n, DIMENSIONS), (n,)."""

    sketch: NDArray[np.uint32]
    gist: NDArray[np.uint32]
    words: NDArray[np.uint32]
    topic: NDArray[np.int8]
    listed: NDArray[np.uint8]


class Tokens(NamedTuple):
    """The tokens of a group of texts in their order."""

    joined: str  # the texts, a line end after each but the last
    texts: int  # how many
    first: Places  # where each token begins
    last: Places  # where it is over
    owner: Places  # the text of each token
    hashes: Hashes  # of each token, wherever it stands; not keyed
    numeric: NDArray[np.bool_]  # a digit is in it
    topical: NDArray[np.bool_]  # long enough for its script to tell a topic
    paired: NDArray[np.bool_] | None  # a sign of its own, another right behind it; None: no token is a single sign
    single: NDArray[np.bool_] | None


Look = Callable[[Tokens], NDArray[np.uint8]]
"""Of each text the bits of the lists that hold it."""


def _kinds() -> NDArray[np.uint8]:
    """Of each code point below 65,536: 0 separates, 1 belongs to a word, 2 is a token of its own."""
    table = np.zeros(1 << 16, np.uint8)
    for code in range(1 << 16):
        letter = chr(code)
        if letter.isalnum() or unicodedata.category(letter)[0] == "M":
            table[code] = _SINGLE if SPACELESS_CHARACTER.match(letter) else _WORD
    return table


def _digits() -> NDArray[np.bool_]:
    return np.fromiter((chr(code).isdigit() for code in range(1 << 16)), np.bool_, 1 << 16)


def _powers(base: int) -> Hashes:
    powers = np.full(_GROUP + SKETCH + 2, base & _U64, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _lanes() -> Hashes:
    """Of each 4 bits: each bit in 16 bits of its own, so that sums of many stay apart."""
    return np.array([sum((value >> bit & 1) << 16 * bit for bit in range(4)) for value in range(16)], np.uint64)


_KIND = _kinds()
_DIGIT = _digits()
_ASCII_WORD = np.where(_KIND[:256] == _WORD, np.arange(256), 0).astype(np.uint8)
_POWER = _powers(_MULTIPLIER)
_INVERSE = _powers(pow(_MULTIPLIER, -1, 1 << 64))
_LANES = _lanes()


def _mix(values: Hashes, seed: int) -> Hashes:
    values = values ^ np.uint64(seed & _U64)
    values ^= values >> np.uint64(31)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(29)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(32)
    return values


def _hashes(codes: NDArray[np.uint8] | NDArray[np.uint32], first: Places, last: Places) -> Hashes:
    """The hash of each token by where it begins and is over."""
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(np.multiply(codes, _POWER[: len(codes)], dtype=np.uint64), out=sums[1:])
    return (sums.take(last) - sums.take(first)) * _INVERSE.take(first)


def _owners(first: Places, ends: Places) -> Places:
    """The text of each token, by where the texts end."""
    return np.repeat(np.arange(len(ends)), np.diff(np.searchsorted(first, ends), prepend=0))


def _marked(digit: NDArray[np.bool_], first: Places) -> NDArray[np.bool_]:
    """Which tokens hold a digit."""
    marked = np.zeros(len(first), np.bool_)
    marked[np.searchsorted(first, np.flatnonzero(digit), side="right") - 1] = True
    return marked


def _ascii_tokens(joined: str, ends: Places) -> Tokens:
    codes = _ASCII_WORD.take(np.frombuffer(joined.encode("ascii"), np.uint8))
    word = codes != 0
    step = np.flatnonzero(word[1:] != word[:-1]) + 1
    if word[0]:
        step = np.concatenate((np.zeros(1, np.int64), step))
    first = step[0::2]
    if not len(first):
        return _none(joined, len(ends))
    last = step[1::2]
    if len(last) < len(first):
        last = np.append(last, len(word))
    owner = _owners(first, ends)
    numeric = _marked((codes - np.uint8(48)) < 10, first)
    topical = last - first >= _TOPICAL
    return Tokens(joined, len(ends), first, last, owner, _hashes(codes, first, last), numeric, topical, None, None)


def _none(joined: str, count: int) -> Tokens:
    nothing, nowhere = np.zeros(0, np.bool_), np.zeros(0, np.int64)
    return Tokens(joined, count, nowhere, nowhere, nowhere, np.zeros(0, np.uint64), nothing, nothing, None, None)


def _other_tokens(joined: str, ends: Places) -> Tokens:
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = _KIND.take(np.minimum(codes, 0xFFFF))
    kind[codes > 0xFFFF] = _WORD
    kind[(codes >= 0x20000) & (codes < 0x40000)] = _SINGLE
    begins, goes_on = kind == _WORD, kind == _WORD
    begins[1:] &= kind[:-1] != _WORD
    goes_on[:-1] &= kind[1:] == _WORD
    goes_on[-1] = False
    first = np.flatnonzero(begins | (kind == _SINGLE))
    if not len(first):
        return _none(joined, len(ends))
    last = 1 + np.flatnonzero((kind == _SINGLE) | ((kind == _WORD) & ~goes_on))
    owner = _owners(first, ends)
    single = kind.take(first) == _SINGLE
    paired = np.zeros(len(first), np.bool_)
    paired[:-1] = single[:-1] & single[1:] & (first[1:] - first[:-1] == 1)
    lengths = last - first
    needed = np.where(single, 1, np.where(codes.take(first) < _SHORT_WORDS, _TOPICAL, 2))
    numeric = _marked((kind != 0) & _DIGIT.take(np.minimum(codes, 0xFFFF)), first)
    hashes = _hashes(codes, first, last)
    return Tokens(joined, len(ends), first, last, owner, hashes, numeric, lengths >= needed, paired, single)


def tokenise(texts: Sequence[str]) -> Tokens:
    """Words, and each sign of a script without spaces, of all texts; fewer than 65,536 characters or one text."""
    joined = "\n".join(texts)
    if not joined:
        return _none(joined, len(texts))
    ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
    return _ascii_tokens(joined, ends) if joined.isascii() else _other_tokens(joined, ends)


def _begins(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a run of equal values begins."""
    begins = np.ones(len(values), np.bool_)
    begins[1:] = values[1:] != values[:-1]
    return begins


def _ahead(values: Hashes, step: int, same: NDArray[np.bool_]) -> Hashes:
    """The value `step` tokens further on where that is of the same text; else 0."""
    found = np.zeros_like(values)
    found[:-step] = values[step:]
    found[~same] = 0
    return found


def _same(owner: Places, step: int) -> NDArray[np.bool_]:
    """Whether the token `step` further on is of the same text."""
    same = np.zeros(len(owner), np.bool_)
    same[:-step] = owner[step:] == owner[:-step]
    return same


def _triples(tokens: Tokens) -> tuple[Hashes, NDArray[np.bool_]]:
    """The hash of each run of three tokens (of what there is of it in its text), and whether it is whole."""
    whole = _same(tokens.owner, 2)
    second, third = _ahead(tokens.hashes, 1, _same(tokens.owner, 1)), _ahead(tokens.hashes, 2, whole)
    return tokens.hashes * np.uint64(3) + second * _SECOND + third * _THIRD, whole


def _densify(bins: NDArray[np.uint32], empty: NDArray[np.bool_]) -> None:
    """Fill the empty bins of short texts from the next full bin, so that they compare like long ones."""
    rows = np.flatnonzero(empty.any(axis=1) & ~empty.all(axis=1))
    if not len(rows):
        return
    some, gaps = bins[rows], empty[rows]
    filled = ~gaps
    for step in range(1, BINS):
        take = gaps & np.roll(filled, -step, axis=1)
        some[take] = np.roll(some, -step, axis=1)[take] + np.uint32(step * 0x9E3779B9 & 0xFFFFFFFF)
        gaps &= ~take
    bins[rows] = some


def _sketch(tokens: Tokens, triples: Hashes, whole: NDArray[np.bool_], seed: int) -> NDArray[np.uint32]:
    keep = whole | _begins(tokens.owner)  # a text of fewer words has one shingle
    owner, hashes = tokens.owner[keep], _mix(triples[keep], seed)
    flat = np.full(tokens.texts * BINS, 0xFFFFFFFF, np.uint32)
    slot = owner * BINS + (hashes >> np.uint64(61)).astype(np.int64)
    np.minimum.at(flat, slot, (hashes & _LOW).astype(np.uint32))
    bins = flat.reshape(tokens.texts, BINS)
    empty = np.ones(flat.shape, np.bool_)
    empty[slot] = False
    _densify(bins, empty.reshape(bins.shape))
    bins[empty.reshape(bins.shape).all(axis=1)] = 0
    return bins


def _first_of(keys: Hashes, out: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Write the least distinct values of each owner in `keys` (owner << 32 | value) to its row; how many it has."""
    keys = np.sort(keys)
    keys = keys[_begins(keys)]
    owner = (keys >> np.uint64(32)).astype(np.int64)
    begin = np.searchsorted(owner, np.arange(len(out)))
    rank = np.arange(len(keys)) - begin[owner]
    keep = rank < KEPT
    out[owner[keep], rank[keep]] = (keys[keep] & _LOW).astype(np.uint32)
    return np.bincount(owner, minlength=len(out))


def _smallest(owner: Places, hashes: Hashes, count: int) -> NDArray[np.uint32]:
    """The KEPT least distinct low halves of each text's hashes, ascending; 0 where there is none more."""
    out = np.zeros((count, KEPT), np.uint32)
    if not len(owner):
        return out
    values = np.maximum(hashes & _LOW, np.uint64(1))
    sizes = np.bincount(owner, minlength=count)
    limit = np.minimum(float(_ENOUGH) / np.maximum(sizes, 1) * 2.0**32, 2.0**32 - 1.0).astype(np.uint64)
    near = values <= limit.take(owner)
    keys = owner.astype(np.uint64) << np.uint64(32) | values
    found = _first_of(keys[near], out)
    short = (found < KEPT) & (sizes > _ENOUGH)
    if short.any():  # of a text that repeats itself, too few distinct ones were near
        again = short.take(owner)
        rest = np.zeros_like(out)
        _first_of(keys[again], rest)
        out[short] = rest[short]
    return out


def _fours(tokens: Tokens, triples: Hashes, seed: int) -> tuple[Places, Hashes]:
    """The texts and hashes of all 4-shingles; of 6 in scripts without spaces, where a word has about two signs."""
    keep = _same(tokens.owner, 3)
    four = triples + _ahead(tokens.hashes, 3, keep) * _FOURTH
    if tokens.single is not None:
        long = _same(tokens.owner, 5)
        four += _ahead(four, 2, long & tokens.single) * _LATER
        keep &= ~tokens.single | long
    return tokens.owner[keep], _mix(four[keep], seed)


def _gist(tokens: Tokens, triples: Hashes, seed: int) -> NDArray[np.uint32]:
    """The sample of the shingles."""
    return _smallest(*_fours(tokens, triples, seed), tokens.texts)


def _units(tokens: Tokens, seed: int) -> tuple[Places, Hashes, NDArray[np.bool_]]:
    """Words without digits, pairs of signs where a script has no spaces; their texts, hashes, and if topical.

    Of a text of numbers alone, as a prompt of token ids is, the numbers are the words.
    """
    worded = np.zeros(tokens.texts, np.bool_)
    worded[tokens.owner[~tokens.numeric]] = True
    keep, units, topical = ~(tokens.numeric & worded.take(tokens.owner)), tokens.hashes, tokens.topical
    if tokens.paired is not None:
        ends_pair = np.zeros(len(keep), np.bool_)
        ends_pair[1:] = tokens.paired[:-1]
        keep &= tokens.paired | ~ends_pair
        units = units * np.where(tokens.paired, np.uint64(3), np.uint64(1)) + _ahead(units, 1, tokens.paired) * _SECOND
    owner, topical = tokens.owner[keep], topical[keep]
    telling = np.zeros(tokens.texts, np.bool_)
    telling[owner[topical]] = True
    return owner, _mix(units[keep], seed), topical | ~telling.take(owner)


def _topic(owner: Places, hashes: Hashes, count: int) -> NDArray[np.int8]:
    """The sum of each word's 24 signs, of length 127."""
    out = np.zeros((count, DIMENSIONS), np.int8)
    if not len(owner):
        return out
    begins = np.flatnonzero(_begins(owner))
    sums = np.empty((len(begins), DIMENSIONS // 4), np.uint64)
    for part in range(DIMENSIONS // 4):
        bits = hashes >> np.uint64(32 + 4 * part) & np.uint64(15)
        sums[:, part] = np.add.reduceat(_LANES.take(bits.astype(np.intp)), begins)
    ones = sums.astype("<u8").view("<u2").astype(np.int64)
    signed = 2 * ones - np.diff(begins, append=len(owner))[:, None]
    length = np.sqrt(np.maximum((signed * signed).sum(axis=1), 1))
    out[owner[begins]] = np.rint(signed * (127.0 / length)[:, None]).astype(np.int8)
    return out


def _measured(texts: Sequence[str], seed: int, look: Look | None) -> Measured:
    tokens = tokenise(texts)
    count = len(texts)
    if not len(tokens.owner):
        return _blank(count)
    triples, whole = _triples(tokens)
    owner, hashes, topical = _units(tokens, seed)
    sampled = hashes >> np.uint64(61) == 0
    return Measured(
        _sketch(tokens, triples, whole, seed),
        _gist(tokens, triples, seed),
        _smallest(owner[sampled], hashes[sampled], count),
        _topic(owner[topical], hashes[topical], count),
        np.zeros(count, np.uint8) if look is None else look(tokens),
    )


def _blank(count: int) -> Measured:
    kept = np.zeros((count, KEPT), np.uint32)
    topic, listed = np.zeros((count, DIMENSIONS), np.int8), np.zeros(count, np.uint8)
    return Measured(np.zeros((count, BINS), np.uint32), kept, kept.copy(), topic, listed)


def _groups(texts: Sequence[str], work: Callable[[Sequence[str], Sequence[int]], None]) -> None:
    """Call `work` with the texts in groups that fit the cache, and their places; ASCII and others apart."""
    clipped = [clip(text, SKETCH - 1) for text in texts]
    plain = [place for place, text in enumerate(clipped) if text.isascii()]
    others = [place for place, text in enumerate(clipped) if not text.isascii()]
    for places in (plain, others):
        begin = 0
        while begin < len(places):
            end, size = begin, 0
            while end < len(places) and (end == begin or size + len(clipped[places[end]]) < _GROUP):
                size += len(clipped[places[end]]) + 1
                end += 1
            some = places[begin:end]
            work([clipped[place] for place in some], some)
            begin = end


def measure(texts: Sequence[str], seed: int, look: Look | None = None) -> Measured:
    """Sketch, gist, words and topic of normalised texts, and what `look` finds; all 0 for a text without words."""
    out = _blank(len(texts))

    def work(some: Sequence[str], places: Sequence[int]) -> None:
        found = _measured(some, seed, look)
        for name in Measured._fields:
            getattr(out, name)[places] = getattr(found, name)

    _groups(texts, work)
    return out


def gists(texts: Sequence[str], seed: int) -> NDArray[np.uint32]:
    """The gist of normalised texts alone, shape (n, KEPT), as `measure` gives it."""
    out = np.zeros((len(texts), KEPT), np.uint32)

    def work(some: Sequence[str], places: Sequence[int]) -> None:
        tokens = tokenise(some)
        if len(tokens.owner):
            out[places] = _gist(tokens, _triples(tokens)[0], seed)

    _groups(texts, work)
    return out


def shingles(text: str, seed: int) -> NDArray[np.uint32]:
    """All that a gist is sampled from, of one normalised text of at most SKETCH characters; each once, ascending."""
    tokens = tokenise([clip(text, SKETCH - 1)])
    if not len(tokens.owner):
        return np.zeros(0, np.uint32)
    _, hashes = _fours(tokens, _triples(tokens)[0], seed)
    return np.unique(np.maximum(hashes & _LOW, np.uint64(1)).astype(np.uint32))


def similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of sketches, over the last axis."""
    return np.asarray((one == other).mean(axis=-1), np.float64)
