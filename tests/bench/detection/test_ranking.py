"""The re-ranker is trained on permissive lists, by account, and does better than the plain sum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.detection import copies, dataset, ranking
from bench.detection.growing import Seen
from detectors import reference, registry, rerank
from detectors.engine import Engine
from detectors.reference import LOOKS


def seen(accounts: int = 600, looks: int = 2, seed: int = 1) -> Seen:
    """Made-up evidence of three detectors; each of two families is told by another one, the third is noise."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), looks)
    family = np.repeat(rng.choice(["", "lists", "grading"], accounts, p=[0.8, 0.1, 0.1]), looks)
    evidence = rng.exponential(1.0, (len(account), 3))
    evidence[:, 0] += 4.0 * (family == "lists") * rng.random(len(account))
    evidence[:, 1] += 4.0 * (family == "grading") * rng.random(len(account))
    evidence[:, 2] *= 3.0
    return Seen(
        evidence, account, family, np.full(len(account), ""), np.full(len(account), 1.0 / looks), evidence.copy()
    )


@pytest.fixture(scope="module")
def trained() -> reference.Reference:
    known = dataclasses.replace(
        reference.empty(), detectors=(("a", 1), ("b", 1), ("c", 1)), sizes=np.zeros((3, 1, len(LOOKS)), np.int64)
    )
    return ranking.train(known, seen())


def test_weights_and_what_they_are_worth_are_written_down(trained) -> None:
    about = trained.about["ranking"]
    assert about["auc_of_the_rank"] > about["auc_of_the_sum"] + 0.05
    assert set(about["auc_of_a_family_left_out"]) == {"lists", "grading"}
    assert about["weights"]["c"] < 0.7 * min(about["weights"]["a"], about["weights"]["b"])
    assert about["accounts"] == 600
    assert 90 <= about["harvesters"] <= 150
    assert 0.0 < about["brier"] < 0.25


def test_a_family_that_training_did_not_see_is_still_ordered_above_chance(trained) -> None:
    assert min(trained.about["ranking"]["auc_of_a_family_left_out"].values()) > 0.55


def test_probabilities_rise_with_the_rank(trained) -> None:
    told = rerank.probability(trained, np.array([-5.0, 0.0, 5.0]))
    assert told[0] < told[1] < told[2]


def test_no_list_under_non_commercial_terms_is_walked() -> None:
    made = dataset.world(None, "dev")
    kinds = {kind: (("alpaca_en", ("a", "b")), *named) for kind, named in made.lists.by["en"].items()}
    world = ranking.permissive(dataclasses.replace(made, lists=ranking.Lists({**made.lists.by, "en": kinds})))
    alone = ranking.permissive(
        dataclasses.replace(made, lists=ranking.Lists({**made.lists.by, "en": {"maths": (("alpaca_en", ("a",)),)}}))
    )
    for by in (world.lists.by, alone.lists.by):
        names = {name for kinds in by.values() for named in kinds.values() for name, _ in named}
        assert not any("alpaca_en" in name for name in names)
    assert alone.lists.by["en"]["maths"]


def test_accounts_hold_every_variant_and_hard_negatives() -> None:
    world = ranking.permissive(dataset.world(None, "dev"))
    plans = list(ranking.plans(world, "t", 1, 5))
    variants = {plan.variant.name for plan in plans if plan.variant}
    assert variants == {variant.name for variant in ranking.harvests.VARIANTS}
    personas = [plan.persona for plan in plans if not plan.variant]
    assert {script.__name__ for script in ranking.HARD} <= set(personas)


def test_harvesters_walk_ordinary_texts_as_well() -> None:
    world = dataset.world(None, "dev")
    named = dict(ranking.varied(world).lists.by["en"]["instructions"])
    assert set(named["questions"]) >= set(world.pools.questions)
    assert set(dict(world.lists.by["en"]["instructions"])) < set(named)


def test_every_account_is_seen_with_and_without_its_answers_and_with_marks_put_on() -> None:
    world = ranking.varied(ranking.permissive(dataset.world(None, "dev")))
    account, other, *_ = ranking.accounts(world, "t", 1, 5)
    blind = copies.unseen(account)
    assert account.events["out_chars"].any()
    assert not blind.events["out_chars"].any()
    assert (blind.events["out_tokens"] == account.events["out_tokens"]).all()
    assert (account.events["client"] == account.client).all()
    known = ranking.observe(Engine(registry.shipped(), reference.empty()), [account])
    looks = len(known.account)
    assert looks > 0
    assert looks % 3 == 0
    assert set(known.account) == {0}
    assert set(known.family) == {account.family}
    assert known.importance.sum() == pytest.approx(1.0)
    both = ranking.observe(Engine(registry.shipped(), reference.empty()), [account, other])
    assert np.bincount(both.account, both.importance).tolist() == pytest.approx([1.0, 1.0])
