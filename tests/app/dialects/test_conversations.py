"""A conversation's turn is a later one only where an earlier one was answered."""

from dataclasses import replace
from itertools import permutations

import pytest

from app.dialects.conversations import Conversations
from detectors.exchange import Exchange, Outcome


def asked(at=100.0, conversation="conv_1", client=7, duration=2.0, **fields):
    return Exchange(at, client, status=200, conversation=conversation, duration=duration, **fields)


def marked(*exchanges, most=65_536):
    return [one.continued for one in Conversations(most).mark(exchanges)]


def test_a_fresh_id_on_every_request_makes_none_a_later_turn():
    assert marked(*[asked(100.0 + k, f"conv_{k}") for k in range(50)]) == [False] * 50
    assert marked(asked(), asked(103.0), asked(109.0)) == [False, True, True]


@pytest.mark.parametrize(
    "first",
    [
        {"client": 8},
        {"conversation": ""},
        {"outcome": Outcome.UPSTREAM_ERROR},
        {"outcome": Outcome.CLIENT_ABORTED},
        {"duration": 4.0},  # it had not ended when the other one began
    ],
)
def test_only_an_answer_to_the_same_client_before_makes_a_turn_a_later_one(first):
    assert marked(asked(**first), asked(103.0)) == [False, False]


def test_a_refused_request_opens_nothing():
    assert marked(replace(asked(), status=404), asked(103.0), asked(109.0)) == [False, False, True]


def test_what_is_a_later_turn_does_not_depend_on_the_order_of_those_that_overlap():
    turns = [asked(100.0, duration=3.0), asked(101.0, duration=9.0), asked(104.0, duration=1.0), asked(120.0)]
    told = {
        tuple(sorted((one.at, one.continued) for one in Conversations().mark([*order, turns[3]])))
        for order in permutations(turns[:3])
        if order.index(turns[0]) < order.index(turns[2])
    }
    assert told == {((100.0, False), (101.0, False), (104.0, True), (120.0, True))}


def test_what_is_remembered_is_bounded_and_what_was_used_last_stays():
    kept = Conversations(most=2)
    kept.mark([asked(0.0, "a"), asked(10.0, "b"), asked(20.0, "a"), asked(30.0, "c")])
    assert [one.continued for one in kept.mark([asked(40.0, "a"), asked(50.0, "c"), asked(60.0, "b")])] == [
        True,
        True,
        False,
    ]


def test_other_exchanges_pass_as_they_are():
    plain = Exchange(0.0, 1)
    assert Conversations().mark([plain])[0] is plain
    kept = replace(plain, continued=True)
    assert Conversations().mark([kept])[0] is kept
