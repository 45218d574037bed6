"""Moves: a refused request that comes again from another client seconds later; and tells of imported indicators."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.tells import TELL, Kind, token
from detectors.sketch import mix

WITHIN = 10.0  # seconds
REFUSED = (429, 403)
_SLOTS = 1 << 16
_KNOWN = 1 << 19
_HELD = np.dtype([("body", "<u8"), ("client", "<u8"), ("at", "<f8")])
_SENDER = np.dtype([("body", "<u8"), ("client", "<u8"), ("several", "?")])


class Refused:
    """The bodies refused lately, in a table of fixed size: a later one may take an earlier one's place."""

    def __init__(self) -> None:
        self._held = np.zeros(_SLOTS, _HELD)
        self._senders = _Senders()

    def follow(self, events: NDArray[np.void]) -> NDArray[np.void]:
        """Tells for both clients of each refused body that another client sent within ten seconds.

        What the second client or a third one sent before, as greetings, health checks and the items of a public
        test are sent, did not move: it comes from everybody.
        """
        body = events["body"]
        slot = (mix(np.ascontiguousarray(body)) & np.uint64(_SLOTS - 1)).astype(np.int64)
        refused = np.isin(events["status"], REFUSED) & (body != 0)
        held = self._held[slot]  # of earlier batches: a retry may come in a later one
        self._held[slot[refused]] = _as_held(events[refused])
        now = self._held[slot]
        moved = np.zeros(len(events), np.bool_)
        source = np.zeros(len(events), np.uint64)
        for known in (held, now):
            late = events["at"] - known["at"]
            hit = (known["body"] == body) & (body != 0) & (known["client"] != events["client"])
            hit &= (late > 0.0) & (late <= WITHIN) & ~moved
            source[hit] = known["client"][hit]
            moved |= hit
        moved &= self._senders.follow(body, events["client"], np.where(moved, source, np.uint64(0)))
        if not moved.any():
            return np.zeros(0, TELL)
        return between(Kind.MOVED, source[moved], events["client"][moved].astype(np.uint64), events["at"][moved])


class _Senders:
    """Who sent each body, in a table of fixed size: the last one as long as there was one at a time, or several."""

    def __init__(self) -> None:
        self._table = np.zeros(_KNOWN, _SENDER)

    def follow(
        self, body: NDArray[np.uint64], client: NDArray[np.uint64], source: NDArray[np.uint64]
    ) -> NDArray[np.bool_]:
        """Of each request whether nobody but `source`, from whom it would have moved (0: from nobody), sent it before.

        Requests of one batch do not know of one another.
        """
        slot = (mix(body ^ np.uint64(0x9E3779B97F4A7C15)) & np.uint64(_KNOWN - 1)).astype(np.int64)
        known = self._table[slot]
        same = known["body"] == body
        alone = ~same | (~known["several"] & (known["client"] == source))
        fresh = np.zeros(len(body), _SENDER)
        fresh["body"], fresh["client"] = body, client
        handed_on = (source != 0) & alone  # from one to the next: nobody else's yet
        fresh["several"] = same & ~handed_on & (known["several"] | (known["client"] != client))
        fresh["several"] |= ~handed_on & _shared(body, client)
        some = np.flatnonzero(body != 0)
        self._table[slot[some]] = fresh[some]
        return np.asarray(alone, np.bool_)


def _shared(body: NDArray[np.uint64], client: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether several clients of one batch send a body."""
    pairs = np.unique(np.stack([body, client]), axis=1)
    bodies, times = np.unique(pairs[0], return_counts=True)
    return np.isin(body, bodies[times > 1])


def between(
    kind: Kind, one: NDArray[np.uint64], other: NDArray[np.uint64], at: NDArray[np.float64]
) -> NDArray[np.void]:
    """Tells for both clients of each pair: what happened between the two is one token of theirs."""
    pair = mix(np.minimum(one, other)) ^ np.maximum(one, other)
    rows = np.zeros(2 * len(one), TELL)
    rows["client"] = np.concatenate([one, other])
    rows["token"] = np.tile(token(kind, pair), 2)
    rows["at"] = rows["last"] = np.tile(at, 2)
    rows["n"], rows["load"], rows["kind"] = 1, -1, kind
    return _summed(rows)


def _as_held(events: NDArray[np.void]) -> NDArray[np.void]:
    out = np.zeros(len(events), _HELD)
    for name in ("body", "client", "at"):
        out[name] = events[name]
    return out


def _summed(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Each client's each token once."""
    order = np.lexsort((rows["at"], rows["token"], rows["client"]))
    rows = rows[order]
    head = np.ones(len(rows), np.bool_)
    head[1:] = (rows["client"][1:] != rows["client"][:-1]) | (rows["token"][1:] != rows["token"][:-1])
    starts = np.flatnonzero(head)
    out = rows[starts]
    out["n"] = np.add.reduceat(rows["n"], starts)
    out["last"] = np.maximum.reduceat(rows["last"], starts)
    return out


def indicated(events: NDArray[np.void], sets: NDArray[np.integer]) -> NDArray[np.void]:
    """Tells of the clients whose events matched imported indicators: one token for each of the imported `sets`.

    Sets come from different reports of different operators: who matched one and who matched another have nothing in
    common.
    """
    values = sets.astype(np.uint64) + np.uint64(1)  # 0 would be no token
    return _plain(events["client"], values, Kind.INDICATOR, events["at"])


def _plain(
    clients: NDArray[np.uint64], values: NDArray[np.uint64], kind: Kind, at: NDArray[np.float64]
) -> NDArray[np.void]:
    rows = np.zeros(len(clients), TELL)
    rows["client"], rows["token"], rows["kind"] = clients, token(kind, values), kind
    rows["at"] = rows["last"] = at
    rows["n"], rows["load"] = 1, -1
    return _summed(rows) if len(rows) else rows
