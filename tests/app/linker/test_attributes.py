"""Sign-up attributes reach the core: old and new ones, of clients that come later too, and none that were forgotten."""

import time
from collections import Counter

import pytest
import sqlalchemy as sa

from app.campaigns import attribute_tables, attributes
from app.clients import queries as clients
from app.errors import Unavailable
from app.linker import attributes as module
from app.linker.attributes import Attributes
from app.linker.core import Core, restore, save
from app.linker.desk import Desk
from app.models.client import Client, client_ref
from app.store.db import make_engine

NOW = 1_800_000_100.0
SECRET = b"s" * 32
HARVEST = range(1, 13)


@pytest.fixture
def desk(sqlite_url, migrated):
    migrated(sqlite_url)
    made = Desk(make_engine(sqlite_url), Counter(), lambda: True)
    yield made
    made.close()


@pytest.fixture
def say(desk):
    """Does some work in a transaction of the database."""

    def do(*lines, forget=None, account=None):
        async def work(session):
            if lines:
                await attributes.give(session, attribute_tables.read(lines), SECRET, "ana", NOW)
            if forget is not None:
                await attributes.forget(session, ("client", client_ref(forget)), NOW)
            if account is not None:
                await clients.ensure(session, [(account, NOW)])
                await session.execute(sa.update(Client).where(Client.id == client_ref(account)).values(account="Acme"))

        desk.ask(work)

    return do


@pytest.fixture
def core(crowd):
    made = Core()
    made.observe(crowd())
    return made


def ties(core):
    """How many members and clients have each sign-up attribute that ties the campaign."""
    (one,) = core.link(NOW)
    return {edge.kind: (edge.members, edge.clients) for edge in one.edges if "sign-up" in edge.kind}


def paid(of, card="one"):
    return ["client,payment,phone_prefix", *(f"{client_ref(client)},{card},{client}" for client in of)]


PAYMENT = "a sign-up attribute (payment)"


def test_what_was_supplied_ties_members_and_says_its_name(core, desk, say):
    assert ties(core) == {}
    turns = Attributes(desk, Counter())
    assert not turns.turn(core, NOW, 0.0)
    assert not core.fresh
    say(*paid(HARVEST))
    turns.turn(core, NOW, 5.0)
    assert core.fresh
    assert ties(core) == {PAYMENT: (12, 12)}
    turns.turn(core, NOW, 10.0)
    assert not core.fresh


def test_one_that_comes_later_is_tied_to_those_that_were_alone(core, desk, say, crowd):
    say(*paid([1]))
    turns = Attributes(desk, Counter())
    turns.turn(core, NOW, 0.0)
    assert ties(core) == {}
    say(*paid([2, 40]))  # 40 has sent nothing so far
    turns.turn(core, NOW, 5.0)
    assert ties(core) == {PAYMENT: (2, 2)}
    core.observe(crowd(clients=[40], seed=3))
    turns.turn(core, NOW, 10.0)
    assert ties(core) == {PAYMENT: (3, 3)}


def test_what_is_changed_or_forgotten_ties_no_longer_and_after_a_restart_neither(core, desk, say, tmp_path):
    say(*paid(HARVEST))
    turns = Attributes(desk, Counter())
    turns.turn(core, NOW, 0.0)
    say(*paid([3], card="another"), forget=4)
    turns.turn(core, NOW, 5.0)
    assert ties(core) == {PAYMENT: (10, 10)}
    save(core.linker, b"1-1", tmp_path / "state", lambda: True)
    say(forget=5)
    again, _ = restore(tmp_path / "state", Counter())
    assert ties(again) == {PAYMENT: (10, 10)}
    Attributes(desk, Counter()).turn(again, NOW, 0.0)
    assert ties(again) == {PAYMENT: (9, 9)}


def test_an_account_that_becomes_known_later_brings_its_attributes(core, desk, say):
    say("account,payment", "Acme,one")
    say(*paid([1, 2]))
    turns = Attributes(desk, Counter())
    turns.turn(core, NOW, 0.0)
    assert ties(core) == {PAYMENT: (2, 2)}
    say(account=3)
    turns.turn(core, NOW, 5.0)
    assert ties(core) == {PAYMENT: (2, 2)}
    turns.turn(core, NOW, module.LATER_SECONDS)
    assert ties(core) == {PAYMENT: (3, 3)}
    say(account=4)
    turns.turn(core, NOW, module.AGAIN_SECONDS)
    assert ties(core) == {PAYMENT: (4, 4)}


def test_many_are_looked_up_a_part_at_a_time(core, desk, say, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 15)
    say(*paid(HARVEST))
    counts: Counter[str] = Counter()
    turns = Attributes(desk, counts)
    assert [turns.turn(core, NOW, float(turn)) for turn in range(4)] == [True, True, False, False]
    assert ties(core) == {PAYMENT: (12, 12)}
    assert counts["attributes_looked_up"] >= 42


def test_a_database_that_is_away_is_said(core, free_port):
    away = Desk(make_engine(f"postgresql+psycopg://x:y@127.0.0.1:{free_port()}/z"), Counter(), lambda: True)
    with pytest.raises(Unavailable):
        Attributes(away, Counter()).turn(core, NOW, time.monotonic())
    away.close()
