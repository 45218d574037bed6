"""Members who hide behind few requests each are extraordinary as one client; a random set is not."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import pooled
from detectors.engine import WINDOW, Engine
from detectors.event import EVENT
from detectors.table import Table


@pytest.fixture(scope="module")
def made(shipped_engine: Engine) -> tuple[Engine, np.ndarray, pooled.Pooled]:
    rng = np.random.default_rng(4)
    count = 160
    events = np.zeros(count * 20, EVENT)
    events["client"] = np.repeat(np.arange(1, count + 1), 20).astype(np.uint64)
    events["at"] = WINDOW * 2_900.5 + rng.random(len(events)) * 3_600.0
    for name in ("payload", "body", "head4", "tail6"):
        events[name] = rng.integers(1, 2**62, len(events))
    events["out_chars"], events["payload_chars"], events["choices"], events["prompts"] = 400, 200, 1, 1
    events["operation"], events["status"], events["top_logprobs"] = 1, 200, -1
    table = Table(shipped_engine)
    table.step(events, float(events["at"].max()))
    rows = np.sort(table.rows(), order="client")
    return shipped_engine, rows, pooled.fit(shipped_engine, rows, seed=1, sets=60)


def test_a_random_set_is_ordinary(made) -> None:
    engine, rows, calibration = made
    told = calibration.rescore(engine, rows[10:18])
    assert told.size == 8
    assert told.nats < 6.0
    assert all(0.0 < p <= 1.0 for _, _, p in told.evidence)


def test_members_of_one_template_go_further_than_every_random_set(made) -> None:
    engine, _, calibration = made
    rng = np.random.default_rng(9)
    events = np.zeros(8 * 20, EVENT)
    events["client"] = np.repeat(np.arange(501, 509), 20).astype(np.uint64)
    events["at"] = WINDOW * 2_900.5 + rng.random(len(events)) * 3_600.0
    events["payload"] = events["body"] = rng.integers(1, 2**62, len(events))
    events["head4"] = events["tail6"] = 7
    events["out_chars"], events["payload_chars"], events["choices"], events["prompts"] = 6_000, 200, 1, 1
    events["operation"], events["status"], events["top_logprobs"] = 1, 200, -1
    table = Table(engine)
    table.step(events, float(events["at"].max()))
    told = calibration.rescore(engine, table.rows())
    (template,) = (p for name, _, p in told.evidence if name == "template")
    assert template == pytest.approx(1.0 / 61.0)
    assert told.nats >= -np.log(template) - 1e-9


def test_a_calibration_comes_back_from_its_file(made, tmp_path) -> None:
    _, _, calibration = made
    calibration.save(tmp_path / "sets.npz")
    back = pooled.load(tmp_path / "sets.npz")
    assert back.detectors == calibration.detectors
    assert np.array_equal(back.scores, calibration.scores)
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    with pytest.raises(ValueError, match="not a calibration"):
        pooled.load(tmp_path / "other.npz")
