"""The tables. Every one but ``version``, ``meta`` and ``tenants`` has the tenant first in its primary key.

Names ending in ``_sealed`` hold values of :mod:`fieldhr_core.trust.vault`; what is personal stands nowhere else.
Whereabouts are sealed from the first byte: a batch of fixes is one sealed *part* of its rep-day, and what a resolver
made of the rep-day is sealed beside it (decision 0002). Times are ``BigInteger`` UTC milliseconds.

The tables belong to a :class:`StoreTables`, built for one prefix or schema, so that two runtimes can live in one
process and in one database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

__all__ = ["SCHEMA_VERSION", "StoreTables"]

#: Revision of the schema below; equals the head of the migrations.
SCHEMA_VERSION: Final = "0001"


class StoreTables:
    """The tables of one runtime, as attributes.

    Args:
        prefix: put before every table name (``fieldhr_``).
        schema: database schema they live in; ``None`` for the connection's default.
    """

    def __init__(self, prefix: str = "fieldhr_", schema: str | None = None) -> None:
        import sqlalchemy as sa
        from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Text

        self.prefix = prefix
        self.schema = schema
        self.metadata: MetaData = sa.MetaData(schema=schema)

        # Ids are the host's opaque strings; 120 characters hold any UUID, URN or compound key seen in practice.
        ident = String(120)

        def table(name: str, *columns: Column[Any] | sa.Constraint | sa.Index) -> Table:
            return sa.Table(prefix + name, self.metadata, *columns)

        def tenant() -> Column[str]:
            return Column("tenant", ident, primary_key=True)

        def key(name: str = "id") -> Column[str]:
            return Column(name, ident, primary_key=True)

        def index(name: str, *columns: str) -> sa.Index:
            return sa.Index(f"ix_{prefix}{name}", *columns)

        # In the shape Alembic expects of its version table, under a name of our own.
        self.version = table("version", Column("version_num", String(32), primary_key=True))
        self.meta = table("meta", Column("key", String(60), primary_key=True), Column("value", Text, nullable=False))
        self.tenants = table(
            "tenants",
            Column("id", ident, primary_key=True),
            Column("name", Text, nullable=False),
            Column("pattern", sa.JSON, nullable=False),
            Column("calendar", sa.JSON, nullable=False),
            Column("settings", sa.JSON, nullable=False),
            Column("settings_before", sa.JSON),
            Column("simulated", Boolean, nullable=False),
            Column("created_ms", BigInteger, nullable=False),
        )
        self.keys = table(
            "keys",
            tenant(),
            key(),
            Column("data_class", String(30), nullable=False),
            Column("person", ident),
            Column("version", Integer, nullable=False),
            Column("suite", String(20), nullable=False),
            Column("wrapped", LargeBinary),
            Column("state", String(20), nullable=False),
            Column("created_ms", BigInteger, nullable=False),
            index("keys_scope", "tenant", "data_class", "person"),
        )
        self.people = table(
            "people",
            tenant(),
            key(),
            Column("name_sealed", LargeBinary, nullable=False),
            Column("contact_sealed", LargeBinary),
            Column("role", String(60), nullable=False),
            Column("manager", ident),
            Column("team", ident, nullable=False),
            Column("branch", ident, nullable=False),
            Column("territory", String(60), nullable=False),
            Column("pattern", sa.JSON),
            Column("joined", String(10)),
            Column("left", String(10)),
            Column("language", String(20), nullable=False),
            Column("traits", sa.JSON, nullable=False),
            index("people_manager", "tenant", "manager"),
        )
        self.absences = table(
            "absences",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("kind", String(20), nullable=False),
            Column("start_ms", BigInteger, nullable=False),
            Column("end_ms", BigInteger, nullable=False),
            index("absences_rep", "tenant", "rep", "start_ms"),
        )
        self.bases = table(
            "bases",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("purpose", String(40), nullable=False),
            Column("basis", String(40), nullable=False),
            Column("notice", String(60), nullable=False),
            Column("from_ms", BigInteger, nullable=False),
            Column("until_ms", BigInteger),
            index("bases_rep", "tenant", "rep", "purpose"),
        )
        self.places = table(
            "places",
            tenant(),
            key(),
            Column("kind", String(20), nullable=False),
            Column("category", String(60), nullable=False),
            Column("subject", ident),
            Column("private", Boolean, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
        )
        self.customers = table(
            "customers",
            tenant(),
            key(),
            Column("schema", String(20), nullable=False),
            Column("owner", ident),
            Column("industry", String(80), nullable=False),
            Column("risk", String(20), nullable=False),
            Column("potential", String(40), nullable=False),
            Column("source", String(60), nullable=False),
            Column("updated_ms", BigInteger, nullable=False),
            Column("gone_ms", BigInteger),
            Column("body_sealed", LargeBinary, nullable=False),
            Column("identity_sealed", LargeBinary),
            index("customers_owner", "tenant", "owner"),
        )
        self.addresses = table(
            "addresses",
            tenant(),
            key("customer"),
            key(),
            # Put elsewhere by the house than the source says: looked at before the source's word is taken again.
            Column("pinned", Boolean, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            sa.ForeignKeyConstraint(
                ["tenant", "customer"], [self.customers.c.tenant, self.customers.c.id], ondelete="CASCADE"
            ),
        )
        self.outings = table(
            "outings",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("start_ms", BigInteger, nullable=False),
            Column("end_ms", BigInteger, nullable=False),
            Column("meeting_place", ident),
            index("outings_rep", "tenant", "rep", "start_ms"),
            index("outings_start", "tenant", "start_ms"),
        )
        self.rep_days = table(
            "rep_days",
            tenant(),
            key("rep"),
            Column("date", String(10), primary_key=True),
            Column("zone", String(60), nullable=False),
            Column("state", String(10), nullable=False),
            Column("fixes", Integer, nullable=False),
            Column("digest", String(64), nullable=False),
            Column("resolver", String(120), nullable=False),
            Column("resolved_ms", BigInteger, nullable=False),
            Column("resolved_sealed", LargeBinary),
            index("rep_days_date", "tenant", "date"),
        )
        self.track_parts = table(
            "track_parts",
            Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
            Column("tenant", ident, nullable=False),
            Column("rep", ident, nullable=False),
            Column("date", String(10), nullable=False),
            Column("part", String(32), nullable=False),
            Column("fixes", Integer, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            # A rowid table with a unique key: a block in a WITHOUT ROWID tree wastes a third of its pages.
            sa.UniqueConstraint("tenant", "rep", "date", "part", name=f"uq_{prefix}track_parts"),
        )
        self.visits = table(
            "visits",
            tenant(),
            key("rep"),
            Column("date", String(10), primary_key=True),
            Column("start_ms", BigInteger, primary_key=True),
            Column("end_ms", BigInteger, nullable=False),
            Column("customer", ident, nullable=False),
            Column("certain_s", Float, nullable=False),
            Column("possible_s", Float, nullable=False),
            index("visits_customer", "tenant", "customer", "start_ms"),
            index("visits_date", "tenant", "date"),
            index("visits_start", "tenant", "start_ms"),
        )
        self.checkins = table(
            "checkins",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("time_ms", BigInteger, nullable=False),
            Column("recorded_ms", BigInteger, nullable=False),
            Column("device", ident, nullable=False),
            Column("verdict", String(10), nullable=False),
            Column("reason", String(60), nullable=False),
            Column("distance_m", Float),
            Column("body_sealed", LargeBinary, nullable=False),
            index("checkins_rep", "tenant", "rep", "time_ms"),
            index("checkins_time", "tenant", "time_ms"),
        )
        self.follow_ups = table(
            "follow_ups",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("kind", String(40), nullable=False),
            Column("start_ms", BigInteger, nullable=False),
            Column("end_ms", BigInteger, nullable=False),
            Column("written_ms", BigInteger, nullable=False),
            Column("received_ms", BigInteger, nullable=False),
            Column("joint_with", sa.JSON, nullable=False),
            Column("next_ms", BigInteger),
            # What its text shows of itself, worked out when it was written: scores never open it.
            Column("need_share", Float),
            Column("terms", Integer),
            Column("sketch", BigInteger),
            Column("text_sealed", LargeBinary),
            index("follow_ups_rep", "tenant", "rep", "written_ms"),
            index("follow_ups_customer", "tenant", "customer", "start_ms"),
            index("follow_ups_start", "tenant", "start_ms"),
            index("follow_ups_written", "tenant", "written_ms"),
        )
        self.attachments = table(
            "attachments",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("record", ident, nullable=False),
            Column("media", String(60), nullable=False),
            Column("size", Integer, nullable=False),
            Column("digest", String(64), nullable=False),
            Column("time_ms", BigInteger, nullable=False),
            Column("recorded_ms", BigInteger, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            index("attachments_record", "tenant", "record"),
        )
        self.messages = table(
            "messages",
            tenant(),
            key(),
            Column("thread", ident, nullable=False),
            Column("rep", ident, nullable=False),
            Column("customer", ident),
            Column("speaker", String(20), nullable=False),
            Column("channel", String(20), nullable=False),
            Column("language", String(20), nullable=False),
            Column("product", String(60), nullable=False),
            Column("time_ms", BigInteger, nullable=False),
            Column("offset_s", Float),
            Column("confidence", Float),
            Column("outcome", String(10), nullable=False),
            Column("text_sealed", LargeBinary, nullable=False),
            index("messages_thread", "tenant", "thread", "time_ms"),
            index("messages_rep", "tenant", "rep", "time_ms"),
        )
        self.rulings = table(
            "rulings",
            tenant(),
            key("kind"),
            key("submission"),
            key("check"),
            Column("version", String(40), nullable=False),
            Column("outcome", String(10), nullable=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("grounds_sealed", LargeBinary, nullable=False),
        )
        self.deals = table(
            "deals",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("product", String(60), nullable=False),
            Column("stage", String(40), nullable=False),
            Column("opened_ms", BigInteger, nullable=False),
            Column("closed_ms", BigInteger),
            Column("amount_minor", BigInteger),
            Column("currency", String(3), nullable=False),
            Column("channel", String(40), nullable=False),
            Column("facts", sa.JSON, nullable=False),
            Column("cancelled_ms", BigInteger),
            Column("met_ms", BigInteger),
            index("deals_rep", "tenant", "rep", "opened_ms"),
        )
        self.loans = table(
            "loans",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("product", String(60), nullable=False),
            Column("booked_ms", BigInteger, nullable=False),
            Column("amount_minor", BigInteger),
            Column("currency", String(3), nullable=False),
            Column("due_ms", BigInteger),
            Column("overdue_ms", BigInteger),
            Column("cured_ms", BigInteger),
            Column("closed_ms", BigInteger),
            Column("state", String(40), nullable=False),
            Column("risk", String(20), nullable=False),
            index("loans_rep", "tenant", "rep", "booked_ms"),
        )
        self.contacts = table(
            "contacts",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("channel", String(40), nullable=False),
            Column("direction", String(10), nullable=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("answered_ms", BigInteger),
            Column("talk_s", Float, nullable=False),
            index("contacts_time", "tenant", "at_ms"),
        )
        self.inspections = table(
            "inspections",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("kind", String(40), nullable=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("received_ms", BigInteger, nullable=False),
            # What a photo looks like, never the photo: enough to see it again, too little to see anything in it.
            Column("fingerprint", Text),
            Column("text_sealed", LargeBinary),
            index("inspections_time", "tenant", "received_ms"),
        )
        self.feedback = table(
            "feedback",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("customer", ident, nullable=False),
            Column("kind", String(40), nullable=False),
            Column("state", String(20), nullable=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("settled_ms", BigInteger),
            Column("rating", Float),
            Column("deal", ident),
            Column("about", ident),
            index("feedback_rep", "tenant", "rep", "at_ms"),
        )
        self.attendance = table(
            "attendance",
            tenant(),
            key(),
            Column("rep", ident, nullable=False),
            Column("kind", String(20), nullable=False),
            Column("time_ms", BigInteger, nullable=False),
            index("attendance_rep", "tenant", "rep", "time_ms"),
        )
        self.cases = table(
            "cases",
            tenant(),
            key(),
            Column("code", String(60), nullable=False),
            Column("subject_kind", String(40), nullable=False),
            Column("subject", ident, nullable=False),
            Column("rep", ident),
            Column("instance", String(200), nullable=False),
            Column("state", String(20), nullable=False),
            Column("severity", String(10), nullable=False),
            Column("opened_ms", BigInteger, nullable=False),
            Column("closed_ms", BigInteger),
            Column("raised_ms", BigInteger, nullable=False),
            Column("updated_ms", BigInteger, nullable=False),
            Column("owner", ident),
            Column("outcome", String(12), nullable=False),
            Column("pattern", String(80), nullable=False),
            Column("told_ms", BigInteger),
            Column("answer_by_ms", BigInteger),
            Column("deadline_ms", BigInteger),
            Column("escalated_ms", BigInteger),
            Column("snoozed_ms", BigInteger),
            Column("settled_ms", BigInteger),
            # When time itself has to do something with the case: wake, escalate, close. Null: never.
            Column("wake_ms", BigInteger),
            Column("origin", String(120), nullable=False),
            Column("scope", String(200), nullable=False),
            # Told to compliance, HR or the administrator only: neither the rep nor the rep's manager may see it.
            Column("confidential", Boolean, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            sa.UniqueConstraint("tenant", "code", "subject", "instance", name=f"uq_{prefix}cases"),
            index("cases_scope", "tenant", "origin", "scope"),
            index("cases_rep", "tenant", "rep", "opened_ms"),
            index("cases_wake", "tenant", "wake_ms"),
            index("cases_code", "tenant", "code", "raised_ms"),
        )
        self.case_events = table(
            "case_events",
            tenant(),
            key("case"),
            Column("seq", Integer, primary_key=True),
            Column("at_ms", BigInteger, nullable=False),
            Column("by", ident, nullable=False),
            Column("step", String(20), nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            sa.ForeignKeyConstraint(["tenant", "case"], [self.cases.c.tenant, self.cases.c.id], ondelete="CASCADE"),
        )
        self.metrics = table(
            "metrics",
            tenant(),
            key("subject"),
            Column("metric", String(80), primary_key=True),
            Column("first", String(10), primary_key=True),
            Column("last", String(10), primary_key=True),
            Column("value", Float),
            Column("exposure", Float, nullable=False),
            Column("low", Float),
            Column("high", Float),
            Column("computed_ms", BigInteger, nullable=False),
        )
        self.audit = table(
            "audit",
            tenant(),
            Column("seq", BigInteger, primary_key=True, autoincrement=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("actor", ident, nullable=False),
            Column("role", String(20), nullable=False),
            Column("purpose", String(40), nullable=False),
            Column("action", String(60), nullable=False),
            Column("object_kind", String(40), nullable=False),
            Column("object", String(200), nullable=False),
            Column("detail", Text, nullable=False),
            Column("mac", LargeBinary, nullable=False),
        )
        self.outbox = table(
            "outbox",
            tenant(),
            key(),
            Column("channel", String(60), nullable=False),
            # A digest of channel and recipient, so that they can be counted and gathered without being opened.
            Column("recipient", String(32), nullable=False),
            Column("code", String(60), nullable=False),
            Column("case", ident),
            Column("urgency", Integer, nullable=False),
            Column("created_ms", BigInteger, nullable=False),
            Column("due_ms", BigInteger, nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("state", String(10), nullable=False),
            Column("reason", Text, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            index("outbox_due", "tenant", "state", "due_ms"),
            index("outbox_recipient", "tenant", "recipient", "state"),
            index("outbox_case", "tenant", "case"),
        )
        self.quarantine = table(
            "quarantine",
            tenant(),
            key(),
            Column("kind", String(40), nullable=False),
            Column("rep", ident),
            Column("code", String(60), nullable=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
        )
        self.counters = table(
            "counters",
            tenant(),
            Column("name", String(60), primary_key=True),
            key("subject"),
            Column("date", String(10), primary_key=True),
            Column("count", BigInteger, nullable=False),
        )
        self.jobs = table(
            "jobs",
            tenant(),
            Column("job", String(160), primary_key=True),
            Column("done_ms", BigInteger, nullable=False),
        )
        self.tokens = table(
            "tokens",
            tenant(),
            key(),
            Column("digest", String(64), nullable=False),
            Column("principal", ident, nullable=False),
            Column("role", String(20), nullable=False),
            Column("person", ident),
            Column("purpose", String(40), nullable=False),
            Column("created_ms", BigInteger, nullable=False),
            Column("expires_ms", BigInteger, nullable=False),
            Column("revoked_ms", BigInteger),
        )
        self.answers = table(
            "answers",
            tenant(),
            key(),
            Column("request", String(64), nullable=False),
            Column("at_ms", BigInteger, nullable=False),
            Column("body_sealed", LargeBinary, nullable=False),
            index("answers_at", "tenant", "at_ms"),
        )
        self.cursors = table(
            "cursors",
            tenant(),
            Column("source", String(60), primary_key=True),
            Column("cursor", Text),
            Column("pulled_ms", BigInteger),
            Column("state", String(20), nullable=False),
            Column("failures", Integer, nullable=False),
            Column("reason", Text, nullable=False),
        )

    def plain_name(self, table: Table) -> str:
        """Return a table's name without the prefix: what policies, sealed values and backups know it by."""
        return table.name.removeprefix(self.prefix)
