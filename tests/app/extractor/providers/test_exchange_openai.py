"""Copies of OpenAI exchanges become Exchanges: JSON, streams, cut copies, errors, rubbish."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.extractor.providers import opaque, parse, read
from detectors.exchange import Dialect, Exchange, Finish, Message, Operation, Outcome, Usage

CHAT = {
    "model": "acme-large",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Was ist Wasser? 水🌊"}]},
    ],
    "temperature": 0.7,
    "top_p": 0.9,
    "n": 2,
    "max_tokens": 100,
    "seed": 3,
    "logprobs": True,
    "top_logprobs": 5,
    "user": "u-1",
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
}
ANSWER = {
    "model": "acme-large-1",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Wasser ist H₂O."}},
        {
            "index": 1,
            "finish_reason": "tool_calls",
            "message": {"content": None, "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}]},
        },
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 22},
}


def chunk(index: int = 0, finish: str | None = None, **delta: object) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}], "usage": None}


CHUNKS = [
    {"choices": [], "prompt_filter_results": []},
    chunk(role="assistant", content=""),
    chunk(content="Wasser 水"),
    chunk(1, content="Zwei"),
    chunk(content="🌊 ist"),
    chunk(reasoning_content="hm, so"),
    chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "look", "arguments": "{"}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": "}"}}]),
    chunk(tool_calls=[{"index": 1, "id": "b"}]),
    chunk(content=" nass."),
    chunk(finish="stop"),
    {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 10}},
]


def sse(chunks: list[dict[str, object]], end: str = "\n", done: bool = True) -> bytes:
    lines = [f": ping{end}{end}"] + [f"data: {json.dumps(one, ensure_ascii=False)}{end}{end}" for one in chunks]
    return "".join(lines).encode() + (f"data: [DONE]{end}{end}".encode() if done else b"")


def test_a_whole_answer(copy_of):
    exchange, cause = read(copy_of(CHAT, ANSWER))
    assert cause == ""
    assert exchange == Exchange(
        at=1_764_000_000.5,
        client=7,
        dialect=Dialect.OPENAI,
        operation=Operation.CHAT,
        outcome=Outcome.OK,
        status=200,
        ttfb=0.25,
        duration=1.5,
        model="acme-large",
        messages=(Message("system", "Be brief."), Message("user", "Was ist Wasser? 水🌊")),
        completions=("Wasser ist H₂O.", ""),
        finish=Finish.STOP,
        choices=2,
        top_logprobs=5,
        max_tokens=100,
        temperature=0.7,
        top_p=0.9,
        seed=3,
        tools='[{"function":{"name":"look","parameters":{}},"type":"function"}]',
        tool_calls=1,
        schema='{"name":"s","schema":{"type":"object"}}',
        user="u-1",
        peer="203.0.113.9",
        user_agent="OpenAI/Python 3.3.0",
        usage=Usage.REPORTED,
        input_tokens=11,
        output_tokens=22,
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("done", [True, False])
def test_a_stream(copy_of, end, done):
    exchange, cause = read(copy_of({**CHAT, "stream": True}, sse(CHUNKS, end, done)))
    assert cause == ""
    assert exchange.stream
    assert exchange.completions == ("Wasser 水🌊 ist nass.", "Zwei")
    assert exchange.reasoning_chars == 6
    assert exchange.tool_calls == 2
    assert exchange.finish == Finish.STOP
    assert (exchange.usage, exchange.input_tokens, exchange.output_tokens) == (Usage.REPORTED, 9, 10)


def test_a_stream_that_a_gap_cuts_at_any_byte_keeps_its_usage(copy_of):
    """The copy's gap may fall anywhere: what stands whole on either side is read, the torn event is passed over."""
    stream = sse(CHUNKS)
    for cut in range(len(stream)):
        exchange, cause = read(copy_of(CHAT, stream, response_cut=cut))
        assert cause == ""
        assert exchange.truncated
        assert exchange.completions == () or len(exchange.completions[0]) <= len("Wasser 水🌊 ist nass.")
        if cut < len(stream) - 200:
            assert (exchange.usage, exchange.output_tokens) == (Usage.REPORTED, 10)


def test_a_stream_that_ends_at_any_byte_is_still_read(copy_of):
    stream = sse(CHUNKS)
    for end in range(1, len(stream)):
        exchange, cause = read(copy_of(CHAT, stream[:end], outcome=Outcome.UPSTREAM_TRUNCATED))
        assert cause == ""
        assert exchange.outcome == Outcome.UPSTREAM_TRUNCATED
        assert exchange.dialect == Dialect.OPENAI
        assert "Wasser 水🌊 ist nass.".startswith(exchange.completions[0] if exchange.completions else "")


def test_without_usage_it_is_estimated_and_says_so(copy_of):
    exchange = parse(copy_of(CHAT, sse(CHUNKS[:10])))
    assert exchange.usage == Usage.ESTIMATED
    assert exchange.output_tokens == round((len("Wasser 水🌊 ist nass.") + 4 + 6) / 4.1)
    assert exchange.input_tokens == round(len("Be brief.Was ist Wasser? 水🌊") / 4.1)


def test_usage_of_a_later_chunk_keeps_what_it_leaves_out(copy_of):
    chunks = [
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}},
        {"usage": {"completion_tokens": 8}},
    ]
    exchange = parse(copy_of(CHAT, sse(chunks)))
    assert (exchange.input_tokens, exchange.output_tokens) == (5, 8)


@pytest.mark.parametrize("answer", [json.dumps(ANSWER).encode(), sse(CHUNKS)])
def test_compressed_answers_are_read(copy_of, answer):
    whole = copy_of(CHAT, answer)
    squeezed = gzip.compress(answer)
    headers = (*whole.response_headers, (b"content-encoding", b"gzip"))
    assert read(replace(whole, response_body=squeezed, response_headers=headers)) == read(whole)


def test_an_encoding_that_we_do_not_read_leaves_the_request(copy_of):
    copy = copy_of(CHAT, b"\x1b\x00", response_headers=((b"content-encoding", b"br"),))
    exchange, cause = read(copy)
    assert cause == "response_encoding"
    assert exchange.messages
    assert exchange.completions == ()
    assert exchange.usage == Usage.ABSENT


@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        ({"choices": [{"message": {"refusal": "I cannot."}, "finish_reason": "stop"}]}, Finish.FILTER),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}, Finish.LENGTH),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]}, Finish.FILTER),
        (
            {"choices": [{"message": {"function_call": {"name": "f"}}, "finish_reason": "function_call"}]},
            Finish.TOOL_CALLS,
        ),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "made up"}]}, Finish.UNKNOWN),
    ],
)
def test_why_it_stopped(copy_of, answer, finish):
    assert parse(copy_of(CHAT, answer)).finish == finish


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_an_error_keeps_the_request(copy_of, status):
    exchange, cause = read(copy_of(CHAT, {"error": {"message": "no"}}, status=status, outcome=Outcome.UPSTREAM_ERROR))
    assert cause == ""
    assert exchange.status == status
    assert exchange.messages[1].text == "Was ist Wasser? 水🌊"
    assert exchange.usage == Usage.ABSENT


def test_an_error_inside_a_stream_estimates_nothing(copy_of):
    exchange = parse(copy_of(CHAT, sse([{"error": {"message": "overloaded"}}])))
    assert exchange.usage == Usage.ABSENT


@pytest.mark.parametrize(
    ("target", "operation", "model"),
    [
        (b"/v1/chat/completions", Operation.CHAT, "acme-large"),
        (b"/chat/completions", Operation.CHAT, "acme-large"),
        (b"/proxy/openai/v1/chat/completions/?api-version=1", Operation.CHAT, "acme-large"),
        (b"/openai/deployments/my-gpt/chat/completions?api-version=2026-01-01", Operation.CHAT, "acme-large"),
        (b"/v1/completions", Operation.COMPLETION, "acme-large"),
        (b"/v1/embeddings", Operation.EMBEDDING, "acme-large"),
    ],
)
def test_any_prefix_of_the_path(copy_of, target, operation, model):
    exchange = parse(copy_of(CHAT, ANSWER, target=target))
    assert (exchange.dialect, exchange.operation, exchange.model) == (Dialect.OPENAI, operation, model)


def test_the_model_may_stand_in_the_path_or_in_the_answer_alone(copy_of):
    body = {key: value for key, value in CHAT.items() if key != "model"}
    assert parse(copy_of(body, ANSWER)).model == "acme-large-1"
    target = b"/openai/deployments/my%20gpt/chat/completions"
    assert parse(copy_of(body, ANSWER, target=target)).model == "my gpt"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b"/v1/chat/completions"),
        ("POST", b"/v1/audio/speech"),
        ("POST", b"/v1/threads/t_1/messages"),
        ("GET", b"/v1/models"),
    ],
)
def test_anything_else_is_one_opaque_event(copy_of, method, target):
    copy = copy_of(CHAT, ANSWER, method=method, target=target)
    exchange, cause = read(copy)
    assert cause == "opaque"
    assert exchange == opaque(copy)
    assert (exchange.dialect, exchange.messages, exchange.status) == (Dialect.OPAQUE, (), 200)
    assert exchange.user_agent == "OpenAI/Python 3.3.0"


def test_completions_prompts(copy_of):
    target = b"/v1/completions"
    answer = {"choices": [{"index": 0, "text": "one"}, {"index": 1, "text": "two"}]}
    exchange = parse(copy_of({"prompt": ["a", "b"], "logprobs": 3}, answer, target=target))
    assert exchange.prompts == 2
    assert exchange.messages == (Message("user", "a"), Message("user", "b"))
    assert exchange.completions == ("one", "two")
    assert exchange.top_logprobs == 3
    assert parse(copy_of({"prompt": [5, 6, 7]}, answer, target=target)).messages == (Message("user", "5 6 7"),)
    assert parse(copy_of({"prompt": [[5, 6], [7]]}, answer, target=target)).prompts == 2
    assert parse(copy_of({"prompt": "a"}, answer, target=target)).top_logprobs == -1


def test_embeddings_read_the_count_without_the_vectors(copy_of):
    answer = {"data": [{"embedding": [0.1] * 5000}], "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    exchange = parse(copy_of({"input": ["x", "y"], "model": "e"}, answer, target=b"/v1/embeddings"))
    assert exchange.prompts == 2
    assert (exchange.usage, exchange.input_tokens) == (Usage.REPORTED, 4)


@pytest.mark.parametrize(("count", "retry"), [(b"0", False), (b"1", True), (b"x", False), (b"9" * 50, False)])
def test_a_client_librarys_own_retry(copy_of, count, retry):
    assert parse(copy_of(CHAT, ANSWER, request_headers=((b"x-stainless-retry-count", count),))).retry is retry


def test_a_cut_request_gives_what_stands_around_the_gap(copy_of):
    body = json.dumps(
        {**CHAT, "messages": [{"role": "user", "content": "Lies: " + "Wort " * 2000 + 'Ende "gut".'}]}
    ).encode()
    kept = body[:300] + body[-700:]
    copy = copy_of(kept, ANSWER, request_bytes=len(body), request_cut=300)
    exchange, cause = read(copy)
    assert cause == ""
    assert exchange.truncated
    assert exchange.model == "acme-large"
    assert (exchange.temperature, exchange.choices, exchange.max_tokens, exchange.seed) == (0.7, 2, 100, 3)
    assert len(exchange.messages) == 1
    assert exchange.messages[0].text.startswith("Lies: Wort")
    assert exchange.messages[0].text.endswith('Ende "gut".')
    assert exchange.prompt_chars == pytest.approx(10_017, abs=40)


def test_a_request_cut_at_any_byte_is_still_one_event(copy_of):
    body = json.dumps(CHAT).encode()
    for cut in range(len(body) - 20):
        exchange, cause = read(copy_of(body[:cut] + body[cut + 20 :], ANSWER, request_bytes=len(body), request_cut=cut))
        assert cause == ""
        assert exchange.truncated
        assert (exchange.dialect, exchange.client) == (Dialect.OPENAI, 7)


@pytest.mark.parametrize("cut", [200, 2000, 9000])
def test_a_cut_answer_gives_its_usage(copy_of, cut):
    answer = {**ANSWER, "choices": [{"index": 0, "message": {"content": "w " * 5000}, "finish_reason": "length"}]}
    raw = json.dumps(answer).encode()
    exchange, cause = read(copy_of(CHAT, raw[:cut] + raw[-200:], response_cut=cut, response_bytes=len(raw)))
    assert cause == ""
    assert (exchange.usage, exchange.output_tokens, exchange.finish) == (Usage.REPORTED, 22, Finish.LENGTH)
    assert exchange.completions[0].startswith("w w w")


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"not json", "request_json"),
        (b"", "request_json"),
        (b"[]", "request_shape"),
        (b"[" * 100_000, "request_json"),
    ],
)
def test_a_request_that_is_no_document_is_opaque_and_named(copy_of, body, cause):
    exchange, named = read(copy_of(body, ANSWER))
    assert named == cause
    assert exchange.dialect == Dialect.OPAQUE


def test_a_broken_answer_is_named_and_what_can_be_had_is_taken(copy_of):
    exchange, cause = read(copy_of(CHAT, json.dumps(ANSWER).encode()[:-1]))
    assert cause == "response_json"
    assert exchange.output_tokens == 22
    exchange, cause = read(copy_of(CHAT, b"data: {broken\n\n" + sse(CHUNKS)))
    assert cause == "response_stream"
    assert exchange.output_tokens == 10


WRONG = [
    None,
    True,
    -1,
    1e300,
    math.inf,
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    10**400,
    "\ud800",
    [{"type": "image_url"}],
]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(
    "field", [*CHAT, "max_completion_tokens", "functions", "metadata", "stream", "prompt", "input"]
)
def test_a_field_of_the_wrong_type_is_passed_over(copy_of, field, wrong):
    for target in (b"/v1/chat/completions", b"/v1/completions", b"/v1/embeddings"):
        body = json.dumps({**CHAT, field: wrong}).encode()
        assert read(copy_of(body, ANSWER, target=target)).exchange.client == 7


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_an_answer_of_the_wrong_types_is_passed_over(copy_of, wrong):
    for answer in (
        {"choices": wrong, "usage": wrong},
        {"choices": [wrong]},
        {"choices": [{"message": wrong, "finish_reason": wrong, "index": wrong}]},
        {"choices": [{"delta": {"content": wrong, "refusal": wrong, "reasoning": wrong, "tool_calls": wrong}}]},
        {"choices": [{"message": {"tool_calls": [wrong], "function_call": wrong}}], "usage": {"prompt_tokens": wrong}},
        {"model": wrong, "error": wrong},
    ):
        raw = json.dumps(answer).encode()
        assert read(copy_of(CHAT, raw)).exchange.client == 7
        assert read(copy_of(CHAT, b"data: " + raw + b"\n\n")).exchange.client == 7


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CHAT, "role", "content"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(
    body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200),
    answer=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200),
    target=st.sampled_from([b"/v1/chat/completions", b"/v1/completions", b"/v1/embeddings"]) | st.binary(max_size=30),
    cut=st.integers(-1, 100),
    kind=st.sampled_from([b"", b"application/json", b"text/event-stream"]),
    encoding=st.sampled_from([b"", b"gzip", b"deflate", b"br"]),
)
def test_nothing_that_comes_raises(copy_of, body, answer, target, cut, kind, encoding):
    headers = ((b"content-type", kind), (b"content-encoding", encoding))
    copy = copy_of(
        body,
        answer,
        target=target,
        request_cut=min(cut, len(body)),
        response_cut=min(cut, len(answer)),
        response_headers=headers,
    )
    assert read(copy).exchange.client == 7
