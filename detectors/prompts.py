"""What a prompt says beside its payload: system prompt, opening, context and shape; remembered where it repeats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from detectors import text as texts
from detectors.event import Flag
from detectors.exchange import SYSTEM_ROLES, Exchange, Operation

TOOL_ROLES: Final = frozenset({"tool", "function"})
AS_PAYLOAD: Final = -1  # an opening that is the payload
_SYSTEM, _MULTI_TURN, _PREFILL = int(Flag.SYSTEM), int(Flag.MULTI_TURN), int(Flag.PREFILL)
_BLANK_INPUT, _TOOL_RESULT = int(Flag.BLANK_INPUT), int(Flag.TOOL_RESULT)
_ASKING: Final = frozenset({Operation.CHAT, Operation.COMPLETION, Operation.RESPONSE})
_BLANK_LIMIT: Final = 400  # a longer user turn is never blank
_SYSTEMS_CACHED: Final = 4_096
_OPENINGS_CACHED: Final = 16_384

# What chat templates put around an empty user turn.
_TEMPLATE_TOKEN = re.compile(
    r"<[|｜][^|｜<>]{0,40}[|｜]>|\[\|[^|\[\]]{0,40}\|\]|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|pad)(?:_token)?>|\[gMASK\](?:sop\b)?|<[se]op>"
    r"|\b(?:user|human|assistant|model|system|instruction|response|input)s?\b:?|#{2,6}|[\s:]+",
    re.IGNORECASE,
)

# Signs that take no room and show nothing: zero widths, joiners, marks of direction, fillers, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]+"
)


class Prompt(NamedTuple):
    """One exchange's prompt, all but what is worked out of many payloads at once."""

    payload: str  # what the request asks
    asks: bool  # in a user turn
    body: int
    opening: int  # AS_PAYLOAD where it is the payload
    context: int
    system: int
    system_key: int
    system_text: str
    flags: int
    chars: int


_systems: dict[tuple[int, int], int] = {}


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


def _is_blank(text: str) -> bool:
    """Whether a user turn holds nothing but what shows nothing and what chat templates put around a turn."""
    if not text or text.isspace():
        return True
    if len(text) > _BLANK_LIMIT:
        return False
    seen = text if text.isascii() else _UNSEEN.sub("", text)
    if "<" in seen or "[" in seen or "#" in seen:
        return not _TEMPLATE_TOKEN.sub("", seen)
    return not seen or seen.isspace()


def _asks_blank(exchange: Exchange, prompt: Sequence[str], roles: Sequence[str], last_user: int) -> bool:
    """Whether a request for an answer has an empty user turn, or none."""
    if exchange.operation not in _ASKING:
        return False
    if last_user >= 0:
        return _is_blank(prompt[last_user])
    if exchange.prompt_chars >= 0:
        return False  # it may lie where the copy was cut
    if exchange.operation != Operation.RESPONSE:
        return True
    is_kept = exchange.continued or exchange.conversation  # then the turn is one that the provider keeps
    return not is_kept and SYSTEM_ROLES.issuperset(roles)


def _payload(prompt: Sequence[str], roles: Sequence[str], last_user: int) -> str:
    """What the request asks: the last user turn; without one the last turn of any other, or the system's text."""
    if last_user >= 0:
        return prompt[last_user]
    others = [text for text, role in zip(prompt, roles, strict=True) if role not in SYSTEM_ROLES]
    return others[-1] if others else "\n".join(prompt)


_openings: dict[tuple[int, int], int] = {}


def _opening(prompt: Sequence[str], roles: Sequence[str], last_user: int, seed: int) -> int:
    """Hash of the first user turn, by its normalised form; remembered, for a session sends it again and again."""
    if last_user < 0:
        return 0
    first = roles.index("user")
    if first == last_user:
        return AS_PAYLOAD
    text = prompt[first]
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


def _flags(exchange: Exchange, prompt: Sequence[str], roles: Sequence[str], last_user: int) -> int:
    """Flags that the shape of the prompt decides."""
    flags = _MULTI_TURN if exchange.continued else 0
    if "assistant" in roles:
        flags |= _PREFILL if roles[-1] == "assistant" else 0
        flags |= _MULTI_TURN if roles.index("assistant") <= last_user else 0
    if not TOOL_ROLES.isdisjoint(roles[last_user + 1 :]):
        flags |= _TOOL_RESULT  # of an earlier turn it says nothing of this one, and anyone can make one up
    if _asks_blank(exchange, prompt, roles, last_user):
        flags |= _BLANK_INPUT
    return flags


def read(exchange: Exchange, seed: int) -> Prompt:
    """The prompt of an exchange."""
    messages = exchange.messages
    if not messages:
        flags = _MULTI_TURN if exchange.continued else 0
        return Prompt("", False, 0, 0, 0, 0, 0, "", flags, max(exchange.prompt_chars, 0))
    prompt = [message.text for message in messages]
    roles = [message.role for message in messages]
    last_user = len(roles) - 1 - roles[::-1].index("user") if "user" in roles else -1
    flags = _flags(exchange, prompt, roles, last_user)
    system, key, hashed = "", 0, 0
    if not SYSTEM_ROLES.isdisjoint(roles):
        system = "\n".join([text for text, role in zip(prompt, roles, strict=True) if role in SYSTEM_ROLES])
        if system:
            flags |= _SYSTEM
            key, hashed = _system(system, seed)
    return Prompt(
        _payload(prompt, roles, last_user),
        last_user >= 0,
        texts.seeded_many(prompt, seed),
        _opening(prompt, roles, last_user, seed),
        _context(exchange, prompt, seed) if exchange.presented else 0,
        hashed,
        key,
        system,
        flags,
        exchange.prompt_chars if exchange.prompt_chars >= 0 else sum(map(len, prompt)),
    )
