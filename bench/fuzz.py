"""Fuzz the parsers: `python -m bench.fuzz [seconds]`, guided by coverage where atheris is installed.

Without it the same target is driven by hypothesis for that long, and the output says so. The seeds are the
exchanges of the tests. A failure ends the run with the input in `crash-*` or in the traceback.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SEEDS: Final = Path(__file__).parents[1] / "tests/app/extractor/providers/wire"
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


def load() -> Any:
    """The parsers and the features, imported late so that atheris can instrument them."""
    names = ("app.extractor.providers", "app.store.handoff", "detectors.features", "detectors.exchange")
    return [importlib.import_module(name) for name in names]


def make_target(modules: Any) -> Any:
    """One input to one copy: four bytes choose path, types, encoding and gap, the rest is the two bodies."""
    providers, handoff, features, exchange = modules
    some = exchange.Exchange(0.0, 0, messages=(exchange.Message("user", "a"),), completions=("a",))
    features.events([some], seed=1)  # what compiles the loops where they are not yet: no input is to answer for that

    def target(data: bytes) -> None:
        route, kinds, shape, gap, rest = *data[:4].ljust(4, b"\0"), data[4:]
        request, _, answer = rest.partition(GAP)
        encoding = ((b"content-encoding", (b"", b"gzip", b"deflate", b"br")[shape & 3]),)
        cut = (shape >> 2) & 3
        copy = handoff.Copy(
            1.0, 7, "192.0.2.1", "GET" if shape >= 250 else "POST", TARGETS[route % len(TARGETS)].encode(),
            ((b"content-type", KINDS[kinds % 5]), *encoding), request, len(request) << (cut * 4),
            len(request) * gap // 256 if cut & 1 else -1, 200,
            ((b"content-type", KINDS[kinds // 5 % 5]), *encoding), answer, len(answer) << (cut * 4),
            len(answer) * gap // 256 if cut & 2 else -1, 0.1, 1.0, 0,
        )  # fmt: skip
        begun = time.process_time()
        found = providers.read(copy).exchange
        features.events([found], seed=1)
        assert time.process_time() - begun < STALL, "an input stalls the parsers"
        assert isinstance(found, exchange.Exchange)
        assert min(found.prompts, found.input_tokens, found.output_tokens) >= 0

    return target


def seeds() -> list[bytes]:
    """The tests' exchanges as inputs, each under every path and type."""
    bodies = []
    for path in sorted(SEEDS.glob("*.http")):
        request, _, answer = path.read_bytes().partition(GAP)
        bodies.append(request.partition(b"\n\n")[2] + GAP + answer.partition(b"\n\n")[2])
    return [bytes((route, kind, 0, 0)) + body for body in bodies for route in range(len(TARGETS)) for kind in (0, 5)]


def guided(atheris: Any, seconds: int) -> None:
    """Run until the time is over; atheris ends the process."""
    with atheris.instrument_imports(include=["app", "detectors"]):
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
