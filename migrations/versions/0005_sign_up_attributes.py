"""What clients and accounts signed up with, as keyed hashes.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Two tables that the previous release does not know."""
    op.create_table(
        "sign_up_attribute",
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("of", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=16), nullable=False),
        sa.Column("updated_by", sa.String(length=120), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "of", "name", name=op.f("pk_sign_up_attribute")),
    )
    op.create_index(op.f("ix_sign_up_attribute_hash"), "sign_up_attribute", ["hash"], unique=False)
    op.create_index(op.f("ix_sign_up_attribute_name"), "sign_up_attribute", ["name"], unique=False)
    op.create_table(
        "sign_up_news",
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("of", sa.String(length=200), nullable=False),
        sa.Column("stamp", sa.String(length=48), nullable=False),
        sa.PrimaryKeyConstraint("kind", "of", name=op.f("pk_sign_up_news")),
    )


def downgrade() -> None:
    """The attributes are lost."""
    op.drop_table("sign_up_news")
    op.drop_table("sign_up_attribute")
