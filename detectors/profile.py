"""D0: the kind of use a client makes of the API, for peer grouping; never an alarm by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors import twins
from detectors.batch import Batch
from detectors.sketch import hll_count, hll_update, mixed

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

_HABITS = [*(twins.NAMES.index(name) for name in ("multi_turn", "streamed", "structured", "end_users")), -1]

state = np.dtype(
    [
        ("n", "<u4"),
        ("flags", "<u4", (len(_HABITS),)),
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
    payload = twins.log16(seen["payload_chars"])
    logs = (payload, twins.log16(seen["in_chars"]), twins.measures(seen).log_choice)
    rows["n"] += seen.counts.astype(np.uint32)
    rows["flags"] += twins.habits(seen)[:, _HABITS]
    rows["logs"] += np.column_stack([seen.sum(log) for log in logs]).astype(np.uint64)
    rows["squares"] += seen.sum(payload * payload).astype(np.uint64)
    hll_update(rows["users"], seen.index, mixed(seen, "user"))
    hll_update(rows["networks"], seen.index, mixed(seen, "network"))
    hll_update(rows["agents"], seen.index, mixed(seen, "agent"))


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
