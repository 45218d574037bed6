"""Which peers are trusted proxies, and whose address stands behind them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from app.errors import SettingError
from app.gateway.forwarded import address, forwarded, x_forwarded_for

MEMO_LIMIT = 4096  # addresses remembered
SETTING = "STILLWATCH_TRUSTED_PEERS"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Peers:
    """The trusted networks; nobody is trusted where there are none."""

    def __init__(self, networks: str, hops: int, header: str) -> None:
        self._networks = [_network(text.strip()) for text in networks.split(",") if text.strip()]
        self.hops = hops
        self._read = forwarded if header == "forwarded" else x_forwarded_for
        self._memo: dict[str, bool] = {}
        self.unreadable = 0  # lists in which we met something that is no address

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusted(self, peer: str) -> bool:
        """Whether what this address says of identity and of other addresses is believed."""
        known = self._memo.get(peer)
        if known is None:
            known = self._look(peer)
            if len(self._memo) < MEMO_LIMIT:
                self._memo[peer] = known
        return known

    def _look(self, peer: str) -> bool:
        spelt = address(peer)
        if spelt is None:
            return False
        found = ipaddress.ip_address(spelt)
        return any(found in network for network in self._networks)

    def client(self, peer: str, values: Sequence[bytes]) -> str:
        """The address behind `peer` by the header's values.

        Each trusted proxy is believed about the one before it, for as many hops as there are proxies. The
        first address that is not trusted, and the last one that can be read, ends the walk.
        """
        found = address(peer) or peer
        chain = self._read(values)
        for _ in range(self.hops):
            if not self.trusted(found):
                break
            before = next(chain, "")
            if before is None:
                self.unreadable += 1
            if not before:
                break
            found = before
        return found


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingError(SETTING, str(error), "give networks such as 10.0.0.0/8, separated by commas") from None
