"""Customers and deals from any SQL database: its tables are read by reflection and mapped, changes only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_core.model import Datum

if TYPE_CHECKING:
    from fieldhr_core.hooks import Connector

__all__ = ["PLUGIN", "SqlSettings", "TableSettings", "fieldhr_register_connectors"]


@attrs.frozen(kw_only=True)
class TableSettings:
    """One table or view, and how its rows are read.

    Attributes:
        table: its name, with the schema before a dot where it is not the default one; empty: none.
        mapping: column -> field, beside what is recognised; an empty field leaves a column out.
        changed: column that grows whenever a row changes (a time, or a number); empty: every row is read each time and
            compared with what it said before. Rows in which it is null are read each time.
        deleted: column that is set, or true, in rows that count as deleted.
        gone: how customers that are not there any more are noticed: ``absence`` (their ids are compared), or ``never``.
    """

    table: str = ""
    mapping: Mapping[str, str] = attrs.field(factory=dict)
    changed: str = ""
    deleted: str = ""
    gone: str = attrs.field(default="absence", validator=attrs.validators.in_(("absence", "never")))


@attrs.frozen(kw_only=True)
class SqlSettings:
    """Which database, which tables, and how their cells are read.

    Attributes:
        url: of the database, as SQLAlchemy spells it; of a user who may read and nothing else.
        customers, deals: their tables.
        datum: of coordinates where no column says it; never guessed.
        zone: IANA zone of times without one.
        date_order: how ``03/04/2026`` is meant in columns of text: ``dmy``, ``mdy``, or empty: such dates are problems.
        currency: ISO 4217, where no column says it.
        default_schema: ``Person`` or ``Organization``, where nothing tells.
        source: written into every customer.
        page_rows: rows of one page.
        overlap_s: how far before the last change seen the next round looks again, where ``changed`` is a time:
            transactions that were open then.
        most_gone_share: a pull that would take away more than this share of the known customers raises instead.
    """

    url: str = attrs.field(default="", repr=False)
    customers: TableSettings = attrs.field(factory=TableSettings)
    deals: TableSettings = attrs.field(factory=TableSettings)
    datum: Datum | None = None
    zone: str = "Asia/Shanghai"
    date_order: str = attrs.field(default="", validator=attrs.validators.in_(("", "dmy", "mdy")))
    currency: str = "CNY"
    default_schema: str = attrs.field(
        default="Organization", validator=attrs.validators.in_(("Person", "Organization"))
    )
    source: str = "sql"
    page_rows: int = attrs.field(default=5_000, validator=attrs.validators.ge(1))
    overlap_s: int = attrs.field(default=300, validator=attrs.validators.ge(0))
    most_gone_share: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])


PLUGIN = PluginInfo(
    name="fieldhr.crm_sql",
    version="0.1.0",
    summary="Customers and deals from any SQL database by reflection and a mapping, changed rows only.",
    settings=SqlSettings,
)


@hookimpl
def fieldhr_register_connectors(context: RegistrationContext) -> Iterable[Offer[Connector]]:
    """Offer the connector ``sql``."""
    del context

    def sql(settings: SqlSettings | None) -> Connector:
        from fieldhr_plugins.crm_sql.connector import SqlConnector

        return SqlConnector(settings or SqlSettings())

    return [Offer("sql", sql)]
