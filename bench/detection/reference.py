"""Fit the reference that ships: ordinary clients composed from permissively licensed texts."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from bench.detection import personas, sources
from bench.detection.compose import Account, account
from detectors import fitting, reference, registry
from detectors.engine import Engine
from detectors.reference import Reference

SHIPPED = Path(__file__).parents[2] / "detectors" / "shipped"
CLIENTS = 3_000
SEED = "ordinary-1"
LEAST_REQUESTS, MOST_REQUESTS = 30, 1_200
_CHUNK = 100


def ordinary(pools: sources.Pools, seed: str, clients: int, most: int = MOST_REQUESTS) -> Iterator[Account]:
    """So many ordinary clients, each of a kind drawn by how common it is, with a log-uniform number of requests."""
    rng = Random(seed)
    scripts = [script for script, _ in personas.WEIGHTS]
    weights = [weight for _, weight in personas.WEIGHTS]
    for number in range(clients):
        script = rng.choices(scripts, weights)[0]
        requests = int(LEAST_REQUESTS * (most / LEAST_REQUESTS) ** rng.random())
        kinds = personas.kinds_of(script)
        yield account(script.__name__, "", script, pools, f"{seed}/{number}", requests, kinds)


def observe(accounts: Iterator[Account], engine: Engine) -> tuple[list[fitting.Snapshot], Counter[str], int]:
    """The snapshots of many accounts, how many of each kind, and their requests; a part at a time."""
    parts: list[list[fitting.Snapshot]] = []
    kinds: Counter[str] = Counter()
    requests = 0
    held: list[Account] = []

    def settle() -> None:
        if held:
            parts.append(fitting.observe(engine, np.concatenate([one.events for one in held])))
            print(f"  {sum(kinds.values()):>6,} clients, {requests:>9,} requests", file=sys.stderr)
            held.clear()

    for one in accounts:
        held.append(one)
        kinds[one.persona] += 1
        requests += len(one.events)
        if len(held) == _CHUNK:
            settle()
    settle()
    return fitting.join(parts), kinds, requests


def fit(data: Path, clients: int, seed: str) -> tuple[Reference, dict[str, Any]]:
    """The reference and its card."""
    engine = Engine(registry.shipped(), reference.empty())
    snapshots, kinds, requests = observe(ordinary(sources.fitting_pools(data), seed, clients), engine)
    about = {"name": "ordinary", "seed": seed, "composed_clients": clients, "requests": requests}
    fitted = fitting.fit(engine.detectors, snapshots, about)
    return fitted, _card(data, fitted, kinds)


def _card(data: Path, fitted: Reference, kinds: Counter[str]) -> dict[str, Any]:
    used = [
        {
            "file": source.file,
            "licence": source.licence,
            "origin": source.origin,
            "rows": len(sources.read(data, source.name)),
            "sha256": hashlib.sha256((data / source.file).read_bytes()).hexdigest(),
        }
        for source in sources.PERMISSIVE
    ]
    return {
        "what": "Scores of made-up ordinary clients, by peer group and number of requests. It holds no text.",
        **fitted.about,
        "detectors": [f"{name} {version}" for name, version in fitted.detectors],
        "looks": list(reference.LOOKS),
        "peer_groups": {name: int(fitted.sizes[0, group, 0]) for group, name in enumerate(fitted.groups)},
        "review_threshold_nats": [round(float(nats), 3) for nats in fitted.review],
        "watch_threshold_nats": [round(float(nats), 3) for nats in fitted.watch],
        "kinds": dict(sorted(kinds.items())),
        "sources": used,
        "left_out": "Sources with non-commercial or share-alike terms, recorded captures, and every harvest list.",
        "limits": "Composed, not recorded: shares of the kinds are estimates. Fit on your own traffic when you can.",
        "digest": digest(fitted),
    }


def digest(fitted: Reference) -> str:
    """A hash of the numbers alone, the same for the same fit whenever it is made."""
    out = hashlib.sha256()
    for name in ("center", "scale", "centroids", "sizes", "tails", "percentiles", "watch", "review"):
        out.update(np.ascontiguousarray(np.round(getattr(fitted, name), 4)).tobytes())
    return out.hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write ordinary.npz and card.json; 2 where the data folder is missing."""
    parser = argparse.ArgumentParser(prog="make reference DATA=folder", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with benign/*.jsonl.gz")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where to write")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seed", default=SEED)
    asked = parser.parse_args(arguments)
    if asked.data is None:
        print("The texts are not in the repository: give their folder, make reference DATA=folder.", file=sys.stderr)
        return 2
    inner = asked.data / "data"  # the folder that `make bench-detect` takes will do as well
    data = inner if inner.is_dir() else asked.data
    absent = sources.missing(data, sources.PERMISSIVE)
    if absent:
        print(f"{data} lacks {', '.join(absent)}: no reference was written.", file=sys.stderr)
        return 2
    fitted, card = fit(data, asked.clients, asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    fitted.save(asked.out / "ordinary.npz")
    (asked.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{card['clients']} clients in {len(fitted.groups)} groups; digest {card['digest'][:16]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
