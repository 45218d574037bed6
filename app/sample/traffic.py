"""The player: every persona's lanes against one target, briskly at first so that there is something to see."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from app.sample.connection import Connection, Failed
from app.sample.harvest import HARVESTERS, SHARDS
from app.sample.jobs import JOBS
from app.sample.persona import Persona, Reply
from app.sample.products import PRODUCTS

PERSONAS: tuple[Persona, ...] = (*JOBS, *PRODUCTS, *HARVESTERS)

BRISK_SECONDS = 100.0  # then the pauses grow, so that the page stays alive and the machine rests
CALM_FACTOR = 14.0
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What was sent so far, by persona; the last failure's cause."""

    sent: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    cause: str = ""


def pause_factor(elapsed: float) -> float:
    """How much longer pauses are `elapsed` seconds after the start."""
    return 1.0 if elapsed < BRISK_SECONDS else CALM_FACTOR


def lane_seed(seed: int, persona: Persona, lane: int) -> Random:
    """The generator of one lane: the same seed plays the same requests."""
    return Random(f"{seed}/{persona.name}/{lane}")


async def play_lane(
    persona: Persona, lane: int, target: str, seed: int, tally: Tally, clock: Callable[[], float] = time.monotonic
) -> None:
    """Run one script of `persona` until cancelled; a failed call waits and goes on with an empty reply."""
    started = clock()
    connection = Connection(target, persona.headers())
    script = persona.script(lane_seed(seed, persona, lane), lane)
    call = next(script)
    try:
        while True:
            await asyncio.sleep(call.wait * pause_factor(clock() - started))
            try:
                reply = await connection.send(call.body)
                tally.sent[persona.name] = tally.sent.get(persona.name, 0) + 1
            except Failed as failure:
                tally.failed, tally.cause = tally.failed + 1, str(failure)
                await asyncio.sleep(RETRY_SECONDS)
                reply = Reply("")
            call = script.send(reply)
    finally:
        script.close()
        await connection.close()


async def play(target: str, seed: int, seconds: float, tally: Tally) -> None:
    """Play all personas for `seconds`, or until cancelled where that is 0."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds or None), asyncio.TaskGroup() as group:
            group.create_task(_report(tally))
            for persona in (*PERSONAS, *SHARDS):
                for lane in range(persona.lanes):
                    group.create_task(play_lane(persona, lane, target, seed, tally))


async def _report(tally: Tally) -> None:
    seen = 0
    while True:
        await asyncio.sleep(30)
        if tally.failed > seen:
            logger.warning("%d of the sample requests failed, last: %s", tally.failed - seen, tally.cause)
        seen = tally.failed


async def _main(target: str, seed: int, seconds: float) -> Tally:
    tally = Tally()
    task = asyncio.ensure_future(play(target, seed, seconds, tally))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return tally


def main(target: str, seed: int = 0, seconds: float = 0) -> int:
    """Play until stopped; seed 0 draws new questions in every run, so that harvesters never repeat themselves."""
    logging.basicConfig(level=logging.INFO, format="level=%(levelname)s role=sample-traffic message=%(message)s")
    tally = asyncio.run(_main(target.rstrip("/"), seed or time.time_ns(), seconds))
    print(f"Sample traffic: {tally.sent}, {tally.failed} failed {tally.cause}", file=sys.stderr, flush=True)  # noqa: T201
    return 0
