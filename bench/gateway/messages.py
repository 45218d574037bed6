"""What the benchmark's clients send and its model API answers, and where a message ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

PROMPT = "Summarise the following paragraph in two sentences for a reader who is in a hurry. " * 9
LINES = (
    "host: 127.0.0.1\r\naccept: application/json\r\naccept-encoding: gzip, deflate\r\n"
    "content-type: application/json\r\nuser-agent: OpenAI/Python 3.57.0\r\nx-stainless-lang: python\r\n"
    "x-stainless-retry-count: 0\r\nauthorization: Bearer sk-bench-0123456789abcdefghij\r\n"
)


def _body(*, streaming: bool) -> bytes:
    # The member that ends both is the same: the model API knows a request's end by it.
    asks = {"stream": True} if streaming else {}
    return json.dumps({"model": "m", **asks, "messages": [{"role": "user", "content": PROMPT}]}).encode()


BODY = _body(streaming=False)


def request(path: str = "/v1/chat/completions", headers: Sequence[str] = (), *, streaming: bool = False) -> bytes:
    """One request; `headers` are further lines."""
    body = _body(streaming=streaming)
    lines = LINES + "".join(f"{line}\r\n" for line in headers)
    return f"POST {path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1893456000,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "It is short. " * 12}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 180, "completion_tokens": 40, "total_tokens": 220},
    }
).encode()
HEAD = (
    b"HTTP/1.1 200 OK\r\nserver: model\r\ndate: Tue, 01 Jan 2030 00:00:00 GMT\r\nx-request-id: req_0123456789abcdef\r\n"
)
WHOLE = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (HEAD, len(ANSWER), ANSWER)
EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1893456000,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'
)
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
STREAM = b"%bcontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" % HEAD
LAST = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
CHUNKS = 50


class Framed:
    """Finds the end of the messages that come one after the other on one connection."""

    def __init__(self) -> None:
        self._data = b""
        self.status = 0  # of the last message, if it is an answer

    def feed(self, data: bytes) -> bool:
        """Whether `data` completes a message."""
        self._data += data
        end = self._data.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        head = self._data[:end].lower()
        if b"\r\ntransfer-encoding: chunked" in head:
            complete = self._data.endswith(b"0\r\n\r\n")
        else:
            length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            complete = len(self._data) - end >= int(length or b"0")
        if complete:
            first = head.split(b" ", 2)
            self.status = int(first[1][:3]) if head.startswith(b"http/") else 0
            self._data = b""
        return complete
