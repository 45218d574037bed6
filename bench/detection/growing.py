"""Growing the joint score's forest: trees over all that it reads, over one family of it, and over one detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from bench.detection.recorded import Recorded
from detectors import fuse, likeness, registry
from detectors.forest import WHOLE, Forest

TREES, LEAF = 60, 2  # trees of each method that read everything
ONE_FAMILY, ONE_DETECTOR = 0.2, 0.05
"""For each of them, those that read one family alone, and one detector alone.

A tree that sees all numbers learns how known harvests combine them. One that sees a part knows less of these and more
of those that nobody showed it; and the trees of one family say how far that kind of evidence goes by itself.
"""
CUT, DRAWN = 1.0, 0.3  # of the numbers, those that a split of a randomised and of a bagged tree chooses among
READ = ("template", "coverage", "reasoning", "loop", "authoring", "sampling", "shape")
"""The detectors that the joint score reads: those that look at what is done with answers (docs/detection-choices.md).

Neither the profile nor time and volume: in composed traffic they tell who composed it.
"""
UNREAD = ("template.multi_turn",)
"""But not this of them: a made-up turn before each prompt is put there for nothing; see docs/detection-choices.md."""
FALLS = ("template.closed_answers", "template.greedy", "template.no_longer")
"""What speaks for an ordinary use: more of it never raises what half of the trees say; see docs/detection-choices.md.

Repeats and fixed formats are free: some harvests need them.
"""
PROGRAMS = "recorded programs"
RECORDED = 0.4  # of either side's weight in training, where there are some
ALONE, ALONE_LEAF = 0.1, 5  # of the trees over the same numbers, at least one: they see recorded programs alone
BLIND = ("rerouted users", "embeddings")
"""Families of which READ sees nothing of their own: trees trained on them learn how the traffic was composed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known at every look of every account: one row a look."""

    evidence: NDArray[np.float64]  # (rows, detectors), nats
    account: NDArray[np.intp]
    family: NDArray[np.str_]  # empty for ordinary clients
    kind: NDArray[np.str_]  # the ordinary use, or that of a harvester's cover; empty without one
    importance: NDArray[np.float64]  # an account's looks weigh as much as one row
    numbers: NDArray[np.float64]  # (rows, likeness.names)

    @property
    def harvests(self) -> NDArray[np.bool_]:
        """Which rows are of harvesters."""
        return np.asarray(self.family != "", np.bool_)

    def some(self, keep: NDArray[np.bool_]) -> Seen:
        """The rows where `keep` is true."""
        return Seen(*(getattr(self, field.name)[keep] for field in fields(self)))


def with_recorded(seen: Seen, rows: Recorded) -> Seen:
    """Recorded programs among the composed accounts: each weighs alike, all of a label RECORDED of its side.

    Composed traffic has marks of its own, and recorded programs others: of tools left out of training, recorded
    harvests rank higher above recorded ordinary programs where other recorded ones were among the accounts.
    """
    more = alone(rows)
    weight = more.importance.copy()
    ordinary = seen.importance[~seen.harvests].sum()
    share = RECORDED / (1.0 - RECORDED)
    weight[~rows.harvest] *= share * ordinary / max(float(weight[~rows.harvest].sum()), 1e-12)
    return Seen(
        np.concatenate([seen.evidence, np.zeros((len(weight), seen.evidence.shape[1]))]),
        np.concatenate([seen.account, seen.account.max(initial=0) + 1 + more.account]),
        np.concatenate([seen.family, more.family]),
        np.concatenate([seen.kind, more.kind]),
        np.concatenate([seen.importance, weight]),
        np.concatenate([seen.numbers, more.numbers]),
    )


def alone(rows: Recorded) -> Seen:
    """Recorded programs by themselves, each as one account."""
    _, program = np.unique(rows.program, return_inverse=True)
    weight = 1.0 / np.bincount(program)[program]
    label, none = np.where(rows.harvest, PROGRAMS, ""), np.full(len(program), "")
    return Seen(np.zeros((len(program), 0)), program, label, none, weight, rows.numbers)


class Part(NamedTuple):
    """Trees that read some of the numbers."""

    trees: Sequence[DecisionTreeClassifier]
    names: tuple[str, ...]
    kind: int  # the only family that they read, by its place in fuse.FAMILIES, or WHOLE


def read_names(known: Sequence[str]) -> tuple[str, ...]:
    """The numbers that the joint score reads, of those known."""
    return tuple(name for name in known if _detector(name) in READ and name not in UNREAD)


def grown(seen: Seen, known: Sequence[str], trees: int = TREES, programs: Recorded | None = None) -> Forest:
    """So many trees of each method over all the numbers that the joint score reads, and others over parts of them."""
    names = read_names(known)
    composed = seen.some(~np.isin(seen.family, BLIND))
    family = {one.name: fuse.FAMILIES.index(one.family) for one in registry.shipped() if one.name in READ}
    parts = [_part(composed, known, names, WHOLE, trees, programs)]
    for kind in sorted(set(family.values())):
        some = tuple(name for name in names if family[_detector(name)] == kind)
        parts.append(_part(composed, known, some, kind, max(2, round(ONE_FAMILY * trees)), programs))
    for detector, kind in family.items():
        some = tuple(name for name in names if _detector(name) == detector)
        parts.append(_part(composed, known, some, kind, max(2, round(ONE_DETECTOR * trees)), programs))
    return planted([part for part in parts if part.names], names)


def _detector(name: str) -> str:
    return name.split(".", 1)[0]


def _part(
    composed: Seen, known: Sequence[str], names: tuple[str, ...], kind: int, trees: int, programs: Recorded | None
) -> Part:
    """So many trees of each method over some numbers; none where there are no numbers.

    Where there are recorded programs they are in every tree's training, and some of the trees see nothing else: of
    tools left out of training these know more than their share in a crowd of composed accounts lets them say.
    """
    columns, falls = likeness.chosen(names, known), [-int(name in FALLS) for name in names]
    if not names:
        return Part((), names, kind)
    if programs is None:
        return Part(_trees(composed, columns, trees, falls), names, kind)
    few = max(1, round(ALONE * trees))
    most = _trees(with_recorded(composed, programs), columns, trees - few, falls)
    return Part(most + _trees(alone(programs), columns, few, falls, ALONE_LEAF), names, kind)


def _trees(
    seen: Seen, columns: NDArray[np.intp], trees: int = TREES, falls: Sequence[int] | None = None, leaf: int = LEAF
) -> list[DecisionTreeClassifier]:
    """Trees over some numbers, both classes and each family brought to the same weight; -1 in `falls` binds a number.

    Half of them split at random places of all clients' numbers, half, which are bound, at the best places of a draw
    of the clients: on development both together rank better than either.
    """
    weight = seen.importance.copy()
    names, place = np.unique(seen.family, return_inverse=True)
    total = np.bincount(place, weight)
    families = len(set(names) - {"", PROGRAMS})
    recorded = (RECORDED if families else 1.0) * (PROGRAMS in names)
    share = np.where(names == "", 1.0, np.where(names == PROGRAMS, recorded, (1.0 - recorded) / max(families, 1)))
    weight *= (share / np.maximum(total, 1e-12))[place] * len(weight) / 2.0
    alike: dict[str, Any] = {"n_estimators": trees, "min_samples_leaf": leaf, "random_state": 0, "n_jobs": -1}
    models = (
        ExtraTreesClassifier(max_features=CUT, **alike),
        RandomForestClassifier(max_features=DRAWN, monotonic_cst=falls, **alike),
    )
    numbers = _plain(seen.numbers[:, columns])
    return [tree for model in models for tree in model.fit(numbers, seen.harvests, weight).estimators_]


def planted(parts: Sequence[Part], names: tuple[str, ...]) -> Forest:
    """The parts' trees, which read some of the numbers `names`, as plain arrays."""
    trees = [(one.tree_, likeness.chosen(part.names, names), part.kind) for part in parts for one in part.trees]
    feature, number, right = [], [], []
    for tree, columns, _ in trees:
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        if (tree.children_left[~leaf] != own[~leaf] + 1).any():
            raise ValueError("a tree's left children do not stand behind their parents")
        counts = tree.value[:, 0, :]
        feature.append(np.where(leaf, -1, columns[np.maximum(tree.feature, 0)]).astype(np.int16))
        number.append(np.where(leaf, counts[:, 1] / counts.sum(axis=1), tree.threshold).astype(np.float32))
        right.append(np.where(leaf, 0, tree.children_right - own).astype(np.int32))
    start = np.cumsum([0, *(len(one) for one in feature)])
    kinds = np.array([kind for _, _, kind in trees], np.int8)
    return Forest(names, start, kinds, *(np.concatenate(one) for one in (feature, number, right)))


def _plain(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.nan_to_num(numbers).astype(np.float32)
