"""The ordinary twins: what speaks for an ordinary use, measured and weighed the same way by every detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Term
from detectors.batch import COUNTED_READS, Batch
from detectors.event import Flag
from detectors.exchange import Usage

READS = (
    *COUNTED_READS,
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
CLOSED_CHARS = 48  # an answer this short is a label, a number or a name
CLOSED_TOKENS = 16
NAN = float("nan")


class Twin(NamedTuple):
    """One ordinary habit: its name and how to say its share."""

    name: str
    sentence: str  # with {share}


TWINS: tuple[Twin, ...] = (
    Twin("multi_turn", "It continues conversations in {share} of its requests."),
    Twin("closed_answers", "Its answers are short labels or numbers in {share} of its requests."),
    Twin("greedy", "It asks for the single most likely answer (temperature 0) in {share} of its requests."),
    Twin("structured", "It asks for tool calls or a fixed output format in {share} of its requests."),
    Twin("end_users", "It names an end user in {share} of its requests."),
    Twin("streamed", "It streams the answer, as for a waiting person, in {share} of its requests."),
    Twin("no_longer", "The answer is no longer than the text it sent in {share} of its requests."),
    Twin("repeats", "It sends prompts that it sent before in {share} of its requests."),
)
COUNTED_TWINS = len(TWINS) - 1  # repeats come from a distinct count, not from a counter
NAMES = tuple(twin.name for twin in TWINS)


class Measures(NamedTuple):
    """Per-event arrays that several detectors need."""

    chars: NDArray[np.int64]  # answer text of the request, all choices; 0 too where nobody knows
    choice: NDArray[np.int64]  # of one choice
    log_choice: NDArray[np.int64]  # of it, in sixteenths of a doubling
    open: NDArray[np.bool_]  # the answer is free text, or unknown and not limited to a few tokens
    unknown: NDArray[np.bool_]  # nobody saw the answer or its counts: a batch's, or one that is fetched later
    several: NDArray[np.intp]  # the events with more than one choice or prompt: elsewhere `chars` is `choice`


def measures(batch: Batch) -> Measures:
    """The answer's size and kind for each event, worked out once a batch."""
    return batch.once("measures", _measures)


def _measures(batch: Batch) -> Measures:
    chars = batch["out_chars"].astype(np.int64)
    unknown = chars == 0
    if unknown.any():
        # A log without answer texts still has token counts: about four characters a token.
        chars = np.where(unknown, 4 * batch["out_tokens"].astype(np.int64), chars)
        unknown = (chars == 0) & (batch["usage"] == Usage.ABSENT)
    samples = np.maximum(batch["choices"].astype(np.int64) * np.maximum(batch["prompts"], 1), 1)
    several = np.flatnonzero(samples > 1)
    choice = chars
    if len(several):
        choice = chars.copy()
        choice[several] //= samples[several]
    limit = batch["max_tokens"]
    capped = (limit > 0) & (limit <= CLOSED_TOKENS)
    is_open = ((choice >= CLOSED_CHARS) | unknown) & ~capped
    return Measures(chars, choice, log16(choice), is_open, unknown, several)


def log16(values: NDArray[Any]) -> NDArray[np.int64]:
    """Sixteen times the binary logarithm of 1 + value, rounded down."""
    return (np.log2(1.0 + values) * LOG).astype(np.int64)


def replaced(logs: NDArray[np.int64], places: NDArray[np.intp], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """`logs` with the logarithms of `values` at some places: what few events have is worked out for few."""
    if len(places):
        logs = logs.copy()
        logs[places] = log16(values)
    return logs


def candidates(batch: Batch) -> Batch:
    """The events that may be a part of a harvest at all, worked out once a batch.

    Requests that name an end user, want a fixed format or are answered by a label are left out: they are
    the rest of a client whose other part is looked at by itself.
    """
    return batch.once("candidates", _candidates)


def _candidates(batch: Batch) -> Batch:
    # A step of an agent may be a call alone, without a word.
    told = measures(batch).open | batch.flag(Flag.TOOLS)
    keep = told & ~batch.flag(Flag.USER_ID | Flag.SCHEMA)
    return batch if keep.all() else batch.only(keep)


def part_term(part: float, total: float) -> Term:
    """Which share of the requests a score speaks of."""
    share = part / max(total, 1.0)
    rest = "the rest name end users, want a fixed format or are answered by a label" if share < 1.0 else "all of them"
    text = f"What is suspicious is a part of {percent(share)} of its requests; {rest}."
    return Term("part", share, "share", NAN, NAN, NAN, 0.0, text)


def begun(batch: Batch) -> Batch:
    """The events that begin something of their own, worked out once a batch.

    Later turns of a conversation, steps after a tool's result and blank prompts are left out.
    """
    return batch.once("begun", _begun)


def _begun(batch: Batch) -> Batch:
    others = batch.flag(Flag.MULTI_TURN | Flag.TOOL_RESULT | Flag.BLANK_INPUT)
    return batch.only(~others) if others.any() else batch


def sums(batch: Batch) -> NDArray[np.uint32]:
    """Each client's count of events with each counted twin: shape (clients, COUNTED_TWINS)."""
    return habits(batch)[:, :COUNTED_TWINS]


def habits(batch: Batch) -> NDArray[np.uint32]:
    """The counted twins and, as one column more, the requests with a system prompt."""
    return batch.once("habits", _habits)


def _habits(batch: Batch) -> NDArray[np.uint32]:
    return batch.count(*masks(batch), batch.flag(Flag.SYSTEM)).astype(np.uint32)


def masks(batch: Batch) -> tuple[NDArray[np.bool_], ...]:
    """Which events have each counted twin, worked out once a batch."""
    return batch.once("masks", _masks)


def _masks(batch: Batch) -> tuple[NDArray[np.bool_], ...]:
    seen = measures(batch)
    return (
        batch.flag(Flag.MULTI_TURN),
        ~seen.open,
        batch["temperature"] <= 0.05,
        batch.flag(Flag.TOOLS | Flag.SCHEMA),
        batch.flag(Flag.USER_ID),
        batch.flag(Flag.STREAM),
        (4 * seen.chars <= 5 * batch["payload_chars"].astype(np.int64)) & ~seen.unknown,
    )


def left(batch: Batch, weights: Mapping[str, float]) -> NDArray[np.float32]:
    """What the counted twins leave of each event by itself, 0 to 1: the product of 1 - weight over those it has."""
    code = np.zeros(len(batch), np.uint8)
    table = np.ones(1, np.float32)
    for place, mask in enumerate(masks(batch)):
        code |= mask.view(np.uint8) << np.uint8(place)
        table = np.append(table, table * np.float32(max(1.0 - weights.get(NAMES[place], 0.0), 0.0)))
    return table.take(code)


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


def counter_terms(
    base: float, share: NDArray[np.float64], factor: NDArray[np.float64], weights: Mapping[str, float]
) -> tuple[Term, ...]:
    """What each twin took from the evidence `base` of one client; the shares sum to the reduction."""
    logs = np.log(factor)
    total = float(logs.sum())
    taken = base * (1.0 - float(np.exp(total)))
    terms = []
    for position, twin in enumerate(TWINS):
        if twin.name not in weights:
            continue
        part = -taken * float(logs[position]) / total if total < 0.0 else 0.0
        value = float(share[position])
        text = twin.sentence.format(share=percent(value))
        terms.append(Term(twin.name, value, "share", NAN, NAN, NAN, part, text))
    return tuple(terms)


def percent(share: float) -> str:
    """A share as a whole number of per cent, never rounded up to all or down to none."""
    number = round(100.0 * share)
    if number == 100 and share < 0.9995:
        number = 99
    if number == 0 and share > 0.0:
        return "under 1 %"
    return f"{number} %"
