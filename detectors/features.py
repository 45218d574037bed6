"""Exchange to EVENT, a whole batch at once: the only place where text becomes numbers."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import elicitation, grading, grams, lines
from detectors import text as texts
from detectors.event import EVENT, Flag, zeros
from detectors.exchange import Dialect, Exchange, Message, Operation
from detectors.forms import kind
from detectors.listed import Index
from detectors.phrases import Phrases

Matcher = Callable[[Sequence[str]], Sequence[int]]
"""Of each text the classes of elicitation that it matches, and GRADED bits further left those of grading."""

MATCHED: Final = 4_000  # characters of a text that the matcher reads, head and tail
GRADED: Final = len(elicitation.CLASSES)
framed: Final[Matcher] = Phrases([*elicitation.RULES, *grading.RULES]).match_many
_ELICITED: Final = (1 << GRADED) - 1
_NAMED: Final = (
    "body", "payload", "head4", "head12", "tail6", "system", "answer", "opening", "kind", "context",
)  # fmt: skip
SYSTEM_ROLES: Final = frozenset({"system", "developer"})
TOOL_ROLES: Final = frozenset({"tool", "function"})
_STREAM, _TOOLS, _SCHEMA, _LOGPROBS = int(Flag.STREAM), int(Flag.TOOLS), int(Flag.SCHEMA), int(Flag.LOGPROBS)
_USER_ID, _RETRY, _TRUNCATED, _SEED = int(Flag.USER_ID), int(Flag.RETRY), int(Flag.TRUNCATED), int(Flag.SEED)
_SYSTEM, _ELICIT_SYSTEM, _ELICIT_USER = int(Flag.SYSTEM), int(Flag.ELICIT_SYSTEM), int(Flag.ELICIT_USER)
_MULTI_TURN, _PREFILL, _BLANK_INPUT = int(Flag.MULTI_TURN), int(Flag.PREFILL), int(Flag.BLANK_INPUT)
_TOOL_RESULT = int(Flag.TOOL_RESULT)
_ASKED, _SEALED = int(Flag.REASONING_ASKED), int(Flag.REASONING_SEALED)
_BLANK_LIMIT: Final = 400  # a longer user turn is never blank
_SYSTEMS_CACHED: Final = 4_096
_OPENINGS_CACHED: Final = 16_384
_U16: Final = 0xFFFF
_U32: Final = 0xFFFFFFFF
_F32: Final = 3e38

# What chat templates put around an empty user turn.
_TEMPLATE_TOKEN = re.compile(
    r"<[|｜][^|｜<>]{0,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>"
    r"|\b(?:user|human|assistant|model|system|instruction|response|input)s?\b:?|#{2,6}|[\s:]+",
    re.IGNORECASE,
)


class _Texts(NamedTuple):
    """The hashes and counts of one exchange's text."""

    body: int
    payload: int
    head4: int
    head12: int
    tail6: int
    system: int
    answer: int
    flags: int
    in_chars: int
    payload_chars: int
    opening: int
    context: int
    kind: int
    normalised: str
    asked: str  # of a user turn, what the matcher reads
    answered: str  # the first choice's text, normalised
    system_key: int
    system_text: str


_NO_TEXT = _Texts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "", "", "", 0, "")


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


_systems: dict[tuple[int, int], int] = {}
_frames: dict[tuple[int, Matcher], int] = {}


def _system(text: str, seed: int) -> tuple[int, int]:
    """Key and masked hash of a system prompt; remembered, for most clients have few."""
    key = texts.seeded(text, seed)
    known = _systems.get((key, seed))
    if known is None:
        masked = texts.mask(text)
        beyond = f"\0{len(text) // 1024}" if len(text) > texts.CLIP else ""
        known = texts.seeded(masked + beyond, seed)
        if len(_systems) >= _SYSTEMS_CACHED:
            _systems.clear()
        _systems[key, seed] = known
    return key, known


def _frames_of(read: Sequence[_Texts], match: Matcher) -> list[tuple[int, int]]:
    """The classes that each exchange's system prompt and its user turn match; those of systems are remembered."""
    known = {one.system_key: _frames.get((one.system_key, match), -1) for one in read}
    fresh = {one.system_key: one.system_text for one in read if one.system_key and known[one.system_key] < 0}
    asked = [texts.clip(texts.normalise(text), MATCHED) for text in fresh.values()]
    users = [place for place, one in enumerate(read) if one.asked]
    found = list(match([*asked, *(read[place].asked for place in users)]))
    if len(_frames) + len(fresh) > _SYSTEMS_CACHED:
        _frames.clear()
    for key, bits in zip(fresh, found, strict=False):
        known[key] = _frames[key, match] = bits
    of_users = dict(zip(users, found[len(fresh) :], strict=True))
    return [(max(known[one.system_key], 0), of_users.get(place, 0)) for place, one in enumerate(read)]


def _is_blank(text: str) -> bool:
    """Whether a user turn holds nothing but white space and what chat templates put around a turn."""
    if not text or text.isspace():
        return True
    if len(text) > _BLANK_LIMIT or not ("<" in text or "[" in text or "#" in text):
        return False
    return not _TEMPLATE_TOKEN.sub("", text)


def _last_user(messages: Sequence[Message]) -> int:
    """Index of the last user turn; -1 where there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return index
    return -1


def _payload(messages: Sequence[Message], last_user: int) -> str:
    """What the request asks: the last user turn; without one the last turn of any other, or the system's text."""
    if last_user >= 0:
        return messages[last_user].text
    others = [message.text for message in messages if message.role not in SYSTEM_ROLES]
    return others[-1] if others else "\n".join([message.text for message in messages])


_openings: dict[tuple[int, int], int] = {}


def _opening(messages: Sequence[Message], last_user: int, payload: int, seed: int) -> int:
    """Hash of the first user turn, by its normalised form; remembered, for a session sends it again and again."""
    if last_user < 0:
        return 0
    first = next(index for index, message in enumerate(messages) if message.role == "user")
    if first == last_user:
        return payload
    text = messages[first].text
    key = (texts.seeded(text, seed), seed)
    known = _openings.get(key)
    if known is None:
        known = texts.content(text, texts.normalise(text), seed)
        if len(_openings) >= _OPENINGS_CACHED:
            _openings.clear()
        _openings[key] = known
    return known


def _context(exchange: Exchange, prompt: Sequence[str], seed: int) -> int:
    """Hash of what stands before the turn that brings a signature back: the `body` of the request it was issued to."""
    begin = exchange.presented_at
    if not 0 <= begin < len(prompt):
        return 0
    while begin and exchange.messages[begin - 1].role == "assistant":
        begin -= 1  # one answer of several items
    return texts.seeded_many(prompt[:begin], seed)


def _prompt_flags(exchange: Exchange, last_user: int) -> int:
    """Flags that the shape of the prompt decides."""
    messages = exchange.messages
    roles = [message.role for message in messages]
    flags = 0
    if "assistant" in roles[: last_user + 1]:
        flags |= _MULTI_TURN
    if roles[-1] == "assistant":
        flags |= _PREFILL
    if not TOOL_ROLES.isdisjoint(roles):
        flags |= _TOOL_RESULT
    asks = exchange.operation in (Operation.CHAT, Operation.COMPLETION)
    if asks and _is_blank(messages[last_user].text if last_user >= 0 else ""):
        flags |= _BLANK_INPUT
    return flags


def _read(exchange: Exchange, seed: int) -> _Texts:
    """Everything that is computed from one exchange's text but what is worked out of many at once."""
    answer = exchange.completions[0] if exchange.completions else ""
    answered = texts.normalise(answer) if answer else ""
    answer_hash = texts.content(answer, answered, seed) if answer else 0
    form = int(kind(answer)) if answer else 0
    messages = exchange.messages
    if not messages:
        nothing = _NO_TEXT._replace(answer=answer_hash, kind=form, answered=answered)
        return nothing._replace(in_chars=max(exchange.prompt_chars, 0))
    prompt = [message.text for message in messages]
    system = "\n".join([message.text for message in messages if message.role in SYSTEM_ROLES])
    last_user = _last_user(messages)
    payload = _payload(messages, last_user)
    flags = _prompt_flags(exchange, last_user)
    system_key, system_hash = _system(system, seed) if system else (0, 0)
    flags |= _SYSTEM if system else 0
    normalised = texts.normalise(payload)
    keys = texts.keys(payload)
    hashed = texts.content(payload, normalised, seed)
    return _Texts(
        body=texts.seeded_many(prompt, seed),
        payload=hashed,
        head4=texts.seeded(keys.head4, seed),
        head12=texts.seeded(keys.head12, seed),
        tail6=texts.seeded(keys.tail6, seed),
        system=system_hash,
        answer=answer_hash,
        flags=flags,
        in_chars=exchange.prompt_chars if exchange.prompt_chars >= 0 else sum(map(len, prompt)),
        payload_chars=len(payload),
        opening=_opening(messages, last_user, hashed, seed),
        context=_context(exchange, prompt, seed) if exchange.presented else 0,
        kind=form,
        normalised=normalised,
        asked=texts.clip(normalised, MATCHED) if last_user >= 0 else "",
        answered=answered,
        system_key=system_key,
        system_text=system,
    )


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
    return 0 if not number else int(min(max(number, 0), limit))


def _real(number: float | None) -> float:
    """A real number as it fits a 4-byte field; NaN for unknown, and for what no field can hold."""
    return number if number is not None and abs(number) < _F32 else math.nan


def _fill_text(
    out: NDArray[np.void], batch: Sequence[Exchange], seed: int, match: Matcher, lists: Index | None
) -> None:
    read = [_read(exchange, seed) for exchange in batch]
    for name in _NAMED:
        out[name] = [getattr(one, name) for one in read]
    out["in_chars"] = [min(one.in_chars, _U32) for one in read]
    out["payload_chars"] = [min(one.payload_chars, _U32) for one in read]
    frames = np.array(_frames_of(read, match), np.uint32)
    out["elicitation"] = (frames[:, 0] | frames[:, 1]) & _ELICITED
    out["grading"] = (frames[:, 0] | frames[:, 1]) >> GRADED
    out["flags"] = [one.flags | _flags(exchange) for one, exchange in zip(read, batch, strict=True)]
    asks = (frames & _ELICITED) != 0
    out["flags"] |= asks[:, 0] * np.uint32(_ELICIT_SYSTEM) | asks[:, 1] * np.uint32(_ELICIT_USER)
    out["presented"] = [texts.seeded(exchange.presented, seed) for exchange in batch]
    out["issued"] = [texts.seeded(exchange.issued, seed) for exchange in batch]
    payloads = [one.normalised for one in read]
    measured = grams.measure(payloads, seed, None if lists is None else lists.look)
    for name, column in zip(measured._fields, measured, strict=True):
        out[name] = column
    out["answer_gist"] = grams.gists([one.answered for one in read], seed)
    out["script"] = [texts.script(payload) for payload in payloads]
    out["params"] = [_parameters(exchange, seed) for exchange in batch]
    out["tools"] = [texts.seeded(exchange.tools, seed) for exchange in batch]
    out["schema"] = [texts.seeded(exchange.schema, seed) for exchange in batch]
    out["user"] = [texts.seeded(exchange.user, seed) for exchange in batch]
    out["model"] = [model_hash(exchange.model) for exchange in batch]
    out["network"] = [_network(exchange.peer, seed) for exchange in batch]
    out["ja4"] = [_short_hash(exchange.ja4, seed) if exchange.ja4 else 0 for exchange in batch]
    out["agent"] = [_short_hash(exchange.user_agent, seed) for exchange in batch]


def _fill_numbers(out: NDArray[np.void], batch: Sequence[Exchange]) -> None:
    out["at"] = [exchange.at for exchange in batch]
    out["client"] = [exchange.client for exchange in batch]
    out["out_chars"] = [min(sum(map(len, exchange.completions)), _U32) for exchange in batch]
    out["reasoning_chars"] = [_bounded(exchange.reasoning_chars, _U32) for exchange in batch]
    out["in_tokens"] = [_bounded(exchange.input_tokens, _U32) for exchange in batch]
    out["out_tokens"] = [_bounded(exchange.output_tokens, _U32) for exchange in batch]
    out["max_tokens"] = [_bounded(exchange.max_tokens, _U32) for exchange in batch]
    out["ttfb"] = [_real(exchange.ttfb) for exchange in batch]
    out["duration"] = [_real(exchange.duration) for exchange in batch]
    out["temperature"] = [_real(exchange.temperature) for exchange in batch]
    out["top_p"] = [_real(exchange.top_p) for exchange in batch]
    out["messages"] = [min(len(exchange.messages), _U16) for exchange in batch]
    out["choices"] = [max(_bounded(exchange.choices, _U16), 1) for exchange in batch]
    out["prompts"] = [_bounded(exchange.prompts, _U16) for exchange in batch]
    out["tool_calls"] = [_bounded(exchange.tool_calls, _U16) for exchange in batch]
    out["status"] = [_bounded(exchange.status, _U16) for exchange in batch]
    out["top_logprobs"] = [min(max(exchange.top_logprobs, -1), 127) for exchange in batch]
    out["dialect"] = [exchange.dialect for exchange in batch]
    out["operation"] = [exchange.operation for exchange in batch]
    out["outcome"] = [exchange.outcome for exchange in batch]
    out["usage"] = [exchange.usage for exchange in batch]
    out["finish"] = [exchange.finish for exchange in batch]
    out["refusal"] = [exchange.refusal for exchange in batch]
    out["channel"] = [exchange.channel or int(exchange.stream) for exchange in batch]


def events(
    exchanges: Sequence[Exchange], *, seed: int, match: Matcher = framed, lists: Index | None = None
) -> NDArray[np.void]:
    """One EVENT an exchange, shape (len(exchanges),); hashes of text are keyed by the 64-bit `seed`."""
    several = [(place, line) for place, one in enumerate(exchanges) if one.begins for line in lines.split(one)]
    out = zeros(len(exchanges) + len(several))
    assert out.dtype == EVENT
    if not exchanges:
        return out
    _fill_text(out, [*exchanges, *(line for _, line in several)], seed, match, lists)
    found, rest = out[: len(exchanges)], out[len(exchanges) :]
    _fill_numbers(found, exchanges)
    owner = np.array([place for place, _ in several], np.intp)
    for place in dict.fromkeys(owner.tolist()):
        lines.tell(found[place : place + 1], rest[owner == place])
    return found
