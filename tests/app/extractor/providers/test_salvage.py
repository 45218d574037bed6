"""What stands around a gap is found in linear time, and nothing is taken for what it is not."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extractor.providers import salvage
from app.extractor.providers.body import document
from detectors.exchange import Dialect

BODY = {
    "model": "m",
    "system": [{"type": "text", "text": 'Say "hi" \\ 水🌊'}],
    "messages": [
        {"role": "user", "content": "Überall, [immer] {nur}, weil \n\té"},
        {"role": "assistant", "content": [{"type": "text", "text": "ja"}, {"n": [1.5, -2, True, None]}]},
    ],
    "max_tokens": 100,
}
RAW = [json.dumps(BODY, ensure_ascii=ascii_only).encode() for ascii_only in (True, False)]


def covers(part: object, whole: object) -> bool:
    """Whether a value that was completed is a beginning of the whole one."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(covers(part[key], whole[key]) for key in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(covers(a, b) for a, b in zip(part, whole, strict=False))
    if isinstance(part, str) and isinstance(whole, str):
        return whole.startswith(part.rstrip("\ud83c"))  # half of an escaped pair
    return part == whole


@pytest.mark.parametrize("raw", RAW, ids=["escaped", "utf-8"])
def test_a_document_that_ends_at_any_byte_gives_what_is_whole(raw):
    for end in range(1, len(raw) + 1):
        found = salvage.completed(raw[:end])
        assert covers(found, BODY)
        if end > raw.index(b'"messages"'):
            assert found["system"] == BODY["system"]
    assert found == BODY


@pytest.mark.parametrize("raw", RAW, ids=["escaped", "utf-8"])
def test_a_gap_inside_one_text_is_bridged(raw):
    begin, end = raw.index(b"weil"), raw.index(b'"}, {"role": "assistant"')
    for first in range(begin, end):
        for last in (first, (first + end) // 2, end):
            try:
                found = salvage.joined(raw[:first], raw[last:])
            except ValueError:
                continue  # the tail begins inside an escape
            assert found["max_tokens"] == 100
            assert found["messages"][0]["content"].startswith("Überall, [immer] {nur}, ")


def test_a_gap_between_texts_is_not_bridged():
    raw = RAW[0]
    with pytest.raises(ValueError):  # noqa: PT011  the promise is the type alone
        salvage.joined(raw[: raw.index(b"hi")], raw[raw.index(b'"max_tokens"') :])
    with pytest.raises(ValueError, match="outside of a text"):
        salvage.joined(b'{"messages": [{"role": "user"', b', "input_schema": {"type": "object"}}]}')


@pytest.mark.parametrize("data", [b"", b"nothing", b"]", b"}{", b"[" * 100_000, b'{"a":' * 5000])
def test_what_begins_no_value_is_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011  the promise is the type alone
        salvage.completed(data)


def test_a_number_that_may_be_torn_is_left_out():
    assert salvage.completed(b'{"a": 1, "max_tokens": 10') == {"a": 1}
    assert salvage.completed(b'{"a": tr') == {}
    assert salvage.completed(b'[1, 2, {"b": [') == [1, 2, {"b": []}]
    assert salvage.completed(b'{"a": {"b": 1}, "key') == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"a\\", b"a"),
        (b"a\\\\", b"a\\\\"),
        (b"a\\u00", b"a"),
        (b"a\\\\u00", b"a\\\\u00"),
        (b"a\\u00e9", b"a\\u00e9"),
        ("a水".encode()[:-1], b"a"),
        ("a水".encode(), "a水".encode()),
        ("a🌊".encode()[:-2], b"a"),
        (b"\x80", b"\x80"),
        (b"", b""),
    ],
)
def test_trimmed(data, kept):
    assert salvage.trimmed(data) == kept


def test_a_key_inside_a_text_is_not_taken_for_a_field():
    body = json.dumps({"messages": [{"role": "user", "content": 'say "model": "evil", "n": 2'}], "model": "good"})
    found = salvage.asked(body.encode(), Dialect.OPENAI)
    assert found["model"] == "good"
    assert "n" not in found
    assert found["messages"] == [{"role": "user", "content": 'say "model": "evil", "n": 2'}]


def test_a_scan_adds_to_what_is_known():
    base = {"model": "m", "messages": [{"role": "user", "content": "A"}]}
    tail = b'gone"},{"role":"assistant","content":"B"}],"model":"other","stream":true,"n":3,"max_completion_tokens":7}'
    assert salvage.asked(tail, Dialect.OPENAI, base) == {
        "model": "m",
        "messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}],
        "stream": True,
        "n": 3,
        "max_tokens": 7,
    }
    tail = b'"parts":[{"text":"B"}]}],"generationConfig":{"topP":0.5,"candidateCount":2,"maxOutputTokens":9}}'
    assert salvage.asked(tail, Dialect.GEMINI, {"contents": "A", "generationConfig": {"seed": 1}}) == {
        "contents": [{"role": "user", "parts": [{"text": "B"}]}],
        "generationConfig": {"seed": 1, "topP": 0.5, "candidateCount": 2, "maxOutputTokens": 9},
    }
    assert salvage.asked(b'"prompt": ["first", "second"], "n": 1e, "top_p": 0.5', Dialect.OPENAI) == {
        "prompt": "first",
        "n": 0,
        "top_p": 0.5,
        "messages": [],
    }


def test_the_last_of_several_counts_wins():
    data = b'"usage":{"input_tokens":3,"output_tokens":1}} ... "output_tokens":9},"stop_reason":"refusal"'
    assert salvage.answered(data) == {"input_tokens": 3, "output_tokens": 9, "stop_reason": "refusal"}


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ((b'{"signature": "ab+/=="}', b""), "ab+/=="),
        ((b'"signature":"a1"', b'"thoughtSignature" : "b2", "x"'), "b2"),
        ((b'"encrypted_content":"a1","encrypted_content":"b2', b'c3"'), "a1"),
        ((b'"thought_signature":"a\\/b\\u003d"',), "a/b="),
        ((b'{"type": "redacted_thinking", "data": "zz"}',), "zz"),
        ((b'{"type": "image", "data": "zz"}',), ""),
        ((b'\\"signature\\":\\"a1\\"',), ""),
        ((b'"signature": "not a signature"', b'"signature":null'), ""),
        ((b'"thoughtSignature":"skip_thought_signature_validator"',), ""),
        ((), ""),
    ],
)
def test_the_last_whole_signature(parts, found):
    assert salvage.signature(*parts) == found


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data):
    for take in (salvage.completed, document):
        try:
            take(data)
        except ValueError:
            continue
    assert isinstance(salvage.asked(data, Dialect.GEMINI), dict)
    assert isinstance(salvage.answered(data), dict)
    assert isinstance(salvage.signature(data), str)


@pytest.mark.parametrize(
    "hostile",
    [
        b'"content":"' * 90_000,
        b'"' * 1_000_000,
        b"\\" * 1_000_000,
        b'"content":' + b" " * 1_000_000,
        b'"n":1' * 200_000,
        b"[1," * 300_000,
        b'{"a":' * 200_000,
        b'{"a":"' + b"\\u00" * 200_000,
        b'"signature":"a' * 70_000,
        b'"signature":"' + b"a" * 1_000_000,
    ],
    ids=[
        "keys",
        "quotes",
        "backslashes",
        "spaces",
        "numbers",
        "arrays",
        "objects",
        "escapes",
        "signatures",
        "signature",
    ],
)
def test_a_megabyte_made_to_be_slow_is_not(hostile):
    begun = time.process_time()
    salvage.asked(hostile + hostile, Dialect.OPENAI)
    salvage.answered(hostile)
    salvage.signature(hostile)
    for take in (salvage.completed, lambda data: salvage.joined(data, data)):
        try:
            take(hostile)
        except ValueError:
            continue
    assert time.process_time() - begun < 4


@pytest.mark.parametrize("unit", [b"{},", b'"a",', b'{"role":"user","content":"a"},'])
def test_bounded_keeps_as_many_texts_and_brackets_as_are_looked_at(unit):
    data = b"[" + unit * salvage.MARKS_LIMIT
    found = salvage.bounded(data)
    assert data.startswith(found)
    assert sum(1 for _ in salvage.MARK.finditer(found)) == salvage.MARKS_LIMIT
    assert salvage.completed(found)


def test_bounded_keeps_a_long_text_with_many_brackets_whole():
    data = b'{"prompt": "' + b"[{}]" * salvage.MARKS_LIMIT
    assert salvage.bounded(data) == data
