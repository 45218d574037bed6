"""The reference of ordinary clients in its file: loaded with a clear error, and taken up anew when it changes."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from pathlib import Path

from app.errors import SettingError
from detectors import reference, registry
from detectors.declared import read_plans, read_releases
from detectors.engine import Engine
from detectors.reference import Reference

SETTING = "STILLWATCH_REFERENCE"
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
logger = logging.getLogger(__name__)


def load_engine(path: str, plans: str = "", releases: str = "") -> Engine:
    """The detectors with the reference at `path`, or with the one that ships; raises SettingError.

    `plans` and `releases` are the files of what the operator declares, where there are any.
    """
    _declared("STILLWATCH_PLANS", plans, read_plans)
    _declared("STILLWATCH_RELEASES", releases, read_releases)
    try:
        engine = registry.load(path, plans, releases)
    except _UNREADABLE as error:
        raise SettingError(
            SETTING,
            f"{path}: {reason(error)}",
            f"leave it empty, or do so until stillwatch fit --out {path} wrote it anew",
        ) from None
    if engine.judge.unknown:
        logger.warning(
            "the reference does not know some detectors, which stay silent: fit it again",
            extra={"detectors": ", ".join(engine.judge.unknown)},
        )
    return engine


def _declared(setting: str, path: str, read: Callable[[str], object]) -> None:
    """Make sure that a file of the operator's can be read; raises SettingError that says what is wrong with it."""
    try:
        if path:
            read(path)
    except OSError as error:
        raise SettingError(setting, f"{path}: {reason(error)}", "name a CSV file, or leave it empty") from None
    except ValueError as error:
        raise SettingError(setting, str(error), "correct the line, or leave the setting empty") from None


def reason(error: Exception) -> str:
    """Why a file is no reference, in a few words."""
    return str(getattr(error, "strerror", None) or error)


class Watched:
    """An engine's reference file; `refresh` takes up a new one. The one that ships never changes."""

    def __init__(self, engine: Engine, path: str) -> None:
        self.problem = ""  # why the newest file was not taken; empty where it was
        self._engine = engine
        self._path = Path(path) if path else None
        self._seen = self._mark()

    def refresh(self) -> bool:
        """Whether the file changed and its reference was taken up; what cannot be read is left for its next change."""
        mark = self._mark()
        if self._path is None or mark is None or mark == self._seen:
            return False
        self._seen = mark
        try:
            found: Reference = reference.load(self._path)
        except _UNREADABLE as error:
            self.problem = f"{self._path}: {reason(error)}"
            logger.error("the new reference cannot be read, the old one stays", extra={"error": self.problem})
            return False
        self._engine.use(found)
        self.problem = ""
        logger.info("took up a new reference", extra={"clients": found.about.get("clients")})
        return True

    def _mark(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None  # it is being replaced, or gone: the old one stays
        return found.st_mtime_ns, found.st_size, found.st_ino
