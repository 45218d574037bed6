"""The re-ranker's weights are never negative, leave no detector out, and order clients better than their sum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import reference, rerank


def crowd(seed: int, clients: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """Evidence of four detectors: the first tells much, the second little, the third lies, the fourth is silent."""
    rng = np.random.default_rng(seed)
    harvests = np.arange(clients) % 3 == 0
    evidence = rng.exponential(1.0, (clients, 4))
    evidence[:, 0] += 3.0 * harvests * rng.random(clients)
    evidence[:, 1] += 0.5 * harvests
    evidence[:, 2] += 0.8 * ~harvests
    evidence[:, 3] = 0.0
    return evidence, harvests


def area(ranks: np.ndarray, harvests: np.ndarray) -> float:
    return float((ranks[harvests][:, None] > ranks[~harvests][None, :]).mean())


@pytest.fixture(scope="module")
def trained() -> rerank.Weights:
    evidence, harvests = crowd(1)
    return rerank.train(evidence, harvests, np.ones(len(evidence)))


def held(weights: rerank.Weights, platt: tuple[float, float] = (1.0, 0.0)) -> reference.Reference:
    return dataclasses.replace(reference.empty(), weights=weights.weights, bias=weights.bias, platt=platt)


def test_weights_are_positive_and_follow_what_tells(trained) -> None:
    assert (trained.weights > 0.0).all()
    assert trained.weights[0] > 2.0 * trained.weights[2]
    assert trained.weights.min() == pytest.approx(rerank.FLOOR * trained.weights.mean(), rel=0.5)


def test_other_clients_are_ordered_better_than_by_the_sum(trained) -> None:
    evidence, harvests = crowd(2)
    ranks = rerank.rank(held(trained), (0, 1, 2, 3), evidence)
    assert area(ranks, harvests) > area(evidence.sum(axis=1), harvests) + 0.02


def test_more_evidence_never_lowers_a_client(trained) -> None:
    evidence, _ = crowd(3, 200)
    ranks = rerank.rank(held(trained), (0, 1, 2, 3), evidence)
    for column in range(4):
        more = evidence.copy()
        more[:, column] += 1.0
        assert (rerank.rank(held(trained), (0, 1, 2, 3), more) > ranks).all()


def test_the_same_clients_train_the_same_weights(trained) -> None:
    evidence, harvests = crowd(1)
    again = rerank.train(evidence, harvests, np.ones(len(evidence)))
    assert np.array_equal(again.weights, trained.weights)


def test_the_probability_is_true_of_clients_that_training_did_not_see(trained) -> None:
    evidence, harvests = crowd(4, 3_000)
    ranks = rerank.rank(held(trained), (0, 1, 2, 3), evidence)
    known = held(trained, rerank.platt(ranks, harvests, np.ones(len(ranks))))
    other, truth = crowd(5, 3_000)
    told = rerank.probability(known, rerank.rank(known, (0, 1, 2, 3), other))
    weight = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum())  # both classes were brought to the same total
    for low, high in ((0.0, 0.4), (0.4, 0.6), (0.6, 1.0)):
        some = (told >= low) & (told < high)
        mean = float(np.average(told[some], weights=weight[some]))
        assert float(np.average(truth[some], weights=weight[some])) == pytest.approx(mean, abs=0.08)


def test_without_weights_evidence_adds_up_and_no_probability_is_given() -> None:
    evidence = np.array([[1.0, 2.0], [0.0, 0.5]])
    assert rerank.rank(reference.empty(), (0, 1), evidence).tolist() == [3.0, 0.5]
    assert np.isnan(rerank.probability(reference.empty(), np.array([3.0]))).all()


def test_a_detector_that_the_reference_does_not_know_counts_for_nothing(trained) -> None:
    evidence = np.array([[1.0, 9.0]])
    assert rerank.rank(held(trained), (0, -1), evidence) == pytest.approx(trained.bias + trained.weights[0])
