"""The proxy one would write first: a FastAPI route and one shared httpx client."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
    async with httpx.AsyncClient(base_url=os.environ["UPSTREAM"], timeout=None, limits=limits) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=_lifespan)
HOP = {"host", "connection", "transfer-encoding", "keep-alive"}


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def forward(path: str, request: Request) -> StreamingResponse:
    """Send the request on and stream the answer back."""
    headers = {name: value for name, value in request.headers.items() if name not in HOP}
    client: httpx.AsyncClient = request.app.state.client
    outgoing = client.build_request(request.method, f"/{path}", headers=headers, content=await request.body())
    answer = await client.send(outgoing, stream=True)

    async def body() -> AsyncIterator[bytes]:
        async for data in answer.aiter_raw():
            yield data
        await answer.aclose()

    kept = {name: value for name, value in answer.headers.items() if name not in HOP}
    return StreamingResponse(body(), answer.status_code, kept)


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
