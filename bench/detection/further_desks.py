"""Further ordinary uses, for training alone, continued: one thing done to every record, and desks of several steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, NamedTuple

from bench.detection.compose import Ask, Maker, Script
from bench.detection.framed import framed, settings
from bench.detection.talk import SCHEMA, TOOLS, asked, people, system, talk, temperature, user
from detectors.exchange import Message


class Desk(NamedTuple):
    """One order over records as they come: what is asked, of what, and what an answer looks like."""

    name: str
    pool: str  # of sources.Pools
    kind: str  # of the answer
    chars: float
    orders: tuple[str, ...]
    repeated: float = 0.0  # share of records that come again
    named: float = 0.0  # how often the desk names its end users
    head: str = ""  # a system prompt, for those that give the order there
    longest: int = 1_800  # characters of a record
    settings: tuple[dict[str, Any], ...] = ()  # one of these; none: those that ordinary programs have


_DESKS = (
    Desk("screening", "documents", "verdict", 140, (
        "Title and abstract:\n{}\nInclude or exclude by our criteria? Reason in one sentence.",
        "{}\n\nSystematic review. Decision:", "Does this study meet the criteria?\n{}")),
    Desk("weather", "short", "prose", 320, (
        "Write the report from these figures.\n{}", "{}\n\nTurn the row into two sentences.", "Data to text: {}")),
    Desk("scans", "documents", "prose", 900, (
        "Correct the errors of the text recognition.\n{}", "{}\n\nRepair OCR, nothing else.", "Clean scan:\n{}")),
    Desk("pictures", "short", "prose", 110, ("Alt text for: {}", "Describe for a blind reader: {}", "Caption: {}")),
    Desk("logs_read", "short", "prose", 260, (
        "Cause of this log line?\n{}", "{}\n\nWhat failed, and what next?", "Explain the error: {}"), 0.3),
    Desk("alarms", "short", "record", 200, (
        "Triage the security event. Verdict, reason, next step.\n{}", "{}\nTrue or false positive? JSON",
        "SOC analyst. Event: {}"), 0.15),
    Desk("contracts", "documents", "record", 300, (
        "Extract term, notice period, law.\n{}", "{}\n\nWhich clauses are unusual?", "Key dates of the contract:\n{}")),
    Desk("case_list", "short", "list", 700, (
        "Write test cases for the requirement.\n{}", "{}\n\nGiven / when / then:", "QA: derive test steps from: {}")),
    Desk("stories", "short", "prose", 450, (
        "As a user story with acceptance criteria: {}", "Turn the wish into a ticket.\n{}", "Ticket for: {}")),
    Desk("ratings", "documents", "prose", 260, (
        "Summarise what customers say.\n{}", "{}\n\nPros and cons:", "Digest of reviews:\n{}")),
    Desk("formulas", "short", "code", 90, ("Spreadsheet formula: {}", "Regex for: {}", "{}\nOne-liner:"), 0.1, 0.4),
    Desk("cells", "questions", "prose", 220, ("{}", "{}", "{}\nShort answer."), 0.05, 0.3),
    Desk("ideas", "questions", "list", 700, (
        "Brainstorm 20 ideas: {}", "Ten angles on: {}", "Give me name ideas for {}", "Pros and cons: {}"), 0.1, 0.5),
    Desk("paraphraser", "documents", "prose", 600, (
        "Paraphrase.\n{}", "{}\n\nReword for originality.", "Rewrite, same meaning:\n{}"), 0.05, 0.3, "", 900),
    Desk("posts", "documents", "list", 700, (
        "Turn the article into a thread of posts.\n{}", "{}\n\nFive short posts:", "Newsletter blurb from:\n{}")),
    Desk("homework", "maths", "reasoning", 800, (
        "Solve and explain step by step for the pupil.\n{}", "{}\n\nShow each step.", "Photo of an exercise: {}"),
        0.25, 0.6),
    Desk("songs", "short", "prose", 600, ("Write a song about {}", "A poem: {}", "Limerick on {}"), 0.05, 0.4),
    Desk("outbound", "short", "prose", 500, (
        "Personalised first mail to this contact.\n{}", "{}\n\nCold mail, 90 words:", "LinkedIn message for: {}")),
    Desk("searches", "short", "prose", 60, ("Rewrite as a search query: {}", "{}\nKeywords:", "As a question: {}"),
        0.15),
    Desk("hypothetical", "questions", "prose", 450, (
        "Write a passage that would answer: {}", "{}\n\nHypothetical document:", "Passage for retrieval: {}"), 0.15),
    Desk("notes_of_care", "documents", "prose", 500, (
        "Write the discharge letter from the notes.\n{}", "{}\n\nSOAP note:", "Structure this dictation.\n{}")),
    Desk("own_docs", "code", "prose", 260, (
        "Docstring, house style:\n{}", "{}\n\nREADME section:", "Comment this function.\n{}"), 0.2),
    Desk("reranking", "documents", "number", 8, (
        "Relevance of the passage to the query, 0 to 10.\n{}", "{}\nScore:", "How well does this answer? number\n{}"),
        0.1),
)  # fmt: skip


def script(desk: Desk) -> Script:
    """What an account of the desk does."""

    def work(m: Maker) -> Iterator[Ask]:
        order = framed(m, *desk.orders)
        more: dict[str, Any] = dict(m.joint.choice(desk.settings)) if desk.settings else settings(m)
        if desk.kind == "record" and m.chance(0.5):
            more["schema"] = SCHEMA
        named, above = m.chance(desk.named), m.chance(0.3) and order != "{}"
        head = system(order.replace("{}", "").strip()) if above else []
        for text in asked(m, getattr(m.pools, desk.pool), desk.repeated * m.rng.uniform(0.3, 1.5)):
            body = text[: desk.longest] if above else order.format(text[: desk.longest])
            yield Ask((*head, user(body)), m.length(desk.chars), more | people(m, named), desk.kind)

    work.__name__ = desk.name
    return work


def course(m: Maker) -> Iterator[Ask]:
    """A maker of courses: modules of a subject, the lessons of each, a quiz behind every lesson."""
    plan = framed(m, "Plan a course on {}. Modules with lessons.", "{}: curriculum for our academy", "Outline: {}")
    write = framed(m, "Write the lesson: {}", "Lesson text for '{}', 600 words", "{}\n\nTeach this.")
    quiz = framed(m, "Five questions on this lesson.\n{}", "{}\n\nQuiz with answers:")
    more = settings(m)
    for subject in m.walk(m.pools.questions):
        outline = m.say("list", subject, m.length(500))
        yield Ask((user(plan.format(subject[:120])),), len(outline), more, answer=outline)
        for line in outline.split("\n")[: m.rng.randint(2, 8)]:
            lesson = m.say("prose", line, m.length(1_800))
            yield Ask((user(write.format(line[:150])),), len(lesson), more, answer=lesson)
            if m.chance(0.6):
                yield Ask((user(quiz.format(lesson)),), m.length(500), more, "list")


def briefs(m: Maker) -> Iterator[Ask]:
    """Pages for search engines: a group of searches, an outline for each, then the page under its outline."""
    group = framed(m, "Cluster these keywords.\n{}", "Related searches of {}", "Sub-topics that people look for: {}")
    plan = framed(m, "Content brief for: {}", "{}\n\nHeadings and questions to cover:")
    more = settings(m)
    for subject in m.walk(m.pools.questions):
        names = m.say("list", subject, m.length(350))
        yield Ask((user(group.format(subject[:100])),), len(names), more, answer=names)
        for name in names.split("\n")[: m.rng.randint(1, 6)]:
            outline = m.say("list", name, m.length(400))
            yield Ask((user(plan.format(name[:120])),), len(outline), more, answer=outline)
            yield Ask((user(f"Write the page.\n{outline}"),), m.length(2_400), more, "prose")


def tale(m: Maker) -> Iterator[Ask]:
    """Books for children: a plot from a parent's wish, then page after page under what was told so far."""
    plot = framed(m, "A bedtime story plot about {}", "Outline a picture book. Hero: {}", "{}\n\nPlot in six points:")
    more = settings(m) | {"stream": m.chance(0.3)}
    for wish in asked(m, m.pools.short, 0.1):
        who = people(m, True)
        outline = m.say("list", wish, m.length(400))
        yield Ask((user(plot.format(wish[:100])),), len(outline), more | who, answer=outline)
        told = ""
        for number in range(m.rng.randint(3, 8)):
            page = m.say("prose", outline, m.length(450))
            prompt = f"{outline}\n\nSo far:\n{told[-900:]}\n\nPage {number + 1}:"
            yield Ask((user(prompt),), len(page), more | who, answer=page)
            told += page


def analyst(m: Maker) -> Iterator[Ask]:
    """Questions on one company's figures, answered with code that is run beside."""
    head = system(framed(m, "Answer with Python over df. I run it.", "Data analyst. Write code, wait for its output.",
                         "Use the notebook. One cell a turn."))  # fmt: skip
    more = temperature(m, None, 0.0) | ({"tools": TOOLS} if m.chance(0.5) else {})
    for question in asked(m, m.pools.questions, 0.16):
        history = [*head, user(f"df has the columns of our shop.\n{question[:300]}")]
        for step in range(m.rng.randint(1, 5)):
            answer = m.say("code" if step < 3 else "prose", question, m.length(350))
            yield Ask(tuple(history), len(answer), more, answer=answer)
            history += [Message("assistant", answer), user(f"output:\n{m.rng.randint(1, 9_999)}")]


def operator(m: Maker) -> Iterator[Ask]:
    """A person's agent in the shell or the browser: their own errands, pauses, some given up."""
    head = system(framed(m, "One command a turn.", "You operate the browser. Reply with the next action.",
                         "Terminal agent. Think, then a command."))  # fmt: skip
    more, errands = settings(m), m.some(m.pools.questions, m.rng.randint(5, 40))
    for errand in asked(m, errands, 0.3):
        history = [*head, user(errand[:300])]
        for _ in range(m.rng.randint(1, 12)):
            answer = m.say("prose", errand, m.length(120))
            yield Ask(tuple(history[:1] + history[-9:]), len(answer), more, answer=answer)
            history += [Message("assistant", answer), user(m.say("prose", errand, m.length(400)))]


def playground(m: Maker) -> Iterator[Ask]:
    """Somebody who looks for the right prompt: one input, the order put in many ways, at several temperatures."""
    texts = m.some(m.pools.documents, m.rng.randint(2, 12))
    while True:
        text = m.pick(texts)
        order = f"{m.pick(m.pools.short)[:70]}."
        for heat in m.pick(((0.0,), (0.2, 0.7, 1.0), (0.0, 1.0))):
            yield Ask((user(f"{order}\n\n{text[:900]}"),), m.length(400), {"temperature": heat}, "prose")


def variants(m: Maker) -> Iterator[Ask]:
    """Advertisements in several versions for a test of which sells: each product once, some versions written anew."""
    order = framed(m, "Five headlines for: {}", "Ad copy, three variants:\n{}", "{}\n\nSubject lines for the mail:")
    more = temperature(m, 0.8, 1.0) | m.pick(({}, {"choices": 3}, {"choices": 5}))
    for text in m.walk(m.pools.short):
        ads = m.say("list", text, m.length(320))
        yield Ask((user(order.format(text)),), len(ads), more, answer=ads)
        if m.chance(0.3):
            single = {name: value for name, value in more.items() if name != "choices"}
            yield Ask((user(f"{ads}\n\nMake the second one punchier."),), m.length(120), single, "prose")


def wellness(m: Maker) -> Iterator[Ask]:
    """A companion that listens: many people, long conversations."""
    head = framed(m, "You are a calm listener. Never diagnose.", "Coach. Ask back, one question.", "Be kind, be brief.")
    return talk(m, head, asked(m, m.pools.short, 0.05), 300, {"stream": m.chance(0.7)}, m.chance(0.6), "prose")


def counsel(m: Maker) -> Iterator[Ask]:
    """Questions answered out of rules that stand in the prompt, with sources, then checked once more."""
    head = framed(m, "Answer from the passages only.", "Cite the paragraph.", "If it is not there, say so.")
    more = temperature(m, None, 0.0)
    check = m.chance(0.4)
    for question in asked(m, m.pools.questions, 0.16):
        found = "\n".join(text[:700] for text in m.some(m.pools.documents, 3))
        answer = m.say("prose", question, m.length(600))
        yield Ask((*system(head), user(f"{found}\n\nQuestion: {question[:300]}")), len(answer), more, answer=answer)
        if check:
            text = f"{found}\n\nIs every sentence backed?\n{answer}"
            yield Ask((user(text),), m.length(120), more, "verdict")


def latency(m: Maker) -> Iterator[Ask]:
    """A provider's own watch: a few dozen prompts of all sorts, each at every model and length, hour by hour."""
    prompts = [*m.some(m.pools.questions, 15), *m.some(m.pools.code, 5), *m.some(m.pools.documents, 5)]
    for prompt in cycle(prompts):
        yield Ask((user(prompt[:1_500]),), m.length(500), {"max_tokens": m.pick((32, 256, 1_024))}, "mixed")


STEPS: tuple[Callable[[Maker], Iterator[Ask]], ...] = (
    course, briefs, tale, analyst, operator, playground, variants, wellness, counsel, latency,
)  # fmt: skip
DESKS: tuple[Script, ...] = (*(script(desk) for desk in _DESKS), *STEPS)
