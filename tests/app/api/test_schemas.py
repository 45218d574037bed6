"""Bodies refuse what they do not know; lists of words tolerate more than one."""

import pytest
from pydantic import ValidationError

from app.api.schemas import AlertQuery, ClientQuery, CloseBody, ReopenBody


def test_close_takes_a_verdict_and_a_note():
    assert CloseBody(disposition="false_positive").note == ""
    for wrong in (
        {},
        {"disposition": "x"},
        {"disposition": "test", "verdict": "y"},
        {"disposition": "test", "note": 1},
    ):
        with pytest.raises(ValidationError):
            CloseBody.model_validate(wrong)


def test_reopen_takes_a_reason():
    assert ReopenBody(reason="x").reason == "x"
    for wrong in ("", " ", "x" * 4001):
        with pytest.raises(ValidationError):
            ReopenBody(reason=wrong)


def test_queries_have_defaults_within_their_own_rules():
    assert AlertQuery.model_validate(AlertQuery().model_dump()).sort == "-created_at"
    assert ClientQuery.model_validate(ClientQuery().model_dump()).sort == "-score"
    assert AlertQuery(status="new,closed").status == "new,closed"
