"""The official client library, pointed at the gateway, works unchanged."""

from __future__ import annotations

import json
import time

import openai
import pytest

KEY = "sk-test-of-the-library"


@pytest.fixture
def completions(model_api, kit):
    """The model API speaks Chat Completions; it fails first as often as the key's header says."""
    state = {"failures": 0, "seen": []}

    def behave(seen, wire):
        asked = json.loads(seen.read_body(wire) or b"{}")
        state["seen"].append((seen, asked))
        if state["failures"]:
            state["failures"] -= 1
            error = json.dumps({"error": {"message": "slow down", "type": "rate", "param": None, "code": "rate"}})
            wire.send(
                kit.answer(error.encode(), "retry-after-ms: 1", "content-type: application/json", status="429 No")
            )
        elif asked.get("stream"):
            events = [_chunk({"role": "assistant", "content": ""}), *map(_piece, ["Hel", "lo \u00e9", "\U0001f600"])]
            text = "".join(
                f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in [*events, _chunk({}, "stop")]
            )
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            wire.send(head + kit.chunk((text + "data: [DONE]\n\n").encode()) + b"0\r\n\r\n")
        else:
            wire.send(
                kit.answer(json.dumps(_whole(asked)).encode(), "content-type: application/json", "x-request-id: r1")
            )

    model_api.behaviour = behave
    return state


def _chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _piece(text):
    return _chunk({"content": text})


def _whole(asked):
    message = {"role": "assistant", "content": "hello", "refusal": None}
    if asked.get("tools"):
        call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}
    choices = [{"index": n, "message": message, "finish_reason": "stop"} for n in range(asked.get("n", 1))]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}


ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def library(gateway, completions):
    with openai.OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=KEY, max_retries=2) as client:
        yield client


def test_a_plain_completion_and_its_raw_headers(library):
    raw = library.chat.completions.with_raw_response.create(**ASK, n=3)
    assert raw.headers["x-request-id"] == "r1"
    assert [choice.message.content for choice in raw.parse().choices] == ["hello"] * 3


def test_streaming(library):
    stream = library.chat.completions.create(**ASK, stream=True)
    assert "".join(event.choices[0].delta.content or "" for event in stream) == "Hello \u00e9\U0001f600"


def test_tools(library):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    found = library.chat.completions.create(**ASK, tools=[tool])
    assert found.choices[0].message.tool_calls[0].function.arguments == '{"a": 1}'


def test_retries_are_the_librarys_and_each_is_one_copy(library, completions, sink, kit):
    def copies():  # of this question alone: those of other tests come when they come
        return [copy for copy in sink.copies(b"/v1/chat/completions") if b"again and again" in copy.request_body]

    completions["failures"] = 2
    assert library.chat.completions.create(model="m", messages=[{"role": "user", "content": "again and again"}]).choices
    counts = [seen.values("x-stainless-retry-count") for seen, _ in completions["seen"]]
    assert counts == [[b"0"], [b"1"], [b"2"]]
    kit.until(lambda: len(copies()) >= 3)
    assert [copy.status for copy in copies()] == [429, 429, 200]
    assert KEY not in repr(copies())


def test_errors_have_the_librarys_own_types(library, completions, make_gateway, free_port):
    completions["failures"] = 9
    with pytest.raises(openai.RateLimitError, match="slow down"):
        library.with_options(max_retries=0).chat.completions.create(**ASK)
    away = make_gateway(UPSTREAM=f"http://127.0.0.1:{free_port()}", STILLWATCH_MODE="bypass")
    lost = openai.OpenAI(base_url=f"http://127.0.0.1:{away.port}/v1", api_key=KEY, max_retries=0)
    with lost, pytest.raises(openai.InternalServerError, match="cannot reach the model API"):
        lost.chat.completions.create(**ASK)


async def test_the_asynchronous_client_streams_many_at_once(gateway, completions, sink, kit):
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=KEY) as client:

        async def one():
            stream = await client.chat.completions.create(**ASK, stream=True)
            return "".join([event.choices[0].delta.content or "" async for event in stream])

        import asyncio

        began = time.monotonic()
        assert await asyncio.gather(*(one() for _ in range(20))) == ["Hello \u00e9\U0001f600"] * 20
        assert time.monotonic() - began < 20
