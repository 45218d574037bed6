"""Sampling surface (D6): several samples a prompt, log probabilities of free text, sweeps, blank prompts."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import twins
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.event import Flag
from detectors.sketch import hll_count, hll_update, mix, mixed

_UNIT = 64  # per-event weights are kept as integers, so that sums are exact
_BLANK_PROMPT = 1_000  # characters that a system prompt may have beside an empty user turn
_BLANK_CHARS = 200  # a health check asks for little
_WEIGHTS = {"multi_turn": 0.6, "structured": 0.5, "end_users": 0.7, "streamed": 0.2, "repeats": 1.6}


class Sampling(Detector):
    """The client asks for more than one finished answer: samples, probabilities, sweeps, openings.

    Hypothesis
    ----------
    Preference sets and rejection sampling need several long samples of one prompt, soft labels need log
    probabilities of free text, sweeps send one prompt under several parameters, and Magpie lets the model
    invent the prompt by sending an empty one. Products hardly do. The score adds the four, each weighed by
    the length of the answers, reduced by the ordinary twins.

    Misses
    ------
    One sample a prompt; samples fetched as repeats of one body without changing a parameter. Log
    probabilities of one-word answers are left out on purpose: classification with a confidence and soft
    labels are the same bytes. pass@k scoring and self-consistency voting also ask for several samples;
    their answers are shorter, their lists small and repeated, or they name end users.

    Cost
    ----
    Two table look-ups and a few sums an event; 328 bytes a client.

    References
    ----------
    Cui et al., "UltraFeedback", arXiv 2310.01377; Xu et al., "Magpie", arXiv 2406.08464; Carlini et al.,
    "Stealing part of a production language model", arXiv 2403.06634 (log probabilities).
    """

    name: ClassVar[str] = "sampling"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "surface"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "body", "params", "top_logprobs", "in_chars")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("several", "<u4"),  # requests for two or more samples
            ("samples", "<u4"),  # samples asked for in them
            ("logprobs", "<u4"),  # requests for log probabilities of free text
            ("blank", "<u4"),  # empty prompts answered at length
            ("weights", "<u8", (3,)),  # samples, log probabilities, blanks, in units of 1/64
            ("bodies", "u1", (128,)),
            ("settings", "u1", (128,)),  # distinct pairs of body and parameters
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        answers = twins.measures(seen)
        choices = seen["choices"].astype(np.int64)
        logprobs = seen["top_logprobs"]
        several = (choices >= 2) & answers.open
        scored = (logprobs >= 0) & answers.open
        # Some tools put all of the text into the system role: that is no empty prompt.
        nothing = seen.flag(Flag.BLANK_INPUT) & (seen["in_chars"] <= _BLANK_PROMPT)
        blank = nothing & answers.open & (answers.chars >= _BLANK_CHARS)
        rows["n"] += seen.counts.astype(np.uint32)
        rows["twins"] += twins.sums(seen)
        special = several | scored | blank
        if special.any():
            some = seen.only(special)
            kinds = several[special], scored[special], blank[special]
            _count_special(rows, some, kinds, answers.log_choice[special])
        hll_update(rows["bodies"], seen.index, mixed(seen, "body"))
        hll_update(rows["settings"], seen.index, mix(mixed(seen, "body") ^ seen["params"]))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Samples + log probabilities + sweeps + blank prompts, less the twins; 0 to about 7."""
        del now
        parts, _, _, factor = self._parts(rows)
        return np.asarray(parts.sum(axis=1) * factor.prod(axis=1), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Samples, log probabilities, sweeps and blank prompts, then what each twin took away."""
        del now
        rows = np.array([row])
        parts, values, share, factor = self._parts(rows)
        several, samples, scored, sweep, blank = (float(v) for v in values[0])
        nan = twins.NAN
        sentences = (
            f"It asks for {samples:.0f} answers to one prompt in {twins.percent(several)} of its requests.",
            f"It asks for the probabilities of free text in {twins.percent(scored)} of its requests.",
            f"It sends each prompt under {sweep:.1f} different settings.",
            f"It sends an empty prompt and takes a long answer in {twins.percent(blank)} of its requests.",
        )
        names = ("several_samples", "free_text_logprobs", "settings_per_prompt", "blank_prompts")
        observed = (several, scored, sweep, blank)
        units = ("share", "share", "count", "share")
        terms = tuple(
            Term(names[k], observed[k], units[k], nan, nan, nan, float(parts[0, k]), sentences[k]) for k in range(4)
        )
        return terms + twins.counter_terms(float(parts[0].sum()), share[0], factor[0], _WEIGHTS)

    def _parts(
        self, rows: NDArray[np.void]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        n = rows["n"].astype(np.float64)
        total = np.maximum(n, 1.0)
        bodies, settings = hll_count(rows["bodies"]), hll_count(rows["settings"])
        sweep = np.where(bodies > 0.0, settings / np.maximum(bodies, 1e-9), 1.0)
        weights = rows["weights"] / total[:, None] / _UNIT
        open_share = 1.0 - rows["twins"][:, 1] / total
        # Both counts are estimates: a ratio under about 1.4 may be their error.
        swept = np.clip(np.log2(np.maximum(sweep, 1.0)) - 0.5, 0.0, 2.0) * open_share * (n > 0)
        parts = np.column_stack([weights[:, 0], weights[:, 1], swept, weights[:, 2]])
        share = twins.shares(rows["twins"], n, np.minimum(settings, total), rows["blank"])
        samples = rows["samples"] / np.maximum(rows["several"], 1)
        values = np.column_stack(
            [rows["several"] / total, samples, rows["logprobs"] / total, np.maximum(sweep, 1.0), rows["blank"] / total]
        )
        return parts, values, share, twins.factors(share, _WEIGHTS)


def _count_special(
    rows: NDArray[np.void],
    batch: Batch,
    kinds: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]],
    log: NDArray[np.int64],
) -> None:
    """Add up the requests for several samples, for log probabilities and with blank prompts: few have any."""
    several, scored, blank = kinds
    choices = batch["choices"].astype(np.int64)
    long = np.clip(log - 5 * twins.LOG, 0, 7 * twins.LOG) * _UNIT // (7 * twins.LOG)
    enough = np.clip(log - 4 * twins.LOG, 0, 5 * twins.LOG) * _UNIT // (5 * twins.LOG)
    columns = np.empty((len(batch), 7), np.int64)
    columns[:, 0] = several
    columns[:, 1] = np.where(several, choices, 0)
    columns[:, 2] = scored
    columns[:, 3] = blank
    columns[:, 4] = np.where(several, long * (1 + (choices >= 4)) // 2, 0)
    columns[:, 5] = np.where(scored, enough * (1 + (batch["top_logprobs"] >= 5)), 0)
    columns[:, 6] = np.where(blank, 2 * enough, 0)
    sums = batch.sum(columns)
    for position, name in enumerate(("several", "samples", "logprobs", "blank")):
        rows[name] += sums[:, position].astype(np.uint32)
    rows["weights"] += sums[:, 4:].astype(np.uint64)
