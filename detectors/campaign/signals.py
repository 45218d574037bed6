"""Signals: what a group of linked clients has in common, and what the requests that tie it are like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign import harvest
from detectors.campaign.graph import Graph
from detectors.campaign.tally import Tally, highest, loads, tally
from detectors.campaign.tells import COUNTS, PHRASES, WORDING, Kind
from detectors.sketch import hll_count

NAN = float("nan")
THIRD = 1.0 / 3.0  # of the members: what the rest reach is what a group has in common
TYPICAL = -0.6  # lead from which rows speak for a harvest
UNUSUAL = 2.3  # nats of a row that one ordinary client in ten reaches
_CORE = 0.2  # a token belongs to a group when so many of its members have it
_OWN = 0.25  # and when so many of those who have it are members
_HALF = 0.5
_PREFERRED = 0.8
_FIRM = 3  # members that have a wording, and it is the group's and not that of a pair in it
_SEVERAL = 8  # sign-up attributes that are shown of a group
_ORDER = (
    Kind.FRAMED,
    Kind.FRAMED_TAIL,
    Kind.FRAMED_SYSTEM,
    Kind.LISTED,
    Kind.HEAD,
    Kind.TAIL,
    Kind.SYSTEM,
    Kind.PHRASE,
)
_WORDED = np.isin(np.arange(len(Kind)), WORDING)
_PHRASED = np.isin(np.arange(len(Kind)), PHRASES)
_SELDOM = np.isin(np.arange(len(Kind)), (Kind.MOVED, Kind.FOLLOWED, Kind.BESIDE, Kind.ITEM, Kind.SIGNUP))
_FIRST, _NONE = np.zeros(1, np.intp), np.zeros(0, np.intp)
_PLACE = {name: place for place, name in enumerate(COUNTS)}


class Facts(NamedTuple):
    """What is known of a group beside its graph."""

    people: int  # clients in all
    parties: int  # members, those of one organisation counted once
    moves: int  # refused bodies that came from another member seconds later
    successors: int  # members that began within two days after another was banned
    expected: float  # items of finite lists that members would share as independent users; NaN: no such list
    overlap: int  # items that they do share
    framed: bool = True  # tied by wordings with their parameters, not by wordings alone
    held: float = 0.0  # share of the members that surer ground ties already
    movers: int = 0  # members that refused requests moved between
    followed: int = 0  # times that one began seconds after another was refused in its work and fell silent
    followers: int = 0  # members between whom that happened
    beside: int = 0  # times that one began some time later in the minute after it
    replaced: int = 0  # members refused for good, each with another that began within two days
    lost: float = NAN  # of as many clients, those who would be refused for good by chance; NaN: no member is
    rank: float = NAN  # mean nats of the members' own rows, among ordinary clients'; NaN: not told
    low: float = NAN  # a quarter of the members lie below it
    lead: float = NAN  # mean log-odds of the members' own rows above most ordinary clients'; NaN: not told
    lead_low: float = NAN  # a third of the members lie below it
    behind: int = 0  # of the parties, those whose own rows lie far behind the median member's
    ahead: float = NAN  # standard errors by which all who use the members' phrase lead; NaN: not phrases alone tie them
    picked: float = NAN  # the same of a system prompt; NaN: no such ties them, or hardly anybody else has it

    def untold(self) -> Facts:
        """The same, as if nobody had told what the members' rows say."""
        return self._replace(rank=NAN, low=NAN, lead=NAN, lead_low=NAN, behind=0, ahead=NAN, picked=NAN)


class Shared(NamedTuple):
    """One kind's token that most members have."""

    kind: Kind
    token: int  # its number in the graph
    members: int
    df: int
    name: str = ""  # of a sign-up attribute


class Seldom(NamedTuple):
    """Edges of what happened between two clients, of items, and of sign-up attributes: most groups have none."""

    kinds: NDArray[np.uint8]
    token: NDArray[np.int32]
    who: NDArray[np.intp]  # each one's member, by position
    n: NDArray[np.uint32]  # requests


@dataclass(frozen=True, slots=True)
class Measured:
    """A group in numbers. The sub-stream is the requests that carry the group's wording."""

    members: NDArray[np.int32]
    shared: tuple[Shared, ...]  # the best token of each kind (of sign-up attributes several), the most shared first
    core: NDArray[np.int32]  # the wordings that are the group's own
    chosen: NDArray[np.int32]  # those of one kind that name the sub-stream
    kind: Kind  # their kind
    depth: int  # of the core, those that half of the members have
    worth: NDArray[np.float64]  # nats that each member shares of the core
    requests: NDArray[np.int64]  # of the sub-stream, by member
    total: NDArray[np.int64]  # of all, by member
    shares: NDArray[np.float64]  # of the sub-stream's requests with each of COUNTS
    answer: float  # mean binary logarithm of the answer's characters
    apart: float  # distinct items together / the sum of each member's: 1 where no two members send the same
    fresh: float  # distinct items / requests
    alike: float  # topics between members / within a member; NaN where unknown
    networks: float  # the effective number of networks / members
    programs: float
    exact: float  # of the best wording, twice the members that have it by the members and by all who have it
    exact_tools: float  # the same of offered tools
    worded: float  # share of the members with a wording of the core that is no phrase, and that three have
    dense: float  # the share of the members that have a wording of the core, mean over who has which
    seldom: Seldom
    taken: float = field(init=False)  # how much the sub-stream's requests look like taking answers, 0 to 1

    def __post_init__(self) -> None:
        """Work out once what several terms ask for."""
        taken = float(harvest.value(self.shares[None, :], np.array([self.fresh]))[0])
        object.__setattr__(self, "taken", taken)

    @property
    def wording(self) -> Shared | None:
        """The wording that most members share."""
        some = [one for one in self.shared if one.kind in WORDING and one.kind is not Kind.HEAD]
        return max(some, key=lambda one: one.members, default=None)

    def share(self, name: str) -> float:
        """The share of the sub-stream's requests with one of COUNTS."""
        return float(self.shares[_PLACE[name]])

    def of(self, kind: Kind) -> Shared | None:
        """What the members share of a kind."""
        return next((one for one in self.shared if one.kind is kind), None)


def measure(graph: Graph, members: NDArray[np.int32], useful: NDArray[np.float64]) -> Measured:
    """All that is known of a group; `useful` is each token's weight, 0 for what says nothing."""
    of = tally(graph, members, useful)
    own = _core(of)
    core = _inner(graph, of, own)
    kind, chosen = _substream(of, own, core)
    total = np.maximum(graph.accounts["n"][members].astype(np.int64), 1)
    carrying = np.zeros(len(of.tokens), np.bool_)
    carrying[chosen] = True
    tied = carrying[core.which]
    requests = np.bincount(core.who[tied], core.n[tied], of.size).astype(np.int64)
    load = graph.edges["load"][core.edge[tied]]
    heavy = load >= 0
    held = loads(graph, load[heavy], core.who[tied][heavy], of.size, harvest.UNIT)
    n = max(int(held.sums[0]), 1)
    each, together = _distinct(held.payloads)
    exact, exact_tools = _exact(of)
    inside = of.inside[own]
    return Measured(
        members=members,
        shared=_shared(graph, of),
        core=of.tokens[own],
        chosen=of.tokens[chosen],
        kind=kind,
        depth=int((inside >= _HALF * of.size).sum()),
        worth=_worth(of, core),
        requests=np.minimum(requests, total),
        total=total,
        shares=held.sums / n,
        answer=float(held.sums[_PLACE["log_answer"]]) / n / 8.0,
        apart=min(together / each, 1.0) if each else 1.0,
        fresh=min(together / n, 1.0),
        alike=float(harvest.alike(held.topic, held.n, _FIRST)[0]),
        networks=_spread(of, Kind.NETWORK),
        programs=_spread(of, Kind.AGENT),
        exact=exact,
        exact_tools=exact_tools,
        worded=_worded(of, core),
        dense=float((inside**2).sum() / max(inside.sum(), 1) / of.size),
        seldom=_seldom(graph, of),
    )


class _Inner(NamedTuple):
    """The edges of a group's own wordings."""

    edge: NDArray[np.intp]
    who: NDArray[np.intp]  # each one's member, by position
    which: NDArray[np.intp]  # each one's token, by position
    n: NDArray[np.uint32]  # requests


def _inner(graph: Graph, of: Tally, own: NDArray[np.bool_]) -> _Inner:
    some = np.flatnonzero(own[of.which])
    edge = of.edge[some]
    return _Inner(edge, of.who[some], of.which[some], graph.edges["n"][edge])


def _seldom(graph: Graph, of: Tally) -> Seldom:
    """The edges of the kinds that few groups have."""
    some = np.flatnonzero(_SELDOM[of.kinds][of.which]) if _SELDOM[of.kinds].any() else _NONE
    which = of.which[some]
    return Seldom(of.kinds[which], of.tokens[which], of.who[some], graph.edges["n"][of.edge[some]])


def _worded(of: Tally, core: _Inner) -> float:
    """The share of the members with a wording of the core that is no phrase, and that enough of them have."""
    firm = ~_PHRASED[of.kinds] & (of.inside >= _FIRM)
    return len(np.unique(core.who[firm[core.which]])) / max(of.size, 1)


def _exact(of: Tally) -> tuple[float, float]:
    """How nearly those who have the best wording are the members, 1 where they are the same; and of tools."""
    near = 2.0 * of.inside / (np.maximum(of.df, of.inside) + of.size)
    worded = near[_WORDED[of.kinds] & (of.useful > 0.0)]
    return float(worded.max(initial=0.0)), float(near[of.kinds == Kind.TOOLS].max(initial=0.0))


def _worth(of: Tally, core: _Inner) -> NDArray[np.float64]:
    """What each member shares of the core: of each kind the rarest token counts, the others mostly follow from it."""
    best = np.zeros((of.size, len(Kind)))
    np.maximum.at(best.reshape(-1), core.who * len(Kind) + of.kinds[core.which], of.useful[core.which])
    return np.asarray(best.sum(axis=1), np.float64)


def _shared(graph: Graph, of: Tally) -> tuple[Shared, ...]:
    worth = np.asarray(of.inside * np.maximum(of.useful, 1e-6), np.float64)
    top = highest(of.kinds, worth, len(Kind))
    best = top[top >= 0]
    if top[Kind.SIGNUP] >= 0:
        best = np.concatenate([best[of.kinds[best] != Kind.SIGNUP], _signed(graph, of, worth)])
    best = best[of.inside[best] >= 2]
    columns = (of.kinds[best].tolist(), of.tokens[best].tolist(), of.inside[best].tolist(), of.df[best].tolist())
    found = [Shared(Kind(kind), *told) for kind, *told in zip(*columns, strict=True)]
    named = [one._replace(name=_called(graph, one.token)) if one.kind == Kind.SIGNUP else one for one in found]
    return tuple(sorted(named, key=lambda one: (-one.members, one.kind)))


def _called(graph: Graph, token: int) -> str:
    """The name of a sign-up attribute."""
    return graph.called.get(int(graph.tokens["recipe"][token]), "")


def _signed(graph: Graph, of: Tally, worth: NDArray[np.float64]) -> NDArray[np.intp]:
    """The best value of each sign-up attribute, the best attributes first."""
    best = np.flatnonzero((of.kinds == Kind.SIGNUP) & (of.useful > 0.0))
    best = best[np.argsort(-worth[best], kind="stable")]
    first = np.unique(graph.tokens["recipe"][of.tokens[best]], return_index=True)[1]
    return np.asarray(best[np.sort(first)[:_SEVERAL]], np.intp)


def _core(of: Tally) -> NDArray[np.bool_]:
    """Which tokens are wordings of the group's own."""
    many = of.inside >= max(2.0, _CORE * of.size)
    rare = of.inside >= _OWN * np.maximum(of.df, 1)
    return np.asarray(_WORDED[of.kinds] & many & rare & (of.useful > 0.0), np.bool_)


def _substream(of: Tally, own: NDArray[np.bool_], core: _Inner) -> tuple[Kind, NDArray[np.intp]]:
    """The kind of wording that the most requests carry, the more telling kind where two are close; its tokens' places.

    Of the group's own wordings, which are `own`, and whose edges are `core`.
    """
    places = np.flatnonzero(own)
    if not len(places):
        return Kind.CLIENT, places
    kinds, count = of.kinds[places], np.bincount(core.which, core.n, len(own))[places]
    carried: dict[Kind, tuple[float, NDArray[np.intp]]] = {}
    present = set(kinds.tolist())
    for kind in _ORDER:
        if kind not in present:
            continue
        some = np.flatnonzero(kinds == kind)
        if kind in PHRASES:  # several phrases stand in one request: the most used one is taken
            some = some[[int(np.argmax(count[some]))]]
        carried[kind] = float(count[some].sum()), places[some]
    if not carried:
        return Kind.CLIENT, places[:0]
    most = max(count for count, _ in carried.values())
    kind = next(kind for kind, (count, _) in carried.items() if count >= _PREFERRED * most)
    return kind, carried[kind][1]


def _distinct(payloads: NDArray[np.uint8]) -> tuple[float, float]:
    """The sum of the members' distinct items, and the distinct items of all together."""
    counts = hll_count(np.concatenate([payloads, payloads.max(axis=0, keepdims=True)]))
    return float(counts[:-1].sum()), float(counts[-1])


def _spread(of: Tally, kind: Kind) -> float:
    """The effective number of a kind's values over the members: 1 where each has its own, near 0 where all share one.

    A value that nobody else has is no edge; a member without an edge of the kind has its own.
    """
    mine = of.kinds == kind
    if not mine.any():
        return 1.0
    some = np.flatnonzero(mine[of.which])
    who = of.who[some]
    values = np.bincount(who, minlength=of.size)
    weight = np.bincount(of.which[some], 1.0 / values[who], len(of.tokens))
    alone = of.size - np.count_nonzero(values)
    total = float((weight**2).sum()) + alone
    return min(of.size**2 / max(total, 1e-9) / of.size, 1.0)
