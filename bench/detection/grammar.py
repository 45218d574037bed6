"""Made-up questions, tasks, word problems, notes and documents from the lexicon: the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from bench.detection.lexicon import LEXICONS, Lexicon

LABELS = (
    "billing",
    "delivery",
    "other",
    "positive",
    "negative",
    "neutral",
    "refund",
    "complaint",
    "praise",
    "question",
)
_CODE = (
    "Write a function {f} that takes a list of {a} and returns the {j} ones. assert {f}([{n}, {m}, {k}]) == [{n}]",
    "Write a function {f} to count how often {a} stands before {b} in a string. assert {f}('{a} {b}') == {d}",
    "Write a Python function {f} which merges two dictionaries of {a} and {b} and sorts the keys by length.",
    "Implement {f}(items, limit) so that it yields {a} in batches of {n}, without holding more than {m} in memory.",
)


class Grammar:
    """One language's texts, drawn from a seeded generator."""

    def __init__(self, language: str, rng: Random) -> None:
        self.language = language
        self.words: Lexicon = LEXICONS[language]
        self.rng = rng
        self.nouns = tuple(word for field in self.words.nouns for word in field)

    def fill(self, frame: str, nouns: Sequence[str] | None = None) -> str:
        """A frame with its slots filled, from one field of life or from all."""
        rng, words = self.rng, self.words
        a, b, c = rng.sample(nouns or self.nouns, 3)
        return frame.format(
            a=a, b=b, c=c, j=rng.choice(words.adjectives), p=rng.choice(words.readers), n=rng.randint(2, 60),
            m=rng.randint(61, 900), k=rng.randint(2, 9), d=rng.randint(2, 9), y=rng.randint(1400, 1990),
            f=f"{rng.choice('fghpqs')}_{rng.randint(10, 999)}",
        )  # fmt: skip

    def one(self, frames: Sequence[str]) -> str:
        """One sentence on one field of life."""
        nouns = self.rng.choice(self.words.nouns) if self.rng.random() < 0.8 else None
        return self.fill(self.rng.choice(frames), nouns)

    def several(self, frames: Sequence[str], least: int, most: int) -> str:
        """A paragraph on one field of life."""
        nouns = self.rng.choice(self.words.nouns)
        count = self.rng.randint(least, most)
        return self.words.space.join(self.fill(self.rng.choice(frames), nouns) for _ in range(count))

    def many(self, count: int, make: Callable[[], str]) -> tuple[str, ...]:
        """Up to `count` different texts."""
        made: dict[str, None] = {}
        for _ in range(2 * count):
            made[make()] = None
            if len(made) == count:
                break
        return tuple(made)

    def question(self) -> str:
        """What a person asks; one in three explains at some length."""
        text = self.one(self.words.questions)
        if self.rng.random() < 0.35:
            text = self.several(self.words.facts, 1, 4) + self.words.space + text
        return text

    def task(self) -> str:
        """An instruction as lists of them hold it; some carry an input."""
        text = self.one(self.words.tasks)
        if self.rng.random() < 0.35:
            text += "\n" + self.several(self.words.facts, 1, 4)
        return text

    def note(self) -> str:
        """A customer's sentence."""
        return self.one(self.words.notes)

    def sum(self) -> str:
        """A word problem."""
        return self.one(self.words.sums)

    def document(self) -> str:
        """A page or less."""
        return self.several(self.words.facts, 3, 16)

    def choice(self) -> str:
        """A question with four options."""
        options = self.rng.sample(self.nouns, 4)
        lines = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True))
        return f"{self.one(self.words.questions)}\n{lines}"

    def code(self) -> str:
        """A small programming task, in English as most of them are."""
        return self.fill(self.rng.choice(_CODE))
