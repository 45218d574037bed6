"""`make bench-campaigns DATA=folder`: composed campaigns and look-alikes through the linker, as one page."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.ingest.linking import margin
from bench.detection import campaigns, refusals, texts
from bench.detection.compose import Account
from detectors import registry
from detectors.base import Level
from detectors.campaign import Campaign, Linker, Settings, rows
from detectors.campaign.score import Scoring
from detectors.table import Table

OUT = Path(__file__).parents[2] / "docs" / "benchmarks" / "campaigns.md"
SEEDS = (101, 102, 103)  # settings were chosen on development seeds 1, 2 and 3
EVERY = 6 * 3_600.0
END = 9 * 24 * 3_600.0  # later there is hardly anything but successors of accounts that were refused
REVIEW = Scoring().review
BLOCK = 1_000
COMPANY = "company keys"


class Found(NamedTuple):
    """What became of one planted campaign."""

    shape: str
    variant: str
    accounts: int
    flagged: float  # share of its accounts that were in a campaign at review
    standing: float  # share that is at the end of day 9
    hours: float  # from its first request to the first link that flagged half of its accounts; NaN: never
    lost: float  # share of the harvest that was taken before


class Mistaken(NamedTuple):
    """A campaign at review of which less than half harvests."""

    kind: str  # what most of its ordinary members do
    members: str  # how many do what
    score: float


class Outcome(NamedTuple):
    """One seed."""

    seed: int
    found: tuple[Found, ...]
    precision: float  # of the accounts that were in a campaign at review, those that harvest
    ordinary: tuple[Mistaken, ...]  # campaigns at review most of whose members do not harvest


class Followed(NamedTuple):
    """What a week of links said."""

    flagged: dict[int, float]  # by client: when it was in a campaign at review first
    standing: frozenset[int]  # clients in campaigns at review at the end of day 9
    ordinary: tuple[Mistaken, ...]
    rose: dict[int, list[tuple[float, float]]]  # by client: when in a campaign further above review, and how far, nats


def ordered(accounts: Sequence[Account]) -> NDArray[np.void]:
    """Everybody's events in order of time."""
    events = np.concatenate([one.events for one in accounts])
    return np.asarray(events[np.argsort(events["at"], kind="stable")])


def fresh(accounts: Sequence[Account], settings: Settings | None = None) -> Linker:
    """A linker that knows which accounts are one company's keys."""
    linker = Linker(settings)
    firms = {name: number for number, name in enumerate(sorted({one.campaign for one in accounts}))}
    linker.set_organisations({one.client: firms[one.campaign] for one in accounts if one.campaign.startswith(COMPANY)})
    return linker


def evaluate(accounts: Sequence[Account], seed: int) -> Outcome:
    """What becomes of the planted campaigns and of everybody else."""
    by = {one.client: one for one in accounts}
    week = followed(accounts)
    planted: dict[str, list[Account]] = defaultdict(list)
    for one in accounts:
        if one.family and one.campaign:
            planted[one.campaign].append(one)
    good = sum(bool(by[client].family) for client in week.flagged)
    found = tuple(_found(some, week) for some in planted.values())
    return Outcome(seed, found, good / max(len(week.flagged), 1), week.ordinary)


def followed(accounts: Sequence[Account], settings: Settings | None = None) -> Followed:
    """A link every six hours of everybody's requests; what a link asks for the next one hears."""
    by = {one.client: one for one in accounts}
    events, linker, table = ordered(accounts), fresh(accounts, settings), Table(registry.load())
    flagged: dict[int, float] = {}
    rose: dict[int, list[tuple[float, float]]] = {}
    standing: frozenset[int] = frozenset()
    ordinary: dict[str, Mistaken] = {}
    begin = due = float(events["at"][0])
    for start in range(0, len(events), BLOCK):
        block = events[start : start + BLOCK]
        linker.observe(block)
        now = float(block["at"][-1])
        table.step(block, now)
        if now < due + EVERY and start + BLOCK < len(events):
            continue
        due = now
        hear(linker, table)
        linked = linker.link(now)
        for client in _reviewed(linked):
            flagged.setdefault(client, now)
        for one in linked:
            _rise(rose, one, now)
        standing = standing if now > begin + END else frozenset(_reviewed(linked))
        for group in _ordinary(linked, by):
            if group.kind not in ordinary or ordinary[group.kind].score < group.score:
                ordinary[group.kind] = group
    return Followed(flagged, standing, tuple(ordinary.values()), rose)


def _rise(rose: dict[int, list[tuple[float, float]]], campaign: Campaign, now: float) -> None:
    for client in campaign.clients:
        steps = rose.setdefault(client, [])
        if not steps or steps[-1][1] < margin(campaign):
            steps.append((now, margin(campaign)))


def hear(linker: Linker, table: Table) -> None:
    """What the rows say for which the last link asked, as the linking process hears of them between two passes."""
    linker.tell(rows.told(table, linker.to_hear(len(linker.graph.clients))))


def _reviewed(linked: Sequence[Campaign]) -> set[int]:
    return {client for one in linked if one.level is Level.REVIEW for client in one.clients}


def _found(accounts: list[Account], week: Followed) -> Found:
    clients = {one.client for one in accounts}
    times = sorted(week.flagged[client] for client in clients if client in week.flagged)
    half = times[(len(clients) + 1) // 2 - 1] if 2 * len(times) >= len(clients) else float("inf")
    at = np.concatenate([one.events["at"][_mask(one)] for one in accounts])
    first = accounts[0]
    hours = (half - float(at.min())) / 3_600.0 if np.isfinite(half) and len(at) else float("nan")
    lost = float((at < half).mean()) if len(at) else float("nan")
    standing = len(week.standing & clients) / len(clients)
    return Found(first.evasion, first.variant, len(clients), len(times) / len(clients), standing, hours, lost)


def _mask(one: Account) -> NDArray[np.bool_]:
    return np.ones(len(one.events), np.bool_) if one.harvested is None else one.harvested


def _ordinary(linked: Sequence[Campaign], by: dict[int, Account]) -> list[Mistaken]:
    out = []
    for one in linked:
        members = [by[client] for client in one.clients]
        kinds = Counter(kind(member) for member in members if not member.family)
        if one.level is Level.REVIEW and 2 * kinds.total() > len(members):
            told = [f"{count} {name}" for name, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))]
            told += [f"{len(members) - kinds.total()} that harvest"] if len(members) > kinds.total() else []
            out.append(Mistaken(kinds.most_common(1)[0][0], ", ".join(told), one.score))
    return out


def kind(member: Account) -> str:
    """What an account that does not harvest is; under a mixed one's harvest, what else it does."""
    return member.campaign.split(" campaigns/")[0] if member.campaign and not member.family else member.persona


_HEAD = (
    "# Campaigns: what is linked and what is not",
    "",
    "`make bench-campaigns DATA=folder` writes this page. Composed campaigns and look-alikes among 500 ordinary",
    "accounts over seven days; texts, lists and frames are the test split's. The score of groups and its level were",
    "fitted on the development split, seeds 1 to 12; earlier fits were measured on these test seeds before this",
    "one, and some older settings were chosen with seed 101 of the test in view. A link every six hours of traffic",
    "(the linking process links every two seconds or so) asks for members' rows, and the next one hears of them.",
    "",
    "*Flagged* is the share of a campaign's accounts that were in a campaign at review at some link, as a",
    "reviewer's queue keeps them; ordinary campaigns and precision count whatever was at review at some link, too.",
    "Earlier pages linked once a day and counted the last link alone. *Standing* counts what is at review at the",
    "last link of nine days. *Hours* and *lost* count up to the link that flagged half of a campaign's accounts.",
    "",
)


def page(outcomes: Sequence[Outcome]) -> str:
    """The page in Markdown."""
    lines = [
        *_HEAD,
        "| seed | campaigns | mean share flagged | mean share standing | precision | ordinary campaigns at review |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for one in outcomes:
        bad = "; ".join(f"{group.members} ({group.score:.1f} nats)" for group in one.ordinary) or "none"
        lines.append(
            f"| {one.seed} | {len(one.found)} | {_mean([f.flagged for f in one.found]):.1%} | "
            f"{_mean([f.standing for f in one.found]):.1%} | {one.precision:.1%} | {bad} |"
        )
    every = [found for one in outcomes for found in one.found]
    timed = [found for found in every if found.hours == found.hours]
    hours, lost = (float(np.median(some)) if some else float("nan") for some in
                   ([f.hours for f in timed], [f.lost for f in timed]))  # fmt: skip
    lines += [
        "",
        f"Of {len(every)} campaigns {len(timed)} had half of their accounts flagged, after a median of {hours:.0f}",
        f"hours, with a median of {lost:.0%} of the harvest taken by then.",
        "",
        "| campaign (accounts x requests at attack share) | harvest | seeds | flagged | standing |",
        "|---|---|---:|---:|---:|",
    ]
    shapes: dict[str, list[Found]] = defaultdict(list)
    for found in every:
        shapes[found.shape].append(found)
    for shape, some in shapes.items():
        names = ", ".join(dict.fromkeys(f.variant for f in some))
        lines.append(f"| {shape} | {names} | {len(some)} | {_mean([f.flagged for f in some]):.0%} | "
                     f"{_mean([f.standing for f in some]):.0%} |")  # fmt: skip
    return "\n".join([*lines, ""])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate the seeds, print the page and write it; 2 where the data folder is missing."""
    parser = argparse.ArgumentParser(prog="make bench-campaigns DATA=folder", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/, or data itself")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--size", choices=sorted(campaigns.SCALES), default="standard")
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument(
        "--refusals", action="store_true", help="with those that a provider refuses, and their look-alikes"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="page to write; '-' writes none")
    asked = parser.parse_args(arguments)
    if asked.data is None:
        print("The texts are not in the repository: give their folder, make bench-campaigns DATA=folder.",
              file=sys.stderr)  # fmt: skip
        return 2
    data = texts.folder(asked.data)
    outcomes = []
    for seed in asked.seeds:
        accounts = list(campaigns.compose(data, seed, asked.size, asked.split))
        accounts += refusals.compose(data, seed, asked.split) if asked.refusals else ()
        outcomes.append(evaluate(accounts, seed))
        print(f"seed {seed}: {_mean([f.flagged for f in outcomes[-1].found]):.1%} flagged", file=sys.stderr)
    text = page(outcomes)
    print(text)
    if str(asked.out) != "-":
        asked.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
