"""The driver runs a coroutine inside the callbacks that wake it."""

from __future__ import annotations

import asyncio

from app.gateway.drive import Driver, Turn


def _drive(coroutine):
    ended = []
    driver = Driver(coroutine, asyncio.get_running_loop(), lambda driver, error: ended.append(error))
    driver.step()
    return driver, ended


async def test_a_turn_resumes_at_once():
    turn, log = Turn(), []

    async def work():
        log.append("before")
        await turn
        log.append("after")

    driver, ended = _drive(work())
    assert (log, ended, turn.done()) == (["before"], [], False)
    turn.set_result(None)
    assert (log, ended, driver.done()) == (["before", "after"], [None], True)
    assert turn.done()
    turn.set_result(None)  # a late second waking does nothing


async def test_futures_and_sleep_work_too():
    future = asyncio.get_running_loop().create_future()
    log = []

    async def work():
        log.append(await future)
        await asyncio.sleep(0)
        log.append("slept")

    _, ended = _drive(work())
    future.set_result("result")
    while not ended:
        await asyncio.sleep(0)
    assert (log, ended) == (["result", "slept"], [None])


async def test_errors_reach_the_edge():
    async def work():
        raise KeyError("x")

    _, ended = _drive(work())
    assert isinstance(ended[0], KeyError)


async def test_cancel_is_raised_where_it_waits_and_the_wait_is_forgotten():
    future = asyncio.get_running_loop().create_future()
    for wait in (Turn(), future):
        log = []

        async def work(wait=wait, log=log):
            try:
                await wait
            finally:
                log.append("cleaned")

        driver, ended = _drive(work())
        driver.cancel("stop")
        assert log == ["cleaned"]
        assert isinstance(ended[0], asyncio.CancelledError)
        wait.set_result(None)
        await asyncio.sleep(0)
        driver.cancel()
        assert len(ended) == 1


async def test_a_coroutine_may_go_on_after_a_cancel():
    first, second = Turn(), Turn()

    async def work():
        try:
            await first
        except asyncio.CancelledError:
            await second

    driver, ended = _drive(work())
    driver.cancel()
    assert not driver.done()
    second.set_result(None)
    assert ended == [None]
    driver, ended = _drive(_swallow(Turn()))
    driver.cancel()
    assert ended == [None]


async def _swallow(turn):
    try:
        await turn
    except asyncio.CancelledError:
        return
