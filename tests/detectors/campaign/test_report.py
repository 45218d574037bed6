"""A campaign knows its clients by its members, also where the members are others than at first."""

from __future__ import annotations

from dataclasses import replace

from detectors.base import Level
from detectors.campaign.report import Campaign, Member, Without


def members(*clients: int) -> tuple[Member, ...]:
    return tuple(Member(client, 1.0, "Shares a wording.", 3, 1.0, None) for client in clients)


def test_the_clients_are_those_of_the_members() -> None:
    without = Without("", 0, 0.0, Level.NONE, "Nothing.")
    one = Campaign(7, Level.REVIEW, 14.0, 12.5, "", "", 0.0, 1.0, 9, members(4, 2), (), (), without, (77,), ())
    assert one.clients == {2, 4}
    fewer = replace(one, members=members(2, 9))
    assert fewer.clients == {2, 9}
    assert replace(fewer, members=one.members) == one
