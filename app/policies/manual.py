"""Decisions that a person makes and revokes, each with a reason and an end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound
from app.models.alert import Alert
from app.models.base import is_id, moment, new_id
from app.models.client import Client, client_number
from app.models.decision import Decision
from app.models.vocabulary import Action
from app.policies import decide, rules
from app.policies.decide import MANUAL, DecisionOut

SHORTEST, LONGEST = 60.0, 90 * 86400.0  # seconds
LATEST_START = 3600.0  # seconds; gateways wait no longer for a start
REASON_LIMIT = 2000  # characters
RATES, BURSTS, CHOICES = (0.1, 1_000_000), (1, 100_000), (1, 128)


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants done to a client: for how many seconds, why, and whether only in simulation."""

    client_id: str
    action: str
    seconds: float
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = True
    alert_id: str | None = None
    start_within: float = 0.0  # seconds; the start is drawn evenly from them
    campaign_id: str | None = None  # of which everybody is decided about


@dataclass(frozen=True, slots=True)
class Made:
    """A decision by hand, and everything that gateways must hear of."""

    decision: Decision
    changed: list[DecisionOut]


def _number(parameters: Mapping[str, Any], name: str, bounds: tuple[float, float], *, whole: bool) -> float:
    value = parameters.get(name)
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not bounds[0] <= value <= bounds[1]:
        kind = "whole number" if whole else "number"
        raise InvalidInput(f"/parameters/{name}", f"give a {kind} from {bounds[0]:.10g} to {bounds[1]:.10g}")
    return value


def parameters_of(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action, complete and nothing else; InvalidInput names the first that is wrong."""
    names: dict[Action, tuple[str, ...]] = {
        Action.THROTTLE: ("rate_per_minute", "burst"),
        Action.DEGRADE: ("max_n", "refuse_logprobs", "drop_reasoning"),
    }
    known = names.get(action, ())
    if set(given) - set(known):
        raise InvalidInput("/parameters", f"{action} takes {', '.join(known) or 'none'}")
    if action is Action.THROTTLE:
        rate = _number(given, "rate_per_minute", RATES, whole=False)
        return {"rate_per_minute": rate, "burst": _number(given, "burst", BURSTS, whole=True)}
    made: dict[str, Any] = {}
    for name in known[1:] if action is Action.DEGRADE else ():
        if not isinstance(given.get(name, False), bool):
            raise InvalidInput(f"/parameters/{name}", "give true or false")
        if given.get(name):
            made[name] = True
    if "max_n" in given:
        made["max_n"] = _number(given, "max_n", CHOICES, whole=True)
    if action is Action.DEGRADE and not made:
        raise InvalidInput("/parameters", "say what is left out: max_n, refuse_logprobs or drop_reasoning")
    return made


def _text(pointer: str, text: str) -> str:
    text = text.strip()
    if not text or len(text) > REASON_LIMIT or "\0" in text:
        raise InvalidInput(pointer, f"say why, in 1 to {REASON_LIMIT} characters")
    return text


def _action(text: str) -> Action:
    try:
        return Action(text)
    except ValueError:
        raise InvalidInput("/action", f"choose one of {', '.join(Action)}") from None


async def _check(session: AsyncSession, order: Order) -> None:
    """The client exists, and the alert is about it."""
    client_number(order.client_id)
    if await session.get(Client, order.client_id) is None:
        raise NotFound("no such client")
    if order.alert_id is not None:
        alert = await session.get(Alert, order.alert_id) if is_id(order.alert_id, "al") else None
        if alert is None or alert.client_id != order.client_id:
            raise InvalidInput("/alert_id", "the client has no such alert")


async def standing(session: AsyncSession, client_id: str, *, lock: bool = False) -> list[Decision]:
    """What stands for a client, ran out or not, oldest first."""
    query = sa.select(Decision).where(Decision.client_id == client_id, Decision.revoked_at.is_(None))
    query = query.order_by(Decision.id)
    return list(await session.scalars(query.with_for_update() if lock else query))


def replaced(made: Decision, stand: Sequence[Decision]) -> list[Decision]:
    """What ends of that which stands by a decision by hand: of the same action, and real only by what is real."""
    return [one for one in stand if one.action == made.action and (one.simulated or not made.simulated)]


def draft(order: Order, actor: str, now: float) -> Decision:
    """The decision of an order; InvalidInput where it cannot be one."""
    action = _action(order.action)
    if not (math.isfinite(order.seconds) and SHORTEST <= order.seconds <= LONGEST):
        raise InvalidInput("/duration_seconds", f"give a number from {SHORTEST:g} to {LONGEST:g} (90 days)")
    if not (math.isfinite(order.start_within) and 0 <= order.start_within <= LATEST_START):
        raise InvalidInput("/start_within_seconds", f"give a number from 0 to {LATEST_START:g}")
    decision_id = new_id("dc", now)
    starts = now + rules.start_delay(decision_id, order.start_within)
    return Decision(
        id=decision_id,
        alert_id=order.alert_id,
        campaign_id=order.campaign_id,
        client_id=order.client_id,
        action=action,
        simulated=order.simulated,
        parameters=parameters_of(action, order.parameters),
        made_by=actor,
        reason=_text("/reason", order.reason),
        policy=MANUAL,
        policy_version=1,
        starts_at=moment(starts),
        expires_at=moment(starts + order.seconds),
    )


async def preview(session: AsyncSession, order: Order, actor: str, now: float) -> tuple[Decision, list[Decision]]:
    """What an order would make, and what stands for the client now; nothing is kept."""
    made = draft(order, actor, now)
    await _check(session, order)
    return made, [one for one in await standing(session, order.client_id) if one.expires_at > moment(now)]


async def make(session: AsyncSession, order: Order, actor: str, now: float) -> Made:
    """Decide by hand; what it replaces ends. Raises InvalidInput, NotFound, Conflict."""
    decision = draft(order, actor, now)
    await _check(session, order)
    old = replaced(decision, await standing(session, order.client_id, lock=True))
    ended = [decide.end(one, decide.ended_as(one, now), now, actor) for one in old]
    try:
        await session.flush()  # what ends must be gone before the index sees what takes its place
        session.add(decision)
        await session.flush()
    except IntegrityError:
        raise Conflict("another decision about this client was made at the same moment: look, then try again") from None
    return Made(decision, [*ended, decide.outcome(decision)])


async def revoke(session: AsyncSession, decision_id: str, note: str, actor: str, now: float) -> Made:
    """End a decision that stands, or is still to begin; Conflict where it has ended. Raises NotFound, InvalidInput."""
    note = _text("/reason", note)
    decision = None
    if is_id(decision_id, "dc"):
        decision = await session.get(Decision, decision_id, with_for_update=True, populate_existing=True)
    if decision is None:
        raise NotFound("no such decision")
    if decision.revoked_at is not None or decision.expires_at <= moment(now):
        raise Conflict("the decision has ended already")
    ended = decide.end(decision, decide.REVOKED, now, actor)
    decision.revoked_note = note
    await session.flush()
    return Made(decision, [ended])
