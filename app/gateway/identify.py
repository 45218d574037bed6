"""Credential to client by keyed hash."""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

from app.addresses import group
from app.gateway.credentials import Headers, only_named, presented, ranked

BLOCK = 64  # bytes of a SHA-256 block


class Named(NamedTuple):
    """Whose request it is, from where it came, and how long that may be remembered of its head."""

    client: int
    peer: str  # address
    ja4: bytes = b""  # fingerprint of the client's TLS, where a trusted peer gave it
    until: float = math.inf  # seconds since the epoch
    others: tuple[int, ...] = ()  # what its other credentials would name: their decisions hold for it too


class Identifier:
    """Clients of credentials under one secret; the key's part of the HMAC is computed once."""

    # Counted once a head, not with each request of a connection that repeats it.
    unverified = 0  # tokens that named nobody: no signature of ours, expired, without the claim
    untrusted = 0  # headers that would name a client, of peers that are not trusted
    unusable = 0  # such headers of trusted peers, empty, too long or there twice

    def __init__(self, secret: bytes) -> None:
        key = hashlib.sha256(secret).digest() if len(secret) > BLOCK else secret
        padded = key.ljust(BLOCK, b"\0")
        self._keyed = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._inner = self._keyed.copy()
        self._inner.update(b"client\0")
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def name(self, credentials: tuple[bytes, ...], headers: Headers, peer: str) -> Named:  # noqa: ARG002
        """Whose request it is: the first credential's, else the address's."""
        if not credentials:
            return Named(self.client(anonymous(peer)), peer)
        if len(credentials) == 1:
            return Named(self.client(credentials[0]), peer)
        return Named(self.client(credentials[0]), peer, others=self.others(credentials))

    def others(self, credentials: tuple[bytes, ...]) -> tuple[int, ...]:
        """The clients of all credentials but the first."""
        return tuple(self.client(credential) for credential in credentials[1:])

    def unproven(self, client: int, credentials: tuple[bytes, ...]) -> bool:
        """Whether `client` is named by a key's id alone, which anybody may present."""
        return bool(credentials) and only_named(credentials[0]) and client == self.client(credentials[0])

    def new_accounts(self) -> dict[str, str]:
        """Clients, as hexadecimal numbers, with the accounts they belong to, of those not yet told; none here."""
        return {}

    def readings(self) -> dict[str, int]:
        """The counters."""
        return {
            "identity_unverified": self.unverified,
            "identity_untrusted": self.untrusted,
            "identity_unusable": self.unusable,
            "forwarded_unreadable": 0,
        }

    def client(self, value: bytes, domain: bytes = b"client") -> int:
        """The first 8 bytes of HMAC-SHA256(secret, domain NUL value), big-endian.

        What is no credential has a domain of its own: else a key made up for the purpose could pose as a
        verified name.
        """
        if domain == b"client":
            inner = self._inner.copy()
        else:
            inner = self._keyed.copy()
            inner.update(domain + b"\0")
        inner.update(value)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:8], "big")


def anonymous(peer: str) -> bytes:
    """What stands for the credential of a request that carries none: its address, of IPv6 the /64 network."""
    return b"anonymous\0" + (group(peer) if ":" in peer else peer).encode()


def credential_of(headers: Headers, query: bytes, peer: str) -> bytes:
    """The credential that names a request's client where no route says which one is read, else its address."""
    found = presented(headers, query)
    return ranked(found)[0] if found else anonymous(peer)


def client_of(secret: bytes, headers: Headers, query: bytes, peer: str) -> int:
    """The client that a request counts for."""
    return Identifier(secret).client(credential_of(headers, query, peer))
