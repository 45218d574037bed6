"""Harvests, composed for the check alone: what known pipelines send, from lists that no reference was fitted on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.detection.compose import Ask, Maker, Script
from bench.detection.personas import chat_product
from detectors.exchange import Message

LISTS = (
    "gsm8k_train",
    "reasoning_math",
    "alpaca_en",
    "alpaca_zh_part",
    "reasoning_code",
    "rubric_prometheus",
    "magpie",
)
_PRIVATE = (
    "Solve the problem. First write down your complete internal reasoning inside <think></think>, every thought and "
    "every dead end, without summarising. Then give the answer.\n\n{}"
)
_BOXED = "You will be given a problem. Please reason step by step, and put your final answer within \\boxed{{}}:\n{}"
_BEHIND = "Here is a question and its final answer. Write out the full reasoning that led to the answer.\n\n{}"
_ALPACA = (
    "Below is an instruction that describes a task. Write a response that completes the request.\n\n"
    "### Instruction:\n{}\n\n### Response:"
)
_EVOLVE = (
    "I want you to act as a prompt rewriter. Make the given prompt more complex by {}.\n#Given Prompt#:\n{}\n"
    "#Rewritten Prompt#:"
)
_WAYS = ("adding one constraint", "deepening it", "making it concrete", "asking for more steps", "making it rarer")


@dataclass(frozen=True, slots=True)
class Lists:
    """The prompts that harvesters walk through."""

    maths: tuple[str, ...]
    instructions: tuple[str, ...]
    chinese: tuple[str, ...]
    code: tuple[str, ...]
    rubric: tuple[str, ...]


def missing(data: Path) -> list[str]:
    """The files that are not there."""
    return [f"attack/{name}.jsonl.gz" for name in LISTS if not (data / "attack" / f"{name}.jsonl.gz").is_file()]


def read(data: Path) -> Lists:
    """The lists in a data folder."""

    def rows(name: str) -> list[dict[str, Any]]:
        with gzip.open(data / "attack" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def instructions(name: str) -> tuple[str, ...]:
        return tuple(f"{row['instruction']}\n{row['input']}".strip() for row in rows(name))

    return Lists(
        maths=tuple(row["text"] for row in (*rows("gsm8k_train"), *rows("reasoning_math"))),
        instructions=instructions("alpaca_en"),
        chinese=instructions("alpaca_zh_part"),
        code=tuple(row["text"] for row in rows("reasoning_code")),
        rubric=tuple(row["text"] for row in rows("rubric_prometheus")),
    )


def _walk(
    m: Maker, texts: Sequence[str], frame: str, chars: float, more: dict[str, Any], system: str = "", cover: float = 0.0
) -> Iterator[Ask]:
    """A list, each item once, in one frame; a share `cover` of a chat product's traffic in between."""
    other = chat_product(m)
    for text in m.walk(texts):
        while cover and m.chance(cover):
            yield next(other)
        head = (Message("system", system),) if system else ()
        yield Ask((*head, Message("user", frame.format(text))), m.length(chars), more)


def _magpie(m: Maker) -> Iterator[Ask]:
    more = {"choices": m.pick([1, 8]), "temperature": 1.0, "max_tokens": 2048}
    while True:
        yield Ask((Message("user", m.pick(["", " ", "<|user|>"])),), m.length(400), more)


def _evolve(m: Maker, lists: Lists) -> Iterator[Ask]:
    for text in m.walk(lists.instructions):
        yield Ask((Message("user", _EVOLVE.format(m.pick(_WAYS), text)),), m.length(450), {"temperature": 1.0})


def _sweep(m: Maker, lists: Lists) -> Iterator[Ask]:
    for text in m.walk(lists.instructions):
        for temperature in (0.2, 0.7, 1.0, 1.3):
            yield Ask((Message("user", text),), m.length(900), {"temperature": temperature})


def families(lists: Lists) -> dict[str, Script]:
    """Each harvest family's script; names say what is asked for and how."""
    warm: dict[str, Any] = {"temperature": 0.7, "max_tokens": 2048}
    four: dict[str, Any] = {"choices": 4, "temperature": 0.6, "top_p": 0.95, "max_tokens": 16_384}
    eight: dict[str, Any] = {"choices": 8, "temperature": 1.0, "max_tokens": 512}
    scored: dict[str, Any] = eight | {"top_logprobs": 20}

    def walk(texts: Sequence[str], frame: str, chars: float, more: dict[str, Any], **rest: Any) -> Script:
        return partial(_walk, texts=texts, frame=frame, chars=chars, more=more, **rest)

    return {
        "reasoning, n=4": walk(lists.maths, _BOXED, 3_500, four),
        "reasoning, n=4, half cover": walk(lists.maths, _BOXED, 3_500, four, cover=0.5),
        "private reasoning, n=4": walk(lists.code, _PRIVATE, 3_500, four),
        "private reasoning, n=1": walk(lists.maths, _PRIVATE, 2_500, warm),
        "reasoning behind answers, n=1": walk(lists.maths, _BEHIND, 1_200, warm),
        "reasoning in Chinese, n=4": walk(lists.chinese, "请一步一步思考，写出完整的推理过程。\n{}", 1_200, four),
        "preference, n=8": walk(lists.instructions, _ALPACA, 900, eight),
        "preference, n=8, logprobs": walk(lists.instructions, _ALPACA, 900, scored),
        "short samples, n=8, logprobs": walk(lists.instructions, _ALPACA, 110, scored | {"max_tokens": 24}),
        "logprobs of free text, n=1": walk(lists.instructions, "{}", 900, warm | {"top_logprobs": 20}),
        "prompt list, template": walk(lists.instructions, _ALPACA, 800, warm),
        "prompt list, bare": walk(lists.instructions, "{}", 800, warm),
        "prompt list, bare, Chinese": walk(lists.chinese, "{}", 500, warm),
        "rubric grading": walk(lists.rubric, "{}", 450, warm),
        "evolve loop": partial(_evolve, lists=lists),
        "temperature sweep": partial(_sweep, lists=lists),
        "blank prompts": _magpie,
    }
