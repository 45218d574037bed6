"""Texts folded together are what each is alone, and the loop stays inside its arrays whatever it is given."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.folded import _FOLDED, _fold_ascii, fold, packed, string
from detectors.text import ASCII_SPACES, CLIP, clip, normalise

SPACED = st.text(alphabet=st.sampled_from(["A", "b", "Z", "1", " ", *ASCII_SPACES, "\0", "\x7f"]), max_size=40)
ANY = st.one_of(SPACED, st.text(alphabet=st.characters(), max_size=80), st.text(alphabet="é漢 \ud800𠀀Aa", max_size=40))


@given(st.lists(ANY, max_size=8))
def test_each_text_is_as_it_is_alone(texts):
    found = fold(texts)
    assert list(found) == [normalise(one) for one in texts]
    assert found.raw() == [normalise(one).encode("utf-8", "surrogatepass") for one in texts]
    assert [string(found.codes[begin:end]) for begin, end in zip(found.begins, found.ends, strict=True)] == list(found)
    assert list(packed(texts)) == texts


def test_long_texts_are_cut_as_text_cuts_them():
    texts = ["A " * CLIP, "short", "É " * CLIP, "x" * (CLIP + 1), " " * (CLIP + 1) + "end", "漢" * 90]
    found = fold(texts)
    assert list(found) == [normalise(one) for one in texts]
    for limit in (7, 8, 4_000, CLIP + 1):
        assert list(found.clipped(limit)) == [clip(normalise(one), limit) for one in texts]
    assert list(found[2:5]) == list(found)[2:5]
    assert list(found.taken([4, 0])) == [found[4], found[0]]
    assert found.clipped(CLIP + 1) is found


def test_nothing_folds_to_nothing():
    assert list(fold([])) == []
    assert list(fold(["", " \n ", ""])) == ["", "", ""]
    assert fold([]).raw() == []


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_stay_in_bounds(pieces):
    """The loop checks no index itself: marks behind the arrays' ends are still there afterwards."""
    raw = np.frombuffer(b"".join(pieces) or b"\0", np.uint8)
    stops = np.cumsum(np.array([len(one) for one in pieces], np.int64))
    plain, codes = np.full(len(raw) + 8, 77, np.uint8), np.full(len(raw) + 8, 77, np.uint32)
    begins, ends = np.zeros(len(pieces), np.int64), np.zeros(len(pieces), np.int64)
    count = _fold_ascii(raw, stops, _FOLDED, plain[:-8], codes[:-8], begins, ends)
    assert (plain[-8:] == 77).all()
    assert (codes[-8:] == 77).all()
    assert 0 <= count <= len(raw)
    assert (begins <= ends).all()
    assert (ends <= count).all()
    assert (plain[:count] == codes[:count]).all()
