"""Pure: a finding as the JSON that an alert freezes at its creation, and as the reading it refreshes later."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from app.models.base import moment
from app.models.client import client_ref
from app.models.vocabulary import Severity
from app.policies import rules
from detectors.base import Explanation, Term

FORMAT = 2  # of the frozen document; a reader of old alerts goes by it: in 1 a `contribution` was what is `share` now
SEVERITY_STEPS = ((6.0, Severity.CRITICAL), (3.0, Severity.HIGH), (1.0, Severity.MEDIUM))  # nats over the threshold

_PLAIN = (str, int, bool, type(None))


class Activity(Protocol):
    """When a client asked: (start in epoch seconds, requests) a minute and an hour."""

    @property
    def minutes(self) -> Sequence[tuple[float, int]]:
        """The last 60 minutes."""

    @property
    def hours(self) -> Sequence[tuple[float, int]]:
        """The last 72 hours."""


@dataclass(frozen=True, slots=True)
class FindingInput:
    """One finding of the engine with what explains it; `at` is epoch seconds of the newest event folded in."""

    client: int
    level: int
    previous: int
    score: float
    requests: int
    at: float
    explanation: Explanation
    traffic: Mapping[str, Any]
    activity: Activity | None
    quality: Mapping[str, Any]
    coverage: Mapping[str, Any] = field(default_factory=dict)


def severity_of(score: float, threshold: float) -> Severity:
    """How far `score` stands over `threshold`: each nat makes chance e times less likely."""
    margin = score - threshold
    return next((severity for step, severity in SEVERITY_STEPS if margin >= step), Severity.LOW)


def jsonable(value: Any) -> Any:
    """`value` in what JSON can say: numpy scalars unwrapped, NaN and infinities as null."""
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in _PLAIN:  # most of it: abstract types are told at some cost
        return value
    if kind is dict:
        return {str(key): jsonable(item) for key, item in value.items()}
    if kind is list:
        return [jsonable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | Sequence) and not isinstance(value, str | bytes):
        return [jsonable(item) for item in value]
    return value


def instant(seconds: float) -> str:
    """Epoch seconds as RFC 3339 in UTC."""
    return moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _term(term: Term, **about: Any) -> dict[str, Any]:
    return about | {
        "feature": term.feature,
        "value": term.value,
        "unit": term.unit,
        "population_p50": term.expected,
        "population_p99": term.expected_p99,
        "percentile": term.percentile,
        "share": term.share,
        "sentence": term.sentence,
    }


def why(explanation: Explanation) -> dict[str, Any]:
    """Who says what, for and against; numbers as they are, so pass it through `jsonable` before it is sent."""
    document = {
        "sentence": explanation.sentence,
        "detectors": [
            {"detector": e.detector, "version": e.version, "family": e.family, "raw": e.raw, "p": e.p, "nats": e.nats}
            for e in explanation.evidence
        ],
        "contributions": [
            _term(term, detector=evidence.detector, family=evidence.family)
            for evidence in explanation.evidence
            for term in evidence.terms
        ],
        "counter_evidence": [_term(term) for term in explanation.counter],
        "rests_on": [asdict(one) for one in explanation.rests_on],
        "cannot_tell": explanation.cannot_tell,
        "rank": explanation.rank,
        "probability": explanation.probability,
        "resolvable": explanation.resolvable,
        "part_requests": explanation.part_requests,
    }
    return in_nats(document)


def _finite(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def in_nats(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document whose terms have their `contribution` in nats, as pages show it, beside their raw `share`.

    Shares have the unit of their detector's own score, so those of two detectors cannot be compared; a detector's
    nats are shared out over its terms that speak for harvesting. Of format 1 the contribution is the share.
    """
    terms = [{"share": one.get("contribution"), **one} for one in document.get("contributions") or ()]
    gross: dict[str, float] = defaultdict(float)
    for term in terms:
        gross[term.get("detector", "")] += max(0.0, _finite(term["share"]))
    nats = {one.get("detector"): _finite(one.get("nats")) for one in document.get("detectors") or ()}
    known: dict[tuple[Any, Any], float | None] = {}
    for term in terms:
        name = term.get("detector", "")
        term["contribution"] = _finite(term["share"]) / gross[name] * nats.get(name, 0.0) if gross[name] else None
        known[term.get("feature"), term["share"]] = term["contribution"]
    terms.sort(key=lambda term: -abs(term["contribution"] or 0.0))
    counter = [{"share": one.get("contribution"), **one} for one in document.get("counter_evidence") or ()]
    for term in counter:
        term["contribution"] = known.get((term.get("feature"), term["share"]))
    return {**document, "contributions": terms, "counter_evidence": counter}


def frozen(finding: FindingInput, alert_id: str, episode: int) -> dict[str, Any]:
    """What the alert must still be able to say when row, reference and policy have moved on."""
    explanation = finding.explanation
    activity = finding.activity
    hours = [(at, count) for at, count in activity.hours if count] if activity is not None else []
    minutes = list(activity.minutes) if activity is not None else []
    start = min([at for at, _ in hours], default=finding.at)
    document = why(explanation) | {
        "format": FORMAT,
        "id": alert_id,
        "episode_no": episode,
        "client_ref": client_ref(finding.client),
        "peer_group": explanation.peer_group,
        "policy": rules.POLICY,
        "policy_version": rules.POLICY_VERSION,
        "detector_versions": {e.detector: e.version for e in explanation.evidence},
        "thresholds": {"review": explanation.threshold},
        "score": finding.score,
        "severity": str(severity_of(finding.score, explanation.threshold)),
        "requests": finding.requests,
        "look": explanation.look,
        "window": {"start": instant(start), "end": instant(finding.at)},
        "traffic": finding.traffic,
        "coverage": finding.coverage,
        "timing": {
            "minutes": [{"start": instant(at), "requests": count} for at, count in minutes],
            "hours": [{"start": instant(at), "requests": count} for at, count in hours],
        },
        "data_quality": finding.quality,
    }
    result: dict[str, Any] = jsonable(document)
    return result


def reading(finding: FindingInput) -> dict[str, Any]:
    """The newest word on the client, refreshed with each finding."""
    document = why(finding.explanation) | {
        "at": instant(finding.at),
        "score": finding.score,
        "level": int(finding.level),
        "requests": finding.requests,
        "data_quality": finding.quality,
    }
    result: dict[str, Any] = jsonable(document)
    return result


def speaking(latest: Mapping[str, Any], nats: float) -> list[str]:
    """The detectors whose evidence in a reading is at least `nats`."""
    return sorted(str(d["detector"]) for d in latest.get("detectors", ()) if (d["nats"] or 0.0) >= nats)
