"""Addresses of lists."""

from dataclasses import replace

import numpy as np

from app.console import listing


def test_addresses_hold_what_is_set_and_escape_it():
    assert (
        listing.address("/alerts", {"state": "new", "client": "", "q": "a&b c", "x": None})
        == "/alerts?state=new&q=a%26b+c"
    )
    assert listing.address("/alerts", {}) == "/alerts"


def test_a_pager_keeps_the_filter():
    pager = listing.pager("/alerts", {"state": "new"}, None, "abc")
    assert pager == listing.Pager(None, "/alerts?state=new&cursor=abc")


async def test_the_thresholds_shown_are_the_lowest_and_the_highest_that_open_an_alert(console):
    scoring = console.app.state.scoring
    assert np.round(listing.thresholds(scoring), 3).tolist() == [9.2, 9.2]
    steps = np.array([6.0, 5.2, *[7.9] * (len(scoring.reference.review) - 2)], np.float32)
    scoring.use(replace(scoring.reference, review=steps))
    assert np.round(listing.thresholds(scoring), 3).tolist() == [5.2, 7.9]
