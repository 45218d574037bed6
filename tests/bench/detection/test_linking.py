"""The linking check counts members, bystanders and time as it says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.detection import campaigns, linking
from detectors.base import Level


@pytest.fixture(scope="module")
def outcome():
    scale = campaigns.Scale(6, (), (campaigns.Shape(8, 20, 1.0), campaigns.Shape(8, 20, 0.5, event="displacement")))
    accounts = list(campaigns.composed(None, 3, scale, "dev"))
    return accounts, linking.evaluate(accounts, 3)


def test_every_planted_campaign_is_counted_once(outcome) -> None:
    accounts, found = outcome
    planted = {one.campaign for one in accounts if one.family}
    assert len(found.found) == len(planted)
    assert all(0.0 <= one.flagged <= 1.0 and 0.0 <= one.standing <= 1.0 for one in found.found)
    assert all(one.accounts == 8 for one in found.found)
    assert 0.0 <= found.precision <= 1.0


def test_the_page_names_every_shape(outcome) -> None:
    _, found = outcome
    text = linking.page([found])
    assert all(one.shape in text for one in found.found)
    assert text.startswith("# Campaigns")


def test_without_the_texts_it_says_what_is_missing(capsys) -> None:
    assert linking.main([]) == 2
    assert "DATA=folder" in capsys.readouterr().err


def test_a_campaign_of_mostly_ordinary_accounts_is_told_with_what_its_members_do(outcome) -> None:
    accounts, _ = outcome
    by = {one.client: one for one in accounts}
    harvesting = [one.client for one in accounts if one.family]
    others = [one.client for one in accounts if not one.family]

    def told(members, level=Level.REVIEW):
        return linking._ordinary([SimpleNamespace(level=level, clients=frozenset(members), score=12.0)], by)

    (mistaken,) = told([*others[:3], *harvesting[:2]])
    assert mistaken.kind in {linking.kind(by[one]) for one in others[:3]}
    assert mistaken.members.endswith("2 that harvest")
    assert sum(int(part.split()[0]) for part in mistaken.members.split(", ")) == 5
    assert f"{mistaken.members} (12.0 nats)" in linking.page([linking.Outcome(3, (), 0.5, (mistaken,))])
    assert told([*others[:2], *harvesting[:2]]) == []  # half of it harvests
    assert told(others[:3], Level.WATCH) == []
