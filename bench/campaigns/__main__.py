"""`python -m bench.campaigns`: one pass, an incremental update, and the planted campaigns, at growing scale."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.memory import settle
from bench.campaigns import crowd
from detectors.campaign import Linker, Settings
from detectors.campaign.graph import Bounds

SIZES = (10_000, 100_000, 1_000_000)
ACTIVE = 10_000
OUT = Path(__file__).parents[2] / "docs" / "benchmarks" / "campaigns-scale.md"


def measure(total: int, seed: int = 1) -> dict[str, Any]:
    """Times in seconds of CPU, memory in MB, and how much of the planted campaigns was found."""
    settle()  # as the linking process does
    rng = np.random.default_rng(seed)
    campaigns = crowd.planted(total, rng)
    singles = 1 << max(16, (total * 6).bit_length())
    linker = Linker(Settings(bounds=Bounds(singles=min(singles, 1 << 23), recurring=1 << 16)))
    taken, tokens = 0.0, 0
    for found in crowd.crowd(total, campaigns, rng):
        begun = time.process_time()
        linker.graph.add(found)
        taken += time.process_time() - begun
        tokens += len(found.rows)
    begun = time.process_time()
    linked = linker.link(crowd.NOW, full=True)
    full = time.process_time() - begun
    active = rng.choice(total, min(ACTIVE, total // 10), replace=False).astype(np.int64)
    news = crowd.ordinary(np.sort(active), total, rng)
    begun = time.process_time()
    linker.graph.add(news)
    added = time.process_time() - begun
    begun = time.process_time()
    again = linker.link(crowd.NOW)
    update = time.process_time() - begun
    return {
        "accounts": total, "tokens": tokens, "edges": linker.counters["edges"], "add": taken, "pass": full,
        "active": len(active), "update_add": added, "update_link": update,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        "found": _recovered(campaigns, linked), "kept": _recovered(campaigns, again),
    }  # fmt: skip


def _recovered(campaigns: Sequence[crowd.Planted], linked: Sequence[Any]) -> list[tuple[int, float, float]]:
    """For each planted campaign: its accounts, the share in the found campaign that has most of them, its purity."""
    out = []
    for one in campaigns:
        wanted = set(crowd.client(one.accounts).tolist())
        best = max((len(wanted & found.clients), -len(found.clients)) for found in linked) if linked else (0, -1)
        out.append((len(wanted), best[0] / len(wanted), best[0] / max(-best[1], 1)))
    return out


def page(results: Sequence[dict[str, Any]]) -> str:
    """The page in Markdown."""
    lines = [
        "# Campaigns at scale",
        "",
        "`python -m bench.campaigns` writes this page. Made-up accounts with ten tokens each, half of them their own;",
        "planted among them a campaign of 2.5 % of the accounts, one of 0.35 %, and twenty of 25 accounts. One",
        "process, one core, CPU seconds. *Taking in* puts all tokens into an empty graph; the *pass* links everybody",
        "from nothing; the *update* takes in and links accounts that became active again.",
        "",
        "| accounts | tokens | edges | taking in, s | pass, s | active | update, s | memory, MB |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one['accounts']:,} | {one['tokens']:,} | {one['edges']:,} | {one['add']:.1f} | {one['pass']:.1f} | "
        f"{one['active']:,} | {one['update_add'] + one['update_link']:.2f} | {one['memory']:,.0f} |"
        for one in results
    ]
    lines += ["", "| accounts | planted campaign | members found | of the found campaign, planted | after the update |",
              "|---:|---:|---:|---:|---:|"]  # fmt: skip
    for one in results:
        for place, (size, share, pure) in enumerate(one["found"][:2]):
            kept = one["kept"][place][1]
            lines.append(f"| {one['accounts']:,} | {size:,} | {share:.1%} | {pure:.1%} | {kept:.1%} |")
        shares = [share for _, share, _ in one["found"][2:]]
        pure = float(np.mean([pure for _, _, pure in one["found"][2:]]))
        kept = float(np.mean([share for _, share, _ in one["kept"][2:]]))
        lines.append(f"| {one['accounts']:,} | 20 of 25 | {np.mean(shares):.1%} | {pure:.1%} | {kept:.1%} |")
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each size in a process of its own, print the page and write it."""
    parser = argparse.ArgumentParser(prog="python -m bench.campaigns", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--one", type=int, default=0, help="measure one size and print it as JSON")
    parser.add_argument("--out", type=Path, default=OUT, help="page to write; '-' writes none")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.one)))
        return 0
    results = []
    for size in asked.sizes:
        command = [sys.executable, "-m", "bench.campaigns", "--one", str(size)]
        results.append(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))
    text = page(results)
    print(text)
    if str(asked.out) != "-":
        asked.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
