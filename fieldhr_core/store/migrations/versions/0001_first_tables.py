"""The first tables.

Revision ID: 0001
Revises:
Create Date: 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = ("fieldhr",)
depends_on = None


def upgrade() -> None:
    """Create every table of the first release, under the runtime's prefix and schema."""
    tables = context.config.attributes["tables"]
    prefix, schema = tables.prefix, tables.schema
    within = f"{schema}." if schema else ""
    op.create_table(
        f"{prefix}absences",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}absences_rep", f"{prefix}absences", ["tenant", "rep", "start_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}answers",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(f"ix_{prefix}answers_at", f"{prefix}answers", ["tenant", "at_ms"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}attachments",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("record", sa.String(length=120), nullable=False),
        sa.Column("media", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}attachments_record", f"{prefix}attachments", ["tenant", "record"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}attendance",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}attendance_rep", f"{prefix}attendance", ["tenant", "rep", "time_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}audit",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object_kind", sa.String(length=40), nullable=False),
        sa.Column("object", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "seq"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}bases",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("basis", sa.String(length=40), nullable=False),
        sa.Column("notice", sa.String(length=60), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}bases_rep", f"{prefix}bases", ["tenant", "rep", "purpose"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}cases",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=True),
        sa.Column("instance", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("pattern", sa.String(length=80), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer_by_ms", sa.BigInteger(), nullable=True),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=True),
        sa.Column("escalated_ms", sa.BigInteger(), nullable=True),
        sa.Column("snoozed_ms", sa.BigInteger(), nullable=True),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.Column("wake_ms", sa.BigInteger(), nullable=True),
        sa.Column("origin", sa.String(length=120), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        sa.UniqueConstraint("tenant", "code", "subject", "instance", name=f"uq_{prefix}cases"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}cases_code", f"{prefix}cases", ["tenant", "code", "raised_ms"], unique=False, schema=schema
    )
    op.create_index(
        f"ix_{prefix}cases_rep", f"{prefix}cases", ["tenant", "rep", "opened_ms"], unique=False, schema=schema
    )
    op.create_index(
        f"ix_{prefix}cases_scope", f"{prefix}cases", ["tenant", "origin", "scope"], unique=False, schema=schema
    )
    op.create_index(f"ix_{prefix}cases_wake", f"{prefix}cases", ["tenant", "wake_ms"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}checkins",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(length=120), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("distance_m", sa.Float(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}checkins_rep", f"{prefix}checkins", ["tenant", "rep", "time_ms"], unique=False, schema=schema
    )
    op.create_index(
        f"ix_{prefix}checkins_time", f"{prefix}checkins", ["tenant", "time_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}counters",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "subject", "date"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}cursors",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("pulled_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}customers",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("schema", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=True),
        sa.Column("industry", sa.String(length=80), nullable=False),
        sa.Column("risk", sa.String(length=20), nullable=False),
        sa.Column("potential", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("gone_ms", sa.BigInteger(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("identity_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}customers_owner", f"{prefix}customers", ["tenant", "owner"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}deals",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("product", sa.String(length=60), nullable=False),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("cancelled_ms", sa.BigInteger(), nullable=True),
        sa.Column("met_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}deals_rep", f"{prefix}deals", ["tenant", "rep", "opened_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}feedback",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.Column("rating", sa.Float(), nullable=True),
        sa.Column("deal", sa.String(length=120), nullable=True),
        sa.Column("about", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}feedback_rep", f"{prefix}feedback", ["tenant", "rep", "at_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}follow_ups",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("written_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("joint_with", sa.JSON(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=True),
        sa.Column("need_share", sa.Float(), nullable=True),
        sa.Column("terms", sa.Integer(), nullable=True),
        sa.Column("sketch", sa.BigInteger(), nullable=True),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}follow_ups_customer",
        f"{prefix}follow_ups",
        ["tenant", "customer", "start_ms"],
        unique=False,
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}follow_ups_rep",
        f"{prefix}follow_ups",
        ["tenant", "rep", "written_ms"],
        unique=False,
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}follow_ups_start", f"{prefix}follow_ups", ["tenant", "start_ms"], unique=False, schema=schema
    )
    op.create_index(
        f"ix_{prefix}follow_ups_written", f"{prefix}follow_ups", ["tenant", "written_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}loans",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("product", sa.String(length=60), nullable=False),
        sa.Column("booked_ms", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("overdue_ms", sa.BigInteger(), nullable=True),
        sa.Column("cured_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("risk", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}loans_rep", f"{prefix}loans", ["tenant", "rep", "booked_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}contacts",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(f"ix_{prefix}contacts_time", f"{prefix}contacts", ["tenant", "at_ms"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}inspections",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}inspections_time", f"{prefix}inspections", ["tenant", "received_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}jobs",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("job", sa.String(length=160), nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "job"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}keys",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("data_class", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("suite", sa.String(length=20), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}keys_scope", f"{prefix}keys", ["tenant", "data_class", "person"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}messages",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("thread", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=True),
        sa.Column("speaker", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("product", sa.String(length=60), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("offset_s", sa.Float(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}messages_rep", f"{prefix}messages", ["tenant", "rep", "time_ms"], unique=False, schema=schema
    )
    op.create_index(
        f"ix_{prefix}messages_thread", f"{prefix}messages", ["tenant", "thread", "time_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}meta",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}metrics",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("last", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("exposure", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("computed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "metric", "first", "last"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}outbox",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("recipient", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("case", sa.String(length=120), nullable=True),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}outbox_due", f"{prefix}outbox", ["tenant", "state", "due_ms"], unique=False, schema=schema
    )
    op.create_index(f"ix_{prefix}outbox_case", f"{prefix}outbox", ["tenant", "case"], unique=False, schema=schema)
    op.create_index(
        f"ix_{prefix}outbox_recipient",
        f"{prefix}outbox",
        ["tenant", "recipient", "state"],
        unique=False,
        schema=schema,
    )
    op.create_table(
        f"{prefix}outings",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("meeting_place", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}outings_rep", f"{prefix}outings", ["tenant", "rep", "start_ms"], unique=False, schema=schema
    )
    op.create_index(
        f"ix_{prefix}outings_start", f"{prefix}outings", ["tenant", "start_ms"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}people",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("contact_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("manager", sa.String(length=120), nullable=True),
        sa.Column("team", sa.String(length=120), nullable=False),
        sa.Column("branch", sa.String(length=120), nullable=False),
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("pattern", sa.JSON(), nullable=True),
        sa.Column("joined", sa.String(length=10), nullable=True),
        sa.Column("left", sa.String(length=10), nullable=True),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("traits", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_index(f"ix_{prefix}people_manager", f"{prefix}people", ["tenant", "manager"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}places",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}quarantine",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=True),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}rep_days",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("resolver", sa.String(length=120), nullable=False),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "rep", "date"),
        schema=schema,
    )
    op.create_index(f"ix_{prefix}rep_days_date", f"{prefix}rep_days", ["tenant", "date"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}rulings",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=120), nullable=False),
        sa.Column("submission", sa.String(length=120), nullable=False),
        sa.Column("check", sa.String(length=120), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("grounds_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "submission", "check"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}tenants",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pattern", sa.JSON(), nullable=False),
        sa.Column("calendar", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("settings_before", sa.JSON(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}tokens",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}track_parts",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row"),
        sa.UniqueConstraint("tenant", "rep", "date", "part", name=f"uq_{prefix}track_parts"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}visits",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("rep", sa.String(length=120), nullable=False),
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("certain_s", sa.Float(), nullable=False),
        sa.Column("possible_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "rep", "date", "start_ms"),
        schema=schema,
    )
    op.create_index(
        f"ix_{prefix}visits_customer",
        f"{prefix}visits",
        ["tenant", "customer", "start_ms"],
        unique=False,
        schema=schema,
    )
    op.create_index(f"ix_{prefix}visits_date", f"{prefix}visits", ["tenant", "date"], unique=False, schema=schema)
    op.create_index(f"ix_{prefix}visits_start", f"{prefix}visits", ["tenant", "start_ms"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}addresses",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "customer"],
            [f"{within}{prefix}customers.tenant", f"{within}{prefix}customers.id"],
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "customer", "id"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}case_events",
        sa.Column("tenant", sa.String(length=120), nullable=False),
        sa.Column("case", sa.String(length=120), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "case"], [f"{within}{prefix}cases.tenant", f"{within}{prefix}cases.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "case", "seq"),
        schema=schema,
    )
    # ### end Alembic commands ###
