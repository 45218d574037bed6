"""Alembic's entry: runs the migrations on a connection it is handed, or on DATABASE_URL for the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeDecorator

from app.models import metadata
from app.settings import database_url


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types into a new migration as what they are in the database."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def run(connection: Connection) -> None:
    """Run the migrations inside the connection's transaction, giving up soon where a lock is held."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL lock_timeout = '4s'"))
        connection.execute(sa.text("SET LOCAL statement_timeout = '60s'"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        compare_type=True,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """The handed connection when there is one; else a new one, for `alembic revision` during development."""
    handed: Connection | None = context.config.attributes.get("connection")
    if handed is not None:
        run(handed)
        return
    url = database_url(os.environ.get("DATABASE_URL", ""), Path(os.environ.get("STILLWATCH_DATA", ".stillwatch")))
    engine = sa.create_engine(url.replace("+aiosqlite", ""), poolclass=sa.NullPool)
    with engine.begin() as connection:
        run(connection)


main()
