"""`stillwatch lists build`: files in, one index out, and what it holds in one line."""

from __future__ import annotations

import pytest

from app.errors import InvalidInput
from app.run.lists import build
from detectors.event import Listed
from detectors.listed import load


def test_an_index_of_three_lists(tmp_path, capsys):
    train, test, canary, out = (tmp_path / name for name in ("train", "test", "canary", "out"))
    train.write_text("one two three four five\nsix seven eight nine ten\n", "utf-8")
    test.write_text('{"question": "one two three four five"}\n', "utf-8")
    canary.write_text("the heron counts its silver spoons\n", "utf-8")
    assert build([train], [test], [canary], out) == 0
    assert capsys.readouterr().out == f"{out}: 3 items (2 train, 1 test, 1 canary)\n"
    assert sorted(load(out).bits.tolist()) == [Listed.TRAIN, Listed.TRAIN | Listed.TEST, Listed.CANARY]


def test_nothing_to_index_is_said(tmp_path):
    short = tmp_path / "short"
    short.write_text("hi\nthere\n", "utf-8")
    with pytest.raises(InvalidInput, match="five words"):
        build([short], [], [], tmp_path / "out")
    with pytest.raises(InvalidInput, match="five words"):
        build([], [], [], tmp_path / "out")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    train = tmp_path / "train"
    train.write_text("one two three four five\n", "utf-8")
    with pytest.raises(InvalidInput, match="--out"):
        build([train], [], [], tmp_path / "no" / "out")
