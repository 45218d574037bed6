"""The composed benchmark as a whole: counts, pairs, shards, splits, and its copy on disk."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from bench.detection import arrivals, dataset, harvests, lists, store
from bench.detection.dataset import Scale


@pytest.fixture(scope="module")
def made() -> dataset.World:
    return dataset.world(None, "test")


@pytest.fixture(scope="module")
def accounts() -> list:
    """A benchmark of a few accounts, made-up texts alone."""
    scale = Scale(ordinary=16, singles=5, eights=1, crowds=0, cap=40, days=1.0)
    return list(dataset.composed(None, 3, scale, "test"))


def test_every_harvester_has_an_ordinary_match_with_its_arrival_volume_and_language(accounts) -> None:
    assert sum(not one.family for one in accounts) == 16
    assert sum(bool(one.family) for one in accounts) == 13
    pairs = defaultdict(list)
    for one in accounts:
        if one.pair >= 0:
            pairs[one.pair].append(one)
    assert len(pairs) == 13
    for harvester, match in pairs.values():
        assert harvester.family
        assert not match.family
        assert (harvester.arrival, harvester.a_day, harvester.language) == (match.arrival, match.a_day, match.language)


def test_an_operators_accounts_share_a_list_without_overlap(accounts) -> None:
    group = [one for one in accounts if one.campaign]
    assert len(group) == 8
    assert len({one.source for one in group}) == 1
    seen: set[int] = set()
    for one in group:
        sent = set(one.events["payload"][one.harvested].tolist())
        assert len(sent & seen) <= 1
        seen |= sent


def test_events_are_in_order_and_within_the_days(accounts) -> None:
    for one in accounts:
        at = one.events["at"]
        assert (np.diff(at) >= 0).all()
        assert at[0] >= dataset.EPOCH
        assert at[-1] <= dataset.EPOCH + 1.1 * arrivals.DAY
        assert len(one.harvested) == len(at)
        assert one.harvested.any() == bool(one.family)


def test_cover_is_ordinary_traffic_in_the_share_asked_for(made) -> None:
    scale = Scale(0, 1, 0, 0, 200, 7.0)
    for number in range(200):
        (plan,) = dataset.operator(made, f"cover/{number}", harvests.VARIANTS[0], 1, scale)
        if plan.cover == 0.8 and plan.profile.a_day > 300:
            break
    one = dataset.build(made, plan)
    assert one.persona
    assert 0.08 < one.harvested.mean() < 0.35


def test_the_copy_on_disk_is_what_was_made_and_is_used_again(accounts, tmp_path) -> None:
    calls = []

    def make():
        calls.append(1)
        yield from accounts

    first = list(store.cached("t", "ab12", make(), tmp_path))
    again = list(store.cached("t", "ab12", make(), tmp_path))
    assert len(calls) == 1
    assert [one.client for one in first] == [one.client for one in again]
    for one, other in zip(accounts, again, strict=True):
        assert one.events.tobytes() == other.events.tobytes()
        assert one.harvested.tolist() == other.harvested.tolist()
        assert (one.family, one.pair, one.source, one.cover) == (other.family, other.pair, other.source, other.cover)


def test_a_benchmark_that_was_not_finished_is_not_kept(accounts, tmp_path) -> None:
    some = store.cached("t", "ab12", iter(accounts), tmp_path)
    next(some)
    some.close()
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_plans_the_same_and_another_does_not(made) -> None:
    def names(seed: str) -> list:
        return [
            (one.name.split("/", 1)[1], one.persona, one.profile) for one in dataset.ordinary(made, seed, 20, 10, 1.0)
        ]

    assert names("a") == names("a")
    assert names("a") != names("b")


def test_the_splits_share_no_list_item() -> None:
    development, test = (lists.read(None, split) for split in ("dev", "test"))
    for language in development.by:
        for kind in lists.KINDS:
            left, right = (
                {text for _, texts in one.sources(language, kind) for text in texts} for one in (development, test)
            )
            assert left
            assert not left & right


def test_files_belong_to_one_split_but_where_their_groups_differ() -> None:
    users = defaultdict(set)
    for file in lists.FILES:
        for group in file.groups or ("",):
            users[file.name, group].add(file.split)
    assert all(len(splits) == 1 for splits in users.values())


def test_a_folder_that_lacks_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lacks benign/arena_hard_v01\.jsonl\.gz"):
        dataset.world(tmp_path, "dev")


def test_every_variant_has_its_family_and_each_family_its_list_in_every_language(made) -> None:
    names = [one.name for one in harvests.VARIANTS]
    assert len(set(names)) == len(names)
    for one in harvests.VARIANTS:
        assert one.kind in (*lists.KINDS, "documents")
    for language in made.lists.by:
        for kind in lists.KINDS:
            for _, texts in made.lists.sources(language, kind):
                assert len(texts) >= 200
