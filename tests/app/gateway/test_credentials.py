"""Credentials: which of them counts, which is refused, what is scrubbed."""

from __future__ import annotations

import pytest

from app.gateway.credentials import presented, ranked, read_first, scrub
from app.gateway.routes import Route
from app.gateway.upstream import Pool
from app.store.frames import DIALECTS

ALL = [(b"x-goog-api-key", b"g"), (b"api-key", b"a"), (b"x-api-key", b"x"), (b"authorization", b"Bearer b")]
ANTHROPIC, AZURE, GEMINI = (b"x-api-key",), (b"api-key", b"?api-key"), (b"x-goog-api-key", b"?key")


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        (ALL, b"key=q", [b"b", b"x", b"a", b"g", b"q"]),
        (ALL[:3], b"key=q", [b"x", b"a", b"g", b"q"]),
        (ALL[:2], b"", [b"a", b"g"]),
        (ALL[:1], b"key=g", [b"g"]),
        ([(b"Sec-WebSocket-Protocol", b"realtime, openai-insecure-api-key.sk-1, beta")], b"key=q", [b"sk-1", b"q"]),
        ([(b"Sec-WebSocket-Protocol", b"openai-insecure-api-key.sk-1")], b"", [b"sk-1"]),
        ([(b"Sec-WebSocket-Protocol", b"realtime,my-openai-insecure-api-key.no")], b"key=q", [b"q"]),
        ([(b"Authorization", b"Bearer "), (b"X-Api-Key", b"x")], b"", [b"x"]),
        ([(b"authorization", b"Bearer k"), (b"api-key", b"k")], b"", [b"k"]),
        ([(b"x-api-key", b""), (b"x-api-key", b"k")], b"", [b"k"]),
        ([(b"x-api-key", b"k"), (b"x-api-key", b"k ")], b"", [b"k"]),
        ([(b"cookie", b"c"), (b"x-other", b"k")], b"", []),
        ([], b"a=1&key=q%2F+z", [b"q/ z"]),
        ([], b"%6Bey=hidden", [b"hidden"]),
        ([], b"api-version=1&api-key=azure", [b"azure"]),
        ([], b"access_token=t&api-key=a&key=k", [b"k", b"a", b"t"]),
        ([], b"monkey=1&keys=2", []),
        ([], b"key=", []),
        # Names that no model API reads, and marks that none divides at.
        ([], b"KEY=made-up&key=k", [b"k"]),
        ([], b"Api-Key=made-up&key=k", [b"k"]),
        ([], b"x=1;key=made-up&key=k", [b"k"]),
        ([], b"key=k;key=2", [b"k;key=2"]),
    ],
)
def test_the_order_of_credentials(headers, query, expected):
    found = presented(headers, query)
    assert found is not None
    assert ranked(found) == tuple(expected)


@pytest.mark.parametrize(
    ("name", "spellings", "expected"),
    [
        (b"x-api-key", [b"k", b"k ", b"k\t \t", b"  k"], b"k"),
        (b"X_Api_Key", [b"k"], b"k"),
        (b"api_key", [b"k"], b"k"),
        (b"x-goog_api-key", [b"k\t"], b"k"),
        (
            b"Authorization",
            [b"Bearer k", b"bearer  k ", b"Bearer\tk", b"BEARER \t k\t", b"k", b"Bearer Bearer k"],
            b"k",
        ),
        (
            b"Authorization",
            [
                b"AWS4-HMAC-SHA256 Credential=AKIA1/20261127/eu-1/bedrock/aws4_request, SignedHeaders=a, Signature=1",
                b"AWS4-HMAC-SHA256 Credential=AKIA1/20261128/eu-2/bedrock/aws4_request,SignedHeaders=a,Signature=2",
                b"aws4-ecdsa-p256-sha256 SignedHeaders=a, Credential=AKIA1/20261127/bedrock/aws4_request, Signature=3",
            ],
            b"AWS4 AKIA1",
        ),
        (  # of two key ids nobody knows which one would count
            b"Authorization",
            [b"AWS4-HMAC-SHA256 Credential=AKIA1/x, Credential=AKIA2/x, Signature=1"],
            b"AWS4-HMAC-SHA256 Credential=AKIA1/x, Credential=AKIA2/x, Signature=1",
        ),
        (b"Authorization", [b"Basic dTpw", b"basic dTpw", b"BASIC \t dTpw "], b"Basic dTpw"),
        (b"Authorization", [b"Key k", b"key  k"], b"Key k"),
        (b"Authorization", [b"AWS4-HMAC-SHA256 A=1, B=2"], b"AWS4-HMAC-SHA256 A=1, B=2"),
    ],
)
def test_spellings_that_a_model_api_reads_alike_are_one_credential(name, spellings, expected):
    for spelling in spellings:
        assert list((presented([(name, spelling)], b"") or {}).values()) == [expected], spelling


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([(b"authorization", b"Bearer 1"), (b"Authorization", b"Bearer 2")], b""),
        ([(b"x-api-key", b"1"), (b"X-Api-Key", b"2")], b""),
        ([(b"x-api-key", b"1"), (b"x_api_key", b"2")], b""),
        ([(b"sec-websocket-protocol", b"openai-insecure-api-key.1, openai-insecure-api-key.2")], b""),
        ([], b"key=1&key=2"),
        ([], b"key=1&%6bey=2"),
    ],
)
def test_two_values_of_one_carrier_are_ambiguous(headers, query):
    assert presented(headers, query) is None


@pytest.mark.parametrize(
    ("host", "dialect", "path", "expected"),
    [
        (b"models.internal", "auto", b"/v1/messages", ANTHROPIC),
        (b"models.internal", "auto", b"/v1/messages/count_tokens", ANTHROPIC),
        (b"models.internal", "auto", b"/a/v1/messages/batches/b_1/results?x=1", ANTHROPIC),
        (b"models.internal", "opaque", b"/v1/messages", ANTHROPIC),
        (b"models.internal", "auto", b"/v1/chat/completions", ()),
        (b"models.internal", "auto", b"/v1/threads/t_1/messages", ()),
        (b"models.internal", "auto", b"/v1/chat/completions/c_1/messages", ()),
        (b"models.internal", "auto", b"/v1/chat/completions?/v1/messages", ()),
        (b"models.internal", "auto", b"/openai/deployments/gpt/chat/completions?api-version=1", AZURE),
        (b"models.internal", "auto", b"/v1beta/models/gemini-2.5:generateContent?key=k", GEMINI),
        (b"models.internal", "auto", b"/v1/models", ()),
        # What a server on the way may read as another path says nothing.
        (b"models.internal", "auto", b"/openai/deployments/x/../../v1/chat/completions", ()),
        (b"models.internal", "auto", b"/openai/deployments/x/%2e%2e/%2e%2e/v1/chat/completions", ()),
        (b"models.internal", "auto", b"/v1/chat/completions#/v1/messages", ()),
        (b"models.internal", "auto", b"/v1/chat/completions;/v1/messages", ()),
        (b"models.internal", "auto", b"/v1/chat/completions%00/messages", ()),
        # A dialect that is configured holds at every path.
        (b"models.internal", "openai", b"/v1/messages", ()),
        (b"models.internal", "openai", b"/openai/deployments/gpt/chat/completions", ()),
        (b"models.internal", "ollama", b"/v1/messages", ()),
        (b"models.internal", "anthropic", b"/v1/models", ANTHROPIC),
        (b"models.internal", "gemini", b"/v1beta/files", GEMINI),
        # So does a name that says whose model API it is.
        (b"api.anthropic.com", "auto", b"//v1/./messages", ANTHROPIC),
        (b"us.api.openai.com:443", "auto", b"/v1/messages", ()),
        (b"mine.openai.azure.com", "openai", b"/openai/v1/chat/completions", AZURE),
        (b"anthropic.com.example", "auto", b"/v1/models", ()),
        (b"notanthropic.com", "auto", b"/v1/models", ()),
    ],
)
def test_where_a_model_api_looks_first(host, dialect, path, expected):
    route = Route(b"", False, host, b"", DIALECTS.index(dialect), Pool("http://up:1", 5, 900))
    assert read_first(route, path) == expected


@pytest.mark.parametrize(
    ("first", "expected"),
    [(ANTHROPIC, b"x"), (AZURE, b"a"), (GEMINI, b"g"), ((), b"b")],
)
def test_what_is_read_first_names_the_client(first, expected):
    found = presented(ALL, b"key=q&api-key=r")
    assert found is not None
    assert ranked(found, first)[0] == expected
    assert set(ranked(found, first)) == {b"x", b"a", b"g", b"b", b"q", b"r"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a", b"/a"),
        (b"/a?key=K&x=1", b"/a?key=&x=1"),
        (b"/a?x=1&KEY=K", b"/a?x=1&KEY="),
        (b"/a?%6b%65y=K;api-key=L", b"/a?%6b%65y=;api-key="),
        (b"/a?monkey=K", b"/a?monkey=K"),
        (b"/a?b?key=K", b"/a?b?key="),
    ],
)
def test_scrub(target, expected):
    assert scrub(target) == expected
