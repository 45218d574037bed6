"""The lists that harvesters walk through, by language and kind; development and test never share one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from bench.detection import frames
from bench.detection.grammar import Grammar
from bench.detection.lexicon import LANGUAGES
from bench.detection.sources import Split

KINDS = ("instructions", "maths", "code", "rubric", "tools")
Named = tuple[str, tuple[str, ...]]  # a source and its items


class Lists:
    """Sources by language and kind; a language without one of its own falls back to English."""

    def __init__(self, by: Mapping[str, Mapping[str, tuple[Named, ...]]]) -> None:
        self.by = by

    def sources(self, language: str, kind: str) -> tuple[Named, ...]:
        """The sources of one kind."""
        return self.by.get(language, {}).get(kind) or self.by["en"][kind]


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the data folder: who may use it, for what, and which of its rows."""

    name: str
    split: Split
    kind: str
    language: str = "en"
    column: str = ""  # of the group
    groups: tuple[str, ...] = ()  # empty: all rows


FILES = (
    _File("alpaca_en", "dev", "instructions"),
    _File("gsm8k_train", "dev", "maths"),
    _File("rubric_prometheus", "dev", "rubric", column="set", groups=("vicuna_eval",)),
    _File("codealpaca_2k", "test", "instructions"),
    _File("wizardlm_testset", "test", "instructions"),
    _File("preference_prompts_en", "test", "instructions"),
    _File("alpaca_zh_part", "test", "instructions", "zh"),
    _File("reasoning_math", "test", "maths"),
    _File("reasoning_code", "test", "code"),
    _File("rubric_prometheus", "test", "rubric", column="set", groups=("mt_bench_eval",)),
    _File("toolbench_queries", "test", "tools"),
)
"""Where a split has no file for a kind, its list is made by the grammar."""


def missing(data: Path) -> list[str]:
    """The files that are not there."""
    names = dict.fromkeys(file.name for file in FILES)
    return [f"attack/{name}.jsonl.gz" for name in names if not (data / "attack" / f"{name}.jsonl.gz").is_file()]


def read(data: Path | None, split: Split) -> Lists:
    """The lists of a split: from the data folder, and made up where there is none."""
    by: dict[str, dict[str, tuple[Named, ...]]] = {one: dict(made(one, split)) for one, _ in LANGUAGES}
    if data is not None:
        found: dict[tuple[str, str], list[Named]] = {}
        for file in FILES:
            if file.split == split:
                found.setdefault((file.language, file.kind), []).append((file.name, _texts(data, file)))
        for (language, kind), named in found.items():
            by[language][kind] = _joined(named)
    return Lists(by)


def _joined(named: list[Named], least: int = 300) -> tuple[Named, ...]:
    """Sources of some length stay; short ones of a kind are one together."""
    long = [one for one in named if len(one[1]) >= least]
    short = [one for one in named if len(one[1]) < least]
    if short:
        long.append(("+".join(name for name, _ in short), tuple(text for _, texts in short for text in texts)))
    return tuple(long)


def _texts(data: Path, file: _File) -> tuple[str, ...]:
    with gzip.open(data / "attack" / f"{file.name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return tuple(_text(row) for row in rows if not file.groups or row[file.column] in file.groups)


def _text(row: dict[str, Any]) -> str:
    if "messages" in row:
        return str(row["messages"][0]["content"])
    if "instruction" in row:
        return f"{row['instruction']}\n{row['input']}".strip()
    return str(row["text"])


@lru_cache(maxsize=16)
def made(language: str, split: Split) -> Mapping[str, tuple[Named, ...]]:
    """Lists of our own in one language; no text is in both splits."""
    g = Grammar(language, Random(f"lists/{language}/{split}"))
    name = f"made-{language}"
    marked = frames.GRADE[0::2] if split == "dev" else frames.GRADE[1::2]

    def graded() -> str:
        return g.rng.choice(marked).format(g.task(), g.several(g.words.facts, 2, 7))

    other = {} if split == "dev" else made(language, "dev")

    def listed(kind: str, count: int, make: Callable[[], str]) -> tuple[Named, ...]:
        taken = {text for _, texts in other.get(kind, ()) for text in texts}
        return ((f"{name}-{kind}", tuple(text for text in g.many(count, make) if text not in taken)),)

    return {
        "instructions": listed("instructions", 2_500, g.task),
        "maths": listed("maths", 2_000, g.sum),
        "code": listed("code", 1_500, g.code),
        "rubric": listed("rubric", 300, graded),
        "tools": listed("tools", 1_000, lambda: f"{g.one(g.words.notes)} {g.one(g.words.questions)}"),
    }
