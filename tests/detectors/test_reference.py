"""A reference is plain arrays in a file, and says what it does not know."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from detectors import reference, registry
from detectors.fuse import FAMILIES
from detectors.reference import LOOKS, RANKS


def test_it_comes_back_from_its_file_and_two_writes_are_the_same_bytes(tmp_path, shipped_engine) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    shipped_engine.reference.save(first)
    again = reference.load(first)
    again.save(second)
    assert first.read_bytes() == second.read_bytes()
    assert again.groups == shipped_engine.reference.groups
    assert np.array_equal(again.tails, shipped_engine.reference.tails)


def test_its_digest_is_that_of_its_numbers_trees_included(tmp_path) -> None:
    known = registry.load().reference
    known.save(tmp_path / "a.npz")
    assert reference.load(tmp_path / "a.npz").digest() == known.digest()
    assert replace(known, about={"name": "another"}).digest() == known.digest()
    assert known.forest is not None
    numbers = known.forest.number.copy()
    numbers[0] += 1.0
    assert replace(known, forest=known.forest._replace(number=numbers)).digest() != known.digest()
    assert replace(known, watch=known.watch + 1.0).digest() != known.digest()
    assert replace(known, lifts=known.lifts + 1.0).digest() != known.digest()


def test_the_one_that_ships_loads_at_once_and_knows_every_shipped_detector() -> None:
    begun = time.process_time()
    engine = registry.load()
    assert time.process_time() - begun < 2
    assert engine.reference.detectors == tuple((one.name, one.version) for one in registry.shipped())


def test_another_file_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="not a reference"):
        reference.load(tmp_path / "x.npz")


def test_a_pickle_is_never_opened(tmp_path) -> None:
    np.savez(tmp_path / "x.npz", meta=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError):  # noqa: PT011 - the wording is numpy's
        reference.load(tmp_path / "x.npz")


def test_another_format_is_refused(tmp_path, shipped_engine, monkeypatch) -> None:
    monkeypatch.setattr(reference, "FORMAT", reference.FORMAT + 1)
    shipped_engine.reference.save(tmp_path / "x.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="another version"):
        reference.load(tmp_path / "x.npz")


def test_one_of_the_format_before_lifts_nobody(tmp_path) -> None:
    known = registry.load().reference
    assert len(known.landmarks) > 100
    assert known.lifts.shape == (1 + len(FAMILIES), len(LOOKS), len(known.landmarks))
    known.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as held:
        arrays = {name: held[name] for name in held.files if name not in reference.LANDMARKS}
    meta = json.loads(arrays["meta"].tobytes())
    arrays["meta"] = np.frombuffer(json.dumps(meta | {"format": 5}).encode(), np.uint8)
    np.savez(tmp_path / "old.npz", **arrays)
    before = reference.load(tmp_path / "old.npz")
    features = np.random.default_rng(0).normal(size=(3, len(known.center)))
    looks = np.array([0, 1, 40])
    assert before.lift_of(features, looks).tolist() == [[0.0]] * 3
    near = np.argmin(((((features - known.center) / known.scale)[:, None] - known.landmarks) ** 2).sum(axis=2), axis=1)
    lifts = known.lifts[:, [0, 0, -1], near].T
    assert known.lift_of(features, looks).tolist() == lifts.tolist()
    assert lifts.any()


def test_looks_are_counted_from_the_first() -> None:
    known = reference.empty()
    assert known.look_index(np.array([0, 24, 25, 49, 50, 12_800, 10**6])).tolist() == [0, 0, 1, 1, 2, 10, 10]
    assert LOOKS[0] == 25
    assert (np.diff(RANKS) > 0).all()


def test_what_nobody_fitted_is_unknown() -> None:
    known = reference.empty()
    assert np.isnan(known.expected("template.template_share", 0, 0.5)).all()
    assert known.group_of(np.zeros((2, 9))).tolist() == [0, 0]
    assert known.group_name(0) == "all clients"


def test_a_value_stands_at_its_percentile_among_peers(shipped_engine) -> None:
    known = shipped_engine.reference
    median, high, place = known.expected("template.template_share", 0, 0.0)
    assert 0.0 <= median <= high <= 1.0
    assert place <= 50.0
    assert known.expected("template.template_share", 0, 2.0)[2] == 100.0


@pytest.mark.parametrize(
    ("known", "value", "place"),
    [
        ([0.0] * 4 + [0.1] + [1.0] * 6, 1.0, 75.0),  # at least half of the peers have it
        ([0.0] * 4 + [0.1] + [1.0] * 6, 1.1, 100.0),
        ([0.0] * 8 + [0.97] * 3, 0.97, 97.5),  # kept as a 32-bit number
        ([0.0] * 8 + [0.2, 0.3, 0.4], 0.0, 45.0),
        ([0.0] * 8 + [0.2, 0.3, 0.4], 0.4, 100.0),
        ([0.0] * 8 + [0.2, 0.3, 0.4], -1.0, 0.0),
        ([0.0] * 8 + [0.2, 0.3, 0.4], 0.25, 97.0),
    ],
)
def test_of_equal_values_half_count_as_below(known, value, place) -> None:
    numbers = np.array(known, np.float32)[None, None, :]
    fitted = replace(reference.empty(), terms=("x.y",), percentiles=numbers)
    assert fitted.expected("x.y", 0, value)[2] == pytest.approx(place, abs=1e-4)
