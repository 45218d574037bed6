"""Logs: one structured line an event, on stderr, without query strings, bodies or credentials."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from typing import Protocol

QUIET = ("uvicorn.access", "httpx", "alembic.runtime.plugins", "asyncio")  # what they say at INFO helps nobody
LONGEST = 4000  # characters of one line; a longer message is cut

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"']+"), r"\1 ***"),
    (re.compile(r"\b(?:sk|sw|swt|pk|rk)[-_][A-Za-z0-9_\-]{6,}"), "***"),
    (
        re.compile(r"(?i)\b(api[-_]?key|x-api-key|authorization|token|secret|password)(\"?\s*[=:]\s*\"?)[^\s\"'&,]+"),
        r"\1\2***",
    ),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), r"\1:***@"),
    # From the beginning of a word only: tried at each slash, a word of nothing but slashes took minutes.
    (re.compile(r"(?<![^\s?\"'])([^\s?\"'/]*/[^\s?\"']*)\?[^\s\"']+"), r"\1?***"),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def scrub(text: str) -> str:
    """`text` without credentials and query strings, on one line."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text.replace("\r", "\\r").replace("\n", "\\n")


class LineFormatter(logging.Formatter):
    """time, level, role, logger, message, then what `extra` named; quoted as JSON strings where needed."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "role": self.role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = "".join(traceback.format_exception(*record.exc_info)).strip()
        return scrub(" ".join(f"{name}={_quoted(value)}" for name, value in fields.items()))[:LONGEST]


def _quoted(value: object) -> str:
    text = str(value)
    if text and text.isprintable() and not re.search(r"[\s\"=]", text):
        return text
    return _visible(json.dumps(text, ensure_ascii=False))


def _visible(text: str) -> str:
    """`text` with escapes for what would steer a terminal or end a line for some reader of logs."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)


class Leveled(Protocol):
    """What the settings say about logs."""

    @property
    def log_level(self) -> str:
        """debug, info, warning or error."""


def configure_logging(settings: Leveled, role: str) -> None:
    """Send every log of this process to stderr, one line each; call once, at the start of a role."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(role))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # they bring handlers of their own
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
