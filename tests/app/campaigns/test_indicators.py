"""Indicator documents: what one installation signs another takes in; matches are counted by client."""

import asyncio
import json

import pytest

from app.campaigns import indicators
from app.campaigns.indicators import Matched
from app.errors import Conflict, InvalidInput, NotFound
from app.store.db import read_scope, session_scope
from detectors.indicators import key_id

KEY, NOW = b"k" * 32, 1_800_000_500.0
SHARED = "head:" + "ab" * 16


@pytest.fixture
async def document(database, passed, campaigns, found):
    await passed(found(1, 2, 3))
    async with read_scope(database) as session:
        (one,) = await campaigns()
        (token,) = await indicators.tokens(session, one.id)
        return await indicators.export(session, one.id, {token: [SHARED, "unknown:00"]}, KEY, 30, NOW)


async def test_a_document_holds_hashes_and_an_end_and_nothing_else(document):
    assert document["indicators"] == [{"kind": "head", "hash": "ab" * 16, "clients": 3}]
    assert document["expires"] == NOW + 30 * 86_400
    assert set(document) == {
        "format", "key_id", "campaign", "size", "created_at", "expires_at", "expires", "indicators", "digest",
        "signature",
    }  # fmt: skip
    assert "cl_" not in json.dumps(document)


async def test_nothing_is_exported_before_a_hash_is_known(database, document):
    async with read_scope(database) as session:
        with pytest.raises(Conflict):
            await indicators.export(session, document["campaign"], {}, KEY, 30, NOW)
        with pytest.raises(InvalidInput):
            await indicators.export(session, document["campaign"], {}, KEY, 400, NOW)


async def test_taken_in_once_published_until_it_ends_and_withdrawn(database, document):
    sent = json.loads(json.dumps(document))
    async with session_scope(database) as session:
        one = await indicators.take_in(session, sent, " from a friend ", KEY, "ana", NOW + 10)
        again = await indicators.take_in(session, sent, "", KEY, "ana", NOW + 20)
        assert (again.id, one.slot, one.count, one.note) == (one.id, 1, 1, "from a friend")
    async with read_scope(database) as session:
        (told,) = (await indicators.published(session, NOW + 30)).sets
        assert told == {"slot": 1, "expires": document["expires"], "hashes": [SHARED]}
        assert (await indicators.published(session, document["expires"] + 1)).sets == ()
    async with session_scope(database) as session:
        await indicators.withdraw(session, one.id, NOW + 40)
        assert (await indicators.published(session, NOW + 50)).sets == ()
        with pytest.raises(NotFound):
            await indicators.withdraw(session, "is_missing", NOW)


async def test_a_set_that_was_withdrawn_is_looked_for_again_once_it_is_imported_again(database, document):
    async with session_scope(database) as session:
        one = await indicators.take_in(session, document, "from a friend", KEY, "ana", NOW)
        await indicators.count(session, [Matched(1, 77, 3, 1, NOW, NOW + 5)])
        await indicators.withdraw(session, one.id, NOW + 10)
    async with session_scope(database) as session:
        again = await indicators.take_in(session, document, "withdrawn by mistake", KEY, "ben", NOW + 20)
    async with read_scope(database) as session:
        (row,) = await indicators.with_hits(session, (await indicators.list_sets(session, None, 10)).items)
        assert [told["slot"] for told in (await indicators.published(session, NOW + 30)).sets] == [1]
    assert (again.id, row.set.id, row.set.withdrawn_at, row.matches) == (one.id, one.id, None, 3)
    assert (row.set.note, row.set.imported_by, row.set.imported_at.timestamp()) == (
        "withdrawn by mistake", "ben", NOW + 20,
    )  # fmt: skip


async def test_sets_are_told_apart_by_what_they_hold_and_not_by_the_digest_they_name(database, document):
    bare = {name: value for name, value in document.items() if name not in ("digest", "signature")}
    other = {**bare, "indicators": [{"kind": "head", "hash": "cd" * 16, "clients": 3}]}
    unnamed = [indicators.sealed(one, KEY) for one in (bare, other)]
    for one in unnamed:
        del one["digest"]
    async with session_scope(database) as session:
        made = [await indicators.take_in(session, one, "", KEY, "ana", NOW) for one in unnamed]
        assert (await indicators.take_in(session, document, "", KEY, "ana", NOW)).id == made[0].id
    assert [one.slot for one in made] == [1, 2]
    assert made[0].digest == document["digest"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"format": "other"}, "/document/format"),
        ({"key_id": "00"}, "/document/key_id"),
        ({"size": 4}, "/document/signature"),
        ({"signature": "é"}, "/document/signature"),
        ({"signature": None}, "/document/signature"),
        ({"digest": "00" * 32}, "/document/digest"),
        ({"digest": None}, "/document/digest"),
        ({"digest": "\ud800"}, "/document/digest"),
        ({"size": "\ud800"}, "/document"),
        ({"\ud800": 1}, "/document"),
        ({"size": float("nan")}, "/document"),
        ({"size": float("inf")}, "/document"),
    ],
)
async def test_what_was_changed_or_is_foreign_is_refused(document, change, pointer):
    with pytest.raises(InvalidInput) as refused:
        indicators.checked({**document, **change}, KEY, NOW)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    "change",
    [{"expires": NOW - 1}, {"expires": NOW + 400 * 86_400}, {"indicators": []}, {"indicators": [{"kind": "head"}]},
     {"indicators": [{"kind": "head", "hash": "zz" * 16}]}, {"campaign": "cp_\0"}],
)  # fmt: skip
def test_a_signed_document_may_still_be_wrong(change):
    good = {"format": indicators.FORMAT, "key_id": indicators.key_id(KEY), "expires": NOW + 60,
            "indicators": [{"kind": "head", "hash": "ab" * 16}]}  # fmt: skip
    assert indicators.checked(indicators.sealed(good, KEY), KEY, NOW)
    with pytest.raises(InvalidInput):
        indicators.checked(indicators.sealed({**good, **change}, KEY), KEY, NOW)


async def test_matches_add_up_by_client_and_unknown_sets_are_passed_over(database, document):
    async with session_scope(database) as session:
        one = await indicators.take_in(session, document, "", KEY, "ana", NOW)
        await indicators.count(session, [Matched(1, 77, 3, 1, NOW, NOW + 5), Matched(9, 77, 1, 1, NOW, NOW)])
        await indicators.count(session, [Matched(1, 77, 2, 8, NOW + 6, NOW + 9), Matched(1, 78, 1, 1, NOW, NOW)])
    async with read_scope(database) as session:
        (row,) = await indicators.with_hits(session, (await indicators.list_sets(session, None, 10)).items)
        assert (row.clients, row.matches) == (2, 6)
        ((hit, of),) = await indicators.hits_of(session, "cl_000000000000004d")
    assert (hit.count, indicators.kinds_of(hit.kinds), of.id) == (5, ["head", "network"], one.id)
    assert (hit.last_at - hit.first_at).total_seconds() == 9


async def test_the_place_up_to_which_matches_are_counted_is_kept_with_them(database, document):
    async with session_scope(database) as session:
        await indicators.take_in(session, document, "", KEY, "ana", NOW)
        assert await indicators.counted(session) == ""
        await indicators.count(session, [Matched(1, 77, 3, 1, NOW, NOW + 5)], "7-1")
        await indicators.count(session, [], "7-2")  # nothing to count twice
        assert await indicators.counted(session) == "7-1"
        await indicators.count(session, [Matched(1, 77, 3, 1, NOW, NOW + 5)], "8-0")
        assert await indicators.counted(session) == "8-0"


def another(number, expires=NOW + 30 * 86_400):
    one = {"kind": "head", "hash": f"{number:032x}", "clients": 3}
    bare = {"format": indicators.FORMAT, "key_id": key_id(KEY), "campaign": f"cp_{number}", "expires": expires}
    return indicators.sealed({**bare, "indicators": [one]}, KEY)


@pytest.mark.parametrize("same", [False, True])
async def test_two_that_are_imported_at_once_are_both_taken_in(database, same):
    async def take(number):
        async with session_scope(database) as session:
            return await indicators.take_in(session, another(number), "", KEY, "ana", NOW)

    taken = await asyncio.gather(*(take(1 if same else number) for number in range(6)))
    assert sorted({one.slot for one in taken}) == ([1] if same else [1, 2, 3, 4, 5, 6])


async def test_the_numbers_of_sets_that_ended_long_ago_are_given_again(database, monkeypatch):
    monkeypatch.setattr(indicators, "SLOTS", 2)

    async def take(number, now):
        async with session_scope(database) as session:
            return await indicators.take_in(session, another(number, now + 90 * 86_400), "", KEY, "ana", now)

    first, second = await take(1, NOW), await take(2, NOW)
    with pytest.raises(Conflict, match="withdraw those that are no longer needed"):
        await take(3, NOW)
    async with session_scope(database) as session:
        await indicators.count(session, [Matched(1, 77, 3, 1, NOW, NOW)])
        await indicators.withdraw(session, first.id, NOW)
    with pytest.raises(Conflict):
        await take(3, NOW + indicators.REST_SECONDS - 1)
    later = NOW + indicators.REST_SECONDS + 1
    third = await take(3, later)
    assert third.slot == 1
    async with session_scope(database) as session:
        await indicators.count(session, [Matched(1, 78, 5, 1, later, later)])
        rows = await indicators.with_hits(session, (await indicators.list_sets(session, None, 10)).items)
        assert {row.set.id: row.matches for row in rows} == {first.id: 3, second.id: 0, third.id: 5}
        told = (await indicators.published(session, later)).sets
        assert [one["slot"] for one in told] == [1, 2]


async def test_a_withdrawn_set_whose_number_went_to_another_gets_a_new_one(database, monkeypatch):
    monkeypatch.setattr(indicators, "SLOTS", 1)
    later = NOW + indicators.REST_SECONDS + 1
    mine, other = another(1, NOW + 300 * 86_400), another(2, later + 86_400)
    async with session_scope(database) as session:
        one = await indicators.take_in(session, mine, "", KEY, "ana", NOW)
        await indicators.withdraw(session, one.id, NOW)
        two = await indicators.take_in(session, other, "", KEY, "ana", later)
        assert (one.slot, two.slot) == (-1, 1)
        with pytest.raises(Conflict):
            await indicators.take_in(session, mine, "", KEY, "ana", later)
    async with session_scope(database) as session:
        await indicators.withdraw(session, two.id, later)
        again = await indicators.take_in(session, mine, "", KEY, "ana", later + indicators.REST_SECONDS + 1)
        assert (again.id, again.slot) == (one.id, 1)
