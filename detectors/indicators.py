"""Indicators: hashes of wordings and networks under a key that installations share, matched beside the features.

The hashes in events are keyed by the deployment's own secret, so that they say nothing elsewhere. These are not:
whoever holds the sharing key makes the same one of the same wording. The text is seen here and goes nowhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import text
from detectors.campaign import Kind as Tell
from detectors.campaign.tells import token, wordings
from detectors.exchange import SYSTEM_ROLES, Exchange

DIGEST_LENGTH: Final = 32  # hexadecimal digits
KINDS: Final = ("head", "tail", "system", "network")
REMEMBERED: Final = 65_536  # wordings of which it is known what they match
MOST_WANTED: Final = 4_096
SLOT_BITS: Final = 4  # of EVENT's `indicator`: below them the kinds that matched, above them the set
_FIELDS: Final = {"head": "head12", "tail": "tail6", "system": "system", "network": "network"}
_TELLS: Final = {
    Tell.HEAD: "head",
    Tell.FRAMED: "head",
    Tell.TAIL: "tail",
    Tell.FRAMED_TAIL: "tail",
    Tell.SYSTEM: "system",
    Tell.FRAMED_SYSTEM: "system",
    Tell.NETWORK: "network",
}


class Kind(IntFlag):
    """What of a request matched."""

    HEAD = 1
    TAIL = 2
    SYSTEM = 4
    NETWORK = 8  # counts beside a wording only


def key_id(key: bytes) -> str:
    """Names a sharing key without telling it."""
    return blake2b(b"id", key=key[:64], digest_size=8).hexdigest()


def shared(kind: str, words: str, key: bytes) -> str:
    """The hash of a wording or network that holders of the key can compare; empty for an empty text."""
    if not words:
        return ""
    made = blake2b(words.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=16, person=kind.encode())
    return made.hexdigest()


def words_of(kind: str, exchange: Exchange) -> str:
    """The masked wording of a kind that the exchange has, as the features cut it."""
    if kind == "network":
        return _network(exchange.peer)
    if kind == "system":
        return text.mask("\n".join(one.text for one in exchange.messages if one.role in SYSTEM_ROLES))
    keys = _keys(exchange)
    return keys.head12 if kind == "head" else keys.tail6


def _keys(exchange: Exchange) -> text.Keys:
    """The template keys of the last user turn."""
    return text.keys(next((one.text for one in reversed(exchange.messages) if one.role == "user"), ""))


def _network(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


@dataclass(frozen=True, slots=True)
class Imported:
    """One set to look for: hashes as `kind:digest`, until `expires` (epoch seconds)."""

    slot: int
    expires: float
    hashes: frozenset[str]


class Matcher:
    """Looks for imported sets in the events of a host; remembers what wordings match, by their keyed hash."""

    def __init__(self, key: bytes, sets: Iterable[Imported] = ()) -> None:
        self._key = key
        self.sets = tuple(sets)
        self._slots: dict[str, tuple[int, float]] = {}
        for one in self.sets:
            self._slots.update(dict.fromkeys(one.hashes, (one.slot, one.expires)))
        self._kinds = sorted({name.partition(":")[0] for name in self._slots} & set(KINDS), key=KINDS.index)
        self._known: dict[tuple[str, int], tuple[int, float]] = {}

    def mark(self, events: NDArray[np.void], exchanges: Sequence[Exchange], now: float) -> int:
        """Fill EVENT's `indicator`, in place: kinds and set where a wording matched; how many did."""
        if not self._slots:
            return 0
        marks = np.zeros(len(events), np.uint16)
        keys: dict[int, text.Keys] = {}  # of this batch, by place: head and tail are cut in one go
        for kind in self._kinds:
            bit = 1 << KINDS.index(kind)
            for place, (value, exchange) in enumerate(zip(events[_FIELDS[kind]].tolist(), exchanges, strict=True)):
                slot, expires = self._slot(kind, value, exchange, keys, place) if value else (0, 0.0)
                if slot and now < expires and (kind != "network" or marks[place]):
                    marks[place] |= bit | (0 if marks[place] >> SLOT_BITS else slot << SLOT_BITS)
        events["indicator"] = marks
        return int((marks > 0).sum())

    def _slot(
        self, kind: str, value: int, exchange: Exchange, keys: dict[int, text.Keys], place: int
    ) -> tuple[int, float]:
        found = self._known.get((kind, value))
        if found is None:
            if kind in ("head", "tail"):
                cut = keys.get(place) or keys.setdefault(place, _keys(exchange))
                words = cut.head12 if kind == "head" else cut.tail6
            else:
                words = words_of(kind, exchange)
            found = self._slots.get(f"{kind}:{shared(kind, words, self._key)}", (0, 0.0))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[kind, value] = found
        return found


class Namer:
    """Makes the shared hashes of tokens that somebody wants to share, from the next events that carry them."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._wanted = np.zeros(0, np.uint64)
        self._named: set[tuple[int, str]] = set()

    def want(self, tokens: Iterable[int]) -> None:
        """Replace the tokens that are wanted."""
        self._wanted = np.unique(np.array(list(tokens)[:MOST_WANTED], np.uint64))

    def name(self, events: NDArray[np.void], exchanges: Sequence[Exchange]) -> Mapping[int, str]:
        """Newly known hashes as `kind:digest`, by the token that the linking core gives the wording."""
        found: dict[int, str] = {}
        if not len(self._wanted) or not len(events):
            return found
        for tell, values in (*wordings(events), (Tell.NETWORK, events["network"])):
            kind = _TELLS.get(tell)
            if kind is None:
                continue
            tokens = token(tell, values)
            for place in np.flatnonzero(np.isin(tokens, self._wanted)).tolist():
                one = int(tokens[place])
                if (one, kind) not in self._named:
                    self._named.add((one, kind))
                    found[one] = f"{kind}:{shared(kind, words_of(kind, exchanges[place]), self._key)}"
        return found
