"""Lines are fitted over readings, each seed left out once; the bar lies above every ordinary group of such a seed."""

from __future__ import annotations

import numpy as np
import pytest

from bench.detection import grouping, linking
from bench.detection.grouping import Reading
from detectors.campaign.whole import FALLING, NAMES


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    """Harvests with high rows, hardly streamed; ordinary groups the other way round; one number that says nothing."""
    rng = np.random.default_rng(3)
    out = []
    for place in range(240):
        harvest = place % 2 == 0
        numbers = np.zeros(len(NAMES))
        numbers[NAMES.index("lead_low")] = rng.normal(4.0 if harvest else 1.0, 0.7)
        numbers[NAMES.index("streamed")] = np.clip(rng.normal(0.2 if harvest else 0.6, 0.2), 0.0, 1.0)
        numbers[NAMES.index("alike")] = rng.random()
        one = Reading(
            place % 3, 1.0, numbers, float(harvest), frozenset([place]), "one" if harvest else f"k{place % 7}"
        )
        out.append(one)
    return out


def test_lines_rise_and_fall_as_their_numbers_must(readings) -> None:
    fitted = grouping.fit(readings, 0.0, 11.5)
    assert {"lead_low", "streamed"} <= fitted.lines.keys()
    for name, line in fitted.lines.items():
        steps = np.diff(line.nats) * (-1.0 if name in FALLING else 1.0)
        assert (steps >= 0.0).all()
    rise = {name: abs(line.nats[-1] - line.nats[0]) for name, line in fitted.lines.items()}
    assert rise["lead_low"] > 3.0 * rise.get("alike", 0.0)


def test_the_bar_is_above_ordinary_groups_and_comes_to_the_review_score(readings) -> None:
    odds = grouping.held_out(readings)
    bar = grouping.bar(readings, odds)
    assert all(value < bar for one, value in zip(readings, odds, strict=True) if one.harvest < 0.5)
    assert np.mean([value >= bar for one, value in zip(readings, odds, strict=True) if one.harvest == 1.0]) > 0.05
    one, other = (grouping.fit(readings, at, 11.5) for at in (bar, bar + 1.0))
    assert one.start - other.start == pytest.approx(1.0)
    assert one.lines == other.lines


def test_few_of_each_campaign_are_learned_from_and_mixed_groups_not_at_all(readings) -> None:
    mixed = readings[0]._replace(harvest=0.6)
    places, weight = grouping.chosen([*readings, mixed])
    assert len(readings) not in places
    harvest = np.array([readings[place].harvest == 1.0 for place in places])
    assert harvest.sum() == 3 * grouping.EACH_HARVEST
    assert weight[harvest].sum() == pytest.approx(weight[~harvest].sum())


def test_a_level_settles_below_all_that_weeks_show_and_keeps_the_lines(readings) -> None:
    fitted, asked = grouping.fit(readings, 0.0, 11.5), []

    def highest(lowered: float) -> float:
        """Ordinary groups 0.8 nats above review and, once that one is gone, another one that it hid, 1.0 above."""
        asked.append(lowered)
        return 0.8 - lowered if lowered < 0.9 else 1.0 - lowered if lowered < 1.2 else -np.inf

    moved = grouping.settled(fitted, highest)
    assert moved.lines == fitted.lines
    assert moved.start == pytest.approx(fitted.start - 1.0 - grouping.MARGIN, abs=1e-3)
    assert asked == pytest.approx([0.0, 1.1, 1.3])
    assert grouping.settled(fitted, lambda lowered: -1.0) == fitted


def test_weeks_are_looked_at_with_scores_as_low_as_asked(monkeypatch, tmp_path) -> None:
    reviews = []

    def followed(accounts, settings):
        reviews.append(settings.scoring.review)
        ordinary = (linking.Mistaken("classroom", "12 classroom", linking.REVIEW + 1.5),) if accounts else ()
        return linking.Followed({}, frozenset(), ordinary, {})

    monkeypatch.setattr(grouping.campaigns, "compose", lambda data, seed, size, split: ["somebody"] * seed)
    monkeypatch.setattr(grouping.linking, "followed", followed)
    assert grouping.shown(tmp_path, 1, 0.5) == pytest.approx(1.0)
    assert grouping.shown(tmp_path, 0, 0.5) == -np.inf
    assert reviews == [pytest.approx(linking.REVIEW + 0.5 - grouping.MARGIN)] * 2
