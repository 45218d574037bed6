"""What only the operator knows: what each client's plan allows, and when models were released."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.features import model_hash


@dataclass(frozen=True, slots=True)
class Plans:
    """The 95th percentile of tokens a day of each client's plan, by client id; what is not there is unknown."""

    tokens: Mapping[int, float] = field(default_factory=dict)

    def of(self, clients: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Thousands of tokens a day of each client's plan, at least 1; 0 where unknown."""
        if not self.tokens:
            return np.zeros(len(clients), np.uint32)
        found = [self.tokens.get(client, 0.0) for client in clients.tolist()]
        return np.clip(np.ceil(np.array(found) / 1_000.0), 0, 2**32 - 1).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class Release:
    """A model and the moment, seconds since the epoch, from which it could be used."""

    model: int  # the hash that events name it by
    at: float


def read_plans(path: str | Path) -> Plans:
    """A CSV file with the columns `client` (cl_ and 16 hexadecimal digits) and `tokens_per_day`.

    Raises OSError, and ValueError that names the line.
    """
    tokens: dict[int, float] = {}
    for number, row in _rows(path):
        try:
            tokens[int(row["client"].strip().removeprefix("cl_"), 16)] = _positive(row["tokens_per_day"])
        except (KeyError, ValueError, AttributeError, TypeError):
            raise ValueError(f"{path}, line {number}: give client,tokens_per_day") from None
    return Plans(tokens)


def read_releases(path: str | Path) -> tuple[Release, ...]:
    """A CSV file with the columns `model` and `released` (ISO 8601; without a zone it is UTC), oldest first.

    Raises OSError, and ValueError that names the line.
    """
    found: list[Release] = []
    for number, row in _rows(path):
        try:
            at = datetime.fromisoformat(row["released"].strip())
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            found.append(Release(model_hash(_named(row["model"])), at.timestamp()))
        except (KeyError, ValueError, AttributeError, TypeError):
            raise ValueError(f"{path}, line {number}: give model,released") from None
    return tuple(sorted(found, key=lambda one: one.at))


def _rows(path: str | Path) -> list[tuple[int, dict[str, str]]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        return [(reader.line_num, row) for row in reader]


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e18:
        raise ValueError(text)
    return value


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("no model")
    return text.strip()
