"""Copies of accounts differ from them in what they are made to differ in, and in nothing else."""

import numpy as np

from bench.detection import copies, dataset, ranking


def test_marks_are_put_on_requests_alone_and_on_both_sides_alike() -> None:
    world = ranking.varied(ranking.permissive(dataset.world(None, "dev")))
    shares: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for account in ranking.accounts(world, "t", 1, 20):
        one = copies.marked(account)
        flags = one.events["flags"]
        put = np.uint32(sum(copies.MARKS))
        assert (flags & ~put == account.events["flags"] & ~put).all()
        assert (flags & account.events["flags"] == account.events["flags"]).all()  # none is taken off
        for name in ("at", "payload", "out_chars", "gist", "temperature"):
            assert np.array_equal(one.events[name], account.events[name], equal_nan=name == "temperature")
        assert (one.events["client"] == one.client).all()
        more = [(flags & ~account.events["flags"] & np.uint32(flag) != 0).mean() for flag in copies.MARKS]
        shares[bool(account.family)].append(np.array(more))
    harvest, ordinary = (np.mean(shares[side], axis=0) for side in (True, False))
    assert (harvest > 0.1).all()
    assert (ordinary > 0.1).any()
