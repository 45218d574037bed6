"""A campaign keeps the highest level that it reached: what was at review stays in the queue when it calms down.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

TABLE = sa.table(
    "campaign",
    sa.column("id", sa.String),
    sa.column("level", sa.SmallInteger),
    sa.column("reached", sa.SmallInteger),
    sa.column("evidence", sa.JSON),
)
EVENT = sa.table("campaign_event", sa.column("campaign_id", sa.String), sa.column("kind", sa.String))


def upgrade() -> None:
    """The previous release does not name the column: its campaigns have 0 there, and are found by their level."""
    op.add_column("campaign", sa.Column("reached", sa.SmallInteger, nullable=False, server_default="0"))
    connection = op.get_bind()
    connection.execute(sa.update(TABLE).values(reached=TABLE.c.level))
    escalated = sa.select(EVENT.c.campaign_id).where(EVENT.c.kind == "escalated")
    connection.execute(sa.update(TABLE).where(TABLE.c.id.in_(escalated)).values(reached=2))
    for name, evidence in connection.execute(sa.select(TABLE.c.id, TABLE.c.evidence).where(TABLE.c.reached < 2)).all():
        opened_at = evidence.get("level") if isinstance(evidence, dict) else None
        if opened_at in (1, 2):
            one = sa.and_(TABLE.c.id == name, TABLE.c.reached < opened_at)
            connection.execute(sa.update(TABLE).where(one).values(reached=opened_at))


def downgrade() -> None:
    """Back to the level alone."""
    op.drop_column("campaign", "reached")
