"""Which events of a batch the ledger has to do with, found in one walk over their records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled, fold

LEAST_CHARS = 100  # of a body: shorter ones coincide
LEAST_SHINGLES = 4  # of an answer that is worth remembering
_REFUSED, _FORBIDDEN, _UNAUTHENTICATED = 429, 403, 401
_FIELDS = ("at", "body", "issued", "presented", "answer_gist", "in_chars", "status")


class Sifted(NamedTuple):
    """The places of some events of a batch, ascending, each kind by itself."""

    asked: NDArray[np.intp]  # with a body long enough to tell one client from another, and not refused
    refused: NDArray[np.intp]  # with such a body, and refused
    signed: NDArray[np.intp]  # answered with a reasoning signature
    shown: NDArray[np.intp]  # that present one
    answered: NDArray[np.intp]  # with an answer long enough to be remembered
    first: float  # the earliest and the latest time of those `asked`; infinity and minus infinity where there are none
    last: float


def sift(events: NDArray[np.void]) -> Sifted:
    """What of `events` is which."""
    places, ends = np.empty((5, len(events)), np.int64), np.zeros(5, np.int64)
    span = np.array([np.inf, -np.inf])
    fold(_sift, [events[name] for name in _FIELDS], (places, ends, span))
    asked, refused, signed, shown, answered = (row[:end] for row, end in zip(places, ends, strict=True))
    return Sifted(asked, refused, signed, shown, answered, float(span[0]), float(span[1]))


def unknown(
    events: NDArray[np.void], clients: NDArray[np.uint64], absent: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Which of `events` and which of `clients`, sorted, are of keys that the model API does not know; None: none are.

    Such a client has no row, as `absent` marks, and nothing but 401 for an answer. Keys can be made up without end:
    with a row each, anybody could fill Redis and the database.
    """
    strange = np.flatnonzero(events["status"] == _UNAUTHENTICATED)
    if not len(strange):
        return None
    of = np.searchsorted(clients, events["client"][strange])
    suspects = np.unique(of[absent[of]])
    if not len(suspects):
        return None
    names, numbers = clients[suspects], events["client"]
    place = np.minimum(np.searchsorted(names, numbers), len(names) - 1)
    other = names[place] == numbers
    other[strange] = False
    suspects = np.delete(suspects, np.unique(place[other]))
    left_out, nobody = np.zeros(len(events), np.bool_), np.zeros(len(clients), np.bool_)
    nobody[suspects] = True
    left_out[strange] = nobody[of]
    return (left_out, nobody) if len(suspects) else None


@compiled
def _sift(
    at: NDArray[np.float64],
    body: NDArray[np.uint64],
    issued: NDArray[np.uint64],
    presented: NDArray[np.uint64],
    gist: NDArray[np.uint32],
    in_chars: NDArray[np.uint32],
    status: NDArray[np.uint16],
    places: NDArray[np.int64],
    ends: NDArray[np.int64],
    span: NDArray[np.float64],
) -> None:
    asked, refused, signed, shown, answered = 0, 0, 0, 0, 0
    for place in range(len(at)):
        if body[place] != 0 and in_chars[place] >= LEAST_CHARS:
            if status[place] == _REFUSED or status[place] == _FORBIDDEN:
                places[1, refused] = place
                refused += 1
            else:
                places[0, asked] = place
                asked += 1
                span[0], span[1] = min(span[0], at[place]), max(span[1], at[place])
        if issued[place] != 0:
            places[2, signed] = place
            signed += 1
        if presented[place] != 0:
            places[3, shown] = place
            shown += 1
        if gist[place, LEAST_SHINGLES - 1] != 0:
            places[4, answered] = place
            answered += 1
    ends[0], ends[1], ends[2], ends[3], ends[4] = asked, refused, signed, shown, answered
