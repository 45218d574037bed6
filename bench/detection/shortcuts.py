"""Does the generator leak? One group of surface features alone must not tell harvesters from their matched controls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from bench.detection import dataset
from bench.detection.compose import Account
from detectors.event import Flag

LIMIT = 0.9  # of the area under the curve; above it the generator leaks
OUT = Path(__file__).parents[2] / "docs" / "benchmarks" / "shortcuts.md"
Events = NDArray[np.void]
Row = list[float]


def text(events: Events) -> Row:
    """Lengths, and how many messages a prompt has."""
    row: Row = []
    for name in ("payload_chars", "in_chars", "out_chars"):
        size = np.log1p(events[name].astype(float))
        row += [float(size.mean()), float(size.std()), *map(float, np.quantile(size, (0.1, 0.5, 0.9)))]
    ratio = np.log1p(events["out_chars"].astype(float)) - np.log1p(events["in_chars"].astype(float))
    return [*row, float(ratio.mean()), float(events["messages"].mean()), float(events["messages"].max())]


def timing(events: Events) -> Row:
    """Gaps, hours and how long answers take to begin."""
    at = events["at"]
    gaps = np.diff(at) if len(at) > 1 else np.ones(1)
    hours = np.bincount((at % 86_400.0 // 3_600.0).astype(int), minlength=24) / len(at)
    spread = float(gaps.std() / max(gaps.mean(), 1e-9))
    logs = np.log10(np.maximum(gaps, 1e-3))
    return [
        float(np.log(len(at))), spread, float(logs.mean()), float(logs.std()),
        *map(float, np.quantile(logs, (0.1, 0.9))),
        float(np.log1p(at[-1] - at[0])), float(hours.max()), float((hours > 0).sum()), float(events["ttfb"].mean()),
    ]  # fmt: skip


def parameters(events: Events) -> Row:
    """What is set in the request beside its text."""
    warm = events["temperature"]
    known = ~np.isnan(warm)
    flags = events["flags"]
    return [
        float(known.mean()), float(warm[known].mean()) if known.any() else -1.0,
        float((~np.isnan(events["top_p"])).mean()), float((events["max_tokens"] > 0).mean()),
        float(np.log1p(events["max_tokens"].astype(float)).mean()), float(events["choices"].mean()),
        float((events["top_logprobs"] >= 0).mean()), float(events["top_logprobs"].mean()),
        float(np.log(len(np.unique(events["params"])))), float(events["prompts"].mean()),
        *(float((flags & int(flag) != 0).mean()) for flag in (Flag.STREAM, Flag.TOOLS, Flag.SCHEMA, Flag.SEED)),
    ]  # fmt: skip


def headers(events: Events) -> Row:
    """Who says to be calling, from where, in which dialect, and how often it fails."""
    agents = [float(np.mean(events["agent"] % 64 == at)) for at in range(64)]
    models = [float(np.mean(events["model"] % 8 == at)) for at in range(8)]
    dialects = [float((events["dialect"] == at).mean()) for at in range(1, 5)]
    networks = float(np.log(len(np.unique(events["network"]))))
    flags = [float((events["flags"] & int(flag) != 0).mean()) for flag in (Flag.USER_ID, Flag.RETRY)]
    failed = float((events["status"] != 200).mean())
    return [*agents, *models, *dialects, networks, *flags, failed, float((events["ja4"] != 0).mean())]


GROUPS: dict[str, Callable[[Events], Row]] = {
    "text shape": text, "timing": timing, "parameters": parameters, "headers": headers,
}  # fmt: skip


class Leak(NamedTuple):
    """How well one group of features tells the pairs apart."""

    group: str
    area: float
    shuffled: float  # with labels dealt at random within pairs
    pairs: int


def pairs_of(accounts: Iterable[Account]) -> list[tuple[Account, Account]]:
    """Harvesters with their controls; of accounts that have enough requests to measure a shape."""
    found: dict[int, dict[bool, Account]] = {}
    for one in accounts:
        if one.pair >= 0 and len(one.events) >= 8:
            found.setdefault(one.pair, {})[bool(one.family)] = one
    return [(both[True], both[False]) for both in found.values() if len(both) == 2]


def measure(pairs: Sequence[tuple[Account, Account]], seed: int = 0, trees: int = 120) -> list[Leak]:
    """The area under the curve of a forest on each group, accounts of one operator and of one pair never divided."""
    rng = np.random.default_rng(seed)
    groups = [one.campaign or f"pair {one.pair}" for one, _ in pairs for _ in range(2)]
    labels = np.tile([1, 0], len(pairs))
    dealt = np.concatenate([rng.permutation([1, 0]) for _ in pairs])
    leaks = []
    for name, features in GROUPS.items():
        rows = np.asarray([features(one.events) for both in pairs for one in both])
        areas = [_area(rows, some, groups, RandomForestClassifier(trees, min_samples_leaf=3, random_state=seed))
                 for some in (labels, dealt)]  # fmt: skip
        leaks.append(Leak(name, areas[0], areas[1], len(pairs)))
    return leaks


def _area(rows: NDArray[np.float64], labels: NDArray[Any], groups: Sequence[str], forest: Any) -> float:
    scores = np.zeros(len(labels))
    folds = GroupKFold(min(5, len(set(groups))))
    for train, test in folds.split(rows, labels, groups):
        scores[test] = forest.fit(rows[train], labels[train]).predict_proba(rows[test])[:, 1]
    return float(roc_auc_score(labels, scores))


def page(leaks: dict[str, list[Leak]]) -> str:
    """The table in Markdown."""
    lines = [
        "# Shortcut checks of the generator",
        "",
        "A random forest that sees one group of surface features alone, over harvesters and their matched ordinary",
        "clients (same arrival law, volume, language, nearest lengths), in five folds that never divide an operator.",
        f"Above {LIMIT} the generator leaks. With labels dealt at random within pairs it must be near 0.5.",
        "",
        "| benchmark | features | pairs | AUC | shuffled | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for name, some in leaks.items():
        lines += [
            f"| {name} | {one.group} | {one.pairs} | {one.area:.3f} | {one.shuffled:.3f} "
            f"| {'leaks' if one.area > LIMIT else 'holds'} |"
            for one in some
        ]
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a group leaks, 2 where the data folder lacks files."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.shortcuts", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="the data folder; none: made-up texts")
    parser.add_argument("--size", choices=tuple(dataset.SCALES), default="standard")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--out", type=Path, default=None, help="where to write the page too")
    asked = parser.parse_args(arguments)
    leaks: dict[str, list[Leak]] = {}
    try:
        for split in ("dev", "test"):
            pairs = [
                both for seed in asked.seed for both in pairs_of(dataset.compose(asked.data, seed, asked.size, split))
            ]
            leaks[split] = measure(pairs)
    except FileNotFoundError as absent:
        print(absent, file=sys.stderr)
        return 2
    print(page(leaks))
    if asked.out:
        asked.out.write_text(page(leaks), encoding="utf-8")
    return int(any(one.area > LIMIT for some in leaks.values() for one in some))


if __name__ == "__main__":
    sys.exit(main())
