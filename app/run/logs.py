"""A child's output: all of it in a bounded file, the warnings on the terminal, the last lines for its obituary."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from app.store.folder import make_private

LARGEST = 5 << 20  # bytes of a log file before it becomes the older one; there is one older one
LONGEST_LINE = 8192
LAST_LINES = 12
LONGEST_WARNING = 240  # characters on the terminal
BURST = 5  # warnings of a child shown within WINDOW seconds
WINDOW = 30.0
SILENT = "it said nothing"

_LEVEL = re.compile(r"\blevel=(warning|error|critical)\b", re.I)
_MESSAGE = re.compile(r"\bmessage=(\"(?:[^\"\\]|\\.)*\"|\S+)(.*)$")
_VALKEY = re.compile(r"^\d+:\w .{20,30}# (.*)$")
EXPECTED = (
    "overcommit_memory",
    "oO0OoO0OoO0Oo",
    "Configuration loaded",
    "Transparent Huge Pages",
    "bye bye",
    "shutdown",
)


def warning_in(line: str) -> str:
    """The message of a line of level warning or above; empty for any other line."""
    server = _VALKEY.match(line)
    if server:
        return "" if any(text in line for text in EXPECTED) else server.group(1)
    if not _LEVEL.search(line):
        return ""
    message = _MESSAGE.search(line)
    if message is None:
        return line[:LONGEST_WARNING]
    text, _, error = (message.group(1).strip('"') + message.group(2)).partition(" error=")
    lines = [part for part in text.split("\\n") if part.strip()] or [""]
    text = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    causes = [part for part in error.strip('"').split("\\n") if part.strip()]  # a traceback: its last line tells
    return (f"{text} ({causes[-1]})" if causes else text)[:LONGEST_WARNING]


class BoundedLog:
    """Appends to `path`; at LARGEST bytes the file becomes `path`.1 and a new one begins."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        make_private(path.parent)
        self.path, self.largest = path, largest
        self.file: FileIO | None = None
        self.size = 0
        self.write(b"")

    def write(self, data: bytes) -> None:
        """Append `data`; a full disk loses log lines, never a process: what is read here must go on being read."""
        try:
            if self.file is not None and self.size + len(data) > self.largest:
                self.close()
                self.path.replace(self.path.with_name(self.path.name + ".1"))
            if self.file is None:
                self.file = FileIO(self.path, "ab")
                self.size = self.file.tell()
            self.size += self.file.write(data)
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        file, self.file = self.file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()


class Output:
    """Splits a child's output into lines; `show` gets the warnings, a few at a time."""

    def __init__(self, log: BoundedLog, show: Callable[[str], None]) -> None:
        self.log, self.show = log, show
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.former = SILENT
        self.rest = b""
        self.window, self.shown, self.hidden = 0.0, 0, 0

    def feed(self, data: bytes, now: float) -> None:
        """Take the next bytes; `now` is any steady clock in seconds."""
        self.log.write(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LONGEST_LINE:
            lines, self.rest = [*lines, self.rest], b""
        for raw in lines:
            line = raw[:LONGEST_LINE].decode("utf-8", "replace").rstrip()
            if line:
                self.last.append(line)
                self._warn(warning_in(line), now)

    def _warn(self, message: str, now: float) -> None:
        if not message:
            return
        if now - self.window > WINDOW:
            if self.hidden:
                self.show(f"{self.hidden} more warnings in {self.log.path}")
            self.window, self.shown, self.hidden = now, 0, 0
        if self.shown < BURST:
            self.show(message)
            self.shown += 1
        else:
            self.hidden += 1

    def begin(self) -> None:
        """Another process takes over: what the former one said explains nothing of its end."""
        self.former = self.obituary()
        self.last.clear()

    def obituary(self, *, former: bool = True) -> str:
        """The line that most likely says why the process ended; of one that said nothing, what the `former` one did."""
        for line in reversed(self.last):
            found = warning_in(line)
            if found or line.startswith("stillwatch: "):
                return found or line.removeprefix("stillwatch: ")
        return self.last[-1] if self.last else self.former if former else SILENT
