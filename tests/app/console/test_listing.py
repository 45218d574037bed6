"""Addresses of lists."""

import re
from dataclasses import replace

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/alerts?tier=foo", "“tier” is no filter: this list has state, severity, client, sort."),
        (
            "/alerts?severity=urgent",
            "severity: “urgent” is unknown; choose one of critical, high, medium, low, or leave it out.",
        ),
        ("/alerts?state=open", "state: “open” is unknown; choose one of new, in_review, closed, all, or leave it out."),
        ("/alerts?sort=age", "sort: “age” is unknown; choose one of -created_at, -severity, -score, or leave it out."),
        ("/campaigns?level=watch&state=all", "level: “watch” is unknown; choose all, or leave it out."),
        ("/campaigns?client=x", "“client” is no filter: this list has state, level, q, sort."),
        ("/clients?level=high", "level: “high” is unknown; choose one of review, watch, waiting, or leave it out."),
        ("/decisions?shown=real", "shown: “real” is unknown; choose one of active, ended, all, or leave it out."),
        ("/alerts?state=new&state=closed", "“state” is given more than once: give it once."),
        (f"/alerts?severity={'<b>' * 20}", f"severity: “{'&lt;b&gt;' * 13}&lt;…” is unknown;"),
    ],
)
async def test_a_list_says_what_of_its_address_it_does_not_know_and_shows_nothing(console, reviewer, address, said):
    """Before, it showed everything: a misspelt filter passed for a list that nothing narrows."""
    await console.seed()
    await console.seed_campaigns()
    page = await reviewer.get(address)
    assert page.status_code == 422
    assert said in page.text
    assert "data-row" not in page.text
    assert 'class="card empty"' not in page.text
    way_on = re.search(r'href="([^"]+)">Show the list without it', page.text).group(1).replace("&amp;", "&")
    assert (await reviewer.get(way_on)).status_code == 200
