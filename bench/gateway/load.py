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
import ssl
import statistics
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bench.gateway.messages import ANSWER, BODY, CHUNK, CHUNKS, LAST, STREAM, WHOLE, Framed, request

SPACING_SECONDS = 0.002  # between the chunks of a stream
READ_BYTES = 65536
PATIENCE_SECONDS = 60.0  # for the last answers


class Bench:
    """The event loop over both ends."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._poll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._due: list[tuple[float, int, socket.socket, int]] = []
        self._streaming: bool = args.streaming
        self._framed: bool = args.framed
        self._request = request(args.path, args.header, streaming=args.streaming)
        self._end = LAST[-5:] if args.streaming else ANSWER[-16:]
        self._tls: ssl.SSLContext | None = None
        if args.certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(args.certificate)
        self._stop = False
        self._rate: float = args.rate  # requests a second over all clients; 0: as fast as they are answered
        self._ready: deque[socket.socket] = deque()  # clients that may ask
        self._begun = 0.0
        self._asks = 0
        self._asked: dict[int, float] = {}  # when a client asked, until the first byte of its answer
        self.first: list[float] = []  # seconds to the first byte, but for each client's first answer
        self.done = 0
        self.waiting = 0
        self._listener = socket.create_server(("127.0.0.1", args.upstream), backlog=1024)
        self._watch(self._listener, self._accept)
        target = args.upstream if args.direct else args.target
        self._clients: list[socket.socket] = []
        for _ in range(args.connections):
            client = socket.create_connection(("127.0.0.1", target))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch(client, self._client_of(client))
            self._clients.append(client)

    def _watch(self, sock: socket.socket, handler: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._handlers[sock.fileno()] = handler
        self._poll.register(sock.fileno(), select.EPOLLIN)

    # The model API.

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            sock.settimeout(10)
            sock = self._tls.wrap_socket(sock, server_side=True)
        self._watch(sock, self._upstream_of(sock))

    def _upstream_of(self, sock: socket.socket) -> Callable[[], None]:
        framed = Framed()

        def read() -> None:
            for data in self._received(sock):
                if not data:
                    self._poll.unregister(sock.fileno())
                    del self._handlers[sock.fileno()]
                    sock.close()
                elif framed.feed(data) if self._framed else data.endswith(BODY[-16:]):
                    self._answer(sock)

        return read

    def _received(self, sock: socket.socket) -> list[bytes]:
        """What can be read now; under TLS bytes may wait where no poll shows them."""
        if self._tls is None or not isinstance(sock, ssl.SSLSocket):
            return [sock.recv(READ_BYTES)]
        parts: list[bytes] = []
        try:
            while not parts or parts[-1]:
                parts.append(sock.recv(READ_BYTES))
        except (ssl.SSLWantReadError, ssl.SSLEOFError, ConnectionError):
            pass
        return parts

    def _answer(self, sock: socket.socket) -> None:
        if self._streaming:
            sock.send(STREAM)
            heapq.heappush(self._due, (time.monotonic() + SPACING_SECONDS, sock.fileno(), sock, CHUNKS))
        else:
            sock.send(WHOLE)

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, number, sock, left = heapq.heappop(self._due)
            sock.send(CHUNK if left else LAST)
            if left:
                heapq.heappush(self._due, (now + SPACING_SECONDS, number, sock, left - 1))

    # The clients.

    def _client_of(self, sock: socket.socket) -> Callable[[], None]:
        framed, number, answers = Framed(), sock.fileno(), 0

        def read() -> None:
            nonlocal answers
            data = sock.recv(READ_BYTES)
            if (asked := self._asked.pop(number, 0.0)) and answers:
                self.first.append(time.monotonic() - asked)
            if not data:
                raise SystemExit("the proxy closed a client's connection")
            if framed.feed(data) if self._framed else data.endswith(self._end):
                if self._framed and framed.status != 200:
                    raise SystemExit(f"the proxy answered {framed.status}")
                self.done += 1
                self.waiting -= 1
                answers += 1
                if self._rate:
                    self._ready.append(sock)
                elif not self._stop:
                    self._ask(sock)

        return read

    def _ask_ready(self, now: float) -> None:
        """Let clients ask whose turn it is at the rate."""
        while self._ready and not self._stop and self._asks < (now - self._begun) * self._rate:
            self._ask(self._ready.popleft())

    def _ask(self, sock: socket.socket) -> None:
        self.waiting += 1
        self._asks += 1
        self._asked[sock.fileno()] = time.monotonic()
        sock.send(self._request)

    def run(self, seconds: float) -> int:
        """Requests completed in about `seconds`; those under way at the end are seen through."""
        self._begun = now = time.monotonic()
        if self._rate:
            self._ready.extend(self._clients)
        else:
            for client in self._clients:
                self._ask(client)
        while self.waiting or (self._rate and not self._stop):
            for number, _ in self._poll.poll(0):
                self._handlers[number]()
            if self._due:
                self._send_due()
            now = time.monotonic()
            self._stop = now > self._begun + seconds
            if self._ready:
                self._ask_ready(now)
            if now > self._begun + seconds + PATIENCE_SECONDS:
                raise SystemExit(f"{self.waiting} requests got no answer")
        return self.done


def main() -> None:
    """Print how many requests were completed, in how many seconds, and the first bytes' delays in milliseconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=int, help="port of the proxy")
    parser.add_argument("upstream", type=int, help="port to serve the model API on")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: as fast as they are answered")
    parser.add_argument("--streaming", action="store_true")
    parser.add_argument("--direct", action="store_true", help="no proxy: the clients speak to the model API")
    parser.add_argument("--framed", action="store_true", help="read messages by their lengths: the proxy rewrites them")
    parser.add_argument("--certificate", type=Path, help="serve the model API under TLS with this")
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--header", action="append", default=[], help="one more header line of each request")
    args = parser.parse_args()
    bench = Bench(args)
    began = time.monotonic()
    done = bench.run(args.seconds)
    seconds = time.monotonic() - began
    cuts = statistics.quantiles(bench.first, n=100) if len(bench.first) > 1 else [0.0] * 99
    told = {"requests": done, "seconds": seconds, "first_p50_ms": cuts[49] * 1000, "first_p99_ms": cuts[98] * 1000}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
