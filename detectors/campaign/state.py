"""Linker: everybody's tells in, campaigns out; what it knows outlives restarts, ids outlive joins and bans."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from detectors.base import Level
from detectors.campaign import assess, chance, link, moves, saved, settle, supplied, tells
from detectors.campaign.assess import HEARD, Assessment
from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.heard import Heard, Turn
from detectors.campaign.identity import Identities
from detectors.campaign.link import Apart, Group, Rules
from detectors.campaign.members import Known, taking, undecided
from detectors.campaign.memo import Memo
from detectors.campaign.paces import Paces
from detectors.campaign.report import Campaign
from detectors.campaign.rows import Own
from detectors.campaign.score import Scoring
from detectors.campaign.shut import Shut
from detectors.campaign.signals import UNUSUAL, Facts, Measured
from detectors.campaign.tells import Kind

_MUCH = 0.3  # a share of touched accounts beyond which everything is linked anew
_DAY = 86_400.0
_EVENTS = np.isin(np.arange(len(Kind)), (Kind.MOVED, Kind.SIGNATURE, Kind.INDICATOR))
_TAKING = 2.0  # nats: where three quarters of a group lie below it, nothing is taken


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of the linker."""

    bounds: Bounds = field(default_factory=Bounds)
    rules: Rules = field(default_factory=Rules)
    scoring: Scoring = field(default_factory=Scoring)


class Linker:
    """Links the clients of one deployment; pure and deterministic, time is a parameter."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.graph = Graph(self.settings.bounds)
        self.moves, self.paces, self.shut = moves.Refused(), Paces(), Shut()
        self.identities = Identities()
        self.organisations: dict[int, int] = {}
        self.bans: dict[int, float] = {}
        self.forbidden: tuple[Apart, ...] = ()
        self.united: list[tuple[int, int]] = []
        self.lists: dict[str, int] = {}  # sizes of the finite lists
        self.heard = Heard()
        self._gone: dict[int, float] = {}  # clients that were refused for good at the last link, and since when
        self._turn = Turn()
        self.found: dict[int, Assessment] = {}  # by campaign id
        self._memo = Memo()
        self._named: dict[int, Assessment] = {}  # what the ones in `found` were before they got their ids
        self.expired_at = 0.0
        self.links = 0

    def observe(self, events: NDArray[np.void]) -> None:
        """Take in events of any clients, in any order; near the order of time, for displacement."""
        if not len(events):
            return
        self.graph.add(tells.tells(events))
        self.shut.observe(self.graph, events)
        self._tie([self.moves.follow(events), self.paces.follow(self.graph, events)])

    def _tie(self, extra: list[NDArray[np.void]]) -> None:
        """Take in tells that are not in an event."""
        found = tells.joined([(rows, None) for rows in extra if len(rows)])
        if len(found.rows):
            self.graph.add(found)

    def link(self, now: float, *, full: bool = False) -> tuple[Campaign, ...]:
        """All present campaigns, the most suspicious first; only what was touched since the last link is worked out.

        Afterwards `asked` has the clients whose own rows could decide about a group; `tell` takes what they say.
        """
        graph, rules = self.graph, self.settings.rules
        self._tie([self.paces.settle(graph, now)])
        if now - self.expired_at > _DAY:
            self._expire(now)
            full = True
        self._look_for_shut(now)
        touched, weight = graph.take_touched(), link.weights(graph, rules)
        full = full or not self.links or len(touched) > _MUCH * max(len(graph.clients), 1)
        self.links += 1
        if full:
            self.heard.ask(graph, np.zeros(0, np.intp), anew=True)
            self._memo.clear()
            standing: dict[int, Assessment] = {}
            edges = np.arange(len(graph.edges))
            seeds = link.seeds(graph, rules, weight, edges, self.heard.columns(graph).rank)
            groups = link.groups(graph, rules, seeds)
        else:
            edges = graph.of_accounts(touched)
            standing, groups = self._concerned(weight, touched)
        self.heard.want(graph, link.curious(graph, rules, weight, edges), anew=full)
        known = self._known(weight)
        found, kept = self._beside(standing, groups)
        if groups:
            found += self._assess(known, groups)
            judge: settle.Judge = partial(self._judge, known, held=0.0)
            found = settle.together(settle.whole(found, self.forbidden, judge), self.united, judge)
            found = settle.exclusive(found, self.settings.scoring.members, graph.clients.known(), judge)
        self._settle(found, kept, now)
        self._memo.settled()
        return self.campaigns()

    def _expire(self, now: float) -> None:
        account = self.graph.expire(now)
        for column in (self.heard, self.shut, self.paces):
            column.renumber(account)
        self.expired_at = now

    def _look_for_shut(self, now: float) -> None:
        """Who is refused for good by now; that one is, or is no longer, is news."""
        account, since = self.shut.since(now)
        gone = dict(zip(self.graph.clients.known()[account].tolist(), since.tolist(), strict=True))
        self.graph.touch({client for client, _ in gone.items() ^ self._gone.items()})
        self._gone = gone

    def to_hear(self, most: int) -> list[int]:
        """Clients of whose own rows it would like to hear: those that groups wait for, then whoever shares much."""
        clients = self._turn.take(np.sort(self.heard.asked(self.graph)), most).tolist()
        asked, more = set(clients), self.heard.wanted(self.graph, most - len(clients))  # room for more: these are all
        return [*clients, *(client for client in more if client not in asked)]

    @property
    def asked(self) -> set[int]:
        """Clients of whose own rows groups would like to hear."""
        return set(self.heard.asked(self.graph).tolist())

    def readings(self) -> Iterator[tuple[Measured, Facts, NDArray[np.int32]]]:
        """All groups as a link of everybody looks at them, judged or not: what a fit of the score learns from."""
        graph, rules = self.graph, self.settings.rules
        self._look_for_shut(float(graph.accounts["last"].max(initial=0.0)))
        known = self._known(link.weights(graph, rules))
        edges = link.seeds(graph, rules, known.weight, np.arange(len(graph.edges)), known.rank)
        groups = link.groups(graph, rules, edges)
        self._ask(known, groups)
        for group in groups:
            if self._worth(known, group, set()):
                yield from assess.readings(known, group)

    def campaigns(self) -> tuple[Campaign, ...]:
        """The campaigns of the last link, the most suspicious first."""
        return tuple(
            sorted((one.campaign for one in self.found.values()), key=lambda one: (-one.level, -one.score, one.id))
        )

    def _concerned(
        self, weight: NDArray[np.float64], touched: NDArray[np.int32]
    ) -> tuple[dict[int, Assessment], list[Group]]:
        """The campaigns that have no touched member, and the groups that have one or belong to one that has."""
        news = np.zeros(len(self.graph.clients), np.bool_)
        news[touched] = True
        more = [np.zeros(0, np.int32)]
        moved = [one.group for one in self.found.values() if news[one.group.accounts].any()]
        for group in moved:
            news[group.accounts] = True
            more.append(group.tokens)
        moved_ids = {id(group) for group in moved}
        standing = {number: one for number, one in self.found.items() if id(one.group) not in moved_ids}
        rules, rank = self.settings.rules, self.heard.columns(self.graph).rank
        edges = link.around(self.graph, rules, weight, touched, np.concatenate(more), rank)
        groups = link.groups(self.graph, rules, edges)
        return standing, [group for group in groups if news[group.accounts].any()]

    def _beside(self, standing: dict[int, Assessment], groups: list[Group]) -> tuple[list[Assessment], set[int]]:
        """Of the campaigns that stand as they were those that share a member with the groups; the ids of the others."""
        near = np.zeros(len(self.graph.clients), np.bool_)
        for group in groups:
            near[group.accounts] = True
        mixed = {number for number, one in standing.items() if near[one.group.accounts].any()}
        return [self._named[number] for number in sorted(mixed)], standing.keys() - mixed

    def _known(self, weight: NDArray[np.float64]) -> Known:
        rules, scoring, heard = self.settings.rules, self.settings.scoring, self.heard.columns(self.graph)
        known = (self.graph, weight, rules, scoring, self._parties(), self.bans, self.lists)
        shut = np.full(len(self.graph.clients), np.nan)
        place = self.graph.clients.find(np.fromiter(self._gone.keys(), np.uint64, len(self._gone)))
        shut[place[place >= 0]] = np.fromiter(self._gone.values(), np.float64, len(self._gone))[place >= 0]
        paces, crowd = self.paces.times(self.graph), chance.crowd(heard.lead)
        return Known(*known, *heard, self.forbidden, shut, len(self._gone), paces, crowd)

    def _assess(self, known: Known, groups: list[Group]) -> list[Assessment]:
        """The campaigns among the groups, those by surer ground first; `asked` grows by whom they want to hear of."""
        graph = self.graph
        clients = graph.clients.known()
        foes = {client for pair in self.forbidden for side in pair for client in side}
        out: list[Assessment] = []
        sure: set[int] = set()
        seen: set[bytes] = set()
        self._ask(known, groups)
        for group in sorted(groups, key=lambda one: not one.framed):
            if not self._worth(known, group, seen):
                continue
            names = clients[group.accounts].tolist()
            split = [names] if foes.isdisjoint(names) else link.parted(names, self.forbidden)
            for part in split:
                accounts = group.accounts if len(split) == 1 else graph.clients.find(np.array(sorted(part), np.uint64))
                held = 0.0 if group.framed else len(sure.intersection(part)) / len(part)
                some = group._replace(accounts=np.sort(accounts))
                one = self._judge(known, some, held) if len(part) > 1 else None
                if one is None:
                    continue
                self.heard.ask(graph, one.unheard)
                if one.campaign.level is Level.NONE:
                    continue
                out.append(one)
                if group.framed and one.campaign.level is Level.REVIEW:
                    sure |= one.campaign.clients
        return out

    def _ask(self, known: Known, groups: list[Group]) -> None:
        """Ask for the rows of all who are in a group that is large enough: of those too that take nothing so far."""
        inside = np.zeros(len(known.stale), np.bool_)
        for group in groups:
            if len(group.accounts) >= self.settings.scoring.watched and not self._eventful(group):
                inside[group.accounts] = True
        self.heard.ask(known.graph, np.flatnonzero(inside & known.stale))

    def _worth(self, known: Known, group: Group, seen: set[bytes]) -> bool:
        """Whether to look at a group closely: large enough or eventful, and not known to take nothing.

        Parts of larger groups wait for their members' own rows, and the same clients are looked at once.
        """
        if self._eventful(group):
            return True
        if len(group.accounts) < self.settings.scoring.watched:
            return False
        rank = known.rank[group.accounts]
        told = rank[~np.isnan(rank)]
        if not group.part and (len(told) < HEARD * len(rank) or undecided(known, group.accounts)):
            return True
        if len(told) < HEARD * len(rank):
            return False
        key = taking(known, group.accounts).tobytes()
        if key in seen:
            return False
        seen.add(key)
        several = self.settings.scoring.members
        return bool(np.percentile(told, 75) >= _TAKING or np.count_nonzero(told >= UNUSUAL) >= several)

    def _judge(self, known: Known, group: Group, held: float) -> Assessment | None:
        """What a group is; where nothing moved and little else happened, what it was."""

        def judge(group: Group, held: float) -> Assessment | None:
            return assess.assess(known, group, held)

        return judge(group, held) if self._eventful(group) else self._memo.judge(known, group, held, judge)

    def _eventful(self, group: Group) -> bool:
        """Whether a small group may count: something moved between its accounts, or one of them was banned."""
        if _EVENTS[self.graph.tokens["kind"][group.tokens]].any():
            return True
        return bool(self.bans) and not self.bans.keys().isdisjoint(self.graph.clients.known()[group.accounts].tolist())

    def _parties(self) -> NDArray[np.int64]:
        """For each account the number of its organisation; those without one are their own."""
        party = np.arange(len(self.graph.clients), dtype=np.int64)
        if self.organisations:
            clients = np.fromiter(self.organisations.keys(), np.uint64, len(self.organisations))
            orgs = np.fromiter(self.organisations.values(), np.int64, len(self.organisations))
            place = self.graph.clients.find(clients)
            party[place[place >= 0]] = -1 - np.unique(orgs, return_inverse=True)[1][place >= 0]
        return party

    def _settle(self, found: list[Assessment], kept: set[int], now: float) -> None:
        """Give each its lasting id. What is as it was keeps all it had."""
        before = {id(one): number for number, one in self._named.items()}
        same = {before[id(one)] for one in found if id(one) in before}
        fresh = [one for one in found if id(one) not in before]
        kept = kept | same
        self.found = {number: self.found[number] for number in sorted(kept)}
        self._named = {number: self._named[number] for number in sorted(kept)}
        for one, named in zip(fresh, self.identities.name(fresh, kept, now), strict=True):
            self.found[named.campaign.id], self._named[named.campaign.id] = named, one

    @property
    def ranks(self) -> dict[int, tuple[Own, int]]:
        """What `tell` was told, by client, and after how many requests."""
        return self.heard.of(self.graph)

    def tell(self, ranks: Mapping[int, Own]) -> None:
        """What clients' own rows say; see rows.py."""
        self.graph.touch(self.heard.tell(self.graph, ranks).tolist(), anew=True)

    def forbid(self, apart: Iterable[Apart]) -> None:
        """None of the first with one of the second, for each pair; replaces what was said."""
        apart = tuple(dict.fromkeys(apart))
        for pair in set(apart) ^ set(self.forbidden):
            self._anew(*pair)
        self.forbidden = apart

    def unite(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Each pair's campaigns are one; replaces what was said."""
        pairs = list(dict.fromkeys(pairs))
        self._anew({client for pair in set(pairs) ^ set(self.united) for client in pair})
        self.united = pairs

    def _anew(self, *clients: Iterable[int]) -> None:
        """Something else than requests is news of these clients."""
        self._memo.clear()
        for some in clients:
            self.graph.touch(some)

    def set_organisations(self, organisations: Mapping[int, int]) -> None:
        """Which verified organisation clients belong to; replaces what was set."""
        self.organisations = dict(organisations)
        self._anew(organisations)

    def set_attributes(self, held: supplied.Attributes, now: float, others: supplied.Attributes | None = None) -> bool:
        """Sign-up attributes as hashes: all that clients in `held` have, some that `others` do; whether it is news."""
        news = supplied.take_in(self.graph, held, others or {}, now)
        self._memo.renew(news)
        return len(news) > 0

    def set_bans(self, bans: Mapping[int, float]) -> None:
        """When clients were banned; replaces what was set."""
        self._anew(set(bans) ^ set(self.bans))
        self.bans = dict(bans)

    def set_lists(self, sizes: Mapping[str, int]) -> None:
        """How long the lists behind EVENT's `listed` are; replaces what was set, news for who sends their items."""
        graph, self.lists = self.graph, dict(sizes)
        listed = graph.tokens["kind"][graph.edges["token"]] == Kind.LISTED
        self._anew(graph.clients.known()[np.unique(graph.edges["account"][listed])].tolist())

    @property
    def counters(self) -> dict[str, int]:
        """What the graph holds and what it forgot."""
        graph = self.graph
        return {
            "accounts": len(graph.clients), "tokens": len(graph.names), "edges": len(graph.edges),
            "campaigns": len(self.found), "links": self.links, **graph.counters,
        }  # fmt: skip

    def snapshot(self) -> bytes:
        """All that it knows, for `restore`."""
        out = io.BytesIO()
        self.write(out)
        return out.getvalue()

    def write(self, file: BinaryIO) -> None:
        """Write what `snapshot` gives, without a copy of it in memory."""
        saved.write(self, file)

    @classmethod
    def restore(cls, data: bytes, settings: Settings | None = None) -> Linker:
        """A linker as it was; its campaigns come with the next link. Raises ValueError where it is none."""
        linker = cls(settings)
        saved.read(linker, data)
        return linker
