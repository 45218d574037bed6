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
    """The previous release writes rows without the new columns: both have a default of the server's.

    Column by column: on SQLite a batch makes the table anew, and a row that refers to a client forbids that.
    """
    op.add_column("client", sa.Column("account", sa.String(length=200), server_default="", nullable=False))
    op.add_column("client", sa.Column("account_given", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(op.f("ix_client_account_id"), "client", ["account", "id"], unique=False)


def downgrade() -> None:
    """The accounts are lost."""
    op.drop_index(op.f("ix_client_account_id"), table_name="client")
    op.drop_column("client", "account_given")
    op.drop_column("client", "account")
