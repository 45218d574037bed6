"""Detector, Evidence: the contract between a hypothesis and the engine."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from detectors import merging

if TYPE_CHECKING:
    from detectors.batch import Batch

Family = Literal["content", "surface", "rhythm", "coordination"]
"""The four kinds of evidence; an alert never rests on one weak family (fuse.py)."""


class Level(IntEnum):
    """What a finding says of a client. Only REVIEW opens an alert."""

    NONE = 0
    WATCH = 1
    REVIEW = 2


@dataclass(frozen=True, slots=True)
class Term:
    """One number that speaks for or against harvesting, beside what is ordinary in the peer group."""

    feature: str
    value: float
    unit: str
    expected: float  # the peer group's median; NaN where the reference does not know it
    expected_p99: float
    percentile: float  # of `value` in the peer group, 0..100; NaN where unknown
    share: float  # signed part of the detector's raw score, in its unit; negative speaks for the client
    sentence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one detector says of one client at one time."""

    detector: str
    version: int
    family: Family
    raw: float  # the detector's own score
    p: float  # right-tail conformal p-value in the peer group
    nats: float  # calibrated evidence, -ln p, capped
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One thing that the joint score rests on: what the score would be were this, and all told before it, as usual."""

    aspect: str  # what it is about, as a noun phrase
    detector: str
    feature: str  # its weightiest number: a Term of that detector
    value: float
    unit: str
    usual: float  # the median of all ordinary clients
    sentence: str  # the term's
    nats: float  # the joint score that is left, as far as the reference can resolve it


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding in full: frozen into the alert, printed by replay, shown on the dashboard."""

    client: int
    at: float
    level: Level
    score: float  # fused evidence, nats
    threshold: float  # the nats at which the level REVIEW begins
    peer_group: str
    requests: int
    look: int  # the number of requests at which the last look was taken
    sentence: str  # why, in one plain sentence
    evidence: tuple[Evidence, ...]
    counter: tuple[Term, ...]  # features that point to an ordinary use
    cannot_tell: str  # the missing observation that would decide it; empty where nothing is missing
    rank: float = 0.0  # the re-ranker's log-odds of harvesting: orders clients whatever their number of requests
    probability: float = float("nan")  # what that means among as many harvesters as the calibration had
    part_requests: int = 0  # counted ones of the part of a mixed client's traffic that all this is about; 0: of all
    resolvable: float = float("nan")  # the rarest that the reference's number of clients lets one family be called
    rests_on: tuple[
        Counterfactual, ...
    ] = ()  # what carries the joint score, the weightiest first; empty where none does


class Detector(abc.ABC):
    """One hypothesis about how a harvesting client differs from an ordinary one.

    In every method `rows` has shape (clients,) and the dtype `state`, one row a client, and `now` is in epoch
    seconds. Nothing here raises for what clients send: `checks` holds a detector to that.
    """

    name: ClassVar[str]  # stable, one word
    version: ClassVar[int]  # a bump forgets old state and reference
    family: ClassVar[Family]
    tripwire: ClassVar[bool] = False  # a score of 1.0 or more opens a review at once; its benign twins are checked here
    scale: ClassVar[Literal["evidence", "rank"]]  # of the score: nats, or an order that calibration turns into nats
    reads: ClassVar[tuple[str, ...]]  # EVENT fields
    horizons: ClassVar[tuple[float, ...]]  # how far back the state reaches, seconds
    state: ClassVar[np.dtype[np.void]]  # the whole memory kept of a client
    measures: ClassVar[tuple[str, ...]] = ()  # names of the numbers that the joint score reads

    @abc.abstractmethod
    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place; rows[i] is the row of batch.clients[i]."""

    @abc.abstractmethod
    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Shape (clients,), in any unit: higher is more suspicious, 0 is silence. Changes nothing."""

    @abc.abstractmethod
    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The observed and the expected numbers of one row; the terms' shares sum to its score, in the score's unit."""

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """The numbers named by `measures` for the joint score: shape (clients, measures). Changes nothing."""
        return np.zeros((len(rows), 0))

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """`score` and `measure` of the same rows; override it where both rest on numbers that take long to work out."""
        return self.score(rows, now), self.measure(rows)

    def armed(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which rows may touch the tripwire at all: asked of every row of a batch, so that few must be scored."""
        plain = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
        return np.asarray(plain.any(axis=1), np.bool_)

    def turn(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """What these rows begin their next window with: nothing, unless a detector carries something over."""
        return np.zeros(len(rows), rows.dtype)

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """One row as if all the rows' events were one client's, for linked clients; changes nothing.

        Counters add up and bytes take the maximum; override it where a field means something else.
        """
        return merging.merged(rows)

    def fit(self, rows: NDArray[np.void], now: float) -> Self:  # noqa: ARG002 (a default that learns nothing)
        """Learn what is ordinary from ordinary clients' rows; learned attributes end in an underscore."""
        return self
