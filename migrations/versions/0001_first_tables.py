"""First tables: clients, alerts with their history, decisions, labels, outbox, tokens, sessions.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

TABLES = ("client", "outbox", "token", "alert", "session", "alert_event", "decision", "label")


def _client() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.String(length=19), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("in_tokens", sa.BigInteger(), nullable=False),
        sa.Column("out_tokens", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("peer_group", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
    )
    op.create_index(op.f("ix_client_first_seen_id"), "client", ["first_seen", "id"], unique=False)
    op.create_index(op.f("ix_client_last_seen_id"), "client", ["last_seen", "id"], unique=False)
    op.create_index(op.f("ix_client_requests_id"), "client", ["requests", "id"], unique=False)
    op.create_index(op.f("ix_client_score_id"), "client", ["score", "id"], unique=False)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("once", sa.String(length=160), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("once", name=op.f("uq_outbox_once")),
    )
    op.create_index(op.f("ix_outbox_delivered_at_id"), "outbox", ["delivered_at", "id"], unique=False)


def _token() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("bootstrap", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_token_secret_hash")),
    )
    op.create_index(
        "uq_token_standing_name",
        "token",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("fingerprint", sa.String(length=96), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("disposition", sa.String(length=32), nullable=True),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("latest", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_requests", sa.BigInteger(), nullable=False),
        sa.Column("assignee", sa.String(length=120), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=120), nullable=True),
        sa.Column("closed_score", sa.Double(), nullable=True),
        sa.Column("closed_detectors", sa.JSON(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (disposition IS NOT NULL)", name=op.f("ck_alert_closed_has_disposition")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_alert_client_id_client")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("fingerprint", "episode", name=op.f("uq_alert_fingerprint_episode")),
    )
    _alert_indexes()


def _alert_indexes() -> None:
    op.create_index(op.f("ix_alert_client_id_opened_at"), "alert", ["client_id", "opened_at"], unique=False)
    op.create_index(op.f("ix_alert_opened_at_id"), "alert", ["opened_at", "id"], unique=False)
    op.create_index(op.f("ix_alert_score_id"), "alert", ["score", "id"], unique=False)
    op.create_index(op.f("ix_alert_severity_id"), "alert", ["severity", "id"], unique=False)
    op.create_index(op.f("ix_alert_state_opened_at_id"), "alert", ["state", "opened_at", "id"], unique=False)
    op.create_index(op.f("ix_alert_updated_at_id"), "alert", ["updated_at", "id"], unique=False)
    op.create_index(
        "uq_alert_open_fingerprint",
        "alert",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("token_id", sa.String(length=48), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_session_token_id_token")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_expires_at"), "session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_session_token_id"), "session", ["token_id"], unique=False)


def _alert_event() -> None:
    op.create_table(
        "alert_event",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("alert_id", sa.String(length=48), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_event_alert_id_alert")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_event")),
        sa.UniqueConstraint("alert_id", "sequence", name=op.f("uq_alert_event_alert_id_sequence")),
    )


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("alert_id", sa.String(length=48), nullable=False),
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_decision_alert_id_alert")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_decision_client_id_client")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_alert_id_starts_at"), "decision", ["alert_id", "starts_at"], unique=False)
    op.create_index(op.f("ix_decision_client_id_starts_at"), "decision", ["client_id", "starts_at"], unique=False)
    op.create_index(op.f("ix_decision_expires_at"), "decision", ["expires_at"], unique=False)
    op.create_index(
        "uq_decision_standing",
        "decision",
        ["client_id", "action"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _label() -> None:
    op.create_table(
        "label",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("alert_id", sa.String(length=48), nullable=False),
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("disposition", sa.String(length=32), nullable=False),
        sa.Column("given_by", sa.String(length=120), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_label_alert_id_alert")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_label_client_id_client")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    op.create_index(op.f("ix_label_alert_id_given_at"), "label", ["alert_id", "given_at"], unique=False)
    op.create_index(op.f("ix_label_client_id_given_at"), "label", ["client_id", "given_at"], unique=False)


def upgrade() -> None:
    """Create the tables, the referenced ones first."""
    _client()
    _outbox()
    _token()
    _alert()
    _session()
    _alert_event()
    _decision()
    _label()


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in reversed(TABLES):
        op.drop_table(table)
