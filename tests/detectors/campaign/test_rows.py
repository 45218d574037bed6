"""A client that takes answers ranks above one that chats; a client of a few requests says nothing yet."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import calibrate, registry
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
    for number in ("nats", "lead"):
        taking = [getattr(told[client], number) for client in range(1, 9)]
        assert min(taking) > max(getattr(told[10_000 + place], number) for place in range(20))


def test_the_lead_is_not_drawn_to_the_usual_client_before_the_first_look(engine: Engine, operator) -> None:
    table = Table(engine)
    events = np.concatenate([operator([1], requests=rows.LEAST), operator([2], requests=24)])
    table.step(events, float(events["at"].max()))
    told, held = rows.ranks(engine, table.rows()), table.rows()
    judged = engine.judge.judge(held, 0.0)
    own = (engine.judge.odds(held, judged.scores) - engine.judge.lift(held))[:, 0]
    odds = dict(zip(held["client"].tolist(), own.tolist(), strict=True))
    drawn = dict(zip(held["client"].tolist(), judged.rank.tolist(), strict=True))
    bar = calibrate.joint_reached(engine.reference, rows.BEYOND)
    assert {client: one.lead for client, one in told.items()} == pytest.approx({k: v - bar for k, v in odds.items()})
    usual = calibrate.joint_reached(engine.reference, 0.5)
    assert abs(drawn[1] - usual) < 0.5 * abs(odds[1] - usual)  # five of 25 requests


def test_a_client_of_a_few_requests_says_nothing(engine: Engine, operator) -> None:
    table = Table(engine)
    events = np.concatenate([operator([1], requests=rows.LEAST), operator([2], requests=rows.LEAST - 1)])
    table.step(events, float(events["at"].max()))
    assert rows.ranks(engine, table.rows()).keys() == {1}
    assert rows.ranks(engine, table.rows()[:0]) == {}


@pytest.mark.parametrize("group", [1, 3, 255])
def test_rows_are_compared_with_the_peer_group_that_the_reference_of_now_gives_them(
    engine: Engine, operator, bystanders, group: int
) -> None:
    table = Table(engine)
    for events in (operator([1, 2], requests=40), bystanders(6, requests=30)):
        table.step(events, float(events["at"].max()))
    held = table.rows()
    assert group not in held["group"]
    right = rows.ranks(engine, held)
    held["group"] = group  # as another reference numbered it at the look
    assert rows.ranks(engine, held) == right
    assert (held["group"] == group).all()
