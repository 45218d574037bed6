"""`stillwatch fit`: a reference of this installation's own ordinary clients, from exchange logs or from the service."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from app.dialects.conversations import Conversations
from app.errors import InvalidInput
from app.ingest.log import Problems, client_id, open_log, read_log
from app.ingest.measures import read_labels
from app.ingest.present import Present, read_present
from app.settings import Settings
from app.store.reference import load_engine
from detectors import fitting, robust, said
from detectors.engine import Engine, window_of
from detectors.features import stream
from detectors.fitting import Snapshot
from detectors.reference import LOOKS, Reference

BATCH: Final = 1_000
LEAST: Final = 300  # clients at the first look: fewer resolve nothing that a reviewer could live with
ASKED: Final = 3_000  # clients that back a claim of 0.1 % (no alert among them: at most 0.1 %, 95 % sure)
TRUST: Final = 3  # how many clients a client that a reviewer called ordinary counts for
SEED: Final = 0
REMEDY: Final = "look at who they are (stillwatch replay LOG... shows it), label them, or give --accept"


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to fit on: rows at their looks, and what is known of their clients."""

    snapshots: list[Snapshot]
    followed: bool  # each client at all looks up to its last; else at one
    harvesting: frozenset[int] = frozenset()
    benign: frozenset[int] = frozenset()
    owners: Mapping[int, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A new reference with its card, and what speaks against taking it."""

    reference: Reference
    card: dict[str, Any]
    warnings: tuple[str, ...]
    refusals: tuple[str, ...]


def from_logs(paths: Sequence[Path], engine: Engine, labels: Path | None) -> Material:
    """The clients of exchange logs at their looks; raises InvalidInput where a log or the labels cannot be read."""
    known = read_labels(labels) if labels is not None else {}
    for path in paths:
        open_log(path).close()
    problems = Problems()
    parts: list[NDArray[np.void]] = []
    held: list[Any] = []
    conversations, exchanges = Conversations(), 0
    for path in paths:
        for entry in read_log(path, problems):
            held.append(entry.exchange)
            exchanges += 1
            if len(held) == BATCH:
                parts.append(stream(conversations.mark(held), seed=SEED))
                held.clear()
    if held:
        parts.append(stream(conversations.mark(held), seed=SEED))
    if not parts:
        raise InvalidInput("LOG", "no exchange could be read: give exchange logs (docs/exchange-log.md)")
    block = busiest_window(np.concatenate(parts))
    source = {
        "logs": [path.name for path in paths],
        "exchanges": exchanges,
        "unreadable_lines": problems.count,
        "labelled_clients": len(known),
        "first": float(block["at"].min()),
        "last": float(block["at"].max()),
    }
    return Material(
        fitting.observe(engine, block),
        True,
        frozenset(client_id(name) for name, label in known.items() if label.harvests),
        frozenset(client_id(name) for name, label in known.items() if not label.harvests),
        source=source,
    )


def busiest_window(block: NDArray[np.void]) -> NDArray[np.void]:
    """Of each client the events of one of its windows, that with the most: memory is kept for one at a time."""
    window = window_of(block["client"], block["at"])
    pairs = np.empty(len(block), [("client", "<u8"), ("window", "<i4")])
    pairs["client"], pairs["window"] = block["client"], window
    known, place, count = np.unique(pairs, return_inverse=True, return_counts=True)
    order = np.lexsort((-count, known["client"]))
    _, first = np.unique(known["client"][order], return_index=True)
    chosen = np.zeros(len(known), np.bool_)
    chosen[order[first]] = True
    kept: NDArray[np.void] = block[chosen[place.reshape(-1)]]
    return kept


def from_present(present: Present) -> Material:
    """The clients of the running service, each at the last look that it reached."""
    looks = np.searchsorted(LOOKS, present.rows["counted"], side="right")
    snapshots = []
    for look in range(1, int(looks.max(initial=0)) + 1):
        some = np.flatnonzero(looks == look)
        some = some[np.argsort(present.rows["client"][some], kind="stable")]
        snapshots.append(Snapshot(present.rows["client"][some].copy(), present.rows[some].copy()))
    source = {
        "service": "rows of clients as they stood",
        "rows": len(present.rows),
        "rows_of_another_version": present.foreign,
        "closed_as_harvesting": len(present.harvesting),
        "closed_as_benign": len(present.benign),
        "closed_as_unsure": len(present.unsure),
    }
    return Material(snapshots, False, present.harvesting | present.unsure, present.benign, present.owners, source)


def fit(engine: Engine, material: Material, now: float) -> Fitted:
    """Screen the clients, fit, and compare with the engine's present reference; raises InvalidInput where too few."""
    _enough(sum(len(one.clients) for one in material.snapshots[: 1 if material.followed else None]), material.followed)
    screened = robust.screen(
        engine, material.snapshots, harvesting=material.harvesting, benign=material.benign, owners=material.owners
    )
    _enough(screened.clients, material.followed, screened.left_out)
    about = {
        "name": "own",
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "from": dict(material.source),
        "left_out": screened.left_out,
        "suspicious_share": round(screened.suspicious, 4),
        "present_reference": engine.reference.digest(),
    }
    least = max(30, min(150, screened.clients // 8))
    fitted = fitting.fit(
        engine.detectors,
        screened.snapshots,
        about,
        least=least,
        followed=material.followed,
        weights=dict.fromkeys(material.benign, TRUST),
        prior=engine.reference,
    )
    warnings = _warnings(screened, fitted)
    refusals = list(robust.doubts(fitted, engine.reference))
    if screened.suspicious > robust.SUSPECT:
        refusals.append(
            f"{screened.suspicious:.1%} of the clients are extraordinary by the present reference, more than "
            f"{robust.SUSPECT:.0%}"
        )
    return Fitted(fitted, _card(fitted, warnings, refusals), tuple(warnings), tuple(refusals))


def _enough(clients: int, followed: bool, left_out: Mapping[str, int] | None = None) -> None:
    if clients >= LEAST:
        return
    out = f" ({sum(left_out.values())} more were left out)" if left_out else ""
    more = "give logs of more days or of all gateways" if followed else "wait until more clients were seen"
    had = f"only {said.count(clients, 'client')}" if clients else "no client"
    raise InvalidInput(
        "LOG" if followed else "--live",
        f"{had} with {LOOKS[0]} or more answered requests{out}, {LEAST} are needed: {more}. "
        "Until then the reference that ships is the better one",
    )


def _warnings(screened: robust.Screened, fitted: Reference) -> list[str]:
    found = []
    if screened.clients < ASKED:
        supported = fitted.about["review_rate_supported"]
        found.append(
            f"{screened.clients:,} clients back a false-alarm rate of about {supported:.2%} at best, not of 0.1 %: "
            f"that takes {ASKED:,}"
        )
    deepest = fitted.deepest()
    if deepest < len(LOOKS):
        found.append(
            f"beyond {LOOKS[deepest - 1]:,} requests too few clients are known: there detectors and families are "
            "compared with those at this look"
        )
    return found


def _card(fitted: Reference, warnings: Sequence[str], refusals: Sequence[str]) -> dict[str, Any]:
    return {
        "what": "Scores of this installation's ordinary clients, by peer group and number of requests. No text.",
        **fitted.about,
        "detectors": [f"{name} {version}" for name, version in fitted.detectors],
        "looks": list(LOOKS),
        "peer_groups": {name: int(fitted.sizes[0, group].sum()) for group, name in enumerate(fitted.groups)},
        "review_threshold_nats": [round(float(nats), 3) for nats in fitted.review],
        "watch_threshold_nats": [round(float(nats), 3) for nats in fitted.watch],
        "warnings": list(warnings),
        "accepted_in_spite_of": list(refusals),
        "digest": fitted.digest(),
    }


def write(fitted: Fitted, out: Path) -> Path:
    """The reference to `out` and its card beside it, each in one step; raises InvalidInput where that fails."""
    card = out.with_suffix(".json")
    try:
        text = json.dumps(fitted.card, indent=2, ensure_ascii=False) + "\n"
        _replace(card, lambda path: path.write_text(text, encoding="utf-8"))
        _replace(out, lambda path: _save(fitted.reference, path))
    except OSError as error:
        raise InvalidInput("--out", f"{out}: {error.strerror or error}") from None
    return card


def _save(fitted: Reference, path: Path) -> None:
    with path.open("wb") as file:
        fitted.save(file)


def _replace(path: Path, make: Callable[[Path], Any]) -> None:
    """Readers see the old file or the new one, never a part."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make(made)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def run_command(
    settings: Settings, logs: list[Path], live: bool, labels: Path | None, out: Path | None, accept: bool
) -> int:
    """The command; 0 where a reference was written, 1 where it was refused."""
    if bool(logs) == live:
        raise InvalidInput("LOG", "give exchange logs, or --live for the running service's clients")
    target = out or Path(settings.reference or settings.data / "reference.npz")
    if target.suffix != ".npz":
        raise InvalidInput("--out", f"{target}: the name must end in .npz")
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    engine = load_engine(settings.reference, settings.plans, settings.releases)
    material = from_present(read_present(settings, engine)) if live else from_logs(logs, engine, labels)
    found = fit(engine, material, time.time())
    _tell(console, found)
    if found.refusals and not accept:
        console.print(f"Nothing was written: {REMEDY}.")
        return 1
    card = write(found, target)
    console.print(f"Wrote {target} and {card}.")
    if str(target) != settings.reference:
        console.print(
            f"Set STILLWATCH_REFERENCE={target.resolve()}: running processes take up later changes by themselves."
        )
    return 0


def _tell(console: Console, found: Fitted) -> None:
    about = found.reference.about
    left = "; ".join(f"{count} {why}" for why, count in about["left_out"].items())
    console.print(
        f"{about['clients']:,} ordinary clients in {len(found.reference.groups)} peer groups"
        + (f"; left out: {left}." if left else ".")
    )
    moved = about.get("levels_moved_nats")
    if moved:
        console.print(
            f"Levels are the present reference's, moved by {moved['watch']:+.2f} (watch) and {moved['review']:+.2f} "
            "(review) nats."
        )
    for text in found.warnings:
        console.print(f"Note: {text}.")
    for text in found.refusals:
        console.print(f"Doubt: {text}.")
