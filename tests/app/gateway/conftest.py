"""A gateway in a thread, a model API that misbehaves on demand, a client that speaks raw bytes, a sink for copies."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.gateway.app import create_gateway_app
from app.gateway.serve import make_server
from app.settings import read_settings
from app.store.handoff import Copy, Counters, Record, serve

SECRET = "a secret of thirty-two characters or more"
PATIENCE = 60.0  # seconds before a wait is a failure


def until(condition: Callable[[], object], what: str = "the condition", seconds: float = PATIENCE) -> object:
    """The first true result of `condition`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds} s"
        time.sleep(0.002)
    return result


class Wire:
    """The model API's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes:
        data = self.sock.recv(65536)
        self.buffer += data
        return data

    def until(self, mark: bytes) -> bytes:
        """Bytes up to and with `mark`; empty at the connection's end."""
        while mark not in self.buffer:
            if not self.read():
                return b""
        head, _, self.buffer = self.buffer.partition(mark)
        return head + mark

    def exactly(self, count: int) -> bytes:
        """`count` bytes, or fewer at the connection's end."""
        parts, held = [self.buffer], len(self.buffer)
        while held < count and (data := self.sock.recv(65536)):
            parts.append(data)
            held += len(data)
        data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def gone_within(self, seconds: float) -> float:
        """Seconds until the other end is seen to be gone; fails after `seconds`."""
        began = time.monotonic()
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            raise AssertionError(f"the connection was still open after {seconds} s") from None
        except OSError:
            pass
        return time.monotonic() - began


class Seen:
    """One request as the model API saw it."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        lines = head.split(b"\r\n")
        self.line = lines[0]
        self.method, self.target, self.version = lines[0].split(b" ")
        self.lines = [line for line in lines[1:] if line]
        self.body = b""

    def values(self, name: str) -> list[bytes]:
        wanted = name.encode().lower()
        pairs = [line.partition(b":") for line in self.lines]
        return [value.strip() for key, _, value in pairs if key.strip().lower() == wanted]

    def read_body(self, wire: Wire) -> bytes:
        if length := self.values("content-length"):
            self.body = wire.exactly(int(length[0]))
        elif self.values("transfer-encoding"):
            while size := int(wire.until(b"\r\n").strip() or b"0", 16):
                self.body += wire.exactly(size)
                wire.exactly(2)
            wire.until(b"\r\n")
        return self.body


def answer(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """A plain answer with Content-Length."""
    head = "".join(f"{line}\r\n" for line in lines)
    return f"HTTP/1.1 {status}\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


Behaviour = Callable[[Seen, Wire], object]


def echo(seen: Seen, wire: Wire) -> None:
    wire.send(answer(seen.read_body(wire)))


class ModelApi:
    """Answers each request by the present `behaviour`, which may do anything to the connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.behaviour: Behaviour = echo
        self.seen: list[Seen] = []
        self.connections = 0
        self.wires: list[Wire] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                wire = Wire(sock)
                self.wires.append(wire)
                threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: Wire) -> None:
        with contextlib.suppress(OSError, ValueError), wire.sock:
            wire.sock.settimeout(60)
            while head := wire.until(b"\r\n\r\n"):
                seen = Seen(head)
                self.seen.append(seen)
                self.behaviour(seen, wire)
                wire.sock.settimeout(60)

    def last(self) -> Seen:
        return self.seen[-1]

    def close(self) -> None:
        self.listener.close()
        for wire in self.wires:
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)


class Client:
    """A raw connection to the gateway."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._found: list[http.client.HTTPResponse] = []

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def request(self, target: str, body: bytes = b"", *lines: str, method: str = "") -> None:
        method = method or ("POST" if body else "GET")
        head = "".join(f"{line}\r\n" for line in ("Host: gateway", *lines))
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.send(f"{method} {target} HTTP/1.1\r\n{head}{length}\r\n".encode() + body)

    def response(self, method: str = "GET") -> http.client.HTTPResponse:
        """The head of the next answer; `.read()` gives its body."""
        found = http.client.HTTPResponse(self.sock, method=method)
        self._found.append(found)
        found.begin()
        return found

    def ask(self, target: str, body: bytes = b"", *lines: str, method: str = "") -> tuple[int, bytes]:
        self.request(target, body, *lines, method=method)
        found = self.response(method or "GET")
        return found.status, found.read()

    def rest(self) -> bytes:
        """All bytes until the connection ends, however it ends."""
        parts = []
        with contextlib.suppress(ConnectionError):
            while data := self.sock.recv(65536):
                parts.append(data)
        return b"".join(parts)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        for found in self._found:
            found.close()  # else it keeps the socket open
        self.sock.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Running:
    """A gateway process's server, in a thread of this one."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = read_settings(settings)
        self.app = create_gateway_app(self.settings)
        self.parts = self.app.state.parts
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.server = make_server(self.app, self.settings.drain_seconds)
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],), daemon=True)
        self.thread.start()
        until(lambda: self.server.started, "the gateway's start")

    def client(self) -> Client:
        return Client(self.port)

    def counters(self) -> dict[str, float]:
        return self.parts.readings.flat()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        self.listener.close()


class Sink:
    """The extractor's end of the hand-off: keeps what it gets."""

    def __init__(self, path: Path) -> None:
        self.records: list[Record] = []
        self._loop = asyncio.new_event_loop()
        self._path = path
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(serve(self._path, self.records.extend))
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def copies(self, target: bytes) -> list[Copy]:
        return [entry for entry in self.records if isinstance(entry, Copy) and entry.target.startswith(target)]

    def copy(self, target: bytes) -> Copy:
        """The copy of the request to `target`, once it is here."""
        until(lambda: self.copies(target), f"the copy of {target!r}")
        return self.copies(target)[0]

    def counters(self) -> list[Counters]:
        return [entry for entry in self.records if isinstance(entry, Counters)]

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)


@pytest.fixture(scope="session")
def _model_api() -> Iterator[ModelApi]:
    api = ModelApi()
    yield api
    api.close()


@pytest.fixture(scope="session")
def _stage(_model_api: ModelApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Sink]]:
    data = tmp_path_factory.mktemp("gw")
    settings = {
        "UPSTREAM": f"http://127.0.0.1:{_model_api.port}",
        "STILLWATCH_DATA": str(data),
        "STILLWATCH_SECRET": SECRET,
        "STILLWATCH_COPY_BYTES": "65536",
        "STILLWATCH_DRAIN_SECONDS": "0",
    }
    sink = Sink(read_settings(settings).handoff)
    gateway = Running(settings)
    yield gateway, sink
    gateway.stop()
    sink.stop()


@pytest.fixture
def model_api(_model_api: ModelApi) -> ModelApi:
    """The misbehaving model API, set to echo."""
    _model_api.behaviour = echo
    _model_api.seen.clear()
    return _model_api


@pytest.fixture
def gateway(_stage: tuple[Running, Sink], model_api: ModelApi) -> Running:
    """One gateway in observe mode in front of `model_api`, shared by the tests of a process."""
    return _stage[0]


@pytest.fixture
def sink(_stage: tuple[Running, Sink]) -> Sink:
    """Where the shared gateway's copies arrive."""
    return _stage[1]


@pytest.fixture
def client(gateway: Running) -> Iterator[Client]:
    with gateway.client() as connection:
        yield connection


@pytest.fixture
def make_gateway(model_api: ModelApi, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Gateways with settings of the test's own."""
    started: list[Running] = []

    def start(**settings: str) -> Running:
        defaults = {
            "UPSTREAM": f"http://127.0.0.1:{model_api.port}",
            "STILLWATCH_DATA": str(tmp_path),
            "STILLWATCH_SECRET": SECRET,
            "STILLWATCH_DRAIN_SECONDS": "0",
        }
        started.append(Running({**defaults, **settings}))
        return started[-1]

    yield start
    for entry in started:
        entry.stop()


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The helpers above, for test modules, which cannot import each other."""
    return SimpleNamespace(until=until, answer=answer, chunk=chunk, echo=echo, Client=Client, Sink=Sink, SECRET=SECRET)
