"""Looks are those of the engine, verdicts are by client, and the parts of the evaluation do not touch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from bench.detection import evaluate, judging
from bench.detection.compose import Account
from bench.detection.evaluate import Observed
from detectors import checks, registry
from detectors.base import Level
from detectors.engine import Engine
from detectors.table import Table


def _account(client: int, requests: int, family: str = "", **rest: object) -> Account:
    events = checks.sample(client, 1, requests)
    events["client"] = client
    events["at"] = 2_917 * 7 * 86_400.0 - client % (7 * 86_400) + 60.0 + np.arange(requests) * 20.0
    return Account(client, "persona", family, events, **rest)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shipped() -> Engine:
    return registry.load()


def test_levels_are_those_that_the_service_tells(shipped) -> None:
    accounts = [_account(1_000 + n, 30 + 60 * n) for n in range(12)]
    seen = evaluate.observe(shipped.detectors, accounts)
    told = evaluate.decide(evaluate.evidence(shipped, seen), seen)
    assert len(np.unique(seen.who)) >= 10
    table = Table(shipped)
    for one in accounts:
        for start in range(0, len(one.events), 7):
            table.step(one.events[start : start + 7], 0.0)
    for place, one in enumerate(accounts):
        row = table[one.client]
        looks = np.flatnonzero((seen.who == place) & (seen.rows["part"] == 0))
        if not len(looks):
            assert row["look"] == 0
            continue
        last = looks[-1]
        assert seen.rows["look"][last] == row["look"]
        assert told.score[last] == pytest.approx(float(row["score"]), abs=1e-4) or told.level[last] == Level.REVIEW
        assert told.level[last] == row["level"] or row["level"] == Level.REVIEW


def test_the_parts_of_mixed_clients_are_looked_at_as_the_service_does(shipped) -> None:
    accounts = [_account(1_000 + n, 30 + 60 * n) for n in range(12)]
    seen = evaluate.observe(shipped.detectors, accounts)
    told = evaluate.decide(evaluate.evidence(shipped, seen), seen)
    table = Table(shipped)
    table.step(np.concatenate([one.events for one in accounts]), 0.0)
    kept = {(int(row["client"]), int(row["look"])): row for row in table.parts() if row["look"]}
    apart = {(int(row["client"]), int(row["look"])): place for place, row in enumerate(seen.rows) if row["part"]}
    assert kept
    for key, row in kept.items():
        score, level = told.score[apart[key]], told.level[apart[key]]
        assert score == pytest.approx(float(row["score"]), abs=1e-4) or level == Level.REVIEW
        assert level == row["level"]
        assert seen.clients["client"][seen.who[apart[key]]] in {one.client for one in accounts}
    whole = seen.whole
    assert len(whole.who) == int((seen.rows["part"] == 0).sum()) < len(seen.who)
    assert np.unique(seen.who[seen.last]).tolist() == np.unique(whole.who).tolist()
    assert not seen.rows["part"][seen.last].any()
    for place in apart.values():  # a look at a part comes when so many of the client's requests are there
        events = accounts[seen.who[place]].events
        assert seen.requests[place] == (events["at"] <= seen.rows["last"][place]).sum()


def test_answers_are_counted_up_to_the_look_without_failures_and_retries(shipped) -> None:
    one = _account(7, 60)
    for name, value in (("status", 200), ("outcome", 0), ("flags", 0), ("choices", 4), ("prompts", 2)):
        one.events[name] = value
    one.events["status"][:5] = 500
    seen = evaluate.observe(shipped.detectors, [one])
    assert seen.answers.tolist() == [8.0 * (n - 5) for n in seen.requests]
    assert seen.clients["answers"][0] == 55 * 8


@dataclass
class _Made:
    """Clients with one look each and a number of their own."""

    values: np.ndarray
    seen: Observed = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.values)
        clients = np.zeros(count, evaluate.CLIENT)
        clients["client"] = np.arange(1, count + 1)
        clients["pair"] = -1
        rows = np.zeros(count, [("look", "u1"), ("events", "<u8"), ("window", "<i4")])
        rows["look"], rows["events"] = 1, 25
        self.seen = Observed(clients, np.arange(count), rows, np.full(count, 50.0), {}, {})


def test_equal_rates_hold_and_harvests_are_found() -> None:
    rng = np.random.default_rng(5)
    made = _Made(rng.normal(size=3_000))
    made.seen.clients["harvest"][:300] = True
    made.values[:300] += 5.0
    found = judging.judge(made.seen, lambda _: made.values, judging.folds(made.seen))
    assert found.found(0.01).rate > 0.95
    assert found.alarms(0.01).rate < 0.02
    assert found.requests[0.01][found.harvest & found.flagged[0.01]].tolist() == [25.0] * found.found(0.01).hits
    assert found.auc > 0.99
    assert found.resolvable == pytest.approx(1 / 1_081, rel=0.1)


def test_each_client_is_tested_once_and_never_where_it_fits_or_sets_the_level() -> None:
    seen = _Made(np.zeros(500)).seen
    seen.clients["harvest"][:50] = True
    seen.clients["pair"][:40] = np.arange(40)
    seen.clients["pair"][50:90] = np.arange(40)
    parts = judging.folds(seen)
    assert sum(part.test.astype(int) for part in parts).tolist() == [1] * 500
    for part in parts:
        assert not (part.fit & part.level).any()
        assert not (part.test & (part.fit | part.level)).any()
        assert not (part.fit | part.level)[:50].any()
        assert np.array_equal(part.test[:40], part.test[50:90])


def test_calibration_clients_fit_and_set_levels_and_are_not_tested() -> None:
    seen = _Made(np.zeros(400)).seen
    seen.clients["calibration"][:300] = True
    (part,) = judging.folds(seen)
    assert part.test.tolist() == [False] * 300 + [True] * 100
    assert (part.fit | part.level).tolist() == [True] * 300 + [False] * 100
    kinds = np.arange(400) % 20
    for part in judging.folds(seen, kinds):
        assert not set(kinds[part.test] % 5) & set(kinds[part.fit | part.level] % 5)
    judged = judging.judge(seen, lambda _: np.zeros(400), judging.folds(seen))
    assert len(judged.clients) == 100


def test_grey_clients_set_no_level_and_are_no_false_alarm() -> None:
    made = _Made(np.arange(1_000.0) % 100)
    made.seen.clients["grey"][::10] = True
    made.values[::10] = 1e6
    found = judging.judge(made.seen, lambda _: made.values, judging.folds(made.seen))
    assert found.alarms(0.01).clients == 900
    assert found.flagged[0.01][made.seen.clients["grey"]].all()
