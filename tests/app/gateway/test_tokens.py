"""Tokens: what verifies, what does not, and which key files are refused."""

from __future__ import annotations

import base64
import json
import math
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from app.errors import SettingError
from app.gateway.tokens import LEEWAY_SECONDS, Verifier, read_keys

SECRET = b"s" * 32
PEM = serialization.Encoding.PEM


def _public(key):
    return key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _oct(secret, **more):
    return {"kty": "oct", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode(), **more}


@pytest.fixture(scope="module")
def keys():
    return {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "HS256": SECRET,
    }


@pytest.fixture(scope="module")
def jwks(keys):
    return {
        "keys": [
            {**RSAAlgorithm.to_jwk(keys["RS256"].public_key(), as_dict=True), "kid": "r", "use": "sig"},
            {**ECAlgorithm.to_jwk(keys["ES256"].public_key(), as_dict=True), "kid": "e", "alg": "ES256"},
            _oct(SECRET, kid="h"),
            {**RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True), "use": "enc"},
        ]
    }


@pytest.fixture
def make(tmp_path, jwks):
    """A verifier over these keys."""

    def build(content=None, issuer="", audience=""):
        file = tmp_path / "keys"
        content = jwks if content is None else content
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return Verifier(file, issuer, audience)

    return build


def _token(keys, algorithm, claims, **headers):
    return jwt.encode(claims, keys[algorithm], algorithm, headers=headers or None).encode()


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "r"), ("ES256", "e"), ("HS256", "h")])
def test_each_algorithm_is_verified_with_and_without_the_keys_name(make, keys, algorithm, kid):
    verifier = make()
    for headers in ({}, {"kid": kid}):
        verified = verifier.verify(_token(keys, algorithm, {"sub": "a"}, **headers))
        assert verified is not None
        assert (verified.claims, verified.until) == ({"sub": "a"}, math.inf)
    assert verifier.verify(_token(keys, algorithm, {"sub": "a"}, kid="other")) is None


def test_one_pem_key_is_enough(make, keys):
    assert make(_public(keys["RS256"])).verify(_token(keys, "RS256", {"sub": "a"})) is not None
    assert make(_public(keys["ES256"])).verify(_token(keys, "ES256", {"sub": "a"})) is not None


def test_until_when_a_token_counts(make, keys):
    expires = int(time.time()) + 100
    verified = make().verify(_token(keys, "HS256", {"exp": expires}))
    assert verified is not None
    assert verified.until == expires + LEEWAY_SECONDS


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": time.time() - 60},
        {"nbf": time.time() + 3600},
        {"exp": "soon"},
        {"iss": "other", "aud": "api"},
        {"aud": "api"},
        {"iss": "us", "aud": "other"},
        {"iss": "us"},
    ],
)
def test_what_its_claims_rule_out_is_not_believed(make, keys, claims):
    verifier = make(issuer="us", audience="api")
    assert verifier.verify(_token(keys, "HS256", {"iss": "us", "aud": ["x", "api"]})) is not None
    good = {"iss": "us", "aud": "api"} if "exp" in claims or "nbf" in claims else {}
    assert verifier.verify(_token(keys, "HS256", {**good, **claims})) is None


def test_no_signature_and_a_public_key_taken_for_a_secret_are_not_believed(make, keys):
    verifier = make()
    assert verifier.verify(jwt.encode({"sub": "a"}, None, "none").encode()) is None
    # The attack: HS256 with the RSA key's public bytes, which everybody knows, as the secret.
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256"}, {"sub": "a"})
    ]
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(b".".join(parts), _public(keys["RS256"]))
    forged = b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")])
    assert make(_public(keys["RS256"])).verify(forged) is None


def test_other_keys_demands_and_sizes_are_not_believed(make, keys):
    verifier = make()
    assert verifier.verify(_token({"HS256": b"t" * 32}, "HS256", {"sub": "a"})) is None
    assert verifier.verify(_token(keys, "HS256", {"sub": "a"}, crit=["exp"])) is None
    assert verifier.verify(_token({"HS512": b"s" * 64}, "HS512", {"sub": "a"})) is None
    assert verifier.verify(_token(keys, "HS256", {"sub": "a" * 9000})) is None


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text("ey.JAhbGcn0-_", max_size=60).map(str.encode)))
def test_whatever_comes_is_refused_without_an_exception(make, text):
    assert make(_oct(SECRET)).verify(text) is None


def test_a_changed_byte_is_seen(make, keys):
    verifier, token = make(), _token(keys, "HS256", {"sub": "a"})
    for at in range(len(token) - 1):
        changed = token[:at] + (b"A" if token[at : at + 1] != b"A" else b"B") + token[at + 1 :]
        assert verifier.verify(changed) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither PEM nor JSON"),
        (b"nonsense", "neither PEM nor JSON"),
        (b"[]", "holds no keys"),
        (b'{"keys": []}', "holds no keys"),
        (b'{"keys": [7]}', "holds no keys"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no PEM public key"),
        (json.dumps(_oct(b"short")).encode(), "too weak"),
        (json.dumps(_oct(SECRET, alg="HS512")).encode(), "none of ours"),
        (b'{"kty": "RSA"}', "no key that we know"),
        (b'{"kty": "oct"}', "no key that we know"),
        (b'{"kty": "odd"}', "no key that we know"),
    ],
)
def test_a_file_without_a_usable_key_is_named_with_the_remedy(tmp_path, content, problem):
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(SettingError, match=problem) as caught:
        read_keys(tmp_path / "keys")
    assert caught.value.setting == "STILLWATCH_JWT_KEYS"
    assert "Remedy: " in str(caught.value)


def test_private_small_and_missing_keys_are_refused(tmp_path, keys):
    file = tmp_path / "keys"
    plain = serialization.NoEncryption()
    file.write_bytes(keys["RS256"].private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain))
    with pytest.raises(SettingError, match="private key"):
        read_keys(file)
    file.write_text(json.dumps(RSAAlgorithm.to_jwk(keys["RS256"], as_dict=True)))
    with pytest.raises(SettingError, match="private key"):
        read_keys(file)
    file.write_bytes(_public(rsa.generate_private_key(65537, 1024)))
    with pytest.raises(SettingError, match="too weak"):
        read_keys(file)
    file.write_bytes(_public(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(SettingError, match="another kind"):
        read_keys(file)
    with pytest.raises(SettingError, match="No such file"):
        read_keys(tmp_path / "none")
