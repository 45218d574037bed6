"""Charts carry their numbers as text, draw them to scale, and never carry markup or style of others."""

import math
import re
from xml.etree import ElementTree

import pytest

from app.console import charts


def parse(drawing):
    return ElementTree.fromstring(str(drawing))


def rects(drawing, kind):
    return [item for item in parse(drawing).iter("rect") if item.get("class") == kind]


def test_score_bar_stacks_the_families_up_to_the_score():
    parts = (charts.Part("surface", "Surface", 5.0), charts.Part("content", "Content", 7.0))
    drawing = charts.score_bar(12.0, 9.0, parts)
    content, surface = rects(drawing, "family-content")[0], rects(drawing, "family-surface")[0]
    assert float(content.get("x")) == 0
    assert float(surface.get("x")) == pytest.approx(1000 / charts.SCALE_HEADROOM * 7 / 12, abs=0.1)
    mark = rects(drawing, "mark")[0]
    assert float(mark.get("x")) + 1.5 == pytest.approx(1000 / charts.SCALE_HEADROOM * 9 / 12, abs=0.1)
    assert parse(drawing).get("aria-label") == "Score 12.0, above the review threshold of 9.0"


def test_score_bar_says_on_which_side_of_the_threshold_it_is():
    assert rects(charts.score_bar(3.0, 9.0), "under")
    assert rects(charts.score_bar(9.0, 9.0), "over")
    assert "below" in parse(charts.score_bar(3.0, 9.0)).get("aria-label")


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_odd_numbers_make_no_broken_drawing(value):
    for drawing in (
        charts.score_bar(value, value),
        charts.mini_score(value, 9.0),
        charts.share_bar(value, "for content"),
        charts.timeline([(0.0, 0)], 60.0),
    ):
        assert not re.search(r"nan|inf", str(drawing))
        assert all(float(item.get("width")) >= 0 for item in parse(drawing).iter("rect"))


def test_mini_scores_of_one_column_share_a_scale():
    low, high = charts.mini_score(3.0, 9.0, 18.0), charts.mini_score(18.0, 9.0, 18.0)
    assert float(rects(high, "over")[0].get("width")) == pytest.approx(
        6 * float(rects(low, "under")[0].get("width")), abs=0.1
    )
    assert rects(low, "mark")[0].get("x") == rects(high, "mark")[0].get("x")


def test_percentile_strip_stands_where_the_value_does():
    def place(value):
        return float(re.match(r"M([\d.]+)", parse(charts.percentile_strip(value)).find("path").get("d")).group(1))

    assert place(0) == 4
    assert place(50) == 60
    assert place(100) == 116
    assert charts.percentile_strip(None) == ""
    assert charts.percentile_strip(math.nan) == ""


def test_timeline_draws_one_bar_for_each_active_step():
    drawing = charts.timeline([(0.0, 5), (60.0, 0), (120.0, 10)], 60.0)
    heights = [float(item.get("height")) for item in rects(drawing, "bar")]
    assert heights == [50, 100]
    assert parse(drawing).get("aria-label") == "15 requests in 3 minutes; active in 2 of them; at most 10 in one"


def test_labels_are_escaped_and_nothing_is_styled_inline():
    drawing = charts.score_bar(1.0, 2.0, (charts.Part('"><script>', "<b>", 1.0),))
    assert "<script" not in str(drawing)
    assert "<b>" not in str(drawing)
    assert "style=" not in str(drawing)
