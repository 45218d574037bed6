"""Raw features are one vector a look, of the events up to it alone."""

from __future__ import annotations

import numpy as np

from bench.detection.baselines import features
from detectors import event
from detectors.event import Flag


def test_a_look_sees_its_events_alone() -> None:
    events = event.zeros(80)
    events["at"] = np.arange(80) * 30.0
    events["payload"] = np.arange(1, 81)
    events["flags"][40:] = int(Flag.TOOLS)
    events["topic"][:, 0] = 127
    first, both = features.vectors(events, np.array([40, 80]))
    at = features.NAMES.index("share TOOLS")
    assert (first[at], both[at]) == (0.0, 0.5)
    assert both[features.NAMES.index("distinct payload")] == 1.0
    assert both[features.NAMES.index("topic concentration")] == 1.0
    assert np.isfinite(both).all()
    assert both.shape == (len(features.NAMES),)


def test_prompts_without_a_topic_are_passed_over() -> None:
    events = event.zeros(5)
    events["topic"][[1, 3], 0] = (5, 7)
    assert features.topics(events)[:3, 0].tolist() == [5, 7, 0]
    assert features.topic_count(events, np.array([1, 2, 5])).tolist() == [0, 1, 2]
