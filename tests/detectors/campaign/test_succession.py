"""Who takes the place of whom: each of another one, later, soon, and from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import succession
from detectors.campaign.succession import Column

HOUR = 3_600.0
NONE = float("nan")


def column(first: list[float], shut: list[float], networks: list[set[int]] | None = None, party=None) -> Column:
    clients = list(range(1, len(first) + 1))
    return Column(clients, party or clients, first, np.array(shut), networks or [{one} for one in clients])


def test_a_ban_that_was_told_may_have_many_successors() -> None:
    found = succession.after_bans([1, 2, 3, 4], [0.0, 8.0, 9.0, 4.0], {1: 5.0}, 10.0)
    assert found == {2: 1, 3: 1}


def test_each_that_is_refused_for_good_is_replaced_by_one() -> None:
    shut = [5 * HOUR, 6 * HOUR, NONE, NONE, NONE]
    assert succession.replaced(column([0.0, 0.0, 7 * HOUR, 8 * HOUR, 9 * HOUR], shut), 48 * HOUR) == {3: 1, 4: 2}


@pytest.mark.parametrize(
    "members",
    [
        column([0.0, 4 * HOUR], [5 * HOUR, NONE]),
        column([0.0, 60 * HOUR], [5 * HOUR, NONE]),
        column([0.0, 7 * HOUR], [5 * HOUR, NONE], [{1, 2}, {2, 3}]),
        column([0.0, 7 * HOUR], [5 * HOUR, NONE], None, [-1, -1]),
    ],
    ids=["earlier", "too late", "one network", "one organisation"],
)
def test_what_replaces_nobody(members: Column) -> None:
    assert succession.replaced(members, 48 * HOUR) == {}


def test_what_chance_gives_is_counted_among_all_others() -> None:
    shut = np.full(1_000, np.nan)
    shut[[1, 2, 3, 500, 600]] = 1.0
    assert succession.expected(shut, np.arange(10, dtype=np.int32), 5) == pytest.approx(10 * 3 / 991)
    assert np.isnan(succession.expected(shut, np.arange(10, 20, dtype=np.int32), 5))
