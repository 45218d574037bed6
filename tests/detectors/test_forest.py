"""A forest's arrays say what the trees they came from say; nonsense is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from detectors.forest import WHOLE, Forest, from_arrays

NAMES = ("a", "b", "c", "d")


def planted(model: ExtraTreesClassifier, names: tuple[str, ...], kinds: Sequence[int]) -> Forest:
    """The arrays of a trained model, tree by tree."""
    trees = [one.tree_ for one in model.estimators_]
    held = {name: [] for name in ("feature", "number", "right")}
    for tree in trees:
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        held["feature"].append(np.where(leaf, -1, tree.feature))
        held["number"].append(np.where(leaf, tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1), tree.threshold))
        held["right"].append(np.where(leaf, 0, tree.children_right - own))
    start = np.cumsum([0, *(tree.node_count for tree in trees)])
    return from_arrays(
        names, {name: np.concatenate(one) for name, one in held.items()} | {"start": start, "kind": kinds}
    )


@pytest.fixture(scope="module")
def grown():
    rng = np.random.default_rng(5)
    numbers = rng.normal(size=(600, 4)).astype(np.float32).astype(np.float64)
    label = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] > 0.3
    model = ExtraTreesClassifier(30, min_samples_leaf=3, random_state=1).fit(numbers, label)
    return model, planted(model, NAMES, [WHOLE] * 20 + [1] * 10), numbers


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


def test_the_trees_of_a_kind_say_by_themselves_how_far_it_goes(grown):
    model, forest, numbers = grown
    told = forest.shares(numbers, 3)
    assert told.shape == (len(numbers), 4)
    own = np.mean([tree.predict_proba(numbers)[:, 1] for tree in model.estimators_[20:]], axis=0)
    np.testing.assert_allclose(told[:, 2], own, atol=1e-5)
    np.testing.assert_allclose(told[:, 0], forest.share(numbers))
    assert np.isnan(told[:, [1, 3]]).all()
    odds = forest.odds(numbers, 3)
    assert np.isnan(odds[:, 1]).all()
    assert np.isfinite(odds[:, [0, 2]]).all()


def test_arrays_come_back(grown):
    _, forest, numbers = grown
    again = from_arrays(NAMES, forest.arrays())
    np.testing.assert_array_equal(again.shares(numbers, 2), forest.shares(numbers, 2))


STUMP = {"start": [0, 3], "kind": [WHOLE], "feature": [1, -1, -1], "number": [0.5, 0.1, 0.9], "right": [2, 0, 0]}


def test_a_stump_is_read():
    share = from_arrays(NAMES, STUMP).share(np.array([[0.0, 0.5, 0.0, 0.0], [0.0, 0.6, 0.0, 0.0]]))
    assert share.tolist() == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize(
    "wrong",
    [
        {"feature": [4, -1, -1]},  # a number that has no name
        {"right": [1, 0, 0]},  # where the left child stands
        {"right": [3, 0, 0]},  # behind the tree's end
        {"right": [-1, 0, 0]},  # a circle
        {"feature": [1, -1, 1]},  # a tree that ends without a leaf
        {"start": [0, 2]},
        {"start": [0, 0, 3], "kind": [WHOLE, WHOLE]},  # a tree of no node
        {"start": [0, 3, 3]},
        {"number": [0.5, 0.1]},
        {"number": [[0.5, 0.1, 0.9]]},
        {"start": [0], "kind": [], "feature": [], "number": [], "right": []},
    ],
)
def test_arrays_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match="do not fit"):
        from_arrays(NAMES, STUMP | wrong)


@pytest.mark.parametrize("name", sorted(STUMP))
def test_an_array_that_is_missing_is_refused(name):
    with pytest.raises(ValueError, match="do not fit"):
        from_arrays(NAMES, {key: value for key, value in STUMP.items() if key != name})
