"""The committed OpenAPI document is the one that the API serves, and says all that a client must know."""

import json
from pathlib import Path

import pytest

from app.access.scopes import SCOPES
from app.api.documents import PATH
from app.api.problems import MEDIA_TYPE

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"


@pytest.fixture
def document(api):
    return json.loads(json.dumps(api.openapi()))


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_committed_document_is_current(document):
    """Renew it with: .venv/bin/python -m app.api.routes > docs/openapi.json"""
    assert json.loads(COMMITTED.read_text("utf-8")) == document


async def test_the_document_is_served(call, document):
    assert (await call.get(PATH)).json() == document


def test_it_is_openapi_3_1_with_unique_operation_ids(document):
    assert document["openapi"].startswith("3.1.")
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) >= 13


def test_every_operation_has_a_tag_a_summary_and_its_errors_as_problems(document):
    known = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert set(operation["tags"]) <= known, name
        assert operation["summary"], name
        assert operation["description"], name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {MEDIA_TYPE}, f"{name} {status}"
        assert {"500"} <= set(operation["responses"])
        if "security" in operation:
            assert {"401", "403", "503"} <= set(operation["responses"]), name


def test_what_changes_needs_if_match_and_says_so(document):
    for name, operation in operations(document):
        if name.startswith("post") and "/alerts/" in name:
            assert any(p["name"] == "If-Match" for p in operation["parameters"]), name
            assert {"409", "412", "428"} <= set(operation["responses"]), name
            assert "ETag" in operation["responses"]["200"]["headers"], name


def test_nothing_of_the_dashboard_is_in_it(document):
    assert not [path for path in document["paths"] if path.startswith("/static") or path in ("/", "/alerts")]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_scope_opens_something(document):
    told = json.dumps(document["paths"])
    assert not [scope for scope in SCOPES if scope not in told]
