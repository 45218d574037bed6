"""Without the table outbox: notifications were written to it that nothing ever delivered.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako). No release has written
this table. A worker or console of a development version before must be stopped first: it fails where it would write.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """What the messages told of stays in alerts, campaigns, decisions and changes of the mode."""
    op.drop_table("outbox")


def downgrade() -> None:
    """The table, without its messages."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("once", sa.String(length=160), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("once", name=op.f("uq_outbox_once")),
    )
    op.create_index(op.f("ix_outbox_delivered_at_id"), "outbox", ["delivered_at", "id"], unique=False)
