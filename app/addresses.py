"""What counts as one address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, without its zone and with IPv4 taken out of IPv6; None where the text is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def group(text: str) -> str:
    """What is counted as one address: IPv4 whole, IPv6 by its /64, which one person owns; what is none, as it is."""
    address = read_address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return text if address is None else str(address)
