"""A proxy in front of a unix socket that passes every byte on, later."""

from __future__ import annotations

import argparse
import asyncio

READ_BYTES = 65536


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(READ_BYTES):
        loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)


async def _serve(port: int, path: str, seconds: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(_pass(reader, far_writer, seconds), _pass(far_reader, writer, seconds))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path", help="of the unix socket behind it")
    parser.add_argument("seconds", type=float, help="that each byte is held, each way")
    args = parser.parse_args()
    asyncio.run(_serve(args.port, args.path, args.seconds))


if __name__ == "__main__":
    main()
