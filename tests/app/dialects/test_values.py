"""Each reader takes any value and gives the type that it promises."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dialects import values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(JSON)
def test_promised_types(value):
    assert isinstance(values.mapping(value), dict)
    assert isinstance(values.sequence(value), list)
    assert isinstance(values.string(value), str)
    assert len(values.name(value)) <= values.NAME_LIMIT
    assert values.integer(value) is None or isinstance(values.integer(value), int)
    assert values.real(value) is None or math.isfinite(values.real(value))
    assert isinstance(values.canonical(value), str)
    assert isinstance(values.content_text(value), str)
    for kind, place in (("document", "source"), ("search_result", "content")):
        assert isinstance(values.part_text({"type": kind, "title": value, place: value}), str)
    for kind in ("text", "content"):
        source = {"type": kind, "data": value, "content": value}
        assert isinstance(values.part_text({"type": "document", "context": value, "source": source}), str)


@pytest.mark.parametrize(
    ("value", "whole"),
    [(3, 3), (3.0, 3), (3.5, None), (True, None), ("3", None), (None, None), (math.inf, None), (math.nan, None)],
)
def test_integer(value, whole):
    assert values.integer(value) == whole


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3.0), (0.5, 0.5), (True, None), (math.nan, None), (10**400, None), ("1", None)]
)
def test_real(value, number):
    assert values.real(value) == number


def test_canonical_is_one_text_for_equal_values():
    assert values.canonical({"b": 1, "a": [2]}) == values.canonical({"a": [2], "b": 1})
    assert values.canonical(None) == values.canonical({}) == ""
    assert values.canonical({"a": 10**30})
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert values.canonical(deep) == "⟨too deep⟩"
    while deep:  # taken apart by hand: its own destructor would recurse
        deep = deep[0]  # type: ignore[assignment]


def test_content_parts():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    other = {"type": "image_url", "image_url": {"url": "data:image/png;base64,BBBB"}}
    assert values.content_text([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}, "c"]) == "a\nb\nc"
    assert values.content_text([image]) == values.content_text([dict(image)])
    assert values.content_text([image]) != values.content_text([other])
    assert "AAAA" not in values.content_text([image])
    cached = {**image, "cache_control": {"type": "ephemeral"}}
    assert values.content_text([image]) == values.content_text([cached])


def test_documents_that_are_given_as_text_are_read():
    text = {"type": "text", "text": "It rains."}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "It rains."}}
    assert values.part_text(document) == "It rains."
    assert values.part_text({**document, "title": "Weather", "context": "Old."}) == "Weather\nOld.\nIt rains."
    for content in ("It rains.", [text]):
        assert values.part_text({"type": "document", "source": {"type": "content", "content": content}}) == "It rains."
    found = {"type": "search_result", "source": "u", "title": "Weather", "content": [text, {**text, "text": "A lot."}]}
    assert values.part_text(found) == "Weather\nIt rains.\nA lot."
    assert values.content_text([found, text]).endswith("A lot.\nIt rains.")
    scan = {"type": "document", "title": "Weather", "source": {"type": "base64", "data": "AAAA"}}
    assert values.part_text(scan).startswith("⟨document ")


def test_documents_within_each_other_are_not_followed_down():
    inner: object = "deep"
    for _ in range(300):
        inner = {"type": "document", "source": {"type": "content", "content": [inner]}}
    assert values.part_text(inner).startswith("⟨document ")


@pytest.mark.parametrize(
    ("count", "retry"),
    [
        ("1", True),
        (" 2 ", True),
        ("0", False),
        ("", False),
        ("x", False),
        ("-1", False),
        ("²", False),
        ("9" * 5000, False),
    ],
)
def test_is_retry(count, retry):
    assert values.is_retry(count) is retry


def test_tokens_are_estimated_from_characters():
    assert values.estimated_tokens(410) == 100


def test_of_too_many_items_the_first_and_the_last_are_kept():
    items = list(range(10_000))
    assert values.bounded(items[:4000]) == items[:4000]
    assert values.bounded(items) == [*range(2000), *range(8000, 10_000)]
