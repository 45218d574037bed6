"""SQLite's write lock: given back with a connection that is closed, and known where a connection of ours has it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from typing import Any
from weakref import WeakSet


class _Connection(sqlite3.Connection):
    """One that leaves no transaction behind.

    A call that is cut off at its deadline leaves cursors behind, in the frames that its error remembers, and SQLite
    keeps a closed connection, its transaction and so the lock until the last of them is collected as garbage.
    """

    def close(self) -> None:
        """Roll back what is open, then close."""
        with contextlib.suppress(sqlite3.Error):
            self.rollback()
        super().close()


class WriteLock:
    """The connections of one engine, each in a thread of its own, and whether one of them is in a transaction."""

    def __init__(self) -> None:
        self._made: WeakSet[_Connection] = WeakSet()
        self._threads: WeakSet[threading.Thread] = WeakSet()
        self._adding = threading.Lock()

    def connect(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        """A new connection; what `sqlite3.connect` takes as its factory."""
        made = _Connection(*args, **kwargs)
        with self._adding:
            self._made.add(made)
            self._threads.add(threading.current_thread())
        return made

    def is_ours(self) -> bool:
        """Whether one is in a transaction: between two calls only one that was cut off and still works on."""
        with self._adding:
            made = list(self._made)
        return any(map(_in_transaction, made))

    def wait(self, seconds: float) -> bool:
        """Wait until the threads of all connections have ended, which are closed by now; whether they have."""
        with self._adding:
            threads = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def _in_transaction(connection: sqlite3.Connection) -> bool:
    try:
        return connection.in_transaction
    except sqlite3.ProgrammingError:  # it is closed
        return False
