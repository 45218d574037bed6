"""The texts that made-up clients send, with their licences: what a reference may be fitted on, and what not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from detectors.exchange import Message

Dialogue = tuple[Message, ...]


class Source(NamedTuple):
    """One file of ordinary texts."""

    name: str
    licence: str
    origin: str

    @property
    def file(self) -> str:
        """Its path under the data folder."""
        return f"benign/{self.name}.jsonl.gz"


PERMISSIVE = (
    Source("arena_hard_v01", "Apache-2.0", "lmarena/arena-hard-auto"),
    Source("mtbench101_dialogues", "Apache-2.0", "mtbench101/mt-bench-101"),
    Source("persona_prompts_zh", "MIT", "PlexPt/awesome-chatgpt-prompts-zh"),
    Source("banking77", "CC-BY-4.0", "PolyAI-LDN/task-specific-datasets"),
    Source("gsm8k_test", "MIT", "openai/grade-school-math"),
    Source("mmlu_test_sample", "MIT", "hendrycks/test"),
    Source("mbppplus", "Apache-2.0, CC-BY-4.0", "EvalPlus, MBPP"),
    Source("judge_ci_pairs", "Apache-2.0", "lmarena/arena-hard-auto"),
    Source("templates_judge_benign", "Apache-2.0", "lm-sys/FastChat, tatsu-lab/alpaca_eval"),
    Source("agent_sessions_miniswe", "Apache-2.0", "LMCache/lmcache-agent-trace"),
)
"""What the reference is fitted on. Non-commercial and share-alike sources are left out on purpose."""

CHECK_ONLY = (
    Source("mtbench_vicuna", "Apache-2.0", "lm-sys/FastChat"),
    Source("slot_extraction", "CC-BY-4.0", "PolyAI-LDN/task-specific-datasets"),
    Source("instructwild_v2_users", "non-commercial", "XueFuzhao/InstructionWild"),
    Source("xquad_rag", "CC-BY-SA-4.0", "google-deepmind/xquad"),
)
"""What only the benchmark uses: never seen by the reference, never in anything that ships."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Texts by the part they play."""

    questions: tuple[str, ...]  # what people ask, one turn
    dialogues: tuple[Dialogue, ...]
    short: tuple[str, ...]  # customers' sentences
    maths: tuple[str, ...]
    choices: tuple[str, ...]  # multiple-choice questions with their options
    code: tuple[str, ...]
    documents: tuple[str, ...]
    pairs: tuple[tuple[str, str, str], ...]  # question and two answers
    judges: tuple[tuple[str, str], ...]  # system prompt and template with {question} and {answer}
    personas: tuple[str, ...]  # "act as" system prompts
    steps: tuple[tuple[Message, ...], ...]  # openings of coding-agent sessions


def missing(data: Path, sources: Iterable[Source]) -> list[str]:
    """The files that are not there."""
    return [source.file for source in sources if not (data / source.file).is_file()]


def read(data: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one source."""
    with gzip.open(data / "benign" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def fitting_pools(data: Path) -> Pools:
    """The texts for the reference: the permissive sources; of those that the check shares, the first half."""
    return Pools(
        questions=_texts(read(data, "arena_hard_v01")),
        dialogues=tuple(map(_dialogue, read(data, "mtbench101_dialogues"))),
        short=_texts(read(data, "banking77")),
        documents=tuple(row["answer_a"] for row in _half(read(data, "judge_ci_pairs"), 0)),
        personas=_texts(read(data, "persona_prompts_zh")),
        **_shared(data, 0),
    )


def checking_pools(data: Path) -> Pools:
    """The texts for the check: other sources, and the second half of those without a substitute."""
    two_turns = read(data, "mtbench_vicuna")
    wild = [row["text"] for row in read(data, "instructwild_v2_users")]
    return Pools(
        questions=tuple(wild),
        dialogues=tuple(_dialogue(row) for row in two_turns if len(row["messages"]) > 1),
        short=_texts(read(data, "slot_extraction")),
        documents=tuple(row["context"] for row in read(data, "xquad_rag")),
        personas=("You are the assistant of a small travel shop.", "You help writers find a better word."),
        **_shared(data, 1),
    )


def _shared(data: Path, part: int) -> dict[str, Any]:
    judges = [(row["system"] or "", row["template"]) for row in _half(read(data, "templates_judge_benign"), part)]
    return {
        "maths": _texts(_half(read(data, "gsm8k_test"), part)),
        "choices": tuple(map(_multiple_choice, _half(read(data, "mmlu_test_sample"), part))),
        "code": _texts(_half(read(data, "mbppplus"), part)),
        "pairs": tuple(
            (row["question"][:1500], row["answer_a"][:1500], row["answer_b"][:1500])
            for row in _half(read(data, "judge_ci_pairs"), part)
        ),
        "judges": tuple(judges),
        "steps": tuple(_openings(_half(read(data, "agent_sessions_miniswe"), part))),
    }


def _half(rows: list[dict[str, Any]], part: int) -> list[dict[str, Any]]:
    middle = len(rows) // 2
    return rows[:middle] if part == 0 else rows[middle:]


def _texts(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(row["text"] for row in rows)


def _dialogue(row: dict[str, Any]) -> Dialogue:
    return tuple(Message(one["role"], one["content"]) for one in row["messages"])


def _multiple_choice(row: dict[str, Any]) -> str:
    options = "\n".join(f"{letter}. {choice}" for letter, choice in zip("ABCD", row["choices"], strict=False))
    return f"{row['text']}\n{options}"


def _openings(rows: list[dict[str, Any]]) -> list[tuple[Message, ...]]:
    return [(Message("user", row["input_head"]), Message("assistant", row["output_head"])) for row in rows]
