"""Ollama's own API beside its OpenAI-like one: chat, generate and embed; names in any letter case, as Go reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.dialects.answer import BaseAnswer
from app.dialects.casing import CONFIG, MESSAGE, REQUEST
from app.dialects.openai import prompt_list, read_message
from app.dialects.values import Fields, bounded, canonical, first, integer, mapping, name, real, sequence, string
from detectors.exchange import Finish, Message, Operation

FINISHES: Final = {"stop": Finish.STOP, "length": Finish.LENGTH, "tool_calls": Finish.TOOL_CALLS}


def _logprobs(body: Mapping[str, Any]) -> int:
    return max(integer(body.get("top_logprobs")) or 0, 0) if body.get("logprobs") is True else -1


def _messages(body: Mapping[str, Any], operation: Operation) -> list[Message]:
    if operation == Operation.CHAT:
        return [read_message(MESSAGE.last(mapping(item))) for item in bounded(sequence(body.get("messages")))]
    if operation == Operation.EMBEDDING:
        return [Message("user", text) for text in bounded(prompt_list(first(body, "input", "prompt")))]
    system, prompt = string(body.get("system")), string(body.get("prompt"))
    return ([Message("system", system)] if system else []) + [Message("user", prompt + string(body.get("suffix")))]


def read_request(body: Mapping[str, Any], operation: Operation) -> Fields:
    """The request side of an Exchange; the API streams unless told otherwise."""
    body = REQUEST.last(body)
    options = CONFIG.last(mapping(body.get("options")))
    messages = _messages(body, operation)
    form = body.get("format")
    tools = body.get("tools")
    return {
        "model": name(body.get("model")),
        "messages": tuple(messages),
        "prompts": max(len(sequence(body.get("input"))), 1) if operation == Operation.EMBEDDING else 1,
        "stream": body.get("stream") is not False and operation != Operation.EMBEDDING,
        "top_logprobs": _logprobs(body),
        "max_tokens": integer(options.get("num_predict")),
        "temperature": real(options.get("temperature")),
        "top_p": real(options.get("top_p")),
        "seed": integer(options.get("seed")),
        "tools": canonical(tools) if tools else "",
        "schema": form if isinstance(form, str) else canonical(form),
        "reasoning_asked": bool(body.get("think")),
    }


class Answer(BaseAnswer):
    """The answer of chat and generate: one object, or one a line."""

    INPUT = (("prompt_eval_count",),)
    OUTPUT = (("eval_count",),)
    STOP = "done_reason"

    def add(self, chunk: object) -> None:
        """Take one object."""
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        self.model = self.model or name(chunk.get("model"))
        self.failed = self.failed or bool(chunk.get("error"))
        self.count(chunk)
        message = chunk.get("message")
        said = mapping(message)
        if isinstance(message, dict) or "response" in chunk:
            texts = self._texts.setdefault(0, [])
            texts.append(string(said.get("content")) or string(chunk.get("response")))
        self._reasoning += len(string(said.get("thinking")) or string(chunk.get("thinking")))
        for _ in sequence(said.get("tool_calls")):
            self._calls.add((0, len(self._calls)))
        if chunk.get("done") is True:
            self.stop(chunk.get("done_reason"))

    def stop(self, reason: object, index: int = 0) -> None:
        """Take why the model stopped; it has no word of its own for tool calls."""
        del index
        self.ended = True
        known = FINISHES.get(reason, Finish.UNKNOWN) if isinstance(reason, str) else Finish.UNKNOWN
        self._finish = Finish.TOOL_CALLS if known == Finish.STOP and self._calls else known
