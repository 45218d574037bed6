"""`python -m bench.gateway`: interleaved rounds over all targets, medians, one table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.processes import Stage, Target, cpu_seconds, resident_mib, stage

WARM_SECONDS = 1.0
AIMS = {"ours, bypass": 0.40, "ours, detection on": 0.37}  # share of nginx's per-core speed, JSON


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one target."""

    micros: float  # CPU of the target, a request
    rate: float  # requests a second
    helpers: dict[str, float]  # CPU of each helper, microseconds a request


def measure(made: Stage, target: Target, arguments: list[str]) -> Sample:
    """Run the load once against `target`."""
    load = made.load(target.port, arguments)
    pids = {"": target.pid, **target.helpers}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    output, _ = load.communicate()
    after = {name: cpu_seconds(pid) for name, pid in pids.items()}
    if load.returncode:
        raise SystemExit(f"the load against {target.name} failed")
    told = json.loads(output)
    micros = {name: (after[name] - before[name]) * 1e6 / told["requests"] for name in pids}
    return Sample(micros.pop(""), told["requests"] / told["seconds"], micros)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Every target in every round, JSON and streaming; the medians, by kind and target."""
    base = ["--seconds", str(args.seconds), "--connections", str(args.connections)]
    kinds = {"json": base, "stream": [*base, "--streaming"]}
    samples: dict[str, dict[str, list[Sample]]] = {kind: {} for kind in kinds}
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="sw-bench-") as folder, stage(Path(folder), realtime=args.realtime) as made:
        found = [made.nginx(), made.gateway("bypass"), made.gateway("observe"), made.fastapi_httpx()]
        targets = [target for target in found if target is not None]
        for target in targets:
            measure(made, target, ["--seconds", str(WARM_SECONDS), "--connections", str(args.connections)])
        for number in range(args.rounds):
            for kind, arguments in kinds.items():
                for target in targets:
                    sample = measure(made, target, arguments)
                    samples[kind].setdefault(target.name, []).append(sample)
                    print(f"round {number + 1} {kind:6} {target.name:20} {sample.micros:8.1f} us", file=sys.stderr)
        memory = {target.name: resident_mib(target.pid) for target in targets}
    medians = {
        kind: {name: _median(entries, memory[name]) for name, entries in by_name.items()}
        for kind, by_name in samples.items()
    }
    return {
        "conditions": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "load_average": os.getloadavg(),
            "seconds": args.seconds,
            "rounds": args.rounds,
            "connections": args.connections,
            "realtime": args.realtime,
        },
        "results": medians,
    }


def _median(entries: list[Sample], memory: float) -> dict[str, float]:
    helpers = {f"{name}_us": statistics.median(entry.helpers[name] for entry in entries) for name in entries[0].helpers}
    micros = statistics.median(entry.micros for entry in entries)
    return {
        "us": micros,
        "spread": (max(entry.micros for entry in entries) - min(entry.micros for entry in entries)) / micros,
        "rate": statistics.median(entry.rate for entry in entries),
        "memory_mib": memory,
        **helpers,
    }


def table(report: dict[str, object]) -> str:
    """The results as Markdown."""
    results: dict[str, dict[str, dict[str, float]]] = report["results"]  # type: ignore[assignment]
    lines = []
    for kind, title in (("json", "JSON request"), ("stream", "stream of 50 events")):
        by_name = results[kind]
        nginx = by_name.get("nginx", {}).get("us")
        lines += [f"| {title} | CPU us | nginx = 1.00 | spread | requests/s | memory MiB | extractor us |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for name, row in by_name.items():
            share = f"{nginx / row['us']:.3f}" if nginx else "nginx is not installed"
            extractor = f"{row['extractor_us']:.1f}" if "extractor_us" in row else ""
            lines.append(
                f"| {name} | {row['us']:.1f} | {share} | {row['spread']:.0%} | {row['rate']:,.0f} "
                f"| {row['memory_mib']:.0f} | {extractor} |"
            )
        lines.append("")
    return "\n".join(lines)


def verdict(report: dict[str, object]) -> str:
    """One line for each aim."""
    by_name: dict[str, dict[str, float]] = report["results"]["json"]  # type: ignore[index]
    if "nginx" not in by_name:
        return "nginx is not installed: there is nothing to compare with (apt-get install nginx)"
    shares = {name: by_name["nginx"]["us"] / by_name[name]["us"] for name in AIMS}
    return "\n".join(
        f"{name}: {share:.3f} of nginx, aim {AIMS[name]:.2f}: {'met' if share >= AIMS[name] else 'MISSED'}"
        for name, share in shares.items()
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load, a target and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--realtime", action="store_true", help="real-time scheduling (root): for a machine in use")
    parser.add_argument("--json", type=Path, help="write the report here")
    args = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two CPUs are needed: one for the target, one for the load")
    report = run(args)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))
    print(verdict(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
