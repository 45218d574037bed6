"""Attackers who know what is looked for, composed from their texts on: what each does, and what it costs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench.detection import dataset, frames, harvests, store
from bench.detection import profile as profiles
from bench.detection.compose import Account, Ask, Habits, Maker
from bench.detection.dataset import Plan, World
from bench.detection.harvests import VARIANTS, Variant
from bench.detection.paraphrase import reword
from bench.detection.sources import Split
from bench.detection.talk import SCHEMA
from detectors.exchange import Message

BASES = (
    "prompt list, bare", "prompt list, template", "reasoning", "private reasoning", "self-instruct", "evolve",
    "grading", "temperature sweep", "log probabilities", "trajectories",
)  # fmt: skip
CAP = 300
WARM_UP = 100  # ordinary requests before the first of the harvest
SKILLS = 8  # accounts that one list is divided over


class Case(NamedTuple):
    """What an evasion starts from."""

    plan: Plan
    made: World
    rng: Random


class Evasion(NamedTuple):
    """One way to hide: its name, its price in words, harvested answers for each request, and the change of plan."""

    name: str
    cost: str
    throughput: float
    change: Callable[[Case], Plan]
    only: tuple[str, ...] = ()  # variants that it makes sense for; empty: all


def _own(case: Case) -> Plan:
    return case.plan


def _rewritten(case: Case) -> Plan:
    script = case.plan.script

    def put(m: Maker) -> Iterator[Ask]:
        for ask in script(m):
            yield replace(ask, messages=tuple(_other_words(one, m.rng) for one in ask.messages))

    return replace(case.plan, script=put)


def _other_words(message: Message, rng: Random) -> Message:
    if message.role not in ("user", "system") or not message.text.strip():
        return message
    return Message(message.role, reword(message.text, rng, 0.7))


def _human_hours(case: Case) -> Plan:
    a_day = min(case.plan.profile.a_day, 150.0)
    return replace(case.plan, profile=replace(case.plan.profile, kind="person", arrival="person", a_day=a_day))


def _repeating(case: Case) -> Plan:
    script = case.plan.script

    def put(m: Maker) -> Iterator[Ask]:
        sent: list[Ask] = []
        for ask in script(m):
            yield ask
            sent = [*sent[-80:], replace(ask, harvest=False)]
            while m.chance(0.3):
                yield m.pick(sent)

    return replace(case.plan, script=put)


def _covered(share: float) -> Callable[[Case], Plan]:
    def change(case: Case) -> Plan:
        other = dataset.persona(case.rng, case.plan.profile.kind)
        script = harvests.covered(case.plan.script, other, share)
        return replace(case.plan, script=script, persona=other.__name__, cover=share)

    return change


def _scattered(case: Case) -> Plan:
    return replace(case.plan, profile=replace(case.plan.profile, networks=profiles.networks(case.rng, 400)))


def _quiet(case: Case) -> Plan:
    _, items = dataset.source_of(case.made, case.rng, _variant("reasoning"), case.plan.profile.language)
    frame = case.rng.choice(frames.QUIET[0::2] if case.made.split == "dev" else frames.QUIET[1::2])

    def put(m: Maker) -> Iterator[Ask]:
        for text in m.walk(items):
            yield Ask((Message("user", frame.format(text)),), m.length(2_000), {}, "reasoning", harvest=True)

    return replace(case.plan, script=put)


def _warmed(case: Case) -> Plan:
    other = dataset.persona(case.rng, case.plan.profile.kind)
    script = harvests.warmed(case.plan.script, other, WARM_UP)
    return replace(case.plan, script=script, persona=other.__name__, cap=case.plan.cap + WARM_UP)


def _words(text: str) -> set[str]:
    """The words, or pairs of characters where a text has no spaces."""
    words = set(text.lower().split())
    return words if len(words) > 2 else {text[at : at + 2] for at in range(len(text) - 1)}


def _narrow(case: Case) -> Plan:
    """One skill of the list: the items that are nearest to one of them by the words they share."""
    assert case.plan.variant is not None
    _, items = dataset.source_of(case.made, case.rng, case.plan.variant, case.plan.profile.language)
    centre = _words(case.rng.choice(items))
    ranked = sorted(items, key=lambda text: -len(centre & (words := _words(text))) / (4 + len(words)))
    return replace(case.plan, script=harvests.script(case.plan.variant, ranked[: max(60, len(items) // SKILLS)]))


def _formatted(ask: Ask, m: Maker) -> Ask:
    """The same answer as the one field of a record."""
    text = ask.answer
    if text is None:
        text = m.say(ask.kind, ask.messages[-1].text if ask.messages else "", ask.chars)
    return replace(ask, answer=json.dumps({"answer": text}, ensure_ascii=False), more={"schema": SCHEMA} | ask.more)


def _named(ask: Ask, m: Maker) -> Ask:
    return replace(ask, more={"user": f"u{m.rng.randint(1, 400)}"} | ask.more)


def _greeted(ask: Ask, m: Maker) -> Ask:
    """One made-up turn stands before the prompt, unless another does already."""
    del m
    return _after(ask, (Message("user", "Hello"), Message("assistant", "Hello! How can I help you today?")))


def _looked_up(ask: Ask, m: Maker) -> Ask:
    """A made-up call of a tool and its result stand before the prompt, unless another turn does already."""
    found = Message("tool", f'{{"hits": {m.rng.randint(0, 9)}}}')
    return _after(ask, (Message("user", "Hello"), Message("assistant", "I look that up."), found))


_INSTRUCTED = "You are the assistant of a company that sells garden tools. Be polite, brief and correct." + (
    " Never speak of prices that are not in the catalogue." * 6
)
_BEFORE = ("hi", "Hello,", "hey", "Good morning", "Hi there!", "Dear assistant,", "yo", "")
_BEHIND = (
    "Thanks!", "please", "thx in advance", "Cheers", "Hope you can help.", "Need it by tonight.", "I'm new to this.",
    "Sorry for the long message.", "Any ideas?", "kind regards, Tom", "ok?", "my boss wants to know", "no rush",
)  # fmt: skip


def _instructed(ask: Ask, m: Maker) -> Ask:
    """A product's system prompt stands before all, unless the request has one."""
    del m
    if any(one.role == "system" for one in ask.messages):
        return ask
    return replace(ask, messages=(Message("system", _INSTRUCTED), *ask.messages))


def _greeting(ask: Ask, m: Maker) -> Ask:
    return _reworded(ask, lambda text: f"{m.pick(_BEFORE)} {text}".strip())


def _thanking(ask: Ask, m: Maker) -> Ask:
    return _reworded(ask, lambda text: f"{text}\n\n{m.pick(_BEHIND)}")


def _reworded(ask: Ask, change: Callable[[str], str]) -> Ask:
    """The last user turn put otherwise."""
    at = max((place for place, one in enumerate(ask.messages) if one.role == "user"), default=-1)
    if at < 0:
        return ask
    changed = Message("user", change(ask.messages[at].text))
    return replace(ask, messages=(*ask.messages[:at], changed, *ask.messages[at + 1 :]))


def _after(ask: Ask, made: tuple[Message, ...]) -> Ask:
    roles = [one.role for one in ask.messages]
    if "assistant" in roles or "user" not in roles:
        return ask
    at = roles.index("user")
    return replace(ask, messages=(*ask.messages[:at], *made, *ask.messages[at:]))


def _as_retry(ask: Ask, m: Maker) -> Ask:
    """The header by which a client library says that it sends a request again."""
    del m
    return replace(ask, more=ask.more | {"retry": True})


def _jittered(ask: Ask, m: Maker) -> Ask:
    heat = ask.more.get("temperature", m.profile.heat)
    heat = 0.7 if heat is None else heat
    return replace(ask, more=ask.more | {"temperature": max(heat + m.rng.uniform(-3e-4, 3e-4), 0.0)})


def _labelled(*marks: Callable[[Ask, Maker], Ask]) -> Callable[[Case], Plan]:
    """Marks of an ordinary use on every request; the answers are what they were."""

    def change(case: Case) -> Plan:
        script = case.plan.script

        def put(m: Maker) -> Iterator[Ask]:
            for ask in script(m):
                for mark in marks:
                    ask = mark(ask, m)
                yield ask

        return replace(case.plan, script=put)

    return change


EVASIONS: tuple[Evasion, ...] = (
    Evasion("none", "nothing", 1.0, _own),
    Evasion("other words each time", "one call of a small model for each prompt", 1.0, _rewritten),
    Evasion("human hours", "at most some 150 requests an account a day, so more accounts", 1.0, _human_hours),
    Evasion("repeats", "three requests in ten bring nothing new", 0.7, _repeating),
    Evasion("cover 5 %", "one request in twenty is for show", 0.95, _covered(0.05)),
    Evasion("cover 25 %", "one request in four is for show", 0.75, _covered(0.25)),
    Evasion("cover 50 %", "every second request is for show", 0.5, _covered(0.5)),
    Evasion("a network for each request", "rent of residential addresses", 1.0, _scattered),
    Evasion("unlisted phrases", "reasoning in a form that has to be cleaned", 1.0, _quiet, ("private reasoning",)),
    Evasion("warm-up", f"{WARM_UP} requests and days before the first answer", 2.0 / 3.0, _warmed),
    Evasion("a fixed format on each request", "nothing: the text comes inside it", 1.0, _labelled(_formatted)),
    Evasion("end-user ids made up", "nothing", 1.0, _labelled(_named)),
    Evasion("a turn made up before each prompt", "some 15 tokens a request", 1.0, _labelled(_greeted)),
    Evasion("a tool's result made up before each", "some 30 tokens a request", 1.0, _labelled(_looked_up)),
    Evasion("a system prompt on each request", "some 90 tokens a request", 1.0, _labelled(_instructed)),
    Evasion("a greeting before each prompt", "nothing", 1.0, _labelled(_greeting)),
    Evasion("a phrase behind each prompt", "nothing", 1.0, _labelled(_thanking)),
    Evasion("each request called a retry", "nothing", 1.0, _labelled(_as_retry)),
    Evasion("a jitter of the temperature", "nothing", 1.0, _labelled(_jittered)),
    Evasion("all three marks", "some 15 tokens a request", 1.0, _labelled(_formatted, _named, _greeted)),
    Evasion("one skill an account", f"{SKILLS} accounts for one list", 1.0, _narrow),
)
"""What attackers may do. `throughput` counts harvested answers for each request, against the plain harvest."""


def _variant(name: str) -> Variant:
    return next(one for one in VARIANTS if one.name == name)


def compose(data: Path | None, seed: int, each: int = 3, split: Split = "test") -> Iterator[Account]:
    """`each` accounts of every base variant for every evasion, the plain harvest first; kept on disk."""
    key = store.digest(data, seed, each, split, more=("evasions",))
    return store.cached(f"evasions-{split}-{seed}{'' if data else '-made'}", key, composed(data, seed, each, split))


def composed(
    data: Path | None, seed: int, each: int, split: Split, names: tuple[str, ...] = BASES
) -> Iterator[Account]:
    """The same for any base variants, made anew."""
    made = dataset.world(data, split)
    for evasion in EVASIONS:
        for name in evasion.only or names:
            for number in range(each):
                yield dataset.build(made, plan(made, evasion, _variant(name), f"{split}/{seed}", number))


def plan(made: World, evasion: Evasion, variant: Variant, seed: str, number: int) -> Plan:
    """One account's plan; the same account without the evasion has the same client program, list and pace."""
    base = f"evasions/{seed}/{variant.name}/{number}"
    rng = Random(f"{base}/plan")
    profile = profiles.draw(rng, made.pools, bands=(4_000.0, 400.0), dialects=variant.dialects)
    source, items = dataset.source_of(made, Random(f"{base}/list"), variant, profile.language)
    plain = Plan(
        f"{base}/{evasion.name}", harvests.script(variant, items), profile, "", CAP, 7.0, variant, source,
        habits=Habits(base),
    )  # fmt: skip
    changed = evasion.change(Case(plain, made, Random(f"{base}/{evasion.name}/change")))
    return replace(changed, evasion=evasion.name, throughput=evasion.throughput)


def cost_table() -> str:
    """What each evasion costs whoever uses it, in Markdown."""
    rows = [f"| {one.name} | {one.cost} | {one.throughput:.2f} |" for one in EVASIONS]
    return "\n".join(["| evasion | cost to the attacker | answers a request |", "|---|---|---:|", *rows, ""])
