"""Clients that were not seen for long and that nothing refers to: their rows are deleted, some at a time."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.alert import Alert
from app.models.campaign_constraint import CampaignSide
from app.models.campaign_indicator import IndicatorHit
from app.models.campaign_member import CampaignMember
from app.models.client import Client, client_number
from app.models.decision import Decision
from app.models.given_account import GivenAccount
from app.models.label import Label
from app.models.organisation import OrganisationClient
from app.models.sign_up import CLIENT, SignUpAttribute, SignUpNews

PRUNED = 500  # rows that are looked at in one transaction, so that nobody waits for it
REFERENCES = (
    Alert.client_id,
    Decision.client_id,
    Label.client_id,
    CampaignMember.client_id,
    CampaignSide.client_id,
    IndicatorHit.client_id,
    GivenAccount.client_id,
    OrganisationClient.client_id,
)
"""Columns that name clients; beside them only what clients signed up with does."""
Place = tuple[datetime, str]
"""How far a look at all has come: when the last client of it was seen, and its id."""


def _alone() -> list[sa.ColumnElement[bool]]:
    """That nothing refers to a client. What is said of its account is not said of it."""
    by_column = [~sa.exists().where(column == Client.id) for column in REFERENCES]
    signed_up = [
        ~sa.exists().where(table.kind == CLIENT, table.of == Client.id) for table in (SignUpAttribute, SignUpNews)
    ]
    return by_column + signed_up


async def prune(session: AsyncSession, before: datetime, after: Place | None) -> tuple[list[int], Place | None]:
    """Delete those of the next few clients last seen `before` that nothing refers to; which, and where to go on.

    The place is None where the look has come to its end, and the next one begins anew. A client that comes back
    meanwhile keeps its row, or gets another with its next summary.
    """
    query = sa.select(Client.last_seen, Client.id).where(Client.last_seen < before)
    if after is not None:
        query = query.where(sa.tuple_(Client.last_seen, Client.id) > sa.tuple_(*after))
    looked = (await session.execute(query.order_by(Client.last_seen, Client.id).limit(PRUNED))).all()
    place = (looked[-1][0], looked[-1][1]) if len(looked) == PRUNED else None
    old = sa.and_(Client.id.in_([name for _, name in looked]), Client.last_seen < before, *_alone())
    # Whoever writes one of them goes first; of those locked here nobody can say anything new, but may just have done.
    locked = sa.select(Client.id).where(old).with_for_update(of=Client, skip_locked=True)
    chosen = list(await session.scalars(locked)) if looked else []
    if not chosen:
        return [], place
    gone = await session.execute(
        sa.delete(Client).where(Client.id.in_(chosen), *_alone()).returning(Client.id),
        execution_options={"synchronize_session": False},
    )
    return sorted(client_number(name) for name in gone.scalars()), place
