"""Clients with people behind them: turns, end users, tools."""

import pytest

from app.sample.persona import Reply


@pytest.mark.parametrize(("name", "users"), [("support-bot", 30), ("chat-product", 50)])
def test_conversations_grow_and_name_their_users(collect, named, name, users):
    bodies = [call.body for call in collect(named(name), 200)]
    assert all(body["stream"] for body in bodies)
    assert len({body["user"] for body in bodies}) > users
    multi = [body for body in bodies if any(message["role"] == "assistant" for message in body["messages"])]
    assert len(multi) > 50
    assert multi[0]["messages"][-2]["content"] == "A made-up answer."


def test_rag_comes_back_to_its_passages(collect, named):
    texts = "".join(call.body["messages"][1]["content"] for call in collect(named("rag-bot"), 100))
    passages = {line.split("] ", 1)[1] for line in texts.split("\n") if line.startswith("[")}
    assert len(passages) == 40


def test_voting_is_one_fixed_setting(collect, named):
    bodies = [call.body for call in collect(named("voting-product"), 50)]
    assert {(body["n"], body["temperature"]) for body in bodies} == {(3, 0.7)}


def test_agent_grows_while_it_calls_tools(collect, named):
    call = {"id": "call_1", "type": "function", "function": {"name": "read_file", "arguments": "{}"}}
    bodies = [found.body for found in collect(named("coding-agent"), 30, reply=Reply("", (call,)))]
    sizes = [len(body["messages"]) for body in bodies]
    assert min(sizes) == 2
    assert max(sizes) > 6
    assert all(body["tools"] for body in bodies)


def test_developer_asks_rarely(collect, named):
    calls = collect(named("developer"), 200)
    assert sum(call.wait for call in calls) / 200 > 2
