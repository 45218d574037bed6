"""The form of a decision by hand: what it offers, what each action means for the customer, what was entered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.console import words
from app.errors import Forbidden, InvalidInput
from app.models.decision import Decision
from app.policies.decide import MANUAL
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

FIELDS: dict[str, tuple[str, str]] = {
    "/action": ("action", "Action"),
    "/duration_seconds": ("duration", "For how long"),
    "/reason": ("why-decide", "Reason"),
    "/parameters/rate_per_minute": ("rate", "Requests a minute"),
    "/parameters/burst": ("burst", "Burst"),
    "/parameters/max_n": ("max_n", "Answers to a prompt"),
    "/parameters": ("max_n", "Degrade"),
}
"""The id of the field that a pointer of the domain means, and its title."""
STEP, CONFIRM, CHANGE = "step", "confirm", "change"  # the buttons under an order that is shown before it is given
OURS = frozenset({"csrf", "version", "expected", STEP})  # fields that are no part of an order
LEFT_OUT = "Degrade: give the number of answers, or tick what is left out."

DONE: dict[str, tuple[str, str]] = {
    "decided": ("Decided", "The gateways follow within two seconds."),
    "decided-later": ("Decided", "Redis does not answer: the gateways follow when it is back."),
    "simulated": ("Decided", "Simulated: the gateways count what it would do, and the customer is served as ever."),
    "revoked": ("Revoked", "The gateways follow within two seconds."),
    "revoked-later": ("Revoked", "Redis does not answer: the gateways go on as before until it is back."),
}
"""What is said once it is done, and what follows from it, by the word that the address carries."""


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

    @property
    def field(self) -> str:
        """The id of the field that is wrong; empty where none is."""
        return FIELDS.get(self.invalid, ("", ""))[0]


NOTHING = Ordered()


def done(step: str, told: bool, *, simulated: bool = False) -> str:
    """The word for the address: `told` is whether the gateways heard of it."""
    if simulated:
        return "simulated"
    return step if told else f"{step}-later"


def said(word: str, mode: str, what: str = "") -> str:
    """What a page says of `word` while the mode is `mode`, and of `what` it was; empty where it is none of ours."""
    done, follows = DONE.get(word, ("", ""))
    text = f"{done}{f': {what}' if what else ''}. {follows}" if done else ""
    if text and word.startswith("decided") and mode != "enforce":
        return f"{text} The mode is {mode}, so the customer is served as ever until somebody switches to enforce."
    return text


def summary(item: Decision) -> str:
    """What is decided in one phrase: action, rate, for how long, and whether it is only simulated."""
    title = next((title for name, title, _ in ACTIONS if name == item.action), str(item.action).capitalize())
    rate = (item.parameters or {}).get("rate_per_minute")
    how = "" if rate is None else f" to {rate:g} request{'' if rate == 1 else 's'} a minute"
    seconds = round((item.expires_at - item.starts_at).total_seconds())
    span = dict(DURATIONS).get(str(seconds)) or words.duration(seconds)
    return f"{title}{how} for {span}, {'simulated' if item.simulated else 'real'}"


def effect(action: str) -> str:
    """What the action means for the customer."""
    return next((said for name, _, said in ACTIONS if name == action), "")


def newest(decisions: Iterable[Decision], author: str) -> str:
    """The summary of what `author` last decided by hand; empty where that is nothing."""
    mine = [one for one in decisions if one.policy == MANUAL and one.made_by == author]
    return summary(max(mine, key=lambda one: one.id)) if mine else ""


def kept(form: Mapping[str, str]) -> dict[str, str]:
    """The fields of the order in a form, to be sent again as they are."""
    return {name: value for name, value in form.items() if name not in OURS}


def offered(scopes: Collection[str], ordered: Ordered, mode: str, path: str) -> dict[str, Any]:
    """What the form needs on a page; it is sent to `path`."""
    return {
        "may_decide": WRITE in scopes,
        "actions": actions(scopes),
        "durations": DURATIONS,
        "ordered": ordered,
        "mode": mode,
        "order_path": path,
    }


def actions(scopes: Collection[str]) -> list[tuple[str, str, str]]:
    """The actions that a reviewer with these scopes may choose."""
    return [item for item in ACTIONS if item[0] != "block" or BLOCK in scopes]


def entered(form: Mapping[str, str], error: InvalidInput | None = None, problem: str = "") -> Ordered:
    """The form as it was sent, with what is wrong with it."""
    pointer = error.pointer if error is not None else ""
    if error is not None:
        _, title = FIELDS.get(pointer, ("", "The form"))
        problem = LEFT_OUT if pointer == "/parameters" else f"{title}: {error.problem}."
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


def order(form: Mapping[str, str], client_id: str, alert_id: str | None, scopes: Collection[str]) -> Order:
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
