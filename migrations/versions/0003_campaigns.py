"""Campaigns with their members, edges, history and constraints; organisations; shared indicators.

RULE: this migration runs while the PREVIOUS release is still serving (see script.py.mako).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = (
    "campaign",
    "indicator_set",
    "organisation",
    "campaign_constraint",
    "campaign_edge",
    "campaign_event",
    "campaign_member",
    "indicator_hit",
    "organisation_client",
    "organisation_account",
    "campaign_side",
)


def _campaign() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.String(length=48), nullable=True),
        sa.Column("merged_into", sa.String(length=48), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("disposition", sa.String(length=32), nullable=True),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("latest", sa.JSON(), nullable=False),
        sa.Column("assignee", sa.String(length=120), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=120), nullable=True),
        sa.Column("closed_size", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (disposition IS NOT NULL)", name=op.f("ck_campaign_closed_has_disposition")
        ),
        sa.ForeignKeyConstraint(["merged_into"], ["campaign.id"], name=op.f("fk_campaign_merged_into_campaign")),
        sa.ForeignKeyConstraint(["previous_id"], ["campaign.id"], name=op.f("fk_campaign_previous_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    _campaign_indexes()


def _campaign_indexes() -> None:
    op.create_index(op.f("ix_campaign_opened_at_id"), "campaign", ["opened_at", "id"], unique=False)
    op.create_index(op.f("ix_campaign_previous_id"), "campaign", ["previous_id"], unique=False)
    op.create_index(op.f("ix_campaign_score_id"), "campaign", ["score", "id"], unique=False)
    op.create_index(op.f("ix_campaign_size_id"), "campaign", ["size", "id"], unique=False)
    op.create_index(
        op.f("ix_campaign_state_level_opened_at_id"), "campaign", ["state", "level", "opened_at", "id"], unique=False
    )
    op.create_index(op.f("ix_campaign_updated_at_id"), "campaign", ["updated_at", "id"], unique=False)


def _indicator_set() -> None:
    op.create_table(
        "indicator_set",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(length=120), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_set")),
        sa.UniqueConstraint("digest", name=op.f("uq_indicator_set_digest")),
        sa.UniqueConstraint("slot", name=op.f("uq_indicator_set_slot")),
    )
    op.create_index(op.f("ix_indicator_set_imported_at_id"), "indicator_set", ["imported_at", "id"], unique=False)


def _organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("updated_by", sa.String(length=120), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("name", name=op.f("uq_organisation_name")),
    )


def _campaign_constraint() -> None:
    op.create_table(
        "campaign_constraint",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("campaign_id", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_constraint_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_constraint")),
    )
    op.create_index(op.f("ix_campaign_constraint_campaign_id"), "campaign_constraint", ["campaign_id"], unique=False)


def _campaign_edge() -> None:
    op.create_table(
        "campaign_edge",
        sa.Column("campaign_id", sa.String(length=48), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("clients", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("holders", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_edge_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("campaign_id", "rank", name=op.f("pk_campaign_edge")),
    )


def _campaign_event() -> None:
    op.create_table(
        "campaign_event",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("campaign_id", sa.String(length=48), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_event_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_event")),
        sa.UniqueConstraint("campaign_id", "sequence", name=op.f("uq_campaign_event_campaign_id_sequence")),
    )


def _campaign_member() -> None:
    op.create_table(
        "campaign_member",
        sa.Column("campaign_id", sa.String(length=48), nullable=False),
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_reason", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_member_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_campaign_member_client_id_client")),
        sa.PrimaryKeyConstraint("campaign_id", "client_id", name=op.f("pk_campaign_member")),
    )
    op.create_index(
        op.f("ix_campaign_member_campaign_id_joined_at_client_id"),
        "campaign_member",
        ["campaign_id", "joined_at", "client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_campaign_member_client_id_campaign_id"), "campaign_member", ["client_id", "campaign_id"], unique=False
    )


def _indicator_hit() -> None:
    op.create_table(
        "indicator_hit",
        sa.Column("set_id", sa.String(length=48), nullable=False),
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("kinds", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_indicator_hit_client_id_client")),
        sa.ForeignKeyConstraint(["set_id"], ["indicator_set.id"], name=op.f("fk_indicator_hit_set_id_indicator_set")),
        sa.PrimaryKeyConstraint("set_id", "client_id", name=op.f("pk_indicator_hit")),
    )
    op.create_index(op.f("ix_indicator_hit_client_id"), "indicator_hit", ["client_id"], unique=False)


def _organisation_client() -> None:
    op.create_table(
        "organisation_client",
        "organisation_account",
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("organisation_id", sa.String(length=48), nullable=False),
        sa.Column("added_by", sa.String(length=120), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_organisation_client_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_organisation_client")),
    )
    op.create_index(
        op.f("ix_organisation_client_organisation_id"), "organisation_client", ["organisation_id"], unique=False
    )


def _campaign_side() -> None:
    op.create_table(
        "campaign_side",
        sa.Column("constraint_id", sa.String(length=48), nullable=False),
        sa.Column("client_id", sa.String(length=19), nullable=False),
        sa.Column("side", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_campaign_side_client_id_client")),
        sa.ForeignKeyConstraint(
            ["constraint_id"],
            ["campaign_constraint.id"],
            name=op.f("fk_campaign_side_constraint_id_campaign_constraint"),
        ),
        sa.PrimaryKeyConstraint("constraint_id", "client_id", name=op.f("pk_campaign_side")),
    )


def _organisation_account() -> None:
    op.create_table(
        "organisation_account",
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("organisation_id", sa.String(length=48), nullable=False),
        sa.Column("added_by", sa.String(length=120), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_organisation_account_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_organisation_account")),
    )
    op.create_index(
        op.f("ix_organisation_account_organisation_id"), "organisation_account", ["organisation_id"], unique=False
    )


def upgrade() -> None:
    """New tables and a column that may be empty: the previous release does not look at them."""
    for make in (
        _campaign,
        _indicator_set,
        _organisation,
        _campaign_constraint,
        _campaign_edge,
        _campaign_event,
        _campaign_member,
        _indicator_hit,
        _organisation_client,
        _organisation_account,
        _campaign_side,
    ):
        make()
    op.add_column("decision", sa.Column("campaign_id", sa.String(length=48), nullable=True))
    op.create_index(op.f("ix_decision_campaign_id"), "decision", ["campaign_id"], unique=False)


def downgrade() -> None:
    """Undo `upgrade`."""
    op.drop_index(op.f("ix_decision_campaign_id"), "decision")
    with op.batch_alter_table("decision") as table:
        table.drop_column("campaign_id")
    for name in reversed(TABLES):
        op.drop_table(name)
