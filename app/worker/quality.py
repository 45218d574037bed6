"""How complete the picture of a window is: events dropped and time unwatched, from the others' heartbeats."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from app.store.heartbeat import LIFE_SECONDS, Heartbeat

SPACING_SECONDS = 60.0
KEPT_SAMPLES = 8 * 24 * 60  # eight days: a little more than the engine's window
WATCHED_ROLES = ("gateway", "extractor")
KEPT_PROCESSES = 1_000  # whose counters are remembered: one that restarts again and again has another name each time
KEPT_OWED = 10_000  # clients of whom something is to be said again; beyond it the oldest are left as they are
SETTLED = 100  # at once: a transaction with thousands of alerts would be cut off, and the database taken for away
ENDED_SECONDS = 60.0  # of silence, after which a process has ended, where others of its role go on


class Quality:
    """Sums counters over processes that come and go, and remembers the sums over time.

    What a process drops while it is silent is known once it is heard again, for its counters go on; of one that
    never comes back it stays unknown. Nothing is ever told as not dropped that was not counted.
    """

    def __init__(self, now: float) -> None:
        self._since = now
        self._from = now  # from when on drops are known, once both roles were heard
        self._until: float | None = None  # when they were told last; None until both roles were heard
        self._observed = now
        self._last: dict[str, float] = {}
        self._silent: dict[str, tuple[float, float]] = {}  # from when until when nobody knows what a process dropped
        self._owed: dict[int, tuple[float, float]] = {}  # by client: since when, and up to when
        self._dropped = 0.0
        self._fail_open = 0.0
        self._heard: float | None = None  # the tick at which an extractor was last there
        self._samples: deque[tuple[float, float, float]] = deque([(now, 0.0, 0.0)], maxlen=KEPT_SAMPLES)

    def observe(self, beats: Sequence[Heartbeat], now: float, ticks: float) -> None:
        """Take in the heartbeats of one time: `now` in epoch seconds, `ticks` by a monotonic clock."""
        watched = [beat for beat in beats if beat.role in WATCHED_ROLES]
        roles = {beat.role for beat in watched}
        for beat in watched:
            self._count(beat, now)
        while len(self._last) > KEPT_PROCESSES:
            key = next(iter(self._last))  # the one heard of longest ago
            del self._last[key]
            self._silent.pop(key, None)
        self._listen({beat.key for beat in watched}, roles, now)
        if roles.issuperset(WATCHED_ROLES):
            self._until = min(beat.at for beat in watched)
        self._observed = now
        self._watch("extractor" in roles, ticks)
        if now - self._samples[-1][0] >= SPACING_SECONDS:
            self._samples.append((now, self._dropped, self._fail_open))

    def window(self, start: float) -> dict[str, float | None]:
        """What is known to be missing since `start`.

        `known_since` is from when on drops are known and `known_until` when they were told last; None until both a
        gateway and an extractor were heard. `uncounted_seconds` is for how long since `start` one of them was silent
        that may have dropped some. `dropped_events` is None where none was counted and some can have been.
        """
        samples = list(self._samples)
        index = max(0, bisect_right(samples, start, key=lambda sample: sample[0]) - 1)
        _, dropped, fail_open = samples[index]
        known_since = None if self._until is None else self._from
        uncounted = self._uncounted(start)
        whole = known_since is not None and known_since <= start and not uncounted
        return {
            "dropped_events": (self._dropped - dropped) or (0.0 if whole else None),
            "fail_open_seconds": round(self._fail_open - fail_open, 1),
            "uncounted_seconds": round(uncounted, 1),
            "known_since": known_since,
            "known_until": self._until,
        }

    def owe(self, client: int, start: float, at: float) -> None:
        """Remember that something was said of a client's window, up to `at`, before all of it was counted."""
        self._owed.pop(client, None)
        self._owed[client] = start, at
        if len(self._owed) > KEPT_OWED:
            del self._owed[next(iter(self._owed))]

    def settled(self) -> dict[int, dict[str, float | None]]:
        """By client what is owed and known now, of some: all that told counts did so after it was said."""
        if self._until is None or any(until == self._observed for _, until in self._silent.values()):
            return {}
        ripe = ((client, start) for client, (start, at) in self._owed.items() if at <= self._until)
        return {client: self.window(start) for client, start in islice(ripe, SETTLED)}

    def paid(self, clients: Iterable[int]) -> None:
        """Forget what was owed of these clients."""
        for client in clients:
            self._owed.pop(client, None)

    def _count(self, beat: Heartbeat, now: float) -> None:
        dropped = sum(value for name, value in beat.counters.items() if "dropped" in name)
        known = self._last.pop(beat.key, 0.0 if beat.started >= self._since else None)
        if known is None and dropped:
            self._from = now  # dropped before we first heard of it, at no known time: `known_since` stands for it
        self._dropped += max(0.0, dropped - (dropped if known is None else known))
        self._last[beat.key] = dropped

    def _listen(self, heard: set[str], roles: set[str], now: float) -> None:
        """Note how long each process that told its counters once has been silent."""
        for key in self._last:
            if key in heard:
                self._silent.pop(key, None)  # its counters went on meanwhile
                continue
            first = self._observed - LIFE_SECONDS  # its last word may have been as old as Redis lets one become
            start, until = self._silent.get(key, (first, self._observed))
            ended = now - start > ENDED_SECONDS and _role(key) in roles
            if key not in self._silent or (until == self._observed and not ended):
                self._silent[key] = start, now

    def _uncounted(self, start: float) -> float:
        """Seconds since `start` that at least one silence covers."""
        total, covered = 0.0, start
        for begin, end in sorted(self._silent.values()):
            if end > covered:
                total += end - max(begin, covered)
                covered = end
        return total

    def _watch(self, there: bool, ticks: float) -> None:
        """Add the time that passed without an extractor: the gateway then lets traffic by unseen.

        A heartbeat that Redis still holds is a living one; by the hosts' clocks, which may differ or be
        stepped, nothing is judged.
        """
        if there:
            self._heard = ticks
        elif self._heard is not None:
            self._fail_open += ticks - self._heard
            self._heard = ticks


def _role(key: str) -> str:
    return key.split(":", 2)[1]
