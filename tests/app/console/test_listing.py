"""Addresses of lists."""

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


async def test_the_threshold_shown_is_the_lowest_that_opens_an_alert(console):
    assert round(listing.threshold(console.app.state.scoring), 3) == 9.2
