"""The linking core as this process holds it: fed with events, told what people said, kept over restarts."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.campaigns.found import Found
from app.campaigns.identity import Constraints
from app.campaigns.indicators import Matched
from app.errors import LeaseLost
from app.linker.desk import Said
from app.linker.holders import holders_of
from app.linker.pooling import Scored
from app.linker.told import found
from detectors.campaign import Linker
from detectors.campaign.moves import indicated
from detectors.campaign.rows import Own
from detectors.campaign.supplied import Attributes
from detectors.campaign.tells import LOAD, joined
from detectors.indicators import SLOT_BITS

UNITED = 200  # of a merge's clients, those that the core is told to keep together; the rest follows by its wordings
KIND_BITS = (1 << SLOT_BITS) - 1

Mark = tuple[int, int, int]  # of a file as it is: written anew, it has another one

logger = logging.getLogger(__name__)


class Core:
    """One linker over all clients, and what it was told last."""

    def __init__(self, linker: Linker | None = None) -> None:
        self.linker = linker or Linker()
        self.fresh = True  # something came in since the last pass
        self._organisations: dict[int, int] = {}
        self._constraints = Constraints()
        self._bans: dict[int, float] = {}
        self._matched: dict[tuple[int, int], Matched] = {}

    def observe(self, events: NDArray[np.void], *, counted: bool = False) -> None:
        """Take in events; those that matched imported indicators tie their clients, and count if they did not yet."""
        if not len(events):
            return
        self.fresh = True
        self.linker.observe(events)
        marked = events[events["indicator"] != 0]
        if not len(marked):
            return
        rows = indicated(marked, marked["indicator"] >> SLOT_BITS)
        self.linker.graph.add(joined([(rows, np.zeros(0, LOAD))]))
        for event in () if counted else marked:
            self._match(event)

    def _match(self, event: np.void) -> None:
        mark, client, at = int(event["indicator"]), int(event["client"]), float(event["at"])
        slot, kinds = mark >> SLOT_BITS, mark & KIND_BITS
        before = self._matched.get((slot, client), Matched(slot, client, 0, 0, at, at))
        self._matched[slot, client] = Matched(
            slot, client, before.count + 1, before.kinds | kinds, min(before.first, at), max(before.last, at)
        )

    def take_matched(self) -> list[Matched]:
        """What matched since the last call."""
        taken, self._matched = list(self._matched.values()), {}
        return taken

    def put_back(self, matched: Iterable[Matched]) -> None:
        """What could not be recorded: it is counted with the next pass."""
        for one in matched:
            now = self._matched.get((one.slot, one.client))
            self._matched[one.slot, one.client] = one if now is None else _added(one, now)

    def tell(self, said: Said) -> None:
        """What people said, where it changed since it was told last."""
        names = {name: place for place, name in enumerate(sorted(set(said.organisations.values())), 1)}
        organisations = {client: names[name] for client, name in said.organisations.items()}
        if organisations != self._organisations:
            self.linker.set_organisations(organisations)
            self._organisations, self.fresh = organisations, True
        if dict(said.bans) != self._bans:
            self.linker.set_bans(said.bans)
            self._bans, self.fresh = dict(said.bans), True
        if said.constraints != self._constraints:
            self._constrain(said.constraints)
            self._constraints, self.fresh = said.constraints, True

    def lists(self, sizes: Mapping[str, int]) -> None:
        """How many items the operator's lists hold, where that changed since the core was told last."""
        if dict(sizes) != self.linker.lists:
            self.linker.set_lists(sizes)
            self.fresh = True

    def attributes(self, held: Attributes, others: Attributes, now: float) -> None:
        """All that some clients signed up with, as hashes, and some of what others did."""
        self.fresh |= self.linker.set_attributes(held, now, others)

    def _constrain(self, constraints: Constraints) -> None:
        """Make the core's constraints those of the database: a reviewer may have taken one back."""
        self.linker.forbid(constraints.cannot)
        self.linker.unite(pair for group in constraints.must for pair in _chained(group))

    def link(self, now: float, scores: Mapping[int, Scored] | None = None) -> list[Found]:
        """A pass: everything that is found, the most suspicious first; `scores` of the members as one are shown."""
        self.fresh = False
        campaigns = self.linker.link(now)
        holders = holders_of(self.linker.graph, campaigns)
        told = {number: one.document() for number, one in (scores or {}).items()}
        return [found(one, holders, told.get(one.id), now) for one in campaigns]

    def hear(self, ranks: Mapping[int, Own]) -> None:
        """What clients' own rows say: groups are judged by it with the next pass."""
        if ranks:
            self.linker.tell(ranks)
            self.fresh = True


def _added(one: Matched, other: Matched) -> Matched:
    first, last = min(one.first, other.first), max(one.last, other.last)
    return Matched(one.slot, one.client, one.count + other.count, one.kinds | other.kinds, first, last)


def _chained(group: Iterable[int]) -> Iterator[tuple[int, int]]:
    first, *rest = sorted(group)[:UNITED]
    yield from ((first, one) for one in rest)


def mark(path: Path) -> Mark | None:
    """What tells whether somebody else wrote the file since; None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def save(linker: Linker, offset: bytes, path: Path, ours: Callable[[], bool]) -> Mark | None:
    """Write what the linker knows, and up to where it read, as one file that is there whole or not at all; its mark.

    `ours` says whether this process is the linker; it is asked while no other process can replace the file, so
    that whoever takes over after that replaces it later. Raises LeaseLost where it is not, and OSError.
    """
    draft = path.with_suffix(".draft")
    with path.with_suffix(".lock").open("w") as lock:
        _take(lock.fileno())
        with draft.open("wb") as file:
            file.write(len(offset).to_bytes(4, "little") + offset)
            linker.write(file)
            file.flush()
            os.fsync(file.fileno())
        if not ours():
            draft.unlink()
            raise LeaseLost("another process is the linker now")
        draft.replace(path)
        return mark(path)


def _take(number: int) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):  # a file system without locks: let it be
            raise


def restore(path: Path, counts: Counter[str]) -> tuple[Core, bytes]:
    """The linker of a file, and up to where it had read; an empty one where there is none that we can read."""
    try:
        text = path.read_bytes()
        length = int.from_bytes(text[:4], "little")
        return Core(Linker.restore(text[4 + length :])), text[4 : 4 + length]
    except FileNotFoundError:
        return Core(), b""
    except Exception:  # whatever is wrong with the file, the linker starts anew; the database keeps the campaigns
        counts["snapshots_unreadable"] += 1
        logger.exception("the linker's snapshot cannot be read: it starts anew")
        return Core(), b""
