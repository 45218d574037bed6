"""The shortest way of a stream's events: from the model API's connection to the client's in one call-back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.gateway.chunks import OPENINGS

if TYPE_CHECKING:
    from app.gateway.connection import Connection
    from app.gateway.server import Protocol

HELD_BYTES = 65536  # of chunks kept for the copy before they are put in order


class Splice(asyncio.Protocol):
    """Stands in for a connection to the model API; only what comes takes another way than the connection's own."""

    __slots__ = ("connection_lost", "data_received", "eof_received", "pause_writing", "resume_writing")

    def __init__(self, connection: Connection, data_received: Callable[[bytes], None]) -> None:
        own: Any = self  # what the base class has as methods are attributes here: the loop finds them sooner
        own.data_received = data_received
        own.eof_received = connection.eof_received
        own.connection_lost = connection.connection_lost
        own.pause_writing = connection.pause_writing
        own.resume_writing = connection.resume_writing


def passing(
    connection: Connection,
    client: Protocol,
    held: list[bytes] | None,
    sort: Callable[[], None],
    give_up: Callable[[Exception | None], None],
) -> Callable[[bytes], None]:
    """What takes a chunk that comes by itself to the client as it is; everything else goes to the connection.

    Nearly all of an event's cost is code that the processor has forgotten since the last one, so there is one
    function and little in it. Chunks are noted in `held`, if there is one, and sorted out by `sort` before they
    are many. `give_up` is called when the client reads too slowly, or something has failed.
    """
    openings, write, parse = OPENINGS, client.write, connection.data_received
    end, room = len(openings), HELD_BYTES

    def data_received(data: bytes) -> None:
        nonlocal room
        size = len(data)
        if not (size < end and connection.between and data.startswith(openings[size]) and data.endswith(b"\r\n")):
            parse(data)
            return
        # One chunk and nothing else, which needs no parsing: the parser is between two, and stays there.
        try:
            connection.heard = True
            write(data)
            if held is not None:
                held.append(data)
                room -= size
                if room < 0:
                    room = HELD_BYTES
                    sort()
            if client.write_paused:
                give_up(None)
        except Exception as error:  # noqa: BLE001  the cycle is the edge
            give_up(error)

    return data_received
