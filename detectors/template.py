"""Template harvest (D3): one instruction filled with ever new content, for long free answers."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import add_row, bucket_row, hll_row, log16, mix64
from detectors.compiled import compiled, fold
from detectors.sketch import concentration, hll_count

_SYSTEM = 0.6  # every product has one system prompt: alone it says less than a template in the user turn
_LIST = 100.0
_UNIT = 64  # an event's worth is kept as an integer, so that sums are exact
_WORTH = 6  # of 64: less is no part of a harvest
_SHRINK = 25.0  # requests in a frame, below which it says little by itself
_NOISE = 4.0  # standard deviations of a bucket by chance
_WEIGHTS = {
    "multi_turn": 0.8,
    "closed_answers": 0.95,
    "greedy": 0.6,
    "structured": 0.7,
    "end_users": 0.0,  # shown, not weighed, as in every detector: anyone can name some
    "streamed": 0.3,
    "no_longer": 0.5,
    "repeats": 1.8,
}
_MEASURED = tuple(name for name in twins.NAMES if name not in ("streamed", "end_users"))  # anyone can choose either
_PARTS = {"template_share": 0.4, "new_content": 0.3, "answer_taken": 0.3}
_FRAMES = {"head": 1.0, "tail": 1.0, "system": _SYSTEM}
_LEFT = twins.left_by_code(_WEIGHTS)


class _Parts(NamedTuple):
    base: NDArray[np.float64]
    values: NDArray[np.float64]  # template share, new content, answer taken
    share: NDArray[np.float64]
    factor: NDArray[np.float64]
    whole: NDArray[np.float64]  # the score of all requests together
    part: NDArray[np.float64]  # of the best frame by itself
    size: NDArray[np.float64]  # its share of the requests


class Template(Detector):
    """One fixed wording around new content in nearly every request, answered at length.

    Hypothesis
    ----------
    A pipeline that turns answers into training data walks a list: the same words in front of, behind or
    above (as system prompt) each item, each item once, and wants much free text for each. The score is
    template share x share of new content x answer taken an item, reduced by the ordinary twins. The answer
    taken is its characters, times one plus the alternatives asked for each token; further samples of the
    same prompt count where alternatives are asked, or as the list grows from 100 to 800 prompts. So that
    other traffic of the same client does not hide a list, the heaviest frames are also scored by
    themselves: what their own requests are worth x the square root of their share of the traffic.

    Misses
    ------
    Lists sent without any template; templates paraphrased for each request; harvests whose answers are
    short (grading, labels); a harvest of a few per cent of a client's traffic. A bulk
    writing job (product texts) looks the same: nothing here tells them apart, so the detector alone
    never opens an alert.

    Cost
    ----
    Eight table look-ups an event; 760 bytes a client.

    References
    ----------
    Template and slot statistics of near-duplicate mining: Broder, "On the resemblance and containment of
    documents", 1997; He et al., "Drain: an online log parsing approach", ICWS 2017. Distinct counts: Ertl,
    "New cardinality estimation algorithms for HyperLogLog sketches", arXiv 1702.01284.
    """

    name: ClassVar[str] = "template"
    version: ClassVar[int] = 3
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "payload", "body", "head4", "tail6", "system", "top_logprobs")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = ("template_share", "new_content", "answer_taken", "one_frame", *_MEASURED)
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
            ("worthy", "<u4"),  # requests that are worth something by themselves
            ("pad", "<u4"),
            ("head_worth", "<u4", (16,)),
            ("tail_worth", "<u4", (16,)),
            ("system_worth", "<u4", (16,)),
            ("worthies", "u1", (64,)),  # distinct contents of the worthy
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        whole = seen.whole
        events = seen.starts, seen.counts, seen.places
        answers = twins.measures(whole)
        sizes = answers.code, answers.chars, answers.choice, answers.log_choice, whole["top_logprobs"]
        worth = np.empty(len(seen), np.uint32)
        own = [rows[name] for name in ("n", "twins", "log_one", "log_all", "payloads", "worthy", "worthies")]
        fold(_fold, own, (*events, twins.habits(seen), *sizes, whole["payload"], whole["body"], _LEFT, worth))
        frames = [rows[frame] for frame in _FRAMES] + [rows[f"{frame}_worth"] for frame in _FRAMES]
        fold(_fold_frames, frames, (*events, whole["head4"], whole["tail6"], whole["system"], worth))

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Wording, new content, answers and the twins, for the joint score."""
        return _measured(self._parts(rows))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Template share x new content x answer taken, less the twins, of all or of one frame; 0 to 10."""
        del now
        return _score(self._parts(rows))

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both at once."""
        del now
        parts = self._parts(rows)
        return _score(parts), _measured(parts)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Template share, new content and answer taken, what one frame adds, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        values, base, size = parts.values[0], float(parts.base[0]), float(parts.size[0])
        sentences = {
            "template_share": _wrapped(row, values[0]),
            "new_content": "It fills that wording with new content in {} of its requests.",
            "answer_taken": said.answer_text(
                float(values[2]),
                "each request, further samples and alternatives to each token counted",
                twins.USUAL_CHARS,
            ),
        }
        shown = (twins.percent(values[0]), twins.percent(values[1]), "")
        terms = tuple(
            Term(name, float(values[k]), "chars" if k == 2 else "share", twins.NAN, twins.NAN, twins.NAN,
                 base * weight, sentences[name].format(shown[k]))
            for k, (name, weight) in enumerate(_PARTS.items())
        )  # fmt: skip
        more = max(float(parts.part[0] - parts.whole[0]), 0.0)
        only = (
            f"; the suspicious part is only these {twins.percent(size)} of the traffic" if more and size < 1.0 else ""
        )
        text = "No wording by itself stands around new content with long answers."
        if size > 0.0:
            text = f"One wording stands around {twins.percent(size)} of its requests"
            text += f"{only}."
        one = Term("one_frame", size, "share", twins.NAN, twins.NAN, twins.NAN, more, text)
        return (*terms, one, *twins.counter_terms(base, parts.share[0], parts.factor[0], _WEIGHTS))

    def _parts(self, rows: NDArray[np.void]) -> _Parts:
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
        factor = twins.factors(share, _WEIGHTS)
        base = 10.0 * template * new * size
        part, frame = _best_frame(rows, total)
        return _Parts(base, values, share, factor, base * factor.prod(axis=1), part, frame)


def _wrapped(row: np.void, share: float) -> str:
    """How far its requests agree in their wording; a system prompt, which many programs have, counts for less."""
    one = np.array([row])
    system = float(concentration(one["system"], one["n"])[0])
    if share > 0.0 and math.isclose(share, _SYSTEM * system, rel_tol=1e-6):
        return (
            f"It puts {twins.percent(system)} of its requests under the same system prompt, "
            f"which counts as {twins.percent(share)} in the same wording."
        )
    return f"It wraps {twins.percent(share)} of its requests in the same wording."


def _score(parts: _Parts) -> NDArray[np.float32]:
    return np.asarray(np.maximum(parts.whole, parts.part), np.float32)


def _measured(parts: _Parts) -> NDArray[np.float64]:
    own = [twins.NAMES.index(name) for name in _MEASURED]
    return np.column_stack([parts.values, parts.size, parts.share[:, own]])


@compiled
def _fold(
    n: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    log_one: NDArray[np.uint64],
    log_all: NDArray[np.uint64],
    payloads: NDArray[np.uint8],
    worthy: NDArray[np.uint32],
    worthies: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    own: NDArray[np.uint32],
    code: NDArray[np.uint8],
    chars: NDArray[np.int64],
    choice: NDArray[np.int64],
    log_choice: NDArray[np.int64],
    top_logprobs: NDArray[np.int8],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
    left: NDArray[np.float32],
    worth: NDArray[np.uint32],
) -> None:
    """Fold in answers and contents, and fill in what each event is worth."""
    for row in range(len(counts)):
        ahead(n, log_all, row)
        ahead(payloads, worthy, row)
        n[row] += np.uint32(counts[row])
        add_row(habits, row, own)
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            # Benchmarks do not ask the alternatives of every sample: with them, all samples count at once.
            one, full = _taken(chars[place], choice[place], log_choice[place], top_logprobs[place])
            log_one[row] += np.uint64(one)
            log_all[row] += np.uint64(full)
            content = mix64(payload[place] or body[place])
            hll_row(payloads, row, content)
            grown = min(max((one - 6 * twins.LOG) / (8.0 * twins.LOG), 0.0), 1.0)
            worth[nth] = np.uint32(_UNIT * grown * left[code[place]])
            if worth[nth] >= _WORTH:
                worthy[row] += np.uint32(1)
                hll_row(worthies, row, content)


@compiled
def _taken(chars: int, choice: int, log_choice: int, top_logprobs: int) -> tuple[int, int]:
    """The logarithms of the answer taken: of one choice, and of all; alternatives of each token are answer too."""
    if top_logprobs > 0:
        both = log16(float(chars * (1 + np.int64(top_logprobs))))
        return both, both
    return log_choice, log16(float(chars)) if chars != choice else log_choice


@compiled
def _fold_frames(
    head: NDArray[np.uint32],
    tail: NDArray[np.uint32],
    system: NDArray[np.uint32],
    head_worth: NDArray[np.uint32],
    tail_worth: NDArray[np.uint32],
    system_worth: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    heads: NDArray[np.uint64],
    tails: NDArray[np.uint64],
    systems: NDArray[np.uint64],
    worth: NDArray[np.uint32],
) -> None:
    for row in range(len(counts)):
        ahead(head, system, row)
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            own = worth[nth] if worth[nth] >= _WORTH else np.uint32(0)
            _count_frame(head, head_worth, row, mix64(heads[place]), own)
            _count_frame(tail, tail_worth, row, mix64(tails[place]), own)
            _count_frame(system, system_worth, row, mix64(systems[place]), own)


@compiled
def _count_frame(
    counters: NDArray[np.uint32], worths: NDArray[np.uint32], row: int, mixed: np.uint64, worth: np.uint32
) -> None:
    bucket_row(counters, row, mixed, np.uint32(1))
    if worth:
        bucket_row(worths, row, mixed, worth)


def _best_frame(rows: NDArray[np.void], total: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The score of each client's best frame by itself, and the frame's share of the requests."""
    worthy = np.maximum(rows["worthy"].astype(np.float64), 1.0)
    new = np.clip(hll_count(rows["worthies"]) / worthy, 0.0, 1.0)
    new *= np.clip(1.0 - _WEIGHTS["repeats"] * np.clip((0.85 - new) / 0.85, 0.0, 1.0), 0.0, 1.0)
    best, size = np.zeros(len(rows)), np.zeros(len(rows))
    for frame, weight in _FRAMES.items():
        count, worth = rows[frame].astype(np.float64), rows[f"{frame}_worth"].astype(np.float64)
        # A bucket holds other requests by chance: as many as the usual bucket does.
        usual = _usual(count)
        more = np.maximum(count - usual, 0.0)
        more = np.where(more > _NOISE * np.sqrt(usual + 1.0), more, 0.0)
        own = np.clip(worth - _usual(worth), 0.0, _UNIT * more) / _UNIT
        part = np.sqrt(more / total[:, None]) * own / np.maximum(more + _SHRINK, 1.0)
        place = part.argmax(axis=1)[:, None]
        score = 10.0 * weight * new * np.take_along_axis(part, place, 1)[:, 0]
        size = np.where(score > best, np.take_along_axis(more, place, 1)[:, 0] / total, size)
        best = np.maximum(best, score)
    return best, size


def _usual(buckets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle one of each client's buckets, shape (clients, 1)."""
    return np.sort(buckets, axis=1)[:, buckets.shape[1] // 2, None]
