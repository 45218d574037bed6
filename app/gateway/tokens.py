"""JSON Web Tokens: what a token says of its bearer, once its signature is verified. Loaded only where configured."""

from __future__ import annotations

import base64
import binascii
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.errors import SettingError

SETTING = "STILLWATCH_JWT_KEYS"
LONGEST = 8192  # bytes of a token
LEEWAY_SECONDS = 30.0  # between the issuer's clock and ours
_RSA_BITS, _SECRET_BYTES = 2048, 32
_MINIMUM = "give RSA keys of 2048 bits or more, EC keys on P-256, or secrets of 32 bytes or more"


class Key(NamedTuple):
    """A key and the one algorithm that it verifies."""

    name: str  # kid; empty: of any token
    algorithm: str
    key: Any


class Verified(NamedTuple):
    """What a verified token says."""

    claims: dict[str, Any]
    until: float  # seconds since the epoch; infinite where it never expires


class Verifier:
    """Verifies tokens by the keys of a file; raises SettingError where it holds none."""

    def __init__(self, path: Path, issuer: str, audience: str) -> None:
        self._keys = read_keys(path)
        self._issuer = issuer or None
        self._audience = audience or None

    def verify(self, token: bytes) -> Verified | None:
        """What the token says; None where it is not to be believed, for whatever reason."""
        if len(token) > LONGEST:
            return None
        try:
            text = token.decode("ascii")
            header = jwt.get_unverified_header(text)
        except (UnicodeDecodeError, jwt.PyJWTError):
            return None
        if "crit" in header:
            return None  # it demands something that we do not know
        name, algorithm = header.get("kid"), header.get("alg")
        for key in self._keys:
            # The algorithm is the key's: a token cannot choose to have a public key taken for a secret.
            if key.algorithm == algorithm and (not key.name or not name or key.name == name):
                claims = self._claims(text, key)
                if claims is not None:
                    return claims
        return None

    def _claims(self, text: str, key: Key) -> Verified | None:
        try:
            claims = jwt.decode(
                text,
                key.key,
                algorithms=[key.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"verify_aud": self._audience is not None, "require": ["iss"] if self._issuer else []},
            )
        except (jwt.PyJWTError, ValueError, OverflowError):
            return None
        expires = claims.get("exp")
        return Verified(claims, float(expires) + LEEWAY_SECONDS if expires is not None else math.inf)


def read_keys(path: Path) -> list[Key]:
    """The keys of a file: a JWK set, one JWK, or PEM public keys or certificates."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingError(SETTING, f"{path}: {error.strerror}", "give a readable file") from None
    if b"PRIVATE KEY" in data:
        raise SettingError(SETTING, f"{path} holds a private key", "give the public one: ours is only to verify")
    if data.lstrip()[:5] == b"-----":
        return [_from_pem(path, data)]
    try:
        document = json.loads(data)
    except ValueError:
        raise SettingError(SETTING, f"{path} is neither PEM nor JSON", "give a JWK set or a PEM public key") from None
    listed = document.get("keys", [document]) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise SettingError(SETTING, f"{path} holds no keys", 'give {"keys": [...]}')
    return [_from_jwk(path, at, one) for at, one in enumerate(listed, 1) if one.get("use", "sig") == "sig"]


def _from_pem(path: Path, data: bytes) -> Key:
    try:
        is_certificate = b"BEGIN CERTIFICATE" in data
        key = x509.load_pem_x509_certificate(data).public_key() if is_certificate else load_pem_public_key(data)
    except ValueError:
        raise SettingError(SETTING, f"{path} is no PEM public key or certificate", "give one") from None
    return _checked(path, 1, "", key)


def _from_jwk(path: Path, at: int, jwk: dict[str, Any]) -> Key:
    name = jwk.get("kid", "")
    if jwk.get("kty") in ("RSA", "EC") and "d" in jwk:
        raise SettingError(SETTING, f"{path}, key {at}: it is a private key", "leave out all but the public part")
    try:
        if jwk.get("kty") == "oct":
            secret = str(jwk["k"]).encode()
            key: Any = base64.urlsafe_b64decode(secret + b"=" * (-len(secret) % 4))
        else:
            key = jwt.PyJWK(jwk, jwk.get("alg") or {"RSA": "RS256", "EC": "ES256"}.get(jwk.get("kty", ""))).key
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, binascii.Error):
        raise SettingError(SETTING, f"{path}, key {at}: it is no key that we know", _MINIMUM) from None
    found = _checked(path, at, str(name), key)
    if jwk.get("alg", found.algorithm) != found.algorithm:
        raise SettingError(SETTING, f"{path}, key {at}: its algorithm is none of ours", "use RS256, ES256 or HS256")
    return found


def _checked(path: Path, at: int, name: str, key: Any) -> Key:
    if isinstance(key, bytes) and len(key) >= _SECRET_BYTES:
        return Key(name, "HS256", key)
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS:
        return Key(name, "RS256", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return Key(name, "ES256", key)
    raise SettingError(SETTING, f"{path}, key {at}: it is too weak, or of another kind", _MINIMUM)
