"""OpenAI's chat completions, completions, embeddings and batch lines: requests, and answers whole or in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.dialects.values import (
    Fields,
    call_text,
    canonical,
    content_text,
    first,
    integer,
    lines,
    mapping,
    name,
    real,
    sequence,
    string,
)
from detectors.exchange import Finish, Message, Operation, Usage

FINISHES: Final = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.FILTER,
}
_USAGE_INPUT: Final = ("prompt_tokens", "input_tokens")
_USAGE_OUTPUT: Final = ("completion_tokens", "output_tokens")


def _message(value: object) -> Message:
    fields = mapping(value)
    content = fields.get("content")
    text = "" if content is None else content_text(content)
    calls = [call for call in sequence(fields.get("tool_calls")) if isinstance(call, dict)]
    if fields.get("function_call"):
        calls.append({"function": fields["function_call"]})
    if calls:
        functions = [mapping(call.get("function")) for call in calls]
        text = lines([text, *(call_text(one.get("name"), one.get("arguments")) for one in functions)])
    return Message(name(fields.get("role")) or "user", text)


def token_text(tokens: Iterable[object]) -> str:
    """A prompt given as token ids, as text: the ids in their order."""
    return " ".join([str(token) for token in tokens if isinstance(token, int)])


def prompt_list(value: object) -> list[str]:
    """The prompts of a completions or embeddings request: a text, texts, token ids or lists of them."""
    if isinstance(value, str):
        return [value]
    items = sequence(value)
    if items and isinstance(items[0], int):
        return [token_text(items)]
    return [token_text(item) if isinstance(item, list) else content_text(item) for item in items]


def _schema(value: object) -> str:
    kind = name(mapping(value).get("type"))
    if not kind or kind == "text":
        return ""
    schema = mapping(value).get("json_schema") or mapping(value).get("schema")
    return canonical(schema) or kind


def _top_logprobs(body: Mapping[str, Any]) -> int:
    asked = body.get("logprobs")
    count = integer(body.get("top_logprobs"))
    if asked is True:
        return max(count or 0, 0)
    number = integer(asked)  # completions: how many alternatives
    if number is not None:
        return max(number, 0)
    return count if count is not None and count > 0 and asked is not False else -1


def read_parameters(body: Mapping[str, Any]) -> Fields:
    """Fields that chat completions and completions share: everything but the prompt."""
    metadata = mapping(body.get("metadata"))
    tools = body.get("tools") or body.get("functions")
    return {
        "model": name(body.get("model")),
        "stream": body.get("stream") is True,
        "choices": max(integer(body.get("n")) or 1, 1),
        "top_logprobs": _top_logprobs(body),
        "max_tokens": integer(first(body, "max_completion_tokens", "max_tokens", "max_output_tokens")),
        "temperature": real(body.get("temperature")),
        "top_p": real(body.get("top_p")),
        "seed": integer(body.get("seed")),
        "tools": canonical(tools) if tools else "",
        "schema": _schema(body["response_format"]) if body.get("response_format") else "",
        "user": name(body.get("safety_identifier")) or name(body.get("user")) or name(metadata.get("user_id")),
    }


def read_request(body: Mapping[str, Any], operation: Operation) -> Fields:
    """The request side of an Exchange from a CHAT, COMPLETION or EMBEDDING body."""
    fields = read_parameters(body)
    if operation == Operation.CHAT:
        fields["messages"] = tuple([_message(item) for item in sequence(body.get("messages"))])
        return fields
    prompts = prompt_list(body.get("input" if operation == Operation.EMBEDDING else "prompt"))
    suffix = string(body.get("suffix"))
    fields["messages"] = tuple([Message("user", text + suffix) for text in prompts])
    fields["prompts"] = max(len(prompts), 1)
    return fields


class Answer:
    """An answer put together from its chunks; a whole JSON answer is one chunk."""

    def __init__(self) -> None:
        self.model = ""
        self.failed = False
        self.chunks = 0
        self._texts: dict[int, list[str]] = {}
        self._calls: set[tuple[int, int]] = set()
        self._reasoning = 0
        self._finish = Finish.UNKNOWN
        self._refused = False
        self._input: int | None = None
        self._output: int | None = None

    def add(self, chunk: object) -> None:
        """Take one chunk; what is not understood in it is passed over."""
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        usage = chunk.get("usage")
        if usage:
            self._count(mapping(usage))
        if not self.model:
            self.model = name(chunk.get("model"))
        if chunk.get("error"):
            self.failed = True
        for choice in sequence(chunk.get("choices")):
            if isinstance(choice, dict):
                self._choice(choice)

    def _count(self, usage: Mapping[str, Any]) -> None:
        """The last value of each field wins; a field that is absent keeps its value."""
        given, made = integer(first(usage, *_USAGE_INPUT)), integer(first(usage, *_USAGE_OUTPUT))
        self._input = self._input if given is None else max(given, 0)
        self._output = self._output if made is None else max(made, 0)

    def _choice(self, choice: Mapping[str, Any]) -> None:
        index = integer(choice.get("index")) or 0
        texts = self._texts.setdefault(index, [])
        finish = choice.get("finish_reason")
        if finish and (index == 0 or self._finish == Finish.UNKNOWN):
            self._finish = FINISHES.get(finish, Finish.UNKNOWN) if isinstance(finish, str) else Finish.UNKNOWN
        part = choice.get("delta") or choice.get("message")
        if isinstance(part, dict):
            self._part(index, texts, part)
        elif isinstance(choice.get("text"), str):
            texts.append(choice["text"])

    def _part(self, index: int, texts: list[str], part: Mapping[str, Any]) -> None:
        content = part.get("content")
        if content:
            texts.append(content if isinstance(content, str) else content_text(content))
        if len(part) == 1 and content is not None:
            return  # the usual delta
        refusal = part.get("refusal")
        if isinstance(refusal, str) and refusal:
            texts.append(refusal)
            self._refused = True
        reasoning = part.get("reasoning_content") or part.get("reasoning")
        if isinstance(reasoning, str):
            self._reasoning += len(reasoning)
        for place, call in enumerate(sequence(part.get("tool_calls"))):
            number = integer(mapping(call).get("index"))
            self._calls.add((index, place if number is None else number))
        if part.get("function_call"):
            self._calls.add((index, -1))

    def fields(self) -> Fields:
        """The answer side of an Exchange; the token counts only where the answer reported them."""
        texts = tuple("".join(self._texts[index]) for index in sorted(self._texts))
        found: Fields = {
            "completions": texts,
            "reasoning_chars": self._reasoning,
            "tool_calls": len(self._calls),
            "finish": Finish.FILTER if self._refused else self._finish,
        }
        if self._input is not None or self._output is not None:
            found |= {"usage": Usage.REPORTED, "input_tokens": self._input or 0, "output_tokens": self._output or 0}
        return found
