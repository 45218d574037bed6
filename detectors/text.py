"""Text to hashes: normalise, mask, template keys, seeded hashes and MinHash sketches; bounded work on any input."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

CLIP: Final = 16_384  # characters of one text that are normalised: half from its head, half from its tail
WINDOW: Final = 160  # characters first looked at for a template key; widened up to CLIP when a mask swallows them
SKETCH: Final = 8_192  # characters of one text that are sketched
BINS: Final = 8  # values of a sketch
_PIECE: Final = 1_024  # NFKC is quadratic in a run of combining marks, so a text is normalised in pieces
_GROUP: Final = 65_536  # characters hashed at once: small enough for the arrays to stay in the cache
_TOKENS_CACHED: Final = 65_536

# Scripts written without spaces: each character is a token of its own.
_SPACELESS = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_SPACELESS_CHARACTER = re.compile(f"[{_SPACELESS}\U00020000-\U0003ffff]")
_ASCII_SPACES = "\n\t\r\x0b\x0c\x1c\x1d\x1e\x1f"

# Every pattern is linear: a match that begins either ends within a fixed number of characters or takes the rest.
_FENCED = re.compile(r'```.*?(?:```|\Z)|""".*?(?:"""|\Z)', re.DOTALL)
_MARKS = ("“”", "«»", "「」", "『』")
_FENCES = ("```", '"""')
_DOUBLE = re.compile(r'"[^"\n]{0,256}"')
_QUOTED = re.compile(r"(?<!\w)'[^'\n]{1,128}'(?!\w)|`[^`\n]{1,256}`")
_FANCY = re.compile("“[^“”\n]{0,256}”|«[^«»\n]{0,256}»|„[^“”\n]{0,256}[“”]|「[^「」\n]{0,256}」|『[^『』\n]{0,256}』")
_NUMBER = re.compile(r"\d+(?:[.,:/\-]\d+){0,32}")
_HEX = re.compile(r"(?:0x)?(?=[a-f\-]{0,64}\d)(?=[\d\-]{0,64}[a-f])[0-9a-f\-]{8,}")
_BLOB = re.compile(r"[a-z0-9+/_=.\-]{24,}")
_LINK = re.compile(r"(?:https?|ftp|file|wss?)://\S*|www\.\S+")

CODE, QUOTE, LINK, HEX, BLOB, NUMBER = "⟨code⟩", "⟨quote⟩", "⟨link⟩", "⟨hex⟩", "⟨blob⟩", "0"


class Keys(NamedTuple):
    """Masked template keys of one text, each as text ready to be hashed; empty where there is no token."""

    head4: str
    head12: str
    tail6: str


def clip(text: str, limit: int = CLIP) -> str:
    """`text`, or its head and tail of together `limit` characters where it is longer."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n{text[-half:]}"


def _fold(text: str) -> str:
    """Letters folded and compatibility forms unified."""
    if text.isascii():
        return text.lower()
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join([unicodedata.normalize("NFKC", piece) for piece in pieces]).casefold()


def _squeeze(text: str) -> str:
    """`text` with each run of white space as one space, none at the ends."""
    if not text.isascii():
        return " ".join(text.split())
    for space in _ASCII_SPACES:
        if space in text:
            text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.strip(" ")


def normalise(text: str) -> str:
    """NFKC, case-folded, white space squeezed; of a text beyond CLIP, its head and tail."""
    return _squeeze(_fold(clip(text)))


def split(text: str) -> list[str]:
    """Tokens of a folded text: runs between white space, and each character of a script without spaces."""
    if not text.isascii():
        text = _SPACELESS_CHARACTER.sub(r" \g<0> ", text)
    return text.split()


_masked: dict[str, str] = {}


def _mask_token(token: str) -> str:
    """What a token looks like once its variable part is taken out; remembered, for templates repeat."""
    known = _masked.get(token)
    if known is not None:
        return known
    if _LINK.match(token):
        masked = LINK
    elif len(token) >= 8 and _HEX.fullmatch(token):
        masked = HEX
    elif len(token) >= 24 and _BLOB.fullmatch(token) and (len(token) >= 40 or any(map(str.isdigit, token))):
        masked = BLOB
    else:
        masked = _NUMBER.sub(NUMBER, token[:64])
    if len(_masked) >= _TOKENS_CACHED:
        _masked.clear()
    if len(token) <= 64:
        _masked[token] = masked
    return masked


def _mask_spans(text: str) -> str:
    """Code blocks and quoted strings, which may hold white space, as one token each."""
    if "```" in text or '"""' in text:
        text = _FENCED.sub(f" {CODE} ", text)
    if '"' in text:
        text = _DOUBLE.sub(QUOTE, text)
    if "'" in text or "`" in text:
        text = _QUOTED.sub(QUOTE, text)
    if not text.isascii():
        text = _FANCY.sub(QUOTE, text)
    return text


def _spans(text: str) -> list[str]:
    """Tokens of a text of which code blocks and quoted strings are masked; clip it first."""
    if "\r" in text:
        text = text.replace("\r", "\n")  # one form of line end: a quoted string does not reach over a line
    return split(_fold(_mask_spans(text)))


def mask(text: str) -> str:
    """The masked tokens of a text's head and tail, joined by spaces."""
    return " ".join([_mask_token(token) for token in _spans(clip(text))])


def _cuts_quote(part: str) -> bool:
    """Whether a quoted string seems to reach beyond the window."""
    if part.count('"') % 2:
        return True
    return not part.isascii() and any(part.count(mark[0]) != part.count(mark[1]) for mark in _MARKS)


def _enough(tokens: list[str], count: int, part: str, first_look: bool) -> bool:
    """One token more than asked for, since one may be cut in two; no quoted string that is cut, at the first look."""
    return len(tokens) > count and not (first_look and _cuts_quote(part))


def _head(text: str, count: int) -> list[str]:
    window = WINDOW
    while True:
        part = text[:window]
        tokens = _spans(part)
        if len(text) <= window or _enough(tokens, count, part, window == WINDOW):
            return tokens[:count]
        if window >= CLIP // 2:
            return tokens[: min(count, len(tokens) - 1)]
        window *= 4


def _tail(text: str, count: int) -> list[str]:
    window = WINDOW // 2
    while True:
        part = text[-window:]
        if len(text) <= window:
            return _spans(part)[-count:]
        fence = next((mark for mark in _FENCES if part.count(mark) % 2), "")
        tokens = _spans(fence + part)  # an odd number of fences: the window begins inside a code block
        if window >= CLIP // 2 or _enough(tokens, count, part, window < WINDOW):
            return tokens[1:][-count:]
        window *= 4


def keys(text: str) -> Keys:
    """Template keys of a text: its first 4 and 12 and its last 6 tokens, masked."""
    text = text.strip()
    first = [_mask_token(token) for token in _head(text, 12)]
    last = [_mask_token(token) for token in _tail(text, 6)]
    return Keys(" ".join(first[:4]), " ".join(first), " ".join(last))


def seeded(text: str, seed: int) -> int:
    """xxh3 of a text under a 64-bit seed; 0 for an empty text and for no other."""
    if not text:
        return 0
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), seed) or 1


def seeded_many(texts: Sequence[str], seed: int) -> int:
    """One seeded hash of several texts in their order, lengths included; 0 where all are empty."""
    if not any(texts):
        return 0
    digest = xxhash.xxh3_64(seed=seed)
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.intdigest() or 1


def content(text: str, normalised: str, seed: int) -> int:
    """Seeded hash of a text by its normalised form; of a text beyond CLIP, the whole of it counts."""
    if len(text) <= CLIP:
        return seeded(normalised, seed)
    return seeded(f"{normalised}\0{seeded(text, seed):x}", seed)


_MULTIPLIER: Final = 0x9E3779B97F4A7C15
_WORD: Final = 1
_SINGLE: Final = 2
_U64: Final = (1 << 64) - 1


def _kinds() -> NDArray[np.uint8]:
    """Of each code point below 65,536: 0 separates, 1 belongs to a word, 2 is a token of its own."""
    table = np.zeros(1 << 16, np.uint8)
    for code in range(1 << 16):
        letter = chr(code)
        if letter.isalnum() or unicodedata.category(letter)[0] == "M":
            table[code] = _SINGLE if _SPACELESS_CHARACTER.match(letter) else _WORD
    return table


def _powers(base: int) -> NDArray[np.uint64]:
    powers = np.full(_GROUP + SKETCH + 2, base & _U64, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


_KIND = _kinds()
_ASCII_WORD = np.where(_KIND[:256] == _WORD, np.arange(256), 0).astype(np.uint8)
_POWER = _powers(_MULTIPLIER)
_INVERSE = _powers(pow(_MULTIPLIER, -1, 1 << 64))


def _words(joined: str) -> tuple[NDArray[np.uint8] | NDArray[np.uint32], NDArray[np.bool_]]:
    """Code points of a text with 0 for what separates words, and where a token begins."""
    if joined.isascii():
        letters = _ASCII_WORD.take(np.frombuffer(joined.encode("ascii"), np.uint8))
        word = letters != 0
        begins = word.copy()
        begins[1:] &= ~word[:-1]
        return letters, begins
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = _KIND.take(np.minimum(codes, 0xFFFF))
    kind[codes > 0xFFFF] = _WORD
    kind[(codes >= 0x20000) & (codes < 0x40000)] = _SINGLE
    begins = kind == _WORD
    begins[1:] &= kind[:-1] != _WORD
    return np.where(kind != 0, codes, np.uint32(0)), begins | (kind == _SINGLE)


def _mix(values: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    values = values ^ np.uint64(seed & _U64)
    values ^= values >> np.uint64(31)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(29)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(32)
    return values


def _token_hashes(joined: str) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Where each token of a text begins, and its hash; a token's hash does not depend on its place."""
    codes, begins = _words(joined)
    first = np.flatnonzero(begins)
    if not len(first):
        return first, np.zeros(0, np.uint64)
    weighted = np.multiply(codes, _POWER[: len(codes)], dtype=np.uint64)
    return first, np.add.reduceat(weighted, first) * _INVERSE.take(first)


def _shingles(texts: Sequence[str], seed: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Hashes of all word 3-shingles, and which text each is of; a text of fewer words has one shingle."""
    first, hashes = _token_hashes("\n".join(texts))
    ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
    owner = np.searchsorted(ends, first, side="right")
    count = len(first)
    padded = np.concatenate((hashes, np.zeros(2, np.uint64)))
    owners = np.concatenate((owner, np.full(2, -1, np.int64)))
    second = np.where(owners[1 : count + 1] == owner, padded[1 : count + 1], np.uint64(0))
    whole = owners[2 : count + 2] == owner
    third = np.where(whole, padded[2 : count + 2], np.uint64(0))
    begins = np.ones(count, bool)
    begins[1:] = owner[1:] != owner[:-1]
    keep = whole | begins
    mixed = hashes * np.uint64(3) + second * np.uint64(0x5851F42D4C957F2D) + third * np.uint64(0xD1342543DE82EF95)
    return owner[keep], _mix(mixed[keep], seed)


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


def _sketch_group(texts: Sequence[str], seed: int) -> NDArray[np.uint32]:
    owner, hashes = _shingles(texts, seed)
    flat = np.full(len(texts) * BINS, 0xFFFFFFFF, np.uint32)
    slot = owner * BINS + (hashes >> np.uint64(61)).astype(np.int64)
    np.minimum.at(flat, slot, (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    bins = flat.reshape(len(texts), BINS)
    empty = np.ones(flat.shape, bool)
    empty[slot] = False
    _densify(bins, empty.reshape(bins.shape))
    bins[empty.reshape(bins.shape).all(axis=1)] = 0
    return bins


def sketches(texts: Sequence[str], seed: int) -> NDArray[np.uint32]:
    """One-permutation MinHash of the 3-shingles of normalised texts, shape (n, 8); 0 for a text without words."""
    out = np.zeros((len(texts), BINS), np.uint32)
    clipped = [clip(text, SKETCH - 1) for text in texts]
    begin = 0
    while begin < len(clipped):
        end, size = begin, 0
        while end < len(clipped) and (end == begin or size + len(clipped[end]) < _GROUP):
            size += len(clipped[end]) + 1
            end += 1
        out[begin:end] = _sketch_group(clipped[begin:end], seed)
        begin = end
    return out


def similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of sketches, over the last axis."""
    return np.asarray((one == other).mean(axis=-1), np.float64)
