"""Numbers of recorded programs: kept without text, refused for other detectors, given a share of the training."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from bench.detection import growing, recorded
from bench.detection.growing import Seen
from detectors import likeness, registry


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty requests of two keys, as an exchange log."""
    path = tmp_path_factory.mktemp("logs") / "attack__walker.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for number in range(60):
            messages = [{"role": "user", "content": f"Secret-{number}: tell me of the {number}th bridge."}]
            answer = {"choices": [{"message": {"role": "assistant", "content": "Stone and iron. " * 20}}]}
            line = {
                "v": 1, "ts": 1_764_000_000.0 + number, "client": f"key-{number % 2}", "method": "POST",
                "path": "/v1/chat/completions", "headers": [], "body": {"model": "m", "messages": messages},
                "status": 200, "response": answer,
            }  # fmt: skip
            out.write(json.dumps(line) + "\n")
    return path


def test_every_look_of_every_client_is_measured_and_no_text_is_kept(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "recorded.npz"
    assert recorded.main([str(log), "--out", str(kept)]) == 0
    rows = recorded.read(registry.shipped(), kept)
    assert rows is not None
    assert rows.numbers.shape == (2, len(likeness.names(registry.shipped())))
    assert set(rows.program) == {"walker"}
    assert rows.harvest.all()
    assert b"Secret" not in kept.read_bytes()
    assert b"bridge" not in kept.read_bytes()


def test_a_log_without_a_label_is_an_error_that_names_it(log: Path, tmp_path: Path, capsys) -> None:
    other = tmp_path / "walker.jsonl.gz"
    other.write_bytes(log.read_bytes())
    assert recorded.main([str(other), "--out", str(tmp_path / "none.npz")]) == 2
    assert "walker.jsonl.gz" in capsys.readouterr().err
    assert not (tmp_path / "none.npz").exists()


def test_numbers_of_other_detectors_are_not_read(log: Path, tmp_path: Path) -> None:
    detectors = registry.shipped()
    kept = tmp_path / "recorded.npz"
    recorded.save(recorded.measure([log], detectors[1:]), detectors[1:], kept)
    assert recorded.read(detectors, kept) is None
    assert recorded.read(detectors, tmp_path / "absent.npz") is None


def test_the_rows_that_are_kept_here_are_of_the_detectors_that_ship() -> None:
    rows = recorded.read(registry.shipped())
    assert rows is not None
    assert 20 < len(np.unique(rows.program[rows.harvest])) < len(np.unique(rows.program))
    assert np.isfinite(rows.numbers).mean() > 0.99


def test_recorded_programs_have_their_share_of_either_side() -> None:
    account = np.arange(1_000)
    family = np.where(account % 10 == 0, "lists", "")
    seen = Seen(np.zeros((1_000, 2)), account, family, np.full(1_000, ""), np.ones(1_000), np.zeros((1_000, 3)))
    program = np.array(["a", "a", "b", "c"])
    rows = recorded.Recorded(np.ones((4, 3)), program, np.array([False, False, False, True]))
    both = growing.with_recorded(seen, rows)
    old = both.account < 1_000
    share = both.importance[~old & (both.family == "")].sum() / both.importance[both.family == ""].sum()
    assert share == pytest.approx(growing.RECORDED)
    assert both.importance[1_000:1_003].tolist() == pytest.approx([150.0, 150.0, 300.0])
    assert len(np.unique(both.account[~old])) == 3
    assert both.family[-1] == growing.PROGRAMS
