"""An answer put together from its chunks: what the dialects' answers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from app.dialects.signatures import genuine
from app.dialects.values import Fields, integer
from detectors.exchange import Finish, Refusal, Usage

Names = tuple[tuple[str, ...], ...]
"""Fields whose counts are added up; of the names inside a group the first that is there counts."""


class BaseAnswer:
    """An answer put together from its chunks; a whole JSON answer is one chunk.

    `failed`: the provider told of an error after it had begun. `ended`: what ends an answer of this format
    was seen. `pending`: it is not made yet and will be fetched later. `background`: it was made so.
    """

    INPUT: ClassVar[Names] = ()
    OUTPUT: ClassVar[Names] = ()
    STOP: ClassVar[str] = ""  # the field that says why the model stopped
    _counts: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._counts = tuple(key for group in (*cls.INPUT, *cls.OUTPUT) for key in group)

    def __init__(self) -> None:
        self.model = ""
        self.failed = False
        self.ended = False
        self.pending = False
        self.background = False
        self.chunks = 0
        self._texts: dict[int, list[str]] = {}
        self._calls: set[tuple[int, int]] = set()
        self._reasoning = 0
        self._sealed = False
        self._issued = ""
        self._finish = Finish.UNKNOWN
        self._refusal = Refusal.NONE
        self._tokens: dict[str, int] = {}

    def add(self, chunk: object) -> None:
        """Take one chunk; what is not understood in it is passed over."""
        raise NotImplementedError

    def add_all(self, chunks: Iterable[object]) -> None:
        """Take chunks in their order."""
        for chunk in chunks:
            self.add(chunk)

    def stop(self, reason: object, index: int = 0) -> None:
        """Take why a choice stopped; the first choice's word goes before the others'."""
        raise NotImplementedError

    @property
    def counted(self) -> bool:
        """Whether the answer reported any token count."""
        return bool(self._tokens)

    def count(self, usage: Mapping[str, Any]) -> None:
        """The last value of each field wins; a field that is absent keeps its value."""
        for key in self._counts:
            if key in usage and (number := integer(usage[key])) is not None:
                self._tokens[key] = max(number, 0)

    def late(self, found: Mapping[str, Any]) -> None:
        """Take counts and the reason for stopping that were found alone, behind a gap."""
        self.count(found)
        if self.STOP in found:
            self.stop(found[self.STOP])

    def seal(self, signature: object) -> None:
        """Note reasoning that only the provider can read, by what stands for it."""
        if signature:
            self._sealed = True
            self._issued = genuine(signature) or self._issued

    def decline(self, refusal: Refusal) -> None:
        """Note that the provider declined; a category goes before none."""
        if self._refusal in (Refusal.NONE, Refusal.UNNAMED):
            self._refusal = refusal

    def texts(self) -> tuple[str, ...]:
        """The text of each choice, by its index."""
        return tuple(["".join(self._texts[index]) for index in sorted(self._texts)])

    def _total(self, names: Names) -> int | None:
        total = None
        for group in names:
            for key in group:
                if key in self._tokens:
                    total = (total or 0) + self._tokens[key]
                    break
        return total

    def fields(self) -> Fields:
        """The answer side of an Exchange; the token counts only where the answer reported them.

        A count of the prompt alone beside a text is no report of that text.
        """
        found: Fields = {
            "completions": self.texts(),
            "reasoning_chars": self._reasoning,
            "reasoning_sealed": self._sealed,
            "issued": self._issued,
            "tool_calls": len(self._calls),
            "finish": Finish.FILTER if self._refusal else self._finish,
            "refusal": self._refusal,
        }
        given, made = self._total(self.INPUT), self._total(self.OUTPUT)
        if given is not None or made is not None:
            is_whole = made is not None or not any(found["completions"])
            found["usage"] = Usage.REPORTED if is_whole else Usage.ESTIMATED
            found |= {"input_tokens": given or 0, "output_tokens": made or 0}
        return found
