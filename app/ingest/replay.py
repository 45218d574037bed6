"""`stillwatch replay`: recorded traffic through the same features, engine and fusion as the service, in process."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.alerts.evidence import jsonable, severity_of
from app.dialects.conversations import Conversations
from app.errors import InvalidInput
from app.ingest import linking
from app.ingest.linking import Linking, Membership
from app.ingest.log import Advance, Entry, Problems, open_log, read_log
from app.ingest.measures import Label, compare, read_labels
from app.store.lists import Lists
from app.store.reference import load_engine
from detectors.base import Evidence, Explanation, Level, Term
from detectors.campaign.rows import told
from detectors.campaign.supplied import list_sizes
from detectors.engine import Engine
from detectors.features import stream
from detectors.listed import Index
from detectors.reference import LOOKS
from detectors.said import count
from detectors.table import Table

BATCH: Final = 1_000
SHOWN: Final = 20  # unreadable lines printed by name; the report has more
SEED: Final = 0  # hashes of a replay stay in this process, and two runs should agree

Clock = Callable[[], float]


@dataclass(slots=True)
class _Track:
    """What a replay remembers of a client beside its row."""

    name: str
    level: Level = Level.NONE
    peak: float = 0.0
    flagged_at_request: int | None = None
    flagged_at: float | None = None
    highest: Explanation | None = None  # when it rose to its level, for it may have fallen since


@dataclass(frozen=True, slots=True)
class ClientResult:
    """One client at the end of a replay; `flagged` says that it or its campaign was at review at any time.

    The score of a campaign's member is higher than its own traffic's: see `Membership.more`.
    """

    client: str
    score: float
    level: Level
    flagged: bool
    flagged_at_request: int | None
    flagged_at: float | None
    severity: str
    explanation: Explanation
    membership: Membership | None = None

    @property
    def watched(self) -> bool:
        """Whether it reached at least the level of watching."""
        return self.level >= Level.WATCH

    def line(self) -> dict[str, Any]:
        """The client's line in the scores."""
        told = self.explanation
        document = {
            "client": self.client,
            "score": round(self.score, 4),
            "flagged": self.flagged,
            "flagged_at_request": self.flagged_at_request,
            "flagged_at": self.flagged_at,
            "severity": self.severity,
            "campaign": self.membership.name if self.membership else None,
            "evidence": [_evidence(one) for one in told.evidence],
            "counter_evidence": [_term(term) for term in told.counter],
            "rests_on": [asdict(one) for one in told.rests_on],
            "level": self.level.name.lower(),
            "requests": told.requests,
            "peer_group": told.peer_group,
            "sentence": told.sentence,
            "cannot_tell": told.cannot_tell,
            "rank": told.rank,
            "probability": told.probability,
            "resolvable": told.resolvable,
            "part_requests": told.part_requests,
            "campaign_sentence": self.membership.campaign.sentence if self.membership else None,
        }
        result: dict[str, Any] = jsonable(document)
        return result


@dataclass(slots=True)
class Report:
    """What a replay read and found."""

    clients: list[ClientResult] = field(default_factory=list)
    campaigns: list[dict[str, Any]] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    exchanges: int = 0
    prompts: int = 0
    opaque: int = 0
    first: float = 0.0
    last: float = 0.0
    seconds: float = 0.0

    def document(self, labels: Mapping[str, Label] | None = None) -> dict[str, Any]:
        """The report as one JSON document."""
        found: dict[str, Any] = {
            "exchanges": self.exchanges,
            "prompts": self.prompts,
            "opaque": self.opaque,
            "clients": len(self.clients),
            "flagged": sum(one.flagged for one in self.clients),
            "watched": sum(one.watched for one in self.clients),
            "campaigns": self.campaigns,
            "first": self.first,
            "last": self.last,
            "seconds": round(self.seconds, 3),
            "exchanges_per_second": round(self.exchanges / self.seconds, 1) if self.seconds else None,
            "unreadable": {
                "count": self.problems.count,
                "lines": [one._asdict() for one in self.problems.named],
            },
        }
        if labels is not None:
            found["labels"] = compare(self.clients, labels)
        result: dict[str, Any] = jsonable(found)
        return result


def _term(term: Term) -> dict[str, Any]:
    return {
        "feature": term.feature,
        "value": term.value,
        "unit": term.unit,
        "expected": term.expected,
        "percentile": term.percentile,
        "share": term.share,
        "sentence": term.sentence,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "detector": evidence.detector,
        "family": evidence.family,
        "nats": evidence.nats,
        "p": evidence.p,
        "terms": [_term(term) for term in evidence.terms],
    }


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    source = iter(entries)
    while batch := list(islice(source, BATCH)):
        yield batch


def replay(
    paths: Sequence[Path],
    engine: Engine,
    *,
    advance: Advance = lambda _: None,
    clock: Clock = time.perf_counter,
    lists: Index | None = None,
) -> Report:
    """Score the exchanges of several logs in the order of their times; raises InvalidInput where a log is missing."""
    report, tracks, table = Report(), dict[int, _Track](), Table(engine)
    for path in paths:
        open_log(path).close()
    linker = Linking(lambda client: int(table[client]["events"]), partial(told, table), list_sizes(lists))
    conversations, begun = Conversations(), clock()
    logs = [read_log(path, report.problems, advance) for path in paths]
    for batch in _batches(heapq.merge(*logs, key=lambda entry: entry.exchange.at)):
        for entry in batch:
            tracks.setdefault(entry.exchange.client, _Track(entry.client))
        block = stream(conversations.mark(entry.exchange for entry in batch), seed=SEED, lists=lists)
        report.exchanges += len(batch)
        _count(report, block)
        for part in _turns(block):
            _remember(tracks, table, table.step(part, report.last))
            _rise(tracks, table, part)
        linker.follow(block, report.last)
    linked = linker.finish(report.last)
    report.campaigns = [linking.document(one, lambda client: tracks[client].name) for one in linker.campaigns]
    report.clients = [_result(table, client, track, linked.get(client)) for client, track in tracks.items()]
    report.clients.sort(key=lambda one: (-one.flagged, -one.level, -one.score, one.client))
    report.seconds = clock() - begun
    return report


def _count(report: Report, block: NDArray[np.void]) -> None:
    at = block["at"]
    report.first = min(report.first or float(at.min()), float(at.min()))
    report.last = max(report.last, float(at.max()))
    report.prompts += int(block["prompts"].sum())
    report.opaque += int((block["dialect"] == 0).sum())


def _turns(block: NDArray[np.void]) -> list[NDArray[np.void]]:
    """A block in parts in which no client comes to two looks: of several a row holds the last one's score alone.

    So what is said of a client does not depend on how many others are in the log.
    """
    order = np.argsort(block["client"], kind="stable")
    clients = block["client"][order]
    nth = np.empty(len(block), np.intp)
    nth[order] = np.arange(len(block)) - np.searchsorted(clients, clients)
    turn = nth // LOOKS[0]
    return [block[turn == one] for one in range(int(turn.max()) + 1)]


def _remember(tracks: Mapping[int, _Track], table: Table, findings: NDArray[np.void]) -> None:
    for finding in findings:
        client, level = int(finding["client"]), Level(int(finding["level"]))
        track = tracks[client]
        if level > track.level:
            track.level, track.highest = level, table.explain(client, float(finding["at"]))
        track.peak = max(track.peak, float(finding["score"]))
        if level == Level.REVIEW and track.flagged_at is None:
            track.flagged_at_request, track.flagged_at = int(finding["requests"]), float(finding["at"])


def _rise(tracks: Mapping[int, _Track], table: Table, block: NDArray[np.void]) -> None:
    """Remember the highest score of any look: a client that no finding told of may have had it long before the end."""
    for client in np.unique(block["client"]).tolist():
        track = tracks[client]
        track.peak = max(track.peak, float(table[client]["score"]))


def _result(table: Table, client: int, track: _Track, member: Membership | None) -> ClientResult:
    row = table[client]
    told = table.explain(client, float(row["last"]))
    if track.highest is not None and track.level > told.level:
        told = replace(track.highest, requests=told.requests)
    # A short log is ordered as well: what it would score at its first look, drawn to the usual client's.
    score = max(track.peak, told.score if told.look else table.engine.judge.ahead(told.rank))
    if told.part_requests:  # the whole has gone on since its last look
        score = max(score, table.engine.explain(row, float(row["last"])).score)
    level, severity = max(track.level, told.level), severity_of(score, told.threshold)
    at, request = track.flagged_at, track.flagged_at_request
    if member is not None:
        score += member.more
        if member.flagged_at is not None:
            level = Level.REVIEW
            theirs = severity_of(member.campaign.score, member.campaign.threshold)
            severity = max(severity, theirs, key=lambda one: one.number)
            if at is None or member.flagged_at < at:
                at, request = member.flagged_at, member.flagged_at_request
    flagged = at is not None
    return ClientResult(
        client=track.name,
        score=score,
        level=level,
        flagged=flagged,
        flagged_at_request=request,
        flagged_at=at,
        severity=str(severity) if flagged else "none",
        explanation=told,
        membership=member,
    )


def _write(path: Path, option: str, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidInput(option, f"{path}: {error.strerror or error}") from None


def _writable(path: Path | None, option: str, others: Sequence[Path | None]) -> None:
    """Say before the work, not after it, that a result cannot be written, or that it would replace what is read."""
    if path is None:
        return
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidInput(option, f"{path}: no file can be written there")
    replaced = not path.exists() or path.is_file()  # no /dev/null, which anything may go to
    if replaced and any(other is not None and path.resolve() == other.resolve() for other in others):
        raise InvalidInput(option, f"{path}: it is a log, the labels or the other result: give a file of its own")


def _watched(paths: Sequence[Path], engine: Engine, lists: Index | None, console: Console) -> Report:
    """A replay behind a progress bar that goes by the bytes read."""
    size = sum(path.stat().st_size for path in paths if path.is_file())
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Replaying", total=size)
        return replay(paths, engine, advance=lambda count: progress.advance(task, count), lists=lists)


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _tell(console: Console, report: Report, document: Mapping[str, Any]) -> None:
    """A few lines on stderr for whoever sits there."""
    speed = document["exchanges_per_second"] or 0
    _say(
        console,
        f"{count(report.exchanges, 'exchange')} ({count(report.prompts, 'prompt')}) of"
        f" {count(len(report.clients), 'client')}"
        f" in {report.seconds:.1f} s, {speed:.0f}/s: {document['flagged']} for review, {document['watched']} watched.",
    )
    for file, line, reason in report.problems.named[:SHOWN]:
        _say(console, f"unreadable: {file}:{line}: {reason}")
    if report.problems.count:
        lines = "1 line was" if report.problems.count == 1 else f"{report.problems.count} lines were"
        _say(console, f"{lines} unreadable and passed over.")
    if "labels" in document:
        _tell_labels(console, document["labels"])


def _tell_labels(console: Console, labels: Mapping[str, Any]) -> None:
    for name, key in (("Harvesting clients flagged", "tpr"), ("Ordinary clients flagged", "fpr")):
        one = labels[key]
        _say(
            console,
            f"{name}: {one['flagged']} of {one['clients']} ({one['rate']:.1%},"
            f" 95 % interval {one['low']:.1%} to {one['high']:.1%}); watched: {one['watched']}",
        )
    if labels["auc"] is not None:
        _say(console, f"AUC {labels['auc']:.3f}")
    for one in labels["personas"][:3]:
        if one["watched"]:
            text = (
                f"worst ordinary: {one['name']}: {one['flagged']} flagged, {one['watched']} watched of {one['clients']}"
            )
            _say(console, text)


def run_command(logs: list[Path], labels: Path | None, out: Path | None, report: Path | None, *files: str) -> int:
    """The command: scores to `out` or stdout, the report to `report`, a summary to stderr; the exit code.

    `files` are the reference, the plans, the releases and the lists, empty or left out where there is none.
    """
    for log in logs:  # before the reference is loaded, which takes seconds
        open_log(log).close()
    known = read_labels(labels) if labels is not None else None
    _writable(out, "--out", (*logs, labels))
    _writable(report, "--report", (*logs, labels, out))
    console = Console(stderr=True)
    engine, lists = load_engine(*(files[:3] or ("",))), Lists("".join(files[3:])).index
    found = _watched(logs, engine, lists, console)
    document = found.document(known)
    scores = b"".join(orjson.dumps(one.line(), option=orjson.OPT_APPEND_NEWLINE) for one in found.clients)
    if out is not None:
        _write(out, "--out", scores)
    else:
        sys.stdout.buffer.write(scores)
        sys.stdout.flush()
    if report is not None:
        _write(report, "--report", orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    _tell(console, found, document)
    return 0 if found.exchanges or not found.problems.count else 1
