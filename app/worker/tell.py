"""Compares what gateways were told with the database, and tells them the difference.

A change is published by whoever makes it, after its commit. What a crash or an absent Redis has left unsaid,
and what Redis has forgotten or kept too long, is put right here.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import asdict, replace

from app.errors import Unavailable
from app.store import decisions, mode
from app.store.decisions import GENERATION, STANDING, Command
from app.store.redis import Link
from app.worker.record import Recorder, Truth

INTERVAL_SECONDS = 10.0
KEPT_SECONDS = 300.0  # for which an entry outlives its decision: clocks differ
PAGE = 500  # entries of one round trip


class Teller:
    """Redis's side of the decisions and of the mode, kept equal to the database."""

    def __init__(self, link: Link, recorder: Recorder, setting: str, counts: Counter[str]) -> None:
        self._link = link
        self._recorder = recorder
        self._setting = setting
        self._counts = counts

    def tell(self, now: float) -> bool:
        """Compare once, and say what is missing; False where the database is away. Raises Unavailable where Redis is.

        Redis is read first: whatever is in it was committed before, so the database has the newer word.
        """
        told, before = self._link.pipeline([("HKEYS", STANDING), ("GET", mode.KEY)])
        ids = {name.decode("utf-8", "replace") for name in told}
        try:
            truth = self._recorder.truth(now, ids, self._setting)
        except Unavailable:
            return False
        commands: list[Command] = []
        for unsaid in truth.unsaid:
            # An entry that came meanwhile is newer than what was read.
            hash_part, stream_part = decisions.commands(unsaid.as_entry())
            commands += [("HSETNX", *hash_part[1:]), stream_part]
        commands += self._excess(sorted(ids - truth.standing), now)
        commands += self._mode(mode.parse(before), truth)
        commands.append(("SET", GENERATION, secrets.token_hex(8), "NX"))  # from here on the hash is whole
        for start in range(0, len(commands), PAGE):
            self._link.pipeline(commands[start : start + PAGE])
        self._counts["decisions_told_again"] += len(truth.unsaid)
        return True

    def _excess(self, ids: list[str], now: float) -> list[Command]:
        """What to do about entries whose decisions do not hold: forget the old ones, end the others."""
        found: list[Command] = []
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            texts = self._link.call("HMGET", STANDING, *page)
            for name, text in zip(page, texts, strict=True):
                found += self._about(name, text, now)
        return found

    def _about(self, name: str, text: bytes | None, now: float) -> list[Command]:
        try:
            entry = decisions.parse(text or b"")
        except ValueError:
            return [("HDEL", STANDING, name)]
        if entry.expires_at + KEPT_SECONDS < now:
            return [("HDEL", STANDING, name)]
        if entry.revoked or entry.expires_at <= now:
            return []
        self._counts["decisions_told_again"] += 1
        return decisions.commands(asdict(replace(entry, revoked=True)))

    def _mode(self, before: mode.Told | None, truth: Truth) -> list[Command]:
        """The mode is what the database says, also where it was put back to an older state."""
        if truth.mode is None:
            return [("DEL", mode.KEY)] if before is not None else []
        if before is not None and before.version > truth.mode.version:
            return [("SET", mode.KEY, truth.mode.text())]
        return [mode.command(truth.mode)] if before != truth.mode else []
