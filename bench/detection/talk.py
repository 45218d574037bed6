"""What the scripts share: messages, sessions of people, questions that some people ask again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.detection.compose import Ask, Maker
from bench.detection.grammar import Grammar
from bench.detection.sources import Dialogue
from detectors.exchange import Message, Operation

TOOLS = '[{"name":"search","parameters":{"q":"string"}},{"name":"open","parameters":{"id":"string"}}]'
SCHEMA = '{"type":"object","properties":{"name":{"type":"string"},"date":{"type":"string"}}}'
_OPEN = 64  # sessions that are remembered


def system(text: str) -> list[Message]:
    """The system prompt as messages."""
    return [Message("system", text)] if text else []


def user(text: str) -> Message:
    """A user turn."""
    return Message("user", text)


def people(m: Maker, named: bool) -> dict[str, Any]:
    """Who asks, and whether the product says so."""
    return {"user": f"u{m.rng.randint(1, 400)}"} if named else {}


def temperature(m: Maker, *usual: float | None) -> dict[str, Any]:
    """The temperature that the client always sets, or none."""
    value = m.pick(usual)
    return {} if value is None else {"temperature": value}


def asked(m: Maker, texts: Sequence[Any], repeated: float = 0.16) -> Iterator[Any]:
    """People's questions; a sixth repeats somebody else's."""
    seen: list[Any] = []
    for text in m.walk(texts):
        if seen and m.chance(repeated):
            yield m.pick(seen)
        else:
            seen.append(text)
            yield text


def lines(texts: Sequence[str], head: str = "") -> tuple[tuple[Message, ...], dict[str, Any]]:
    """The messages of one batch and what says where its prompts begin."""
    each = [(*system(head), user(text)) for text in texts]
    size = len(each[0])
    more = {"operation": Operation.BATCH, "begins": tuple(range(0, size * len(each), size)), "prompts": len(each)}
    return tuple(message for one in each for message in one), more


class Session:
    """One conversation: what has been said, who says it, and the turns that a recorded dialogue still holds."""

    def __init__(self, head: str, opening: str | Dialogue, who: dict[str, Any]) -> None:
        turns = [opening] if isinstance(opening, str) else [one.text for one in opening if one.role == "user"]
        self.history = [*system(head), user(turns[0])]
        self.left = turns[1:]
        self.who = who

    def recent(self) -> tuple[Message, ...]:
        """What is sent: all, or the opening and the last turns of a long conversation."""
        last = 11 if self.history[0].role == "system" else 12
        return tuple(self.history if len(self.history) <= 16 else [*self.history[:3], *self.history[-last:]])

    def go_on(self, answer: str, follow: str) -> None:
        """Add the answer and the next turn."""
        self.history += [Message("assistant", answer), user(self.left.pop(0) if self.left else follow)]


def talk(
    m: Maker, head: str, opener: Iterator[Any], chars: float, more: dict[str, Any], named: bool, kind: str = "mixed"
) -> Iterator[Ask]:
    """Conversations as the arrival law opens and continues them; the model's own words stand in the history."""
    sessions: dict[int, tuple[Session, str]] = {}
    grammar = Grammar(m.language, m.rng)
    while True:
        number = m.moment.session
        held = sessions.pop(number, None)
        if held is None:
            session = Session(head, next(opener), people(m, named))
        else:
            session = held[0]
            session.go_on(held[1], grammar.one(grammar.words.follow))
        answer = m.say(kind, session.history[-1].text, m.length(chars))
        sessions[number] = (session, answer)
        if len(sessions) > _OPEN:
            sessions.pop(next(iter(sessions)))
        yield Ask(session.recent(), len(answer), more | session.who, answer=answer)
