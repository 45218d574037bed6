"""Whatever findings and reviewers do, in any order: one open alert, evidence that never changes, a whole history."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.alerts import lifecycle
from app.errors import Conflict
from app.models import Alert, AlertEvent, Decision, Label
from app.models.vocabulary import Disposition, State
from app.store.db import make_engine, read_scope, session_scope
from detectors.base import Level

CLIENTS = (1, 2)
KINDS = {"opened", "escalated", "cleared", "returned", "claimed", "closed", "reopened"}
AFTER = {"opened": State.NEW, "claimed": State.IN_REVIEW, "closed": State.CLOSED, "reopened": State.NEW}


class Lives(RuleBasedStateMachine):
    """Two clients, the findings of their worker, and a reviewer."""

    make_finding = migrated = None  # the fixtures

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite+aiosqlite:///{Path(self.folder.name) / 'a.db'}"
        self.migrated(url)
        self.runner = asyncio.Runner()
        self.engine = make_engine(url)
        self.now = 1_800_000_000.0
        self.requests = dict.fromkeys(CLIENTS, 100)
        self.level = dict.fromkeys(CLIENTS, int(Level.NONE))
        self.last = {}
        self.evidence = {}
        self.closes = 0
        self.look()

    def teardown(self):
        self.runner.run(self.engine.dispose())
        self.runner.close()
        self.folder.cleanup()

    def write(self, work):
        async def run():
            async with session_scope(self.engine) as session:
                return await work(session)

        result = self.runner.run(run())
        self.look()
        return result

    def look(self):
        """Read everything once; rules and invariants look at this."""

        async def run():
            async with read_scope(self.engine) as session:
                return [
                    list(await session.scalars(sa.select(table).order_by(*order)))
                    for table, order in (
                        (Alert, (Alert.opened_at, Alert.id)),
                        (AlertEvent, (AlertEvent.alert_id, AlertEvent.sequence)),
                        (Label, (Label.id,)),
                        (Decision, (Decision.id,)),
                    )
                ]

        self.all_alerts, self.events, self.labels, self.decisions = self.runner.run(run())

    def alerts(self, *states):
        return [alert for alert in self.all_alerts if not states or alert.state in states]

    @rule(
        client=st.sampled_from(CLIENTS),
        level=st.sampled_from([Level.NONE, Level.WATCH, Level.REVIEW, Level.REVIEW, Level.REVIEW]),
        score=st.floats(9.2, 25.0),
        second=st.booleans(),
    )
    def find(self, client, level, score, second):
        self.now += 60
        self.requests[client] += 10
        finding = self.make_finding(
            client,
            level=level,
            previous=self.level[client],
            score=score if level == Level.REVIEW else score - 9.0,
            requests=self.requests[client],
            at=self.now,
            nats={"template": score / 2, "surface": 5.0 if second else 0.5},
        )
        self.level[client] = int(level)
        self.last[client] = finding
        self.write(lambda session: lifecycle.record(session, [finding], self.now))
        assert self.write(lambda session: lifecycle.record(session, [finding], self.now + 1)) == []

    @precondition(lambda self: self.last)
    @rule(data=st.data(), older=st.floats(0, 1e6))
    def repeat(self, data, older):
        """A worker that comes back from the dead says old things again."""
        finding = self.last[data.draw(st.sampled_from(sorted(self.last)))]
        before = [(a.id, a.version, a.state, a.latest) for a in self.alerts()]
        again = replace(finding, at=finding.at - older)
        assert self.write(lambda session: lifecycle.record(session, [again], self.now)) == []
        assert [(a.id, a.version, a.state, a.latest) for a in self.alerts()] == before

    @precondition(lambda self: self.alerts(State.NEW, State.IN_REVIEW))
    @rule(data=st.data(), disposition=st.sampled_from(Disposition))
    def close(self, data, disposition):
        self.now += 1
        alert = data.draw(st.sampled_from(self.alerts(State.NEW, State.IN_REVIEW)))
        self.write(lambda session: lifecycle.close(session, alert.id, disposition, "", "ada", alert.version, self.now))
        self.closes += 1

    @precondition(lambda self: self.alerts(State.NEW))
    @rule(data=st.data())
    def claim(self, data):
        alert = data.draw(st.sampled_from(self.alerts(State.NEW)))
        self.write(lambda session: lifecycle.claim(session, alert.id, "ada", alert.version, self.now))

    @precondition(lambda self: self.alerts(State.CLOSED))
    @rule(data=st.data())
    def reopen(self, data):
        alert = data.draw(st.sampled_from(self.alerts(State.CLOSED)))
        newest = max(a.episode for a in self.alerts() if a.client_id == alert.client_id)
        try:
            self.write(lambda session: lifecycle.reopen(session, alert.id, "why", "ada", alert.version, self.now))
            assert alert.episode == newest
        except Conflict:
            assert alert.episode < newest

    @invariant()
    def one_open_alert_of_a_client(self):
        opened = [alert.fingerprint for alert in self.alerts(State.NEW, State.IN_REVIEW)]
        assert len(opened) == len(set(opened))
        for client in {alert.client_id for alert in self.alerts()}:
            episodes = [alert.episode for alert in self.alerts() if alert.client_id == client]
            assert episodes == list(range(1, len(episodes) + 1))

    @invariant()
    def who_is_in_review_has_an_alert(self):
        known = {alert.client_id for alert in self.alerts()}
        for client, level in self.level.items():
            assert level < Level.REVIEW or f"cl_{client:016x}" in known

    @invariant()
    def evidence_never_changes(self):
        for alert in self.alerts():
            assert self.evidence.setdefault(alert.id, alert.evidence) == alert.evidence

    @invariant()
    def history_is_whole_and_tells_the_state(self):
        steps = {}
        for event in self.events:
            steps.setdefault(event.alert_id, []).append(event)
        for alert in self.alerts():
            events = steps[alert.id]
            assert [event.sequence for event in events] == list(range(1, alert.version + 1))
            assert {event.kind for event in events} <= KINDS
            told = [AFTER[event.kind] for event in events if event.kind in AFTER]
            assert told[-1] == alert.state
            assert (alert.disposition is not None) == (alert.state == State.CLOSED)

    @invariant()
    def every_close_left_a_label(self):
        assert len(self.labels) == self.closes

    @invariant()
    def decisions_end_and_one_stands(self):
        standing = [(d.client_id, d.action) for d in self.decisions if d.revoked_at is None]
        assert len(standing) == len({client for client, _ in standing})
        assert all(d.simulated and d.expires_at > d.starts_at for d in self.decisions)


def test_any_order_of_findings_and_verdicts(make_finding, migrated):
    Lives.make_finding, Lives.migrated = staticmethod(make_finding), staticmethod(migrated)
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
