"""What a prompt says beside its payload."""

from __future__ import annotations

import pytest

from detectors import text
from detectors.event import Flag
from detectors.exchange import Exchange, Message, Operation
from detectors.prompts import AS_PAYLOAD, read


def prompt(*messages: tuple[str, str], **fields: object):
    made = tuple(Message(*one) for one in messages)
    return read(Exchange(1.0, 2, operation=Operation.CHAT, messages=made, **fields), 7)


def test_no_message_says_nothing():
    nothing = prompt(prompt_chars=500)
    assert nothing == ("", False, 0, 0, 0, 0, 0, "", 0, 500)


@pytest.mark.parametrize(
    ("messages", "payload", "asks"),
    [
        ((("user", "a"), ("assistant", "b"), ("user", "c"), ("tool", "d")), "c", True),
        ((("system", "s"), ("tool", "d"), ("assistant", "b")), "b", False),
        ((("system", "s"), ("developer", "t")), "s\nt", False),
        ((("system", "s"), ("user", "")), "", True),
    ],
)
def test_what_a_request_asks(messages, payload, asks):
    assert prompt(*messages)[:2] == (payload, asks)


def test_all_of_the_systems_text_is_one():
    one = prompt(("system", "Be kind."), ("user", "a"), ("developer", "Be brief."))
    assert one.system_text == "Be kind.\nBe brief."
    assert one.system_key == text.seeded(one.system_text, 7)
    assert one.system == text.seeded(text.mask(one.system_text), 7)
    assert prompt(("system", ""), ("user", "a"))[5:8] == (0, 0, "")
    assert not prompt(("system", ""), ("user", "a")).flags & Flag.SYSTEM


def test_the_opening_is_the_first_user_turn():
    assert prompt(("user", "a")).opening == AS_PAYLOAD
    assert prompt(("user", " A"), ("user", "b")).opening == text.seeded("a", 7)
    assert prompt(("assistant", "a")).opening == 0


def test_the_body_is_every_message_in_order():
    assert prompt(("user", "a"), ("system", "b")).body == text.seeded_many(["a", "b"], 7)
    assert prompt(("user", ""), ("system", "")).body == 0
    assert prompt(("user", "ab"), ("user", "c")).chars == 3
    assert prompt(("user", "ab"), prompt_chars=9).chars == 9


def test_a_conversation_that_the_provider_keeps_is_one_of_several_turns():
    assert not prompt(("user", "And then?")).flags & Flag.MULTI_TURN
    assert prompt(("user", "And then?"), continued=True).flags & Flag.MULTI_TURN
    assert prompt(continued=True).flags == Flag.MULTI_TURN
