"""Fit what ships for pooled scoring: the detectors' scores of random sets of composed ordinary clients."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.detection import campaigns, texts
from detectors import registry
from detectors.campaign import pooled
from detectors.table import Table

SEEDS = (1, 2, 3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write campaigns.npz from the ordinary accounts of development seeds; 2 where the data folder is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.sets", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/, or data itself")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=pooled.SHIPPED)
    asked = parser.parse_args(arguments)
    if asked.data is None:
        print("The texts are not in the repository: give their folder.", file=sys.stderr)
        return 2
    data = texts.folder(asked.data)
    engine = registry.load()
    rows = []
    for seed in asked.seeds:
        table = Table(engine)
        for one in campaigns.compose(data, seed, "standard", "dev"):
            if not one.family and not one.campaign and len(one.events):
                table.step(one.events, float(one.events["at"].max()))
        rows.append(table.rows())
    every = np.concatenate(rows)
    pooled.fit(engine, every, seed=1).save(asked.out)
    print(f"{len(every)} clients, sets of {', '.join(map(str, pooled.SIZES))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
