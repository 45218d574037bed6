"""What can be wrong before anything starts: the data folder, a second supervisor on it, the ports."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

from app.errors import SettingError
from app.listening import listen_error
from app.settings import Settings
from app.store.folder import make_private

PROBE_BYTES = 4096  # written to see whether there is room: an empty file finds it on a full disk
PORT_SECONDS = 2.0  # a port may still belong to a run that just ended


def prepare_folder(data: Path) -> Path:
    """Create `data`, for its owner alone; its absolute path. Raises SettingError if it cannot be written."""
    try:
        make_private(data)
        folder = data.resolve()
        probe = folder / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise SettingError(
            "STILLWATCH_DATA",
            f"cannot write to {data}: {error.strerror or error}",
            "give a folder that you may write to, and that has room",
        ) from None
    return folder


def lock_folder(folder: Path) -> IO[str]:
    """Take the folder for this process until the returned file closes; raises SettingError if another has it."""
    file = (folder / "run.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "?"
        file.close()
        raise SettingError(
            "STILLWATCH_DATA",
            f"another Stillwatch (process {owner}) runs on {folder}",
            "stop it, or give this one a folder of its own",
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def check_ports(settings: Settings, seconds: float = PORT_SECONDS) -> None:
    """Raises SettingError that names the variable of the first port that cannot be listened on."""
    gateway = (settings.gateway_host, settings.gateway_port)
    console = (settings.console_host, settings.console_port)
    if gateway == console:
        raise SettingError(
            "STILLWATCH_CONSOLE_PORT", f"{console[1]} is the gateway's port too", "give the two different ports"
        )
    for part, (host, port) in (("GATEWAY", gateway), ("CONSOLE", console)):
        _check_port(part, host, port, seconds)


def _check_port(part: str, host: str, port: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        error = _bind_error(host, port)
        if error is None:
            return
        if getattr(error, "errno", None) != errno.EADDRINUSE or time.monotonic() > deadline:
            raise listen_error(part, host, port, error)
        time.sleep(0.1)


def _bind_error(host: str, port: int) -> OSError | UnicodeError | None:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except (OSError, UnicodeError) as error:
        return error
    return None
