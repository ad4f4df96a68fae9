"""Tables of made-up tenants whose true rates are known: loans, deals, visits, contacts, in columns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from fieldhr_core.model import (
    CASES,
    CONTACTS,
    DEALS,
    FEEDBACK,
    FOLLOW_UPS,
    INSPECTIONS,
    LOANS,
    PEOPLE,
    PRESENCE,
    Coded,
    Period,
    Table,
    milliseconds,
)
from fieldhr_core.testing import FakeTables

DAY = 86_400_000
END = datetime(2026, 4, 1, tzinfo=UTC)
PERIOD = Period(date(2026, 3, 1), date(2026, 3, 31))
START_MS, END_MS = milliseconds(END - timedelta(days=31)), milliseconds(END)


def reps_of(count: int) -> list[str]:
    return [f"r{n:04d}" for n in range(count)]


def people(count: int, role: str = "credit_manager", **more: Any) -> Table:
    rows = [
        {"rep": rep, "role": role, "manager": "m", "team": f"t{n // 10}", "branch": f"b{n // 50}", "territory": "urban"} | more
        for n, rep in enumerate(reps_of(count))
    ]  # fmt: skip
    return PEOPLE.from_rows(
        [*rows, {"rep": "m", "role": "manager", "manager": None, "team": "", "branch": "", "territory": ""}]
    )


def coded(codes: Any, count: int) -> Coded:
    return Coded(np.asarray(codes, dtype="i4"), tuple(reps_of(count)))


def loans(rng: np.random.Generator, of_rep: Any, overdue: Any, count: int, *, high: float = 0.1) -> Table:
    """Loans of each rep, of which *overdue* are (numbers by rep)."""
    of_rep, overdue = np.asarray(of_rep), np.asarray(overdue)
    rep = np.repeat(np.arange(count), of_rep)
    place = np.arange(len(rep)) - np.repeat(np.cumsum(of_rep) - of_rep, of_rep)
    late = place < np.repeat(overdue, of_rep)
    booked = END_MS - rng.integers(40, 700, len(rep)) * DAY
    return LOANS.table(
        loan=[f"l{n:06d}" for n in range(len(rep))],
        rep=coded(rep, count),
        customer=[f"k{n:06d}" for n in range(len(rep))],
        product=Coded.same("sme", len(rep)),
        booked_ms=booked,
        overdue_ms=np.where(late, END_MS - rng.integers(1, 30, len(rep)) * DAY, 0),
        risk=Coded.of(np.where(rng.random(len(rep)) < high, "high", "normal").tolist()),
    )


def deals(
    rep: Any, count: int, opened: Any, closed: Any, *, customer: Any = None, stage: Any = "signed", cancelled: Any = 0
) -> Table:
    """Deals; *closed* 0 is open."""
    rep, opened, closed = np.asarray(rep), np.asarray(opened, "i8"), np.asarray(closed, "i8")
    size = len(rep)
    stages = np.where(closed > 0, np.broadcast_to(np.asarray(stage, "O"), size), "open")
    return DEALS.table(
        deal=[f"d{n:06d}" for n in range(size)],
        rep=coded(rep, count),
        customer=[f"c{n:06d}" for n in range(size)] if customer is None else customer,
        product=Coded.same("policy", size),
        stage=Coded.of(stages.tolist()),
        opened_ms=opened,
        closed_ms=closed,
        cancelled_ms=np.broadcast_to(np.asarray(cancelled, "i8"), size),
    )


def repurchases(rng: np.random.Generator, matured: Any, again: Any, count: int) -> Table:
    """Customers whose first purchase is long ago, of whom *again* (numbers by rep) bought twice."""
    matured, again = np.asarray(matured), np.asarray(again)
    rep = np.repeat(np.arange(count), matured)
    place = np.arange(len(rep)) - np.repeat(np.cumsum(matured) - matured, matured)
    first = END_MS - rng.integers(200, 500, len(rep)) * DAY
    second = place < np.repeat(again, matured)
    names = np.asarray([f"q{n:06d}" for n in range(len(rep))], "O")
    both = np.concatenate([rep, rep[second]])
    closed = np.concatenate([first, first[second] + rng.integers(30, 170, int(second.sum())) * DAY])
    return deals(both, count, closed - 20 * DAY, closed, customer=np.concatenate([names, names[second]]).tolist())


def renamed(table: Table, prefix: str) -> Table:
    return table.replace(deal=[prefix + one for one in table["deal"].tolist()])


def working_days(count: int = 22) -> list[int]:
    days = [START_MS + n * DAY for n in range(31) if (date(2026, 3, 1) + timedelta(days=n)).weekday() < 5]
    return days[:count]


def visits(
    rep: Any,
    at_ms: Any,
    minutes: Any,
    count: int,
    *,
    customer: Any = None,
    tracked: bool = True,
    checkin: bool = True,
    record: bool = True,
    prefix: str = "v",
) -> tuple[Table, Table]:
    """(PRESENCE, FOLLOW_UPS) of visits: a stay, a check-in on arrival, a record after it."""
    rep, at_ms = np.asarray(rep), np.asarray(at_ms, "i8")
    size = len(rep)
    length = np.broadcast_to(np.asarray(minutes, "f8"), size) * 60_000
    names = [f"c{n % 40:03d}" for n in range(size)] if customer is None else list(customer)
    codes, end = coded(rep, count), (at_ms + length).astype("i8")
    parts = []
    if tracked:
        parts.append(
            PRESENCE.table(
                rep=codes, customer=names, kind=Coded.same("stay", size), verdict=Coded.same("at", size),
                start_ms=at_ms, end_ms=end, certain_s=length / 1000, possible_s=length / 1000 + 60,
                record=[f"{prefix}{n}/stay" for n in range(size)],
            )
        )  # fmt: skip
        key = np.unique(rep * 100_000 + (at_ms // DAY))
        parts.append(
            PRESENCE.table(
                rep=coded(key // 100_000, count), customer=[""] * len(key), kind=Coded.same("tracked", len(key)),
                verdict=Coded.same("unknown", len(key)), start_ms=key % 100_000 * DAY, end_ms=key % 100_000 * DAY,
                record=[f"day{n}" for n in key.tolist()],
            )
        )  # fmt: skip
    if checkin:
        parts.append(
            PRESENCE.table(
                rep=codes, customer=names, kind=Coded.same("checkin", size), verdict=Coded.same("at", size),
                start_ms=at_ms, end_ms=at_ms, record=[f"{prefix}{n}/checkin" for n in range(size)],
            )
        )  # fmt: skip
    notes = FOLLOW_UPS.table(
        followup=[f"{prefix}{n}" for n in range(size)] if record else [],
        rep=codes if record else Coded.same(None, 0),
        customer=names if record else [],
        kind=Coded.same("visit", size if record else 0),
        start_ms=at_ms if record else [],
        end_ms=end if record else [],
        written_ms=end + 600_000 if record else [],
        received_ms=end + 600_000 if record else [],
    )
    return Table.concat(PRESENCE, parts), notes


def tenant(*tables: Table, count: int, role: str = "credit_manager", **more: Any) -> FakeTables:
    """The tables as scorers see them; tables of one schema are put below each other."""
    schemas = {table.schema.name: table.schema for table in tables}
    joined = [Table.concat(schema, [t for t in tables if t.schema.name == name]) for name, schema in schemas.items()]
    return FakeTables(
        people(count, role), *joined, tenant="bank", period=PERIOD, as_of=END - timedelta(milliseconds=1), **more
    )


ALL = (CASES, CONTACTS, DEALS, FEEDBACK, FOLLOW_UPS, INSPECTIONS, LOANS, PRESENCE)
