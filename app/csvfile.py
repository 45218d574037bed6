"""CSV as operators hand it in: rows with their lines, and an error that names the line where it is none."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path

from app.errors import InvalidInput


def rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line that it begins at; raises InvalidInput that names it.

    Strictly: a quote that nobody closed would otherwise take in the lines after it without a word.
    """
    reader = csv.reader(lines, strict=True)
    begins = 1
    try:
        for row in reader:
            if row:
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = "it is not CSV: close its quotes, and put nothing but a comma behind them"
        if "limit" in str(error):
            problem = f"a value has more than {csv.field_size_limit():,} characters: close its quotes, or shorten it"
        raise InvalidInput(f"line {begins}", problem) from None


def unreadable(path: Path, error: Exception) -> InvalidInput:
    """What a file is told as that cannot be read, or that holds a mistake: wrong input, by its path."""
    return InvalidInput(str(path), getattr(error, "strerror", None) or str(error))


class Said:
    """What a table's lines say of whom: two that say different things are a mistake, and no order of theirs decides."""

    def __init__(self) -> None:
        self._of: dict[Hashable, tuple[str, str]] = {}

    def note(self, of: Hashable, value: str, where: str) -> None:
        """Note one value of the line `where`; raises InvalidInput that names the line before that says otherwise."""
        known, before = self._of.setdefault(of, (value, where))
        if known != value:
            raise InvalidInput(where, f"it says otherwise than {before} of the same one: leave one of them out")
