"""The look-up by REST: hashes in, clients out, for tokens that may see clients."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from app.store.ledger import ANSWER, answer_key

PATH = "/api/v1/ledger/lookup"


@pytest.fixture
async def noted(api):
    """An answer of eight shingles in the ledger, received by two clients."""
    now = time.time()
    records = np.array([(range(1, 9), 0xC0FFEE, int(now), 5), ([1, 2, 3, 4, 90, 91, 92, 93], 7, int(now), 6)], ANSWER)
    await api.state.redis.rpush(answer_key(now, 7.0), records.tobytes())
    return [f"{number:08x}" for number in range(1, 9)]


async def test_clients_that_received_the_text_are_found_the_closest_first(call, noted) -> None:
    for answer in (await call.get(PATH, params={"hash": noted}), await call.post(PATH, json={"hashes": noted})):
        assert answer.status_code == 200
        told = answer.json()
        assert (told["enabled"], told["days"]) == (True, 7.0)
        assert [(one["client_id"], one["share"]) for one in told["clients"]] == [
            ("cl_0000000000c0ffee", 1.0),
            ("cl_0000000000000007", 0.5),
        ]


async def test_another_text_finds_nobody(call, noted) -> None:
    assert (await call.get(PATH, params={"hash": ["0000ffff", "00000001"]})).json()["clients"] == []


async def test_a_token_without_the_scope_and_no_token_are_refused(caller, token_of, noted) -> None:
    async with caller(await token_of("metrics:read")) as client:
        assert (await client.post(PATH, json={"hashes": noted})).status_code == 403
    async with caller() as client:
        assert (await client.get(PATH, params={"hash": noted})).status_code == 401
    async with caller(await token_of("clients:read")) as client:
        assert (await client.get(PATH, params={"hash": noted})).status_code == 200


async def test_text_in_the_place_of_hashes_is_refused_and_not_repeated(call) -> None:
    answer = await call.post(PATH, json={"hashes": ["the secret sentence"]})
    assert answer.status_code == 422
    assert "secret" not in answer.text


async def test_a_ledger_that_is_off_says_so(call, api, noted) -> None:
    api.state.settings = dataclasses.replace(api.state.settings, ledger_bytes=0)
    told = (await call.get(PATH, params={"hash": noted})).json()
    assert (told["enabled"], told["clients"]) == (False, [])


async def test_without_redis_it_is_unavailable(app_on, sqlite_url, free_port, api, admin_of) -> None:
    app = await app_on(sqlite_url, f"redis://127.0.0.1:{free_port()}/0")
    async with admin_of(app) as client:
        assert (await client.get(PATH, params={"hash": ["00000001"]})).status_code == 503
