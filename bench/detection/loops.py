"""Harvests that feed answers back: tasks made and then answered, evolved, graded; blank prompts; trajectories."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from bench.detection import frames
from bench.detection.compose import Ask, Maker
from bench.detection.grammar import Grammar
from bench.detection.talk import SCHEMA, system, user
from detectors.exchange import Message, Operation

_SAMPLING: tuple[dict[str, Any], ...] = (
    {"temperature": 1.0, "top_p": 0.95, "max_tokens": 2048}, {"temperature": 0.7, "top_p": 0.5}, {"temperature": 1.0},
    {},
)  # fmt: skip
_WORDS = re.compile(r"[^\W\d_]{5,}|[\u4e00-\u9fff]{2,4}")
_BLANKS = (
    "",
    " ",
    "<|user|>",
    "<s>[INST] [/INST]",
    "<|im_start|>user\n",
    "<bos><start_of_turn>user\n",
    "\n",
    "### User:\n",
)


def _numbered(texts: Sequence[str]) -> str:
    return "\n".join(f"{at + 1}. {text}" for at, text in enumerate(texts))


def self_instruct(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """A list of new tasks is asked for, then each of them is sent; they seed the next list."""
    frame, settings = m.frame(frames.GENERATE), dict(m.joint.choice(_SAMPLING))
    count = m.joint.choice((5, 8, 12, 20))
    fresh = m.walk(items)
    pool = [next(fresh) for _ in range(12)]
    while True:
        new = [next(fresh)[:600] for _ in range(count)]
        prompt = frame.format(count, _numbered(m.some(pool, 3)))
        yield Ask((user(prompt),), 1_000, settings, answer=_numbered(new), harvest=True)
        for text in new:
            yield Ask((user(text),), m.length(700), settings, "mixed", harvest=True)
        pool = [*pool, *new][-200:]


def topic_tree(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """No list at all: topics are asked for, and an example with its answer for each; some have them marked."""
    split, make = m.frame(frames.SUBTOPICS), m.frame(frames.EXAMPLE)
    settings = dict(m.joint.choice(_SAMPLING)) | m.joint.choice(({}, {"schema": SCHEMA}))
    count, marks, form = m.joint.choice((5, 10, 20)), m.joint.random() < 0.3, m.joint.choice(("record", "list"))
    fresh = m.walk(items)
    while True:
        root, *leaves = [" ".join(_WORDS.findall(next(fresh))[:3]) or "trade" for _ in range(count + 1)]
        yield Ask((user(split.format(count, root)),), 300, settings, answer=_numbered(leaves), harvest=True)
        for leaf in leaves:
            prompt = make.format(f"{root} > {leaf}")
            answer = m.say(form, prompt, m.length(1_100))
            yield Ask((user(prompt),), len(answer), settings, answer=answer, harvest=True)
            if marks:
                order = f"Rate the example for quality from 1 to 5. JSON.\n{answer[:2_000]}"
                yield Ask((user(order),), 160, settings, "verdict", harvest=True)


def grown(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Lists of new tasks alone, with their answers in the same reply, under examples from earlier replies."""
    frame, settings = m.frame(frames.GENERATE), dict(m.joint.choice(_SAMPLING))
    count = m.joint.choice((5, 10, 20))
    fresh = m.walk(items)
    pool = [next(fresh) for _ in range(12)]
    while True:
        new = [next(fresh)[:400] for _ in range(count)]
        answer = _numbered([f"{text}\n{m.say('prose', text, 160)}" for text in new])
        prompt = frame.format(count, _numbered(m.some(pool, m.joint.choice((3, 3, 8)))))
        yield Ask((user(prompt),), len(answer), settings, answer=answer, harvest=True)
        pool = [*pool, *new][-200:]


def evolve(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """A task is rewritten to be harder; the answer is the next prompt, answered, and rewritten again."""
    frame, settings = m.frame(frames.EVOLVE), dict(m.joint.choice(_SAMPLING))
    rounds = m.joint.choice((1, 2, 4))
    for text in m.walk(items):
        for _ in range(rounds):
            order = frame.format(m.pick(frames.WAYS), text)
            text = f"{text} {m.pick(frames.ADDED)} {m.say('prose', text, 90)}"
            yield Ask((user(order),), len(text), settings, answer=text, harvest=True)
            yield Ask((user(text),), m.length(800), settings, "mixed", harvest=True)


def graded(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """A task, one or several candidate replies of models, a mark for each."""
    frame, settings = m.frame(frames.GRADE), dict(m.joint.choice(_SAMPLING))
    candidates = m.joint.choice((1, 1, 2, 4))
    for text in m.walk(items):
        for _ in range(candidates):
            reply = m.say("mixed", text, m.length(500))
            yield Ask((user(frame.format(text, reply)),), m.length(260), settings, "verdict", harvest=True)


def judged(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """The replies are fetched here first, then sent back in pairs to be compared."""
    frame, settings = m.frame(frames.PAIRWISE), dict(m.joint.choice(_SAMPLING))
    own = m.joint.random() < 0.5
    for text in m.walk(items):
        replies = [m.say("mixed", text, m.length(450)) for _ in range(2)]
        for reply in replies if own else []:
            yield Ask((user(text),), len(reply), settings, answer=reply, harvest=True)
        yield Ask((user(frame.format(text, *replies)),), m.length(140), settings, "verdict", harvest=True)


def magpie(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Nothing is asked, so that the model makes up a request; each such request is then sent once."""
    settings: dict[str, Any] = {"temperature": 1.0, "max_tokens": 2048} | m.joint.choice(({}, {}, {"choices": 8}))
    blank = m.ours(_BLANKS)
    settings["operation"] = m.joint.choice((Operation.COMPLETION, Operation.CHAT))
    follow = m.joint.random() < 0.6
    for text in m.walk(items):
        yield Ask((user(blank),), len(text), settings, answer=text, harvest=True)
        if follow:
            single = {name: value for name, value in settings.items() if name != "choices"}
            yield Ask((user(text),), m.length(700), single, "mixed", harvest=True)


def trajectories(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Many unrelated tasks from one opening, each with tools of its own, results that a model made, no pauses."""
    head, settings = m.frame(frames.AGENT), dict(m.joint.choice(_SAMPLING))
    grammar = Grammar(m.language, m.rng)
    invent = m.joint.random() < 0.6
    for text in m.walk(items):
        names = m.some(grammar.nouns, 4) if invent else ["search", "open", "finish"]
        tools = json.dumps([{"name": f"get_{name}", "parameters": {"q": "string"}} for name in names])
        history = [*system(head), user(text)]
        steps = m.rng.randint(2, 7)
        for step in range(steps):
            last = step == steps - 1
            answer = m.say("prose", text, m.length(120 if not last else 500))
            more = settings | {"tools": tools, "tool_calls": int(not last)}
            yield Ask(tuple(history), len(answer), more, answer=answer, harvest=True)
            history += [Message("assistant", answer), Message("tool", m.say("record", text, 200))]
