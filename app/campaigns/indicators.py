"""Indicators of campaigns, out and in: hashes under a key that installations share, never text, with an end."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts.evidence import instant
from app.campaigns import queries
from app.clients import queries as clients
from app.errors import Conflict, InvalidInput, NotFound
from app.models.base import is_id, moment, new_id
from app.models.campaign_indicator import IndicatorHit, IndicatorPlace, IndicatorSet
from app.models.client import client_ref
from app.store.db import IMPORT_LOCK, insert_into, take_turns
from app.store.page import Key, Page, digest, paginate
from detectors.indicators import DIGEST_LENGTH, KINDS, key_id

FORMAT = "stillwatch-indicators-1"
MOST = 2_000  # indicators of one document
LONGEST = 365 * 86_400.0  # seconds that one may hold
SLOTS = 4_095  # sets that events can name
DAY = 86_400.0
ONLY = 1  # the id of the one row that says what was counted
REST_SECONDS = 30 * DAY  # after a set's end, before another gets its number: events that name it may still wait


@dataclass(frozen=True, slots=True)
class Published:
    """The active imported sets, as the extractors read them, and the tokens whose shared hashes are wanted."""

    sets: tuple[dict[str, Any], ...]

    def text(self) -> bytes:
        """The value of the key in Redis."""
        return json.dumps({"sets": self.sets}, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Matched:
    """Requests of one client that matched a set: how many, by which kinds, from when to when."""

    slot: int
    client: int
    count: int
    kinds: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class SetRow:
    """An imported set with what it found."""

    set: IndicatorSet
    clients: int
    matches: int


def _canonical(document: Mapping[str, Any]) -> bytes:
    """What digest and signature are about; ValueError where it is no JSON that can be stored and sent on."""
    bare = {name: value for name, value in document.items() if name not in ("digest", "signature")}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sealed(document: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The document with its SHA-256, and an HMAC that only a holder of the sharing key can make."""
    text = _canonical(document)
    return {**document, "digest": sha256(text).hexdigest(), "signature": hmac.new(key, text, sha256).hexdigest()}


async def export(
    session: AsyncSession, campaign_id: str, known: Mapping[str, Sequence[str]], key: bytes, days: float, now: float
) -> dict[str, Any]:
    """A campaign's indicators; `known` gives the shared hashes of its tokens as `kind:digest`, where they are known.

    Raises Conflict where none of them is known yet.
    """
    if not (math.isfinite(days) and 0 < days * DAY <= LONGEST):
        raise InvalidInput("/days", f"give a number up to {LONGEST / DAY:g}")
    campaign = await queries.get_campaign(session, campaign_id)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for edge in await queries.edges(session, campaign.id):
        for text in known.get(edge.token, ()):
            kind, _, shared = text.partition(":")
            if kind in KINDS:
                found.setdefault((kind, shared), {"kind": kind, "hash": shared, "clients": edge.members})
    if not found:
        raise Conflict("no shared hash of this campaign is known yet: extractors make them from its next requests")
    document = {
        "format": FORMAT,
        "key_id": key_id(key),
        "campaign": campaign.id,
        "size": campaign.size,
        "created_at": instant(now),
        "expires_at": instant(now + days * DAY),
        "expires": now + days * DAY,
        "indicators": list(found.values())[:MOST],
    }
    return sealed(document, key)


async def tokens(session: AsyncSession, campaign_id: str) -> list[str]:
    """The tokens that tie a campaign; NotFound where there is none."""
    campaign = await queries.get_campaign(session, campaign_id)
    return sorted({edge.token for edge in await queries.edges(session, campaign.id)})


def kinds_of(bits: int) -> list[str]:
    """The kinds that a hit's bits name."""
    return [name for place, name in enumerate(KINDS) if bits >> place & 1]


def _signed(document: Mapping[str, Any]) -> bytes:
    """The part of a document that is signed; InvalidInput where nobody can have signed it."""
    try:
        return _canonical(document)
    except ValueError:  # NaN, an infinity, or half of a surrogate pair
        problem = "it holds a number or a character that no exported document has: import it as it was exported"
        raise InvalidInput("/document", problem) from None


def checked(document: Mapping[str, Any], key: bytes, now: float) -> list[dict[str, Any]]:
    """The indicators of a document that another holder of the key made; InvalidInput says what is wrong with it."""
    if document.get("format") != FORMAT:
        raise InvalidInput("/document/format", f"it is not {FORMAT}")
    if document.get("key_id") != key_id(key):
        raise InvalidInput("/document/key_id", "it was made with another sharing key")
    signed = _signed(document)
    signature = hmac.new(key, signed, sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), str(document.get("signature")).encode("utf-8", "replace")):
        raise InvalidInput("/document/signature", "it was changed, or made with another sharing key")
    if document.get("digest", mark := sha256(signed).hexdigest()) != mark:
        raise InvalidInput("/document/digest", "it is another document's: import the document as it was exported")
    if "\0" in str(document.get("campaign")):
        raise InvalidInput("/document/campaign", "it holds NUL: import the document as it was exported")
    expires, found = document.get("expires"), document.get("indicators")
    if not isinstance(expires, int | float) or not now < expires <= now + LONGEST:
        raise InvalidInput("/document/expires", "it has expired, or holds for more than a year")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST:
        raise InvalidInput("/document/indicators", f"give 1 to {MOST}")
    for one in found:
        kind, text = (one.get("kind"), one.get("hash")) if isinstance(one, dict) else (None, None)
        if (
            kind not in KINDS
            or not isinstance(text, str)
            or len(text) != DIGEST_LENGTH
            or set(text) - set("0123456789abcdef")
        ):
            raise InvalidInput("/document/indicators", "one is not a kind and a hash that we know")
    return found


async def take_in(
    session: AsyncSession, document: Mapping[str, Any], note: str, key: bytes, actor: str, now: float
) -> IndicatorSet:
    """Import a document; the same one again changes nothing, unless it was withdrawn: then it is looked for again.

    Raises InvalidInput and Conflict.
    """
    found = checked(document, key, now)
    await take_turns(session, IMPORT_LOCK)
    mark = sha256(_canonical(document)).hexdigest()
    known = await session.scalar(sa.select(IndicatorSet).where(IndicatorSet.digest == mark).with_for_update())
    if known is not None:
        if known.withdrawn_at is not None:
            if known.slot < 0:
                known.slot = await _free_slot(session, now)
            known.withdrawn_at, known.note = None, note.strip() or known.note
            known.imported_by, known.imported_at = actor, moment(now)
            await session.flush()
        return known
    slot = await _free_slot(session, now)
    made = IndicatorSet(
        id=new_id("is", now),
        digest=mark,
        slot=slot,
        source=str(document.get("campaign") or "")[:200],
        note=note.strip(),
        document=dict(document),
        count=len(found),
        imported_by=actor,
        imported_at=moment(now),
        expires_at=moment(float(document["expires"])),
    )
    session.add(made)
    await session.flush()
    return made


async def _free_slot(session: AsyncSession, now: float) -> int:
    """A number that no event names: a new one, else that of the set that ended first, which gives it up."""
    query = sa.select(sa.func.max(IndicatorSet.slot), sa.func.min(IndicatorSet.slot))
    highest, lowest = (await session.execute(query)).one()
    if (highest or 0) < SLOTS:
        return max(highest or 0, 0) + 1
    ended = sa.case(
        (IndicatorSet.withdrawn_at < IndicatorSet.expires_at, IndicatorSet.withdrawn_at), else_=IndicatorSet.expires_at
    )
    rested = sa.select(IndicatorSet).where(IndicatorSet.slot > 0, ended < moment(now - REST_SECONDS))
    old = await session.scalar(rested.order_by(ended, IndicatorSet.id).limit(1).with_for_update())
    if old is None:
        days = REST_SECONDS / DAY
        remedy = f"withdraw those that are no longer needed, and import this one {days:g} days later"
        raise Conflict(f"{SLOTS} sets are looked for or ended less than {days:g} days ago: {remedy}")
    slot, old.slot = old.slot, min(lowest, 0) - 1
    await session.flush()  # before the index sees the number again
    return slot


async def withdraw(session: AsyncSession, set_id: str, now: float) -> IndicatorSet:
    """Look for a set no more; what it found stays. Raises NotFound."""
    found = await session.get(IndicatorSet, set_id, with_for_update=True) if is_id(set_id, "is") else None
    if found is None:
        raise NotFound("no such set of indicators")
    if found.withdrawn_at is None:
        found.withdrawn_at = moment(now)
        await session.flush()
    return found


async def published(session: AsyncSession, now: float) -> Published:
    """The sets that are looked for now."""
    query = sa.select(IndicatorSet).where(IndicatorSet.withdrawn_at.is_(None), IndicatorSet.expires_at > moment(now))
    sets = [
        {
            "slot": one.slot,
            "expires": one.expires_at.timestamp(),
            "hashes": [f"{item['kind']}:{item['hash']}" for item in one.document["indicators"]],
        }
        for one in await session.scalars(query.order_by(IndicatorSet.slot))
    ]
    return Published(tuple(sets))


async def counted(session: AsyncSession) -> str:
    """The last entry of the linker's stream whose matches are counted; empty where nothing was ever counted."""
    return await session.scalar(sa.select(IndicatorPlace.place)) or ""


async def count(session: AsyncSession, matched: Iterable[Matched], place: str = "") -> None:
    """Add up what matched in events up to a `place` in the stream; sets that are gone are passed over.

    The place is kept with the counts: who reads the stream once more after a crash counts only what comes after it.
    """
    found = list(matched)
    if not found:
        return
    if place:
        noted = insert_into(session, IndicatorPlace).values(id=ONLY, place=place)
        await session.execute(
            noted.on_conflict_do_update(index_elements=[IndicatorPlace.id], set_={"place": noted.excluded.place})
        )
    slots = sorted({one.slot for one in found})
    query = sa.select(IndicatorSet.slot, IndicatorSet.id).where(IndicatorSet.slot.in_(slots))
    ids = {row[0]: row[1] for row in await session.execute(query)}
    found = [one for one in found if one.slot in ids]
    await clients.ensure(session, [(one.client, one.first) for one in found])
    statement = insert_into(session, IndicatorHit)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[IndicatorHit.set_id, IndicatorHit.client_id],
        set_={
            "count": IndicatorHit.count + new.count,
            "kinds": IndicatorHit.kinds.op("|")(new.kinds),
            "last_at": new.last_at,
        },
    )
    rows = [
        {
            "set_id": ids[one.slot],
            "client_id": client_ref(one.client),
            "count": one.count,
            "kinds": one.kinds,
            "first_at": moment(one.first),
            "last_at": moment(one.last),
        }
        for one in found
    ]
    if rows:
        await (await session.connection()).execute(statement, rows)


async def list_sets(session: AsyncSession, cursor: str | None, limit: int) -> Page[IndicatorSet]:
    """A page of imported sets, the newest first."""
    keys = (Key(IndicatorSet.imported_at, descending=True), Key(IndicatorSet.id, descending=True))
    return await paginate(session, sa.select(IndicatorSet), keys, digest("indicator sets"), cursor, limit)


async def with_hits(session: AsyncSession, sets: Sequence[IndicatorSet]) -> list[SetRow]:
    """Sets with the clients and requests that matched each."""
    query = sa.select(IndicatorHit.set_id, sa.func.count(), sa.func.sum(IndicatorHit.count))
    query = query.where(IndicatorHit.set_id.in_([one.id for one in sets])).group_by(IndicatorHit.set_id)
    found = {row[0]: (int(row[1]), int(row[2])) for row in await session.execute(query)}
    return [SetRow(one, *found.get(one.id, (0, 0))) for one in sets]


async def hits_of(session: AsyncSession, client_id: str) -> list[tuple[IndicatorHit, IndicatorSet]]:
    """What of the imported sets a client matched, the most often first."""
    query = (
        sa.select(IndicatorHit, IndicatorSet)
        .join(IndicatorSet, IndicatorSet.id == IndicatorHit.set_id)
        .where(IndicatorHit.client_id == client_id)
        .order_by(IndicatorHit.count.desc(), IndicatorSet.id)
    )
    return [(row[0], row[1]) for row in await session.execute(query.limit(50))]
