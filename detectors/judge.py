"""Judge: rows at a look to p-values, fused evidence, level and rank; and all that is known of one client, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import calibrate, counterfactual, fuse, likeness, parts, profile, rerank, undecided
from detectors.base import Counterfactual, Detector, Evidence, Explanation, Level, Term
from detectors.forest import Forest
from detectors.fuse import Fused
from detectors.reference import LOOKS, Reference

TRIP = 1.0  # a tripwire's score at which it has been touched
TRIPPED = 4.0  # log-odds that a client with a touched tripwire has at least
BLEND = 0.05  # of the families' nats join the forest's log-odds: what it was never shown still counts;
# a reference's levels are of one blend, so another needs another reference.FORMAT
EARLY = 8  # counted requests from which a client is ranked ahead of its first look


class Judged(NamedTuple):
    """What the detectors say of many clients: arrays of shape (clients, detectors), and what follows from them."""

    scores: NDArray[np.float32]
    p: NDArray[np.float64]
    floors: NDArray[np.float64]  # the smallest p there can be
    fused: Fused
    rank: NDArray[np.float64]  # (clients,): what orders clients, log-odds of harvesting
    kinds: NDArray[np.float64]  # (clients, families): log-odds by each family's own trees; NaN where it has none
    read: NDArray[np.float64]  # (clients, numbers): what the forest read of each row; no numbers without a forest


class Judge:
    """The detectors and the reference that their scores are compared with."""

    def __init__(self, detectors: Sequence[Detector], reference: Reference) -> None:
        self.detectors = tuple(detectors)
        self.reference = reference
        self.families = tuple(detector.family for detector in self.detectors)
        self.members = tuple(fuse.FAMILIES.index(family) for family in self.families)
        self.wires = np.array([detector.tripwire for detector in self.detectors], np.bool_)
        known = {name: (place, version) for place, (name, version) in enumerate(reference.detectors)}
        self.place = tuple(
            known[one.name][0] if known.get(one.name, (0, None))[1] == one.version else -1 for one in self.detectors
        )
        self._known = np.array(self.place, np.int64)
        self.forest = reference.forest
        self._read = _chosen(self.detectors, reference.forest)
        if self._read is None:
            self.forest = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """The detectors that the reference does not know: they are silent until one is fitted with them."""
        return tuple(one.name for one, place in zip(self.detectors, self.place, strict=True) if place < 0)

    def group(self, rows: NDArray[np.void]) -> NDArray[np.uint8]:
        """The peer group of each client."""
        return self.reference.group_of(profile.features(rows["profile"]))

    def lift(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """What the joint score takes from each client's `odds`: how much further those of like use go than others."""
        return self.reference.lift_of(profile.features(rows["profile"]), np.maximum(rows["look"], 1))

    def judge(self, rows: NDArray[np.void], now: float) -> Judged:
        """Compare rows with their peers, each at its own `look` and in its own `group`."""
        shape = (len(rows), len(self.detectors))
        scores, p, floors = np.zeros(shape, np.float32), np.ones(shape), np.ones(shape)
        measured = []
        for column, detector in enumerate(self.detectors):
            scores[:, column], found = detector.look(rows[detector.name], now)
            measured.append(found)
        looked = np.flatnonzero(rows["look"] > 0)
        group, look = rows["group"][looked], rows["look"][looked]
        p[looked], floors[looked] = calibrate.cells(self.reference, self._known, group, look, scores[looked])
        tripped = (scores >= TRIP) & self.wires
        fused = self.fused(p, floors, rows["group"], rows["look"], tripped)
        odds, read = self._lifted(rows, scores, measured)
        rank = self._rank(rows, scores, odds[:, 0], p, tripped)
        if self.forest is not None:
            rank = rank + BLEND * fused.score
            fused = self.joined(fused, rows["look"], rank, odds[:, 1:])
        fused = fuse.marked_down(fused, rows["part"] > 0, parts.MARGIN)
        return Judged(scores, p, floors, fused, rank, odds[:, 1:], read)

    def odds(self, rows: NDArray[np.void], scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """The log-odds of each client by all of the forest's trees, then by those of each family alone, without lift.

        Shape (clients, 1 + families), NaN where there are none; raises ValueError where the reference has no forest.
        """
        if self.forest is None:
            raise ValueError("the reference has no joint score")
        measured = [one.measure(rows[one.name]) for one in self.detectors]
        return self.forest.odds(likeness.joined(rows, scores, measured)[:, self._read], len(fuse.FAMILIES))

    def _lifted(
        self, rows: NDArray[np.void], scores: NDArray[np.float32], measured: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`odds` less `lift`, NaN without a forest, and what the forest read: all is read out of the rows once."""
        if self.forest is None:
            return np.full((len(rows), 1 + len(fuse.FAMILIES)), np.nan), np.zeros((len(rows), 0))
        numbers = likeness.joined(rows, scores, measured)
        uses, looks = numbers[:, : len(profile.FEATURES)], np.maximum(rows["look"], 1)
        read = numbers[:, self._read]
        return self.forest.odds(read, len(fuse.FAMILIES)) - self.reference.lift_of(uses, looks), read

    def fused(
        self,
        p: NDArray[np.float64],
        floors: NDArray[np.float64],
        group: NDArray[np.integer],
        look: NDArray[np.integer],
        tripped: NDArray[np.bool_],
        rank: NDArray[np.float64] | None = None,
        kinds: NDArray[np.float64] | None = None,
    ) -> Fused:
        """The detectors' evidence, shape (clients, detectors), as families and one score; `look` 0 says nothing.

        The score is that of log-odds `rank` and `kinds`, as `judge` gives them, or without them the families' sum.
        """
        known = calibrate.families(self.reference, self.place, self.members, group, np.maximum(look, 1), p)
        if known is None:
            fused = fuse.fuse(p, floors, self.families, tripped)
        else:
            family_p, family_floors = (np.where((look > 0)[:, None], part, 1.0) for part in known)
            fused = fuse.combine(family_p, family_floors, tripped, fuse.single(p, self.families))
        if rank is None or kinds is None or self.forest is None:
            return fused
        return self.joined(fused, look, rank, kinds)

    def joined(
        self, fused: Fused, look: NDArray[np.integer], rank: NDArray[np.float64], kinds: NDArray[np.float64]
    ) -> Fused:
        """The same families under the joint score of log-odds; it says nothing before the first look."""
        score = np.where(look > 0, calibrate.joint_nats(self.reference, look, rank), 0.0)
        learned = np.where((look > 0)[:, None], calibrate.kind_p(self.reference, look, kinds), 1.0)
        return fuse.joined(fused, score, learned)

    def ahead(self, rank: float) -> float:
        """The joint score, nats, that a client ranked ahead of its first look would have at it; 0 without a forest."""
        if self.forest is None:
            return 0.0
        return float(calibrate.joint_nats(self.reference, np.ones(1, np.int64), np.array([rank]))[0])

    def tripped(self, rows: NDArray[np.void], among: NDArray[np.bool_], now: float) -> NDArray[np.bool_]:
        """Which clients of `among` touch a tripwire as their rows stand; cheap, for few rows are armed."""
        out = np.zeros(len(rows), np.bool_)
        for detector in self.detectors:
            if detector.tripwire:
                held = rows[detector.name]
                some = np.flatnonzero(among & detector.armed(held) & ~out)
                if len(some):
                    out[some] = detector.score(held[some], now) >= TRIP
        return out

    def _rank(
        self,
        rows: NDArray[np.void],
        scores: NDArray[np.float32],
        odds: NDArray[np.float64],
        p: NDArray[np.float64],
        tripped: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Log-odds of harvesting; before the first look drawn to the usual client's, the more the fewer requests.

        `odds` are the forest's, shape (clients,), where there is one.
        """
        share = np.where(rows["look"] > 0, 1.0, np.minimum(rows["counted"] / LOOKS[0], 1.0))
        share[rows["counted"] < EARLY] = 0.0
        if self.forest is not None:
            usual = calibrate.joint_reached(self.reference, 0.5)
            rank = usual + share * (odds - usual)
            return np.where(tripped.any(axis=1), np.maximum(rank, TRIPPED), rank)
        early = np.flatnonzero((rows["look"] == 0) & (share > 0.0))
        evidence = calibrate.nats(p)
        if len(early):
            first = np.ones(len(early), np.int64)
            group = self.group(rows[early])
            ahead, _ = calibrate.cells(self.reference, self._known, group, first, scores[early])
            evidence[early] = calibrate.nats(ahead) * share[early, None]
        evidence[tripped] = calibrate.CAP
        return rerank.rank(self.reference, self.place, evidence)

    def explain(self, row: np.void, now: float, new: bool = True) -> Explanation:
        """All that is known for and against one client, as its row stands; `new`: its first window has not ended."""
        rows = np.array([row])
        look = int(row["look"])
        rows["group"] = self.group(rows)  # the reference may be another one than at the look
        group = int(rows["group"][0])
        found = self.judge(rows, now)
        level = Level(int(row["level"]))
        evidence = self._evidence(row, found, group, now)
        tripped = [one for one, wire in zip(evidence, self.wires, strict=True) if wire and one.raw >= TRIP]
        requests, counted = int(row["events"]), int(row["counted"])
        threshold = self.reference.review_at(look)
        heard = bool(look or tripped)
        score = float(fuse.told(self.reference, found.fused)[0]) if heard else 0.0
        learned = found.fused.learned[0].tolist()
        together = self._told_together(level, look, float(found.fused.score[0]))
        watched = together > 0.0 and level >= Level.WATCH
        rests_on = self._rests_on(rows, found, evidence) if watched and not tripped else ()
        known = calibrate.joint_size(self.reference, look) if self.forest is not None else 0
        return Explanation(
            client=int(row["client"]),
            at=now,
            level=level,
            score=score,
            threshold=threshold,
            peer_group=self.reference.group_name(group) if look else "not yet known",
            requests=requests,
            look=calibrate.look_size(look),
            sentence=fuse.sentence(evidence, counted, tripped, together, learned, rests_on, known)
            if heard
            else fuse.TOO_EARLY,
            evidence=evidence,
            counter=fuse.counter_evidence(evidence),
            cannot_tell=undecided.missing(evidence, level, look, counted, tripped, requests if new else None),
            rank=float(found.rank[0]),
            probability=float(rerank.probability(self.reference, found.rank)[0]),
            resolvable=self.reference.resolvable(look),
            rests_on=rests_on,
        )

    def _evidence(self, row: np.void, found: Judged, group: int, now: float) -> tuple[Evidence, ...]:
        """What each detector says of one row, judged as `found`."""
        nats = calibrate.nats(found.p)
        return tuple(
            Evidence(
                one.name, one.version, one.family, float(found.scores[0, k]), float(found.p[0, k]),
                float(nats[0, k]), self._beside(one, row, group, now),
            )
            for k, one in enumerate(self.detectors)
        )  # fmt: skip

    def _told_together(self, level: Level, look: int, score: float) -> float:
        """The joint score as far as "1 in so many" may be said: it goes on beyond the highest ordinary client.

        0 where it needs no word: of a client that is not watched, and as usual as 99 in 100.
        """
        if self.forest is None or (level < Level.WATCH and score < -np.log(fuse.RARE)):
            return 0.0
        return min(score, calibrate.joint_limit(self.reference, look))

    def _rests_on(
        self, rows: NDArray[np.void], found: Judged, evidence: Sequence[Evidence]
    ) -> tuple[Counterfactual, ...]:
        """What carries the joint score of the one row in `rows`, judged as `found`."""
        if self.forest is None:
            return ()
        forest, look, own = self.forest, int(rows["look"][0]), found.read[0]
        rest = float(found.rank[0] - forest.log_odds(own[None])[0])  # what joins the forest's stays as it is
        less = parts.MARGIN if rows["part"][0] else 0.0
        limit = calibrate.joint_limit(self.reference, look)

        def score(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
            looks = np.full(len(numbers), look)
            return np.maximum(calibrate.joint_nats(self.reference, looks, forest.log_odds(numbers) + rest) - less, 0.0)

        names = [one.name for one in self.detectors]
        as_usual = counterfactual.usual(self.reference, self.place, forest.names, names, look)
        terms = {(one.detector, term.feature): term for one in evidence for term in one.terms}
        out = []
        for step in counterfactual.steps(forest.names, own, as_usual, score):
            detector, feature = step.number.split(".", 1)
            term = terms[detector, feature]
            out.append(
                Counterfactual(
                    step.aspect,
                    detector,
                    feature,
                    step.value,
                    term.unit,
                    step.usual,
                    term.sentence,
                    min(step.nats, limit),
                )
            )
        return tuple(out)

    def _beside(self, detector: Detector, row: np.void, group: int, now: float) -> tuple[Term, ...]:
        """A detector's terms with what the peer group does beside them."""
        terms = []
        for term in detector.explain(row[detector.name], now):
            known = f"{detector.name}.{term.feature}"
            median, high, place = self.reference.expected(known, group, term.value)
            terms.append(replace(term, expected=median, expected_p99=high, percentile=place))
        return tuple(terms)


def _chosen(detectors: Sequence[Detector], forest: Forest | None) -> NDArray[np.intp] | None:
    """Where the forest's numbers stand among the detectors'; None where there is none or one is missing."""
    if forest is None:
        return None
    try:
        return likeness.chosen(forest.names, likeness.names(detectors))
    except ValueError:
        return None
