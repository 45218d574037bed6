"""Moments at the ends of the calendar are refused rather than failing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.api.paging import utc
from app.errors import InvalidInput


def test_moments_become_utc():
    there = datetime(2027, 1, 15, 17, tzinfo=timezone(timedelta(hours=9)))
    assert utc("x", there) == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert utc("x", there).tzinfo is UTC
    assert utc("x", None) is None


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_there_is_no_moment_before_the_first(moment):
    with pytest.raises(InvalidInput, match="created_gte"):
        utc("created_gte", moment)
