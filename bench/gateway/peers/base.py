"""What a peer is to the benchmark, and how one is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.processes import Stage, Target

OUT = Path(__file__).parents[2] / "out" / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway of others: `program` is there once it is installed."""

    name: str
    program: Path
    install: Callable[[], None]
    start: Callable[[Stage], Target]

    @property
    def installed(self) -> bool:
        """Whether it can be started."""
        return self.program.exists()


def run(command: Sequence[str | Path], cwd: Path | None = None) -> None:
    """An installer's command; its error is the caller's."""
    subprocess.run([str(part) for part in command], check=True, cwd=cwd)


def venv_with(folder: Path, *requirements: str) -> None:
    """A virtual environment of its own with these packages."""
    run([sys.executable, "-m", "venv", folder])
    run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
