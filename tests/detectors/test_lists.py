"""Public lists: training items against examination items, repeats and baits."""

from __future__ import annotations

import numpy as np

from detectors.batch import Batch
from detectors.event import Listed
from detectors.lists import Lists


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Lists.state)
    Lists().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Lists().score(rows_of(events), 0.0)[0])


def some(share: float, bits: int, count: int = 200) -> np.ndarray:
    return np.where(np.arange(count) < share * count, bits, 0)


def test_training_items_score_by_their_share_and_none_is_silence(traffic) -> None:
    assert score(traffic(1, 200)) == 0.0
    assert score(traffic(1, 200, listed=Listed.TRAIN)) > 9.0
    assert 5.0 < score(traffic(1, 200, listed=some(0.1, Listed.TRAIN))) < 9.0
    assert score(traffic(1, 200, listed=some(0.01, Listed.TRAIN))) < 4.0


def test_examination_items_do_not_and_take_from_training_items(traffic) -> None:
    assert score(traffic(1, 200, listed=Listed.TEST)) == 0.0
    assert score(traffic(1, 200, listed=Listed.TEST | Listed.TRAIN)) == 0.0
    half = np.where(np.arange(200) % 2, int(Listed.TEST), int(Listed.TRAIN))
    assert score(traffic(1, 200, listed=half)) < 0.6 * score(traffic(1, 200, listed=Listed.TRAIN))


def test_items_that_come_again_are_an_exercise(traffic) -> None:
    again = traffic(1, 200, listed=Listed.TRAIN, payload=np.arange(200) % 10 + 1)
    assert score(again) < 0.2 * score(traffic(1, 200, listed=Listed.TRAIN))


def test_a_bait_speaks_by_itself_and_three_say_all(traffic) -> None:
    one = score(traffic(1, 200, listed=some(0.005, Listed.CANARY)))
    three = score(traffic(1, 200, listed=some(0.015, Listed.CANARY)))
    assert 1.0 < one < three == score(traffic(1, 200, listed=Listed.CANARY)) == 5.0


def test_the_terms_say_what_was_hit(traffic) -> None:
    listed = some(0.5, Listed.TRAIN) | some(0.01, Listed.CANARY)
    terms = {term.feature: term for term in Lists().explain(rows_of(traffic(1, 200, listed=listed))[0], 0.0)}
    assert terms["training_items"].value == 0.5
    assert "50 % of its prompts" in terms["training_items"].sentence
    assert terms["baits"].value == 2
    assert "2 prompts" in terms["baits"].sentence


def test_an_examination_item_is_no_training_item_and_a_bait_may_be_either(traffic) -> None:
    row = rows_of(traffic(1, 32, listed=np.arange(32) % 8))[0]
    assert (row["n"], row["train"], row["test"], row["baits"]) == (32, 8, 16, 16)
    assert 3 < np.count_nonzero(row["hits"]) <= 8
