"""Anthropic's Messages API: requests, and answers whole or in events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.dialects import signatures
from app.dialects.answer import BaseAnswer
from app.dialects.casing import MESSAGE, REQUEST
from app.dialects.values import (
    Fields,
    bounded,
    call_text,
    canonical,
    content_text,
    first,
    integer,
    lines,
    mapping,
    name,
    part_text,
    real,
    sequence,
    string,
)
from detectors.exchange import Finish, Message, Refusal, Usage

FINISHES: Final = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "pause_turn": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
    "refusal": Finish.FILTER,
}
REFUSALS: Final = {
    "frontier_llm": Refusal.FRONTIER_LLM,
    "reasoning_extraction": Refusal.REASONING_EXTRACTION,
    "cyber": Refusal.CYBER,
    "bio": Refusal.BIO,
    "general_harms": Refusal.GENERAL_HARMS,
}


def _messages(value: object) -> list[Message]:
    """A message of the API; its tool results become messages of their own."""
    fields = mapping(value)
    if "role" not in fields or "content" not in fields:
        fields = MESSAGE.of(fields)
    role = name(fields.get("role")) or "user"
    content = fields.get("content")
    if not isinstance(content, list):
        return [Message(role, content_text(content or ""))]
    results: list[Message] = []
    texts: list[str] = []
    for block in bounded(content):
        kind = name(mapping(block).get("type"))
        if kind == "tool_result":
            results.append(Message("tool", content_text(block.get("content") or "")))
        elif kind == "tool_use":
            texts.append(call_text(block.get("name"), block.get("input")))
        else:
            texts.append(part_text(block))
    return [*results, Message(role, lines(texts))] if texts or not results else results


def read_request(body: Mapping[str, Any]) -> Fields:
    """The request side of an Exchange."""
    body = REQUEST.of(body)
    items = bounded(sequence(body.get("messages")))
    read = [_messages(item) for item in items]
    system = content_text(body.get("system") or "")
    messages = ([Message("system", system)] if system else []) + [message for some in read for message in some]
    presented, place = signatures.last(items, signatures.of_message)
    tools = body.get("tools")
    form = mapping(first(mapping(body.get("output_config")), "format") or body.get("output_format"))
    thinking = mapping(body.get("thinking"))
    return {
        "model": name(body.get("model")),
        "messages": tuple(messages),
        "stream": body.get("stream") is True,
        "max_tokens": integer(body.get("max_tokens")),
        "temperature": real(body.get("temperature")),
        "top_p": real(body.get("top_p")),
        "tools": canonical(tools) if tools else "",
        "schema": canonical(form.get("schema")) or name(form.get("type")) if form else "",
        "user": name(mapping(body.get("metadata")).get("user_id")),
        "reasoning_asked": thinking.get("type") in ("enabled", "adaptive") and thinking.get("display") != "omitted",
        "presented": presented,
        "presented_at": bool(system) + sum(map(len, read[: place + 1])) - 1 if presented else -1,
    }


class Answer(BaseAnswer):
    """The answer of the Messages API: a message, or the events of a stream."""

    INPUT = (("input_tokens",), ("cache_creation_input_tokens",), ("cache_read_input_tokens",))
    OUTPUT = (("output_tokens",),)
    STOP = "stop_reason"

    def __init__(self) -> None:
        super().__init__()
        self._seeded = False  # the counts are those of the answer's beginning
        self._signing = -1  # the block whose signature comes in pieces

    def add(self, chunk: object) -> None:
        """Take one event, or the whole message."""
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        kind = chunk.get("type")
        index = integer(chunk.get("index")) or 0
        if kind == "content_block_delta":
            self._delta(index, mapping(chunk.get("delta")))
        elif kind == "content_block_start":
            self._block(index, mapping(chunk.get("content_block")))
        elif kind == "message_start":
            self._message(mapping(chunk.get("message")))
            self._seeded = True
        elif kind == "message_delta":
            self._stopped(mapping(chunk.get("delta")))
            self._final(mapping(chunk.get("usage")))
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error" or chunk.get("error"):
            self.failed = True
        elif kind == "message":
            self._message(chunk)
            self._stopped(chunk)
            self.ended = True

    def late(self, found: Mapping[str, Any]) -> None:
        """Take counts and the reason for stopping that were found alone, behind a gap."""
        super().late(found)
        self._seeded = self._seeded and "output_tokens" not in found
        self._refused(found.get("category"))

    def stop(self, reason: object, index: int = 0) -> None:
        """Take why the model stopped."""
        del index
        self._finish = FINISHES.get(reason, Finish.UNKNOWN) if isinstance(reason, str) else Finish.UNKNOWN
        if self._finish == Finish.FILTER:
            self.decline(Refusal.UNNAMED)

    def _message(self, message: Mapping[str, Any]) -> None:
        self.model = name(message.get("model")) or self.model
        self._texts.setdefault(0, [])
        for index, block in enumerate(sequence(message.get("content"))):
            self._block(index, mapping(block))
        self.count(mapping(message.get("usage")))

    def _stopped(self, told: Mapping[str, Any]) -> None:
        if told.get("stop_reason"):
            self.stop(told["stop_reason"])
        self._refused(mapping(told.get("stop_details")).get("category"))

    def _refused(self, category: object) -> None:
        if isinstance(category, str):
            self.decline(REFUSALS.get(category, Refusal.UNNAMED))

    def _final(self, usage: Mapping[str, Any]) -> None:
        """Counts of a whole answer so far: they take the place of those before them."""
        self.count(usage)
        if integer(usage.get("output_tokens")) is not None:
            self._seeded = False

    def _block(self, index: int, block: Mapping[str, Any]) -> None:
        kind = name(block.get("type"))
        if kind == "text":
            self._texts.setdefault(0, []).append(string(block.get("text")))
        elif kind == "thinking":
            self._reasoning += len(string(block.get("thinking")))
            self.seal(block.get("signature"))
        elif kind == "redacted_thinking":
            self._sealed = True
            self.seal(block.get("data"))
        elif kind.endswith("tool_use"):
            self._calls.add((0, index))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            self._texts.setdefault(0, []).append(string(delta.get("text")))
        elif kind == "thinking_delta":
            self._reasoning += len(string(delta.get("thinking")))
        elif kind == "signature_delta":
            self._sealed = True
            told = string(delta.get("signature"))
            self.seal(self._issued + told if self._signing == index else told)
            self._signing = index
        elif kind == "input_json_delta":
            self._calls.add((0, index))

    def fields(self) -> Fields:
        """The answer side of an Exchange; counts of the beginning alone are no report of the end."""
        found = super().fields()
        if self._seeded and "usage" in found:
            found |= {"usage": Usage.ESTIMATED}
        return found
