"""The supervisor's own GET."""

import asyncio

from app.run.probe import get, get_json


async def served(answer):
    asked = []

    async def serve(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await get("0.0.0.0", port, "/x?y=1", "secret"), await get_json("127.0.0.1", port, "/"), asked


async def test_answer_and_credential():
    answer, found, asked = await served(b'HTTP/1.1 200 OK\r\ncontent-type: x\r\n\r\n{"a": 1}')
    assert answer == (200, b'{"a": 1}')
    assert found == {"a": 1}
    assert b"GET /x?y=1 HTTP/1.0\r\n" in asked[0]
    assert b"Authorization: Bearer secret\r\n" in asked[0]
    assert b"Authorization" not in asked[1]


async def test_no_answer_is_status_zero(free_port):
    assert await get("127.0.0.1", free_port(), "/") == (0, b"")
    assert (await served(b""))[0] == (0, b"")
    assert (await served(b"HTTP/1.1 500 No\r\n\r\n[]"))[1] == {}
    assert (await served(b"HTTP/1.1 200 OK\r\n\r\n[]"))[1] == {}
