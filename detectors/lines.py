"""A request of many prompts: its lines as exchanges of their own, and as events of their own or told by one."""

from __future__ import annotations

from itertools import takewhile
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.event import Flag, Kind, Listed
from detectors.exchange import SYSTEM_ROLES, Exchange, Message, Operation, Outcome

LOOKED_AT: Final = 64  # lines of one request whose features are worked out
_USUAL: Final = 0.5  # share of the lines that say the same of themselves
_LISTED: Final = 0.1  # share of the lines that are on a public list, where one may be there by chance
_OF_LINES = int(
    Flag.MULTI_TURN | Flag.BLANK_INPUT | Flag.PREFILL | Flag.TOOL_RESULT | Flag.SYSTEM
    | Flag.ELICIT_SYSTEM | Flag.ELICIT_USER
)  # fmt: skip
_MODES: Final = ("head4", "head12", "tail6", "system", "script")
_U64: Final = (1 << 64) - 1
_U32: Final = (1 << 32) - 1
_REFUSED: Final = 400  # and above: a status without answers
_TEXT: Final = (int(Operation.CHAT), int(Operation.COMPLETION), int(Operation.RESPONSE), int(Operation.BATCH))
_OF_REQUEST: Final = (
    "at", "client", "params", "tools", "schema", "user", "model", "network", "agent", "ja4", "max_tokens", "ttfb",
    "duration", "temperature", "top_p", "choices", "status", "top_logprobs", "dialect", "operation", "outcome", "usage",
    "finish", "refusal", "channel", "foreign", "moved", "indicator",
)  # fmt: skip
_ONCE: Final = ("body", "presented", "context", "issued")  # its first line has them: they come once a request
_DIVIDED: Final = ("prompts", "in_tokens", "out_tokens", "tool_calls")
_ANSWERED: Final = ("out_chars", "reasoning_chars")


def split(exchange: Exchange, seed: int) -> list[Exchange]:
    """The lines of an exchange that are looked at, each with its system prompt.

    Of many lines the secret `seed` draws them, so that nobody can know where to put others in between. A line without
    a system prompt has that of the line before; an empty one says that from there on there is none.
    """
    begins = exchange.begins
    if len(begins) < 2:
        return []
    count = min(len(begins), LOOKED_AT)
    chosen = set(Random(f"{seed}/{len(begins)}").sample(range(len(begins)), count))
    operation = Operation.CHAT if exchange.operation == Operation.BATCH else exchange.operation
    ends = (*begins[1:], len(exchange.messages))
    # Choices come in the order of their prompts; where some are missing, nobody knows whose the others are.
    each, missing = divmod(len(exchange.completions), len(begins))
    each = 0 if missing else each
    found = []
    system: tuple[Message, ...] = ()
    for nth, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        line = exchange.messages[begin:end]
        own = tuple(takewhile(_of_system, line))
        system = own or system
        if nth in chosen and line:
            messages = (*(message for message in system if message.text), *line[len(own) :])
            said = exchange.completions[nth * each : (nth + 1) * each]
            made = Exchange(0.0, 0, exchange.dialect, operation, messages=messages, completions=said)
            found += [made] if messages else []
    return found


def _of_system(message: Message) -> bool:
    return message.role in SYSTEM_ROLES


def _mode(values: NDArray[Any]) -> Any:
    """The most frequent value; of several the one that comes first."""
    found, first, counts = np.unique(values, return_index=True, return_counts=True)
    best = counts == counts.max()
    return found[best][first[best].argmin()]


def _usual(bits: NDArray[Any], share: float) -> int:
    """The bits that at least a share of the values have."""
    width = bits.dtype.itemsize * 8
    having = (bits[:, None] >> np.arange(width, dtype=bits.dtype) & 1).mean(axis=0)
    return sum(1 << place for place in range(width) if having[place] >= share)


def _least(values: NDArray[np.uint32], count: int) -> NDArray[np.uint32]:
    kept = np.unique(values[values != 0])[:count]
    return np.concatenate((kept, np.zeros(count - len(kept), np.uint32)))


def tell(whole: NDArray[np.void], lines: NDArray[np.void]) -> None:
    """Write to the one event `whole`, shape (1,), what its lines' events say together.

    Template keys, system prompt and script are those of most lines; flags and frames those of half of them; the
    payload's hash names all of its lines in their order, its samples are of all of them, its length their mean.
    """
    for name in _MODES:
        whole[name] = _mode(lines[name])
    named = 0
    for payload in lines["payload"].tolist():
        named = (named * 0x9E3779B97F4A7C15 + payload) & _U64
    whole["payload"] = named or 1
    for name in ("gist", "words"):
        whole[name] = _least(lines[name], whole[name].shape[1])
    sketches = lines["sketch"][lines["sketch"].any(axis=1)]
    whole["sketch"] = sketches.min(axis=0) if len(sketches) else 0
    topic = lines["topic"].astype(np.int64).sum(axis=0)
    length = np.sqrt(np.maximum((topic * topic).sum(), 1))
    whole["topic"] = np.rint(topic * (127.0 / length)).astype(np.int8)
    whole["elicitation"] = _usual(lines["elicitation"], _USUAL)
    whole["grading"] = _usual(lines["grading"], _USUAL)
    whole["synthesis"] = _usual(lines["synthesis"], _USUAL)
    canary = np.bitwise_or.reduce(lines["listed"]) & Listed.CANARY
    whole["listed"] = _usual(lines["listed"], _LISTED) | canary
    usual = _usual(lines["flags"] & np.uint32(_OF_LINES), _USUAL)
    whole["flags"] = (whole["flags"] & np.uint32(~_OF_LINES & 0xFFFFFFFF)) | np.uint32(usual)
    whole["payload_chars"] = round(float(lines["payload_chars"].mean()))
    whole["opening"] = 0
    whole["kind"] = Kind.NONE if not whole["answer"][0] else whole["kind"]


def stand_alone(whole: np.void) -> bool:
    """Whether a request's lines go on as events of their own: it was answered, and asks for texts."""
    answered = whole["outcome"] in (Outcome.OK, Outcome.CLIENT_ABORTED) and whole["status"] < _REFUSED
    return bool(answered and whole["prompts"] > 0 and whole["operation"] in _TEXT)


def apart(whole: NDArray[np.void], lines: NDArray[np.void]) -> NDArray[np.void]:
    """The lines' events, shape (lines,), as what goes on in place of the request's event `whole`, shape (1,).

    What the request says once for all lines each of them says; what it counts is divided, so that sums stay; what may
    come once alone its first line has. Lines that were not looked at are counted with the others.
    """
    out = lines.copy()
    for name in _OF_REQUEST:
        out[name] = whole[name]
    for name in _ONCE:
        out[name][0] = whole[name][0]
    own = np.uint32(_OF_LINES)
    out["flags"] = (lines["flags"] & own) | (whole["flags"] & ~own)
    for name in _DIVIDED:
        out[name] = _shares(int(whole[name][0]), len(lines))
    if not lines["out_chars"].any():
        for name in _ANSWERED:
            out[name] = _shares(int(whole[name][0]), len(lines))
        for name in ("answer", "answer_gist"):
            out[name][0] = whole[name][0]
        out["kind"] = whole["kind"]
    else:  # a line's answer stands for those of the lines beside it that were not looked at
        out["out_chars"] = np.minimum(lines["out_chars"].astype(np.uint64) * out["prompts"], _U32)
    return out


def _shares(count: int, parts: int) -> NDArray[np.int64]:
    """A count in whole numbers, as evenly as they go, the first ones larger."""
    return count // parts + (np.arange(parts) < count % parts)
