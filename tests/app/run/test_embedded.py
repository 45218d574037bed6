"""The bundled Valkey: private, durable, and at home in folders of any length."""

import os

import pytest
import redis

from app.errors import Unavailable
from app.run.child import Child
from app.run.embedded import Embedded
from app.run.logs import BoundedLog, Output


@pytest.fixture
async def start(tmp_path):
    """A function that starts the server on a folder."""
    running = []

    async def begin(folder):
        embedded = Embedded(folder)
        said = []
        child = Child(embedded.spec(os.environ), Output(BoundedLog(tmp_path / "valkey.log"), said.append), said.append)
        running.append((embedded, child))
        await child.start()
        await embedded.ready(child, 20)
        return embedded, child, said

    yield begin
    for embedded, child in running:
        await child.stop(at_once=True)
        embedded.clear()


@pytest.mark.parametrize("name", ["short", "with space", "x" * 150])
async def test_socket_for_its_owner_alone_in_any_folder(start, tmp_path, name):
    (tmp_path / name).mkdir()
    embedded, child, said = await start(tmp_path / name)
    assert embedded.socket.stat().st_mode & 0o077 == 0
    with redis.Redis.from_url(embedded.url) as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
    await child.stop()
    assert child.process.returncode == 0
    assert not said
    embedded.clear()
    assert embedded.temporary is None or not embedded.temporary.exists()


@pytest.mark.parametrize("at_once", [False, True])
async def test_data_survives_a_stop_and_a_kill(start, tmp_path, at_once):
    embedded, child, _ = await start(tmp_path)
    with redis.Redis.from_url(embedded.url) as client:
        client.set("a", "1")
    await child.stop(at_once=at_once)
    embedded, _, _ = await start(tmp_path)
    with redis.Redis.from_url(embedded.url) as client:
        assert client.get("a") == b"1"


async def test_a_damaged_folder_is_said_in_the_servers_words(start, tmp_path):
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey" / "appendonlydir").write_text("not a folder")
    with pytest.raises(Unavailable, match="the bundled Valkey does not start"):
        await start(tmp_path)
