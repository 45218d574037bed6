"""Made-up events and an engine with the reference that ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import elicitation, registry
from detectors.engine import Engine
from detectors.event import Flag, zeros
from detectors.exchange import Dialect, Operation

START = 1_764_000_000.0
Make = Callable[..., NDArray[np.void]]


def _traffic(client: int, count: int, *, start: float = START, gap: float = 1.0, seed: int = 1, **fields: object):
    """Single questions, each new, answered with 800 characters; `fields` change that."""
    rng = np.random.default_rng([client, seed])
    events = zeros(count)
    events["client"] = client
    events["at"] = start + gap * np.arange(count)
    events["dialect"], events["operation"], events["status"] = Dialect.OPENAI, Operation.CHAT, 200
    for name in ("body", "payload", "head4", "head12", "tail6", "answer"):
        events[name] = rng.integers(1, 2**63, count)
    events["params"] = 5
    events["payload_chars"], events["in_chars"] = 120, 150
    events["out_chars"], events["in_tokens"], events["out_tokens"] = 800, 40, 200
    events["model"], events["network"], events["agent"], events["messages"] = 3, 4, 5, 1
    for name, value in fields.items():
        events[name] = value
    return events


@pytest.fixture(scope="session")
def traffic() -> Make:
    return _traffic


@pytest.fixture(scope="session")
def harvest() -> Make:
    """One template, reasoning in full, four long samples with their probabilities."""

    def make(client: int, count: int, **fields: object) -> NDArray[np.void]:
        asked = 1 << elicitation.CLASSES.index("full")
        usual = {
            "head4": 11,
            "tail6": 12,
            "choices": 4,
            "out_chars": 12_000,
            "temperature": 0.7,
            "elicitation": asked,
            "flags": int(Flag.ELICIT_USER | Flag.LOGPROBS),
            "top_logprobs": 20,
        }
        return _traffic(client, count, **usual | fields)

    return make


@pytest.fixture(scope="session")
def shipped_engine() -> Engine:
    """The shipped reference by its families alone: made-up events look like nothing that the forest was shown."""
    known = registry.load().reference
    return Engine(registry.shipped(), replace(known, forest=None))
