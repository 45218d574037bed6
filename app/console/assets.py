"""Static files of the dashboard: read once, served from memory under a name that changes with the content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import HEADERS

ROOT = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file: its bytes, media type and the first half of its SHA-256."""

    body: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Every servable file by its path under `static/`; nothing else is reachable."""
    found: dict[str, Asset] = {}
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            body = path.read_bytes()
            name = path.relative_to(ROOT).as_posix()
            found[name] = Asset(body, TYPES[path.suffix], sha256(body).hexdigest()[:16])
    return found


def url(name: str) -> str:
    """The address of a static file; a changed file has a new address."""
    return f"/static/{name}?v={assets()[name].digest}"


async def serve(request: Request) -> Response:
    """A static file, or 404; only the current content may be cached for good."""
    asset = assets().get(request.path_params["name"])
    if asset is None:
        return Response("Not found", 404, {**HEADERS, "cache-control": "no-store"}, "text/plain")
    cached = FOREVER if request.query_params.get("v") == asset.digest else "no-cache"
    return Response(asset.body, 200, {**HEADERS, "cache-control": cached}, asset.media_type)
