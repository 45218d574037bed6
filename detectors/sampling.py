"""Sampling surface (D6): several samples a prompt, log probabilities of free text, sweeps, blank prompts."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import add_row, hll_row, mix64
from detectors.compiled import compiled, fold
from detectors.event import Flag
from detectors.sketch import hll_count

_UNIT = 64  # per-event weights are kept as integers, so that sums are exact
_BLANK_PROMPT = 1_000  # characters that a system prompt may have beside an empty user turn
_BLANK_CHARS = 200  # a health check asks for little
_BLANK_LIMIT = 256  # tokens: nor does it leave this much room
_IS_BLANK = np.uint32(Flag.BLANK_INPUT)
_REPEATED = twins.NAMES.index("repeats")
_MOMENT = 900.0  # seconds: repeats of one body within it are samples, later ones another run
_FEW = 60.0  # bodies: as many as a load test repeats
_WEIGHTS = {"multi_turn": 0.6, "structured": 0.5, "end_users": 0.0, "streamed": 0.2}
_REPEATS = 1.6
_FEW_RARE = 6.0  # of what ordinary clients never send: so many speak half as loud as any number
_FEW_LABELS = 10.0  # the same of the probabilities of single words
_COMMON, _RARE = [0, 2, 4], [1, 3, 5]  # of the parts: samples, sweep, resampled bodies; probabilities, blanks, labels
_IS_TWIN = np.uint32(Flag.MULTI_TURN | Flag.TOOL_RESULT)
_STRUCTURED = np.uint8(1 << twins.NAMES.index("structured"))


class _Parts(NamedTuple):
    parts: NDArray[np.float64]  # samples, log probabilities, sweep, blanks, resampled bodies, soft labels
    lost: NDArray[np.float64]  # what repeats take of the common parts but the resampled bodies, and of the rare ones
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
    weighed by the length of the answers. Samples and sweeps count by their share of the requests, reduced by
    the ordinary twins; what ordinary clients never send counts by how often it was sent, so that other
    traffic beside it hides nothing.

    Misses
    ------
    One sample a prompt; samples of one body fetched far apart. Log probabilities of one-word answers out of
    a small set are left out on purpose: classification with a confidence and soft labels of classes are the
    same bytes. pass@k scoring and self-consistency voting also ask for several samples; their answers are
    shorter, their lists small and repeated.

    Cost
    ----
    Four table look-ups and a few sums an event; 476 bytes a client.

    References
    ----------
    Cui et al., "UltraFeedback", arXiv 2310.01377; Xu et al., "Magpie", arXiv 2406.08464; Carlini et al.,
    "Stealing part of a production language model", arXiv 2403.06634 (log probabilities).
    """

    name: ClassVar[str] = "sampling"
    version: ClassVar[int] = 4
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
            ("scored", "<u4"),  # requests for log probabilities of a word or two
            ("labels", "u1", (16,)),  # distinct answers to them, where known
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        whole = seen.whole
        events = seen.starts, seen.counts, seen.places
        answers = twins.measures(whole)
        own = [rows[name] for name in ("several", "samples", "logprobs", "blank", "weights", "scored", "labels")]
        columns = [whole[name] for name in ("choices", "top_logprobs", "flags", "in_chars", "max_tokens", "answer")]
        fold(_fold_special, own, (*events, answers.open, answers.code, answers.chars, answers.log_choice, *columns))
        own = [rows[name] for name in ("n", "twins", "bodies", "settings", "moments", "answers")]
        columns = [whole[name] for name in ("body", "params", "choices", "at", "answer")]
        fold(_fold_bodies, own, (*events, twins.habits(seen), *columns))

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Samples, probabilities, sweeps, blank prompts and repeats, for the joint score."""
        return _measured(self._parts(rows))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Samples, sweeps, resampled bodies, less the twins; probabilities, blanks, soft labels; 0 to about 11."""
        del now
        return _score(self._parts(rows))

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both at once."""
        del now
        parts = self._parts(rows)
        return _score(parts), _measured(parts)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Samples, probabilities, sweeps, blank prompts and repeats at once, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        several, samples, scored, sweep, blank, again, soft = (float(v) for v in parts.values[0])
        nan = twins.NAN
        sentences = (
            f"It asks for {samples:.0f} answers to one prompt in {twins.percent(several)} of its requests."
            if several > 0.0
            else "It asks for one answer to each prompt.",
            f"It asks for the probabilities of free text in {twins.percent(scored)} of its requests.",
            f"It sends each prompt under {sweep:.1f} different settings (temperature and the like)."
            if sweep >= said.MORE
            else "It sends each prompt under one setting (temperature and the like).",
            f"It sends an empty prompt and takes a long answer in {twins.percent(blank)} of its requests.",
            f"It sends one prompt {again:.1f} times within minutes and takes another answer each time."
            if again >= said.MORE
            else "It does not send a prompt again within minutes for another answer.",
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
        repeats = Term(twins.NAMES[_REPEATED], repeated, "share", nan, nan, nan, -float(parts.lost[0].sum()), told)
        base = float(parts.parts[0, _COMMON].sum() - parts.lost[0, 0])
        return (*terms, repeats, *twins.counter_terms(base, parts.share[0], parts.factor[0], _WEIGHTS))

    def _parts(self, rows: NDArray[np.void]) -> _Parts:
        n = rows["n"].astype(np.float64)
        total = np.maximum(n, 1.0)
        bodies, settings = hll_count(rows["bodies"]), hll_count(rows["settings"])
        sweep = np.where(bodies > 0.0, settings / np.maximum(bodies, 1e-9), 1.0)
        often = np.column_stack([total, rows["logprobs"] + _FEW_RARE, rows["blank"] + _FEW_RARE])
        weights = rows["weights"] / often / _UNIT
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
        labels = rows["scored"] / (rows["scored"] + _FEW_LABELS) * fresh
        parts = np.column_stack([weights[:, :2], swept, weights[:, 2], resampled, labels])
        share = twins.shares(rows["twins"], n, np.minimum(settings, total), rows["blank"])
        taken = np.clip(_REPEATS * share[:, _REPEATED], 0.0, 1.0 - 1e-3)
        lost = taken[:, None] * np.column_stack([weights[:, 0] + swept, weights[:, 1] + labels])
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


def _score(parts: _Parts) -> NDArray[np.float32]:
    common = parts.parts[:, _COMMON].sum(axis=1) - parts.lost[:, 0]
    rare = parts.parts[:, _RARE].sum(axis=1) - parts.lost[:, 1]
    return np.asarray(common * parts.factor.prod(axis=1) + rare, np.float32)


def _measured(parts: _Parts) -> NDArray[np.float64]:
    return parts.values[:, [0, 2, 3, 4, 5, 6]]


@compiled
def _fold_bodies(
    n: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    bodies: NDArray[np.uint8],
    settings: NDArray[np.uint8],
    moments: NDArray[np.uint8],
    answers: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    own: NDArray[np.uint32],
    body: NDArray[np.uint64],
    params: NDArray[np.uint64],
    choices: NDArray[np.uint16],
    at: NDArray[np.float64],
    answer: NDArray[np.uint64],
) -> None:
    """Count requests and distinct bodies, and the settings, the moments and the answers that they came with."""
    for row in range(len(counts)):
        ahead(n, answers, row)
        n[row] += np.uint32(counts[row])
        add_row(habits, row, own)
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            key = mix64(body[place])
            hll_row(bodies, row, key)
            hll_row(settings, row, mix64(key ^ params[place]))
            if choices[place] <= 1:  # more samples need no repeats
                quarter = mix64(np.uint64(np.int64(at[place] / _MOMENT)) + np.uint64(1))
                hll_row(moments, row, mix64(key ^ quarter))
                hll_row(answers, row, mix64(answer[place]))


@compiled
def _fold_special(
    several: NDArray[np.uint32],
    samples: NDArray[np.uint32],
    logprobs: NDArray[np.uint32],
    blank: NDArray[np.uint32],
    weights: NDArray[np.uint64],
    scored: NDArray[np.uint32],
    labels: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    code: NDArray[np.uint8],
    chars: NDArray[np.int64],
    log_choice: NDArray[np.int64],
    choices: NDArray[np.uint16],
    top_logprobs: NDArray[np.int8],
    flags: NDArray[np.uint32],
    in_chars: NDArray[np.uint32],
    max_tokens: NDArray[np.uint32],
    answer: NDArray[np.uint64],
) -> None:
    """Add up the requests for several samples, for log probabilities and with blank prompts: few have any."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            asked, nothing = top_logprobs[place], flags[place] & _IS_BLANK != 0
            if not is_open[place]:
                if asked >= 5:
                    scored[row] += np.uint32(1)
                    hll_row(labels, row, mix64(answer[place]))
            elif choices[place] >= 2 or asked >= 0 or nothing:
                much = chars[place] >= _BLANK_CHARS or max_tokens[place] >= _BLANK_LIMIT
                # Some tools put all of the text into the system role: that is no empty prompt.
                invented = nothing and much and in_chars[place] <= _BLANK_PROMPT
                _count(several, samples, weights, row, int(choices[place]), log_choice[place])
                twin = flags[place] & _IS_TWIN != 0 or code[place] & _STRUCTURED != 0
                _count_more(logprobs, blank, weights, row, asked, invented, twin, log_choice[place])


@compiled
def _count(
    several: NDArray[np.uint32], samples: NDArray[np.uint32], weights: NDArray[np.uint64],
    row: int, choices: int, log: int,
) -> None:  # fmt: skip
    if choices >= 2:
        several[row] += np.uint32(1)
        samples[row] += np.uint32(choices)
        long = min(max(log - 5 * twins.LOG, 0), 7 * twins.LOG) * _UNIT // (7 * twins.LOG)
        weights[row, 0] += np.uint64(long if choices >= 4 else long // 2)


@compiled
def _count_more(
    logprobs: NDArray[np.uint32], blank: NDArray[np.uint32], weights: NDArray[np.uint64],
    row: int, asked: int, invented: bool, twin: bool, log: int,
) -> None:  # fmt: skip
    enough = min(max(log - 4 * twins.LOG, 0), 5 * twins.LOG) * _UNIT // (5 * twins.LOG)
    if twin:
        enough //= 4
    if asked >= 0:
        logprobs[row] += np.uint32(1)
        weights[row, 1] += np.uint64(2 * enough if asked >= 5 else enough)
    if invented:
        blank[row] += np.uint32(1)
        weights[row, 2] += np.uint64(2 * enough)
