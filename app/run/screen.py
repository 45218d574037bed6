"""What `stillwatch run` prints: a banner, a line an event, and progress that rewrites itself on a terminal."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import IO

from rich.console import Console
from rich.markup import escape

COLOURS = {
    "gateway": "cyan",
    "extractor": "blue",
    "worker": "magenta",
    "linker": "yellow",
    "console": "green",
    "valkey": "red",
    "sample-api": "bright_black",
    "sample-traffic": "bright_black",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of this run can be reached, and with what."""

    gateway: str
    console: str
    api: str
    token: str
    data: str
    upstream: str  # empty: the sample model API


class _Console(Console):
    """Rich's console, which would end the process when nobody reads its output any more."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Screen:
    """Prints to `file`; a terminal that went away silences it and stops nothing."""

    def __init__(self, file: IO[str] | None = None) -> None:
        self.console = _Console(file=file or sys.stdout, highlight=False, soft_wrap=True)
        self.live = self.console.is_terminal
        self.progress_text = ""

    def _print(self, text: str) -> None:
        try:
            if self.live and self.progress_text:
                self.console.file.write("\r\x1b[2K")
            self.console.print(text)
            if self.live and self.progress_text:
                self.console.file.write(self.progress_text)
            self.console.file.flush()
        except (OSError, ValueError):
            return

    def say(self, text: str) -> None:
        """One line."""
        self._print(escape(text))

    def event(self, role: str, text: str) -> None:
        """One line about a process."""
        colour = COLOURS.get(role, "white")
        self._print(f"[{colour}]{role:>14}[/]  {escape(text)}")

    def progress(self, text: str) -> None:
        """Replace the line of progress; where the output is no terminal, print it if it changed."""
        if text == self.progress_text:
            return
        if not self.live:
            self.progress_text = text
            if text:
                self.say(text)
            return
        try:
            self.console.file.write(f"\r\x1b[2K{text}")
            self.console.file.flush()
        except (OSError, ValueError):
            return
        self.progress_text = text

    def banner(self, where: Addresses) -> None:
        """The addresses, the token and a request to try."""
        if where.upstream:
            self._print(f"\n[bold]Stillwatch[/] stands in front of [bold]{escape(where.upstream)}[/]\n")
        else:
            self._print(
                "\n[bold]Stillwatch[/] is up, with [bold yellow]SAMPLE data[/]: model API and clients are made up.\n"
            )
        rows = (
            ("Gateway", f"{where.gateway}/v1", "the base URL for your client"),
            ("Dashboard", where.console, "sign in with the admin token"),
            ("REST API", where.api, "OpenAPI 3.1"),
            ("Admin token", where.token, ""),
            ("Data, logs", where.data, ""),
        )
        for name, value, meaning in rows:
            self._print(f"  {name:<12} [bold]{escape(value)}[/]" + (f"  [bright_black]{meaning}[/]" if meaning else ""))
        self._print(f"\n  Try it:  {escape(self.example(where))}\n")
        if where.upstream:
            self._print("  Point your clients at the gateway; they keep their keys. Ctrl-C stops everything.\n")
        else:
            self._print(
                "  [bright_black]make run UPSTREAM=https://... fronts a real model API. Ctrl-C stops everything.[/]\n"
            )

    @staticmethod
    def example(where: Addresses) -> str:
        """A curl line that works as it stands with the sample model API."""
        if where.upstream:
            return f"curl {where.gateway}/v1/models -H 'Authorization: Bearer YOUR_KEY'"
        body = '{"model": "sample-small", "messages": [{"role": "user", "content": "Hello"}]}'
        headers = "-H 'Authorization: Bearer any-key' -H 'Content-Type: application/json'"
        return f"curl {where.gateway}/v1/chat/completions {headers} -d {shlex.quote(body)}"
