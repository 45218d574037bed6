"""Engine: events in, findings out; the only loop over detectors."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import activity, fuse, parts, pooling, profile
from detectors.activity import Activity
from detectors.ahead import ahead
from detectors.base import Detector, Explanation, Level
from detectors.batch import Batch, Room
from detectors.compiled import compiled, fold
from detectors.drift import Tally
from detectors.judge import Judge
from detectors.reference import LOOKS, Reference

FINDING = np.dtype(
    [
        ("client", "<u8"),
        ("level", "u1"),
        ("previous", "u1"),
        ("score", "<f4"),
        ("requests", "<u8"),
        ("at", "<f8"),
    ]
)
_FOUND = np.dtype([*((name, FINDING[name]) for name in FINDING.names or ()), ("place", "<i8")])  # of the row it saw
SUMMARY = np.dtype(
    [
        ("client", "<u8"),
        ("first", "<f8"),
        ("last", "<f8"),
        ("requests", "<u8"),
        ("in_tokens", "<u8"),
        ("out_tokens", "<u8"),
        ("level", "u1"),
        ("score", "<f4"),
        ("group", "u1"),
    ]
)

WINDOW = 7 * 86_400.0  # seconds; the detectors' memory of a client starts anew with each window
RISE = 1.0  # nats: a rise of the score that is worth telling while a client is in review
ROW_LIMIT = 4096
_HEAD: list[tuple[str, str]] = [
    ("client", "<u8"),
    ("schema", "<u4"),
    ("window", "<i4"),
    ("events", "<u8"),  # every event ever folded in, retries and errors included
    ("first", "<f8"),
    ("last", "<f8"),
    ("in_tokens", "<u8"),
    ("out_tokens", "<u8"),
    ("counted", "<u4"),  # exchanges of this window that the detectors counted
    ("score", "<f4"),
    ("told", "<f4"),  # the score of the last finding
    ("level", "u1"),
    ("group", "u1"),
    ("look", "u1"),
    ("part", "u1"),  # 0: all of a client's traffic; else the number of the part that is kept apart, see parts
]


class Told(NamedTuple):
    """Findings, sorted by client and each client's in the order in which they came, and its row as it stood at each."""

    findings: NDArray[np.void]
    seen: NDArray[np.void]


class Engine:
    """The detectors, the reference, and the row that they share.

    A row is one packed record: head, activity rings, profile, one sub-record a detector. Time is cut into
    windows of seven days that begin at another moment for each client, so that they do not all end
    together; the detectors' memory and the looks start anew with each, the level is kept until the next
    look. So an old client that turns is compared by what it does now, and late or shuffled events leave
    the same memory.
    """

    def __init__(self, detectors: Sequence[Detector], reference: Reference) -> None:
        self.detectors = tuple(detectors)
        self.row = _row(self.detectors)
        self.schema = _schema(self.detectors, self.row)
        self._room = Room()  # for the columns of a step's batch
        self.reset = 0  # rows of another schema that were started anew
        self.use(reference)

    def use(self, reference: Reference) -> None:
        """Compare with another reference from now on; rows stay, and take it up at their next look."""
        self.reference = reference
        self.judge = Judge(self.detectors, reference)
        self.tally = Tally(reference)  # what the clients at their looks were like, beside the reference's

    def empty(self, clients: NDArray[np.uint64]) -> NDArray[np.void]:
        """Fresh rows of `clients`, shape (len(clients),)."""
        rows = np.zeros(len(clients), self.row)
        rows["client"] = clients
        rows["schema"] = self.schema
        return rows

    def batch(self, events: NDArray[np.void]) -> Batch:
        """Events by client as `step` takes them; valid until the next one."""
        return Batch(events, self._room)

    def step(self, rows: NDArray[np.void], events: NDArray[np.void] | Batch, now: float) -> NDArray[np.void]:
        """Fold `events` (any order, any clients) into `rows`, in place, and return the findings.

        `rows[i]["client"]` must be the sorted unique clients of `events`; raises ValueError otherwise. A finding is
        told where a look changed the level, or where the score rose by RISE while in review; its `requests` and
        `at` are those of the look. Each look is taken at its very number of requests, so neither rows nor findings
        depend on how the stream was cut; but a tripwire is told of after the batch that touched it.
        """
        return self.tell(rows, events, now).findings

    def tell(self, rows: NDArray[np.void], events: NDArray[np.void] | Batch, now: float) -> Told:
        """`step`, with what each finding saw."""
        del now  # findings carry the time of the events, so that a late batch says when it happened
        if not len(events):
            return Told(np.zeros(0, FINDING), rows[:0])
        batch = events if isinstance(events, Batch) else self.batch(events)
        if not np.array_equal(rows["client"], batch.clients):
            raise ValueError("rows are not those of the sorted unique clients of the events")
        self._renew(rows)
        activity.update(rows["activity"], batch)
        first, last = window_of(batch.clients, batch.first), window_of(batch.clients, batch.last)
        if np.array_equal(first, last):
            return _by_client(self._within(rows, batch, last))
        # A batch that spans the end of a client's window is folded in as if it had been cut there.
        window = window_of(batch.spread(batch.clients), batch["at"])
        told = []
        for behind in range(int((last - first).max()), -1, -1):
            part = batch.compact(batch.spread(last) - window == behind)
            if len(part.clients) == len(rows):  # as the last part has something of every client
                told += self._within(rows, part, last - behind)
            elif len(part):
                place = np.searchsorted(batch.clients, part.clients)
                some = taken(rows, place)
                told += self._within(some, part, last[place] - behind)
                put(rows, place, some)
        return _by_client(told)

    def explain(self, row: np.void, now: float) -> Explanation:
        """All that is known for and against one client, as its row stands."""
        begun = window_of(np.array([row["client"]]), np.array([row["first"]]))[0]
        return self.judge.explain(row, now, new=bool(begun == row["window"]))

    def summary(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """One SUMMARY a row, for lists of clients: of a mixed client the level of whichever of its parts is highest."""
        out = np.zeros(len(rows), SUMMARY)
        for name in ("client", "first", "last", "in_tokens", "out_tokens", "level", "score", "group"):
            out[name] = rows[name]
        out["requests"] = rows["events"]
        because = parts.said(rows["parts"], rows["level"], rows["score"])
        for name in ("level", "score"):
            out[name][because] = rows["parts"][name][because]
        return out

    def activity(self, row: np.void) -> Activity:
        """When the client was active: its last 60 minutes and 72 hours, and its models."""
        return activity.read(row["activity"])

    def merge(self, rows: NDArray[np.void], client: int = 0) -> NDArray[np.void]:
        """One row, shape (1,), as if all the rows' events were those of one client, named `client`.

        Its look and peer group are those of the whole; its level is that of no look. Rows of another
        schema are left out. For reading and scoring: events are not folded into it.
        """
        return pooling.merge(self, rows, client)

    def _renew(self, rows: NDArray[np.void]) -> None:
        stale = rows["schema"] != self.schema
        if stale.any():
            self.reset += int(stale.sum())
            rows[stale] = self.empty(rows["client"][stale])

    def _within(self, rows: NDArray[np.void], batch: Batch, window: NDArray[np.int32]) -> list[Told]:
        """Fold events of which each client's lie in one `window`; what is told at the looks they reach, in order."""
        self._begin(rows, window)
        late = window < rows["window"]
        current = batch.only(~batch.spread(late)) if late.any() else batch
        looks = self.reference.look_index(rows["counted"] + current.counted.counts.astype(np.uint32))
        due = np.flatnonzero(looks > rows["look"])
        if not len(due):
            self._fold(rows, batch, current)
            return [self._wires(rows)]
        # The row at a look holds the events up to it: each look gets a copy of its client's row with
        # those folded in, so that all looks of a batch are one more fold, however many there are.
        times = looks[due].astype(np.intp) - rows["look"][due]
        who = np.repeat(due, times)
        nth = np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)
        look = rows["look"][who] + nth + 1
        until = np.array(LOOKS)[look - 1] - rows["counted"][who].astype(np.int64)
        seen = taken(rows, who)
        part = batch.prefixes(who, _reach(batch, who, until))
        self._fold(seen, part, part)
        self._fold(rows, batch, current)
        found = self._look(rows, seen, who, nth, look.astype(np.uint8))
        return [_told(found, seen), self._wires(rows)]

    def _begin(self, rows: NDArray[np.void], window: NDArray[np.int32]) -> None:
        """Forget what the detectors know of a client whose next window begins."""
        fresh = window > rows["window"]
        if not fresh.any():
            return
        rows["window"] = np.maximum(window, rows["window"])
        rows["counted"][fresh] = 0
        rows["look"][fresh] = 0
        rows["profile"][fresh] = np.zeros((), self.row["profile"])
        for detector in self.detectors:
            rows[detector.name][fresh] = detector.turn(rows[detector.name][fresh])

    def _fold(self, rows: NDArray[np.void], batch: Batch, current: Batch) -> None:
        """Fold a batch into its rows; the detectors get its `current` events, without late ones of a past window."""
        whole = batch.whole
        fields = [rows[name] for name in ("events", "first", "last", "in_tokens", "out_tokens", "counted")]
        columns = (whole["at"], whole["in_tokens"], whole["out_tokens"])
        fold(_fold_head, fields, (batch.starts, batch.counts, current.counted.counts, batch.places, *columns))
        profile.update(rows["profile"], current)
        for detector in self.detectors:
            detector.update(rows[detector.name], current)

    def _look(
        self,
        rows: NDArray[np.void],
        seen: NDArray[np.void],
        who: NDArray[np.intp],
        nth: NDArray[np.intp],
        look: NDArray[np.uint8],
    ) -> NDArray[np.void]:
        """Compare clients with their peers, each as it stood in `seen` at its look; what is found, by `nth` look."""
        seen["look"] = look
        seen["group"] = self.judge.group(seen)
        found = self.judge.judge(seen, float(seen["last"].max()))
        whole = seen["part"] == 0  # a part is no client
        self.tally.add(seen["group"][whole], look[whole], found.fused.score[whole])
        fused = found.fused
        score = fuse.told(self.reference, fused)
        told = []
        for turn in range(int(nth.max()) + 1):
            now = np.flatnonzero(nth == turn)
            client = who[now]
            previous, before = rows["level"][client], rows["told"][client]
            level = fuse.levels(self.reference, fused.take(now), look[now], previous)
            tell = (level != previous) | ((level == Level.REVIEW) & (score[now] >= before + RISE))
            rows["told"][client] = np.where(tell, score[now], before)
            rows["level"][client] = level
            for name, value in (("look", look), ("group", seen["group"]), ("score", score)):
                rows[name][client] = value[now]
            if tell.any():
                told.append(_found(seen, now[tell], previous[tell], level[tell], score[now[tell]]))
        return np.concatenate(told) if told else np.zeros(0, _FOUND)

    def _wires(self, rows: NDArray[np.void]) -> Told:
        """Clients that touch a tripwire are reviewed at once; a look could be thousands of requests away."""
        # What touches one in a part touches it in the whole.
        among = (rows["level"] < Level.REVIEW) & (rows["part"] == 0)
        fresh = np.flatnonzero(self.judge.tripped(rows, among, 0.0)) if self.judge.wires.any() else np.zeros(0, np.intp)
        if not len(fresh):
            return Told(np.zeros(0, FINDING), rows[:0])
        seen = taken(rows, fresh)
        previous = seen["level"].copy()
        level = np.full(len(fresh), Level.REVIEW, np.uint8)
        score = np.full(len(fresh), fuse.trip_score(self.reference), np.float32)
        for name, value in (("level", level), ("score", score), ("told", score)):
            rows[name][fresh] = value
        return _told(_found(seen, np.arange(len(seen)), previous, level, score), seen)


def taken(rows: NDArray[np.void], places: NDArray[np.intp]) -> NDArray[np.void]:
    """A copy of some rows; whole records at once, where numpy's own indexing goes field by field."""
    return rows.view(f"V{rows.itemsize}").take(places).view(rows.dtype)


def put(rows: NDArray[np.void], places: NDArray[np.intp], some: NDArray[np.void]) -> None:
    """Write some rows back to their places, whole records at once."""
    rows.view(f"V{rows.itemsize}")[places] = some.view(f"V{rows.itemsize}")


def window_of(clients: NDArray[np.uint64], at: NDArray[np.float64]) -> NDArray[np.int32]:
    """The number of the window of each client's time: of `at` in epoch seconds."""
    offset = (clients % np.uint64(int(WINDOW))).astype(np.float64)
    since = np.clip(at + offset, 0.0, (2**31 - 1) * WINDOW)
    return (since.astype(np.int64) // int(WINDOW)).astype(np.int32)


@compiled
def _fold_head(
    events: NDArray[np.uint64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    in_tokens: NDArray[np.uint64],
    out_tokens: NDArray[np.uint64],
    counted: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    taken: NDArray[np.int64],
    places: NDArray[np.int64],
    at: NDArray[np.float64],
    received: NDArray[np.uint32],
    sent: NDArray[np.uint32],
) -> None:
    """Count each row's events and tokens, and stretch the time it spans; `taken` are the events counted of each."""
    for row in range(len(counts)):
        ahead(events, counted, row)
        if counts[row] == 0:
            continue
        begin = at[np.uint64(places[starts[row]])]
        earliest, latest = (begin, begin) if events[row] == 0 else (first[row], last[row])
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            earliest, latest = min(earliest, at[place]), max(latest, at[place])
            in_tokens[row] += np.uint64(received[place])
            out_tokens[row] += np.uint64(sent[place])
        first[row], last[row] = earliest, latest
        events[row] += np.uint64(counts[row])
        counted[row] += np.uint32(taken[row])


def _reach(batch: Batch, who: NDArray[np.intp], until: NDArray[np.int64]) -> NDArray[np.intp]:
    """How many of a client's events hold its first `until` counted ones."""
    total = np.concatenate([[0], np.cumsum(batch.counted_mask)])  # before each event
    start = batch.starts[who]
    return np.asarray(np.searchsorted(total[1:], total[start] + until) + 1 - start, np.intp)


def _found(
    seen: NDArray[np.void],
    place: NDArray[np.intp],
    previous: NDArray[np.uint8],
    level: NDArray[np.uint8],
    score: NDArray[np.float32],
) -> NDArray[np.void]:
    found = np.zeros(len(place), _FOUND)
    for name, of in (("client", "client"), ("requests", "events"), ("at", "last")):
        found[name] = seen[of][place]
    for name, value in (("place", place), ("previous", previous), ("level", level), ("score", score)):
        found[name] = value
    return found


def _told(found: NDArray[np.void], seen: NDArray[np.void]) -> Told:
    """Findings with a copy of the row that each of them saw, which takes up what was found."""
    findings = np.zeros(len(found), FINDING)
    for name in FINDING.names or ():
        findings[name] = found[name]
    stood = taken(seen, found["place"]) if len(found) else seen[:0]
    for name, of in (("level", "level"), ("score", "score"), ("told", "score")):
        stood[name] = findings[of]
    return Told(findings, stood)


def _by_client(told: Sequence[Told]) -> Told:
    """All that was told, in its order, as what is told of one client after the other."""
    if len(told) == 1 and len(told[0].findings) < 2:
        return told[0]
    findings = np.concatenate([one.findings for one in told])
    order = np.argsort(findings["client"], kind="stable")
    kind = told[0].seen.dtype
    seen = np.concatenate([one.seen.view(f"V{kind.itemsize}") for one in told])  # as plain bytes, not field by field
    return Told(findings[order], seen.take(order).view(kind))


def _row(detectors: Sequence[Detector]) -> np.dtype[np.void]:
    """The packed record of a client, a multiple of 8 bytes; raises ValueError where it does not fit."""
    fields: list[tuple[str, np.dtype[np.void] | str]] = [
        *_HEAD,
        ("activity", activity.state),
        ("profile", profile.state),
        ("parts", parts.state),
    ]
    taken = {name for name, _ in fields}
    for detector in detectors:
        if detector.name in taken:
            raise ValueError(f"two parts of the row are called {detector.name!r}")
        taken.add(detector.name)
        fields.append((detector.name, detector.state))
    size = np.dtype(fields).itemsize
    if size % 8:
        fields.append(("filler", f"V{8 - size % 8}"))
    row = np.dtype(fields)
    if row.itemsize > ROW_LIMIT:
        raise ValueError(f"a row of {row.itemsize} bytes is over the limit of {ROW_LIMIT}")
    return row


def _schema(detectors: Sequence[Detector], row: np.dtype[np.void]) -> int:
    """A number that changes with the row's layout and with any detector's version."""
    versions = [(detector.name, detector.version) for detector in detectors]
    return zlib.crc32(repr((row.descr, versions)).encode()) or 1
