"""A simulated week of joins, bans, successors, a split, a merger and restarts: campaigns keep their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest

from detectors.base import Level
from detectors.campaign import Campaign, Linker, Settings
from detectors.campaign.graph import Bounds
from tests.detectors.campaign.conftest import NOW, made

SETTINGS = Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 12))
DAY = 86_400.0
DAYS = 7
FIRST, SECOND, THIRD = list(range(1, 13)), list(range(101, 111)), list(range(201, 209))  # members on the first day
WORDING = {"first": 11, "second": 12, "third": 13}
APART = (frozenset(FIRST[:3]), frozenset(FIRST[3:]))  # a reviewer's word on the fourth day
Week = list[tuple[Campaign, ...]]


def operator(clients: list[int], name: str, day: int, requests: int = 6) -> np.ndarray:
    word = WORDING[name]
    out = made(clients, requests, 100 * word + day, word, 9_000 + word, word)
    out["at"] += day * DAY
    return out


def bystanders(day: int) -> np.ndarray:
    people = range(10_000 + 10 * day, 10_025 + 10 * day)
    out = np.concatenate([made([one], 6, 7 * one + day, 0, 1 + one % 4, 20_000 + one) for one in people])
    out["at"] += day * DAY
    return out


def members_on(day: int) -> dict[str, list[int]]:
    """Who sends on a day: two of the first operator's are banned each evening, two take over and one more joins."""
    first = [*FIRST, *range(21, 21 + 3 * day)]
    for before in range(day):
        first = [one for one in first if one not in banned_on(before)]
    return {"first": first, "second": [*SECOND, *range(111, 111 + day)], "third": THIRD}


def banned_on(day: int) -> list[int]:
    return [FIRST[-1 - 2 * day], FIRST[-2 - 2 * day]] if day < 4 else [21 + 2 * (day - 4), 22 + 2 * (day - 4)]


def week(restarts: frozenset[int] = frozenset()) -> Iterator[tuple[Linker, tuple[Campaign, ...]]]:
    """Each day as it was at its end; on some days the linker ends in the middle and goes on from what it kept."""
    linker, bans = Linker(SETTINGS), {}
    for day in range(DAYS):
        for turn, some in enumerate(np.array_split(events_on(day), 2)):
            linker.observe(some)
            linker.link(float(some["at"].max()))
            if turn == 0 and day in restarts:
                linker = Linker.restore(linker.snapshot(), SETTINGS)
        evening = NOW + day * DAY + 7_200.0
        if day == 3:
            linker.forbid([APART])
        if day == 4:
            linker.unite([(SECOND[0], THIRD[0])])
        bans |= dict.fromkeys(banned_on(day), evening)
        linker.set_bans(bans)
        yield linker, linker.link(evening)


@lru_cache
def events_on(day: int) -> np.ndarray:
    parts = [operator(clients, name, day) for name, clients in members_on(day).items()]
    events = np.concatenate([*parts, bystanders(day)])
    return events[np.argsort(events["at"], kind="stable")]


@lru_cache
def told(restarts: frozenset[int] = frozenset()) -> Week:
    return [found for _, found in week(restarts)]


def holding(found: tuple[Campaign, ...], client: int) -> Campaign:
    (one,) = [one for one in found if client in one.clients]
    return one


@pytest.fixture(scope="module")
def days() -> Week:
    return told()


def test_each_operator_keeps_one_number_all_week(days) -> None:
    for name, client in (("first", 21), ("second", SECOND[0])):
        since = 1 if name == "first" else 0
        numbers = {holding(found, client).id for found in days[since:5]}
        assert len(numbers) == 1, name
    assert holding(days[0], FIRST[0]).id == holding(days[-1], 30).id  # who was not there on the first day
    assert all(one.level is Level.REVIEW for found in days for one in found)  # the merged one too


def test_who_joins_is_a_member_the_same_day_and_keeps_the_time(days) -> None:
    for day in range(1, DAYS):
        fresh = 20 + 3 * day
        joined = {one.client: one.joined_at for one in holding(days[day], fresh).members}
        assert NOW + day * DAY <= joined[fresh] < NOW + (day + 1) * DAY
        later = {one.client: one.joined_at for one in holding(days[-1], fresh).members}
        assert later[fresh] == joined[fresh]


def test_who_was_banned_stays_told_and_successors_are_named(days) -> None:
    last = {one.client: one for client in (30, *banned_on(3)) for one in holding(days[-1], client).members}
    assert all(last[client].banned_at is not None for client in banned_on(3))
    assert any("began after" in one.reason and "was banned" in one.reason for one in last.values())


def test_a_split_is_obeyed_from_then_on_and_the_larger_part_keeps_the_number(days) -> None:
    one, other = APART
    whole = holding(days[2], FIRST[0])
    assert {FIRST[0], FIRST[4]} <= whole.clients
    for found in days[3:]:
        assert not any(one & campaign.clients and other & campaign.clients for campaign in found)
    large, small = holding(days[3], FIRST[0]), holding(days[3], FIRST[4])
    assert len(large.clients) > len(small.clients)
    assert large.id == whole.id
    assert small.history == (f"split from cp_{whole.id:016x}",)


def test_merged_ones_stay_one_under_the_older_number(days) -> None:
    before = {holding(days[3], client).id for client in (SECOND[0], THIRD[0])}
    assert len(before) == 2
    for found in days[4:]:
        whole = holding(found, SECOND[0])
        assert {*SECOND, *THIRD} <= whole.clients
        assert whole.id == holding(days[4], THIRD[0]).id in before
    (taken,) = before - {holding(days[4], SECOND[0]).id}
    assert f"took in cp_{taken:016x}" in holding(days[-1], SECOND[0]).history


def test_two_runs_tell_the_same_and_what_a_link_from_nothing_tells(days) -> None:
    *_, (linker, found) = again = list(week())
    assert [each for _, each in again] == days
    assert {one.clients for one in linker.link(NOW + DAYS * DAY, full=True)} == {one.clients for one in found}


def test_restarts_in_the_middle_change_nothing_that_a_reviewer_sees() -> None:
    assert _seen(told(frozenset({1, 3, 4, 6}))) == _seen(told())


def _seen(days: Week) -> list[set[tuple[object, ...]]]:
    return [{(one.id, one.level, one.clients, one.history) for one in found} for found in days]


def test_nobody_else_is_ever_a_member(days) -> None:
    operators = {one for day in range(DAYS) for some in members_on(day).values() for one in some}
    assert all(one.clients <= operators for found in days for one in found)
