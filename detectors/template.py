"""Template harvest (D3): one instruction filled with ever new content, for long free answers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import twins
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.sketch import bucket_update, concentration, hll_count, hll_update, mixed, mixed_content

_SYSTEM = 0.6  # every product has one system prompt: alone it says less than a template in the user turn
_LIST = 100.0
_WEIGHTS = {
    "multi_turn": 0.8,
    "closed_answers": 0.95,
    "greedy": 0.6,
    "structured": 0.7,
    "end_users": 0.8,
    "streamed": 0.3,
    "no_longer": 0.5,
    "repeats": 1.8,
}
_PARTS = {"template_share": 0.4, "new_content": 0.3, "answer_taken": 0.3}


class Template(Detector):
    """One fixed wording around new content in nearly every request, answered at length.

    Hypothesis
    ----------
    A pipeline that turns answers into training data walks a list: the same words in front of, behind or
    above (as system prompt) each item, each item once, and wants much free text for each. The score is
    template share x share of new content x answer taken an item, reduced by the ordinary twins. The answer
    taken is its characters, times one plus the alternatives asked for each token; further samples of the
    same prompt count where alternatives are asked, or as the list grows from 100 to 800 prompts.

    Misses
    ------
    Lists sent without any template; templates paraphrased for each request; harvests whose answers are
    short (grading, labels); a harvest mixed into much more other traffic of the same client. A bulk
    writing job (product texts) looks the same: nothing here tells them apart, so the detector alone
    never opens an alert.

    Cost
    ----
    Four table look-ups an event; 496 bytes a client.

    References
    ----------
    Template and slot statistics of near-duplicate mining: Broder, "On the resemblance and containment of
    documents", 1997; He et al., "Drain: an online log parsing approach", ICWS 2017. Distinct counts: Ertl,
    "New cardinality estimation algorithms for HyperLogLog sketches", arXiv 1702.01284.
    """

    name: ClassVar[str] = "template"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "payload", "body", "head4", "tail6", "system", "top_logprobs")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("log_one", "<u8"),  # answer taken a request: one choice, sixteenths of a doubling
            ("log_all", "<u8"),  # all choices
            ("head", "<u4", (16,)),
            ("tail", "<u4", (16,)),
            ("system", "<u4", (16,)),
            ("payloads", "u1", (256,)),
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        rows["n"] += seen.counts.astype(np.uint32)
        rows["twins"] += twins.sums(seen)
        alternatives = np.maximum(seen["top_logprobs"], 0).astype(np.int64)
        answers = twins.measures(seen)
        # Benchmarks do not ask the alternatives of every sample: with them, all samples count at once.
        more = np.flatnonzero(alternatives > 0)
        one = twins.replaced(answers.log_choice, more, answers.chars[more] * (1 + alternatives[more]))
        several = answers.several
        full = twins.replaced(one, several, answers.chars[several] * (1 + alternatives[several]))
        rows["log_one"] += seen.sum(one).astype(np.uint64)
        rows["log_all"] += seen.sum(full).astype(np.uint64)
        bucket_update(rows["head"], seen.index, mixed(seen, "head4"))
        bucket_update(rows["tail"], seen.index, mixed(seen, "tail6"))
        bucket_update(rows["system"], seen.index, mixed(seen, "system"))
        hll_update(rows["payloads"], seen.index, mixed_content(seen))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Template share x new content x answer taken, less the twins; 0 to 10."""
        del now
        base, _, _, factor = self._parts(rows)
        return np.asarray(base * factor.prod(axis=1), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Template share, new content and answer taken, then what each twin took away."""
        del now
        rows = np.array([row])
        base, values, share, factor = self._parts(rows)
        sentences = {
            "template_share": "It wraps {} of its requests in the same wording.",
            "new_content": "It fills that wording with new content in {} of its requests.",
            "answer_taken": "It takes about {} characters of answer, alternatives included, from each request.",
        }
        shown = (twins.percent(values[0, 0]), twins.percent(values[0, 1]), f"{values[0, 2]:,.0f}")
        terms = tuple(
            Term(name, float(values[0, k]), "chars" if k == 2 else "share", twins.NAN, twins.NAN, twins.NAN,
                 float(base[0]) * weight, sentences[name].format(shown[k]))
            for k, (name, weight) in enumerate(_PARTS.items())
        )  # fmt: skip
        return terms + twins.counter_terms(float(base[0]), share[0], factor[0], _WEIGHTS)

    def _parts(
        self, rows: NDArray[np.void]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        n = rows["n"].astype(np.float64)
        total = np.maximum(n, 1.0)
        user = np.maximum(concentration(rows["head"], n), concentration(rows["tail"], n))
        template = np.maximum(user, _SYSTEM * concentration(rows["system"], n))
        distinct = hll_count(rows["payloads"])
        new = np.clip(distinct / total, 0.0, 1.0)
        # Several samples count once the list outgrows the benchmarks that are scored by sampling.
        grown = np.clip(np.log2(np.maximum(distinct, 1.0) / _LIST) / 3.0, 0.0, 1.0)
        taken = rows["log_one"] + grown * (rows["log_all"] - rows["log_one"].astype(np.float64))
        doublings = taken / total / twins.LOG
        size = np.clip((doublings - 6.0) / 8.0, 0.0, 1.0)  # 64 characters are nothing, 16,000 are all
        share = twins.shares(rows["twins"], n, distinct)
        values = np.column_stack([template, new, np.exp2(doublings) - 1.0])
        return 10.0 * template * new * size, values, share, twins.factors(share, _WEIGHTS)
