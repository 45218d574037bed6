"""Raw features of a client from its first so many events: what learned baselines see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.event import Flag, Kind

TOPICS = 400  # prompts of a client that embedding baselines see
_FLAGS = (
    Flag.STREAM, Flag.TOOLS, Flag.SCHEMA, Flag.LOGPROBS, Flag.SYSTEM, Flag.USER_ID, Flag.MULTI_TURN, Flag.BLANK_INPUT,
    Flag.PREFILL, Flag.SEED, Flag.ELICIT_SYSTEM, Flag.ELICIT_USER, Flag.TOOL_RESULT, Flag.REASONING_ASKED,
)  # fmt: skip
_DISTINCT = ("payload", "head4", "head12", "tail6", "system", "params", "tools", "opening", "answer", "body")
_TOPMOST = ("head12", "tail6", "system", "params", "payload")
_KINDS = (Kind.LABEL, Kind.RECORD, Kind.LIST, Kind.CODE, Kind.PROSE, Kind.REASONING)
_LENGTHS = ("in_chars", "payload_chars", "out_chars")

NAMES: tuple[str, ...] = (
    *(f"share {flag.name}" for flag in _FLAGS if flag.name),
    *(f"distinct {name}" for name in _DISTINCT),
    *(f"topmost {name}" for name in _TOPMOST),
    *(f"kind {kind.name}" for kind in _KINDS),
    *(f"{part} {name}" for name in _LENGTHS for part in ("mean log", "spread log")),
    "share of samples", "mean log choices", "temperature set", "mean temperature", "mean log max_tokens",
    "share elicitation", "share grading", "share listed", "topic concentration", "log hourly rate",
    "spread of log gaps", "share of gaps under a second", "hours of the day", "networks per request",
    "agents per request", "users per request",
)  # fmt: skip


def vectors(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.float32]:
    """One vector a look; shape (len(until), len(NAMES))."""
    out = np.zeros((len(until), len(NAMES)), np.float32)
    for place, end in enumerate(until):
        if end:
            out[place] = _vector(events[:end])
    return out


def topics(events: NDArray[np.void]) -> NDArray[np.int8]:
    """The embedding of a client's first prompts, zeros beyond its last; shape (TOPICS, 24)."""
    out = np.zeros((TOPICS, 24), np.int8)
    some = events["topic"][events["topic"].any(axis=1)][:TOPICS]
    out[: len(some)] = some
    return out


def topic_count(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.int32]:
    """How many prompts with an embedding a client had sent at each look."""
    before = np.concatenate([[0], np.cumsum(events["topic"].any(axis=1))])
    return np.asarray(before[until], np.int32)


def _vector(seen: NDArray[np.void]) -> list[float]:
    n = len(seen)
    flags = seen["flags"]
    values = [float((flags & int(flag) != 0).mean()) for flag in _FLAGS]
    counts = {name: np.unique(seen[name], return_counts=True)[1] for name in {*_DISTINCT, *_TOPMOST}}
    values += [len(counts[name]) / n for name in _DISTINCT]
    values += [float(counts[name].max()) / n for name in _TOPMOST]
    values += [float((seen["kind"] == int(kind)).mean()) for kind in _KINDS]
    for name in _LENGTHS:
        logs = np.log2(1.0 + seen[name])
        values += [float(logs.mean()), float(logs.std())]
    return values + _rest(seen)


def _rest(seen: NDArray[np.void]) -> list[float]:
    n = len(seen)
    temperature = seen["temperature"]
    known = ~np.isnan(temperature)
    gaps = np.diff(seen["at"])
    hours = max(float(np.ptp(seen["at"])) / 3600.0, 1.0 / 60.0)
    unit = seen["topic"].astype(np.float64) / 127.0
    return [
        float((seen["choices"] > 1).mean()),
        float(np.log2(np.maximum(seen["choices"], 1)).mean()),
        float(known.mean()),
        float(temperature[known].mean()) if known.any() else -1.0,
        float(np.log2(1.0 + seen["max_tokens"]).mean()),
        float((seen["elicitation"] != 0).mean()),
        float((seen["grading"] != 0).mean()),
        float((seen["listed"] != 0).mean()),
        float(np.linalg.norm(unit.mean(axis=0))),
        float(np.log2(n / hours)),
        float(np.log(np.maximum(gaps, 1e-3)).std()) if len(gaps) else 0.0,
        float((gaps < 1.0).mean()) if len(gaps) else 0.0,
        len(np.unique((seen["at"] // 3600.0).astype(np.int64) % 24)) / 24.0,
        len(np.unique(seen["network"])) / n,
        len(np.unique(seen["agent"])) / n,
        len(np.unique(seen["user"])) / n,
    ]
