"""Events as the extractor makes them, drawn at random: what workers are fed with here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.event import EVENT, Flag
from detectors.exchange import Dialect, Operation, Outcome, Usage

HASHES = ("body", "payload", "head4", "head12", "tail6", "system", "answer", "params", "tools", "schema", "user")
USUAL = np.uint32(Flag.STREAM | Flag.TOOLS | Flag.SCHEMA | Flag.SYSTEM | Flag.USER_ID | Flag.MULTI_TURN)
"""Marks that ordinary requests bear; blank prompts and log probabilities in half of them would make all findings."""
ALWAYS = np.uint32(Flag.USER_ID | Flag.MULTI_TURN)
"""What all of them bear: who draws everything by chance is like no client there is, and now and then one is told of."""
MIXED = 8  # one client in so many has two programs behind its key; of composed ordinary clients one in fourteen has
TEMPLATES = 40  # distinct values of the hashes that name a template


def draw(
    clients: NDArray[np.uint64], at: NDArray[np.float64], rng: np.random.Generator, every: int = 7
) -> NDArray[np.void]:
    """One event for each client id given, all fields filled; clients with an id divisible by `every` harvest."""
    count = len(clients)
    events = np.zeros(count, EVENT)
    events["client"], events["at"] = clients, at
    for name in HASHES:
        events[name] = rng.integers(1, 2**63, count, np.uint64)
    for name in ("head4", "head12", "tail6", "system", "params"):
        events[name] = rng.integers(1, TEMPLATES, count, np.uint64)
    events["sketch"] = rng.integers(0, 2**32, (count, 8), np.uint32)
    events["model"], events["network"], events["agent"] = rng.integers(1, 9, (3, count), np.uint32)
    events["flags"] = _manner(clients, rng)
    for name, most in (("in_chars", 20_000), ("payload_chars", 9_000), ("out_chars", 9_000), ("in_tokens", 5_000)):
        events[name] = rng.integers(1, most, count, np.uint32)
    events["out_tokens"] = events["out_chars"] // 4
    events["ttfb"], events["duration"] = rng.random((2, count), np.float32)
    events["temperature"], events["top_p"] = 0.7, np.nan
    events["messages"], events["choices"], events["prompts"] = 2, 1, 1
    events["status"], events["top_logprobs"] = 200, -1
    events["dialect"], events["operation"], events["outcome"] = Dialect.OPENAI, Operation.CHAT, Outcome.OK
    events["usage"] = Usage.REPORTED
    harvest = clients % np.uint64(every) == 0
    events["flags"][~harvest] |= ALWAYS
    for name in ("head4", "head12", "tail6", "system"):
        events[name][harvest] = clients[harvest]
    events["out_chars"][harvest], events["reasoning_chars"][harvest] = 12_000, 8_000
    events["choices"][harvest], events["top_logprobs"][harvest], events["elicitation"][harvest] = 8, 5, 3
    events["flags"][harvest] = Flag.SYSTEM | Flag.LOGPROBS | Flag.ELICIT_SYSTEM | Flag.ELICIT_USER
    return events


def _manner(clients: NDArray[np.uint64], rng: np.random.Generator) -> NDArray[np.uint32]:
    """The marks of each request: those of its client's program, and of a second one where there are two behind a key.

    Requests marked by chance would make every client send all that there is: each would be sixteen programs at once,
    all of them kept apart (detectors/parts.py).
    """
    program = (clients >> np.uint64(40)).astype(np.uint32)
    second = (clients >> np.uint64(8)) % np.uint64(MIXED) == 0
    return np.where(second & (rng.random(len(clients)) < 0.3), program >> np.uint32(9), program) & USUAL


class Zipf:
    """Client ids drawn by Zipf's law with exponent `s` over `clients` of them, spread over 64 bits."""

    def __init__(self, clients: int, s: float = 1.1) -> None:
        self.ids: NDArray[np.uint64] = spread(np.arange(1, clients + 1, dtype=np.uint64))
        weights = np.arange(1, clients + 1, dtype=np.float64) ** -s
        self._reach = np.cumsum(weights) / weights.sum()

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.uint64]:
        """`count` ids."""
        return self.ids[np.minimum(np.searchsorted(self._reach, rng.random(count)), len(self.ids) - 1)]


def spread(ranks: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Ids without order, one for each rank: an odd factor permutes 64-bit numbers."""
    with np.errstate(over="ignore"):
        return ranks * np.uint64(0x9E3779B97F4A7C15)
