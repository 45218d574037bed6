"""Settle: campaigns that were found by several wordings become one, and each account is a member of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.assess import Assessment
from detectors.campaign.link import Apart, Group, parted

Judge = Callable[[Group], Assessment | None]
"""What a group is."""


def strength(one: Assessment) -> tuple[float, float, int]:
    """Orders campaigns: by level, then by score and size together, a doubling for 0.7 nats; the same each time."""
    campaign = one.campaign
    return -campaign.level, -campaign.score - float(np.log(len(campaign.members))), min(campaign.clients)


def whole(found: Iterable[Assessment], apart: Sequence[Apart], judge: Judge) -> list[Assessment]:
    """Where most of a group's members are in a stronger one of the same level, the two as one, if that holds.

    And where most of a stronger one's members are in a weaker one, if that has heard the members' own rows and the
    stronger one has not: scores without rows are of another scale, and a few accounts that are read by what they
    share would take apart all of them together. `judge` says what the two are as one. Each is compared with those of
    whom it has a member, so the time grows with the members and not with the pairs.
    """
    out: dict[int, Assessment] = {}
    of: dict[int, set[int]] = {}  # client: places in `out`
    for place, one in enumerate(sorted(found, key=strength)):
        mine = one.campaign.clients
        near = _overlapping(of, mine)
        if near and 2 * near[0][1] > len(mine):
            first, common = near[0]
            both = None if common == len(mine) else _as_one(out[first], one, apart, judge)
            if both is None:
                continue
            _own(of, out.pop(first).campaign.clients, first, frozenset())
            place, one, near = first, both, _overlapping(of, both.campaign.clients)
        for part, common in near:
            inside = out[part].campaign.clients
            goes_in = 2 * common > len(inside) and _heard_less(out[part], one)
            both = _as_one(one, out[part], apart, judge) if goes_in else None
            if both is not None:
                one = both
                _own(of, inside, part, frozenset())
                del out[part]
        _own(of, frozenset(), place, one.campaign.clients)
        out[place] = one
    return list(out.values())


def _as_one(one: Assessment, other: Assessment, apart: Sequence[Apart], judge: Judge) -> Assessment | None:
    """Two of one level as one; None where that does not hold, or a reviewer said otherwise."""
    if one.campaign.level is not other.campaign.level:
        return None
    for all_of_it, part in ((one, other), (other, one)):
        if part.campaign.clients <= all_of_it.campaign.clients and _heard_less(part, all_of_it):
            return replace(all_of_it, unheard=_unheard(one, other))
    if len(parted(sorted(one.campaign.clients | other.campaign.clients), apart)) > 1:
        return None
    both = judge(_joint(one.group, other.group))
    if both is None or both.campaign.level is not one.campaign.level:
        return None
    return replace(both, unheard=_unheard(one, other))


def _heard_less(one: Assessment, other: Assessment) -> bool:
    """Whether one was read without its members' own rows, which takes a higher score for review, and another with."""
    return one.campaign.threshold > other.campaign.threshold


def together(found: Iterable[Assessment], pairs: Iterable[tuple[int, int]], judge: Judge) -> list[Assessment]:
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
        out[place] = replace(both, campaign=campaign, unheard=_unheard(one, other))
    return out


def exclusive(found: Iterable[Assessment], least: int, clients: NDArray[np.uint64], judge: Judge) -> list[Assessment]:
    """The strongest first, each without members of those before it; who loses too many of them is left out.

    `least` members are enough to stay in spite of a loss. `judge` says what the members that are left are by
    themselves: where that is no less, score and sentence are about them alone. `clients` names the accounts of groups.
    """
    taken: set[int] = set()
    chosen = []
    for one in sorted(found, key=strength):
        mine = one.campaign.clients
        fresh = mine - taken
        if len(fresh) < len(mine):
            if 2 * len(fresh) < len(mine) or len(fresh) < least:
                continue
            one = _left(one, fresh, clients, judge)
        chosen.append(one)
        taken |= fresh
    return chosen


def _left(one: Assessment, fresh: frozenset[int], clients: NDArray[np.uint64], judge: Judge) -> Assessment:
    """A campaign without those of its members that are in a stronger one."""
    inside = np.isin(clients[one.group.accounts], np.fromiter(fresh, np.uint64, len(fresh)))
    again = judge(one.group._replace(accounts=one.group.accounts[inside], rest=True)) if inside.any() else None
    if again is not None and again.campaign.level is one.campaign.level and again.campaign.clients == fresh:
        return again
    members = tuple(member for member in one.campaign.members if member.client in fresh)
    gone = len(one.campaign.members) - len(members)
    others = f"{gone:,} of them {'belongs' if gone == 1 else 'belong'} to a stronger campaign"
    sentence = f"{one.campaign.sentence.removesuffix('.')}; {others}."
    requests = sum(member.requests for member in members)
    return replace(one, campaign=replace(one.campaign, members=members, requests=requests, sentence=sentence))


def _overlapping(of: dict[int, set[int]], clients: Iterable[int]) -> list[tuple[int, int]]:
    """The places with some of the clients, and how many each has: the most first, of several the first."""
    common: dict[int, int] = {}
    for client in clients:
        for place in of.get(client, ()):
            common[place] = common.get(place, 0) + 1
    return sorted(common.items(), key=lambda item: (-item[1], item[0]))


def _own(of: dict[int, set[int]], before: frozenset[int], place: int, now: frozenset[int]) -> None:
    """A place has other clients now than before."""
    for client in before - now:
        of[client].discard(place)
    for client in now - before:
        of.setdefault(client, set()).add(place)


def _unheard(one: Assessment, other: Assessment) -> NDArray[np.int32]:
    return np.concatenate([one.unheard, other.unheard])


def _joint(one: Group, other: Group) -> Group:
    """Two groups as one, on the surer ground of the two."""
    accounts, tokens = np.union1d(one.accounts, other.accounts), np.union1d(one.tokens, other.tokens)
    return Group(accounts.astype(np.int32), tokens.astype(np.int32), one.framed or other.framed)
