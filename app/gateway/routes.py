"""Which model API serves a path: the longest configured prefix wins, chosen by configuration alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.gateway.upstream import Pool


@dataclass(frozen=True, slots=True)
class Route:
    """One path prefix and the model API behind it."""

    prefix: bytes  # without a slash at its end; empty: every path
    strip: bool  # whether the prefix is left out of what goes on
    host: bytes  # for the Host header
    base: bytes  # the path of the model API's URL, without a slash at its end
    dialect: int  # index into frames.DIALECTS
    pool: Pool

    def target(self, path: bytes) -> bytes:
        """The target that goes on for a request's path and query."""
        if not self.strip:
            return self.base + path if self.base and path != b"*" else path
        rest = path[len(self.prefix) :]
        if rest[:1] != b"/" and not self.base:
            rest = b"/" + rest  # the prefix was the whole path
        return self.base + rest


class Router:
    """The routes of a gateway and their connections; the counters are of all routes together."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(sorted(routes, key=lambda route: -len(route.prefix)))
        self.pools = tuple({id(route.pool): route.pool for route in routes}.values())
        self.unmatched = 0  # requests whose path no route serves
        self._only = routes[0] if len(routes) == 1 and not routes[0].prefix else None

    def find(self, path: bytes) -> Route | None:
        """The route of a request's path and query; None where there is none, which is counted."""
        if self._only is not None:
            return self._only
        for route in self.routes:
            prefix = route.prefix
            if path.startswith(prefix) and (not prefix or path[len(prefix) : len(prefix) + 1] in (b"", b"/", b"?")):
                return route
        self.unmatched += 1
        return None

    def start(self) -> None:
        """Begin reaping connections; needs a running loop."""
        for pool in self.pools:
            pool.start()

    def close(self) -> None:
        """Close every connection."""
        for pool in self.pools:
            pool.close()

    @property
    def opened(self) -> int:
        """Connections opened."""
        return sum(pool.opened for pool in self.pools)

    @property
    def reused(self) -> int:
        """Requests that used a pooled connection."""
        return sum(pool.reused for pool in self.pools)

    @property
    def failed(self) -> int:
        """Attempts to connect that failed."""
        return sum(pool.failed for pool in self.pools)

    @property
    def untrusted(self) -> int:
        """Those of them that failed in TLS."""
        return sum(pool.untrusted for pool in self.pools)

    @property
    def retries(self) -> int:
        """Requests sent again because a pooled connection was stale."""
        return sum(pool.retries for pool in self.pools)

    @property
    def idle(self) -> int:
        """Connections that wait."""
        return sum(pool.idle for pool in self.pools)

    def describe(self) -> list[dict[str, str]]:
        """The routes, for people."""
        return [
            {"prefix": route.prefix.decode("latin-1") or "/", "upstream": (route.host + route.base).decode("latin-1")}
            for route in self.routes
        ]
