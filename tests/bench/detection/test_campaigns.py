"""Campaigns and look-alikes: shards, refusals that move, replacements, and accounts made feature by feature."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from bench.detection import campaigns, dataset, fast, lookalikes, store
from bench.detection.campaigns import Shape
from bench.detection.harvests import VARIANTS

LIST = next(one for one in VARIANTS if one.name == "prompt list, template")


@pytest.fixture(scope="module")
def made() -> dataset.World:
    return dataset.world(None, "test")


@pytest.fixture(scope="module")
def eight(made) -> list:
    """Eight accounts of one operator with a template in front of a bare list, each half harvest."""
    shape = Shape(8, 40, 0.5)
    return [dataset.build(made, plan) for plan in campaigns.plans(made, LIST, shape, "eight", 8)]


def _sent(account) -> set[int]:
    return set(account.events["payload"][account.harvested].tolist())


def test_accounts_have_one_template_and_disjoint_items_and_nothing_else_in_common(eight) -> None:
    assert all(0.2 < one.harvested.mean() < 0.8 for one in eight)
    for left, right in pairwise(eight):
        assert not _sent(left) & _sent(right)
        assert set(left.events["network"].tolist()) != set(right.events["network"].tolist())
    heads = [set(one.events["head4"][one.harvested].tolist()) for one in eight]
    tails = [set(one.events["tail6"][one.harvested].tolist()) for one in eight]
    assert set.intersection(*heads) or set.intersection(*tails)


def test_reworded_templates_differ_between_accounts(made) -> None:
    shape = Shape(8, 20, 1.0, reworded=True)
    accounts = [dataset.build(made, plan) for plan in campaigns.plans(made, LIST, shape, "other", 8)]
    keys = {(int(one.events["head12"][0]), int(one.events["tail6"][0])) for one in accounts}
    assert len(keys) >= 4


def test_displaced_requests_come_again_from_another_account_within_seconds(eight) -> None:
    before = sum(int(one.harvested.sum()) for one in eight)
    after = campaigns.displacement(eight, Random(1))
    refused = [(one.client, event) for one in after for event in one.events[one.events["status"] == 429]]
    assert len(refused) >= 8
    assert sum(int(one.harvested.sum()) for one in after) == before
    for client, event in refused[-8:]:
        again = [
            other
            for one in after
            if one.client != client
            for other in one.events
            if other["body"] == event["body"] and 0.0 < other["at"] - event["at"] < 10.0
        ]
        assert again
        assert again[0]["client"] != client
        assert event["answer"] == 0
    assert all((np.diff(one.events["at"]) >= 0).all() for one in after)


def test_a_banned_account_is_followed_by_another_within_two_days(eight) -> None:
    after = campaigns.succession(eight, Random(1))
    assert len(after) == 8
    for old, new in zip(after[0::2], after[1::2], strict=True):
        assert (old.events["status"][-3:] == 403).all()
        gap = float(new.events["at"][0] - old.events["at"][-1])
        assert 3_600.0 <= gap <= 40 * 3_600.0
        assert not (_sent(old) & _sent(new))


def test_many_accounts_are_made_from_a_few_with_items_of_their_own(eight) -> None:
    many = list(fast.multiply(eight, 40, "many"))
    assert len({one.client for one in many}) == 40
    template = {int(value) for one in eight for value in one.events["head4"][one.harvested]}
    seen: set[int] = set()
    for one in many:
        sent = _sent(one)
        assert not sent & seen
        seen |= sent
        assert set(one.events["head4"][one.harvested].tolist()) & template
        assert (np.diff(one.events["at"]) >= 0).all()
        assert (one.events["client"] == one.client).all()
        gist = one.events["gist"].astype(np.int64)
        assert ((np.diff(gist, axis=1) > 0) | (gist[:, 1:] == 0)).all()
    assert [one.events.tobytes() for one in fast.multiply(eight, 3, "many")] == [
        one.events.tobytes() for one in many[:3]
    ]


@pytest.mark.parametrize("name", list(lookalikes.GROUPS))
def test_groups_of_look_alikes_are_ordinary_and_share_what_they_share(made, name) -> None:
    accounts = [dataset.build(made, plan) for plan in lookalikes.group(made, name, f"g/{name}", 6)]
    assert len({one.campaign for one in accounts}) == 1
    assert all(not one.family and one.persona == name and not store.mask_of(one).any() for one in accounts)
    assert all(len(one.events) >= 3 for one in accounts)
    payloads = [set(one.events["payload"].tolist()) for one in accounts]
    networks = [set(one.events["network"].tolist()) for one in accounts]
    if name in ("classroom", "public harness"):
        assert any(left & right for left, right in pairwise(payloads))
    if name in ("company keys", "classroom", "reseller's customers"):
        assert any(left & right for left, right in pairwise(networks))
    else:
        assert not any(left & right for left, right in pairwise(networks))


def test_a_small_benchmark_has_ordinary_accounts_groups_and_campaigns() -> None:
    scale = campaigns.Scale(4, (3,), (Shape(5, 20, 1.0), Shape(70, 20, 0.5)))
    accounts = list(campaigns.composed(None, 5, scale, "test"))
    assert len(accounts) == 4 + 5 * 3 + 5 + 70
    assert len({one.client for one in accounts}) == len(accounts)
    assert {one.evasion for one in accounts if one.family} == {"5 x 20 at 100%", "70 x 20 at 50%"}
    assert all(one.family in campaigns.FAMILIES for one in accounts if one.evasion)
    assert max(float(one.events["at"][-1]) for one in accounts) < dataset.EPOCH + 10 * 86_400.0


def test_a_large_campaign_is_made_from_what_was_composed_and_from_nothing_else(made) -> None:
    accounts = campaigns.campaign(made, Shape(300, 20, 1.0), "large")
    assert len(accounts) == 300
    composed = {len(one.events) for one in accounts[: campaigns.SAMPLE]}
    for number, one in enumerate(accounts):
        first = accounts[number % campaigns.SAMPLE]
        assert one.arrival == first.arrival
        assert len(one.events) in composed
        assert np.ptp(one.events["at"]) <= 1.2 * np.ptp(first.events["at"]) + 1.0
