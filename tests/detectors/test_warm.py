"""What is compiled ahead is what a process calls: no batch of its own compiles anything."""

from __future__ import annotations

from dataclasses import replace

from detectors import warm
from detectors.compiled import LOOPS
from detectors.event import Listed
from detectors.exchange import Exchange, Message
from detectors.features import events
from detectors.grams import gists, shingles
from detectors.listed import build

TEXTS = ("", "Name the rivers of Asia in order of their length.", "水は高いところから低いところへ流れる", "a " * 20_000)
OURS = {f"detectors.{name}" for name in ("finder", "folded", "grams", "listed", "tokens")}


def compiled() -> dict[str, list[object]]:
    """The sets of types of every loop of the features."""
    ours = [loop for loop in LOOPS if loop.py_func.__module__ in OURS]
    return {f"{loop.py_func.__module__}.{loop.py_func.__name__}": list(loop.signatures) for loop in ours}


def test_the_features_call_what_is_ready():
    assert warm.warm() > 0
    ready = compiled()
    exchange = Exchange(at=1.0, client=2)
    made = [replace(exchange, messages=(Message("user", text),), completions=(text,)) for text in TEXTS]
    for some in (made, made[:1], [exchange]):
        for seed in (0, 2**64 - 1):
            events(some, seed=seed, lists=build({Listed.TRAIN: TEXTS}))
            events(some, seed=seed)
    shingles(TEXTS[1], 2**63)
    gists([], 1)
    assert compiled() == ready
    entries = (
        "finder.find",
        "folded._fold_ascii",
        "folded._map",
        "grams._sample",
        "grams._shingles",
        "listed._may_begin",
        "tokens._find",
    )
    for name in entries:
        assert len(ready[f"detectors.{name}"]) == 1, name
