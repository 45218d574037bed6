"""Reasoning elicitation (D4a): the client asks for the reasoning itself, again and again."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import elicitation, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import add_row, hll_row, log16, mix64
from detectors.compiled import compiled, fold
from detectors.event import Flag
from detectors.sketch import hll_count

_ORDINARY = 0.02  # the share of elicitation in ordinary traffic, and in a harvest
_HARVEST = 0.30
_HIT = float(np.log(_HARVEST / _ORDINARY))
_MISS = float(np.log((1.0 - _HARVEST) / (1.0 - _ORDINARY)))
_PLAIN = 0.6  # "think step by step" is common; asking for private or complete reasoning is not
_APART = 2.0  # the most that single requests for more than that are worth, whatever else the client sends
_FEW = 8.0  # of them: so many speak half as loud as any number
_WEIGHTS = {
    "multi_turn": 0.7,
    "closed_answers": 0.95,
    "greedy": 0.5,
    "structured": 0.5,
    "end_users": 0.0,
    "streamed": 0.3,
    "repeats": 1.8,
}
_ONLY_PLAIN = int(elicitation.PLAIN)
_IN_SYSTEM, _IN_USER = np.uint32(Flag.ELICIT_SYSTEM), np.uint32(Flag.ELICIT_USER)
_TWIN = np.uint8(sum(1 << twins.NAMES.index(name) for name in ("closed_answers", "greedy", "structured")))


class Reasoning(Detector):
    """A large share of requests asks for written-out reasoning.

    Hypothesis
    ----------
    Reasoning traces are what trains a reasoning model, and hidden reasoning must be asked for. The score
    is the mean log-likelihood ratio a request of "asks for reasoning" under a harvest (30 %) against
    ordinary traffic (2 %), times the answer text taken, reduced by the ordinary twins. A plain "think
    step by step" counts for less than asking for private, complete or tagged reasoning.

    Misses
    ------
    Wordings outside the matcher's classes and languages; models that show their reasoning unasked; a
    share under about one in nine. Self-consistency products and evaluation of reasoning models use the
    plain class too; tutoring asks for explanations. One family alone never opens an alert.

    Cost
    ----
    One table look-up and a few sums an event; 228 bytes a client. The matcher runs in the extractor.

    References
    ----------
    Wald, "Sequential tests of statistical hypotheses", 1945. Wei et al., arXiv 2201.11903. Muennighoff et
    al., "s1: simple test-time scaling", arXiv 2501.19393.
    """

    name: ClassVar[str] = "reasoning"
    version: ClassVar[int] = 3
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "payload", "body", "elicitation", "reasoning_chars")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = ("full_reasoning_asked", "step_by_step_asked", "reasoning_text")
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("plain", "<u4"),  # only a plain request to think aloud
            ("strong", "<u4"),  # any other class
            ("system", "<u4"),  # asked in the system prompt
            ("user", "<u4"),  # asked in the user turn
            ("log_chars", "<u8"),
            ("payloads", "u1", (128,)),
            ("apart", "<u4"),  # of the strong ones, single requests without a label, a short record, temperature 0
            ("apart_chars", "<u8"),  # of their answers, sixteenths of a doubling
            ("apart_payloads", "u1", (32,)),
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        whole = seen.whole
        events = seen.starts, seen.counts, seen.places
        answers = twins.measures(whole)
        sizes = answers.chars, answers.choice, answers.log_choice, whole["reasoning_chars"]
        own = [rows[name] for name in ("n", "twins", "log_chars", "payloads")]
        fold(_fold, own, (*events, twins.habits(seen), *sizes, whole["payload"], whole["body"]))
        bits, flags = whole["elicitation"], whole["flags"]
        if bits.any() or whole.flag(Flag.ELICIT_SYSTEM | Flag.ELICIT_USER).any():
            fold(_count_asked, [rows[name] for name in ("plain", "strong", "system", "user")], (*events, bits, flags))
            own = [rows[name] for name in ("apart", "apart_chars", "apart_payloads")]
            told = answers.code, answers.log_choice, whole["payload"], whole["body"]
            fold(_count_apart, own, (*events, bits, flags, *told))

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Shares of requests that ask for reasoning, and the text taken, for the joint score."""
        values = self._parts(rows)[1]
        return values[:, [1, 0, 2]]

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Mean log-likelihood ratio a request x answer text, less the twins, or what stands apart; 0 to about 2.7."""
        del now
        base, _, _, factor = self._parts(rows)
        return np.asarray(np.maximum(base * factor.prod(axis=1), _apart(rows)), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The share of requests that ask for reasoning by kind, then what each twin took away."""
        del now
        rows = np.array([row])
        base, values, share, factor = self._parts(rows)
        plain, strong, chars = (float(v) for v in values[0])
        weight = strong / max(strong + _PLAIN * plain, 1e-9)
        where = "in the system prompt " if not row["user"] else "in the prompt " if not row["system"] else ""
        nan = twins.NAN
        single, more = float(row["apart"]), max(float(_apart(rows)[0] - base[0] * factor[0].prod()), 0.0)
        terms = (
            Term("full_reasoning_asked", strong, "share", nan, nan, nan, float(base[0]) * weight,
                 f"It asks {where}for complete or hidden reasoning in {twins.percent(strong)} of its requests."),
            Term("step_by_step_asked", plain, "share", nan, nan, nan, float(base[0]) * (1.0 - weight),
                 f"It asks {where}for the reasoning step by step in {twins.percent(plain)} of its requests."),
            Term("reasoning_text", chars, "chars", nan, nan, nan, 0.0,
                 said.answer_text(chars, "each request, reasoning included", twins.USUAL_CHARS)),
            Term("asked_apart", single, "count", nan, nan, nan, more,
                 f"It asks for complete or hidden reasoning in {said.count(single, 'request')} at a "
                 "temperature above 0 that were answered by neither a label nor a short record."),
        )  # fmt: skip
        return terms + twins.counter_terms(float(base[0]), share[0], factor[0], _WEIGHTS)

    def _parts(
        self, rows: NDArray[np.void]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        n = rows["n"].astype(np.float64)
        total = np.maximum(n, 1.0)
        plain, strong = rows["plain"] / total, rows["strong"] / total
        hits = strong + _PLAIN * plain
        ratio = np.maximum(hits * _HIT + (1.0 - hits) * _MISS, 0.0) * (n > 0)
        doublings = rows["log_chars"] / total / twins.LOG
        size = 0.25 + 0.75 * np.clip((doublings - 6.0) / 8.0, 0.0, 1.0)
        distinct = hll_count(rows["payloads"])
        share = twins.shares(rows["twins"], n, distinct)
        values = np.column_stack([plain, strong, np.exp2(doublings) - 1.0])
        return ratio * size, values, share, twins.factors(share, _WEIGHTS)


def _apart(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """What single requests for complete or hidden reasoning are worth by their number, their answers and their news."""
    count = rows["apart"].astype(np.float64)
    some = np.maximum(count, 1.0)
    new = np.clip(1.15 * hll_count(rows["apart_payloads"]) / some, 0.0, 1.0)  # an estimate: a tenth is its error
    size = np.clip((rows["apart_chars"] / some / twins.LOG - 6.0) / 4.0, 0.0, 1.0)
    return np.asarray(_APART * count / (count + _FEW) * size * new**2, np.float64)


@compiled
def _count_apart(
    apart: NDArray[np.uint32],
    chars: NDArray[np.uint64],
    payloads: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    bits: NDArray[np.uint16],
    flags: NDArray[np.uint32],
    code: NDArray[np.uint8],
    log_choice: NDArray[np.int64],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
) -> None:
    """Count the strong requests that ask something and may be a harvest's, their answers and their contents."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            if not np.int64(bits[place]) & ~_ONLY_PLAIN:
                continue
            if code[place] & _TWIN == 0 and twins.is_asking(flags[place]):
                apart[row] += np.uint32(1)
                chars[row] += np.uint64(log_choice[place])
                hll_row(payloads, row, mix64(payload[place] or body[place]))


@compiled
def _fold(
    n: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    log_chars: NDArray[np.uint64],
    payloads: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    own: NDArray[np.uint32],
    chars: NDArray[np.int64],
    choice: NDArray[np.int64],
    log_choice: NDArray[np.int64],
    thoughts: NDArray[np.uint32],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
) -> None:
    """Fold in the text taken, answers and reasoning of all choices, and the contents."""
    for row in range(len(counts)):
        ahead(n, payloads, row)
        n[row] += np.uint32(counts[row])
        add_row(habits, row, own)
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            text = log_choice[place]
            if thoughts[place] or chars[place] != choice[place]:
                text = log16(float(chars[place] + np.int64(thoughts[place])))
            log_chars[row] += np.uint64(text)
            hll_row(payloads, row, mix64(payload[place] or body[place]))


@compiled
def _count_asked(
    plain: NDArray[np.uint32],
    strong: NDArray[np.uint32],
    system: NDArray[np.uint32],
    user: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    bits: NDArray[np.uint16],
    flags: NDArray[np.uint32],
) -> None:
    """Count who asks for reasoning, by how plainly and by where."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            asked = np.int64(bits[place])
            if asked & ~_ONLY_PLAIN:
                strong[row] += np.uint32(1)
            elif asked:
                plain[row] += np.uint32(1)
            system[row] += np.uint32(flags[place] & _IN_SYSTEM != 0)
            user[row] += np.uint32(flags[place] & _IN_USER != 0)
