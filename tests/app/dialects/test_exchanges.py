"""What request and answer make together; that copies and logs both keep to it is seen where copies are read."""

from __future__ import annotations

import pytest

from app.dialects import exchanges
from app.dialects.answers import begin
from app.dialects.paths import recognise
from detectors.exchange import Channel, Finish, Message, Outcome, Refusal, Usage

CHAT = recognise("POST", "/v1/chat/completions")
FETCH = recognise("GET", "/v1/responses/resp_1")
ASKED = {"model": "", "messages": (Message("user", "x" * 41),)}
BEGUN = {"model": "m-1", "choices": [{"index": 0, "delta": {"content": "y" * 82}}]}
STORED = {"object": "response", "status": "completed", "usage": {"input_tokens": 1, "output_tokens": 2}}


def told(route, *chunks, outcome=Outcome.OK, closed=True):
    """The fields of an answer made of chunks."""
    answer = begin(route)
    answer.add_all(chunks)
    return exchanges.answered(answer, route, outcome, closed=closed)


def test_an_error_may_tell_of_a_filter():
    filtered = {"refusal": Refusal.SAFETY, "finish": Finish.FILTER}
    assert exchanges.declined({"error": {"code": "content_filter"}}) == filtered
    for document in ({"error": {"code": "rate_limit"}}, {"error": {"code": ["content_filter"]}}, [], None, "text"):
        assert exchanges.declined(document) == {}


@pytest.mark.parametrize(
    ("chunks", "outcome", "closed", "found"),
    [
        ([BEGUN], Outcome.OK, True, Outcome.UPSTREAM_TRUNCATED),
        ([BEGUN], Outcome.OK, False, None),
        ([BEGUN], Outcome.CLIENT_ABORTED, True, None),
        ([], Outcome.OK, True, None),
        ([BEGUN, {"error": {}}, {"error": {"code": 500}}], Outcome.OK, False, Outcome.UPSTREAM_ERROR),
        ([BEGUN, {"error": {"code": 500}}], Outcome.TIMEOUT, True, None),
    ],
)
def test_what_an_answer_says_of_how_it_ended(chunks, outcome, closed, found):
    assert told(CHAT, *chunks, outcome=outcome, closed=closed).get("outcome") == found


def test_an_answer_of_which_nothing_was_counted_is_estimated():
    fields = {"status": 200}
    exchanges.join(fields, ASKED, told(CHAT, BEGUN), CHAT)
    assert (fields["usage"], fields["input_tokens"], fields["output_tokens"]) == (Usage.ESTIMATED, 10, 20)
    assert (fields["status"], fields["model"]) == (200, "m-1")
    assert "usage" not in told(CHAT, BEGUN, {"error": {"code": 500}})
    assert "usage" not in told(CHAT)


def test_a_fetched_answer_counts_where_it_was_made_in_the_background():
    again = told(FETCH, STORED)
    assert (again["usage"], again["output_tokens"]) == (Usage.ABSENT, 0)
    first = told(FETCH, {**STORED, "background": True})
    assert (first["usage"], first["output_tokens"], first["channel"]) == (Usage.REPORTED, 2, Channel.BACKGROUND)


def test_the_channel_that_is_known_stays():
    fields = {}
    exchanges.join(fields, {**ASKED, "stream": True}, {}, CHAT)
    assert fields["channel"] == Channel.STREAM
    fields = {"channel": Channel.SOCKET}
    exchanges.join(fields, {**ASKED, "stream": True}, {}, CHAT)
    assert fields["channel"] == Channel.SOCKET
