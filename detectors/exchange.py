"""Exchange: one request with its completion, provider-neutral and immutable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

SYSTEM_ROLES: Final = frozenset({"system", "developer"})
"""Roles of the messages that make up a prompt's system prompt."""


class Dialect(IntEnum):
    """The wire format a request was written in."""

    OPAQUE = 0
    OPENAI = 1
    ANTHROPIC = 2
    GEMINI = 3
    OLLAMA = 4


class Operation(IntEnum):
    """What the request asked for; OTHER is counted and never parsed."""

    OTHER = 0
    CHAT = 1
    COMPLETION = 2
    EMBEDDING = 3
    RESPONSE = 4
    BATCH = 5
    RETRIEVAL = 6  # an answer fetched again or later: no new prompt
    COUNT = 7  # tokens counted, nothing generated


class Outcome(IntEnum):
    """How the exchange ended, seen from the client."""

    OK = 0
    CLIENT_ABORTED = 1
    UPSTREAM_ERROR = 2
    UPSTREAM_TRUNCATED = 3
    TIMEOUT = 4
    REJECTED = 5


class Usage(IntEnum):
    """Where the token counts come from."""

    ABSENT = 0
    ESTIMATED = 1
    REPORTED = 2


class Finish(IntEnum):
    """Why the model stopped."""

    UNKNOWN = 0
    STOP = 1
    LENGTH = 2
    TOOL_CALLS = 3
    FILTER = 4


class Channel(IntEnum):
    """How the answer reaches the client."""

    SYNC = 0
    STREAM = 1
    BATCH = 2
    BACKGROUND = 3  # the answer is fetched later, by another request
    SOCKET = 4  # a WebSocket: counted as one request, its messages are not read


class Refusal(IntEnum):
    """Why the provider declined, in its own categories; UNNAMED where it gave none."""

    NONE = 0
    UNNAMED = 1
    FRONTIER_LLM = 2  # help towards a competing model
    REASONING_EXTRACTION = 3  # internal reasoning asked for in the answer's text
    CYBER = 4
    BIO = 5
    GENERAL_HARMS = 6
    SAFETY = 7  # a content filter's decision
    RECITATION = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the prompt or one choice of the completion, as text."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its completion. `at` is the request's start, seconds since the epoch.

    Parameters that the client left out are None. `messages` is empty and `dialect` OPAQUE where the
    bytes could not be read as a known format; such an exchange still counts as a request.
    """

    at: float
    client: int
    dialect: Dialect = Dialect.OPAQUE
    operation: Operation = Operation.OTHER
    outcome: Outcome = Outcome.OK
    status: int = 0
    ttfb: float = float("nan")  # seconds from the request's start to the first byte of the answer
    duration: float = 0.0  # seconds from the request's start to the answer's end
    model: str = ""
    messages: tuple[Message, ...] = ()
    begins: tuple[int, ...] = ()  # of several prompts, where in `messages` each begins; empty where there is one
    continued: bool = False  # the turns before these messages are kept by the provider, and not known
    conversation: str = ""  # id of a conversation that the provider keeps; only earlier exchanges tell if it had turns
    completions: tuple[str, ...] = ()  # the text of each choice, empty where unknown
    reasoning_chars: int = 0  # visible reasoning in the answer, characters
    reasoning_asked: bool = False  # the client asked to see the model's own reasoning
    reasoning_sealed: bool = False  # the answer carries reasoning that only the provider can read, or its signature
    presented: str = ""  # the last signature of a model's reasoning that the prompt brings back
    presented_at: int = -1  # the place in `messages` of what carries it; -1: none, or not all before it is known
    issued: str = ""  # the last signature of the model's reasoning in the answer
    finish: Finish = Finish.UNKNOWN
    refusal: Refusal = Refusal.NONE
    stream: bool = False
    channel: Channel = Channel.SYNC  # STREAM is implied by `stream`
    choices: int = 1  # how many samples were asked for each prompt (n)
    prompts: int = 1  # prompts in the request: lines of a batch, items of a list; 0: it asks for no new answer
    top_logprobs: int = -1  # -1: no log probabilities asked; 0: only of the chosen token
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    tools: str = ""  # canonical text of the offered tools' names and schemas
    tool_calls: int = 0
    schema: str = ""  # canonical text of the output schema that was asked for
    user: str = ""  # the end-user id that the client sent, if any
    peer: str = ""  # network address
    user_agent: str = ""
    ja4: str = ""  # fingerprint of the client's TLS
    retry: bool = False  # a client library's own repeat of an earlier request
    prompt_chars: int = -1  # length of the prompt where its copy was cut; -1: the messages are whole
    truncated: bool = False  # the copy of request or answer was cut at the limit
    usage: Usage = Usage.ABSENT
    input_tokens: int = 0
    output_tokens: int = 0
