"""EVENT: the fixed-width record of one exchange's features; pack one, unpack many."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SCHEMA = 2  # a bump makes older blocks unreadable on purpose: they are counted, never guessed at


class Flag(IntFlag):
    """Yes-or-no features, one bit each, in EVENT's `flags`."""

    STREAM = 1 << 0
    TOOLS = 1 << 1
    SCHEMA = 1 << 2
    LOGPROBS = 1 << 3
    SYSTEM = 1 << 4
    USER_ID = 1 << 5
    MULTI_TURN = 1 << 6  # an assistant message stands before the last user message
    BLANK_INPUT = 1 << 7  # nothing but white space or template tokens in the user turn
    PREFILL = 1 << 8  # the last message is the assistant's
    RETRY = 1 << 9
    TRUNCATED = 1 << 10
    SEED = 1 << 11
    ELICIT_SYSTEM = 1 << 12  # the system prompt asks for written-out reasoning
    ELICIT_USER = 1 << 13  # a user turn asks for it
    TOOL_RESULT = 1 << 14
    REASONING_ASKED = 1 << 15  # a parameter asks for the model's own reasoning
    REASONING_SEALED = 1 << 16  # the answer carries reasoning that only the provider can read, or its signature


class Listed(IntFlag):
    """Which of the operator's lists hold the payload, one bit each, in EVENT's `listed`."""

    TRAIN = 1 << 0  # a public list that pipelines harvest
    TEST = 1 << 1  # a public list that models are examined with
    CANARY = 1 << 2  # a prompt that the operator published as bait


class Kind(IntEnum):
    """What the first choice's text is, by its form alone."""

    NONE = 0  # no text, or unknown
    LABEL = 1  # a few words: a class, a name, yes or no
    NUMBER = 2  # a mark or a count, a word or two around it allowed
    RECORD = 3  # JSON, or another fixed form
    LIST = 4  # several numbered or marked items
    CODE = 5
    PROSE = 6
    REASONING = 7  # a worked argument: steps, tags, a final answer


class Field(NamedTuple):
    """One named number of an exchange: dtype, unit and meaning (the table in docs/features.md)."""

    name: str
    dtype: str
    unit: str
    meaning: str


FIELDS: tuple[Field, ...] = (
    Field("at", "<f8", "s", "start of the request, seconds since the epoch"),
    Field("client", "<u8", "id", "keyed hash of the authenticated credential"),
    Field("body", "<u8", "hash", "all prompt text, sampling parameters left out"),
    Field("payload", "<u8", "hash", "the last user turn, normalised"),
    Field("head4", "<u8", "hash", "template key: the last user turn's first 4 tokens, masked"),
    Field("head12", "<u8", "hash", "template key: the last user turn's first 12 tokens, masked"),
    Field("tail6", "<u8", "hash", "template key: the last user turn's last 6 tokens, masked"),
    Field("system", "<u8", "hash", "the system prompt, masked; 0 where there is none"),
    Field("answer", "<u8", "hash", "the first choice's text, normalised; 0 where unknown"),
    Field("params", "<u8", "hash", "the sampling parameters: temperature, top_p, n, max_tokens, seed, logprobs"),
    Field("tools", "<u8", "hash", "the offered tools; 0 where there are none"),
    Field("schema", "<u8", "hash", "the output schema; 0 where there is none"),
    Field("user", "<u8", "hash", "the end-user id; 0 where there is none"),
    Field(
        "opening", "<u8", "hash", "the conversation's first user turn: names a session or task; 0 where there is none"
    ),
    Field("presented", "<u8", "hash", "the last reasoning signature in the prompt; 0 where there is none"),
    Field("context", "<u8", "hash", "the messages before the block that carries that signature; 0 where there is none"),
    Field("issued", "<u8", "hash", "the last reasoning signature in the answer; 0 where there is none"),
    Field("sketch", "<u4,(8,)", "hash", "one-permutation MinHash of the payload's word 3-shingles"),
    Field("gist", "<u4,(8,)", "hash", "the smallest hashes of the payload's word 4-shingles, ascending; 0: no more"),
    Field("answer_gist", "<u4,(8,)", "hash", "the same of the first choice's text"),
    Field("words", "<u4,(8,)", "hash", "a fixed eighth of all words, those the payload has; 0: no more"),
    Field("topic", "i1,(24,)", "1/127", "random projection of the payload's words, of length 1; 0 where there is none"),
    Field("model", "<u4", "hash", "the model's name"),
    Field("network", "<u4", "hash", "the peer's /24 or /48"),
    Field("agent", "<u4", "hash", "the User-Agent"),
    Field("flags", "<u4", "bits", "see Flag"),
    Field("ja4", "<u4", "hash", "JA4 fingerprint of the client's TLS; 0 where no trusted proxy gave it"),
    Field("listed", "u1", "bits", "lists that hold the payload; see Listed"),
    Field("grading", "u1", "bits", "frames of grading that matched; see grading.CLASSES"),
    Field("kind", "u1", "enum", "form of the answer; see Kind"),
    Field("script", "u1", "enum", "the payload's main script; see text.SCRIPTS"),
    Field("in_chars", "<u4", "chars", "prompt text"),
    Field("payload_chars", "<u4", "chars", "the last user turn"),
    Field("out_chars", "<u4", "chars", "completion text, all choices"),
    Field("reasoning_chars", "<u4", "chars", "visible reasoning in the completion"),
    Field("in_tokens", "<u4", "tokens", "prompt; see usage for the source"),
    Field("out_tokens", "<u4", "tokens", "completion, all choices; see usage for the source"),
    Field("max_tokens", "<u4", "tokens", "the limit asked for; 0 where none was"),
    Field("ttfb", "<f4", "s", "to the first byte of the answer; NaN where unknown"),
    Field("duration", "<f4", "s", "to the end of the answer"),
    Field("temperature", "<f4", "1", "NaN where the client left it out"),
    Field("top_p", "<f4", "1", "NaN where the client left it out"),
    Field("messages", "<u2", "count", "messages in the prompt"),
    Field("choices", "<u2", "count", "samples asked for each prompt"),
    Field("prompts", "<u2", "count", "prompts in the request (batch lines, lists); 0 where it asks for no new answer"),
    Field("tool_calls", "<u2", "count", "tool calls in the completion"),
    Field("elicitation", "<u2", "bits", "classes of reasoning elicitation that matched; see elicitation.CLASSES"),
    Field("status", "<u2", "code", "HTTP status sent to the client"),
    Field("top_logprobs", "i1", "count", "alternatives asked per token; -1 where no log probabilities were asked"),
    Field("dialect", "u1", "enum", "exchange.Dialect"),
    Field("operation", "u1", "enum", "exchange.Operation"),
    Field("outcome", "u1", "enum", "exchange.Outcome"),
    Field("usage", "u1", "enum", "exchange.Usage"),
    Field("finish", "u1", "enum", "exchange.Finish"),
    Field("refusal", "u1", "enum", "exchange.Refusal"),
    Field("channel", "u1", "enum", "exchange.Channel"),
    Field("foreign", "u1", "level", "misuse of a reasoning signature, 0 to 3; the worker fills it from the ledger"),
    Field("moved", "u1", "bool", "the body was refused to another client seconds before; the worker fills it"),
    Field("indicator", "<u2", "bits", "imported indicators that matched: 4 bits of kinds, then the set's number"),
    Field("synthesis", "<u2", "bits", "wordings that ask for training material; see synthesis.CLASSES"),
    Field("pad", "<u2", "", "unused; keeps an event a whole number of 8-byte words"),
)


def _dtype() -> np.dtype[np.void]:
    columns: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = []
    for field in FIELDS:
        if "," in field.dtype:
            base, shape = field.dtype.split(",", 1)
            columns.append((field.name, base, (int(shape.strip("(), ")),)))
        else:
            columns.append((field.name, field.dtype))
    return np.dtype(columns)


EVENT: np.dtype[np.void] = _dtype()


def zeros(count: int) -> NDArray[np.void]:
    """`count` events of nothing: zero everywhere, NaN where NaN says unknown."""
    events = np.zeros(count, EVENT)
    for name in ("ttfb", "temperature", "top_p"):
        events[name] = np.nan
    events["top_logprobs"] = -1
    events["choices"] = 1
    events["prompts"] = 1
    return events


def unpack(blocks: bytes) -> NDArray[np.void]:
    """Events of one or many concatenated blocks; raises ValueError unless the length is a whole number."""
    if len(blocks) % EVENT.itemsize:
        raise ValueError(f"{len(blocks)} bytes is not a whole number of {EVENT.itemsize}-byte events")
    return np.frombuffer(blocks, EVENT)


def pack(events: NDArray[np.void]) -> bytes:
    """The bytes of a contiguous run of events, for one stream entry."""
    if events.dtype != EVENT:
        raise ValueError("not an array of EVENT")
    return np.ascontiguousarray(events).tobytes()
