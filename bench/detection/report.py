"""The benchmark's page: rates with their intervals, the worst ordinary kind first, then every capture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.ingest.measures import interval
from bench.detection.captures import Captured
from bench.detection.evaluate import Outcome, Rate, rates
from detectors.base import Explanation, Level
from detectors.engine import Engine


def page(engine: Engine, outcomes: Sequence[Outcome], recorded: Sequence[Captured], seed: str) -> str:
    """The whole page in Markdown."""
    table = rates(outcomes)
    ordinary = [rate for rate in table if not rate.harvest]
    harvest = [rate for rate in table if rate.harvest]
    about = engine.reference.about
    detectors = ", ".join(one.name for one in engine.detectors)
    lines = [
        "# Detection: what is found and what is not",
        "",
        f"`make bench-detect DATA=folder` writes this page. Detectors: {detectors}. Reference:",
        f"{about.get('clients', 0):,} composed ordinary clients. Seed: `{seed}`. The unit is the client; intervals are",
        "exact, 95 %. Composed clients use texts that the reference did not use; their kinds are the same, so false",
        "alarms on kinds of traffic that nobody composed are not measured. No threshold or weight was chosen on the",
        "recorded captures.",
        "",
        "## Ordinary clients, the worst kind first",
        "",
        *_head("watched or more", "reviewed"),
        *(_line(rate) for rate in [_total(ordinary, "all ordinary"), *ordinary]),
        "",
        "## Harvests",
        "",
        *_head("watched or more", "reviewed", "median requests to review"),
        *(_line(rate, median=True) for rate in [_total(harvest, "all harvests"), *harvest]),
        "",
        "## Recorded captures",
        "",
        "One capture a line; of those with several clients, the highest. `*`: the label depends on intent more than on",
        "traffic. Tier and nats are the highest reached, the reason is that at the end.",
        "",
        "| capture | label | family | tier | nats | at request | first reason |",
        "|---|---|---|---|---:|---:|---|",
        *_captures(recorded),
        "",
    ]
    return "\n".join(lines)


def _head(*columns: str) -> tuple[str, str]:
    return (f"| kind | clients | {' | '.join(columns)} |", "|---|---:|" + "---:|" * len(columns))


def _total(some: Sequence[Rate], name: str) -> Rate:
    clients, watched, reviewed = (
        sum(getattr(rate, field) for rate in some) for field in ("clients", "watched", "reviewed")
    )
    return Rate(name, bool(some and some[0].harvest), clients, watched, reviewed, float("nan"))


def _line(rate: Rate, *, median: bool = False) -> str:
    cells = [rate.kind, str(rate.clients), _share(rate.watched, rate.clients), _share(rate.reviewed, rate.clients)]
    if median:
        cells.append("" if rate.median_to_review != rate.median_to_review else f"{rate.median_to_review:.0f}")
    return f"| {' | '.join(cells)} |"


def _share(count: int, clients: int) -> str:
    low, high = interval(count, clients)
    return f"{count / max(clients, 1):.1%} ({low:.1%} to {high:.1%})"


def _captures(recorded: Sequence[Captured]) -> Iterator[str]:
    best: dict[str, Captured] = {}
    for one in recorded:
        held = best.get(one.capture)
        if held is None or (one.result.level, one.result.score) > (held.result.level, held.result.score):
            best[one.capture] = one
    order = sorted(best.values(), key=lambda one: (not one.harvest, -one.result.level, -one.result.score))
    for one in order:
        label = ("harvest" if one.harvest else "ordinary") + ("*" if one.grey else "")
        tier = {Level.NONE: "none", Level.WATCH: "watch", Level.REVIEW: "review"}[one.result.level]
        at = str(one.result.flagged_at_request or "")
        name, reason = one.capture.split("__", 1)[-1], _reason(one.result.explanation)
        yield f"| {name} | {label} | {one.family} | {tier} | {one.result.score:.1f} | {at} | {reason} |"


def _reason(told: Explanation) -> str:
    """The strongest statement, or what is missing."""
    speaking = [one for one in told.evidence if one.p < 0.05]
    if not speaking:
        return "nothing out of the ordinary" if told.look else "too few text requests to compare"
    first = min(speaking, key=lambda one: one.p)
    return max(first.terms, key=lambda term: term.share).sentence
