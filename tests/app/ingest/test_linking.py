"""Clients of one operator are named as a campaign in the scores, flagged from when it could be seen."""

from __future__ import annotations

import random

import numpy as np
import pytest

from app.ingest import replay as replay_module
from app.ingest.linking import PART, WATCHED, Linking
from app.ingest.log import Problems, read_log
from app.ingest.replay import replay
from detectors.base import Level
from detectors.campaign.rows import Own
from detectors.campaign.score import Scoring
from detectors.event import Listed
from detectors.features import events
from detectors.listed import build
from detectors.registry import load

WORDS = ("river", "stone", "lamp", "garden", "window", "market", "winter", "letter", "bridge", "copper", "saddle")
START = 1_764_000_000.0
OPERATOR = [f"op{k}" for k in range(10)]


@pytest.fixture
def logs(written):
    return [written(OPERATOR)]


@pytest.fixture
def written(write_log, line):
    """A log of some accounts of one operator, 12 requests each, and of a dozen others."""
    rng = random.Random(5)

    def item() -> str:
        return " ".join(rng.choice(WORDS) + str(rng.randint(1, 99)) for _ in range(12))

    def ask(at: float, client: str, text: str, answer: str, peer: str):
        body = {"model": "m", "messages": [{"role": "user", "content": text}], "temperature": 0.7}
        return line(at, client, body=body, response=answer, peer=peer, usage=None)

    frame = "Write out the complete reasoning for the following task, every step, then the answer in full:\n{}"

    def write(operator: list[str]):
        rows = []
        for step in range(12):
            for place, client in enumerate(operator):
                at = START + 4_000.0 * step + place
                rows.append(ask(at, client, frame.format(item()), item() * 25, f"198.51.{place}.1"))
            rows += [
                ask(START + 4_000.0 * step + 100.0 + place, f"other{place}", item(), "Yes.", f"203.0.{place}.1")
                for place in range(12)
            ]
        return write_log("log.jsonl", *rows)

    return write


@pytest.fixture
def linked(logs):
    """A linking of that log in twelve blocks, where `hear` answers for the clients' rows; and the clients' numbers."""

    def run(hear):
        entries = list(read_log(logs[0], Problems(), lambda _: None))
        linking, number = Linking(lambda _: 7, hear), {one.client: one.exchange.client for one in entries}
        for start in range(0, len(entries), 22):
            block = events([one.exchange for one in entries[start : start + 22]], seed=0)
            linking.follow(block, float(block["at"].max()))
        return linking, linking.finish(START + 50_000.0), number

    return run


def test_members_carry_their_campaign_and_others_do_not(logs, monkeypatch) -> None:
    monkeypatch.setattr(replay_module, "BATCH", 44)
    report = replay(logs, load())
    by_name = {one.client: one for one in report.clients}
    names = {by_name[client].line()["campaign"] for client in OPERATOR}
    assert len(names) == 1
    assert names.pop().startswith("cp_")
    assert all(by_name[client].flagged for client in OPERATOR)
    assert all(one.line()["campaign"] is None for name, one in by_name.items() if name.startswith("other"))
    one = by_name["op0"]
    assert 2 <= one.flagged_at_request < 12
    assert START < one.flagged_at < START + 48_000.0
    assert one.line()["campaign_sentence"].startswith("10 clients share ")


def test_the_report_names_the_members_and_what_ties_them(logs) -> None:
    document = replay(logs, load()).document()
    (campaign,) = document["campaigns"]
    assert {member["client"] for member in campaign["members"]} == set(OPERATOR)
    assert campaign["level"] == "review"
    assert campaign["edges"]
    assert sum(term["share"] for term in campaign["terms"]) == pytest.approx(campaign["score"], abs=1e-3)


def test_it_hears_what_the_members_own_rows_say(logs) -> None:
    by_name = {one.client: one for one in replay(logs, load()).clients}
    campaigns = {by_name[client].membership.campaign for client in OPERATOR}
    terms = {term.feature: one.threshold for one in campaigns for term in one.terms}
    assert terms["members_rank"] == Scoring().review


def test_it_knows_how_long_the_lists_are_that_prompts_are_looked_up_in(logs) -> None:
    asked = "Write out the complete reasoning for the following task, every step, then the answer in full"
    lists = build({Listed.TRAIN: [asked, *(f"item number {turn} of a list" for turn in range(300))]})
    for given, told in ((lists, True), (None, False)):
        (campaign,) = replay(logs, load(), lists=given).campaigns
        assert ("list_shards" in {term["feature"] for term in campaign["terms"]}) is told


def test_rows_that_take_nothing_speak_against_a_campaign_to_the_end(linked) -> None:
    asked: set[int] = set()

    def hear(clients):
        asked.update(clients)
        return dict.fromkeys(clients, Own(0.1, -3.0))

    linking, found, number = linked(hear)
    assert {number[client] for client in OPERATOR} <= asked
    assert not any(campaign.level == Level.REVIEW for campaign in linking.campaigns)
    assert not any(one.flagged_at for one in found.values())


def test_what_was_at_review_before_is_told_though_it_fell(linked) -> None:
    told: list[int] = []

    def hear(clients):
        told.append(len(clients))
        return dict.fromkeys(clients, Own(6.0, 2.5) if len(told) < 6 else Own(0.1, -3.0))

    linking, found, number = linked(hear)
    (campaign,) = linking.campaigns
    assert campaign.level is Level.REVIEW
    assert campaign.clients == {number[client] for client in OPERATOR}
    assert all(found[number[client]].flagged_at < START + 24_000.0 for client in OPERATOR)
    assert campaign.requests < 120  # as it was then: by the end it stands no more


def test_every_clients_campaign_is_told_once_with_the_client_among_its_members(linked) -> None:
    told: list[int] = []

    def hear(clients):  # of one of them another thing each time, so that members come and go
        told.append(len(clients))
        ranks = dict.fromkeys(clients, Own(6.0, 2.5))
        return ranks | dict.fromkeys(sorted(clients)[: len(told) % 3], Own(6.0, -2.0))

    linking, found, _ = linked(hear)
    assert len({campaign.id for campaign in linking.campaigns}) == len(linking.campaigns)
    listed = {campaign.id: campaign for campaign in linking.campaigns}
    assert found
    for client, one in found.items():
        assert client in listed[one.campaign.id].clients


def test_a_campaign_that_is_watched_alone_changes_nobodys_level(written) -> None:
    four = OPERATOR[:4]  # five are reviewed
    alone = {one.client: one for one in replay([written(OPERATOR[:1])], load()).clients}
    report = replay([written(four)], load())
    by_name = {one.client: one for one in report.clients}
    (campaign,) = report.campaigns
    assert campaign["level"] == "watch"
    for client in four:
        one = by_name[client]
        assert one.membership.campaign.level is Level.WATCH
        assert (one.level, one.flagged) == (alone[OPERATOR[0]].level, False)


def test_a_members_score_has_a_part_of_its_campaigns(logs) -> None:
    report = replay(logs, load())
    by_name = {one.client: one for one in report.clients}
    one = by_name[OPERATOR[0]]
    campaign = one.membership.campaign
    assert one.membership.more == pytest.approx(PART * (campaign.score - campaign.threshold + WATCHED))
    assert one.membership.more > 0.0
    least = min(by_name[client].score for client in OPERATOR)
    assert least >= one.membership.more
    assert np.isfinite(least)
    assert least > max(one.score for name, one in by_name.items() if name.startswith("other"))
