"""Cost of the hand-off, in microseconds of CPU a copy on the gateway's loop: frame, queue, write.

python -m bench.handoff [--copies 50000] [--rounds 5] [--request-bytes 1024] [--answer-bytes 512]

The other end is a process of its own that decodes and acknowledges, as the extractor does. Copies come in bursts
of 50 with pauses in which it keeps up: a run that drops one has no figure. The median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from asyncio import subprocess
from pathlib import Path

import uvloop

from app.store.frames import Subject, pack
from app.store.handoff import Sender, serve

BURST = 50
SUBJECT = Subject(b"127.0.0.1", b"POST", b"/v1/chat/completions")
HEADERS = b"content-type: application/json\r\nuser-agent: OpenAI/Python 2.8.1\r\naccept: application/json\r\n" * 2
READER = "import asyncio, sys, uvloop; from bench.handoff import read; uvloop.run(read(sys.argv[1]))"


async def read(path: str) -> None:
    """Take and acknowledge what comes, until killed."""
    await serve(Path(path), lambda _: None)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def settled(sender: Sender, count: int) -> None:
    """Until the other end has acknowledged `count` copies; raises SystemExit where some were dropped."""
    while sender.sent < count:
        if sender.dropped:
            raise SystemExit(f"{sender.dropped} copies were dropped: there is no figure")
        await asyncio.sleep(0.001)


async def once(sender: Sender, copies: int, request: bytes, answer: bytes) -> float:
    """Microseconds of this thread's CPU a copy."""
    used, done = 0.0, sender.sent
    for _ in range(copies // BURST):
        begun = time.thread_time()
        for _ in range(BURST):
            size, parts = pack(
                1.0, 5, SUBJECT, HEADERS, (request,), len(request), -1, 200, HEADERS, (answer,), len(answer), -1,
                0.1, 0.2, 0,
            )  # fmt: skip
            sender.offer_parts(size, parts)
        sender._flush()  # what the timer would do 5 ms later, without the loop's own turns in the figure
        used += time.thread_time() - begun
        done += BURST
        await settled(sender, done)
    return used / copies * 1e6


async def run(args: argparse.Namespace) -> list[float]:
    """Every round's figure."""
    with tempfile.TemporaryDirectory(prefix="sw-handoff-") as folder:
        path = Path(folder) / "handoff.sock"
        reader = await subprocess.create_subprocess_exec(
            sys.executable, "-c", READER, str(path), stdout=subprocess.PIPE
        )
        assert reader.stdout is not None
        await reader.stdout.readline()
        sender = Sender(path, 64 << 20, "bench-1")
        sender.start()
        while not sender.connected:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
        try:
            request, answer = b"r" * args.request_bytes, b"a" * args.answer_bytes
            return [await once(sender, args.copies, request, answer) for _ in range(args.rounds)]
        finally:
            await sender.close(1.0)
            reader.kill()
            await reader.wait()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.handoff", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--copies", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--request-bytes", type=int, default=1024)
    parser.add_argument("--answer-bytes", type=int, default=512)
    args = parser.parse_args()
    figures = uvloop.run(run(args))
    print(f"{statistics.median(figures):.2f} us a copy (best {min(figures):.2f}, worst {max(figures):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
