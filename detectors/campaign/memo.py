"""Memo: what a group was judged to be, as long as little has changed about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.assess import Assessment
from detectors.campaign.link import Group
from detectors.campaign.members import Known

_MORE = 1.1  # a group is judged anew when its accounts sent so many times as much,
_MOST = 20_000  # groups


class _Stand(NamedTuple):
    """What a judgement rests on beside who is in the group and by which wordings."""

    requests: float
    told: tuple[float, float]  # the sums of what its accounts' own rows say,
    stale: int  # and how many of them are out of date
    held: float
    shut: float  # the sum of when its accounts were refused for good
    paces: float  # how often one of them went on for another


class Memo:
    """Judgements of the present links; `clear` it whenever something else than requests changes."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[_Stand, Assessment | None]] = {}
        self._anew = np.zeros(0, np.int32)

    def clear(self) -> None:
        """Judge everything anew."""
        self._held.clear()

    def renew(self, accounts: NDArray[np.int32]) -> None:
        """Judge groups with one of these anew, until `settled`."""
        self._anew = np.union1d(self._anew, accounts)

    def settled(self) -> None:
        """All groups were judged that have news."""
        self._anew = self._anew[:0]

    def judge(
        self, known: Known, group: Group, held: float, judge: Callable[[Group, float], Assessment | None]
    ) -> Assessment | None:
        """What the group was judged to be, or is by `judge` if that may have changed."""
        key, now = _key(group), _stand(known, group, held)
        before = self._held.get(key)
        news = len(self._anew) and np.isin(group.accounts, self._anew).any()
        if before is not None and _same(before[0], now) and not news:
            return before[1]
        if len(self._held) >= _MOST:
            self._held.clear()
        found = judge(group, held)
        self._held[key] = now, found
        return found


def _key(group: Group) -> bytes:
    mark = hashlib.blake2b(group.accounts.tobytes(), digest_size=16)
    mark.update(b"%d %d %d " % (group.framed, group.part, group.rest))
    mark.update(group.tokens.tobytes())
    return mark.digest()


def _stand(known: Known, group: Group, held: float) -> _Stand:
    accounts = group.accounts
    return _Stand(
        float(known.graph.accounts["n"][accounts].sum(dtype=np.int64)),
        (_sum(known.rank[accounts]), _sum(known.lead[accounts])),
        int(np.count_nonzero(known.stale[accounts])),
        held,
        _sum(known.shut[accounts]),
        float(known.paces[accounts].sum()),
    )


def _sum(values: NDArray[np.float64]) -> float:
    """The sum of what is known; NaN is not. As `nansum` gives it, in a fraction of its time for a few values."""
    return float(np.where(np.isnan(values), 0.0, values).sum())


def _same(before: _Stand, now: _Stand) -> bool:
    return now[1:] == before[1:] and now.requests <= _MORE * before.requests
