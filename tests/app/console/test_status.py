"""The status page: every part, every loss."""

import asyncio
import time

from app.console.startup import Startup


async def test_all_is_well(console, reviewer):
    await console.beat("gateway", "extractor", "worker", "linker")
    page = (await reviewer.get("/status")).text
    assert "Everything answers" in page
    assert page.count('scope="row"') == 4
    assert "400 ms" in page


async def test_what_is_missing_or_lost_is_named(console, reviewer):
    await console.beat("gateway", dropped=7.0)
    page = (await reviewer.get("/status")).text
    assert "No extractor reports." in page
    assert "No worker reports." in page
    assert "No linker reports." in page
    assert "7 events or copies were dropped." in page
    assert "Everything answers" not in page


async def test_after_a_start_nobody_is_missing_before_it_had_the_time_to_report(console, reviewer):
    kept = console.app.state.startup
    console.app.state.startup = Startup(time.time(), time.monotonic())
    try:
        pages = {path: (await reviewer.get(path)).text for path in ("/status", "/alerts", "/campaigns")}
        assert "Starting: no worker has reported yet." in pages["/status"]
        assert "No worker reports." not in pages["/status"]
        assert "Scoring is starting" in pages["/alerts"]
        assert "has stopped" not in pages["/alerts"]
        assert "No linker has reported yet." in pages["/campaigns"]
    finally:
        console.app.state.startup = kept
    assert "has stopped" in (await reviewer.get("/alerts")).text


async def test_it_stands_when_redis_is_away(console, reviewer, private_valkey):
    from app.store.redis import connect_async

    kept, console.app.state.redis = console.app.state.redis, connect_async(private_valkey.url)
    try:
        page = await reviewer.get("/status")
        queue = await reviewer.get("/alerts")
        campaigns = await reviewer.get("/campaigns")
    finally:
        await console.app.state.redis.aclose()
        console.app.state.redis = kept
    assert "Redis does not answer." in page.text
    assert "Redis does not answer" in queue.text
    for page_ in (queue, campaigns):  # no page says that clients are scored while another one says that none is
        assert "nothing is scored" in page_.text.lower()
    assert "one by one" not in campaigns.text


async def test_a_redis_that_is_silent_is_waited_for_once(console, reviewer):
    asked = []

    async def silent(reader, writer):
        asked.append(1)
        await reader.read()
        writer.close()

    from app.store.redis import connect_async

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    kept, console.app.state.redis = console.app.state.redis, connect_async(f"redis://127.0.0.1:{port}/0", 0.1)
    try:
        for path in ("/status", "/alerts", "/campaigns", "/clients"):
            asked.clear()
            assert (await reviewer.get(path)).status_code == 200
            assert len(asked) == 1, path
    finally:
        await console.app.state.redis.aclose()
        console.app.state.redis = kept
        server.close()


async def test_help_lists_the_shortcuts(reviewer):
    page = (await reviewer.get("/help")).text
    for key in ("j", "k", "Enter", "c", "?"):
        assert f"<kbd>{key}</kbd>" in page
