"""The detectors' evidence to one score and level a client, with hysteresis; and why, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import said
from detectors.base import Counterfactual, Evidence, Family, Level, Term
from detectors.calibrate import CAP, nats
from detectors.reference import Reference

FAMILIES: tuple[Family, ...] = ("content", "surface", "rhythm", "coordination")
LEADING: frozenset[Family] = frozenset({"content", "coordination"})  # one of them must speak in a review
_ABLE = [place for place, family in enumerate(FAMILIES) if family != "rhythm"]
_LEADS = [place for place, family in enumerate(FAMILIES) if family in LEADING]

LEANS = 0.3  # a family takes part in a review when at most three ordinary clients in ten go so far,
NOTABLE = 0.05  # and one of them at least must go further than all but one in twenty
AGREES = 0.03  # two families that are each so rare,
AGREED_NATS = 8.0  # and together as rare as 1 in 3,000 were they independent, open a review
BACKED_NATS = 4.6  # where the joint score calls the client one in a hundred, though by its threshold no review
ALONE_NATS = 3.0  # what the joint score must say, one in twenty, where a family alone is to be watched
SPEAKS = 0.05  # what a sentence tells where nothing is rare,
RARE = 0.01  # and where something is; a single family beyond every ordinary client; two that the trees set apart
REVIEW_LOOK = 1
RHYTHM = 0.25  # of rhythm's evidence counts: measured, it tells services from persons rather than harvests
HOLD = 0.75  # a level is kept while the score stays above so much of its threshold
TRIP_NATS = 3.0  # over the highest threshold: what a touched tripwire stands for
TOLD_AS: dict[Family, str] = {"content": "what it asks and takes", "surface": "the form in which it does so"}
_HELD = 3.0  # times as common as it must be to begin
AT_ONCE = "no ordinary use is known to do that, so it is reviewed at once."  # ends a tripwire's sentence, no other
_STRONG = 4.0  # a term of a share at least so many times smaller than the strongest's may stand for its detector
_USUAL = (25.0, 75.0)  # percentiles between which a value is that of most peers
TOO_EARLY = "Too few requests this week to compare it with other clients."


class Fused(NamedTuple):
    """The families' evidence of many clients: arrays of shape (clients, families), and what follows."""

    p: NDArray[np.float64]
    nats: NDArray[np.float64]
    score: NDArray[np.float64]  # (clients,): the families' capped sum
    beyond: NDArray[np.bool_]  # (clients,): some family but rhythm goes further than every ordinary client
    tripped: NDArray[np.bool_]  # (clients,): a tripwire was touched
    learned: NDArray[np.float64]  # like `p`, by the joint score's trees that read one family alone; 1 where none do

    def take(self, places: NDArray[np.intp]) -> Fused:
        """The evidence of some of the clients."""
        return Fused(
            self.p[places], self.nats[places], self.score[places], self.beyond[places], self.tripped[places],
            self.learned[places],
        )  # fmt: skip


def fuse(
    p: NDArray[np.float64],
    floors: NDArray[np.float64],
    families: Sequence[Family],
    tripped: NDArray[np.bool_] | None = None,
) -> Fused:
    """Family evidence as its detectors' strongest, where no reference says how several of them go together.

    `p`, `floors` and `tripped` have shape (clients, detectors); a floor is the smallest p that can be resolved.
    """
    family_p, family_floors = np.ones((2, len(p), len(FAMILIES)))
    for column, family in enumerate(families):
        place = FAMILIES.index(family)
        better = p[:, column] < family_p[:, place]
        family_p[better, place], family_floors[better, place] = p[better, column], floors[better, column]
    return combine(family_p, family_floors, tripped)


def combine(
    family_p: NDArray[np.float64],
    floors: NDArray[np.float64],
    tripped: NDArray[np.bool_] | None = None,
    single: NDArray[np.float64] | None = None,
) -> Fused:
    """The families' capped evidence, added up; rhythm, which nearly every service shares, counts for a quarter.

    `family_p`, `floors` and `single` (see there) have shape (clients, families), `tripped` (clients, detectors). What a
    family says by one detector alone counts towards two kinds of evidence, and adds nothing to the sum.
    """
    beyond = ((family_p <= floors * (1.0 + 1e-9)) & (family_p < RARE))[:, _ABLE].any(axis=1)
    touched = np.zeros(len(family_p), np.bool_) if tripped is None else np.asarray(tripped.any(axis=1), np.bool_)
    evidence = nats(family_p) * [RHYTHM if family == "rhythm" else 1.0 for family in FAMILIES]
    spoken = family_p if single is None else np.minimum(family_p, single)
    known = np.ones(family_p.shape)
    return Fused(spoken, evidence, evidence.sum(axis=1), np.asarray(beyond, np.bool_), touched, known)


def single(p: NDArray[np.float64], families: Sequence[Family]) -> NDArray[np.float64]:
    """A family's p by its strongest detector alone, times how many it has (Bonferroni): shape (clients, families).

    `p` has shape (clients, detectors). A family compared as a whole can drown one detector that is certain.
    """
    out = np.ones((len(p), len(FAMILIES)))
    for place, family in enumerate(FAMILIES):
        own = [column for column, one in enumerate(families) if one == family]
        if own:
            out[:, place] = np.minimum(p[:, own].min(axis=1) * len(own), 1.0)
    return out


def joined(fused: Fused, nats_: NDArray[np.float64], learned: NDArray[np.float64] | None = None) -> Fused:
    """The same families under a joint score of their own, in nats, with what its trees say of each of them."""
    return fused._replace(score=nats_, learned=fused.learned if learned is None else learned)


def marked_down(fused: Fused, which: NDArray[np.bool_], margin: float) -> Fused:
    """The same with `margin` nats less for some, whom no family alone and no tripwire raises."""
    if not which.any():
        return fused
    score = np.where(which, np.maximum(fused.score - margin, 0.0), fused.score)
    return fused._replace(score=score, beyond=fused.beyond & ~which, tripped=fused.tripped & ~which)


def two_kinds(fused: Fused, slack: float = 1.0) -> NDArray[np.bool_]:
    """Whether at least two families speak, one of them leading; rhythm counts for nothing.

    By the joint score's trees that read one family alone, which set harvests apart best, both must be rare. By the
    detectors' own scores both must lean that way and one notably: that bar is low on purpose, for how rare all of it
    is together is what the score's threshold says, and a higher bar leaves that threshold to clients of few kinds who
    are far over it in a family or two.
    """
    notable = (fused.p[:, _ABLE] < NOTABLE * slack).any(axis=1)
    leans = notable & _both(fused.p < LEANS * slack)
    return np.asarray(leans | _both(fused.learned <= RARE * slack), np.bool_)


def agreed(fused: Fused, slack: float = 1.0) -> NDArray[np.bool_]:
    """Whether two families, rhythm apart and one of them leading, are rare enough to be a review by themselves.

    The joint score knows the harvests that it was trained on: it must not talk away what two kinds of evidence say of
    one that it does not know. `slack` times as common will do to stay in review.
    """
    rarest = np.sort(fused.p[:, _ABLE], axis=1)[:, :2]
    much = -np.log(np.maximum(rarest, 1e-300)).sum(axis=1) >= AGREED_NATS - 2.0 * np.log(slack)
    backed = fused.score >= BACKED_NATS / slack
    return np.asarray(much & backed & _both(fused.p < AGREES * slack), np.bool_)


def _both(speaks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether two families speak, rhythm apart, and one of them leads; `speaks` has shape (clients, families)."""
    return np.asarray(speaks[:, _LEADS].any(axis=1) & (speaks[:, _ABLE].sum(axis=1) >= 2), np.bool_)


def levels(
    reference: Reference, fused: Fused, looks: NDArray[np.integer], previous: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The level of each client at its look. Rhythm alone raises none; one family alone raises WATCH at most.

    A touched tripwire is a review by itself, and so are two families that agree. Of few clients some are always the
    furthest in one family or another: they are watched where the joint score does not call them ordinary.
    """
    look = np.clip(looks.astype(np.int64) - 1, 0, len(reference.review) - 1)
    review, watch = reference.review[look], reference.watch[look]
    steady = (np.delete(fused.p, FAMILIES.index("rhythm"), axis=1) < 1.0).any(axis=1)
    opens = ((two_kinds(fused) & (fused.score >= review)) | agreed(fused)) & (looks >= REVIEW_LOOK)
    holds = (two_kinds(fused, _HELD) & (fused.score >= HOLD * review)) | agreed(fused, _HELD)
    keeps = (previous == Level.REVIEW) & holds
    watched = (fused.score >= watch) | (fused.beyond & (fused.score >= ALONE_NATS))
    still = (previous >= Level.WATCH) & (fused.score >= HOLD * watch)
    level = np.where((watched | still) & steady, Level.WATCH, Level.NONE)
    return np.where(opens | keeps | fused.tripped, Level.REVIEW, level).astype(np.uint8)


def agreed_score(reference: Reference) -> float:
    """What two families that agree stand for at least: no look's threshold is higher. How rare they are it says not."""
    known = reference.review[np.isfinite(reference.review)]
    return float(known.max(initial=CAP))


def trip_score(reference: Reference) -> float:
    """What a touched tripwire stands for: well over every look's threshold, the same whenever it is touched."""
    return agreed_score(reference) + TRIP_NATS


def told(reference: Reference, fused: Fused) -> NDArray[np.float32]:
    """The score that is told of each client: its fused nats, or that of a touched tripwire.

    A client of which two families agree stands at a review's threshold at least.
    """
    least = np.where(agreed(fused), agreed_score(reference), -np.inf)
    return np.where(fused.tripped, trip_score(reference), np.maximum(fused.score, least)).astype(np.float32)


def sentence(
    evidence: Sequence[Evidence],
    counted: int,
    tripped: Sequence[Evidence] = (),
    together: float = 0.0,
    learned: Sequence[float] = (),
    rests_on: Sequence[Counterfactual] = (),
    known: int = 0,
) -> str:
    """Why, in one plain sentence that is true of the client; of a touched tripwire that it is one.

    `counted` requests of its present week were compared. `together` is the joint score, nats, where it is to be told;
    0 where not. `learned` is what the joint score's trees say of each of FAMILIES by itself, as p. `rests_on` is what
    carries the joint score: it is told where nothing by itself is rare. `known` ordinary clients are behind both: what
    goes further than all of them is said to, for how rare it is they cannot tell.
    """
    if tripped:
        text = " and ".join(_claim(one) for one in tripped)
        return f"{text[0].upper()}{text[1:]}: {AT_ONCE}"
    # Pace and volume explain nothing by themselves: they are told where something else speaks.
    if all(one.family == "rhythm" or one.p >= SPEAKS for one in evidence):
        evidence = [one for one in evidence if one.family != "rhythm"]
    rare = RARE if any(one.p < RARE for one in evidence) else SPEAKS
    speaking = sorted((one for one in evidence if one.p < rare), key=lambda one: one.p)
    if not speaking and together > 0.0:
        return f"Nothing that it does is rare by itself; {_without(_whole(together, _kinds(learned), known), rests_on)}"
    if not speaking:
        return f"Nothing in the {counted:,} requests compared this week is out of the ordinary for clients of its kind."
    others = {one.family for one in speaking}
    for one in sorted(evidence, key=lambda one: one.p):  # the second kind, where it is less rare than the first
        if one.p < SPEAKS and one.family not in others:
            speaking.append(one)
            others.add(one.family)
    claims = list(dict.fromkeys(_claim(one) for one in speaking))  # two detectors may say the same
    text = claims[0] if len(claims) == 1 else ", ".join(claims[:-1]) + ", and " + claims[-1]
    told = speaking if len(claims) > 1 else speaking[:1]
    text = f"{text[0].upper()}{text[1:]}; {_rarity([one.p for one in told])}"
    kinds = _kinds(learned) if len(others - {"rhythm"}) < 2 and together > 0.0 else []
    if together <= -np.log(speaking[0].p) and not kinds:
        return text
    return f"{text[:-1]}; {_whole(together, kinds, known)}"


def _kinds(learned: Sequence[float]) -> list[tuple[str, float]]:
    """The kinds of evidence that the joint score's trees set apart, and each one's p; not one alone."""
    told = zip(FAMILIES, learned, strict=False)
    rare = [(TOLD_AS[family], p) for family, p in told if p <= RARE and family in TOLD_AS]
    return rare if len(rare) > 1 else []


def _whole(together: float, kinds: Sequence[tuple[str, float]], known: int) -> str:
    """How rare everything is, and the kinds of it: one of so many ordinary clients, or further than all of them."""
    parts = [*kinds, ("all of it together", float(np.exp(-together)))]
    beyond = [known > 0 and p * (known + 1) <= 1.0 + 1e-6 for _, p in parts]
    names = [name for name, _ in parts]
    if all(beyond):
        goes = f"{', '.join(names[:-1])}, and {names[-1]} each go" if kinds else f"{names[0]} goes"
        return f"{goes} further than all {said.count(known, 'ordinary client')} it is compared with."
    clauses: list[str] = []
    for (name, p), far in zip(parts, beyond, strict=True):
        noun = "" if clauses else " ordinary clients"
        goes = f"goes further than all {known:,}{noun}" if far else f"is that of {_one_in(1.0 / p)}{noun}"
        clauses.append(f"{name} {goes}")
    return (", ".join(clauses[:-1]) + ", and " if kinds else "") + f"{clauses[-1]}."


def _without(whole: str, rests_on: Sequence[Counterfactual]) -> str:
    """How rare everything is, and how rare it would be with what it rests on as usual."""
    if not rests_on:
        return whole
    aspects = [one.aspect for one in rests_on]
    named = aspects[0] if len(aspects) == 1 else ", ".join(aspects[:-1]) + " and " + aspects[-1]
    return f"{whole[:-1]}; with {named} as usual it would be that of {ordinary_clients(rests_on[-1].nats)}."


def ordinary_clients(left: float) -> str:
    """Of how many ordinary clients it is that go as far as `left` nats, as `1 in 12 ordinary clients`."""
    clients = float(np.exp(left))
    return f"{_one_in(clients)} ordinary clients" if clients >= 2.0 else "most ordinary clients"


def _one_in(clients: float) -> str:
    """Rounded down, but for what is a whole number and its logarithm was taken."""
    return f"1 in {int(clients * (1.0 + 1e-9)):,}"


def _rarity(p: Sequence[float]) -> str:
    """How rare the claims are, from their p-values, the rarest first.

    A p-value is a whole detector's, of which a claim tells one number: that number may be common by itself.
    """
    first, last = (max(int(1.0 / one), 1) for one in (p[0], p[-1]))
    rate = max(int(1.0 / max(p)), 1)
    if len(p) == 1:
        return f"with what belongs to it, at most 1 in {rate:,} ordinary clients of its kind goes that far."
    start = "each with what belongs to it, at most"
    if first > 2 * rate and last == rate:
        text = f"{start} 1 in {first:,} ordinary clients of its kind goes that far in the first of these"
        return f"{text}, and 1 in {last:,} in the last."
    return f"{start} 1 in {rate:,} ordinary clients of its kind goes that far in any one of these."


def _claim(evidence: Evidence) -> str:
    """The strongest term as a clause; of strong ones the strongest that is not what every second peer does as well."""
    least = max(one.share for one in evidence.terms) / _STRONG
    strong = [one for one in evidence.terms if one.share >= least and not _usual(one)]
    term = max(strong or evidence.terms, key=lambda one: one.share)
    text = term.sentence.rstrip(".")
    return text[0].lower() + text[1:]


def _usual(term: Term) -> bool:
    """Whether a value is that of most peers; of many the same, the median is one of them whatever its rank."""
    return _USUAL[0] < term.percentile < _USUAL[1] or math.isclose(
        term.value, term.expected, rel_tol=1e-6, abs_tol=1e-9
    )


def counter_evidence(evidence: Sequence[Evidence]) -> tuple[Term, ...]:
    """What points to an ordinary use: each reducing term once, the strongest first."""
    best: dict[str, Term] = {}
    for one in evidence:
        for term in one.terms:
            if term.share < -0.005 and (term.feature not in best or term.share < best[term.feature].share):
                best[term.feature] = term
    return tuple(sorted(best.values(), key=lambda term: term.share))
