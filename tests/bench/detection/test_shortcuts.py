"""The shortcut checks: blind where there is nothing to see, alarmed where the generator gives a label away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.detection import dataset, shortcuts, sources
from bench.detection.compose import Account, account
from bench.detection.jobs import classifier, studio


@pytest.fixture(scope="module")
def pairs() -> list:
    """Forty pairs of two ordinary clients of one kind, one of them called a harvester."""
    pools = sources.pools(None, "dev")
    made: list[Account] = []
    for number in range(40):
        script = (classifier, studio)[number % 2]
        made += [
            replace(account("a", "", script, pools, f"{number}", 20), pair=number, family="x"),
            replace(account("b", "", script, pools, f"{number}", 20), pair=number),
        ]
    return shortcuts.pairs_of(made)


def test_nothing_is_told_where_nothing_differs(pairs) -> None:
    assert len(pairs) == 40
    for leak in shortcuts.measure(pairs, trees=15):
        assert 0.25 < leak.area < 0.75
        assert 0.25 < leak.shuffled < 0.75


def test_a_setting_that_only_harvesters_have_is_a_leak(pairs) -> None:
    for harvester, _ in pairs:
        harvester.events["temperature"] = np.float32(0.123)
    leaks = shortcuts.measure(pairs, trees=15)
    areas = {leak.group: leak.area for leak in leaks}
    assert areas["parameters"] > shortcuts.LIMIT
    assert areas["timing"] < 0.75
    assert "| x | parameters | 40 |" in shortcuts.page({"x": leaks})


def test_accounts_without_a_partner_or_with_few_requests_are_left_out(pairs) -> None:
    harvester, match = pairs[0]
    few = replace(harvester, pair=99, events=harvester.events[:4])
    assert shortcuts.pairs_of([harvester, replace(match, pair=98), few]) == []


def test_without_the_data_it_says_what_is_missing(tmp_path, capsys) -> None:
    assert shortcuts.main(["--data", str(tmp_path), "--size", "small"]) == 2
    assert "lacks benign/arena_hard_v01.jsonl.gz" in capsys.readouterr().err
    assert list(dataset.SCALES) == ["small", "standard", "large"]
