"""A clock that ran ahead: what it dated counts as of now, and rows that it carried away begin anew."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.engine import Engine, window_of

AHEAD: Final = 600.0  # seconds: clocks of different hosts differ by less


def timely(events: NDArray[np.void], now: float) -> tuple[NDArray[np.void], int]:
    """The events, those dated more than AHEAD after `now` as of now, and how many these were; no copy without any.

    An event of next year would begin its client's window of next year, and until then all others were late.
    """
    ahead = events["at"] > now + AHEAD
    many = int(ahead.sum())
    if not many:
        return events, 0
    events = events.copy()
    events["at"][ahead] = now
    return events, many


def revive(engine: Engine, rows: NDArray[np.void], now: float) -> int:
    """Begin rows anew, in place, whose window has not come yet; how many they were.

    They are left where this host's own clock ran ahead: what they hold of it would stand before all that comes.
    """
    future = rows["window"] > window_of(rows["client"], np.full(len(rows), now + AHEAD))
    many = int(future.sum())
    if many:
        rows[future] = engine.empty(rows["client"][future])
    return many
