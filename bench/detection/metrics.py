"""Measures by client, never by window: levels at a false-alarm rate, rates with intervals, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # type: ignore[import-untyped]

from app.ingest.measures import area, interval


class Share(NamedTuple):
    """So many of so many clients."""

    hits: int
    clients: int

    @property
    def rate(self) -> float:
        """NaN where there are no clients."""
        return self.hits / self.clients if self.clients else float("nan")

    @property
    def bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's exact 95 % interval."""
        return interval(self.hits, self.clients)

    def __str__(self) -> str:
        if not self.clients:
            return "none"
        low, high = self.bounds
        return f"{self.rate:.1%} ({low:.1%} to {high:.1%})"


def share(flags: NDArray[np.bool_]) -> Share:
    """How many of them are set."""
    return Share(int(flags.sum()), len(flags))


class Mean(NamedTuple):
    """A figure over seeds: mean and half width of Student's 95 % interval (NaN for one seed)."""

    mean: float
    half: float

    def text(self, form: str = ".1%") -> str:
        """The mean and its interval, in a number format."""
        if np.isnan(self.mean):
            return "n/a"
        scaled = f"{self.half * 100.0:.1f}" if form.endswith("%") else f"{self.half:{form}}"
        return f"{self.mean:{form}}" if np.isnan(self.half) else f"{self.mean:{form}} ± {scaled}"


def over_seeds(values: Sequence[float]) -> Mean:
    """The mean of one figure a seed; seeds at which it is unknown (NaN) are left out."""
    known = np.array([value for value in values if not np.isnan(value)])
    if not len(known):
        return Mean(float("nan"), float("nan"))
    if len(known) == 1:
        return Mean(float(known[0]), float("nan"))
    half = float(stdtrit(len(known) - 1, 0.975) * known.std(ddof=1) / np.sqrt(len(known)))
    return Mean(float(known.mean()), half)


def resolvable(clients: int) -> float:
    """The smallest false-alarm rate that so many calibration clients can back."""
    return 1.0 / (1.0 + clients)


def threshold(calibration: NDArray[np.float64], rate: float) -> float:
    """The level that a new ordinary client passes (strictly) with a chance of at most `rate`.

    `calibration` holds one number for each ordinary client, its highest over all looks. Where there are too
    few of them for the rate, the level is that of the rate they resolve: no calibration client passes it.
    """
    count = len(calibration)
    if not count:
        return float("inf")
    allowed = max(int(np.floor(rate * (count + 1) + 1e-9)) - 1, 0)
    return float(np.sort(calibration)[::-1][allowed])


def highest(who: NDArray[np.intp], values: NDArray[np.float64], clients: int) -> NDArray[np.float64]:
    """Each client's highest value over its looks; -inf where it has none."""
    out = np.full(clients, -np.inf)
    np.maximum.at(out, who, values)
    return out


def first_at(
    who: NDArray[np.intp], flagged: NDArray[np.bool_], values: NDArray[np.float64], clients: int
) -> NDArray[np.float64]:
    """The value (requests, answers) at each client's first flagged look, inf where none; looks are in order."""
    out = np.full(clients, np.inf)
    hit = np.flatnonzero(flagged)[::-1]
    out[who[hit]] = values[hit]
    return out


def ranked(who_fits: NDArray[np.bool_], look: NDArray[np.integer], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Statistics of one look made comparable with those of others: -ln of the rank among the fitting looks.

    `who_fits` marks the records of fitting clients. A record without a value (NaN) gets 0, silence. Above every
    fitting client the value itself breaks ties, by less than any step between ranks.
    """
    out = np.zeros(len(values))
    known = ~np.isnan(values)
    for one in np.unique(look):
        here = (look == one) & known
        fitted = np.sort(values[here & who_fits])
        if not len(fitted):
            continue
        above = len(fitted) - np.searchsorted(fitted, values[here], side="left")
        scale = max(float(np.ptp(fitted)), 1e-9)
        beyond = np.clip((values[here] - fitted[-1]) / scale, 0.0, 1e3)
        out[here] = -np.log((1.0 + above) / (1.0 + len(fitted))) + 1e-6 * beyond / (1.0 + beyond)
    return out


def precision(found: float, false_alarms: float, prevalence: float) -> float:
    """The share of harvesters among flagged clients at a prevalence; NaN where nobody is flagged."""
    hits, wrong = found * prevalence, false_alarms * (1.0 - prevalence)
    return hits / (hits + wrong) if hits + wrong > 0.0 else float("nan")


def auc(harvests: NDArray[np.float64], ordinary: NDArray[np.float64]) -> float:
    """Area under the ROC curve, ties counted half; NaN where a side is empty."""
    found = area(_finite(harvests), _finite(ordinary))
    return float("nan") if found is None else found


def auc_interval(harvests: NDArray[np.float64], ordinary: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """A bootstrap 95 % interval of the area, over clients of both sides."""
    rng = np.random.default_rng(seed)
    if not len(harvests) or not len(ordinary):
        return 0.0, 1.0
    draws = [auc(rng.choice(harvests, len(harvests)), rng.choice(ordinary, len(ordinary))) for _ in range(1_000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def _finite(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.nan_to_num(values, neginf=-1e30, posinf=1e30)]


class Bin(NamedTuple):
    """Clients whose told probability lies in one tenth: how many, the mean told, and the share of harvesters."""

    clients: int
    told: float
    found: float


class Reliability(NamedTuple):
    """How well told probabilities hold."""

    brier: float
    ece: float
    bins: tuple[Bin, ...]


def reliability(told: NDArray[np.float64], harvest: NDArray[np.bool_], bins: int = 10) -> Reliability:
    """Brier score, expected calibration error and the curve behind it."""
    if not len(told):
        return Reliability(float("nan"), float("nan"), ())
    place = np.minimum((told * bins).astype(np.intp), bins - 1)
    out = []
    for one in range(bins):
        here = place == one
        if here.any():
            out.append(Bin(int(here.sum()), float(told[here].mean()), float(harvest[here].mean())))
    ece = sum(one.clients * abs(one.told - one.found) for one in out) / len(told)
    return Reliability(float(np.mean((told - harvest) ** 2)), float(ece), tuple(out))


def quantile_of_found(values: NDArray[np.float64], part: float) -> float:
    """A quantile among the clients that were found; NaN where none was."""
    found = values[np.isfinite(values)]
    return float(np.quantile(found, part, method="higher")) if len(found) else float("nan")


def quantile_of_all(values: NDArray[np.float64], part: float) -> float:
    """The same over all clients, those never found counted as later than any: inf where it falls on them."""
    return float(np.quantile(values, part, method="higher")) if len(values) else float("nan")
