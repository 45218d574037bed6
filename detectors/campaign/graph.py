"""Graph: which client has which token, kept only where two clients share it; bounded and expiring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.chains import followed
from detectors.campaign.index import Index, joined
from detectors.campaign.tells import LOAD, PHRASES, WORDING, Kind, Tells
from detectors.sketch import mix

ACCOUNT = np.dtype(
    [("first", "<f8"), ("last", "<f8"), ("n", "<u4"), ("edge", "<i4"), ("phrases", "<u2"), ("pad", "V6")]
)
TOKEN = np.dtype(
    [
        ("df", "<u4"),
        ("edge", "<i4"),
        ("recipe", "<u8"),
        ("kind", "u1"),
        ("closed", "?"),
        ("tells", "?"),  # its requests looked like a harvest when they were looked at last,
        ("pad", "V1"),
        ("judged", "<u4"),  # after so many
        ("n", "<u4"),  # requests that carry it
    ]
)
EDGE = np.dtype(
    [
        ("account", "<i4"),
        ("token", "<i4"),
        ("first", "<f8"),
        ("last", "<f8"),
        ("n", "<u4"),
        ("load", "<i4"),
        ("up", "<i4"),  # one more than the account's edge before; 0: none
        ("down", "<i4"),  # one more than the token's edge before
    ]
)
_SINGLE = np.dtype([("token", "<u8"), ("at", "<f4"), ("last", "<f4"), ("account", "<i4"), ("n", "<u4")])
EPOCH = 1.7e9  # single-precision times count from here


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the graph may hold."""

    singles: int = 1 << 20  # slots for tokens that one client has so far; a power of two
    recurring: int = 1 << 21  # slots that tell a client's second use of a phrase; a power of two
    phrases: int = 48  # phrases of one client
    common: float = 0.01  # a token that more than this share of the clients have ties nobody
    wording: float = 0.05  # the same for wordings: a large campaign's are more than a hundredth
    least_common: int = 2_000  # and more clients than this
    horizon: float = 14 * 86_400.0  # seconds: what was not seen for so long is forgotten
    most_edges: int = 20_000_000  # beyond it the oldest are forgotten


class Graph:
    """Clients, tokens, and the edges between them, as growing columns."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.clients, self.names, self.pairs = Index(), Index(), Index()
        self.accounts = np.zeros(0, ACCOUNT)
        self.tokens = np.zeros(0, TOKEN)
        self._edges = np.zeros(1024, EDGE)
        self._loads = np.zeros(256, LOAD)
        self.loads_used = 0
        self._singles = np.zeros(bounds.singles, _SINGLE)
        self._recurring = np.zeros(bounds.recurring, np.uint32)
        self._touched: list[NDArray[np.int32]] = []  # accounts with new or refreshed edges since the last link
        self.called: dict[int, str] = {}  # names of sign-up attributes, by the recipe of their tokens
        self.counters = {"evicted": 0, "expired": 0}

    @property
    def edges(self) -> NDArray[np.void]:
        """The edges there are, in the order in which they came."""
        return self._edges[: len(self.pairs)]

    @property
    def loads(self) -> NDArray[np.void]:
        """What the requests behind the wordings are like."""
        return self._loads[: self.loads_used]

    def add(self, found: Tells) -> None:
        """Take in the tells of some events."""
        rows = found.rows
        account = self.clients.put(rows["client"])
        self.accounts = _grown(self.accounts, len(self.clients))
        self._count(rows, account)
        keep = np.flatnonzero(self._recurs(rows))
        rows, account = rows[keep], account[keep]
        token = self.names.find(rows["token"])
        unknown = np.flatnonzero(token < 0)
        if len(unknown):
            token[unknown] = self._settle(rows[unknown], account[unknown])
        known = token >= 0
        self._join(rows[known], account[known], token[known], found.loads)

    def _count(self, rows: NDArray[np.void], account: NDArray[np.int32]) -> None:
        seen = rows["kind"] == Kind.CLIENT
        who, some = account[seen], rows[seen]
        fresh = self.accounts["last"][who] == 0
        self.accounts["first"][who[fresh]] = some["at"][fresh]
        np.minimum.at(self.accounts["first"], who, some["at"])
        np.maximum.at(self.accounts["last"], who, some["last"])
        np.add.at(self.accounts["n"], who, some["n"])

    def _recurs(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which tells go on: of phrases, those that a client uses again."""
        goes = rows["kind"] != Kind.CLIENT
        phrase = np.flatnonzero(np.isin(rows["kind"], PHRASES))
        key = mix(rows["token"][phrase] ^ mix(rows["client"][phrase]))
        slot = (key & np.uint64(len(self._recurring) - 1)).astype(np.int64)
        tag = (key >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
        again = (rows["n"][phrase] > 1) | (self._recurring[slot] == tag)
        self._recurring[slot] = tag
        goes[phrase] = again
        return np.asarray(goes, np.bool_)

    def _settle(self, rows: NDArray[np.void], account: NDArray[np.int32]) -> NDArray[np.int32]:
        """Numbers for unknown tokens that a second client has; -1 for the others, which are remembered apart."""
        slot = (mix(rows["token"]) & np.uint64(len(self._singles) - 1)).astype(np.int64)
        held = self._singles[slot]
        same = held["token"] == rows["token"]
        other = same & (held["account"] != account)
        order = np.lexsort((account, rows["token"]))
        names, who = rows["token"][order], account[order]
        near = np.zeros(len(rows), np.bool_)
        twice = np.flatnonzero((names[1:] == names[:-1]) & (who[1:] != who[:-1]))
        near[order[twice]] = near[order[twice + 1]] = True
        shared = np.unique(rows["token"][near | other])
        promoted = np.isin(rows["token"], shared) if len(shared) else near
        token = np.full(len(rows), -1, np.int32)
        if promoted.any():
            token[promoted] = self.names.put(rows["token"][promoted])
            self.tokens = _grown(self.tokens, len(self.names))
            self.tokens["kind"][token[promoted]] = rows["kind"][promoted]
            self.tokens["recipe"][token[promoted]] = rows["recipe"][promoted]
            self._recall(slot[promoted & same], token[promoted & same])
        alone = np.flatnonzero(~promoted)
        self._remember(rows[alone], account[alone], slot[alone], same[alone])
        return token

    def _recall(self, slot: NDArray[np.int64], token: NDArray[np.int32]) -> None:
        """Give the clients that were alone with a token until now their edges."""
        slot, first = np.unique(slot, return_index=True)
        token, held = token[first], self._singles[slot]
        rows = np.zeros(len(slot), _ROW)
        rows["at"], rows["last"] = held["at"] + EPOCH, held["last"] + EPOCH
        rows["n"], rows["load"] = held["n"], -1
        self._join(rows, held["account"], token, np.zeros(0, LOAD))
        self._singles[slot] = np.zeros((), _SINGLE)

    def _remember(
        self, rows: NDArray[np.void], account: NDArray[np.int32], slot: NDArray[np.int64], same: NDArray[np.bool_]
    ) -> None:
        taken = (self._singles["token"][slot] != 0) & ~same
        self.counters["evicted"] += int(taken.sum())
        held = self._singles[slot]
        fresh = np.zeros(len(rows), _SINGLE)
        fresh["token"], fresh["account"] = rows["token"], account
        fresh["at"] = np.where(same, held["at"], rows["at"] - EPOCH)
        fresh["last"], fresh["n"] = rows["last"] - EPOCH, rows["n"] + np.where(same, held["n"], 0)
        self._singles[slot] = fresh

    def _join(
        self, rows: NDArray[np.void], account: NDArray[np.int32], token: NDArray[np.int32], loads: NDArray[np.void]
    ) -> None:
        """Make or refresh edges; a token that has become common gets no new ones."""
        edge = self.pairs.find(joined(account, token))
        over = self.accounts["phrases"][account] >= self.bounds.phrases
        keep = (edge >= 0) | ~(self.tokens["closed"][token] | (over & np.isin(self.tokens["kind"][token], PHRASES)))
        rows, account, token, edge = rows[keep], account[keep], token[keep], edge[keep]
        before = len(self.pairs)
        edge = self.pairs.put(joined(account, token))
        self._edges = _grown(self._edges, len(self.pairs))
        fresh = np.arange(before, len(self.pairs))
        some = self._edges[fresh]
        some["first"], some["load"] = np.inf, -1
        self._edges[fresh] = some
        self._edges["account"][edge], self._edges["token"][edge] = account, token
        np.minimum.at(self._edges["first"], edge, rows["at"])
        np.maximum.at(self._edges["last"], edge, rows["last"])
        np.add.at(self._edges["n"], edge, rows["n"])
        np.add.at(self.tokens["df"], self._edges["token"][fresh], np.uint32(1))
        np.add.at(self.tokens["n"], token, rows["n"])
        phrases = np.isin(self.tokens["kind"][self._edges["token"][fresh]], PHRASES)
        np.add.at(self.accounts["phrases"], self._edges["account"][fresh][phrases], np.uint16(1))
        self._load(rows, edge, loads)
        self._close(np.unique(self._edges["token"][fresh]))
        self._chain(fresh)
        self._touched.append(np.unique(account))

    def _load(self, rows: NDArray[np.void], edge: NDArray[np.int32], loads: NDArray[np.void]) -> None:
        heavy = rows["load"] >= 0
        edge, load = edge[heavy], loads[rows["load"][heavy]]
        bare = np.unique(edge[self._edges["load"][edge] < 0])
        place = np.arange(self.loads_used, self.loads_used + len(bare))
        self._loads = _grown(self._loads, self.loads_used + len(bare))
        self._edges["load"][bare] = place
        self.loads_used += len(bare)
        into = self._edges["load"][edge]
        held = self._loads[into]
        held["sums"] = np.minimum(held["sums"].astype(np.uint32) + load["sums"], 65_535)
        held["topic"] = np.clip(held["topic"].astype(np.int32) + load["topic"], -32_768, 32_767)
        held["payloads"] = np.maximum(held["payloads"], load["payloads"])
        self._loads[into] = held

    def _close(self, token: NDArray[np.int32]) -> None:
        some = self.tokens[token]
        wording = np.isin(some["kind"], WORDING)
        share = np.where(wording, self.bounds.wording, self.bounds.common)
        most = np.maximum(share * len(self.clients), self.bounds.least_common)
        now = token[(some["df"] > most) & ~some["closed"]]
        self.tokens["closed"][now] = True

    def _chain(self, fresh: NDArray[np.intp]) -> None:
        """Put new edges in front of their account's and their token's."""
        for owner, before, heads in (("account", "up", self.accounts), ("token", "down", self.tokens)):
            order = fresh[np.argsort(self._edges[owner][fresh], kind="stable")]
            owners = self._edges[owner][order]
            first = np.diff(owners, prepend=-1) != 0
            previous = np.concatenate([[0], order[:-1] + 1])[: len(order)]
            self._edges[before][order] = np.where(first, heads["edge"][owners], previous)
            last = np.diff(owners, append=-1) != 0
            heads["edge"][owners[last]] = order[last] + 1

    def of_accounts(self, accounts: NDArray[np.integer]) -> NDArray[np.intp]:
        """The edges of some accounts."""
        return self.chains_of_accounts(accounts)[0]

    def chains_of_accounts(self, accounts: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The edges of some accounts, one account's after the other's; and how many each has."""
        return followed(self.accounts["edge"][accounts], self._edges["up"], len(self._edges))

    def of_tokens(self, tokens: NDArray[np.integer], most: int = 0) -> NDArray[np.intp]:
        """The edges of some tokens: all, or the newest `most` of each."""
        return followed(self.tokens["edge"][tokens], self._edges["down"], most or len(self._edges))[0]

    def touch(self, clients: Iterable[int], *, anew: bool = False) -> None:
        """Have some clients linked anew at the next link; `anew`: with a new look at all that they share."""
        place = self.clients.find(np.array(sorted(clients), np.uint64))
        place = place[place >= 0]
        self._touched.append(place)
        if anew:
            self.tokens["judged"][self.edges["token"][self.of_accounts(place)]] = 0

    def take_touched(self) -> NDArray[np.int32]:
        """The accounts with news since the last call."""
        found = np.unique(np.concatenate(self._touched)) if self._touched else np.zeros(0, np.int32)
        self._touched = []
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it holds as plain arrays."""
        return {
            "clients": self.clients.known(), "names": self.names.known(), "edges": self.edges, "loads": self.loads,
            "accounts": self.accounts[: len(self.clients)], "tokens": self.tokens[: len(self.names)],
            "singles": self._singles[self._singles["token"] != 0], "recurring": self._recurring,
        }  # fmt: skip

    def load_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what `arrays` gave."""
        self.clients, self.names = _indexed(arrays["clients"]), _indexed(arrays["names"])
        self.accounts, self.tokens = arrays["accounts"].copy(), np.zeros(len(arrays["tokens"]), TOKEN)
        for name in set(arrays["tokens"].dtype.fields or ()) & {"df", "edge", "recipe", "kind", "closed", "tells"}:
            self.tokens[name] = arrays["tokens"][name]
        edges = arrays["edges"]
        self._edges, self._loads = _grown(edges.copy(), len(edges) + 2), arrays["loads"].copy()
        self.loads_used = len(self._loads)
        np.add.at(self.tokens["n"], edges["token"], edges["n"])
        self.pairs = _indexed(joined(edges["account"], edges["token"]))
        singles = arrays["singles"]
        slot = (mix(singles["token"]) & np.uint64(len(self._singles) - 1)).astype(np.int64)
        self._singles[slot] = singles
        if len(arrays["recurring"]) == len(self._recurring):
            self._recurring = arrays["recurring"].copy()
        self._touched = [np.arange(len(self.clients), dtype=np.int32)]

    def expire(self, now: float) -> NDArray[np.int32]:
        """Forget what is older than the horizon; the new number of each old account, -1 for those that are gone."""
        edges, accounts = self.edges, self.accounts[: len(self.clients)]
        keep = edges["last"] >= now - self.bounds.horizon
        if keep.sum() > self.bounds.most_edges:
            oldest = np.partition(edges["last"], -self.bounds.most_edges)[-self.bounds.most_edges]
            keep &= edges["last"] > oldest
        stays = accounts["last"] >= now - self.bounds.horizon
        stays[edges["account"][keep]] = True
        account, clients = _renumber(stays)
        if not (keep.all() and stays.all()):
            self._drop(keep, account, clients)
        old = self._singles["last"] < now - EPOCH - self.bounds.horizon
        self._singles[old] = np.zeros((), _SINGLE)
        self.tokens["closed"] = False
        self._close(np.arange(len(self.names), dtype=np.int32))
        self._touched = [np.arange(len(self.clients), dtype=np.int32)]
        return account

    def forget(self, edges: NDArray[np.intp]) -> None:
        """Take some edges out, at the price of a pass over all; the next link is one of everybody."""
        keep, accounts = np.ones(len(self.edges), np.bool_), np.arange(len(self.clients))
        keep[edges] = False
        self._drop(keep, accounts.astype(np.int32), accounts)
        self._touched = [accounts.astype(np.int32)]

    def _drop(self, keep: NDArray[np.bool_], account: NDArray[np.int32], clients: NDArray[np.intp]) -> None:
        """Go on with some of the edges and accounts, numbered anew, and with the tokens that are left."""
        self.pairs = Index()  # first: room for what is copied
        edges, held = self._edges[: len(keep)][keep], self._singles["account"]
        self.counters["expired"] += len(keep) - len(edges)
        used, names = _renumber(np.bincount(edges["token"], minlength=len(self.names)) > 0)
        self.clients, self.names = _indexed(self.clients.known()[clients]), _indexed(self.names.known()[names])
        self.accounts, self.tokens = self.accounts[clients], self.tokens[names]
        edges["account"], edges["token"] = account[edges["account"]], used[edges["token"]]
        self.tokens["df"] = np.bincount(edges["token"], minlength=len(self.tokens))
        self.tokens["n"] = np.bincount(edges["token"], edges["n"], len(self.tokens))
        self.tokens["judged"], self.tokens["edge"], self.accounts["edge"] = 0, 0, 0
        heavy = np.flatnonzero(edges["load"] >= 0)
        self._loads = self._loads[edges["load"][heavy]]
        self.loads_used = len(heavy)
        edges["load"][heavy] = np.arange(len(heavy))
        self.pairs = _indexed(joined(edges["account"], edges["token"]))
        self._edges = _grown(edges, len(edges) + 2)
        live = (self._singles["token"] != 0) & (account[held] >= 0) if len(account) else self._singles["token"] < 0
        self._singles["account"] = np.where(live, account[held] if len(account) else 0, 0)
        self._singles["token"] *= live.astype(np.uint64)
        self._chain(np.arange(len(self.pairs)))


_ROW = np.dtype([("at", "<f8"), ("last", "<f8"), ("n", "<u4"), ("load", "<i4")])


def _grown(column: NDArray[Any], size: int) -> NDArray[Any]:
    """The column with room for `size` rows; new ones are zero. Grows in place, where the system can, without a copy."""
    if size > len(column):
        column.resize(size + size // 4, refcheck=False)  # nobody keeps views between calls
    return column


def _renumber(keep: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The new number of each, -1 for those that go, and the old numbers of those that stay."""
    stays = np.flatnonzero(keep)
    number = np.full(len(keep), -1, np.int32)
    number[stays] = np.arange(len(stays), dtype=np.int32)
    return number, stays


def _indexed(keys: NDArray[np.uint64]) -> Index:
    index = Index(len(keys))
    index.put(keys)
    return index
