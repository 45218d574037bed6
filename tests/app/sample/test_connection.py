"""The sample clients' own HTTP connection, against real and misbehaving servers."""

import asyncio

import pytest

from app.sample.connection import Connection, Failed, read_document
from app.sample.persona import chat

BODY = chat("sample-large", ("user", "Tell me of ferries"), seed=5)
HEADERS = (("authorization", "Bearer x"), ("content-type", "application/json"))


@pytest.fixture
async def raw_server():
    """A server that sends the given bytes to whoever connects, then closes."""
    servers = []

    async def start(answer):
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_document_and_stream_agree_on_one_connection(sample_api):
    connection = Connection(sample_api, HEADERS)
    whole = await connection.send(BODY)
    streams = connection.streams
    parts = await connection.send(BODY | {"stream": True})
    assert whole.text == parts.text != ""
    assert connection.streams is streams
    await connection.close()


async def test_a_refusal_is_a_failure_and_keeps_the_connection(sample_api):
    connection = Connection(sample_api, HEADERS)
    with pytest.raises(Failed, match="status 404"):
        await connection.send(BODY | {"model": "other"})
    assert (await connection.send(BODY)).text
    await connection.close()


async def test_nobody_listens(free_port):
    with pytest.raises(Failed, match="Connect"):
        await Connection(f"http://127.0.0.1:{free_port()}", HEADERS).send(BODY)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{}", b"nonsense\r\n\r\n"],
)
async def test_a_broken_answer_is_a_failure(raw_server, answer):
    connection = Connection(await raw_server(answer), HEADERS)
    with pytest.raises(Failed):
        await connection.send(BODY)
    await connection.close()


async def test_a_connection_closed_between_requests_is_opened_again(raw_server):
    document = b'{"choices":[{"message":{"content":"hello"}}]}'
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(document)
    connection = Connection(await raw_server(head + document), HEADERS)  # closes after each answer
    for _ in range(3):
        assert (await connection.send(BODY)).text == "hello"
    await connection.close()


async def test_an_answer_without_a_length_ends_with_the_connection(raw_server):
    document = b'{"choices":[{"message":{"content":"hello"}}]}'
    connection = Connection(await raw_server(b"HTTP/1.1 200 OK\r\n\r\n" + document), HEADERS)
    assert (await connection.send(BODY)).text == "hello"
    assert connection.streams is None


def test_an_answer_of_another_shape_is_empty():
    assert read_document(b'{"choices": []}').text == ""
    assert read_document(b"<html>").text == ""
