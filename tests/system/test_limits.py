"""Limits of a gateway process: how many requests at once, and how many files it may open."""

from __future__ import annotations

import asyncio
import json

import pytest

from bench.soak import callers
from bench.soak.stage import until

AT_ONCE = 5
LIMITED = {"STILLWATCH_MAX_CONCURRENCY": str(AT_ONCE), "direct": True}


async def refused(port):
    """The whole answer to one request, as it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(callers.post(callers.question(1, stream=False), "sk-one-too-many"))
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
        await writer.wait_closed()


async def streams(port, count):
    async def one(number):
        caller = callers.Caller(port)
        try:
            return await caller.ask(callers.post(callers.question(number, stream=True), f"sk-{number}", pause_ms=120))
        finally:
            await caller.close()

    return await asyncio.gather(*(one(number) for number in range(count)))


@pytest.mark.parametrize("line", [LIMITED], ids=["limited"], indirect=True)
def test_requests_beyond_the_limit_are_refused_at_once_and_counted(line):
    port = line.product.gateway

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, line.loop.loop)

    before = line.api.requests
    open_streams = run(streams(port, AT_ONCE))
    until(lambda: line.product.counters()["in_flight"] == AT_ONCE, "as many as allowed are served", 10)
    until(lambda: line.api.requests == before + AT_ONCE, "the model API has them all", 10)
    head, _, body = run(refused(port)).result(60).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in head.lower()
    assert json.loads(body)["error"]["code"] == "overloaded"
    assert line.api.requests == before + AT_ONCE, "the model API is not asked"
    assert line.product.counters()["overloaded"] == 1
    assert line.metric("stillwatch_gateway_overloaded_total", gateway=True) == 1
    assert all(b"[DONE]" in answer for answer in open_streams.result(60)), "those under way are left alone"
    line.ask("sk-afterwards")
    until(lambda: line.counts("worker").get("events", 0) == AT_ONCE + 2, "the refused one has its event too", 20)

    line.product.stop("gateway")
    line.product.launch("gateway", ("prlimit", "--nofile=300:300"))
    line.product.await_life("gateway")
    line.ask("sk-with-few-files")
    assert "only 300 open files are allowed: about 118 streams at once; raise ulimit -n to 4096" in line.product.log(
        "gateway"
    ).read_text("utf-8")
