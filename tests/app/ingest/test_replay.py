"""Replay: several logs in order of time, one line a client, a report against labels, no line fatal."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import InvalidInput
from app.ingest import replay as replay_module
from app.ingest.log import Problems, client_id, read_log
from app.ingest.replay import replay, run_command
from detectors.base import Level
from detectors.event import Flag
from detectors.features import events
from detectors.registry import load
from detectors.table import Table

KEYS = ["client", "score", "flagged", "flagged_at_request", "flagged_at", "severity", "campaign", "evidence"]


@pytest.fixture(scope="module")
def engine():
    return load()


def lines_of(line, client, count, start=0.0, step=1.0, text="Ask {}"):
    return [line(1_764_000_000.0 + start + step * k, client, text.format(k)) for k in range(count)]


def test_every_client_is_counted_over_all_logs(write_log, line, engine):
    one = write_log("one.jsonl", *lines_of(line, "a", 30), *lines_of(line, "b", 5))
    two = write_log("two.jsonl.gz", *lines_of(line, "a", 20, start=0.5))
    report = replay([one, two], engine)
    assert (report.exchanges, report.prompts, report.opaque) == (55, 55, 0)
    found = {client.client: client.explanation.requests for client in report.clients}
    assert found == {"a": 50, "b": 5}
    assert report.first == 1_764_000_000.0
    assert report.last == 1_764_000_029.0


def test_events_of_all_logs_are_stepped_in_order_of_time(write_log, line, engine, monkeypatch):
    seen = []

    class Watching(Table):
        def step(self, events, now):
            seen.append((events["at"].copy(), now))
            return super().step(events, now)

    monkeypatch.setattr(replay_module, "Table", Watching)
    monkeypatch.setattr(replay_module, "BATCH", 7)
    logs = [write_log(f"{k}.jsonl", *lines_of(line, f"c{k}", 20, start=k * 0.1)) for k in range(3)]
    replay(logs, engine)
    times = np.concatenate([at for at, _ in seen])
    assert len(times) == 60
    assert (np.diff(times) >= 0).all()
    assert all(now == at.max() for at, now in seen)


def test_a_turn_of_a_kept_conversation_is_a_later_one_where_it_was_answered_before(
    write_log, line, engine, monkeypatch
):
    """Over all logs, as the service reads it."""
    seen = []

    class Watching(Table):
        def step(self, events, now):
            seen.extend((events["flags"] & Flag.MULTI_TURN != 0).tolist())
            return super().step(events, now)

    monkeypatch.setattr(replay_module, "Table", Watching)
    monkeypatch.setattr(replay_module, "BATCH", 2)
    one, other = {"conversation": "c_1"}, {"conversation": "c_2"}
    asked = ((one, 404), (one, 200), (other, 200), (one, 200), ({"previous_response_id": "r_1"}, 200))
    lines = []
    for place, (kept, status) in enumerate(asked):
        more = {"path": "/v1/responses", "status": status, "body": {"input": "And then?", **kept}}
        lines.append(line(1_764_000_000.0 + 9.0 * place, "a", **more))
    replay([write_log("a.jsonl", *lines[::2]), write_log("b.jsonl", *lines[1::2])], engine)
    assert seen == [False, False, False, True, True]


def test_a_log_out_of_order_loses_nothing(write_log, line, engine):
    lines = lines_of(line, "a", 60)
    log = write_log("a.jsonl", *lines[::-1])
    report = replay([log], engine)
    assert report.exchanges == 60
    assert (report.first, report.last) == (1_764_000_000.0, 1_764_000_059.0)


def test_two_runs_agree(write_log, line, engine):
    log = write_log("a.jsonl", *lines_of(line, "a", 40), *lines_of(line, "b", 40))
    one, two = replay([log], engine), replay([log], engine)
    assert [client.line() for client in one.clients] == [client.line() for client in two.clients]


def test_a_batch_upload_counts_its_prompts(write_log, line, engine):
    requests = [
        {"url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": str(k)}]}} for k in range(17)
    ]
    log = write_log(
        "a.jsonl", line(path="/v1/files", body={"_nonjson": "multipart/form-data", "_batch_requests": requests})
    )
    report = replay([log], engine)
    assert (report.exchanges, report.prompts) == (1, 17)


def test_the_first_review_is_the_flag(write_log, line, engine, monkeypatch):
    """Findings are remembered as they come: the flag is the first of them, the score the highest."""
    findings = [(1, 0, 1.0, 25), (2, 1, 6.0, 50), (2, 2, 9.0, 100), (0, 2, 2.0, 200)]

    class Scripted(Table):
        def step(self, events, now):
            found = super().step(events, now)[:0]
            if not findings:
                return found
            level, previous, score, requests = findings.pop(0)
            out = np.zeros(1, found.dtype)
            out["client"], out["level"], out["previous"] = client_id("a"), level, previous
            out["score"], out["requests"], out["at"] = score, requests, now
            return out

    monkeypatch.setattr(replay_module, "Table", Scripted)
    monkeypatch.setattr(replay_module, "BATCH", 10)
    report = replay([write_log("a.jsonl", *lines_of(line, "a", 40))], engine)
    (client,) = report.clients
    found = client.line()
    assert list(found)[: len(KEYS)] == KEYS
    assert found["flagged"] is True
    assert found["flagged_at_request"] == 50
    assert found["flagged_at"] == 1_764_000_019.0
    assert found["score"] == 9.0
    assert found["severity"] in ("low", "medium", "high", "critical")
    assert found["level"] == "review"
    assert {one["detector"] for one in found["evidence"]} == {one.name for one in engine.detectors}


def test_the_score_is_the_highest_of_all_looks_though_no_finding_told_of_it(write_log, line, engine, monkeypatch):
    rng = random.Random(3)
    words = ["lamp", "shoe", "slow", "good", "late", "blue", "broken", "lovely", "parcel", "never", "again", "quick"]
    rows = []
    for place in range(420):
        some = " ".join(rng.choices(words, k=12))
        ask, answer = f"Write a short story about {some}.", "First, we see. " * 40
        messages = [{"role": "user", "content": ask}]
        if place >= 28:  # from here on a chat, which takes nothing
            answer = "Let me look. It is on its way."
            messages = [{"role": role, "content": some} for role in ("user", "assistant", "user")]
        body = {"model": "m", "messages": messages}
        rows.append(line(1_764_000_000.0 + 40.0 * place, body=body, response=answer, usage=None))
    log = write_log("a.jsonl", *rows)
    monkeypatch.setattr(replay_module, "BATCH", 10)
    table, highest = Table(engine), 0.0
    blocks = [one.exchange for one in read_log(log, Problems(), lambda _: None)]
    for start in range(0, len(blocks), 10):
        table.step(events(blocks[start : start + 10], seed=0), 0.0)
        highest = max(highest, float(table[blocks[0].client]["score"]))
    (one,) = replay([log], engine).clients
    end = table.explain(blocks[0].client, 0.0).score
    assert one.level is Level.NONE
    assert highest > end
    assert one.score == pytest.approx(highest)


def test_a_line_has_no_number_that_json_lacks(write_log, line, engine):
    report = replay([write_log("a.jsonl", *lines_of(line, "a", 3))], engine)
    odd = replace(report.clients[0], flagged_at=float("nan"))
    json.loads(json.dumps(odd.line(), allow_nan=False))


def test_the_command_writes_scores_and_report(write_log, line, tmp_path, capsys):
    log = write_log("a.jsonl", *lines_of(line, "a", 30), b"rubbish", *lines_of(line, "b", 30, start=100))
    labels = tmp_path / "labels.csv"
    labels.write_text("client,label,family,persona,campaign\na,1,list,,\nb,0,,chat,\n")
    out, report = tmp_path / "scores.jsonl", tmp_path / "report.json"
    assert run_command([log], labels, out, report) == 0
    scores = [json.loads(one) for one in out.read_text().splitlines()]
    assert {one["client"] for one in scores} == {"a", "b"}
    assert all(list(one)[: len(KEYS)] == KEYS for one in scores)
    document = json.loads(report.read_text())
    assert document["exchanges"] == 60
    assert document["unreadable"]["count"] == 1
    assert document["unreadable"]["lines"][0]["line"] == 31
    assert document["labels"]["tpr"]["clients"] == document["labels"]["fpr"]["clients"] == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "60 exchanges" in said.err
    assert f"{log}:31" in said.err
    assert "Ordinary clients flagged" in said.err


def test_both_results_may_go_where_nothing_is_kept(write_log, line):
    nowhere = Path(os.devnull)
    assert run_command([write_log("a.jsonl", *lines_of(line, "a", 3))], None, nowhere, nowhere) == 0


@pytest.mark.parametrize(("out", "report", "option"), [(0, None, "--out"), (1, None, "--out"), (2, 2, "--report")])
def test_a_result_never_replaces_what_is_read_or_the_other_result(write_log, line, tmp_path, out, report, option):
    log = write_log("a.jsonl", line())
    labels = write_log("labels.csv", b"client,label\nacct_1,0")
    files = [tmp_path / ".." / tmp_path.name / "a.jsonl", labels, tmp_path / "new"]
    before = log.read_bytes(), labels.read_bytes()
    with pytest.raises(InvalidInput, match=option):
        run_command([log], labels, files[out], None if report is None else files[report])
    assert (log.read_bytes(), labels.read_bytes()) == before


def test_scores_go_to_stdout_by_default(write_log, line, capsysbinary):
    assert run_command([write_log("a.jsonl", line())], None, None, None) == 0
    assert json.loads(capsysbinary.readouterr().out)["client"] == "acct_1"


def test_a_log_without_one_readable_line_fails(write_log, tmp_path):
    assert run_command([write_log("a.jsonl", b"rubbish")], None, tmp_path / "out", None) == 1
    assert run_command([write_log("b.jsonl")], None, tmp_path / "out", None) == 0


def test_missing_files_are_named_before_any_work(write_log, line, tmp_path):
    log = write_log("a.jsonl", line())
    with pytest.raises(InvalidInput, match=r"LOG.*gone.jsonl"):
        run_command([log, tmp_path / "gone.jsonl"], None, None, None)
    with pytest.raises(InvalidInput, match=r"--labels"):
        run_command([log], tmp_path / "gone.csv", None, None)
    with pytest.raises(InvalidInput, match=r"--out"):
        run_command([log], None, tmp_path / "no" / "folder", None)
    with pytest.raises(InvalidInput, match=r"--report"):
        run_command([log], None, None, tmp_path)


def test_a_file_of_prompts_is_looked_at_as_so_many_requests(write_log, line, engine):
    """However many prompts a client puts into one request, each line that is looked at is compared."""
    requests = [
        {"url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": f"Why is {k} a number?"}]}}
        for k in range(200)
    ]
    body = {"_nonjson": "multipart/form-data", "_batch_requests": requests}
    more = {"usage": {"input_tokens": 9, "output_tokens": 4}}  # of the upload: it says nothing of what is made of it
    report = replay([write_log("a.jsonl", line(path="/v1/files", body=body, **more))], engine)
    (client,) = report.clients
    assert (report.exchanges, report.prompts, client.line()["requests"]) == (1, 200, 64)
    terms = {term["feature"]: term["value"] for one in client.line()["evidence"] for term in one["terms"]}
    assert terms["template_share"] == 1.0
    assert terms["closed_answers"] == 0.0


def test_no_client_comes_to_two_looks_in_one_step_however_the_log_is_cut(write_log, line, engine, monkeypatch):
    """What rose at one look and fell at the next would not be told; others in the log must not decide that."""
    steps = []

    class Watching(Table):
        def step(self, events, now):
            steps.append(events.copy())
            return super().step(events, now)

    monkeypatch.setattr(replay_module, "Table", Watching)
    crowd = [entry for k in range(3) for entry in lines_of(line, f"o{k}", 30, start=k * 0.1, step=2.0)]
    replay([write_log("a.jsonl", *lines_of(line, "a", 120), *crowd)], engine)
    assert all(np.unique(one["client"], return_counts=True)[1].max() <= 25 for one in steps)
    own = np.concatenate([one["at"][one["client"] == client_id("a")] for one in steps])
    assert len(own) == 120
    assert (np.diff(own) > 0).all()
    assert sum(len(one) for one in steps) == 210


def test_a_client_that_has_fallen_is_told_of_as_it_stood_when_it_rose(write_log, line, engine, monkeypatch):
    risen = []

    class Scripted(Table):
        def step(self, events, now):
            found = super().step(events, now)[:0]
            if risen:
                return found
            risen.append(self.explain(client_id("a"), now).sentence)
            out = np.zeros(1, found.dtype)
            out["client"], out["level"], out["score"], out["at"] = client_id("a"), Level.WATCH, 7.0, now
            return out

    monkeypatch.setattr(replay_module, "Table", Scripted)
    (one,) = replay([write_log("a.jsonl", *lines_of(line, "a", 60))], engine).clients
    assert one.level is Level.WATCH
    assert one.explanation.sentence == risen[0]
    assert one.explanation.requests == 60
