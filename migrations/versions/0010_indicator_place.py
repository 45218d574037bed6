"""Up to where matches of imported indicators were counted, so that events read twice count once.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """A table that the previous release does not know: while it counts, nothing is noted, and nothing passed over."""
    op.create_table(
        "indicator_place",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(length=41), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_place")),
    )


def downgrade() -> None:
    """Matches may count twice again."""
    op.drop_table("indicator_place")
