"""The connector ``sql`` on real databases: reflection, changed rows only, deletes, pages, and what is wrong by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from fieldhr_core.errors import ConfigError, RecordError, SourceError
from fieldhr_core.hooks import Pulled
from fieldhr_core.model import Datum
from fieldhr_core.testing.conformance import ConnectorConformance
from fieldhr_plugins.crm_sql import SqlSettings, TableSettings
from fieldhr_plugins.crm_sql.connector import SqlConnector
from fieldhr_plugins.crm_sql.tables import cell_of

pytestmark = pytest.mark.req("G3")

NINE = datetime.fromisoformat("2026-03-02 09:00:00")
MAPPING = {"CUST_REF": "id", "CUST_NM": "name", "REP": "owner", "ADDR": "address", "LAT": "lat", "LON": "lon"}


@pytest.fixture
def theirs(database_url: str) -> Any:
    """Another system's database: customers with a time of change and a tombstone, deals with a number of change."""
    engine = sa.create_engine(database_url)
    meta = sa.MetaData()
    sa.Table(
        "CRM_CUSTOMER",
        meta,
        sa.Column("CUST_REF", sa.Integer, primary_key=True),
        sa.Column("CUST_NM", sa.String(80)),
        sa.Column("REP", sa.String(20)),
        sa.Column("ADDR", sa.String(80)),
        sa.Column("LAT", sa.Numeric(9, 6)),
        sa.Column("LON", sa.Numeric(9, 6)),
        sa.Column("CHANGED", sa.DateTime),
        sa.Column("DROPPED", sa.DateTime),
    )
    sa.Table(
        "loans",
        meta,
        sa.Column("loan_id", sa.String(20), primary_key=True),
        sa.Column("rep", sa.String(20)),
        sa.Column("customer", sa.String(20)),
        sa.Column("opened", sa.Date),
        sa.Column("amount", sa.Numeric(12, 2)),
        sa.Column("version", sa.Integer),
    )
    meta.create_all(engine)
    with engine.begin() as connection:
        rows = [row(number, changed=NINE + timedelta(minutes=number)) for number in range(1, 26)]
        connection.execute(meta.tables["CRM_CUSTOMER"].insert(), rows)
        loans = [
            {"loan_id": f"L{n}", "rep": "r-1", "customer": str(n), "opened": NINE.date(), "amount": 10.5, "version": n}
            for n in range(1, 6)
        ]
        connection.execute(meta.tables["loans"].insert(), loans)

    class Theirs:
        url = database_url
        customers, loans = meta.tables["CRM_CUSTOMER"], meta.tables["loans"]

        @staticmethod
        def run(*statements: Any) -> None:
            with engine.begin() as connection:
                for statement in statements:
                    connection.execute(statement)

    yield Theirs
    engine.dispose()


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "CUST_REF": number, "CUST_NM": f"Customer {number}", "REP": "r-1", "ADDR": f"{number} Road",
        "LAT": 31.23, "LON": 121.47, "CHANGED": None, "DROPPED": None, **fields,
    }  # fmt: skip


def settings(theirs: Any, *, page_rows: int = 10, deals: bool = True, **table: Any) -> SqlSettings:
    given = {"table": "CRM_CUSTOMER", "mapping": MAPPING, "changed": "CHANGED", "deleted": "DROPPED", **table}
    loans = TableSettings(table="loans", changed="version") if deals else TableSettings()
    return SqlSettings(
        url=theirs.url, customers=TableSettings(**given), deals=loans, datum=Datum.GCJ02, page_rows=page_rows
    )


def a_round(made: SqlSettings, cursor: str | None) -> tuple[list[Pulled], str]:
    """A round in which every page is pulled by a new connector, as after a restart."""
    pages = [SqlConnector(made).pull(cursor)]
    while pages[-1].more:
        pages.append(SqlConnector(made).pull(pages[-1].cursor))
    assert pages[-1].cursor is not None
    return pages, pages[-1].cursor


def all_of(pages: list[Pulled], name: str) -> list[Any]:
    return [one for page in pages for one in getattr(page, name)]


@pytest.mark.parametrize("changed", ["CHANGED", ""])
def test_rows_become_records_and_later_only_changed_ones(theirs: Any, changed: str) -> None:
    made = settings(theirs, changed=changed)
    pages, cursor = a_round(made, None)
    customers = all_of(pages, "customers")
    assert [one.id for one in customers] == [str(number) for number in range(1, 26)]
    first = customers[0]
    (address,) = first.addresses
    assert (first.name, first.owner, first.source) == ("Customer 1", "r-1", "sql")
    assert (address.text, address.lat, address.lon, address.datum) == ("1 Road", 31.23, 121.47, Datum.GCJ02)
    assert [(deal.id, deal.amount_minor) for deal in all_of(pages, "deals")] == [(f"L{n}", 1050) for n in range(1, 6)]
    assert max(len(page.customers) + len(page.deals) for page in pages) == 10

    pages, cursor = a_round(made, cursor)
    assert [all_of(pages, name) for name in ("customers", "deals", "gone", "problems")] == [[], [], [], []]

    late = NINE + timedelta(hours=2)
    table = theirs.customers
    theirs.run(
        table.update().where(table.c.CUST_REF == 3).values(CUST_NM="Renamed", CHANGED=late),
        table.insert().values(row(40, CHANGED=late)),
        table.update().where(table.c.CUST_REF == 4).values(DROPPED=late, CHANGED=late),
        table.delete().where(table.c.CUST_REF == 5),
        theirs.loans.update().where(theirs.loans.c.loan_id == "L2").values(amount=11, version=9),
    )
    pages, cursor = a_round(made, cursor)
    assert {one.id: one.name for one in all_of(pages, "customers")} == {"3": "Renamed", "40": "Customer 40"}
    assert sorted(all_of(pages, "gone")) == ["4", "5"]
    assert [(deal.id, deal.amount_minor) for deal in all_of(pages, "deals")] == [("L2", 1100)]
    theirs.run(table.update().where(table.c.CUST_REF == 4).values(DROPPED=None, CHANGED=late + timedelta(hours=1)))
    pages, cursor = a_round(made, cursor)
    assert [one.id for one in all_of(pages, "customers")] == ["4"]


def test_what_was_committed_late_is_not_lost(theirs: Any) -> None:
    made = settings(theirs, deals=False)
    _, cursor = a_round(made, None)
    # Begun before the last row that was seen, committed after it.
    theirs.run(theirs.customers.insert().values(row(50, CHANGED=NINE + timedelta(minutes=24))))
    assert [one.id for one in all_of(a_round(made, cursor)[0], "customers")] == ["50"]


def test_rows_without_a_time_of_change_are_compared(theirs: Any) -> None:
    made = settings(theirs, deals=False, gone="never")
    theirs.run(theirs.customers.insert().values(row(60)))
    pages, cursor = a_round(made, None)
    assert len(all_of(pages, "customers")) == 26
    theirs.run(theirs.customers.update().where(theirs.customers.c.CUST_REF == 60).values(CUST_NM="Changed"))
    theirs.run(theirs.customers.delete().where(theirs.customers.c.CUST_REF == 1))
    pages, _ = a_round(made, cursor)
    assert [one.name for one in all_of(pages, "customers")] == ["Changed"]
    assert all_of(pages, "gone") == []


def test_a_table_that_lost_most_of_its_rows_takes_nobody_away(theirs: Any) -> None:
    made = settings(theirs, deals=False)
    _, cursor = a_round(made, None)
    theirs.run(theirs.customers.delete().where(theirs.customers.c.CUST_REF > 5))
    with pytest.raises(RecordError, match=r"20 of 25 customers.*most_gone_share"):
        a_round(made, cursor)


def test_bad_cells_have_names_and_places(theirs: Any) -> None:
    theirs.run(
        theirs.customers.insert().values(row(70, CUST_NM=" ", CHANGED=NINE)),
        theirs.customers.insert().values(row(71, LAT=121.47, LON=31.23, CHANGED=NINE)),
        theirs.loans.insert().values(loan_id="L9", rep="", customer="1", opened=NINE.date(), version=1),
    )
    pages, _ = a_round(settings(theirs), None)
    assert [(problem.code, problem.at) for problem in all_of(pages, "problems")] == [
        ("customer.no_name", "CRM_CUSTOMER 70"),
        ("address.swapped", "CRM_CUSTOMER 71"),
        ("deal.no_rep", "loans L9"),
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"table": "CRM_CUSTOMERS"}, r"no table or view 'CRM_CUSTOMERS'.*'?CRM_CUSTOMER"),
        ({"changed": "NOPE"}, r"customers\.changed.*no column 'NOPE'"),
        ({"mapping": {"CUST_NM": "name"}}, r"recognised as the id.*THE_COLUMN"),
        ({"mapping": {**MAPPING, "NOPE": "need"}}, r"no column 'NOPE'"),
        ({"mapping": {**MAPPING, "REP": "reps"}}, r"no field 'reps'"),
    ],
)
def test_settings_that_do_not_fit_say_where(theirs: Any, table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SqlConnector(settings(theirs, **table)).pull(None)


def test_databases_that_cannot_be_read_say_so_without_their_password(postgresql_url: str) -> None:
    url = sa.make_url(postgresql_url)
    missing = url.set(database="not_there", password="hunter2").render_as_string(hide_password=False)
    for given, code in ((missing, "FHR-SRC-001"), ("sqlite:////no/such/folder/x.db", "FHR-SRC-001")):
        with pytest.raises(SourceError) as refused:
            SqlConnector(SqlSettings(url=given, customers=TableSettings(table="c"))).pull(None)
        assert refused.value.code == code
        assert "hunter2" not in str(refused.value) + repr(SqlSettings(url=given))
    for given, said in (("", "no url"), ("not a url", "is none"), ("mysql+nodriver://h/d", "is none")):
        with pytest.raises(ConfigError, match=said):
            SqlConnector(SqlSettings(url=given, customers=TableSettings(table="c"))).pull(None)
    with pytest.raises(ConfigError, match="no table"):
        SqlConnector(SqlSettings(url=postgresql_url)).pull(None)
    with pytest.raises(RecordError, match="none of this connector's"):
        SqlConnector(SqlSettings(url=postgresql_url, customers=TableSettings(table="c"))).pull("bad")


def test_nothing_is_written_there(theirs: Any) -> None:
    statements: list[str] = []

    def listen(*given: Any) -> None:
        statements.append(given[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    try:
        a_round(settings(theirs), None)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)
    assert statements
    assert {statement.split()[0].upper() for statement in statements} <= {"SELECT", "PRAGMA", "SHOW"}


def test_values_are_the_text_a_file_would_hold() -> None:
    from decimal import Decimal

    assert [cell_of(value) for value in (None, True, 1001.0, 0.1, Decimal("1E+3"), NINE, NINE.date(), b"\x01", 7)] == [
        "", "true", "1001", "0.1", "1000", "2026-03-02 09:00:00", "2026-03-02", "01", "7",
    ]  # fmt: skip


class TestSqlConforms(ConnectorConformance):
    """The kit, with a small SQLite file."""

    offer = ("connectors", "", "sql")
    capabilities: ClassVar[frozenset[str]] = frozenset({"incremental"})

    @pytest.fixture(autouse=True)
    def _sample(self, sqlite_url: str) -> None:
        engine = sa.create_engine(sqlite_url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT)"))
            connection.execute(sa.text("INSERT INTO customers VALUES ('a', 'Ann'), ('b', 'Bob'), ('c', 'Cat')"))
        engine.dispose()
        type(self).url = sqlite_url  # type: ignore[attr-defined]

    def make(self) -> SqlConnector:
        made = SqlSettings(url=self.url, customers=TableSettings(table="customers"), page_rows=2)  # type: ignore[attr-defined]
        return SqlConnector(made)

    def make_broken(self) -> SqlConnector:
        return SqlConnector(SqlSettings(url="sqlite:////no/such/x.db", customers=TableSettings(table="customers")))
