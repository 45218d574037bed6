"""The fitted lines only rise or fall, sum to the score, and no fit that turns is read."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import Linker, whole
from detectors.campaign.rows import Own
from detectors.campaign.signals import Facts
from detectors.campaign.whole import FALLING, NAMES, TERMS, Line, Whole, parse, shipped

MEMBERS = list(range(1, 13))
TOLD = Facts(
    people=5_000, parties=12, moves=0, successors=0, expected=float("nan"), overlap=0, rank=4.0, low=3.0, lead=0.3,
    lead_low=0.0,
)  # fmt: skip


@pytest.fixture
def measured(operator, bystanders):
    linker = Linker()
    linker.observe(np.concatenate([operator(MEMBERS), bystanders()]))
    linker.tell(dict.fromkeys(MEMBERS, Own(5.0, 1.5)))
    return next(one for one, *_ in linker.readings() if len(one.members) == len(MEMBERS))


def test_a_line_is_straight_between_knots_and_flat_outside() -> None:
    line = Line((1.0, 3.0), (-1.0, 1.0))
    assert [line.of(value) for value in (0.0, 1.0, 2.0, 3.0, 9.0)] == [-1.0, -1.0, 0.0, 1.0, 1.0]


def test_what_ships_reads_numbers_that_there_are_and_comes_back_from_its_document() -> None:
    assert shipped().lines.keys() <= set(NAMES)
    assert {"lead_low", "networks", "size"} <= shipped().lines.keys()
    assert parse(shipped().document()) == shipped()


def test_terms_add_up_the_lines_and_the_start(measured) -> None:
    held = whole.numbers(measured, TOLD)
    assert held.keys() == set(NAMES)
    terms = shipped().terms(measured, TOLD)
    assert terms.keys() <= TERMS.keys()
    each = sum(line.of(held[name]) for name, line in shipped().lines.items())
    assert sum(terms.values()) == pytest.approx(each + shipped().start)


@pytest.mark.parametrize("more", [{"lead": 1.6}, {"lead_low": 1.0}, {"parties": 40}, {"moves": 9}])
def test_more_of_what_speaks_for_a_harvest_never_lowers_the_score(measured, more) -> None:
    less = sum(shipped().terms(measured, TOLD).values())
    assert sum(shipped().terms(measured, TOLD._replace(**more)).values()) >= less


def test_who_shares_what_only_they_have_is_exact(measured) -> None:
    held = whole.numbers(measured, TOLD)
    assert held["exact"] == 1.0
    assert held["front"] == 1.0
    assert held["moved"] == 0.0


@pytest.mark.parametrize("name", ["lead_low", "streamed"])
def test_a_line_that_turns_is_refused(name: str) -> None:
    wrong = (0.0, 1.0, 2.0) if name in FALLING else (0.0, -1.0, 2.0)
    with pytest.raises(ValueError, match="turns"):
        parse(Whole(0.0, {name: Line((0.0, 1.0, 2.0), wrong)}).document())
    with pytest.raises(ValueError, match="another version"):
        parse({"format": 0})
