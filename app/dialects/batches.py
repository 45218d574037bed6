"""Many requests in one: batch files, message batches and inline batches; each line or item counts as its prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median_low
from typing import Any, Final

from app.dialects import anthropic, gemini
from app.dialects.values import Fields, bounded, first, mapping, name, sequence
from detectors.exchange import SYSTEM_ROLES, Channel, Dialect, Message, Operation

ReadLine = Callable[[Mapping[str, Any]], Fields | None]
"""A line's or an item's request; None where it is not understood."""

Messages = tuple[Message, ...]

_AMOUNTS: Final = ("max_tokens", "temperature", "top_p", "choices", "top_logprobs")


def gather(items: Sequence[object], dialect: Dialect, read: ReadLine) -> Fields | None:
    """One request of as many prompts as its items have, with the parameters of most.

    A system prompt that the item before has too is left out, and an empty one says that an item has none where the
    one before has; of very many items those in the middle are only counted. None where no item was understood.
    """
    understood: list[Fields] = []
    messages: list[Message] = []
    begins: list[int] = []
    before: Messages = ()
    taken = bounded(list(items))
    prompts = len(items) - len(taken)
    for item in taken:
        one = read(mapping(item))
        prompts += one.get("prompts", 1) if one else 1
        if one is None:
            continue
        if one["messages"]:
            begins.append(len(messages))
            system, rest = _parted(one["messages"])
            messages += (*_changed(before, system), *rest) if rest else system
            before = system
        understood.append(one)
    if not understood:
        return None
    whole = _usual(understood)
    found = {"messages": tuple(messages), "prompts": prompts, "stream": False, "presented": "", "presented_at": -1}
    found |= {"begins": tuple(begins), "conversation": ""}
    if whole.get("operation") == Operation.EMBEDDING:
        found["operation"] = Operation.EMBEDDING
    return whole | named(dialect) | found


def _usual(items: Sequence[Fields]) -> Fields:
    """What most items say, field by field: of amounts the middle one, so that no few items speak for the others."""
    out: Fields = {}
    for key in dict.fromkeys(key for one in items for key in one if key != "messages"):
        values = [one[key] for one in items if key in one]
        given = [value for value in values if isinstance(value, int | float)]
        if key in _AMOUNTS and 2 * len(given) >= len(values):
            out[key] = median_low(given)
            continue
        most = Counter(map(repr, values)).most_common(1)[0][0]
        out[key] = next(value for value in values if repr(value) == most)
    return out


def _parted(messages: Messages) -> tuple[Messages, Messages]:
    """The system prompt that an item begins with, and the messages behind it."""
    end = next((place for place, message in enumerate(messages) if message.role not in SYSTEM_ROLES), len(messages))
    return messages[:end], messages[end:]


def _changed(before: Messages, system: Messages) -> Messages:
    """What an item's system prompt is told by behind an item with the one `before`."""
    if system == before:
        return ()
    return system or (Message("system", ""),)


def named(dialect: Dialect, prompts: int = 0) -> Fields:
    """A batch of which only the number of prompts is known: 0 where it is made of a file that was sent before."""
    return {"dialect": dialect, "operation": Operation.BATCH, "channel": Channel.BATCH, "prompts": prompts}


def read_anthropic(body: Mapping[str, Any]) -> Fields:
    """Anthropic's message batches: `requests`, each with the `params` of a message."""
    items = sequence(body.get("requests"))
    found = gather(items, Dialect.ANTHROPIC, lambda item: anthropic.read_request(mapping(item.get("params"))))
    return found or {**named(Dialect.ANTHROPIC), "messages": ()}


def read_gemini(body: Mapping[str, Any], model: str, operation: Operation) -> Fields:
    """Gemini's batches: inline requests, or the name of a file that holds them; of chats or of embeddings."""
    source = mapping(first(mapping(body.get("batch")), "inputConfig", "input_config"))
    given = source.get("requests")
    items = sequence(given) or sequence(mapping(given).get("requests"))

    def one(item: Mapping[str, Any]) -> Fields:
        return {**gemini.read_request(mapping(item.get("request")), operation), "operation": operation}

    found = gather(items, Dialect.GEMINI, one) or {**named(Dialect.GEMINI), "messages": ()}
    return {**found, "model": model or name(body.get("model"))}
