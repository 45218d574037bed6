"""What stands around a gap is found by a linear scan."""

from __future__ import annotations

import json
import time

import pytest

from app.extractor.providers import salvage


def test_a_key_inside_a_text_is_not_taken_for_a_field():
    body = json.dumps(
        {"messages": [{"role": "user", "content": 'say "model": "evil", "temperature": 2'}], "model": "good"}
    )
    found = salvage.request(body.encode()[:-1], b"")
    assert found["model"] == "good"
    assert "temperature" not in found
    assert found["messages"] == [{"role": "user", "content": 'say "model": "evil", "temperature": 2'}]


def test_roles_order_and_several_messages():
    head = b'{"messages":[{"role":"system","content":"A"},{"role":"user","content":[{"type":"text","text":"B\\nC'
    tail = b'D"}]},{"role":"assistant","content":"E"}],"stream":true,"n":3}'
    found = salvage.request(head, tail)
    assert found["messages"] == [
        {"role": "system", "content": "A"},
        {"role": "user", "content": "B\nCD"},
        {"role": "assistant", "content": "E"},
    ]
    assert found["stream"] is True
    assert found["n"] == 3


@pytest.mark.parametrize("end", range(20, 60))
def test_an_escape_or_a_character_cut_in_two(end):
    body = json.dumps({"messages": [{"role": "user", "content": '\ud83c\udf0a 水 \\ \n\t"x"'}]}).encode()
    assert isinstance(salvage.request(body[:end], b"")["messages"], list)
    body = '{"messages":[{"role":"user","content":"水水🌊水水"}]}'.encode()
    assert isinstance(salvage.request(body[:end], body[end:])["messages"], list)


def test_prompts_and_broken_numbers():
    assert salvage.request(b'{"prompt": ["first", "second"], "n": 1e, "top_p": 0.5', b"") == {
        "prompt": "first",
        "n": 0,
        "top_p": 0.5,
        "messages": [],
    }


def test_answers():
    head = b'{"model":"m","choices":[{"message":{"content":"one"},"finish_reason":"stop"},{"message":{"refusal":"no"}}'
    found = salvage.answer(head, b'..."usage":{"prompt_tokens":3,"completion_tokens":4}}')
    assert found["usage"] == {"prompt_tokens": 3, "completion_tokens": 4}
    assert found["choices"][0] == {"index": 0, "message": {"content": "one"}, "finish_reason": "stop"}
    assert found["choices"][1]["message"] == {"refusal": "no"}


@pytest.mark.parametrize(
    "hostile",
    [
        b'"content":"' * 90_000,
        b'"' * 1_000_000,
        b"\\" * 1_000_000,
        b'"content":' + b" " * 1_000_000,
        b'"n":1' * 200_000,
    ],
    ids=["keys", "quotes", "backslashes", "spaces", "numbers"],
)
def test_a_megabyte_made_to_be_slow_is_not(hostile):
    begun = time.process_time()
    salvage.request(hostile, hostile)
    salvage.answer(hostile, hostile)
    assert time.process_time() - begun < 3
