"""Text to hashes: normalise, mask, template keys, scripts and seeded hashes; bounded work on any input."""

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
_PIECE: Final = 1_024  # NFKC is quadratic in a run of combining marks, so a text is normalised in pieces
_TOKENS_CACHED: Final = 16_384

# Scripts written without spaces: each character is a token of its own.
_SPACELESS = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
SPACELESS_CHARACTER = re.compile(f"[{_SPACELESS}\U00020000-\U0003ffff]")
ASCII_SPACES: Final = "\n\t\r\x0b\x0c\x1c\x1d\x1e\x1f"

# Every pattern is linear: a match that begins either ends within a fixed number of characters or takes the rest.
_FENCED = re.compile(r'```.*?(?:```|\Z)|""".*?(?:"""|\Z)', re.DOTALL)
_MARKS = ("“”", "«»", "「」", "『』", "⟨⟩")
_FENCES = ("```", '"""')
_DOUBLE = re.compile(r'"[^"\n]{0,256}"')
_QUOTED = re.compile(r"(?<!\w)'[^'\n]{1,128}'(?!\w)|`[^`\n]{1,256}`")
_FANCY = re.compile("“[^“”\n]{0,256}”|«[^«»\n]{0,256}»|„[^“”\n]{0,256}[“”]|「[^「」\n]{0,256}」|『[^『』\n]{0,256}』")
# What stands for an image or a file: its kind, and the hash of what it holds.
_ATTACHED = re.compile(r"⟨([^⟨⟩\s]{1,64}) [0-9a-f]{16}⟩")
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


def unified(text: str) -> str:
    """`text` in NFKC, made in pieces."""
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join([unicodedata.normalize("NFKC", piece) for piece in pieces])


def _fold(text: str) -> str:
    """Letters folded and compatibility forms unified."""
    return text.lower() if text.isascii() else unified(text).casefold()


def _squeeze(text: str) -> str:
    """`text` with each run of white space as one space, none at the ends."""
    if not text.isascii():
        return " ".join(text.split())
    for space in ASCII_SPACES:
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
        text = SPACELESS_CHARACTER.sub(r" \g<0> ", text)
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
    """Code blocks, quoted strings and attachments, which may hold white space, as one token each."""
    if "```" in text or '"""' in text:
        text = _FENCED.sub(f" {CODE} ", text)
    if '"' in text:
        text = _DOUBLE.sub(QUOTE, text)
    if "'" in text or "`" in text:
        text = _QUOTED.sub(QUOTE, text)
    if not text.isascii():
        text = _FANCY.sub(QUOTE, text)
        if "⟨" in text:
            text = _ATTACHED.sub(r"⟨\1⟩", text)
    return text


def _spans(text: str) -> list[str]:
    """Tokens of a text of which code blocks, quoted strings and attachments are masked; clip it first."""
    if "\r" in text:
        text = text.replace("\r", "\n")  # one form of line end: a quoted string does not reach over a line
    return split(_fold(_mask_spans(text)))


def mask(text: str) -> str:
    """The masked tokens of a text's head and tail, joined by spaces."""
    return " ".join([_mask_token(token) for token in _spans(clip(text))])


def _cuts_quote(part: str) -> bool:
    """Whether a quoted string, or what stands for an attachment, seems to reach beyond the window."""
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
    first = [_masked.get(token) or _mask_token(token) for token in _head(text, 12)]
    last = [_masked.get(token) or _mask_token(token) for token in _tail(text, 6)]
    return Keys(" ".join(first[:4]), " ".join(first), " ".join(last))


def seeded_raw(raw: bytes, seed: int) -> int:
    """xxh3 of a text's UTF-8 under a 64-bit seed; 0 for an empty text and for no other."""
    return (_xxh3(raw, seed) or 1) if raw else 0


def seeded(text: str, seed: int) -> int:
    """The same of a text."""
    return (_xxh3(text.encode("utf-8", "surrogatepass"), seed) or 1) if text else 0


def seeded_many(texts: Sequence[str], seed: int) -> int:
    """One seeded hash of several texts in their order, lengths included; 0 where all are empty."""
    if not any(texts):
        return 0
    pieces: list[bytes] = []
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        pieces += (len(raw).to_bytes(8, "little"), raw)
    return _xxh3(b"".join(pieces), seed) or 1


def content(text: str, normalised: str, seed: int) -> int:
    """Seeded hash of a text by its normalised form; of a text beyond CLIP, the whole of it counts."""
    if len(text) <= CLIP:
        return seeded(normalised, seed)
    return seeded(f"{normalised}\0{seeded(text, seed):x}", seed)


SCRIPTS: Final = (
    "none", "latin", "han", "kana", "hangul", "cyrillic", "arabic", "devanagari", "thai", "greek", "hebrew", "other",
)  # fmt: skip
"""Names of scripts, by what EVENT's `script` says; text with a fifth of kana is `kana` whatever else is in it."""
_RANGES: Final = {
    "latin": ((0x41, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A)),
    "han": ((0x2E80, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
    "kana": ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF)),
    "cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
    "devanagari": ((0x900, 0x97F), (0xA8E0, 0xA8FF)),
    "thai": ((0xE00, 0xE7F),),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "hebrew": ((0x590, 0x5FF), (0xFB1D, 0xFB4F)),
}
_SCRIPT_LOOK: Final = 1_024  # characters of a text, head and tail, that its script is told from
_LETTER = re.compile("[A-Za-z]")
_xxh3 = xxhash.xxh3_64_intdigest


def _script_table() -> NDArray[np.uint8]:
    """Of each code point below 65,536 the script of a letter; 0 for what is no letter."""
    table = np.zeros(1 << 16, np.uint8)
    other = SCRIPTS.index("other")
    for code in range(1 << 16):
        if unicodedata.category(chr(code))[0] in "LM":
            table[code] = other
    for name, ranges in _RANGES.items():
        for low, high in ranges:
            part = table[low : high + 1]
            part[part == other] = SCRIPTS.index(name)
    return table


_SCRIPT = _script_table()
_HAN, _KANA = SCRIPTS.index("han"), SCRIPTS.index("kana")


def script(text: str) -> int:
    """The place in SCRIPTS of the script that most letters of a text are in; 0 where it has none."""
    if text.isascii():
        return 1 if _LETTER.search(text, 0, CLIP) else 0
    codes = np.frombuffer(clip(text, _SCRIPT_LOOK).encode("utf-32-le", "surrogatepass"), np.uint32)
    found = _SCRIPT.take(np.minimum(codes, 0xFFFF))
    found[(codes >= 0x20000) & (codes < 0x40000)] = _HAN
    counts = np.bincount(found, minlength=len(SCRIPTS))
    counts[0] = 0
    if 4 * counts[_KANA] >= counts[_HAN] and counts[_KANA]:
        counts[_KANA] += counts[_HAN]
        counts[_HAN] = 0
    return int(counts.argmax())
