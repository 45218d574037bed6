"""What the pages say of chance is true, and in the right number."""

from dataclasses import replace

import pytest

from app.alerts.chance import Chance
from app.console import chance
from app.models.base import moment

WEEK = Chance(moment(1_800_000_000.0), 10_000, 34, 0, expected=21.4, resolvable=0.09, beyond=3)
MANY = "Of 10,000 clients compared in the last seven days about 21 would come to review by chance; 34 did. "


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            WEEK,
            MANY + "3 of them, marked “beyond chance”, opened so high that at most 1 in 10 of those is expected to be "
            "ordinary (false discovery rate 10 %).",
        ),
        (
            replace(WEEK, beyond=1),
            MANY + "1 of them, marked “beyond chance”, opened higher than chance explains (false discovery rate 10 %).",
        ),
        (
            replace(WEEK, beyond=0),
            MANY + "None of them opened high enough to be told from chance (false discovery rate 10 %).",
        ),
        (
            replace(WEEK, beyond=0, resolvable=0.4),
            MANY + "So few of so many cannot be told from chance, however high they are (false discovery rate 10 %).",
        ),
        (
            replace(WEEK, beyond=34, tripwires=1),
            MANY + "At most 1 in 10 of them is expected to be ordinary (false discovery rate 10 %). "
            "1 more, which a tripwire brought, is not counted here.",
        ),
        (
            replace(WEEK, clients=400, reviewed=1, expected=0.86, beyond=1, tripwires=2),
            "Of 400 clients compared in the last seven days fewer than one would come to review by chance; 1 did. "
            "At most 1 in 10 such alerts is expected to be ordinary (false discovery rate 10 %). "
            "2 more, which a tripwire brought, are not counted here.",
        ),
        (
            replace(WEEK, clients=1, reviewed=1, expected=0.3, resolvable=0.05, beyond=0),
            "Of 1 client compared in the last seven days fewer than one would come to review by chance; 1 did. "
            "It did not open high enough to be told from chance (false discovery rate 10 %).",
        ),
        (replace(WEEK, reviewed=0, beyond=0, resolvable=None), ""),
        (replace(WEEK, expected=None, beyond=0, resolvable=None), ""),
    ],
)
def test_the_sentence_of_the_queue(found, said):
    assert chance.queue(found) == said


def test_a_batch_that_left_alerts_out_says_at_least():
    assert "; at least 20,000 did." in chance.queue(replace(WEEK, reviewed=20_000, complete=False))


@pytest.mark.parametrize(
    ("q", "said"),
    [
        (0.034, "up to 3.4 % are expected to be ordinary."),
        (0.712, "up to 71 % are expected to be ordinary."),
        (1.0, "all may be ordinary: as many are expected by chance."),
    ],
)
def test_the_sentence_of_one_alert(q, said):
    told = "Of the last seven days' alerts that opened as far over their threshold as this one, or further, "
    assert chance.alert(q) == told + said


def test_nothing_is_said_of_an_alert_outside_the_batch():
    assert chance.alert(None) == ""
