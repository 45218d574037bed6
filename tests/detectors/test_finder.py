"""Every string that stands in a text is found, and no other; the walk stays inside its arrays for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import finder
from detectors.folded import packed

STRINGS = [
    "the",
    "then",
    "thenceforth",
    "he ",
    "reason",
    "reasoning",
    "step",
    "思考",
    "一步",
    "思考过程",
    "é!",
    "ab\ud800",
    "aaaa",
]
WANTS = [[["then"], ["reason", "思考"]], [["the"]], [["aaaa", "step"], ["he "], ["一步", "é!"]]]
PIECES = st.sampled_from([*STRINGS, "t", "h", "e", " ", "a", "思", "é", "!", "\ud800", "\U0001f600"])
TEXTS = st.lists(st.lists(PIECES, max_size=20).map("".join), max_size=5)


class Searched:
    """What the walk wrote, for texts as codes; marks behind the arrays' ends are looked at."""

    def __init__(self, codes: np.ndarray, begins: np.ndarray, ends: np.ndarray, strings: list[str]) -> None:
        numbers = {string: number for number, string in enumerate(strings)}
        met: list[list[int]] = [[] for _ in strings]
        wants: list[int] = []
        for want, needs in enumerate(WANTS):
            for need in needs:
                for string in need:
                    met[numbers[string]].append(len(wants))
                wants.append(want)
        asked = (
            np.cumsum([0, *map(len, met)]).astype(np.int32),
            np.array([need for some in met for need in some], np.int32),
            np.array(wants, np.int32),
            np.array([*map(len, WANTS)], np.int32),
        )
        sizes = (len(strings), len(wants), len(WANTS), len(WANTS))
        used = [np.zeros(size, np.int32) for size in sizes]
        longest = int((ends - begins).max(initial=0)) + 1
        held = np.full(longest + 8, 77, np.int64), np.full(longest + 8, 77, np.uint64)
        runs = [column[:-8] for column in held]
        rooms = (len(strings) * len(begins), len(begins), len(WANTS) * len(begins), len(WANTS) * len(begins))
        columns = [np.full(room + 8, 77, np.int32) for room in rooms]
        made = finder.find(
            codes, begins, ends, *finder.bucketed(strings), *finder.joined(strings), *asked, *runs, *used,
            *(column[:-8] for column in columns),
        )  # fmt: skip
        assert all((column[-8:] == 77).all() for column in (*columns, *held))
        found, over, rows, hopeful = (column[:-8].tolist() for column in columns)
        self.hopeful = list(zip(rows[:made], hopeful[:made], strict=True))
        begun = [0, *over]
        self.strings = [
            {strings[one] for one in found[begun[row] : over[row]]} if begun[row] < over[row] else set()
            for row in range(len(begins))
        ]


@given(TEXTS)
def test_the_walk_finds_what_stands_there(texts):
    folded = packed(texts)
    found = Searched(folded.codes, folded.begins, folded.ends, STRINGS)
    hopeful = [
        (row, want)
        for row, text in enumerate(texts)
        for want, needs in enumerate(WANTS)
        if all(any(string in text for string in need) for need in needs)
    ]
    assert sorted(found.hopeful) == hopeful
    asked = {string for needs in WANTS for need in needs for string in need}
    for row in {row for row, _ in hopeful}:
        assert found.strings[row] & asked == {string for string in asked if string in texts[row]}


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=40), max_size=4))
def test_any_numbers_stay_in_bounds(texts):
    codes = np.array([code for text in texts for code in text] or [0], np.uint32)
    ends = np.cumsum(np.array([len(text) for text in texts], np.int64))
    Searched(codes, ends - np.array([len(text) for text in texts], np.int64), ends, STRINGS)


def test_a_text_is_not_read_beyond_its_ends():
    folded = packed(["reason ste", "p then"])
    assert Searched(folded.codes, folded.begins, folded.ends, STRINGS).hopeful == [(1, 1)]


def test_what_is_too_short_is_refused():
    assert [finder.findable(one) for one in ("ab", "abc", "思", "思考", "")] == [False, True, False, True, False]
    with pytest.raises(ValueError, match="too short"):
        finder.bucketed(["abc", "ab"])
