"""Campaigns in words: steps of the history, terms for and against."""

from datetime import UTC, datetime

import pytest

from app.console import campaign_view
from app.models.campaign import Campaign
from app.models.campaign_event import CampaignEvent


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("opened", {"size": 25}, "Opened with 25 members"),
        ("opened", {"size": 2, "split_from": "cp_1"}, "Opened with 2 members, split out of cp_1"),
        ("grew", {"size": 50}, "Grew to 50 members"),
        ("shrank", {"size": 3}, "Shrank to 3 members"),
        ("cleared", {"size": 4}, "Fell below the review threshold with 4 members"),
        (
            "closed",
            {"disposition": "false_positive", "alerts_closed": 3},
            "Closed: false positive, and 3 alerts of its members",
        ),
        ("split", {"clients": 2, "part": "cp_2"}, "2 members moved out into cp_2"),
        ("merged", {"from": "cp_2"}, "Took in cp_2"),
        ("merged", {"into": "cp_1"}, "Merged into cp_1"),
        ("decided", {"action": "tag", "simulated": True, "clients": 9}, "Tag, simulated: 9 members"),
        ("something_new", {}, "Something new"),
    ],
)
def test_steps_are_said_in_words(kind, data, text):
    event = CampaignEvent(id="ce_1", kind=kind, actor="ana", data=data, at=datetime(2026, 11, 25, tzinfo=UTC))
    entry = campaign_view.entry(event)
    assert (entry.what, entry.actor) == (text, "ana")


def test_terms_are_told_apart_by_their_sign_and_ordered_by_size():
    said = [{"feature": name, "value": 1.0, "unit": "", "contribution": share, "sentence": name}
            for name, share in (("small", 0.5), ("against", -2.0), ("large", 9.0))]  # fmt: skip
    speaks, against = campaign_view.terms(
        {"terms": [*said, {"feature": "unknown", "contribution": None}, {"feature": "nothing", "contribution": 0.01}]}
    )
    assert [term.label for term in speaks] == ["large", "small"]
    assert [(term.label, term.weight) for term in against] == [("against", "−2.0")]


def test_what_is_not_known_is_not_shown():
    assert campaign_view.without({}) is None
    assert campaign_view.terms({}) == ((), ())


def test_a_score_of_nothing_is_a_score():
    assert campaign_view.score(Campaign(score=17.2, latest={"score": 0.0})) == 0.0
    assert campaign_view.score(Campaign(score=17.2, latest={})) == 17.2


def test_members_that_left_since_the_reading_are_counted_while_somebody_works_on_it():
    assert campaign_view.left(Campaign(state="new", size=3, latest={"size": 9})) == 6
    assert campaign_view.left(Campaign(state="new", size=9, latest={"size": 3})) == 0
    assert campaign_view.left(Campaign(state="new", size=9, latest={})) == 0
    assert campaign_view.left(Campaign(state="closed", size=3, latest={"size": 9})) == 0
