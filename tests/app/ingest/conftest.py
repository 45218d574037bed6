"""Small exchange logs, made here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

START = 1_764_000_000.0


def _line(ts: float = START, client: str | None = "acct_1", text: str = "Hello", **fields: Any) -> dict[str, Any]:
    """One exchange as the log writes it."""
    record = {
        "ts": ts,
        "client": client,
        "peer": "203.0.113.7",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": {"User-Agent": "curl/8"},
        "body": {"model": "m", "messages": [{"role": "user", "content": text}]},
        "status": 200,
        "ttfb_s": 0.4,
        "duration_s": 3.2,
        "usage": {"input_tokens": 12, "output_tokens": 34},
    }
    return {**record, **fields}


@pytest.fixture(scope="session")
def line():
    """Builds one line."""
    return _line


@pytest.fixture
def write_log(tmp_path: Path):
    """Writes lines, JSON values or raw bytes, to a log of a name; gzip where the name says so."""

    def write(name: str, *lines: Any) -> Path:
        data = b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines)
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write
