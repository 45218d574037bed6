"""A simulated decision stands beside a real one of the same action.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

NAME = "uq_decision_standing"
STANDS = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    """The previous release, which ends the one by the other, never has both: it keeps to the wider index too."""
    _index(["client_id", "action", "simulated"])


def downgrade() -> None:
    """Of two that stand the real one stays."""
    op.execute(
        "UPDATE decision SET revoked_at = CURRENT_TIMESTAMP, revoked_reason = 'superseded', revoked_by = 'stillwatch' "
        "WHERE simulated AND revoked_at IS NULL AND EXISTS (SELECT 1 FROM decision AS other WHERE NOT other.simulated "
        "AND other.revoked_at IS NULL AND other.client_id = decision.client_id AND other.action = decision.action)"
    )
    _index(["client_id", "action"])


def _index(columns: list[str]) -> None:
    op.drop_index(NAME, table_name="decision")
    op.create_index(NAME, "decision", columns, unique=True, sqlite_where=STANDS, postgresql_where=STANDS)
