"""Both sides of an exchange put together: the same rules for a copy off the wire and for a line of a log."""

from __future__ import annotations

from typing import Final

from app.dialects.answer import BaseAnswer
from app.dialects.paths import Route
from app.dialects.values import Fields, estimated_tokens, mapping
from detectors.exchange import Channel, Finish, Operation, Outcome, Refusal, Usage

ERROR_STATUS: Final = 400  # from here on an answer holds no text of a model
SWITCHED: Final = 101
AGENT_LIMIT: Final = 512  # characters kept of a User-Agent
DONE: Final = "[DONE]"  # ends a stream of events
UNREAD: Final = frozenset({Operation.BATCH, Operation.COUNT})  # their answers hold no text of a model
_REFUSED: Final = {"content_filter": Refusal.SAFETY, "invalid_prompt": Refusal.UNNAMED}  # codes of errors


def declined(document: object) -> Fields:
    """What an error answer says of a content filter."""
    code = mapping(mapping(document).get("error")).get("code")
    refusal = _REFUSED.get(code) if isinstance(code, str) else None
    return {"refusal": refusal, "finish": Finish.FILTER} if refusal is not None else {}


def estimate(written: int) -> Fields:
    """The token counts of an answer of so many characters that reported none; `join` adds the prompt's."""
    return {"usage": Usage.ESTIMATED, "output_tokens": estimated_tokens(written)}


def answered(answer: BaseAnswer, route: Route, outcome: int, *, closed: bool) -> Fields:
    """The answer's fields, with `model` and, where the answer itself tells of a failure, `outcome`.

    `outcome` is what is known without the answer. `closed`: it came as a stream that was read to where it
    closed, so that an end which is missing was never sent.
    """
    fields = answer.fields()
    fields["model"] = answer.model
    if route.operation == Operation.RETRIEVAL:
        if answer.background:
            fields["channel"] = Channel.BACKGROUND
        elif "usage" in fields:
            fields |= {"usage": Usage.ABSENT, "input_tokens": 0, "output_tokens": 0}  # counted when it was made
    elif fields.get("usage") != Usage.REPORTED and answer.chunks and not (answer.failed or answer.pending):
        fields |= estimate(sum(map(len, fields["completions"])) + fields["reasoning_chars"])
    if outcome != Outcome.OK:
        return fields  # what is missing is known to be
    if answer.failed:
        fields["outcome"] = Outcome.UPSTREAM_ERROR
    elif closed and answer.chunks and not answer.ended:
        fields["outcome"] = Outcome.UPSTREAM_TRUNCATED
    return fields


def join(fields: Fields, asked: Fields, answer: Fields, route: Route) -> None:
    """Add the request's and the answer's fields to those of what is around them."""
    if answer.get("usage") == Usage.ESTIMATED:
        answer.setdefault("input_tokens", estimated_tokens(sum([len(one.text) for one in asked["messages"]])))
    fields |= asked
    fields |= answer
    fields["model"] = asked.get("model") or route.model or answer.get("model", "")
    if fields.get("stream") and "channel" not in fields:
        fields["channel"] = Channel.STREAM
