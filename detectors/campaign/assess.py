"""Assess: a group of accounts to a campaign with its members, edges, terms and level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Level, Term
from detectors.campaign import chance, signals, succession
from detectors.campaign import score as scores
from detectors.campaign.link import SPEAKS, WORDS, Group
from detectors.campaign.members import Known, against, belong, independent, keeping_up, parties, shown, undecided
from detectors.campaign.report import Campaign, Edge, Member, Without
from detectors.campaign.score import NAMES
from detectors.campaign.signals import THIRD, UNUSUAL, Facts, Measured, Seldom
from detectors.campaign.tally import edges_of
from detectors.campaign.tells import PHRASES, WORDING, Kind
from detectors.campaign.widen import MIXED

_EDGES = 50
HEARD, _ENOUGH = 0.5, 500  # the rows count once so many of the members', or so many, were told
_ROUNDS = 4  # looks at who barely belongs
_WORDED = 0.5  # members with a wording that is no phrase: where they are fewer, phrases alone tie the group
_PICKED = 1.25  # users of a system prompt for each that is a member: from here on the members are a picked part of them
_ONE = 0.95  # one wording holds a group together when so many of it have it


_WAITING = Campaign(
    0, Level.NONE, 0.0, 0.0, "", "", 0.0, 0.0, 0, (), (), (), Without("", 0, 0.0, Level.NONE, ""), (), ()
)  # what is no campaign, and might be one once its members' rows are told


@dataclass(frozen=True, slots=True)
class Assessment:
    """A campaign without a lasting id, the group behind it, and of whose own rows it would like to hear."""

    campaign: Campaign
    group: Group
    unheard: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # accounts


def assess(known: Known, group: Group, held: float = 0.0) -> Assessment | None:
    """The campaign that a group is; None where nothing of it is left after those are gone who barely belong.

    `held` is the share of a group by wordings alone whose members are in a campaign by surer ground already.
    Its level is NONE where only its members' own rows, which nobody told, could make it one.
    """
    best: _Reading | None = None
    for members, surely in _choices(known, group.accounts):
        one = _read(known, group, members, held)
        if one is not None and (surely or _of_one_wording(one.measured)) and (best is None or one.level > best.level):
            best = one
    if best is None:
        return None
    campaign = _WAITING
    if best.level is not Level.NONE:
        campaign = _campaign(known, group, best, _shown(known, group, best))
    return Assessment(campaign, Group(best.measured.members, group.tokens, group.framed), best.unheard)


class _Reading(NamedTuple):
    """What some members of a group come to."""

    measured: Measured
    facts: Facts
    found: tuple[Term, ...]
    level: Level
    unheard: NDArray[np.int32]


def _choices(known: Known, accounts: NDArray[np.int32]) -> list[tuple[NDArray[np.int32], bool]]:
    """Those of a group whose own rows do not speak against it, and before them the same with mixed accounts.

    A row says little of an account that sends the group's wording in a small part of its requests. Those count
    only where one wording holds the group together: among several, whoever takes nothing may be anybody.
    """
    accounts = independent(known, accounts)
    usual = against(known, accounts)
    some, others = accounts[~usual], accounts[usual]
    few = some[known.rank[some] >= UNUSUAL]
    picked = [(few, True)] if known.scoring.members <= len(few) < len(some) else []
    if not len(others) or not len(some):
        return [(some, True), *picked]
    measured = signals.measure(known.graph, accounts, known.weight)
    mixed = measured.members[measured.requests <= MIXED * measured.total]
    more = np.union1d(some, np.intersect1d(others, mixed)).astype(np.int32)
    return [(more, False), (some, True), *picked] if len(more) > len(some) else [(some, True), *picked]


def _of_one_wording(measured: Measured) -> bool:
    top = scores.wording(measured)
    return top is not None and top[1] >= _ONE * len(measured.members)


def readings(known: Known, group: Group) -> Iterator[tuple[Measured, Facts, NDArray[np.int32]]]:
    """The group as an assessment looks at it, once for each choice of members; and the members that would be shown."""
    for members, _ in _choices(known, group.accounts):
        one = _measured(known, group, members, 0.0)
        if one is not None:
            inside, told = one[0].members, not np.isnan(one[1].rank)
            yield *one, shown(known, inside, wide=False, told=told)


def _measured(known: Known, group: Group, members: NDArray[np.int32], held: float) -> tuple[Measured, Facts] | None:
    """The members as one group, without those who barely belong; None where nothing is left of it."""
    measured = signals.measure(known.graph, members, known.weight)
    for _ in range(_ROUNDS):  # who goes takes along what others shared with them alone
        stays = belong(measured)
        if int(stays.sum()) < 2:
            return None
        if stays.all():
            break
        members = members[stays]
        measured = signals.measure(known.graph, members, known.weight)
        if not _silent(known, members):
            break
    facts = _facts(known, measured)._replace(framed=group.framed, held=held)
    if facts.parties < known.scoring.moved_members and not facts.moves:
        return None
    return measured, facts


def _silent(known: Known, members: NDArray[np.int32]) -> bool:
    """Whether the members' own rows say nothing yet: what they share is all there is to tell who belongs."""
    heard = np.count_nonzero(~np.isnan(known.rank[members])) >= HEARD * len(members)
    return not heard or undecided(known, members)


def _read(known: Known, group: Group, members: NDArray[np.int32], held: float) -> _Reading | None:
    """The members as one group; None where nothing is left of it, or nothing could make it a campaign."""
    one = _measured(known, group, members, held)
    if one is None:
        return None
    measured, facts = one
    found = scores.terms(measured, facts)
    reached = scores.reached(found, facts, known.scoring)
    if not np.isnan(facts.rank) and undecided(known, measured.members):
        plain = facts.untold()
        other = scores.terms(measured, plain)
        without = scores.reached(other, plain, known.scoring)
        if without > reached:
            facts, found, reached = plain, other, without
    unheard = measured.members[known.stale[measured.members]]
    if reached is Level.NONE and not (len(unheard) and scores.promising(found, measured, facts, known.scoring)):
        return None
    return _Reading(measured, facts, found, reached, unheard)


def _shown(known: Known, group: Group, one: _Reading) -> Measured:
    """The reading with the members that are shown."""
    inside = one.measured.members
    wide = one.level is Level.REVIEW and not group.rest
    members = shown(known, inside, wide=wide, told=not np.isnan(one.facts.rank))
    if np.array_equal(members, inside):
        return one.measured
    return signals.measure(known.graph, members, known.weight)


def _campaign(known: Known, group: Group, one: _Reading, measured: Measured) -> Campaign:
    """The campaign that a reading stands for; `measured` has the members that are shown."""
    edges = known.graph.edges[known.graph.of_accounts(measured.members)]
    chosen = measured.chosen if len(measured.chosen) else group.tokens
    names = known.graph.names.known()
    return Campaign(
        id=0,
        level=one.level,
        score=float(sum(term.share for term in one.found)),
        threshold=scores.needed(one.facts, known.scoring),
        sentence=scores.sentence(measured, one.facts),
        cannot_tell=scores.cannot_tell(measured, one.facts, one.level, known.scoring),
        first=float(edges["first"].min()),
        last=float(edges["last"].max()),
        requests=int(measured.requests.sum()),
        members=_members(known, measured),
        edges=_edges(known, measured),
        terms=tuple(sorted(one.found, key=lambda term: -term.share)),
        without_strongest=_without(known, measured, one.facts, one.found),
        frames=tuple(sorted(names[chosen].tolist())),
        history=(),
    )


def _facts(known: Known, measured: Measured) -> Facts:
    seldom = measured.seldom
    moves, movers = _between(seldom, Kind.MOVED)
    followed, followers = _between(seldom, Kind.FOLLOWED)
    expected = _expected(known, measured)
    rank, lead = known.rank[measured.members], known.lead[measured.members]
    rank, lead = rank[~np.isnan(rank)], lead[~np.isnan(rank)]
    if len(rank) < min(HEARD * len(measured.members), _ENOUGH):
        rank = rank[:0]
    ahead, picked = _ahead(known, measured) if len(rank) else (float("nan"),) * 2
    near = keeping_up(known, measured.members, measured.members) if len(rank) else measured.members
    independent = parties(known, measured.members)
    return Facts(
        people=len(known.graph.clients),
        parties=independent,
        moves=moves,
        successors=len(_after_bans(known, measured)),
        expected=expected,
        overlap=0 if np.isnan(expected) else _overlap(seldom),
        movers=movers,
        followed=followed,
        followers=followers,
        beside=_between(seldom, Kind.BESIDE)[0],
        replaced=len(_replaced(known, measured)),
        lost=succession.expected(known.shut, measured.members, known.gone),
        rank=float(rank.mean()) if len(rank) else float("nan"),
        low=float(np.percentile(rank, 25)) if len(rank) else float("nan"),
        lead=float(lead.mean()) if len(rank) else float("nan"),
        lead_low=float(np.quantile(lead, THIRD)) if len(rank) else float("nan"),
        behind=independent - parties(known, near),
        ahead=ahead,
        picked=picked,
    )


def _ahead(known: Known, measured: Measured) -> tuple[float, float]:
    """How far all who use the wording that ties the members lead, where it proves little by itself; else NaN.

    First where it is a phrase, and no other wording ties half of the members; then where it is a system prompt that
    others use beside them: of one that anybody may have, the members are those of its users who stand out.
    """
    top, none = measured.wording, float("nan")
    if top is None:
        return none, none
    phrased = top.kind in PHRASES and measured.worded < _WORDED
    if not phrased and (top.kind is not Kind.SYSTEM or top.df < _PICKED * top.members):
        return none, none
    users = known.graph.edges["account"][known.graph.of_tokens(np.array([top.token]))]
    found = chance.ahead(known.crowd, known.lead[users])
    return (found, none) if phrased else (none, found)


def _expected(known: Known, measured: Measured) -> float:
    """The items of a finite list that independent members would share, by how many each sent."""
    size = known.lists.get("train", 0)
    share = measured.share("listed")
    if size <= 0 or share < 0.3:
        return float("nan")
    n = measured.requests * share
    return float((n.sum() ** 2 - (n**2).sum()) / 2.0 / size)


def _overlap(seldom: Seldom) -> int:
    """The pairs of members that sent the same item of a finite list."""
    times = np.unique(seldom.token[seldom.kinds == Kind.ITEM], return_counts=True)[1]
    return int((times * (times - 1) // 2).sum())


def _between(seldom: Seldom, kind: Kind) -> tuple[int, int]:
    """How often something happened between two members, and how many of them took part."""
    which = seldom.kinds == kind
    if not which.any():
        return 0, 0
    tokens, times = np.unique(seldom.token[which], return_counts=True)
    mine = np.isin(seldom.token, tokens[times > 1])
    return int(seldom.n[mine].sum()) // 2, len(np.unique(seldom.who[mine]))


def _after_bans(known: Known, measured: Measured) -> dict[int, int]:
    """Of the members, those that began soon after another's ban that we were told of; and whose."""
    if not known.bans:
        return {}
    clients = known.graph.clients.known()[measured.members].tolist()
    first = known.graph.accounts["first"][measured.members].tolist()
    return succession.after_bans(clients, first, known.bans, known.scoring.after_ban)


def _replaced(known: Known, measured: Measured) -> dict[int, int]:
    """Of the members, those that took the place of one that is refused for good; and of whom."""
    shut, members = known.shut[measured.members], measured.members
    if np.isnan(shut).all():
        return {}
    column = succession.Column(
        known.graph.clients.known()[members].tolist(), known.party[members].tolist(),
        known.graph.accounts["first"][members].tolist(), shut,
        succession.networks(known.graph, *edges_of(known.graph, members), len(members)),
    )  # fmt: skip
    return succession.replaced(column, known.scoring.after_ban)


def _members(known: Known, measured: Measured) -> tuple[Member, ...]:
    graph = known.graph
    clients = graph.clients.known()[measured.members].tolist()
    edge, who = edges_of(known.graph, measured.members)
    tied = np.isin(graph.edges["token"][edge], measured.core)
    joined = np.full(len(clients), np.inf)
    np.minimum.at(joined, who[tied], graph.edges["first"][edge[tied]])
    joined = np.where(np.isinf(joined), graph.accounts["first"][measured.members], joined)
    kinds = np.zeros((len(clients), len(Kind)), np.bool_)
    kinds[who[tied], graph.tokens["kind"][graph.edges["token"][edge[tied]]]] = True
    after = {client: (old, "was banned") for client, old in _after_bans(known, measured).items()}
    for client, old in _replaced(known, measured).items():
        after.setdefault(client, (old, "was refused for good"))
    patterns, which = np.unique(kinds, axis=0, return_inverse=True)
    reasons = [_reason(pattern) for pattern in patterns]
    share = np.minimum(measured.requests / measured.total, 1.0).tolist()
    out = []
    for place, client in enumerate(clients):
        reason = reasons[int(which[place])]
        if client in after:
            old, how = after[client]
            reason = f"{reason[:-1]}; began after cl_{old:016x} {how}."
        requests = int(measured.requests[place])
        out.append(Member(client, float(joined[place]), reason, requests, share[place], known.bans.get(client)))
    return tuple(sorted(out, key=lambda one: (one.joined_at, one.client)))


def _reason(kinds: NDArray[np.bool_]) -> str:
    """What a member shares, as a sentence."""
    names = [NAMES[Kind(kind)].rstrip(",") for kind in np.flatnonzero(kinds).tolist()]
    # Who shares a wording with its parameters shares the wording too: it is told once.
    told = [name for name in names if f"{name}, with its parameters" not in names]
    shared = [name.replace(", with", " with") for name in told[:3]]
    return f"Shares {scores.listed(shared)}." if shared else "Sent what was refused to another member, or the reverse."


def _edges(known: Known, measured: Measured) -> tuple[Edge, ...]:
    names = known.graph.names.known()
    size = len(measured.members)
    out = []
    for one in measured.shared:
        if one.kind in (Kind.BIN, Kind.ITEM, Kind.FOLLOWED, Kind.BESIDE):
            continue
        text = f"{one.members:,} of {size:,} share {scores.named(one)} {one.df:,} clients have it in all."
        text = text.replace(", with its parameters, ", " with its parameters; ") if "its param" in text else text
        text = text if ";" in text else text.replace(f" {one.df:,} clients", f"; {one.df:,} clients", 1)
        weight = float(known.weight[one.token])
        out.append(Edge(scores.named(one).rstrip(","), int(names[one.token]), one.members, one.df, weight, text))
    return tuple(sorted(out, key=lambda edge: (-edge.weight * edge.members, edge.token))[:_EDGES])


def _without(known: Known, measured: Measured, facts: Facts, found: tuple[Term, ...]) -> Without:
    """The score and the members if the strongest kind of tie were not there."""
    said = [one for one in measured.shared if one.kind in SPEAKS and one.kind is not Kind.SIGNUP]
    weight = {one: float(known.weight[one.token]) * one.members for one in said}
    if not weight:
        return Without("", len(measured.members), 0.0, Level.NONE, "Nothing else ties them.")
    strongest = max(weight, key=lambda one: weight[one])
    family = SPEAKS[strongest.kind] & ~2 or SPEAKS[strongest.kind]
    name = "wording" if family & WORDS else NAMES[strongest.kind].split(" ", 1)[1].rstrip(",").split(",")[0]
    rest = [one for one in measured.shared if one.kind in SPEAKS and not SPEAKS[one.kind] & family]
    strong = [
        one for one in rest if one.kind in WORDING or one.kind in (Kind.TOOLS, Kind.NETWORK, Kind.SIGNUP, Kind.MOVED)
    ]
    members = max((one.members for one in strong), default=0)
    lost = sum(term.share for term in found if term.feature in ("shared_wording", "coverage", "size"))
    left = float(sum(term.share for term in found)) - lost + scores.sized(members, facts.rank)
    reached = scores.level(left, facts._replace(parties=min(members, facts.parties)), known.scoring)
    if all(one.kind is Kind.SIGNUP for one in strong):  # nothing is left, or what makes nobody a campaign
        left, reached = 0.0, Level.NONE
    others = ", ".join(scores.named(one).rstrip(",") for one in strong[:3])
    text = (
        f"Without the shared {name}, {members:,} of {len(measured.members):,} members are still tied, by {others}."
        if members
        else f"Without the shared {name} nothing ties them: the campaign rests on it."
    )
    return Without(name, members, left, reached, text)
