"""What the database said does not come through: its text may hold a value of somebody's."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError

from fieldhr_core.store.binding import translated


class _Refused(Exception):
    """As a driver for PostgreSQL raises it."""

    def __init__(self, text: str, sqlstate: str) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.req("E1")
@pytest.mark.parametrize(
    ("original", "code"),
    [
        (_Refused("Key (id)=(Fullerton, full disk locked 6222) already exists.", "23505"), "FHR-STO-001"),
        (_Refused("could not write to file full of 6222", "53100"), "FHR-STO-005"),
        (_Refused("canceling statement of 6222", "55P03"), "FHR-STO-005"),
        (sqlite3.IntegrityError("UNIQUE constraint failed: full disk locked 6222"), "FHR-STO-001"),
        (sqlite3.OperationalError("database or disk is full"), "FHR-STO-005"),
        (sqlite3.OperationalError("disk I/O error"), "FHR-STO-005"),
        (sqlite3.OperationalError("database is locked"), "FHR-STO-005"),
    ],
)
def test_an_error_says_what_to_do_and_no_value(original: Exception, code: str) -> None:
    said = translated(DBAPIError("INSERT", {}, original))
    assert said.code == code
    assert "6222" not in str(said)
