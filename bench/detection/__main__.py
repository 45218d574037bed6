"""`make bench-detect DATA=folder`: composed clients and recorded captures through the engine, as one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from bench.detection import captures, harvests, lists, report, sources
from bench.detection.compose import Account, account
from bench.detection.evaluate import run
from bench.detection.reference import ordinary
from detectors import registry

OUT = Path(__file__).parents[2] / "docs" / "benchmarks" / "detection.md"
ORDINARY, EACH = 1_000, 20
SEED = "check-1"


def composed(data: Path, clients: int, each: int, seed: str) -> Iterator[Account]:
    """Ordinary clients from texts that the reference did not use, and harvests of every family."""
    pools = sources.checking_pools(data)
    yield from ordinary(pools, seed, clients, most=600)
    rng = Random(f"{seed}/harvest")
    for family, script in harvests.families(lists.read(data, "test")).items():
        for number in range(each):
            requests = int(60 * 10 ** rng.random())
            yield account(family, family, script, pools, f"{seed}/harvest/{number}", requests)


def _missing(root: Path) -> list[str]:
    data = root / "data"
    absent = [f"data/{name}" for name in sources.missing(data, (*sources.PERMISSIVE, *sources.CHECK_ONLY))]
    absent += [f"data/{name}" for name in lists.missing(data)]
    return absent + ([] if captures.paths(root) else ["captures/*.jsonl.gz"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write it; 2 where the folder is missing."""
    parser = argparse.ArgumentParser(prog="make bench-detect DATA=folder", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/ and captures/")
    parser.add_argument("--reference", default="", help="another reference than the one that ships")
    parser.add_argument("--clients", type=int, default=ORDINARY, help="composed ordinary clients")
    parser.add_argument("--each", type=int, default=EACH, help="composed harvesters of each family")
    parser.add_argument("--seed", default=SEED)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(arguments)
    if asked.data is None:
        print("The traffic is not in the repository: give its folder, make bench-detect DATA=folder.", file=sys.stderr)
        return 2
    absent = _missing(asked.data)
    if absent:
        print(f"{asked.data} lacks {', '.join(absent)}.", file=sys.stderr)
        return 2
    engine = registry.load(asked.reference)
    outcomes = run(engine, composed(asked.data / "data", asked.clients, asked.each, asked.seed))
    page = report.page(engine, outcomes, list(captures.run(engine, asked.data)), asked.seed)
    print(page)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
