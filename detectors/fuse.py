"""The detectors' evidence to one score and level a client, with hysteresis; and why, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Evidence, Family, Level, Term
from detectors.calibrate import nats
from detectors.reference import Reference

FAMILIES: tuple[Family, ...] = ("content", "surface", "rhythm", "coordination")
LEADING: frozenset[Family] = frozenset({"content", "coordination"})  # one of them must speak in a review

RARE = 0.01  # a family speaks when at most one ordinary client in a hundred goes so far
REVIEW_LOOK = 2  # small benchmarks end before the second look
HOLD = 0.75  # a level is kept while the score stays above so much of its threshold
_HELD_RARE = 0.03
_SMALL_LIST = 500  # public benchmarks that are scored by repeated sampling are smaller


class Fused(NamedTuple):
    """The families' evidence of many clients: arrays of shape (clients, families), and what follows."""

    p: NDArray[np.float64]
    nats: NDArray[np.float64]
    score: NDArray[np.float64]  # (clients,): the families' capped sum
    beyond: NDArray[np.bool_]  # (clients,): some family but rhythm goes further than every ordinary client

    def take(self, places: NDArray[np.intp]) -> Fused:
        """The evidence of some of the clients."""
        return Fused(self.p[places], self.nats[places], self.score[places], self.beyond[places])


def fuse(p: NDArray[np.float64], floors: NDArray[np.float64], families: Sequence[Family]) -> Fused:
    """Family evidence is its detectors' largest, so that two looks at one fact count once; families add up.

    `p` and `floors` have shape (clients, detectors); a floor is the smallest p that can be resolved.
    """
    family_p = np.ones((len(p), len(FAMILIES)))
    beyond = np.zeros(len(p), np.bool_)
    for column, family in enumerate(families):
        place = FAMILIES.index(family)
        family_p[:, place] = np.minimum(family_p[:, place], p[:, column])
        if family != "rhythm":
            beyond |= (p[:, column] <= floors[:, column] * (1.0 + 1e-9)) & (p[:, column] < RARE)
    evidence = nats(family_p)
    return Fused(family_p, evidence, evidence.sum(axis=1), beyond)


def two_kinds(family_p: NDArray[np.float64], rare: float = RARE) -> NDArray[np.bool_]:
    """Whether at least two families speak, one of them leading."""
    speaks = family_p < rare
    lead = speaks[:, [FAMILIES.index(family) for family in FAMILIES if family in LEADING]].any(axis=1)
    return np.asarray(lead & (speaks.sum(axis=1) >= 2), np.bool_)


def levels(
    reference: Reference, fused: Fused, looks: NDArray[np.integer], previous: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The level of each client at its look. Rhythm alone raises none; one family alone raises WATCH at most."""
    look = np.clip(looks.astype(np.int64) - 1, 0, len(reference.review) - 1)
    review, watch = reference.review[look], reference.watch[look]
    steady = fused.score - fused.nats[:, FAMILIES.index("rhythm")] > 0.0
    opens = two_kinds(fused.p) & (fused.score >= review) & (looks >= REVIEW_LOOK)
    keeps = (previous == Level.REVIEW) & two_kinds(fused.p, _HELD_RARE) & (fused.score >= HOLD * review)
    watched = (fused.score >= watch) | fused.beyond
    still = (previous >= Level.WATCH) & (fused.score >= HOLD * watch)
    level = np.where((watched | still) & steady, Level.WATCH, Level.NONE)
    return np.where(opens | keeps, Level.REVIEW, level).astype(np.uint8)


def sentence(evidence: Sequence[Evidence], requests: int) -> str:
    """Why, in one plain sentence that is true of the client."""
    rare = RARE if any(one.p < RARE for one in evidence) else 0.05
    speaking = sorted((one for one in evidence if one.p < rare), key=lambda one: one.p)
    if not speaking:
        return f"Nothing in its {requests:,} requests is out of the ordinary for clients of its kind."
    claims = [_claim(one) for one in speaking]
    text = claims[0] if len(claims) == 1 else ", ".join(claims[:-1]) + ", and " + claims[-1]
    weakest = max(one.p for one in speaking)
    rate = max(int(1.0 / weakest), 1)
    each = "that far" if len(speaking) == 1 else "that far in any one of these"
    end = f"at most 1 in {rate:,} ordinary clients of its kind goes {each}."
    return f"{text[0].upper()}{text[1:]}; {end}"


def _claim(evidence: Evidence) -> str:
    """The strongest term as a clause."""
    term = max(evidence.terms, key=lambda one: one.share)
    text = term.sentence.rstrip(".")
    return text[0].lower() + text[1:] if text.startswith("It ") else text


def counter_evidence(evidence: Sequence[Evidence]) -> tuple[Term, ...]:
    """What points to an ordinary use: each reducing term once, the strongest first."""
    best: dict[str, Term] = {}
    for one in evidence:
        for term in one.terms:
            if term.share < -0.005 and (term.feature not in best or term.share < best[term.feature].share):
                best[term.feature] = term
    return tuple(sorted(best.values(), key=lambda term: term.share))


def cannot_tell(evidence: Sequence[Evidence], level: Level, look: int, distinct: float) -> str:
    """The observation that is missing for a verdict; empty where nothing is."""
    if look == 0:
        return "Too few requests so far: the first comparison is made at 25."
    if level == Level.NONE:
        return ""
    speaking = {one.family for one in evidence if one.p < RARE}
    features = {term.feature: term.value for one in evidence for term in one.terms}
    if level == Level.WATCH and look < REVIEW_LOOK:
        return "Too few requests so far: small benchmarks look the same until they end."
    if level == Level.WATCH and len(speaking) < 2:
        named = next(iter(speaking), "")
        only = f"Only one kind of evidence speaks ({named})" if named else "No kind of evidence is strong by itself"
        return f"{only}; what would decide it is a second, independent kind, or a link to other clients."
    sampled = features.get("several_samples", 0.0) > 0.5
    scoring = max(features.get("free_text_logprobs", 0.0), features.get("full_reasoning_asked", 0.0)) < 0.5
    if sampled and scoring and distinct < _SMALL_LIST:
        return (
            f"So far it sent about {distinct:,.0f} different prompts; a benchmark scored by repeated sampling looks "
            f"the same. Whether the list goes on growing past about {_SMALL_LIST} or comes round again would decide it."
        )
    return ""
