"""Pure: which known campaign a found one is, and what reviewers' constraints make of what was found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.campaigns.found import Found

SMALLEST = 2  # members of a campaign
Sides = tuple[frozenset[int], frozenset[int]]
"""Clients that stay, and clients that are not to be with any of them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A campaign as the database has it; ids sort by when it was opened."""

    id: str
    members: frozenset[int]
    open: bool
    key: str = ""  # the linker's own number of it, when it was last found


@dataclass(frozen=True, slots=True)
class Constraints:
    """What reviewers said: sides that are kept apart, groups that belong together."""

    cannot: tuple[Sides, ...] = ()
    must: tuple[frozenset[int], ...] = ()


def apart(
    clients: frozenset[int], constraints: Constraints, crowds: Sequence[frozenset[int]] = ()
) -> list[frozenset[int]]:
    """The clients in as many groups as the constraints need.

    Whoever belongs with one of two sides that are kept apart goes with it; of the others those who are with the second
    side already, by the `crowds` that known campaigns have, go with that, and all the rest stay with the first side.
    Where both cannot be had, those who cannot be together are kept apart.
    """
    groups = [clients]
    for one, other in constraints.cannot:
        cut: list[frozenset[int]] = []
        for group in groups:
            stays, moves = group & one, group & other
            if stays and moves:
                stays = _with(stays, group - moves, constraints.must)
                moves = _with(moves, group - stays, (*constraints.must, *crowds))
                cut += [group - moves, moves]
            else:
                cut.append(group)
        groups = cut
    return sorted(groups, key=lambda group: (-len(group), min(group)))


def _with(some: frozenset[int], among: frozenset[int], must: Iterable[frozenset[int]]) -> frozenset[int]:
    """Some clients and whoever of a group belongs with them, directly or through another one of it."""
    ties = [tie & among for tie in must if not tie.isdisjoint(some | among)]
    while True:
        wider = some.union(*(tie for tie in ties if not tie.isdisjoint(some)))
        if wider == some:
            return some
        some = wider


def united(sides: Sides, clients: frozenset[int]) -> list[Sides]:
    """What still keeps two sides apart once a reviewer said of some clients that they are one.

    Nothing between any two of these; they and all others as before. Others are the ones to move.
    """
    one, other = sides
    if clients.isdisjoint(one) or clients.isdisjoint(other):
        return [sides]
    return [pair for pair in ((one, other - clients), (other & clients, one - clients)) if all(pair)]


def divided(group: frozenset[int], stays: frozenset[int], moves: frozenset[int]) -> list[frozenset[int]]:
    """What of a group still belongs together once a reviewer split some clients from others; third ones stay."""
    if group.isdisjoint(stays) or group.isdisjoint(moves):
        return [group]
    return [part for part in (group - moves, group & moves) if len(part) >= SMALLEST]


def place(found: Iterable[Found], known: Iterable[Known], constraints: Constraints) -> list[tuple[Found, str | None]]:
    """What was found, joined and cut as reviewers said, with the id of the known campaign that each part is.

    No part is put to a campaign that has a member, found this time or not, with whom one of it must not be: who has to
    stay away is looked at once more, for the campaigns that are left.
    """
    left = {one.id: one for one in known}
    waiting = obey(found, constraints, [one.members for one in left.values() if one.open])
    placed: list[tuple[Found, str | None]] = []
    while waiting:
        refused: list[Found] = []
        for one, name in zip(waiting, assign(waiting, list(left.values())), strict=True):
            same = left.pop(name) if name is not None else None
            part = fitting(one, same.members, constraints) if same is not None and same.open else one
            if len(part.members) < SMALLEST:
                refused.append(one)
                continue
            placed.append((part, name))
            if len(one.members) - len(part.members) >= SMALLEST:
                refused.append(one.only(one.members.keys() - part.members.keys()))
        waiting = refused
    return placed


def fitting(found: Found, crowd: frozenset[int], constraints: Constraints) -> Found:
    """The part of a found campaign that may be in one campaign with a crowd: its own, and who is kept from none of it.

    Whoever belongs with one who must stay away does so too.
    """
    fresh = frozenset(found.members.keys() - crowd)
    foes: frozenset[int] = frozenset()
    for one, other in constraints.cannot:
        foes |= frozenset() if crowd.isdisjoint(one) else other
        foes |= frozenset() if crowd.isdisjoint(other) else one
    away = _with(fresh & foes, fresh, constraints.must) if fresh & foes else frozenset()
    return found.only(found.members.keys() - away) if away else found


def obey(found: Iterable[Found], constraints: Constraints, crowds: Sequence[frozenset[int]] = ()) -> list[Found]:
    """What was found, joined and cut as reviewers said; groups of one client are dropped."""
    joined = _joined(list(found), constraints.must)
    parts: list[Found] = []
    for one in joined:
        groups = apart(frozenset(one.members), constraints, crowds)
        parts += [one] if len(groups) == 1 else [one.only(group) for group in groups]
    return [part for part in parts if len(part.members) >= SMALLEST]


def _joined(found: list[Found], must: Iterable[frozenset[int]]) -> list[Found]:
    """Each group of clients that belong together brings the campaigns that hold them into one."""
    for group in must:
        touched = [one for one in found if not group.isdisjoint(one.members)]
        if len(touched) < 2:
            continue
        whole = touched[0]
        for one in touched[1:]:
            whole = whole.and_also(one)
        found = [one for one in found if one not in touched] + [whole]
    return found


def assign(found: Sequence[Found], known: Iterable[Known]) -> list[str | None]:
    """The id of the known campaign that each found one is; None for a new one.

    A found campaign is the known one that the linker had the same number for, if they share a client; else the one
    that it shares most clients with, if that is at least half of the smaller of the two. Each known campaign is
    taken once. Open ones go before closed ones, older before younger.
    """
    by_id = {one.id: one for one in known}
    places: Mapping[int, list[str]] = _places(by_id.values())
    pairs: list[tuple[bool, int, bool, str, int]] = []
    for place, one in enumerate(found):
        shared: Counter[str] = Counter(name for client in one.members for name in places.get(client, ()))
        for name, count in shared.items():
            other = by_id[name]
            same = bool(one.key) and one.key == other.key
            if same or 2 * count >= min(len(one.members), len(other.members)):
                pairs.append((not same, -count, not other.open, name, place))
    chosen: list[str | None] = [None] * len(found)
    taken: set[str] = set()
    for _, _, _, name, place in sorted(pairs):
        if chosen[place] is None and name not in taken:
            chosen[place] = name
            taken.add(name)
    return chosen


def _places(known: Iterable[Known]) -> dict[int, list[str]]:
    places: dict[int, list[str]] = defaultdict(list)
    for one in known:
        for client in one.members:
            places[client].append(one.id)
    return places
