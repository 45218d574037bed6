"""One formatter: what it says, it says the same everywhere."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.console import words
from app.models.vocabulary import Disposition, Severity, State

AT = datetime(2026, 11, 25, 17, 32, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.94, "share", "94 %"),
        (0.998, "share", "99 %"),
        (1.0, "share", "100 %"),
        (0.0021, "share", "0.21 %"),
        (0.0, "share", "0 %"),
        (8.0, "count", "8"),
        (12431.0, "tokens", "12,431 tokens"),
        (0.4167, "1", "0.417"),
        (95.0, "s", "95 s"),
        (5.78, "doublings", "54.9×"),
        (7.0, "doublings", "128×"),
        (-1.0, "doublings", "0.5×"),
        (math.nan, "share", "–"),
        (None, "", "–"),
        (math.inf, "", "∞"),
    ],
)
def test_quantity(value, unit, said):
    assert words.quantity(value, unit) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (99.8, "99.8th"),
        (58.0, "58th"),
        (41.0, "41st"),
        (2.0, "2nd"),
        (3.0, "3rd"),
        (11.0, "11th"),
        (100.0, "> 99.9th"),
        (None, ""),
        (math.nan, ""),
    ],
)
def test_percentile(value, said):
    assert words.percentile(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.004, "4 ms"), (0, "0 s"), (59, "59 s"), (840, "14 min"), (3 * 3600, "3 h"), (86400 * 3, "3 d"), (-5, "0 s")],
)
def test_duration(seconds, said):
    assert words.duration(seconds) == said


def test_times_always_name_their_zone():
    east = AT.astimezone(timezone(timedelta(hours=9)))
    for value in (AT, east, AT.replace(tzinfo=None), AT.timestamp()):
        assert words.utc(value) == "25 Nov 2026 17:32:36 UTC"
        assert words.utc_short(value) == "25 Nov 17:32 UTC"
        assert words.iso(value) == "2026-11-25T17:32:36Z"
    assert words.utc(None) == "never"
    assert words.iso(None) == ""


@pytest.mark.parametrize(("age", "said"), [(840, "14 min ago"), (0.2, "just now"), (-7200, "in 2 h")])
def test_ago(age, said):
    assert words.ago(AT, AT.timestamp() + age) == said


def test_signed_numbers_use_a_minus_that_lines_up():
    assert words.signed(-0.83) == "−0.8"
    assert words.signed(3.94) == "+3.9"
    assert words.signed(math.nan) == "–"


@pytest.mark.parametrize(("value", "said"), [(1_234_567, "1.23 M"), (480_000, "480 k"), (900, "900"), (2.5e9, "2.5 G")])
def test_compact(value, said):
    assert words.compact(value) == said


def test_every_word_of_the_domain_has_a_title():
    assert [name for name, _, _ in words.DISPOSITIONS] == [str(item) for item in Disposition]
    assert set(words.STATES) == {str(item) for item in State}
    assert set(words.SEVERITIES) == {str(item) for item in Severity}
    assert words.disposition("benign_expected") == "Benign, expected"
    assert words.disposition("of_later") == "of_later"


def test_a_sentence_is_parted_behind_its_first_clause():
    assert words.clauses("It wraps 94 %; at most 1 in 540 does; so.") == (
        "It wraps 94 %.",
        "at most 1 in 540 does; so.",
    )
    assert words.clauses("One clause only.") == ("One clause only.", "")


def test_a_number_stays_with_its_per_cent_sign():
    assert words.unbroken("100 % of 3 sets, 2.5 %; a %") == "100\u00a0% of 3 sets, 2.5\u00a0%; a %"


@pytest.mark.parametrize(
    ("level", "requests", "title"),
    [(0, 24, "Not compared yet"), (0, 25, "Ordinary"), (1, 3, "Watch"), (2, 900, "Review")],
)
def test_a_client_that_was_never_compared_is_not_called_ordinary(level, requests, title):
    assert words.level(level, requests) == title
