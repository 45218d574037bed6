"""The same script directly and through the gateway: same answers, same errors, same requests at the model API."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import shutil
import statistics
import subprocess
import time

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # what the clients deprecate is no business of ours

HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"host", b"te", b"trailer", b"proxy-connection", b"expect")
ADDED = (b"x-accel-buffering",)  # the one header that the gateway adds, on event streams
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
TOOL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "caf\u00e9"}'}}
LIMITS = [b"x-request-id: req_9", b"retry-after-ms: 1", b"x-ratelimit-remaining-requests: 0", b"request-id: req_9"]


# A model API that speaks enough of three dialects.


def sse(*events, named=False):
    """Event-stream bytes of JSON events."""
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        lines.append(f"{name}data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
    return lines


def chat(body):
    message = {"role": "assistant", "content": "Hello \U0001f989"}
    if body.get("tools"):
        message = {"role": "assistant", "content": None, "tool_calls": [TOOL]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if body.get("tools") else "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


def chat_stream(body):
    def piece(delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    if body.get("tools"):
        halves = [{**TOOL, "index": 0, "function": {"name": "look", "arguments": ""}}]
        halves += [{"index": 0, "function": {"arguments": part}} for part in ('{"at": ', '"caf\u00e9"}')]
        events = [piece({"tool_calls": [half]}) for half in halves]
    else:
        events = [piece({"content": word}) for word in ("Hel", "lo ", "\U0001f989")]
    events.append(piece({}, "stop"))
    if body.get("stream_options", {}).get("include_usage"):
        events.append({**piece({}), "choices": [], "usage": USAGE})
    return [*sse(*events), b"data: [DONE]\n\n"]


def message(body):
    content = [{"type": "text", "text": "Hello \U0001f989"}]
    if body.get("tools"):
        content.append({"type": "tool_use", "id": "t", "name": "look", "input": {"at": "caf\u00e9"}})
    usage = {"input_tokens": 3, "output_tokens": 2}
    said = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": content, "usage": usage}
    return {**said, "stop_reason": "end_turn", "stop_sequence": None}


def message_stream(body):
    start = {"type": "message_start", "message": {**message({}), "content": [], "stop_reason": None}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        for text in ("Hel", "lo ", "\U0001f989")
    ]
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    events = [start, block, {"type": "ping"}, *deltas, {"type": "content_block_stop", "index": 0}, stop]
    return sse(*events, {"type": "message_stop"}, named=True)


def gemini(text="Hello \U0001f989", finish="STOP"):
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    content = {"role": "model", "parts": [{"text": text}]}
    return {"candidates": [{"content": content, "finishReason": finish, "index": 0}], "usageMetadata": usage}


class Model:
    """Answers by path and by the model's name; "once" fails the first time."""

    def __init__(self, wire):
        self.wire = wire
        self.failed = 0

    def __call__(self, link, asked):
        raw = link.body(asked)
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        path = asked.target.partition(b"?")[0].decode()
        name = body.get("model") or path.rpartition("/")[2].partition(":")[0]
        if name in ("once", "limited") and (name == "limited" or not self.failed):
            self.failed += 1
            self.fail(link, b"429 Too Many Requests", "rate_limit_error")
        elif name == "bad":
            self.fail(link, b"400 Bad Request", "invalid_request_error")
        elif name == "broken":
            self.fail(link, b"500 Internal Server Error", "api_error")
        else:
            self.succeed(link, path, body, name)

    def fail(self, link, status, kind):
        error = {"type": kind, "message": "no \u00e9", "code": int(status[:3]), "param": None, "status": "X"}
        body = json.dumps({"type": "error", "error": error}).encode()
        link.send(self.wire.plain(body, *LIMITS, status=status))

    def succeed(self, link, path, body, name):
        if path.endswith("/messages"):
            whole, stream = message(body), message_stream(body)
        elif path.endswith("/messages/count_tokens"):
            whole, stream = {"input_tokens": 3}, []
        elif path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]
            whole, stream = (
                {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}},
                [],
            )
        elif ":" in path:
            whole, stream = gemini(), sse(gemini("Hel", None), gemini("lo "))
        else:
            whole, stream = chat(body), chat_stream(body)
        if body.get("stream") or "streamGenerateContent" in path:
            link.send(self.wire.chunked_head(b"x-request-id: req_1", b"request-id: req_1"))
            for number, event in enumerate(stream):
                if name == "dies" and number == 2:
                    link.close()
                    return
                link.send(self.wire.chunk(event))
            link.send(self.wire.end)
        else:
            text = json.dumps(whole).encode()
            link.send(self.wire.plain(gzip.compress(text, mtime=0), b"Content-Encoding: gzip", b"x-request-id: req_1"))


def seen(upstream):
    """What the model API was asked, without what concerns one hop."""
    return [
        (
            asked.method,
            asked.target,
            [(name.lower(), value) for name, value in asked.headers if name.lower() not in HOP],
            asked.body,
        )
        for asked in upstream.asked
    ]


@pytest.fixture
def both_ways(gateway, upstream, wire):
    """Runs a script with the model API's own URL and with the gateway's; asserts that nothing differs."""

    def run(script, make=lambda: Model(wire)):
        results, requests = [], []
        for base in (upstream.url, f"http://127.0.0.1:{gateway.port}"):
            upstream.asked.clear()
            upstream.script = make()
            results.append(script(base))
            requests.append(seen(upstream))
        assert results[1] == results[0]
        assert requests[1] == requests[0]
        assert requests[0]
        return results[0]

    return run


# The official clients.


def told(call):
    """What a call gave, or how it failed, as the program that made it sees it."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001  whatever the client makes of it
        body = getattr(error, "body", None) or getattr(error, "details", None)
        response = getattr(error, "response", None)
        headers = [pair for pair in getattr(response, "headers", {}).items() if pair[0].encode() not in (*HOP, *ADDED)]
        return (type(error).__name__, str(error), body, sorted(map(str, headers)))


async def told_later(call):
    try:
        return await call()
    except Exception as error:  # noqa: BLE001  whatever the client makes of it
        return (type(error).__name__, str(error), getattr(error, "body", None) or getattr(error, "details", None))


MODELS = ("m", "once", "limited", "bad", "broken", "dies")
TOOLS = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
ASK = [{"role": "user", "content": "caf\u00e9 \U0001f989"}]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("tools", [False, True], ids=["text", "tools"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_differential_openai(both_ways, model, tools, stream):
    import openai

    def script(base):
        with openai.OpenAI(api_key="sk-x", base_url=f"{base}/v1", max_retries=2) as client:
            extra = {"tools": [TOOLS]} if tools else {}
            if stream:
                extra["stream_options"] = {"include_usage": True}

            def call():
                answer = client.chat.completions.create(model=model, messages=ASK, stream=stream, **extra)
                if stream:
                    got = []
                    with contextlib.closing(answer):
                        try:
                            got.extend(event.model_dump() for event in answer)
                        except Exception as error:  # noqa: BLE001  a stream that breaks
                            got.append((type(error).__name__, str(error)))
                    return got
                return answer.model_dump(), answer._request_id

            return told(call)

    result = both_ways(script)
    if model in ("m", "once"):
        assert "Error" not in str(result)
    elif model != "dies":
        assert "Error" in result[0]
    elif stream:
        assert "Error" in str(result[-1])


@pytest.mark.parametrize("kind", ["embeddings", "models", "raw", "async"])
def test_differential_openai_other_ways(both_ways, kind):
    import asyncio

    import openai

    async def later(base):
        async with openai.AsyncOpenAI(api_key="sk-x", base_url=f"{base}/v1") as client:
            whole = await told_later(lambda: client.chat.completions.create(model="once", messages=ASK))
            stream = await client.chat.completions.create(model="m", messages=ASK, stream=True)
            return whole.model_dump(), [event.model_dump() async for event in stream]

    def script(base):
        if kind == "async":
            return asyncio.run(later(base))
        with openai.OpenAI(api_key="sk-x", base_url=f"{base}/v1") as client:
            if kind == "embeddings":
                return client.embeddings.create(model="m", input=["a", "b"]).model_dump()
            if kind == "models":
                return client.models.retrieve("m%2Fx").model_dump()
            raw = client.chat.completions.with_raw_response.create(model="m", messages=ASK)
            return sorted((k, v) for k, v in raw.headers.items() if k.encode() not in HOP), raw.parse().model_dump()

    both_ways(script)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_differential_anthropic(both_ways, model, stream):
    import anthropic

    def script(base):
        with anthropic.Anthropic(api_key="sk-ant-x", base_url=base, max_retries=2) as client:
            tools = [{"name": "look", "input_schema": {"type": "object"}}]
            asked = {"model": model, "max_tokens": 9, "messages": ASK}

            def call():
                if not stream:
                    return client.messages.create(**asked, tools=tools).model_dump()
                with client.messages.stream(**asked) as events:
                    got = []
                    try:
                        got.extend(event.model_dump() for event in events)
                    except Exception as error:  # noqa: BLE001  a stream that breaks
                        got.append((type(error).__name__, str(error)))
                    return got

            return told(call)

    result = both_ways(script)
    assert ("Error" in str(result)) == (model in ("limited", "bad", "broken") or (model == "dies" and stream))


@pytest.mark.parametrize("kind", ["count", "async"])
def test_differential_anthropic_other_ways(both_ways, kind):
    import asyncio

    import anthropic

    async def later(base):
        async with anthropic.AsyncAnthropic(api_key="sk-ant-x", base_url=base) as client:
            asked = {"max_tokens": 9, "messages": ASK}
            whole = await told_later(lambda: client.messages.create(model="once", **asked))
            stream = await client.messages.create(model="m", stream=True, **asked)
            return whole.model_dump(), [event.model_dump() async for event in stream]

    def script(base):
        if kind == "async":
            return asyncio.run(later(base))
        with anthropic.Anthropic(api_key="sk-ant-x", base_url=base) as client:
            return client.messages.count_tokens(model="m", messages=ASK).model_dump()

    both_ways(script)


@pytest.mark.parametrize("model", ["m", "limited", "bad", "broken"])
@pytest.mark.parametrize("kind", ["whole", "stream", "async"])
def test_differential_google(both_ways, model, kind):
    import asyncio

    from google import genai

    def script(base):
        options = {"base_url": base, "timeout": 20_000}
        client = genai.Client(api_key="goog-x", vertexai=False, http_options=options)

        async def later():
            async with client.aio as one:
                answer = await told_later(lambda: one.models.generate_content(model=model, contents="caf\u00e9"))
                return answer if isinstance(answer, tuple) else plain(answer)

        def plain(answer):
            return answer.model_dump(exclude={"sdk_http_response"}, mode="json")

        try:
            if kind == "async":
                return asyncio.run(later())
            if kind == "stream":
                stream = lambda: [plain(e) for e in client.models.generate_content_stream(model=model, contents="x")]  # noqa: E731
                return told(stream)
            return told(lambda: plain(client.models.generate_content(model=model, contents="caf\u00e9")))
        finally:
            client.close()

    result = both_ways(script)
    assert ("Error" in str(result)) == (model != "m")


# curl.


CURL = {
    "get": ["/v1/models/m"],
    "head": ["-I", "/v1/models/m"],
    "post": ["-d", '{"model": "m"}', "/v1/chat/completions"],
    "stream": ["-N", "-d", '{"model": "m", "stream": true}', "/v1/chat/completions"],
    "dies": ["-N", "-d", '{"model": "dies", "stream": true}', "/v1/chat/completions"],
    "error": ["-d", '{"model": "bad"}', "/v1/chat/completions"],
    "compressed": ["--compressed", "-d", '{"model": "m"}', "/v1/chat/completions"],
    "http1.0": ["--http1.0", "-d", '{"model": "m"}', "/v1/chat/completions"],
    "odd target": ["--path-as-is", "-g", "/v1/../a;b//%2F/[x]?a=%20&&b="],
    "multipart": ["-H", "Content-Type: multipart/form-data; boundary=x", "--data-binary", "@{file}", "/v1/files"],
    "upload": ["-T", "{file}", "/v1/files/x"],
    "chunked upload": ["-T", "{file}", "-H", "Transfer-Encoding: chunked", "/v1/files/x"],
    "expect": ["-T", "{file}", "-H", "Expect: 100-continue", "/v1/files/x"],
    "delete": ["-X", "DELETE", "-d", "{}", "/v1/files/x"],
    "options": ["-X", "OPTIONS", "/v1/files/x"],
    "two in a row": ["/v1/models/a", "/v1/models/b"],
    "cookies": ["-b", "a=1; b=2", "-H", "X-Empty;", "/v1/models/m"],
}


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("name", CURL)
def test_differential_curl(both_ways, tmp_path, name):
    file = tmp_path / "file"
    file.write_bytes(b'{"custom_id": "1"}\n' * 200_000)

    def script(base):
        command = ["curl", "-q", "-sS", "-i", "--max-time", "20", "-H", "User-Agent: curl", "-H", "Accept: */*"]
        command += [base + part if part.startswith("/v1") else part.replace("{file}", str(file)) for part in CURL[name]]
        done = subprocess.run(command, capture_output=True, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head, _, body = body.partition(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        kept = sorted((k.lower(), v.strip()) for k, _, v in lines if k.lower() not in (*HOP, *ADDED))
        if name == "two in a row":
            body = b""  # a second head is in it
        return done.returncode, head.split(b" ")[1], kept, body

    assert both_ways(script)[0] == (18 if name == "dies" else 0)


# Raw: framing, timing and the end of the connection.


SCENARIOS = {
    "plain": lambda w: [w.plain(b"{}", b"X-A: 1", b"X-A: 2", b"Set-Cookie: a", b"Set-Cookie: b")],
    "chunked": lambda w: [w.chunked_head(b"X-A: \xe9"), w.chunk(b"one"), w.chunk(b"two"), w.end],
    "empty": lambda w: [w.plain(b"")],
    "204": lambda w: [b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"],
    "304": lambda w: [b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'],
    "599": lambda w: [w.plain(b"odd", status=b"599 Odd")],
    "large": lambda w: [w.plain(bytes(range(256)) * 4000)],
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_differential_raw(both_ways, gateway, upstream, wire, name):
    def script(base):
        with type(gateway.client())(int(base.rpartition(":")[2])) as client:
            got = []
            for _ in range(2):  # and the connection stays
                answer = client.ask(wire.request("POST", b"/v1/x?a=%2F", b"{}", b"X-B: 1", b"X-B: 2"))
                kept = sorted((k.lower(), v) for k, v in answer.headers if k.lower() not in (*HOP, *ADDED))
                got.append((answer.status, kept, answer.body, answer.whole, bool(answer.values("transfer-encoding"))))
            return got

    both_ways(script, lambda: wire.answering(*SCENARIOS[name](wire)))


@pytest.mark.parametrize("end", ["chunked", "length", "none"])
def test_differential_close_behaviour(both_ways, wire, gateway, end):
    """An answer that breaks off, or that ends with its connection, looks the same on both ways."""
    heads = {
        "chunked": wire.chunked_head() + wire.chunk(b"data: 1\n\n"),
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ndata: 1\n\n",
        "none": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\ndata: 1\n\n",
    }

    def dies(link, asked):
        link.body(asked)
        link.send(heads[end])
        link.close()

    def script(base):
        probe = gateway.client()
        probe.sock.close()
        with type(probe)(int(base.rpartition(":")[2])) as client:
            answer = client.ask(wire.request(body=b"{}"))
            rest = answer.body.replace(b"9\r\n", b"").rstrip(b"\r\n")
            # Where the end of the connection was the end of the answer, the gateway says so by a last chunk instead.
            return answer.status, answer.whole, rest, end == "none" or client.ended()

    assert both_ways(script, lambda: dies)[1] == (end == "none")


def test_differential_chunk_timing(gateway, upstream, wire):
    def paced(link, asked):
        link.body(asked)
        link.send(wire.chunked_head())
        for number in range(10):
            time.sleep(0.04)
            link.send(wire.chunk(b"data: %d\n\n" % number))
        link.send(wire.end)

    upstream.script = paced
    gaps = []
    for port in (upstream.port, gateway.port):
        probe = gateway.client()
        probe.sock.close()
        with type(probe)(port) as client:
            client.send(wire.request(body=b"{}"))
            client.head()
            moments = []
            while client.chunk():
                moments.append(time.monotonic())
        gaps.append([later - earlier for earlier, later in itertools.pairwise(moments)])
    assert len(gaps[0]) == len(gaps[1]) == 9
    assert statistics.median(abs(one - other) for one, other in zip(*gaps, strict=True)) < 0.05
