"""Every wire format gives the same exchange for the same conversation, wherever its bytes are cut."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from app.extractor.providers import opaque, parse, read
from app.store.frames import DIALECTS
from detectors.exchange import Channel, Dialect, Exchange, Finish, Message, Operation, Outcome, Refusal, Usage

NAMES = sorted(path.stem for path in (Path(__file__).parent / "wire").glob("*.http"))
OPENAI, ANTHROPIC, GEMINI, OLLAMA = Dialect.OPENAI, Dialect.ANTHROPIC, Dialect.GEMINI, Dialect.OLLAMA
CHAT, COMPLETION, RESPONSE = Operation.CHAT, Operation.COMPLETION, Operation.RESPONSE
EMBEDDING, BATCH, RETRIEVAL, COUNT = Operation.EMBEDDING, Operation.BATCH, Operation.RETRIEVAL, Operation.COUNT

CONVERSATION = (
    Message("system", "Answer in one line."),
    Message("user", "Was ist Wasser? 水🌊"),
    Message("assistant", "Eine Flüssigkeit."),
    Message("user", 'Warum ist es "nass"?'),
)
QUESTIONS = tuple(Message("user", f"Question {number}") for number in range(3))
SAME = {
    "model": "acme-large",
    "messages": CONVERSATION,
    "max_tokens": 200,
    "temperature": 0.6,
    "top_p": 0.9,
    "completions": ("Weil Moleküle haften. 水🌊",),
    "reasoning_chars": 15,
    "finish": Finish.STOP,
    "usage": Usage.REPORTED,
    "input_tokens": 31,
    "output_tokens": 17,
}
ASKED = {"reasoning_asked": True}
SEALED = {"reasoning_asked": True, "reasoning_sealed": True}
USER = {"user": "u-1"}
STREAM = {"stream": True, "channel": Channel.STREAM}
NOTHING = {"completions": (), "reasoning_chars": 0, "finish": Finish.UNKNOWN}
NO_USAGE = {"usage": Usage.ABSENT, "input_tokens": 0, "output_tokens": 0}
FETCHED = {"model": "acme-large-0901", "prompts": 0, "completions": SAME["completions"], "reasoning_chars": 15}
COUNTED = {"usage": Usage.REPORTED, "input_tokens": 31, "output_tokens": 17}

EXPECTED: dict[str, tuple[Dialect, Operation, dict[str, object]]] = {
    "openai_chat": (OPENAI, CHAT, SAME | USER),
    "openai_chat_stream": (OPENAI, CHAT, SAME | USER | STREAM),
    "azure_chat_stream": (OPENAI, CHAT, SAME | USER | STREAM),
    "azure_filtered": (
        OPENAI, CHAT,
        SAME | USER | NOTHING | NO_USAGE | {"refusal": Refusal.SAFETY, "finish": Finish.FILTER, "status": 400},
    ),
    "openai_responses": (OPENAI, RESPONSE, SAME | USER | SEALED),
    "openai_responses_stream": (OPENAI, RESPONSE, SAME | USER | SEALED | STREAM),
    "openai_responses_incomplete": (OPENAI, RESPONSE, SAME | USER | SEALED | STREAM | {"finish": Finish.LENGTH}),
    "openai_responses_failed": (
        OPENAI, RESPONSE, SAME | USER | ASKED | STREAM | NOTHING | NO_USAGE | {"outcome": Outcome.UPSTREAM_ERROR},
    ),
    "openai_responses_background": (
        OPENAI, RESPONSE, SAME | USER | ASKED | NOTHING | NO_USAGE | {"channel": Channel.BACKGROUND},
    ),
    "openai_responses_poll": (
        OPENAI, RETRIEVAL,
        FETCHED | COUNTED | {"channel": Channel.BACKGROUND, "finish": Finish.STOP, "reasoning_sealed": True},
    ),
    "openai_responses_resume": (
        OPENAI, RETRIEVAL,
        FETCHED | COUNTED
        | {"channel": Channel.BACKGROUND, "stream": True, "finish": Finish.STOP, "reasoning_sealed": True},
    ),
    "openai_responses_again": (OPENAI, RETRIEVAL, FETCHED | {"finish": Finish.STOP, "reasoning_sealed": True}),
    "openai_completions": (
        OPENAI, COMPLETION,
        {
            "model": "acme-base",
            "messages": (Message("user", "Once"), Message("user", "Twice")),
            "prompts": 2, "begins": (0, 1), "choices": 3, "max_tokens": 5, "top_logprobs": 2, "finish": Finish.LENGTH,
            "completions": (" t0", " t1", " t2", " t3"),
            "usage": Usage.REPORTED, "input_tokens": 2, "output_tokens": 20,
        },
    ),
    "openai_embeddings": (
        OPENAI, EMBEDDING,
        {
            "model": "acme-embed", "prompts": 3,
            "messages": (Message("user", "1 2"), Message("user", "3"), Message("user", "4 5")),
            "usage": Usage.REPORTED, "input_tokens": 5,
        },
    ),
    "openai_batch": (OPENAI, BATCH, {"prompts": 0, "channel": Channel.BATCH}),
    "openai_upload": (
        OPENAI, BATCH,
        {
            "model": "acme-large", "prompts": 3, "temperature": 0.3, "channel": Channel.BATCH,
            "messages": (CONVERSATION[0], *QUESTIONS), "begins": (0, 2, 3),
        },
    ),
    "anthropic": (ANTHROPIC, CHAT, SAME | USER | SEALED),
    "anthropic_stream": (ANTHROPIC, CHAT, SAME | USER | SEALED | STREAM),
    "anthropic_refusal": (
        ANTHROPIC, CHAT,
        SAME | USER | SEALED | STREAM
        | {"completions": ("",), "finish": Finish.FILTER, "refusal": Refusal.REASONING_EXTRACTION},
    ),
    "anthropic_error": (
        ANTHROPIC, CHAT,
        SAME | USER | SEALED | STREAM
        | {
            "completions": ("Weil Mole",), "finish": Finish.UNKNOWN, "outcome": Outcome.UPSTREAM_ERROR,
            "usage": Usage.ESTIMATED, "output_tokens": 2,
        },
    ),
    "anthropic_tool": (
        ANTHROPIC, CHAT,
        SAME | USER | ASKED | STREAM
        | {
            "completions": ("",), "reasoning_chars": 0, "finish": Finish.TOOL_CALLS, "tool_calls": 1,
            "tools": '[{"input_schema":{"type":"object"},"name":"look"}]',
        },
    ),
    "anthropic_count": (ANTHROPIC, COUNT, {"model": "acme-large", "prompts": 0}),
    "anthropic_batch": (
        ANTHROPIC, BATCH,
        {
            "model": "acme-large", "prompts": 3, "max_tokens": 200, "temperature": 0.6, "top_p": 0.9,
            "channel": Channel.BATCH, "messages": (CONVERSATION[0], *QUESTIONS), "reasoning_asked": True,
            "begins": (0, 2, 3),
        },
    ),
    "gemini": (GEMINI, CHAT, SAME | SEALED),
    "gemini_stream": (GEMINI, CHAT, SAME | SEALED | STREAM),
    "gemini_array": (GEMINI, CHAT, SAME | SEALED | STREAM),
    "vertex_stream": (GEMINI, CHAT, SAME | SEALED | STREAM),
    "gemini_blocked": (
        GEMINI, CHAT,
        SAME | ASKED | NOTHING | {"finish": Finish.FILTER, "refusal": Refusal.SAFETY, "output_tokens": 0},
    ),
    "gemini_tool": (
        GEMINI, CHAT,
        SAME | SEALED
        | {
            "completions": ("",), "reasoning_chars": 0, "finish": Finish.TOOL_CALLS, "tool_calls": 1,
            "tools": '[{"functionDeclarations":[{"name":"look"}]}]',
        },
    ),
    "gemini_embed": (
        GEMINI, EMBEDDING,
        {
            "model": "acme-embed", "prompts": 2, "messages": (Message("user", "one"), Message("user", "two")),
            "usage": Usage.ESTIMATED, "input_tokens": 1,
        },
    ),
    "gemini_batch": (
        GEMINI, BATCH,
        {
            "model": "acme-large", "prompts": 3, "channel": Channel.BATCH, "messages": QUESTIONS,
            "begins": (0, 1, 2),
        },
    ),
    "ollama_chat": (OLLAMA, CHAT, SAME | ASKED | STREAM),
    "ollama_whole": (OLLAMA, CHAT, SAME | ASKED),
    "ollama_generate": (
        OLLAMA, COMPLETION,
        SAME | STREAM
        | {
            "messages": (CONVERSATION[0], CONVERSATION[3]), "reasoning_chars": 0, "finish": Finish.LENGTH,
            "temperature": None, "top_p": None,
        },
    ),
}  # fmt: skip
SIGNATURES = {OPENAI: "gAAAAB", ANTHROPIC: "EqoB", GEMINI: "CvEB"}  # as the files have them
STREAMS = [name for name in NAMES if EXPECTED[name][2].get("stream")]


def expected(name: str) -> Exchange:
    """The whole exchange that a file holds: what the table leaves out has its default."""
    dialect, operation, fields = EXPECTED[name]
    envelope = {"at": 1_764_000_000.5, "client": 7, "status": 200, "ttfb": 0.25, "duration": 1.5}
    known = {"peer": "203.0.113.9", "user_agent": "test/1", "dialect": dialect, "operation": operation}
    issued = SIGNATURES[dialect] if fields.get("reasoning_sealed") else ""
    return Exchange(**{**envelope, **known, "issued": issued, **fields})


def test_the_table_has_every_file():
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_format_gives_its_exchange(wire, name):
    exchange, cause = read(wire(name))
    assert exchange == expected(name)
    assert cause == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("squeeze", [b"gzip", b"deflate"])
def test_a_compressed_answer_gives_the_same(wire, name, squeeze):
    copy = wire(name)
    body = gzip.compress(copy.response_body)
    if squeeze == b"deflate":
        body = zlib.compress(copy.response_body)
    headers = (*copy.response_headers, (b"content-encoding", squeeze))
    assert parse(replace(copy, response_body=body, response_headers=headers)) == expected(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("squeeze", [b"br", b"zstd"])
def test_an_answer_in_another_encoding_leaves_the_request(wire, name, squeeze):
    copy = wire(name)
    headers = (*copy.response_headers, (b"content-encoding", squeeze))
    exchange, cause = read(replace(copy, response_body=b"\x28\xb5\x2f\xfd", response_headers=headers))
    whole = expected(name)
    assert exchange.messages == whole.messages
    assert exchange.prompts == whole.prompts
    assert exchange.completions == ()
    assert cause == ("response_encoding" if whole.operation not in (BATCH, COUNT) and whole.status == 200 else "")


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("ends", [b"\r\n", b"\r", b"\n"])
def test_line_ends_and_noise_change_nothing(wire, name, ends):
    copy = wire(name)
    body = copy.response_body
    if b"event-stream" in dict(copy.response_headers)[b"content-type"]:
        body = b'\xef\xbb\xbf: hello\n\nevent: ping\ndata: {"type": "ping"}\n\n' + body.replace(b"\r\n", b"\n")
        body = body.replace(b"\n", ends)
    assert parse(replace(copy, response_body=body)) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_ends_at_any_byte_invents_nothing(wire, name):
    copy = wire(name)
    whole = expected(name)
    for end in range(0, len(copy.response_body), 1 if len(copy.response_body) < 2500 else 3):
        exchange = parse(replace(copy, response_body=copy.response_body[:end], outcome=3))
        assert exchange.outcome == Outcome.UPSTREAM_TRUNCATED
        assert (exchange.messages, exchange.prompts) == (whole.messages, whole.prompts)
        assert exchange.reasoning_chars <= whole.reasoning_chars
        if name != "gemini":  # its parts say behind the text whether it is reasoning
            for told, all_of_it in zip(exchange.completions, whole.completions, strict=False):
                assert told in all_of_it
        if exchange.usage == Usage.REPORTED:
            assert exchange.input_tokens in (0, whole.input_tokens)


@pytest.mark.parametrize("name", NAMES)
def test_a_request_with_a_gap_anywhere_is_still_one_event(wire, name):
    copy = wire(name)
    body = copy.request_body
    for cut in range(0, max(len(body) - 20, 0), 3):
        kept = body[:cut] + body[cut + 20 :]
        exchange, cause = read(replace(copy, request_body=kept, request_cut=cut))
        assert exchange.client == 7
        assert exchange.truncated
        if cause == "":
            assert exchange.dialect == EXPECTED[name][0]


@pytest.mark.parametrize("name", NAMES)
def test_a_signature_is_whole_or_not_there(wire, name):
    copy, whole = wire(name), expected(name)
    body = copy.response_body
    for cut in range(0, max(len(body) - 9, 0), 1 if whole.issued else 40):
        exchange = parse(replace(copy, response_body=body[:cut] + body[cut + 9 :], response_cut=cut))
        assert exchange.issued in ("", whole.issued)


def test_a_signature_that_comes_back_is_found_behind_a_gap_and_never_torn(wire):
    sent = {"type": "thinking", "thinking": "hm " * 40, "signature": "Eq/oB+" * 20 + "=="}
    messages = [
        {"role": "user", "content": "Why is water wet?"},
        {"role": "assistant", "content": [sent, {"type": "text", "text": "It sticks."}]},
        {"role": "user", "content": "Go on."},
    ]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages}).encode()
    copy = wire("anthropic", request_body=body)
    assert (parse(copy).presented, parse(copy).presented_at) == (sent["signature"], 1)
    found = set()
    for cut in range(len(body) - 11):
        exchange = parse(replace(copy, request_body=body[:cut] + body[cut + 11 :], request_cut=cut))
        assert exchange.presented_at == -1
        found.add(exchange.presented)
    assert found == {"", sent["signature"]}


@pytest.mark.parametrize("name", STREAMS)
def test_an_answer_with_a_gap_anywhere_keeps_its_usage(wire, name):
    copy = wire(name)
    body, whole = copy.response_body, expected(name)
    for cut in range(0, len(body) // 2, 3):
        exchange, cause = read(replace(copy, response_body=body[:cut] + body[len(body) // 2 :], response_cut=cut))
        assert cause == ""
        assert exchange.truncated
        if whole.usage == Usage.REPORTED:
            assert (exchange.usage, exchange.output_tokens) == (Usage.REPORTED, whole.output_tokens)


def test_a_stream_without_its_end_is_truncated_though_the_connection_closed_well(wire):
    for name, last in (
        ("anthropic_stream", b"event: message_stop"),
        ("openai_responses_stream", b"event: response.completed"),
        ("openai_chat_stream", b'data: {"id":"chatcmpl-1","created":1764000000,"model":"acme-large-0901",'
         b'"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},'),
        ("ollama_chat", b'{"model":"acme-large","created_at":"2026-11-25T10:00:00Z","message":{"role":"assistant",'
         b'"content":""},"done":true'),
    ):  # fmt: skip
        copy = wire(name)
        body = copy.response_body[: copy.response_body.index(last)]
        exchange = parse(replace(copy, response_body=body))
        assert exchange.outcome == Outcome.UPSTREAM_TRUNCATED, name
        assert exchange.completions == SAME["completions"]


def test_a_client_that_left_is_no_failure_of_the_upstream(wire):
    copy = wire("anthropic_error", outcome=Outcome.CLIENT_ABORTED)
    assert parse(copy).outcome == Outcome.CLIENT_ABORTED


def test_anthropic_usage_of_the_beginning_alone_is_an_estimate(wire):
    copy = wire("anthropic_stream")
    body = copy.response_body[: copy.response_body.index(b"event: message_delta")]
    exchange = parse(replace(copy, response_body=body, outcome=Outcome.CLIENT_ABORTED))
    assert exchange.usage == Usage.ESTIMATED
    assert (exchange.input_tokens, exchange.output_tokens) == (31, round((24 + 15) / 4.1))


def test_a_frame_over_the_limit_makes_the_rest_opaque(wire):
    copy = wire("anthropic_stream")
    huge = b"data: " + b"x" * (1 << 20) + b"\n\n"
    place = copy.response_body.index(b"event: content_block_stop")
    exchange, cause = read(replace(copy, response_body=copy.response_body[:place] + huge + copy.response_body[place:]))
    assert cause == "response_stream"
    assert exchange.reasoning_chars == 15
    assert exchange.completions == ("",)
    assert exchange.outcome == Outcome.OK


def test_the_way_of_streaming_follows_the_content_not_the_request(wire):
    copy = wire("gemini_array", target=b"/v1beta/models/acme-large:generateContent")
    assert replace(parse(copy), stream=True, channel=Channel.STREAM) == expected("gemini_array")
    plain = wire("openai_chat")
    headers = ((b"content-type", b"text/event-stream"),)
    assert parse(replace(plain, response_headers=headers)) == expected("openai_chat")


def test_an_unknown_path_is_opaque(wire):
    copy = wire("anthropic", target=b"/v2/anything")
    assert read(copy) == (opaque(copy), "opaque")


def test_a_batch_cannot_be_smuggled_into_a_chat(wire):
    body = b'{"_batch_requests": [{"url": "/v1/embeddings", "body": {"input": "x"}}], "messages": []}'
    assert parse(wire("openai_chat", request_body=body)).operation == CHAT


@pytest.mark.parametrize(
    ("hint", "target", "dialect"),
    [
        ("auto", b"/generate", Dialect.OPAQUE),
        ("openai", b"/generate", OPENAI),
        ("anthropic", b"/generate", ANTHROPIC),
        ("openai", b"/v1/messages", ANTHROPIC),
        ("opaque", b"/v1/chat/completions", Dialect.OPAQUE),
    ],
)
def test_a_routes_hint_is_followed_where_the_path_says_nothing(copy_of, hint, target, dialect):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    exchange = parse(copy_of(body, b"{}", target=target, dialect=DIALECTS.index(hint)))
    assert exchange.dialect == dialect
    assert exchange.messages == (() if dialect == Dialect.OPAQUE else (Message("user", "hello"),))


def test_a_hint_makes_no_chat_of_what_is_none(copy_of):
    speech = copy_of({"model": "m", "input": "say it"}, target=b"/v1/audio/speech", dialect=DIALECTS.index("openai"))
    assert read(speech) == (opaque(speech), "opaque")


def test_a_websocket_is_one_opaque_exchange_on_its_own_channel(copy_of):
    exchange = parse(copy_of(b"", b"", method="GET", target=b"/v1/realtime", status=101, ja4="t13d_a_b"))
    assert (exchange.channel, exchange.dialect, exchange.prompts) == (Channel.SOCKET, Dialect.OPAQUE, 1)
    assert exchange.ja4 == "t13d_a_b"


@pytest.mark.parametrize("name", ["openai_chat", "openai_chat_stream", "anthropic", "gemini", "ollama_chat"])
def test_an_answer_to_what_nobody_saw_is_counted(wire, name):
    copy = wire(name)
    hidden = json.dumps({"model": "m", "unknown": json.loads(copy.request_body)}).encode()
    assert read(wire(name, request_body=hidden)).cause == "request_shape"
    assert read(wire(name, request_body=hidden, status=400)).cause == ""  # refused: nothing was hidden
    assert read(copy).cause == ""


def test_a_model_that_is_loaded_by_a_chat_of_nothing_hides_nothing(wire):
    answer = b'{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}'
    assert read(wire("ollama_chat", request_body=b'{"model":"m"}', response_body=answer)).cause == ""
