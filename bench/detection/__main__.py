"""`make bench-detect DATA=folder`: composed clients and recorded captures through the engine, as a page with plots."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.detection import adaptive, captures, evasions, page, report, shortcuts, store, texts, together
from bench.detection.compose import Account
from bench.detection.dataset import SCALES, Scale, Size, compose, composed
from bench.detection.study import Study, calibrating, conduct
from detectors import registry
from detectors.reference import Reference, load

OUT = Path(__file__).parents[2] / "docs" / "benchmarks" / "detection.md"
SIZES: tuple[Size, ...] = ("small", "standard", "large")
SEEDS = (101, 102, 103)


CALIBRATION = {"small": 120, "standard": 3_000, "large": 3_000}
CALIBRATION_SEED = 1


def tested(data: Path | None, seed: int, size: Size, few: int) -> Iterator[Account]:
    """The clients of one seed; a few ordinary ones and a harvester for every four of them where `few` are asked for."""
    if not few:
        return compose(data, seed, size)
    scale = Scale(few, max(few // 4, 1), 0, 0, min(SCALES[size].cap, 150), SCALES[size].days)
    return composed(data, seed, scale, "test")


def evading(data: Path | None, seed: int, few: int) -> Iterator[Account]:
    """Attackers who adapt; of two base variants alone where a few are asked for."""
    if not few:
        return evasions.compose(data, seed, adaptive.EACH)
    return evasions.composed(data, seed, 1, "test", evasions.BASES[1:3])


def calibration(data: Path | None, size: Size, count: int, few: int) -> Iterator[Account]:
    """Ordinary clients of one operator, to fit a reference on and to set levels by; from disk once composed."""
    scale = Scale(count, 0, 0, 0, min(SCALES[size].cap, 150 if few else 400), SCALES[size].days)
    name = f"calibration-{size}-{count}-{scale.cap}{'' if data else '-made'}"
    key = store.digest(data, CALIBRATION_SEED, scale, "test")
    yield from store.cached(name, key, composed(data, CALIBRATION_SEED, scale, "test"))


def shipped(path: str) -> Reference | None:
    """The reference that ships, or another; None where it was written for another version of the detectors."""
    try:
        return load(path or registry.SHIPPED)
    except ValueError as error:
        print(f"No shipped reference: {error}", file=sys.stderr)
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page, write it with its plots; 2 where a folder was given that is not there."""
    parser = argparse.ArgumentParser(prog="make bench-detect DATA=folder", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/ and captures/; without: made up")
    parser.add_argument("--reference", default="", help="another reference than the one that ships")
    parser.add_argument("--size", choices=SIZES, default="", help="standard with data, small without")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--calibration", type=int, default=None, help="ordinary clients that fit and set levels")
    parser.add_argument("--few", type=int, default=0, help="so many ordinary clients, for a quick look")
    parser.add_argument("--brief", action="store_true", help="without ablation, evasions and what training left out")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(arguments)
    if asked.data is not None and not asked.data.is_dir():
        print(f"{asked.data} is not a folder.", file=sys.stderr)
        return 2
    try:
        return _run(asked)
    except FileNotFoundError as absent:
        print(absent, file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    """Compose, judge, write."""
    begun = time.monotonic()
    inner = texts.folder(asked.data) if asked.data is not None else None
    size: Size = asked.size or ("standard" if inner else "small")
    reference = shipped(asked.reference)

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:7.0f} s  {text}", file=sys.stderr, flush=True)

    count = CALIBRATION[size] if asked.calibration is None else asked.calibration
    same = list(calibration(inner, size, count, asked.few)) if count else []
    ordinary = calibrating(same) if count else None
    say(f"{count:,} calibration clients")
    studies = []
    for seed in asked.seeds:
        evaders = () if asked.brief else evading(inner, seed, asked.few)
        accounts = list(tested(inner, seed, size, asked.few))
        linked = together.linked([*same, *accounts])
        say(f"{len(linked.flagged):,} clients in campaigns at review")
        studies.append(conduct(seed, accounts, reference, ordinary, evaders, say, linked=linked, brief=asked.brief))
    recorded = list(captures.run(registry.load(asked.reference), asked.data)) if asked.data and reference else []
    about = _about(studies, reference, size, asked.data, recorded, count)
    pairs = [pair for seed in asked.seeds for pair in shortcuts.pairs_of(tested(inner, seed, size, asked.few))]
    say(f"{len(pairs)} matched pairs for the shortcut checks")
    text = page.page(studies, recorded, about, _checks(shortcuts.measure(pairs)) if len(pairs) > 1 else [])
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text, encoding="utf-8")
    page.draw(studies, asked.out.parent)
    print(text)
    say(f"written to {asked.out}")
    return 0


def _checks(leaks: Sequence[shortcuts.Leak]) -> list[str]:
    """What a forest makes of each group of surface features alone."""
    rows = [
        [one.group, f"{one.pairs}", f"{one.area:.3f}", f"{one.shuffled:.3f}", "leaks" * (one.area > shortcuts.LIMIT)]
        for one in leaks
    ]
    words = (
        "A random forest on one group of surface features alone, over harvesters and their matched ordinary clients, "
        f"in folds that never divide an operator. Above {shortcuts.LIMIT} the generator leaks; with labels dealt at "
        "random it must be near 0.5."
    )
    return [words, "", *report.table(["features", "pairs", "AUC", "labels dealt at random", ""], rows)]


def _about(
    studies: Sequence[Study],
    reference: Reference | None,
    size: str,
    data: Path | None,
    recorded: Sequence[captures.Captured],
    count: int,
) -> list[str]:
    """What was run, and what was missing."""
    clients = sum(len(one.clients) for one in studies)
    harvest = sum(int(one.clients["harvest"].sum()) for one in studies)
    lines = [
        f"`make bench-detect DATA=folder` writes this page. Seeds {', '.join(str(one.seed) for one in studies)}, size "
        f"{size}: {clients - harvest:,} ordinary and {harvest:,} harvesting clients, "
        f"{sum(int(one.clients['requests'].sum()) for one in studies):,} requests; {count:,} calibration clients. "
        f"Detectors: {', '.join(one.name for one in registry.shipped())}.",
    ]
    if reference is not None:
        known = {name for name, _ in reference.detectors}
        silent = [one.name for one in registry.shipped() if one.name not in known]
        lines.append(f"Shipped reference: {reference.about.get('clients', 0):,} composed ordinary clients.")
        if programs := reference.about.get("joint_score", {}).get("recorded_programs"):
            lines.append(
                f"{programs['programs']} recorded programs are in the joint score's training. An eighth of the tools "
                f"left out in turn, harvests rank above ordinary programs with AUC {programs['auc_left_out']:.2f} "
                "(asked: 0.85)."
            )
        if silent:
            lines.append(f"It does not know {', '.join(silent)}: they are silent with it.")
    else:
        lines.append("**Missing: a shipped reference for these detectors**; what depends on it is left out.")
    if data is None:
        lines.append("**Missing: the data folder.** Texts are made up here; figures show that all runs, not how well.")
    elif not recorded:
        lines.append("**Missing: recorded captures** (captures/*.jsonl.gz), or the reference to replay them with.")
    return lines


if __name__ == "__main__":
    sys.exit(main())
