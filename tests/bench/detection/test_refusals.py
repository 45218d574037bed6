"""Bans and moving rates befall campaigns as written, and ordinary groups meet them as programs do."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from bench.detection import campaigns, dataset, lookalikes, refusals, store
from bench.detection.campaigns import Shape
from bench.detection.harvests import VARIANTS

LIST = next(one for one in VARIANTS if one.name == "prompt list, template")
REFUSED = (401, 403, 429)


@pytest.fixture(scope="module")
def made() -> dataset.World:
    return dataset.world(None, "dev")


@pytest.fixture(scope="module")
def six(made) -> list:
    return [dataset.build(made, plan) for plan in campaigns.plans(made, LIST, Shape(6, 40, 0.5), "six", 6)]


@pytest.fixture(scope="module")
def firm(made) -> list:
    return [dataset.build(made, plan) for plan in lookalikes.group(made, "company keys", "firm", 6)]


def test_half_are_shut_by_the_provider_and_each_is_replaced(six) -> None:
    out = refusals.provider_bans(six, Random(1))
    assert len(out) == 6
    for old, new in zip(out[::2], out[1::2], strict=True):
        last = int(np.flatnonzero(old.events["status"] == 200)[-1])
        tries = old.events[last + 1 :]
        tries = tries[np.isin(tries["status"], (401, 403))]
        assert 3 <= len(tries) <= 8
        assert not old.harvested[np.isin(old.events["status"], REFUSED)].any()
        assert 0.2 * 3_600.0 <= float(new.events["at"][0] - tries["at"][0]) <= 40.0 * 3_600.0


@pytest.mark.parametrize("befalls", [refusals.moving_rate, refusals.routed])
def test_a_pace_goes_on_with_another_account_seconds_after_a_refusal(six, firm, befalls) -> None:
    accounts = six if befalls is refusals.moving_rate else firm
    out = befalls(accounts, Random(1))
    assert sorted(len(one.events) for one in out) == sorted(len(one.events) for one in accounts)
    events = np.concatenate([one.events for one in out])
    events = events[np.argsort(events["at"], kind="stable")]
    gaps = [
        float(later["at"] - one["at"])
        for one, later in pairwise(events)
        if one["status"] == 429 and later["client"] != one["client"] and later["at"] - one["at"] < 8.1
    ]
    assert len(gaps) >= 5
    assert all((np.diff(one.events["at"]) >= 0).all() for one in out)


def test_keys_at_one_limit_begin_together_and_try_again(firm) -> None:
    out = refusals.one_limit(firm, Random(1))
    for one in out:
        fresh = one.events["at"][np.diff(one.events["at"], prepend=0.0) > 900.0]
        assert ((fresh - refusals.EPOCH) % 3_600.0 <= 41.0).all()
    assert sum(len(one.events) for one in out) == sum(len(one.events) for one in firm)


def test_expired_keys_are_refused_for_good_and_users_of_another_model_are_not(firm) -> None:
    gone = refusals.expired(firm, Random(1))[::2]
    assert all(np.isin(one.events["status"][-3:], (401, 403)).all() for one in gone)
    short = refusals.exhausted(firm, Random(1))[::2]
    assert all((one.events["status"][-3:] == 429).all() for one in short)
    tried = next(one for one in refusals.another_model(firm, Random(1)) if (one.events["status"] == 403).sum() >= 3)
    refused = np.flatnonzero(tried.events["status"] == 403)
    assert set(tried.events["model"][refused].tolist()).isdisjoint(tried.events["model"][:3].tolist())
    assert (tried.events["status"][refused[-1] + 1 :] == 200).any()


def test_a_group_of_twins_is_ordinary_and_named(made, monkeypatch) -> None:
    monkeypatch.setitem(refusals.TWINS, "firm keys, quota", ("company keys", 4, True, refusals.exhausted))
    out = refusals.twins(made, "firm keys, quota", "quota")
    assert {one.persona for one in out} == {"firm keys, quota"}
    assert not any(one.family or store.mask_of(one).any() for one in out)
    networks = [set(one.events["network"].tolist()) for one in out]
    assert not any(left & right for left, right in pairwise(networks))


def test_a_campaign_is_named_by_what_befalls_it(made) -> None:
    out = refusals.campaign(made, Shape(4, 20, 1.0, event="moving rate"), "four")
    assert {one.evasion for one in out} == {"4 x 20 at 100%, moving rate"}
    assert all(one.family in campaigns.FAMILIES for one in out)
