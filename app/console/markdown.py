"""An alert as Markdown, to paste into a ticket or a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from app.console import words
from app.console.evidence import RESTS_ON, EvidenceView, RestView, TermView
from app.console.review import DecisionView, Entry, Quality
from app.models.alert import Alert
from detectors.said import count as counted

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # turn or hide what follows


def plain(text: str) -> str:
    """`text` with everything escaped that Markdown would take for markup, and nothing unseen, on one line."""
    return SPECIAL.sub(r"\\\1", UNSEEN.sub("", " ".join(text.split())))


def _terms(terms: Iterable[TermView]) -> list[str]:
    lines = []
    for term in terms:
        peers = f"; peers: median {term.expected}" if term.expected else ""
        place = f", {term.standing}" if term.standing else ""
        lines.append(
            f"- {f'**{plain(term.weight)}** ' if term.weight else ''}{plain(term.label)}: {plain(term.sentence)} "
            f"Here {plain(term.value)}{plain(peers)}{place}."
        )
    return lines


def _rests_on(items: Iterable[RestView]) -> list[str]:
    lines = [
        f"{place}. {plain(one.aspect)}: {plain(one.sentence)} Here {plain(one.value)}, usual {plain(one.usual)}; with "
        f"that as usual it would be that of {plain(one.left)}."
        for place, one in enumerate(items, 1)
    ]
    return ["## What all of it together rests on", "", RESTS_ON, "", *lines, ""] if lines else []


def document(
    alert: Alert,
    evidence: EvidenceView,
    decisions: Sequence[DecisionView],
    history: Sequence[Entry],
    quality: Quality,
    address: str,
) -> str:
    """The alert page in text: sentence, evidence, counter-evidence, blind spots, decision, history."""
    closed = f" ({words.disposition(alert.disposition).lower()})" if alert.disposition else ""
    lines = [
        f"# {plain(evidence.sentence)}",
        "",
        f"- Alert: [{alert.id}]({address})",
        f"- Client: {alert.client_id}",
        f"- Severity: {alert.severity}; state: {words.STATES.get(str(alert.state), alert.state)}{closed}",
        f"- Score: {words.score(evidence.score)} nats, review threshold {words.score(evidence.threshold)}",
        f"- Opened: {words.utc(alert.opened_at)} after {counted(evidence.requests, 'request')}",
        "",
        "## Why",
        "",
        *(_terms(evidence.terms) or ["Nothing observed."]),
        "",
        *_rests_on(evidence.rests_on),
        "## What speaks for an ordinary use",
        "",
        *(_terms(evidence.counter) or ["Nothing observed."]),
    ]
    if evidence.cannot_tell:
        lines += ["", "## Cannot tell", "", plain(evidence.cannot_tell)]
    blind = [f"- {plain(line)}" for line in quality.lines]
    clean = f"No blind spot known, by the counts of {words.utc(quality.until)}."
    lines += ["", "## Data quality", "", *(blind or ["Not recorded." if quality.unknown else clean])]
    lines += ["", plain(quality.since)] if quality.since else []
    said = [f"- {plain(item.headline)}: {plain(item.detail)}" for item in decisions]
    lines += ["", "## Decision", "", *(said or ["None."]), "", "## History", ""]
    for item in history:
        by = f" by {plain(item.actor)}" if item.actor else ""
        note = f": {plain(item.note)}" if item.note else ""
        lines.append(f"- {words.utc(item.at)}: {plain(item.what)}{by}{note}")
    return "\n".join(lines) + "\n"
