"""Sign-up attributes are kept as keyed hashes; they are set, changed, replaced, taken back and forgotten."""

import pytest
import sqlalchemy as sa

from app.campaigns import attribute_tables, attributes
from app.campaigns.attributes import Imported
from app.errors import InvalidInput
from app.models.client import client_ref
from app.models.sign_up import SignUpAttribute, SignUpNews
from app.store.db import read_scope, session_scope

NOW = 1_800_000_000.0
SECRET = b"s" * 32
ONE, TWO = client_ref(1), client_ref(2)


async def given(database, *lines, **how):
    async with session_scope(database) as session:
        return await attributes.give(session, attribute_tables.read(lines), SECRET, "ana", NOW, **how)


async def kept(database):
    async with read_scope(database) as session:
        rows = await session.scalars(sa.select(SignUpAttribute).order_by(SignUpAttribute.of, SignUpAttribute.name))
        return {(one.of, one.name): one.hash for one in rows}


async def told(database):
    """Whose news wait for the linker; they are taken away."""
    async with session_scope(database) as session:
        found = set(await session.scalars(sa.select(SignUpNews.of)))
        await session.execute(sa.delete(SignUpNews))
    return found


def test_a_hash_is_of_secret_name_and_value():
    marks = {
        attributes.hashed(secret, name, value)
        for secret in (SECRET, b"t" * 32)
        for name in ("payment", "phone")
        for value in ("1", "2")
    }
    assert len(marks) == 8
    assert all(len(mark) == 16 and int(mark, 16) for mark in marks)


async def test_values_are_set_changed_taken_back_and_never_kept(database):
    table = ("client,email_domain,payment", f"{ONE},example.org,card-4711", f"{TWO},Example.org,")
    assert await given(database, *table) == Imported(2, 3, 0, 0)
    assert await told(database) == {ONE, TWO}
    first = await kept(database)
    assert first[ONE, "email_domain"] == first[TWO, "email_domain"]
    assert not any("example" in mark or "4711" in mark for mark in first.values())
    assert await given(database, *table) == Imported(2, 0, 3, 0)
    assert await told(database) == set()
    assert await given(database, "client,payment", f"{ONE},other", f"{TWO},x") == Imported(2, 2, 0, 0)
    assert await given(database, "client,email_domain", f"{TWO},") == Imported(1, 0, 0, 1)
    assert await told(database) == {ONE, TWO}
    now = await kept(database)
    assert set(now) == {(ONE, "email_domain"), (ONE, "payment"), (TWO, "payment")}
    assert now[ONE, "payment"] != first[ONE, "payment"]


async def test_replacing_forgets_what_is_not_named(database):
    await given(database, "client,email_domain,payment", f"{ONE},a.org,1", f"{TWO},a.org,1")
    assert await given(database, "client,payment", f"{ONE},1", replace=True) == Imported(1, 0, 1, 1)
    assert set(await kept(database)) == {(ONE, "payment"), (TWO, "email_domain"), (TWO, "payment")}


async def test_one_can_be_forgotten_and_an_attribute_dropped(database):
    await given(database, "client,email_domain,payment", f"{ONE},a.org,1", f"{TWO},a.org,1")
    await given(database, "account,email_domain", "Acme,a.org")
    await told(database)
    async with session_scope(database) as session:
        assert await attributes.forget(session, ("client", ONE), NOW) == 2
        assert await attributes.forget(session, ("client", ONE), NOW) == 0
    assert await told(database) == {ONE}
    async with session_scope(database) as session:
        assert await attributes.drop(session, "email_domain", NOW) == 2
    assert set(await kept(database)) == {(TWO, "payment")}
    assert await told(database) == {TWO, "Acme"}


async def test_nobody_has_more_than_sixteen_and_nothing_is_changed_then(database):
    names = ",".join(f"a{number}" for number in range(16))
    await given(database, f"client,{names}", f"{ONE}{',1' * 16}")
    with pytest.raises(InvalidInput, match="more than 16"):
        await given(database, "client,a0,more", f"{TWO},2,2", f"{ONE},2,2")
    assert len(await kept(database)) == 16
    assert (await given(database, "client,a0,more", f"{ONE},,2")).removed == 1


async def test_pages_say_how_many_share_a_value(database):
    await given(database, "client,email_domain,payment", f"{ONE},a.org,1", f"{TWO},a.org,2")
    await given(database, "account,email_domain", "Acme,a.org")
    async with read_scope(database) as session:
        first = await attributes.list_attributes(session, None, "", None, 3)
        rest = await attributes.list_attributes(session, None, "", first.next_cursor, 3)
        rows = await attributes.counted(session, [*first.items, *rest.items])
        mine = await attributes.list_attributes(session, ("client", TWO), "payment", None, 3)
        acme = await attributes.of_client(session, TWO, "Acme")
    assert [(row.attribute.of, row.attribute.name, row.shared) for row in rows] == [
        ("Acme", "email_domain", 3),
        (ONE, "email_domain", 3),
        (ONE, "payment", 1),
        (TWO, "email_domain", 3),
        (TWO, "payment", 1),
    ]
    assert [one.of for one in mine.items] == [TWO]
    assert [(row.attribute.of, row.attribute.name, row.shared) for row in acme] == [
        (TWO, "email_domain", 3),
        (TWO, "payment", 1),
    ]
