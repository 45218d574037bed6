"""The judge compares rows with their peers, finds touched tripwires cheaply, and says what it does not know."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import calibrate, fuse, reference, registry
from detectors.base import Level
from detectors.checks import sample
from detectors.engine import Engine
from detectors.judge import Judge
from detectors.reference import LOOKS
from detectors.table import Table


@pytest.fixture(scope="module")
def rows(shipped_engine: Engine) -> np.ndarray:
    table = Table(shipped_engine)
    table.step(sample(3, clients=20, events=1_500), 0.0)
    return table.rows().copy()


def test_each_row_is_compared_at_its_look(shipped_engine: Engine, rows) -> None:
    found = shipped_engine.judge.judge(rows, 0.0)
    assert found.scores.shape == found.p.shape == (20, len(shipped_engine.detectors))
    assert ((found.p > 0.0) & (found.p <= 1.0)).all()
    assert (found.p >= found.floors - 1e-12).all()
    before = rows.copy()
    before["look"] = 0
    assert (shipped_engine.judge.judge(before, 0.0).p == 1.0).all()


def test_what_is_read_at_a_look_is_score_and_measure(shipped_engine: Engine, rows) -> None:
    for one in shipped_engine.detectors:
        held = rows[one.name]
        score, measured = one.look(held, 0.0)
        assert score.tobytes() == one.score(held, 0.0).tobytes(), one.name
        assert measured.tobytes() == one.measure(held).tobytes(), one.name


def test_one_rows_judgement_does_not_depend_on_the_others(shipped_engine: Engine, rows) -> None:
    whole = shipped_engine.judge.judge(rows, 0.0)
    for place in (0, 7, 19):
        alone = shipped_engine.judge.judge(rows[place : place + 1], 0.0)
        assert np.allclose(alone.p[0], whole.p[place])
        assert alone.rank[0] == pytest.approx(whole.rank[place], abs=1e-5)


def test_what_those_of_like_use_go_further_is_taken_from_a_rank(rows) -> None:
    engine = registry.load()
    plain = dataclasses.replace(engine.reference, lifts=np.zeros_like(engine.reference.lifts))
    held = rows.copy()
    held["look"], held["counted"] = 1, LOOKS[0]
    held["group"] = engine.judge.group(held)
    with_lift, without = (Judge(engine.detectors, one).judge(held, 0.0) for one in (engine.reference, plain))
    lift = engine.judge.lift(held)
    assert np.ptp(lift[:, 0]) > 0.1
    calm = ~((without.scores >= 1.0) & engine.judge.wires).any(axis=1)
    assert calm.any()
    assert (without.rank - with_lift.rank)[calm] == pytest.approx(lift[calm, 0], abs=1e-6)
    assert without.kinds - with_lift.kinds == pytest.approx(
        np.where(np.isnan(without.kinds), np.nan, lift[:, 1:]), nan_ok=True
    )
    held["look"] = 0  # before the first look it counts as much as the log-odds do
    held["counted"] = LOOKS[0] // 2 + 1
    early, flat = (Judge(engine.detectors, one).judge(held, 0.0).rank for one in (engine.reference, plain))
    share = (LOOKS[0] // 2 + 1) / LOOKS[0]
    assert (flat - early)[calm] == pytest.approx(share * lift[calm, 0], abs=1e-6)


def test_tripwires_are_looked_at_among_the_asked_alone(shipped_engine: Engine, rows) -> None:
    judge = shipped_engine.judge
    wires = [one for one, wire in zip(shipped_engine.detectors, judge.wires, strict=True) if wire]
    expected = np.zeros(len(rows), np.bool_)
    for one in wires:
        expected |= one.score(rows[one.name], 0.0) >= 1.0
    everyone = np.ones(len(rows), np.bool_)
    assert judge.tripped(rows, everyone, 0.0).tolist() == expected.tolist()
    assert not judge.tripped(rows, ~everyone, 0.0).any()


def test_a_sentence_calls_nothing_rarer_than_the_reference_can_tell(harvest) -> None:
    engine = registry.load()
    table = Table(engine)
    table.step(np.concatenate([harvest(client, 120) for client in range(1, 9)]), 0.0)
    row = table.rows()[0].copy()
    row["level"] = Level.REVIEW
    look = int(row["look"])
    known = calibrate.joint_size(engine.reference, look)

    def told(nats: float) -> str:
        return fuse.sentence((), 120, (), engine.judge._told_together(Level.REVIEW, look, nats), known=known)

    assert told(2.0).endswith("all of it together is that of 1 in 7 ordinary clients.")
    assert told(20.0).endswith(f"goes further than all {known:,} ordinary clients it is compared with.")
    assert f"further than all {known:,}" in engine.explain(row, 0.0).sentence


def test_what_is_rare_but_not_watched_is_not_called_ordinary() -> None:
    judge = registry.load().judge
    assert judge._told_together(Level.NONE, 1, 5.0) == 5.0
    assert judge._told_together(Level.NONE, 1, 4.0) == 0.0
    assert judge._told_together(Level.WATCH, 1, 4.0) == 4.0


def test_an_empty_reference_knows_no_detector() -> None:
    judge = Judge(registry.shipped(), reference.empty())
    assert judge.unknown == tuple(one.name for one in registry.shipped())
