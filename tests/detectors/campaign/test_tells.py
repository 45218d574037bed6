"""Each client's tokens come once a batch, with their times, counts and what their requests are like."""

from __future__ import annotations

import numpy as np

from detectors.campaign.tells import COUNTS, LOAD, WORDING, Kind, tells, token
from detectors.event import Flag, Listed, zeros


def of(found, kind: Kind) -> np.ndarray:
    return found.rows[found.rows["kind"] == kind]


def test_a_token_comes_once_for_each_client(operator) -> None:
    found = tells(operator([1, 2], requests=5))
    heads = of(found, Kind.HEAD)
    assert heads["client"].tolist() == [1, 2]
    assert heads["n"].tolist() == [5, 5]
    assert len(np.unique(heads["token"])) == 1
    assert (heads["at"] <= heads["last"]).all()


def test_kinds_with_the_same_value_have_different_tokens() -> None:
    value = np.array([7], np.uint64)
    assert len({int(token(kind, value)[0]) for kind in Kind if kind}) == len(Kind) - 1
    assert token(Kind.HEAD, np.array([0]))[0] == 0


def test_a_wording_under_other_parameters_is_another_framed_token(operator) -> None:
    events = operator([1, 2], requests=4)
    events["temperature"][events["client"] == 2] = 0.25
    found = tells(events)
    assert len(np.unique(of(found, Kind.HEAD)["token"])) == 1
    framed = of(found, Kind.FRAMED)
    assert len(np.unique(framed["token"])) == 2
    assert set(framed["recipe"].tolist()) == set(of(found, Kind.RECIPE)["token"].tolist())


def test_loads_say_what_the_requests_are_like(operator) -> None:
    events = operator([1], requests=8, flags=np.uint32(Flag.STREAM), elicitation=1 << 9)
    events["temperature"][:4] = 0.0
    found = tells(events)
    load = found.loads[of(found, Kind.TAIL)["load"][0]]
    counts = dict(zip(COUNTS, load["sums"].tolist(), strict=True))
    assert (counts["requests"], counts["streamed"], counts["greedy"], counts["samples"]) == (8, 8, 4, 0)
    assert counts["asks_plain"] + counts["asks_all"] == 8
    assert 60 <= counts["log_answer"] / 8 <= 100  # eighths of a doubling: some 3,000 characters
    assert (load["payloads"] > 0).sum() >= 5
    assert np.linalg.norm(load["topic"].astype(float)) > 8.0


def test_only_wordings_carry_loads(operator) -> None:
    found = tells(operator([1, 2], requests=3))
    worded = np.isin(found.rows["kind"], WORDING)
    assert (found.rows["load"][worded] >= 0).all()
    assert (found.rows["load"][~worded] == -1).all()
    assert found.loads.dtype == LOAD


def test_refused_requests_show_where_a_client_is_and_not_what_it_asks(operator) -> None:
    found = tells(operator([1], requests=3, status=429))
    assert not len(of(found, Kind.HEAD))
    assert len(of(found, Kind.NETWORK)) == 1
    assert of(found, Kind.CLIENT)["n"].tolist() == [0]


def test_items_of_public_lists_are_tokens_and_others_are_not(operator) -> None:
    events = operator([1], requests=4)
    events["listed"][:2] = Listed.TRAIN
    found = tells(events)
    assert len(of(found, Kind.ITEM)) == 2
    assert of(found, Kind.LISTED)["n"].tolist() == [2]


def test_an_issued_signature_is_the_token_of_the_one_that_presents_it(operator) -> None:
    events = operator([1, 2], requests=1)
    events["issued"], events["presented"] = [77, 0], [0, 77]
    marks = of(tells(events), Kind.SIGNATURE)
    assert len(np.unique(marks["token"])) == 1
    assert sorted(marks["client"].tolist()) == [1, 2]


def test_no_events_have_no_tells() -> None:
    found = tells(zeros(0))
    assert not len(found.rows)
