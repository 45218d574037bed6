"""Keeps the copy in Redis of the accounts that operators gave equal to the database.

An import writes to the database alone. What Redis has is compared by a stamp, and where that differs (after an import,
or because Redis forgot) all of it is written anew, a page between two batches.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from app.clients import accounts
from app.errors import Unavailable
from app.models.client import client_number
from app.store import accounts as store
from app.store.redis import Link
from app.worker.record import Recorder

PAGE = 2_000  # clients written between two batches: some 20 ms

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Copy:
    """A copy under way: which state it is of, where it is made, and how far it has come."""

    stamp: str
    key: str
    after: str = ""  # the id of the last client in it
    written: int = 0


class Given:
    """The copy of the given accounts; what fails is tried again at the next comparison."""

    def __init__(self, link: Link, recorder: Recorder) -> None:
        self._link = link
        self._recorder = recorder
        self._copy: Copy | None = None

    def compare(self) -> None:
        """Begin a copy where Redis has none of the database's present state. Raises Unavailable where Redis is."""
        told = self._link.call("HGET", store.GIVEN, store.STAMP)
        try:
            stamp = self._recorder.transact(accounts.stamp)
        except Unavailable:
            return
        if told == stamp.encode():
            self._copy = None
        elif self._copy is None or self._copy.stamp != stamp:
            self._copy = Copy(stamp, f"{store.GIVEN}:{secrets.token_hex(8)}")

    def go_on(self) -> None:
        """Write the next page of a copy under way. Raises Unavailable where Redis is."""
        copy = self._copy
        if copy is None:
            return
        try:
            page = self._recorder.transact(lambda session: accounts.given(session, copy.after, PAGE))
        except Unavailable:
            return
        self._copy = None  # of what Redis had of it nothing is sure if this fails
        part = {client_number(one.client): one.account for one in page}
        commands = store.part_commands(copy.key, copy.stamp, part, first=not copy.after)
        last = len(page) < PAGE
        self._link.pipeline([*commands, *(store.whole_commands(copy.key) if last else ())])
        copy.written += len(page)
        if last:
            logger.info("told the ledger's marks whose clients are", extra={"given_accounts": copy.written})
        else:
            copy.after, self._copy = page[-1].client, copy
