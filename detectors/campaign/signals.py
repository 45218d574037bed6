"""Signals: what a group of linked clients has in common, and what the requests that tie it are like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign import harvest
from detectors.campaign.graph import Graph
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

    def untold(self) -> Facts:
        """The same, as if nobody had told what the members' rows say."""
        return self._replace(rank=NAN, low=NAN, lead=NAN, lead_low=NAN, behind=0)


class Shared(NamedTuple):
    """One kind's token that most members have."""

    kind: Kind
    token: int  # its number in the graph
    members: int
    df: int
    name: str = ""  # of a sign-up attribute


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
    dense: float  # the share of the members that have a wording of the core, mean over who has which
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


class Layout(NamedTuple):
    """The graph's edges by account."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]

    def of(self, members: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The edges of some accounts, and for each its member's position."""
        counts = self.starts[members + 1] - self.starts[members]
        who = np.repeat(np.arange(len(members)), counts)
        place = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts) + self.starts[members][who]
        return self.order[place], who


def layout(graph: Graph, accounts: NDArray[np.integer]) -> Layout:
    """The edges of some accounts, sorted by account."""
    edges = graph.of_accounts(np.sort(accounts))
    counts = np.bincount(graph.edges["account"][edges], minlength=len(graph.clients))
    return Layout(edges, np.concatenate([[0], np.cumsum(counts)]))


def measure(graph: Graph, by: Layout, members: NDArray[np.int32], useful: NDArray[np.float64]) -> Measured:
    """All that is known of a group; `useful` is each token's weight, 0 for what says nothing."""
    edge, who = by.of(members)
    size = len(members)
    token = graph.edges["token"][edge]
    tokens, which, inside = np.unique(token, return_inverse=True, return_counts=True)
    own = _core(graph, tokens, inside, useful, size)
    core = tokens[own]
    mine = own[which]
    kind, chosen = _substream(graph, edge[mine], token[mine], core)
    total = np.maximum(graph.accounts["n"][members].astype(np.int64), 1)
    tied = _among(tokens, chosen)[which]
    requests = np.bincount(who[tied], graph.edges["n"][edge[tied]], size).astype(np.int64)
    worth = _worth(graph, token[mine], who[mine], useful, size)
    mine = tied & (graph.edges["load"][edge] >= 0)
    loads = graph.loads[graph.edges["load"][edge[mine]]]
    sums = loads["sums"].sum(axis=0, dtype=np.int64)
    n = max(int(sums[0]), 1)
    each, together = _distinct(loads["payloads"], who[mine], size)
    exact, exact_tools = _exact(graph, tokens, inside, useful, size)
    return Measured(
        members=members,
        shared=_shared(graph, tokens, inside, useful),
        core=core,
        chosen=chosen,
        kind=kind,
        depth=int((inside[own] >= _HALF * size).sum()),
        worth=worth,
        requests=np.minimum(requests, total),
        total=total,
        shares=sums / n,
        answer=float(sums[_PLACE["log_answer"]]) / n / 8.0,
        apart=min(together / each, 1.0) if each else 1.0,
        fresh=min(together / n, 1.0),
        alike=_alike(loads, who[mine], size),
        networks=_spread(graph, tokens, which, who, Kind.NETWORK, size),
        programs=_spread(graph, tokens, which, who, Kind.AGENT, size),
        exact=exact,
        exact_tools=exact_tools,
        dense=float((inside[own] ** 2).sum() / max(inside[own].sum(), 1) / size),
    )


def _among(tokens: NDArray[np.int32], some: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which of sorted tokens are the given ones, which are sorted and all among them."""
    out = np.zeros(len(tokens), np.bool_)
    out[np.searchsorted(tokens, some)] = True
    return out


def _exact(
    graph: Graph, tokens: NDArray[np.int32], inside: NDArray[np.intp], useful: NDArray[np.float64], members: int
) -> tuple[float, float]:
    """How nearly those who have the best wording are the members, 1 where they are the same; and of tools."""
    kinds = graph.tokens["kind"][tokens]
    near = 2.0 * inside / (np.maximum(graph.tokens["df"][tokens], inside) + members)
    worded = near[_WORDED[kinds] & (useful[tokens] > 0.0)]
    return float(worded.max(initial=0.0)), float(near[kinds == Kind.TOOLS].max(initial=0.0))


def _worth(
    graph: Graph, token: NDArray[np.int32], who: NDArray[np.intp], useful: NDArray[np.float64], members: int
) -> NDArray[np.float64]:
    """Of each kind the rarest core token counts, whose edges are given: the others mostly follow from it."""
    best = np.zeros((members, len(Kind)))
    np.maximum.at(best, (who, graph.tokens["kind"][token]), useful[token])
    return np.asarray(best.sum(axis=1), np.float64)


def _shared(
    graph: Graph, tokens: NDArray[np.int32], inside: NDArray[np.intp], useful: NDArray[np.float64]
) -> tuple[Shared, ...]:
    found = []
    kinds = graph.tokens["kind"][tokens]
    worth = inside * np.maximum(useful[tokens], 1e-6)
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
        some = np.flatnonzero(kinds == kind)
        best = some[[int(np.argmax(worth[some]))]]
        if kind == Kind.SIGNUP:
            best = some[useful[tokens[some]] > 0.0]
            best = best[np.argsort(-worth[best], kind="stable")]
            first = np.unique(graph.tokens["recipe"][tokens[best]], return_index=True)[1]
            best = best[np.sort(first)[:_SEVERAL]]  # the best value of each attribute
        for place in best[inside[best] >= 2].tolist():
            token, name = int(tokens[place]), ""
            if kind == Kind.SIGNUP:
                name = graph.called.get(int(graph.tokens["recipe"][token]), "")
            found.append(Shared(Kind(kind), token, int(inside[place]), int(graph.tokens["df"][token]), name))
    return tuple(sorted(found, key=lambda one: (-one.members, one.kind)))


def _core(
    graph: Graph, tokens: NDArray[np.int32], inside: NDArray[np.intp], useful: NDArray[np.float64], members: int
) -> NDArray[np.bool_]:
    """Which tokens are wordings of the group's own."""
    df = np.maximum(graph.tokens["df"][tokens], 1)
    worded = _WORDED[graph.tokens["kind"][tokens]]
    many = inside >= max(2.0, _CORE * members)
    return np.asarray(worded & many & (inside >= _OWN * df) & (useful[tokens] > 0.0), np.bool_)


def _substream(
    graph: Graph, edge: NDArray[np.intp], token: NDArray[np.int32], core: NDArray[np.int32]
) -> tuple[Kind, NDArray[np.int32]]:
    """The kind of wording that the most requests carry, the more telling kind where two are close; its tokens.

    The edges given are those of `core`, which is sorted.
    """
    kinds = graph.tokens["kind"][core]
    at = np.searchsorted(core, token)
    count = np.bincount(at, graph.edges["n"][edge], len(core))
    carried: dict[Kind, tuple[float, NDArray[np.int32]]] = {}
    for kind in _ORDER:
        some = np.flatnonzero(kinds == kind)
        if not len(some):
            continue
        if kind in PHRASES:  # several phrases stand in one request: the most used one is taken
            some = some[[int(np.argmax(count[some]))]]
        carried[kind] = float(count[some].sum()), core[some]
    if not carried:
        return Kind.CLIENT, core[:0]
    most = max(count for count, _ in carried.values())
    kind = next(kind for kind, (count, _) in carried.items() if count >= _PREFERRED * most)
    return kind, carried[kind][1]


def _distinct(payloads: NDArray[np.uint8], who: NDArray[np.intp], members: int) -> tuple[float, float]:
    """The sum of the members' distinct items, and the distinct items of all together."""
    if not len(who):
        return 0.0, 0.0
    cells = np.zeros((members, payloads.shape[1]), np.uint8)
    np.maximum.at(cells, who, payloads)
    return float(hll_count(cells).sum()), float(hll_count(payloads.max(axis=0, keepdims=True))[0])


def _alike(loads: NDArray[np.void], who: NDArray[np.intp], members: int) -> float:
    topic = np.zeros((members, 24))
    n = np.zeros(members)
    np.add.at(topic, who, harvest.topics(loads))
    np.add.at(n, who, loads["sums"][:, 0].astype(np.float64))
    return float(harvest.alike(topic, n, np.zeros(1, np.intp))[0])


def _spread(
    graph: Graph, tokens: NDArray[np.int32], which: NDArray[np.intp], who: NDArray[np.intp], kind: Kind, members: int
) -> float:
    """The effective number of a kind's values over the members: 1 where each has its own, near 0 where all share one.

    A value that nobody else has is no edge; a member without an edge of the kind has its own. Each edge is of the
    member `who` and of `tokens[which]`.
    """
    some = (graph.tokens["kind"][tokens] == kind)[which]
    mine = who[some]
    values = np.bincount(mine, minlength=members)
    weight = np.bincount(which[some], 1.0 / values[mine], len(tokens))
    alone = members - np.count_nonzero(values)
    total = float((weight**2).sum()) + alone
    return min(members**2 / max(total, 1e-9) / members, 1.0)
