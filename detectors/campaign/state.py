"""Linker: everybody's tells in, campaigns out; what it knows outlives restarts, ids outlive joins and bans."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from detectors.base import Level
from detectors.campaign import link, moves, signals, tells
from detectors.campaign.assess import HEARD, Assessment, Known, assess, taking
from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.identity import Identities
from detectors.campaign.link import Group, Rules
from detectors.campaign.report import Campaign, Indicators, carrying
from detectors.campaign.score import Scoring
from detectors.campaign.signals import Layout
from detectors.campaign.tells import Kind

_FORMAT = 1
_MUCH = 0.3  # a share of touched accounts beyond which everything is linked anew
_DAY = 86_400.0
_CHANGE = 0.5  # nats: a smaller difference does not link a client anew
_TAKING = 2.0  # nats: where three quarters of a group lie below it, nothing is taken
_MORE, _SOME = 1.25, 4  # a row is asked for again after so many times the requests, and some more


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
        self.moves = moves.Refused()
        self.identities = Identities()
        self.organisations: dict[int, int] = {}
        self.bans: dict[int, float] = {}
        self.forbidden: set[tuple[int, int]] = set()
        self.united: list[tuple[int, ...]] = []
        self.lists: dict[str, int] = dict(self.settings.scoring.lists)
        self.wanted = np.zeros(0, np.uint64)  # imported indicators
        self.ranks: dict[int, tuple[float, int]] = {}  # by clients' own rows: nats, and after how many requests
        self.asked: set[int] = set()  # clients of whose own rows groups would like to hear
        self.found: dict[int, Assessment] = {}  # by campaign id
        self.expired_at = 0.0
        self.links = 0

    def observe(self, events: NDArray[np.void]) -> None:
        """Take in events of any clients, in any order; near the order of time, for displacement."""
        if not len(events):
            return
        self.graph.add(tells.tells(events))
        extra = [self.moves.follow(events)]
        if len(self.wanted):
            extra.append(moves.indicated(events, carrying(events, self.wanted)))
        found = tells.joined([(rows, None) for rows in extra if len(rows)])
        if len(found.rows):
            self.graph.add(found)

    def link(self, now: float, *, full: bool = False) -> tuple[Campaign, ...]:
        """All present campaigns, the most suspicious first; only what was touched since the last link is worked out.

        Afterwards `asked` has the clients whose own rows could decide about a group; `tell` takes what they say.
        """
        if now - self.expired_at > _DAY:
            self.graph.expire(now)
            self.expired_at, full = now, True
            left = set(self.graph.clients.known().tolist()) if self.ranks else set()
            self.ranks = {client: rank for client, rank in self.ranks.items() if client in left}
        touched = self.graph.take_touched()
        rules, weight = self.settings.rules, link.weights(self.graph, self.settings.rules)
        full = full or not self.links or len(touched) > _MUCH * max(len(self.graph.clients), 1)
        self.links += 1
        if full:
            self.asked.clear()
            edges = link.seeds(self.graph, rules, weight, np.arange(len(self.graph.edges)))
        else:
            edges = link.around(self.graph, rules, weight, touched)
        groups = link.groups(self.graph, rules, edges)
        groups = link.united(groups, self.graph.clients.known(), self.united)
        if not full:
            news = np.zeros(len(self.graph.clients), np.bool_)
            news[touched] = True
            groups = [group for group in groups if news[group.accounts].any()]
        known = self._known(weight)
        by = signals.layout(self.graph, np.unique(np.concatenate([one.accounts for one in groups]))) if groups else None
        found = self._whole(known, by, self._assess(known, by, groups)) if by is not None else []
        self._settle(found, set() if full else self._beyond(groups, touched), now)
        return self.campaigns()

    def campaigns(self) -> tuple[Campaign, ...]:
        """The campaigns of the last link that are not closed."""
        shown = [one.campaign for one in self.found.values() if not self.identities.quiet(one.campaign)]
        return tuple(sorted(shown, key=lambda one: (-one.level, -one.score, one.id)))

    def _beyond(self, groups: list[Group], touched: NDArray[np.int32]) -> set[int]:
        """The campaigns that this link does not concern: they stay as they are."""
        some = np.unique(np.concatenate([touched, *(group.accounts for group in groups)]))
        seen = set(self.graph.clients.known()[some].tolist())
        return {number for number, one in self.found.items() if seen.isdisjoint(one.campaign.clients)}

    def _known(self, weight: NDArray[np.float64]) -> Known:
        rules, scoring = self.settings.rules, self.settings.scoring
        return Known(self.graph, weight, rules, scoring, self._parties(), self.bans, self.lists, *self._heard())

    def _assess(self, known: Known, by: Layout, groups: list[Group]) -> list[Assessment]:
        """The campaigns among the groups, those by surer ground first; `asked` grows by whom they want to hear of."""
        graph = self.graph
        clients, foes = graph.clients.known(), self._foes()
        out: list[Assessment] = []
        sure: set[int] = set()
        seen: set[bytes] = set()
        for group in sorted(groups, key=lambda one: not one.framed):
            if not self._worth(known, group, seen):
                continue
            names = clients[group.accounts].tolist()
            split = link.parted(names, foes) if foes.keys() & set(names) else [names]
            for part in split:
                accounts = group.accounts if len(split) == 1 else graph.clients.find(np.array(sorted(part), np.uint64))
                held = 0.0 if group.framed else len(sure.intersection(part)) / len(part)
                one = assess(known, by, group._replace(accounts=np.sort(accounts)), held) if len(part) > 1 else None
                if one is None:
                    continue
                self.asked.update(one.unheard)
                if one.campaign.level is Level.NONE:
                    continue
                out.append(one)
                if group.framed and one.campaign.level is Level.REVIEW:
                    sure |= one.campaign.clients
        return out

    def _worth(self, known: Known, group: Group, seen: set[bytes]) -> bool:
        """Whether to look at a group closely: large enough or eventful, and not known to take nothing.

        Parts of larger groups wait for their members' own rows, and the same clients are looked at once.
        """
        if self._eventful(group):
            return True
        if len(group.accounts) < self.settings.scoring.watched:
            return False
        stale = group.accounts[known.stale[group.accounts]]  # those too that take nothing so far
        self.asked.update(known.graph.clients.known()[stale].tolist())
        rank = known.rank[group.accounts]
        told = rank[~np.isnan(rank)]
        if len(told) < HEARD * len(rank):
            return not group.part
        key = taking(known, group.accounts).tobytes()
        if key in seen:
            return False
        seen.add(key)
        return bool(np.percentile(told, 75) >= _TAKING)

    def _foes(self) -> dict[int, set[int]]:
        foes: dict[int, set[int]] = {}
        for a, b in self.forbidden:
            foes.setdefault(a, set()).add(b)
            foes.setdefault(b, set()).add(a)
        return foes

    def _whole(self, known: Known, by: Layout, found: list[Assessment]) -> list[Assessment]:
        """Where most of a group's members are in a stronger one of the same level, the two as one, if that holds."""
        found.sort(key=_strength)
        foes = self._foes()
        out: list[Assessment] = []
        for one in found:
            mine = one.campaign.clients
            near = max(range(len(out)), key=lambda at: len(out[at].campaign.clients & mine), default=-1)
            if near < 0 or 2 * len(out[near].campaign.clients & mine) <= len(mine):
                out.append(one)
                continue
            other = out[near]
            if mine <= other.campaign.clients or one.campaign.level is not other.campaign.level:
                continue
            names = mine | other.campaign.clients
            if len(link.parted(sorted(names), foes)) > 1:
                continue
            both = assess(known, by, _joint(other.group, one.group))
            if both is not None and both.campaign.level is other.campaign.level:
                out[near] = replace(both, unheard=other.unheard + one.unheard)
        return out

    def _eventful(self, group: Group) -> bool:
        """Whether a small group may count: something moved between its accounts, or one of them was banned."""
        kinds = self.graph.tokens["kind"][group.tokens]
        if np.isin(kinds, (Kind.MOVED, Kind.SIGNATURE, Kind.INDICATOR)).any():
            return True
        return bool(self.bans) and not self.bans.keys().isdisjoint(self.graph.clients.known()[group.accounts].tolist())

    def _heard(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """For each account the nats that `tell` gave, NaN where there are none; and whose are out of date."""
        n = self.graph.accounts["n"][: len(self.graph.clients)].astype(np.float64)
        rank, stale = np.full(len(n), np.nan), np.ones(len(n), np.bool_)
        if self.ranks:
            place = self.graph.clients.find(np.fromiter(self.ranks.keys(), np.uint64, len(self.ranks)))
            values = np.array(list(self.ranks.values()), np.float64)[place >= 0]
            place = place[place >= 0]
            rank[place] = values[:, 0]
            stale[place] = n[place] > _MORE * values[:, 1] + _SOME
        return rank, stale

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
        """Give each its lasting id; an account is in one campaign, the larger of several."""
        found.sort(key=_strength)
        taken: set[int] = set()
        chosen = []
        for one in found:
            fresh = one.campaign.clients - taken
            left = len(fresh) == len(one.campaign.clients) or len(fresh) >= self.settings.scoring.members
            if 2 * len(fresh) < len(one.campaign.clients) or not left:
                continue
            members = tuple(member for member in one.campaign.members if member.client in fresh)
            chosen.append(replace(one, campaign=replace(one.campaign, members=members)))
            taken |= fresh
        self.found = {number: self.found[number] for number in kept}
        for one in self.identities.name(chosen, kept, now):
            self.found[one.campaign.id] = one

    def tell(self, ranks: Mapping[int, float]) -> None:
        """What clients' own rows say: how rare each is among ordinary clients, in nats; see rows.py."""
        clients = np.fromiter(ranks.keys(), np.uint64, len(ranks))
        place = self.graph.clients.find(clients)
        n = np.where(place >= 0, self.graph.accounts["n"][np.maximum(place, 0)], 0) if len(place) else place
        changed = []
        for (client, rank), requests in zip(ranks.items(), n.tolist(), strict=True):
            if not abs(self.ranks.get(client, (np.inf, 0))[0] - rank) < _CHANGE:
                changed.append(client)
            self.ranks[client] = (rank, requests)
        self.asked -= ranks.keys()
        self.graph.touch(changed)

    def cannot_link(self, one: int, other: int) -> None:
        """Never again in one campaign."""
        if one != other:
            self.forbidden.add((min(one, other), max(one, other)))
            self.graph.touch([one, other])

    def set_organisations(self, organisations: Mapping[int, int]) -> None:
        """Which verified organisation clients belong to; replaces what was set."""
        self.organisations = dict(organisations)
        self.graph.touch(organisations)

    def set_attributes(self, attributes: Mapping[int, Mapping[str, int]], now: float) -> None:
        """Sign-up attributes as hashes, where the operator supplies them."""
        rows = moves.attributes(attributes, now)
        if len(rows):
            self.graph.add(tells.Tells(rows, np.zeros(0, tells.LOAD)))

    def set_bans(self, bans: Mapping[int, float]) -> None:
        """When clients were banned; replaces what was set."""
        self.graph.touch(set(bans) ^ set(self.bans))
        self.bans = dict(bans)

    def set_lists(self, sizes: Mapping[str, int]) -> None:
        """How long the public lists behind EVENT's `listed` are."""
        self.lists = dict(sizes)

    def closed(self, number: int, now: float) -> None:
        """A reviewer closed it: it is not shown again unless it grows."""
        one = self.found.get(number)
        self.identities.close(number, len(one.campaign.members) if one else 0, now)

    def merge(self, one: int, other: int) -> int:
        """A reviewer says that two campaigns are one operator: they stay together; the id that survives."""
        pair = tuple(min(self.found[number].campaign.clients) for number in (one, other) if number in self.found)
        if len(pair) == 2:
            self.united.append(pair)
            self.graph.touch([*self.found[one].campaign.clients, *self.found[other].campaign.clients])
        return min(one, other, key=lambda number: (self.identities.born(number), number))

    def campaign_of(self, client: int) -> int | None:
        """The campaign that a client belongs to."""
        return next((number for number, one in self.found.items() if client in one.campaign.clients), None)

    def matches(self, events: NDArray[np.void], number: int) -> NDArray[np.bool_]:
        """Which events are of a campaign's members and carry its wording: the sub-stream of mixed accounts."""
        one = self.found.get(number)
        if one is None:
            return np.zeros(len(events), np.bool_)
        members = np.fromiter(sorted(one.campaign.clients), np.uint64, len(one.campaign.members))
        mine = np.isin(events["client"], members)
        mine[mine] = carrying(events[mine], np.array(one.campaign.frames, np.uint64))
        return np.asarray(mine, np.bool_)

    def indicators(self, number: int) -> Indicators:
        """A campaign's wordings and networks, to be shared; raises KeyError where there is none."""
        one = self.found[number].campaign
        return Indicators(one.frames, one.networks)

    def watch_for(self, indicators: Indicators) -> None:
        """Clients that send one of these wordings are tied to one another."""
        self.wanted = np.union1d(self.wanted, np.array(indicators.tokens, np.uint64))

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
        about: dict[str, Any] = {
            "format": _FORMAT,
            "organisations": list(self.organisations.items()),
            "bans": list(self.bans.items()),
            "forbidden": sorted(self.forbidden),
            "united": self.united,
            "lists": self.lists,
            "indicators": self.wanted.tolist(),
            "identities": self.identities.document(),
            "expired_at": self.expired_at,
        }
        out = io.BytesIO()
        arrays: dict[str, Any] = self.graph.arrays()
        arrays["ranked"] = np.fromiter(self.ranks.keys(), np.uint64, len(self.ranks))
        arrays["ranks"] = np.array(list(self.ranks.values()), np.float64).reshape(-1, 2)
        np.savez(out, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
        return out.getvalue()

    @classmethod
    def restore(cls, data: bytes, settings: Settings | None = None) -> Linker:
        """A linker as it was; its campaigns come with the next link. Raises ValueError where it is none."""
        linker = cls(settings)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as held:
                about = json.loads(held["about"].tobytes())
                if about.get("format") != _FORMAT:
                    raise ValueError("a snapshot of another version")
                linker.graph.load_arrays({name: held[name] for name in held.files if name != "about"})
                if "ranks" in held.files:
                    told = [(rank, int(requests)) for rank, requests in held["ranks"].tolist()]
                    linker.ranks = dict(zip(held["ranked"].tolist(), told, strict=True))
        except (OSError, KeyError, EOFError, BadZipFile) as error:
            raise ValueError(f"not a snapshot of a linker: {error}") from None
        linker.organisations = {int(client): int(org) for client, org in about["organisations"]}
        linker.bans = {int(client): float(at) for client, at in about["bans"]}
        linker.forbidden = {(int(a), int(b)) for a, b in about["forbidden"]}
        linker.united = [tuple(int(one) for one in some) for some in about["united"]]
        linker.lists = dict(about["lists"])
        linker.wanted = np.array(about["indicators"], np.uint64)
        linker.identities = Identities.parse(about["identities"])
        linker.expired_at = float(about["expired_at"])
        return linker


def _strength(one: Assessment) -> tuple[float, float, int]:
    """Orders campaigns: by level, then by score and size together, a doubling for 0.7 nats; the same each time."""
    campaign = one.campaign
    return -campaign.level, -campaign.score - float(np.log(len(campaign.members))), min(campaign.clients)


def _joint(one: Group, other: Group) -> Group:
    """Two groups as one, on the surer ground of the two."""
    accounts, tokens = np.union1d(one.accounts, other.accounts), np.union1d(one.tokens, other.tokens)
    return Group(accounts.astype(np.int32), tokens.astype(np.int32), one.framed or other.framed)
