"""Whose request it is where more than the credential may say so: verified tokens, and headers of trusted peers."""

from __future__ import annotations

import importlib
import math
import re
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import SettingError
from app.gateway.credentials import Headers
from app.gateway.forwarded import certificate
from app.gateway.identify import Identifier, Named, anonymous
from app.gateway.peers import Peers
from app.settings import Settings

if TYPE_CHECKING:
    from app.gateway.tokens import Verifier

SETTING = "STILLWATCH_IDENTITY"
ACCOUNT_SETTING = "STILLWATCH_ACCOUNT"
ACCOUNTS_WAITING = 4096  # clients whose account is not yet told; more are told when they are seen again
ACCOUNTS_KNOWN = 65_536  # clients whose account was told: forgotten all at once, and told again
RETELL_SECONDS = 3_600.0  # then every account is told anew: what was told may have been lost
ACCOUNT_LIMIT = 200  # characters of an account's name
MEMO_LIMIT = 4096  # verified tokens remembered, by their hash
VALUE_LIMIT = 512  # bytes of what names a client
XFCC = b"x-forwarded-client-cert"  # of all such headers the one with a grammar of its own
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_JA4 = re.compile(rb"[A-Za-z0-9_.,-]{1,64}")

Credentials = tuple[bytes, ...]  # different ones, the one that the model API reads before the others
Found = tuple[int, float] | None  # the client, and until when (seconds since the epoch) that is so


class Naming(Identifier):
    """Names clients by the first configured source that a request has, in the end by its credential."""

    def __init__(self, secret: bytes, settings: Settings) -> None:
        super().__init__(secret)
        self.peers = Peers(settings.trusted_peers, settings.trusted_hops, settings.forwarded)
        self._forwarded = settings.forwarded.encode()
        if not _HEADER_NAME.fullmatch(settings.fingerprint_header):
            problem = f"{settings.fingerprint_header!r} is no header's name"
            raise SettingError("STILLWATCH_FINGERPRINT_HEADER", problem, "give one such as x-ja4")
        self._ja4 = settings.fingerprint_header.lower().encode()
        self._asked = {"iss"}  # claims
        self._tokens: dict[bytes, tuple[dict[str, bytes], float]] = {}
        self._verifier: Verifier | None = None
        self._account = self._account_source(settings.account.strip(), settings)
        self._told: dict[int, str] = {}
        self._untold: dict[int, str] = {}
        self._retell = time.monotonic() + RETELL_SECONDS
        self._sources = [self._source(text.strip(), settings) for text in settings.identity.split(",") if text.strip()]

    def name(self, credentials: Credentials, headers: Headers, peer: str) -> Named:
        """Whose request it is, and from where it came."""
        trusted = self.peers.trusted(peer)
        where, ja4 = peer, b""
        if trusted:
            where = self.peers.client(peer, _values(headers, self._forwarded))
            fingerprints = _values(headers, self._ja4)
            if len(fingerprints) == 1 and _JA4.fullmatch(fingerprints[0]):
                ja4 = fingerprints[0]
        named = None
        for source in self._sources:
            if found := source(credentials, headers, trusted):
                named = Named(found[0], where, ja4, found[1])
                break
        named = named or Named(self.client(credentials[0] if credentials else anonymous(where)), where, ja4)
        if len(credentials) > 1 and named.client == self.client(credentials[0]):
            named = named._replace(others=self.others(credentials))
        # Whoever presents the id of another's key would write his own account to that client.
        if self._account is not None and not self.unproven(named.client, credentials):
            self._note(named.client, self._account(credentials, headers, trusted))
        return named

    def new_accounts(self) -> dict[str, str]:
        """Clients, as hexadecimal numbers, with the accounts they belong to, of those not yet told."""
        told, self._untold = self._untold, {}
        now = time.monotonic()
        if len(self._told) + len(told) > ACCOUNTS_KNOWN or now >= self._retell:
            self._told.clear()
            self._retell = now + RETELL_SECONDS
        self._told.update(told)
        return {f"{client:016x}": account for client, account in told.items()}

    def _note(self, client: int, account: bytes) -> None:
        if not account or len(self._untold) >= ACCOUNTS_WAITING:
            return
        name = account.decode("utf-8", "replace").strip()[:ACCOUNT_LIMIT]
        if name and name.isprintable() and self._told.get(client) != name:
            self._untold[client] = name

    def readings(self) -> dict[str, int]:
        """The counters."""
        return {**super().readings(), "forwarded_unreadable": self.peers.unreadable}

    @property
    def asks(self) -> bool:
        """Whether anything but the credential names clients."""
        return self._account is not None or any(source != self._by_credential for source in self._sources)

    # One source each: the client that it names, or None.

    def _source(self, text: str, settings: Settings) -> Callable[[Credentials, Headers, bool], Found]:
        kind, _, what = text.partition(":")
        if kind == "credential" and not what:
            return self._by_credential
        if kind == "jwt" and what:
            self._verifies(SETTING, text, what, settings)
            return lambda credentials, _headers, _trusted: self._by_token(what, credentials)
        if kind in ("header", "mtls") and _HEADER_NAME.fullmatch(what):
            self._trusts(SETTING, text)
            name = what.lower().encode()
            domain = b"certificate" if kind == "mtls" else b"header\0" + name
            return lambda _credentials, headers, trusted: self._by_header(name, domain, headers, trusted)
        remedy = "list credential, jwt:CLAIM, header:NAME or mtls:HEADER, separated by commas"
        raise SettingError(SETTING, f"{text!r} is unknown", remedy)

    def _account_source(self, text: str, settings: Settings) -> Callable[[Credentials, Headers, bool], bytes] | None:
        """What names the account, empty where a request does not say; None where nothing is configured."""
        kind, _, what = text.partition(":")
        if not text:
            return None
        if kind == "jwt" and what:
            self._verifies(ACCOUNT_SETTING, text, what, settings)
            return lambda credentials, _headers, _trusted: self._claimed(what, credentials)[0]
        if kind == "header" and _HEADER_NAME.fullmatch(what):
            self._trusts(ACCOUNT_SETTING, text)
            name = what.lower().encode()
            return lambda _credentials, headers, trusted: (
                self._header_value(name, values) if trusted and (values := _values(headers, name)) else b""
            )
        raise SettingError(ACCOUNT_SETTING, f"{text!r} is unknown", "give jwt:CLAIM or header:NAME, or leave it empty")

    def _verifies(self, setting: str, text: str, claim: str, settings: Settings) -> None:
        """Make ready to read a claim of verified tokens; raises SettingError where no keys are named."""
        self._asked.add(claim)
        if not settings.jwt_keys:
            raise SettingError(setting, f"{text} needs keys", "name their file by STILLWATCH_JWT_KEYS")
        if self._verifier is None:
            # Loaded only here: what verifies signatures takes ten megabytes that most gateways can do without.
            module = importlib.import_module("app.gateway.tokens")
            path = Path(settings.jwt_keys).expanduser()
            self._verifier = module.Verifier(path, settings.jwt_issuer, settings.jwt_audience)

    def _trusts(self, setting: str, text: str) -> None:
        if not self.peers:
            problem = f"{text} is believed of nobody"
            raise SettingError(setting, problem, "name the proxies that set it by STILLWATCH_TRUSTED_PEERS")

    def _by_credential(self, credentials: Credentials, _headers: Headers, _trusted: bool) -> Found:
        return (self.client(credentials[0]), math.inf) if credentials else None

    def _by_header(self, name: bytes, domain: bytes, headers: Headers, trusted: bool) -> Found:
        values = _values(headers, name)
        if not values:
            return None
        if not trusted:
            self.untrusted += 1
            return None
        value = self._header_value(name, values)
        return (self.client(value, domain), math.inf) if value else None

    def _header_value(self, name: bytes, values: list[bytes]) -> bytes:
        """What a trusted peer's header says; empty, and counted, where it is no name."""
        # Of two headers a client may have written one.
        only = values[0].strip() if len(values) == 1 else b""
        value = certificate(values, self.peers.hops) if name == XFCC else only
        if not value or len(value) > VALUE_LIMIT or b"\0" in value:
            self.unusable += 1
            return b""
        return value

    def _by_token(self, claim: str, credentials: Credentials) -> Found:
        value, issuer, until = self._claimed(claim, credentials)
        if not value:
            self.unverified += any(map(_like_a_token, credentials))
            return None
        return self.client(value, b"token\0" + claim.encode() + b"\0" + issuer), until

    def _claimed(self, claim: str, credentials: Credentials) -> tuple[bytes, bytes, float]:
        """A claim of the first verified token that has it, its issuer, and until when; empty where there is none."""
        for credential in credentials:
            if _like_a_token(credential):
                claims, until = self._claims(credential)
                if claims.get(claim):
                    return claims[claim], claims["iss"], until
        return b"", b"", 0.0

    def _claims(self, credential: bytes) -> tuple[dict[str, bytes], float]:
        """The claims that are asked for, of a verified token, and until when; none of any other.

        They are remembered by the token's hash, for as long as the token is valid.
        """
        digest = sha256(credential).digest()
        known = self._tokens.get(digest)
        if known is None or known[1] < time.time():
            assert self._verifier is not None
            verified = self._verifier.verify(credential)
            if verified is None:
                self._tokens.pop(digest, None)
                return {}, 0.0
            known = {name: _text(verified.claims, name) for name in self._asked}, verified.until
            if len(self._tokens) >= MEMO_LIMIT:
                self._tokens.clear()
            self._tokens[digest] = known
        return known


def identifier(secret: bytes, settings: Settings) -> Identifier:
    """What names clients by these settings; raises SettingError for what it cannot do."""
    naming = Naming(secret, settings)
    return naming if naming.peers or naming.asks else Identifier(secret)


def _like_a_token(credential: bytes) -> bool:
    """Whether a credential has a token's form: JSON in base64 first, three parts."""
    return credential.count(b".") == 2 and credential.startswith(b"ey")


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if len(key) == len(name) and key.lower() == name]


def _text(claims: dict[str, Any], name: str) -> bytes:
    """A claim that is text or a whole number; empty for any other, and for what could be taken for two parts."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return b""
    text = str(value).encode("utf-8", "replace")
    return text if len(text) <= VALUE_LIMIT and b"\0" not in text else b""
