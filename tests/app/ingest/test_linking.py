"""Clients of one operator are named as a campaign in the scores, flagged from when it could be seen."""

from __future__ import annotations

import random

import pytest

from app.ingest import replay as replay_module
from app.ingest.replay import replay
from detectors.registry import load

WORDS = ("river", "stone", "lamp", "garden", "window", "market", "winter", "letter", "bridge", "copper", "saddle")
START = 1_764_000_000.0
OPERATOR = [f"op{k}" for k in range(10)]


@pytest.fixture
def logs(write_log, line):
    rng = random.Random(5)

    def item() -> str:
        return " ".join(rng.choice(WORDS) + str(rng.randint(1, 99)) for _ in range(12))

    def ask(at: float, client: str, text: str, answer: str, peer: str):
        body = {"model": "m", "messages": [{"role": "user", "content": text}], "temperature": 0.7}
        return line(at, client, body=body, response=answer, peer=peer, usage=None)

    frame = "Write out the complete reasoning for the following task, every step, then the answer in full:\n{}"
    rows = []
    for step in range(12):
        for place, client in enumerate(OPERATOR):
            at = START + 4_000.0 * step + place
            rows.append(ask(at, client, frame.format(item()), item() * 25, f"198.51.{place}.1"))
        rows += [
            ask(START + 4_000.0 * step + 100.0 + place, f"other{place}", item(), "Yes.", f"203.0.{place}.1")
            for place in range(12)
        ]
    return [write_log("log.jsonl", *rows)]


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
