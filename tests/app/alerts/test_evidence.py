"""Evidence says what REVIEW promises, in JSON that every reader understands."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from app.alerts.evidence import frozen, in_nats, jsonable, reading, severity_of, speaking, why
from app.models.vocabulary import Severity
from detectors.base import Counterfactual, Evidence, Explanation, Level, Term

KEYS = {
    "id", "episode_no", "client_ref", "peer_group", "policy", "policy_version", "detector_versions", "thresholds",
    "score", "severity", "requests", "look", "window", "sentence", "detectors", "contributions", "counter_evidence",
    "cannot_tell", "traffic", "coverage", "timing", "data_quality", "format",
    "rank", "probability", "resolvable", "part_requests", "rests_on",
}  # fmt: skip


def test_frozen_evidence_has_every_part(make_finding):
    document = frozen(make_finding(), "al_1", 3)
    assert set(document) == KEYS
    assert (document["id"], document["episode_no"], document["client_ref"]) == ("al_1", 3, "cl_0000000000c0ffee")
    assert {"detector", "family", "feature", "value", "unit", "population_p50", "population_p99", "percentile",
            "contribution", "share", "sentence"} == set(document["contributions"][0])  # fmt: skip
    assert document["timing"]["hours"][0] == {"start": "2027-01-15T07:00:00.000Z", "requests": 640}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_the_largest_contribution_stands_first(make_finding):
    document = frozen(make_finding(nats={"a": 1.0, "b": 5.0, "c": math.nan}), "al_1", 1)
    assert [item["detector"] for item in document["contributions"]] == ["b", "a", "c"]


def term(feature, share):
    return Term(feature, 1.0, "share", 0.0, 0.0, 99.0, share, f"{feature}.")


def explained():
    """Two detectors with scores of their own, in units that have nothing to do with each other, and nats."""
    large = Evidence("a", 1, "content", 270.0, 0.01, 4.0, (term("x", 200.0), term("y", 100.0), term("z", -30.0)))
    small = Evidence("b", 1, "rhythm", 0.2, 0.001, 7.0, (term("w", 0.2),))
    silent = Evidence("c", 1, "rhythm", -1.0, 1.0, 0.0, (term("v", -1.0),))
    counter = (term("z", -30.0), term("v", -1.0), term("own_word", -3.0))
    return Explanation(1, 0.0, Level.REVIEW, 10.0, 9.2, "all", 9, 9, "Why.", (large, small, silent), counter, "")


def test_contributions_are_on_one_scale_nats():
    """Before, each was in the unit of its own detector: 200 beside 0.2, of which the smaller weighs more."""
    document = why(explained())
    found = {item["feature"]: (item["contribution"], item["share"]) for item in document["contributions"]}
    assert list(found) == ["w", "x", "y", "z", "v"]
    assert found == {
        "w": (pytest.approx(7.0), 0.2),
        "x": (pytest.approx(8 / 3), 200.0),
        "y": (pytest.approx(4 / 3), 100.0),
        "z": (pytest.approx(-0.4), -30.0),
        "v": (None, -1.0),
    }
    assert [item["contribution"] for item in document["counter_evidence"]] == [pytest.approx(-0.4), None, None]
    assert in_nats(document) == document


def test_what_the_joint_score_rests_on_is_told_with_numbers():
    rest = Counterfactual(
        "the amount of text that it takes", "shape", "answer_size", 2_031.0, "chars", 431.0, "Long.", 2.5
    )
    document = jsonable(why(replace(explained(), rests_on=(rest,))))
    assert document["rests_on"] == [
        {"aspect": "the amount of text that it takes", "detector": "shape", "feature": "answer_size", "value": 2_031.0,
         "unit": "chars", "usual": 431.0, "sentence": "Long.", "nats": 2.5}
    ]  # fmt: skip
    assert why(explained())["rests_on"] == []


def test_an_alert_of_before_is_given_on_the_same_scale():
    new = why(explained())
    old = {**new, "format": 1}
    for name in ("contributions", "counter_evidence"):
        old[name] = [
            {k: v for k, v in one.items() if k != "share"} | {"contribution": one["share"]} for one in new[name]
        ]
    again = in_nats(old)
    assert (again["contributions"], again["counter_evidence"]) == (new["contributions"], new["counter_evidence"])
    assert in_nats({}) == {"contributions": [], "counter_evidence": []}


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
