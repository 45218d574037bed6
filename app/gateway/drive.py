"""Runs a coroutine without a task: it goes on in the very callback that it waited for.

A proxied request takes two turns, one for its own bytes and one for the answer's. A task would add a
future, a callback and a pass through the loop to each; that was a third of the request's cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol


class Waiter(Protocol):
    """A future or a turn."""

    def done(self) -> bool:
        """Whether it was already woken."""
        ...

    def set_result(self, result: None, /) -> None:
        """Wake whoever waits."""
        ...

    def __await__(self) -> Generator[Any, None, None]:
        """Suspend until woken."""
        ...


class Turn:
    """One suspension of a driven coroutine; waking it resumes the coroutine at once."""

    __slots__ = ("resume",)

    def __init__(self) -> None:
        self.resume: Callable[[], None] | None = None

    def __await__(self) -> Generator[Turn, None, None]:
        yield self

    def done(self) -> bool:
        """Whether nobody waits: not yet suspended, resumed already, or cancelled."""
        return self.resume is None

    def set_result(self, _result: None, /) -> None:
        """Resume the coroutine that waits."""
        resume, self.resume = self.resume, None
        if resume is not None:
            resume()


class Driver:
    """Runs one coroutine; it may wait on turns and on asyncio's futures, and on nothing that needs a task."""

    __slots__ = ("_coroutine", "_ended", "_finished", "_loop", "_turn")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, None],
        loop: asyncio.AbstractEventLoop,
        finished: Callable[[Driver, BaseException | None], None],
    ) -> None:
        self._coroutine = coroutine
        self._loop = loop
        self._finished = finished
        self._turn: Turn | asyncio.Future[Any] | None = None
        self._ended = False

    def done(self) -> bool:
        """Whether the coroutine has ended."""
        return self._ended

    def step(self, _future: object = None) -> None:
        """Run the coroutine to its next wait."""
        self._turn = None
        try:
            waits: Any = self._coroutine.send(None)
        except StopIteration:
            self._end(None)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  `finished` is the edge
            self._end(error)
        else:
            self._suspend(waits)

    def cancel(self, msg: object = None) -> None:
        """Raise CancelledError where the coroutine waits; what it does then is its own affair."""
        if self._ended:
            return
        turn, self._turn = self._turn, None
        if isinstance(turn, Turn):
            turn.resume = None
        elif turn is not None:
            turn.remove_done_callback(self.step)
        try:
            waits: Any = self._coroutine.throw(asyncio.CancelledError(msg))
        except StopIteration:
            self._end(None)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  `finished` is the edge
            self._end(error)
        else:
            self._suspend(waits)

    def _suspend(self, waits: Any) -> None:
        self._turn = waits
        if type(waits) is Turn:
            waits.resume = self.step
        elif waits is None:
            self._loop.call_soon(self.step)
        else:
            waits._asyncio_future_blocking = False
            waits.add_done_callback(self.step)

    def _end(self, error: BaseException | None) -> None:
        self._ended = True
        self._finished(self, error)
