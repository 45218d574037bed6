"""When each model was first seen, and by how many clients: what stands in for a table of releases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from app.store.redis import Argument, Link
from detectors.compiled import compiled, fold
from detectors.declared import Release
from detectors.event import EVENT

CLIENTS = 3  # so many must have used a model for its first sight to count as a release
SPREAD_SECONDS = 3 * 86_400.0  # within which
START_SECONDS = 2 * 86_400.0  # after the deployment's first request, in which every model is new
OLD_SECONDS = 14 * 86_400.0  # a sight so long ago concerns nobody any more
MOST_AT_ONCE = 32  # models asked about for one batch
MOST_MODELS = 2_000
MOST_SETTLED = 2 * MOST_MODELS  # remembered; a model API that answers to any name would make it endless
KEPT_SECONDS = 400 * 86_400
TAG = b"{ledger}:"
BEGAN = TAG + b"began"
MODELS = TAG + b"known"  # names by their latest sight: those that are kept no longer make room for others

_SLOTS = 256
_REFUSED = 400

MOST_WAITING = 20_000  # sights between two flushes
SIGHT = np.dtype([("client", "<u8"), ("at", "<f8"), ("model", "<u4")])
Told = Callable[[Sequence[Release]], None]


class Sights:
    """Notes the first clients of each model; tells releases when there is a new one."""

    def __init__(self, link: Link, told: Told) -> None:
        self._link = link
        self._told = told
        self._settled: set[int] = set()  # models of which nothing more is to be learned
        self._waiting: list[NDArray[np.void]] = []  # SIGHT, noted and not yet told
        self._releases: dict[int, Release] = {}

    def note(self, events: NDArray[np.void]) -> None:
        """Remember who asked which model, until the next `flush`; the same events say the same again."""
        if sum(map(len, self._waiting)) >= MOST_WAITING:
            return
        answered = _answered(events, self._settled)
        if len(answered):
            sights = np.empty(len(answered), SIGHT)
            for name in ("client", "model", "at"):
                sights[name] = events[name][answered]
            self._waiting.append(sights)

    def flush(self) -> None:
        """Write what was noted, and learn from it; raises Unavailable, and then forgets it."""
        sights = np.concatenate([np.zeros(0, SIGHT), *self._waiting])
        self._waiting.clear()
        fresh = [model for model in np.unique(sights["model"]).tolist() if model not in self._settled][:MOST_AT_ONCE]
        if not fresh:
            return
        now = float(sights["at"].max())
        commands: list[tuple[Argument, ...]] = [("SET", BEGAN, repr(float(sights["at"].min())), "NX"), ("GET", BEGAN)]
        commands += [("ZREMRANGEBYSCORE", MODELS, "-inf", repr(now - KEPT_SECONDS)), ("ZCARD", MODELS)]
        _, began, _, known = self._link.pipeline(commands)
        if int(known) >= MOST_MODELS:
            self._settled.update(fresh[: max(0, MOST_SETTLED - len(self._settled))])
            return
        asked = [command for model in fresh for command in _sighting(model, sights[sights["model"] == model])]
        for model, members in zip(fresh, self._link.pipeline(asked)[4::5], strict=True):
            self._learn(model, [float(score) for score in members[1::2]], float(began), now)

    def _learn(self, model: int, times: Sequence[float], began: float, now: float) -> None:
        first = times[0]
        if first < began + START_SECONDS or now > first + OLD_SECONDS:
            self._settled.add(model)
        elif len(times) >= CLIENTS and times[CLIENTS - 1] <= first + SPREAD_SECONDS:
            self._settled.add(model)
            self._releases[model] = Release(model, first)
            recent = sorted(self._releases.values(), key=lambda one: one.at)[-MOST_AT_ONCE:]
            self._told(recent)


def warm() -> None:
    """Load the loop by looking at no event, so that no batch has to."""
    _answered(np.empty(0, EVENT), set())


def _answered(events: NDArray[np.void], settled: Collection[int]) -> NDArray[np.intp]:
    """The places of answered events with a model that is not settled."""
    places, found = np.empty(len(events), np.int64), np.zeros(1, np.int64)
    columns = np.array(sorted(settled), np.uint32), np.zeros(_SLOTS, np.uint32), places, found
    fold(_mark, (events["model"], events["status"]), columns)
    return places[: found[0]]


@compiled
def _mark(
    model: NDArray[np.uint32],
    status: NDArray[np.uint16],
    settled: NDArray[np.uint32],
    lately: NDArray[np.uint32],
    places: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Fill in the places; `lately` holds what was found to be settled, since nearly all events have such a model."""
    count = 0
    for place in range(len(model)):
        name = model[place]
        slot = np.uint64(name) & np.uint64(_SLOTS - 1)
        if name == 0 or lately[slot] == name or not 0 < status[place] < _REFUSED:
            continue
        at = np.searchsorted(settled, name)
        if at < len(settled) and settled[at] == name:
            lately[slot] = name
        else:
            places[count] = place
            count += 1
    found[0] = count


def _sighting(model: int, sights: NDArray[np.void]) -> list[tuple[Argument, ...]]:
    """The commands that note a model's earliest clients, and read them with their times."""
    key = TAG + b"model:%08x" % model
    sights = sights[np.argsort(sights["at"], kind="stable")]
    clients, first = np.unique(sights["client"], return_index=True)
    pairs: list[Argument] = []
    for place in np.argsort(first)[:CLIENTS]:
        pairs += [repr(float(sights["at"][first[place]])), int(clients[place]).to_bytes(8, "little")]
    return [
        ("ZADD", key, "LT", *pairs),
        ("ZREMRANGEBYRANK", key, CLIENTS, -1),
        ("EXPIRE", key, KEPT_SECONDS),
        ("ZADD", MODELS, "GT", repr(float(sights["at"][-1])), b"%08x" % model),
        ("ZRANGE", key, 0, -1, "WITHSCORES"),
    ]
