"""OpenAI's Responses API: requests, and answers whole, streamed or fetched later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.dialects import signatures
from app.dialects.answer import BaseAnswer
from app.dialects.casing import MESSAGE, REQUEST
from app.dialects.openai import read_parameters
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
    sequence,
    string,
)
from detectors.exchange import Channel, Finish, Message, Refusal

_RETURNED: Final = ("_output", "_response")  # how kinds of items end that bring a tool's result or a consent
_GIVEN: Final = ("arguments", "input", "action", "operation", "code", "queries")  # what a call was given
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_TOKEN_DETAILS: Final = "message.output_text.logprobs"  # noqa: S105  a field's name
_SEALED: Final = "reasoning.encrypted_content"
_PENDING: Final = frozenset({"queued", "in_progress"})
_OVER: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_WHOLE_TEXTS: Final = {"response.output_text.done": "text", "response.refusal.done": "refusal"}
_TEXTS: Final = frozenset({"response.output_text.delta", "response.refusal.delta", *_WHOLE_TEXTS})
_WHOLE_THOUGHTS: Final = frozenset({"response.reasoning_text.done", "response.reasoning_summary_text.done"})
_THOUGHTS: Final = _WHOLE_THOUGHTS | {"response.reasoning_text.delta", "response.reasoning_summary_text.delta"}


def _printed(part: object) -> str:
    """What a command of a shell wrote."""
    fields = mapping(part)
    return lines([string(fields.get("stdout")), string(fields.get("stderr"))])


def _result(kind: str, output: object) -> str:
    """The text of a tool's result."""
    if kind == "shell_call_output" and isinstance(output, list):
        return lines([_printed(part) for part in bounded(output)])
    return content_text(output)


def _item(value: object) -> Message:
    """The message that an item of the input is; of a kind that has no role never one of the user's."""
    if isinstance(value, str):
        return Message("user", value)
    fields = mapping(value)
    if "content" not in fields or "role" not in fields:
        fields = MESSAGE.of(fields)
    kind, role = name(fields.get("type")), name(fields.get("role"))
    if kind.endswith(_RETURNED):
        return Message("tool", _result(kind, fields.get("output")))
    if kind == "reasoning":
        return Message("assistant", content_text(fields.get("summary")))
    refers = not kind and "content" not in fields and "id" in fields
    if role or (kind in ("", "message") and not refers):
        return Message(role or "user", content_text(fields.get("content") or ""))
    if refers or kind == "item_reference":
        return Message("assistant", f"⟨item⟩ {name(fields.get('id'))}")
    called = call_text(fields.get("name") or kind, first(fields, *_GIVEN) or "")
    return Message("assistant", lines([called, string(fields.get("output"))]))


def _stored(prompt: Mapping[str, Any], alone: bool) -> str:
    """What a stored prompt is filled in with, one value a line in the order of their names; of one that is `alone`
    and not filled in its name.
    """
    variables = mapping(prompt.get("variables"))
    filled = lines([content_text(variables[key]) for key in sorted(variables)])
    named = name(prompt.get("id"))
    return filled or (f"⟨prompt⟩ {named}" if alone and named else "")


def read_request(body: Mapping[str, Any]) -> Fields:
    """The request side of an Exchange."""
    body = REQUEST.of(body)
    fields = read_parameters(body)
    given = body.get("input")
    taken = bounded(sequence(given))
    items = [Message("user", given)] if isinstance(given, str) else [_item(item) for item in taken]
    instructions = string(body.get("instructions"))
    before = [Message("system", instructions)] if instructions else []
    if body.get("prompt") and (stored := _stored(mapping(body["prompt"]), not items)):
        before.append(Message("user", stored))
    fields["messages"] = (*before, *items)
    kept = body.get("conversation")
    if body.get("previous_response_id"):
        fields["continued"] = True  # the provider refuses an id of no response
    elif kept:
        fields["conversation"] = name(kept) or name(mapping(kept).get("id"))
    fields["presented"], place = signatures.last(taken, signatures.of_item)
    is_whole = not kept and "continued" not in fields
    fields["presented_at"] = place + len(before) if place >= 0 and is_whole else -1
    form = mapping(mapping(body.get("text")).get("format"))
    if form and form.get("type") != "text":
        fields["schema"] = canonical(form.get("schema")) or name(form.get("type"))
    included = [item for item in sequence(body.get("include")) if isinstance(item, str)]
    if _TOKEN_DETAILS in included:
        fields["top_logprobs"] = max(integer(body.get("top_logprobs")) or 0, 0)
    summary = mapping(body.get("reasoning")).get("summary") or mapping(body.get("reasoning")).get("generate_summary")
    fields["reasoning_asked"] = bool(summary) or _SEALED in included or fields["reasoning_asked"]
    if body.get("background") is True:
        fields["channel"] = Channel.BACKGROUND
    return fields


def _told(part: object) -> str:
    """The text of a part of the output; nothing for a part that holds something else."""
    return string(first(mapping(part), "text", "refusal"))


class Answer(BaseAnswer):
    """The answer of the Responses API; what the last event repeats whole stands in for its pieces."""

    INPUT = (("input_tokens", "prompt_tokens"),)
    OUTPUT = (("output_tokens", "completion_tokens"),)

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._called = False  # the client is to run a tool
        self._pieces: dict[tuple[int, int], list[str]] = {}
        self._thoughts: dict[tuple[int, int, str], int] = {}

    def add(self, chunk: object) -> None:
        """Take one event, or the whole response."""
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        kind = name(chunk.get("type"))
        response = chunk.get("response")
        if isinstance(response, dict):
            self._response(response)
            self.ended = self.ended or kind in _OVER
        elif chunk.get("object") == "response" or "output" in chunk:
            self._response(chunk)
            self.ended = True
        elif kind in _TEXTS or kind in _THOUGHTS:
            self._piece(kind, chunk)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._item(integer(chunk.get("output_index")) or 0, mapping(chunk.get("item")))
        elif kind == "error" or chunk.get("error"):
            self.failed = True
        elif chunk.get("usage"):
            self.count(mapping(chunk["usage"]))

    def _piece(self, kind: str, event: Mapping[str, Any]) -> None:
        """A piece of text or of reasoning; a `done` event repeats it whole."""
        item = integer(event.get("output_index")) or 0
        if kind in _THOUGHTS:
            field = "summary" if "summary" in kind else "content"
            key = (item, integer(event.get(f"{field}_index")) or 0, field)
            told = string(event.get("text" if kind in _WHOLE_THOUGHTS else "delta"))
            before = 0 if kind in _WHOLE_THOUGHTS else self._thoughts.get(key, 0)
            self._thoughts[key] = before + len(told)
            return
        self._begun = True
        place = (item, integer(event.get("content_index")) or 0)
        if kind.startswith("response.refusal"):
            self.decline(Refusal.UNNAMED)
        if kind in _WHOLE_TEXTS:
            self._pieces[place] = [string(event.get(_WHOLE_TEXTS[kind]))]
        else:
            self._pieces.setdefault(place, []).append(string(event.get("delta")))

    def _item(self, index: int, item: Mapping[str, Any]) -> None:
        """An item of the output; its content, where it has any, stands in for what came in pieces."""
        kind = name(item.get("type"))
        if kind.endswith("_call"):
            self._calls.add((index, 0))
            self._called = self._called or kind in _CALLS
        elif kind == "message":
            self._begun = True
            for place, part in enumerate(sequence(item.get("content"))):
                if mapping(part).get("type") == "refusal":
                    self.decline(Refusal.UNNAMED)
                self._pieces[index, place] = [_told(part)]
        elif kind == "reasoning":
            self.seal(item.get("encrypted_content"))
            for field in ("content", "summary"):
                for place, part in enumerate(sequence(item.get(field))):
                    self._thoughts[index, place, field] = len(_told(part))

    def _response(self, response: Mapping[str, Any]) -> None:
        self.model = name(response.get("model")) or self.model
        self.background = self.background or response.get("background") is True
        self.count(mapping(response.get("usage")))
        for index, item in enumerate(sequence(response.get("output"))):
            self._item(index, mapping(item))
        status = name(response.get("status"))
        self.pending = status in _PENDING
        self.failed = self.failed or status == "failed" or bool(response.get("error"))
        if status == "completed":
            self._finish = Finish.TOOL_CALLS if self._called else Finish.STOP
        elif status == "incomplete":
            self.stop(mapping(response.get("incomplete_details")).get("reason"))

    def stop(self, reason: object, index: int = 0) -> None:
        """Take why the response is incomplete."""
        del index
        self._finish = Finish.LENGTH if reason == "max_output_tokens" else Finish.UNKNOWN
        if reason == "content_filter":
            self.decline(Refusal.SAFETY)

    def texts(self) -> tuple[str, ...]:
        """The answer's text, its parts in their order; nothing where no text was begun."""
        whole = "".join([piece for place in sorted(self._pieces) for piece in self._pieces[place]])
        return (whole,) if self._begun or self._calls else ()

    def fields(self) -> Fields:
        """The answer side of an Exchange; the token counts only where the answer reported them."""
        self._reasoning = sum(self._thoughts.values())
        return super().fields()
