"""Composition: a made-up client's requests as exchanges, with an arrival law that does not know the label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.sources import Pools
from detectors import features
from detectors.engine import WINDOW
from detectors.exchange import Dialect, Exchange, Finish, Message, Operation, Usage

HASH_SEED = 20_261_101
_WORDS = (
    "the order was checked and sent on with a note on the price of each part and the day it will come so that "
    "everyone on the line can plan the work and tell the people who wait what they may expect by the end of it "
)
_ANSWER = _WORDS * 200
_AGENTS = ("OpenAI/Python 2.8.1", "AsyncOpenAI/Python 2.8.1", "OpenAI/JS 6.9.0", "python-httpx/0.28.1", "axios/1.12.2")
_MODELS = ("acme-large", "acme-medium", "acme-small")


@dataclass(slots=True)
class Ask:
    """One request before it has a time: the messages, the answer's length, and the parameters set."""

    messages: Sequence[Message]
    chars: float  # of one choice
    more: dict[str, Any] = field(default_factory=dict)


Script = Callable[["Maker"], Iterator[Ask]]


class Maker:
    """What a script draws from: a generator of its own, the texts, and the client's lasting habits."""

    def __init__(self, rng: Random, pools: Pools) -> None:
        self.rng = rng
        self.pools = pools
        self.model = rng.choice(_MODELS)
        self.agent = rng.choice(_AGENTS)
        self.peer = f"203.0.{rng.randint(0, 255)}.{rng.randint(1, 254)}"

    def chance(self, share: float) -> bool:
        """True in a share of the calls."""
        return self.rng.random() < share

    def length(self, median: float, spread: float = 0.5) -> float:
        """A log-normal length in characters."""
        return median * float(np.exp(self.rng.gauss(0.0, spread)))

    def pick(self, texts: Sequence[Any]) -> Any:
        """One of a pool, with replacement."""
        return self.rng.choice(texts)

    def some(self, texts: Sequence[Any], count: int) -> list[Any]:
        """`count` different ones, or all."""
        return self.rng.sample(list(texts), min(count, len(texts)))

    def walk(self, texts: Sequence[Any]) -> Iterator[Any]:
        """Each once in a drawn order; then, numbered, again: a list that never ends."""
        turn = 0
        while True:
            for text in self.some(texts, len(texts)):
                yield text if not turn else f"{text} ({turn})"
            turn += 1


@dataclass(frozen=True, slots=True)
class Account:
    """One made-up client with its events in order."""

    client: int
    persona: str
    family: str  # of the harvest; empty for an ordinary client
    events: NDArray[np.void]


def account(name: str, family: str, script: Script, pools: Pools, seed: str, requests: int) -> Account:
    """The first `requests` of a script, at times drawn from a law that is the same for every label."""
    client = int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")
    maker = Maker(Random(f"{seed}/{name}/text"), pools)
    times = _arrivals(Random(f"{seed}/{name}/time"), client, requests)
    asks = script(maker)
    exchanges = [_exchange(maker, client, at, next(asks)) for at in times]
    return Account(client, name, family, features.events(exchanges, seed=HASH_SEED))


def _arrivals(rng: Random, client: int, requests: int) -> list[float]:
    """Gamma gaps with a drawn shape and pace, inside one of the client's windows."""
    shape = float(np.exp(rng.uniform(np.log(0.2), np.log(3.0))))
    gaps = [rng.gammavariate(shape, 1.0) for _ in range(requests)]
    span = float(np.exp(rng.uniform(np.log(120.0), np.log(6.0 * 86_400.0))))
    start = 2_917 * WINDOW - client % int(WINDOW) + 60.0
    scale = span / max(sum(gaps), 1e-9)
    times, at = [], start
    for gap in gaps:
        at += gap * scale
        times.append(at)
    return times


def _exchange(maker: Maker, client: int, at: float, ask: Ask) -> Exchange:
    more = dict(ask.more)
    choices = int(more.get("choices", 1))
    limit = more.get("max_tokens")
    chars = max(1, int(ask.chars if limit is None else min(ask.chars, 4.0 * limit)))
    completions = tuple(_answer(maker.rng, chars) for _ in range(choices))
    sent = sum(len(message.text) for message in ask.messages)
    settings: dict[str, Any] = {
        "dialect": Dialect.OPENAI,
        "operation": Operation.CHAT,
        "status": 200,
        "model": maker.model,
        "peer": maker.peer,
        "user_agent": maker.agent,
        "finish": Finish.STOP,
        "usage": Usage.REPORTED,
        "input_tokens": sent // 4,
        "output_tokens": sum(map(len, completions)) // 4,
        "ttfb": maker.rng.lognormvariate(-0.7, 0.5),
        "duration": chars / 400.0,
    }
    return Exchange(at=at, client=client, messages=tuple(ask.messages), completions=completions, **settings | more)


def _answer(rng: Random, chars: int) -> str:
    start = rng.randrange(len(_WORDS))
    text = _ANSWER[start : start + chars]
    return text if len(text) == chars else (text + _ANSWER * (1 + chars // len(_ANSWER)))[:chars]
