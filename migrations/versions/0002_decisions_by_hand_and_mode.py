"""Decisions made by hand, with parameters, and the mode of the gateways with its history.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

COLUMNS = ("parameters", "made_by", "revoked_by", "revoked_note")


def upgrade() -> None:
    """Add what the previous release does not look at; its own decisions all have an alert."""
    with op.batch_alter_table("decision") as table:
        table.alter_column("alert_id", existing_type=sa.String(length=48), nullable=True)
        table.add_column(sa.Column("parameters", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("made_by", sa.String(length=120), nullable=False, server_default="stillwatch"))
        table.add_column(sa.Column("revoked_by", sa.String(length=120), nullable=True))
        table.add_column(sa.Column("revoked_note", sa.Text(), nullable=True))
    op.create_table(
        "mode_change",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_mode_change")),
    )


def downgrade() -> None:
    """Undo `upgrade`; decisions without an alert go with it."""
    op.drop_table("mode_change")
    op.execute("DELETE FROM decision WHERE alert_id IS NULL")
    with op.batch_alter_table("decision") as table:
        for name in COLUMNS:
            table.drop_column(name)
        table.alter_column("alert_id", existing_type=sa.String(length=48), nullable=False)
