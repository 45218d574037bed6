"""What the joint score finds of harvests of a family that its training never saw, family by family, as one page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import __main__ as bench
from bench.detection import growing, metrics, reference, report, texts
from bench.detection.evaluate import Observed, evidence, join, observe
from bench.detection.growing import BLIND, Seen
from bench.detection.judging import RATES, Fold, Judged, folds, judge
from detectors import calibrate, leaning, likeness, parts
from detectors import reference as references
from detectors.engine import Engine
from detectors.forest import Forest
from detectors.judge import BLEND

OUT = Path(__file__).parents[2] / "docs" / "benchmarks" / "unseen.md"
TREES = 20  # of each method: a third of what ships, for there are as many forests as families
ALL = ""  # nothing is left out


class Tested(NamedTuple):
    """One seed's clients with its calibration clients, what the forest reads of them, and the families' sum."""

    seen: Observed
    numbers: NDArray[np.float64]
    families: NDArray[np.float64]  # (looks,): nats


def tested(engine: Engine, seen: Observed) -> Tested:
    """Everything about the looks that does not depend on the forest; the engine's reference has none."""
    told = evidence(engine, seen)
    fused = engine.judge.fused(told.p, told.floors, engine.judge.group(seen.rows), seen.rows["look"], told.tripped)
    numbers = likeness.numbers(engine.detectors, seen.rows, told.raw)
    read = likeness.chosen(growing.read_names(likeness.names(engine.detectors)), likeness.names(engine.detectors))
    return Tested(seen, numbers[:, read], fused.score)


def judged(forest: Forest, one: Tested) -> Judged:
    """Clients at equal false-alarm rates by the forest's log-odds, compared with ordinary clients of the operator."""
    odds = forest.log_odds(one.numbers) + BLEND * one.families
    part = one.seen.rows["part"] > 0

    def statistic(fold: Fold) -> NDArray[np.float64]:
        among = one.seen.of(fold.fit) & ~part
        known = references.empty()
        for look in range(len(references.LOOKS)):
            own = odds[among & (one.seen.look == look)].astype(np.float32)
            known.joint_sizes[look], known.joint_tails[look] = leaning.joint_tail(
                None, look, own, np.ones(len(own), np.int64)
            )
        nats = calibrate.joint_nats(known, one.seen.rows["look"], odds)
        return np.where(part, np.maximum(nats - parts.MARGIN, 0.0), nats)

    return judge(one.seen, statistic, folds(one.seen))


def forests(made: reference.Material) -> Iterator[tuple[str, Forest]]:
    """One forest of all training accounts, then one without each family's."""
    known = likeness.names(made.engine.detectors)
    for family in (ALL, *sorted(set(made.seen.family.tolist()) - {"", *BLIND})):
        yield family, growing.grown(without(made.seen, family), known, TREES, made.programs)


def without(seen: Seen, family: str) -> Seen:
    """The accounts of all other families, and ordinary ones; of ALL everything."""
    return seen.some(seen.family != family) if family != ALL else seen


class Found(NamedTuple):
    """A family's harvesters, and how many of them are found at each of RATES."""

    without: tuple[metrics.Share, ...]  # by a forest that never saw the family
    whole: tuple[metrics.Share, ...]


def found(every: Mapping[str, Sequence[Judged]]) -> dict[str, Found]:
    """By family, over all seeds."""
    return {
        family: Found(_shares(those, family), _shares(every[ALL], family))
        for family, those in every.items()
        if family != ALL
    }


def _shares(those: Sequence[Judged], family: str) -> tuple[metrics.Share, ...]:
    return tuple(_sum([one.found(rate, one.clients["kind"] == family) for one in those]) for rate in RATES)


def _sum(shares: Iterable[metrics.Share]) -> metrics.Share:
    every = list(shares)
    return metrics.Share(sum(one.hits for one in every), sum(one.clients for one in every))


def page(told: Mapping[str, Found], alarms: metrics.Share, clients: int) -> list[str]:
    """The table, the family that suffers most first."""
    rows = [
        [
            family,
            f"{one.without[0].clients}",
            *(str(share) for share in one.without),
            *(str(share) for share in one.whole),
        ]
        for family, one in sorted(told.items(), key=lambda item: item[1].without[0].rate - item[1].whole[0].rate)
        if one.without[0].clients
    ]
    rows += [_total(told)]
    columns = [
        "family",
        "clients",
        *(f"left out, at {r:.1%}" for r in RATES),
        *(f"trained on, at {r:.1%}" for r in RATES),
    ]
    return [
        "# Families that training never saw",
        "",
        "`python -m bench.detection.unseen --data folder` writes this page. The joint score is grown anew without "
        "each family of harvests, and finds what it can of that family on the test split, whose lists, frames and "
        "personas training never sees anyway: *trained on* leaves out sources, *left out* sources and the family. "
        f"Levels are set on {clients:,} other ordinary clients; real false alarms at 1 %, of the forest that saw "
        f"all families, {alarms}. {TREES} trees of each method in place of {growing.TREES}. Recorded programs stay "
        "in training; some of them are tools of the family.",
        "",
        *report.table(columns, rows),
        "",
    ]


def _total(told: Mapping[str, Found]) -> list[str]:
    columns = list(zip(*([*one.without, *one.whole] for one in told.values()), strict=True))
    every = [_sum(column) for column in columns]
    return ["**all of these**", f"{every[0].clients}", *map(str, every)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 2 where the data folder is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.unseen", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/, or data itself")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(bench.SEEDS))
    parser.add_argument(
        "--clients", type=int, default=reference.CLIENTS, help="of the reference; fewer for a quick look"
    )
    parser.add_argument("--calibration", type=int, default=bench.CALIBRATION["standard"])
    parser.add_argument("--few", type=int, default=0, help="so many ordinary clients a seed, for a quick look")
    parser.add_argument("--out", default=str(OUT), help="page to write; '-' writes none")
    asked = parser.parse_args(arguments)
    if asked.data is None:
        print("The texts are not in the repository: give their folder.", file=sys.stderr)
        return 2
    data = texts.folder(asked.data)
    made = reference.material(data, asked.clients)
    held = observe(made.engine.detectors, bench.calibration(data, "standard", asked.calibration, asked.few))
    held.clients["calibration"] = True
    sets = [
        tested(made.engine, join(observe(made.engine.detectors, bench.tested(data, seed, "standard", asked.few)), held))
        for seed in asked.seeds
    ]
    every: dict[str, list[Judged]] = {}
    for family, forest in forests(made):
        every[family] = [judged(forest, one) for one in sets]
        if family != ALL:
            print(f"{family}: {_shares(every[family], family)[0]}", file=sys.stderr)
    alarms = _sum([one.alarms(RATES[0]) for one in every[ALL]])
    text = "\n".join(page(found(every), alarms, asked.calibration // 2))
    print(text)
    if asked.out != "-":
        Path(asked.out).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
