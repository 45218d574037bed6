"""The player: repeatable, modest, and unmoved by a target that is away."""

import asyncio
import contextlib
import signal
import subprocess
import sys

import pytest

from app.sample.traffic import BRISK_SECONDS, PERSONAS, Tally, pause_factor, play, play_lane


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_the_same_seed_plays_the_same(collect, persona):
    assert collect(persona, 20) == collect(persona, 20)
    if persona.name not in ("evaluation-harness", "judge-ci"):
        assert [call.body for call in collect(persona, 20)] != [call.body for call in collect(persona, 20, seed=8)]


def test_the_load_is_modest(collect):
    """Without any latency, all lanes together stay below 60 requests a second; calm, below five."""
    rate = 0.0
    for persona in PERSONAS:
        calls = collect(persona, 150)
        rate += persona.lanes * 150 / sum(call.wait for call in calls)
    assert 15 < rate < 60
    assert rate / pause_factor(BRISK_SECONDS) < 5


async def test_every_persona_gets_its_answers(sample_api):
    tally = Tally()
    wanted = {persona.name for persona in PERSONAS} - {"developer", "judge-ci"}
    task = asyncio.create_task(play(sample_api, 3, 0, tally))
    async with asyncio.timeout(90):
        while not set(tally.sent) >= wanted:
            await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert tally.failed == 0, tally.cause


async def test_playing_ends_by_itself(sample_api):
    tally = Tally()
    async with asyncio.timeout(30):
        await play(sample_api, 3, 0.5, tally)
    assert tally.failed == 0, tally.cause


async def test_a_target_that_is_away_is_counted_and_tried_again(free_port):
    tally = Tally()
    task = asyncio.create_task(play_lane(PERSONAS[0], 0, f"http://127.0.0.1:{free_port()}", 1, tally))
    async with asyncio.timeout(20):
        while tally.failed < 2:
            await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not tally.sent


def test_the_command_stops_on_a_signal(sample_api):
    command = [sys.executable, "-m", "app.cli", "sample-traffic", "--target", sample_api, "--seed", "5"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "0 failed" in said
