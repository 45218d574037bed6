"""The texts that made-up clients send, with their licences: what a reference may be fitted on, and what not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple

from bench.detection import arrivals
from bench.detection.arrivals import Laws
from bench.detection.grammar import Grammar
from bench.detection.lexicon import LANGUAGES
from detectors.exchange import Message

Dialogue = tuple[Message, ...]
Split = Literal["dev", "test"]
TRAINING = "training"  # of scripts: development's frames and wordings that neither split's tests have


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
    """Texts of one language by the part they play; `others` holds the same for the other languages."""

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
    split: str = ""  # "dev", "test" or TRAINING: which of the scripts' own frames are used; empty: all of them
    language: str = "en"
    laws: Laws | None = None  # of arrivals; None: those made without traces
    others: Mapping[str, Pools] = field(default_factory=dict)


def missing(data: Path, sources: Iterable[Source]) -> list[str]:
    """The files that are not there."""
    return [source.file for source in sources if not (data / source.file).is_file()]


def read(data: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one source."""
    with gzip.open(data / "benign" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def pools(data: Path | None, split: Split) -> Pools:
    """The ordinary texts of a split; without a data folder, made-up ones alone."""
    if data is None:
        return replace(made("en", split), others=_others(split))
    return fitting_pools(data) if split == "dev" else checking_pools(data)


def _others(split: Split) -> dict[str, Pools]:
    return {language: made(language, split) for language, _ in LANGUAGES if language != "en"}


@lru_cache(maxsize=16)
def made(language: str, split: Split) -> Pools:
    """Texts of our own in one language; the splits share words and frames, and no text."""
    g = Grammar(language, Random(f"pools/{language}/{split}"))
    questions = g.many(900, g.question)
    answers = [g.several(g.words.facts, 2, 8) for _ in range(240)]
    return Pools(
        questions=questions[:600],
        dialogues=tuple(
            (Message("user", text), Message("assistant", answers[n]), Message("user", g.one(g.words.follow)))
            for n, text in enumerate(questions[600:720])
        ),
        short=g.many(900, g.note),
        maths=g.many(500, g.sum),
        choices=g.many(400, g.choice),
        code=g.many(300, g.code),
        documents=g.many(240, g.document),
        pairs=tuple((text, answers[n], answers[-n - 1]) for n, text in enumerate(questions[720:840])),
        judges=_JUDGES[0::2] if split == "dev" else _JUDGES[1::2],
        personas=tuple(f"You are the assistant of a shop for {g.rng.choice(g.nouns)}." for _ in range(20)),
        steps=tuple((Message("user", g.document()), Message("assistant", g.one(g.words.facts))) for _ in range(40)),
        split=split,
        language=language,
    )


_JUDGES = (
    ("You compare answers.", "Question: {question}\n\nA: {answer_a}\n\nB: {answer_b}\n\nWhich is better, A or B?"),
    ("", "Rate the reply from 1 to 10.\n[Question]\n{question}\n[Reply]\n{answer}\n[End]\nRating: [[mark]]"),
    ("Grade strictly.", "{question}\n---\n{answer}\n---\nIs every statement above true? Answer yes or no, then why."),
    ("You are a careful examiner.", "Task: {question}\nAnswer given: {answer}\nMark out of five, as JSON."),
)


_PERSONAS = (
    "You are a patient coach for people who learn to cook. Ask what is in the cupboard before you suggest a dish.",
    "You are the assistant of a small travel shop.",
    "Act as an interviewer for a junior post in accounting. Ask one question at a time.",
    "You help writers find a better word.",
    "You are Pip, a cheerful companion for children aged eight to ten. Use short sentences.",
    "You answer as the librarian of a village library would: kindly, and with one book to read.",
    "You are a plain-spoken financial guide. You never give a recommendation to buy.",
    "Play the keeper of a lighthouse in a story that the user leads.",
)


def fitting_pools(data: Path) -> Pools:
    """The texts for the reference: the permissive sources; of those that the check shares, the first half."""
    others = _others("dev")
    acts = _texts(read(data, "persona_prompts_zh"))
    others["zh"] = replace(others["zh"], questions=(*acts, *others["zh"].questions), personas=acts)
    return Pools(
        questions=_texts(read(data, "arena_hard_v01")),
        dialogues=tuple(map(_dialogue, read(data, "mtbench101_dialogues"))),
        short=_texts(read(data, "banking77")),
        documents=tuple(row["answer_a"] for row in _half(read(data, "judge_ci_pairs"), 0)),
        personas=_PERSONAS[0::2],
        split="dev",
        laws=None if arrivals.missing(data) else arrivals.read(data, "dev"),
        others=others,
        **_shared(data, 0),
    )


def checking_pools(data: Path) -> Pools:
    """The texts for the check: other sources, and the second half of those without a substitute."""
    two_turns = read(data, "mtbench_vicuna")
    wild = [row["text"] for row in read(data, "instructwild_v2_users")]
    paragraphs = read(data, "xquad_rag")
    documents = {one: tuple(row["context"] for row in paragraphs if row["lang"] == one) for one, _ in LANGUAGES}
    asked = {
        one: tuple(question for row in paragraphs if row["lang"] == one for question in _questions(row))
        for one, _ in LANGUAGES
    }
    others = {
        one: replace(made, documents=documents[one] or made.documents, questions=(*asked[one], *made.questions[:300]))
        for one, made in _others("test").items()
    }
    return Pools(
        questions=tuple(wild),
        dialogues=tuple(_dialogue(row) for row in two_turns if len(row["messages"]) > 1),
        short=_texts(read(data, "slot_extraction")),
        documents=documents["en"] or tuple(row["context"] for row in paragraphs),
        personas=_PERSONAS[1::2],
        split="test",
        laws=None if arrivals.missing(data) else arrivals.read(data, "test"),
        others=others,
        **_shared(data, 1),
    )


def _questions(row: dict[str, Any]) -> list[str]:
    return [str(one["question"] if isinstance(one, dict) else one) for one in row.get("questions", ())]


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
