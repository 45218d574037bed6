"""Linked clients' rows make the row that one client with all their events would have."""

from __future__ import annotations

import numpy as np

from detectors.checks import same, sample
from detectors.engine import WINDOW, Engine
from detectors.table import Table


def after(engine: Engine, events: np.ndarray) -> np.ndarray:
    table = Table(engine)
    table.step(events, float(events["at"].max()))
    return np.sort(table.rows(), order="client")


def within_a_window(clients: int) -> np.ndarray:
    """Events of some clients, all in the middle of their windows, and of client 1 in the middle of its own."""
    events = sample(3, clients=clients)
    events["client"] = (np.unique(events["client"], return_inverse=True)[1] + 1).astype(np.uint64)
    events["at"] += WINDOW / 2.0 - (events["at"].min() % WINDOW)
    return events


def test_the_merged_row_is_that_of_one_client_with_all_events(shipped_engine: Engine) -> None:
    events = within_a_window(12)
    rows = after(shipped_engine, events)
    before = rows.tobytes()
    pooled = shipped_engine.merge(rows, client=1)
    events["client"] = 1
    whole = after(shipped_engine, events)
    assert rows.tobytes() == before
    decided = {"level", "score", "told", "window", "parts"}  # each client deals its requests into parts of its own
    for name in shipped_engine.row.names:
        if name not in decided:
            assert same(whole[name], pooled[name]), name


def test_the_pooled_row_can_be_explained(shipped_engine: Engine) -> None:
    pooled = shipped_engine.merge(after(shipped_engine, within_a_window(6)))
    told = shipped_engine.explain(pooled[0], 0.0)
    assert told.requests == 1_500
    assert told.look == 800


def test_rows_of_another_schema_and_no_rows_are_left_out(shipped_engine: Engine) -> None:
    rows = after(shipped_engine, within_a_window(4))
    counted = int(rows["counted"][1:].sum())
    rows["schema"][0] ^= 1
    assert shipped_engine.merge(rows)["counted"][0] == counted
    assert shipped_engine.merge(rows[:0], 7).tobytes() == shipped_engine.empty(np.array([7], np.uint64)).tobytes()
