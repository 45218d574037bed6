"""A client that takes answers ranks above one that chats; a client of a few requests says nothing yet."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import registry
from detectors.campaign import rows
from detectors.engine import Engine
from detectors.table import Table


@pytest.fixture(scope="module")
def engine() -> Engine:
    return registry.load()


def test_who_takes_ranks_above_who_chats(engine: Engine, operator, bystanders) -> None:
    table = Table(engine)
    for events in (operator(list(range(1, 9)), requests=40), bystanders(20)):
        table.step(events, float(events["at"].max()))
    told = rows.ranks(engine, table.rows())
    assert told.keys() == set(table)
    assert min(told[client] for client in range(1, 9)) > max(told[10_000 + place] for place in range(20))


def test_a_client_of_a_few_requests_says_nothing(engine: Engine, operator) -> None:
    table = Table(engine)
    events = np.concatenate([operator([1], requests=rows.LEAST), operator([2], requests=rows.LEAST - 1)])
    table.step(events, float(events["at"].max()))
    assert rows.ranks(engine, table.rows()).keys() == {1}
    assert rows.ranks(engine, table.rows()[:0]) == {}
