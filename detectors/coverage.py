"""Coverage growth (D2): a vocabulary that goes on growing, in single requests with open answers."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import merging, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import hll_row, mix64, sample_row
from detectors.compiled import compiled, fold
from detectors.event import Kind
from detectors.sketch import hll_count, sample_merge, sample_repeated

_NONE, _RECORD, _LIST = int(Kind.NONE), int(Kind.RECORD), int(Kind.LIST)
SAMPLED_WORDS = "words in 8"  # unit: one word in eight is looked at
_WIDE = 2.0  # words that a prompt adds where its subjects change
_SHRINK = 12.0  # openings: fewer say little of growth
_WEIGHTS = {
    "multi_turn": 1.4,  # where people ask, they go on in half of their requests
    "greedy": 0.5,
    "structured": 0.6,
    "streamed": 0.25,  # jobs stream as well, by the habit of their library
    "no_longer": 0.9,
    "repeats": 4.0,  # where people ask, one question in six or ten is asked again
}


class _Parts(NamedTuple):
    base: NDArray[np.float64]
    values: NDArray[np.float64]  # new words a prompt, growth, open answers, size of an answer
    share: NDArray[np.float64]
    factor: NDArray[np.float64]


class Coverage(Detector):
    """What the client asks about goes on widening, and every answer is taken at length.

    Hypothesis
    ----------
    A list that is walked to train a model is made to be broad: each prompt brings words that no other one
    has, and is answered in free text. Products and jobs live in one domain: after some hundred requests
    their vocabulary is nearly complete. The score is breadth (new words a prompt, growth of the
    vocabulary) x open answers x their size, reduced by the ordinary twins.
    Requests that are answered by a label, or by a short record in a fixed format, are left out, so that a
    client's other traffic does not hide the part that may be a harvest.

    Misses
    ------
    Harvests of one narrow domain (school maths, one product); prompts that hide behind long documents;
    dialects and logs without texts. A consumer chat product is broad too: there conversations, streaming
    and repeated questions speak for it.

    Cost
    ----
    Up to nine table look-ups an event; 320 bytes a client. The words are sampled in the extractor.

    References
    ----------
    Heaps, "Information retrieval", 1978 (growth of vocabularies); Herdan, "Quantitative linguistics", 1964;
    Ertl, arXiv 1702.01284; Brown and others on FracMinHash, bioRxiv 2022.01.11.475838.
    """

    name: ClassVar[str] = "coverage"
    version: ClassVar[int] = 2
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "payload", "body", "words", "kind")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = ("new_words", "vocabulary_growth", "open_answers", "answer_size")
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("part", "<u4"),  # of them, those that may be a harvest's: all that follows is about these
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("opened", "<u4"),  # requests that ask something: no step after a tool, no blank prompt
            ("spoken", "<u4"),  # of them, those of which words are known
            ("samples", "<u4"),  # their sampled words, repetitions included
            ("known", "<u4"),  # answers of known form
            ("open", "<u4"),  # of them, prose, code, lists, reasoning
            ("log_chars", "<u8"),  # of one choice, sixteenths of a doubling
            ("words", "u1", (128,)),
            ("payloads", "<u4", (32,)),  # a sample of the contents, and which came again
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        whole = seen.whole
        events = seen.starts, seen.counts, seen.places
        answers = twins.measures(whole)
        asks = np.empty(len(seen), np.bool_)
        own = [rows[name] for name in ("n", "part", "twins", "log_chars")]
        fold(_fold, own, (*events, whole["flags"], answers.code, answers.log_choice, asks))
        own = [rows[name] for name in ("opened", "spoken", "samples", "known", "open", "words", "payloads")]
        columns = [whole[name] for name in ("words", "kind", "payload", "body")]
        fold(_fold_asking, own, (*events, asks, answers.choice, *columns))

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """Counters and registers as usual; a content that two clients hold came again."""
        return merging.merged(rows, {"payloads": sample_merge})

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """New words, growth, openness and size of the answers, for the joint score."""
        return _measured(self._parts(rows))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Breadth x open answers x their size, less the twins; 0 to 10."""
        del now
        return _score(self._parts(rows))

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both at once."""
        del now
        parts = self._parts(rows)
        return _score(parts), _measured(parts)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """New words, growth, dispersion, open answers, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        fresh, growth, told, chars = (float(v) for v in parts.values[0])
        base, nan = float(parts.base[0]), twins.NAN
        terms = (
            twins.part_term(float(row["part"]), float(row["n"])),
            Term("new_words", fresh, SAMPLED_WORDS, nan, nan, nan, base * 0.4, _widening(8.0 * fresh)),
            Term("vocabulary_growth", growth, "exponent", nan, nan, nan, base * 0.4,
                 f"When its text doubles, it holds about {2.0**growth:.1f} times as many different words; 2.0 times "
                 "would mean that no word came again."),
            Term("open_answers", told, "share", nan, nan, nan, base * 0.1,
                 f"{twins.percent(told)} of its answers are prose, code, lists or worked arguments."),
            Term("answer_size", chars, "chars", nan, nan, nan, base * 0.1,
                 said.answer_text(chars, "each answer", twins.USUAL_CHARS)),
        )  # fmt: skip
        return terms + twins.counter_terms(base, parts.share[0], parts.factor[0], _WEIGHTS, twins.AGAIN)

    def _parts(self, rows: NDArray[np.void]) -> _Parts:
        n, opened = rows["part"].astype(np.float64), rows["opened"].astype(np.float64)
        total, spoken = np.maximum(n, 1.0), np.maximum(rows["spoken"].astype(np.float64), 1.0)
        vocabulary = np.minimum(hll_count(rows["words"]), rows["samples"])
        fresh = vocabulary / spoken
        growth = np.log1p(vocabulary) / np.log(2.0 + rows["samples"])
        told = np.where(rows["known"] > 0, rows["open"] / np.maximum(rows["known"], 1), 1.0)
        doublings = rows["log_chars"] / total / twins.LOG
        size = 0.25 + 0.75 * np.clip((doublings - 6.0) / 5.0, 0.0, 1.0)
        breadth = np.clip(fresh, 0.0, 1.0) * np.clip((growth - 0.55) / 0.4, 0.0, 1.0)
        base = 10.0 * breadth * told * size * opened / (opened + _SHRINK)
        share = twins.shares(rows["twins"], n, n)
        share[:, twins.NAMES.index("repeats")] = sample_repeated(rows["payloads"])
        values = np.column_stack([fresh, growth, told, np.exp2(doublings) - 1.0])
        return _Parts(base, values, share, twins.factors(share, _WEIGHTS))


def _widening(words: float) -> str:
    """How many words a prompt adds to those of the prompts before it."""
    if words < 0.5:
        return "Its prompts bring hardly a word that it did not use before."
    text = f"ach prompt adds about {said.count(words, 'word')} that none before it had."
    return f"It goes on to new subjects: e{text}" if words >= _WIDE else f"E{text}"


def _score(parts: _Parts) -> NDArray[np.float32]:
    return np.asarray(parts.base * parts.factor.prod(axis=1), np.float32)


def _measured(parts: _Parts) -> NDArray[np.float64]:
    return parts.values


@compiled
def _fold(
    n: NDArray[np.uint32],
    part: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    log_chars: NDArray[np.uint64],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    flags: NDArray[np.uint32],
    code: NDArray[np.uint8],
    log_choice: NDArray[np.int64],
    asks: NDArray[np.bool_],
) -> None:
    """Count the requests that may be a harvest's, and fill in which of them ask something."""
    for row in range(len(counts)):
        ahead(n, log_chars, row)
        n[row] += np.uint32(counts[row])
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            may = twins.is_candidate(flags[place], code[place])
            asks[nth] = may and twins.is_asking(flags[place])
            if may:
                part[row] += np.uint32(1)
                twins.count_code(habits, row, code[place])
                log_chars[row] += np.uint64(log_choice[place])


@compiled
def _fold_asking(
    opened: NDArray[np.uint32],
    spoken: NDArray[np.uint32],
    samples: NDArray[np.uint32],
    known: NDArray[np.uint32],
    told: NDArray[np.uint32],
    vocabulary: NDArray[np.uint8],
    payloads: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    asks: NDArray[np.bool_],
    choice: NDArray[np.int64],
    words: NDArray[np.uint32],
    kind: NDArray[np.uint8],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
) -> None:
    """Fold in the words, the contents and the forms of the answers of what asks something."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            if not asks[nth]:
                continue
            place = np.uint64(places[nth])
            some = _count_words(vocabulary, row, words, place)
            opened[row] += np.uint32(1)
            spoken[row] += np.uint32(some > 0)
            samples[row] += np.uint32(some)
            known[row] += np.uint32(kind[place] != _NONE)
            long = kind[place] == _RECORD and choice[place] >= twins.RECORD_CHARS  # free text inside a format
            told[row] += np.uint32(kind[place] >= _LIST or long)
            sample_row(payloads, row, mix64(payload[place] or body[place]))


@compiled
def _count_words(vocabulary: NDArray[np.uint8], row: int, words: NDArray[np.uint32], place: np.uint64) -> int:
    """Fold one event's words into its row; how many they are."""
    some = 0
    for slot in range(words.shape[1]):
        word = words[place, slot]
        if word:
            some += 1
            hll_row(vocabulary, row, mix64(np.uint64(word)))
    return some
