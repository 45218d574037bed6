"""Requests asked for less and answers told less: JSON texts in, JSON texts out. Only degraded clients come here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app.gateway.enforce import Degrade

CHAT_REASONING = ("reasoning_content", "reasoning", "reasoning_details")  # of a message or delta


class Unsafe(Exception):
    """The text cannot be rewritten without a risk of changing what it says."""


class LogprobsAsked(Exception):
    """The request asks for log probabilities."""


def _pairs(repeated: list[bool]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def join(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeated.append(True)
        return made

    return join


def read(text: bytes) -> tuple[Any, bool]:
    """The document, and whether some object in it has a name twice; raises Unsafe."""
    repeated: list[bool] = []
    try:
        return json.loads(text, object_pairs_hook=_pairs(repeated)), bool(repeated)
    except (ValueError, RecursionError) as error:
        raise Unsafe(str(error)) from None


def write(document: Any) -> bytes:
    """The document as compact JSON in ASCII, so that half a surrogate pair survives."""
    try:
        return json.dumps(document, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise Unsafe(str(error)) from None


def _asks_logprobs(request: dict[str, Any]) -> bool:
    includes = request.get("include")
    if isinstance(includes, list) and any(isinstance(name, str) and "logprobs" in name for name in includes):
        return True
    for name in ("logprobs", "top_logprobs", "prompt_logprobs"):
        value = request.get(name)
        if value is not None and value is not False and (name == "logprobs" or value != 0):
            return True  # the completions of old give those of the chosen tokens for logprobs: 0
    for name in ("generationConfig", "generation_config"):
        config = request.get(name)
        if isinstance(config, dict) and (
            config.get("responseLogprobs") or config.get("response_logprobs") or config.get("logprobs")
        ):
            return True
    return False


def _cap(holder: dict[str, Any], names: tuple[str, ...], most: int) -> bool:
    changed = False
    for name in names:
        value = holder.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and _counts(value) > most:
            holder[name] = most
            changed = True
    return changed


def _counts(value: str | float) -> float:
    try:
        return float(value)  # some servers take "8" for 8
    except (ValueError, OverflowError):
        return 0.0


def request(text: bytes, policy: Degrade) -> bytes:
    """The request's body under a policy, the very same where nothing has to change.

    Raises LogprobsAsked where it is to be refused, Unsafe where it is no JSON object that we can rewrite.
    """
    document, repeated = read(text)
    if not isinstance(document, dict):
        raise Unsafe("it is no object")
    if policy.refuse_logprobs and _asks_logprobs(document):
        raise LogprobsAsked
    # Which of two members of one name the model API would take is not for us to guess: it gets one.
    changed = repeated
    if policy.max_n:
        changed |= _cap(document, ("n", "best_of"), policy.max_n)
        for name in ("generationConfig", "generation_config"):
            if isinstance(config := document.get(name), dict):
                changed |= _cap(config, ("candidateCount", "candidate_count"), policy.max_n)
    return write(document) if changed else text


def _blank(holder: Any, name: str) -> bool:
    """Empty a text that stands where the client's library expects one."""
    if isinstance(holder, dict) and isinstance(holder.get(name), str) and holder[name]:
        holder[name] = ""
        return True
    return False


def _of_choices(document: dict[str, Any]) -> bool:
    changed = False
    for choice in _list(document, "choices"):
        for name in ("message", "delta"):
            message = choice.get(name) if isinstance(choice, dict) else None
            if isinstance(message, dict):
                for member in CHAT_REASONING:
                    changed |= message.pop(member, None) is not None
    return changed


def _of_item(item: Any) -> bool:
    """One output item of a response."""
    if not isinstance(item, dict) or item.get("type") != "reasoning":
        return False
    changed = bool(item.get("summary")) or bool(item.get("content"))
    if "summary" in item:
        item["summary"] = []  # the list itself is mandatory
    item.pop("content", None)
    return changed


def _of_block(block: Any) -> bool:
    """One content block of a message; its signature stays, so that the conversation can go on."""
    return isinstance(block, dict) and block.get("type") == "thinking" and _blank(block, "thinking")


def _of_candidates(document: dict[str, Any]) -> bool:
    changed = False
    for candidate in _list(document, "candidates"):
        content = candidate.get("content") if isinstance(candidate, dict) else None
        for part in _list(content, "parts") if isinstance(content, dict) else ():
            if isinstance(part, dict) and part.get("thought") is True:
                changed |= _blank(part, "text")
    return changed


def _list(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def without_reasoning(document: Any, depth: int = 0) -> bool:
    """Take the reasoning out of an answer or of one event of it, in place; whether anything was there."""
    if isinstance(document, list):  # Gemini's stream as an array
        return bool(sum(without_reasoning(item, depth + 1) for item in document)) if depth < 2 else False
    if not isinstance(document, dict):
        return False
    changed = _of_choices(document) | _of_candidates(document)
    for item in _list(document, "output"):
        changed |= _of_item(item)
    for block in _list(document, "content"):
        changed |= _of_block(block)
    changed |= _of_item(document.get("item")) | _of_block(document.get("content_block"))
    response = document.get("response")
    if isinstance(response, dict) and depth < 2:
        changed |= without_reasoning(response, depth + 1)
    message = document.get("message")  # Ollama's answer has one, Anthropic's first event too
    if isinstance(message, dict):
        changed |= message.pop("thinking", None) is not None
        for block in _list(message, "content"):
            changed |= _of_block(block)
    return changed | (document.get("type") is None and document.pop("thinking", None) is not None)


def answer(text: bytes) -> bytes:
    """A whole answer without its reasoning, the very same where there is none; raises Unsafe."""
    document, _ = read(text)
    return write(document) if without_reasoning(document) else text
