"""The benchmark's figures as Markdown, and what was aimed at."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

KINDS = {
    "json": "JSON request",
    "paced": "JSON request, 2,000 a second for each",
    "stream": "stream of 50 events",
    "wrk": "JSON request, load from wrk, nginx as the model API",
}
PLAIN, OURS = "ours, bypass", "ours, detection on"


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one target; CPU in microseconds a request."""

    micros: float
    rate: float  # requests a second
    first_p50: float = 0.0  # milliseconds to the first byte
    first_p99: float = 0.0
    helpers: dict[str, float] = field(default_factory=dict)  # CPU of each, microseconds a copy
    lost: float = 0.0  # share of the requests whose copies were dropped


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of a target's rounds."""

    micros: float
    spread: float  # largest less smallest, as a share of the median
    rate: float
    first_p50: float
    first_p99: float
    memory: float  # MiB
    extractor: float | None = None  # its CPU, microseconds a copy
    lost: float = 0.0


Rows = dict[str, dict[str, Row]]  # by kind and target


def median(samples: Sequence[Sample], memory: float) -> Row:
    """The row of a target's samples."""
    costs = [sample.micros for sample in samples]
    middle = statistics.median(costs)
    spread = (max(costs) - min(costs)) / middle if middle else 0.0
    extractor = None
    if all("extractor" in sample.helpers for sample in samples):
        extractor = statistics.median(sample.helpers["extractor"] for sample in samples)
    lost = statistics.median(sample.lost for sample in samples)
    rate = statistics.median(sample.rate for sample in samples)
    first = [statistics.median(getattr(sample, name) for sample in samples) for name in ("first_p50", "first_p99")]
    return Row(middle, spread, rate, first[0], first[1], memory, extractor, lost)


def plain(rows: Rows) -> dict[str, dict[str, dict[str, object]]]:
    """The rows for JSON."""
    return {kind: {name: asdict(row) for name, row in by_name.items()} for kind, by_name in rows.items()}


def table(rows: Rows) -> str:
    """One table a kind of request."""
    return "\n".join(_table(kind, rows[kind]) for kind in KINDS if rows.get(kind))


def _ratio(rows: Mapping[str, Row], name: str, row: Row) -> str:
    """How many times less CPU `row` takes than the target called `name`."""
    peer = rows.get(name)
    if peer is None or not row.micros or peer is row:
        return ""
    ratio = peer.micros / row.micros
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def _table(kind: str, rows: Mapping[str, Row]) -> str:
    heads = [KINDS[kind], "CPU us", "of nginx", "x LiteLLM", "x Portkey", "x FastAPI + httpx", "spread", "requests/s"]
    heads += ["memory MiB", "extractor us a copy", "copies dropped"]
    timed = kind in ("paced", "stream")
    if timed:
        heads += ["first byte ms p50 / p99", "added to direct"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    direct = rows.get("direct")
    for name, row in rows.items():
        ratios = [_ratio(rows, peer, row) for peer in ("nginx", "LiteLLM", "Portkey", "FastAPI + httpx")]
        cells = [name, f"{row.micros:,.1f}" if row.micros else "", *ratios]
        cells += [
            f"{row.spread:.0%}" if row.micros else "",
            f"{row.rate:,.0f}",
            f"{row.memory:.0f}" if row.memory else "",
        ]
        cells += ["", ""] if row.extractor is None else [f"{row.extractor:.1f}", f"{row.lost:.0%}"]
        if timed:
            cells.append(f"{row.first_p50:.2f} / {row.first_p99:.2f}")
            added = (row.first_p50 - direct.first_p50, row.first_p99 - direct.first_p99) if direct else (0.0, 0.0)
            cells.append(f"{added[0]:.2f} / {added[1]:.2f}" if direct and row is not direct else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def verdict(rows: Rows) -> str:
    """One line for each aim that this run can judge."""
    json_rows, streams = rows.get("json", {}), rows.get("stream", {})
    said: list[str] = []
    if "nginx" not in json_rows:
        return "nginx is not installed: there is nothing to compare with (apt-get install nginx)"
    for name, aim in ((PLAIN, 0.45), (OURS, 0.42)):
        said.append(_line(f"{name}, share of nginx", json_rows["nginx"].micros / json_rows[name].micros, aim))
    paced = rows.get("paced", {})
    if "nginx" in paced and OURS in paced:
        # At full load the extractor shares the load's core, which then offers less: each request costs a wake-up more.
        share = paced["nginx"].micros / paced[OURS].micros
        said.append(_line(f"{OURS}, share of nginx where both serve as many requests a second", share, 0.42))
    if "Envoy" in json_rows:
        envoy = json_rows["Envoy"].micros / json_rows[OURS].micros
        said.append(_line("detection on, times cheaper than Envoy without any", envoy, 1.0))
    ours = json_rows[OURS]
    both = ours.micros + (ours.extractor or 0.0)
    for peer, aim in (("LiteLLM", 50.0), ("Portkey", 10.0)):
        if peer in json_rows:
            name = f"gateway and extractor, times cheaper than {peer}"
            said.append(_line(name, json_rows[peer].micros / both, aim))
    if "nginx" in streams:
        name = "a stream's CPU with detection on, times nginx's"
        said.append(_line(name, streams[OURS].micros / streams["nginx"].micros, 1.5, most=True))
        if "direct" in streams and (added := streams["nginx"].first_p99 - streams["direct"].first_p99) > 0:
            delay = (streams[OURS].first_p99 - streams["direct"].first_p99) / added
            said.append(_line("first byte's added delay at p99, times nginx's", delay, 1.5, most=True))
    said.append(_line("memory of the gateway, MiB", max(ours.memory, json_rows[PLAIN].memory), 100.0, most=True))
    said += [
        _line(f"CPU with Redis {state}, of that with Redis up", json_rows[name].micros / ours.micros, 1.15, most=True)
        for state in ("slow", "dead")
        if (name := f"{OURS}, Redis {state}") in json_rows
    ]
    return "\n".join(said)


def _line(name: str, value: float, aim: float, *, most: bool = False) -> str:
    met = value <= aim if most else value >= aim
    return f"- {name}: {value:.2f}, aim {'<=' if most else '>='} {aim:g}: {'met' if met else 'MISSED'}"
