"""The linker process: reads what workers scored, links clients, records campaigns; one of them at a time works."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from app.campaigns.found import Found
from app.errors import LeaseLost, Unavailable
from app.linker import core
from app.linker.attributes import Attributes
from app.linker.core import Core
from app.linker.desk import Desk
from app.linker.keeper import LEASE_SECONDS, Keeper
from app.linker.lists import Sizes
from app.linker.pooling import pooling
from app.memory import settle
from app.priority import step_back
from app.settings import Settings
from app.store import linking
from app.store.db import make_engine
from app.store.heartbeat import Heartbeat
from app.store.page import digest
from app.store.redis import Link
from app.store.stream import START
from app.telemetry import configure_logging

REDIS_SECONDS = 5.0  # an entry holds up to 800 kB, and nobody waits
READ_ENTRIES = 64
IDLE_SECONDS = 0.2
PASS_SECONDS = 2.0  # between two passes at least; more where a pass takes long
PASS_SHARE = 0.25  # of the time that passes may take
AGAIN_SECONDS = 30.0  # after which a pass is recorded though nothing changed: members count as seen
SAID_SECONDS = 5.0  # between two looks at what people said
LOOK_SECONDS = 1.0  # between two looks at clients' sign-up attributes while many are due; more where one takes long
LOOK_SHARE = 0.2  # of the time that looks may take
SAVE_SECONDS = 60.0  # between two snapshots at least; more where one takes long
SAVE_SHARE = 0.1  # of the time that snapshots may take
TELL_SECONDS = 60.0
WAITING = 20_000  # clients of whose rows the linker may wait to hear at a time
HELD_BACK = linking.MOST_EVENTS // 4  # events that stay in the stream until the next snapshot, for a restart
UNKNOWN = 0  # how many events were added up to an entry, where no milestone was read since
FILE = "linker.state"

logger = logging.getLogger(__name__)


def main(settings: Settings) -> int:
    """Run a linker until SIGTERM or SIGINT; returns the exit code."""
    configure_logging(settings, "linker")
    step_back(settings.nice)
    linker = Process(settings)
    settle()  # a pass makes many objects and few cycles: collections need not walk what is loaded each time

    def stop(number: int, _frame: FrameType | None) -> None:
        linker.stopping = True
        logger.info("stopping", extra={"signal": signal.Signals(number).name})

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    linker.run()
    return 0


class Process:
    """One linker process: waits for the lease, then reads, links and records until it is told to stop.

    What it knows belongs to the time that it is the linker for. Where another one was the linker since and wrote the
    snapshot, it begins from that; nothing is written, trimmed or told in a time that is over.
    """

    def __init__(self, settings: Settings, lease_seconds: float = LEASE_SECONDS) -> None:
        self.stopping = False
        self._settings = settings
        self._started = time.time()
        self._name = f"l-{os.getpid()}-{secrets.token_hex(4)}"
        self._counts: Counter[str] = Counter()
        self._sizes = Sizes(settings.lists)
        self._gauges: dict[str, float] = {}
        self._link = Link(settings.redis_url, REDIS_SECONDS)
        self.keeper = Keeper(settings.redis_url, self._name, self._beat, lease_seconds)
        self._desk = Desk(make_engine(settings.database_url), self._counts, self._ours)
        self._attributes = Attributes(self._desk, self._counts)
        self._pooling = pooling(settings, self._counts)
        self._tenure = ""  # the keeper's name of the time that we work in
        self._core: Core | None = None
        self._kept: core.Mark | None = None  # of the snapshot that the core began from, or was kept in
        self._saved = START  # the last entry that is in the snapshot
        self._read = START  # the last entry that was observed
        self._counted: bytes | None = None  # the last entry whose matches are counted; None: the database was not asked
        self._added = UNKNOWN  # how many events were ever added up to there
        self._taken = 0  # how many of them are known to be taken
        self._recorded = ""
        self._told = ""  # a mark of what extractors heard last
        self._next = {"pass": 0.0, "said": 0.0, "look": 0.0, "save": 0.0, "again": 0.0, "tell": 0.0}

    @property
    def counts(self) -> Mapping[str, int]:
        """What was counted so far, by name."""
        return self._counts

    @property
    def _path(self) -> Path:
        return self._settings.data / FILE

    def run(self) -> None:
        """Work while the lease is ours, until `stopping`."""
        self.keeper.start()
        try:
            while not self.stopping:
                busy = False
                try:
                    busy = self.turn()
                except Unavailable as error:
                    self._counts["redis_errors"] += 1
                    logger.warning("Redis failed, trying again", extra={"error": error})
                    self._link.close()
                except LeaseLost:
                    self._counts["leases_lost"] += 1
                    logger.warning("the lease was lost: what was found since is not written")
                    self.keeper.leave(self._tenure)
                if not busy and not self.stopping:
                    time.sleep(IDLE_SECONDS)
        finally:
            self.close()

    def turn(self) -> bool:
        """Read what waits, and do what is due; whether there was something to read. Raises Unavailable and LeaseLost.

        Nothing is done while this process is not the linker.
        """
        tenure = self.keeper.tenure()
        if not tenure:
            if self.keeper.stands_by:
                self._drop()
            return False
        if tenure != self._tenure or self._core is None:
            self._begin(tenure)
        busy = self._take_in()
        moment = time.monotonic()
        if moment >= self._next["said"]:
            self._next["said"] = moment + SAID_SECONDS
            self._listen()
        if moment >= self._next["look"]:
            self._look_up(moment)
        if moment >= self._next["pass"]:
            self._pass()
            took = time.monotonic() - moment
            self._next["pass"] = moment + max(PASS_SECONDS, took / PASS_SHARE)
        if moment >= self._next["save"]:
            self._save()
            self._next["save"] = moment + max(SAVE_SECONDS, (time.monotonic() - moment) / SAVE_SHARE)
        return busy

    def _begin(self, tenure: str) -> None:
        """Take up where the last linker of this data folder stopped: what this process knows, if nobody wrote since.

        Raises Unavailable and LeaseLost.
        """
        self._tenure = tenure
        found = core.mark(self._path)
        if self._core is None or found != self._kept:
            self._core, offset = core.restore(self._path, self._counts)
            self._kept, self._saved, self._read = found, offset or START, offset or START
            self._pooling.forget()
        self._attributes = Attributes(self._desk, self._counts)  # another linker may have heard what is new
        self._recorded = self._told = ""
        self._counted = None  # another linker may have counted what this one reads once more
        self._added = UNKNOWN  # a server that came back empty counts anew
        logger.info("linking", extra={"accounts": self._core.linker.counters["accounts"], "from": self._read.decode()})
        self._next["save"] = time.monotonic() + SAVE_SECONDS
        self._forget(self._saved)

    def _drop(self) -> None:
        """Forget the graph: another process is the linker, and what this one knows grows old."""
        self._core = None
        self._gauges = {}

    def _ours(self) -> bool:
        return self.keeper.confirms(self._tenure)

    def _take_in(self) -> bool:
        """Observe what waits; raises Unavailable and LeaseLost."""
        assert self._core is not None
        if self._counted is None and not self._ask_counted():
            return False
        read, counted = self._next_entries()
        if not read.entries:
            return False
        self._core.observe(read.events, counted=counted)
        self._read, self._added = read.last, read.added or self._added
        self._counts["events"] += len(read.events)
        self._counts["blocks_unreadable"] += read.unreadable
        if self._added - self._taken > HELD_BACK:
            self._forget(self._read, self._added)
        return True

    def _ask_counted(self) -> bool:
        """Hear from the database up to where matches are counted; whether it answered. Raises LeaseLost."""
        assert self._core is not None
        try:
            self._counted = self._desk.counted().encode() or START
        except Unavailable:
            self._counts["counted_waiting"] += 1
            return False
        if not linking.is_before(self._counted, self._read):
            self._core.take_matched()  # what matched up to here
        return True

    def _next_entries(self) -> tuple[linking.Read, bool]:
        """The next entries, and whether their matches are counted already; raises Unavailable."""
        last = self._counted or START
        if linking.is_before(self._read, last):
            reply = self._link.call(*linking.again_command(self._read, last, READ_ENTRIES))
            if reply:
                return linking.parse([(linking.EVENTS, reply)], self._read), True
            self._counted = START  # they are gone
        return linking.parse(self._link.call(*linking.read_command(self._read, READ_ENTRIES)), self._read), False

    def _forget(self, last: bytes, added: int = UNKNOWN) -> None:
        """Trim what was observed, up to an entry; raises Unavailable and LeaseLost."""
        self._taken = self._fenced(linking.done_command(self._tenure, last, added))

    def _fenced(self, command: linking.Command) -> int:
        """A command that Redis refuses where we are no longer the linker; raises Unavailable and LeaseLost."""
        reply = int(self._link.call(*command))
        if reply < 0:
            raise LeaseLost("another process is the linker now")
        return reply

    def _listen(self) -> None:
        """What people said since, how long their lists are; extractors hear of imported indicators, and what to share.

        Raises Unavailable and LeaseLost.
        """
        assert self._core is not None
        self._core.lists(self._sizes.now())
        try:
            said = self._desk.said(time.time())
        except Unavailable:
            self._counts["said_waiting"] += 1
            return
        self._core.tell(said)
        wanted = sorted({edge.token for one in self._core.linker.campaigns() for edge in one.edges})
        text = said.indicators.text(), linking.wanted_text(wanted)
        moment = time.monotonic()
        if digest(text) != self._told or moment >= self._next["tell"]:
            self._next["tell"] = moment + TELL_SECONDS  # Redis may have forgotten
            self._fenced(linking.tell_command(self._tenure, *text))
            self._told = digest(text)

    def _look_up(self, moment: float) -> None:
        """Hand the core what some of its clients signed up with, where that is due. Raises LeaseLost."""
        assert self._core is not None
        try:
            more = self._attributes.turn(self._core, time.time(), moment)
        except Unavailable:
            self._counts["attributes_waiting"] += 1
            more = False
        took = time.monotonic() - moment
        self._next["look"] = moment + max(LOOK_SECONDS if more else SAID_SECONDS, took / LOOK_SHARE)

    def _pass(self) -> None:
        """Link, and record what changed. Raises Unavailable and LeaseLost."""
        assert self._core is not None
        now, moment = time.time(), time.monotonic()
        if not self._core.fresh and moment < self._next["again"]:
            return
        found = self._core.link(now, self._pooling.scores)
        self._counts["passes"] += 1
        self._gauges = {
            **{name: float(value) for name, value in self._core.linker.counters.items()},
            "last_pass": now,
            "pass_seconds": round(time.monotonic() - moment, 3),
        }
        self._core.hear(self._pooling.hear(self._link, self._core.linker.to_hear(WAITING), moment))
        mark, matched = _mark(found), self._core.take_matched()
        if mark == self._recorded and not matched and moment < self._next["again"]:
            return
        try:
            outcome = self._desk.write(found, matched, now, self._read.decode())
        except (Unavailable, LeaseLost) as error:
            self._core.put_back(matched)
            self._core.fresh = True
            if isinstance(error, LeaseLost):
                raise
            self._counts["passes_waiting"] += 1
            return
        self._counts["campaigns_opened"] += outcome.opened
        self._recorded, self._next["again"] = mark, moment + AGAIN_SECONDS
        self._pooling.look(self._link, self._core.linker.campaigns(), moment)

    def _save(self) -> None:
        """Keep what is known for the next start; then what was read may go. Raises Unavailable and LeaseLost."""
        assert self._core is not None
        try:
            self._kept = core.save(self._core.linker, self._read, self._path, self._ours)
        except OSError as error:
            self._counts["snapshots_failed"] += 1
            logger.warning("the linker's state was not written", extra={"error": error})
            return
        self._saved = self._read
        self._forget(self._read, self._added)

    def _beat(self, now: float) -> Heartbeat:
        info = {"linker": "works" if self.keeper.tenure() else "stands by"}
        return Heartbeat(
            "linker", self._name, now, self._started, counters=dict(self._counts), gauges=dict(self._gauges), info=info
        )

    def close(self) -> None:
        """Keep what is known, give the lease back, close the connections."""
        if self._core is not None and self._tenure and self._tenure == self.keeper.tenure():
            try:
                self._save()
            except (Unavailable, LeaseLost):
                logger.warning("what was read stays in the stream: the next linker reads it again")
        self.keeper.stop()
        self._desk.close()
        self._link.close()


def _mark(found: list[Found]) -> str:
    """A short mark of everything worth writing down of a pass."""
    return digest(
        [
            (one.key, one.level, round(one.score, 1), sorted(one.members), [(e.token, e.members) for e in one.edges])
            for one in found
        ]
    )
