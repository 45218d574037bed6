"""Synthetic-data loop (D5): answers that come back as prompts, and grades for ever new answers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import add_row, hll_row, minimum_add, minimum_wanted, mix64
from detectors.compiled import compiled, fold
from detectors.event import Kind
from detectors.sketch import hll_count, minima_shared

_BINS = 34
_KEPT = 4  # of each text's smallest hashes: half of those known do as well, for half the cost
_EDITS = 0.6  # what answers no longer than their prompts leave out of returned ones
_VERDICT = 1_200  # characters: feedback and a mark are no longer, where the answer's form is unknown
_WEIGHTS = {"multi_turn": 0.6, "structured": 0.2, "end_users": 0.0, "streamed": 0.4}
_LABEL, _NUMBER, _RECORD, _LIST, _CODE = (
    int(form) for form in (Kind.LABEL, Kind.NUMBER, Kind.RECORD, Kind.LIST, Kind.CODE)
)


class Loop(Detector):
    """The model writes the tasks that the model then solves, or grades what models wrote.

    Hypothesis
    ----------
    Self-instruct, evolution of prompts, empty prompts and trace cleaning send answers back as the opening
    of another session; reward data need a grade for each of ever new answers. What came back is measured
    on samples of the four-word runs of all answers and all prompts: how alike the two sets are,
    without the runs that an answer only took from its own prompt. Grading counts where the prompt holds a
    grading frame, the verdict is a mark, a record or short, and the graded items do not repeat.

    Misses
    ------
    Loops that reword the task in between; a generator and a consumer under two credentials (seen once
    the two are linked, for the samples merge); logs without answers. Chains of prompts, crews of agents
    and graders of one's own product return answers too: few of their prompts consist of answers, and
    what they grade comes round again.

    Cost
    ----
    Eight table look-ups an event; 380 bytes a client. The runs' hashes come from the extractor.

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997; Li, Owen and Zhang, "One permutation
    hashing", 2012. Wang et al., "Self-Instruct", arXiv 2212.10560; Xu et al., "WizardLM", arXiv
    2304.12244; Kim et al., "Prometheus", arXiv 2310.08491.
    """

    name: ClassVar[str] = "loop"
    version: ClassVar[int] = 2
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "gist", "answer_gist", "grading", "kind", "payload", "body")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = ("returned_answers", "graded_items", "generated_lists")
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("lists", "<u4"),  # answers that list several items
            ("graded", "<u4"),  # grading frames answered by a number, a record or a few words
            ("filler", "<u4"),
            ("sent", "<u4", (_BINS,)),  # a sample of prompts' word runs
            ("given", "<u4", (_BINS,)),  # of answers'
            ("items", "u1", (64,)),  # distinct graded prompts
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        whole = seen.whole
        events = seen.starts, seen.counts, seen.places
        texts = whole["flags"], whole["kind"], whole["gist"], whole["answer_gist"]
        fold(
            _fold,
            [rows[name] for name in ("n", "twins", "lists", "sent", "given")],
            (*events, twins.habits(seen), *texts),
        )
        if whole["grading"].any():
            told = whole["grading"], whole["kind"], twins.measures(whole).choice, whole["payload"], whole["body"]
            fold(_count_graded, (rows["graded"], rows["items"]), (*events, *told))

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """The samples merge by their maximum: they hold complements."""
        return merging.merged(rows, dict.fromkeys(("sent", "given"), merging.largest))

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """What came back, what was graded and listed, for the joint score."""
        return _measured(self._parts(rows))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Returned answers + grades of new items, less the twins; 0 to 15."""
        del now
        return self._parts(rows).score()

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both at once."""
        del now
        parts = self._parts(rows)
        return parts.score(), _measured(parts)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """What came back, what was graded, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        back, graded, new, lists = (float(v) for v in parts.values[0])
        returned, marks = (float(v) for v in parts.parts[0])
        nan = twins.NAN
        terms = (
            Term("returned_answers", back, "share", nan, nan, nan, returned,
                 f"{twins.percent(back)} of the wording of its prompts and of the answers it was given is the same"
                 f"{': answers come back as prompts' if returned > 0.0 else ''}."),
            Term("graded_items", graded, "share", nan, nan, nan, marks,
                 f"It has answers graded in {twins.percent(graded)} of its requests"
                 f"{f', {twins.percent(new)} of them for the first time' if graded > 0.0 else ''}."),
            Term("generated_lists", lists, "share", nan, nan, nan, 0.0,
                 f"{twins.percent(lists)} of its answers list several items."),
        )  # fmt: skip
        return terms + twins.counter_terms(returned + marks, parts.share[0], parts.factor[0], _WEIGHTS)

    def _parts(self, rows: NDArray[np.void]) -> twins.Parts:
        n = rows["n"].astype(np.float64)
        total = np.maximum(n, 1.0)
        same = minima_shared(rows["sent"], rows["given"]).astype(np.float64)
        back = same / _BINS
        graded = rows["graded"] / total
        new = np.clip(hll_count(rows["items"]) / np.maximum(rows["graded"], 1), 0.0, 1.0)
        fresh = np.clip(1.0 - 1.8 * np.clip((0.85 - new) / 0.85, 0.0, 1.0), 0.0, 1.0) * new
        # A single bin may be a common phrase.
        returned = 10.0 * np.sqrt(same**2 / (same + 1.0) / _BINS)
        # Editors get their text back a little changed, and send it once more.
        returned *= 1.0 - _EDITS * rows["twins"][:, twins.NAMES.index("no_longer")] / total
        parts = np.column_stack([returned, 5.0 * graded * fresh])
        share = twins.shares(rows["twins"], n, n)
        values = np.column_stack([back, graded, new, rows["lists"] / total])
        return twins.Parts(parts, values, share, twins.factors(share, _WEIGHTS))


def _measured(parts: twins.Parts) -> NDArray[np.float64]:
    return parts.values[:, [0, 1, 3]]


@compiled
def _fold(
    n: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    lists: NDArray[np.uint32],
    sent: NDArray[np.uint32],
    given: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    own: NDArray[np.uint32],
    flags: NDArray[np.uint32],
    kind: NDArray[np.uint8],
    gist: NDArray[np.uint32],
    answer_gist: NDArray[np.uint32],
) -> None:
    """Sample the prompts' word runs, and of the answers' those that their prompt had not."""
    for row in range(len(counts)):
        ahead(n, given, row)
        n[row] += np.uint32(counts[row])
        add_row(habits, row, own)
        prompts, answers = sent[row], given[row]
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            lists[row] += np.uint32(kind[place] == _LIST)
            asks = twins.is_asking(flags[place])
            for kept in range(_KEPT):
                if asks:
                    minimum_add(prompts, gist[place, kept])
                run = answer_gist[place, kept]
                # Runs of the prompt would return by themselves.
                if minimum_wanted(answers, run) and not _held(gist, place, run):
                    minimum_add(answers, run)


@compiled
def _held(gist: NDArray[np.uint32], place: int, run: np.uint32) -> bool:
    """Whether a word run is, or may be, one of the prompt's."""
    last = gist[place, gist.shape[1] - 1]
    # Of a prompt only its smallest hashes are known: what lies beyond the last one may be its own as well.
    held = last != 0 and run > last
    for known in range(gist.shape[1]):
        held |= gist[place, known] == run
    return bool(held)


@compiled
def _count_graded(
    graded: NDArray[np.uint32],
    items: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    grading: NDArray[np.uint8],
    kind: NDArray[np.uint8],
    choice: NDArray[np.int64],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
) -> None:
    """Count the grading frames that are answered by a verdict, and what was graded."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            form = kind[place]
            short = form != _LIST and form != _CODE and choice[place] < _VERDICT
            if grading[place] and (short or form in (_NUMBER, _RECORD, _LABEL)):
                graded[row] += np.uint32(1)
                hll_row(items, row, mix64(payload[place] or body[place]))
