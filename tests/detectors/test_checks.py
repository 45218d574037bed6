"""The checks let a sound detector pass and catch each kind of broken one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest

from detectors import checks, merging
from detectors.base import Detector, Term
from detectors.batch import Batch

NAN = float("nan")


class Sound(Detector):
    """Counts requests; silent under a hundred."""

    name: ClassVar[str] = "sound"
    version: ClassVar[int] = 1
    family: ClassVar = "rhythm"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = ("at", "out_chars")
    horizons: ClassVar[tuple[float, ...]] = (1.0,)
    state: ClassVar[np.dtype] = np.dtype([("n", "<u8"), ("last", "<f8"), ("chars", "<u8")])

    def update(self, rows, batch: Batch) -> None:
        rows["n"] += batch.counts.astype(np.uint64)
        rows["chars"] += batch.sum(batch["out_chars"]).astype(np.uint64)
        rows["last"] = np.maximum(rows["last"], batch.last)

    def merge(self, rows):
        return merging.merged(rows, {"last": merging.largest})

    def score(self, rows, now):
        return np.log1p(rows["chars"]).astype(np.float32)

    def explain(self, row, now):
        return (Term("chars", float(row["chars"]), "chars", NAN, NAN, NAN, float(np.log1p(row["chars"])), "It sends."),)


def broken(**changes: object) -> Detector:
    return type("Broken", (Sound,), {"name": "broken", **changes})()


def peak_of_batches(self, rows, batch):
    rows["n"] += batch.counts.astype(np.uint64)
    rows["chars"] = np.maximum(rows["chars"], batch.sum(batch["out_chars"]).astype(np.uint64))


def last_of_batch(self, rows, batch):
    rows["last"] = batch.last
    rows["chars"] += batch.sum(batch["out_chars"]).astype(np.uint64)


def beside_the_crowd(self, rows, batch):
    rows["chars"] += (batch.sum(batch["out_chars"]) // len(batch.clients)).astype(np.uint64)


def forgets_on_scoring(self, rows, now):
    scores = np.log1p(rows["chars"]).astype(np.float32)
    rows["chars"] = 0
    return scores


def peeks(self, rows, batch):
    rows["chars"] += batch.sum(batch["in_chars"]).astype(np.uint64)


def says(text: str):
    def explain(self, row, now):
        return (Term("n", float(row["n"]), "count", NAN, NAN, NAN, 0.0, text.format(n=float(row["n"]))),)

    return explain


CASES = [
    ("splits_alike", {"update": peak_of_batches}),
    ("late_and_shuffled_alike", {"update": last_of_batch}),
    ("clients_independent", {"update": beside_the_crowd}),
    ("score_pure", {"score": forgets_on_scoring}),
    ("score_pure", {"score": lambda self, rows, now: np.log1p(rows["chars"])}),
    ("empty_silent", {"score": lambda self, rows, now: np.ones(len(rows), np.float32)}),
    ("terms_agree", {"score": lambda self, rows, now: (2 * np.log1p(rows["chars"])).astype(np.float32)}),
    ("told_plainly", {"explain": says("It sent {n:.0f} requests.")}),
    ("told_plainly", {"explain": says("It sent {n:.1f} times as many.")}),
    ("told_plainly", {"explain": says("It sent nan of {n:.2f}.")}),
    ("finite_everywhere", {"score": lambda self, rows, now: (1 / np.maximum(rows["n"] - 64.0, 0)).astype(np.float32)}),
    ("round_trip", {"state": np.dtype([("n", "O"), ("last", "<f8"), ("chars", "<u8")])}),
    ("merges", {"merge": Detector.merge}),
    ("merges", {"merge": lambda self, rows: rows[0]}),
    ("reads_declared", {"update": peeks}),
    ("reads_declared", {"reads": ("at", "out_chars", "no_such_field")}),
    ("within_budget", {"state": np.dtype([*Sound.state.descr, ("more", "u1", (5_000,))])}),
    ("has_card", {}),
]


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    (tmp_path / "sound.md").write_text("# Hypothesis\n# Misses\n# Ordinary twins\n# Cost\n# References\n")
    return tmp_path


def test_a_sound_detector_passes_every_check(cards: Path) -> None:
    run = [name for name, check in checks.checks(Sound(), cards) if check() is None]
    assert len(run) == 15


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_each_check_catches_what_it_is_for(cards: Path, name: str, changes: dict[str, object]) -> None:
    check = dict(checks.checks(broken(**changes), cards))[name]
    with pytest.raises((AssertionError, FloatingPointError, ValueError, TypeError)):
        check()


def test_a_card_without_its_parts_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "sound.md").write_text("# Hypothesis\n")
    with pytest.raises(AssertionError, match="misses"):
        checks.has_card(Sound(), tmp_path)


def test_a_score_that_is_not_exchangeable_between_ordinary_clients_is_caught() -> None:
    calls = []

    def drifts(self, rows, now):
        calls.append(0)
        return np.full(len(rows), float(len(calls)), np.float32)

    with pytest.raises(AssertionError, match="ordinary clients"):
        checks.ordinary_calibrated(broken(score=drifts))


def test_the_sample_is_the_same_each_time_and_holds_every_habit() -> None:
    events = checks.sample(3)
    assert events.tobytes() == checks.sample(3).tobytes()
    assert len(np.unique(events["client"])) > 20
    for name in ("choices", "elicitation", "flags", "top_logprobs"):
        assert len(np.unique(events[name])) > 2
