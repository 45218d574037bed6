"""One process after the other dies or is told to stop: customers notice nothing, and what is lost is counted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

import pytest

from app.store.stream import lag_command
from bench.soak import callers, stage
from bench.soak.stage import until

DIRECT = pytest.mark.parametrize("line", [{"direct": True}], ids=["direct"], indirect=True)


def waiting_blocks(line):
    with contextlib.closing(line.server.client()) as direct:
        return sum(direct.execute_command(*lag_command(place)) for place in range(stage.PARTITIONS))


def says(line, reason):
    return reason in line.status().get("reasons", ())


@DIRECT
def test_extractor_worker_and_console_die_one_after_the_other(line):
    with line.traffic() as customers:
        customers.more()

        line.product.stop("extractor", signal.SIGKILL)
        customers.more(200)
        until(lambda: says(line, "no extractor reports"), "the status says that the extractor is away", 60)
        assert line.status()["mode"] == "fail_open"
        assert line.metric("stillwatch_gateway_extractor_connected", gateway=True) == 0
        assert line.metric("stillwatch_gateway_handoff_waiting_bytes", gateway=True) > 0, "copies wait for it"
        line.product.launch("extractor")
        line.product.await_life("extractor")
        line.recovers("extractor killed")
        waiting = "stillwatch_gateway_handoff_waiting_bytes"
        until(lambda: line.metric(waiting, gateway=True) == 0, "no copy waits any more", 60)

        line.product.stop("worker", signal.SIGKILL)
        customers.more(100)
        until(lambda: says(line, "no worker reports"), "the status says that the worker is away", 60)
        assert waiting_blocks(line) > 0, "events wait in the stream"
        line.product.launch("worker")
        line.product.await_life("worker")
        line.recovers("worker killed")
        until(lambda: waiting_blocks(line) < 4, "the worker has caught up")

        line.product.stop("console", signal.SIGKILL)
        customers.more(100)
        line.ask("sk-while-the-console-is-away")
        until(lambda: line.scored("sk-while-the-console-is-away"), "scoring goes on")
        line.product.launch("console")
        line.product.await_life("console")
        until(lambda: line.status().get("mode") == "ok", "the console is back", 60)


@DIRECT
def test_a_full_hand_off_drops_and_counts(line):
    """With the extractor stopped in its tracks the copies fill their bounded room, and customers go on."""
    line.product.processes["extractor"].send_signal(signal.SIGSTOP)
    line.product.stop("gateway")
    line.product.env["STILLWATCH_CHANNEL_BYTES"] = str(1 << 20)
    line.product.launch("gateway")
    line.product.await_life("gateway")
    with line.traffic() as customers:
        until(lambda: customers.more(50) and line.product.counters()["handoff_dropped"] > 0, "copies are dropped", 60)
        dropped = line.product.counters()
        assert dropped["handoff_waiting_bytes"] <= 1 << 20
        line.product.processes["extractor"].send_signal(signal.SIGCONT)
        line.recovers("extractor stopped in its tracks")
    until(lambda: (line.status()["dropped_events"] or 0) >= dropped["handoff_dropped"], "the status says so", 60)
    assert line.metric("stillwatch_gateway_handoff_dropped_total", gateway=True) >= dropped["handoff_dropped"]


@DIRECT
def test_a_stop_under_streams_finishes_them_and_loses_no_event(line):
    """Readiness fails first, streams run to their end, and every request has become an event."""

    async def streams(count):
        async def one(number):
            caller = callers.Caller(line.product.gateway)
            try:
                body = callers.question(number, stream=True)
                return await caller.ask(callers.post(body, f"sk-stream-{number}", pause_ms=60))
            finally:
                await caller.close()

        return await asyncio.gather(*(one(number) for number in range(count)))

    with line.traffic() as customers:
        customers.more()
    asked = asyncio.run_coroutine_threadsafe(streams(24), line.loop.loop)
    until(lambda: line.product.counters()["in_flight"] == 24, "all streams are under way", 60)
    requests = line.product.counters()["requests"] + 24

    process = line.product.processes["gateway"]
    process.send_signal(signal.SIGTERM)
    seen = set()
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        seen.add(line.product.get(line.product.gateway, "/_stillwatch/readyz")[0])
    assert seen >= {503, 0}, "readiness fails before the listener is gone"
    assert process.wait(60) == 0
    answers = asked.result(60)
    assert all(b"[DONE]" in body for body in answers)
    line.product.processes.pop("gateway")

    for role, name in (("extractor", "events_emitted"), ("worker", "events")):
        until(lambda: line.counts(role).get(name, 0) >= requests, f"{role}: every request is an event", 60)  # noqa: B023
        assert line.counts(role)[name] == requests
