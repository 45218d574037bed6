"""A stream that comes in pieces gives the same answer wherever it is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.dialects.answers import begin
from app.dialects.paths import recognise
from app.extractor.providers.items import Items
from app.extractor.providers.lines import Lines
from app.extractor.providers.response import take
from app.extractor.providers.sse import Events

READERS = {b"event-stream": Events, b"ndjson": Lines, b"application/json": Items}
NAMES = sorted(
    path.stem
    for path in (Path(__file__).parent / "wire").glob("*.http")
    if any(word in path.stem for word in ("stream", "array", "resume", "refusal", "error", "tool", "ollama"))
    and path.stem not in ("ollama_whole", "gemini_tool")
)


def answer(copy, *pieces):
    """What the pieces of the copy's answer say, and whether some of them said nothing."""
    kind = dict(copy.response_headers)[b"content-type"]
    reader = next(reader for word, reader in READERS.items() if word in kind)
    found = begin(recognise(copy.method, copy.target.decode()))
    strange = take(pieces, found, reader, ends=True)
    return found.fields(), found.model, found.ended, found.failed, strange


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_at_any_byte_changes_nothing(wire, name):
    copy = wire(name)
    body = copy.response_body
    whole = answer(copy, body)
    assert whole[4] is False
    for cut in range(1, len(body)):
        assert answer(copy, body[:cut], body[cut:]) == whole


@pytest.mark.parametrize("name", ["anthropic_stream", "gemini_array", "ollama_chat"])
def test_byte_by_byte(wire, name):
    copy = wire(name)
    body = copy.response_body
    assert answer(copy, *(body[i : i + 1] for i in range(len(body)))) == answer(copy, body)


def test_an_answer_in_lines_is_read_though_its_type_says_one_document(wire):
    from app.extractor.providers import parse

    copy = wire("ollama_chat", response_headers=((b"content-type", b"application/json"),))
    assert parse(copy).completions == parse(wire("ollama_chat")).completions


@pytest.mark.parametrize("name", ["openai_chat", "openai_chat_stream", "gemini_array", "ollama_chat"])
@pytest.mark.parametrize("said", [b"br", b"gzip", b"x"])
def test_an_answer_whose_coding_was_said_and_not_done_is_read(wire, name, said):
    from app.extractor.providers import read

    copy = wire(name)
    told = wire(name, response_headers=(*copy.response_headers, (b"content-encoding", said)))
    assert read(told) == read(copy)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b'{"error": {"code": "content_filter"}}', 7),
        (b'{"error": {"code": "invalid_prompt"}}', 1),
        (b'{"error": {"code": "rate_limit"}}', 0),
        (b'{"error": {"code": 400}}', 0),
        (b'[{"error": {"code": 400}}]', 0),
        (b'{"error": "text"}', 0),
        (b"<html>", 0),
        (b'{"error": {"code": "content_filter"' + b" " * 70_000 + b"}}", 0),
    ],
)
def test_what_an_error_says_of_a_filter(wire, body, refusal):
    from app.extractor.providers import parse

    assert parse(wire("openai_chat", status=400, response_body=body)).refusal == refusal
