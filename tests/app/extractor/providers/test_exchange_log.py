"""A line of an exchange log is read as the copy of the same exchange is, however the exchange went wrong."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.extractor.providers import parse
from app.ingest.log import client_id, read_entry
from app.store.handoff import Copy
from detectors.event import EVENT
from detectors.exchange import Finish, Outcome, Refusal, Usage
from detectors.features import events

NAMES = sorted(path.stem for path in (Path(__file__).parent / "wire").glob("*.http"))
STREAMS = [name for name in NAMES if any(word in name for word in ("_stream", "_array", "_resume", "ollama_chat"))]
CLIENT = "acct_1"
EVENT_STREAM = b"text/event-stream"
CHAT, MESSAGES, FETCH = "/v1/chat/completions", "/v1/messages", "/v1/responses/resp_1"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Tell me a story about a fox."}]}
STREAMED = {**ASKED, "stream": True}
NAMELESS = {"messages": ASKED["messages"]}
BEGUN = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Once ", "upon a time")]
STOPPED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
THOUGHT = {"choices": [{"index": 0, "delta": {"reasoning_content": "x" * 400}}]}
COUNTED = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}
TOLD = {"model": "m-1", "choices": [{"index": 0, "message": {"content": "Once"}, "finish_reason": "stop"}]}
CALLED = {"choices": [{"index": 0, "message": {"content": None, "tool_calls": [{"id": "a"}]}}]}
VECTORS = {"model": "e-1", "data": [{"embedding": [0.1, 0.2]}]}
SEED = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 20, "output_tokens": 1}}}
WORDS = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word " * 200}}
STORED = {
    "id": "resp_1", "object": "response", "status": "completed", "model": "m-1",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}],
    "usage": {"input_tokens": 10, "output_tokens": 200},
}  # fmt: skip
FILTERED = {"error": {"code": "content_filter", "message": "filtered"}}


def written(chunks: list[object], kind: bytes) -> bytes:
    """The chunks of a stream as they stand on the wire."""
    texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    if kind.startswith(EVENT_STREAM):
        return "".join(f"data: {text}\n\n" for text in texts).encode()
    return ("".join(f"{text}\n" for text in texts) if b"ndjson" in kind else f"[{','.join(texts)}]").encode()


def chunked(body: bytes, kind: bytes) -> list[object]:
    """The chunks of a stream that stands on the wire."""
    if kind.startswith(EVENT_STREAM):
        lines = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    elif b"ndjson" in kind:
        lines = body.decode().splitlines()
    else:
        return json.loads(body)
    return [line if line == "[DONE]" else json.loads(line) for line in lines if line]


def kind_of(copy: Copy) -> bytes:
    return dict(copy.response_headers)[b"content-type"]


def logged(copy: Copy, answer: object) -> dict[str, object]:
    """The line that a faithful recorder writes of an exchange."""
    form = copy.request_body.partition(b"\r\n\r\n{")
    body = json.loads(copy.request_body) if copy.request_body and not form[1] else None
    if form[1]:
        lines = [line for line in (b"{" + form[2]).splitlines() if line.startswith(b"{")]
        body = {"_nonjson": "multipart/form-data", "_batch_requests": [json.loads(line) for line in lines]}
    return {
        "ts": copy.at, "client": CLIENT, "peer": copy.peer, "method": copy.method, "path": copy.target.decode(),
        "headers": [[name.decode(), value.decode()] for name, value in copy.request_headers], "body": body,
        "status": 499 if copy.outcome == Outcome.CLIENT_ABORTED else copy.status,
        "ttfb_s": copy.ttfb, "duration_s": copy.duration, "response": answer,
    }  # fmt: skip


def both(copy: Copy, answer: object):
    """The exchange as the log gives it, after a check that the service's own reading is the same to the last field."""
    copy = replace(copy, client=client_id(CLIENT))
    exchange, live = read_entry(logged(copy, answer)).exchange, parse(copy)
    ours, theirs = events([exchange], seed=1), events([live], seed=1)
    assert not [name for name in EVENT.names if ours[name].tobytes() != theirs[name].tobytes()]
    assert exchange == live
    return exchange


def held(copy: Copy, **fields: object) -> Copy:
    """The copy with other bodies, whole."""
    made = replace(copy, **fields)
    return replace(made, request_bytes=len(made.request_body), response_bytes=len(made.response_body))


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_well(wire, name):
    copy = wire(name)
    is_stream = name in STREAMS or kind_of(copy) == EVENT_STREAM or b"ndjson" in kind_of(copy)
    both(copy, chunked(copy.response_body, kind_of(copy)) if is_stream else json.loads(copy.response_body))


@pytest.mark.parametrize("end", ["closed", "aborted", "error"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_stops_anywhere(wire, name, end):
    outcome = Outcome.CLIENT_ABORTED if end == "aborted" else Outcome.OK
    copy = wire(name, outcome=int(outcome))
    chunks = chunked(copy.response_body, kind_of(copy))
    found = set()
    for kept in range(1, len(chunks)):
        told = [*chunks[:kept], *([{"type": "error", "error": {"message": "boom"}}] if end == "error" else [])]
        found.add(both(held(copy, response_body=written(told, kind_of(copy))), told).outcome)
    if end == "error":
        assert found == {Outcome.UPSTREAM_ERROR}
    elif end == "aborted":
        assert found == {Outcome.CLIENT_ABORTED}
    else:
        assert Outcome.UPSTREAM_TRUNCATED in found


CASES = {
    "no end": (CHAT, STREAMED, BEGUN, {"outcome": Outcome.UPSTREAM_TRUNCATED, "usage": Usage.ESTIMATED}),
    "done alone": (CHAT, STREAMED, [*BEGUN, "[DONE]"], {"outcome": Outcome.OK, "finish": Finish.UNKNOWN}),
    "a chunk that is none": (CHAT, STREAMED, [*BEGUN, "<html>"], {"outcome": Outcome.OK}),
    "an error": (
        CHAT, STREAMED, [*BEGUN, {"error": {"message": "boom"}}],
        {"outcome": Outcome.UPSTREAM_ERROR, "usage": Usage.ABSENT, "output_tokens": 0},
    ),
    "an error that is all": (CHAT, ASKED, {"error": {"message": "boom"}}, {"outcome": Outcome.UPSTREAM_ERROR}),
    "reasoning": (CHAT, STREAMED, [THOUGHT, *BEGUN, STOPPED], {"output_tokens": 101, "usage": Usage.ESTIMATED}),
    "counts": (CHAT, STREAMED, [*BEGUN, STOPPED, COUNTED], {"output_tokens": 5, "usage": Usage.REPORTED}),
    "events nobody asked for": (CHAT, ASKED, [*BEGUN, STOPPED], {"stream": True}),
    "only the seed's counts": (MESSAGES, STREAMED, [SEED, WORDS], {"output_tokens": 244, "input_tokens": 20}),
    "no model in the body": (CHAT, NAMELESS, TOLD, {"model": "m-1"}),
    "a deployment": ("/openai/deployments/d/chat/completions", NAMELESS, TOLD, {"model": "d"}),
    "calls alone": (CHAT, ASKED, CALLED, {"tool_calls": 1, "usage": Usage.ESTIMATED}),
    "vectors without counts": (
        "/v1/embeddings", {"input": ["a", "b"]}, VECTORS, {"usage": Usage.ESTIMATED, "model": ""},
    ),
    "vectors": (
        "/v1/embeddings", {"model": "e", "input": ["a"]}, {**VECTORS, "usage": {"prompt_tokens": 6}},
        {"usage": Usage.REPORTED, "input_tokens": 6},
    ),
    "a count": ("/v1/messages/count_tokens", ASKED, {"input_tokens": 5}, {"usage": Usage.ABSENT, "prompts": 0}),
    "fetched again": (FETCH, None, STORED, {"usage": Usage.ABSENT, "prompts": 0, "model": "m-1"}),
    "fetched": (FETCH, None, {**STORED, "background": True}, {"usage": Usage.REPORTED, "output_tokens": 200}),
    "not made yet": (
        "/v1/responses", {"model": "m", "input": "Hi", "background": True},
        {"object": "response", "status": "queued", "background": True, "output": []}, {"usage": Usage.ABSENT},
    ),
    "no request": (CHAT, None, TOLD, {"completions": (), "usage": Usage.ABSENT}),
    "another path": ("/v1/images/generations", ASKED, TOLD, {"completions": (), "usage": Usage.ABSENT}),
}  # fmt: skip


def exchanged(path: str, asked: object, answer: object, **fields: object) -> Copy:
    """The copy of an exchange of our own."""
    kind = EVENT_STREAM if isinstance(answer, list) else b"application/json"
    body = b"" if asked is None else json.dumps(asked).encode()
    told = b"" if answer is None else written(answer, kind) if isinstance(answer, list) else json.dumps(answer).encode()
    head = ((b"content-type", b"application/json"), (b"user-agent", b"test/1"), (b"x-stainless-retry-count", b"1"))
    values = {
        "at": 1_764_000_000.5, "client": 7, "peer": "203.0.113.9", "method": "GET" if path == FETCH else "POST",
        "target": path.encode(), "request_headers": head, "request_body": body, "request_bytes": len(body),
        "request_cut": -1, "status": 200, "response_headers": ((b"content-type", kind),), "response_body": told,
        "response_bytes": len(told), "response_cut": -1, "ttfb": 0.25, "duration": 1.5, "outcome": 0,
    }  # fmt: skip
    return Copy(**{**values, **fields})


@pytest.mark.parametrize("case", CASES)
def test_what_goes_wrong(case):
    path, asked, answer, expected = CASES[case]
    exchange = both(exchanged(path, asked, answer), answer)
    assert {name: getattr(exchange, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("status", "answer", "outcome", "refusal"),
    [
        (400, FILTERED, Outcome.OK, Refusal.SAFETY),
        (400, {"error": {"code": "invalid_prompt"}}, Outcome.OK, Refusal.UNNAMED),
        (400, {"error": "text"}, Outcome.OK, Refusal.NONE),
        (400, [FILTERED], Outcome.OK, Refusal.NONE),
        (429, TOLD, Outcome.OK, Refusal.NONE),
        (503, FILTERED, Outcome.UPSTREAM_ERROR, Refusal.SAFETY),
        (101, None, Outcome.OK, Refusal.NONE),
    ],
)
def test_a_status_that_is_no_success(status, answer, outcome, refusal):
    copy = exchanged(CHAT, ASKED, answer, status=status, outcome=int(outcome))
    exchange = both(copy, answer)
    assert (exchange.outcome, exchange.refusal, exchange.completions) == (outcome, refusal, ())


def test_a_client_that_leaves():
    """What it was sent is read; whoever leaves before the answer begins was sent no status."""
    left = int(Outcome.CLIENT_ABORTED)
    exchange = both(exchanged(CHAT, STREAMED, BEGUN, outcome=left), BEGUN)
    assert (exchange.status, exchange.outcome) == (200, Outcome.CLIENT_ABORTED)
    assert exchange.completions == ("Once upon a time",)
    early = exchanged(CHAT, STREAMED, None, outcome=left, status=0)
    line = {**logged(early, None), "ttfb_s": None}
    exchange, live = read_entry(line).exchange, parse(replace(early, client=client_id(CLIENT), ttfb=float("nan")))
    assert events([exchange], seed=1).tobytes() == events([live], seed=1).tobytes()
    assert (exchange.status, exchange.outcome, exchange.usage) == (0, Outcome.CLIENT_ABORTED, Usage.ABSENT)


def test_bodies_that_were_compressed_on_the_wire():
    copy = exchanged(CHAT, NAMELESS, TOLD, client=client_id(CLIENT))
    encoding = (b"content-encoding", b"gzip")
    packed = held(
        copy,
        request_headers=(*copy.request_headers, encoding),
        request_body=gzip.compress(copy.request_body),
        response_headers=(*copy.response_headers, encoding),
        response_body=gzip.compress(copy.response_body),
    )
    line = {**logged(copy, TOLD), "headers": [["content-encoding", "gzip"], *logged(copy, TOLD)["headers"]]}
    exchange = read_entry(line).exchange
    assert exchange == parse(packed)
    assert exchange.completions == ("Once",)


def test_a_long_name_of_a_program():
    copy = exchanged(CHAT, ASKED, TOLD, request_headers=((b"user-agent", b"u" * 600),))
    assert both(copy, TOLD).user_agent == "u" * 512
