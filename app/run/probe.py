"""A small GET for the supervisor's own questions to gateway, API and the sample model API."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

SECONDS = 5.0
LARGEST = 8 << 20


async def get(host: str, port: int, path: str, token: str = "", seconds: float = SECONDS) -> tuple[int, bytes]:
    """Status and body of the answer; status 0 where there is none."""
    wildcard = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    host = wildcard.get(host, host)
    credential = f"Authorization: Bearer {token}\r\n" if token else ""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port, limit=LARGEST)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n{credential}\r\n".encode())
                answer = await reader.read(-1)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body
    except (OSError, TimeoutError, ValueError, LookupError):
        return 0, b""


async def get_json(host: str, port: int, path: str, token: str = "") -> dict[str, Any]:
    """The JSON object behind `path`; empty where there is none."""
    status, body = await get(host, port, path, token)
    try:
        found = json.loads(body) if status == 200 else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
