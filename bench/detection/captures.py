"""Recorded captures of real client programs as exchange logs, and each through the service's own replay."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from app.ingest.replay import ClientResult, replay
from detectors import undecided
from detectors.base import Explanation, Level
from detectors.engine import Engine

START = 1_764_000_000.0


class Captured(NamedTuple):
    """One client of one capture, as the service saw it."""

    capture: str
    family: str
    harvest: bool
    grey: bool  # the label depends on intent more than on traffic
    result: ClientResult

    @property
    def order(self) -> float:
        """What ranks captures: the highest score told, by a margin where a tier was reached."""
        return self.result.score + 100.0 * self.result.level


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


def section(recorded: Sequence[Captured]) -> list[str]:
    """The captures as a table: harvests, ordinary ones, and apart those whose label depends on intent."""
    if not recorded:
        return []
    best: dict[str, Captured] = {}
    for one in recorded:
        held = best.get(one.capture)
        if held is None or one.order > held.order:
            best[one.capture] = one
    order = sorted(best.values(), key=lambda one: (one.grey, not one.harvest, -one.order))
    return [
        "Each through `stillwatch replay` with the reference that ships. No level was set on them, but the numbers of",
        "all without `*` are in the joint score's training, so the table shows what it remembers. How programs are",
        "ranked that training did not hold stands at the top of this page; which numbers the joint score reads was",
        "chosen with these in view too ([why](../detection.md#fusion)). Of captures with several clients the highest.",
        "`*`: the label depends on intent more than on traffic. Tier and nats are the highest reached, the words those",
        "at the end.",
        "",
        "| capture | label | family | requests | tier | nats | at request | reason | what is missing |",
        "|---|---|---|---:|---|---:|---:|---|---|",
        *map(_line, order),
        "",
    ]


def _line(one: Captured) -> str:
    label = ("harvest" if one.harvest else "ordinary") + ("*" if one.grey else "")
    tier = {Level.NONE: "none", Level.WATCH: "watch", Level.REVIEW: "review"}[one.result.level]
    told = one.result.explanation
    cells = [
        one.capture.split("__", 1)[-1], label, one.family, f"{told.requests:,}", tier, f"{one.result.score:.1f}",
        str(one.result.flagged_at_request or ""), _reason(told), _missing(one),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _reason(told: Explanation) -> str:
    """The alert's own sentence; of others the strongest statement, but for those that explain nothing by themselves."""
    if told.level > Level.NONE:
        return told.sentence
    speaking = [one for one in told.evidence if one.p < 0.05 and one.family != "rhythm"]
    if not speaking and told.look:
        return "nothing out of the ordinary"
    if not speaking:
        return "too few text requests to compare"
    first = min(speaking, key=lambda one: one.p)
    return max(first.terms, key=lambda term: term.share).sentence


def _missing(one: Captured) -> str:
    """What more would be needed to tell."""
    told = one.result.explanation
    if told.cannot_tell or not one.harvest or one.result.level == Level.REVIEW:
        return told.cannot_tell
    if told.look < 100:
        return f"More requests: it was compared at {told.look}, and most harvests are found later."
    pair = undecided.pair(told.evidence, told.requests)
    return pair or "A second kind of evidence, or other clients that are linked to it."
