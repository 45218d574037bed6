"""Composition: a made-up client's requests as exchanges, with arrivals and headers that do not know the label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection import arrivals, local, wordings
from bench.detection.answers import written
from bench.detection.arrivals import Moment
from bench.detection.paraphrase import reword, typed
from bench.detection.profile import Profile, draw
from bench.detection.sources import TRAINING, Pools
from detectors import features
from detectors.engine import WINDOW
from detectors.exchange import Dialect, Exchange, Finish, Message, Operation, Outcome, Usage

HASH_SEED = 20_261_101
EPOCH = 2_917 * WINDOW  # when the seven days begin
CLIP = 5_000  # characters of one message, the same for every label
_OWN = arrivals.own()
_TEXT = (Operation.CHAT, Operation.COMPLETION, Operation.RESPONSE)
_SAMPLES = (Dialect.OPENAI, Dialect.GEMINI)  # several choices and log probabilities are on offer


@dataclass(slots=True)
class Ask:
    """One request before it has a time: the messages, the answer's length and form, and the parameters set."""

    messages: Sequence[Message]
    chars: float  # of one choice
    more: dict[str, Any] = field(default_factory=dict)
    kind: str = "mixed"  # form of the answer, see answers.written
    answer: str | None = None  # the answer itself, where later requests use it
    harvest: bool = False  # what it brings is kept for training


@dataclass(frozen=True, slots=True)
class Habits:
    """What an account has from its operator: a common source of choices, and how far it puts templates differently."""

    operator: str = ""
    reword: float = 0.0


ALONE = Habits()
Script = Callable[["Maker"], Iterator[Ask]]


class Maker:
    """What a script draws from: a generator of its own, the texts, and the client's lasting habits."""

    def __init__(self, rng: Random, pools: Pools, profile: Profile, habits: Habits) -> None:
        self.rng = rng
        self.joint = Random(habits.operator) if habits.operator else rng  # what one operator's accounts share
        self.reword = habits.reword
        self.profile = profile
        self.language = profile.language
        self.pools = pools.others.get(profile.language, pools)
        self.split = pools.split
        self.rules = wordings.rules(self.joint) if self.split == TRAINING else None
        self.moment = Moment(0.0, 0, True)  # of the request that is asked for now

    def chance(self, share: float) -> bool:
        """True in a share of the calls."""
        return self.rng.random() < share

    def length(self, median: float, spread: float = 0.5) -> float:
        """A log-normal length in characters."""
        return median * float(np.exp(self.rng.gauss(0.0, spread * self.profile.uneven)))

    def pick(self, texts: Sequence[Any]) -> Any:
        """One of a pool, with replacement."""
        return self.rng.choice(texts)

    def ours(self, options: Sequence[Any]) -> Any:
        """One of the script's own variants that belong to this split."""
        chosen = self._local(self.rng.choice(self.half(options)))
        return self._ruled(chosen) if isinstance(chosen, str) and "{" in chosen else chosen

    def half(self, options: Sequence[Any]) -> Sequence[Any]:
        """The split's half of a script's options: in training development's, and others that no test has."""
        if not self.split or len(options) < 2:
            return options
        own = options[int(self.split == "test") :: 2]
        return [*own, *wordings.more(options)] if self.split == TRAINING else own

    def _ruled(self, frame: str) -> str:
        return wordings.ruled(frame, self.rules) if self.rules else frame

    def _local(self, chosen: Any) -> Any:
        """A frame in the client's language, for most who do not work in English."""
        return local.put(chosen, self.language) if self.profile.local and isinstance(chosen, str) else chosen

    def frame(self, options: Sequence[str]) -> str:
        """The operator's template; in this account's own words where it paraphrases."""
        chosen = self._ruled(self._local(self.joint.choice(self.half(options))))
        return reword(chosen, self.rng, self.reword) if self.reword else chosen

    def some(self, texts: Sequence[Any], count: int) -> list[Any]:
        """`count` different ones, or all."""
        return self.rng.sample(list(texts), min(count, len(texts)))

    def walk(self, texts: Sequence[Any]) -> Iterator[Any]:
        """Each once in a drawn order, as this client's people type; then, numbered, again: it never ends."""
        turn = 0
        while True:
            for text in self.some(texts, len(texts)):
                text = typed(text, self.profile.sloppy) if isinstance(text, str) else text
                yield text if not turn else f"{text} ({turn})"
            turn += 1

    def say(self, kind: str, prompt: str, chars: float) -> str:
        """An answer to a prompt, for a script that goes on with it."""
        return written(self.rng, kind, prompt, int(chars), self.language)


@dataclass(frozen=True, slots=True)
class Account:
    """One made-up client with its events in order."""

    client: int
    persona: str  # of an ordinary client, or of a harvester's cover
    family: str  # of the harvest; empty for an ordinary client
    events: NDArray[np.void]
    source: str = ""  # list that the harvest walks
    campaign: str = ""  # operator, or group of look-alikes
    pair: int = -1  # a harvester and its matched ordinary client share a number
    arrival: str = ""
    grey: bool = False  # the label depends on a permission that traffic does not show
    cover: float = 0.0  # share of ordinary requests among a harvester's
    variant: str = ""  # kind of harvest within its family
    evasion: str = ""
    throughput: float = 1.0  # harvested answers for each request, against the plain harvest
    language: str = "en"
    a_day: float = 0.0  # requests a day asked for
    harvested: NDArray[np.bool_] | None = None  # which events were harvest; None: all or none, by `family`


def client_id(name: str) -> int:
    """A client's number from its name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def account(
    name: str, family: str, script: Script, pools: Pools, seed: str, requests: int, kinds: Sequence[str] = (),
    dialects: Sequence[Dialect] = (),
) -> Account:  # fmt: skip
    """Exactly `requests` of a script inside one of the client's windows, at times that do not know the label."""
    client = client_id(f"{seed}/{name}")
    profile = draw(Random(f"{seed}/{name}/profile"), pools, kinds, dialects=dialects)
    rng = Random(f"{seed}/{name}/time")
    start = EPOCH - client % int(WINDOW) + 60.0
    a_day = max(profile.a_day, requests / 4.0)
    moments = timed(pools, profile, rng, a_day, requests, 6.5 * arrivals.DAY)
    while len(moments) < requests:  # a law that fell silent: its last gaps are drawn closer together
        last, step = (moments[-1].at if moments else 0.0), 6.6 * arrivals.DAY / requests
        number = moments[-1].session + 1 if moments else 0
        moments.append(Moment(min(last + rng.expovariate(1.0 / step), 6.6 * arrivals.DAY), number, True))
    made, mask = compose(client, script, pools, profile, f"{seed}/{name}", moments, start)
    return Account(client, name, family, made, arrival=profile.arrival, language=profile.language, harvested=mask)


def timed(
    pools: Pools, profile: Profile, rng: Random, a_day: float, most: int, span: float = arrivals.WEEK
) -> list[Moment]:
    """The client's moments by its arrival law."""
    return arrivals.moments(pools.laws or _OWN, profile.kind, profile.law, rng, a_day, most, span)


def compose(
    client: int, script: Script, pools: Pools, profile: Profile, seed: str, moments: Sequence[Moment], start: float,
    habits: Habits = ALONE,
) -> tuple[NDArray[np.void], NDArray[np.bool_]]:  # fmt: skip
    """The events of a script at given moments, and which of them were harvest."""
    maker = Maker(Random(f"{seed}/text"), pools, profile, habits)
    exchanges: list[Exchange] = []
    mask: list[bool] = []
    for exchange, harvest in _exchanges(maker, script(maker), client, moments, start):
        exchanges.append(exchange)
        mask.append(harvest)
    events, places = features.told(exchanges, seed=HASH_SEED).stream()
    return events, np.asarray(mask, bool)[places]


def _exchanges(
    maker: Maker, asks: Iterator[Ask], client: int, moments: Sequence[Moment], start: float
) -> Iterator[tuple[Exchange, bool]]:
    """One exchange a moment; a failed one is sent again at the next, and samples that are not on offer are repeats."""
    queue: list[tuple[Ask, bool]] = []
    for moment in moments:
        maker.moment = moment
        if not queue:
            queue = [(one, False) for one in _spread(next(asks), maker.profile.dialect)]
        ask, again = queue.pop(0)
        failed = not again and maker.rng.random() < maker.profile.faults
        if failed:
            queue.insert(0, (ask, True))
        retry = again and maker.profile.retries
        yield _exchange(maker, client, start + moment.at, ask, failed, retry), ask.harvest and not failed


def _spread(ask: Ask, dialect: Dialect) -> list[Ask]:
    """A request as the dialect allows it: several choices become repeats, log probabilities fall away."""
    if dialect in _SAMPLES:
        return [ask]
    more = {name: value for name, value in ask.more.items() if name not in ("choices", "top_logprobs")}
    count = int(ask.more.get("choices", 1))
    return [Ask(ask.messages, ask.chars, more, ask.kind, ask.answer, ask.harvest) for _ in range(min(count, 8))]


def _exchange(maker: Maker, client: int, at: float, ask: Ask, failed: bool, retry: bool) -> Exchange:
    profile, rng, more = maker.profile, maker.rng, dict(ask.more)
    operation = more.pop("operation", profile.operation)
    limit = more.get("max_tokens", profile.limit)
    messages = tuple(_clipped(message) for message in ask.messages)
    completions = () if failed or operation not in _TEXT else _answers(maker, ask, messages, limit)
    sent = sum(len(message.text) for message in messages)
    chars = sum(map(len, completions))
    ttfb = rng.lognormvariate(-0.7, 0.5)
    cut = bool(completions and limit and len(completions[0]) >= 4 * limit)
    settings: dict[str, Any] = {
        "dialect": profile.dialect,
        "operation": operation,
        "status": rng.choice((429, 429, 500, 503)) if failed else 200,
        "outcome": Outcome.UPSTREAM_ERROR if failed else Outcome.OK,
        "model": profile.model,
        "peer": profile.peer(rng),
        "user_agent": profile.agent,
        "ja4": profile.ja4,
        "finish": Finish.UNKNOWN if failed else Finish.LENGTH if cut else Finish.STOP,
        # Nobody sees what a batch is answered: it is fetched later, as a file.
        "usage": Usage.ABSENT if failed or operation == Operation.BATCH else Usage.REPORTED,
        "input_tokens": sent // 4,
        "output_tokens": chars // 4,
        "max_tokens": limit,
        "temperature": profile.heat,
        "top_p": profile.top_p,
        "stream": profile.stream and operation in _TEXT,
        "retry": retry,
        "ttfb": ttfb,
        "duration": ttfb + (0.0 if failed else chars / max(len(completions), 1) / 400.0),
    }
    return Exchange(at=at, client=client, messages=messages, completions=completions, **settings | more)


def _clipped(message: Message) -> Message:
    if len(message.text) <= CLIP:
        return message
    return Message(message.role, message.text[: CLIP // 2] + "\n" + message.text[-CLIP // 2 :])


def _answers(maker: Maker, ask: Ask, messages: Sequence[Message], limit: int | None) -> tuple[str, ...]:
    """The choices: the first is written, the others hold its words in another order."""
    most = 4 * limit if limit else 40_000
    text = ask.answer
    if text is None:
        text = maker.say(ask.kind, messages[-1].text if messages else "", min(ask.chars, most))
    text = text[:most]
    choices = int(ask.more.get("choices", 1))
    turns = (1 + maker.rng.randrange(max(len(text), 1)) for _ in range(choices - 1))
    return (text, *(text[turn:] + text[:turn] for turn in turns))
