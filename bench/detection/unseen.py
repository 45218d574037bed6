"""What the joint score makes of families of harvests, or of ordinary kinds, that its training never saw, as a page.

A family is left out of training by itself. Ordinary kinds are left out a quarter at a time, of training and of the
clients that set the level: an operator whose customers bring a new kind has neither.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import __main__ as bench
from bench.detection import growing, metrics, reference, report, texts
from bench.detection.evaluate import Observed, evidence, join, observe
from bench.detection.growing import BLIND, Seen
from bench.detection.judging import RATES, Fold, Judged, folds, judge
from detectors import calibrate, leaning, lifting, likeness, nearby, parts, profile
from detectors import reference as references
from detectors.engine import Engine
from detectors.forest import Forest
from detectors.judge import BLEND

PAGES = Path(__file__).parents[2] / "docs" / "benchmarks"
FAMILIES, KINDS = PAGES / "unseen.md", PAGES / "unseen-kinds.md"
TREES = 20  # of each method: a third of what ships, for there are as many forests as families
ALL = ""  # nothing is left out
ROUNDS = 4  # so many times another part of the ordinary kinds is left out


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


def judged(forest: Forest, one: Tested, unknown: Sequence[str] = ()) -> Judged:
    """Clients at equal false-alarm rates by the forest's log-odds, compared with ordinary clients of the operator.

    Clients of kinds that are `unknown` are tested alone: none of them is compared with, none sets the level.
    """
    odds = forest.log_odds(one.numbers) + BLEND * one.families
    part = one.seen.rows["part"] > 0

    def statistic(fold: Fold) -> NDArray[np.float64]:
        among = one.seen.of(fold.fit) & ~part
        known, own_odds = references.empty(), odds - _lift(one, odds, among)
        for look in range(len(references.LOOKS)):
            own = own_odds[among & (one.seen.look == look)].astype(np.float32)
            known.joint_sizes[look], known.joint_tails[look] = leaning.joint_tail(
                None, look, own, np.ones(len(own), np.int64)
            )
        nats = calibrate.joint_nats(known, one.seen.rows["look"], own_odds)
        return np.where(part, np.maximum(nats - parts.MARGIN, 0.0), nats)

    rest = ~np.isin(one.seen.clients["kind"], unknown)
    return judge(one.seen, statistic, [Fold(f.turn, f.fit & rest, f.level & rest, f.test) for f in folds(one.seen)])


def _lift(one: Tested, odds: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What is taken from all looks' log-odds, by the looks of clients to fit on; as lifting.fill does it."""
    uses = profile.features(one.seen.rows["profile"])
    place = (uses - uses[among].mean(axis=0)) / np.maximum(uses[among].std(axis=0), 1e-3)
    marks = lifting.landmarks(place[among & one.seen.last])
    mark, out = nearby.nearest(marks, place), np.zeros(len(odds))
    held = np.zeros(len(marks))
    for look in range(len(references.LOOKS)):
        here, own = one.seen.look == look, among & (one.seen.look == look)
        if own.any():
            held = nearby.lift(marks, place[own], odds[own, None], np.ones(int(own.sum()), np.int64))[0]
        out[here] = held[mark[here]]
    return out


def forests(made: reference.Material) -> Iterator[tuple[str, Forest]]:
    """One forest of all training accounts, then one without each family's."""
    known = likeness.names(made.engine.detectors)
    for family in (ALL, *sorted(set(made.seen.family.tolist()) - {"", *BLIND})):
        yield family, growing.grown(without(made.seen, family), known, TREES, made.programs)


def without(seen: Seen, family: str) -> Seen:
    """The accounts of all other families, and ordinary ones; of ALL everything."""
    return seen.some(seen.family != family) if family != ALL else seen


def parted(kinds: Iterable[str]) -> list[tuple[str, ...]]:
    """Kinds in ROUNDS parts, by chance, the same each time."""
    order = sorted(set(kinds))
    Random("kinds").shuffle(order)
    return [tuple(sorted(order[turn::ROUNDS])) for turn in range(ROUNDS)]


def strangers(made: reference.Material, sets: Sequence[Tested]) -> dict[str, list[Judged]]:
    """By ordinary kind of the tested clients: the verdicts where neither training nor the level knew it.

    Harvesters under cover of such a kind are left out as well: training would know its requests from harvesters alone.
    """
    known = likeness.names(made.engine.detectors)
    out: dict[str, list[Judged]] = {}
    for part in parted(kind for one in sets for kind in _ordinary(one)):
        some = made.seen.some(~np.isin(made.seen.kind, part))
        forest = growing.grown(some, known, TREES, made.programs)
        those = [judged(forest, one, part) for one in sets]
        out |= dict.fromkeys(part, those)
        print(f"{', '.join(part)}: {_alarms(those, part)[0]}", file=sys.stderr)
    return out


def _ordinary(one: Tested) -> list[str]:
    clients = one.seen.clients
    return [str(kind) for kind in clients["kind"][~clients["harvest"] & ~clients["grey"] & ~clients["calibration"]]]


def _alarms(those: Sequence[Judged], kinds: Sequence[str]) -> tuple[metrics.Share, ...]:
    return tuple(_sum([one.alarms(rate, np.isin(one.clients["kind"], kinds)) for one in those]) for rate in RATES)


class Found(NamedTuple):
    """A family's or a kind's clients, and how many of them stand above the level at each of RATES."""

    without: tuple[metrics.Share, ...]  # where it was left out
    whole: tuple[metrics.Share, ...]


def found(every: Mapping[str, Sequence[Judged]]) -> dict[str, Found]:
    """By family, over all seeds."""
    return {
        family: Found(_shares(those, family), _shares(every[ALL], family))
        for family, those in every.items()
        if family != ALL
    }


def mistaken(every: Mapping[str, Sequence[Judged]], whole: Sequence[Judged]) -> dict[str, Found]:
    """By ordinary kind, over all seeds; `whole` is of the forest and the level that knew every kind."""
    return {kind: Found(_alarms(those, [kind]), _alarms(whole, [kind])) for kind, those in every.items()}


def _shares(those: Sequence[Judged], family: str) -> tuple[metrics.Share, ...]:
    return tuple(_sum([one.found(rate, one.clients["kind"] == family) for one in those]) for rate in RATES)


def _sum(shares: Iterable[metrics.Share]) -> metrics.Share:
    every = list(shares)
    return metrics.Share(sum(one.hits for one in every), sum(one.clients for one in every))


def page(told: Mapping[str, Found], alarms: metrics.Share, clients: int) -> list[str]:
    """The families, the one that suffers most first."""
    families = sorted(told.items(), key=lambda item: item[1].without[0].rate - item[1].whole[0].rate)
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
        *_table("family", families, "trained on"),
        "",
    ]


def page_of_kinds(told: Mapping[str, Found], clients: int) -> list[str]:
    """The kinds, the one that is taken for a harvest most often first."""
    worst = sorted(told.items(), key=lambda item: (-item[1].without[0].rate, -item[1].without[0].clients))
    return [
        "# Ordinary kinds that training never saw",
        "",
        "`python -m bench.detection.unseen --kinds --data folder` writes this page. What customers of a new kind may "
        f"expect: one part in {ROUNDS} of the kinds at a time is left out of the joint score's training, harvesters "
        "under cover of them too, and of the "
        f"{clients:,} ordinary clients that set the level; so many of its clients on the test split then stand above "
        "the level. *Known*: by the forest and the level that knew every kind. What such clients send was composed "
        f"from sources that training never sees. {TREES} trees of each method in place of {growing.TREES}. Recorded "
        "programs stay in training; some of them are of the kind.",
        "",
        *_table("kind", worst, "known"),
        "",
    ]


def _table(title: str, told: Sequence[tuple[str, Found]], whole: str) -> list[str]:
    rows = [[name, *_cells(one)] for name, one in told if one.without[0].clients]
    columns = list(zip(*([*one.without, *one.whole] for _, one in told), strict=True))
    every = [_sum(column) for column in columns]
    half = len(every) // 2
    rows.append(["**all of these**", *_cells(Found(tuple(every[:half]), tuple(every[half:])))])
    titles = [f"{name}, at {rate:.1%}" for name in ("left out", whole) for rate in RATES]
    return report.table([title, "clients", *titles], rows)


def _cells(one: Found) -> list[str]:
    return [f"{one.without[0].clients}", *(str(share) for share in (*one.without, *one.whole))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one of the pages; 2 where the data folder is missing."""
    asked = _asked(arguments)
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
    for family, forest in islice(forests(made), 1 if asked.kinds else None):
        every[family] = [judged(forest, one) for one in sets]
        if family != ALL:
            print(f"{family}: {_shares(every[family], family)[0]}", file=sys.stderr)
    lines = (
        page_of_kinds(mistaken(strangers(made, sets), every[ALL]), asked.calibration // 2)
        if asked.kinds
        else page(found(every), _sum([one.alarms(RATES[0]) for one in every[ALL]]), asked.calibration // 2)
    )
    text, out = "\n".join(lines), asked.out or str(KINDS if asked.kinds else FAMILIES)
    print(text)
    if out != "-":
        Path(out).write_text(text, encoding="utf-8")
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.detection.unseen", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/, or data itself")
    parser.add_argument("--kinds", action="store_true", help="leave out ordinary kinds, not families of harvests")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(bench.SEEDS))
    parser.add_argument(
        "--clients", type=int, default=reference.CLIENTS, help="of the reference; fewer for a quick look"
    )
    parser.add_argument("--calibration", type=int, default=bench.CALIBRATION["standard"])
    parser.add_argument("--few", type=int, default=0, help="so many ordinary clients a seed, for a quick look")
    parser.add_argument("--out", default="", help="page to write in place of the usual one; '-' writes none")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
