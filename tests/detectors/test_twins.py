"""The ordinary twins are counted per event and weighed in one way."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import twins
from detectors.batch import Batch
from detectors.checks import sample
from detectors.event import Flag
from detectors.exchange import Usage


def shares(events: np.ndarray) -> dict[str, float]:
    counts = twins.habits(Batch(events))[:, : twins.COUNTED_TWINS]
    share = twins.shares(counts, np.array([len(events)]), np.array([float(len(events))]))
    return dict(zip(twins.NAMES, share[0].tolist(), strict=True))


@pytest.mark.parametrize(
    ("fields", "twin"),
    [
        ({"flags": int(Flag.MULTI_TURN)}, "multi_turn"),
        ({"flags": int(Flag.TOOLS), "out_chars": twins.RECORD_CHARS - 1}, "structured"),
        ({"flags": int(Flag.SCHEMA), "out_chars": twins.RECORD_CHARS - 1}, "structured"),
        ({"flags": int(Flag.USER_ID)}, "end_users"),
        ({"flags": int(Flag.STREAM)}, "streamed"),
        ({"temperature": 0.0}, "greedy"),
        ({"out_chars": 30}, "closed_answers"),
        ({"max_tokens": 16, "out_chars": 255}, "closed_answers"),
        ({"payload_chars": 5_000}, "no_longer"),
    ],
)
def test_each_twin_is_seen_and_no_other(traffic, fields, twin: str) -> None:
    found = shares(traffic(1, 10, **fields))
    assert found.pop(twin) == 1.0
    assert set(found.values()) <= {0.0} or (twin == "closed_answers" and "out_chars" in fields)


@pytest.mark.parametrize("flag", [Flag.TOOLS, Flag.SCHEMA])
def test_a_format_around_a_long_text_is_no_fixed_one(traffic, flag: Flag) -> None:
    """Anyone can ask for the text as one field of a record."""
    assert shares(traffic(1, 10, flags=int(flag), out_chars=twins.RECORD_CHARS))["structured"] == 0.0
    unseen = traffic(1, 10, flags=int(flag), out_chars=0, out_tokens=0, usage=Usage.ABSENT)
    assert shares(unseen)["structured"] == 1.0


def test_an_answer_that_nobody_saw_is_no_closed_one(traffic) -> None:
    """A batch's answers are fetched as files, a background answer by another request."""
    unseen = traffic(1, 10, out_chars=0, out_tokens=0, usage=Usage.ABSENT)
    assert twins.measures(Batch(unseen)).unknown.all()
    assert twins.measures(Batch(unseen)).open.all()
    found = shares(unseen)
    assert (found["closed_answers"], found["no_longer"]) == (0.0, 0.0)
    assert shares(traffic(1, 10, out_chars=0, out_tokens=0, max_tokens=8))["closed_answers"] == 1.0
    told = traffic(1, 10, out_chars=0, out_tokens=0, usage=Usage.REPORTED)
    assert shares(told)["closed_answers"] == shares(told)["no_longer"] == 1.0
    assert not twins.measures(Batch(traffic(1, 10, out_chars=0, usage=Usage.ABSENT))).unknown.any()


def test_an_unset_temperature_is_not_greedy(traffic) -> None:
    assert shares(traffic(1, 10))["greedy"] == 0.0


def test_tokens_stand_in_where_a_log_has_no_answers(traffic) -> None:
    known = twins.measures(Batch(traffic(1, 2, out_chars=0, out_tokens=500, choices=2)))
    assert known.chars.tolist() == [2_000, 2_000]
    assert known.choice.tolist() == [1_000, 1_000]
    assert known.open.all()


def test_repeats_under_a_tenth_are_taken_for_the_error_of_the_count() -> None:
    share = twins.shares(np.zeros((3, twins.COUNTED_TWINS)), np.array([100] * 3), np.array([105.0, 91.0, 45.0]))
    assert share[:, -1].tolist() == pytest.approx([0.0, 0.0, 0.5])


def test_blank_prompts_are_alike_without_being_repeats() -> None:
    share = twins.shares(np.zeros((1, twins.COUNTED_TWINS)), np.array([100]), np.array([1.0]), np.array([100]))
    assert share[0, -1] == 0.0


def test_what_the_twins_take_is_told_in_full() -> None:
    share = np.array([[0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.4]])
    weights = {"multi_turn": 0.8, "greedy": 0.6, "repeats": 1.8, "streamed": 0.3}
    factor = twins.factors(share, weights)
    terms = twins.counter_terms(5.0, share[0], factor[0], weights)
    assert [term.feature for term in terms] == ["multi_turn", "greedy", "streamed", "repeats"]
    assert sum(term.share for term in terms) == pytest.approx(5.0 * (factor[0].prod() - 1.0))
    assert all(term.share <= 0.0 for term in terms)
    assert "50 %" in terms[0].sentence


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [twins.percent(share) for share in (0.0, 0.001, 0.004, 0.5, 0.996, 1.0)] == [
        "0 %",
        "under 1 %",
        "under 1 %",
        "50 %",
        "99 %",
        "100 %",
    ]


def test_short_records_and_labels_are_no_part_of_a_harvest(traffic) -> None:
    flags = np.array([0, Flag.USER_ID, Flag.SCHEMA, Flag.SCHEMA, Flag.TOOLS, Flag.MULTI_TURN])
    chars = np.array([800, 800, 200, 800, 20, 20])  # a call of a tool may have no text of its own
    batch = Batch(traffic(1, 6, flags=flags, out_chars=chars, body=np.arange(1, 7)))
    code = twins.measures(batch).code
    assert [twins.is_candidate(*both) for both in zip(batch["flags"], code, strict=True)] == [1, 1, 0, 1, 1, 0]


def test_nobody_repeats_nothing() -> None:
    share = twins.shares(np.zeros((1, twins.COUNTED_TWINS)), np.zeros(1), np.zeros(1))
    assert share.tolist() == [[0.0] * len(twins.TWINS)]


def test_a_part_is_named_with_its_share() -> None:
    assert "a part of 25 % of its requests" in twins.part_term(50.0, 200.0).sentence
    assert "the rest" not in twins.part_term(200.0, 200.0).sentence
    assert twins.part_term(0.0, 0.0).value == 0.0


def test_what_is_left_of_an_event_is_the_product_of_its_twins(traffic) -> None:
    flags = np.array([0, Flag.STREAM, Flag.STREAM | Flag.SCHEMA, Flag.STREAM | Flag.SYSTEM])
    code = twins.measures(Batch(traffic(1, 4, flags=flags, out_chars=300))).code
    left = twins.left_by_code({"streamed": 0.5, "structured": 0.4, "repeats": 1.8})
    assert left[code].tolist() == pytest.approx([1.0, 0.5, 0.3, 0.5])


def test_steps_and_blank_prompts_ask_nothing() -> None:
    flags = [Flag(0), Flag.MULTI_TURN, Flag.TOOL_RESULT, Flag.BLANK_INPUT, Flag.STREAM]
    assert [twins.is_asking(np.uint32(flag)) for flag in flags] == [1, 1, 0, 0, 1]


def mixed_events(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    events = sample(seed, clients=9, events=600)
    events["usage"] = rng.choice([Usage.ABSENT, Usage.REPORTED], 600)
    events["prompts"], events["max_tokens"] = rng.integers(0, 4, (2, 600)) * (rng.random((2, 600)) < 0.3) * 7
    events["temperature"] = rng.choice(np.float32([np.nan, 0.0, 0.05, 0.0501, 1.0]), 600)
    events["out_chars"] = np.where(rng.random(600) < 0.3, 47, events["out_chars"])
    return events


@pytest.mark.parametrize("seed", range(3))
def test_a_part_of_a_batch_is_measured_as_if_it_were_all(seed: int) -> None:
    batch = Batch(mixed_events(seed))
    keep = np.random.default_rng(seed).random(len(batch)) < 0.5
    part = batch.only(keep)
    alone = Batch(np.sort(mixed_events(seed), order="client", kind="stable")[keep])
    for one, other in zip(twins.measures(part), twins.measures(alone), strict=True):
        assert one.tolist() == other.tolist()
    filled = part.counts > 0
    assert twins.habits(part)[filled].tolist() == twins.habits(alone).tolist()
    assert not twins.habits(part)[~filled].any()


@pytest.mark.parametrize("seed", range(3))
def test_measures_are_those_of_each_event_by_itself(seed: int) -> None:
    batch = Batch(mixed_events(seed))
    known = twins.measures(batch)
    for place, event in enumerate(np.sort(mixed_events(seed), order="client", kind="stable")):
        chars = int(event["out_chars"]) or 4 * int(event["out_tokens"])
        choice = chars // max(int(event["choices"]) * max(int(event["prompts"]), 1), 1)
        unknown = chars == 0 and event["usage"] == Usage.ABSENT
        is_open = (choice >= 48 or unknown) and not (0 < event["max_tokens"] <= 16 and choice < 256)
        flags = Flag(int(event["flags"]))
        has = (
            bool(flags & Flag.MULTI_TURN), not is_open, bool(event["temperature"] <= np.float32(0.05)),
            bool(flags & (Flag.TOOLS | Flag.SCHEMA)) and choice < twins.RECORD_CHARS,
            bool(flags & Flag.USER_ID), bool(flags & Flag.STREAM),
            4 * chars <= 5 * int(event["payload_chars"]) and not unknown,
        )  # fmt: skip
        assert (known.chars[place], known.choice[place]) == (chars, choice)
        assert (known.open[place], known.unknown[place]) == (is_open, unknown)
        assert known.log_choice[place] == (twins.USUAL_LOG if unknown else int(16 * np.log2(1 + choice)))
        assert tuple(known.code[place] >> bit & 1 for bit in range(7)) == has
        assert (known.code[place] >= twins.SYSTEM_BIT) == bool(flags & Flag.SYSTEM)


@pytest.mark.parametrize(("chars", "closed"), [(40, 1.0), (255, 1.0), (256, 0.0), (4_000, 0.0)])
def test_a_limit_that_the_answer_did_not_heed_makes_no_label_of_it(traffic, chars, closed) -> None:
    assert shares(traffic(1, 10, out_chars=chars, max_tokens=16))["closed_answers"] == closed


def test_an_answer_that_nobody_saw_is_taken_for_a_usual_one(traffic) -> None:
    unseen = traffic(1, 10, out_chars=0, out_tokens=0, usage=Usage.ABSENT)
    found = twins.measures(Batch(unseen))
    assert (found.choice == 0).all()
    assert (found.log_choice == twins.USUAL_LOG).all()
    seen = twins.measures(Batch(traffic(1, 10, out_chars=0, out_tokens=50)))  # a log without texts: its counts tell
    assert (seen.log_choice == int(16 * np.log2(201))).all()
    silent = twins.measures(Batch(traffic(1, 10, out_chars=0, out_tokens=0, usage=Usage.REPORTED)))
    assert (silent.log_choice == 0).all()  # seen, and empty
