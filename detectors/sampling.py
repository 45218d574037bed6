"""Sampling surface (D6): several samples a prompt, log probabilities of free text, sweeps, blank prompts."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

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
_BLANK_LIMIT = 256  # tokens: nor does it leave this much room
_REPEATED = twins.NAMES.index("repeats")
_MOMENT = 900.0  # seconds: repeats of one body within it are samples, later ones another run
_FEW = 60.0  # bodies: as many as a load test repeats
_WEIGHTS = {"multi_turn": 0.6, "structured": 0.5, "end_users": 0.7, "streamed": 0.2}
_REPEATS = 1.6


class _Parts(NamedTuple):
    parts: NDArray[np.float64]  # samples, log probabilities, sweep, blanks, resampled bodies, soft labels
    lost: NDArray[np.float64]  # what repeats take of all but the resampled bodies
    values: NDArray[np.float64]
    share: NDArray[np.float64]
    factor: NDArray[np.float64]


class Sampling(Detector):
    """The client asks for more than one finished answer: samples, probabilities, sweeps, openings.

    Hypothesis
    ----------
    Preference sets and rejection sampling need several long samples of one prompt, soft labels need log
    probabilities of free text or of ever new first words, sweeps send one prompt under several parameters,
    dialects without a number of samples are sent one body several times at once, and Magpie lets the model
    invent the prompt by sending an empty one. Products hardly do. The score adds the six, most of them
    weighed by the length of the answers, reduced by the ordinary twins.

    Misses
    ------
    One sample a prompt; samples of one body fetched far apart. Log probabilities of one-word answers out of
    a small set are left out on purpose: classification with a confidence and soft labels of classes are the
    same bytes. pass@k scoring and self-consistency voting also ask for several samples; their answers are
    shorter, their lists small and repeated, or they name end users.

    Cost
    ----
    Four table look-ups and a few sums an event; 476 bytes a client.

    References
    ----------
    Cui et al., "UltraFeedback", arXiv 2310.01377; Xu et al., "Magpie", arXiv 2406.08464; Carlini et al.,
    "Stealing part of a production language model", arXiv 2403.06634 (log probabilities).
    """

    name: ClassVar[str] = "sampling"
    version: ClassVar[int] = 2
    family: ClassVar[Family] = "surface"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "body", "params", "top_logprobs", "in_chars", "answer", "at")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = (
        "several_samples", "free_text_logprobs", "settings_per_prompt", "blank_prompts", "answers_per_prompt",
        "soft_labels",
    )  # fmt: skip
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
            ("moments", "u1", (64,)),  # distinct pairs of body and quarter of an hour
            ("answers", "u1", (64,)),  # distinct answers
            ("scored", "<u4"),  # requests for log probabilities of a word or two, answer known
            ("labels", "u1", (16,)),  # distinct answers to them
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
        labelled = (logprobs >= 5) & ~answers.open & (seen["answer"] != 0)
        # Some tools put all of the text into the system role: that is no empty prompt.
        nothing = seen.flag(Flag.BLANK_INPUT) & (seen["in_chars"] <= _BLANK_PROMPT)
        much = (answers.chars >= _BLANK_CHARS) | (seen["max_tokens"] >= _BLANK_LIMIT)
        blank = nothing & answers.open & much
        rows["n"] += seen.counts.astype(np.uint32)
        rows["twins"] += twins.sums(seen)
        special = several | scored | blank
        if special.any():
            some = seen.only(special)
            kinds = several[special], scored[special], blank[special]
            _count_special(rows, some, kinds, answers.log_choice[special])
        hll_update(rows["bodies"], seen.index, mixed(seen, "body"))
        hll_update(rows["settings"], seen.index, mix(mixed(seen, "body") ^ seen["params"]))
        _count_repeats(rows, seen.only(choices <= 1) if (choices > 1).any() else seen)
        if labelled.any():
            short = seen.only(labelled)
            rows["scored"] += short.counts.astype(np.uint32)
            hll_update(rows["labels"], short.index, mixed(short, "answer"))

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Samples, probabilities, sweeps, blank prompts and repeats, for the joint score."""
        values = self._parts(rows).values
        return values[:, [0, 2, 3, 4, 5, 6]]

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Samples, log probabilities, sweeps, blanks, resampled bodies, soft labels, less the twins; 0 to about 10."""
        del now
        parts = self._parts(rows)
        return np.asarray((parts.parts.sum(axis=1) - parts.lost) * parts.factor.prod(axis=1), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Samples, probabilities, sweeps, blank prompts and repeats at once, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        several, samples, scored, sweep, blank, again, soft = (float(v) for v in parts.values[0])
        nan = twins.NAN
        sentences = (
            f"It asks for {samples:.0f} answers to one prompt in {twins.percent(several)} of its requests.",
            f"It asks for the probabilities of free text in {twins.percent(scored)} of its requests.",
            f"It sends each prompt under {sweep:.1f} different settings.",
            f"It sends an empty prompt and takes a long answer in {twins.percent(blank)} of its requests.",
            f"It sends one prompt {again:.1f} times within minutes and takes another answer each time.",
            f"It asks for the probabilities of single words, ever new ones, in {twins.percent(soft)} of its requests.",
        )
        names = ("several_samples", "free_text_logprobs", "settings_per_prompt", "blank_prompts", "answers_per_prompt",
                 "soft_labels")  # fmt: skip
        observed = (several, scored, sweep, blank, again, soft)
        units = ("share", "share", "count", "share", "count", "share")
        terms = tuple(
            Term(name, observed[k], units[k], nan, nan, nan, float(parts.parts[0, k]), sentences[k])
            for k, name in enumerate(names)
        )
        repeated = float(parts.share[0, _REPEATED])
        told = twins.TWINS[_REPEATED].sentence.format(share=twins.percent(repeated))
        repeats = Term(twins.NAMES[_REPEATED], repeated, "share", nan, nan, nan, -float(parts.lost[0]), told)
        base = float(parts.parts[0].sum() - parts.lost[0])
        return (*terms, repeats, *twins.counter_terms(base, parts.share[0], parts.factor[0], _WEIGHTS))

    def _parts(self, rows: NDArray[np.void]) -> _Parts:
        n = rows["n"].astype(np.float64)
        total = np.maximum(n, 1.0)
        bodies, settings = hll_count(rows["bodies"]), hll_count(rows["settings"])
        sweep = np.where(bodies > 0.0, settings / np.maximum(bodies, 1e-9), 1.0)
        weights = rows["weights"] / total[:, None] / _UNIT
        open_share = 1.0 - rows["twins"][:, 1] / total
        # Both counts are estimates: a ratio under about 1.4 may be their error.
        swept = np.clip(np.log2(np.maximum(sweep, 1.0)) - 0.5, 0.0, 2.0) * open_share * (n > 0)
        grown, again = _at_once(rows, total, bodies, settings)
        # The same, of two smaller counts: under about 1.7.
        resampled = (
            np.clip(np.log2(np.maximum(again, 1.0)) - 0.75, 0.0, 1.5)
            * grown
            * open_share
            * (1.0 - rows["several"] / total)
        )
        soft = rows["scored"] / total
        # Classes are few: beyond some sixteen different answers the labels are no labels.
        fresh = np.clip(np.log2(np.maximum(hll_count(rows["labels"]), 1.0) / 16.0) / 3.0, 0.0, 1.0)
        parts = np.column_stack([weights[:, :2], swept, weights[:, 2], resampled, soft * fresh])
        share = twins.shares(rows["twins"], n, np.minimum(settings, total), rows["blank"])
        taken = np.clip(_REPEATS * share[:, _REPEATED], 0.0, 1.0 - 1e-3)
        lost = taken * (parts.sum(axis=1) - resampled)
        samples = rows["samples"] / np.maximum(rows["several"], 1)
        values = np.column_stack([
            rows["several"] / total, samples, rows["logprobs"] / total, np.maximum(sweep, 1.0), rows["blank"] / total,
            np.maximum(again, 1.0), soft,
        ])  # fmt: skip
        return _Parts(parts, lost, values, share, twins.factors(share, _WEIGHTS))


def _at_once(
    rows: NDArray[np.void], total: NDArray[np.float64], bodies: NDArray[np.float64], settings: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the list of bodies has grown beyond a load test's, 0 to 1; answers to a body within a quarter hour."""
    single = np.maximum(total - rows["several"], 1.0)
    asked = np.clip(np.maximum(hll_count(rows["moments"]), np.minimum(settings, single)), 1.0, single)
    again = np.minimum(hll_count(rows["answers"]), np.maximum(single - rows["blank"], 0.0)) / asked
    grown = np.clip(np.log2(np.maximum(bodies, 1.0) / _FEW) / 2.0, 0.0, 1.0)
    return grown, again


def _count_repeats(rows: NDArray[np.void], single: Batch) -> None:
    """Count the runs through bodies, and the answers, of requests for one sample: more samples need no repeats."""
    quarter = mix((single["at"] / _MOMENT).astype(np.uint64) + np.uint64(1))
    hll_update(rows["moments"], single.index, mix(mixed(single, "body") ^ quarter))
    hll_update(rows["answers"], single.index, mixed(single, "answer"))


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
