"""Indicators go out and come back as hashes, and match the events that carry the wording."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign.report import Indicators, carrying
from detectors.campaign.tells import Kind, token


def test_indicators_come_back_from_their_document() -> None:
    one = Indicators((5, 2**63), (7,))
    assert Indicators.parse(one.document()) == one


@pytest.mark.parametrize(
    "document",
    [{}, {"format": 2}, {"format": 1, "templates": ["xyz"]}, {"format": 1, "templates": ["0"]},
     {"format": 1, "networks": ["1" * 17]}, []],
)  # fmt: skip
def test_what_is_no_indicator_set_is_refused(document) -> None:
    with pytest.raises(ValueError, match="indicator"):
        Indicators.parse(document)


def test_events_with_the_wording_match_and_others_do_not(operator, bystanders) -> None:
    events = np.concatenate([operator([1, 2], wording=8), bystanders(5)])
    wanted = int(token(Kind.HEAD, np.array([81], np.uint64))[0])
    matched = Indicators((wanted,)).match(events)
    assert matched.tolist() == (events["client"] < 10).tolist()
    assert not Indicators((), (3,)).match(events).any()
    assert not carrying(events[:0], np.array([wanted], np.uint64)).any()
