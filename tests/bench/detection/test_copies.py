"""Copies of accounts differ from them in what they are made to differ in, and in nothing else."""

import numpy as np
import pytest

from bench.detection import copies, dataset, ranking
from bench.detection.compose import Account
from detectors.event import Flag


@pytest.fixture(scope="module")
def accounts() -> list[Account]:
    """A few of either side."""
    world = ranking.varied(ranking.permissive(dataset.world(None, "dev")))
    return list(ranking.accounts(world, "t", 1, 20))


def test_marks_are_put_on_requests_alone_and_on_both_sides_alike(accounts) -> None:
    shares: dict[bool, list[np.ndarray]] = {True: [], False: []}
    put = np.uint32(sum(copies.MARKS) | Flag.SYSTEM)
    longer = 0
    for account in accounts:
        one = copies.marked(account)
        assert (one.events["client"] == one.client).all()
        assert one.client != account.client
        if len(one.events) != len(account.events):
            longer += 1
            assert one.harvested is None
            continue
        flags = one.events["flags"]
        assert (flags & ~put == account.events["flags"] & ~put).all()
        assert (flags & account.events["flags"] == account.events["flags"]).all()  # none is taken off
        for name in ("at", "out_chars", "gist", "temperature"):
            assert np.array_equal(one.events[name], account.events[name], equal_nan=name == "temperature")
        more = [(flags & ~account.events["flags"] & np.uint32(flag) != 0).mean() for flag in copies.MARKS]
        shares[bool(account.family)].append(np.array(more))
    harvest, ordinary = (np.mean(shares[side], axis=0) for side in (True, False))
    assert (harvest > 0.1).all()
    assert (ordinary > 0.1).any()
    assert 0.1 < longer / len(accounts) < 0.35


def test_a_system_prompt_stands_where_there_was_none(accounts) -> None:
    for account in accounts:
        events = account.events.copy()
        copies.instructed(events, np.random.default_rng(1))
        bare = account.events["system"] == 0
        assert (events["flags"] & np.uint32(Flag.SYSTEM) != 0).all()
        assert len(np.unique(events["system"][bare])) <= 1
        assert (events["system"] != 0).all()
        assert (events["system"][~bare] == account.events["system"][~bare]).all()
        added = events["in_chars"].astype(int) - account.events["in_chars"]
        assert (added[bare] >= 20).all()
        assert (added[~bare] == 0).all()


def test_phrases_change_the_keys_on_their_side_and_what_hashes_the_whole(accounts) -> None:
    account = max(accounts, key=lambda one: len(one.events))
    for seed in range(8):
        events = account.events.copy()
        copies.greeted(events, ("head4", "head12"), np.random.default_rng(seed))
        assert (events["head4"] != account.events["head4"]).all()
        assert (events["payload"] != account.events["payload"]).all()
        assert (events["tail6"] == account.events["tail6"]).all()
        assert (events["gist"] == account.events["gist"]).all()


def test_requests_are_sent_again_within_their_time(accounts) -> None:
    account = max(accounts, key=lambda one: len(one.events))
    shares = []
    for seed in range(30):
        more = copies.again(account.events, np.random.default_rng(seed))
        assert (np.diff(more["at"]) >= 0.0).all()
        assert set(more["body"].tolist()) == set(account.events["body"].tolist())
        shares.append(1.0 - len(account.events) / len(more))
    assert 0.05 < min(shares) < max(shares) < 0.45


def test_answers_that_nobody_sees_are_not_there(accounts) -> None:
    for account in accounts:
        one = copies.unseen(account)
        for name in ("answer", "answer_gist", "kind", "out_chars", "reasoning_chars"):
            assert not one.events[name].any()
        assert (one.events["out_tokens"] == account.events["out_tokens"]).all()
