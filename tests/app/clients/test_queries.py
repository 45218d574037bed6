"""Clients follow their newest summary, in any order of arrival."""

import asyncio
import math

import pytest
import sqlalchemy as sa

from app.alerts.lifecycle import record as record_alert
from app.campaigns.found import Edge, Found, Member
from app.campaigns.record import record as record_campaigns
from app.campaigns.settle import shut
from app.clients import queries
from app.clients.queries import ClientFilter, ClientSummary
from app.errors import NotFound
from app.models.alert import Alert
from app.models.base import moment
from app.models.campaign import Campaign
from app.models.client import client_number, client_ref, is_client_ref
from app.models.vocabulary import Disposition, State
from app.store.db import read_scope, session_scope
from detectors.base import Level

NOW = 1_800_000_000.0


def summary(number=7, **fields):
    values = {"first": NOW - 60, "last": NOW, "requests": 10, "in_tokens": 100, "out_tokens": 1000, "level": 1}
    return ClientSummary(number, **(values | {"score": 4.5, "peer_group": "bulk"} | fields))


async def upsert(engine, *summaries):
    async with session_scope(engine) as session:
        await queries.upsert(session, summaries)


async def get(engine, number=7):
    async with read_scope(engine) as session:
        return await queries.get_client(session, client_ref(number))


async def test_a_summary_is_written_and_overwritten(database):
    await upsert(database, summary())
    await upsert(database, summary(last=NOW + 5, requests=12, level=2, score=9.9, peer_group="chat"))
    client = await get(database)
    assert (client.requests, client.level, client.score, client.peer_group) == (12, 2, 9.9, "chat")
    assert (client.first_seen, client.last_seen) == (moment(NOW - 60), moment(NOW + 5))


async def test_an_older_summary_changes_nothing(database):
    await upsert(database, summary())
    await upsert(database, summary(last=NOW - 1, requests=3))
    assert (await get(database)).requests == 10


async def test_a_row_that_began_anew_keeps_the_first_day(database):
    await upsert(database, summary())
    await upsert(database, summary(first=NOW + 100, last=NOW + 100, requests=1))
    client = await get(database)
    assert (client.first_seen, client.requests) == (moment(NOW - 60), 1)


async def test_one_call_may_hold_a_client_twice(database):
    await upsert(database, summary(requests=11), summary(requests=10), summary(last=NOW - 9, requests=99))
    assert (await get(database)).requests == 11


async def test_more_clients_than_a_statement_takes(database):
    await upsert(database, *(summary(number) for number in range(1201)))
    async with read_scope(database) as session:
        assert (await queries.totals(session)).clients == 1201


async def test_an_ensured_client_takes_its_first_summary_whenever_that_was(database):
    async with session_scope(database) as session:
        await queries.ensure(session, [(7, NOW + 50)])
        await queries.ensure(session, [(8, NOW), (7, NOW + 60)])
    await upsert(database, summary())
    assert (await get(database)).requests == 10
    async with session_scope(database) as session:
        await queries.ensure(session, [(7, NOW + 70)])
    assert (await get(database)).requests == 10


async def test_two_workers_at_once_do_not_lock_each_other(database):
    forwards = [summary(number) for number in range(300)]
    await asyncio.gather(*(upsert(database, *rows) for rows in (forwards, forwards[::-1]) * 4))
    async with read_scope(database) as session:
        assert (await queries.totals(session)).clients == 300


async def test_numbers_that_a_database_cannot_hold(database):
    await upsert(database, summary(2**64 - 1, requests=2**64 - 1, score=math.nan, peer_group="x" * 500))
    client = await get(database, 2**64 - 1)
    assert (client.id, client.requests, client.score) == ("cl_" + "f" * 16, 2**63 - 1, 0.0)


async def test_lists(database):
    await upsert(database, *(summary(n, score=n / 2, level=n % 3, last=NOW + n) for n in range(9)))

    async def found(**fields):
        async with read_scope(database) as session:
            page = await queries.list_clients(session, ClientFilter(**fields), None, 50)
        return [client_number(client.id) for client in page.items]

    assert await found() == list(range(8, -1, -1))
    assert await found(sort="last_seen") == list(range(9))
    assert await found(level_gte=2) == [8, 5, 2]
    assert await found(seen_gte=moment(NOW + 7)) == [8, 7]
    assert await found(q="0000000008") == [8]
    assert await found(peer_group="chat") == []


async def test_totals_of_nobody_and_of_some(database):
    async with read_scope(database) as session:
        assert await queries.totals(session) == queries.Totals(0, None, None)
    await upsert(database, summary(1, score=3.0), summary(2, score=8.0, last=NOW + 9))
    async with read_scope(database) as session:
        assert await queries.totals(session) == queries.Totals(2, 8.0, moment(NOW + 9))


@pytest.mark.parametrize("name", ["cl_00000000000000aa", "cl_", "cl_\0", "CL_00000000000000AA", "x" * 19])
async def test_what_is_not_there(database, name):
    async with read_scope(database) as session:
        with pytest.raises(NotFound):
            await queries.get_client(session, name)


def test_names_and_numbers_go_both_ways():
    for number in (0, 1, 2**63, 2**64 - 1):
        assert client_number(client_ref(number)) == number
        assert is_client_ref(client_ref(number))


@pytest.mark.parametrize("text", ["", "cl_", "cl_00000000000000AA", "cl_00000000000000zz", "0" * 16, "x" * 19])
def test_what_has_not_the_form_of_an_id(text):
    assert not is_client_ref(text)


async def test_an_account_that_gateways_were_told_is_kept_until_another_is_told(database):
    await upsert(database, summary(account="acme"))
    await upsert(database, summary(last=NOW + 1))
    assert (await get(database)).account == "acme"
    await upsert(database, summary(last=NOW + 2, account="other"))
    assert (await get(database)).account == "other"


async def test_clients_are_listed_by_account(database):
    await upsert(database, summary(1, account="acme"), summary(2, account="acme"), summary(3))
    async with read_scope(database) as session:
        page = await queries.list_clients(session, ClientFilter(account="acme"), None, 10)
    assert {client.id for client in page.items} == {client_ref(1), client_ref(2)}


async def test_those_are_flagged_that_wait_for_a_verdict_alone_or_in_a_campaign(database, make_finding):
    sizes = {"at review": (1, 2, 3), "fell": (4, 5, 6), "watched": (7, 8, 9), "closed": (10, 11, 12)}
    await upsert(database, *(summary(number, score=float(number), level=0) for number in range(1, 15)))
    levels = {"watched": Level.WATCH}
    found = [found_of(name, clients, levels.get(name, Level.REVIEW), NOW) for name, clients in sizes.items()]
    async with session_scope(database) as session:
        await record_campaigns(session, found, NOW)
        await record_alert(session, [make_finding(13), make_finding(14)], NOW)
    async with session_scope(database) as session:
        low = found_of("fell", sizes["fell"], Level.NONE, NOW + 1.0)
        await record_campaigns(session, [*(one for one in found if one.key != "fell"), low], NOW + 1.0)
        closed = await session.scalar(sa.select(Campaign).where(Campaign.key == "closed"))
        shut(closed, Disposition.BENIGN_EXPECTED, "", "ana", NOW + 2.0)
        alert = await session.scalar(sa.select(Alert).where(Alert.client_id == client_ref(14)))
        alert.state, alert.disposition = State.CLOSED, Disposition.BENIGN_EXPECTED
    async with read_scope(database) as session:
        page = await queries.list_clients(session, ClientFilter(flagged=True, sort="score"), None, 50)
        assert [client_number(one.id) for one in page.items] == [1, 2, 3, 4, 5, 6, 13]
        page = await queries.list_clients(session, ClientFilter(flagged=True, sort="score"), None, 5)
        rest = await queries.list_clients(session, ClientFilter(flagged=True, sort="score"), page.next_cursor, 5)
        assert [client_number(one.id) for one in rest.items] == [6, 13]


def found_of(key, clients, level, at):
    members = {client: Member("the same wording as the others", 40, 0.5) for client in clients}
    edges = (Edge("wording", 0xAB, 3, 4, 9.5, "One wording.", clients),)
    return Found(key, members, level, 14.0, 9.2, "Three clients send one wording.", at, 120, edges, {"terms": []})
