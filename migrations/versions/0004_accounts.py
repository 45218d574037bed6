"""The account that a client belongs to.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """The previous release writes rows without the new columns: both have a default of the server's."""
    with op.batch_alter_table("client") as table:
        table.add_column(sa.Column("account", sa.String(length=200), server_default="", nullable=False))
        table.add_column(sa.Column("account_given", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.create_index(op.f("ix_client_account_id"), ["account", "id"], unique=False)


def downgrade() -> None:
    """The accounts are lost."""
    with op.batch_alter_table("client") as table:
        table.drop_index(op.f("ix_client_account_id"))
        table.drop_column("account_given")
        table.drop_column("account")
