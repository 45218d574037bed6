"""Decision to action: what the client's decisions say about a request, from the local table, without waiting."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.gateway.bucket import Bucket
from app.store.table import Held, Table

ACTIONS = ("tag", "throttle", "degrade", "block")
SLOWEST, FASTEST = 1 / 60, 1_000_000.0  # requests a minute
WARNINGS = 100  # different ones logged

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Degrade:
    """What a degraded client does not get; each is there only because the decision names it."""

    max_n: int = 0  # 0: any number of answers to a prompt
    refuse_logprobs: bool = False
    drop_reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done to one request: refused (`block`, or `wait` seconds), else forwarded with a `tag` or with less."""

    block: bool = False
    wait: float = 0.0
    tag: str = ""
    degrade: Degrade | None = None


def _number(parameters: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} is not a number from {low:g} to {high:g}")
    return float(value)


def bucket_of(parameters: Mapping[str, Any]) -> Bucket:
    """The bucket of a throttle; ValueError where its parameters do not make one."""
    rate = _number(parameters, "rate_per_minute", SLOWEST, FASTEST)
    return Bucket(rate / 60, _number(parameters, "burst", 1, FASTEST))


def degrade_of(parameters: Mapping[str, Any]) -> Degrade:
    """What a degrade takes away; ValueError where it names nothing that we know."""
    most = int(_number(parameters, "max_n", 1, 1000)) if "max_n" in parameters else 0
    made = Degrade(most, parameters.get("refuse_logprobs") is True, parameters.get("drop_reasoning") is True)
    if made == Degrade():
        raise ValueError("it names nothing to leave out")
    return made


def _memo(held: Held, action: str) -> Bucket | Degrade | None:
    """What a decision's parameters say, kept with it; ValueError where we cannot read them or its action."""
    if action not in ACTIONS:
        raise ValueError("unknown action")
    if held.memo is None and action == "throttle":
        held.memo = bucket_of(held.decision.parameters)
    elif held.memo is None and action == "degrade":
        held.memo = degrade_of(held.decision.parameters)
    memo: Bucket | Degrade | None = held.memo
    return memo


def _taken(buckets: Sequence[Bucket], ticks: float) -> float:
    """Seconds until each bucket has a token; 0 where all have, one of each is then taken.

    All or none: of two throttles each would take what the other refuses, and the client would hardly ever be served.
    """
    wait = max((bucket.wait(ticks) for bucket in buckets), default=0.0)
    if not wait:
        for bucket in buckets:
            bucket.take(ticks)
    return wait


def _strictest(found: Sequence[Degrade]) -> Degrade | None:
    """What any of them takes away."""
    if len(found) < 2:
        return found[0] if found else None
    return Degrade(
        min((one.max_n for one in found if one.max_n), default=0),
        any(one.refuse_logprobs for one in found),
        any(one.drop_reasoning for one in found),
    )


class Enforcer:
    """Looks a request's client up in the local table; `enforcing` says whether real decisions act."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._warned: set[str] = set()
        self.enforcing = False
        self.would_have = dict.fromkeys(ACTIONS, 0)  # requests that would have been acted on, were it not simulated
        self.acted = dict.fromkeys(ACTIONS, 0)  # requests that were acted on
        self.unknown = 0  # requests under a decision that we cannot read: its action or its parameters
        self.untouched = 0  # bodies of degraded clients that could not be rewritten, and passed as they were

    def decide(self, client: int, now: float, ticks: float, others: tuple[int, ...] = ()) -> Verdict | None:
        """What to do about a request at `now` (`ticks` by the monotonic clock); None to let it pass untouched.

        Decisions about `others` hold for it too: it has their credentials, and the model API may read those.
        """
        real: dict[str, list[Held]] = {}
        buckets: list[Bucket] = []
        standing = self._table.active(client, now, ticks)
        for other in others:
            standing += self._table.active(other, now, ticks)
        for held in standing:
            action = held.decision.action
            try:
                memo = _memo(held, action)
            except ValueError as error:
                self._ignore(action, error)
                continue
            acts = self.enforcing and not held.decision.simulated
            if isinstance(memo, Bucket):
                if acts:
                    buckets.append(memo)
                    continue
                if not memo.take(ticks):
                    continue
            if acts:
                real.setdefault(action, []).append(held)
            else:
                self.would_have[action] += 1
        wait = _taken(buckets, ticks)
        return self._verdict(real, wait) if real or wait else None

    def _verdict(self, real: dict[str, list[Held]], wait: float) -> Verdict:
        if "block" in real or wait:
            action = "block" if "block" in real else "throttle"
            self.acted[action] += 1
            return Verdict(block=action == "block", wait=wait)
        for action in real:
            self.acted[action] += 1
        tag = real["tag"][0].decision.id if "tag" in real else ""  # that of the client itself, where it has one
        return Verdict(tag=tag, degrade=_strictest([held.memo for held in real.get("degrade", ())]))

    def _ignore(self, action: str, error: ValueError) -> None:
        self.unknown += 1
        known = f"{action:.40}: {error}"
        if known not in self._warned and len(self._warned) < WARNINGS:
            self._warned.add(known)
            logger.warning("decisions are ignored whose action is %.40r: %s", action, error)
