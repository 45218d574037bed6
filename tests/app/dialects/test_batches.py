"""Many requests in one count as many prompts, whatever they are packed in."""

from __future__ import annotations

import pytest

from app.dialects.batches import gather, named, read_anthropic, read_gemini
from detectors.exchange import Channel, Dialect, Exchange, Message, Operation
from detectors.lines import split


def ask(text):
    return {"system": "Be kind.", "messages": [{"role": "user", "content": text}]}


def read(item):
    roles = {"s": "system", "d": "developer", "u": "user"}
    return {"messages": tuple(Message(roles[key], item[key]) for key in roles if key in item), "model": item.get("u")}


def told(*items):
    return [message.text for message in gather(items, Dialect.OPENAI, read)["messages"]]


def test_a_system_prompt_that_goes_on_is_kept_once():
    items = [{"s": "A", "u": "1"}, {"s": "A", "u": "2"}, {"s": "B", "u": "3"}]
    fields = gather(items, Dialect.OPENAI, read)
    assert fields is not None
    assert [message.text for message in fields["messages"]] == ["A", "1", "2", "B", "3"]
    assert (fields["model"], fields["prompts"], fields["stream"]) == ("1", 3, False)
    assert gather([], Dialect.OPENAI, read) is None
    assert gather([1, 2], Dialect.OPENAI, lambda _: None) is None
    kept = gather([{"u": "1"}], Dialect.OPENAI, lambda item: {**read(item), "conversation": "c_1"})
    assert kept["conversation"] == ""  # a line's, of the first line alone
    assert told({"d": "A", "u": "1"}, {"d": "A", "u": "2"}) == ["A", "1", "2"]
    assert told({"s": "S", "d": "A", "u": "1"}, {"s": "S", "d": "A", "u": "2"}) == ["S", "A", "1", "2"]
    assert told({"s": "S", "d": "A", "u": "1"}, {"s": "S", "d": "B", "u": "2"}) == ["S", "A", "1", "S", "B", "2"]


def test_the_parameters_are_those_of_most_items_and_no_first_one_s():
    def ask(item):
        return {**read({"u": "1"}), **item}

    decoy = {"max_tokens": 1, "temperature": 0.0, "schema": "{}", "choices": 1}
    others = [{"max_tokens": 900 + n, "temperature": 0.7, "schema": "", "choices": 4} for n in range(5)]
    fields = gather([decoy, *others], Dialect.OPENAI, ask)
    assert {name: fields[name] for name in decoy} == {
        "max_tokens": 901, "temperature": 0.7, "schema": "", "choices": 4
    }  # fmt: skip
    unlimited = [{"max_tokens": None, "temperature": None}] * 3
    fields = gather([decoy, *unlimited], Dialect.OPENAI, ask)
    assert (fields["max_tokens"], fields["temperature"]) == (None, None)


@pytest.mark.parametrize(
    "systems", ["ABAB", "A---", "-A-A", "AA-B", "--", "A", "AAAA", [("S", "D"), ("S", "D"), "S", ("S", "E"), "-"]]
)
def test_each_item_has_its_own_system_prompt(systems):
    items = []
    for place, system in enumerate(systems):
        named = dict(zip("sd", system, strict=False)) if system != "-" else {}
        items.append({**named, "u": str(place)})
    fields = gather(items, Dialect.OPENAI, read)
    assert fields is not None
    asked = Exchange(0.0, 0, Dialect.OPENAI, **{key: fields[key] for key in ("operation", "messages", "begins")})
    lines = [one.messages for one in split(asked, 1)] if len(items) > 1 else [fields["messages"]]
    assert lines == [read(item)["messages"] for item in items]


def test_message_batches():
    fields = read_anthropic({"requests": [{"params": ask("a")}, {"params": ask("b")}, {"custom_id": "x"}, 5]})
    assert (fields["prompts"], fields["operation"], fields["channel"]) == (4, Operation.BATCH, Channel.BATCH)
    assert [message.text for message in fields["messages"]] == ["Be kind.", "a", "b"]
    for wrong in (None, 1, "x", {}, []):
        assert read_anthropic({"requests": wrong})["prompts"] == 0


def test_inline_batches_of_gemini():
    one = {"request": {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"candidateCount": 2}}}
    for config in ({"inputConfig": {"requests": {"requests": [one, one]}}}, {"input_config": {"requests": [one, one]}}):
        fields = read_gemini({"batch": config}, "m", Operation.CHAT)
        assert (fields["prompts"], fields["model"], fields["choices"]) == (2, "m", 2)
    embed = {"request": {"content": {"parts": [{"text": "a"}]}}}
    fields = read_gemini({"batch": {"inputConfig": {"requests": {"requests": [embed]}}}}, "e", Operation.EMBEDDING)
    assert fields["messages"] == (Message("user", "a"),)


def test_a_batch_made_of_a_file_asks_for_nothing_new():
    fields = read_gemini({"batch": {"inputConfig": {"fileName": "files/1"}}}, "m", Operation.CHAT)
    assert (fields["prompts"], fields["messages"]) == (0, ())
    assert named(Dialect.OPENAI)["prompts"] == 0
    for wrong in (None, 1, "x", [], {"requests": 5}):
        assert read_gemini({"batch": {"inputConfig": wrong}}, "m", Operation.CHAT)["prompts"] == 0


def test_of_very_many_items_the_middle_is_only_counted():
    fields = read_anthropic({"requests": [{"params": ask(str(number))} for number in range(10_000)]})
    assert fields["prompts"] == 10_000
    assert fields["messages"][-1].text == "9999"
    assert len(fields["messages"]) == 4001
