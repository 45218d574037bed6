"""Exchanges become events: every field filled, the same alone and in a batch, and nothing overflows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.event import EVENT, FIELDS, Flag, Kind, zeros
from detectors.exchange import Channel, Dialect, Exchange, Finish, Message, Operation, Outcome, Refusal, Usage
from detectors.features import ASKED, GRADED, events, model_hash
from detectors.text import SCRIPTS

CHAT = Exchange(
    at=1_764_000_000.25,
    client=2**64 - 1,
    dialect=Dialect.OPENAI,
    operation=Operation.CHAT,
    outcome=Outcome.CLIENT_ABORTED,
    status=200,
    ttfb=0.25,
    duration=1.5,
    model="acme-large",
    messages=(
        Message("system", "Answer in 3 words."),
        Message("user", "First question?"),
        Message("assistant", "First answer."),
        Message("user", "Explain why water is wet, in a few words of your own."),
    ),
    completions=("Because it is.", "Another one"),
    reasoning_chars=12,
    reasoning_asked=True,
    reasoning_sealed=True,
    finish=Finish.LENGTH,
    refusal=Refusal.SAFETY,
    stream=True,
    choices=2,
    prompts=3,
    top_logprobs=5,
    max_tokens=100,
    temperature=0.5,
    top_p=0.75,
    seed=42,
    tools='[{"name":"look"}]',
    tool_calls=4,
    schema='{"type":"object"}',
    user="u-1",
    peer="203.0.113.9",
    user_agent="curl/8",
    ja4="t13d1516h2_8daaf6152771_b186095e22b6",
    retry=True,
    truncated=True,
    usage=Usage.REPORTED,
    input_tokens=11,
    output_tokens=22,
)


def why(texts: Sequence[str]) -> list[int]:
    """A matcher of one word: two classes of elicitation, one of grading, two of synthesis."""
    return [5 | 2 << GRADED | 129 << ASKED if "why" in text else 0 for text in texts]


def event(exchange: Exchange, **changes: object) -> np.void:
    return events([replace(exchange, **changes)], seed=7, match=why)[0]


def test_every_field_is_filled():
    found = event(CHAT)
    values = {
        "at": CHAT.at,
        "client": CHAT.client,
        "in_chars": sum(len(message.text) for message in CHAT.messages),
        "payload_chars": len(CHAT.messages[3].text),
        "out_chars": 25,
        "reasoning_chars": 12,
        "in_tokens": 11,
        "out_tokens": 22,
        "max_tokens": 100,
        "ttfb": 0.25,
        "duration": 1.5,
        "temperature": 0.5,
        "top_p": 0.75,
        "messages": 4,
        "choices": 2,
        "prompts": 3,
        "tool_calls": 4,
        "elicitation": 5,
        "grading": 2,
        "synthesis": 129,
        "status": 200,
        "top_logprobs": 5,
        "dialect": Dialect.OPENAI,
        "operation": Operation.CHAT,
        "outcome": Outcome.CLIENT_ABORTED,
        "usage": Usage.REPORTED,
        "finish": Finish.LENGTH,
        "refusal": Refusal.SAFETY,
        "channel": Channel.STREAM,
        "model": model_hash("acme-large"),
    }
    assert {name: found[name].item() for name in values} == values
    hashes = {"body", "payload", "head4", "head12", "tail6", "system", "answer", "params", "tools", "schema", "user"}
    for name in hashes | {"network", "agent", "ja4"}:
        assert found[name], name
    assert found["opening"]
    assert found["kind"] == Kind.LABEL
    assert found["script"] == SCRIPTS.index("latin")
    assert found["sketch"].all()
    assert found["gist"].all()
    assert found["topic"].any()
    assert not found["answer_gist"].any()  # three words
    everything = Flag.STREAM | Flag.TOOLS | Flag.SCHEMA | Flag.LOGPROBS | Flag.SYSTEM | Flag.USER_ID | Flag.MULTI_TURN
    everything |= Flag.RETRY | Flag.TRUNCATED | Flag.SEED | Flag.ELICIT_USER
    everything |= Flag.REASONING_ASKED | Flag.REASONING_SEALED
    assert Flag(int(found["flags"])) == everything
    new = {"opening", "presented", "context", "issued", "gist", "answer_gist", "words", "topic"}
    new |= {"listed", "kind", "script", "foreign", "moved", "indicator"}
    assert set(EVENT.names) == set(values) | hashes | new | {"network", "agent", "ja4", "pad", "sketch", "flags"}


def test_an_opaque_exchange_is_an_event_of_nothing_but_its_envelope():
    found = events([Exchange(at=1.0, client=3, status=200, peer="10.1.2.3")], seed=7)
    bare = zeros(1)
    for name in set(EVENT.names) - {"at", "client", "status", "network", "duration", "ttfb"}:
        np.testing.assert_array_equal(found[name], bare[name], name)
    assert math.isnan(found["ttfb"][0])


def test_no_exchange_no_event():
    assert events([], seed=1).shape == (0,)
    assert events([], seed=1).dtype == EVENT


@pytest.mark.parametrize(
    ("change", "same", "different"),
    [
        ({"temperature": 0.9}, ("body", "payload", "head12"), ("params",)),
        ({"seed": 43}, ("body",), ("params",)),
        ({"seed": None}, ("body",), ("params",)),
        ({"top_logprobs": -1}, ("body",), ("params",)),
        ({"choices": 3}, ("body",), ("params",)),
        ({"max_tokens": 101}, ("body",), ("params",)),
        ({"top_p": None}, ("body",), ("params",)),
        ({"at": 5.0, "client": 1, "ttfb": math.nan}, ("body", "params", "payload", "answer", "network"), ()),
        ({"completions": ("because   IT is.",)}, ("answer", "body"), ()),
        ({"completions": ("Because it was.",)}, ("body",), ("answer",)),
        ({"messages": CHAT.messages[1:]}, ("payload", "head4", "tail6"), ("body", "system")),
        ({"messages": (Message("system", "answer in 7  words."), *CHAT.messages[1:])}, ("system",), ("body",)),
        ({"messages": (*CHAT.messages[:3], Message("user", "EXPLAIN why  water is dry."))}, (), ("payload", "body")),
        ({"peer": "203.0.113.200"}, ("network",), ()),
        ({"peer": "203.0.114.9"}, (), ("network",)),
        ({"user_agent": "curl/9"}, (), ("agent",)),
        ({"ja4": "t12d"}, (), ("ja4",)),
        ({"user": "u-2"}, (), ("user",)),
        ({"tools": "x"}, (), ("tools",)),
        ({"schema": "x"}, (), ("schema",)),
    ],
)
def test_what_each_hash_covers(change, same, different):
    one, other = event(CHAT), event(CHAT, **change)
    for name in same:
        assert one[name] == other[name], name
    for name in different:
        assert one[name] != other[name], name


def test_hashes_of_text_are_keyed_and_the_models_is_not():
    one, other = events([CHAT], seed=1)[0], events([CHAT], seed=2)[0]
    for name in (
        "body",
        "payload",
        "head4",
        "head12",
        "tail6",
        "system",
        "answer",
        "user",
        "network",
        "agent",
        "params",
    ):
        assert one[name] != other[name], name
    assert (one["sketch"] != other["sketch"]).any()
    assert one["model"] == other["model"] == model_hash("acme-large")
    assert model_hash("") == 0


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("::ffff:203.0.113.9", "203.0.113.77", True),
        ("[2001:db8::1]", "2001:db8::2", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("unix", "other", False),
    ],
)
def test_networks(one, other, equal):
    assert bool(event(CHAT, peer=one)["network"] == event(CHAT, peer=other)["network"]) is equal


def flags(*messages: tuple[str, str], operation: Operation = Operation.CHAT) -> Flag:
    found = event(CHAT, messages=tuple(Message(*one) for one in messages), operation=operation)
    return Flag(int(found["flags"]))


def test_flags_of_the_prompts_shape():
    assert Flag.MULTI_TURN not in flags(("user", "a"), ("assistant", "b"))
    assert Flag.PREFILL in flags(("user", "a"), ("assistant", "b"))
    assert Flag.PREFILL not in flags(("user", "a"))
    assert Flag.MULTI_TURN in flags(("user", "a"), ("assistant", "b"), ("user", "c"))
    assert Flag.TOOL_RESULT in flags(("user", "a"), ("assistant", "b"), ("tool", "c"))
    assert Flag.TOOL_RESULT not in flags(("user", "a"), ("assistant", "b"), ("tool", "c"), ("user", "d"))
    assert Flag.TOOL_RESULT in flags(("assistant", "b"), ("tool", "c"))
    assert Flag.SYSTEM in flags(("developer", "a"), ("user", "b"))
    assert Flag.SYSTEM not in flags(("user", "b"))
    assert Flag.ELICIT_SYSTEM in flags(("system", "say why"), ("user", "b"))
    assert Flag.ELICIT_USER not in flags(("system", "say why"), ("user", "b"))
    assert Flag.ELICIT_USER in flags(("user", "say WHY"))


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("", True),
        (" \n\t", True),
        ("<|im_start|>user\n", True),
        ("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n", True),
        ("<s>[INST] [/INST]", True),
        ("<start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\n", True),
        ("<｜begin▁of▁sentence｜><｜User｜>", True),
        ("### Instruction:\n\n### Response:\n", True),
        ("user", False),
        ("<|im_start|>user\nHello<|im_end|>", False),
        ("<b>Hello</b>", False),
        ("0", False),
    ],
)
def test_blank_input(text, blank):
    assert (Flag.BLANK_INPUT in flags(("user", text))) is blank
    assert (Flag.BLANK_INPUT in flags(("user", text), operation=Operation.COMPLETION)) is blank
    assert Flag.BLANK_INPUT not in flags(("user", text), operation=Operation.EMBEDDING)


def test_a_prompt_of_the_system_alone_is_blank():
    assert Flag.BLANK_INPUT in flags(("system", "You are a person who asks."))


def test_the_system_template_counts_whole_and_masked():
    long = "Rule number {}: be kind. " * 40
    one = event(CHAT, messages=(Message("system", long.format(*range(40))), Message("user", "a")))
    other = event(CHAT, messages=(Message("system", long.format(*range(50, 90))), Message("user", "a")))
    third = event(CHAT, messages=(Message("system", long.format(*range(40)) + "Never lie."), Message("user", "a")))
    assert one["system"] == other["system"] != third["system"]


def test_without_a_user_turn_the_payload_is_what_else_was_asked():
    asked = event(CHAT, messages=(Message("user", "Name a river."),))
    system = event(CHAT, messages=(Message("system", "Name a river."),))
    tool = event(CHAT, messages=(Message("system", "Be kind."), Message("tool", "Name a river.")))
    prefill = event(CHAT, messages=(Message("system", "Be kind."), Message("assistant", "Name a river.")))
    for found in (system, tool, prefill):
        for name in ("payload", "head4", "tail6", "payload_chars"):
            assert found[name] == asked[name], name
        assert (found["sketch"] == asked["sketch"]).all()
        assert not found["opening"]
    assert Flag.ELICIT_USER not in flags(("system", "say why"))


def test_a_conversation_keeps_its_opening():
    first = event(CHAT, messages=(Message("user", "Name a river."),))
    later = event(
        CHAT, messages=(Message("user", "NAME  a river."), Message("assistant", "Oder."), Message("user", "?"))
    )
    other = event(CHAT, messages=(Message("user", "Name a hill."), Message("assistant", "Oder."), Message("user", "?")))
    assert first["opening"] == first["payload"] == later["opening"] != other["opening"]
    assert later["opening"] != later["payload"]


def test_an_answer_that_is_sent_back_shares_its_gist():
    answer = "Water runs from the hill to the river, and from the river to the sea, where the sun takes it up again."
    one = event(CHAT, completions=(answer,))
    two = event(CHAT, messages=(Message("user", f"Improve: {answer}"),))
    assert len(set(one["answer_gist"]) & set(two["gist"])) >= 5
    assert not event(CHAT, completions=())["answer_gist"].any()


def test_a_signatures_context_is_the_prompt_that_it_answered():
    asked = (Message("system", "Be kind."), Message("user", "Why?"))
    first = event(CHAT, messages=asked, issued="sig")
    later = (*asked, Message("assistant", "Hm."), Message("assistant", "So."), Message("user", "And?"))
    for place in (2, 3):
        back = event(CHAT, messages=later, presented="sig", presented_at=place)
        assert back["presented"] == first["issued"] != 0
        assert back["context"] == first["body"]
    moved = event(CHAT, messages=(Message("user", "Why not?"), *later[2:]), presented="sig", presented_at=1)
    assert moved["presented"] == first["issued"]
    assert moved["context"] not in (0, first["body"])
    assert event(CHAT, presented="other")["presented"] != first["issued"]
    for place in (-1, 0, 99):
        assert not event(CHAT, messages=later, presented="sig", presented_at=place)["context"]
    assert not event(CHAT)["presented"]


def test_the_length_of_a_cut_prompt():
    assert event(CHAT, prompt_chars=10**7)["in_chars"] == 10**7
    assert event(CHAT, prompt_chars=10**12)["in_chars"] == 2**32 - 1
    assert event(CHAT, messages=(), prompt_chars=500)["in_chars"] == 500


EXTREME = st.sampled_from([0, -1, 1, 2**31, 2**64, -(2**70), 10**30])
REALS = st.sampled_from([None, 0.0, -1.0, 1e308, -1e308, math.nan, 1e-320])


@given(
    number=EXTREME,
    real=REALS,
    text=st.text(max_size=20),
    role=st.sampled_from(["user", "assistant", "system", "tool", "?"]),
)
def test_no_value_overflows(number, real, text, role):
    exchange = replace(
        CHAT,
        status=number,
        ttfb=real if real is not None else math.nan,
        temperature=real,
        top_p=real,
        choices=number,
        prompts=number,
        max_tokens=number,
        seed=number,
        top_logprobs=number,
        tool_calls=number,
        reasoning_chars=number,
        input_tokens=number,
        output_tokens=number,
        messages=(Message(role, text),),
        completions=(text,),
        peer=text,
        model=text,
        user_agent=text,
    )
    found = events([exchange], seed=2**64 - 1)[0]
    assert found["choices"] >= 1
    assert found["prompts"] >= 0
    assert found["top_logprobs"] >= -1


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), max_size=6))
def test_a_batch_gives_what_each_gives_alone(pairs):
    exchanges = [
        replace(CHAT, messages=(Message("system", one), Message("user", other)), completions=(other,))
        for one, other in pairs
    ]
    whole = events(exchanges, seed=3)
    for place, exchange in enumerate(exchanges):
        assert whole[place].tobytes() == events([exchange], seed=3)[0].tobytes()


def test_a_request_for_no_new_answer_has_no_prompt():
    assert event(CHAT, prompts=0)["prompts"] == 0


@pytest.mark.parametrize(
    ("channel", "stream", "told"),
    [
        (Channel.SYNC, False, Channel.SYNC),
        (Channel.SYNC, True, Channel.STREAM),
        (Channel.BACKGROUND, True, Channel.BACKGROUND),
        (Channel.BATCH, False, Channel.BATCH),
    ],
)
def test_channels(channel, stream, told):
    assert event(CHAT, channel=channel, stream=stream)["channel"] == told


def test_the_document_shows_the_events_own_definition():
    """`python -m bench.features` renews it."""
    document = (Path(__file__).parents[2] / "docs" / "features.md").read_text("utf-8")
    for field in FIELDS:
        assert f"| `{field.name}` | `{field.dtype}` | {field.unit or '–'} | {field.meaning} |" in document
    for flag in Flag:
        assert f"| `{flag.name}` | {flag.value.bit_length() - 1} |" in document
    assert f"{EVENT.itemsize} bytes an event" in document
