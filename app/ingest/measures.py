"""How well scores fit labels: rates with exact intervals, by persona and family, and the area under the curve."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.special import betaincinv  # type: ignore[import-untyped]

from app.csvfile import Said, rows
from app.errors import InvalidInput

COLUMNS = ("client", "label", "family", "persona", "campaign")


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a client: whether it harvests, and which kind of client it is."""

    harvests: bool
    family: str
    persona: str
    campaign: str


class Scored(Protocol):
    """What the measures need of a client's result."""

    @property
    def client(self) -> str:
        """The name that the labels use."""

    @property
    def score(self) -> float:
        """Higher is more suspicious."""

    @property
    def flagged(self) -> bool:
        """Whether it reached the level of review."""

    @property
    def watched(self) -> bool:
        """Whether it reached at least the level of watching."""

    @property
    def flagged_at_request(self) -> int | None:
        """The number of requests at the flag."""


def read_labels(path: Path) -> dict[str, Label]:
    """Labels by client; raises InvalidInput that names the file and the line."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("--labels", f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        return dict(_labels(rows(io.StringIO(text, newline=""))))
    except InvalidInput as error:
        raise InvalidInput("--labels", f"{path}:{error.pointer.removeprefix('line ')}: {error.problem}") from None


def _labels(found: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[str, Label]]:
    header = next(found, (1, []))[1]
    if not {"client", "label"} <= set(header):
        raise InvalidInput("line 1", f"the first line must be {','.join(COLUMNS)}")
    said = Said()
    for number, row in found:
        named = dict(zip_longest(header, row[: len(header)], fillvalue=""))
        value = named["label"].strip()
        if value not in ("0", "1"):
            raise InvalidInput(f"line {number}", f"the label is {value!r}, not 0 or 1")
        said.note(named["client"], value, f"line {number}")
        yield named["client"], Label(value == "1", *(named.get(name, "").strip() for name in COLUMNS[2:]))


def interval(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a rate."""
    if not total:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, total - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, total - hits, 1 - tail)) if hits < total else 1.0
    return low, high


def area(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Area under the ROC curve, ties counted half; None where a side is empty."""
    if not positive or not negative:
        return None
    values, place = np.unique(np.concatenate((positive, negative)), return_inverse=True)
    below = np.bincount(place[len(positive) :], minlength=len(values)).astype(np.float64)
    rank = np.cumsum(below) - below / 2
    return float(rank[place[: len(positive)]].mean() / len(negative))


@dataclass(frozen=True, slots=True)
class Rate:
    """Flagged clients of a group, with the interval of the rate; `watched` counts the lower level too."""

    name: str
    clients: int
    flagged: int
    watched: int
    rate: float
    low: float
    high: float


def rate(name: str, group: Sequence[Scored]) -> Rate:
    """The flagged share of a group of clients."""
    flagged = sum(one.flagged for one in group)
    watched = sum(one.watched for one in group)
    low, high = interval(flagged, len(group))
    return Rate(name, len(group), flagged, watched, flagged / len(group) if group else 0.0, low, high)


def _grouped(clients: Iterable[tuple[Scored, Label]], key: str) -> list[Rate]:
    groups: dict[str, list[Scored]] = {}
    for client, label in clients:
        groups.setdefault(getattr(label, key) or "(none)", []).append(client)
    return [rate(name, group) for name, group in groups.items()]


def compare(clients: Sequence[Scored], labels: Mapping[str, Label]) -> dict[str, Any]:
    """The table of a replay against labels; ordinary personas worst first, families least found first."""
    known = [(client, labels[client.client]) for client in clients if client.client in labels]
    harvesting = [(client, label) for client, label in known if label.harvests]
    ordinary = [(client, label) for client, label in known if not label.harvests]
    personas = sorted(_grouped(ordinary, "persona"), key=lambda one: (-one.rate, -one.watched / one.clients, one.name))
    families = sorted(_grouped(harvesting, "family"), key=lambda one: (one.rate, one.watched / one.clients, one.name))
    waits = [client.flagged_at_request for client, _ in harvesting if client.flagged_at_request is not None]
    return {
        "labelled": len(known),
        "unlabelled": len(clients) - len(known),
        "tpr": asdict(rate("harvesting", [client for client, _ in harvesting])),
        "fpr": asdict(rate("ordinary", [client for client, _ in ordinary])),
        "auc": area([client.score for client, _ in harvesting], [client.score for client, _ in ordinary]),
        "requests_to_flag": {
            "median": float(np.median(waits)) if waits else None,
            "p90": float(np.percentile(waits, 90)) if waits else None,
        },
        "personas": [asdict(one) for one in personas],
        "families": [asdict(one) for one in families],
    }
