"""Authoring (D5): the client has questions, tasks or training pairs written, again and again."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import synthesis, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import add_row
from detectors.compiled import compiled, fold

_ASKED = 1.5  # what a client is worth whose every request has tasks written
_MATERIAL = 2.5  # and what more, where they are to be trained with
_WEIGHTS = {"multi_turn": 0.5, "end_users": 0.0, "streamed": 0.5}
_TASKS = np.uint16(synthesis.TASKS)
_TRAINS = np.uint16(synthesis.MATERIAL)


class Authoring(Detector):
    """A large share of requests has the model write what a student is to be trained with.

    Hypothesis
    ----------
    Pipelines of synthetic data ask for it: new instructions, questions with their answers, harder versions of
    a task, the task for a given answer, the user's next turn, subtopics to write about. Their prompts say
    so in one wording or another, whatever the subject and the answers' form. Asking for questions or tasks
    is common enough (quizzes, help pages, tests of one's own retrieval); asking for pairs, harder versions,
    the task behind a text, or naming training data is not.

    Misses
    ------
    Lists of prompts that are sent as they are; wordings outside the classes and languages; generators that
    speak in forms to be filled. Makers of quizzes and of tests for one's own product use the same words:
    one family alone never opens a review.

    Cost
    ----
    A few sums an event; 40 bytes a client. The matcher runs in the extractor.

    References
    ----------
    Wang et al., "Self-Instruct", arXiv 2212.10560; Xu et al., "WizardLM", arXiv 2304.12244; Li et al.,
    "Self-Alignment with Instruction Backtranslation", arXiv 2308.06259; Ding et al., "UltraChat", arXiv 2305.14233.
    """

    name: ClassVar[str] = "authoring"
    version: ClassVar[int] = 2
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "synthesis")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = ("tasks_asked", "material_asked")
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("asked", "<u4"),  # requests that have tasks written
            ("material", "<u4"),  # of them, those that say or show that it is to be trained with
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        own = [rows[name] for name in ("n", "twins", "asked", "material")]
        events = seen.starts, seen.counts, seen.places
        fold(_fold, own, (*events, twins.habits(seen), seen.whole["synthesis"]))

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Shares of requests that ask for tasks, and for material to train with, for the joint score."""
        return self._parts(rows).values

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Shares of requests that ask for tasks and for material, less the twins; 0 to 4."""
        del now
        return self._parts(rows).score()

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both at once."""
        del now
        parts = self._parts(rows)
        return parts.score(), parts.values

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The two shares, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        asked, material = (float(value) for value in parts.values[0])
        tasks, trained = (float(value) for value in parts.parts[0])
        nan = twins.NAN
        terms = (
            Term("tasks_asked", asked, "share", nan, nan, nan, tasks,
                 f"It asks for questions, tasks or dialogues to be written in {twins.percent(asked)} of its requests."),
            Term("material_asked", material, "share", nan, nan, nan, trained,
                 f"{twins.percent(material)} of its requests ask for what models are trained with: pairs of task and "
                 "answer, harder versions of a task, the task behind a text."),
        )  # fmt: skip
        return terms + twins.counter_terms(tasks + trained, parts.share[0], parts.factor[0], _WEIGHTS)

    def _parts(self, rows: NDArray[np.void]) -> twins.Parts:
        n = rows["n"].astype(np.float64)
        values = np.column_stack([rows["asked"], rows["material"]]) / np.maximum(n, 1.0)[:, None]
        share = twins.shares(rows["twins"], n, n)
        return twins.Parts(values * [_ASKED, _MATERIAL], values, share, twins.factors(share, _WEIGHTS))


@compiled
def _fold(
    n: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    asked: NDArray[np.uint32],
    material: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    own: NDArray[np.uint32],
    wordings: NDArray[np.uint16],
) -> None:
    for row in range(len(counts)):
        ahead(n, material, row)
        n[row] += np.uint32(counts[row])
        add_row(habits, row, own)
        for nth in range(starts[row], starts[row] + counts[row]):
            bits = wordings[np.uint64(places[nth])]
            asked[row] += np.uint32(bits & _TASKS != 0)
            material[row] += np.uint32(bits & _TRAINS != 0)
