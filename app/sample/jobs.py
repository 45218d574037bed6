"""Ordinary sample clients that are programs: harness, judge, classifier, translator, extractor, summariser."""

from __future__ import annotations

from random import Random

from app.sample import prose, questions
from app.sample.persona import Call, Persona, Script, chat, fixed

LABELS = "billing, delivery, returns, account access, product fault, praise"
HARNESS_ITEMS = 36
JUDGE_ITEMS = 24

RUBRIC = (
    "You grade answers of our help assistant. Give a score from 1 (useless) to 5 (complete and correct) and one "
    'sentence of reason. Reply in JSON: {"score": int, "reason": str}.'
)
RECORD_SCHEMA = {
    "type": "object",
    "properties": {
        "item": {"type": "string"},
        "quantity": {"type": "integer"},
        "unit_price": {"type": "number"},
        "urgent": {"type": "boolean"},
        "depot": {"type": "string", "enum": list(prose.PLACES[:8])},
    },
    "required": ["item", "quantity", "unit_price", "urgent", "depot"],
    "additionalProperties": False,
}


def harness_script(rng: Random, lane: int) -> Script:
    """A public-style question set, in order, epoch after epoch: same items, temperature 0, then the next model."""
    draw = fixed("evaluation harness")
    items = [questions.problem(draw) for _ in range(HARNESS_ITEMS)][lane::4]
    epoch = 0
    while True:
        model = "sample-small" if epoch % 2 else "sample-large"
        for place, item in enumerate(items):
            prompt = f"Question: {item}\nLet's think step by step, then give the answer after '####'.\nAnswer:"
            pause = rng.uniform(3, 6) if place == 0 and epoch else rng.uniform(0.2, 0.9)
            yield Call(chat(model, ("user", prompt), temperature=0, max_tokens=512), pause)
        epoch += 1


def judge_script(rng: Random, lane: int) -> Script:
    """The same test items, graded again at every commit, in a burst."""
    draw = fixed("judge")
    items = [(questions.chat(draw), prose.paragraph(draw, 3)) for _ in range(JUDGE_ITEMS)][lane::3]
    while True:
        pause = rng.uniform(5, 9)
        for question, answer in items:
            prompt = f"Question:\n{question}\n\nAnswer to grade:\n{answer}"
            body = chat("sample-small", ("system", RUBRIC), ("user", prompt), temperature=0, max_tokens=120)
            yield Call(body | {"response_format": {"type": "json_object"}}, pause)
            pause = rng.uniform(0.05, 0.3)


def classifier_script(rng: Random, lane: int) -> Script:
    """Customer mails into one of six labels, with the label's probability."""
    del lane
    while True:
        mail = f"{rng.choice(prose.PEOPLE)} writes: {prose.paragraph(rng, rng.randint(1, 4))}"
        prompt = (
            f"Classify the mail into exactly one of: {LABELS}.\nReply with the label only.\n\nMail:\n{mail}\n\nLabel:"
        )
        options = {"temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": 5}
        yield Call(chat("sample-small", ("user", prompt), **options), rng.expovariate(1 / 0.6))


def translation_script(rng: Random, lane: int) -> Script:
    """A manual, paragraph after paragraph."""
    del lane
    system = "Translate the user's text into Norwegian. Keep names and numbers. Reply with the translation only."
    while True:
        text = prose.paragraph(rng, rng.randint(2, 6))
        yield Call(chat("sample-small", ("system", system), ("user", text), temperature=0.2), rng.uniform(0.4, 1.2))


def extraction_script(rng: Random, lane: int) -> Script:
    """Order notes into records of a fixed schema."""
    del lane
    shape = {"name": "order", "strict": True, "schema": RECORD_SCHEMA}
    while True:
        note = (
            f"{prose.sentence(rng)} Please send {rng.randint(2, 300)} {rng.choice(questions.GOODS)} to "
            f"{rng.choice(prose.PLACES)}, {rng.randint(1, 90)}.{rng.randint(10, 99)} each. {prose.sentence(rng)}"
        )
        body = chat("sample-small", ("system", "Extract the order from the note."), ("user", note), temperature=0)
        yield Call(body | {"response_format": {"type": "json_schema", "json_schema": shape}}, rng.expovariate(1 / 0.7))


def summary_script(rng: Random, lane: int) -> Script:
    """The day's reports, in a row, at night."""
    del lane
    while True:
        pause = rng.uniform(4, 8)
        for _ in range(rng.randint(8, 14)):
            report = "\n\n".join(prose.paragraph(rng, rng.randint(3, 6)) for _ in range(rng.randint(2, 4)))
            prompt = f"Summarise the shift report in three sentences for the morning meeting.\n\n{report}"
            yield Call(chat("sample-large", ("user", prompt), max_tokens=200, temperature=0.3), pause)
            pause = rng.uniform(0.2, 0.7)


JOBS = (
    Persona(
        "evaluation-harness",
        "evaluation harness: 36 fixed items, step by step, epoch after epoch",
        False,
        "OpenAI/Python 2.8.1",
        4,
        harness_script,
    ),
    Persona(
        "judge-ci",
        "LLM judge in CI: the same 24 answers graded at every commit",
        False,
        "OpenAI/Python 2.6.0",
        3,
        judge_script,
    ),
    Persona(
        "bulk-classifier",
        "bulk classifier: one template, distinct mails, label probabilities",
        False,
        "OpenAI/Python 2.8.1",
        2,
        classifier_script,
    ),
    Persona(
        "translation", "translation job: a manual, paragraph by paragraph", False, "axios/1.12.2", 1, translation_script
    ),
    Persona("extraction", "extraction into a fixed schema", False, "OpenAI/JS 6.9.0", 2, extraction_script),
    Persona("summariser", "nightly summaries of shift reports", False, "python-httpx/0.28.1", 2, summary_script),
)
