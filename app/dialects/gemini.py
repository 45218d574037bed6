"""Gemini's generateContent and embeddings: requests, and answers whole or in chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.dialects import signatures
from app.dialects.answer import BaseAnswer
from app.dialects.casing import CONFIG, MESSAGE, PART, REQUEST
from app.dialects.values import (
    NAME_LIMIT,
    Fields,
    attachment,
    bounded,
    call_text,
    canonical,
    first,
    integer,
    lines,
    mapping,
    name,
    real,
    sequence,
    string,
)
from detectors.exchange import Finish, Message, Operation, Refusal

_FILTERS: Final = frozenset(
    {
        "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "JAILBREAK",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    }
)  # fmt: skip
_RECITATIONS: Final = frozenset({"RECITATION", "IMAGE_RECITATION"})


def _part(value: object) -> tuple[str, bool]:
    """The text of a part, and whether it is a tool's result."""
    fields = mapping(value)
    text = fields.get("text") if "text" in fields else PART.of(fields).get("text")
    if isinstance(text, str):
        return text, False
    call = mapping(first(fields, "functionCall", "function_call"))
    if call:
        return call_text(call.get("name"), call.get("args")), False
    result = mapping(first(fields, "functionResponse", "function_response"))
    if result:
        return canonical(result.get("response")), True
    return attachment("part", value) if fields else string(value), False


def _messages(value: object) -> list[Message]:
    if isinstance(value, str):
        return [Message("user", value)]
    fields = mapping(value)
    if "role" not in fields or "parts" not in fields:
        fields = MESSAGE.of(fields)
    role = "assistant" if fields.get("role") == "model" else name(fields.get("role")) or "user"
    given = fields.get("parts")
    parts = [_part(part) for part in bounded(given if isinstance(given, list) else [given] if given else [])]
    results = [Message("tool", text) for text, is_result in parts if is_result]
    texts = [text for text, is_result in parts if not is_result]
    return [*results, Message(role, lines(texts))] if texts or not results else results


def _items(value: object) -> list[Any]:
    return bounded(value if isinstance(value, list) else [value] if value else [])


def _contents(value: object) -> list[Message]:
    return [message for item in _items(value) for message in _messages(item)]


def _logprobs(config: Mapping[str, Any]) -> int:
    if first(config, "responseLogprobs", "response_logprobs") is not True:
        return -1
    return max(integer(config.get("logprobs")) or 0, 0)


def _embedding(body: Mapping[str, Any]) -> Fields:
    items = sequence(body.get("requests")) or sequence(body.get("instances")) or [body]
    texts = [lines([message.text for message in _contents(mapping(item).get("content"))]) for item in bounded(items)]
    return {"messages": tuple([Message("user", text) for text in texts]), "prompts": max(len(items), 1)}


def read_request(body: Mapping[str, Any], operation: Operation) -> Fields:
    """The request side of an Exchange; the model and the way of streaming are in the path."""
    body = REQUEST.of(body)
    if operation == Operation.EMBEDDING:
        return _embedding(body)
    config = CONFIG.of(mapping(first(body, "generationConfig", "generation_config")))
    instruction = first(body, "systemInstruction", "system_instruction")
    system = lines(message.text for message in _contents(instruction))
    schema = first(config, "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")
    form = string(first(config, "responseMimeType", "response_mime_type"))
    tools = body.get("tools")
    thinking = mapping(first(config, "thinkingConfig", "thinking_config"))
    items = _items(body.get("contents"))
    read = [_messages(item) for item in items]
    presented, place = signatures.last(items, signatures.of_content)
    return {
        "messages": (*([Message("system", system)] if system else []), *[one for some in read for one in some]),
        "presented": presented,
        "presented_at": bool(system) + sum(map(len, read[: place + 1])) - 1 if presented else -1,
        "choices": max(integer(first(config, "candidateCount", "candidate_count")) or 1, 1),
        "top_logprobs": _logprobs(config),
        "max_tokens": integer(first(config, "maxOutputTokens", "max_output_tokens")),
        "temperature": real(config.get("temperature")),
        "top_p": real(first(config, "topP", "top_p")),
        "seed": integer(config.get("seed")),
        "tools": canonical(tools) if tools else "",
        "schema": canonical(schema) or (form[:NAME_LIMIT] if form != "text/plain" else ""),
        "reasoning_asked": first(thinking, "includeThoughts", "include_thoughts") is True,
    }


class Answer(BaseAnswer):
    """The answer of generateContent: one object, or many of which each counts the whole so far."""

    INPUT = (("promptTokenCount",), ("toolUsePromptTokenCount",))
    OUTPUT = (("candidatesTokenCount",), ("thoughtsTokenCount",))
    STOP = "finishReason"

    def __init__(self) -> None:
        super().__init__()
        self._called = 0

    def add(self, chunk: object) -> None:
        """Take one object, or an array of them."""
        if isinstance(chunk, list):
            for item in chunk:
                if isinstance(item, dict):
                    self.add(item)
            return
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        self.model = name(chunk.get("modelVersion")) or self.model
        self.count(mapping(chunk.get("usageMetadata")))
        self.failed = self.failed or bool(chunk.get("error"))
        blocked = mapping(chunk.get("promptFeedback")).get("blockReason")
        if blocked:
            self.stop(blocked)
            self.decline(Refusal.SAFETY)
        for candidate in sequence(chunk.get("candidates")):
            if isinstance(candidate, dict):
                self._candidate(candidate)

    def stop(self, reason: object, index: int = 0) -> None:
        """Take why a choice stopped; the first choice's word goes before the others'."""
        self.ended = True
        if index and self._finish != Finish.UNKNOWN:
            return
        told = name(reason)
        if told in _FILTERS or told in _RECITATIONS:
            self.decline(Refusal.RECITATION if told in _RECITATIONS else Refusal.SAFETY)
        self._finish = {"STOP": Finish.STOP, "MAX_TOKENS": Finish.LENGTH}.get(told, Finish.UNKNOWN)

    def _candidate(self, candidate: Mapping[str, Any]) -> None:
        index = integer(candidate.get("index")) or 0
        texts = self._texts.setdefault(index, [])
        for part in sequence(mapping(candidate.get("content")).get("parts")):
            if isinstance(part, dict):
                self._take(texts, part)
        if candidate.get("finishReason"):
            self.stop(candidate["finishReason"], index)

    def _take(self, texts: list[str], part: Mapping[str, Any]) -> None:
        text = string(part.get("text"))
        if part.get("thought") is True:
            self._reasoning += len(text)
        elif text:
            texts.append(text)
        self.seal(part.get("thoughtSignature"))
        if mapping(part.get("functionCall")).get("name"):  # without a name it goes on with the one before
            self._called += 1
            self._calls.add((0, self._called))

    def fields(self) -> Fields:
        """The answer side of an Exchange; the token counts only where the answer reported them."""
        found = super().fields()
        if self._called and found["finish"] == Finish.STOP:
            found["finish"] = Finish.TOOL_CALLS  # the format has no word of its own for it
        return found
