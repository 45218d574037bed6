"""Sign-up attributes over HTTP: imported, replaced, listed without values, forgotten; mistakes are named."""

import logging

import pytest

PATH = "/api/v1/sign-up-attributes"
ONE, TWO = "cl_0000000000000001", "cl_0000000000000002"


def told(answer):
    return {(one["client"] or one["account"], one["name"]): one["shared"] for one in answer.json()["data"]}


async def test_imported_listed_replaced_and_forgotten(call, caplog):
    caplog.set_level(logging.DEBUG)
    entries = [
        {"client": ONE, "attributes": {"email_domain": "hidden.example", "sign_up_hour": 14}},
        {"account": "Acme", "attributes": {"email_domain": " Hidden.Example "}},
    ]
    done = await call.post(f"{PATH}/import", json={"entries": entries})
    assert (done.status_code, done.json()) == (200, {"entries": 2, "changed": 3, "unchanged": 0, "removed": 0})
    done = await call.post(f"{PATH}/import", json={"csv": f"client,email_domain\n{TWO},hidden.example\n"})
    assert done.json()["changed"] == 1
    listed = await call.get(PATH)
    assert told(listed) == {
        ("Acme", "email_domain"): 3,
        (ONE, "email_domain"): 3,
        (ONE, "sign_up_hour"): 1,
        (TWO, "email_domain"): 3,
    }
    assert "hidden" not in listed.text.lower()
    assert "hidden" not in caplog.text.lower()
    again = await call.put(PATH, params={"client": ONE}, json={"attributes": {"sign_up_hour": "14", "payment": "x"}})
    assert again.json() == {"entries": 1, "changed": 1, "unchanged": 1, "removed": 1}
    assert set(told(await call.get(PATH, params={"client": ONE}))) == {(ONE, "payment"), (ONE, "sign_up_hour")}
    assert (await call.delete(PATH, params={"client": ONE})).json() == {"removed": 2}
    assert (await call.delete(PATH, params={"client": ONE})).json() == {"removed": 0}
    assert (await call.delete(f"{PATH}/names/email_domain")).json() == {"removed": 2}
    assert told(await call.get(PATH)) == {}


async def test_pages_lead_on(call):
    lines = "\n".join(f"cl_{number:016x},x" for number in range(5))
    await call.post(f"{PATH}/import", json={"csv": f"client,payment\n{lines}"})
    first = (await call.get(PATH, params={"limit": 3, "name": "payment"})).json()
    rest = await call.get(PATH, params={"limit": 3, "name": "payment", "cursor": first["page"]["next_cursor"]})
    assert [one["client"][-1] for one in (*first["data"], *rest.json()["data"])] == list("01234")
    assert not rest.json()["page"]["has_more"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/csv"),
        ({"csv": "client,payment\n", "entries": [{"client": ONE, "attributes": {}}]}, "/csv"),
        ({"csv": "client,payment\nno,hidden"}, "/csv"),
        ({"entries": [{"client": ONE, "attributes": {"payment": "hidden\x07"}}]}, "/entries/0/attributes/payment"),
        ({"entries": [{"client": ONE, "attributes": {}}, {"attributes": {"payment": "hidden"}}]}, "/entries/1"),
        ({"entries": [{"client": ONE, "attributes": {"Hidden!": "1"}}]}, "/entries/0/attributes"),
        ({"entries": []}, "/entries"),
        ({"entries": [{"client": ONE, "attributes": {"payment": True}}]}, "/entries/0/attributes/payment"),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_repeated(call, body, pointer):
    answer = await call.post(f"{PATH}/import", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert "hidden" not in answer.text.lower()
    assert told(await call.get(PATH)) == {}


async def test_whose_they_are_must_be_said_once(call):
    for params in ({}, {"client": ONE, "account": "Acme"}, {"client": "cl_no"}):
        for answer in (
            await call.delete(PATH, params=params),
            await call.put(PATH, params=params, json={"attributes": {"payment": "1"}}),
        ):
            assert answer.status_code == 422, params
    assert (await call.delete(f"{PATH}/names/No!")).status_code == 422


async def test_reading_and_writing_need_their_scopes(caller, token_of):
    async with caller(await token_of("clients:read")) as reader:
        assert (await reader.get(PATH)).status_code == 200
        assert (await reader.delete(PATH, params={"client": ONE})).status_code == 403
    async with caller(await token_of("attributes:write")) as writer:
        assert (await writer.get(PATH)).status_code == 403
        put = await writer.put(PATH, params={"account": "Acme"}, json={"attributes": {"payment": "1"}})
        assert put.json()["changed"] == 1
