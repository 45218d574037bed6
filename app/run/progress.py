"""What the supervisor tells of the scoring: counts while it warms up, then each new alert, read over the REST API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from app.run import probe
from app.run.screen import Screen
from app.settings import Settings

WARM_SECONDS = 2.0  # between two looks while the sample traffic warms up
CALM_SECONDS = 10.0
PLAIN_EVERY = 5  # where every look would be a line of its own, print one in this many
PAGE_ROWS = 200
OVERLAP_SECONDS = 60.0  # looked at again: an alert is seen when its transaction ends, some time after it was opened
OPEN = ("new", "in_review")


class Progress:
    """Follows the API of one run and prints what changed; `expected` maps client id to a sample harvester's meaning.

    Alerts that were opened before `since` (epoch seconds) were told by an earlier run, and are counted alone.
    """

    def __init__(
        self, settings: Settings, token: str, screen: Screen, base: str, expected: Mapping[str, str], since: float
    ) -> None:
        self.settings, self.token, self.screen, self.base = settings, token, screen, base
        self.expected = dict(expected)
        self.since = since
        self.seen: set[str] = set()  # ids of the alerts at or after `since` that were looked at
        self.looks = 0
        self.started = time.monotonic()

    async def follow(self, alive: Callable[[], bool] = lambda: True) -> None:
        """Look and tell until cancelled."""
        await self._greet()
        warm = bool(self.expected)
        while alive():
            await self._news()
            if warm:
                warm = await self._warming()
            await asyncio.sleep(WARM_SECONDS if warm else CALM_SECONDS)

    async def _greet(self) -> None:
        """Once: what stands open from before, instead of announcing it again."""
        waiting = await self._open()
        if waiting:
            what = "1 alert is" if waiting == 1 else f"{waiting:,} alerts are"
            self.screen.say(f"{what} open: {self.base}/alerts. Only new ones will be announced here.")
        elif waiting is not None and not self.expected:
            self.screen.say("Alerts will be announced here.")

    async def _get(self, path: str, **query: object) -> dict[str, Any]:
        asked = f"{path}?{urlencode(query)}" if query else path
        return await probe.get_json(self.settings.console_host, self.settings.console_port, asked, self.token)

    async def _open(self) -> int | None:
        """How many alerts wait for a verdict; None while nobody says."""
        counts = (await self._get("/api/v1/status")).get("alerts")
        return sum(int(counts.get(state, 0)) for state in OPEN) if counts else None

    async def _rows(self, path: str, **query: object) -> tuple[list[dict[str, Any]], bool]:
        """The rows of every page, and whether that is all of them."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self._get(path, limit=PAGE_ROWS, **query)
            rows = page.get("data")
            if not isinstance(rows, list):
                return found, False
            found += rows
            query["cursor"] = (page.get("page") or {}).get("next_cursor")
            if not query["cursor"]:
                return found, True

    async def _news(self) -> None:
        """Tell the alerts that were opened since the last look."""
        after = f"{datetime.fromtimestamp(self.since, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        found, whole = await self._rows("/api/v1/alerts", sort="created_at", created_gte=after)
        for alert in found:
            self._tell(alert)
        if not whole:
            return
        self.seen = {str(alert.get("id")) for alert in found}
        opened = [datetime.fromisoformat(str(alert["created_at"])).timestamp() for alert in found]
        self.since = max([self.since, *(at - OVERLAP_SECONDS for at in opened)])

    def _tell(self, alert: Mapping[str, Any]) -> None:
        identity, client = str(alert.get("id")), str(alert.get("client_id"))
        if identity in self.seen:
            return
        self.seen.add(identity)
        if alert.get("status") == "closed":
            return
        sample = f" [sample {self.expected[client]}]" if client in self.expected else ""
        self.screen.say(f"Alert ({alert.get('severity')}): {client}{sample} {self.base}/alerts/{identity}")

    async def _stands(self, client: str) -> bool:
        """Whether a client has an alert, of this run or of one before."""
        return bool((await self._get("/api/v1/alerts", client=client, limit=1)).get("data"))

    async def _warming(self) -> bool:
        """Print the counts; False once every sample harvester has its alert."""
        self.looks += 1
        if all([await self._stands(client) for client in self.expected]):
            self.screen.progress("")
            after = f" after {time.monotonic() - self.started:.0f} s" if self.looks > 1 else ""
            self.screen.say(f"Both sample harvesters stand on the dashboard{after}: {self.base}")
            return False
        clients, _ = await self._rows("/api/v1/clients", sort="first_seen")
        scored = sum(int(client.get("requests") or 0) for client in clients)
        waiting = await self._open() or 0
        text = f"Warming up: scored {scored:,} exchanges of {len(clients):,} clients; open alerts: {waiting:,}"
        if self.screen.live or (self.looks - 1) % PLAIN_EVERY == 0:
            self.screen.progress(text)
        return True
