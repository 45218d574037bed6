"""`python -m bench.soak --requests 100000 --aborts 0.2`: does anything grow, leak or go uncounted?"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from bench.soak.run import Outcome, soak

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks" / "soak.md"
TEXT = """# Soak

`python -m bench.soak --requests {requests} --aborts {aborts:g}`: gateway, extractor and worker over a real Valkey and \
SQLite, a model API on loopback, 24 customers' connections, 400 keys, three in ten of the answers streamed. \
{left:,} requests were left by the customer before the answer's end; a request that is left has its event too. \
The last run took {seconds:.0f} s on {cores} cores ({machine}, Python {python}), which other work may have shared.

{table}

Memory is the slope of a line fitted to the resident set over the last two thirds of the requests; \
what fills up first are pools and caches. What is left is the largest batch so far: each one that is larger than all \
before it takes some pages more, ever more seldom. \
Descriptors and CLOSE_WAIT are read from `/proc`.
"""


def table(outcome: Outcome) -> str:
    """The verdicts as a Markdown table."""
    lines = ["| what | found | |", "|---|---|---|"]
    lines += [f"| {what} | {found} | {'ok' if good else '**no**'} |" for what, found, good in outcome.verdicts()]
    return "\n".join(lines)


def main() -> int:
    """Run the soak, print its verdict and write its page; 1 where anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--aborts", type=float, default=0.2, help="share of requests that are left before their end")
    parser.add_argument("--out", type=Path, default=REPORT, help="page to write; '-' writes none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sw-soak-") as folder:
        outcome = soak(Path(folder), options.requests, options.aborts, say)
    found = table(outcome)
    print(found)
    for failure in outcome.tally.failures[:5]:
        say(f"failed: {failure}")
    if str(options.out) != "-":
        page = TEXT.format(
            requests=options.requests,
            aborts=options.aborts,
            left=outcome.tally.left,
            seconds=outcome.seconds,
            cores=os.cpu_count(),
            machine=platform.machine(),
            python=platform.python_version(),
            table=found,
        )
        options.out.write_text(page, "utf-8")
    return 0 if all(good for _, _, good in outcome.verdicts()) else 1


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
