"""Evidence says what REVIEW promises, in JSON that every reader understands."""

import json
import math

import numpy as np
import pytest

from app.alerts.evidence import frozen, jsonable, reading, severity_of, speaking
from app.models.vocabulary import Severity

KEYS = {
    "id", "episode_no", "client_ref", "peer_group", "policy", "policy_version", "detector_versions", "thresholds",
    "score", "severity", "requests", "look", "window", "sentence", "detectors", "contributions", "counter_evidence",
    "cannot_tell", "traffic", "coverage", "timing", "data_quality", "format",
    "rank", "probability", "resolvable", "part_requests",
}  # fmt: skip


def test_frozen_evidence_has_every_part(make_finding):
    document = frozen(make_finding(), "al_1", 3)
    assert set(document) == KEYS
    assert (document["id"], document["episode_no"], document["client_ref"]) == ("al_1", 3, "cl_0000000000c0ffee")
    assert {"detector", "family", "feature", "value", "unit", "population_p50", "population_p99", "percentile",
            "contribution", "sentence"} == set(document["contributions"][0])  # fmt: skip
    assert document["timing"]["hours"][0] == {"start": "2027-01-15T07:00:00.000Z", "requests": 640}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_the_largest_share_stands_first(make_finding):
    document = frozen(make_finding(nats={"a": 1.0, "b": 5.0, "c": math.nan, "d": -7.0}), "al_1", 1)
    assert [item["detector"] for item in document["contributions"]] == ["d", "b", "a", "c"]


def test_without_activity_the_window_is_a_moment(make_finding):
    finding = make_finding()
    bare = type(finding)(**{name: getattr(finding, name) for name in finding.__slots__} | {"activity": None})
    document = frozen(bare, "al_1", 1)
    assert document["window"]["start"] == document["window"]["end"]
    assert document["timing"] == {"minutes": [], "hours": []}


def test_a_reading_explains_itself(make_finding):
    document = reading(make_finding(score=11.0, nats={"template": 5.0, "surface": 2.0}))
    assert (document["score"], document["level"], document["requests"]) == (11.0, 2, 500)
    assert document["contributions"]
    assert speaking(document, 2.0) == ["surface", "template"]
    assert speaking(document, 2.1) == ["template"]
    assert speaking({}, 1.0) == []


@pytest.mark.parametrize(
    ("margin", "severity"),
    [
        (-1, "low"),
        (0, "low"),
        (0.99, "low"),
        (1, "medium"),
        (2.99, "medium"),
        (3, "high"),
        (5.99, "high"),
        (6, "critical"),
    ],
)
def test_severity_is_the_margin_over_the_threshold(margin, severity):
    assert severity_of(9.0 + margin, 9.0) is Severity(severity)


def test_numbers_become_json():
    odd = {
        1: np.float32(0.5),
        "n": math.nan,
        "i": -math.inf,
        "a": np.arange(3, dtype=np.uint64),
        "t": (np.bool_(True),),
    }
    assert jsonable(odd) == {"1": 0.5, "n": None, "i": None, "a": [0, 1, 2], "t": [True]}
    assert jsonable("text") == "text"
