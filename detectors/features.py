"""Exchange to EVENT, a whole batch at once: the only place where text becomes numbers."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import elicitation, grading, grams, lines, prompts, synthesis
from detectors import text as texts
from detectors.event import EVENT, FIELDS, Flag, zeros
from detectors.exchange import Dialect, Exchange
from detectors.folded import Folded, fold
from detectors.forms import kind
from detectors.listed import Index
from detectors.phrases import Phrases
from detectors.prompts import AS_PAYLOAD, Prompt

Matcher = Callable[[Sequence[str]], Sequence[int]]
"""Of each text the classes that it matches: of elicitation, of grading from GRADED on, of synthesis from ASKED on."""

MATCHED: Final = 4_000  # characters of a text that the matcher reads, head and tail
GRADED: Final = len(elicitation.CLASSES)
ASKED: Final = GRADED + len(grading.CLASSES)
framed: Final[Matcher] = Phrases([*elicitation.RULES, *grading.RULES, *synthesis.RULES]).match_many
_ELICITED: Final = (1 << GRADED) - 1
_GRADED: Final = (1 << len(grading.CLASSES)) - 1
_STREAM, _TOOLS, _SCHEMA, _LOGPROBS = int(Flag.STREAM), int(Flag.TOOLS), int(Flag.SCHEMA), int(Flag.LOGPROBS)
_USER_ID, _RETRY, _TRUNCATED, _SEED = int(Flag.USER_ID), int(Flag.RETRY), int(Flag.TRUNCATED), int(Flag.SEED)
_ELICIT_SYSTEM, _ELICIT_USER = int(Flag.ELICIT_SYSTEM), int(Flag.ELICIT_USER)
_ASKED, _SEALED = int(Flag.REASONING_ASKED), int(Flag.REASONING_SEALED)
_FRAMES_CACHED: Final = 4_096
_U16: Final = 0xFFFF
_U32: Final = 0xFFFFFFFF
_F32: Final = 3e38
_LETTER = re.compile(rb"[A-Za-z]")

_CODES: Final = {"<f8": "d", "<u8": "Q", "<u4": "I", "<u2": "H", "<f4": "f", "u1": "B", "i1": "b"}
_SAMPLED: Final = grams.SAMPLES.names or ()


def _layout() -> Struct:
    """EVENT as the values of one call: the samples of the words as bytes, every other field as a number."""
    names = [field.name for field in FIELDS]
    begin = names.index(_SAMPLED[0])
    assert tuple(names[begin : begin + len(_SAMPLED)]) == _SAMPLED
    codes = [_CODES[field.dtype] for field in FIELDS if field.name not in _SAMPLED]
    codes.insert(begin, f"{grams.SAMPLES.itemsize}s")
    made = Struct("<" + "".join(codes))
    assert made.size == EVENT.itemsize
    return made


_EVENT: Final = _layout()


@lru_cache(maxsize=4096)
def _short_hash(text: str, seed: int) -> int:
    return texts.seeded(text, seed) & _U32


def model_hash(model: str) -> int:
    """The 32-bit hash by which events name a model; not keyed, since a model's name is public. 0: no name."""
    return _short_hash(model, 0)


@lru_cache(maxsize=8192)
def _network(peer: str, seed: int) -> int:
    """Keyed 32-bit hash of the peer's /24 or /48; of the text itself where it is no address."""
    try:
        address = ipaddress.ip_address(peer.strip("[]").partition("%")[0])
    except ValueError:
        return _short_hash(peer, seed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    keep = 24 if address.version == 4 else 48
    return _short_hash(str(ipaddress.ip_network((address, keep), strict=False)), seed)


_frames: dict[tuple[int, Matcher], int] = {}


def _frames_of(read: Sequence[Prompt], payloads: Folded, match: Matcher) -> list[tuple[int, int]]:
    """The classes that each exchange's system prompt and its user turn match; those of systems are remembered."""
    users = [place for place, one in enumerate(read) if one.asks]
    asked = payloads if len(users) == len(payloads) else payloads.taken(users)
    of_users = [0] * len(read)
    for place, bits in zip(users, match(asked.clipped(MATCHED)), strict=True):
        of_users[place] = bits
    known = {one.system_key: _frames.get((one.system_key, match), -1) for one in read if one.system_key}
    fresh = {one.system_key: one.system_text for one in read if one.system_key and known[one.system_key] < 0}
    if fresh:
        if len(_frames) + len(fresh) > _FRAMES_CACHED:
            _frames.clear()
        found = match([texts.clip(texts.normalise(text), MATCHED) for text in fresh.values()])
        for key, bits in zip(fresh, found, strict=True):
            known[key] = _frames[key, match] = bits
    return [(known.get(one.system_key, 0), bits) for one, bits in zip(read, of_users, strict=True)]


def _content(text: str, raw: bytes, seed: int) -> int:
    """Seeded hash of a text by the UTF-8 of its normalised form, as `text.content`."""
    if len(text) > texts.CLIP:
        return texts.content(text, raw.decode("utf-8", "surrogatepass"), seed)
    return texts.seeded_raw(raw, seed)


def _script(raw: bytes) -> int:
    """The script of a normalised text by its UTF-8."""
    if raw.isascii():
        return 1 if _LETTER.search(raw, 0, texts.CLIP) else 0
    return texts.script(raw.decode("utf-8", "surrogatepass"))


def _parameters(exchange: Exchange, seed: int) -> int:
    """Hash of the sampling parameters; a seed that changes with each call is a sweep, so its value counts."""
    if exchange.dialect == Dialect.OPAQUE:
        return 0
    return texts.seeded(
        f"{exchange.temperature!r} {exchange.top_p!r} {exchange.choices} {exchange.max_tokens} {exchange.seed}"
        f" {exchange.top_logprobs}",
        seed,
    )


def _flags(exchange: Exchange) -> int:
    """Flags that a single field of the exchange decides."""
    return (
        (_STREAM if exchange.stream else 0)
        | (_TOOLS if exchange.tools else 0)
        | (_SCHEMA if exchange.schema else 0)
        | (_LOGPROBS if exchange.top_logprobs >= 0 else 0)
        | (_USER_ID if exchange.user else 0)
        | (_RETRY if exchange.retry else 0)
        | (_TRUNCATED if exchange.truncated else 0)
        | (_SEED if exchange.seed is not None else 0)
        | (_ASKED if exchange.reasoning_asked else 0)
        | (_SEALED if exchange.reasoning_sealed else 0)
    )


def _bounded(number: float | None, limit: int) -> int:
    """A count as it fits an unsigned field; 0 for nothing."""
    if type(number) is int and 0 <= number <= limit:
        return number
    return 0 if not number else int(min(max(number, 0), limit))


def _real(number: float | None) -> float:
    """A real number as it fits a 4-byte field; NaN for unknown, and for what no field can hold."""
    return number if number is not None and abs(number) < _F32 else math.nan


def _answer(exchange: Exchange) -> str:
    return exchange.completions[0] if exchange.completions else ""


def _hashes(
    exchange: Exchange, prompt: Prompt, raw: bytes, answered: bytes, samples: bytes, seed: int
) -> tuple[float | int | bytes, ...]:
    """The fields of an event up to `agent`; `raw` and `answered` are payload and answer, normalised."""
    seeded = texts.seeded
    keys = texts.keys(prompt.payload)
    payload = _content(prompt.payload, raw, seed)
    answer = _answer(exchange)
    return (
        exchange.at,
        exchange.client,
        prompt.body,
        payload,
        seeded(keys.head4, seed),
        seeded(keys.head12, seed),
        seeded(keys.tail6, seed),
        prompt.system,
        _content(answer, answered, seed),
        _parameters(exchange, seed),
        seeded(exchange.tools, seed),
        seeded(exchange.schema, seed),
        seeded(exchange.user, seed),
        payload if prompt.opening == AS_PAYLOAD else prompt.opening,
        seeded(exchange.presented, seed),
        prompt.context,
        seeded(exchange.issued, seed),
        samples,
        model_hash(exchange.model),
        _network(exchange.peer, seed),
        _short_hash(exchange.user_agent, seed),
    )


def _numbers(exchange: Exchange, prompt: Prompt) -> tuple[float | int, ...]:
    """The fields of an event from `in_chars` up to `tool_calls`."""
    return (
        min(prompt.chars, _U32),
        min(len(prompt.payload), _U32),
        min(sum(map(len, exchange.completions)), _U32),
        _bounded(exchange.reasoning_chars, _U32),
        _bounded(exchange.input_tokens, _U32),
        _bounded(exchange.output_tokens, _U32),
        _bounded(exchange.max_tokens, _U32),
        _real(exchange.ttfb),
        _real(exchange.duration),
        _real(exchange.temperature),
        _real(exchange.top_p),
        min(len(exchange.messages), _U16),
        max(_bounded(exchange.choices, _U16), 1),
        _bounded(exchange.prompts, _U16),
        _bounded(exchange.tool_calls, _U16),
    )


def _enums(exchange: Exchange) -> tuple[int, ...]:
    """The fields of an event from `status` up to `indicator`; the worker fills the last ones."""
    return (
        _bounded(exchange.status, _U16),
        min(max(exchange.top_logprobs, -1), 127),
        exchange.dialect,
        exchange.operation,
        exchange.outcome,
        exchange.usage,
        exchange.finish,
        exchange.refusal,
        exchange.channel or int(exchange.stream),
        0,
        0,
        0,
    )


def _made(batch: Sequence[Exchange], seed: int, match: Matcher, lists: Index | None) -> NDArray[np.void]:
    """One event an exchange."""
    read = [prompts.read(exchange, seed) for exchange in batch]
    answers = [_answer(exchange) for exchange in batch]
    folded = fold([*[one.payload for one in read], *answers])
    frames = _frames_of(read, folded[: len(batch)], match)
    samples, listed = grams.sample(folded, len(batch), seed, None if lists is None else lists.look)
    raw, sampled, held = folded.raw(), samples.tobytes(), listed.tolist()
    size, width = _EVENT.size, grams.SAMPLES.itemsize
    out = bytearray(size * len(batch))
    for place, (exchange, prompt, (of_system, of_user)) in enumerate(zip(batch, read, frames, strict=True)):
        payload, answered = raw[place], raw[len(batch) + place]
        flags = prompt.flags | _flags(exchange)
        flags |= (_ELICIT_SYSTEM if of_system & _ELICITED else 0) | (_ELICIT_USER if of_user & _ELICITED else 0)
        bits = of_system | of_user
        _EVENT.pack_into(
            out,
            size * place,
            *_hashes(exchange, prompt, payload, answered, sampled[width * place : width * (place + 1)], seed),
            flags,
            _short_hash(exchange.ja4, seed),
            held[place],
            bits >> GRADED & _GRADED,
            kind(answers[place]),
            _script(payload),
            *_numbers(exchange, prompt),
            bits & _ELICITED,
            *_enums(exchange),
            bits >> ASKED,
            0,
        )
    return np.frombuffer(out, EVENT)


class Told(NamedTuple):
    """What a run of exchanges says."""

    events: NDArray[np.void]  # (exchanges,): one of each
    lines: NDArray[np.void]  # of those that carry several prompts, the lines that are looked at
    owner: NDArray[np.intp]  # (lines,): whose, by place in `events`; it never falls

    def stream(self) -> tuple[NDArray[np.void], NDArray[np.intp]]:
        """The events that go on, and the place in `events` that each is of.

        Where a request carries several prompts its lines stand in its place, each as a request of its own: what counts
        is prompts, however many a client puts into one request.
        """
        mine = {
            place: np.flatnonzero(self.owner == place)
            for place in dict.fromkeys(self.owner.tolist())
            if lines.stand_alone(self.events[place])
        }
        if not mine:
            return self.events, np.arange(len(self.events))
        counts = np.ones(len(self.events), np.intp)
        for place, own in mine.items():
            counts[place] = len(own)
        places = np.repeat(np.arange(len(counts)), counts)
        out = self.events[places]
        for place, own in mine.items():
            out[places == place] = lines.apart(self.events[place : place + 1], self.lines[own])
        return out, places


def joined(parts: Sequence[Told]) -> Told:
    """Several runs of exchanges as one."""
    base = np.cumsum([0, *(len(part.events) for part in parts)])
    owners = [part.owner + base[place] for place, part in enumerate(parts)]
    return Told(
        np.concatenate([part.events for part in parts]),
        np.concatenate([part.lines for part in parts]),
        np.concatenate(owners),
    )


def told(exchanges: Sequence[Exchange], *, seed: int, match: Matcher = framed, lists: Index | None = None) -> Told:
    """The events of exchanges; hashes of text are keyed by the 64-bit `seed`."""
    if not exchanges:
        return Told(zeros(0), zeros(0), np.zeros(0, np.intp))
    several = [(place, line) for place, one in enumerate(exchanges) if one.begins for line in lines.split(one, seed)]
    out = _made([*exchanges, *(line for _, line in several)], seed, match, lists)
    found, rest = out[: len(exchanges)], out[len(exchanges) :]
    owner = np.array([place for place, _ in several], np.intp)
    for place in dict.fromkeys(owner.tolist()):
        lines.tell(found[place : place + 1], rest[owner == place])
    return Told(found, rest, owner)


def events(
    exchanges: Sequence[Exchange], *, seed: int, match: Matcher = framed, lists: Index | None = None
) -> NDArray[np.void]:
    """One EVENT an exchange, shape (len(exchanges),), whatever it carries; `stream` is what detectors read."""
    return told(exchanges, seed=seed, match=match, lists=lists).events


def stream(
    exchanges: Sequence[Exchange], *, seed: int, match: Matcher = framed, lists: Index | None = None
) -> NDArray[np.void]:
    """What goes on of exchanges: an EVENT of each, or of each line of one that carries several prompts."""
    return told(exchanges, seed=seed, match=match, lists=lists).stream()[0]
