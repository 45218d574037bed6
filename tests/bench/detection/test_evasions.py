"""Each evasion does to the traffic what its name says, at the price that is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.detection import dataset, evasions, harvests
from bench.detection.compose import Account
from detectors.event import Flag, Kind

DOCUMENT = Path(evasions.__file__).parents[2] / "docs" / "benchmarks" / "generator.md"
LIST = next(one for one in harvests.VARIANTS if one.name == "prompt list, template")


@pytest.fixture(scope="module")
def made() -> dataset.World:
    return dataset.world(None, "test")


@pytest.fixture(scope="module")
def by_name(made) -> dict[str, Account]:
    """One account a way to hide, each with the same base."""
    return {one.name: build(made, one) for one in evasions.EVASIONS}


def build(made: dataset.World, evasion: evasions.Evasion) -> Account:
    name = (evasion.only or (LIST.name,))[0]
    variant = next(one for one in harvests.VARIANTS if one.name == name)
    return dataset.build(made, evasions.plan(made, evasion, variant, "t", 4))


def test_the_told_price_is_the_share_of_requests_that_bring_something_new(by_name) -> None:
    for name, one in by_name.items():
        assert one.evasion == name
        fresh = set(one.events["payload"][one.harvested].tolist())
        share = len(fresh) / max(len(one.events) - int((one.events["status"] != 200).sum()), 1)
        assert share == pytest.approx(one.throughput, abs=0.12), name


def test_other_words_take_the_template_apart(by_name) -> None:
    def steadiest(events: np.ndarray) -> float:
        return max(max(np.unique(events[key], return_counts=True)[1]) for key in ("head4", "tail6")) / len(events)

    assert steadiest(by_name["none"].events) > 0.9
    assert steadiest(by_name["other words each time"].events) < 0.6


def test_human_hours_have_a_night(by_name) -> None:
    one = by_name["human hours"]
    assert one.arrival == "person"
    days = (one.events["at"][-1] - one.events["at"][0]) / 86_400.0
    assert len(one.events) / max(days, 1.0) < 400
    assert (np.bincount((one.events["at"] % 86_400 // 3_600).astype(int), minlength=24) < 3).sum() >= 2


def test_a_network_for_each_request(by_name) -> None:
    assert len(np.unique(by_name["a network for each request"].events["network"])) > 100
    assert len(np.unique(by_name["none"].events["network"])) <= 40


def test_unlisted_phrases_match_no_phrase(by_name) -> None:
    events = by_name["unlisted phrases"].events
    assert (events["flags"] & int(Flag.ELICIT_USER) != 0).mean() < 0.5


def test_a_warm_up_comes_first(by_name) -> None:
    harvested = by_name["warm-up"].harvested
    assert not harvested[:90].any()
    assert harvested[-50:].mean() > 0.85


def test_marks_are_on_every_request_and_the_answers_are_the_same_texts(by_name) -> None:
    marks = {
        "a fixed format on each request": Flag.SCHEMA,
        "end-user ids made up": Flag.USER_ID,
        "a turn made up before each prompt": Flag.MULTI_TURN,
        "a tool's result made up before each": Flag.MULTI_TURN,
        "each request called a retry": Flag.RETRY,
        "all three marks": Flag.SCHEMA | Flag.USER_ID | Flag.MULTI_TURN,
    }
    every = int(Flag.SCHEMA | Flag.USER_ID | Flag.MULTI_TURN)
    plain = by_name["none"].events
    for name, flag in marks.items():
        events = by_name[name].events
        assert (events["flags"] & (every | int(flag)) == int(flag)).all(), name
        assert set(events["payload"].tolist()) & set(plain["payload"].tolist()), name
        assert np.median(events["out_chars"]) > 0.7 * np.median(plain["out_chars"]), name
    jittered = by_name["a jitter of the temperature"].events["temperature"]
    assert len(np.unique(jittered)) > 100
    assert np.ptp(jittered) < 1e-3
    wrapped = by_name["a fixed format on each request"].events
    assert (wrapped["kind"][wrapped["out_chars"] > 0] == Kind.RECORD).mean() > 0.9  # a limit cuts some


def test_a_system_prompt_and_phrases_stand_around_the_same_prompts(by_name) -> None:
    plain = by_name["none"].events
    instructed = by_name["a system prompt on each request"].events
    assert (instructed["flags"] & int(Flag.SYSTEM) != 0).all()
    assert len(np.unique(instructed["system"])) == 1
    assert set(instructed["payload"].tolist()) & set(plain["payload"].tolist())

    def kinds(events: np.ndarray, key: str) -> int:
        return len(np.unique(events[key]))

    greeted, thanked = (by_name[f"a {name} each prompt"].events for name in ("greeting before", "phrase behind"))
    assert kinds(greeted, "head4") >= kinds(plain, "head4") + 5
    assert kinds(greeted, "tail6") <= kinds(plain, "tail6") + 1
    assert kinds(thanked, "tail6") >= kinds(plain, "tail6") + 5
    assert kinds(thanked, "head4") <= kinds(plain, "head4") + 1


def test_every_evasion_has_a_line_with_its_price(made) -> None:
    table = evasions.cost_table()
    assert all(f"| {one.name} | {one.cost} |" in table for one in evasions.EVASIONS)
    assert table in DOCUMENT.read_text("utf-8")
    accounts = list(evasions.composed(None, 1, 1, "dev", ("evolve",)))
    assert [one.evasion for one in accounts] == [one.name for one in evasions.EVASIONS]
