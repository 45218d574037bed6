"""What the pages say of chance: of the week's alerts together, and of one of them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from app.alerts.chance import LEVEL, Chance, Kept
from app.console import words

RATE = f"false discovery rate {words.quantity(LEVEL, 'share')}"


async def week(request: Request, db: AsyncSession, now: float) -> Chance:
    """The week's batch as this process keeps it."""
    kept: Kept = request.app.state.chance
    return await kept.read(db, request.app.state.scoring.reference, now)


def queue(found: Chance) -> str:
    """How many of the week's alerts chance would bring; empty where none came, or nobody can say."""
    if found.expected is None or not found.reviewed:
        return ""
    clients = f"{words.count(found.clients)} client{'' if found.clients == 1 else 's'}"
    by_chance = "fewer than one" if found.expected < 1 else f"about {words.count(found.expected)}"
    came = f"{'' if found.complete else 'at least '}{words.count(found.reviewed)}"
    told = [
        f"Of {clients} compared in the last seven days {by_chance} would come to review by chance; {came} did.",
        _beyond(found),
    ]
    if found.tripwires:
        one = found.tripwires == 1
        told.append(
            f"{words.count(found.tripwires)} more, which a tripwire brought, {'is' if one else 'are'} not counted here."
        )
    return " ".join(told)


def _beyond(found: Chance) -> str:
    """How many of them are beyond chance, or why nobody can say so of any."""
    if found.beyond == found.reviewed:
        them = "such alerts" if found.reviewed == 1 else "of them"
        return f"At most 1 in 10 {them} is expected to be ordinary ({RATE})."
    if found.beyond == 1:
        return f"1 of them, marked “beyond chance”, opened higher than chance explains ({RATE})."
    if found.beyond:
        return (
            f"{words.count(found.beyond)} of them, marked “beyond chance”, opened so high that at most 1 in 10 of "
            f"those is expected to be ordinary ({RATE})."
        )
    if found.resolvable is not None and found.resolvable > LEVEL:
        return f"So few of so many cannot be told from chance, however high they are ({RATE})."
    none = "It did not open" if found.reviewed == 1 else "None of them opened"
    return f"{none} high enough to be told from chance ({RATE})."


def alert(q: float | None) -> str:
    """What the batch says of one alert; empty where it is no part of it."""
    if q is None:
        return ""
    which = "Of the last seven days' alerts that opened as far over their threshold as this one, or further,"
    if q >= 0.95:
        return f"{which} all may be ordinary: as many are expected by chance."
    return f"{which} up to {words.quantity(q, 'share')} are expected to be ordinary."
