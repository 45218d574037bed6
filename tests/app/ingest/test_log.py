"""Exchange logs are read line by line; what is wrong with a line is said by file, number and reason."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.ingest import log
from app.ingest.log import Problems, client_id, read_entry, read_log
from detectors.exchange import Dialect, Exchange, Message, Operation, Outcome, Usage


def test_a_line_becomes_an_exchange(line):
    entry = read_entry(line())
    assert entry.client == "acct_1"
    assert entry.exchange == Exchange(
        at=1_764_000_000.0,
        client=client_id("acct_1"),
        dialect=Dialect.OPENAI,
        operation=Operation.CHAT,
        status=200,
        ttfb=0.4,
        duration=3.2,
        model="m",
        messages=(Message("user", "Hello"),),
        peer="203.0.113.7",
        user_agent="curl/8",
        usage=Usage.REPORTED,
        input_tokens=12,
        output_tokens=34,
    )


def test_clients_ids_are_the_same_in_every_run():
    assert client_id("acct_1") == 0xE2017AF4611DB1BC
    assert client_id("acct_1") != client_id("acct_2")
    assert 0 <= client_id("\ud800") < 2**64


@pytest.mark.parametrize(
    ("headers", "path", "client"),
    [
        ({"Authorization": "Bearer acct-12"}, "/v1/x", "acct-12"),
        ([["authorization", "acct-12"]], "/v1/x", "acct-12"),
        ([["X-Api-Key", "acct-12"], ["user-agent", "x"]], "/v1/x", "acct-12"),
        ({"api-key": "acct-12"}, "/v1/x", "acct-12"),
        ({"x-goog-api-key": "acct-12"}, "/v1/x", "acct-12"),
        ({}, "/v1/x?alt=sse&key=acct%2D12", "acct-12"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=AKIA1/1/eu/x, Signature=1"}, "/v1/x", "AKIA1"),
        ({"authorization": "AWS4-HMAC-SHA256 Signature=2,Credential=AKIA1/2/eu/x"}, "/v1/x", "AKIA1"),
        ({}, "/v1/x", "anonymous 203.0.113.7"),
        (None, "/v1/x", "anonymous 203.0.113.7"),
        ([["only one"], 5, ["a", 5]], "/v1/x", "anonymous 203.0.113.7"),
    ],
)
def test_without_a_client_the_credentials_pseudonym_names_it(line, headers, path, client):
    assert read_entry(line(client=None, headers=headers, path=path)).client == client


def test_a_credential_that_may_be_real_is_shown_by_its_hash(line):
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    entry = read_entry(line(client=None, headers={"Authorization": f"Bearer {key}"}))
    assert entry.client == f"cl_{client_id(key):016x}"


def test_a_client_may_be_a_number(line):
    assert read_entry(line(client=17)).client == "17"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.OK),
        (429, Outcome.OK),
        (499, Outcome.CLIENT_ABORTED),
        (503, Outcome.UPSTREAM_ERROR),
        (None, Outcome.OK),
    ],
)
def test_outcomes(line, status, outcome):
    assert read_entry(line(status=status)).exchange.outcome == outcome


@pytest.mark.parametrize(("ttfb", "response", "status"), [(None, None, 0), (0.4, None, 200), (None, "Once upon", 200)])
def test_a_client_that_left_was_sent_a_status_where_the_answer_had_begun(line, ttfb, response, status):
    exchange = read_entry(line(status=499, ttfb_s=ttfb, response=response)).exchange
    assert (exchange.status, exchange.completions) == (status, (response,) if response else ())


def test_retries_are_known_by_their_header(line):
    assert read_entry(line(headers={"X-Stainless-Retry-Count": "1"})).exchange.retry


def test_answers_in_the_log_are_read(line):
    response = {
        "choices": [{"message": {"content": "Hi there"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    exchange = read_entry(line(response=response, usage=None)).exchange
    assert exchange.completions == ("Hi there",)
    assert (exchange.usage, exchange.output_tokens) == (Usage.REPORTED, 2)
    exchange = read_entry(line(response="Hi there", usage={})).exchange
    assert exchange.completions == ("Hi there",)
    assert (exchange.usage, exchange.input_tokens, exchange.output_tokens) == (Usage.ESTIMATED, 1, 2)
    exchange = read_entry(line(response={"error": {}}, status=500, usage=None)).exchange
    assert (exchange.completions, exchange.usage) == ((), Usage.ABSENT)


def test_the_lines_counts_go_before_the_answers(line):
    response = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    exchange = read_entry(line(response=response)).exchange
    assert (exchange.usage, exchange.input_tokens, exchange.output_tokens) == (Usage.REPORTED, 12, 34)
    exchange = read_entry(line(path="/v1/images/generations")).exchange
    assert (exchange.dialect, exchange.output_tokens) == (Dialect.OPAQUE, 34)


def test_counts_of_what_was_made_before_are_not_counted_again(line):
    stored = {"object": "response", "status": "completed"}
    fetch = {"method": "GET", "path": "/v1/responses/resp_1", "body": None}
    exchange = read_entry(line(**fetch, response=stored)).exchange
    assert (exchange.operation, exchange.usage, exchange.output_tokens) == (Operation.RETRIEVAL, Usage.ABSENT, 0)
    exchange = read_entry(line(**fetch, response={**stored, "background": True})).exchange
    assert (exchange.usage, exchange.output_tokens) == (Usage.REPORTED, 34)
    exchange = read_entry(line(**fetch, response="Once", usage=None)).exchange
    assert (exchange.usage, exchange.completions) == (Usage.ABSENT, ("Once",))
    exchange = read_entry(line(path="/v1/messages/count_tokens")).exchange
    assert (exchange.operation, exchange.usage) == (Operation.COUNT, Usage.ABSENT)


def test_an_answers_text_may_be_all_that_the_log_holds_of_it(line):
    exchange = read_entry(line(response="Hi there", usage=None, status=500)).exchange
    assert (exchange.completions, exchange.usage) == ((), Usage.ABSENT)


def test_what_is_unknown_stays_unknown(line):
    exchange = read_entry(line(ttfb_s=None, duration_s=None, usage=None, headers=None)).exchange
    assert math.isnan(exchange.ttfb)
    assert exchange.duration == 0
    assert exchange.usage == Usage.ABSENT


def test_other_requests_are_opaque(line):
    assert read_entry(line(method="GET", path="/v1/models", body=None)).exchange.dialect == Dialect.OPAQUE


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"ts": None}, "ts"), ({"ts": "now"}, "ts"), ({"ts": -1}, "ts"), ({"ts": 1e18}, "ts"), ({"path": None}, "path")],
)
def test_a_line_without_its_essentials_is_refused(line, change, reason):
    with pytest.raises(ValueError, match=reason):
        read_entry(line(**change))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["client", "peer", "method", "headers", "body", "status", "ttfb_s", "usage", "response"]), JSON
    )
)
def test_any_values_are_taken(fields):
    read_entry({"ts": 5.0, "path": "/v1/chat/completions", **fields})


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_unreadable_lines_are_named_and_passed_over(write_log, line, name):
    path = write_log(name, line(), b"not json", b"", [1], {"ts": 1}, line(ts=1_764_000_001.0), b"\xff\xfe")
    problems, told = Problems(), []
    entries = list(read_log(path, problems, told.append))
    assert len(entries) == 2
    assert problems.count == 4
    assert [(one.file, one.line) for one in problems.named] == [(str(path), number) for number in (2, 4, 5, 7)]
    assert all(one.reason for one in problems.named)
    assert sum(told) == path.stat().st_size


def test_what_the_service_reads_of_a_body_is_read_of_a_line(write_log, line):
    body = {"model": "m", "messages": [{"role": "user", "content": "cut in half: \ud83d"}], "temperature": math.nan}
    first, second = (json.dumps(line(client=of, body=body)).encode() + b"\r" for of in "a\ud800")
    path = write_log("odd.jsonl", b"\xef\xbb\xbf" + first, second)
    problems = Problems()
    found = list(read_log(path, problems))
    assert problems.count == 0
    assert [entry.client for entry in found] == ["a", "?"]
    assert [message.text for message in found[1].exchange.messages] == ["cut in half: \ud83d"]


def test_a_gzip_file_that_breaks_off_gives_what_came_before(write_log, line):
    whole = write_log("a.jsonl.gz", *(line(text=f"{number} {hash(str(number))}") for number in range(2000)))
    cut = whole.with_name("cut.gz")
    cut.write_bytes(whole.read_bytes()[:-200])
    problems = Problems()
    entries = list(read_log(cut, problems))
    assert 0 < len(entries) <= 2000
    assert problems.count == 1
    assert "breaks off" in problems.named[0].reason


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"LOG.*nowhere.jsonl: No such file"):
        list(read_log(tmp_path / "nowhere.jsonl", Problems()))
    with pytest.raises(InvalidInput, match="directory"):
        list(read_log(tmp_path, Problems()))


def test_only_the_first_problems_are_kept_by_name(monkeypatch):
    monkeypatch.setattr(log, "NAMED", 2)
    problems = Problems()
    for number in range(5):
        problems.add("f", number, "r")
    assert (problems.count, len(problems.named)) == (5, 2)


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (
            "/v1/messages",
            {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
            {
                "type": "message",
                "content": [{"type": "text", "text": "hello"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 3, "output_tokens": 5},
            },
        ),
        (
            "/v1beta/models/m:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
            {
                "candidates": [{"content": {"parts": [{"text": "hello"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5},
            },
        ),
        (
            "/v1/responses",
            {"model": "m", "input": "hi"},
            {
                "object": "response",
                "status": "completed",
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}],
                "usage": {"input_tokens": 3, "output_tokens": 5},
            },
        ),
    ],
)
def test_answers_of_every_dialect_are_read(path, body, answer):
    line = {"ts": 1e9, "client": "a", "method": "POST", "path": path, "status": 200, "body": body, "response": answer}
    exchange = read_entry(line).exchange
    assert exchange.completions == ("hello",)
    assert (exchange.input_tokens, exchange.output_tokens, exchange.usage) == (3, 5, Usage.REPORTED)
