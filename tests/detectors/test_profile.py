"""The profile says what kind of use a client makes, and nothing of what the detectors measure."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import profile, twins
from detectors.batch import Batch
from detectors.event import Flag
from detectors.exchange import Usage


def features(events: np.ndarray) -> dict[str, float]:
    rows = np.zeros(1, profile.state)
    for part in np.array_split(events, 3):
        profile.update(rows, Batch(part))
    return dict(zip(profile.FEATURES, profile.features(rows)[0].tolist(), strict=True))


def test_shares_and_lengths_are_those_of_the_requests(traffic) -> None:
    flags = np.where(np.arange(100) < 25, int(Flag.MULTI_TURN | Flag.STREAM), int(Flag.SYSTEM))
    at = features(traffic(1, 100, flags=flags, payload_chars=255, out_chars=1_023))
    assert at["multi_turn_share"] == at["streamed_share"] == 0.25
    assert at["system_share"] == 0.75
    assert at["log_payload_chars"] == pytest.approx(8.0)
    assert at["log_answer_chars"] == pytest.approx(10.0)
    assert at["payload_spread"] == pytest.approx(0.0)


def test_the_length_of_an_answer_is_that_of_one_choice(traffic) -> None:
    four = features(traffic(1, 20, choices=4, out_chars=4_092))
    assert four["log_answer_chars"] == pytest.approx(10.0)


def test_spread_tells_a_form_from_free_text(traffic) -> None:
    mixed = features(traffic(1, 100, payload_chars=np.where(np.arange(100) % 2, 15, 4_095)))
    assert mixed["payload_spread"] == pytest.approx(4.0)


@pytest.mark.parametrize(
    "fields", [{"head4": 5}, {"elicitation": 3}, {"top_logprobs": 5}, {"temperature": 0.0}, {"payload": 9, "body": 9}]
)
def test_what_the_detectors_measure_does_not_move_it(traffic, fields) -> None:
    assert features(traffic(1, 60, **fields)) == features(traffic(1, 60))


def test_failed_calls_are_left_out(traffic) -> None:
    events = traffic(1, 30)
    events["flags"][::2] = Flag.STREAM
    events["status"][::2] = 500
    assert features(events)["streamed_share"] == 0.0


def test_end_users_networks_and_programs_are_counted(traffic) -> None:
    rows = np.zeros(1, profile.state)
    events = traffic(1, 60, user=np.arange(60) % 12 + 1, network=np.arange(60) % 3 + 1)
    profile.update(rows, Batch(events))
    found = profile.distinct(rows[0])
    assert found["users"] == pytest.approx(12, abs=3)
    assert found["networks"] == pytest.approx(3, abs=1)
    assert found["agents"] == 1


def test_a_client_never_seen_has_finite_features() -> None:
    assert np.isfinite(profile.features(np.zeros(2, profile.state))).all()


def test_an_answer_that_nobody_saw_puts_nobody_among_those_with_short_ones(traffic) -> None:
    unseen = features(traffic(1, 20, out_chars=0, out_tokens=0, usage=Usage.ABSENT))
    assert unseen["log_answer_chars"] == pytest.approx(twins.USUAL_LOG / twins.LOG)
