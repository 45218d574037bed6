"""The accounts that operators gave, apart from the clients, and a stamp of the newest import.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Two tables that the previous release does not know; what it imports meanwhile must be imported again."""
    op.create_table(
        "given_account",
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_given_account")),
    )
    op.create_table(
        "given_stamp",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_given_stamp")),
    )
    # The clients are only read, so nobody waits for this; those with a given account are few.
    op.execute("INSERT INTO given_account (client_id, account) SELECT id, account FROM client WHERE account_given")


def downgrade() -> None:
    """The clients have what was given."""
    op.drop_table("given_stamp")
    op.drop_table("given_account")
