"""Shape (D9): requests that nobody waits for or comes back to, of every size and form; episodes without people."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import hll_row, log16, mix64, sample_row
from detectors.compiled import compiled, fold
from detectors.event import Flag, Kind
from detectors.sketch import hll_count, sample_merge, sample_repeated

_SAMPLE = 40
_SHRINK = 12.0  # openings: fewer say little
USUAL_SPREAD = 0.7  # doublings: of ordinary clients' answers, where nobody saw them
_FORMS = tuple(int(form) for form in (Kind.LIST, Kind.CODE, Kind.PROSE, Kind.REASONING))  # one after another
_STEP, _OFFERED = np.uint32(Flag.TOOL_RESULT), np.uint32(Flag.TOOLS)
_WEIGHTS = {
    "multi_turn": 1.6,
    "greedy": 0.5,
    "structured": 0.6,
    "streamed": 0.15,  # jobs stream as well, by the habit of their library
    "no_longer": 0.3,
    "repeats": 4.0,  # where people ask, one question in six or ten is asked again
}
_PARTS = {"longer": 1.5, "long": 3.0, "apart": 2.5, "room": 0.75, "forms": 2.5, "episodes": 5.0}


class Shape(Detector):
    """Every request stands alone and is new, nobody waits, and yet the answers are of every size and form.

    Hypothesis
    ----------
    A job is narrow: its answers have one form, and their size follows from the prompt's. People are broad,
    but they go on with a conversation, wait for the stream, repeat and give up. A list that is walked to
    train a model is broad and alone: no follow-up, no repeat, answers much longer than the prompts, of
    sizes and forms that the prompts' sizes do not explain, with room left under the limit. A harvest of
    tool use has the same shape one floor up: episodes from ever new openings, never taken up again by a
    person, with tools that change from task to task. Requests that are answered by a label, or by a short
    record in a fixed format, are left out, so that a client's other traffic does not hide the part that may
    be a harvest.

    Misses
    ------
    Harvests whose answers all have one form and size (graders, one kind of exercise). Clients that follow
    up and stream. Question answering for people behind a server without streaming has this shape too: only
    repeated questions tell.

    Cost
    ----
    Two table look-ups and some sums an event, in three passes; 288 bytes a client.

    References
    ----------
    Follow-ups and sessions of people: Zheng et al., "LMSYS-Chat-1M", arXiv 2309.11998. Jobs and their
    lengths: Xiang et al., "ServeGen", arXiv 2505.09999.
    """

    name: ClassVar[str] = "shape"
    version: ClassVar[int] = 2
    family: ClassVar[Family] = "surface"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*twins.READS, "opening", "payload", "body", "tools", "kind")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    measures: ClassVar[tuple[str, ...]] = (
        "alone", "answer_to_prompt", "answer_size", "size_spread", "room_left", "answer_forms", "episodes",
    )  # fmt: skip
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("part", "<u4"),  # of them, those that may be a harvest's: all that follows is about these
            ("twins", "<u4", (twins.COUNTED_TWINS,)),
            ("opened", "<u4"),  # requests that ask something: no step after a tool
            ("steps", "<u4"),  # requests that carry a tool's result
            ("equipped", "<u4"),  # openings that offer tools
            ("limited", "<u4"),  # openings with a limit above a label's
            ("room", "<u4"),  # of them, the doublings between answer and limit, in sixteenths
            ("logs", "<u8", (5,)),  # of openings: prompt, answer, their squares and their product
            ("forms", "<u4", (len(_FORMS),)),
            ("openings", "<u4", (_SAMPLE,)),  # a sample of the openings, and which came again
            ("toolsets", "u1", (16,)),
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        whole = seen.whole
        events = seen.starts, seen.counts, seen.places
        answers, asks = twins.measures(whole), np.empty(len(seen), np.bool_)
        own = [rows[name] for name in ("n", "part", "twins", "steps", "opened")]
        fold(_fold, own, (*events, whole["flags"], answers.code, asks))
        sizes = whole["payload_chars"], answers.log_choice, whole["max_tokens"]
        own = [rows[name] for name in ("limited", "room", "logs")]
        fold(_fold_sizes, own, (*events, asks, *sizes))
        told = whole["flags"], whole["kind"], whole["payload"], whole["body"], whole["tools"]
        own = [rows[name] for name in ("equipped", "forms", "openings", "toolsets")]
        fold(_fold_forms, own, (*events, asks, *told))

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """Counters and registers as usual; an opening that two clients hold came again."""
        return merging.merged(rows, {"openings": sample_merge})

    def measure(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Openings that never came again, sizes, limits, forms and episodes, for the joint score."""
        return _measured(self._parts(rows))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Alone and new x (longer + long + sizes apart + room + forms) + episodes, less the twins; 0 to 10."""
        del now
        return self._parts(rows).score()

    def look(self, rows: NDArray[np.void], now: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Both at once."""
        del now
        parts = self._parts(rows)
        return parts.score(), _measured(parts)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Each part of the shape, then what each twin took away."""
        del now
        parts = self._parts(np.array([row]))
        alone, longer, long, apart, room, forms, steps, sets = (float(v) for v in parts.values[0])
        known = not _unseen(row["logs"][None], row["opened"][None])[0]
        shown = (
            ("answer_to_prompt", longer, "doublings",
             f"Its answers have {said.times(float(np.exp2(longer)))} the length of its prompts."
             if known else "How long its answers are beside its prompts is not known."),
            ("answer_size", long, "chars", said.answer_text(long, "each answer", twins.USUAL_CHARS)),
            ("size_spread", apart, "doublings",
             f"Answers to prompts of one size differ in size by a factor of about {np.exp2(apart):,.1f}."
             if known else "How far its answers differ in size is not known."),
            ("room_left", room, "doublings", _room(row, room, known)),
            ("answer_forms", forms, "forms",
             f"Its answers take about {forms:.1f} forms in turn: prose, lists, code, worked arguments."
             if forms >= said.MORE else _one_form(row)),
            ("episodes", steps, "steps",
             f"Each of its tasks takes {said.few(steps)} steps after tools' results, and {twins.percent(sets)} of the "
             "tasks bring tools of their own." if steps > 0.0 else "No task of its goes on after a tool's result."),
        )  # fmt: skip
        nan = twins.NAN
        terms = (
            twins.part_term(float(row["part"]), float(row["n"])),
            Term("alone", alone, "share", nan, nan, nan, 0.0,
                 f"{twins.percent(alone)} of its prompts never came again."),
            *(Term(name, value, unit, nan, nan, nan, float(parts.parts[0, k]), text)
              for k, (name, value, unit, text) in enumerate(shown)),
        )  # fmt: skip
        return terms + twins.counter_terms(
            float(parts.parts[0].sum()), parts.share[0], parts.factor[0], _WEIGHTS, twins.AGAIN
        )

    def _parts(self, rows: NDArray[np.void]) -> twins.Parts:
        n, opened = rows["part"].astype(np.float64), rows["opened"].astype(np.float64)
        steps = rows["steps"].astype(np.float64)
        total, begun = np.maximum(n, 1.0), np.maximum(opened, 1.0)
        alone = opened / (opened + _SHRINK)
        repeated = sample_repeated(rows["openings"])
        longer, long, apart = _spread(rows["logs"] / twins.LOG, begun)
        apart = np.where(_unseen(rows["logs"], rows["opened"]), USUAL_SPREAD, apart)
        room = rows["room"] / np.maximum(rows["limited"], 1) / twins.LOG
        forms = _forms(rows["forms"])
        sets = np.clip(hll_count(rows["toolsets"]) / np.maximum(rows["equipped"], 1.0), 0.0, 1.0)
        walked = steps / total
        parts = np.column_stack([
            _PARTS["longer"] * alone * np.clip(longer / 4.0, 0.0, 1.0),
            _PARTS["long"] * alone * np.clip((long - 8.0) / 4.0, 0.0, 1.0),
            _PARTS["apart"] * alone * np.clip((apart - 0.3) / 1.5, 0.0, 1.0),
            _PARTS["room"] * alone * np.clip((room - 1.0) / 3.0, 0.0, 1.0) * rows["limited"] / begun,
            _PARTS["forms"] * alone * np.clip((forms - 1.0) / 2.0, 0.0, 1.0),
            _PARTS["episodes"] * alone * walked * (0.4 + 0.6 * sets),
        ])  # fmt: skip
        share = twins.shares(rows["twins"], n, n)
        share[:, twins.NAMES.index("repeats")] = repeated
        place = twins.NAMES.index("structured")
        share[:, place] = np.maximum(share[:, place] - np.minimum(walked, rows["equipped"] / begun), 0.0)
        values = np.column_stack([1.0 - repeated, longer, np.exp2(long) - 1.0, apart, room, forms, steps / begun, sets])
        return twins.Parts(parts, values, share, twins.factors(share, _WEIGHTS))


def _room(row: np.void, room: float, known: bool) -> str:
    if not row["limited"]:
        return "It sets no limit to its answers."
    told = f"The limit it asks for is {said.times(float(np.exp2(room)))} what "
    return told + ("the answers need." if known else "usual answers need; its own are not known.")


def _one_form(row: np.void) -> str:
    return "Its answers are all of one form." if row["forms"].any() else "The form of its answers is not known."


def _measured(parts: twins.Parts) -> NDArray[np.float64]:
    return parts.values[:, :7]


@compiled
def _fold(
    n: NDArray[np.uint32],
    part: NDArray[np.uint32],
    habits: NDArray[np.uint32],
    steps: NDArray[np.uint32],
    opened: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    flags: NDArray[np.uint32],
    code: NDArray[np.uint8],
    asks: NDArray[np.bool_],
) -> None:
    """Count the requests that may be a harvest's, and fill in which of them ask something."""
    for row in range(len(counts)):
        ahead(n, steps, row)
        n[row] += np.uint32(counts[row])
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            may = twins.is_candidate(flags[place], code[place])
            asks[nth] = may and twins.is_asking(flags[place])
            if may:
                part[row] += np.uint32(1)
                opened[row] += np.uint32(asks[nth])
                steps[row] += np.uint32(flags[place] & _STEP != 0)
                twins.count_code(habits, row, code[place])


@compiled
def _fold_sizes(
    limited: NDArray[np.uint32],
    room: NDArray[np.uint32],
    logs: NDArray[np.uint64],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    asks: NDArray[np.bool_],
    payload_chars: NDArray[np.uint32],
    log_choice: NDArray[np.int64],
    max_tokens: NDArray[np.uint32],
) -> None:
    """Add up the logarithms of openings' and answers' sizes, and the room between answer and limit."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            if not asks[nth]:
                continue
            place = places[nth]
            prompt, answer = log16(float(payload_chars[place])), log_choice[place]
            logs[row, 0] += np.uint64(prompt)
            logs[row, 1] += np.uint64(answer)
            logs[row, 2] += np.uint64(prompt * prompt)
            logs[row, 3] += np.uint64(answer * answer)
            logs[row, 4] += np.uint64(prompt * answer)
            if max_tokens[place] > twins.CLOSED_TOKENS:
                limited[row] += np.uint32(1)
                room[row] += np.uint32(max(log16(4.0 * max_tokens[place]) - answer, 0))


@compiled
def _fold_forms(
    equipped: NDArray[np.uint32],
    forms: NDArray[np.uint32],
    openings: NDArray[np.uint32],
    toolsets: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    asks: NDArray[np.bool_],
    flags: NDArray[np.uint32],
    kind: NDArray[np.uint8],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
    tools: NDArray[np.uint64],
) -> None:
    """Fold in what openings are about, the forms of their answers, and the tools that they offer."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            if not asks[nth]:
                continue
            place = places[nth]
            form = np.int64(kind[place]) - _FORMS[0]
            if 0 <= form < len(_FORMS):
                forms[row, form] += np.uint32(1)
            sample_row(openings, row, mix64(payload[place] or body[place]))
            if flags[place] & _OFFERED:
                equipped[row] += np.uint32(1)
                hll_row(toolsets, row, mix64(tools[place]))


def _spread(
    logs: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """In doublings: from prompt to answer, the answer, and its deviation that the prompts' sizes do not explain."""
    mean = logs / n[:, None]
    scale = twins.LOG
    prompt, answer = mean[:, 0], mean[:, 1]
    var_p = np.maximum(mean[:, 2] / scale - prompt**2, 0.0)
    var_a = np.maximum(mean[:, 3] / scale - answer**2, 0.0)
    both = mean[:, 4] / scale - prompt * answer
    explained = np.where(var_p > 1e-3, both**2 / np.maximum(var_p, 1e-3), 0.0)
    return answer - prompt, answer, np.sqrt(np.maximum(var_a - explained, 0.0))


def _unseen(logs: NDArray[np.uint64], n: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether nobody saw any of the answers: all are then of the usual size that is assumed, and of no other."""
    known = n.astype(np.uint64)
    total, squares = known * np.uint64(twins.USUAL_LOG), known * np.uint64(twins.USUAL_LOG**2)
    return np.asarray((n > 0) & (logs[:, 1] == total) & (logs[:, 3] == squares), np.bool_)


def _forms(counts: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The effective number of forms, from 1 up; 1 where none is known."""
    known = counts.sum(axis=1)
    part = counts / np.maximum(known, 1)[:, None]
    same = (part**2).sum(axis=1)
    return np.where(known > 0, 1.0 / np.maximum(same, 1e-9), 1.0)
