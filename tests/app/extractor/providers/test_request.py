"""A request whose copy is cut keeps its parameters, its beginning and its end, and a count of its prompts."""

from __future__ import annotations

import gzip
import json

import pytest

from app.extractor.providers import read, salvage
from app.extractor.providers.body import RATIO
from detectors.exchange import Dialect, Operation


def cut(body: bytes, kept: int) -> dict[str, object]:
    """The fields of a copy of `body` that keeps so many bytes at either end."""
    return {"request_body": body[:kept] + body[-kept:], "request_bytes": len(body), "request_cut": kept}


LONG = "Lies: " + "Wort für Wort " * 3000 + 'Ende "gut".'
CHAT = {"model": "m", "system": "Kurz.", "messages": [{"role": "user", "content": LONG}], "max_tokens": 9, "top_p": 0.5}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "Kurz."}]},
    "contents": [{"role": "user", "parts": [{"text": LONG}]}],
    "generationConfig": {"maxOutputTokens": 9, "topP": 0.5},
}


@pytest.mark.parametrize(
    ("name", "body"), [("anthropic", CHAT), ("gemini", GEMINI), ("ollama_chat", CHAT), ("openai_chat", CHAT)]
)
@pytest.mark.parametrize("kept", [400, 1001, 5002, 5003])
def test_a_long_message_is_bridged(wire, name, body, kept):
    raw = json.dumps(body, ensure_ascii=False).encode()
    exchange, cause = read(wire(name, **cut(raw, kept)))
    assert cause == ""
    assert exchange.truncated
    user = exchange.messages[-1]
    assert (user.role, user.text[:10], user.text[-11:]) == ("user", "Lies: Wort", 'Ende "gut".')
    if name in ("anthropic", "gemini"):
        assert exchange.messages[0].text == "Kurz."
    if name != "ollama_chat":
        assert (exchange.max_tokens, exchange.top_p) == (9, 0.5)
    assert exchange.prompt_chars == pytest.approx(len(LONG), rel=0.15)


def test_a_gap_over_many_messages_keeps_the_roles_of_its_ends(wire):
    turns = [{"role": ("user", "assistant")[n % 2], "content": f"Zug {n} " + "x" * 60} for n in range(101)]
    raw = json.dumps({"model": "m", "messages": turns, "temperature": 0.25, "max_tokens": 7}).encode()
    for kept in range(300, 420, 7):
        exchange, cause = read(wire("anthropic", **cut(raw, kept)))
        assert cause == ""
        assert exchange.messages[0].text.startswith("Zug 0 x")
        assert exchange.messages[0].role == exchange.messages[-1].role == "user"
        assert exchange.messages[-1].text.startswith("Zug 100 x")
        assert (exchange.temperature, exchange.max_tokens) == (0.25, 7)


def test_a_list_of_prompts_is_counted_through_the_gap(wire):
    body = {"model": "e", "input": [f"Satz Nummer {number:05d} von vielen" for number in range(2000)]}
    exchange, cause = read(wire("openai_embeddings", **cut(json.dumps(body).encode(), 4000)))
    assert cause == ""
    assert exchange.prompts == pytest.approx(2000, rel=0.02)
    tokens = {"model": "e", "input": [[number, number + 1, number + 2] for number in range(10_000, 13_000)]}
    exchange, _ = read(wire("openai_embeddings", **cut(json.dumps(tokens).encode(), 4000)))
    assert exchange.prompts == pytest.approx(3000, rel=0.05)


@pytest.mark.parametrize("name", ["anthropic_batch", "gemini_batch"])
def test_a_batchs_items_are_counted_through_the_gap(wire, name):
    document = json.loads(wire(name).request_body)
    items = document.get("requests") or document["batch"]["inputConfig"]["requests"]["requests"]
    items *= 400
    exchange, cause = read(wire(name, **cut(json.dumps(document).encode(), 30_000)))
    assert cause == ""
    assert exchange.operation == Operation.BATCH
    assert exchange.prompts == pytest.approx(1200, rel=0.03)


@pytest.mark.parametrize("behind", [True, False])
def test_a_job_with_its_requests_inside_is_counted_through_the_gap(wire, behind):
    turns = [[{"role": "user", "content": f"Frage {number} " + "x" * 50}] for number in range(1200)]
    listed = {"requests": [{"custom_id": str(k), "body": {"messages": one}} for k, one in enumerate(turns)]}
    about = {"model": "m", "endpoint": "/v1/chat/completions"}
    body = json.dumps({**listed, **about} if behind else {**about, **listed}).encode()
    exchange, cause = read(wire("openai_batch", target=b"/v1/batch/jobs", **cut(body, 30_000)))
    assert (cause, exchange.operation, exchange.model) == ("", Operation.BATCH, "m")
    assert exchange.prompts == pytest.approx(1200, rel=0.03)
    assert exchange.messages[0].text.startswith("Frage 0 ")


def test_a_compressed_batch_is_counted_by_what_it_grows_to(wire):
    document = json.loads(wire("anthropic_batch").request_body)
    document["requests"] *= 4000
    raw = gzip.compress(json.dumps(document).encode(), mtime=0)
    headers = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
    kept = len(raw) // 3
    exchange, _ = read(wire("anthropic_batch", request_headers=headers, **cut(raw, kept)))
    assert exchange.prompts == pytest.approx(12_000, rel=0.1)


GZIPPED = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))


@pytest.mark.parametrize("name", ["anthropic", "openai_chat"])
def test_a_body_that_grows_without_end_is_read_at_its_beginning_and_counted(wire, name):
    turns = [{"role": "user", "content": "hello world " * 170} for _ in range(3999)]
    raw = gzip.compress(json.dumps({"model": "m", "messages": turns}).encode(), mtime=0)
    exchange, cause = read(wire(name, request_headers=GZIPPED, request_body=raw, request_bytes=len(raw)))
    assert (cause, exchange.truncated) == ("", True)
    assert sum(len(message.text) for message in exchange.messages) <= RATIO * len(raw)
    assert len(exchange.messages) > 500
    assert exchange.prompt_chars == pytest.approx(8_300_000, rel=0.05)


@pytest.mark.parametrize(
    ("status", "times"), [(200, RATIO), (400, RATIO), (403, RATIO), (429, RATIO), (401, 8), (404, 8), (405, 8)]
)
def test_of_what_no_model_was_asked_less_is_read(wire, status, times):
    raw = gzip.compress(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": "a " * 3_000_000}]}).encode()
    )
    exchange, _ = read(
        wire("openai_chat", status=status, request_headers=GZIPPED, request_body=raw, request_bytes=len(raw))
    )
    assert len(exchange.messages[0].text) == pytest.approx(max(times * len(raw), 64 << 10), rel=0.01)


@pytest.mark.parametrize("unit", [b"{},", b'"a",', b"[[]],", b'{"role":"user","content":"a"},'])
def test_of_a_broken_list_no_more_is_looked_at_than_is_used(wire, unit):
    raw = gzip.compress(b'{"model":"m","messages":[' + unit * (4_000_000 // len(unit)), mtime=0)
    looked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(salvage, "completed", lambda data: looked.append(data) or {"messages": []})
        read(wire("openai_chat", request_headers=GZIPPED, request_body=raw, request_bytes=len(raw)))
    assert [sum(1 for _ in salvage.MARK.finditer(data)) <= salvage.MARKS_LIMIT for data in looked] == [True]


@pytest.mark.parametrize("squeeze", [b"br", b"zstd"])
def test_a_request_in_another_encoding_is_opaque_and_named(wire, squeeze):
    headers = ((b"content-type", b"application/json"), (b"content-encoding", squeeze))
    exchange, cause = read(wire("anthropic", request_headers=headers, request_body=b"\x28\xb5"))
    assert (exchange.dialect, cause) == (Dialect.OPAQUE, "request_encoding")


@pytest.mark.parametrize("said", [b"br", b"gzip", b"deflate", b"x"])
@pytest.mark.parametrize("name", ["anthropic", "openai_upload"])
def test_a_coding_that_was_said_and_not_done_hides_nothing(wire, name, said):
    copy = wire(name)
    told = wire(name, request_headers=(*copy.request_headers, (b"content-encoding", said)))
    assert read(told) == read(copy)
    assert read(told).exchange.messages


@pytest.mark.parametrize("kind", [b"multipart/form-data", b"multipart/form-data; boundary=b", b"text/plain", b""])
@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_content_type_hides_no_json(wire, kind, form):
    copy = wire("ollama_chat")
    body = copy.request_body.decode().encode(form)
    told = wire("ollama_chat", request_headers=((b"content-type", kind), (b"user-agent", b"test/1")), request_body=body)
    assert read(told) == read(copy)


@pytest.mark.parametrize("body", [b"null", b"[1]", b'"text"', b"7"])
@pytest.mark.parametrize("name", ["anthropic", "gemini", "openai_responses", "ollama_chat", "anthropic_batch"])
def test_what_is_no_object_is_opaque_and_named(wire, name, body):
    exchange, cause = read(wire(name, request_body=body))
    assert (exchange.dialect, cause) == (Dialect.OPAQUE, "request_shape")


def test_a_body_that_breaks_off_gives_its_beginning(wire):
    copy = wire("anthropic")
    body = copy.request_body[: copy.request_body.index(b'"thinking"') - 2]
    exchange, cause = read(wire("anthropic", request_body=body))
    assert cause == "request_json"
    assert [message.role for message in exchange.messages] == ["system", "user", "assistant", "user"]
    assert exchange.max_tokens == 200
