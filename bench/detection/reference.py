"""Fit the reference that ships: ordinary clients composed from permissively licensed texts."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from bench.detection import dataset, further, ranking, recorded, sources, store, texts
from bench.detection.compose import Account
from bench.detection.dataset import World
from bench.detection.growing import Seen
from bench.detection.recorded import Recorded
from detectors import fitting, reference, registry
from detectors.engine import Engine
from detectors.reference import Reference

SHIPPED = Path(__file__).parents[2] / "detectors" / "shipped"
CLIENTS = 3_600
SEED = "ordinary-2"
LEAST_REQUESTS, MOST_REQUESTS = 60, 600
DAYS = 7.0
TRAINING, REWORDED = 50 / 9, 20 / 9
"""Ordinary clients that train the joint score, for each one that the tails are made of: in a script's own wordings,
and in those that training alone has.
"""
WORDED = ("wordings", "wordings_harvests", "wordings_jobs")  # what decides the accounts in further wordings
FURTHER = ("ranking", "framed", "further", "further_desks", "further_jobs", "further_twins", *WORDED)  # further uses
_CHUNK = 100


def ordinary(world: World, seed: str, clients: int, most: int = MOST_REQUESTS) -> Iterator[Account]:
    """So many ordinary clients, each of a kind drawn by how common it is, with a log-uniform cap on its requests."""
    rng = Random(f"{seed}/caps")
    for plan in dataset.ordinary(world, seed, clients, most, DAYS):
        cap = int(LEAST_REQUESTS * (most / LEAST_REQUESTS) ** rng.random())
        yield dataset.build(world, replace(plan, cap=cap))


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


class Material(NamedTuple):
    """What a reference is made of."""

    engine: Engine  # with a reference of the ordinary clients that knows no joint score
    snapshots: list[fitting.Snapshot]
    about: dict[str, Any]
    kinds: Counter[str]
    seen: Seen  # the accounts that the joint score is trained on
    programs: Recorded | None


def material(data: Path, clients: int = CLIENTS, seed: str = SEED) -> Material:
    """Everything composed and observed, from disk where it was composed before."""
    world = ranking.permissive(dataset.world(data, "dev"))
    engine = Engine(registry.shipped(), reference.empty())
    key = store.digest(data, seed, clients, LEAST_REQUESTS, MOST_REQUESTS, ranking.EACH, ranking.ORDINARY)
    composed = store.cached(f"reference-{clients}", key, ordinary(world, seed, clients))
    snapshots, kinds, requests = observe(composed, engine)
    about = {"name": "ordinary", "seed": seed, "composed_clients": clients, "requests": requests}
    engine.use(fitting.fit(engine.detectors, snapshots, about))
    share = min(1.0, clients / CLIENTS)  # a small fit for a test trains on few as well
    each, common = max(2, round(share * ranking.EACH)), max(20, round(share * ranking.ORDINARY))
    other = ranking.reworded(world)
    tried = (
        store.cached(
            f"{name}-{clients}",
            store.digest(data, key, own, more=("ranking", "lookalikes", *WORDED)),
            ranking.accounts(ranking.varied(drawn), own, each, common),
        )
        for name, own, drawn in (("ranking", ranking.SEED, world), ("reworded", f"{ranking.SEED}/reworded", other))
    )
    uses = (
        store.cached(
            f"further-{name}-{clients}",
            store.digest(data, key, own, more=FURTHER),
            further.accounts(ranking.varied(drawn), own, share),
        )
        for name, own, drawn in (("own", f"{seed}/further", world), ("worded", f"{seed}/further/worded", other))
    )
    crowds = (
        _crowd(data, world, f"{seed}/training", round(clients * TRAINING)),
        _crowd(data, other, f"{seed}/reworded", round(clients * REWORDED)),
    )
    seen = ranking.observe(engine, chain(*tried, *crowds, *uses))
    programs = recorded.read(engine.detectors)
    if programs is None:
        print("Without recorded programs: their numbers are missing or another version's.", file=sys.stderr)
    return Material(engine, snapshots, about, kinds, seen, programs)


def fit(data: Path, clients: int, seed: str) -> tuple[Reference, dict[str, Any]]:
    """The reference and its card."""
    engine, snapshots, about, kinds, seen, programs = material(data, clients, seed)
    trained = ranking.grow(ranking.train(engine.reference, seen), engine.detectors, seen, programs)
    about |= {name: trained.about[name] for name in ("ranking", "joint_score")}
    fitted = fitting.fit(engine.detectors, snapshots, about, prior=trained)  # once more: families are weighed by it
    return fitted, _card(data, fitted, kinds)


def _crowd(data: Path, world: World, seed: str, many: int) -> Iterator[Account]:
    """Ordinary clients for the joint score's training, none of them one of those that its tails are made of."""
    key = store.digest(data, seed, many, LEAST_REQUESTS, MOST_REQUESTS, more=WORDED)
    return store.cached(f"{seed.rpartition('/')[2]}-{many}", key, ordinary(world, seed, many))


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
        "harvest_lists_of_the_re_ranker": "gsm8k_train (MIT), rubric_prometheus (MIT), and lists made by a grammar.",
        "arrivals": "ServeGen and agent-step traces (Apache-2.0): times and volumes alone.",
        "recorded": "Numbers of recorded programs, no text of theirs, are in the joint score's training alone.",
        "left_out": "Sources with non-commercial or share-alike terms.",
        "limits": "Composed, not recorded: shares of the kinds are estimates. Fit on your own traffic when you can.",
        "digest": fitted.digest(),
    }


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
    data = texts.folder(asked.data)
    absent = dataset.missing(data)
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
