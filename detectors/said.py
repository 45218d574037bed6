"""Numbers in a reviewer's words: nothing that is 0.0 times another thing, and no 1 requests."""

from __future__ import annotations

import math

MORE = 1.05  # a mean from here on is more than one
_MANY = 0.95  # of another number: from here on it is told as so many times it


def count(number: float, noun: str, many: str = "") -> str:
    """A whole number with its noun: `1 request`, `1,200 requests`; `many` is the plural where an s makes none."""
    whole = round(number)
    return f"{whole:,} {noun if whole == 1 else many or f'{noun}s'}"


def percent(share: float) -> str:
    """A share as a whole number of per cent, never rounded up to all or down to none."""
    number = round(100.0 * share)
    if number == 100 and share < 0.9995:
        number = 99
    if number == 0 and share > 0.0:
        return "under 1 %"
    return f"{number} %"


def times(ratio: float) -> str:
    """How much of another number: `2.3 times`, `40 % of`; `none of` where it is nothing."""
    if ratio >= _MANY:
        return f"{ratio:,.1f} times"
    return f"{percent(ratio)} of" if ratio > 0.0 else "none of"


def few(number: float) -> str:
    """A mean or expected number with one place: `2.3`, `fewer than 0.1`."""
    return f"{number:,.1f}" if number >= 0.05 else "fewer than 0.1"


def answer_text(chars: float, taken: str, assumed: float = 0.0) -> str:
    """How much text answers had, as a sentence; `taken` says from what: `each answer`.

    Where it is what is `assumed` of answers that nobody saw, the sentence says that.
    """
    if chars < 0.5:
        return "No text of its answers was seen."
    if math.isclose(chars, assumed):
        return f"No text of its answers was seen; {count(chars, 'character')} an answer, as usual, are assumed."
    return f"It takes about {count(chars, 'character')} from {taken}."
