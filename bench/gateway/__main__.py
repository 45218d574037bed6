"""`python -m bench.gateway`: interleaved rounds over all targets, medians, one table a kind of request."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.gateway import certificate, report, wrk
from bench.gateway.peers import envoy, litellm, portkey
from bench.gateway.peers.base import Peer
from bench.gateway.processes import Stage, Target, cpu_seconds, died, resident_mib, settle, stage, thawed
from bench.gateway.report import Rows, Sample
from bench.gateway.targets import direct, fastapi_httpx, nginx, ours

WARM_SECONDS = 1.0
RATE = 2000  # requests a second where every target gets the same
ARGUMENTS = {"json": [], "stream": ["--streaming", "--rate", "140"], "paced": ["--rate", str(RATE)]}  # of the load
PEERS: tuple[Peer, ...] = (envoy.PEER, portkey.PEER, litellm.PEER)


def targets(made: Stage, *, quick: bool, without: Sequence[str]) -> Iterator[Target]:
    """Every target that can be had, started; what is missing is said."""
    plain, secured = nginx(made), None if quick else nginx(made, secured=True)
    found = [None if quick else direct(made), plain, ours(made, "bypass"), ours(made, "observe"), fastapi_httpx(made)]
    if not quick:
        found += [ours(made, "observe", redis=state) for state in ("slow", "dead")]
        found += [secured, *(ours(made, mode, secured=True) for mode in ("bypass", "observe"))]
    yield from (target for target in found if target is not None)
    for peer in () if quick else PEERS:
        if peer.name in without:
            continue
        if not peer.installed:
            say(f"{peer.name} is not installed and left out: python -m bench.gateway --install-peers")
            continue
        say(f"starting {peer.name}")
        yield peer.start(made)


def say(text: str) -> None:
    """Tell how it goes."""
    print(text, file=sys.stderr, flush=True)


def install() -> int:
    """Install every peer; the number that could not be."""
    failed = 0
    for peer in PEERS:
        if peer.installed:
            say(f"{peer.name} is installed already")
            continue
        say(f"installing {peer.name}")
        try:
            peer.install()
        except (OSError, subprocess.CalledProcessError) as error:
            failed += 1
            say(f"{peer.name} could not be installed: {error}")
    return failed


def measure(made: Stage, target: Target, kind: str, seconds: float, connections: int) -> Sample:
    """Run the load once against `target`."""
    copies = handed_over(target)  # a request to the target itself, which is not to be counted
    before = cpu_seconds(target.pid) if target.pid else 0.0
    helped = {name: cpu_seconds(pid) for name, pid in target.helpers.items()}
    if kind == "wrk":
        told = wrk.load(made, target, seconds, connections)
    else:
        arguments = ["--seconds", str(seconds), "--connections", str(connections), *ARGUMENTS[kind]]
        load = made.load(target, arguments)
        output, _ = load.communicate()
        if load.returncode:
            raise SystemExit(f"the load against {target.name} failed")
        told = json.loads(output)
    micros = (cpu_seconds(target.pid) - before) * 1e6 / told["requests"] if target.pid else 0.0
    for name, pid in target.helpers.items():
        if died(pid):
            raise SystemExit(f"the {name} of {target.name} has ended: its figures would be wrong\n{made.last_words()}")
    settle(list(target.helpers.values()))
    sent = handed_over(target) - copies
    helpers = {name: (cpu_seconds(pid) - helped[name]) * 1e6 / max(sent, 1) for name, pid in target.helpers.items()}
    rate, first = told["requests"] / told["seconds"], (told.get("first_p50_ms", 0.0), told.get("first_p99_ms", 0.0))
    lost = 1 - sent / told["requests"] if target.helpers else 0.0
    return Sample(micros, rate, *first, helpers, max(lost, 0.0))


def handed_over(target: Target) -> float:
    """Copies that the target's extractor has acknowledged; 0 where it has none."""
    if not target.helpers:
        return 0.0
    with urllib.request.urlopen(f"http://127.0.0.1:{target.port}/_stillwatch/status", timeout=10) as answer:
        return float(json.load(answer)["counters"]["handoff_sent"])


def rounds(made: Stage, found: Sequence[Target], kind: str, args: argparse.Namespace) -> dict[str, list[Sample]]:
    """Interleaved rounds of one kind of request over the targets that take it."""
    samples: dict[str, list[Sample]] = {}
    for number in range(args.rounds):
        for target in found:
            with thawed(target):
                sample = measure(made, target, kind, args.seconds, args.connections)
            samples.setdefault(target.name, []).append(sample)
            say(f"round {number + 1} {kind:6} {target.name:30} {sample.micros:9.1f} us {sample.rate:9,.0f}/s")
    return samples


def run(args: argparse.Namespace) -> Rows:
    """The medians of everything that was asked for."""
    samples: dict[str, dict[str, list[Sample]]] = {}
    with tempfile.TemporaryDirectory(prefix="sw-bench-") as folder, stage(Path(folder), realtime=args.realtime) as made:
        certificate.make(made.certificate)
        found = list(targets(made, quick=args.quick, without=args.without))
        for target in found:
            with thawed(target):
                measure(made, target, "json", WARM_SECONDS, args.connections)
        if args.loader in ("poll", "both"):
            for kind in args.kind or ARGUMENTS:
                samples[kind] = rounds(made, [target for target in found if kind in target.kinds], kind, args)
        if args.loader in ("wrk", "both") and not (missing := wrk.missing()):
            wrk.origin(made)
            plain = [target for target in found if target.pid and not target.load and "Redis" not in target.name]
            samples["wrk"] = rounds(made, plain, "wrk", args)
        elif args.loader != "poll":
            say(f"not installed: {missing}; there is no run with wrk")
        memory = {target.name: resident_mib(target.pid) if target.pid else 0.0 for target in found}
    return {
        kind: {name: report.median(entries, memory[name]) for name, entries in by_name.items()}
        for kind, by_name in samples.items()
    }


def conditions(args: argparse.Namespace) -> dict[str, object]:
    """Under which the figures came about."""
    asked = {name: getattr(args, name) for name in ("seconds", "rounds", "connections", "realtime", "loader")}
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    return {**machine, "load_average": os.getloadavg(), **asked}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of load, a target and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--loader", choices=("poll", "wrk", "both"), default="both", help="see the benchmark's page")
    parser.add_argument("--kind", action="append", choices=tuple(ARGUMENTS), help="of request, in place of all kinds")
    parser.add_argument("--quick", action="store_true", help="one short round of nginx, FastAPI + httpx and ours")
    parser.add_argument("--without", action="append", default=[], help="a peer to leave out, by name")
    parser.add_argument("--install-peers", action="store_true", help="install the peers into bench/out and end")
    parser.add_argument("--realtime", action="store_true", help="real-time scheduling (root): for a machine in use")
    parser.add_argument("--json", type=Path, help="write the report here")
    args = parser.parse_args()
    if args.install_peers:
        return install()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two CPUs are needed: one for the target, one for the load")
    if args.quick:
        args.rounds, args.seconds, args.loader = 1, min(args.seconds, 1.0), "poll"
    began = conditions(args)
    rows = run(args)
    if args.json:
        args.json.write_text(json.dumps({"conditions": began, "results": report.plain(rows)}, indent=1) + "\n")
    print(report.table(rows))
    if "json" in rows:
        print(report.verdict(rows))
    print(f"\nload average at the start: {began['load_average']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
