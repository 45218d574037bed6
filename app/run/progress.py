"""What the supervisor tells of the scoring: counts while it warms up, then each new alert, read over the REST API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from app.run import probe
from app.run.screen import Screen
from app.settings import Settings

WARM_SECONDS = 2.0  # between two looks while the sample traffic warms up
CALM_SECONDS = 10.0
PLAIN_EVERY = 5  # where every look would be a line of its own, print one in this many


class Progress:
    """Follows the API of one run and prints what changed; `expected` maps client id to a sample harvester's meaning."""

    def __init__(self, settings: Settings, token: str, screen: Screen, base: str, expected: Mapping[str, str]) -> None:
        self.settings, self.token, self.screen, self.base = settings, token, screen, base
        self.expected = dict(expected)
        self.seen: set[str] = set()  # ids of the alerts that were told
        self.looks = 0
        self.started = time.monotonic()

    async def follow(self, alive: Callable[[], bool] = lambda: True) -> None:
        """Look and tell until cancelled."""
        if await self._alerts() is not None and not self.expected:
            self.screen.say("Alerts will be announced here.")
        warm = bool(self.expected)
        while alive():
            found = await self._alerts()
            for alert in found or ():
                self._tell(alert)
            if warm:
                warm = await self._warming(found)
            await asyncio.sleep(WARM_SECONDS if warm else CALM_SECONDS)

    async def _get(self, path: str) -> dict[str, Any]:
        return await probe.get_json(self.settings.console_host, self.settings.console_port, path, self.token)

    async def _alerts(self) -> list[dict[str, Any]] | None:
        found = (await self._get("/api/v1/alerts?limit=50")).get("data")
        return found if isinstance(found, list) else None

    def _tell(self, alert: Mapping[str, Any]) -> None:
        identity, client = str(alert.get("id")), str(alert.get("client_id"))
        if identity in self.seen or alert.get("status") == "closed":
            return
        self.seen.add(identity)
        sample = f" [sample {self.expected[client]}]" if client in self.expected else ""
        self.screen.say(f"Alert ({alert.get('severity')}): {client}{sample} {self.base}/alerts/{identity}")

    async def _warming(self, found: list[dict[str, Any]] | None) -> bool:
        """Print the counts; False once every sample harvester has its alert."""
        missing = set(self.expected) - {str(alert.get("client_id")) for alert in found or ()}
        if not missing:
            self.screen.progress("")
            seconds = time.monotonic() - self.started
            self.screen.say(f"Both sample harvesters stand on the dashboard after {seconds:.0f} s: {self.base}")
            return False
        clients = (await self._get("/api/v1/clients?limit=200")).get("data") or []
        scored = sum(int(client.get("requests") or 0) for client in clients)
        text = f"Warming up: scored {scored} exchanges of {len(clients)} clients; alerts: {len(found or ())}"
        if self.screen.live or self.looks % PLAIN_EVERY == 0:
            self.screen.progress(text)
        self.looks += 1
        return True
