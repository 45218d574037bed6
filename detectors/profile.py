"""D0: the kind of use a client makes of the API, for peer grouping; never an alarm by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors import twins
from detectors.ahead import ahead
from detectors.batch import Batch
from detectors.cells import hll_row, log16, mix64
from detectors.compiled import compiled, fold
from detectors.sketch import hll_count

FEATURES = (
    "multi_turn_share",
    "streamed_share",
    "structured_share",
    "end_user_share",
    "system_share",
    "log_payload_chars",
    "log_prompt_chars",
    "log_answer_chars",
    "payload_spread",
)
"""The coordinates of a client in `features`: shares, mean binary logarithms, and one standard deviation.

Sampling parameters, elicitation, templates and repetition are left out on purpose: grouping by what a
detector measures would hide it from that detector.
"""

_MULTI, _STREAMED, _STRUCTURED, _USER = (
    1 << twins.NAMES.index(name) for name in ("multi_turn", "streamed", "structured", "end_users")
)

state = np.dtype(
    [
        ("n", "<u4"),
        ("flags", "<u4", (5,)),  # multi-turn, streamed, structured, end users, a system prompt
        ("logs", "<u8", (3,)),  # payload, prompt and one choice's answer, sixteenths of a doubling
        ("squares", "<u8"),  # of the payload's
        ("users", "u1", (64,)),
        ("networks", "u1", (32,)),
        ("agents", "u1", (32,)),
    ]
)


def update(rows: NDArray[np.void], batch: Batch) -> None:
    """Fold the counted events of a batch into its clients' profiles, in place."""
    seen = batch.counted
    whole = seen.whole
    answers = twins.measures(whole)
    fields = [rows[name] for name in ("n", "flags", "logs", "squares", "users", "networks", "agents")]
    columns = [whole[name] for name in ("payload_chars", "in_chars", "user", "network", "agent")]
    fold(_fold, fields, (seen.starts, seen.counts, seen.places, answers.code, answers.log_choice, *columns))


@compiled
def _fold(
    n: NDArray[np.uint32],
    flags: NDArray[np.uint32],
    logs: NDArray[np.uint64],
    squares: NDArray[np.uint64],
    users: NDArray[np.uint8],
    networks: NDArray[np.uint8],
    agents: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    code: NDArray[np.uint8],
    answer: NDArray[np.int64],
    payload_chars: NDArray[np.uint32],
    in_chars: NDArray[np.uint32],
    user: NDArray[np.uint64],
    network: NDArray[np.uint32],
    agent: NDArray[np.uint32],
) -> None:
    for row in range(len(counts)):
        ahead(n, agents, row)
        n[row] += np.uint32(counts[row])
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            _count_habits(flags, row, code[place])
            payload = log16(payload_chars[place])
            logs[row, 0] += np.uint64(payload)
            logs[row, 1] += np.uint64(log16(in_chars[place]))
            logs[row, 2] += np.uint64(answer[place])
            squares[row] += np.uint64(payload * payload)
            hll_row(users, row, mix64(user[place]))
            hll_row(networks, row, mix64(np.uint64(network[place])))
            hll_row(agents, row, mix64(np.uint64(agent[place])))


@compiled
def _count_habits(flags: NDArray[np.uint32], row: int, code: int) -> None:
    flags[row, 0] += np.uint32(code & _MULTI != 0)
    flags[row, 1] += np.uint32(code & _STREAMED != 0)
    flags[row, 2] += np.uint32(code & _STRUCTURED != 0)
    flags[row, 3] += np.uint32(code & _USER != 0)
    flags[row, 4] += np.uint32(code & twins.SYSTEM_BIT != 0)


def features(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """Where each client stands in the space of uses: shape (clients, len(FEATURES))."""
    n = np.maximum(rows["n"].astype(np.float64), 1.0)
    means = rows["logs"] / n[:, None] / twins.LOG
    square = rows["squares"] / n / twins.LOG**2
    spread = np.sqrt(np.maximum(square - means[:, 0] ** 2, 0.0))
    return np.column_stack([rows["flags"] / n[:, None], means, spread])


def distinct(row: np.void) -> dict[str, int]:
    """The estimated numbers of end users, networks and client programs behind one client."""
    return {name: round(float(hll_count(row[name][None, :])[0])) for name in ("users", "networks", "agents")}
