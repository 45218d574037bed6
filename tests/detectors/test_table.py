"""The in-memory table gives every client its own row."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.table import Table


def test_clients_keep_their_rows_as_the_table_grows(shipped_engine: Engine, traffic) -> None:
    table = Table(shipped_engine)
    for start in range(0, 400, 40):
        block = np.concatenate([traffic(client, 2) for client in range(start, start + 80)])
        table.step(block, 0.0)
    assert len(table) == 440
    assert sorted(table) == list(range(440))
    assert (table.rows()["client"] == np.array(list(table))).all()
    assert table[0]["events"] == 2
    assert table[50]["events"] == 4


def test_a_client_never_seen_is_not_there(shipped_engine: Engine, traffic) -> None:
    table = Table(shipped_engine)
    table.step(traffic(5, 1), 0.0)
    assert 5 in table
    assert 6 not in table
    with pytest.raises(KeyError):
        table[6]


def test_it_returns_the_engine_s_findings(shipped_engine: Engine, harvest) -> None:
    found = Table(shipped_engine).step(harvest(9, 100), 0.0)
    assert set(found["client"].tolist()) == {9}
    assert (
        found.tobytes()
        == shipped_engine.step(shipped_engine.empty(found["client"][:1]), harvest(9, 100), 0.0).tobytes()
    )
