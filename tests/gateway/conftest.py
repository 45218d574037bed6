"""A real gateway process between raw sockets: a client that says anything, a model API that misbehaves on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.store.handoff import OUTCOMES, Copy, serve

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-the-conformance-suite-0123456789"
WAIT = 60.0  # seconds until a test gives up; never waited for in a passing run
Pairs = list[tuple[bytes, bytes]]


def eventually(holds: Callable[[], object], what: str = "it", seconds: float = WAIT) -> object:
    """The first true value of `holds`, polled; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s: {holds()!r}")
        time.sleep(0.005)
    return value


def reset(sock: socket.socket) -> None:
    """Close with a RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def headers_of(block: bytes) -> Pairs:
    """The header lines of a head, in order, as they stand."""
    return [(line.partition(b":")[0], line.partition(b":")[2].strip()) for line in block.split(b"\r\n")[1:] if line]


def values(headers: Pairs, name: str) -> list[bytes]:
    """Every value of a header, in order."""
    return [value for key, value in headers if key.lower() == name.lower().encode()]


class Reader:
    """Reads HTTP messages from a socket; keeps what came too early."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.held = b""

    def more(self) -> bool:
        """Read once; False at the end."""
        data = self.sock.recv(1 << 18)
        self.held += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        """Everything up to and with `mark`."""
        parts, size, tail = [self.held], len(self.held), self.held
        while mark not in tail:
            data = self.sock.recv(1 << 18)
            if not data:
                self.held = b"".join(parts)
                raise EOFError(f"ended without {mark!r} after {size} bytes: {self.held[-200:]!r}")
            parts.append(data)
            size += len(data)
            tail = tail[-len(mark) :] + data
        whole = b"".join(parts)
        at = whole.index(mark) + len(mark)
        self.held = whole[at:]
        return whole[:at]

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes."""
        parts, have = [self.held], len(self.held)
        while have < size:
            data = self.sock.recv(1 << 18)
            if not data:
                self.held = b"".join(parts)
                raise EOFError(f"ended {size - have} bytes early")
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self.held = whole[size:]
        return whole[:size]

    def chunk(self) -> bytes:
        """One chunk's data; empty at the last one, whose trailers are read too."""
        size = int(self.until(b"\r\n").partition(b";")[0], 16)
        if size:
            data = self.exactly(size)
            assert self.exactly(2) == b"\r\n"
            return data
        while self.until(b"\r\n") != b"\r\n":
            pass
        return b""

    def rest(self) -> bytes:
        """Everything to the end of the connection; raises ConnectionResetError where it ends in a RST."""
        while self.more():
            pass
        data, self.held = self.held, b""
        return data


@dataclass
class Asked:
    """A request as the model API got it."""

    head: bytes
    link: int  # which connection, counted from 0
    method: str = ""
    target: bytes = b""
    headers: Pairs = field(default_factory=list)
    body: bytes | None = None  # once read

    def __post_init__(self) -> None:
        method, self.target, _ = self.head.partition(b"\r\n")[0].split(b" ")
        self.method = method.decode()
        self.headers = headers_of(self.head)

    def values(self, name: str) -> list[bytes]:
        return values(self.headers, name)


class Link(Reader):
    """The model API's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        super().__init__(sock)
        self.number = number
        self.open = True
        self.working = False

    def body(self, asked: Asked) -> bytes:
        """The request's body, whole."""
        if asked.values("transfer-encoding"):
            parts = []
            while data := self.chunk():
                parts.append(data)
            asked.body = b"".join(parts)
        else:
            asked.body = self.exactly(int((asked.values("content-length") or [b"0"])[0]))
        return asked.body

    def send(self, *data: bytes) -> None:
        for part in data:
            self.sock.sendall(part)

    def reset(self) -> None:
        self.open = False
        reset(self.sock)

    def close(self) -> None:
        self.open = False
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def abandoned(self, seconds: float = WAIT) -> float:
        """Wait until the gateway closes this connection; the moment it did."""
        self.sock.settimeout(seconds)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while self.more():
                pass
        return time.monotonic()


Script = Callable[[Link, Asked], None]


def plain(body: bytes = b'{"ok": true}', *extra: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer with a Content-Length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", *extra, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked_head(*extra: bytes, kind: bytes = b"text/event-stream") -> bytes:
    """The head of a chunked answer."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + kind, *extra, b"Transfer-Encoding: chunked"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def answering(*parts: bytes) -> Script:
    """Read the request, then send these bytes."""

    def script(link: Link, asked: Asked) -> None:
        link.body(asked)
        link.send(*parts)

    return script


class Upstream:
    """A model API of threads and raw sockets that does what the present script says."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.script: Script = answering(plain())
        self.asked: list[Asked] = []
        self.faults: list[BaseException] = []
        self.links: list[Link] = []
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, *parts: bytes) -> None:
        """From now on, read each request and answer it with these bytes."""
        self.script = answering(*parts)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                link = Link(sock, self.accepted)
                self.accepted += 1
                self.links.append(link)
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: Link) -> None:
        try:
            while link.open:
                asked = Asked(link.until(b"\r\n\r\n"), link.number)
                link.working = True
                self.asked.append(asked)
                self.script(link, asked)
                link.working = False
        except (OSError, EOFError):
            pass
        except BaseException as error:  # noqa: BLE001  shown by the fixture
            self.faults.append(error)
        finally:
            link.open = False
            link.sock.close()
            with contextlib.suppress(ValueError):
                self.links.remove(link)

    def renew(self) -> None:
        """Ready for another test: idle connections stay, as in life."""
        for link in list(self.links):
            if link.working:
                with contextlib.suppress(OSError):
                    link.sock.shutdown(socket.SHUT_RDWR)
        self.script = answering(plain())
        self.asked.clear()
        self.faults.clear()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for link in list(self.links):
            with contextlib.suppress(OSError):
                link.sock.shutdown(socket.SHUT_RDWR)


@dataclass
class Answer:
    """An answer as the client got it."""

    status: int
    headers: Pairs
    head: bytes
    body: bytes = b""
    whole: bool = True  # its framing says that it came to its end
    interim: list[int] = field(default_factory=list)

    def values(self, name: str) -> list[bytes]:
        return values(self.headers, name)

    @property
    def code(self) -> str:
        """Of an error that the gateway made itself; empty for any other answer."""
        with contextlib.suppress(ValueError):
            error = json.loads(self.body).get("error", {})
            return error["code"] if error.get("type") == "stillwatch_gateway" else ""
        return ""


class Client(Reader):
    """A raw client of the gateway."""

    def __init__(self, port: int, *, buffer: int = 0, timeout: float = WAIT) -> None:
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.settimeout(timeout)
        try:
            sock.connect(("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, *data: bytes) -> None:
        for part in data:
            self.sock.sendall(part)

    def reset(self) -> None:
        reset(self.sock)

    def head(self) -> Answer:
        """The answer's head; its body is for the caller to read."""
        interim = []
        while True:
            head = self.until(b"\r\n\r\n")
            status = int(head[9:12])
            if status >= 200 or status == 101:
                return Answer(status, headers_of(head), head, interim=interim)
            interim.append(status)

    def answer(self, *, bodiless: bool = False) -> Answer:
        """A whole answer, or what came of it."""
        answer = self.head()
        if bodiless or answer.status in (204, 304):
            return answer
        parts: list[bytes] = []
        try:
            if answer.values("transfer-encoding"):
                while data := self.chunk():
                    parts.append(data)
            elif lengths := answer.values("content-length"):
                parts.append(self.exactly(int(lengths[0])))
            else:
                parts.append(self.rest())
        except (EOFError, ConnectionResetError, BrokenPipeError):
            answer.whole = False
            parts.append(self.held)
        answer.body = b"".join(parts)
        return answer

    def ask(self, *request: bytes, bodiless: bool = False) -> Answer:
        """Send a request and read its answer."""
        self.send(*request)
        return self.answer(bodiless=bodiless)

    def ended(self, seconds: float = WAIT) -> bool:
        """Whether the gateway closes the connection without another byte."""
        self.sock.settimeout(seconds)
        try:
            return not self.held and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def request(
    method: str = "POST",
    target: bytes = b"/v1/chat/completions",
    body: bytes | None = None,
    *extra: bytes,
    host: bytes = b"Host: gateway.test",
) -> bytes:
    """A request's bytes; with a Content-Length where there is a body."""
    lines = [method.encode() + b" " + target + b" HTTP/1.1", host, *extra]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


class Gateway:
    """A gateway process; its log is a file."""

    def __init__(self, upstream: str, folder: Path, limit: int = 0, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "gateway.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STILLWATCH_")},
            "UPSTREAM": upstream,
            "REDIS_URL": "",
            "STILLWATCH_DATA": str(folder),
            "STILLWATCH_SECRET": SECRET,
            "STILLWATCH_LOG_LEVEL": "debug",
            "STILLWATCH_NICE": "0",
            **settings,
        }
        self._limit = limit
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._start()

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "app.cli", "gateway"]
        return ["/bin/sh", "-c", f'ulimit -n {self._limit}; exec "$@"', "sh", *command] if self._limit else command

    def _start(self) -> None:
        for _ in range(3):  # another process may take the port between the choice and its use
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    self._command(),
                    cwd=ROOT,
                    env={**self.environment, "STILLWATCH_GATEWAY_PORT": str(self.port)},
                    stdout=log,
                    stderr=log,
                )
            deadline = time.monotonic() + 60
            while self.process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError), Client(self.port) as client:
                    if client.ask(request("GET", b"/_stillwatch/readyz")).status == 200:
                        return
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"the gateway did not start: {self.log.read_text()[-400:]}")

    def client(self, **options: int) -> Client:
        return Client(self.port, **options)

    def ask(self, *data: bytes, bodiless: bool = False) -> Answer:
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(*data, bodiless=bodiless)

    def own(self, name: str) -> Answer:
        """One of the gateway's own endpoints."""
        return self.ask(request("GET", b"/_stillwatch/" + name.encode()))

    def counters(self) -> dict[str, float]:
        counters: dict[str, float] = json.loads(self.own("status").body)["counters"]
        return counters

    def idle(self) -> bool:
        """Whether no request is in flight."""
        return self.counters()["in_flight"] == 0

    def settled(self, requests: float) -> dict[str, float]:
        """The counters once `requests` have ended."""
        eventually(lambda: self.counters()["requests"] >= requests and self.idle(), f"{requests} ended requests")
        return self.counters()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def rss(self) -> int:
        """Resident bytes."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) << 10  # type: ignore[index]

    def peak(self) -> int:
        """The most resident bytes since `mark_peak`."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) << 10  # type: ignore[index]

    def mark_peak(self) -> int:
        """Forget the peak; the resident bytes now."""
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.rss()

    def sockets(self, state: int, peer: int) -> int:
        """Sockets of this host in a TCP state whose other end, or own, is a port."""
        found = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, code = line.split()[:4]
            ports = (int(local[-4:], 16), int(remote[-4:], 16))
            found += int(code, 16) == state and peer in ports
        return found

    def terminate(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """End it; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the gateway did not stop: {self.log.read_text()[-2000:]}") from None
        return self.process.wait()


class Copies:
    """The extractor's end of the hand-off: keeps every copy."""

    def __init__(self, path: Path) -> None:
        self.copies: list[Copy] = []
        self._path = path
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        eventually(path.exists, "the socket")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with await serve(self._path, self._take):
            await self._stopping.wait()
            await asyncio.sleep(0.1)  # the gateway has ended: let the connections' ends be read

    def _take(self, records: Sequence[object]) -> None:
        self.copies += [record for record in records if isinstance(record, Copy)]

    def of(self, path: bytes, count: int = 1) -> list[Copy]:
        """The copies of requests to a path, once there are `count`; more are an error."""
        found = lambda: [copy for copy in list(self.copies) if copy.target.partition(b"?")[0] == path]  # noqa: E731
        eventually(lambda: len(found()) >= count, f"{count} copies of {path!r}")
        assert len(found()) == count
        return found()

    def outcomes(self, path: bytes, count: int = 1) -> list[str]:
        return [OUTCOMES[copy.outcome] for copy in self.of(path, count)]

    def close(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()


@pytest.fixture(scope="session")
def wire() -> SimpleNamespace:
    """Words to speak HTTP with."""
    return SimpleNamespace(
        request=request,
        plain=plain,
        chunked_head=chunked_head,
        chunk=chunk,
        end=END,
        answering=answering,
        eventually=eventually,
        values=values,
        reset=reset,
        secret=SECRET,
    )


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """The shared gateway's data folder; short, for the socket in it."""
    path = Path(tempfile.mkdtemp(prefix="sw-gw-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def _upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def upstream(_upstream: Upstream) -> Iterator[Upstream]:
    """The model API behind the shared gateway, ready for a script."""
    _upstream.renew()
    yield _upstream
    faults = list(_upstream.faults)
    _upstream.renew()
    assert not faults, faults


@pytest.fixture(scope="session")
def _copies(folder: Path) -> Iterator[Copies]:
    sink = Copies(folder / "handoff.sock")
    yield sink
    sink.close()


@pytest.fixture(scope="session")
def _gateway(folder: Path, _upstream: Upstream, _copies: Copies) -> Iterator[Gateway]:
    process = Gateway(_upstream.url, folder, STILLWATCH_IDLE_SECONDS="4", STILLWATCH_COPY_BYTES="65536")
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
def gateway(_gateway: Gateway, upstream: Upstream) -> Gateway:
    """The shared gateway: model API silent for 4 s is given up, 64 KiB of each body are copied."""
    eventually(_gateway.idle, "an idle gateway")
    return _gateway


@pytest.fixture
def copies(_copies: Copies, gateway: Gateway) -> Copies:
    """What the shared gateway hands to the extractor, from now on."""
    eventually(lambda: json.loads(gateway.own("readyz").body)["extractor"] == "connected", "a connected extractor")
    eventually(lambda: all_told(gateway.counters()), "the copies of earlier requests")
    _copies.copies.clear()
    return _copies


def all_told(counters: dict[str, float]) -> bool:
    return counters["handoff_sent"] + counters["handoff_dropped"] >= counters["requests"]


@pytest.fixture
def another(tmp_path: Path, upstream: Upstream) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways of the test's own, with settings of its own."""
    started: list[Gateway] = []

    def start(url: str = "", limit: int = 0, **settings: str) -> Gateway:
        place = tmp_path / f"gateway{len(started)}"
        place.mkdir()
        started.append(Gateway(url or upstream.url, place, limit, **settings))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def sink() -> Iterator[Callable[[Gateway], Copies]]:
    """The extractor's end for a gateway of the test's own."""
    sinks: list[tuple[Gateway, Copies]] = []

    def listen(gateway: Gateway) -> Copies:
        copies = Copies(gateway.folder / "handoff.sock")
        sinks.append((gateway, copies))
        eventually(lambda: json.loads(gateway.own("readyz").body)["extractor"] == "connected", "a connected extractor")
        return copies

    yield listen
    for gateway, copies in sinks:
        gateway.stop()
        copies.close()
