"""The life of an alert: opened or refreshed by findings, claimed, closed and re-opened by reviewers.

Everything happens in the caller's transaction; nothing here commits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts import episodes, history, reviewing
from app.alerts.episodes import Move, Step
from app.alerts.evidence import FindingInput, frozen, jsonable, reading, severity_of, speaking
from app.clients import queries as clients
from app.errors import Conflict
from app.models.alert import Alert
from app.models.base import COUNT_LIMIT, moment, new_id
from app.models.client import client_ref
from app.models.label import Label
from app.models.vocabulary import Action, Disposition, State, Verdict
from app.policies import decide, rules
from app.policies.decide import DecisionOut
from app.store.db import insert_into
from detectors.base import Level

__all__ = ["DecisionOut", "FindingInput", "claim", "close", "fingerprint", "record", "reopen"]

CHUNK = 200  # alerts opened by one statement
VERDICTS: dict[Disposition, Verdict] = {
    Disposition.DISTILLATION_CONFIRMED: Verdict.HARVESTING,
    Disposition.DISTILLATION_SUSPECTED: Verdict.HARVESTING,
    Disposition.OTHER_ABUSE: Verdict.UNSURE,
    Disposition.BENIGN_EXPECTED: Verdict.BENIGN,
    Disposition.FALSE_POSITIVE: Verdict.BENIGN,
    Disposition.DUPLICATE: Verdict.UNSURE,
    Disposition.INSUFFICIENT_DATA: Verdict.UNSURE,
    Disposition.TEST: Verdict.UNSURE,
}


def fingerprint(client: int) -> str:
    """What an alert is about: the client and the policy. At most one open alert has it."""
    return f"{client_ref(client)}:{rules.POLICY}"


async def record(
    session: AsyncSession, findings: Sequence[FindingInput], now: float, enforce: Collection[Action] = ()
) -> list[DecisionOut]:
    """Open or refresh the alerts of `findings` and decide; returns the decisions to publish after the commit.

    Only actions among `enforce` are decided for real, the others in simulation.
    Saying the same finding twice, from one worker or from two at once, changes nothing the second time.
    Raises Conflict in the rare case that another transaction got between: say the same findings again.
    """
    decisions: list[DecisionOut] = []
    for wave in _waves(findings):
        newest = await _newest(session, [finding.client for finding in wave])
        moves = {
            finding.client: episodes.next_move(newest.get(fingerprint(finding.client)), finding) for finding in wave
        }
        opened = await _open(session, [f for f in wave if moves[f.client].step is Step.OPEN], newest, now)
        touched = {alert.id: alert for alert in opened}
        for finding in wave:
            alert = newest.get(fingerprint(finding.client))
            if alert is None or alert.id in touched:
                continue
            if _fold(session, alert, finding, moves[finding.client], now):
                touched[alert.id] = alert
        decisions += await decide.apply(session, list(touched.values()), now, enforce)
    return decisions


async def note_quality(session: AsyncSession, found: Mapping[int, Mapping[str, Any]], now: float) -> None:
    """What is known by now of the losses in clients' windows, beside the newest reading; what was frozen stays."""
    numbers = sorted(found)
    for start in range(0, len(numbers), CHUNK):
        some = numbers[start : start + CHUNK]
        newest = await _newest(session, some)
        for number in some:
            alert = newest.get(fingerprint(number))
            if alert is not None:
                alert.latest = {**alert.latest, "data_quality": jsonable(found[number])}
                alert.updated_at = moment(now)
    await session.flush()


def _waves(findings: Sequence[FindingInput]) -> Iterator[list[FindingInput]]:
    """The findings in groups of bounded size, each client once in a group and its older findings in earlier ones."""
    rank: Counter[int] = Counter()
    ranked: list[list[FindingInput]] = []
    for finding in sorted(findings, key=lambda finding: (finding.client, finding.at, finding.requests)):
        if rank[finding.client] == len(ranked):
            ranked.append([])
        ranked[rank[finding.client]].append(finding)
        rank[finding.client] += 1
    for group in ranked:
        for start in range(0, len(group), CHUNK):
            yield group[start : start + CHUNK]


async def _newest(session: AsyncSession, numbers: Iterable[int]) -> dict[str, Alert]:
    """The newest episode of each client, its row locked in one order so that two workers never cross."""
    keys = [fingerprint(number) for number in numbers]
    last = sa.select(Alert.fingerprint, sa.func.max(Alert.episode)).where(Alert.fingerprint.in_(keys))
    query = (
        sa.select(Alert)
        .where(sa.tuple_(Alert.fingerprint, Alert.episode).in_(last.group_by(Alert.fingerprint)))
        .order_by(Alert.fingerprint)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {alert.fingerprint: alert for alert in await session.scalars(query)}


async def _open(
    session: AsyncSession, findings: Sequence[FindingInput], newest: dict[str, Alert], now: float
) -> list[Alert]:
    """New alerts with their evidence frozen, also put into `newest`; those that another worker opened a moment ago
    are put there too, and are not among the ones returned."""
    if not findings:
        return []
    await clients.ensure(session, [(finding.client, finding.at) for finding in findings])
    values = []
    for finding in findings:
        before = newest.get(fingerprint(finding.client))
        values.append(_first_values(finding, before.episode + 1 if before else 1, now))
    statement = insert_into(session, Alert).values(values).on_conflict_do_nothing().returning(Alert)
    opened = list(await session.scalars(statement))
    for alert in opened:
        history.step(session, alert, "opened", history.SYSTEM, {"score": alert.score, "episode": alert.episode}, now)
        newest[alert.fingerprint] = alert
    won = {alert.fingerprint for alert in opened}
    lost = [finding for finding in findings if fingerprint(finding.client) not in won]
    if lost:
        newest.update(await _newest(session, [finding.client for finding in lost]))
    return opened


def _first_values(finding: FindingInput, episode: int, now: float) -> dict[str, Any]:
    explanation = finding.explanation
    alert_id = new_id("al", now)
    return {
        "id": alert_id,
        "client_id": client_ref(finding.client),
        "fingerprint": fingerprint(finding.client),
        "episode": episode,
        "policy": rules.POLICY,
        "policy_version": rules.POLICY_VERSION,
        "state": State.NEW,
        "severity": severity_of(finding.score, explanation.threshold),
        "score": float(finding.score),
        "threshold": float(explanation.threshold),
        "sentence": explanation.sentence,
        "evidence": frozen(finding, alert_id, episode),
        "latest": reading(finding),
        "seen_at": moment(finding.at),
        "seen_requests": min(int(finding.requests), COUNT_LIMIT),
        "opened_at": moment(now),
        "updated_at": moment(now),
        "version": 0,
    }


def _fold(session: AsyncSession, alert: Alert, finding: FindingInput, move: Move, now: float) -> bool:
    """Take the finding's step on an alert that exists; whether there is something to decide then."""
    if move.step is Step.OPEN:  # another worker opened it first: what is left to do is decided on its row
        move = episodes.next_move(alert, finding)
        if move.step is Step.OPEN:
            raise Conflict("another transaction opened and closed the alert meanwhile")
    if move.step is Step.IGNORE:
        return False
    if move.step is Step.REOPEN:
        _reopen_escalated(session, alert, finding, move.joined, now)
        return True
    _refresh(session, alert, finding, now)
    return alert.state != State.CLOSED and finding.level >= Level.REVIEW


def _refresh(session: AsyncSession, alert: Alert, finding: FindingInput, now: float) -> None:
    """The newest reading; while open also the peak, and a step of history where the picture changed."""
    was_over = int(alert.latest.get("level", Level.REVIEW)) >= Level.REVIEW
    is_over = finding.level >= Level.REVIEW
    _take(alert, finding, now)
    if alert.state == State.CLOSED:
        return
    data = {"score": float(finding.score)}
    if was_over != is_over:
        history.step(session, alert, "returned" if is_over else "cleared", history.SYSTEM, data, now)
    if is_over and finding.score > alert.score:
        alert.score = float(finding.score)
        severity = severity_of(alert.score, alert.threshold)
        if severity.number > alert.severity.number:
            alert.severity = severity
            history.step(session, alert, "escalated", history.SYSTEM, data | {"severity": str(severity)}, now)


def _take(alert: Alert, finding: FindingInput, now: float) -> None:
    alert.latest = reading(finding)
    alert.seen_at = moment(finding.at)
    alert.seen_requests = min(int(finding.requests), COUNT_LIMIT)
    alert.updated_at = moment(now)


def _reopen_escalated(
    session: AsyncSession, alert: Alert, finding: FindingInput, joined: Sequence[str], now: float
) -> None:
    data = {"reason": "escalated", "score": float(finding.score), "closed_score": alert.closed_score}
    _take(alert, finding, now)
    _back_to_new(alert)
    alert.score = float(finding.score)
    alert.severity = severity_of(alert.score, alert.threshold)
    history.step(session, alert, "reopened", history.SYSTEM, data | {"joined": list(joined)}, now)


def _back_to_new(alert: Alert) -> None:
    """The verdict leaves the alert; its label and its history keep it."""
    alert.state = State.NEW
    alert.disposition = alert.closed_at = alert.closed_by = alert.closed_score = alert.closed_detectors = None
    alert.note = alert.assignee = None


async def claim(session: AsyncSession, alert_id: str, actor: str, expected_version: int | None, now: float) -> Alert:
    """Take the alert into review; Conflict where it is closed or another reviewer has it."""
    alert = await reviewing.locked(session, Alert, alert_id, expected_version)
    if reviewing.take(alert, actor):
        history.step(session, alert, "claimed", actor, {}, now)
        await session.flush()
    return alert


async def close(
    session: AsyncSession,
    alert_id: str,
    disposition: str | None,
    note: str,
    actor: str,
    expected_version: int | None,
    now: float,
) -> Alert:
    """Close with a verdict, which also becomes a label; a benign one ends the alert's decisions."""
    chosen = reviewing.disposition_of(disposition)
    note = reviewing.words("/note", note, required=False)
    alert = await reviewing.locked(session, Alert, alert_id, expected_version)
    if alert.state == State.CLOSED:
        raise Conflict("the alert is closed already")
    alert.state, alert.disposition = State.CLOSED, chosen
    alert.closed_at, alert.closed_by, alert.note = moment(now), actor, note or None
    alert.closed_score = max(alert.score, float(alert.latest.get("score") or 0.0))
    alert.closed_detectors = speaking(alert.latest, episodes.HEARD_NATS)
    verdict = VERDICTS[chosen]
    label = Label(
        id=new_id("lb", now),
        alert_id=alert.id,
        client_id=alert.client_id,
        verdict=verdict,
        disposition=chosen,
        given_by=actor,
        given_at=moment(now),
    )
    session.add(label)
    data = {"disposition": str(chosen), "label": str(verdict), "note": note, "score": alert.closed_score}
    history.step(session, alert, "closed", actor, data, now)
    if verdict is Verdict.BENIGN:
        await decide.revoke_of_alert(session, alert.id, "closed_benign", now)
    await session.flush()
    return alert


async def reopen(
    session: AsyncSession, alert_id: str, reason: str, actor: str, expected_version: int | None, now: float
) -> Alert:
    """Bring a closed alert back to the queue; Conflict where a newer episode of the client is open."""
    reason = reviewing.words("/reason", reason)
    alert = await reviewing.locked(session, Alert, alert_id, expected_version)
    if alert.state != State.CLOSED:
        raise Conflict("the alert is not closed")
    newer = sa.select(Alert.id).where(Alert.fingerprint == alert.fingerprint, Alert.episode > alert.episode)
    if await session.scalar(newer.limit(1)) is not None:
        raise Conflict("the client has a newer alert: work on that one")
    _back_to_new(alert)
    history.step(session, alert, "reopened", actor, {"reason": reason}, now)
    await session.flush()
    return alert
