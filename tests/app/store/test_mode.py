"""The mode in Redis: only a newer change takes the place of an older one."""

from __future__ import annotations

import pytest

from app.store import mode
from app.store.mode import KEY, Told, parse
from app.store.redis import connect, connect_async


@pytest.mark.parametrize(
    "text", [None, b"", b"null", b"[]", b"7", b"{}", b'{"mode":"off","version":1}', b'{"mode":"bypass"}', b"\xff"]
)
def test_what_is_no_mode_is_none(text):
    assert parse(text) is None


async def test_a_change_that_comes_late_does_not_undo_a_newer_one(redis_url):
    with connect(redis_url, timeout=5) as client:
        for version, name in ((2, "enforce"), (1, "bypass"), (2, "observe")):
            mode.publish(client, Told(name, version))
            assert parse(client.get(KEY)) == Told("enforce", 2)
        waiting = connect_async(redis_url, timeout=5)
        await mode.publish_async(waiting, Told("bypass", 3))
        await waiting.aclose()
        assert parse(client.get(KEY)) == Told("bypass", 3)
        client.set(KEY, "nonsense")
        mode.publish(client, Told("observe", 1))
        assert parse(client.get(KEY)) == Told("observe", 1)
