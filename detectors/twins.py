"""The ordinary twins: what speaks for an ordinary use, measured and weighed the same way by every detector."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import said
from detectors.base import Term
from detectors.batch import COUNTED_READS, Batch
from detectors.cells import log16
from detectors.compiled import compiled
from detectors.event import Flag
from detectors.exchange import Usage

percent = said.percent  # what detectors tell shares by

READS = (
    *COUNTED_READS,
    "flags",
    "choices",
    "prompts",
    "out_chars",
    "out_tokens",
    "payload_chars",
    "max_tokens",
    "temperature",
    "usage",
)

LOG = 16  # logarithms are kept as integers, in sixteenths of a doubling, so that sums are exact
USUAL_LOG = 138  # of an answer that nobody saw: some 400 characters, the median of ordinary clients
USUAL_CHARS = 2.0 ** (USUAL_LOG / LOG) - 1.0
CLOSED_CHARS = 48  # an answer this short is a label, a number or a name
CLOSED_TOKENS = 16
UNHEEDED_CHARS = 256  # so long an answer did not heed such a limit: some servers know it by another name
RECORD_CHARS = 480  # an answer in a fixed format that is longer is free text inside it
GREEDY = np.float32(0.05)  # a temperature up to this asks for the most likely answer
NAN = float("nan")

SYSTEM_BIT = 1 << 7  # of an event's code: a system prompt; below it the counted twins, in the order of TWINS
_CLOSED, _GREEDY, _STRUCTURED, _USER, _STREAMED, _NO_LONGER = (1 << place for place in range(1, 7))
_IS_MULTI, _IS_SYSTEM = np.uint32(Flag.MULTI_TURN), np.uint32(Flag.SYSTEM)
_IS_STRUCTURED, _IS_USER = np.uint32(Flag.TOOLS | Flag.SCHEMA), np.uint32(Flag.USER_ID)
_IS_STREAM = np.uint32(Flag.STREAM)
_IS_TOOLS, _IS_SCHEMA = np.uint32(Flag.TOOLS), np.uint32(Flag.SCHEMA)
_ASKS_NOTHING = np.uint32(Flag.TOOL_RESULT | Flag.BLANK_INPUT)
_ABSENT = int(Usage.ABSENT)


class Twin(NamedTuple):
    """One ordinary habit: its name and how to say its share."""

    name: str
    sentence: str  # with {share}


TWINS: tuple[Twin, ...] = (
    Twin("multi_turn", "It continues conversations in {share} of its requests."),
    Twin("closed_answers", "Its answers are short labels or numbers in {share} of its requests."),
    Twin("greedy", "It asks for the single most likely answer (temperature 0) in {share} of its requests."),
    Twin("structured", "It is given tool calls or short records in a fixed format in {share} of its requests."),
    Twin("end_users", "It names an end user in {share} of its requests; as anyone can, it takes nothing off."),
    Twin("streamed", "It streams the answer, as for a waiting person, in {share} of its requests."),
    Twin("no_longer", "The answer is no longer than the text it sent in {share} of its requests."),
    Twin("repeats", "It sends prompts that it sent before in {share} of its requests."),
)
AGAIN = {"repeats": "It sent {share} of its different prompts more than once."}
"""The sentence of a detector that keeps a sample of the prompts, and which of them came again."""
COUNTED_TWINS = len(TWINS) - 1  # repeats come from a distinct count, not from a counter
NAMES = tuple(twin.name for twin in TWINS)


class Measures(NamedTuple):
    """Per-event arrays that several detectors need."""

    chars: NDArray[np.int64]  # answer text of the request, all choices; 0 too where nobody knows
    choice: NDArray[np.int64]  # of one choice
    log_choice: NDArray[np.int64]  # of it, in sixteenths of a doubling; where nobody saw it that of a usual one
    open: NDArray[np.bool_]  # the answer is free text, or unknown and not limited to a few tokens
    unknown: NDArray[np.bool_]  # nobody saw the answer or its counts: a batch's, or one that is fetched later
    code: NDArray[np.uint8]  # the counted twins of the event, a bit each in the order of TWINS, and SYSTEM_BIT


def measures(batch: Batch) -> Measures:
    """The answer's size and kind for each event, worked out once a batch."""
    return batch.once("measures", _measures)


def _measures(batch: Batch) -> Measures:
    if batch.whole is not batch:
        return Measures._make(values.take(batch.places) for values in measures(batch.whole))
    size = len(batch)
    chars, choice, logs = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    is_open, unknown, code = np.empty(size, np.bool_), np.empty(size, np.bool_), np.empty(size, np.uint8)
    counts = batch["out_chars"], batch["out_tokens"], batch["usage"], batch["choices"], batch["prompts"]
    _measure(*counts, batch["max_tokens"], chars, choice, logs, is_open, unknown)
    _codes(batch["flags"], batch["temperature"], batch["payload_chars"], chars, choice, is_open, unknown, code)
    return Measures(chars, choice, logs, is_open, unknown, code)


@compiled
def _measure(
    out_chars: NDArray[np.uint32],
    out_tokens: NDArray[np.uint32],
    usage: NDArray[np.uint8],
    choices: NDArray[np.uint16],
    prompts: NDArray[np.uint16],
    max_tokens: NDArray[np.uint32],
    chars: NDArray[np.int64],
    choice: NDArray[np.int64],
    logs: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
) -> None:
    """Fill in the last five columns."""
    for place in range(len(chars)):
        text = np.int64(out_chars[place])
        if text == 0:  # a log without answer texts still has token counts: about four characters a token
            text = 4 * np.int64(out_tokens[place])
        nobody = text == 0 and usage[place] == _ABSENT
        samples = np.int64(choices[place]) * np.int64(prompts[place] or 1)
        one = text
        if samples > 1:
            one = text // samples
        limit = max_tokens[place]
        capped = 0 < limit <= CLOSED_TOKENS and one < UNHEEDED_CHARS
        chars[place], choice[place] = text, one
        logs[place] = USUAL_LOG if nobody else log16(float(one))
        is_open[place] = (one >= CLOSED_CHARS or nobody) and not capped
        unknown[place] = nobody


@compiled
def _codes(
    flags: NDArray[np.uint32],
    temperature: NDArray[np.float32],
    payload_chars: NDArray[np.uint32],
    chars: NDArray[np.int64],
    choice: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    code: NDArray[np.uint8],
) -> None:
    """Fill in which counted twins each event has."""
    for place in range(len(code)):
        flag = flags[place]
        own = 1 if flag & _IS_MULTI else 0
        own |= 0 if is_open[place] else _CLOSED
        own |= _GREEDY if temperature[place] <= GREEDY else 0
        own |= _STRUCTURED if flag & _IS_STRUCTURED and choice[place] < RECORD_CHARS else 0
        own |= _USER if flag & _IS_USER else 0
        own |= _STREAMED if flag & _IS_STREAM else 0
        short = 4 * chars[place] <= 5 * np.int64(payload_chars[place])
        own |= _NO_LONGER if short and not unknown[place] else 0
        code[place] = own | (SYSTEM_BIT if flag & _IS_SYSTEM else 0)


@compiled
def is_candidate(flags: np.uint32, code: np.uint8) -> bool:
    """Whether an event of these flags and this code may be a part of a harvest at all.

    Requests that are answered by a label, or by a short record in a fixed format, are left out: they are the
    rest of a client whose other part is looked at by itself. A step of an agent may be a call alone. What a
    request only says of itself (an end user, a format around a long text) leaves nothing out: it costs nothing.
    """
    fixed = flags & _IS_SCHEMA and code & _STRUCTURED
    return bool((code & _CLOSED == 0 or flags & _IS_TOOLS) and not fixed)


def part_term(part: float, total: float) -> Term:
    """Which share of the requests a score speaks of."""
    share = part / max(total, 1.0)
    rest = "answered by a label, or in a fixed format by a short record or by what nobody saw"
    text = f"What is suspicious is a part of {percent(share)} of its requests; the rest are {rest}."
    if share >= 1.0:
        text = f"What is suspicious may be any of its requests: none is {rest}."
    elif share <= 0.0:
        text = f"None of its requests may be suspicious: they are {rest}."
    return Term("part", share, "share", NAN, NAN, NAN, 0.0, text)


@compiled
def is_asking(flags: np.uint32) -> bool:
    """Whether an event of these flags asks something: no step after a tool, no blank prompt.

    Later turns do: whoever puts a made-up turn before each prompt would else ask nothing at all.
    """
    return bool(flags & _ASKS_NOTHING == 0)


def habits(batch: Batch) -> NDArray[np.uint32]:
    """The counted twins and, as one column more, the requests with a system prompt."""
    return batch.once("habits", _habits)


def _habits(batch: Batch) -> NDArray[np.uint32]:
    counts = np.zeros((len(batch.clients), COUNTED_TWINS + 1), np.uint32)
    _count_codes(batch.starts, batch.counts, batch.places, measures(batch.whole).code, counts)
    return counts


@compiled
def _count_codes(
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    code: NDArray[np.uint8],
    out: NDArray[np.uint32],
) -> None:
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            count_code(out, row, code[np.uint64(places[nth])])


@compiled
def count_code(counters: NDArray[np.uint32], row: int, code: np.uint8) -> None:
    """Count an event's code in one row of as many counters, from the first bit on."""
    for bit in range(counters.shape[1]):
        counters[row, bit] += np.uint32((code >> bit) & 1)


def left_by_code(weights: Mapping[str, float]) -> NDArray[np.float32]:
    """What the counted twins leave of an event of each code, 0 to 1: the product of 1 - weight over those it has."""
    table = np.ones(1, np.float32)
    for name in NAMES[:COUNTED_TWINS]:
        table = np.append(table, table * np.float32(max(1.0 - weights.get(name, 0.0), 0.0)))
    return np.append(table, table)  # whether there is a system prompt takes nothing


def shares(
    counts: NDArray[Any], n: NDArray[Any], distinct: NDArray[np.float64], blank: NDArray[Any] | int = 0
) -> NDArray[np.float64]:
    """The share of each twin, 0 to 1: shape (clients, len(TWINS)).

    The distinct count is an estimate; a repetition of less than a tenth is taken for its error. Blank
    prompts are alike by nature and do not count as repeated.
    """
    total = np.maximum(np.asarray(n, np.float64), 1.0)
    written = np.maximum(total - blank, 1.0)
    repeated = np.clip((0.9 - distinct / written) / 0.9, 0.0, 1.0) * (written / total) * (np.asarray(n) > 0)
    return np.column_stack([np.asarray(counts, np.float64) / total[:, None], repeated])


def factors(share: NDArray[np.float64], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """What each twin leaves of the evidence, 1 - weight x share: shape (clients, len(TWINS)).

    A weight above 1 takes all before the share is whole: half repeated is already no list that grows.
    """
    weight = np.array([weights.get(name, 0.0) for name in NAMES])
    return np.asarray(np.clip(1.0 - share * weight, 1e-3, 1.0), np.float64)


class Parts(NamedTuple):
    """What makes up a score that the twins reduce as a whole: one row a client."""

    parts: NDArray[np.float64]  # (clients, kinds of evidence): their sum is the score before the twins
    values: NDArray[np.float64]  # (clients, measures): what was seen, as it is shown
    share: NDArray[np.float64]  # (clients, len(TWINS)), as `shares` gives it
    factor: NDArray[np.float64]  # the same of `factors`

    def score(self) -> NDArray[np.float32]:
        """The parts' sum times what each twin leaves of it, shape (clients,)."""
        return np.asarray(self.parts.sum(axis=1) * self.factor.prod(axis=1), np.float32)


def counter_terms(
    base: float,
    share: NDArray[np.float64],
    factor: NDArray[np.float64],
    weights: Mapping[str, float],
    told: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Term, ...]:
    """What each twin took from the evidence `base` of one client; the shares sum to the reduction.

    `told` has other sentences for twins whose share is of something else than all requests.
    """
    logs = np.log(factor)
    total = float(logs.sum())
    taken = base * (1.0 - float(np.exp(total)))
    terms = []
    for position, twin in enumerate(TWINS):
        if twin.name not in weights:
            continue
        part = -taken * float(logs[position]) / total if total < 0.0 else 0.0
        value = float(share[position])
        text = told.get(twin.name, twin.sentence).format(share=percent(value))
        terms.append(Term(twin.name, value, "share", NAN, NAN, NAN, part, text))
    return tuple(terms)
