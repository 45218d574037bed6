"""Counterfactual: what the joint score of one client rests on, by what it would be were that as usual.

A joint score that is said to be rare, with nothing in it that is rare by itself, can neither be checked nor disputed.
So the numbers that the forest reads are put back to what is usual among all ordinary clients, aspect by aspect, each
time the one that lowers the score most, until what is left is ordinary. That is a true statement about the score as it
is used, needs no second model, and names what to look at. It says nothing of causes, and another order may be as good:
aspects overlap.

References: Wachter, Mittelstadt and Russell, "Counterfactual explanations without opening the black box", 2017; the
greedy search is that of Martens and Provost, "Explaining data-driven document classifications", MISQ 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.reference import RANKS, Reference

STEPS = 4  # aspects at most: more are no explanation
ORDINARY = 3.0  # nats, one in twenty: what is left is ordinary
LEAST = 0.1  # nats that an aspect must lower the score by to be named
SAME = 0.02  # of the usual value: a number that is no further from it is as usual

ASPECTS: dict[str, tuple[str, ...]] = {
    "the amount of text that it takes": (
        "shape.answer_size", "template.answer_taken", "coverage.answer_size", "reasoning.reasoning_text",
        "shape.answer_to_prompt", "template.no_longer",
    ),
    "its repetition of one wording": ("template.template_share", "template.one_frame"),
    "the newness of its prompts": ("template.new_content", "template.repeats", "shape.alone"),
    "the breadth of its vocabulary": ("coverage.new_words", "coverage.vocabulary_growth"),
    "the form of its answers": (
        "coverage.open_answers", "template.closed_answers", "template.structured", "shape.answer_forms",
    ),
    "the spread of its answers' sizes": ("shape.size_spread",),
    "its limit on the length of answers": ("shape.room_left",),
    "its steps after tools' results": ("shape.episodes",),
    "its requests for complete reasoning": ("reasoning.full_reasoning_asked",),
    "its requests for step-by-step reasoning": ("reasoning.step_by_step_asked",),
    "the return of answers in its prompts": ("loop.returned_answers",),
    "its requests for grades": ("loop.graded_items",),
    "the lists among its answers": ("loop.generated_lists",),
    "its requests for tasks and training material": ("authoring.tasks_asked", "authoring.material_asked"),
    "its several answers to one prompt": ("sampling.several_samples", "sampling.answers_per_prompt"),
    "its various settings for one prompt": ("sampling.settings_per_prompt",),
    "its requests for probabilities": ("sampling.free_text_logprobs", "sampling.soft_labels"),
    "its empty prompts": ("sampling.blank_prompts",),
    "its temperature": ("template.greedy",),
}  # fmt: skip
"""What a reviewer would call one thing, and the numbers that measure it; the first is told where several do alike."""


class Step(NamedTuple):
    """One aspect put back to what is usual."""

    aspect: str
    number: str  # "detector.measure": of the aspect's numbers the one that weighs most by itself
    value: float  # of the client
    usual: float  # the median of all ordinary clients
    nats: float  # the joint score with this aspect and all before it as usual


Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Rows of numbers, shape (rows, numbers), to joint scores in nats, shape (rows,)."""


def usual(
    reference: Reference, place: Sequence[int], names: Sequence[str], detectors: Sequence[str], look: int
) -> NDArray[np.float64]:
    """What ordinary clients have of each number (by `names`): medians, shape (len(names),); NaN where unknown.

    `place` says where each of `detectors` stands in the reference. A detector's score is told by look, for it is no
    explained number.
    """
    every = len(reference.groups)
    out = np.full(len(names), np.nan)
    for at, name in enumerate(names):
        detector, measure = name.split(".", 1)
        if measure != "score":
            out[at] = reference.expected(name, every, 0.0)[0]
        elif detector in detectors and place[detectors.index(detector)] >= 0:
            out[at] = _median(reference, place[detectors.index(detector)], look)
    return out


def _median(reference: Reference, detector: int, look: int) -> float:
    """The median score of all ordinary clients at a look, from the ranks that are kept; NaN where there are none."""
    at = min(max(look, 1), reference.deepest()) - 1
    size, tail = int(reference.sizes[detector, -1, at]), reference.tails[detector, -1, at]
    known = np.isfinite(tail)
    return float(np.interp(size / 2.0, RANKS[known], tail[known])) if size and known.any() else float("nan")


def steps(names: Sequence[str], own: NDArray[np.float64], as_usual: NDArray[np.float64], score: Score) -> list[Step]:
    """The aspects that carry a client's joint score, the weightiest first; `own` and `as_usual` by `names`.

    Ends where what is left is ORDINARY, after STEPS, or where no aspect lowers it by LEAST.
    """
    place = {name: at for at, name in enumerate(names)}
    left = {
        aspect: known for aspect, held in ASPECTS.items() if (known := [place[one] for one in held if one in place])
    }
    now, reached = own.copy(), float(score(own[None])[0])
    out: list[Step] = []
    while left and len(out) < STEPS and reached > ORDINARY:
        tried = np.stack([_back(names, now, as_usual, numbers) for numbers in left.values()])
        after = score(tried)
        best = int(after.argmin())
        if after[best] > reached - LEAST:
            break
        aspect = list(left)[best]
        numbers = left.pop(aspect)
        lead = _lead(names, now, as_usual, numbers, score)
        now, reached = tried[best], float(after[best])
        out.append(Step(aspect, names[lead], float(own[lead]), float(as_usual[lead]), reached))
    return out


def _back(
    names: Sequence[str], now: NDArray[np.float64], as_usual: NDArray[np.float64], numbers: Sequence[int]
) -> NDArray[np.float64]:
    """The numbers with some of them as usual, and with those that change the scores of their detectors."""
    out = now.copy()
    changing = [at for at in numbers if _differs(now[at], as_usual[at])]
    scores = {f"{names[at].split('.', 1)[0]}.score" for at in changing}
    for at in [*changing, *(at for at, name in enumerate(names) if name in scores)]:
        if np.isfinite(as_usual[at]):
            out[at] = as_usual[at]
    return out


def _differs(value: float, usual: float) -> bool:
    """Whether a number is another than the usual one by more than what it is measured with."""
    return bool(np.isfinite(usual) and abs(value - usual) > SAME * max(abs(usual), SAME))


def _lead(
    names: Sequence[str],
    now: NDArray[np.float64],
    as_usual: NDArray[np.float64],
    numbers: Sequence[int],
    score: Score,
) -> int:
    """Which number of an aspect lowers the score most by itself, of those that are not as usual."""
    changing = [at for at in numbers if _differs(now[at], as_usual[at])]
    if len(changing) == 1:
        return changing[0]
    alone = score(np.stack([_back(names, now, as_usual, [one]) for one in changing]))
    return changing[int(alone.argmin())]
