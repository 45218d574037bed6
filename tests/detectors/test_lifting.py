"""A fit's landmarks and lifts: how many, whom they are made of, and on what few clients lean."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import lifting, nearby, reference
from detectors.reference import LOOKS

MARKS = np.array([[0.0], [3.0]])


def shell(lifts: float = 0.0) -> reference.Reference:
    """A reference with two landmarks, the second one's clients lifted."""
    known = np.zeros((2, len(LOOKS), 2), np.float32)
    known[:, :, 1] = lifts
    return dataclasses.replace(reference.empty(), center=np.zeros(1), scale=np.ones(1), landmarks=MARKS, lifts=known)


def two_uses(seed: int, count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Places and log-odds of clients of two uses, one in four of that which goes two nats further."""
    rng = np.random.default_rng(seed)
    second = np.arange(count) % 4 == 0
    odds = rng.normal(2.0 * second, 0.5)
    return rng.normal(np.where(second, 3.0, 0.0)[:, None], 0.1, (count, 1)), np.column_stack([odds, odds - 5.0])


def filled(seed: int, prior: reference.Reference | None = None, count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """The lifts of a new reference, and what its clients lose."""
    out, (uses, odds) = shell(), two_uses(seed, count)
    taken = lifting.fill(out, prior, 0, np.ones(count, np.int64), uses, odds)
    return out.lifts, taken


def test_there_are_as_many_landmarks_as_clients_allow() -> None:
    places = np.random.default_rng(6).normal(size=(100, 3))
    assert lifting.landmarks(places).shape == (100 // lifting.CROWD, 3)
    assert lifting.landmarks(places[: lifting.CROWD - 1]).shape == (0, 3)
    assert len(lifting.landmarks(np.repeat(places[:2], 50, axis=0))) == 2  # of two places no more than two
    assert np.array_equal(lifting.landmarks(places), lifting.landmarks(places))


def test_what_a_use_goes_further_is_taken_off_at_a_look_and_those_behind_it() -> None:
    lifts, taken = filled(1)
    assert lifts[0, 0, 1] - lifts[0, 0, 0] == pytest.approx(2.0 * nearby.TAKEN, abs=0.6)
    assert (lifts == lifts[:, :1]).all()
    assert lifts[1] == pytest.approx(lifts[0])  # a family's own trees go on another scale
    assert taken[::4, 0] == pytest.approx(np.full(150, lifts[0, 0, 1]), abs=0.3)


def test_a_client_is_not_among_those_that_it_is_lifted_by() -> None:
    uses, odds = two_uses(3, 200)
    before = lifting.fill(shell(), None, 0, np.ones(200, np.int64), uses, odds)
    odds[::20] += 40.0  # all of the first fifth's are others' neighbours, none its own
    after = lifting.fill(shell(), None, 0, np.ones(200, np.int64), uses, odds)
    assert np.abs(after - before)[::5].max() < 0.5
    assert np.abs(after - before)[1::5].max() > 1.0


def test_too_few_at_a_look_are_lifted_as_at_the_look_before() -> None:
    out, (uses, odds) = shell(1.5), two_uses(2, 50)
    taken = lifting.fill(out, None, 1, np.ones(50, np.int64), uses, odds)
    assert np.array_equal(taken, out.lift_of(uses, np.full(50, 2)))
    assert (out.lifts[:, :, 1] == 1.5).all()


@pytest.mark.parametrize("count", [200, 1_200])
def test_few_clients_of_ones_own_lift_as_the_reference_before_did(count: int) -> None:
    own, leant = filled(2, None, count)[0][0, 0, 1], filled(2, shell(-4.0), count)[0][0, 0, 1]
    share = count / (count + lifting.LEAN)
    assert leant == pytest.approx(share * own + (1.0 - share) * -4.0, abs=1e-4)


def test_without_landmarks_nothing_is_lifted() -> None:
    uses, odds = two_uses(4, 30)
    assert not lifting.fill(reference.empty(), None, 0, np.ones(30, np.int64), uses, odds).any()
