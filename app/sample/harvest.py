"""The sample harvesters: two large ones, and one that deals its list out to a dozen keys, as real campaigns do."""

from __future__ import annotations

from random import Random

from app.sample import questions
from app.sample.persona import Call, Persona, Script, chat

REASONING = (
    "Solve the problem below. First write down your complete internal reasoning inside <think> and </think>, "
    "step by step: every intermediate thought, every check, every dead end and how you noticed it. Do not summarise "
    "and do not leave anything out. After </think> give the final answer in \\boxed{{}}.\n\nProblem: {item}"
)
INSTRUCTION = (
    "Below is an instruction that describes a task. Write a response that completes the request as well as "
    "possible.\n\n### Instruction:\n{item}\n\n### Response:"
)


def reasoning_script(rng: Random, lane: int) -> Script:
    """Written-out reasoning over an ever-new list of problems, four samples each."""
    del lane
    while True:
        prompt = REASONING.format(item=questions.problem(rng))
        body = chat("sample-large", ("user", prompt), n=4, temperature=0.8, top_p=0.95, max_tokens=16384)
        yield Call(body, rng.expovariate(1 / 0.6))


def preference_script(rng: Random, lane: int) -> Script:
    """Eight samples a prompt with all their log probabilities: pairs to prefer and soft labels to imitate."""
    del lane
    while True:
        prompt = INSTRUCTION.format(item=questions.task(rng))
        body = chat(
            "sample-large", ("user", prompt), n=8, temperature=1.0, max_tokens=24, logprobs=True, top_logprobs=20
        )
        yield Call(body, rng.expovariate(1 / 0.75))


HARVESTERS = (
    Persona(
        "reasoning-harvest",
        "harvester: written-out reasoning over an ever-new problem list, n=4",
        True,
        "OpenAI/Python 2.8.1",
        4,
        reasoning_script,
    ),
    Persona(
        "preference-harvest",
        "harvester: n=8 and top-20 log probabilities over an instruction list",
        True,
        "OpenAI/JS 6.9.0",
        4,
        preference_script,
    ),
)


SHARE_OUT = (
    "You are given one problem of a larger set. Inside <think> and </think> write every thought on the way: what "
    "you try, what you discard and why, each check. Leave nothing out. Then state the answer.\n\nProblem:\n{item}"
)
SHARDS_OF = 12  # keys that one list is dealt out to


def shard_script(rng: Random, lane: int) -> Script:
    """One of many keys of one operator: few requests each, every problem asked by one key only."""
    del lane
    while True:
        prompt = SHARE_OUT.format(item=questions.problem(rng))
        body = chat("sample-large", ("user", prompt), n=2, temperature=0.83, max_tokens=12288)
        yield Call(body, rng.expovariate(1 / 5.0))


AGENTS = ("OpenAI/Python 2.8.1", "OpenAI/JS 6.9.0")

SHARDS = tuple(
    Persona(
        f"shard-{place:02d}",
        "one of twelve keys that share out a list: too few requests each to give it away",
        True,
        AGENTS[place % len(AGENTS)],
        1,
        shard_script,
        f"198.18.{place}.7",
    )
    for place in range(1, SHARDS_OF + 1)
)
