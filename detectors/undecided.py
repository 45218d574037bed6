"""Cannot tell: where permitted and forbidden uses send the same bytes, which observation would decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from detectors import said
from detectors.base import Evidence, Level
from detectors.reference import LOOKS

SMALL_LIST = 500  # public benchmarks, test sets and prompt optimisers' training sets are smaller
SPEAKING = 0.05

DECIDED = {
    "full_reasoning_asked": 0.5, "free_text_logprobs": 0.5, "returned_answers": 0.5, "training_items": 0.1,
    "baits": 0.0, "blank_prompts": 0.5,
}  # fmt: skip
"""What no permitted twin of these pairs does, beyond these shares of the requests."""

Values = Mapping[str, float]


class Twin(NamedTuple):
    """A pair of uses with the same bytes: when it is in question, and what would decide it."""

    name: str
    applies: Callable[[Values], bool]
    sentence: str  # with {count}: how many different prompts were sent so far


def _sampled(values: Values) -> bool:
    return values.get("several_samples", 0.0) > 0.5 and values.get("free_text_logprobs", 0.0) < 0.5


def _labelled(values: Values) -> bool:
    return values.get("soft_labels", 0.0) > 0.5


def _graded(values: Values) -> bool:
    return values.get("graded_items", 0.0) > 0.25


def _stepped(values: Values) -> bool:
    return values.get("episodes", 0.0) > 1.0


def _optimised(values: Values) -> bool:
    return values.get("repeats", 0.0) > 0.2 and values.get("template_share", 0.0) > 0.5


def _asked_about_texts(values: Values) -> bool:
    return values.get("structured", 0.0) > 0.5 or values.get("no_longer", 0.0) > 0.5


def _examined(values: Values) -> bool:
    return values.get("greedy", 0.0) > 0.5 or values.get("examination_items", 0.0) > 0.1


def _listed(values: Values) -> bool:
    return values.get("repeats", 0.0) < 0.2


PAIRS: tuple[Twin, ...] = (
    Twin(
        "pass@k or rejection sampling", _sampled,
        "So far it sent about {count} different prompts, each for several answers; a benchmark scored by repeated "
        f"sampling looks the same. Whether the list goes on growing past about {SMALL_LIST} or comes round again "
        "would decide it.",
    ),
    Twin(
        "moderation or soft labels", _labelled,
        "It asks for the probabilities of short labels; moderation of live texts and collecting soft labels send the "
        "same requests. Whether its texts arrive with its users' activity, or are a list that is walked at an even "
        "pace, would decide it.",
    ),
    Twin(
        "judging one's own model or a reward model's data", _graded,
        "It has texts graded; tests of one's own model and the collecting of grades for training send the same "
        "requests. Whether the same items are graded again after each change, or new ones for ever, would decide it.",
    ),
    Twin(
        "prompt optimiser or a teacher's traces", _optimised,
        "It sends one wording with changing examples over about {count} different prompts; a prompt optimiser does "
        "that with a small training set. Whether the questions stay the same few, or go on to new ones, would "
        "decide it.",
    ),
    Twin(
        "a product's agent or harvested trajectories", _stepped,
        "Its tasks run on over tools' results, as a product's agent does. Whether people come back to its tasks and "
        "change them, or each is new, runs through and is never taken up again, would decide it.",
    ),
    Twin(
        "test-set generator or synthetic data", _asked_about_texts,
        "It has about {count} texts turned into fixed records or short texts; making test questions from one's own "
        f"documents looks the same. Whether it ends after some hundred calls or goes on past about {SMALL_LIST} texts "
        "would decide it.",
    ),
    Twin(
        "one evaluation run or a harvested list", _examined,
        "It walks a list of questions, so far about {count}; one run of an evaluation looks the same. Whether the "
        "list ends and comes round again for the next model, or goes on growing, would decide it.",
    ),
    Twin(
        "bulk writing or a harvested list", _listed,
        "It sends ever new prompts, so far about {count}; a product's bulk job looks the same. Whether its subjects "
        "stay within one trade, or who uses the answers, would decide it.",
    ),
)  # fmt: skip
"""In this order: the first that applies is told."""


def missing(
    evidence: Sequence[Evidence],
    level: Level,
    look: int,
    counted: int,
    tripped: Sequence[Evidence] = (),
    requests: int | None = None,
) -> str:
    """The observation that is missing for a verdict, in words; empty where nothing is.

    `counted` of the client's `requests` are compared; the others say nothing of what it does with answers. Of a client
    whose first week has ended `requests` are None: how many of its present week are of another sort is not known.
    """
    if tripped:
        return ""
    if look == 0:
        return _too_few(counted, requests)
    if level == Level.NONE:
        return ""
    families = {one.family for one in evidence if one.p < SPEAKING}
    told = []
    if level == Level.WATCH and not families:
        told.append(
            "No kind of evidence is strong by itself; what would decide it is a second, independent kind, or a link "
            "to other clients."
        )
    if level == Level.WATCH and len(families) == 1:
        told.append(
            f"Only one kind of evidence speaks ({next(iter(families))}); what would decide it is a second, "
            "independent kind, or a link to other clients."
        )
    told.append(pair(evidence, counted))
    return " ".join(filter(None, told))


def pair(evidence: Sequence[Evidence], counted: int) -> str:
    """What would tell the client from its permitted twin, in words; empty where no pair is in question."""
    values: dict[str, float] = {}
    for one in evidence:
        for term in one.terms:
            values.setdefault(term.feature, term.value)
    count = values.get("new_content", 1.0) * counted
    if count >= SMALL_LIST or any(values.get(name, 0.0) > share for name, share in DECIDED.items()):
        return ""
    return next((one.sentence.format(count=f"{count:,.0f}") for one in PAIRS if one.applies(values)), "")


def _too_few(counted: int, requests: int | None) -> str:
    if requests is None:
        some = said.count(counted, "request") if counted else "no request"
        return (
            f"Each week is compared anew. Of its present one {some} can be compared so far, the first time at "
            f"{LOOKS[0]}; embeddings, file uploads, status calls, failed calls and unread formats are not compared."
        )
    first = f"Too few requests this week so far: the first comparison is made at {LOOKS[0]}."
    if requests < LOOKS[0]:
        return first
    return (
        f"Only {counted:,} of its {requests:,} requests can be compared, the first time at {LOOKS[0]} of them. "
        "Embeddings, file uploads, status calls, failed calls and unread formats do not show what it does with "
        "answers: a search index and the collecting of vectors send the same requests. Whether vectors of users' "
        "questions follow, or the answers of its batches, would decide it."
    )
