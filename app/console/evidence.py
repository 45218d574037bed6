"""What the alert and client pages show of the evidence, from a frozen alert or a live explanation alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from markupsafe import Markup

from app.console import charts, labels, words
from detectors.base import Explanation, Term
from detectors.calibrate import CAP
from detectors.fuse import ordinary_clients
from detectors.parts import MARGIN

LEAST_NATS = 0.05  # a smaller term says nothing that a reviewer could use
LEAST_PART = 0.005  # the same for what is taken off
SAME_NATS = 0.1  # within which printed numbers add up
HALF_TIED, LAST_TIED = 75.0, 99.5  # the middle of the peers from the median, or from the 99th percentile, on
RESTS_ON = (
    "The joint score judges all numbers together, less what clients of like use go further than others. One after the "
    "other, each of these is taken to be what is usual among all ordinary clients, the one that lowers the score most "
    "first; how rare the rest is shows what rests on it."
)
TOLD_NATS = 0.001  # how near to it a score is the one that two agreeing families are told at


@dataclass(frozen=True, slots=True)
class TermView:
    """One number that speaks for or against harvesting, ready to print."""

    label: str
    sentence: str
    weight: str  # nats where it speaks for harvesting, per cent taken off where it speaks against
    value: str
    expected: str
    expected_p99: str
    standing: str  # where the value is among the peers' values; empty where that is unknown
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
class RestView:
    """One thing that the joint score rests on, ready to print."""

    aspect: str
    sentence: str  # of the aspect's weightiest number
    value: str
    usual: str
    left: str  # how rare all of it together would be with this, and those before it, as usual


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
    cannot_tell: str
    likelihood: str = ""
    rests_on: tuple[RestView, ...] = ()
    rests_note: str = RESTS_ON
    composition: str = ""  # how the score comes of the families, where it is not their sum


@dataclass(frozen=True, slots=True)
class RawTerm:
    """A term as it was measured, whatever it was read from; None where the reference does not know."""

    feature: str
    value: float | None
    unit: str
    expected: float | None
    expected_p99: float | None
    percentile: float | None
    share: float  # signed part of the detector's own score
    sentence: str


@dataclass(frozen=True, slots=True)
class RawDetector:
    """What one detector says: its evidence in nats, how rare that is, and the terms behind it."""

    family: str
    p: float
    nats: float
    terms: tuple[RawTerm, ...]

    @property
    def gross(self) -> float:
        """The score before the counter-evidence took its part."""
        return sum(term.share for term in self.terms if term.share > 0)


def _known(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def _place(raw: RawTerm) -> tuple[float | None, str]:
    """The value's percentile and how it is said: a value that many peers have is above none of those.

    What alerts froze before ties counted as ties says 100 there.
    """
    if raw.percentile is None or not _same(raw.value, raw.expected_p99):
        return raw.percentile, f"{words.percentile(raw.percentile)} percentile" if raw.percentile is not None else ""
    if _same(raw.value, raw.expected):
        return min(raw.percentile, HALF_TIED), "as at least half of the peers"
    place = min(raw.percentile, LAST_TIED)
    return place, f"{words.percentile(place)} percentile"


def _same(value: float | None, other: float | None) -> bool:
    """Whether two numbers are one, of which the reference keeps 32 bits."""
    return value is not None and other is not None and math.isclose(value, other, rel_tol=1e-6, abs_tol=1e-9)


def _term(raw: RawTerm, family: str, weight: str, size: float, kind: str) -> TermView:
    place, standing = _place(raw)
    return TermView(
        label=labels.label(raw.feature),
        sentence=raw.sentence,
        weight=weight,
        value=words.quantity(raw.value, raw.unit),
        expected="" if raw.expected is None else words.quantity(raw.expected, raw.unit),
        expected_p99="" if raw.expected_p99 is None else words.quantity(raw.expected_p99, raw.unit),
        standing=standing,
        family=family,
        family_title=words.FAMILIES.get(family, words.words(family).capitalize()),
        bar=charts.share_bar(size, kind),
        strip=charts.percentile_strip(place, kind, standing),
    )


def _rarity(p: float) -> str:
    if not 0 < p < 1:
        return ""
    if p > 0.5:
        return "ordinary among peers"
    return f"at most 1 in {words.count(int(1 / p))} ordinary peers scores this high"


def _families(detectors: Sequence[RawDetector]) -> tuple[FamilyView, ...]:
    """Each family by its strongest detector."""
    best: dict[str, RawDetector] = {}
    for detector in detectors:
        known = best.get(detector.family)
        if detector.nats >= LEAST_NATS and (known is None or detector.nats > known.nats):
            best[detector.family] = detector
    views = []
    for family, detector in sorted(best.items(), key=lambda item: -item[1].nats):
        headline = max(detector.terms, key=lambda term: term.share).sentence if detector.gross > 0 else ""
        title = words.FAMILIES.get(family, words.words(family).capitalize())
        views.append(FamilyView(family, title, detector.nats, headline, _rarity(detector.p)))
    return tuple(views)


def _for(detectors: Sequence[RawDetector]) -> tuple[TermView, ...]:
    """What points to harvesting: each detector's nats shared out over its terms, largest first."""
    found = [
        (term.share / detector.gross * detector.nats, detector.family, term)
        for detector in detectors
        for term in detector.terms
        if term.share > 0
    ]
    found = sorted((item for item in found if item[0] >= LEAST_NATS), key=lambda item: -item[0])
    largest = found[0][0] if found else 1.0
    return tuple(
        _term(term, family, words.signed(nats), nats / largest, f"for {family}") for nats, family, term in found
    )


def _against(detectors: Sequence[RawDetector], counter: Sequence[RawTerm]) -> tuple[TermView, ...]:
    """What points to an ordinary use, by how much it takes off; said once however many detectors weigh it."""
    strongest: dict[str, tuple[float, RawTerm]] = {}
    for detector in detectors:
        for term in detector.terms:
            part = -term.share / detector.gross if detector.gross > 0 else 0.0
            if part >= LEAST_PART and part > strongest.get(term.feature, (0.0, term))[0]:
                strongest[term.feature] = (part, term)
    for term in counter:
        strongest.setdefault(term.feature, (0.0, term))
    ordered = sorted(strongest.values(), key=lambda item: -item[0])
    return tuple(
        _term(term, "", f"−{part * 100:.0f} %" if part else "", min(part, 1.0), "against") for part, term in ordered
    )


def build(head: Mapping[str, Any], detectors: Sequence[RawDetector], counter: Sequence[RawTerm]) -> EvidenceView:
    """Sort, scale and label the raw numbers."""
    families = _families(detectors)
    score, threshold = _known(head.get("score")) or 0.0, _known(head.get("threshold")) or 0.0
    part = int(head.get("part_requests") or 0)
    adds_up = not part and abs(sum(family.nats for family in families) - score) <= SAME_NATS
    parts = [charts.Part(family.name, family.title, family.nats) for family in families] if adds_up else []
    return EvidenceView(
        sentence=str(head.get("sentence") or ""),
        score=score,
        threshold=threshold,
        score_bar=charts.score_bar(score, threshold, parts),
        peer_group=words.words(str(head.get("peer_group") or "")),
        requests=int(head.get("requests") or 0),
        families=families,
        terms=_for(detectors),
        counter=_against(detectors, counter),
        cannot_tell=str(head.get("cannot_tell") or ""),
        rests_on=_rests_on(head.get("rests_on") or ()),
        likelihood=_likelihood(head.get("probability"), head.get("resolvable")),
        composition="" if adds_up or not families else _composition(score, families) + _about_a_part(part),
    )


def _composition(score: float, families: Sequence[FamilyView]) -> str:
    """Why the families' numbers do not add up to the score: a joint one takes them together."""
    if len(families) > 1 and abs(score - CAP) < TOLD_NATS:
        return (
            f"Two kinds of evidence that agree are a review by themselves. The score is set to {words.score(score)} at "
            "least then, even where all of it together is less rare than that."
        )
    text = (
        "The score says how far all of it together goes: one nat is 2.7 times rarer among ordinary clients, and beyond "
        "the furthest one known it goes on by distance. Below, each kind of evidence by itself."
    )
    if len(families) > 1:
        text += " They overlap, so they do not add up."
    if max(family.nats for family in families) > score + SAME_NATS:
        text += " One of them can be rarer than all of it together: the rest of what the client does is ordinary."
    return text


def _about_a_part(requests: int) -> str:
    """What the numbers are of, where they are of a part of a mixed client's traffic; empty where of all of it."""
    if not requests:
        return ""
    return (
        f" All numbers here are of {words.count(requests)} of its requests, those sent in one manner; their joint "
        f"score is taken {MARGIN:g} lower, for a client that sends several things is looked at several times."
    )


def _rests_on(items: Iterable[Mapping[str, Any]]) -> tuple[RestView, ...]:
    """What the joint score rests on; what an older alert lacks is left out."""
    views = []
    for item in items:
        unit = str(item.get("unit") or "")
        views.append(
            RestView(
                aspect=str(item.get("aspect") or ""),
                sentence=str(item.get("sentence") or ""),
                value=words.quantity(_known(item.get("value")), unit),
                usual=words.quantity(_known(item.get("usual")), unit),
                left=ordinary_clients(_known(item.get("nats")) or 0.0),
            )
        )
    return tuple(views)


def _likelihood(probability: Any, resolvable: Any) -> str:
    """What the re-ranker says, and what so few known clients cannot say; empty where neither is known."""
    told = []
    if (share := _known(probability)) is not None:
        told.append(
            f"Among as many harvesters as ordinary clients, {100 * share:.0f} % of clients with such evidence would "
            "harvest; this orders clients and decides nothing."
        )
    if (least := _known(resolvable)) is not None and least > 0:
        told.append(
            "Too few ordinary clients are known to call any single kind of evidence rarer than "
            f"1 in {words.count(round(1 / least))}."
        )
    return " ".join(told)


def _raw(term: Term) -> RawTerm:
    return RawTerm(
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
        "probability": explanation.probability,
        "resolvable": explanation.resolvable,
        "part_requests": explanation.part_requests,
        "rests_on": [asdict(one) for one in explanation.rests_on],
    }
    detectors = [
        RawDetector(item.family, item.p, _known(item.nats) or 0.0, tuple(_raw(term) for term in item.terms))
        for item in explanation.evidence
    ]
    return build(head, detectors, [_raw(term) for term in explanation.counter])


def _frozen_term(item: Mapping[str, Any]) -> RawTerm:
    return RawTerm(
        feature=str(item.get("feature") or ""),
        value=_known(item.get("value")),
        unit=str(item.get("unit") or ""),
        expected=_known(item.get("population_p50")),
        expected_p99=_known(item.get("population_p99")),
        percentile=_known(item.get("percentile")),
        share=_known(item.get("share", item.get("contribution"))) or 0.0,  # of older alerts the contribution is it
        sentence=str(item.get("sentence") or ""),
    )


def frozen(document: Mapping[str, Any]) -> EvidenceView:
    """The evidence as an alert froze it; what an older format lacks is left out."""
    thresholds = document.get("thresholds") or {}
    contributions = document.get("contributions") or ()
    detectors = [
        RawDetector(
            str(item.get("family") or ""),
            _known(item.get("p")) or 0.0,
            _known(item.get("nats")) or 0.0,
            tuple(_frozen_term(one) for one in contributions if one.get("detector") == item.get("detector")),
        )
        for item in document.get("detectors") or ()
    ]
    counter = [_frozen_term(item) for item in document.get("counter_evidence") or ()]
    return build({**document, "threshold": thresholds.get("review")}, detectors, counter)
