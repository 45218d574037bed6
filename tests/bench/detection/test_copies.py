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
    for account in accounts:
        one = copies.marked(account)
        assert (one.events["client"] == one.client).all()
        assert one.client != account.client
        flags = one.events["flags"]
        assert (flags & ~put == account.events["flags"] & ~put).all()
        assert (flags & account.events["flags"] == account.events["flags"]).all()  # none is taken off
        for name in ("at", "payload", "out_chars", "gist", "temperature"):
            assert np.array_equal(one.events[name], account.events[name], equal_nan=name == "temperature")
        more = [(flags & ~account.events["flags"] & np.uint32(flag) != 0).mean() for flag in copies.MARKS]
        shares[bool(account.family)].append(np.array(more))
    harvest, ordinary = (np.mean(shares[side], axis=0) for side in (True, False))
    assert (harvest > 0.1).all()
    assert (ordinary > 0.1).any()


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


def test_answers_that_nobody_sees_are_not_there(accounts) -> None:
    for account in accounts:
        one = copies.unseen(account)
        for name in ("answer", "answer_gist", "kind", "out_chars", "reasoning_chars"):
            assert not one.events[name].any()
        assert (one.events["out_tokens"] == account.events["out_tokens"]).all()
