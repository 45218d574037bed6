"""The forest is grown over all that the joint score reads, over each family of it and over each detector."""

from __future__ import annotations

import numpy as np

from bench.detection import growing
from bench.detection.growing import Part, Seen
from detectors import fuse, likeness, registry
from detectors.forest import WHOLE

KNOWN = ("template.score", "template.new_content", "rhythm.score", "shape.score")


def seen() -> Seen:
    """Made-up numbers of 400 accounts; two of them tell who harvests, one a family."""
    numbers = np.random.default_rng(2).random((400, 4))
    family = np.where(numbers[:, 1] + numbers[:, 3] > 1.2, "lists", "")
    return Seen(numbers, np.arange(400), family, np.full(400, ""), np.ones(400), numbers)


def test_a_planted_forest_says_what_the_trained_one_says() -> None:
    known = seen()
    whole, one = growing._trees(known, np.array([1, 3]), 6), growing._trees(known, np.array([3]), 4)
    forest = growing.planted([Part(whole, ("b", "d"), WHOLE), Part(one, ("d",), 1)], ("b", "d"))
    numbers = known.numbers[:, [1, 3]].astype(np.float32)
    each = [tree.predict_proba(numbers)[:, 1] for tree in whole]
    own = [tree.predict_proba(numbers[:, 1:])[:, 1] for tree in one]
    told = forest.shares(known.numbers[:, [1, 3]], 2)
    assert np.allclose(told[:, 0], np.mean(each + own, axis=0), atol=1e-5)
    assert np.allclose(told[:, 2], np.mean(own, axis=0), atol=1e-5)
    assert np.isnan(told[:, 1]).all()


def test_the_joint_score_reads_what_is_done_with_answers_and_nothing_of_time_or_volume() -> None:
    known = likeness.names(registry.shipped())
    names = growing.read_names(known)
    assert {name.split(".")[0] for name in names} == set(growing.READ)
    assert {f"{one}.score" for one in growing.READ} <= set(names)
    said = ("streamed", "system", "multi_turn", "end_users")  # what anyone can put on a request
    assert not [name for name in names if name.endswith(said)]


def test_the_trees_tell_harvests_by_the_numbers_that_they_may_read() -> None:
    known = seen()
    forest = growing.grown(known, KNOWN)
    assert forest.names == ("template.score", "template.new_content", "shape.score")
    told = forest.share(known.numbers[:, [0, 1, 3]])
    assert told[known.harvests].mean() > 2.0 * told[~known.harvests].mean()


def test_the_trees_of_a_family_read_nothing_of_another() -> None:
    forest = growing.grown(seen(), KNOWN, trees=10)
    content, surface = (fuse.FAMILIES.index(one) for one in ("content", "surface"))
    whole = 2 * 10
    family, detector = 2 * round(growing.ONE_FAMILY * 10), 2 * max(2, round(growing.ONE_DETECTOR * 10))
    assert (
        forest.kind.tolist()
        == [WHOLE] * whole + [content] * family + [surface] * family + [content] * detector + [surface] * detector
    )
    reads = {content: {0, 1}, surface: {2}}
    for tree, kind in enumerate(forest.kind.tolist()):
        asked = set(forest.feature[forest.start[tree] : forest.start[tree + 1]].tolist()) - {-1}
        assert asked <= reads.get(kind, {0, 1, 2})
    rng = np.random.default_rng(4)
    one, two = rng.random((50, 3)), rng.random((50, 3))
    two[:, 2] = one[:, 2]
    told = [forest.shares(numbers, len(fuse.FAMILIES)) for numbers in (one, two)]
    assert np.array_equal(told[0][:, 1 + surface], told[1][:, 1 + surface])
    assert not np.array_equal(told[0][:, 1 + content], told[1][:, 1 + content])
