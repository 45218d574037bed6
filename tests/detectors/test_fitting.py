"""Fitting learns groups, tails and thresholds that keep the budget on the clients it saw and on others like them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import calibrate, fitting, fuse, leaning, levels, lifting, profile, reference, registry
from detectors.base import Level
from detectors.engine import Engine
from detectors.event import Flag
from detectors.judge import Judge
from detectors.reference import LOOKS, RANKS
from detectors.table import Table

CLIENTS = 700


def crowd(traffic, clients: range, requests: int = 60) -> np.ndarray:
    """Two kinds of ordinary clients, each with its own strength of habits; a few ask for several samples."""
    parts = []
    for client in clients:
        rng = np.random.default_rng(client)
        kind = client % 2
        template = rng.random(requests) < rng.random()
        fields = {
            "head4": np.where(template, 3, rng.integers(10, 2**60, requests)),
            "out_chars": rng.integers(60, 3_000) if kind else 90,
            "payload_chars": 60 if kind else 4_000,
            "flags": 0 if kind else int(Flag.MULTI_TURN),
            "choices": np.where((rng.random(requests) < rng.random()) & (client % 50 < 2), 5, 1),
        }
        parts.append(traffic(client + 1, requests, gap=20.0, **fields))
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(registry.shipped(), reference.empty())


@pytest.fixture(scope="module")
def snapshots(engine, traffic):
    return fitting.observe(engine, crowd(traffic, range(CLIENTS)))


@pytest.fixture(scope="module")
def fitted(engine, snapshots) -> reference.Reference:
    return fitting.fit(engine.detectors, snapshots, {"name": "crowd"}, groups=4, least=100)


def test_each_look_is_taken_at_its_very_request(snapshots) -> None:
    assert [len(shot.clients) for shot in snapshots] == [CLIENTS, CLIENTS]
    assert [set(shot.rows["counted"].tolist()) for shot in snapshots] == [{25}, {50}]
    assert (np.diff(snapshots[0].clients.astype(np.int64)) > 0).all()


def test_uncounted_requests_do_not_bring_a_look_nearer(engine, traffic) -> None:
    events = traffic(1, 30)
    events["status"][:6] = 429
    assert fitting.observe(engine, events) == []


def test_parts_join_sorted_by_client(engine, traffic) -> None:
    one, two = (fitting.observe(engine, crowd(traffic, clients, 30)) for clients in (range(5, 9), range(2, 5)))
    joined = fitting.join([one, two])
    assert joined[0].clients.tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert joined[0].rows["client"].tolist() == joined[0].clients.tolist()


def test_kinds_of_use_become_groups_of_some_size_with_names(fitted) -> None:
    assert 2 <= len(fitted.groups) <= 4
    assert fitted.sizes[0, :-1, 0].min() >= 100
    assert fitted.sizes[0, -1, :3].tolist() == [CLIENTS, CLIENTS, 0]
    assert len(set(fitted.groups)) == len(fitted.groups)
    assert any(name.startswith("conversations") for name in fitted.groups)


def test_the_budget_is_kept_on_the_clients_it_was_fitted_on(fitted) -> None:
    assert fitted.about["ever_watched"] + fitted.about["ever_reviewed"] <= 2 * levels.WATCH_RATE * CLIENTS
    assert fitted.about["ever_reviewed"] <= levels.REVIEW_RATE * CLIENTS
    assert fitted.about["resolvable"][0] == pytest.approx(1 / (CLIENTS + 1), abs=1e-5)


def test_the_budget_is_roughly_kept_on_other_clients_like_them(fitted, traffic) -> None:
    table = Table(Engine(registry.shipped(), fitted))
    for part in np.array_split(crowd(traffic, range(10_000, 10_600)), 6):
        table.step(part, 0.0)
    levels = table.rows()["level"]
    assert (levels >= Level.WATCH).mean() <= 0.035
    assert (levels == Level.REVIEW).mean() <= 0.005


def test_a_threshold_never_falls_below_two_kinds_that_just_speak(fitted) -> None:
    assert (fitted.review >= levels.LEAST_REVIEW - 1e-4).all()
    assert (fitted.watch >= -np.log(fuse.RARE) - 1e-4).all()
    assert (np.diff(fitted.review[2:]) == 0).all()  # nobody got further than two looks


def test_the_same_clients_give_the_same_reference(engine, snapshots, fitted) -> None:
    again = fitting.fit(engine.detectors, snapshots, {"name": "crowd"}, groups=4, least=100)
    assert np.array_equal(again.tails, fitted.tails)
    assert np.array_equal(again.review, fitted.review)


def test_what_is_usual_is_kept_for_each_explained_number(fitted) -> None:
    group = next(place for place, name in enumerate(fitted.groups) if name.startswith("conversations"))
    median, _, place = fitted.expected("template.multi_turn", group, 1.0)
    assert median == 1.0
    assert place == 50.0  # all have it


def test_a_client_that_skipped_a_look_is_refused(engine, snapshots) -> None:
    torn = [fitting.Snapshot(snapshots[0].clients[1:], snapshots[0].rows[1:]), snapshots[1]]
    with pytest.raises(ValueError, match="without the one before"):
        fitting.fit(engine.detectors, torn, {})


def test_one_group_is_made_where_there_are_few_clients(engine, traffic) -> None:
    few = fitting.observe(engine, crowd(traffic, range(40), 30))
    assert len(fitting.fit(engine.detectors, few, {}, groups=4, least=100).groups) == 1


def test_a_familys_own_log_odds_are_compared_with_the_other_clients() -> None:
    shell = dataclasses.replace(reference.empty(), kind_tails=np.full((2, len(LOOKS), len(RANKS)), -np.inf, np.float32))
    odds = np.array([[3.0, np.nan], [1.0, np.nan], [2.0, np.nan], [1.0, np.nan]])
    p = fitting._kinds(shell, None, 1, np.ones(4, np.int64), odds)
    assert p[:, 0].tolist() == [1 / 4, 4 / 4, 2 / 4, 4 / 4]
    assert (p[:, 1] == 1.0).all()  # no tree reads it alone
    assert shell.kind_tails[0, 1, :4].tolist() == [3.0, 2.0, 1.0, 1.0]
    assert np.isneginf(shell.kind_tails[1]).all()
    assert np.isneginf(shell.kind_tails[0, 0]).all()


def test_clients_of_a_use_are_compared_without_what_it_goes_further(engine, snapshots) -> None:
    ships = reference.load("detectors/shipped/ordinary.npz")
    bare = dataclasses.replace(ships, watch=ships.watch + np.inf)  # its forest, and nothing to lean on
    known = fitting.fit(engine.detectors, snapshots, {}, groups=4, least=100, prior=bare)
    assert known.landmarks.shape == (CLIENTS // lifting.CROWD, len(profile.FEATURES))
    judge, one = Judge(engine.detectors, known), snapshots[0]
    rows = one.rows.copy()
    rows["look"], rows["group"] = 1, judge.group(rows)
    found = judge.judge(rows, 0.0)
    own = (judge.odds(rows, found.scores) - judge.lift(rows))[:, 0]
    kind = one.clients % 2 == 0  # the two uses of `crowd`: what parts them most is gone, not all of it
    raw = np.abs(np.subtract(*(np.quantile(judge.odds(rows, found.scores)[part, 0], 0.9) for part in (kind, ~kind))))
    left = np.abs(np.subtract(*(np.quantile(own[part], 0.9) for part in (kind, ~kind))))
    assert left < raw
    assert np.isfinite(known.joint_tails[0, 0])


def test_few_clients_lean_on_the_reference_that_they_start_from(engine, snapshots) -> None:
    ships = reference.load("detectors/shipped/ordinary.npz")
    leant = fitting.fit(engine.detectors, snapshots, {}, groups=4, least=100, prior=ships)
    assert leant.joint_sizes[:2].tolist() == (np.minimum(ships.joint_sizes[:2], leaning.BESIDE) + CLIENTS).tolist()
    kept = np.where(ships.joint_sizes >= calibrate.SHRINK, ships.joint_sizes, 0)  # of too few nobody speaks
    assert leant.joint_sizes[2:].tolist() == kept[2:].tolist()  # looks that none of them reached
    assert leant.joint_tails[3, 0] == ships.joint_tails[3, 0]
    content, surface = (fuse.FAMILIES.index(one) for one in ("content", "surface"))
    assert leant.kind_tails[[content, surface], 3, 0].tolist() == ships.kind_tails[[content, surface], 3, 0].tolist()
    assert np.isfinite(leant.kind_tails[[content, surface], 0, 0]).all()
    assert np.isneginf(leant.kind_tails[fuse.FAMILIES.index("rhythm")]).all()  # no tree reads it
    watch, review = leant.watch[0] - ships.watch[0], leant.review[0] - ships.review[0]
    assert leant.watch == pytest.approx(ships.watch + watch, abs=1e-4)
    assert leant.review == pytest.approx(np.maximum(ships.review + review, leant.watch), abs=1e-4)
    steps = leant.about["levels_moved_nats"]
    assert steps["watch"] == pytest.approx(leant.watch[0] - ships.watch[0], abs=2e-3)
    assert steps["review"] == pytest.approx(leant.review[0] - ships.review[0], abs=2e-3)
    assert leant.sizes[0, -1, 0] == CLIENTS  # families and detectors are compared with one's own clients alone
    assert leant.about["ever_watched"] <= 2 * levels.WATCH_RATE * CLIENTS
