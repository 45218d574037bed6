"""Settle: campaigns that were found by several wordings become one, and each account is a member of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from detectors.campaign.assess import Assessment
from detectors.campaign.link import Apart, Group, parted


def strength(one: Assessment) -> tuple[float, float, int]:
    """Orders campaigns: by level, then by score and size together, a doubling for 0.7 nats; the same each time."""
    campaign = one.campaign
    return -campaign.level, -campaign.score - float(np.log(len(campaign.members))), min(campaign.clients)


def whole(
    found: Iterable[Assessment], apart: Sequence[Apart], judge: Callable[[Group], Assessment | None]
) -> list[Assessment]:
    """Where most of a group's members are in a stronger one of the same level, the two as one, if that holds.

    `judge` says what the two are as one. Each is compared with those of whom it has a member, so the time grows
    with the members and not with the pairs.
    """
    out: list[Assessment] = []
    of: dict[int, list[int]] = {}  # client: places in `out`
    for one in sorted(found, key=strength):
        mine = one.campaign.clients
        near, common = _nearest(of, mine)
        if 2 * common <= len(mine):
            _own(of, mine, len(out))
            out.append(one)
            continue
        other = out[near]
        if common == len(mine) or one.campaign.level is not other.campaign.level:
            continue
        if len(parted(sorted(mine | other.campaign.clients), apart)) > 1:
            continue
        both = judge(_joint(other.group, one.group))
        if both is not None and both.campaign.level is other.campaign.level:
            _own(of, both.campaign.clients - other.campaign.clients, near)
            out[near] = replace(both, unheard=other.unheard + one.unheard)
    return out


def together(
    found: Iterable[Assessment], pairs: Iterable[tuple[int, int]], judge: Callable[[Group], Assessment | None]
) -> list[Assessment]:
    """Those as one that a reviewer said are one operator's: by a client of each, in pairs.

    What several wordings tie scores lower than each part by itself, so the stronger part's level and evidence
    stand where the whole would fall below it.
    """
    out = sorted(found, key=strength)
    for pair in pairs:
        near = [next((one for one in out if client in one.campaign.clients), None) for client in pair]
        if near[0] is None or near[1] is None or near[0] is near[1]:
            continue
        one, other = sorted((near[0], near[1]), key=strength)
        both = judge(_joint(one.group, other.group))
        if both is None or both.campaign.level < one.campaign.level:
            both = replace(one, group=_joint(one.group, other.group))
        members = {member.client: member for some in (other, one, both) for member in some.campaign.members}
        requests = sum(member.requests for member in members.values())
        campaign = replace(both.campaign, members=tuple(members.values()), requests=requests)
        place = out.index(one)
        out.remove(other)
        out[place] = replace(both, campaign=campaign, unheard=one.unheard + other.unheard)
    return out


def exclusive(found: Iterable[Assessment], least: int) -> list[Assessment]:
    """The strongest first, each without members of those before it; who loses too many of them is left out.

    `least` members are enough to stay in spite of a loss.
    """
    taken: set[int] = set()
    chosen = []
    for one in sorted(found, key=strength):
        clients = one.campaign.clients
        fresh = clients - taken
        if len(fresh) < len(clients):
            if 2 * len(fresh) < len(clients) or len(fresh) < least:
                continue
            members = tuple(member for member in one.campaign.members if member.client in fresh)
            one = replace(one, campaign=replace(one.campaign, members=members))
        chosen.append(one)
        taken |= fresh
    return chosen


def _nearest(of: dict[int, list[int]], clients: Iterable[int]) -> tuple[int, int]:
    """The place with the most of the clients, the first of several, and how many it has."""
    common: dict[int, int] = {}
    for client in clients:
        for place in of.get(client, ()):
            common[place] = common.get(place, 0) + 1
    if not common:
        return -1, 0
    near = min(common, key=lambda place: (-common[place], place))
    return near, common[near]


def _own(of: dict[int, list[int]], clients: Iterable[int], place: int) -> None:
    for client in clients:
        of.setdefault(client, []).append(place)


def _joint(one: Group, other: Group) -> Group:
    """Two groups as one, on the surer ground of the two."""
    accounts, tokens = np.union1d(one.accounts, other.accounts), np.union1d(one.tokens, other.tokens)
    return Group(accounts.astype(np.int32), tokens.astype(np.int32), one.framed or other.framed)
