"""What a prompt says beside its payload."""

from __future__ import annotations

import pytest

from detectors import text
from detectors.event import Flag
from detectors.exchange import Exchange, Message, Operation
from detectors.prompts import AS_PAYLOAD, read


def prompt(*messages: tuple[str, str], **fields: object):
    made = tuple(Message(*one) for one in messages)
    return read(Exchange(1.0, 2, messages=made, **{"operation": Operation.CHAT, **fields}), 7)


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
    assert not prompt(("user", "And then?"), conversation="c_1").flags & Flag.MULTI_TURN


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COMPLETION, Operation.RESPONSE])
@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("", True),
        (" \n", True),
        ("<|im_start|>user\n", True),
        ("[gMASK]<sop><|user|>\n", True),
        ("[gMASK]sop<|user|>", True),
        ("<BOS_TOKEN><|START_OF_TURN_TOKEN|><|USER_TOKEN|>", True),
        ("[|user|]", True),
        ("[|endofturn|]\n[|user|]", True),
        ("\u200b", True),
        (" \ufeff\u2060 ", True),
        ("<|user|>\u200b\n", True),
        ("\U000e0041", True),
        ("[|user|]Hi", False),
        ("<BOS_TOKEN>1", False),
        ("sop", False),
        ("[user]", False),
        ("user", False),
        ("水\u200b", False),
        ("⟨image 0123456789abcdef⟩", False),
        ("\u200b" * 401, False),
    ],
)
def test_blank_turns(operation, text, blank):
    assert bool(prompt(("user", text), operation=operation).flags & Flag.BLANK_INPUT) is blank


def test_a_request_without_a_user_turn_is_blank_unless_the_provider_may_keep_it():
    only, result = (("developer", "Be kind."),), (("system", "Be kind."), ("tool", "4"))
    kept = {"operation": Operation.RESPONSE}
    for messages, fields, blank in (
        (only, {}, True),
        (result, {}, True),
        (result, {"prompt_chars": 900}, False),
        (only, kept, True),
        (result, kept, False),
        (only, {**kept, "continued": True}, False),
        (only, {**kept, "conversation": "c_1"}, False),
        (only, {"operation": Operation.EMBEDDING}, False),
    ):
        assert bool(prompt(*messages, **fields).flags & Flag.BLANK_INPUT) is blank
