"""Timelines have no holes, end where the requests end, and read back what an alert froze."""

from app.alerts.evidence import frozen as freeze
from app.console import timelines

NOW = 1_800_000_000.0


def test_a_timeline_has_no_holes_and_a_fixed_length():
    plot = timelines.plot("By minute", [(120.0, 4), (300.0, 6)], 60.0, 5)
    assert plot.points == ((60.0, 0), (120.0, 4), (180.0, 0), (240.0, 0), (300.0, 6))
    assert (plot.top, plot.first, plot.last) == (6, 60.0, 360.0)
    assert plot.summary == "10 requests, active in 2 of 5 minutes, at most 6 in one minute"
    assert timelines.plot("Nothing", [(0.0, 0)], 60.0, 5) is None
    assert timelines.plots([], []) == []


def test_frozen_points_are_read_back(tools):
    document = freeze(tools.finding(tools.harvester, 14.2, NOW), "al_1", 1)
    points = timelines.frozen_points(document["timing"]["minutes"])
    assert len(points) == 60
    assert points[-1][0] == NOW // 60 * 60


def test_a_timeline_does_not_claim_to_end_now():
    long_ago = [(NOW - 864_000.0, 3)]
    minutes, hours = timelines.plots(long_ago, long_ago)
    assert minutes.title == "By minute, the hour up to the last request"
    assert hours.title == "By hour, the three days up to the last request"
