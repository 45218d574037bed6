"""The members' rows out of Redis, for a score of the campaign as one client."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.store.redis import Link
from app.store.stream import partition_of, row_key

CHUNK = 500  # rows of one round trip: about 2 MB
MOST_ROWS = 5_000  # of one campaign; the earliest members are taken


def rows_of(
    link: Link, row: np.dtype[np.void], schema: int, clients: Sequence[int], partitions: int
) -> NDArray[np.void]:
    """The rows that are there and ours, in no particular order; raises Unavailable."""
    wanted = np.array(list(clients)[:MOST_ROWS], np.uint64)
    places = partition_of(wanted, partitions)
    found: list[bytes] = []
    for start in range(0, len(wanted), CHUNK):
        pairs = zip(places[start : start + CHUNK].tolist(), wanted[start : start + CHUNK].tolist(), strict=True)
        replies = link.pipeline([("GET", row_key(place, client)) for place, client in pairs])
        found += [reply for reply in replies if reply is not None and len(reply) == row.itemsize]
    rows: NDArray[np.void] = np.frombuffer(b"".join(found), row)
    ours: NDArray[np.void] = rows[rows["schema"] == schema]
    return ours
