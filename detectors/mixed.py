"""Mixed clients: their traffic as a whole and each of its parts, stepped together and told of as one client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import parts
from detectors.base import Explanation, Level
from detectors.batch import Batch
from detectors.engine import FINDING, WINDOW, Engine, taken, window_of
from detectors.sketch import mix

Load = Callable[[NDArray[np.uint64]], NDArray[np.void]]
"""From the sorted unique numbers of parts to their rows, fresh ones where there are none; they are stepped in place."""

MOST = 20_000  # parts of one step: their rows are held at once, about 4 KB each


class Stepped(NamedTuple):
    """Findings of clients, sorted by client, at most one each, and the rows of the parts that were stepped."""

    findings: NDArray[np.void]
    because: NDArray[np.intp]  # (findings,): the part in `rows` that a finding is about, -1 where it is the whole
    rows: NDArray[np.void]
    left_out: int = 0  # parts that were not stepped, for there were too many


def step(engine: Engine, rows: NDArray[np.void], events: NDArray[np.void], now: float, load: Load) -> Stepped:
    """Fold `events` into `rows` as `engine.step` does, and what mixed clients send apart into the rows that `load` has.

    A client is at the level of its whole traffic or of the part that scores highest, whichever is higher.
    """
    if not len(events):
        return Stepped(np.zeros(0, FINDING), np.zeros(0, np.intp), rows[:0])
    batch = engine.batch(events)
    before, held, last = _standing(rows), bool(rows["parts"]["level"].any()), rows["last"].copy()
    place = parts.route(rows["parts"], batch, _windows(batch))
    apart, owners, place = _apart(events, batch, place)
    findings = engine.step(rows, batch, now)
    parts.fade(rows["parts"])
    if not len(apart):
        if not held:
            return Stepped(findings, np.full(len(findings), -1), rows[:0])
        return _told(rows, before, findings, np.zeros(0, FINDING), np.zeros(0, np.intp), rows[:0])
    numbers, one = np.unique(apart["client"], return_index=True)
    left_out = max(len(numbers) - MOST, 0)
    if left_out:
        numbers, one = numbers[:MOST], one[:MOST]
        apart = apart[apart["client"] <= numbers[-1]]
    kept = load(numbers)
    kept["part"] = place[one]
    owner = np.searchsorted(rows["client"], owners[one])
    found = engine.step(kept, apart, now)
    parts.say(rows["parts"], owner, kept)
    at = np.searchsorted(numbers, found["client"])
    found["client"] = rows["client"][owner[at]]
    # Late events of a part may be older than what was told of its client, and a finding that is older is not recorded.
    found["at"] = np.maximum(found["at"], last[owner[at]])
    found["requests"] = _until(rows, events, found)
    return _told(rows, before, findings, found, at, kept)._replace(left_out=left_out)


def explain(engine: Engine, row: np.void, part: np.void | None, now: float) -> Explanation:
    """All that is known for and against a client: of its whole traffic, or of the part that it stands there for."""
    level = Level(max(int(row["level"]), int(row["parts"]["level"])))
    if part is None:
        return replace(engine.explain(row, now), level=level)
    told = engine.explain(part, now)
    size = int(part["counted"])
    # Of the week before, where the part has not come since: the row tells only of this week.
    total = f" of {int(row['counted']):,}" if part["window"] == row["window"] else ""
    text = f"In a part of its traffic, {size:,}{total} answered requests that are sent in a manner of their own: "
    return replace(
        told,
        client=int(row["client"]),
        level=level,
        requests=int(row["events"]),
        sentence=text + told.sentence[0].lower() + told.sentence[1:],
        part_requests=size,
    )


def ids(clients: NDArray[np.uint64], places: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The number under which the row of a client's part is kept; `places` from 1, broadcast against the clients.

    A part's windows are those of its client, which go by the number (`engine.window_of`): one would else be looked at
    anew while the other goes on.
    """
    number, window = mix(clients ^ mix(np.atleast_1d(places).astype(np.uint64))), np.uint64(int(WINDOW))
    return np.asarray(number - number % window + clients % window, np.uint64)


def chief(row: np.void) -> int:
    """The number under which the row of the part is kept that the client stands where it does for; 0: it is none."""
    one = np.array([row])
    if not parts.said(one["parts"], one["level"], one["score"])[0]:
        return 0
    return int(ids(one["client"], one["parts"]["part"])[0])


def _standing(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    """The level of each client, whatever it is for."""
    return np.asarray(np.maximum(rows["level"], rows["parts"]["level"]), np.uint8)


def _windows(batch: Batch) -> NDArray[np.int32]:
    """The window of each event."""
    last = window_of(batch.clients, batch.last)
    if np.array_equal(window_of(batch.clients, batch.first), last):
        return batch.spread(last)
    return window_of(batch.spread(batch.clients), batch["at"])


def _apart(
    events: NDArray[np.void], batch: Batch, place: NDArray[np.uint8]
) -> tuple[NDArray[np.void], NDArray[np.uint64], NDArray[np.uint8]]:
    """Copies of the events that are kept apart, under their parts' numbers, with their clients and parts."""
    marked = np.flatnonzero(place)
    if not len(marked):
        return events[:0], np.zeros(0, np.uint64), place[:0]
    chosen = taken(np.ascontiguousarray(events), batch.order[marked])
    owners = chosen["client"].copy()
    chosen["client"] = ids(owners, place[marked])
    return chosen, owners, place[marked]


def _until(rows: NDArray[np.void], events: NDArray[np.void], found: NDArray[np.void]) -> NDArray[np.uint64]:
    """How many requests the clients of `found` had sent when it was found, of those known when `events` are."""
    total = rows["events"][np.searchsorted(rows["client"], found["client"])].astype(np.int64)
    later = [int(((events["client"] == one["client"]) & (events["at"] > one["at"])).sum()) for one in found]
    return (total - np.array(later, np.int64).reshape(len(found))).astype(np.uint64)


def _told(
    rows: NDArray[np.void],
    before: NDArray[np.uint8],
    findings: NDArray[np.void],
    found: NDArray[np.void],
    at: NDArray[np.intp],
    kept: NDArray[np.void],
) -> Stepped:
    """One finding a client, of what is said of it and what is `found` in its parts, at `at` in `kept`.

    What a finding is about and its score are of one: of the part that the client stands there for, or of the whole.
    """
    after = _standing(rows)
    chief = _stepped_chiefs(rows, kept)
    own = dict(zip(findings["client"].tolist(), findings, strict=True))
    apart = dict(zip(at.tolist(), found, strict=True))
    out, because = [], []
    touched = np.flatnonzero(after != before)
    asked = np.searchsorted(rows["client"], np.concatenate([findings["client"], found["client"]]))
    for place in sorted({*touched.tolist(), *asked.tolist()}):
        part, same = int(chief[place]), after[place] == before[place]
        source = apart.get(part)
        if source is None:
            source = own.get(int(rows["client"][place]))
            part = -1 if same else part
        if same and (source is None or not after[place] == source["level"] == Level.REVIEW):
            continue
        one = _finding(rows[place]) if source is None else source.copy()
        one["level"], one["previous"] = after[place], before[place]
        one["score"] = (rows["parts"] if part >= 0 else rows)["score"][place]
        out.append(one)
        because.append(part)
    return Stepped(np.array(out, FINDING), np.array(because, np.intp), kept)


def _stepped_chiefs(rows: NDArray[np.void], kept: NDArray[np.void]) -> NDArray[np.intp]:
    """Where in `kept` the part is that each client stands where it does for; -1: there is none, or none was stepped."""
    out = np.full(len(rows), -1)
    held = np.flatnonzero(parts.said(rows["parts"], rows["level"], rows["score"])) if len(kept) else out[:0]
    numbers = ids(rows["client"][held], rows["parts"]["part"][held])
    place = np.minimum(np.searchsorted(kept["client"], numbers), len(kept) - 1)
    there = kept["client"][place] == numbers
    out[held[there]] = place[there]
    return out


def _finding(row: np.void) -> np.void:
    """A finding of a client as its row stands."""
    one: np.void = np.zeros(1, FINDING)[0]
    one["client"], one["requests"], one["at"] = row["client"], row["events"], row["last"]
    return one
