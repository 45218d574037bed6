"""Ordinary clients with people behind them, agents, and how common every ordinary kind is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.detection import jobs, pipelines
from bench.detection.compose import Ask, Maker, Script
from bench.detection.talk import TOOLS, asked, people, system, talk, temperature, user
from detectors.exchange import Message

_THINK_TAGS = " Think inside <thinking></thinking> tags first, then answer."


def chat_product(m: Maker) -> Iterator[Ask]:
    """A chat product behind one key: many people, many topics."""
    more = temperature(m, None, 0.7, 1.0) | {"stream": m.chance(0.8)}
    head = m.pick(["", m.ours(["You are a helpful assistant.", "Be helpful and brief."]), m.pick(m.pools.personas)])
    return talk(m, head, asked(m, [*m.pools.questions, *m.pools.dialogues]), 900, more, m.chance(0.6))


def chat_user(m: Maker) -> Iterator[Ask]:
    """One person with a chat program of their own."""
    more = temperature(m, None, None, 0.8) | {"stream": m.chance(0.85)}
    topics = m.some([*m.pools.questions, *m.pools.dialogues], m.rng.randint(60, 400))
    return talk(m, m.pick(["", "", m.pick(m.pools.personas)]), asked(m, topics, 0.05), 900, more, False)


def ask_box(m: Maker) -> Iterator[Ask]:
    """A search page that answers: one question at a time from the whole public, hardly two alike, no way to go on."""
    head = system(m.ours(["", "", "Answer in a paragraph.", "You answer what visitors of our site ask."]))
    more = temperature(m, None, 0.2, 0.7) | m.pick([{}, {}, {"max_tokens": 1024}])
    for text in asked(m, [*m.pools.questions, *(one[0].text for one in m.pools.dialogues)], m.pick([0.02, 0.1, 0.16])):
        yield Ask((*head, user(text)), m.length(700), more, "mixed")


def developer(m: Maker) -> Iterator[Ask]:
    """One person who tries things out."""
    more: dict[str, Any] = {"stream": m.chance(0.7)}
    return talk(m, "", asked(m, m.pools.questions, 0.05), 1100, more, False)


def ide(m: Maker) -> Iterator[Ask]:
    """A developer's editor: completions in a few files, questions on them in between."""
    files = m.some(m.pools.code, m.rng.randint(4, 20))
    head = m.ours(["Complete the code at the cursor.", "You are a pair programmer. Answer with code.",
                   "Fill in the gap. Code only.", "Help with this file."])  # fmt: skip
    more = temperature(m, None, 0.0, 0.2) | {"stream": True} | m.pick([{}, {"max_tokens": 256}])
    number = 0
    while True:
        if m.moment.fresh or not number:
            file = m.pick(files)
        number += 1
        lines = "\n".join(f"line_{at} = {at * number}" for at in range(m.rng.randint(2, 12)))
        yield Ask((*system(head), user(f"{file}\n{lines}\n<cursor>")), m.length(160), more, "code")


def support_bot(m: Maker) -> Iterator[Ask]:
    """A help desk: one long system prompt, short questions."""
    shop = m.ours(["Northgate Bank", "Penfold Ferries", "Alder Tools", "Harrow Books"])
    head = f"You are the assistant of {shop} no. {m.rng.randint(1, 999)}. Be brief. " + "Refunds take five days. " * 12
    head += _THINK_TAGS if m.chance(0.05) else ""
    more = temperature(m, None, 0.0, 0.3, 0.7) | {"stream": m.chance(0.7)}
    if m.chance(0.02):
        more["top_logprobs"] = 0  # a confidence for handing over to a person
    texts = m.pools.short if m.chance(0.8) else m.pools.questions
    return talk(m, head, asked(m, texts), 260, more, m.chance(0.6), "prose")


def support_tools(m: Maker) -> Iterator[Ask]:
    """A help desk that looks things up: a tool call, its result, then the answer."""
    head = m.ours(["You help guests of a hotel. Look up bookings before you answer.",
                   "You serve an insurer's customers. Use the tools."])  # fmt: skip
    more = temperature(m, None, 0.0) | {"tools": TOOLS, "stream": m.chance(0.4)}
    named = m.chance(0.6)
    for text in asked(m, m.pools.short):
        who = people(m, named)
        history = (*system(head), user(text))
        yield Ask(history, 60, more | who | {"tool_calls": 1}, "record")
        found = Message("tool", m.say("record", text, 120))
        said = Message("assistant", "I will look that up.")
        yield Ask((*history, said, found), m.length(260), more | who | {"tool_calls": 0}, "prose")


def rag_bot(m: Maker) -> Iterator[Ask]:
    """Questions over a library: the passages come back, the questions hardly."""
    library = m.some(m.pools.documents, m.rng.randint(20, 200))
    head = m.ours(["", "Answer from the passages only. If they do not say, say so.", "", "Quote the passage you use."])
    frame = m.ours(["Context information is below.\n{}\nQuery: {}\nAnswer:", "{}\n\nUsing the text above: {}",
                    "Use these notes.\n{}\n\nQ: {}", "Sources:\n{}\n\nUser asks: {}"])  # fmt: skip
    more = temperature(m, None, 0.0, 0.2) | {"stream": m.chance(0.5)}
    named = m.chance(0.4)
    for question in asked(m, [*m.pools.questions, *m.pools.short], 0.1):
        passages = "\n".join(text[:600] for text in m.some(library, 3))
        text = frame.format(passages, question[:600])
        yield Ask((*system(head), user(text)), m.length(450), more | people(m, named), "prose")


def coding_agent(m: Maker) -> Iterator[Ask]:
    """Agents in a repository: tools, and a conversation that grows step by step."""
    head = m.ours(["You are a coding agent. Read before you write. Think about each action before calling a tool.",
                   "You are a coding agent in a repository. Keep changes small.",
                   "Resolve the ticket by running commands. One command a turn.",
                   "You maintain this project. Use the tools."])  # fmt: skip
    more = temperature(m, None, 0.0, 0.2) | {"tools": TOOLS, "stream": m.chance(0.3)}
    pools = m.some(m.pools.steps, m.rng.randint(2, 12))
    while True:
        opening, action = m.pick(pools)
        history = [*system(head), user(f"{opening.text[:1500]}\nTicket {m.rng.randint(1, 99999)}")]
        session = m.moment.session
        for step in range(m.rng.randint(3, 20)):
            answer = f"{action.text[:300]} {m.say('prose', opening.text, 80)}"
            yield Ask(tuple(history), len(answer), more | {"tool_calls": int(m.chance(0.9))}, answer=answer)
            history += [
                Message("assistant", answer),
                Message("tool", f"step {step}: ok\n{m.say('code', opening.text, 300)}"),
            ]
            if m.profile.kind == "burst" and m.moment.session != session and m.chance(0.7):
                break


def react_agent(m: Maker) -> Iterator[Ask]:
    """Agents by prompt: thought, action, observation."""
    head = m.ours(["Answer with Thought, Action and Observation lines. Think step by step before each action.",
                   "Use the format: Thought / Tool / Input. Stop when you can answer."])  # fmt: skip
    more = temperature(m, None, 0.0, 0.7) | {"max_tokens": 512}
    while True:
        history = [*system(head), user(m.pick(m.pools.questions) + f" (task {m.rng.randint(1, 99999)})")]
        for step in range(m.rng.randint(2, 6)):
            answer = f"Thought: {m.say('prose', history[-1].text, 120)} Action: search"
            yield Ask(tuple(history), len(answer), more, answer=answer)
            history += [Message("assistant", answer), user(f"Observation {step}: {m.pick(m.pools.short)}")]


def tutor(m: Maker) -> Iterator[Ask]:
    """A homework helper that explains; pupils ask back."""
    head = m.ours(["You are a patient tutor. Explain your reasoning step by step.", "Always show complete working.",
                   "Help the pupil find the answer. Do not give it away.", "Explain as to a child."])  # fmt: skip
    more = temperature(m, None, 0.3, 0.7) | {"stream": m.chance(0.6)}
    return talk(m, head, asked(m, m.pools.maths, 0.25), 800, more, m.chance(0.6), "reasoning")


def side_by_side(m: Maker) -> Iterator[Ask]:
    """A chat product that shows two answers and lets people choose."""
    more = {"choices": 2, "stream": False}
    return talk(m, "You are a helpful assistant.", asked(m, m.pools.questions), 700, more, m.chance(0.7))


def reseller(m: Maker) -> Iterator[Ask]:
    """One key with several products behind it."""
    kinds = (chat_product, developer, jobs.writer, jobs.translation, rag_bot, tutor, jobs.classifier, support_bot)
    return _mixed(m, [script(m) for script in m.some(kinds, 4)])


def wrapper(m: Maker) -> Iterator[Ask]:
    """A small shop's front end: thirty to three hundred people on one key, each with habits of their own."""
    heads = [m.pick(m.pools.personas) for _ in range(3)]
    people_count = m.rng.randint(30, 300)
    inner = []
    for number in range(min(people_count, 40)):
        topics = m.some([*m.pools.questions, *m.pools.dialogues], m.rng.randint(10, 80))
        more = {"stream": True} | ({"user": f"p{number}"} if m.split != "test" else {})
        inner.append(talk(m, m.pick(["", *heads]), asked(m, topics), 900, more, False))
    return _mixed(m, inner)


def _mixed(m: Maker, inner: list[Iterator[Ask]]) -> Iterator[Ask]:
    """Each session by one of them, from its beginning to its end."""
    while True:
        yield next(inner[(m.moment.session * 2_654_435_761 >> 7) % len(inner)])


SERVICE, PERSON, BURST = "service", "person", "burst"
WEIGHTS: tuple[tuple[Script, float], ...] = (
    (chat_product, 10), (chat_user, 6), (ask_box, 4), (developer, 5), (ide, 5), (support_bot, 9), (support_tools, 4),
    (rag_bot, 8), (jobs.classifier, 9), (jobs.moderation, 2.5), (jobs.extraction, 7), (jobs.translation, 7),
    (jobs.writer, 4), (jobs.studio, 3.5), (jobs.articles, 2), (jobs.editor, 1.5), (jobs.help_pages, 1.5),
    (jobs.quizzes, 2), (jobs.sample_data, 1.5),
    (jobs.embedding_index, 2), (jobs.document_review, 1.5), (jobs.nightly_batch, 1.5), (jobs.harness, 6),
    (jobs.release_day, 1.5), (jobs.judge, 5), (jobs.essay_marks, 1), (jobs.load_test, 2), (jobs.optimiser, 0.8),
    (jobs.voting, 0.8), (jobs.pass_at_k, 0.6), (jobs.repeated_scoring, 0.4), (jobs.red_team, 1.2), (jobs.test_sets, 1),
    (jobs.auditor, 0.8), (jobs.ci_key, 1.5), (coding_agent, 7), (react_agent, 2.5), (tutor, 3), (side_by_side, 0.4),
    (reseller, 3), (wrapper, 2), (pipelines.crew, 2), (pipelines.report, 1), (pipelines.map_reduce, 1.5),
    (pipelines.memory_chat, 1), (pipelines.rag_metrics, 1), (pipelines.graph_index, 1), (pipelines.graded_suite, 1.5),
    (pipelines.serial_translation, 1), (pipelines.guarded, 1.5), (pipelines.front_end, 1.5), (pipelines.evidence, 1),
)  # fmt: skip
"""Ordinary kinds of use and how common each is taken to be among API clients, in parts of a hundred or so."""

_ALONE: dict[str, tuple[str, ...]] = {one.__name__: (PERSON,) for one in (chat_user, developer, ide)}
KINDS: dict[str, tuple[str, ...]] = _ALONE | {
    one.__name__: (SERVICE, PERSON) for one in (chat_product, ask_box, support_bot, support_tools, rag_bot, tutor,
                                               side_by_side, reseller, wrapper)
} | {coding_agent.__name__: (PERSON, BURST), react_agent.__name__: (SERVICE, BURST),
     pipelines.memory_chat.__name__: (SERVICE, PERSON), pipelines.guarded.__name__: (SERVICE, PERSON),
     pipelines.front_end.__name__: (SERVICE, PERSON)}  # fmt: skip
"""The arrivals that an ordinary kind comes with; every other comes as a service or in bursts."""


def kinds_of(script: Script) -> tuple[str, ...]:
    """The arrivals that an ordinary kind can come with."""
    return KINDS.get(script.__name__, (SERVICE, BURST))
