"""Score: how much a group looks like one operator that harvests; every part of it a term with a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors import said
from detectors.base import Level, Term
from detectors.campaign import harvest, whole
from detectors.campaign.paces import SHARE
from detectors.campaign.signals import NAN, Facts, Measured, Shared
from detectors.campaign.tells import Kind
from detectors.said import percent

_BEST, _AHEAD = 6.5, 2.0  # nats and lead of members' rows that speak for a group
_APART = ("took_over", "replaced_accounts", "moved_rate", "list_shards", "sign_up")  # no fit has seen these terms
_SIGNED = 0.4  # nats of a sign-up attribute at most: an ordinary group far below review stays there
_TWICE, _OFTEN = 2, 3  # what happens less often says nothing
_CHANCE, _LEAST = 0.01, 1e-12
_ALONE = 2.5  # nats that wordings without agreeing parameters take off
_GROUND = 0.25  # wordings alone reach no review unless surer ground ties so many of the members
_POPULATION = 20_000  # rarity is counted as if there were at least so many clients


@dataclass(frozen=True, slots=True)
class Scoring:
    """Chosen on development seeds alone; see docs/campaigns.md."""

    review: float = 11.25
    alone: float = 14.0  # for review without the members' own rows
    watch: float = 10.0
    members: int = 5  # for review, without those whose own rows lie far behind
    watched: int = 4  # for watching
    moved_members: int = 3  # for both, where refused requests moved or accounts took over from banned ones
    ahead: float = 3.0  # standard errors by which all who use a phrase lead, or it ties nobody by itself
    picked: float = 2.0  # and all who use a system prompt that others have beside the members
    repeated: int = 3  # moves that are a tripwire
    after_ban: float = 48 * 3600.0


def terms(measured: Measured, facts: Facts) -> tuple[Term, ...]:
    """The parts of the score in nats, for and against."""
    m, size = measured, len(measured.members)
    top = wording(m)
    recipe = m.of(Kind.RECIPE)
    parts = [
        _term("size", facts.parties, "count", sized(facts.parties),
              f"{facts.parties:,} clients take part, those of one organisation counted once."),
        _term("answers_taken", m.taken, "share", float(harvest.nats_taken(np.array([m.taken]))[0]), _taken_sentence(m)),
        _term("own_networks", m.networks, "share", 3.0 * (m.networks - 0.5),
              "Its members come from different networks." if m.networks > 0.5
              else "Its members come from the same few networks, as pupils of a class or customers of a reseller do."),
        _term("topics_alike", m.alike, "share", float(harvest.nats_alike(np.array([m.alike]))[0]),
              "The members' requests are about the same things, as shards of one list are." if not m.alike < 0.6
              else "Each member has topics of its own, as independent users of one program have."),
        _term("items_apart", m.apart, "share", 10.0 * np.log(min(m.apart + 0.2, 1.0)),
              "No two members send the same items." if m.apart > 0.8
              else "The members send the same items, as users of one exercise or one public test do."),
    ]  # fmt: skip
    if top is not None:
        parts += _worded(top, size, facts.people)
    if m.kind in (Kind.SYSTEM, Kind.FRAMED_SYSTEM) and asked(m) < 0.3:
        parts.append(_term("system_prompt_alone", asked(m), "share", -3.0,
                           "Only a system prompt ties them, as it ties the users of one product."))  # fmt: skip
    elif m.depth < 4:
        parts.append(_term("few_wordings", m.depth, "count", m.depth - 4.0,
                           f"Half of the members share no more than {said.count(m.depth, 'wording')}."))  # fmt: skip
    if recipe is not None and recipe.members >= 0.8 * size:
        share = recipe.df / max(facts.people, 1)
        parts.append(_term("same_parameters", share, "share", min(2.0, 0.7 * np.log(1.0 / max(share, 1e-6))),
                           f"{recipe.members:,} of {size:,} use the same sampling parameters, which "
                           f"{recipe.df:,} of {facts.people:,} clients use."))  # fmt: skip
    if not facts.framed:
        nats = min(4.0, 10.0 * facts.held) - _ALONE
        text = f"Some are tied by wordings alone; {percent(facts.held)} of them by wordings with their parameters too."
        parts.append(_term("wordings_alone", facts.held, "share", nats, text))
    parts += _signed(m, facts.people) + _events(facts, size)
    return tuple(parts if np.isnan(facts.rank) else _whole(parts, m, facts))


def _whole(parts: list[Term], m: Measured, facts: Facts) -> list[Term]:
    """The terms as they count beside the members' own rows: by the lines that were fitted with them."""
    said = {one.feature: one for one in [*_plain(m), *parts, _ranked(facts)]}
    nats = whole.shipped().terms(m, facts)
    counted = [replace(said[name], share=share) for name, share in nats.items() if share]
    return [*(one for one in parts if one.feature in _APART), *counted]


def _plain(m: Measured) -> list[Term]:
    """Terms that only the lines count, and what is said of others where nothing is to be said without the rows."""
    recipe = m.of(Kind.RECIPE)
    same = recipe.members / len(m.members) if recipe else 0.0
    return [
        _term("own_programs", m.programs, "share", 0.0, "Its members use different programs." if m.programs > 0.5
              else "Its members use the same few programs."),
        _term("same_parameters", same, "share", 0.0,
              f"{percent(same)} of the members use the same sampling parameters."),
        _term("shared_wording", 0.0, "count", 0.0, "They share no wording."),
        _term("moved_requests", 0.0, "count", 0.0, "No refused request came again from another member."),
    ]  # fmt: skip


def _ranked(facts: Facts) -> Term:
    """What the members' own rows say, compared with ordinary clients'."""
    text = (f"Each by its own requests, the members score {facts.rank:.1f} nats on average, more than "
            f"{_further(facts.rank)} of 100 ordinary clients, and three quarters of them at least {facts.low:.1f}, "
            f"more than {_further(facts.low)} of 100.")  # fmt: skip
    return _term("members_rank", facts.rank, "nats", 0.0, text)


def _signed(m: Measured, people: int) -> list[Term]:
    """The sign-up attribute that says most: how many of the members have it, and how few of all others."""
    best: Term | None = None
    for one in m.shared:
        if one.kind is not Kind.SIGNUP:
            continue
        share, rest = one.members / len(m.members), max(people - len(m.members), 1)
        chance = max((one.df - one.members) / rest, 1.0 / rest)
        nats = min(_SIGNED, 0.08 * share * max(float(np.log(share / chance)), 0.0))
        text = f"{one.members:,} of {len(m.members):,} share {named(one)}, which {one.df:,} of {people:,} clients have."
        if best is None or nats > best.share:
            best = _term("sign_up", one.df, "count", nats, text)
    return [] if best is None else [best]


def reached(found: tuple[Term, ...], facts: Facts, scoring: Scoring) -> Level:
    """The level of some terms; who signed up alike is no campaign without the rest."""
    return _reached([(term.feature, term.share) for term in found], facts, scoring)


def _reached(shares: Sequence[tuple[str, float]], facts: Facts, scoring: Scoring) -> Level:
    """The same of each term's name and nats."""
    without = sum(share for name, share in shares if name != "sign_up")
    if level(float(without), facts, scoring) is Level.NONE:
        return Level.NONE
    return level(float(sum(share for _, share in shares)), facts, scoring)


def promising(found: tuple[Term, ...], measured: Measured, facts: Facts, scoring: Scoring) -> bool:
    """Whether a group of these terms would be watched if its members' own rows spoke for it.

    Asked of every group that nobody has heard of: no sentence is put together for it.
    """
    best = facts._replace(rank=_BEST, low=_BEST, lead=_AHEAD, lead_low=_AHEAD, behind=0, ahead=NAN, picked=NAN)
    apart = [(one.feature, one.share) for one in found if one.feature in _APART]
    shares = [*apart, *whole.shipped().terms(measured, best).items()]
    return _reached(shares, best, scoring) is not Level.NONE


def sized(parties: int, rank: float = NAN) -> float:
    """The nats of so many independent clients; fewer where the members' own rows are told."""
    if not np.isnan(rank):
        return whole.shipped().nats("size", float(np.log(max(parties, 1))))
    return min(max(1.8 * math.log(max(parties, 1) / 4.0), 0.0), 6.0)


def asked(m: Measured) -> float:
    """The largest share of the sub-stream's requests that ask for one thing worth training on."""
    return max(m.share(name) for name in harvest.ASKS)


def _worded(top: tuple[Kind, int, int], size: int, people: int) -> list[Term]:
    kind, members, df = top
    return [
        _term("shared_wording", df, "count", min(5.0, 0.5 * np.log(max(people, _POPULATION) / max(df, 2))),
              f"{members:,} of them share {NAMES[kind]} that {df:,} clients use in all."),
        _term("coverage", members / size, "share", 3.0 * np.log(max(members / size, 0.1)),
              f"The most common wording reaches {percent(members / size)} of the members."),
    ]  # fmt: skip


def _events(facts: Facts, size: int) -> list[Term]:
    """What happened between members: displacement, succession, shards of a finite list."""
    parts = []
    if facts.moves:
        part = min(2.0 * facts.movers / size, 1.0)  # what moves between two of many says little of the others
        text = f"{said.count(facts.moves, 'refused request')} came again from another member within seconds; "
        text += f"{facts.movers:,} of {size:,} members took part."
        parts.append(_term("moved_requests", facts.moves, "count", part * min(8.0, 2.5 * facts.moves), text))
    if facts.successors:
        text = f"{said.count(facts.successors, 'client')} began within two days after another was banned."
        parts.append(_term("took_over", facts.successors, "count", min(5.0, 2.0 * facts.successors), text))
    parts += [*_replaced(facts), *_followed(facts, size)]
    if not np.isnan(facts.expected):
        nats, text = shards(facts.expected, facts.overlap)
        parts += [_term("list_shards", facts.overlap, "count", nats, text)] if nats else []
    return parts


def _replaced(facts: Facts) -> list[Term]:
    """Members that are refused for good and each replaced by another: told, and counted as nothing."""
    if facts.replaced < _TWICE or poisson_above(facts.replaced, facts.lost) > _CHANCE:
        return []
    text = (f"{facts.replaced:,} members were answered and then refused with 401 or 403 until they were given up, and "
            f"after each another began within two days from another network; of as many clients {said.few(facts.lost)} "
            "would be refused for good by chance.")  # fmt: skip
    return [_term("replaced_accounts", facts.replaced, "count", 0.0, text)]


def _followed(facts: Facts, size: int) -> list[Term]:
    """A pace that goes on with another member where one is refused, more often than by chance: told, and no more."""
    chance = binomial_above(facts.followed, facts.followed + facts.beside, SHARE)
    if facts.followed < _OFTEN or chance > _CHANCE:
        return []
    usual = facts.beside * SHARE / (1.0 - SHARE)
    text = (f"{facts.followed:,} times a member was refused in its work and fell silent, and within ten seconds one "
            f"that had been silent went on under the same wording from another network, by chance {said.few(usual)} "
            f"times; {facts.followers:,} of {size:,} members took part.")  # fmt: skip
    return [_term("moved_rate", facts.followed, "count", 0.0, text)]


def shards(expected: float, overlap: int) -> tuple[float, str]:
    """The three-way reading of items of a finite list that members share: nats, and what they mean.

    Silent where independent users would hardly share any either, as with open-ended content.
    """
    if expected < 3.0:
        return 0.0, ""
    if overlap > 3.0 * expected:
        return -8.0, f"The members share {overlap:,} items of a finite list, far more than chance: one evaluation run."
    low = poisson_below(overlap, expected)
    if low < 0.01:
        return (
            min(6.0, -np.log(max(low, 1e-12)) / 2.0),
            f"The members share {overlap:,} items of a finite list where independent users would share "
            f"{expected:,.0f}: one scheduler hands out shards.",
        )
    return -2.0, f"The members share {overlap:,} items of a finite list, as many as independent users would."


def poisson_below(count: int, mean: float) -> float:
    """The chance of at most `count` where `mean` are expected."""
    steps = np.arange(min(count, 100_000) + 1)
    logs = steps * np.log(mean) - mean - np.append(0.0, np.cumsum(np.log(np.maximum(steps[1:], 1))))
    top = logs.max()
    return float(min(np.exp(top) * np.exp(logs - top).sum(), 1.0))


def poisson_above(count: int, mean: float) -> float:
    """The chance of at least `count` where `mean` are expected; not less than _LEAST."""
    return max(1.0 - poisson_below(count - 1, mean), _LEAST)


def binomial_above(count: int, total: int, share: float) -> float:
    """The chance of at least `count` of `total` where each is one with a chance of `share`; not less than _LEAST."""
    if count <= 0:
        return 1.0
    ways = np.array(
        [
            math.lgamma(total + 1.0) - math.lgamma(k + 1.0) - math.lgamma(total - k + 1.0)
            for k in range(count, total + 1)
        ]
    )
    steps = np.arange(count, total + 1)
    logs = ways + steps * np.log(share) + (total - steps) * np.log1p(-share)
    return float(np.clip(np.exp(logs).sum(), _LEAST, 1.0))


def _tripped(facts: Facts, scoring: Scoring) -> bool:
    return facts.moves >= scoring.repeated and 2 * facts.movers >= facts.parties


def _eventful(facts: Facts, scoring: Scoring) -> bool:
    return _tripped(facts, scoring) or facts.successors > 0


def needed(facts: Facts, scoring: Scoring) -> float:
    """The score from which a group is reviewed: more where neither rows nor events speak, only what is shared."""
    return scoring.alone if np.isnan(facts.rank) and not _eventful(facts, scoring) else scoring.review


def level(score: float, facts: Facts, scoring: Scoring) -> Level:
    """REVIEW by score and by how many there are whose own rows keep up; repeated displacement is a tripwire."""
    tripped, eventful = _tripped(facts, scoring), _eventful(facts, scoring)
    if (facts.ahead < scoring.ahead or facts.picked < scoring.picked) and not eventful:
        return Level.NONE
    least = scoring.moved_members if eventful else scoring.members
    ground = not np.isnan(facts.rank) or facts.framed or eventful or facts.held >= _GROUND
    enough = needed(facts, scoring)
    if ground and facts.parties - facts.behind >= least and (score >= enough or (tripped and score >= scoring.watch)):
        return Level.REVIEW
    least = scoring.moved_members if eventful else scoring.watched
    return Level.WATCH if score >= scoring.watch and facts.parties >= least else Level.NONE


def wording(m: Measured) -> tuple[Kind, int, int] | None:
    """The wording that most members share: kind, members, accounts that have it."""
    top = m.wording
    return (top.kind, top.members, top.df) if top else None


def sentence(m: Measured, facts: Facts) -> str:
    """Why, in one plain sentence."""
    top, size = wording(m), len(m.members)
    who = f"{top[1]:,} of {size:,}" if top and top[1] < size else f"{size:,}"
    about = f"share {NAMES[top[0]]} that {top[2]:,} clients use in all" if top else "are tied by refused requests"
    mixed = float(m.requests.sum()) / max(float(m.total.sum()), 1.0)
    part = "" if mixed > 0.8 else f", in {percent(mixed)} of their requests"
    apart = ", send different items under it" if m.apart > 0.8 else ""
    where = ", and come from different networks" if m.networks > 0.5 else ""
    moved = f"; {said.count(facts.moves, 'refused request')} moved between them" if facts.moves else ""
    return f"{who} clients {about}{part}{apart}{where}{moved}{_standing(facts)}."


def _standing(facts: Facts) -> str:
    """How the members stand among all clients by their own rows, where that was told and speaks for it."""
    if np.isnan(facts.rank) or facts.rank <= 1.4:
        return ""
    return f"; by their own requests they go, on average, further than {_further(facts.rank)} of 100 ordinary clients"


def _further(rank: float) -> int:
    """Of 100 ordinary clients those that score less than so many nats."""
    return max(min(int(100 * (1.0 - float(np.exp(-rank)))), 99), 0)


def cannot_tell(m: Measured, facts: Facts, reached: Level, scoring: Scoring) -> str:
    """The observation that is missing for a verdict; empty where nothing is."""
    if reached is not Level.WATCH:
        return ""
    if facts.parties < scoring.members:
        return f"Only {facts.parties} independent clients so far; {scoring.members} would decide it."
    if facts.parties - facts.behind < scoring.members:
        near = f"Only {facts.parties - facts.behind} of {facts.parties} independent clients score alike"
        return f"{near} by their own requests; {scoring.members} would decide it."
    if np.isnan(facts.rank) and not facts.framed and facts.held < _GROUND:
        return "Only wordings tie them; that the same parameters go with them would decide it."
    if np.isnan(m.alike):
        return "Too few requests to compare what the members' requests are about."
    return "The wording and the parameters may come from a program that many use; a second kind of tie would decide it."


def named(one: Shared) -> str:
    """What members share, with its name where that was supplied."""
    return f"{NAMES[one.kind]} ({one.name})" if one.name else NAMES[one.kind]


NAMES: dict[Kind, str] = {
    Kind.HEAD: "a wording in front of the content", Kind.TAIL: "a wording behind the content",
    Kind.SYSTEM: "a system prompt", Kind.PHRASE: "a phrase",
    Kind.FRAMED: "a wording in front of the content, with its parameters,",
    Kind.FRAMED_TAIL: "a wording behind the content, with its parameters,",
    Kind.FRAMED_SYSTEM: "a system prompt, with its parameters,", Kind.LISTED: "a public list, with its parameters,",
    Kind.TOOLS: "tools or an output schema", Kind.RECIPE: "sampling parameters", Kind.NETWORK: "a network",
    Kind.AGENT: "a client program", Kind.JA4: "a TLS fingerprint", Kind.USER: "an end user's name",
    Kind.SIGNATURE: "a reasoning signature", Kind.BIN: "the same five minutes", Kind.ITEM: "an item of a public list",
    Kind.FRAMED_PHRASE: "a phrase, with its parameters,",
    Kind.SIGNUP: "a sign-up attribute", Kind.INDICATOR: "an imported indicator", Kind.MOVED: "refused requests",
    Kind.FOLLOWED: "a pace that moved", Kind.BESIDE: "a beginning in the same minute",
}  # fmt: skip


def _taken_sentence(m: Measured) -> str:
    chars = 2.0**m.answer
    asked = {"asks_all": "complete reasoning", "asks_plain": "reasoning step by step", "samples": "several samples",
             "logprobs": "log probabilities", "grading": "marks"}  # fmt: skip
    found = [text for name, text in asked.items() if m.share(name) > 0.3]
    text = (
        f"They take about {said.count(chars, 'character')} an answer" if m.answer > 0.5 else "No answer text was seen"
    )
    return text + (f", and they ask for {listed(found)}." if found else ".")


def listed(items: Sequence[str]) -> str:
    """`one`, `one and two`, or `one, two and three`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _term(feature: str, value: float, unit: str, share: float, text: str) -> Term:
    return Term(feature, float(value), unit, NAN, NAN, NAN, float(share), text)
