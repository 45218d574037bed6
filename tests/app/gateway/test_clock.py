"""The clock follows the loop, and the system's clock when that is stepped."""

from __future__ import annotations

import asyncio
import time

from app.gateway import clock as module
from app.gateway.clock import Clock


async def test_now_plus_epoch_is_the_time_of_day(monkeypatch):
    monkeypatch.setattr(module, "CORRECTION_SECONDS", 0.01)
    clock = Clock()
    assert abs(clock.now() + clock.epoch - time.time()) < 0.1
    loop = asyncio.get_running_loop()
    clock.start(loop)
    assert abs(clock.now() - loop.time()) < 0.1
    clock.epoch += 3600  # as if the system's clock had been stepped back
    await asyncio.sleep(0.05)
    assert abs(clock.now() + clock.epoch - time.time()) < 0.1
    clock.stop()
