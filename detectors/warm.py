"""Compile every loop ahead, so that no process has to at its first batch."""

from __future__ import annotations

import numpy as np

from detectors import mixed
from detectors.campaign import Linker, Settings
from detectors.campaign.graph import Bounds
from detectors.checks import NOW, sample
from detectors.compiled import LOOPS
from detectors.engine import WINDOW, Engine
from detectors.event import Listed
from detectors.exchange import Dialect, Exchange, Message, Operation, Outcome
from detectors.features import events
from detectors.grams import shingles
from detectors.listed import build
from detectors.registry import load

TEXTS = ("Name three rivers of Asia.", "Schreibe drei Sätze über Flüsse.", "请写一首关于河流的诗。", "")


def fold(engine: Engine) -> None:
    """Run every loop of a worker's engine once, looks and an explanation included; `engine` is not touched."""
    other = Engine(engine.detectors, engine.reference)
    made = sample(events=4_000)
    made["at"][-100:] += WINDOW  # into the clients' next window
    rows = other.empty(np.unique(made["client"]))
    mixed.step(other, rows, made, NOW, other.empty)
    other.explain(rows[0], NOW)


def warm() -> int:
    """Run the engine and the features once over what was made up; how many loops are compiled now."""
    fold(load())
    exchanges = [
        Exchange(at=NOW, client=1, dialect=Dialect.OPENAI, operation=Operation.CHAT, outcome=Outcome.OK, status=200,
                 messages=(Message("system", "Answer in one line."), Message("user", text)), completions=(text * 9,))
        for text in TEXTS
    ]  # fmt: skip
    index = build({Listed.CANARY: TEXTS})
    events(exchanges, seed=1, lists=index)
    shingles(TEXTS[0], 1)
    _link()
    return sum(bool(loop.signatures) for loop in LOOPS)


def _link() -> None:
    """A pass of the linker, from nothing and after some news."""
    linker = Linker(Settings(bounds=Bounds(singles=1 << 10, recurring=1 << 10)))
    for some in np.array_split(sample(events=200), 2):
        linker.observe(some)
        linker.link(NOW)
