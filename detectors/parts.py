"""Parts: what a client sends in one manner, kept apart from the rest of its traffic once the client is mixed.

A reseller's key, or a harvester who hides among honest requests, sends several things at once, and a row of all of it
is that of neither. What tells one program behind a key from another is the manner of its requests: how warm,
samples, log probabilities, operation, streaming, and whether there is a system prompt, tools, an output schema. A hash
of the manner, salted with the client, deals its requests into COUNT parts: no list of manners is kept, so that their
number is bounded, and the counts do not depend on the order of events within a window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.ahead import ahead
from detectors.batch import Batch
from detectors.cells import mix64
from detectors.compiled import compiled, fold
from detectors.event import Flag

COUNT = 16
LEAST = 25  # counted requests of a client before any of them is kept apart: fewer say nothing of a mixture
BEGUN = 4  # of a part before it has a row: single requests of another manner are none
MOST = 2 / 3  # of a client's requests: what it mostly sends is told by the whole
FADES = 200  # counted requests of a window, fewer than BEGUN of them of the part that the client stood there for
MARGIN = 2.0  # nats that a part is marked down: a client of several parts is looked at several times

state = np.dtype(
    [
        ("window", "<i4"),
        ("seen", "<u4"),  # counted requests of the window
        ("counts", "<u2", (COUNT,)),  # of them in each part
        ("score", "<f4"),  # nats of the part that scores highest
        ("part", "u1"),  # its number, from 1; 0: none came to a look
        ("level", "u1"),  # what the client is at because of it
        ("pad", "<u2"),
    ]
)
_COLUMNS = ("temperature", "choices", "top_logprobs", "operation", "flags")
_MANNER = int(Flag.STREAM | Flag.TOOLS | Flag.SCHEMA | Flag.SYSTEM)
_WARMTH = (-1.0, 0.05, 0.55, 1.1)  # where classes of temperature begin, each above; no usual value stands there
_FULL = np.iinfo(np.uint16).max  # a part that came so often in a window was looked at often enough


def route(rows: NDArray[np.void], batch: Batch, window: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Count the batch's events by part, in place, and say which part each is kept apart in: 0, or its number from 1.

    `rows` are of `state`, one a client of the batch; `window` is each event's. Shape (len(batch),), in the batch's
    order. It depends on the events before each one alone, not on where the stream was cut. A part that did not come
    to a look in the window that ends is forgotten: the client does not stand where it does for it any more.
    """
    out = np.zeros(len(batch), np.uint8)
    fields = [rows[name] for name in ("window", "seen", "counts", "score", "part", "level")]
    columns = [batch[name] for name in _COLUMNS]
    fold(_route, fields, (batch.clients, batch.starts, batch.counts, batch.counted_mask, window, *columns, out))
    return out


@compiled
def _route(
    current: NDArray[np.int32], seen: NDArray[np.uint32], counts: NDArray[np.uint16],
    score: NDArray[np.float32], chief: NDArray[np.uint8], level: NDArray[np.uint8],
    clients: NDArray[np.uint64], starts: NDArray[np.int64], lengths: NDArray[np.int64], counted: NDArray[np.bool_],
    window: NDArray[np.int32], temperature: NDArray[np.float32], choices: NDArray[np.uint16],
    top_logprobs: NDArray[np.int8], operation: NDArray[np.uint8], flags: NDArray[np.uint32], out: NDArray[np.uint8],
) -> None:  # fmt: skip
    for row in range(len(clients)):
        ahead(current, level, row)
        for nth in range(starts[row], starts[row] + lengths[row]):
            place = np.uint64(nth)
            if not counted[place] or window[place] < current[row]:
                continue
            if window[place] > current[row]:
                if chief[row] > 0 and counts[row, chief[row] - 1] < LEAST + BEGUN:
                    score[row], chief[row], level[row] = np.float32(0.0), np.uint8(0), np.uint8(0)
                current[row], seen[row] = window[place], np.uint32(0)
                counts[row, :] = 0
            settings = np.uint64(_warmth(temperature[place])) | np.uint64(choices[place]) << np.uint64(32)
            settings |= np.uint64(top_logprobs[place] >= 0) << np.uint64(48)
            settings |= np.uint64(operation[place]) << np.uint64(56)
            habits = np.uint64(flags[place]) & np.uint64(_MANNER)
            part = mix64(mix64(settings ^ clients[row]) ^ habits) >> np.uint64(60)
            known = counts[row, part]
            if seen[row] >= LEAST and BEGUN <= known <= MOST * seen[row] and known < _FULL:
                out[place] = np.uint8(part + np.uint64(1))
            counts[row, part] = min(known + 1, _FULL)
            seen[row] += np.uint32(1)


@compiled
def _warmth(temperature: np.float32) -> int:
    """The class of a temperature; 0 where it is not known. By its exact value a jitter would deal one use over all."""
    warmth = 0
    for begin in _WARMTH:
        if temperature > begin:
            warmth += 1
    return warmth


def say(rows: NDArray[np.void], owner: NDArray[np.intp], kept: NDArray[np.void]) -> None:
    """Write down, in place, what the parts in `kept` have come to, each in the record of its `owner`.

    One that came to no look in its window yet stands where it did in an earlier one: that alone raises nobody.
    """
    same = rows["part"][owner] == kept["part"]
    for name in ("level", "score"):
        rows[name][owner[same]] = kept[name][same]
    looked = np.flatnonzero(kept["look"] > 0)
    order = looked[np.lexsort((kept["score"][looked], kept["level"][looked], owner[looked]))]
    last = order[np.append(owner[order][1:] != owner[order][:-1], np.True_)[: len(order)]]
    best, to = kept[last], owner[last]
    level, score = rows["level"][to], rows["score"][to]
    higher = (best["level"] > level) | ((best["level"] == level) & (best["score"] > score))
    for name in ("part", "level", "score"):
        rows[name][to[higher]] = best[name][higher]


def fade(rows: NDArray[np.void]) -> None:
    """Forget, in place, a part that does not come any more: one that is not sent comes to no look.

    As the whole is looked at anew in each window, so is a part, and until then its client stands where it did.
    """
    held = np.flatnonzero((rows["level"] > 0) & (rows["seen"] >= FADES))
    gone = held[rows["counts"][held, np.maximum(rows["part"][held], 1) - 1] < BEGUN]
    for name in ("part", "level", "score"):
        rows[name][gone] = 0


def until(rows: NDArray[np.void], batch: Batch, window: NDArray[np.int32]) -> NDArray[np.intp] | None:
    """How many of each client's events come before a part of it may be forgotten, or with that; None: all of all.

    `rows` and `window` are as `route` takes them, before it. Forgotten is a part where a window begins, and where FADES
    requests of it came: a batch is cut there, so that what was before is not told as what came after.
    """
    last = window[batch.starts + batch.counts - 1]
    begins = rows["window"] != last
    fills = (rows["seen"] < FADES) & (rows["seen"] + batch.counts >= FADES)
    if not ((rows["level"] > 0) & (begins | fills) | (window[batch.starts] != last)).any():
        return None
    out = batch.counts.copy()
    fields = [rows[name] for name in ("window", "seen", "level")]
    fold(_until, fields, (batch.starts, batch.counts, batch.counted_mask, window, out))
    return out if (out < batch.counts).any() else None


@compiled
def _until(
    current: NDArray[np.int32], seen: NDArray[np.uint32], level: NDArray[np.uint8],
    starts: NDArray[np.int64], lengths: NDArray[np.int64], counted: NDArray[np.bool_], window: NDArray[np.int32],
    out: NDArray[np.int64],
) -> None:  # fmt: skip
    for row in range(len(starts)):
        now, known, held = current[row], np.int64(seen[row]), level[row] > 0
        for nth in range(lengths[row]):
            place = starts[row] + nth
            if not counted[place] or window[place] < now:
                continue
            if window[place] > now:
                if nth > 0 and (held or known >= LEAST):  # by fewer no part was raised
                    out[row] = nth
                    break
                if held:
                    out[row] = 1
                    break
                now, known = window[place], np.int64(0)
            known += 1
            if held and known == FADES:
                out[row] = nth + 1
                break


def said(rows: NDArray[np.void], level: NDArray[np.uint8], score: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether a client stands where it does because of a part: by level, and by score where both are told of."""
    above = (rows["level"] == level) & (rows["level"] > 0) & (rows["score"] > score)
    return np.asarray((rows["level"] > level) | above, np.bool_)
