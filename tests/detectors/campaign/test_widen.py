"""Widening takes in who has what only the campaign has, and nobody by what others have too."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import Linker, link
from detectors.campaign.graph import Bounds
from detectors.campaign.state import Settings
from detectors.campaign.widen import widened

ONE = list(range(1, 13))
SETTINGS = Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 12))


@pytest.fixture
def mixed(operator, bystanders) -> np.ndarray:
    """Twelve accounts with six requests of one harvest each, among sixty of their own."""
    cover = bystanders(12, requests=60)
    cover["client"] = cover["client"] - 10_000 + 1
    return np.concatenate([operator(ONE, requests=6), cover, bystanders(40, seed=5)])


def wide(events: np.ndarray, some: list[int]) -> set[int]:
    linker = Linker(SETTINGS)
    linker.observe(events)
    linker.link(float(events["at"].max()))
    graph = linker.graph
    members = np.sort(graph.clients.find(np.array(some, np.uint64)))
    return set(graph.clients.known()[widened(graph, members, link.weights(graph, link.Rules()))].tolist())


def test_mixed_accounts_join_by_what_most_holders_of_are_members(mixed) -> None:
    assert wide(mixed, ONE[:9]) == set(ONE)


def test_nobody_joins_by_what_most_holders_of_are_no_members(mixed) -> None:
    assert wide(mixed, ONE[:6]) == set(ONE[:6])


def test_nobody_joins_whose_own_row_tells(operator, bystanders) -> None:
    assert wide(np.concatenate([operator(ONE), bystanders(40)]), ONE[:9]) == set(ONE[:9])


def test_who_shares_nothing_of_it_stays_out(mixed, operator) -> None:
    assert wide(np.concatenate([mixed, operator([50, 51, 52], wording=12, seed=4)]), ONE[:9]) == set(ONE)
