"""A crowd with one sharded harvest in it, as events."""

from __future__ import annotations

from random import Random

import pytest

from app.settings import read_settings
from detectors.exchange import Dialect, Exchange, Message, Operation
from detectors.features import events

WORDS = "river quarry lantern maple orbit granite saddle violin harbour thimble copper meadow falcon ribbon".split()  # noqa: SIM905
ANSWER = "First the numbers are written down, then each of them is checked. " * 20


def exchange(text, client, at, network, **options):
    return Exchange(
        at=at,
        client=client,
        dialect=Dialect(1),
        operation=Operation.CHAT,
        status=200,
        model="m-large",
        messages=(Message("user", text),),
        completions=(ANSWER,) * options.get("choices", 1),
        peer=f"198.18.{network}.7",
        **options,
    )


def harvest_of(clients, at, turns=24, seed=1):
    rng = Random(seed)
    return [
        exchange(
            "Solve the problem below. Write every intermediate thought and every check between <think> and </think> "
            f"before you answer. Problem {turn * 100 + place}: {' '.join(rng.choice(WORDS) for _ in range(14))}",
            client,
            at + turn,
            place,
            temperature=0.83,
            max_tokens=8192,
            choices=2,
        )
        for turn in range(turns)
        for place, client in enumerate(clients)
    ]


def others(count, at):
    rng = Random(5)
    return [
        exchange(
            " ".join(rng.choice(WORDS) + str(rng.randrange(9999)) for _ in range(rng.randrange(6, 40))),
            1000 + place,
            at + turn,
            100 + place,
            temperature=round(rng.random(), 2),
        )
        for place in range(count)
        for turn in range(6)
    ]


@pytest.fixture
def crowd():
    """Events of a harvest by some clients, and of thirty customers who have nothing to do with one another."""

    def make(clients=range(1, 13), at=1_800_000_000.0, seed=1):
        return events([*others(30, at), *harvest_of(list(clients), at, seed=seed)], seed=9)

    return make


@pytest.fixture
def settings(redis_url, sqlite_url, tmp_path, migrated):
    """A migrated database, an empty Redis and a data folder."""
    migrated(sqlite_url)
    env = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": sqlite_url.replace("+aiosqlite", ""),
        "STILLWATCH_DATA": str(tmp_path),
    }
    return read_settings(env)
