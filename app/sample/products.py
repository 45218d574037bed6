"""Ordinary sample clients with people behind them: support, chat, RAG, voting, coding agent, a developer."""

from __future__ import annotations

from random import Random
from typing import Any

from app.sample import prose, questions
from app.sample.persona import Body, Call, Persona, Script, chat

SUPPORT = (
    "You are the help desk of Penfold Ferries. Be brief and friendly. Refunds take five working days, bicycles travel "
    "free before nine, dogs need a lead, lost tickets are replaced once. Never promise a sailing in a storm; send "
    "people who are angry to the harbour office. If you do not know, say so and give the telephone number."
)
AGENT = (
    "You are a coding agent in a repository. Use the tools to read before you write, keep changes small, run the "
    "tests after every change, and stop when they pass. Never touch files outside the repository."
)
RAG = "Answer from the passages only. Cite the passage's number. If they do not answer it, say that you cannot tell."
STREAMED: Body = {"stream": True, "stream_options": {"include_usage": True}}


def _tool(name: str, meaning: str, *parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": meaning, "parameters": schema}}


TOOLS = [
    _tool("read_file", "Read a file of the repository", "path"),
    _tool("write_file", "Replace a file", "path", "content"),
    _tool("run_tests", "Run the tests that match", "pattern"),
    _tool("search", "Search the repository for a string", "query"),
]


def conversation_script(rng: Random, system: str, turns: int, think: tuple[float, float], users: int) -> Script:
    """People who write a few messages each, with a pause to read and think."""
    while True:
        person = f"u-{rng.randint(1, users):04d}"
        messages = [("system", system)] if system else []
        messages.append(("user", questions.chat(rng)))
        for turn in range(rng.choices(range(1, turns + 1), weights=range(turns, 0, -1))[0]):
            body = chat("sample-small", *messages, user=person, temperature=0.7, **STREAMED)
            reply = yield Call(body, rng.uniform(*think) if turn else rng.expovariate(1 / think[1]))
            messages += [("assistant", reply.text), ("user", questions.follow_up(rng))]


def support_script(rng: Random, lane: int) -> Script:
    """A help desk: one long system prompt, short questions."""
    del lane
    yield from conversation_script(rng, SUPPORT, 4, (1.5, 4.0), 400)


def chat_script(rng: Random, lane: int) -> Script:
    """A chat product behind one key: many people, many topics."""
    del lane
    yield from conversation_script(rng, "", 5, (2.0, 6.0), 3000)


def rag_script(rng: Random, lane: int) -> Script:
    """Questions about a small library of passages that come back again and again."""
    del lane
    library = [prose.paragraph(Random(f"passage {number}"), 4) for number in range(40)]
    while True:
        passages = "\n".join(f"[{place}] {text}" for place, text in enumerate(rng.sample(library, 4), 1))
        prompt = f"Passages:\n{passages}\n\nQuestion: {questions.chat(rng)}"
        body = chat("sample-large", ("system", RAG), ("user", prompt), user=f"e{rng.randint(1, 90)}", **STREAMED)
        yield Call(body, rng.expovariate(1 / 2.5))


def voting_script(rng: Random, lane: int) -> Script:
    """A homework helper that asks three times and takes the majority, for whatever pupils type."""
    del lane
    system = "Answer the pupil's question. End with one line 'Answer: ...'."
    while True:
        question = questions.problem(rng) if rng.random() < 0.4 else questions.chat(rng)
        if rng.random() < 0.2:
            question = f"i dont get this: {question.lower()}"
        body = chat("sample-large", ("system", system), ("user", question), user=f"pupil-{rng.randint(1, 220)}")
        yield Call(body | {"n": 3, "temperature": 0.7, "max_tokens": 400}, rng.expovariate(1 / 2.2))


def agent_script(rng: Random, lane: int) -> Script:
    """A coding agent: the conversation grows by tool calls and their results until the task is done."""
    while True:
        path = f"src/{rng.choice(('routes', 'billing', 'timetable'))}/{rng.choice(('load', 'merge', 'check'))}.py"
        wish = f"In {path}, {prose.sentence(rng)[:-1].lower()}: make the failing test pass."
        messages: list[dict[str, Any]] = [{"role": "system", "content": AGENT}, {"role": "user", "content": wish}]
        pause = rng.uniform(3, 7)
        for _ in range(rng.randint(3, 9)):
            body: Body = {"model": "sample-large", "messages": list(messages), "tools": TOOLS, "temperature": 0.2}
            reply = yield Call(body if lane else body | STREAMED, pause)
            pause = rng.uniform(0.3, 1.2)
            if not reply.tool_calls:
                break
            messages.append({"role": "assistant", "content": None, "tool_calls": list(reply.tool_calls)})
            for call in reply.tool_calls:
                result = f"{path}:{rng.randint(1, 300)}: {prose.paragraph(rng, rng.randint(1, 5))}"
                messages.append({"role": "tool", "tool_call_id": call.get("id", ""), "content": result})


def developer_script(rng: Random, lane: int) -> Script:
    """Somebody who tries things out by hand."""
    del lane
    while True:
        question = rng.choice((questions.chat, questions.task, questions.problem))(rng)
        body = chat(rng.choice(("sample-large", "sample-small")), ("user", question))
        if rng.random() < 0.3:
            body["temperature"] = rng.choice((0, 0.5, 1.0))
        yield Call(body, rng.expovariate(1 / 4))


PRODUCTS = (
    Persona(
        "support-bot",
        "support bot: fixed system prompt, short conversations",
        False,
        "OpenAI/JS 6.9.0",
        3,
        support_script,
    ),
    Persona("chat-product", "chat product: many people behind one key", False, "OpenAI/JS 6.7.2", 6, chat_script),
    Persona("rag-bot", "RAG bot over a small library", False, "python-httpx/0.28.1", 3, rag_script),
    Persona(
        "voting-product", "homework helper: n=3 and a majority vote", False, "OpenAI/Python 2.8.1", 3, voting_script
    ),
    Persona(
        "coding-agent", "coding agents: tools, growing conversations", False, "OpenAI/Python 2.8.1", 3, agent_script
    ),
    Persona("developer", "a developer who tries things out", False, "curl/8.14.1", 1, developer_script),
)
