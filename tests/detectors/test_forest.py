"""A forest's arrays say what the trees they came from say; nonsense is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from detectors.forest import Forest, from_arrays

NAMES = ("a", "b", "c", "d")


def planted(model: ExtraTreesClassifier, names: tuple[str, ...]) -> Forest:
    """The arrays of a trained model, tree by tree."""
    trees = [one.tree_ for one in model.estimators_]
    nodes = max(tree.node_count for tree in trees)
    held = {name: np.zeros((len(trees), nodes)) for name in ("feature", "threshold", "left", "right", "value")}
    for k, tree in enumerate(trees):
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        held["feature"][k, own] = np.where(leaf, 0, tree.feature)
        held["threshold"][k, own] = tree.threshold
        held["left"][k, own] = np.where(leaf, own, tree.children_left)
        held["right"][k, own] = np.where(leaf, own, tree.children_right)
        held["value"][k, own] = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
    return from_arrays(names, held)


@pytest.fixture(scope="module")
def grown():
    rng = np.random.default_rng(5)
    numbers = rng.normal(size=(600, 4)).astype(np.float32).astype(np.float64)
    label = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] > 0.3
    model = ExtraTreesClassifier(30, min_samples_leaf=3, random_state=1).fit(numbers, label)
    return model, planted(model, NAMES), numbers


def test_it_says_what_the_model_says(grown):
    model, forest, numbers = grown
    np.testing.assert_allclose(forest.share(numbers), model.predict_proba(numbers)[:, 1], atol=1e-5)
    assert forest.share(np.zeros((0, 4))).shape == (0,)
    order = np.argsort(forest.share(numbers), kind="stable")
    assert (np.diff(forest.log_odds(numbers)[order]) >= 0).all()


def test_what_is_no_number_is_a_number_of_some_kind(grown):
    _, forest, _ = grown
    odd = np.array([[np.nan, np.inf, -np.inf, 1e300]])
    assert np.isfinite(forest.log_odds(odd)).all()
    assert forest.share(np.array([[np.nan, 1.0, 1.0, 1.0]])) == forest.share(np.array([[0.0, 1.0, 1.0, 1.0]]))


def test_arrays_come_back(grown):
    _, forest, numbers = grown
    again = from_arrays(NAMES, forest.arrays())
    np.testing.assert_array_equal(again.share(numbers), forest.share(numbers))


@pytest.mark.parametrize(
    "wrong",
    [
        {"feature": np.full((30, 2), 9)},
        {"left": np.full((30, 2), -1)},
        {"value": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(grown, wrong):
    _, forest, _ = grown
    held = {name: array[:, :2] if array.ndim == 2 else array for name, array in forest.arrays().items()}
    held |= {"left": np.zeros((30, 2)), "right": np.ones((30, 2))}
    from_arrays(NAMES, held)
    with pytest.raises(ValueError, match="do not fit"):
        from_arrays(NAMES, held | wrong)
