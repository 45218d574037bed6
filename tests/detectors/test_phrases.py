"""The scan before the expressions never changes what they find; it only spares the search."""

from __future__ import annotations

import re
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import elicitation, grading, synthesis
from detectors.folded import fold
from detectors.phrases import Phrases, named, rule
from detectors.spellings import spelled
from detectors.text import normalise
from detectors.wordings import alternatives, expression, read

RULES = (*elicitation.RULES, *grading.RULES, *synthesis.RULES)
PHRASES = Phrases(RULES)
WHOLE = [expression("|".join(f"(?:{wording})" for wording in rule.wordings)) for rule in RULES]
PIECES = sorted(
    {piece for rule in RULES for text in rule.wordings for piece in re.findall(r"[^\W\d_]{2,}|[ \-<\[\d]", text)}
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.text(alphabet=st.characters(), max_size=200),
)


def plainly(text: str) -> int:
    """What the expressions find without the scan."""
    folded = spelled(text.casefold())
    return sum(1 << place for place, pattern in enumerate(WHOLE) if pattern.search(folded))


@given(st.lists(TEXTS, max_size=6))
def test_the_scan_changes_nothing(texts):
    assert PHRASES.match_many(texts) == [plainly(text) for text in texts]


@given(st.lists(TEXTS, max_size=6))
def test_folded_texts_are_matched_as_strings_are(texts):
    assert PHRASES.match_many(fold(texts)) == PHRASES.match_many([normalise(one) for one in texts])


def test_folding_twice_folds_once():
    """So that texts which are folded already need not be again."""
    assert all(chr(code).casefold().casefold() == chr(code).casefold() for code in range(sys.maxunicode + 1))


@given(st.data())
def test_a_text_made_of_a_wording_is_found(data):
    """Texts that the expressions were written for, with anything around them."""
    place = data.draw(st.integers(0, len(RULES) - 1))
    wording = re.sub(r"\\b", "", data.draw(st.sampled_from(RULES[place].wordings)))
    inside = data.draw(st.from_regex(re.compile(wording), fullmatch=True))
    text = f"{data.draw(st.text(max_size=20))} {inside} {data.draw(st.text(max_size=20))}"
    assert PHRASES.match(text) == plainly(text)


def test_a_batch_gives_what_each_gives_alone():
    texts = ["Let's think step by step.", "", "请逐步推理", "Rate it on a scale of 1 to 10.", "x" * 70_000, "你好"]
    assert PHRASES.match_many(texts * 50) == [PHRASES.match(text) for text in texts] * 50


def test_a_wording_must_hold_a_word():
    with pytest.raises(ValueError, match="without a word"):
        Phrases([rule("x", {}, r"\d+")])


def test_parts_and_names():
    made = rule("x", {"WORD": "(?:apples|pears)"}, "WORD and WORD")
    assert made.wordings == ("(?:apples|pears) and (?:apples|pears)",)
    assert Phrases([made, rule("y", {}, "plums")]).match_many(["Apples and PEARS", "plums", "pears"]) == [1, 2, 0]
    assert named([made], 1) == ("x",)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*PIECES, "’", "題", "が"]), min_size=1, max_size=6), st.sampled_from(["", " ", "\n"]))
def test_no_long_text_takes_long(pieces, between):
    """Sixteen times as long as texts that are looked at, of parts of wordings again and again."""
    text = between.join(pieces)
    begun = time.process_time()
    PHRASES.match((text + between) * (64_000 // len(text + between)))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("rule", RULES, ids=lambda one: one.name)
def test_time_grows_with_the_length_and_no_faster(rule):
    """What a wording begins with, again and again, and never what it ends with."""
    alone = Phrases([rule])
    alone.match("a")  # the loop is compiled where it is not yet
    for wording in rule.wordings:
        for one in alternatives(wording):
            begins = read(one).needs[0][0]
            text = (" ".join(strings[0] for strings in read(one).needs) + " ") * 200 + begins * 2000
            begun = time.process_time()
            alone.match(text[:64_000])
            assert time.process_time() - begun < 6, one
