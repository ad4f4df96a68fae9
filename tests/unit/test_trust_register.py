"""Every column is classified, what is sensitive is sealed, and the page in the reference is the register."""

from __future__ import annotations

import pytest

from fieldhr_core.store.sealed import SEALED
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.trust.purposes import OPENS, PER_PERSON, Purpose
from fieldhr_core.trust.register import FIELDS, RETENTION, TECHNICAL, Keeping, as_markdown, unregistered


def schema() -> dict[str, frozenset[str]]:
    tables = StoreTables()
    return {
        table.name.removeprefix(tables.prefix): frozenset(table.c.keys()) for table in tables.metadata.tables.values()
    }


@pytest.mark.req("E5")
def test_every_column_of_the_store_is_classified() -> None:
    assert list(unregistered(schema())) == []


def test_what_is_not_classified_is_named() -> None:
    columns = schema()
    columns["people"] |= {"blood_group"}
    columns["payslips"] = frozenset({"amount"})
    columns["visits"] -= {"rep"}
    del columns["jobs"]
    assert list(unregistered(columns)) == [
        "payslips.amount is not classified",
        "people.blood_group is not classified",
        "visits.rep is registered but not there",
        "jobs is registered but not there",
    ]


@pytest.mark.req("E1", "E6")
def test_positions_and_words_are_sealed_and_whereabouts_under_the_persons_own_key() -> None:
    for (table, column), field in FIELDS.items():
        assert field.per_person or field.data_class not in PER_PERSON, f"{table}.{column}"
        if field.data_class is not None:
            for purpose in field.purposes:
                # A field may be held for a purpose that opens it, or for the runtime's own work.
                assert field.data_class in OPENS[purpose] or purpose is Purpose.OPERATIONS, (
                    f"{table}.{column} {purpose}"
                )
    clear_and_sensitive = {place for place, field in FIELDS.items() if field.sensitive and field.data_class is None}
    # What rates and sums are made of: statements must be able to count it.
    counted = {("deals", "amount_minor"), *(("loans", name) for name in ("amount_minor", "overdue_ms", "cured_ms"))}
    assert clear_and_sensitive == {("absences", "kind"), *counted}
    assert not {column for columns in TECHNICAL.values() for column in columns if column.endswith("_sealed")}


@pytest.mark.req("E5")
def test_what_is_a_persons_own_is_sealed_with_the_persons_key() -> None:
    for sealed in SEALED:
        # A place is its subject's only where it is somebody's home.
        own = sealed.person is not None and sealed.table != "places"
        assert FIELDS[sealed.table, sealed.column].per_person == own, f"{sealed.table}.{sealed.column}"
    assert FIELDS["people", "name_sealed"].per_person


def test_every_way_of_keeping_is_explained_and_used() -> None:
    assert set(RETENTION) == set(Keeping) == {field.keeping for field in FIELDS.values()}


def test_the_page_has_every_field_and_purpose() -> None:
    page = as_markdown()
    assert all(f"`{table}.{column}`" in page for table, column in FIELDS)
    assert all(f"`{purpose}`" in page for purpose in Purpose)
