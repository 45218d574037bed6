"""Who is shown as a member: whose own row lies far behind the median member's is not, where enough others are left."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Level
from detectors.campaign import Campaign, Linker
from detectors.campaign.members import _median, independent, parties
from detectors.campaign.rows import Own
from detectors.campaign.state import Bounds, Settings

ALL = list(range(1, 13))
AT = 1_764_110_000.0


@pytest.fixture
def linked(operator, bystanders):
    """The campaign of those that share a wording, as their rows are told; None where there is none."""

    def link(told: dict[int, Own], clients: list[int] = ALL, requests: int = 12) -> Campaign | None:
        linker = Linker(Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 14)))
        linker.observe(np.concatenate([operator(clients, requests=requests), bystanders()]))
        linker.link(AT)
        linker.tell(told)
        return next((one for one in linker.link(AT) if 1 in one.clients), None)

    return link


def test_whoever_lies_far_behind_the_median_member_is_none(linked) -> None:
    told = dict.fromkeys(ALL, Own(5.5, 1.6))
    assert linked(told).clients == frozenset(ALL)
    assert linked(told | {3: Own(5.0, 0.4), 7: Own(4.0, 1.0)}).clients == frozenset(ALL) - {3}


def test_of_whom_nobody_told_stays(linked) -> None:
    told = dict.fromkeys(ALL, Own(5.5, 1.6))
    del told[4]
    assert linked(told | {3: Own(5.0, 0.4)}).clients == frozenset(ALL) - {3}


def test_who_was_banned_and_between_whom_refused_requests_moved_stays(operator, bystanders) -> None:
    events = np.concatenate([operator(ALL), bystanders()])
    events = events[np.argsort(events["at"], kind="stable")]
    refused, again = (
        np.flatnonzero(events["client"] == 3)[-1],
        events[np.flatnonzero(events["client"] == 4)[-1:]].copy(),
    )
    events["status"][refused] = 429
    again["at"], again["body"] = events["at"][refused] + 2.0, events["body"][refused]
    linker = Linker(Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 14)))
    linker.observe(np.concatenate([events[: refused + 1], again, events[refused + 1 :]]))
    linker.set_bans({5: AT - 3_600.0})
    linker.tell(dict.fromkeys(ALL, Own(5.5, 1.6)) | dict.fromkeys([3, 5, 6], Own(5.0, 0.4)))
    (one,) = [one for one in linker.link(AT) if 1 in one.clients]
    assert one.clients == frozenset(ALL) - {6}


def test_where_too_few_keep_up_all_stay_and_the_group_is_watched_alone(linked) -> None:
    eight = ALL[:8]
    told = dict.fromkeys(eight[:4], Own(6.0, 3.0)) | dict.fromkeys(eight[4:], Own(5.0, 1.0))  # 2 in the middle
    apart = linked(told, eight, requests=30)
    assert apart.clients == frozenset(eight)
    assert apart.score > apart.threshold
    assert apart.level is Level.WATCH
    assert apart.cannot_tell == "Only 4 of 8 independent clients score alike by their own requests; 5 would decide it."
    kept = linked(told | {5: Own(6.0, 3.0)}, eight, requests=30)
    assert kept.clients == frozenset(eight[:5])
    assert kept.level is Level.REVIEW


def test_rows_of_few_requests_that_do_not_look_ordinary_speak_against_nobody(linked) -> None:
    untold, usual = linked({}), dict.fromkeys(ALL, Own(2.1, -0.2))
    assert linked(usual).score == untold.score
    assert linked(usual).level is untold.level is Level.REVIEW
    many = linked(dict.fromkeys(ALL, Own(3.0, 1.0)), requests=30)  # they have come to a look: the rows decide
    assert {term.feature for term in many.terms} >= {"members_rank"}
    assert many.score < linked({}, requests=30).score


def test_rows_of_few_requests_that_look_ordinary_do(linked) -> None:
    assert linked(dict.fromkeys(ALL, Own(0.4, -2.4))) is None


@pytest.mark.parametrize("size", [1, 2, 3, 10, 501])
def test_the_median_is_numpys(size: int) -> None:
    values = np.random.default_rng(size).random(size) ** 3
    assert _median(values) == float(np.median(values))


def test_those_of_one_organisation_count_once_and_others_each() -> None:
    linker = Linker(Settings(bounds=Bounds(singles=1 << 10, recurring=1 << 10)))
    none = np.arange(6, dtype=np.int64)
    known = linker._known(np.zeros(0))._replace(party=none)
    accounts = np.array([0, 2, 3, 5], np.int32)
    assert parties(known, accounts) == 4
    assert independent(known, accounts).tolist() == accounts.tolist()
    some = known._replace(party=np.array([0, 1, 2, -1, -2, -1]))
    assert parties(some, accounts) == 3
    assert parties(some, np.array([3, 4, 5], np.int32)) == 2
    assert independent(some, np.array([0, 1, 2, 3, 5], np.int32)).tolist() == [0, 1, 2]
    assert independent(some, np.array([0, 3, 5], np.int32)).tolist() == [0, 3, 5]  # mostly theirs
