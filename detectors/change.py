"""Own-baseline change (D14): a client that is no longer like itself; for stolen keys and taken-over accounts."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from detectors import merging, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import log16, mix64
from detectors.compiled import compiled, fold

HABITS = ("multi_turn", "structured", "end_users", "streamed", "system")
LOGS = ("payload", "answer")
NEW = ("network", "agent", "model", "hour")
FEATURES = (*HABITS, *LOGS, *NEW, "volume")
"""What is compared from week to week: shares of requests, mean binary logarithms, shares that are new, and the
binary logarithm of the number of requests."""

LEAST = 25  # requests of a week that is remembered
WEEKS = 2  # weeks that make a baseline
_MEMORY = 8  # weeks that weigh; older ones fade
_PRIOR = 3.0  # a client is as steady as clients are, until it has shown so many weeks
_FLOORS = np.array([0.08] * 5 + [0.7] * 2 + [0.10, 0.10, 0.10, 0.08] + [1.0])  # deviation from week to week
_SAMPLED = np.array([0.25] * 5 + [4.0] * 2 + [0.25] * 4 + [0.0])  # variance of one request
_SPREAD = 4.0  # the changes that are looked for are about two deviations wide
_CAPITAL = 1e30
_COLUMNS = np.array([*(twins.NAMES.index(name) for name in HABITS[:-1]), twins.COUNTED_TWINS])
_FULL = (1 << 32) - 1
_AGENTS, _MODELS, _HOURS = np.int64(0), np.int64(1), np.int64(2)  # of the sets
_WIDE, _NARROW = np.uint64(63), np.uint64(31)  # the last cell of networks, of other sets
_GROUPS = {
    "new_networks": (7,),
    "new_programs": (8,),
    "new_models": (9,),
    "new_hours": (10,),
    "other_habits": (0, 1, 2, 3, 4, 5, 6),
    "more_requests": (11,),
}
Numbers = NDArray[Any]


class Change(Detector):
    """This week's use stands out from the client's own weeks before.

    Hypothesis
    ----------
    Who steals a key or takes over an account brings other networks, programs, hours, models and habits. Twelve
    numbers of a week are standardised by the client's own weeks; each gives an e-value (a likelihood ratio of a
    shift, by a law with tails as heavy as few weeks make them), their mean is the week's e-value, and the capital
    of the Shiryaev-Roberts recursion is carried from week to week. The score is its logarithm, less that of the
    number of weeks that a steady client would have at random.

    Misses
    ------
    Keys stolen in their first two weeks, takeovers that change slowly, thieves who sit in the owner's network and
    use the owner's program. A new office, a new product or a new library version changes a client as well: alone
    it never raises a level. Linked clients have no baseline in common: a pooled row is silent.

    Cost
    ----
    Four table look-ups an event; 192 bytes a client, the only ones that outlive a window of seven days.

    References
    ----------
    Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
    arXiv 2203.03532. Vovk and Wang, "E-values: calibration, combination and applications", 2021.
    """

    name: ClassVar[str] = "change"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "rhythm"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "at", "network", "agent", "model")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0, 8 * 7 * 86_400.0)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("mean", "<f4", (len(FEATURES),)),  # of the weeks before
            ("square", "<f4", (len(FEATURES),)),  # sum of squared deviations
            ("capital", "<f4"),
            ("weeks", "<u2"),
            ("spare", "<u2"),
            ("n", "<u4"),
            ("habits", "<u4", (len(HABITS),)),
            ("logs", "<u4", (len(LOGS),)),  # sixteenths of a doubling
            ("new", "<u4", (len(NEW),)),  # requests from what the weeks before did not have
            ("seen", "<u8"),  # networks of this week, 64 cells
            ("known", "<u8"),  # and of the weeks before
            ("sets", "<u4", (2 * (len(NEW) - 1),)),  # programs, models and hours of the day: this week's, then known
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        if not len(seen):
            return
        whole = seen.whole
        fields = [rows[name] for name in ("n", "habits", "logs", "new", "seen", "known", "sets")]
        logs = whole["payload_chars"], twins.measures(whole).log_choice
        names = whole["at"], whole["network"], whole["agent"], whole["model"]
        fold(_count, fields, (seen.starts, seen.counts, seen.places, twins.habits(seen), *logs, *names))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """The logarithm of the capital beyond that of a steady client; 0 to about 20."""
        del now
        return np.asarray(self._parts(rows)[0], np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """What is new and what is other this week, beside the client's own weeks before."""
        del now
        rows = np.array([row])
        score, e, z, x = (part[0] for part in self._parts(rows))
        part = e / max(float(e.sum()), 1e-300)
        more = 2.0 ** float(np.clip(x[11] - float(row["mean"][11]), -60.0, 60.0)) if row["weeks"] >= WEEKS else 1.0
        values = [float(x[k]) for k in (7, 8, 9, 10)] + [float(np.abs(z[:7]).max()), more]
        shown = [twins.percent(value) for value in values[:4]]
        sentences = (
            f"{shown[0]} of this week's requests come from networks that it did not use before.",
            f"{shown[1]} of this week's requests come from programs that it did not use before.",
            f"{shown[2]} of this week's requests go to models that it did not use before.",
            f"{shown[3]} of this week's requests come at hours of the day at which it was silent before.",
            _moved(values[4]),
            f"It sent {more:.1f} times as many requests as in a usual week before."
            if more >= said.MORE
            else "It sent no more requests than in a usual week before.",
        )
        units = ("share", "share", "share", "share", "deviations", "1")
        return tuple(
            Term(name, values[k], units[k], twins.NAN, twins.NAN, twins.NAN,
                 float(score) * float(part[list(_GROUPS[name])].sum()), sentences[k])
            for k, name in enumerate(_GROUPS)
        )  # fmt: skip

    def turn(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """The baseline with the week that ends in it, and the capital; nothing else."""
        out = super().turn(rows)
        for name in ("mean", "square", "capital", "weeks", "known"):
            out[name] = rows[name]
        out["sets"][:, 3:] = rows["sets"][:, 3:]
        told = rows["n"] >= LEAST
        if not told.any():
            return out
        some, next_ = rows[told], out[told]
        _, e, _, x = self._parts(some)
        weeks = np.minimum(some["weeks"], _MEMORY - 1).astype(np.float64)[:, None]
        capital = e.mean(axis=1) * (1.0 + some["capital"])
        next_["capital"] = np.where(some["weeks"] >= WEEKS, np.minimum(capital, _CAPITAL), 0.0)
        step = x - some["mean"]
        mean = some["mean"] + step / (weeks + 1.0)
        fade = np.where(some["weeks"][:, None] >= _MEMORY, 1.0 - 1.0 / _MEMORY, 1.0)
        next_["square"] = some["square"] * fade + step * (x - mean)
        next_["mean"] = mean
        next_["weeks"] = np.minimum(some["weeks"], 65_534) + 1
        next_["known"] |= some["seen"]
        next_["sets"][:, 3:] |= some["sets"][:, :3]
        out[told] = next_
        return out

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """One row as if all the rows' events were one client's; clients together have no weeks before."""
        if len(rows) == 1:
            return cast(np.void, rows[0].copy())
        bare = rows.copy()
        for name in ("mean", "square", "capital", "weeks", "known", "new"):
            bare[name] = 0
        bare["sets"][:, 3:] = 0
        return merging.merged(bare, {"seen": merging.either, "sets": merging.either})

    def _parts(
        self, rows: NDArray[np.void]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Score, e-values and deviations of the features, and the features of this week."""
        n = rows["n"].astype(np.float64)
        x = _features(rows, n)
        weeks = np.minimum(rows["weeks"], _MEMORY).astype(np.float64)[:, None]
        freedom = np.maximum(weeks - 1.0, 0.0) + _PRIOR
        own = (rows["square"] + _PRIOR * _FLOORS**2) / freedom
        variance = own * (1.0 + 1.0 / np.maximum(weeks, 1.0)) + _SAMPLED / np.maximum(n, 1.0)[:, None]
        z = (x - rows["mean"]) / np.sqrt(variance)
        z[:, 11] = np.maximum(z[:, 11], 0.0)  # a week that is not over has fewer requests
        heavy = (freedom + 1.0) * np.log1p(z**2 / freedom)
        e = np.exp(np.minimum(heavy * _SPREAD / (2.0 * (1.0 + _SPREAD)), 60.0)) / np.sqrt(1.0 + _SPREAD)
        capital = np.log(e.mean(axis=1)) + np.log1p(rows["capital"].astype(np.float64))
        steady = np.log1p(np.maximum(rows["weeks"].astype(np.float64) - WEEKS, 0.0))
        ready = (rows["weeks"] >= WEEKS) & (n > 0)
        z[~ready] = 0.0
        return np.where(ready, np.maximum(capital - steady, 0.0), 0.0), e, z, x


def _moved(deviations: float) -> str:
    """How far habits and lengths are from the weeks before, in the usual change from week to week."""
    if deviations < 1.0:
        return "It asks in the way of its own weeks before."
    return (
        "The way it asks (turns, formats, lengths) is not that of its own weeks before: it moved "
        f"{deviations:.1f} times as far as it usually does from one week to the next."
    )


def _features(rows: NDArray[np.void], n: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.maximum(n, 1.0)[:, None]
    logs = rows["logs"] / total / twins.LOG
    return np.column_stack([rows["habits"] / total, logs, rows["new"] / total, np.log2(1.0 + n)])


@compiled
def _count(
    n: Numbers, habits: Numbers, logs: Numbers, new: Numbers, held: Numbers, known: Numbers, sets: Numbers,
    starts: Numbers, counts: Numbers, places: Numbers, own: Numbers, chars: Numbers, log_choice: Numbers, at: Numbers,
    network: Numbers, agent: Numbers, model: Numbers,
) -> None:  # fmt: skip
    """Fold each row's events into its fields, named as in the state but for the networks `held`."""
    for row in range(len(counts)):
        ahead(n, sets, row)
        n[row] += np.uint32(counts[row])
        for place in range(len(_COLUMNS)):
            habits[row, place] += own[row, _COLUMNS[place]]
        prompt, answer = 0, 0
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            prompt += log16(float(chars[place]))
            answer += log_choice[place]
            bit = _bit(network[place], _WIDE)
            new[row, 0] += _fresh(known[row], bit)
            held[row] |= bit
            _put(sets, new, row, _AGENTS, _bit(agent[place], _NARROW))
            _put(sets, new, row, _MODELS, _bit(model[place], _NARROW))
            _put(sets, new, row, _HOURS, np.uint64(1 << _hour(at[place])))
        logs[row, 0] = min(logs[row, 0] + prompt, _FULL)
        logs[row, 1] = min(logs[row, 1] + answer, _FULL)


@compiled
def _put(sets: Numbers, new: Numbers, row: int, place: np.int64, bit: np.uint64) -> None:
    """Add a cell to one of this week's sets of 32, and count the request where the weeks before had others alone."""
    new[row, place + 1] += _fresh(np.uint64(sets[row, place + 3]), bit)
    sets[row, place] |= np.uint32(bit)


@compiled
def _fresh(known: np.uint64, bit: np.uint64) -> np.uint32:
    """1 where cells are known and this one is not among them."""
    return np.uint32(1 if known & bit == np.uint64(0) and known != np.uint64(0) else 0)


@compiled
def _bit(name: np.uint32, last: np.uint64) -> np.uint64:
    """The cell of a network, a program or a model, of one more than `last`, as a bit."""
    return np.uint64(np.uint64(1) << (mix64(np.uint64(name)) & last))


@compiled
def _hour(at: float) -> int:
    """The hour of the day."""
    return int(min(at, 2.0**40) / 3_600.0) % 24 if at > 0.0 else 0
