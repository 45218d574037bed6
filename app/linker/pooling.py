"""Members' rows out of Redis: what each says by itself, and what all say as one client against random sets."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.settings import Settings
from app.store.redis import Link
from app.store.reference import load_engine
from app.store.rows import stored
from detectors.campaign import Campaign, rows
from detectors.campaign.pooled import Pooled, Told, load
from detectors.engine import Engine

MOST_ROWS = 5_000  # of one campaign; the earliest members are taken
MOST = 4  # campaigns scored between two passes
AGAIN_SECONDS = 60.0  # after which a campaign's rows are looked at again
MOST_HEARD = 2_000  # clients of whose own rows is heard between two passes: about 8 MB

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scored:
    """A campaign's rows as one client: when it was looked at (monotonic seconds), of how many, and what they say."""

    at: float
    members: int
    told: Told

    def document(self) -> dict[str, Any]:
        """For the evidence."""
        speak = sorted(self.told.evidence, key=lambda one: one[2])
        return {
            "compared_with_sets_of": self.told.size,
            "nats": self.told.nats,
            "detectors": [{"detector": name, "raw": raw, "p": p} for name, raw, p in speak if p < 1.0],
        }


class Pooling:
    """Keeps the pooled scores of present campaigns, and hears of clients' own rows; some between two passes."""

    def __init__(self, engine: Engine, calibration: Pooled | None, partitions: int) -> None:
        self._engine = engine
        self._calibration = calibration
        self._partitions = partitions
        self._heard: dict[int, float] = {}  # when a client's row was last read for its rank, monotonic seconds
        self.scores: dict[int, Scored] = {}  # by the core's number of a campaign

    def hear(self, link: Link, asked: Iterable[int], ticks: float) -> dict[int, rows.Own]:
        """What the rows of clients say that groups ask for. Raises Unavailable."""
        self._heard = {client: at for client, at in self._heard.items() if ticks - at < AGAIN_SECONDS}
        due = [client for client in asked if client not in self._heard][:MOST_HEARD]
        if not due:
            return {}
        found = self._rows(link, due)
        self._heard.update(dict.fromkeys(due, ticks))
        return rows.ranks(self._engine, found)

    def forget(self) -> None:
        """Begin anew: the core is another one, so its campaigns' numbers mean others."""
        self._heard, self.scores = {}, {}

    def look(self, link: Link, campaigns: Sequence[Campaign], ticks: float) -> None:
        """Score the campaigns that are due as one client each, to be shown. Raises Unavailable."""
        present = {one.id for one in campaigns}
        self.scores = {number: one for number, one in self.scores.items() if number in present}
        if self._calibration is None:
            return
        due = [one for one in campaigns if self._is_due(one, ticks)]
        for one in due[:MOST]:
            clients = [member.client for member in one.members]
            found = self._rows(link, clients[:MOST_ROWS])
            if len(found):
                self.scores[one.id] = Scored(ticks, len(clients), self._calibration.rescore(self._engine, found))

    def _rows(self, link: Link, clients: Sequence[int]) -> NDArray[np.void]:
        found = stored(link, self._engine.row, self._engine.schema, clients, self._partitions)
        return np.concatenate([self._engine.empty(np.zeros(0, np.uint64)), *(rows for rows, _ in found)])

    def _is_due(self, campaign: Campaign, ticks: float) -> bool:
        known = self.scores.get(campaign.id)
        return known is None or known.members != len(campaign.members) or ticks - known.at >= AGAIN_SECONDS


def pooling(settings: Settings, counts: Counter[str]) -> Pooling:
    """With the engine and calibration of this version; without pooled scores where no calibration can be read."""
    calibration = None
    try:
        calibration = load()
    except (OSError, ValueError) as error:
        counts["pooling_uncalibrated"] += 1
        logger.warning("campaigns are not scored as one client: no calibration", extra={"error": error})
    engine = load_engine(settings.reference, settings.plans, settings.releases)
    return Pooling(engine, calibration, settings.partitions)
