"""Whatever comes, in whatever format it claims to be: one event, no exception, bounded time."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extractor.providers import read
from detectors.exchange import Dialect, Exchange, Message, Operation
from detectors.features import events

NAMES = sorted(path.stem for path in (Path(__file__).parent / "wire").glob("*.http"))
ALIKE = {"vertex_stream", "azure_chat_stream", "openai_responses_incomplete", "openai_responses_resume", "ollama_whole"}
CAUSES = {
    "", "opaque", "request_json", "request_encoding", "request_shape",
    "response_json", "response_encoding", "response_stream",
}  # fmt: skip
ODD = [
    None, True, False, 0, -1, 2**63, 2**64, 10**400, 1e308, -1e308, math.inf, "", "x", "\ud800", "\x00", "水" * 50,
    [], {}, [None], [[]], [[[]]], {"a": 1}, {"type": "text"}, {"text": 5}, ["a", 1], {"role": 1},
]  # fmt: skip
LIMIT = 5.0  # seconds of processor time for one copy: far above what any takes, far below a stall
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", autouse=True)
def _ready():
    """The loops compiled where they are not yet: no copy is to answer for that."""
    events([Exchange(0.0, 0, messages=(Message("user", "a"),), completions=("a",))], seed=1)


def check(copy):
    """One copy gives one exchange, one event and a named cause, in time."""
    begun = time.process_time()
    exchange, cause = read(copy)
    (event,) = events([exchange], seed=1)
    assert time.process_time() - begun < LIMIT
    assert cause in CAUSES
    assert exchange.client == event["client"] == 7
    assert exchange.input_tokens >= 0
    assert exchange.output_tokens >= 0
    assert exchange.prompts >= 0
    assert exchange.choices >= 1
    assert np.isnan(event["temperature"]) or np.isfinite(event["temperature"])
    return exchange


def places(value, path=()):
    """The path of every value inside a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def put(value, path, odd):
    """The document with one of its values replaced."""
    if not path:
        return odd
    value = dict(value) if isinstance(value, dict) else list(value)
    value[path[0]] = put(value[path[0]], path[1:], odd)
    return value


def documents(body: bytes) -> list[object] | None:
    """The JSON documents of a body, whichever way they are strung together; None where it holds none."""
    found: list[object] = []
    text = body.decode().replace("data: ", "").strip()
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found or None


@pytest.mark.parametrize("name", sorted(set(NAMES) - ALIKE))
def test_every_value_of_every_document_may_be_of_any_type(wire, name):
    """Each value in its turn becomes each odd one: the request's, then the answer's."""
    copy = wire(name)
    turn = 0
    request = documents(copy.request_body)
    if request and isinstance(request[0], dict):
        for path in places(request[0]):
            for odd in ODD[turn % 3 :: 3]:
                check(replace(copy, request_body=json.dumps(put(request[0], path, odd)).encode()))
            turn += 1
    answer = documents(copy.response_body)
    stream = b"event-stream" in dict(copy.response_headers)[b"content-type"]
    for number, one in enumerate(answer or []):
        for path in places(one):
            for odd in ODD[turn % 7 :: 7]:
                changed = [*answer[:number], put(one, path, odd), *answer[number + 1 :]]
                lines = [json.dumps(item).encode() for item in changed]
                body = b"".join([b"data: " + line + b"\n\n" for line in lines]) if stream else b"\n".join(lines)
                check(replace(copy, response_body=body))
            turn += 1


@FUZZ
@given(
    name=st.sampled_from(NAMES),
    data=st.data(),
    side=st.sampled_from(["request", "response"]),
    encoding=st.sampled_from([b"", b"", b"", b"gzip", b"deflate", b"br"]),
)
def test_mutated_bodies(wire, name, data, side, encoding):
    copy = wire(name)
    body = bytearray(getattr(copy, f"{side}_body"))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body)))
        kind = data.draw(st.integers(0, 3))
        if kind == 0:
            body[place : place + data.draw(st.integers(1, 40))] = b""
        elif kind == 1:
            body[place:place] = data.draw(st.binary(max_size=8) | st.sampled_from([b"\n\n", b"\r", b'"', b"{", b"\\u"]))
        elif kind == 2:
            body[place:place] = body[place : place + 60]
        elif body:
            body[min(place, len(body) - 1)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(-1, len(body)))
    headers = (*getattr(copy, f"{side}_headers"), (b"content-encoding", encoding))
    fields = {f"{side}_body": bytes(body), f"{side}_cut": cut, f"{side}_headers": headers}
    check(replace(copy, **fields, **{f"{side}_bytes": len(body) + data.draw(st.integers(0, 10**12))}))


@FUZZ
@given(
    name=st.sampled_from(NAMES),
    request=st.binary(max_size=300),
    answer=st.binary(max_size=300),
    kind=st.sampled_from([b"", b"application/json", b"text/event-stream", b"application/x-ndjson"])
    | st.binary(max_size=9),
    status=st.integers(0, 599),
    method=st.sampled_from(["GET", "POST", "put", ""]),
    query=st.binary(max_size=20),
)
def test_any_bytes(wire, name, request, answer, kind, status, method, query):
    copy = wire(name)
    check(
        replace(
            copy,
            method=method,
            target=copy.target + query,
            request_body=request,
            response_body=answer,
            response_headers=((b"content-type", kind),),
            status=status,
        )
    )


HOSTILE = {
    "nested arrays": b"[" * 200_000,
    "nested objects": b'{"messages":' * 20_000,
    "deep but closed": b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "digits": b'{"messages":[],"n":' + b"9" * 200_000 + b"}",
    "exponent": b'{"messages":[{"role":"user","content":"x"}],"temperature":1e999999999,"max_tokens":-1e400}',
    "keys": b'{"role":"' * 20_000,
    "quotes": b'"' * 256_000,
    "escapes": b'{"messages":[{"content":"' + b"\\ud800" * 40_000 + b'"}]}',
    "empty events": b"data:\n\n" * 40_000,
    "tiny events": b"data:{}\n\n" * 30_000,
    "blank lines": b"\n" * 256_000,
    "carriage returns": b"\r" * 256_000,
    "objects": b"{}" * 128_000,
    "commas": b'{"messages":[' + b"1," * 128_000,
    "many messages": b'{"messages":[' + b'{"role":"user"},' * 16_000 + b"{}]}",
    "form": b"--b\r\n" * 50_000,
    "choices": b'{"choices":[' + b'{"index":1,"text":"x"},' * 11_000 + b"{}]}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_be_slow_is_not(wire, body):
    """Every route with a body of the size of a copy, whole and cut, on both sides."""
    for name in ("openai_chat", "openai_responses", "anthropic_stream", "gemini_array", "ollama_chat", "openai_upload"):
        copy = wire(name)
        for headers in (copy.response_headers, ((b"content-type", b"text/event-stream"),)):
            check(replace(copy, request_body=body, response_body=body, response_headers=headers))
        cut = {"request_cut": len(body) // 2, "response_cut": len(body) // 3}
        check(replace(copy, request_body=body, response_body=body, request_bytes=10**9, response_bytes=10**9, **cut))


def test_surrogates_and_huge_numbers_reach_the_event(wire):
    body = b'{"model":"\\ud800","messages":[{"role":"\\udfff","content":"a\\ud83d"}],"max_tokens":' + b"9" * 300 + b"}"
    for name in ("openai_chat", "anthropic", "ollama_chat"):
        exchange = check(wire(name, request_body=body))
        assert exchange.dialect != Dialect.OPAQUE
        assert exchange.operation == Operation.CHAT
