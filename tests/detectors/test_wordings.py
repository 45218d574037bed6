"""What a wording's matches must hold is read from its expression, and a search near it finds what any search finds."""

from __future__ import annotations

import re
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.wordings import alternatives, read


@pytest.mark.parametrize(
    ("wording", "parts"),
    [("a|b", ["a", "b"]), ("(?:a|b)c", ["(?:a|b)c"]), (r"[|]x|\|y", ["[|]x", r"\|y"]), ("[]|]|z", ["[]|]", "z"])],
)
def test_alternatives(wording, parts):
    assert alternatives(wording) == parts


@pytest.mark.parametrize(
    ("wording", "found"),
    [
        ("abcd", [{"abcd"}]),
        ("(?:ab|cd)ef?", [{"abe", "abef", "cde", "cdef"}]),
        (r"a\db", []),
        ("ab(?:cd|ef)", [{"abcd", "abef"}]),
        (r"think\b.{0,9}?step", [{"think"}, {"step"}]),
        ("(?:think|reason)ing?x", [{"thinkinx", "thinkingx", "reasoninx", "reasoningx"}]),
        (r"\w+ answers", [{" answers"}]),
        ("(?:very )?good(?: ly)*", [{"very good", "good"}]),
        ("(?:step )+", [{"step "}]),
        ("思考", [{"思考"}]),
        (r"(?<!x)word(?!s)", [{"word"}]),
    ],
)
def test_needs(wording, found):
    assert [set(one) for one in read(wording).needs] == found


@pytest.mark.parametrize("wording", ["(a)", "(?P<x>a)", "a)", "(?:a", "*a"])
def test_other_syntax_is_refused(wording):
    with pytest.raises(ValueError, match=r".+"):
        read(wording)


@pytest.mark.parametrize(
    ("wording", "longest"),
    [("abc", 3), ("a(?:bc|d)?", 3), ("[ab]{2,5}c", 6), (r"\w+ x", inf), (r"a.*b", inf), (r"\babc\b", 3), ("ab{3}", 4)],
)
def test_the_longest_match(wording, longest):
    assert read(wording).longest == longest


WORDINGS = [r"\bcat[^.]{0,6}?dogs?\b", r"(?:cat|dog)s? and (?:cat|dog)\b", r"cat\w*dog", r"dog(?!s)"]


@given(st.sampled_from(WORDINGS), st.lists(st.sampled_from(["cat", "dog", "dogs", " ", ".", "and", "x"]), max_size=60))
def test_a_search_near_what_is_held_finds_what_any_search_finds(wording, parts):
    one, text = read(wording), "".join(parts)
    held = [[string for string in strings if string in text] for strings in one.needs]
    assert one.found(text, held) == (re.search(wording, text) is not None)
