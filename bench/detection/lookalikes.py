"""Groups of ordinary accounts that share what campaigns share: one firm, one class, one library, one shop, one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

from bench.detection import arrivals, personas
from bench.detection import profile as profiles
from bench.detection.compose import Ask, Habits, Maker, Script
from bench.detection.dataset import Plan, World
from bench.detection.profile import Profile
from bench.detection.talk import asked, system, talk, temperature, user

_FIRM = (
    "You write for the catalogue of firm {}. Describe this item in our house style.\n{{}}",
    "Ticket of firm {}. Summarise it for the engineer on duty, in three lines.\n{{}}",
    "Contract desk {}. List what the counterparty must do, clause by clause.\n{{}}",
    "Firm {} sorts its post. Say which desk should answer, and why.\n{{}}",
)
_LIBRARY = (
    "Use the following pieces of context to answer the question at the end. If you don't know, say so.\n\n{}\n\n"
    "Question: {}\nHelpful Answer:",
    "Context information is below.\n---------------------\n{}\n---------------------\nGiven the context alone and no "
    "prior knowledge, answer the query.\nQuery: {}\nAnswer:",
    "Given the conversation below and a follow up question, rephrase it as a standalone one.\n{}\nFollow up: {}",
    "{}\n\nTaking only the material above into account, reply to the user's request: {}\nReply:",
)
_HARNESS = (
    "Question: {}\nLet's think step by step, and finish with the answer after ####.",
    "Problem: {}\nSolution (show your work, then state the final answer):",
    "Q: {}\nA: Let's think step by step.",
    "{}\n\nReason it out. The last line must be the answer alone.",
)
_CLASS = (
    "Help me with this exercise from class. Explain it step by step.\n{}",
    "homework: {}",
    "We have to do this one until Friday, how does it work?\n{}",
    "{}",
)
_SHOP = ("You are served by gateway {}. Follow the customer's instructions.", "Reply through relay {}. Stay polite.")


def company(m: Maker) -> Iterator[Ask]:
    """A firm's team: the firm's frame and settings over the team's own records."""
    frame = m.frame(_FIRM).format(m.joint.randint(1, 9_999))
    more: dict[str, Any] = m.joint.choice(({}, {"temperature": 0.2}, {"temperature": 0.7, "max_tokens": 1024}))
    texts = m.pools.short if m.joint.random() < 0.5 else m.pools.documents
    for text in m.walk(m.some(texts, 120)):
        yield Ask((user(frame.format(text[:1_200])),), m.length(600), more, "prose")


def classroom(m: Maker) -> Iterator[Ask]:
    """A pupil: the exercises of the week, in the pupil's own words, with questions back."""
    exercises = m.joint.sample(list(m.pools.maths), 20)
    frame = m.ours(_CLASS)
    opener = (frame.format(text) for text in m.walk(exercises))
    return talk(m, "", opener, 800, {"stream": True}, False, "reasoning")


def library(m: Maker) -> Iterator[Ask]:
    """A user of a popular library: its template and defaults over documents and questions of the user's own."""
    frame = m.frame(_LIBRARY)
    pages = m.some(m.pools.documents, m.rng.randint(8, 60))
    more = m.joint.choice(({}, {"temperature": 0.7}, {"temperature": 0.0}))
    head = system(f"{m.pick(m.pools.personas)} No. {m.rng.randint(1, 999)}") if m.chance(0.5) else []
    for question in asked(m, [*m.pools.questions, *m.pools.short], 0.1):
        text = frame.format("\n\n".join(page[:500] for page in m.some(pages, 3)), question[:400])
        yield Ask((*head, user(text)), m.length(450), more, "prose")


def shop(m: Maker) -> Iterator[Ask]:
    """A reseller's customer: the reseller's line in front of whatever the customer does."""
    line = m.frame(_SHOP).format(m.joint.randint(1, 9_999))
    kinds = [script for script, _ in personas.WEIGHTS if m.profile.kind in personas.kinds_of(script)]
    for ask in m.rng.choice(kinds)(m):
        rest = [one for one in ask.messages if one.role != "system"]
        own = " ".join(one.text for one in ask.messages if one.role == "system")
        yield replace(ask, messages=(*system(f"{line} {own}".strip()), *rest))


def harness(m: Maker) -> Iterator[Ask]:
    """A laboratory with a public harness: its frame, its order, its question set, again for each model."""
    frame = m.frame(_HARNESS)
    items = list(m.pools.maths)[: m.joint.choice((60, 120, 250))]
    more = temperature(m, 0.0, 0.0, None) | {"max_tokens": 1024}
    while True:
        for item in items:
            yield Ask((user(frame.format(item)),), m.length(700), more, "reasoning")


GROUPS: dict[str, Script] = {
    "company keys": company, "classroom": classroom, "library users": library, "reseller's customers": shop,
    "public harness": harness,
}  # fmt: skip
_KINDS = {"classroom": ("person",), "library users": ("service", "person")}


def group(made: World, name: str, seed: str, size: int, days: float = 7.0) -> Iterator[Plan]:
    """One group's accounts; what its members share by nature is shared: network, program, lesson."""
    rng = Random(f"{seed}/group")
    language = profiles.draw(rng, made.pools).language
    first = profiles.draw(rng, made.pools, _KINDS.get(name, ()))
    for number in range(size):
        own = Random(f"{seed}/{number}/plan")
        profile = profiles.draw(own, made.pools, _KINDS.get(name, ()))
        requests = own.randint(20, 100)
        profile = replace(
            profile, language=language, local=first.local, a_day=max(profile.a_day, requests / (0.6 * days))
        )
        profile = _SHARED.get(name, _own)(profile, first)
        late = 0.0 if name != "classroom" else own.gauss(0.0, 900.0) + 43_200.0
        yield Plan(
            f"{seed}/{number}", GROUPS[name], profile, name, requests, days, campaign=f"{name} {seed}",
            habits=Habits(f"{seed}/group"), late=max(late, 0.0),
        )  # fmt: skip


def _own(profile: Profile, _: Profile) -> Profile:
    return profile


def _networked(profile: Profile, first: Profile) -> Profile:
    return replace(profile, networks=first.networks)


def _served(profile: Profile, first: Profile) -> Profile:
    return replace(profile, networks=first.networks, agent=first.agent, dialect=first.dialect, ja4=first.ja4)


def _programmed(profile: Profile, first: Profile) -> Profile:
    return replace(profile, agent=first.agent, dialect=first.dialect, operation=first.operation)


_SHARED: dict[str, Callable[[Profile, Profile], Profile]] = {
    "company keys": _networked, "classroom": _networked, "library users": _programmed, "reseller's customers": _served,
    "public harness": _programmed,
}  # fmt: skip
DAYS = arrivals.WEEK / arrivals.DAY
