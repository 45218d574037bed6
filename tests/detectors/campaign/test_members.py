"""Who is shown as a member: whose own row lies far behind the median member's is not, where enough others are left."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import Linker
from detectors.campaign.rows import Own
from detectors.campaign.state import Bounds, Settings

ALL = list(range(1, 13))
AT = 1_764_110_000.0


@pytest.fixture
def linked(operator, bystanders):
    """Who is in the campaign of those that share a wording, as their rows are told."""

    def link(told: dict[int, Own], clients: list[int] = ALL) -> frozenset[int]:
        linker = Linker(Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 14)))
        linker.observe(np.concatenate([operator(clients), bystanders()]))
        linker.link(AT)
        linker.tell(told)
        (one,) = [one for one in linker.link(AT) if 1 in one.clients]
        return one.clients

    return link


def test_whoever_lies_far_behind_the_median_member_is_none(linked) -> None:
    told = dict.fromkeys(ALL, Own(5.5, 1.6))
    assert linked(told) == frozenset(ALL)
    assert linked(told | {3: Own(5.0, 0.4), 7: Own(4.0, 0.7)}) == frozenset(ALL) - {3}


def test_of_whom_nobody_told_stays(linked) -> None:
    told = dict.fromkeys(ALL, Own(5.5, 1.6))
    del told[4]
    assert linked(told | {3: Own(5.0, 0.4)}) == frozenset(ALL) - {3}


def test_all_stay_where_too_few_would_be_left(linked) -> None:
    eight = ALL[:8]
    told = dict.fromkeys(eight[:4], Own(6.0, 3.0)) | dict.fromkeys(eight[4:], Own(4.5, -0.5))  # 1.25 in the middle
    assert linked(told, eight) == frozenset(eight)
    assert linked(told | {5: Own(5.0, 1.5)}, eight) == frozenset(eight[:5])
