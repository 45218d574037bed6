"""A request under a verdict: refused, or forwarded with a tag or with less in it. Other requests never come here."""

from __future__ import annotations

import copy

from app.gateway.asgi import AsgiCall
from app.gateway.cycle import Cycle
from app.gateway.degrade import LogprobsAsked
from app.gateway.degraded import DegradedCall
from app.gateway.enforce import Degrade, Enforcer, Verdict
from app.gateway.plan import Plan
from app.gateway.refusals import Refusal, blocked, no_logprobs, throttled
from app.gateway.relay import Relay
from app.store.frames import REJECTED

TAG = b"x-stillwatch-decision"
CODING = b"accept-encoding"
DRAIN_BYTES = 1 << 20  # of a refused request's body that are read, so that its client reads the refusal
DRAIN_SECONDS = 10.0  # for them to come


async def conduct(verdict: Verdict, relay: Relay, call: Cycle | AsgiCall, plan: Plan, enforcer: Enforcer) -> None:
    """Serve one request as the verdict says; raises nothing that the customer could cause."""
    if verdict.block:
        await _refuse(blocked(call.target), relay, call, plan)
    elif verdict.wait:
        await _refuse(throttled(call.target, verdict.wait), relay, call, plan)
    else:
        drop_coding = verdict.degrade is not None and verdict.degrade.drop_reasoning
        amended = amend(plan, verdict.tag.encode(), identity=drop_coding)
        if verdict.degrade is None or plan.upgrade:
            enforcer.untouched += verdict.degrade is not None  # what goes through a tunnel is not ours to read
            await relay.run(amended)
        else:
            await _degrade(verdict.degrade, relay, call, amended, enforcer)


async def _refuse(refusal: Refusal, relay: Relay, call: Cycle | AsgiCall, plan: Plan) -> None:
    """Read the body first, within limits: whoever still writes does not read, and a reset would cost the refusal."""
    parts: list[bytes] = []
    size, more = 0, True
    timer = call.protocol.loop.call_later(DRAIN_SECONDS, call.hurry) if isinstance(call, Cycle) else None
    while more and size <= DRAIN_BYTES and not (plan.expects or plan.upgrade):
        piece = call.take() or await call.read()
        if piece is None:
            break
        parts.append(piece[0])
        size += len(piece[0])
        more = piece[1]
    if timer is not None:
        timer.cancel()
    relay.received(b"".join(parts), whole=not more)
    await relay.refuse(refusal, REJECTED)


async def _degrade(policy: Degrade, relay: Relay, call: Cycle | AsgiCall, plan: Plan, enforcer: Enforcer) -> None:
    between = DegradedCall(call, policy)
    try:
        if not await between.prepare(plan):
            return
        relay.interpose(between)
        await relay.run(plan)
        await between.flush()
    except LogprobsAsked:
        relay.received(between.original or b"", whole=True)
        await relay.refuse(no_logprobs(call.target), REJECTED)
    finally:
        enforcer.untouched += between.untouched
        if between.original is not None:
            relay.received(between.original, whole=True)


def amend(plan: Plan, tag: bytes, *, identity: bool) -> Plan:
    """The plan with the tag's header; `identity`: asking for no compressed answer, whatever the client takes."""
    added = b"%b: %b\r\n" % (TAG, tag) if tag else b""
    before, after = plan.opening
    if identity:
        added += CODING + b": identity\r\n"
        before, after = _without(before, CODING), _without(after, CODING)
    if not added:
        return plan
    first, _, rest = before.partition(b"\r\n")
    amended = copy.copy(plan)
    amended.opening = (first + b"\r\n" + added + rest, after)
    return amended


def _without(lines: bytes, name: bytes) -> bytes:
    kept = [line for line in lines.split(b"\r\n") if line.partition(b":")[0].strip().lower() != name]
    return b"\r\n".join(kept)
