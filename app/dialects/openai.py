"""OpenAI's chat completions, completions, embeddings and batch lines: requests, and answers whole or in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    real,
    sequence,
    string,
)
from detectors.exchange import Finish, Message, Operation, Refusal

FINISHES: Final = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.FILTER,
}
_ASKING: Final = frozenset({"include_reasoning", "chat_template_kwargs", "thinking"})
# What a part of an answer may tell beside its content.
_TELLING: Final = frozenset(
    {
        "refusal", "reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "tool_calls",
        "extra_content", "function_call",
    }
)  # fmt: skip
# Fields of which `read_parameters` reads nothing but those that every request has.
_USUAL: Final = frozenset(
    {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"}
    | {"seed", "stop", "presence_penalty", "frequency_penalty", "prompt", "input"}
)
_GUIDED: Final = ("structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar")


def read_message(value: object) -> Message:
    """A message of a chat, its tool calls one a line."""
    fields = mapping(value)
    content = fields.get("content")
    if content is None or "role" not in fields:
        fields = MESSAGE.of(fields)
        content = fields.get("content")
    text = "" if content is None else content_text(content)
    called = fields.get("tool_calls")
    if not called and isinstance(content, str) and not fields.get("function_call"):
        return Message(name(fields.get("role")) or "user", text)  # the usual message
    calls = [call for call in bounded(sequence(called)) if isinstance(call, dict)]
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


def _schema(body: Mapping[str, Any]) -> str:
    value = body.get("response_format")
    if value is None:
        return canonical(first(body, *_GUIDED))
    kind = name(mapping(value).get("type"))
    if not kind or kind == "text":
        return ""
    schema = mapping(value).get("json_schema") or mapping(value).get("schema")
    return canonical(schema) or kind


def _choices(body: Mapping[str, Any]) -> int:
    if "n" not in body and "best_of" not in body:
        return 1
    return max(integer(body.get("n")) or 1, integer(body.get("best_of")) or 1, 1)


def _reasoning_asked(body: Mapping[str, Any]) -> bool:
    """Whether a parameter of a compatible server asks for the reasoning; OpenAI's own chat never shows it."""
    if _ASKING.isdisjoint(body):
        return False
    template = mapping(body.get("chat_template_kwargs"))
    return (
        body.get("include_reasoning") is True
        or template.get("enable_thinking") is True
        or template.get("thinking") is True
        or mapping(body.get("thinking")).get("type") == "enabled"
    )


def _top_logprobs(body: Mapping[str, Any]) -> int:
    asked = body.get("logprobs")
    count = integer(body.get("top_logprobs"))
    if asked is True:
        return max(count or 0, 0)
    number = integer(asked)  # completions: how many alternatives
    if number is not None:
        return max(number, 0)
    return count if count is not None and count > 0 and asked is not False else -1


def _read_usual(body: Mapping[str, Any]) -> Fields:
    return {
        "model": name(body.get("model")),
        "stream": body.get("stream") is True,
        "max_tokens": integer(first(body, "max_completion_tokens", "max_tokens", "max_output_tokens")),
        "temperature": real(body.get("temperature")),
        "top_p": real(body.get("top_p")),
        "seed": integer(body.get("seed")),
    }


_UNUSUAL: Final[Fields] = {
    "choices": 1,
    "top_logprobs": -1,
    "tools": "",
    "schema": "",
    "reasoning_asked": False,
    "user": "",
}
"""What `read_parameters` makes of fields that are not there."""


def read_parameters(body: Mapping[str, Any]) -> Fields:
    """Fields that chat completions and completions share: everything but the prompt."""
    if body.keys() <= _USUAL:
        return {**_read_usual(body), **_UNUSUAL}
    metadata = mapping(body.get("metadata"))
    tools = body.get("tools") or body.get("functions")
    return {
        **_read_usual(body),
        "choices": _choices(body),
        "top_logprobs": _top_logprobs(body),
        "tools": canonical(tools) if tools else "",
        "schema": _schema(body),
        "reasoning_asked": _reasoning_asked(body),
        "user": name(body.get("safety_identifier")) or name(body.get("user")) or name(metadata.get("user_id")),
    }


def read_request(body: Mapping[str, Any], operation: Operation) -> Fields:
    """The request side of an Exchange from a CHAT, COMPLETION or EMBEDDING body."""
    body = REQUEST.of(body)
    fields = read_parameters(body)
    if operation == Operation.CHAT:
        items = bounded(sequence(body.get("messages")))
        fields["messages"] = tuple([read_message(item) for item in items])
        fields["presented"], fields["presented_at"] = signatures.last(items, signatures.of_chat, signatures.PLAIN)
        return fields
    prompts = prompt_list(body.get("input" if operation == Operation.EMBEDDING else "prompt"))
    suffix = string(body.get("suffix"))
    fields["messages"] = tuple([Message("user", text + suffix) for text in bounded(prompts)])
    fields["prompts"] = max(len(prompts), 1)
    if operation == Operation.COMPLETION and len(prompts) > 1:
        fields["begins"] = tuple(range(len(fields["messages"])))
    return fields


def _is_piece(chunk: Any, choice: dict[str, Any], part: dict[str, Any]) -> bool:
    """Whether the one choice of a chunk brings nothing but a piece of text."""
    return not (
        choice.get("finish_reason")
        or chunk.get("usage")
        or chunk.get("error")
        or chunk.get("object") == "error"
        or (len(part) > 1 and not _TELLING.isdisjoint(part))
    )


class Answer(BaseAnswer):
    """The answer of chat completions, completions and embeddings, and of servers that speak like them."""

    INPUT = (("prompt_tokens", "input_tokens"),)
    OUTPUT = (("completion_tokens", "output_tokens"),)
    STOP = "finish_reason"

    def add(self, chunk: object) -> None:
        """Take one chunk; what is not understood in it is passed over."""
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        usage = chunk.get("usage")
        if usage:
            self.count(mapping(usage))
        if not self.model:
            self.model = name(chunk.get("model"))
        if chunk.get("error") or chunk.get("object") == "error":
            self.failed = True
        for place, choice in enumerate(sequence(chunk.get("choices"))):
            if isinstance(choice, dict):
                self._choice(choice, place)

    def add_all(self, chunks: Iterable[object]) -> None:
        """Take chunks in their order; one that brings a piece of text and nothing else is read here."""
        pieces = self._texts
        for chunk in chunks:
            try:
                [choice] = chunk["choices"]  # type: ignore[index]  # whatever it is: what it is not is caught
                index, part = choice["index"], choice["delta"]
                text, before = part["content"], pieces[index]
            except (KeyError, TypeError, ValueError):
                self.add(chunk)
                continue
            if type(text) is str and type(index) is int and self.model and _is_piece(chunk, choice, part):
                self.chunks += 1
                before.append(text)
            else:
                self.add(chunk)

    def stop(self, reason: object, index: int = 0) -> None:
        """Take why a choice stopped; the first choice's word goes before the others'."""
        self.ended = True
        if index == 0 or self._finish == Finish.UNKNOWN:
            self._finish = FINISHES.get(reason, Finish.UNKNOWN) if isinstance(reason, str) else Finish.UNKNOWN
            if self._finish == Finish.FILTER:
                self.decline(Refusal.SAFETY)

    def _choice(self, choice: Mapping[str, Any], place: int) -> None:
        number = integer(choice.get("index"))
        index = place if number is None else number
        texts = self._texts.setdefault(index, [])
        finish = choice.get("finish_reason")
        if finish:
            self.stop(finish, index)
        part = choice.get("delta") or choice.get("message")
        if isinstance(part, dict):
            self._part(index, texts, part)
        elif isinstance(choice.get("text"), str):
            texts.append(choice["text"])

    def _part(self, index: int, texts: list[str], part: Mapping[str, Any]) -> None:
        content = part.get("content")
        if content:
            texts.append(content if isinstance(content, str) else self._content(content))
        if _TELLING.isdisjoint(part):
            return  # the usual part
        refusal = part.get("refusal")
        if isinstance(refusal, str) and refusal:
            texts.append(refusal)
            self.decline(Refusal.UNNAMED)
        reasoning = part.get("reasoning_content") or part.get("reasoning")
        if isinstance(reasoning, str):
            self._reasoning += len(reasoning)
        signature = signatures.of_chat(part)
        if signature:
            self.seal(signature)
        for place, call in enumerate(sequence(part.get("tool_calls"))):
            number = integer(mapping(call).get("index"))
            self._calls.add((index, place if number is None else number))
        if part.get("function_call"):
            self._calls.add((index, -1))

    def _content(self, content: object) -> str:
        """The text of a content given in parts; a part that holds reasoning is counted as that."""
        told = []
        for part in content if isinstance(content, list) else [content]:
            thought = mapping(part).get("thinking")
            if thought is None:
                told.append(string(mapping(part).get("text")))
            else:
                self._reasoning += len(content_text(thought))
        return lines(told)
