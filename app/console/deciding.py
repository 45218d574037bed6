"""The form of a decision by hand: what it offers, what each action means for the customer, what was entered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import Forbidden, InvalidInput
from app.policies.manual import Order

WRITE, BLOCK = "decisions:write", "decisions:block"
DURATIONS: tuple[tuple[str, str], ...] = (
    ("3600", "1 hour"),
    ("14400", "4 hours"),
    ("86400", "24 hours"),
    ("604800", "7 days"),
    ("2592000", "30 days"),
    ("7776000", "90 days"),
)
"""Seconds and words."""

ACTIONS: tuple[tuple[str, str, str], ...] = (
    ("tag", "Tag", "The customer notices nothing. Each request carries a header to the model API."),
    (
        "throttle",
        "Throttle",
        "What comes faster than the rate is answered with 429 and the time to wait. The customer's software slows down "
        "or reports a rate limit.",
    ),
    (
        "degrade",
        "Degrade",
        "Requests go through with less in them: fewer answers, no log probabilities (403), no reasoning. The customer "
        "may notice what is missing.",
    ),
    (
        "block",
        "Block",
        "Every request is answered with 403. The customer cannot use the API at all until the decision ends or is "
        "revoked.",
    ),
)
"""Value, title, and what happens to the customer."""

FIELDS: dict[str, str] = {
    "/action": "Choose an action",
    "/duration_seconds": "Choose a duration",
    "/reason": "Say why",
    "/parameters/rate_per_minute": "Requests a minute",
    "/parameters/burst": "Burst",
    "/parameters/max_n": "Answers to a prompt",
    "/parameters": "What is left out",
}


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the reviewer entered, as entered."""

    given: bool = False
    action: str = ""
    duration: str = "14400"
    reason: str = ""
    rate: str = "6"
    burst: str = "3"
    max_n: str = ""
    refuse_logprobs: bool = False
    drop_reasoning: bool = False
    simulated: bool = True
    problem: str = ""
    invalid: str = ""  # pointer of the field that is wrong


NOTHING = Ordered()


def actions(scopes: Collection[str]) -> list[tuple[str, str, str]]:
    """The actions that a reviewer with these scopes may choose."""
    return [item for item in ACTIONS if item[0] != "block" or BLOCK in scopes]


def entered(form: Mapping[str, str], error: InvalidInput | None = None, problem: str = "") -> Ordered:
    """The form as it was sent, with what is wrong with it."""
    pointer = error.pointer if error is not None else ""
    if error is not None:
        problem = f"{FIELDS.get(pointer, 'The form')}: {error.problem}."
    return Ordered(
        given=True,
        action=form.get("action", ""),
        duration=form.get("duration", ""),
        reason=form.get("why", ""),
        rate=form.get("rate", ""),
        burst=form.get("burst", ""),
        max_n=form.get("max_n", ""),
        refuse_logprobs="refuse_logprobs" in form,
        drop_reasoning="drop_reasoning" in form,
        simulated="simulated" in form,
        problem=problem,
        invalid=pointer,
    )


def _number(text: str) -> Any:
    """The number that was typed, or the text, which the domain then refuses under the field's name."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _parameters(form: Mapping[str, str]) -> dict[str, Any]:
    """Only what belongs to the chosen action: the other fields of the form are ignored."""
    if form.get("action") == "throttle":
        return {"rate_per_minute": _number(form.get("rate", "")), "burst": _number(form.get("burst", ""))}
    if form.get("action") != "degrade":
        return {}
    found: dict[str, Any] = {name: True for name in ("refuse_logprobs", "drop_reasoning") if name in form}
    if form.get("max_n", "").strip():
        found["max_n"] = _number(form["max_n"])
    return found


def order(form: Mapping[str, str], client_id: str, alert_id: str, scopes: Collection[str]) -> Order:
    """What the form asks for; Forbidden where the reviewer may not block, InvalidInput where no number is one."""
    action = form.get("action", "")
    if action == "block" and BLOCK not in scopes:
        raise Forbidden(f"blocking needs the scope {BLOCK}")
    if form.get("duration", "") not in dict(DURATIONS):
        raise InvalidInput("/duration_seconds", "it is mandatory")
    return Order(
        client_id=client_id,
        action=action,
        seconds=float(form["duration"]),
        reason=form.get("why", ""),
        parameters=_parameters(form),
        simulated="simulated" in form,
        alert_id=alert_id,
    )
