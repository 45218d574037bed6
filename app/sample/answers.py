"""What the sample model says: made-up choices, the same for the same prompt, seed and index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Any

import orjson

from app.sample import prose

DEFAULT_TOKENS = 700  # of an answer without a limit
MOST_STEPS = 14

_LABELS = re.compile(r"one of(?: these| the)?[^:\n]{0,40}:\s*([^\n.]+)", re.I)
_STEPS = re.compile(r"step by step|step-by-step|reasoning|think aloud|show your work|chain of thought", re.I)
_GRADE = re.compile(r"\b(score|grade|rate)\b", re.I)
_SAME_LENGTH = re.compile(r"\btranslate\b|\brewrite\b|\bproofread\b", re.I)


@dataclass(frozen=True, slots=True)
class Choice:
    """One sample of the answer: its text cut into tokens, or its tool calls."""

    index: int
    tokens: tuple[str, ...]
    tool_calls: tuple[dict[str, Any], ...]
    finish: str

    @property
    def text(self) -> str:
        """The answer as one string."""
        return "".join(self.tokens)

    @property
    def cost(self) -> int:
        """Completion tokens, those of tool calls included."""
        return len(self.tokens) + sum(prose.count(call["function"]["arguments"]) + 4 for call in self.tool_calls)


def text_of(content: object) -> str:
    """The text of a message's content, whether a string or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def prompt_tokens(messages: list[dict[str, Any]]) -> int:
    """Tokens of the prompt: those of the texts and a few for each message."""
    return 3 + sum(4 + prose.count(text_of(message.get("content"))) for message in messages)


def digest(body: dict[str, Any]) -> bytes:
    """What the answer depends on: model, messages and seed."""
    basis = [body.get("model"), body.get("messages"), body.get("seed")]
    return blake2b(orjson.dumps(basis, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def choices(body: dict[str, Any]) -> list[Choice]:
    """The `n` choices for a chat request that passed validation."""
    basis = digest(body)
    return [_choice(body, Random(basis + bytes([index])), index) for index in range(body.get("n") or 1)]


def _choice(body: dict[str, Any], rng: Random, index: int) -> Choice:
    calls = _tool_calls(body, rng)
    if calls:
        return Choice(index, (), calls, "tool_calls")
    text, finish = _text(body, rng), "stop"
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.split(stop, 1)[0] if stop else text
    tokens = prose.pieces(text)
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or DEFAULT_TOKENS
    if len(tokens) > limit:
        tokens, finish = tokens[:limit], "length"
    return Choice(index, tuple(tokens), (), finish)


def _tool_calls(body: dict[str, Any], rng: Random) -> tuple[dict[str, Any], ...]:
    """A call of one of the offered tools, sometimes: less often the more results there are already."""
    tools = body.get("tools") or []
    if not tools or body.get("tool_choice") == "none":
        return ()
    results = sum(message.get("role") == "tool" for message in _turn(body["messages"]))
    if body.get("tool_choice") in (None, "auto") and rng.random() > 0.85 - 0.12 * results:
        return ()
    function = rng.choice(tools).get("function", {})
    arguments = _from_schema(function.get("parameters") or {}, rng)
    call = {"name": str(function.get("name", "")), "arguments": orjson.dumps(arguments).decode()}
    return ({"id": f"call_{rng.getrandbits(60):015x}", "type": "function", "function": call},)


def _turn(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages after the last one of the user."""
    for position in range(len(messages) - 1, -1, -1):
        if messages[position].get("role") == "user":
            return messages[position:]
    return messages


def _text(body: dict[str, Any], rng: Random) -> str:
    messages = body["messages"]
    last = text_of(messages[-1].get("content"))
    prompt = "\n".join(text_of(message.get("content")) for message in messages if message.get("role") != "assistant")
    shape = body.get("response_format") or {}
    if shape.get("type") == "json_schema":
        return orjson.dumps(_from_schema(shape.get("json_schema", {}).get("schema") or {}, rng)).decode()
    if shape.get("type") == "json_object" or (_GRADE.search(prompt) and "JSON" in prompt):
        return f'{{"score": {rng.randint(1, 5)}, "reason": "{prose.sentence(rng)}"}}'
    labels = _LABELS.search(prompt)
    if labels:
        return rng.choice([label.strip(" '\"`") for label in re.split(r",|\bor\b", labels.group(1)) if label.strip()])
    if _STEPS.search(prompt):
        return prose.reasoning(rng, rng.randint(4, MOST_STEPS))
    if _SAME_LENGTH.search(prompt):
        return prose.paragraph(rng, max(1, prose.count(last) // 16))
    if re.search(r"\bsummar", prompt, re.I):
        return prose.paragraph(rng, rng.randint(2, 3))
    return "\n\n".join(prose.paragraph(rng, rng.randint(1, 4)) for _ in range(rng.randint(1, 3)))


def _from_schema(schema: dict[str, Any], rng: Random, depth: int = 0) -> Any:
    """A value that fits the common parts of a JSON schema."""
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and depth < 6:
        return {name: _from_schema(inner, rng, depth + 1) for name, inner in (schema.get("properties") or {}).items()}
    if kind == "array" and depth < 6:
        return [_from_schema(schema.get("items") or {}, rng, depth + 1) for _ in range(rng.randint(1, 3))]
    plain: dict[str, Any] = {
        "integer": rng.randint(1, 400),
        "number": round(rng.uniform(1, 400), 2),
        "boolean": rng.random() < 0.5,
        "string": f"{rng.choice(prose.QUALITIES)} {rng.choice(prose.THINGS)}",
    }
    return plain.get(kind)
