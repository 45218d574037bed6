"""Shut: accounts that were answered, and then refused for good, as a provider's ban shows where nobody tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.sketch import mix

TOLD = 3_600.0  # seconds without an answer since the first refusal
_REFUSED = (401, 403)
_SERVED = 5  # answers before it
_SPAN = 300  # seconds: refusals in so many stretches of this length, none before the last answer
_STRETCHES = 3
_COLUMNS: dict[str, Any] = {
    "answered": np.float64, "first": np.float64, "served": np.uint32, "models": np.uint32, "denied": np.uint32,
}  # fmt: skip


class Shut:
    """Of each account when it was answered last, and the latest three stretches of five minutes that refused it.

    All of it is a maximum, a sum or a union, so the order in which events come decides nothing but when a run of
    refusals began. A model that never answered the account refuses no more than itself.
    """

    def __init__(self) -> None:
        self._of: dict[str, NDArray[Any]] = {name: np.zeros(0, kind) for name, kind in _COLUMNS.items()}
        self._marks = np.zeros((0, _STRETCHES), np.uint32)  # numbers of stretches, in no order; 0: none

    def observe(self, graph: Graph, events: NDArray[np.void]) -> None:
        """Take in events of clients that the graph knows."""
        self._reach(len(graph.clients))
        account, status = graph.clients.find(events["client"]), events["status"]
        of, at = self._of, events["at"]
        model = np.uint32(1) << (mix(events["model"].astype(np.uint64)) & np.uint64(31)).astype(np.uint32)
        good = (status >= 200) & (status < 300)
        np.maximum.at(of["answered"], account[good], at[good])
        np.add.at(of["served"], account[good], np.uint32(1))
        np.bitwise_or.at(of["models"], account[good], model[good])
        bad = np.isin(status, _REFUSED)
        if bad.any():
            self._deny(account[bad], at[bad], model[bad])

    def _deny(self, account: NDArray[np.int32], at: NDArray[np.float64], model: NDArray[np.uint32]) -> None:
        of = self._of
        np.bitwise_or.at(of["denied"], account, model)
        late = at > of["answered"][account]
        who = np.unique(account[late])
        of["first"][who[of["first"][who] <= of["answered"][who]]] = np.inf
        np.minimum.at(of["first"], account[late], at[late])
        pairs = np.unique(
            np.column_stack([account.astype(np.int64), np.maximum(at, 0.0).astype(np.int64) // _SPAN]), axis=0
        )
        for place, stretch in pairs.tolist():
            held = self._marks[place]
            oldest = int(held.argmin())
            if stretch > held[oldest] and stretch not in held:
                held[oldest] = stretch

    def since(self, now: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The accounts that are refused for good by now, and since when."""
        of = self._of
        some = np.flatnonzero(of["denied"] & of["models"])
        answered, first = of["answered"][some], of["first"][some]
        earliest = self._marks[some].min(axis=1).astype(np.float64) * _SPAN
        begun = np.where(first > answered, first, earliest)
        gone = (earliest > answered) & (of["served"][some] >= _SERVED) & (now - begun >= TOLD)
        return some[gone], begun[gone]

    def renumber(self, account: NDArray[np.int32]) -> None:
        """Follow accounts to their new numbers; -1 is gone."""
        self._reach(len(account))
        stays = account >= 0  # numbers keep their order
        self._of = {name: column[: len(stays)][stays] for name, column in self._of.items()}
        self._marks = self._marks[: len(stays)][stays]

    def arrays(self, graph: Graph) -> dict[str, NDArray[Any]]:
        """All of it as plain arrays, by account."""
        self._reach(len(graph.clients))
        held = (*self._of.items(), ("marks", self._marks))
        return {f"shut_{name}": column[: len(graph.clients)] for name, column in held}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` gave."""
        self._of = {name: arrays[f"shut_{name}"].copy() for name in _COLUMNS}
        self._marks = arrays["shut_marks"].copy()

    def _reach(self, accounts: int) -> None:
        fresh = accounts - len(self._marks)
        if fresh > 0:
            fresh += accounts // 4  # rows that nobody has yet
            self._of = {name: np.append(column, np.zeros(fresh, column.dtype)) for name, column in self._of.items()}
            self._marks = np.concatenate([self._marks, np.zeros((fresh, _STRETCHES), np.uint32)])
