"""Identity: a campaign keeps its number while its members come and go; splits and mergers are remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from detectors.campaign.assess import Assessment
from detectors.campaign.report import Campaign
from detectors.sketch import mix

_SAME = 0.5  # of the smaller one's members
_HISTORY = 50
_KEPT = 45 * 86_400.0  # seconds: how long a number is remembered without its campaign


@dataclass(slots=True)
class _Record:
    """What is remembered of one campaign."""

    born: float
    seen: float
    joined: dict[int, float] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)


class Identities:
    """The numbers given so far."""

    def __init__(self) -> None:
        self._records: dict[int, _Record] = {}
        self._of: dict[int, set[int]] = {}  # client: numbers of campaigns that it is or was in

    def name(self, found: Sequence[Assessment], kept: set[int], now: float) -> list[Assessment]:
        """The same assessments with lasting numbers, times of joining and histories."""
        used = set(kept)
        out = []
        for one in found:
            near = self._near(one.campaign.clients)
            free = [number for number in near if number not in used]
            number = free[0] if free else self._fresh(one.campaign)
            record = self._records.setdefault(number, _Record(now, now))
            if not free and near:
                record.history.append(f"split from cp_{near[0]:016x}")
            for other in free[1:]:
                self._take_in(record, other)
            used.update([number, *free[1:]])
            out.append(replace(one, campaign=self._told(number, record, one.campaign, now)))
        for number in [n for n, record in self._records.items() if record.seen < now - _KEPT and n not in used]:
            self._forget(number)
        return out

    def _near(self, clients: Iterable[int]) -> list[int]:
        """The numbers whose campaigns share enough members with these, the most first."""
        mine = set(clients)
        common: dict[int, int] = {}
        for client in mine:
            for number in self._of.get(client, ()):
                common[number] = common.get(number, 0) + 1
        close = [
            (-count, self._records[number].born, number)
            for number, count in common.items()
            if count >= _SAME * min(len(mine), len(self._records[number].joined))
        ]
        return [number for _, _, number in sorted(close)]

    def _told(self, number: int, record: _Record, campaign: Campaign, now: float) -> Campaign:
        record.seen = now
        members = []
        for one in campaign.members:
            at = record.joined.setdefault(one.client, one.joined_at)
            self._of.setdefault(one.client, set()).add(number)
            members.append(one._replace(joined_at=at))
        members.sort(key=lambda one: (one.joined_at, one.client))
        return replace(campaign, id=number, members=tuple(members), history=tuple(record.history[-_HISTORY:]))

    def _take_in(self, record: _Record, other: int) -> None:
        taken = self._records[other]
        record.history.append(f"took in cp_{other:016x}")
        record.born = min(record.born, taken.born)
        for client, at in taken.joined.items():
            record.joined.setdefault(client, at)
        self._forget(other)

    def _forget(self, number: int) -> None:
        for client in self._records.pop(number).joined:
            held = self._of.get(client)
            if held is not None:
                held.discard(number)
                if not held:
                    del self._of[client]

    def _fresh(self, campaign: Campaign) -> int:
        number = min(campaign.clients) ^ (min(campaign.frames) if campaign.frames else 0)
        while True:
            number = int(mix(np.array([number or 1], np.uint64))[0]) or 1
            if number not in self._records:
                return number

    def document(self) -> list[dict[str, Any]]:
        """As JSON."""
        return [
            {"id": number, "born": one.born, "seen": one.seen, "joined": list(one.joined.items()),
             "history": one.history[-_HISTORY:]}
            for number, one in sorted(self._records.items())
        ]  # fmt: skip

    @classmethod
    def parse(cls, document: Sequence[Mapping[str, Any]]) -> Identities:
        """From JSON."""
        out = cls()
        for one in document:
            joined = {int(client): float(at) for client, at in one["joined"]}
            record = _Record(float(one["born"]), float(one["seen"]), joined, list(one["history"]))
            out._records[int(one["id"])] = record
            for client in joined:
                out._of.setdefault(client, set()).add(int(one["id"]))
        return out
