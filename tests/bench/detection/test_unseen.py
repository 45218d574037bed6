"""A family that is left out of the forest's training is told of by that forest, at the level of other clients."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bench.detection import __main__ as bench
from bench.detection import evaluate, growing, ranking, reference, unseen
from detectors import fitting, registry
from detectors import reference as references
from detectors.engine import Engine


@pytest.fixture(scope="module")
def accounts():
    """A few, of which one harvester is under the first ordinary client's cover."""
    drawn = list(bench.tested(None, 101, "small", 24))
    use = next(one.persona for one in drawn if not one.family)
    place = next(place for place, one in enumerate(drawn) if one.family == "reasoning")
    drawn[place] = replace(drawn[place], persona=use)
    return drawn


@pytest.fixture(scope="module")
def made(accounts) -> reference.Material:
    engine = Engine(registry.shipped(), references.empty())
    ordinary = np.concatenate([one.events for one in accounts if not one.family])
    snapshots = fitting.observe(engine, ordinary)
    engine.use(fitting.fit(engine.detectors, snapshots, {}, groups=1, least=2))
    return reference.Material(engine, snapshots, {}, Counter(), ranking.observe(engine, accounts), None)


def test_each_forest_is_grown_without_its_family(made) -> None:
    grown = dict(unseen.forests(made))
    everything = set(made.seen.family.tolist())
    families = sorted(everything - {"", *growing.BLIND})
    assert list(grown) == [unseen.ALL, *families]
    assert len({forest.number.tobytes() for forest in grown.values()}) == len(grown)
    for family in families:
        assert set(unseen.without(made.seen, family).family.tolist()) == everything - {family}


@pytest.fixture(scope="module")
def one(made, accounts) -> unseen.Tested:
    held = evaluate.observe(made.engine.detectors, bench.calibration(None, "small", 40, 24))
    held.clients["calibration"] = True
    return unseen.tested(made.engine, evaluate.join(evaluate.observe(made.engine.detectors, accounts), held))


def test_kinds_are_parted_wholly_and_the_same_each_time() -> None:
    kinds = [f"kind {number}" for number in range(10)]
    parts = unseen.parted([*kinds, kinds[0]])
    assert len(parts) == unseen.ROUNDS
    assert sorted(kind for part in parts for kind in part) == sorted(kinds)
    assert parts == unseen.parted(reversed(kinds))


def test_a_kind_is_told_of_by_a_forest_and_a_level_without_it(made, one, accounts, monkeypatch) -> None:
    monkeypatch.setattr(unseen, "TREES", 4)
    grown, levels = [], []

    def growing_(seen, *rest):
        grown.append(set(seen.kind.tolist()))
        return real(seen, *rest)

    def judging(seen, statistic, parts):
        levels.append({str(k) for f in parts for k in seen.clients["kind"][f.fit | f.level]})
        assert all(f.test.sum() == (~seen.clients["calibration"]).sum() for f in parts)
        return judge(seen, statistic, parts)

    real, judge = unseen.growing.grown, unseen.judge
    monkeypatch.setattr(unseen.growing, "grown", growing_)
    monkeypatch.setattr(unseen, "judge", judging)
    told = unseen.strangers(made, [one])
    assert set(made.seen.kind[made.seen.harvests].tolist()) - {""}  # harvesters under cover, left out as well
    kinds = {account.persona for account in accounts if not account.family and not account.grey}
    assert set(told) == kinds
    for part, trained, level in zip(unseen.parted(kinds), grown, levels, strict=True):
        assert not set(part) & (trained | level)
        assert trained == set(made.seen.kind.tolist()) - set(part)
        assert level
    whole = [unseen.judged(real(made.seen, unseen.likeness.names(made.engine.detectors), 4), one)]
    shares = unseen.mistaken(told, whole)
    ordinary = Counter(account.persona for account in accounts if not account.family and account.pair < 0)
    assert {kind: found.without[0].clients for kind, found in shares.items()} == {k: ordinary[k] for k in kinds}
    assert all(found.whole[0].clients == found.without[0].clients for found in shares.values())
    text = "\n".join(unseen.page_of_kinds(shares, 20))
    assert all(f"| {kind} | {ordinary[kind]} |" in text for kind in kinds if ordinary[kind])
    assert f"| **all of these** | {sum(ordinary.values())} |" in text


def test_harvesters_that_the_forest_knows_are_found_and_the_rest_counted(made, one, accounts) -> None:
    forest = growing.grown(made.seen, unseen.likeness.names(made.engine.detectors), 4)
    judged = unseen.judged(forest, one)
    assert not judged.clients["calibration"].any()
    assert judged.found(0.01).rate > 0.5  # it was trained on these very accounts
    kinds = Counter(account.family for account in accounts if account.family)
    told = unseen.found({unseen.ALL: [judged, judged], **{family: [judged, judged] for family in kinds}})
    assert {family: share.whole[0].clients for family, share in told.items()} == {
        family: 2 * count for family, count in kinds.items()
    }
    text = "\n".join(unseen.page(told, judged.alarms(0.01), 20))
    for family in kinds:
        assert f"| {family} |" in text
    assert f"| **all of these** | {2 * sum(kinds.values())} |" in text


def test_without_the_folder_of_texts_nothing_is_written(capsys) -> None:
    assert unseen.main([]) == 2
    assert "give their folder" in capsys.readouterr().err
