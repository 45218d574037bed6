"""The command runs without data, says what is missing, and its page puts the worst first."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from bench.detection import __main__ as command
from bench.detection import plots


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    out = tmp_path_factory.mktemp("page") / "detection.md"
    asked = ["--size", "small", "--few", "16", "--calibration", "24", "--seeds", "5", "6", "--out", str(out)]
    assert command.main(asked) == 0
    return out.read_text("utf-8"), out.parent


def test_without_the_data_it_runs_on_made_up_texts_and_says_so(page) -> None:
    text, _ = page
    assert "**Missing: the data folder.**" in text
    assert "Seeds 5, 6" in text
    assert "resolve" in text  # 12 clients set the level: 0.1 % is beyond them


def test_every_part_that_was_asked_for_has_its_section(page) -> None:
    text, _ = page
    for title in (
        "Beside other ways", "Ordinary clients, the worst kind first", "Harvests", "Matched pairs", "Requests until",
        "The reviewer's queue", "Reliability", "training never saw", "What each part is worth", "Attackers who adapt",
        "give itself away", "How it was measured", "The baselines",
    ):  # fmt: skip
        assert re.search(f"^## .*{title}", text, re.MULTILINE), title
    for baseline in (
        "MMD",
        "PRADA",
        "SEAT",
        "Mahalanobis",
        "isolation forest",
        "honeypotllm",
        "Glasswally",
        "AA26-251A",
    ):
        assert f"| {baseline}" in text
    assert "nan" not in text


def test_plots_are_drawings_with_curves(page) -> None:
    _, folder = page
    for name in ("roc", "delay", "reliability"):
        root = ElementTree.fromstring((folder / f"detection-{name}.svg").read_text("utf-8"))
        assert root.find("{http://www.w3.org/2000/svg}title") is not None


def test_a_folder_that_is_not_there_ends_with_2(tmp_path, capsys) -> None:
    assert command.main(["--data", str(tmp_path / "none")]) == 2
    assert "not a folder" in capsys.readouterr().err
    assert command.main(["--data", str(tmp_path)]) == 2
    assert "lacks" in capsys.readouterr().err


def test_a_chart_places_points_on_its_axes() -> None:
    x = plots.Axis("x", 0.001, 1.0, plots.percents(0.001, 1.0), log=True)
    assert x.place(0.001) == 0.0
    assert x.place(1.0) == 1.0
    assert x.place(0.0316227766) == pytest.approx(0.5)
    assert x.place(9.0) == 1.0
    y = plots.Axis("y", 0.0, 1.0, plots.percents(0.0, 1.0))
    drawn = plots.chart("a < b", x, y, [plots.Line("ours", [(0.01, 0.2), (0.1, 0.4)])], steps=True, diagonal=True)
    assert "a &lt; b" in drawn
    assert drawn.count("<path") == 2
