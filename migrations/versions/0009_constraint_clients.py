"""Whether a reviewer's constraint names a client is found by an index, now that rows of clients are deleted.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

NAME = "ix_campaign_side_client_id"


def upgrade() -> None:
    """The table has as many rows as reviewers have split and merged members, so the lock is short."""
    op.create_index(NAME, "campaign_side", ["client_id"])


def downgrade() -> None:
    """Without it."""
    op.drop_index(NAME, table_name="campaign_side")
