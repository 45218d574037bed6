"""What the alert and client pages show of the evidence, from a frozen alert or a live explanation alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.console import charts, words
from detectors.base import Explanation, Term

LEAST_SHARE = 0.05  # nats; a smaller term says nothing a reviewer could use


@dataclass(frozen=True, slots=True)
class TermView:
    """One number that speaks for or against harvesting, ready to print."""

    label: str
    sentence: str
    share: float
    value: str
    expected: str
    expected_p99: str
    percentile: str
    family: str
    family_title: str
    bar: Markup
    strip: Markup


@dataclass(frozen=True, slots=True)
class FamilyView:
    """One evidence family: its nats, its strongest sentence, and how rare that is among peers."""

    name: str
    title: str
    nats: float
    headline: str
    rarity: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A request timeline: the drawing and everything its text alternative needs."""

    title: str
    drawing: Markup
    points: tuple[tuple[float, int], ...]
    top: int
    first: float
    last: float
    summary: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """Why a client is scored as it is."""

    sentence: str
    score: float
    threshold: float
    score_bar: Markup
    peer_group: str
    requests: int
    families: tuple[FamilyView, ...]
    terms: tuple[TermView, ...]
    counter: tuple[TermView, ...]
    counter_nats: float
    cannot_tell: str


@dataclass(frozen=True, slots=True)
class RawTerm:
    """A term as it was measured, whatever it was read from; None where the reference does not know."""

    family: str
    feature: str
    value: float | None
    unit: str
    expected: float | None
    expected_p99: float | None
    percentile: float | None
    share: float
    sentence: str


@dataclass(frozen=True, slots=True)
class RawDetector:
    """What one detector says in sum."""

    family: str
    p: float
    nats: float


def _known(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def _term(raw: RawTerm, largest: float) -> TermView:
    kind = f"for {raw.family}" if raw.share >= 0 else "against"
    return TermView(
        label=words.words(raw.feature),
        sentence=raw.sentence,
        share=raw.share,
        value=words.quantity(raw.value, raw.unit),
        expected="" if raw.expected is None else words.quantity(raw.expected, raw.unit),
        expected_p99="" if raw.expected_p99 is None else words.quantity(raw.expected_p99, raw.unit),
        percentile=words.percentile(raw.percentile),
        family=raw.family,
        family_title=words.FAMILIES.get(raw.family, words.words(raw.family).capitalize()),
        bar=charts.share_bar(raw.share, largest, kind),
        strip=charts.percentile_strip(raw.percentile, kind),
    )


def _rarity(p: float) -> str:
    if not 0 < p < 1:
        return ""
    if p > 0.5:
        return "ordinary among peers"
    return f"1 in {words.count(round(1 / p))} ordinary peers scores this high"


def _families(detectors: Sequence[RawDetector], terms: Sequence[RawTerm]) -> tuple[FamilyView, ...]:
    best: dict[str, RawDetector] = {}
    for detector in detectors:
        if detector.nats > best.get(detector.family, RawDetector("", 1.0, 0.0)).nats:
            best[detector.family] = detector
    views = []
    for family, detector in sorted(best.items(), key=lambda item: -item[1].nats):
        mine = [term for term in terms if term.family == family and term.share > 0]
        headline = max(mine, key=lambda term: term.share).sentence if mine else ""
        title = words.FAMILIES.get(family, words.words(family).capitalize())
        views.append(FamilyView(family, title, detector.nats, headline, _rarity(detector.p)))
    return tuple(views)


def _against(terms: Sequence[RawTerm], counter: Sequence[RawTerm]) -> list[RawTerm]:
    """The counter-evidence, strongest first: one observation is said once, however many detectors weigh it."""
    strongest: dict[str, RawTerm] = {term.feature: term for term in counter}
    named = set(strongest)
    for term in terms:
        known = strongest.get(term.feature)
        if term.share <= -LEAST_SHARE and term.feature not in named and (known is None or term.share < known.share):
            strongest[term.feature] = term
    return sorted(strongest.values(), key=lambda term: term.share)


def build(
    head: Mapping[str, Any], detectors: Sequence[RawDetector], terms: Sequence[RawTerm], counter: Sequence[RawTerm]
) -> EvidenceView:
    """Sort, scale and label the raw numbers; negative terms stand with the counter-evidence."""
    positive = sorted((term for term in terms if term.share >= LEAST_SHARE), key=lambda term: -term.share)
    against = _against(terms, counter)
    largest = max((abs(term.share) for term in (*positive, *against)), default=0.0)
    families = _families(detectors, positive)
    score, threshold = _known(head.get("score")) or 0.0, _known(head.get("threshold")) or 0.0
    parts = [charts.Part(family.name, family.title, family.nats) for family in families]
    return EvidenceView(
        sentence=str(head.get("sentence") or ""),
        score=score,
        threshold=threshold,
        score_bar=charts.score_bar(score, threshold, parts),
        peer_group=words.words(str(head.get("peer_group") or "")),
        requests=int(head.get("requests") or 0),
        families=families,
        terms=tuple(_term(term, largest) for term in positive),
        counter=tuple(_term(term, largest) for term in against),
        counter_nats=sum(min(term.share, 0.0) for term in against),
        cannot_tell=str(head.get("cannot_tell") or ""),
    )


def _raw(term: Term, family: str) -> RawTerm:
    return RawTerm(
        family=family,
        feature=term.feature,
        value=_known(term.value),
        unit=term.unit,
        expected=_known(term.expected),
        expected_p99=_known(term.expected_p99),
        percentile=_known(term.percentile),
        share=_known(term.share) or 0.0,
        sentence=term.sentence,
    )


def live(explanation: Explanation) -> EvidenceView:
    """The evidence as it stands now."""
    head = {
        "sentence": explanation.sentence,
        "score": explanation.score,
        "threshold": explanation.threshold,
        "peer_group": explanation.peer_group,
        "requests": explanation.requests,
        "cannot_tell": explanation.cannot_tell,
    }
    detectors = [RawDetector(item.family, item.p, item.nats) for item in explanation.evidence]
    terms = [_raw(term, item.family) for item in explanation.evidence for term in item.terms]
    return build(head, detectors, terms, [_raw(term, "") for term in explanation.counter])


def _frozen_term(item: Mapping[str, Any]) -> RawTerm:
    return RawTerm(
        family=str(item.get("family") or ""),
        feature=str(item.get("feature") or ""),
        value=_known(item.get("value")),
        unit=str(item.get("unit") or ""),
        expected=_known(item.get("population_p50")),
        expected_p99=_known(item.get("population_p99")),
        percentile=_known(item.get("percentile")),
        share=_known(item.get("contribution")) or 0.0,
        sentence=str(item.get("sentence") or ""),
    )


def frozen(document: Mapping[str, Any]) -> EvidenceView:
    """The evidence as an alert froze it; what an older format lacks is left out."""
    thresholds = document.get("thresholds") or {}
    detectors = [
        RawDetector(str(item.get("family") or ""), _known(item.get("p")) or 0.0, _known(item.get("nats")) or 0.0)
        for item in document.get("detectors") or ()
    ]
    terms = [_frozen_term(item) for item in document.get("contributions") or ()]
    counter = [_frozen_term(item) for item in document.get("counter_evidence") or ()]
    return build({**document, "threshold": thresholds.get("review")}, detectors, terms, counter)


def frozen_points(items: Iterable[Mapping[str, Any]]) -> list[tuple[float, int]]:
    """The (start in epoch seconds, requests) pairs of a frozen timeline."""
    return [
        (datetime.fromisoformat(str(item["start"])).timestamp(), int(item["requests"]))
        for item in items
        if item.get("start") and item.get("requests") is not None
    ]


def plot(title: str, points: Iterable[Sequence[float]], step_seconds: float) -> Plot | None:
    """A timeline without holes from (start, requests) pairs; None where there is nothing to draw."""
    counts = {int(start // step_seconds): int(amount) for start, amount in points}
    filled = [step for step, amount in counts.items() if amount]
    if not filled:
        return None
    first, last = min(counts), max(counts)
    whole = tuple((step * step_seconds, counts.get(step, 0)) for step in range(first, last + 1))
    unit = "minutes" if step_seconds < words.HOUR else "hours"
    total, top = sum(counts.values()), max(counts.values())
    summary = (
        f"{words.count(total)} requests, active in {len(filled)} of {len(whole)} {unit}, "
        f"at most {words.count(top)} in one {unit.removesuffix('s')}"
    )
    end = (last + 1) * step_seconds
    return Plot(title, charts.timeline(whole, step_seconds), whole, top, first * step_seconds, end, summary)
