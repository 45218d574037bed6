"""Further ordinary uses, for training alone, continued: each shows one sign of a harvest for a reason of its own.

Several answers to one prompt, log probabilities, reasoning asked for, tasks that are to be written, a list walked
through, answers that come back, marks given: to each of them there are products that do just that and keep nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bench.detection.compose import Ask, Maker, Script
from bench.detection.framed import framed, settings
from bench.detection.further_desks import Desk, script
from bench.detection.grammar import Grammar
from bench.detection.talk import SCHEMA, TOOLS, asked, people, system, talk, temperature, user
from detectors.exchange import Message, Operation

_SEVERAL: tuple[dict[str, Any], ...] = (
    {"choices": 3, "temperature": 0.9}, {"choices": 5, "temperature": 1.0}, {"choices": 2}, {"choices": 8},
)  # fmt: skip
_SURE: tuple[dict[str, Any], ...] = (
    {"top_logprobs": 5, "temperature": 0.0, "max_tokens": 1}, {"top_logprobs": 2, "max_tokens": 5},
    {"top_logprobs": 20, "temperature": 0.0}, {"top_logprobs": 0},
)  # fmt: skip
_HARD: tuple[dict[str, Any], ...] = ({"max_tokens": 8_192}, {"temperature": 0.6, "max_tokens": 16_384}, {})

_DESKS = (
    # several answers to one prompt
    Desk("captions", "short", "prose", 160, (
        "Write a caption for this post: {}", "{}\n\nInstagram text with hashtags.", "Caption options for {}"),
        0.1, 0.5, settings=_SEVERAL),
    Desk("rephrasings", "short", "prose", 130, (
        "Say this more politely: {}", "{}\n\nOther ways to put it:", "Rewrite the sentence: {}"),
        0.1, 0.6, settings=_SEVERAL),
    Desk("completed_code", "code", "code", 160, (
        "Complete the function.\n{}", "{}\n# next lines", "<fill>\n{}"), 0.1, 0.5, settings=_SEVERAL),
    Desk("suggested_replies", "short", "prose", 70, (
        "Three short replies a support agent could send: {}", "{}\nSmart reply:", "Suggest an answer to: {}"),
        0.2, settings=_SEVERAL),
    Desk("agreed_labels", "documents", "label", 12, (
        "Which category? {}", "{}\nLabel:", "Sort the complaint into one of A-F.\n{}"), 0.05, settings=_SEVERAL),
    # log probabilities
    Desk("sure_labels", "short", "label", 6, (
        "spam or ham?\n{}", "{}\nIs this about billing? yes/no", "Intent of the message: {}"), 0.15, settings=_SURE),
    Desk("odd_texts", "documents", "label", 3, (
        "Was this written by a machine?\n{}", "{}\nAI or human?", "Authenticity of the essay (0/1):\n{}"),
        settings=_SURE),
    Desk("gates", "questions", "letter", 2, (
        "Can this be answered from our handbook? Y/N\n{}", "{}\nRoute: A) bot B) person", "Complex or simple?\n{}"),
        0.16, settings=_SURE),
    Desk("backed", "documents", "label", 4, (
        "Does the source back the claim?\n{}", "{}\n\nEntailed, neutral, contradicted?", "Hallucination check: {}"),
        settings=_SURE),
    # reasoning asked for
    Desk("diagnoses", "documents", "reasoning", 2_200, (
        "Differential diagnosis, think it through step by step.\n{}", "{}\n\nReason through the case, then advise.",
        "Clinical reasoning for the doctor on duty:\n{}"), 0.02, 0.3, settings=_HARD),
    Desk("legal_issues", "documents", "reasoning", 2_000, (
        "Issue, rule, application, conclusion.\n{}", "{}\n\nArgue both sides step by step.",
        "Show your reasoning on this clause.\n{}"), 0.02, 0.3, settings=_HARD),
    Desk("own_sums", "maths", "reasoning", 1_500, (
        "Check my solution and show all steps.\n{}", "{}\n\nWork it out in full.", "Why? Derive it: {}"),
        0.2, 0.7, settings=_HARD),
    Desk("faults", "code", "reasoning", 1_800, (
        "Find the root cause. Think step by step.\n{}", "{}\n\nWhy does it crash? Reason carefully.",
        "Debug, explaining each hypothesis:\n{}"), 0.1, 0.4, settings=_HARD),
    Desk("plans_made", "questions", "reasoning", 1_600, (
        "Think about constraints first, then plan.\n{}", "{}\n\nPlan with reasons for each step.",
        "Weigh the options one by one: {}"), 0.1, 0.5, settings=_HARD),
    Desk("posts_traded", "short", "reasoning", 900, (
        "What does this news mean for the share? Reason, then up/down.\n{}", "{}\n\nAnalyse impact step by step:",
        "Think like an analyst: {}"), 0.02),
    # tasks and items that are to be written, for people
    Desk("exam_maker", "documents", "list", 900, (
        "Write five exam questions on this chapter, with solutions.\n{}", "{}\n\nMultiple choice, 4 options, key:",
        "Make a test from my notes.\n{}"), 0.05, 0.6),
    Desk("cards", "documents", "list", 700, (
        "Flash cards, question and answer:\n{}", "{}\n\nAnki, front;back", "Cloze cards from it.\n{}"), 0.05, 0.6),
    Desk("interviewing", "short", "list", 600, (
        "Ten interview questions for this post, with model answers: {}", "{}\n\nQuestions and what good looks like:",
        "Technical screening for: {}"), 0.05, 0.3),
    Desk("worksheets", "questions", "list", 900, (
        "Worksheet for grade 5 on: {}", "Exercises with solutions: {}", "{}\n\nGraded tasks, easy to hard:"), 0.1, 0.4),
    Desk("riddles", "short", "prose", 260, (
        "A riddle whose answer is {}", "Trivia with four options about {}", "Escape room puzzle around {}"), 0.1, 0.4),
    Desk("frequent", "documents", "list", 800, (
        "FAQ from this page, ten questions with answers.\n{}", "{}\n\nWhat will customers ask? Answer each.",
        "Q&A block with schema markup:\n{}")),
    Desk("staff_cases", "short", "prose", 900, (
        "A case for our training of staff: {}", "Role play, customer complains about {}", "Scenario and answer: {}"),
        0.05),
    # a list walked through
    Desk("catalogue", "short", "prose", 500, (
        "Product text for {}", "{}\n\nDescription, 80 words, our tone.", "Title, bullets, text: {}"), 0.02),
    Desk("entries", "short", "prose", 380, (
        "Define {} for our glossary.", "Dictionary entry: {}", "{}\n\nMeaning, example, synonyms:"), 0.01),
    Desk("guides", "questions", "prose", 1_800, (
        "Landing page on: {}", "Guide for travellers: {}", "{}\n\nArticle, 800 words, with headings."), 0.01),
    Desk("dishes", "short", "list", 900, ("Recipe: {}", "{}\n\nIngredients and steps", "A vegan version of {}"), 0.02),
    Desk("rows_filled", "short", "record", 140, (
        "Website, size and industry of {}", "Fill the missing columns: {}", "{}\nEnrich. JSON"), 0.02),
    Desk("answers_found", "questions", "prose", 420, (
        "Answer briefly: {}", "{}\nAnswer for the voice assistant:", "Direct answer, two sentences: {}"), 0.16, 0.3),
    Desk("stacked", "code", "mixed", 1_100, (
        "Explain this code to a beginner.\n{}", "{}\n\nWhat does it do?", "Walk me through:\n{}"), 0.1, 0.5),
)  # fmt: skip


def summed_up(m: Maker) -> Iterator[Ask]:
    """Long papers read in pieces: each summed up, the sums summed up, the last one made denser twice."""
    part = framed(m, "Summarise this part.\n{}", "{}\n\nKey points:", "Notes on the section:\n{}")
    dense = framed(m, "Make it denser, same length.\n{}", "{}\n\nAdd missing entities:", "Shorten, lose nothing.\n{}")
    more, texts = settings(m), m.walk(m.pools.documents)
    while True:
        notes = []
        for _ in range(m.rng.randint(2, 6)):
            text = next(texts)[:2_500]
            notes.append(m.say("prose", text, m.length(350)))
            yield Ask((user(part.format(text)),), len(notes[-1]), more, answer=notes[-1])
        text = "\n".join(notes)
        for step in (part, dense, dense):
            answer = m.say("prose", text, m.length(600))
            yield Ask((user(step.format(text[:4_000])),), len(answer), more, answer=answer)
            text = answer


def there_and_back(m: Maker) -> Iterator[Ask]:
    """Translations with a check: out, back, and out again where the meaning moved."""
    out = framed(m, "To Spanish: {}", "{}\n\nFrench:", "Translate for the web site: {}")
    back = framed(m, "Back into English: {}", "{}\n\nEnglish again:", "Literal back translation: {}")
    more = temperature(m, None, 0.0)
    for text in m.walk(m.pools.short if m.chance(0.5) else m.pools.documents):
        put = m.say("prose", text, 1.1 * len(text[:900]))
        yield Ask((user(out.format(text[:900])),), len(put), more, answer=put)
        again = m.say("prose", put, len(put))
        yield Ask((user(back.format(put)),), len(again), more, answer=again)
        if m.chance(0.25):
            yield Ask((user(f"{text[:900]}\n---\n{again}\nFix what moved."),), len(put), more, "prose")


def round_table(m: Maker) -> Iterator[Ask]:
    """A product's agents in turn: a planner, a writer and a critic, for each wish of a user, a round or three."""
    heads = [system(framed(m, *options)) for options in (
        ("You plan.", "Planner: split the task.", "Lead of the crew."),
        ("You write.", "Writer: carry out the plan.", "Do the step."),
        ("You criticise.", "Critic: approve or say what to change.", "Quality gate."))]  # fmt: skip
    more, named = settings(m), m.chance(0.4)
    for wish in asked(m, m.pools.questions, 0.05):
        who, told = people(m, named), wish[:300]
        for _ in range(m.rng.randint(1, 3)):
            for head in heads:
                answer = m.say("prose", told, m.length(420))
                yield Ask((*head, user(told[-2_500:])), len(answer), more | who, answer=answer)
                told = f"{told}\n\n{answer}"


def tried_on(m: Maker) -> Iterator[Ask]:
    """A prompt under work: the same thirty inputs after each change of it, the results marked by hand elsewhere."""
    inputs, more = m.some(m.pools.documents if m.chance(0.5) else m.pools.short, m.rng.randint(8, 40)), settings(m)
    grammar = Grammar(m.language, m.rng)
    while True:
        order = f"{grammar.one(grammar.words.follow)} {m.pick(m.pools.short)[:120]}"
        for text in inputs:
            yield Ask((*system(order), user(text[:1_200])), m.length(300), more, "mixed")


def wired(m: Maker) -> Iterator[Ask]:
    """Steps of an automation that somebody clicked together: each record through two or three of them."""
    orders = m.some(
        (
            "Extract the request.\n{}",
            "Draft an answer.\n{}",
            "Sentiment of {}",
            "Title for {}",
            "Tag it.\n{}",
            "In one sentence: {}",
            "Next action for {}",
            "JSON of {}",
        ),
        m.rng.randint(1, 3),
    )
    more = settings(m)
    for text in m.walk([*m.pools.short, *m.pools.documents]):
        held = text[:1_500]
        for order in orders:
            answer = m.say("prose", held, m.length(200))
            yield Ask((user(order.format(held)),), len(answer), more, answer=answer)
            held = answer if m.chance(0.5) else held


def shown_first(m: Maker) -> Iterator[Ask]:
    """One task with a fixed block of examples above each record, at no temperature, for a table of a company."""
    shown = "\n\n".join(f"In: {m.pick(m.pools.short)[:120]}\nOut: {m.say('record', 'x', 90)}" for _ in range(4))
    order = framed(m, "Follow the examples.", "Same format as above.", "Learn from these:")
    more = temperature(m, None, 0.0) | ({"schema": SCHEMA} if m.chance(0.3) else {})
    for text in m.walk(m.pools.short):
        yield Ask((user(f"{order}\n\n{shown}\n\nIn: {text[:400]}\nOut:"),), m.length(110), more, "record")


def spoken(m: Maker) -> Iterator[Ask]:
    """A telephone or a loudspeaker at home: short turns, tools, many of them the same few wishes."""
    head = framed(m, "Voice assistant. One sentence.", "Answer as on the phone.", "You control the house.")
    more = {"stream": m.chance(0.8), "max_tokens": 120} | ({"tools": TOOLS} if m.chance(0.6) else {})
    return talk(m, head, asked(m, m.pools.questions, 0.4), 110, more, m.chance(0.5), "prose")


def many_tongues(m: Maker) -> Iterator[Ask]:
    """One campaign's texts for all markets: each in many languages, each with its own limits of length."""
    tongues = m.some(("Dutch", "Thai", "Korean", "Czech", "Arabic", "Hindi", "Finnish", "Greek"), m.rng.randint(3, 8))
    order = framed(m, "Adapt for the {} market: {}", "{} version of: {}", "Transcreate into {}.\n{}")
    more = temperature(m, 0.7, None)
    for text in m.walk(m.pools.short):
        for tongue in tongues:
            yield Ask((user(order.format(tongue, text)),), 1.2 * len(text), more, "prose")


def deep_search(m: Maker) -> Iterator[Ask]:
    """Reports from searches: sub-questions, notes on each page that was found, a report with sources."""
    plan = framed(m, "Sub-questions for: {}", "{}\n\nSearch queries, JSON:", "Research plan: {}")
    note = framed(m, "What does the page say on {}?\n{}", "Query: {}\nPage:\n{}\nFacts:", "{}\n---\n{}\nExtract.")
    more, named = settings(m), m.chance(0.4)
    for question in asked(m, m.pools.questions, 0.08):
        who = people(m, named)
        listed = m.say("list", question, m.length(260))
        yield Ask((user(plan.format(question[:300])),), len(listed), more | who, answer=listed)
        notes = []
        for line in listed.split("\n")[: m.rng.randint(2, 6)]:
            notes.append(m.say("prose", line, m.length(300)))
            text = note.format(line[:150], m.pick(m.pools.documents)[:2_500])
            yield Ask((user(text),), len(notes[-1]), more | who, answer=notes[-1])
        text = "\n".join([question[:300], *notes])
        yield Ask((user(f"Write the report.\n{text[:4_500]}"),), m.length(2_800), more | who, "prose")


def shadowed(m: Maker) -> Iterator[Ask]:
    """A team that moves from one model to another: a day's requests of its product once more, compared by hand."""
    head, more = system(framed(m, "You help our customers.", "Answer from the manual.", "Be short.")), settings(m)
    for text in m.walk(m.pools.questions):
        for _ in range(m.rng.randint(1, 2)):
            yield Ask((*head, user(text[:600])), m.length(450), more, "mixed")


def opened(m: Maker) -> Iterator[Ask]:
    """A chat window that greets, and a button that says go on: prompts with nothing in them between real ones."""
    head, more = system(framed(m, "Greet first.", "You open the talk.", "Companion app.")), {"temperature": 0.9}
    blank = m.pick(("", " ", "...", "continue", "Hi"))
    for text in asked(m, m.pools.short, 0.2):
        who = people(m, True)
        hello = m.say("prose", "hello", m.length(140))
        yield Ask((*head, user(blank)), len(hello), more | who, answer=hello)
        if m.chance(0.6):
            turns = (*head, user(blank), Message("assistant", hello), user(text))
            yield Ask(turns, m.length(250), more | who, "prose")


def scored_lines(m: Maker) -> Iterator[Ask]:
    """Candidates of a search or a speech recogniser put in order by how likely the model finds them."""
    more = {"top_logprobs": m.pick([0, 1]), "max_tokens": 1, "temperature": 0.0}
    more["operation"] = m.pick((Operation.COMPLETION, Operation.CHAT))
    order = framed(m, "{}", "{} {}", "Query: {}\nText: {}\nRelevant:")
    for text in m.walk(m.pools.questions):
        for _ in range(m.rng.randint(2, 6)):
            yield Ask((user(order.format(text[:120], m.pick(m.pools.short)[:200])),), 3, more, "label")


STEPS: tuple[Callable[[Maker], Iterator[Ask]], ...] = (
    summed_up, there_and_back, round_table, tried_on, wired, shown_first, spoken, many_tongues, deep_search, shadowed,
    opened, scored_lines,
)  # fmt: skip
TWINS: tuple[Script, ...] = (*(script(desk) for desk in _DESKS), *STEPS)
