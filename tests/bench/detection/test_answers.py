"""Answers have the form that was asked for, use the prompt's words, and are no two alike."""

from __future__ import annotations

import json
from random import Random

import pytest

from bench.detection.answers import written
from bench.detection.grammar import LABELS, Grammar
from bench.detection.lexicon import LEXICONS
from bench.detection.paraphrase import reword, typed
from detectors import features
from detectors.event import Kind
from detectors.exchange import Dialect, Exchange, Message, Operation

PROMPT = "Explain how the harbour master keeps ledgers of ferries and luggage"
FORMS = {
    "label": Kind.LABEL, "number": Kind.NUMBER, "record": Kind.RECORD, "list": Kind.LIST, "code": Kind.CODE,
    "prose": Kind.PROSE, "reasoning": Kind.REASONING,
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMS)
def test_the_form_is_the_one_the_service_reads(kind) -> None:
    texts = [written(Random(n), kind, PROMPT, 400, "en") for n in range(20)]
    exchanges = [
        Exchange(1.0, 1, Dialect.OPENAI, Operation.CHAT, messages=(Message("user", PROMPT),), completions=(text,))
        for text in texts
    ]
    found = features.events(exchanges, seed=1)["kind"].tolist()
    assert found.count(int(FORMS[kind])) >= 15


def test_lengths_and_words_follow_the_prompt() -> None:
    for language in LEXICONS:
        text = written(Random(1), "prose", PROMPT if language != "zh" else "渡轮签证行程港口行李", 900, language)
        assert 600 < len(text) <= 901
    text = written(Random(1), "prose", PROMPT, 900, "en")
    assert {"harbour", "ledgers", "ferries"} & set(text.lower().replace(".", "").split())
    assert written(Random(1), "prose", PROMPT, 900, "en") == text
    assert written(Random(2), "prose", PROMPT, 900, "en") != text
    assert written(Random(3), "label", PROMPT, 900, "en") in LABELS
    assert set(json.loads(written(Random(3), "record", PROMPT, 200, "en"))) >= {"id"}


@pytest.mark.parametrize("language", LEXICONS)
def test_every_frame_of_a_language_can_be_filled(language) -> None:
    grammar = Grammar(language, Random(language))
    words = grammar.words
    for frames in (words.questions, words.tasks, words.facts, words.notes, words.sums, words.follow):
        for frame in frames:
            text = grammar.fill(frame)
            assert "{" not in text
            assert text != frame or "{" not in frame
    assert len(words.nouns) == 10
    assert len(set(grammar.many(300, grammar.task))) == 300


def test_other_words_keep_the_place_of_the_item() -> None:
    frame = "Below is an instruction that describes a task. Write a response.\n{}\nGive the complete answer."
    made = {reword(frame, Random(n)) for n in range(30)}
    assert len(made) > 25
    assert all(text.count("{}") == 1 for text in made)


def test_a_typist_types_a_text_the_same_way_each_time() -> None:
    text = "Where does the ferry to the harbour leave from, and when?"
    assert typed(text, 0.0) == text
    assert typed(text, 0.6) == typed(text, 0.6)
    some = [typed(f"Question {n} about the harbour and the ferry.", 0.5) for n in range(200)]
    assert 0.4 < sum(one[0] == "q" for one in some) / 200 < 0.6
