"""The mode of the gateways: what it is, who set it, and how it is changed. The database is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, PreconditionFailed
from app.models.base import moment
from app.models.mode import ModeChange
from app.models.vocabulary import Mode
from app.store.mode import Told

REASON_LIMIT = 2000  # characters


@dataclass(frozen=True, slots=True)
class Present:
    """The mode now; version 0 is the setting's, which nobody has changed yet."""

    mode: Mode
    version: int
    reason: str = ""
    actor: str = ""
    at: datetime | None = None

    def told(self) -> Told | None:
        """What gateways hear; nothing before the first change."""
        return Told(str(self.mode), self.version) if self.version else None


def _present(change: ModeChange | None, setting: str) -> Present:
    if change is None:
        return Present(Mode(setting), 0)
    return Present(Mode(change.mode), change.version, change.reason, change.actor, change.at)


async def present(session: AsyncSession, setting: str) -> Present:
    """The mode now; `setting` is what it starts as."""
    return _present(await session.scalar(sa.select(ModeChange).order_by(ModeChange.version.desc()).limit(1)), setting)


async def history(session: AsyncSession, limit: int = 20) -> list[ModeChange]:
    """The newest changes, newest first."""
    return list(await session.scalars(sa.select(ModeChange).order_by(ModeChange.version.desc()).limit(limit)))


async def switch(
    session: AsyncSession,
    wanted: str,
    reason: str,
    actor: str,
    setting: str,
    now: float,
    expected_version: int | None = None,
) -> Present:
    """Set the mode; setting it to what it was set to before changes nothing.

    PreconditionFailed where `expected_version` is given and is not the present one; Conflict where somebody
    else sets it at the same moment.
    """
    if wanted not in tuple(Mode):
        raise InvalidInput("/mode", f"choose one of {', '.join(Mode)}")
    reason = reason.strip()
    if len(reason) > REASON_LIMIT or "\0" in reason:
        raise InvalidInput("/reason", f"give at most {REASON_LIMIT} characters, none of them NUL")
    before = await present(session, setting)
    if expected_version is not None and expected_version != before.version:
        raise PreconditionFailed(f"the mode is at version {before.version} now: read it again")
    if before.version and before.mode == wanted:
        return before
    values = {"mode": Mode(wanted), "reason": reason, "actor": actor, "at": moment(now)}
    change = ModeChange(version=before.version + 1, **values)
    session.add(change)
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("somebody else sets the mode at this moment: read it again") from None
    return _present(change, setting)
