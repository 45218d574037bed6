"""Fuzz the parsers: `make fuzz`, or `python -m bench.fuzz [seconds]`, guided by coverage where atheris is installed.

One input in eight goes to the small parsers: log lines, forwarded addresses, hand-off frames, decisions, tokens.
Without atheris, which has wheels for Linux on x86-64, the same target is driven by hypothesis for that long, and the
output says so. The seeds are the exchanges of the tests. A failure ends the run with the input in `crash-*` or in the
traceback.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Target = Callable[[bytes], None]
SMALL: Final = b"\xe0"  # first bytes from here on choose a small parser
SEEDS: Final = Path(__file__).parents[1] / "tests/app/extractor/providers/wire"
DETECTORS: Final = Path(__file__).parents[1] / "detectors"
GAP: Final = b"\n========\n"
STALL: Final = 5.0  # seconds of processor time for one input of at most INPUT bytes
INPUT: Final = 64 << 10
TARGETS: Final = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/files", "/v1/messages",
    "/v1/messages/batches", "/v1/models/m:generateContent", "/v1/models/m:batchGenerateContent", "/api/chat",
)  # fmt: skip
KINDS: Final = (
    b"application/json", b"text/event-stream", b"application/x-ndjson", b"multipart/form-data; boundary=----b0und", b"",
)  # fmt: skip


class Modules(NamedTuple):
    """The parsers and the features, imported late so that atheris can instrument them."""

    providers: Any
    handoff: Any
    features: Any
    exchange: Any
    log: Any
    forwarded: Any
    tokens: Any
    frames: Any
    decisions: Any


def load() -> Modules:
    """All of it."""
    names = (
        "app.extractor.providers", "app.store.handoff", "detectors.features", "detectors.exchange", "app.ingest.log",
        "app.gateway.forwarded", "app.gateway.tokens", "app.store.frames", "app.store.decisions",
    )  # fmt: skip
    return Modules(*map(importlib.import_module, names))


def make_target(modules: Modules) -> Target:
    """One input to one parser, which may take at most STALL of processor time."""
    some = modules.exchange.Exchange(0.0, 0, messages=(modules.exchange.Message("user", "a"),), completions=("a",))
    # What compiles the loops where they are not yet: no input is to answer for that.
    modules.features.events([some], seed=1)
    small = make_small(modules)

    def target(data: bytes) -> None:
        begun = time.process_time()
        if data[:1] >= SMALL:
            small[data[0] % len(small)](data[1:])
        else:
            exchange(modules, data)
        assert time.process_time() - begun < STALL, "an input stalls the parsers"

    return target


def exchange(modules: Modules, data: bytes) -> None:
    """One copy: four bytes choose path, types, encoding and gap, the rest is the two bodies."""
    route, kinds, shape, gap, rest = *data[:4].ljust(4, b"\0"), data[4:]
    request, _, answer = rest.partition(GAP)
    encoding = ((b"content-encoding", (b"", b"gzip", b"deflate", b"br")[shape & 3]),)
    cut = (shape >> 2) & 3
    copy = modules.handoff.Copy(
        1.0, 7, "192.0.2.1", "GET" if shape >= 250 else "POST", TARGETS[route % len(TARGETS)].encode(),
        ((b"content-type", KINDS[kinds % 5]), *encoding), request, len(request) << (cut * 4),
        len(request) * gap // 256 if cut & 1 else -1, 200,
        ((b"content-type", KINDS[kinds // 5 % 5]), *encoding), answer, len(answer) << (cut * 4),
        len(answer) * gap // 256 if cut & 2 else -1, 0.1, 1.0, 0,
    )  # fmt: skip
    found = modules.providers.read(copy).exchange
    modules.features.events([found], seed=1)
    assert isinstance(found, modules.exchange.Exchange)
    assert min(found.prompts, found.input_tokens, found.output_tokens) >= 0


def make_small(modules: Modules) -> tuple[Target, ...]:
    """The small parsers: each says ValueError of what it cannot read, or has a value for it, and nothing else."""
    keys = Path(tempfile.mkdtemp(prefix="fuzz-keys-")) / "keys.json"
    keys.write_text(json.dumps({"kty": "oct", "k": "a" * 44, "alg": "HS256"}), "utf-8")
    verifier = modules.tokens.Verifier(keys, "", "")

    def line(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            modules.log.read_entry(orjson.loads(data))

    def addresses(data: bytes) -> None:
        values = data.split(b"\n")
        list(modules.forwarded.x_forwarded_for(values))
        list(modules.forwarded.forwarded(values))
        modules.forwarded.certificate(values, 1 + len(values) % 3)

    def cut_frames(data: bytes) -> None:
        decoder = modules.frames.Decoder()
        with contextlib.suppress(ValueError):
            for at in range(0, len(data), 97):
                decoder.feed(data[at : at + 97])

    def decision(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            modules.decisions.parse(data)

    def token(data: bytes) -> None:
        assert verifier.verify(data) is None, "a token that nobody signed"

    return line, addresses, cut_frames, decision, token


def seeds() -> list[bytes]:
    """The tests' exchanges as inputs, each under every path and type."""
    bodies = []
    for path in sorted(SEEDS.glob("*.http")):
        request, _, answer = path.read_bytes().partition(GAP)
        bodies.append(request.partition(b"\n\n")[2] + GAP + answer.partition(b"\n\n")[2])
    copies = [bytes((route, kind, 0, 0)) + body for body in bodies for route in range(len(TARGETS)) for kind in (0, 5)]
    return copies + [bytes((at,)) + one for at in range(SMALL[0], 256) for one in small_seeds()]


def small_seeds() -> tuple[bytes, ...]:
    """One of each that the small parsers read."""
    frames = importlib.import_module("app.store.frames")  # late, as all that is measured
    line = (
        b'{"ts":1,"client":"a","path":"/v1/messages","status":200,"headers":{"user-agent":"x"},"body":{"messages":[]}}'
    )
    decision = (
        b'{"id":"d","client":"cl_0a","action":"tag","simulated":false,"starts_at":1,"expires_at":2,"parameters":{}}'
    )
    counters = b'{"instance":"a","values":{"requests":1},"accounts":{"cl_0a":"b"}}'
    frame = frames.PREFIX.pack(len(counters), frames.COUNTERS) + counters
    addresses = b'192.0.2.1, "[2001:db8::1]:80"\nfor=192.0.2.1;by=x, for="_a";proto=https\nURI=spiffe://a;Hash=00;Subject="CN=b"'
    token = jwt.encode({"sub": "a", "exp": 9e9}, "b" * 32, headers={"kid": "k"}).encode()
    return line, addresses, frame, decision, token


def guided(atheris: Any, seconds: int) -> None:
    """Run until the time is over; atheris ends the process."""
    # What numba compiles is left as it is: it cannot compile what counts branches.
    loops = [f"detectors.{path.stem}" for path in DETECTORS.glob("*.py") if "detectors.compiled" in path.read_text()]
    with atheris.instrument_imports(include=["app", "detectors"], exclude=[*loops, "detectors.compiled"]):
        target = make_target(load())
    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", f"-max_len={INPUT}", str(corpus)], target)
    atheris.Fuzz()


def unguided(seconds: int) -> int:
    """Run hypothesis on mutated seeds until the time is over; the number of inputs."""
    target, known = make_target(load()), seeds()
    until, count = time.monotonic() + seconds, 0
    edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), max_size=6)

    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.sampled_from(known) | st.binary(max_size=400), edits=edits, head=st.binary(max_size=4))
    def one_round(seed: bytes, edits: list[tuple[float, int, bytes]], head: bytes) -> None:
        nonlocal count
        data = head + seed[len(head) :]
        for place, gone, new in edits:
            at = int(place * len(data))
            data = data[:at] + new + data[at + gone :]
        target(data[:INPUT])
        count += 1

    while time.monotonic() < until:
        one_round()
    return count


def main() -> int:
    """The command; exit code 0 where no input failed."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print(f"atheris is not installed: random inputs for {seconds} s, not guided by coverage")
        print(f"{unguided(seconds)} inputs, none failed")
        return 0
    guided(atheris, seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
