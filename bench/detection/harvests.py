"""Harvests: what known pipelines send, by family and variant, over lists that no ordinary client has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from bench.detection import frames
from bench.detection.compose import Ask, Maker, Script
from bench.detection.lists import Lists
from bench.detection.loops import evolve, graded, grown, judged, magpie, self_instruct, topic_tree, trajectories
from bench.detection.sources import Pools
from bench.detection.talk import lines, system, talk, user
from detectors.exchange import Dialect, Operation

SAMPLES = (Dialect.OPENAI, Dialect.GEMINI)
WARM: tuple[dict[str, Any], ...] = (
    {"temperature": 0.7, "max_tokens": 2048},
    {"temperature": 1.0},
    {},
    {"temperature": 0.0},
    {"max_tokens": 4096},
)
"""Settings of harvests without a need of their own: those that ordinary programs have too."""


class Variant(NamedTuple):
    """One way to harvest: its family, what it walks, what the API must offer, and its script over the items."""

    name: str
    family: str
    kind: str  # of list; see lists.KINDS, and "documents"
    make: Callable[..., Iterator[Ask]]
    dialects: tuple[Dialect, ...] = ()


def _walk(
    m: Maker, items: Sequence[str], wrap: Sequence[str], chars: float, kind: str = "mixed", more: Any = None,
    head: Sequence[str] = (),
) -> Iterator[Ask]:  # fmt: skip
    """A list, each item once, in one frame."""
    frame = m.frame(wrap) if wrap else "{}"
    order = system(m.frame(head)) if head else []
    settings = dict(m.joint.choice(WARM) if more is None else m.joint.choice(more))
    for text in m.walk(items):
        yield Ask((*order, user(frame.format(text))), m.length(chars), settings, kind, harvest=True)


def _walker(wrap: Sequence[str], chars: float, kind: str = "mixed", **more: Any) -> Callable[..., Iterator[Ask]]:
    return partial(_walk, wrap=wrap, chars=chars, kind=kind, **more)


def _in_system(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """The demand for written reasoning stands in the system prompt, the items are bare."""
    order = system(m.frame(frames.PRIVATE).format("").strip())
    settings = dict(m.joint.choice(WARM))
    for text in m.walk(items):
        yield Ask((*order, user(text)), m.length(1_800), settings, "reasoning", harvest=True)


def _batches(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """A list through the batch interface, a file of lines at a time."""
    frame, size = m.frame((*frames.ALPACA, "{}", "{}")), m.joint.choice((8, 12, 20))
    texts = m.walk(items)
    while True:
        messages, more = lines([frame.format(next(texts)) for _ in range(size)])
        yield Ask(messages, 0, more, harvest=True)


def _sweep(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Each item at several temperatures."""
    heats = m.joint.choice(((0.2, 0.7, 1.0, 1.3), (0.0, 0.5, 1.0), (0.3, 0.6, 0.9, 1.2)))
    for text in m.walk(items):
        for heat in heats:
            yield Ask((user(text),), m.length(900), {"temperature": heat}, harvest=True)


def _embeddings(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Vectors of a whole list, in batches."""
    size = m.joint.choice((1, 16, 64))
    for text in m.walk(items):
        more = {"operation": Operation.EMBEDDING, "prompts": size}
        yield Ask((user(text),), 0, more, harvest=True)


def _documents(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Question and answer pairs from pieces of a corpus, then a mark for each set of pairs."""
    frame, settings = m.frame(frames.QUESTIONS), dict(m.joint.choice(WARM))
    curate = m.joint.random() < 0.5
    for text in m.walk(items):
        start = m.rng.randint(0, max(0, len(text) - 400))
        prompt = frame.format(m.rng.randint(3, 25), text[start : start + 1_800])
        answer = m.say("list", prompt, m.length(1_200))
        yield Ask((user(prompt),), len(answer), settings, answer=answer, harvest=True)
        if curate:
            marks = f"Rate each pair from 1 to 10 for training. JSON.\n{answer[:1_500]}"
            yield Ask((user(marks),), 200, settings, "record", harvest=True)


def _clean(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Reasoning is fetched, then sent back to be tidied."""
    ask, tidy, settings = m.frame(frames.BOXED), m.frame(frames.CLEAN), dict(m.joint.choice(WARM))
    for text in m.walk(items):
        prompt = ask.format(text)
        trace = m.say("reasoning", prompt, m.length(1_400))
        yield Ask((user(prompt),), len(trace), settings, answer=trace, harvest=True)
        yield Ask((user(tidy.format(trace)),), 0.9 * len(trace), settings, "reasoning", harvest=True)


def _rerouted(m: Maker, items: Sequence[str]) -> Iterator[Ask]:
    """Another assistant's users, answered by this model under that assistant's name, and kept."""
    head = m.frame(frames.FOREIGN)
    for ask in talk(m, head, m.walk([*items, *m.pools.questions]), 900, {"stream": m.chance(0.6)}, False):
        ask.harvest = True
        yield ask


_FOUR: tuple[dict[str, Any], ...] = (
    {"choices": 4, "temperature": 0.6, "top_p": 0.95, "max_tokens": 16_384}, {"choices": 4, "temperature": 0.7},
)  # fmt: skip
_EIGHT: tuple[dict[str, Any], ...] = (
    {"choices": 8, "temperature": 1.0, "max_tokens": 512}, {"choices": 5, "temperature": 1.0}, {"choices": 3},
)  # fmt: skip
_SCORED: tuple[dict[str, Any], ...] = tuple(
    {"top_logprobs": top, "temperature": heat} for top, heat in ((20, 0.7), (20, 0.0), (5, 1.0))
)
_SHORT: tuple[dict[str, Any], ...] = tuple(
    {"top_logprobs": top, "temperature": 1.0, "max_tokens": most} for top, most in ((20, 24), (5, 5), (20, 1))
)

VARIANTS: tuple[Variant, ...] = (
    Variant("prompt list, bare", "prompt list", "instructions", _walker((), 800)),
    Variant("prompt list, template", "prompt list", "instructions", _walker(frames.ALPACA, 800)),
    Variant("prompt list, code", "prompt list", "code", _walker((), 900, "code")),
    Variant("prompt list, batches", "prompt list", "instructions", _batches),
    Variant("reasoning", "reasoning", "maths", _walker(frames.BOXED, 2_000, "reasoning")),
    Variant("reasoning, n=4", "reasoning", "maths", _walker(frames.BOXED, 1_500, "reasoning", more=_FOUR), SAMPLES),
    Variant("private reasoning", "reasoning", "maths", _walker(frames.PRIVATE, 2_000, "reasoning")),
    Variant("private reasoning, code", "reasoning", "code", _walker(frames.PRIVATE, 2_000, "reasoning")),
    Variant("private reasoning, system", "reasoning", "maths", _in_system),
    Variant("reasoning behind answers", "reasoning", "maths", _walker(frames.BEHIND, 1_200, "reasoning")),
    Variant("traces cleaned", "traces cleaned", "maths", _clean),
    Variant("self-instruct", "self-instruct", "instructions", self_instruct),
    Variant("self-instruct, tasks alone", "self-instruct", "instructions", grown),
    Variant("topic tree", "topic tree", "instructions", topic_tree),
    Variant("evolve", "evolve", "instructions", evolve),
    Variant("grading", "grading", "instructions", graded),
    Variant("grading, pairs", "grading", "instructions", judged),
    Variant("grading, rubric list", "grading", "rubric", _walker((), 450, "verdict")),
    Variant("preference, n=8", "preference", "instructions", _walker((), 500, more=_EIGHT), SAMPLES),
    Variant("temperature sweep", "preference", "instructions", _sweep),
    Variant("log probabilities", "log probabilities", "instructions", _walker((), 800, more=_SCORED), SAMPLES),
    Variant("log probabilities, short", "log probabilities", "instructions", _walker((), 100, more=_SHORT), SAMPLES),
    Variant("trajectories", "trajectories", "tools", trajectories),
    Variant("embeddings", "embeddings", "instructions", _embeddings),
    Variant("documents", "documents", "documents", _documents),
    Variant("blank prompts", "blank prompts", "instructions", magpie),
    Variant("rewriting", "rewriting", "instructions", _walker(frames.NEUTRAL, 600, "prose")),
    Variant("rerouted users", "rerouted users", "instructions", _rerouted),
)
"""Every way to harvest. Families group what has the same ingredients, for leaving one out."""

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(one.family for one in VARIANTS))


def script(variant: Variant, items: Sequence[str]) -> Script:
    """The variant over given items."""
    return partial(variant.make, items=items)


def covered(harvest: Script, other: Script, share: float) -> Script:
    """A harvest with a share of an ordinary client's requests in between."""

    def mixed(m: Maker) -> Iterator[Ask]:
        own, cover = harvest(m), other(m)
        while True:
            yield next(cover if m.chance(share) else own)

    return mixed if share else harvest


def warmed(harvest: Script, other: Script, requests: int) -> Script:
    """So many ordinary requests first, then the harvest."""

    def late(m: Maker) -> Iterator[Ask]:
        yield from islice(other(m), requests)
        yield from harvest(m)

    return late


def families(given: Lists) -> dict[str, Script]:
    """Each variant's script over a source of the client's language, by name."""
    return {one.name: partial(_anywhere, variant=one, given=given) for one in VARIANTS}


def _anywhere(m: Maker, variant: Variant, given: Lists) -> Iterator[Ask]:
    if variant.kind == "documents":
        return variant.make(m, m.pools.documents)
    return variant.make(m, m.pick(given.sources(m.language, variant.kind))[1])


def items_of(pools: Pools, language: str, named: Sequence[str], kind: str) -> Sequence[str]:
    """What a variant walks: a list's items, or the documents of a language."""
    return pools.others.get(language, pools).documents if kind == "documents" else named
