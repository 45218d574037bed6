"""A decision's entry: read with care, published to the hash and to the stream."""

from __future__ import annotations

import json

import pytest

from app.store.decisions import FIELD, STANDING, STREAM, commands, parse, publish, publish_async
from app.store.redis import connect, connect_async


def entry(number=1, client=7, **changes):
    return {
        "id": f"d{number}",
        "client": client,
        "action": "throttle",
        "simulated": True,
        "starts_at": 0,
        "expires_at": 4e9,
        "revoked": False,
        "parameters": {"rate_per_minute": 6},
        **changes,
    }


def back(**changes):
    return parse(json.dumps(entry(**changes)))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"id":1}', "[" * 100_000,
     f'{{"id":"a","client":1,"action":"x","simulated":true,"starts_at":0,"expires_at":1{"0" * 400}}}',
     '{"id":"a","client":null,"action":"x","simulated":true,"starts_at":0,"expires_at":1}',
     '{"id":"a","client":"cl_zz","action":"x","simulated":true,"starts_at":0,"expires_at":1}',
     '{"id":"a","client":1,"action":"x","simulated":true,"starts_at":NaN,"expires_at":1}',
     '{"id":"a","client":1,"action":"x","simulated":true,"starts_at":0,"expires_at":Infinity}'],
)  # fmt: skip
def test_what_is_no_decision_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        parse(text)


def test_clients_are_numbers_or_names_and_doubt_means_simulated():
    assert back(client="cl_00000000000000ff").client == 255
    assert back(simulated=False).simulated is False
    assert back(simulated=0).simulated is True
    assert back(parameters=[1]).parameters == {}
    assert back(parameters=None).parameters == {}
    with pytest.raises(ValueError):  # noqa: PT011
        commands({"id": "x"})


def test_an_older_publishers_entry_has_no_parameters():
    older = entry()
    del older["parameters"]
    assert parse(json.dumps(older)).parameters == {}


async def test_the_hash_has_it_before_the_stream_tells_of_it(redis_url):
    assert [command[0] for command in commands(entry())] == ["HSET", "XADD"]
    with connect(redis_url, timeout=5) as client:
        publish(client, [entry(1), entry(2)])
        waiting = connect_async(redis_url, timeout=5)
        await publish_async(waiting, [entry(3), entry(2, revoked=True)])
        await waiting.aclose()
        kept = {name.decode(): parse(text).revoked for name, text in client.hgetall(STANDING).items()}
        told = [(parse(fields[FIELD]).id, parse(fields[FIELD]).revoked) for _, fields in client.xrange(STREAM)]
    assert kept == {"d1": False, "d2": True, "d3": False}
    assert told == [("d1", False), ("d2", False), ("d3", False), ("d2", True)]
