"""Standing: where a mixed client stands look by look, and what is told of it, however many looks a batch has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import parts
from detectors.base import Level
from detectors.engine import FINDING

WHOLE = 0  # in the place of a part's number

Stand = tuple[int, float]
"""A level, and the score that goes with it."""


class Look(NamedTuple):
    """A finding of a client's whole traffic, or of a part of it, with the rows as they stood then."""

    finding: np.void
    row: np.void
    part: np.void | None = None

    @property
    def of(self) -> int:
        """The part's number, from 1; WHOLE where it is none."""
        return WHOLE if self.part is None else int(self.part["part"])


class Before:
    """How clients stood before a batch: by their whole traffic, and by the part that stood highest."""

    def __init__(self, rows: NDArray[np.void]) -> None:
        held = rows["parts"]
        self.level, self.score, self.last = rows["level"].copy(), rows["score"].copy(), rows["last"].copy()
        self.part, self.part_level, self.part_score = (held[name].copy() for name in ("part", "level", "score"))

    def told(self, place: int) -> int:
        """The level that was told of a client."""
        return int(max(self.level[place], self.part_level[place]))

    def stands(self, place: int) -> dict[int, Stand]:
        """Where a client's whole and its highest part stood."""
        found = {WHOLE: (int(self.level[place]), float(self.score[place]))}
        if self.part[place]:
            found[int(self.part[place])] = int(self.part_level[place]), float(self.part_score[place])
        return found


class Kept:
    """The rows of the parts that a batch steps, each with the place of its client; as they stood before, and now."""

    def __init__(self, rows: NDArray[np.void], owner: NDArray[np.intp]) -> None:
        self.rows, self.owner = rows, owner
        self.events = rows["events"].copy()
        self._before = {name: rows[name].copy() for name in ("level", "score", "window")}

    def of(self, place: int) -> dict[int, np.void]:
        """A client's, by their numbers, as they stand now."""
        return {int(self.rows["part"][one]): self.rows[one] for one in np.flatnonzero(self.owner == place)}

    def stands(self, place: int) -> dict[int, Stand]:
        """Where a client's stood before, by a look in the window in which they stand now."""
        mine = np.flatnonzero(self.owner == place)
        mine = mine[(self.rows["look"][mine] > 0) & (self.rows["window"][mine] == self._before["window"][mine])]
        level, score = (self._before[name][mine].tolist() for name in ("level", "score"))
        return dict(zip(self.rows["part"][mine].tolist(), zip(level, score, strict=True), strict=True))


def level(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    """The level of each client, whatever it is for."""
    return np.asarray(np.maximum(rows["level"], rows["parts"]["level"]), np.uint8)


def told(rows: NDArray[np.void], before: Before, kept: Kept, looks: Iterable[Look]) -> list[Look]:
    """What is told of the clients of `rows`, each one's in order, of all that was found at `looks` of a batch.

    Each change of level is told, and what is found while in review. What a finding is about and its score are of one:
    of the part that the client stands there for, or of the whole. A change that no look made, as where a part is
    forgotten, is told as the client's row stands in the end.
    """
    by_client: dict[int, list[Look]] = defaultdict(list)
    for look in looks:
        by_client[int(np.searchsorted(rows["client"], look.finding["client"]))].append(look)
    now = level(rows)
    moved = np.flatnonzero(now != np.maximum(before.level, before.part_level)).tolist()
    out: list[Look] = []
    for place in sorted({*moved, *by_client}):
        mine, known = kept.of(place), before.told(place)
        for look in _in_turn(by_client[place], kept.stands(place) | before.stands(place), known, mine):
            known = int(look.finding["level"])
            out.append(look)
        if known != now[place]:
            out.append(_in_the_end(rows[place], known, int(now[place]), mine))
    return out


def _in_turn(
    looks: Sequence[Look], stands: dict[int, Stand], known: int, kept: Mapping[int, np.void]
) -> Iterator[Look]:
    """What is told of one client at its looks; `stands` is where its whole and its parts stand, and is kept up."""
    looks = sorted(looks, key=lambda look: (int(look.finding["requests"]), look.of))
    for _, group in groupby(looks, key=lambda look: int(look.finding["requests"])):
        found = {look.of: look for look in group}  # at one request
        stands |= {of: (int(look.finding["level"]), float(look.finding["score"])) for of, look in found.items()}
        now, leads = max((stand[0], stand[1] if stand[0] else 0.0, -of) for of, stand in stands.items())[::2]
        leads = -leads
        if now == known:
            if now < Level.REVIEW or not (again := [of for of in found if stands[of][0] == now]):
                continue
            leads = leads if leads in again else again[0]
        source = found.get(leads, next(iter(found.values())))
        part = source.part if source.of == leads else kept.get(leads)
        finding = source.finding.copy()
        finding["level"], finding["previous"] = now, known
        finding["score"] = stands[WHOLE if part is None else leads][1]
        known = now
        yield Look(finding, source.row, part)


def _in_the_end(row: np.void, known: int, now: int, kept: Mapping[int, np.void]) -> Look:
    """What is told of a client whose level no look changed, as its row stands."""
    one = np.array([row])
    held = row["parts"]
    part = kept.get(int(held["part"])) if parts.said(one["parts"], one["level"], one["score"])[0] else None
    finding: np.void = np.zeros(1, FINDING)[0]
    finding["client"], finding["requests"], finding["at"] = row["client"], row["events"], row["last"]
    finding["level"], finding["previous"] = now, known
    finding["score"] = row["score"] if part is None else held["score"]
    return Look(finding, row, part)
