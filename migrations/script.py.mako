"""${message}

RULE: this migration runs while the PREVIOUS release is still serving.
- The previous release must keep working on the new tables: add first; drop or rename one release later.
- A new column is nullable or has a server default; a new constraint starts NOT VALID on PostgreSQL.
- Locks are short: env.py gives up after 4 s of waiting. Build an index on a big table CONCURRENTLY, in a
  migration of its own; copy data in small batches, never in one statement over a whole table.
- It runs on SQLite and on PostgreSQL, up and down, with rows in every table; tests/app/store/test_db.py checks both.
- SQLite: batch mode makes a table anew, which fails where a row of another table refers to it. Add and drop columns
  of such a table one by one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels: str | None = ${repr(branch_labels)}
depends_on: str | None = ${repr(depends_on)}


def upgrade() -> None:
    """${message}"""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo `upgrade`."""
    ${downgrades if downgrades else "pass"}
