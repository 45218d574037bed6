"""The gateway's refusals under a decision, in the error shape of the dialect that the client speaks."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from app.gateway.problems import Problem

_GEMINI = re.compile(rb"/v1(?:beta|alpha)\d*/|(?::|%3[Aa])[A-Za-z]+\Z")
_ANTHROPIC = re.compile(rb"/(?:messages|complete)(?:/[^?]*)?\Z|:(?:streamR|r)awPredict\Z|/v1/organizations/")
OPENAI, ANTHROPIC, GEMINI = "openai", "anthropic", "gemini"
# By status: OpenAI's type and code, Anthropic's type, Google's status.
KINDS = {
    403: ("insufficient_permissions", "access_denied", "permission_error", "PERMISSION_DENIED"),
    429: ("rate_limit_error", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"),
}


def dialect_of(target: bytes) -> str:
    """The dialect whose errors the client of this request can read, by its path; OpenAI's where it is not told."""
    path = target.partition(b"?")[0].rstrip(b"/")
    if _ANTHROPIC.search(path) and b"/threads/" not in path:
        return ANTHROPIC
    return GEMINI if _GEMINI.search(path) and b"/openai/" not in path else OPENAI


@dataclass(frozen=True, slots=True)
class Refusal(Problem):
    """A refusal of one dialect; `retry_seconds` where it is for a time only."""

    dialect: str = OPENAI
    retry_seconds: int = 0
    param: str | None = None

    def body(self) -> bytes:
        """The JSON text."""
        kind, code, anthropic, google = KINDS[self.status]
        shape: dict[str, object]
        if self.dialect == ANTHROPIC:
            shape = {"type": "error", "error": {"type": anthropic, "message": self.message}}
        elif self.dialect == GEMINI:
            shape = {"error": {"code": self.status, "message": self.message, "status": google}}
        else:
            shape = {"error": {"message": self.message, "type": kind, "param": self.param, "code": code}}
        return json.dumps(shape).encode()

    def lines(self) -> list[bytes]:
        """The header lines that belong to it."""
        return [b"retry-after: %d" % self.retry_seconds] if self.retry_seconds else []


def throttled(target: bytes, seconds: float) -> Refusal:
    """Too many requests; another may come in `seconds`."""
    wait = max(1, math.ceil(seconds))
    text = f"Rate limit reached for this account. Send the next request in {wait} s."
    return Refusal(429, "throttled", text, dialect_of(target), wait)


def blocked(target: bytes) -> Refusal:
    """The account is blocked."""
    text = "Access to this API is suspended for this account. Contact the provider of the API."
    return Refusal(403, "blocked", text, dialect_of(target))


def no_logprobs(target: bytes) -> Refusal:
    """Log probabilities are not given to this account."""
    text = "Log probabilities are not available to this account. Send the request without them."
    return Refusal(403, "no_logprobs", text, dialect_of(target), param="logprobs")
