"""Choices as the bytes of the OpenAI chat wire format: one JSON document, or server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from app.sample import prose
from app.sample.answers import Choice

GROUP = 4  # tokens of one event of a stream
FINGERPRINT = "fp_stillwatch_sample"

_OTHERS = [f" {word.split()[0]}" for word in (*prose.THINGS, *prose.QUALITIES, *prose.DEEDS)]
_LADDER = [
    {"token": word, "logprob": round(-1.2 - 0.31 * (place % 20), 4), "bytes": list(word.encode())}
    for place, word in enumerate(_OTHERS * 2)
]


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """The request as one of chat completions, which it is."""
    return body


def logprobs(tokens: tuple[str, ...], top: int) -> dict[str, Any]:
    """The log probabilities of `tokens`, each with `top` alternatives."""
    content = []
    for token in tokens:
        raw = list(token.encode())
        start = sum(raw) % len(_OTHERS)
        chosen = {"token": token, "logprob": -round((sum(raw) % 97) / 90, 4), "bytes": raw}
        others = [chosen, *_LADDER[start : start + top - 1]] if top else []
        content.append({**chosen, "top_logprobs": others})
    return {"content": content, "refusal": None}


def usage(prompt: int, found: list[Choice]) -> dict[str, Any]:
    """The token counts of one request."""
    completion = sum(choice.cost for choice in found)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _frame(kind: str, name: str, created: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{name}",
        "object": kind,
        "created": created,
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def document(name: str, created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> bytes:
    """The whole answer as one JSON document."""
    top = body.get("top_logprobs") or 0
    listed = []
    for choice in found:
        message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
        if choice.tool_calls:
            message |= {"content": None, "tool_calls": choice.tool_calls}
        listed.append(
            {
                "index": choice.index,
                "message": message,
                "logprobs": logprobs(choice.tokens, top) if body.get("logprobs") else None,
                "finish_reason": choice.finish,
            }
        )
    frame = _frame("chat.completion", name, created, body)
    return orjson.dumps({**frame, "choices": listed, "usage": usage(prompt, found)})


def _event(document: object) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def events(name: str, created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> Iterator[bytes]:
    """The same answer as server-sent events, the usage last where the request asks for it."""
    frame = _frame("chat.completion.chunk", name, created, body)
    counted = bool((body.get("stream_options") or {}).get("include_usage"))
    tail: dict[str, Any] = {"usage": None} if counted else {}

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None, extra: Any = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": extra, "finish_reason": finish}
        return _event({**frame, "choices": [choice], **tail})

    for choice in found:
        yield chunk(choice.index, {"role": "assistant", "content": None if choice.tool_calls else "", "refusal": None})
    for choice in found:
        yield from _deltas(choice, body, chunk)
        yield chunk(choice.index, {}, choice.finish)
    if counted:
        yield _event({**frame, "choices": [], "usage": usage(prompt, found)})
    yield b"data: [DONE]\n\n"


def _deltas(choice: Choice, body: dict[str, Any], chunk: Any) -> Iterator[bytes]:
    for place, call in enumerate(choice.tool_calls):
        opening = {"name": call["function"]["name"], "arguments": ""}
        yield chunk(choice.index, {"tool_calls": [{**call, "index": place, "function": opening}]})
        arguments = call["function"]["arguments"]
        for start in range(0, len(arguments), 24):
            part = {"index": place, "function": {"arguments": arguments[start : start + 24]}}
            yield chunk(choice.index, {"tool_calls": [part]})
    for start in range(0, len(choice.tokens), GROUP):
        tokens = choice.tokens[start : start + GROUP]
        extra = logprobs(tokens, body.get("top_logprobs") or 0) if body.get("logprobs") else None
        yield chunk(choice.index, {"content": "".join(tokens)}, None, extra)


def problem(message: str, kind: str, code: str | None, param: str | None = None) -> bytes:
    """An error in the shape that OpenAI clients read."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})
