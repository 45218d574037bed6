"""What reviewing an alert and reviewing a campaign have in common: the version seen, the words given, who has it."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound, PreconditionFailed, PreconditionRequired
from app.models.alert import Alert
from app.models.base import is_id
from app.models.campaign import Campaign
from app.models.vocabulary import Disposition, State

NOTE_LIMIT = 4000  # characters
NAMES: dict[type[Alert | Campaign], tuple[str, str]] = {Alert: ("alert", "al"), Campaign: ("campaign", "cp")}
Reviewed = TypeVar("Reviewed", Alert, Campaign)


async def locked(
    session: AsyncSession, kind: type[Reviewed], reviewed_id: str, expected_version: int | None
) -> Reviewed:
    """The alert or campaign, locked, in the version that the reviewer saw.

    Raises PreconditionRequired without a version, NotFound, and PreconditionFailed where it has another one by now.
    """
    name, prefix = NAMES[kind]
    if expected_version is None:
        raise PreconditionRequired("say which version you saw: send its ETag in If-Match")
    found = None
    if is_id(reviewed_id, prefix):
        found = await session.get(kind, reviewed_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"no such {name}")
    if found.version != expected_version:
        raise PreconditionFailed(f"the {name} is at version {found.version} now: read it again")
    return found


def take(reviewed: Alert | Campaign, actor: str) -> bool:
    """Put it into the actor's review; False where it is there already, Conflict where it is closed or another's."""
    name, _ = NAMES[type(reviewed)]
    if reviewed.state == State.CLOSED:
        raise Conflict(f"the {name} is closed: re-open it first")
    if reviewed.state == State.IN_REVIEW and reviewed.assignee != actor:
        raise Conflict(f"another reviewer has claimed the {name}")
    if reviewed.state != State.NEW:
        return False
    reviewed.state, reviewed.assignee = State.IN_REVIEW, actor
    return True


def words(pointer: str, given: str, *, required: bool = True) -> str:
    """A person's words, trimmed; InvalidInput where they are missing, too long or hold NUL."""
    given = given.strip()
    if len(given) > NOTE_LIMIT or "\0" in given:
        raise InvalidInput(pointer, f"give at most {NOTE_LIMIT} characters, none of them NUL")
    if required and not given:
        raise InvalidInput(pointer, "say why")
    return given


def disposition_of(given: str | None) -> Disposition:
    """The disposition of that name; InvalidInput names the choices."""
    try:
        return Disposition(given or "")
    except ValueError:
        raise InvalidInput("/disposition", f"choose one of {', '.join(Disposition)}") from None
