"""A WebSocket's handshake on its way to the model API; once that agrees, the connections are joined."""

from __future__ import annotations

import asyncio

from app.gateway.asgi import AsgiCall
from app.gateway.clock import Clock
from app.gateway.connection import Connection
from app.gateway.cycle import Cycle
from app.gateway.heads import answer_head
from app.gateway.plan import Plan
from app.gateway.problems import NO_UPGRADE, UPSTREAM_INVALID
from app.gateway.relay import PROBLEMS, Relay
from app.gateway.tap import Tally
from app.gateway.tunnel import SWITCHING, Tunnel, UpgradingConnection
from app.gateway.upstream import ConnectFailed, Pool
from app.store.frames import REJECTED, TIMEOUT, UPSTREAM_ERROR

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n%bconnection: Upgrade\r\nupgrade: websocket\r\n\r\n"


class Upgrade(Relay):
    """The exchange that a WebSocket is: a handshake, then bytes both ways, then its end."""

    _kind = UpgradingConnection

    def __init__(self, pool: Pool | None, call: Cycle | AsgiCall, clock: Clock, copy_bytes: int) -> None:
        super().__init__(pool, call, clock, copy_bytes)
        if copy_bytes >= 0:
            self.request_tap, self.response_tap = Tally(), Tally()

    async def run(self, plan: Plan) -> None:
        """Forward the handshake; relay the refusal, or the WebSocket to its end."""
        call = self._call
        if not isinstance(call, Cycle):  # another server, or a client whose requests are altered
            await self.refuse(NO_UPGRADE, REJECTED)
            return
        call.keep_alive = self._more = False
        call.watch(self._leave)
        call.hold()
        try:
            connection = await self._connect()  # a fresh one: nothing has to be sent again
            if connection is None:
                return
            before, after = plan.opening
            self._begin(connection, before + call.length + after)
            while not connection.status and not connection.error:
                await connection.waiting()
            if connection.status == SWITCHING:
                await self._join(call, connection)
            elif connection.status:
                await self._answer()
            elif not call.gone:
                await self.refuse(*PROBLEMS[connection.error])
        except ConnectFailed as failure:
            await self._unconnected(failure)
        except asyncio.CancelledError:
            self.outcome = TIMEOUT
            raise
        finally:
            self._settle()

    async def _join(self, call: Cycle, connection: Connection) -> None:
        assert isinstance(connection, UpgradingConnection)
        head = answer_head(connection.head_block())
        if connection.closed or not head.valid:
            await self.refuse(UPSTREAM_INVALID, UPSTREAM_ERROR)
            return
        self.answer = head
        self.status = SWITCHING
        self.answered_at = self._clock.now()
        call.watch(_nothing)  # the tunnel sees to what follows when the client leaves
        tunnel = Tunnel(call.switch(SWITCHED % head.block), connection, (self.request_tap, self.response_tap))
        try:
            await tunnel.run()
            self.outcome = tunnel.outcome
        finally:
            tunnel.cut()


def _nothing() -> None:
    pass
