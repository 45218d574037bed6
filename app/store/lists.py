"""The operator's lists: their texts out of files, and the index that STILLWATCH_LISTS names."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from app.errors import InvalidInput, SettingError
from detectors.event import Listed
from detectors.listed import Index, ListsError, build, load

_GZIP: Final = b"\x1f\x8b"
_NAMES: Final = ("text", "instruction", "question", "prompt", "query", "problem")
_TURNS: Final = ("messages", "conversations", "conversation")
_USERS: Final = frozenset({"user", "human"})
_LONG_INPUT: Final = 40  # characters of an input that is an item without its instruction

logger = logging.getLogger(__name__)


def texts_of(line: str) -> list[str]:
    """The items of one line: a plain text, or a JSON object with a text, a prompt, an instruction or messages."""
    stripped = line.strip()
    if not stripped.startswith("{"):
        return [stripped] if stripped else []
    try:
        record = json.loads(stripped)
    except (ValueError, RecursionError):
        return [stripped]
    if not isinstance(record, dict):
        return [stripped]
    for name in _TURNS:
        if isinstance(record.get(name), list):
            return _first_turn(record[name])
    asked = next((record[name] for name in _NAMES if isinstance(record.get(name), str) and record[name]), "")
    given = record.get("input")
    if not isinstance(given, str) or not given.strip():
        return [asked] if asked else []
    joined = [f"{asked}\n{given}", f"{asked}\n\n### Input:\n{given}"] if asked else []
    return [*joined, given] if len(given) >= _LONG_INPUT or not asked else joined


def _first_turn(turns: Sequence[Any]) -> list[str]:
    for turn in turns:
        if isinstance(turn, dict) and turn.get("role", turn.get("from")) in _USERS:
            text = turn.get("content", turn.get("value"))
            return [text] if isinstance(text, str) else []
        if isinstance(turn, str):
            return [turn]
    return []


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == _GZIP
        lines: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        for line in lines:
            yield line.decode("utf-8", "replace")


def read_texts(paths: Sequence[Path]) -> Iterator[str]:
    """The items of files of plain lines or JSON lines, optionally gzip; raises InvalidInput where one is unreadable."""
    for path in paths:
        try:
            for line in _lines(path):
                yield from texts_of(line)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(str(path), f"cannot be read: {error}") from None


def build_index(files: Mapping[Listed, Sequence[Path]]) -> Index:
    """The index of the files of each list; raises InvalidInput where one cannot be read."""
    return build({which: read_texts(paths) for which, paths in files.items()})


class Lists:
    """The index in a file, or none where no file is named; `renew` takes a newer file's place."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._stamp = self._now()
        self.index: Index | None = None
        if self._path is not None:
            try:
                self.index = load(self._path)
            except (ListsError, OSError) as error:
                problem = error.strerror or error if isinstance(error, OSError) else error
                raise SettingError(
                    "STILLWATCH_LISTS", f"{path}: {problem}", "give a file that `stillwatch lists build` wrote, or none"
                ) from None

    def _now(self) -> tuple[int, int]:
        try:
            found = self._path.stat() if self._path is not None else None
        except OSError:
            return 0, 0
        return (found.st_mtime_ns, found.st_ino) if found is not None else (0, 0)

    def renew(self) -> bool:
        """Load the file anew where it has changed, and say whether; one that is broken or gone leaves the old index."""
        stamp = self._now()
        if self._path is None or stamp in (self._stamp, (0, 0)):
            return False
        self._stamp = stamp
        try:
            self.index = load(self._path)
        except (ListsError, OSError) as error:
            logger.error("the lists changed and cannot be read; the old ones stay", extra={"problem": str(error)})
            return False
        logger.info("took over new lists", extra={"items": len(self.index)})
        return True
