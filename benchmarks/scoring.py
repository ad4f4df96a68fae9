"""Scorecards of a large house: 2,000 reps with twelve months of records on one core, out of columns and the store."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from figure import Figure, seconds

from fieldhr_core import FieldHR
from fieldhr_core.model import (
    CONTACTS,
    DEALS,
    FEEDBACK,
    FOLLOW_UPS,
    LOANS,
    METRICS,
    PEOPLE,
    PRESENCE,
    Coded,
    Period,
    Person,
    Principal,
    Role,
    Table,
    milliseconds,
)
from fieldhr_core.store.columns import written_columns
from fieldhr_core.store.rows import add
from fieldhr_core.testing import FakeTables

REPS, DAYS = 2_000, 250
DAY = 86_400_000


def measure() -> list[Figure]:
    """Measure scoring a year of records of 2,000 reps; beside it, only sorting the visits."""
    from fieldhr_plugins.scorecards import ScorecardSettings
    from fieldhr_plugins.scorecards.composing import CardComposer
    from fieldhr_plugins.scorecards.effort import EffortScorer
    from fieldhr_plugins.scorecards.results import ResultScorer
    from fieldhr_plugins.scorecards.risk import RiskScorer

    tables, settings = _year(), ScorecardSettings()

    def score() -> None:
        scorers = (EffortScorer(settings), ResultScorer(settings), RiskScorer(settings))
        measured = Table.concat(METRICS, [scorer.score(tables) for scorer in scorers])
        composer = CardComposer(settings)
        cards = composer.compose(measured, tables[PEOPLE], tables.period, composer.weighting())
        assert len(cards) == REPS

    took = seconds(score, repeat=2)
    peer = seconds(lambda: np.lexsort((tables[PRESENCE]["start_ms"], tables[PRESENCE]["rep"].codes)), repeat=2)
    rows = sum(len(tables[schema]) for schema in (PRESENCE, FOLLOW_UPS, CONTACTS, DEALS, LOANS, FEEDBACK))
    return [
        Figure(
            name="scorecards of 2,000 reps, 12 months",
            value=took,
            unit="s",
            bar=10.0,
            at_most=True,
            peer=f"sorting the visits alone {peer:.2f} s",
            how=f"{rows:,} records in columns to 2,000 cards, CPU time of one core",
        ),
        _from_the_store(tables, rows),
    ]


def _from_the_store(tables: FakeTables, rows: int) -> Figure:
    """Measure the desk: the same records out of an SQLite store behind its wall; beside it, only reading them."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'year.db'}"
        with FieldHR.open(url, clock=_Standing(tables.as_of)) as hr:
            _fill(hr, tables)
        took = []
        for _ in range(2):
            # A runtime of its own each time: nothing is at hand from the time before.
            with (
                FieldHR.open(url, clock=_Standing(tables.as_of)) as hr,
                hr.acting_as(ADMIN, purpose="performance") as desk,
            ):

                def cards(desk: Any = desk) -> None:
                    assert len(desk.scores.cards(tables.period)) == REPS

                took.append(seconds(cards, repeat=1))
        bare = seconds(lambda: _read(str(Path(folder) / "year.db")), repeat=1)
    return Figure(
        name="scorecards of 2,000 reps, 12 months, from the store",
        value=min(took),
        unit="s",
        bar=10.0,
        at_most=True,
        peer=f"sqlite3 alone reading the same rows {bare:.1f} s",
        how=f"{rows:,} records and {REPS * DAYS:,} tracked days through the desk, SQLite behind its wall, CPU time",
    )


ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)


@attrs.frozen
class _Standing:
    at: datetime

    def now(self) -> datetime:
        return self.at


def _fill(hr: FieldHR, tables: FakeTables) -> None:
    """Write a year as it comes in: in the order of time."""
    hr.tenants.create("bank", name="Bank", simulated=True)
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        people = tables[PEOPLE]
        desk.people.put(
            Person(id=rep, name=rep, role="credit_manager", team=str(team), branch=str(branch), territory="urban")
            for rep, team, branch in zip(people["rep"], people["team"], people["branch"], strict=True)
        )
    house = hr._open_house()
    store = house.tables
    stays, notes = tables[PRESENCE].sort("start_ms"), tables[FOLLOW_UPS].sort("written_ms")
    dates = [_date(at) for at in stays["start_ms"].tolist()]
    seen: dict[tuple[str, int], dict[str, Any]] = {}
    for row, day in zip(stays.rows(), dates, strict=True):
        times = {name: row[name] for name in ("rep", "start_ms", "end_ms", "customer", "certain_s", "possible_s")}
        seen[row["rep"], row["start_ms"]] = {"date": day, **times}
    days = sorted({(row["date"], row["rep"]) for row in seen.values()})
    tracked = {"zone": "Asia/Shanghai", "state": "sealed", "fixes": 900, "digest": "", "resolver": "", "resolved_ms": 0}
    with house.binding.transaction(write=True) as connection:
        for table, rows in (
            (store.visits, iter(seen.values())),
            (store.rep_days, ({"rep": rep, "date": day, "resolved_sealed": None, **tracked} for day, rep in days)),
            (store.follow_ups, written_columns(notes, FOLLOW_UPS, "followup", joint_with=[], text_sealed=None)),
            (store.contacts, written_columns(tables[CONTACTS].sort("at_ms"), CONTACTS, "contact")),
            (store.deals, written_columns(tables[DEALS].sort("opened_ms"), DEALS, "deal", currency="CNY", facts={})),
            (store.loans, written_columns(tables[LOANS].sort("booked_ms"), LOANS, "loan", currency="CNY")),
            (store.feedback, written_columns(tables[FEEDBACK].sort("at_ms"), FEEDBACK, "feedback")),
        ):
            for some in _portions({"tenant": "bank", **row} for row in rows):
                add(connection, table, [{n: v for n, v in row.items() if n in table.c} for row in some])


def _portions(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while some := list(itertools.islice(rows, 20_000)):
        yield some


def _date(at_ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).date().isoformat()


def _read(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for table in ("visits", "rep_days", "follow_ups", "contacts", "deals", "loans", "feedback"):
            cursor = connection.execute(f"SELECT * FROM fieldhr_{table}")
            while cursor.fetchmany(2_000):
                pass


def _year() -> FakeTables:
    rng = np.random.default_rng(1)
    end = datetime(2026, 4, 1, tzinfo=UTC)
    first_ms = milliseconds(end - timedelta(days=365))
    names = tuple(f"r{n:04d}" for n in range(REPS))
    visits = REPS * DAYS * 2
    rep = np.repeat(np.arange(REPS), DAYS * 2).astype("i4")
    start = (
        first_ms
        + (np.tile(np.repeat(np.arange(DAYS), 2), REPS) * 365 // DAYS) * DAY
        + rng.integers(0, 8 * 3_600_000, visits)
    )
    minutes = rng.lognormal(3.4, 0.5, visits)
    customer = [f"c{number}" for number in (rep * 60 + rng.integers(0, 60, visits)).tolist()]
    end_ms = (start + minutes * 60_000).astype("i8")

    def coded(codes: Any) -> Coded:
        return Coded(np.asarray(codes, dtype="i4"), names)

    ids = [f"f{n}" for n in range(visits)]
    stays = PRESENCE.table(
        rep=coded(rep),
        customer=customer,
        kind=Coded.same("stay", visits),
        verdict=Coded.same("at", visits),
        start_ms=start,
        end_ms=end_ms,
        certain_s=minutes * 60,
        possible_s=minutes * 60,
        record=ids,
    )
    notes = FOLLOW_UPS.table(
        followup=ids,
        rep=coded(rep),
        customer=customer,
        kind=Coded.same("visit", visits),
        start_ms=start,
        end_ms=end_ms,
        written_ms=end_ms + 60_000,
        received_ms=end_ms + 60_000,
    )
    contacts = CONTACTS.table(
        contact=ids,
        rep=coded(rep),
        customer=customer,
        channel=Coded.same("phone", visits),
        direction=Coded((np.arange(visits) % 2).astype("i4"), ("in", "out")),
        at_ms=start,
        answered_ms=start + 3_600_000,
        talk_s=minutes * 10,
    )
    deals = REPS * 120
    of_deal = np.repeat(np.arange(REPS), 120)
    opened = first_ms - 200 * DAY + rng.integers(0, 560 * DAY, deals)
    signed = np.minimum(opened + rng.integers(DAY, 60 * DAY, deals), milliseconds(end) - 1)
    loans = REPS * 84
    of_loan = np.repeat(np.arange(REPS), 84)
    return FakeTables(
        PEOPLE.table(
            rep=list(names),
            role=Coded.same("credit_manager", REPS),
            manager=Coded.same(None, REPS),
            team=Coded.of(f"t{n // 10}" for n in range(REPS)),
            branch=Coded.of(f"b{n // 100}" for n in range(REPS)),
            territory=Coded.same("urban", REPS),
        ),
        stays,
        notes,
        contacts,
        DEALS.table(
            deal=[f"d{n}" for n in range(deals)],
            rep=coded(of_deal),
            customer=[f"k{n // 2}" for n in range(deals)],
            product=Coded.same("x", deals),
            stage=Coded((np.arange(deals) % 3).astype("i4"), ("signed", "signed ", "lost")),
            opened_ms=opened,
            closed_ms=signed,
        ),
        LOANS.table(
            loan=[f"l{n}" for n in range(loans)],
            rep=coded(of_loan),
            customer=[f"k{n}" for n in range(loans)],
            product=Coded.same("x", loans),
            booked_ms=first_ms + rng.integers(0, 300 * DAY, loans),
            overdue_ms=np.where(rng.random(loans) < 0.05, milliseconds(end) - DAY, 0),
        ),
        FEEDBACK.table(
            feedback=[f"b{n}" for n in range(REPS * 20)],
            rep=coded(np.repeat(np.arange(REPS), 20)),
            customer=["k"] * (REPS * 20),
            kind=Coded.same("rating", REPS * 20),
            state=Coded.same("done", REPS * 20),
            at_ms=first_ms + rng.integers(0, 360 * DAY, REPS * 20),
            rating=rng.random(REPS * 20),
        ),
        period=Period(date(2025, 4, 1), date(2026, 3, 31)),
        as_of=end - timedelta(milliseconds=1),
    )
