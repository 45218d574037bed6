"""The baselines by name: what each keeps while clients are folded, its statistic, and the level it ships with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics
from bench.detection.baselines import features, learned, limits, rules, windows
from bench.detection.evaluate import Observed, Watcher
from bench.detection.judging import Statistic

Values = Callable[[Observed, NDArray[np.bool_]], NDArray[np.float64]]
Flags = Callable[[Observed, NDArray[np.bool_]], NDArray[np.bool_]]

WATCHERS: tuple[Watcher, ...] = (
    Watcher("vectors", features.vectors),
    Watcher("topic_count", features.topic_count),
    Watcher("hourly", limits.hourly),
    Watcher("daily", limits.daily),
    Watcher("honeypot", limits.honeypot),
    Watcher("glasswally", rules.glasswally),
    Watcher("advisory", rules.advisory),
    Watcher("topics", None, features.topics),
    Watcher("neighbours", None, windows.kept_neighbours),
)


class Baseline(NamedTuple):
    """One other way: a number for each look from the ordinary clients to fit on, and its shipped alarm if any."""

    name: str
    values: Values
    shipped: Flags | None = None
    trained: bool = False  # on labelled harvests


def all_of(seen: Observed) -> tuple[Baseline, ...]:
    """Every baseline, ready to be judged on these clients; the trained ones are trained here, once."""
    honest = learned.boosting(seen, learned.by_kind(seen))
    easy = learned.boosting(seen, learned.by_account(seen))
    return (
        Baseline("requests an hour", _kept("hourly"), _over("hourly", 500.0)),
        Baseline("requests a day", _kept("daily"), _over("daily", 5_000.0)),
        Baseline("honeypotllm 0.1.3", _kept("honeypot"), _over("honeypot", limits.HONEYPOT)),
        Baseline("MMD, 20 references", windows.mmd, windows.mmd_shipped),
        Baseline("PRADA", lambda s, _: windows.prada(s), lambda s, _: windows.prada(s) > windows.PRADA),
        Baseline("SEAT", lambda s, _: windows.seat(s)),
        Baseline("Mahalanobis", windows.mahalanobis),
        Baseline("isolation forest", learned.isolation),
        Baseline("Glasswally rules", _kept("glasswally"), _over("glasswally", rules.GLASSWALLY)),
        Baseline("AA26-251A indicators", _kept("advisory"), _over("advisory", rules.ADVISORY)),
        Baseline("boosting, kinds left out", lambda _, __: honest, None, trained=True),
        Baseline("boosting, folds by account", lambda _, __: easy, None, trained=True),
    )


def statistic(one: Baseline, seen: Observed) -> Statistic:
    """Its number as `judging.judge` wants it: made comparable over looks by the rank among the fitting clients."""
    return lambda part: metrics.ranked(seen.of(part.fit), seen.look, one.values(seen, part.fit))


def _kept(name: str) -> Values:
    return lambda seen, _: np.asarray(seen.extra[name], np.float64)


def _over(name: str, level: float) -> Flags:
    return lambda seen, _: np.asarray(seen.extra[name] >= level, np.bool_)
