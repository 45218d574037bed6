"""Other words for the same template, and the sloppiness of typing; both the same for every label."""

from __future__ import annotations

import re
from random import Random
from zlib import crc32

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "solve": ("work out", "answer", "find the solution to", "tackle"),
    "the problem": ("this problem", "the question below", "the task", "what follows"),
    "question": ("query", "problem", "item", "prompt"),
    "answer": ("reply", "solution", "result", "response"),
    "please": ("kindly", "be so good and", "now", "do"),
    "write": ("produce", "compose", "set down", "put together"),
    "give": ("provide", "state", "return", "offer"),
    "first": ("to begin with", "before anything else", "initially", "start by this:"),
    "complete": ("full", "entire", "whole", "unabridged"),
    "instruction": ("direction", "request", "order", "assignment"),
    "task": ("job", "exercise", "assignment", "piece of work"),
    "appropriately": ("properly", "well", "in a fitting way", "as needed"),
    "below": ("here", "underneath", "that follows", "next"),
    "describes": ("sets out", "states", "explains", "outlines"),
    "evaluate": ("assess", "grade", "judge", "rate"),
    "make": ("render", "turn", "have", "get"),
    "more complex": ("harder", "more demanding", "trickier", "more involved"),
    "step by step": ("one step at a time", "in small steps", "stepwise", "in stages"),
    "then": ("after that", "next", "afterwards", "and finally"),
    "come up with": ("invent", "think of", "propose", "devise"),
    "diverse": ("varied", "different", "assorted", "wide-ranging"),
}
_OPENERS = ("", "", "", "Hello. ", "Note: ", "For our records: ", "Here is one. ", "Next. ")
_ENDERS = ("", "", "", " Thank you.", " Keep to the point.", "\nTake your time.", " That is all.")
_KNOWN = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in sorted(_SYNONYMS, key=len, reverse=True)), re.I)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def reword(frame: str, rng: Random, share: float = 0.8) -> str:
    """A template in other words; what stands in braces stays."""

    def other(found: re.Match[str]) -> str:
        if rng.random() > share:
            return found.group()
        word = rng.choice(_SYNONYMS[found.group().lower()])
        return word[:1].upper() + word[1:] if found.group()[:1].isupper() else word

    return rng.choice(_OPENERS) + _KNOWN.sub(other, frame) + rng.choice(_ENDERS)


def typed(text: str, sloppy: float) -> str:
    """A text as one typist would send it, the same each time: capitals, stops and letters lost in a share of them."""
    if sloppy <= 0.0 or not text:
        return text
    rng = Random(crc32(text.encode("utf-8", "replace")))
    if rng.random() < sloppy:
        text = text[:1].lower() + text[1:]
    if rng.random() < sloppy and text[-1:] in ".?!。？":
        text = text[:-1]
    if rng.random() < sloppy and len(text) > 12:
        at = rng.randrange(4, len(text) - 2)
        if text[at].isascii() and text[at].isalpha():
            text = text[:at] + rng.choice(("", rng.choice(_LETTERS), text[at] * 2)) + text[at + 1 :]
    return text
