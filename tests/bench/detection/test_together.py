"""What campaigns add: from when it could be known, to whom, and how much."""

from __future__ import annotations

import numpy as np
import pytest

from app.ingest.linking import PART, WATCHED
from bench.detection import campaigns, linking, together
from bench.detection.evaluate import observe
from bench.detection.ours import Tiers
from detectors import registry

FIRST = 1_000.0


@pytest.fixture(scope="module")
def world():
    scale = campaigns.Scale(6, (), (campaigns.Shape(8, 60, 1.0),))
    accounts = list(campaigns.composed(None, 3, scale, "dev"))
    return accounts, observe(registry.shipped(), accounts), together.linked(accounts)


def test_requests_and_answers_are_counted_up_to_the_link_that_flagged(world) -> None:
    accounts, _, found = world
    assert found.flagged
    by = {one.client: one for one in accounts}
    for client, at in found.flagged.items():
        events = by[client].events
        assert found.requests[client] == np.sum(events["at"] <= at)
        assert found.answers[client] > 0
        assert by[client].family


def test_a_look_has_what_was_known_of_its_campaign_by_then_and_the_last_look_all(world) -> None:
    _, seen, found = world
    clients = seen.clients["client"].tolist()
    looks = seen.rows["last"].astype(float)
    chosen = clients[int(np.bincount(seen.who).argmax())]
    mine = np.flatnonzero(seen.clients["client"][seen.who] == chosen)
    whole = mine[seen.rows["part"][mine] == 0]
    assert len(whole) >= 2
    watch, known = -WATCHED, float(looks[whole[0]])
    rose = {chosen: [(known - 1.0, watch + 1.0), (known + 1e7, watch + 4.0)]}
    more = together.more(found._replace(rose=rose), seen)
    assert more[whole[0]] == pytest.approx(PART * 1.0)
    assert more[whole[-1]] == pytest.approx(PART * 4.0)
    assert not more[np.setdiff1d(np.arange(len(more)), mine)].any()


def test_a_campaign_below_the_level_of_watching_takes_nothing_away(world) -> None:
    _, seen, found = world
    low = {client: [(0.0, -WATCHED - 3.0)] for client in seen.clients["client"].tolist()}
    assert not together.more(found._replace(rose=low), seen).any()


def test_tiers_take_the_earlier_of_the_two_and_lose_nobody(world) -> None:
    _, seen, _ = world
    clients = seen.clients[:3]
    names = clients["client"].tolist()
    alone = Tiers(
        clients, np.array([True, True, False]), np.array([True, False, False]),
        np.array([30.0, np.inf, np.inf]), np.array([29.0, np.inf, np.inf]),
    )  # fmt: skip
    some = together.Linked(
        {names[0]: FIRST, names[2]: FIRST}, {names[0]: 70.0, names[2]: 12.0}, {names[0]: 60.0, names[2]: 11.0}, {}
    )
    both = together.tiers(alone, some)
    assert both.watched.tolist() == [True, True, True]
    assert both.reviewed.tolist() == [True, False, True]
    assert both.requests.tolist() == [30.0, np.inf, 12.0]
    assert both.answers.tolist() == [29.0, np.inf, 11.0]


def test_a_week_of_links_tells_when_a_campaign_rose(world) -> None:
    accounts, _, _ = world
    week = linking.followed(accounts)
    assert week.flagged.keys() <= week.rose.keys()
    for steps in week.rose.values():
        assert [score for _, score in steps] == sorted({score for _, score in steps})
        assert [at for at, _ in steps] == sorted(at for at, _ in steps)
