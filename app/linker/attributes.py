"""Sign-up attributes on their way to the core: of clients that are new to it, that changed, and once a day of all."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import attribute_holders
from app.campaigns.attribute_holders import Held
from app.linker.core import Core
from app.linker.desk import Desk
from detectors.campaign import Linker, supplied
from detectors.campaign.index import Index

AT_ONCE = 5_000  # clients that are looked up in one turn, and changes that are heard of
AGAIN_SECONDS = 86_400.0  # after which everybody is looked up anew: accounts get new names, and edges grow old
LATER_SECONDS = 40.0  # after which clients are looked up again whose account the database did not know yet
WAITING = 100_000  # of those at most


class Attributes:
    """Looks clients up, a part at a time, and hands what it finds to the core."""

    def __init__(self, desk: Desk, counts: Counter[str]) -> None:
        self._desk = desk
        self._counts = counts
        self._known = Index()  # clients that were looked up
        self._since = -AGAIN_SECONDS
        self._later: dict[int, float] = {}  # clients, and when to look them up once more

    def turn(self, core: Core, now: float, moment: float) -> bool:
        """Look up some who are due, by a clock that never goes back; whether more may be. Raises Unavailable."""
        if moment - self._since >= AGAIN_SECONDS:
            self._known, self._since = Index(), moment
        linker = core.linker
        due = dict.fromkeys([client for client, at in self._later.items() if at <= moment][:AT_ONCE])
        changed = np.zeros(0, np.uint64)

        async def work(session: AsyncSession) -> Held | None:
            nonlocal changed
            if not await attribute_holders.supplied(session):
                return None
            changed = np.array(await attribute_holders.news(session, AT_ONCE), np.uint64)
            clients = {*self._fresh(linker), *due, *changed[linker.graph.clients.find(changed) >= 0].tolist()}
            most = int(linker.graph.bounds.common * len(linker.graph.clients))
            return await attribute_holders.look(
                session, clients, lambda values: supplied.lacking(linker.graph, values), most
            )

        found = self._desk.ask(work)
        if found is None:
            return False
        core.attributes(found.held, found.others, now)
        self._known.put(np.array(sorted(found.held), np.uint64))
        self._counts["attributes_looked_up"] += len(found.held)
        for client in due:
            del self._later[client]
        late = [client for client in found.unknown if client not in due]
        self._later.update(dict.fromkeys(late[: WAITING - len(self._later)], moment + LATER_SECONDS))
        return max(len(found.held), len(changed)) >= AT_ONCE

    def _fresh(self, linker: Linker) -> list[int]:
        """Clients of the graph that were not looked up."""
        clients = linker.graph.clients.known()
        found: list[int] = clients[np.flatnonzero(self._known.find(clients) < 0)[:AT_ONCE]].tolist()
        return found
