"""Recorded captures of real client programs as exchange logs, and each through the service's own replay."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from app.ingest.replay import ClientResult, replay
from detectors.engine import Engine

START = 1_764_000_000.0


class Captured(NamedTuple):
    """One client of one capture, as the service saw it."""

    capture: str
    family: str
    harvest: bool
    grey: bool  # the label depends on intent more than on traffic
    result: ClientResult


def paths(root: Path) -> list[Path]:
    """The capture files under a folder, harvests first."""
    return sorted((root / "captures").glob("*.jsonl.gz"))


def run(engine: Engine, root: Path) -> Iterator[Captured]:
    """Replay each capture by itself; the multi-account ones give one line a client."""
    with TemporaryDirectory() as folder:
        for path in paths(root):
            log = Path(folder) / path.name
            meta = convert(path, log)
            harvest, grey = meta["label"] == "attack", bool(meta.get("grey"))
            for result in replay([log], engine).clients:
                yield Captured(path.name.removesuffix(".jsonl.gz"), meta["family"], harvest, grey, result)


def convert(capture: Path, log: Path) -> dict[str, Any]:
    """Write one capture as an exchange log; its description."""
    with gzip.open(capture, "rt", encoding="utf-8") as lines, gzip.open(log, "wt", encoding="utf-8") as out:
        meta: dict[str, Any] = json.loads(next(lines))["meta"]
        for line in lines:
            out.write(json.dumps(_exchange(json.loads(line)), ensure_ascii=False) + "\n")
    return meta


def _exchange(request: dict[str, Any]) -> dict[str, Any]:
    query = f"?{request['query']}" if request.get("query") else ""
    return {
        "ts": START + request["t"],
        "client": request["account"],
        "peer": "198.51.100.7",
        "method": request["method"],
        "path": request["path"] + query,
        "headers": [[name.lower(), value] for name, value in request["headers"]],
        "body": request["body"],
        "status": request["status"],
        "ttfb_s": request.get("ttft_s"),
        "duration_s": request.get("dur_s"),
        "usage": {"input_tokens": request.get("prompt_tokens"), "output_tokens": request.get("resp_tokens")},
    }
