"""Persona: one sample client; its scripts say what it sends and after which pause."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to come."""

    body: Body
    wait: float  # seconds of pause before it


@dataclass(frozen=True, slots=True)
class Reply:
    """What a script sees of the answer to its call."""

    text: str
    tool_calls: tuple[dict[str, Any], ...] = ()


Script = Generator[Call, Reply, None]
"""Yields calls, receives their replies, never ends; a call that failed gets an empty reply."""


@dataclass(frozen=True, slots=True)
class Persona:
    """One sample client with its own API key; `lanes` scripts of it run side by side."""

    name: str
    meaning: str  # what it is, in a few words, for people
    harvests: bool
    agent: str
    lanes: int
    script: Callable[[Random, int], Script]  # a lane's own generator and its number
    address: str = ""  # where it comes from, as a proxy in front would say; empty: from here

    @property
    def key(self) -> str:
        """Its API key: fixed, so that a script can compute the client id."""
        return f"sk-sample-{self.name}"

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request headers that its client library sends."""
        common: tuple[tuple[str, str], ...] = (
            ("authorization", f"Bearer {self.key}"),
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("user-agent", self.agent),
        )
        if self.address:
            common = (*common, ("x-forwarded-for", self.address))
        if not self.agent.startswith("OpenAI/"):
            return common
        language, version = self.agent.removeprefix("OpenAI/").split(" ", 1)
        return (
            *common,
            ("x-stainless-lang", "python" if language == "Python" else "js"),
            ("x-stainless-package-version", version),
            ("x-stainless-os", "Linux"),
            ("x-stainless-retry-count", "0"),
        )


def chat(model: str, *messages: tuple[str, str], **options: Any) -> Body:
    """A chat request of `messages`, pairs of role and text."""
    return {"model": model, "messages": [{"role": role, "content": text} for role, text in messages], **options}


def fixed(name: str) -> Random:
    """The generator behind a list that is the same in every run."""
    return Random(f"fixed list {name}")
