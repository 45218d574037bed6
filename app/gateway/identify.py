"""Credential to client by keyed hash, and what must never leave with a copy."""

from __future__ import annotations

import hashlib
import math
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

SUBPROTOCOL = b"sec-websocket-protocol"  # where browsers, which can set no header, give their key
CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", SUBPROTOCOL)  # in order of precedence
SECRETS = frozenset((*CREDENTIALS, b"proxy-authorization", b"cookie", b"set-cookie"))  # never copied
SECRET_PARAMETERS = frozenset((b"key", b"api_key", b"api-key", b"apikey", b"access_token", b"token", b"sig"))
KEY_PARAMETERS = frozenset((b"key", b"api-key", b"access_token"))  # the query's that name the client
BLOCK = 64  # bytes of a SHA-256 block
_SUBPROTOCOL_KEY = re.compile(rb"(?:^|[,\s])openai-insecure-api-key\.([^,\s]+)")
_PARAMETER = re.compile(rb"([^&;=?]*)=([^&;]*)")


def bearer(value: bytes) -> bytes:
    """An Authorization value without the scheme word Bearer."""
    return value[7:].strip() if value[:7].lower() == b"bearer " else value


def presented(name: bytes, value: bytes) -> bytes:
    """The credential in a header of this name, which is in lower case; empty where it holds none."""
    if name == b"authorization":
        return bearer(value)
    if name == SUBPROTOCOL:
        found = _SUBPROTOCOL_KEY.search(value)
        return found[1] if found else b""
    return value


def key_parameter(query: bytes) -> bytes:
    """The decoded value of the query's credential; empty where there is none."""
    if b"=" in query:
        for name, value in _PARAMETER.findall(query):
            if value and unquote_to_bytes(name).lower() in KEY_PARAMETERS:
                return unquote_to_bytes(value.replace(b"+", b" "))
    return b""


def scrub(target: bytes) -> bytes:
    """`target` with the values of its query's credentials removed."""
    path, mark, query = target.partition(b"?")
    return path + mark + _PARAMETER.sub(_without_secret, query) if mark else target


def _without_secret(match: re.Match[bytes]) -> bytes:
    name: bytes = match[1]
    return name + b"=" if unquote_to_bytes(name).lower() in SECRET_PARAMETERS else match[0]


class Named(NamedTuple):
    """Whose request it is, from where it came, and how long that may be remembered of its head."""

    client: int
    peer: str  # address
    ja4: bytes = b""  # fingerprint of the client's TLS, where a trusted peer gave it
    until: float = math.inf  # seconds since the epoch


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

    def name(self, credential: bytes, headers: list[tuple[bytes, bytes]], query: bytes, peer: str) -> Named:  # noqa: ARG002
        """Whose request it is: the credential's, of a header or of the query, else the address's."""
        return Named(self.client(credential or key_parameter(query) or anonymous(peer)), peer)

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
    """What stands for the credential of a request that carries none."""
    return b"anonymous\0" + peer.encode()


def credential_of(headers: list[tuple[bytes, bytes]], query: bytes, peer: str) -> bytes:
    """The credential a request presents, by the order of CREDENTIALS, then `?key=`, then its address."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        lower = name.lower()
        if value and lower in CREDENTIALS:
            found.setdefault(lower, value)
    for name in CREDENTIALS:
        if name in found and (credential := presented(name, found[name])):
            return credential
    return key_parameter(query) or anonymous(peer)


def client_of(secret: bytes, headers: list[tuple[bytes, bytes]], query: bytes, peer: str) -> int:
    """The client that a request counts for."""
    return Identifier(secret).client(credential_of(headers, query, peer))
