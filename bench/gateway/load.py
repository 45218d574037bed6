"""Both ends of a proxy in one process that never sleeps: its clients and its model API.

A process that sleeps must be woken by whoever writes to it, and the kernel books that on the writer: a
slower proxy, whose peers sleep more, would pay more for every write. Here nobody sleeps.
"""

from __future__ import annotations

import argparse
import heapq
import json
import select
import socket
import time
from collections.abc import Callable

PROMPT = "Summarise the following paragraph in two sentences for a reader who is in a hurry. " * 9
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": PROMPT}]}).encode()
LINES = (
    b"host: 127.0.0.1\r\naccept: application/json\r\naccept-encoding: gzip, deflate\r\n"
    b"content-type: application/json\r\nuser-agent: OpenAI/Python 3.57.0\r\nx-stainless-lang: python\r\n"
    b"x-stainless-retry-count: 0\r\nauthorization: Bearer sk-bench-0123456789abcdefghij\r\n"
)
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (LINES, len(BODY), BODY)
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
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
EVENT = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
STREAM = b"%bcontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" % HEAD
LAST = b"0\r\n\r\n"
CHUNKS = 50
SPACING_SECONDS = 0.002  # between the chunks of a stream


class Bench:
    """The event loop over both ends."""

    def __init__(self, target: int, upstream: int, connections: int, *, streaming: bool) -> None:
        self._poll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._due: list[tuple[float, int, socket.socket, int]] = []
        self._streaming = streaming
        self._end = LAST if streaming else ANSWER[-16:]
        self._stop = False
        self.done = 0
        self.waiting = 0
        self._listener = socket.create_server(("127.0.0.1", upstream), backlog=1024)
        self._watch(self._listener, self._accept)
        self._clients = [socket.create_connection(("127.0.0.1", target)) for _ in range(connections)]
        for client in self._clients:
            self._watch(client, lambda client=client: self._client(client))  # type: ignore[misc]

    def _watch(self, sock: socket.socket, handler: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._handlers[sock.fileno()] = handler
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch(sock, lambda: self._upstream(sock))

    def _upstream(self, sock: socket.socket) -> None:
        data = sock.recv(65536)
        if not data:
            self._poll.unregister(sock.fileno())
            del self._handlers[sock.fileno()]
            sock.close()
        elif not data.endswith(BODY[-16:]):
            return
        elif self._streaming:
            sock.send(STREAM)
            heapq.heappush(self._due, (time.monotonic() + SPACING_SECONDS, sock.fileno(), sock, CHUNKS))
        else:
            sock.send(WHOLE)

    def _client(self, sock: socket.socket) -> None:
        data = sock.recv(65536)
        if not data:
            raise SystemExit("the proxy closed a client's connection")
        if data.endswith(self._end):
            self.done += 1
            self.waiting -= 1
            if not self._stop:
                self._ask(sock)

    def _ask(self, sock: socket.socket) -> None:
        self.waiting += 1
        sock.send(REQUEST)

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, number, sock, left = heapq.heappop(self._due)
            sock.send(CHUNK if left else LAST)
            if left:
                heapq.heappush(self._due, (now + SPACING_SECONDS, number, sock, left - 1))

    def run(self, seconds: float) -> int:
        """Requests completed in about `seconds`; those under way at the end are seen through."""
        for client in self._clients:
            self._ask(client)
        finish = time.monotonic() + seconds
        while self.waiting:
            for number, _ in self._poll.poll(0):
                self._handlers[number]()
            if self._due:
                self._send_due()
            self._stop = time.monotonic() > finish
            if time.monotonic() > finish + 30:
                raise SystemExit(f"{self.waiting} requests got no answer")
        return self.done


def main() -> None:
    """Print how many requests were completed, and in how many seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=int, help="port of the proxy")
    parser.add_argument("upstream", type=int, help="port to serve the model API on")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--streaming", action="store_true")
    args = parser.parse_args()
    bench = Bench(args.target, args.upstream, args.connections, streaming=args.streaming)
    began = time.monotonic()
    done = bench.run(args.seconds)
    print(json.dumps({"requests": done, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
