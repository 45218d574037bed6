"""A group is judged anew when who is in it, what its accounts sent, or what their rows say has changed."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import Linker, Settings
from detectors.campaign.graph import Bounds
from detectors.campaign.link import Group
from detectors.campaign.memo import Memo
from detectors.campaign.rows import Own


class World:
    """Twelve accounts, and how often their group was judged."""

    def __init__(self, operator) -> None:
        self.linker = Linker(Settings(bounds=Bounds(singles=1 << 12, recurring=1 << 12)))
        self.linker.observe(operator(list(range(1, 13))))
        self.memo, self.times = Memo(), 0
        self.group = Group(np.arange(12, dtype=np.int32), np.arange(3, dtype=np.int32))

    def ask(self, group: Group | None = None, held: float = 0.0) -> None:
        def judge(group: Group, held: float) -> None:
            self.times += 1

        known = self.linker._known(np.zeros(len(self.linker.graph.names)))
        self.memo.judge(known, group or self.group, held, judge)


@pytest.fixture
def world(operator) -> World:
    made = World(operator)
    made.ask()
    return made


def test_what_stands_is_not_judged_again(world, operator) -> None:
    world.ask()
    world.linker.observe(operator([1], requests=10, seed=3))
    world.ask()
    assert world.times == 1


def test_a_tenth_more_requests_are_news(world, operator) -> None:
    world.linker.observe(operator([1], requests=16, seed=3))
    world.ask()
    assert world.times == 2


def test_rows_are_news(world) -> None:
    world.linker.tell({3: Own(4.0, 1.2)})
    world.ask()
    assert world.times == 2


FEWER = np.arange(2, dtype=np.int32)


@pytest.mark.parametrize("change", [{"accounts": FEWER}, {"tokens": FEWER}, {"framed": False}, {"part": True}])
def test_another_group_is_another(world, change) -> None:
    world.ask(world.group._replace(**change))
    world.ask()
    assert world.times == 2


def test_cleared_it_judges_anew(world) -> None:
    world.memo.clear()
    world.ask()
    world.ask(held=0.5)
    assert world.times == 3


def test_what_an_account_signed_up_with_is_news_of_its_groups_until_settled(world) -> None:
    other = world.group._replace(accounts=FEWER)
    world.ask(other)
    world.memo.renew(np.array([5, 40], np.int32))
    world.ask()
    world.ask(other)
    assert world.times == 3
    world.memo.settled()
    world.ask()
    assert world.times == 3
