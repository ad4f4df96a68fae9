"""A team of any size with a day behind it, through the public interface; what the console's tests look at."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    REPORTED,
    Absence,
    AbsenceKind,
    Address,
    CheckIn,
    Coded,
    Customer,
    Datum,
    Deal,
    FollowUp,
    Message,
    Outing,
    Person,
    Place,
    PlaceKind,
    Principal,
    Role,
    Table,
    milliseconds,
)

CHINA = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 3, 5, tzinfo=CHINA)
NOW = DAY.replace(hour=15, minute=20)
TENANT = "bank"
MANAGER = Principal(tenant=TENANT, id="m.chen", role=Role.MANAGER, person="m1")
ADMIN = Principal(tenant=TENANT, id="ops", role=Role.ADMIN)
REP = Principal(tenant=TENANT, id="u.r000", role=Role.REP, person="r000")
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗", "清柏岚恺澜楠荷筱翎沐砚景彤心辰云初钧温槐轩珩"


def open_team(
    url: str | Path, size: int, *, now: datetime = NOW, simulated: bool = True, history: int = 0, **more: Any
) -> FieldHR:
    """Return a runtime whose tenant has *size* reps: most at work, some elsewhere, silent, absent, flagged."""
    target = url if isinstance(url, str) else f"sqlite:///{url}"
    hr = FieldHR.open(target, clock=FrozenClock(DAY.replace(hour=8)), **more)
    hr.tenants.create(TENANT, name="示例银行 Sample Bank", simulated=simulated)
    reps = [f"r{n:03d}" for n in range(size)]
    rng = np.random.default_rng(5)
    spots = rng.normal(0, 0.045, (size, 3, 2)) + np.array([30.66, 104.06])
    office, mall = (30.655, 104.066), (30.69, 104.09)
    home = tuple(spots[2, 2])  # where one of them is now, and no customer
    with hr.acting_as(ADMIN, purpose="integration") as desk:
        desk.people.put(
            [Person(id="m1", name="陈经理", role="manager", team="t1")]
            + [
                Person(
                    id=rep,
                    name=SURNAMES[n % 20] + GIVEN[(n * 7) % 21] + (GIVEN[(n * 3) % 21] if n % 3 else ""),
                    role="credit_manager",
                    manager="m1",
                    team=f"t{1 + n // 20}",
                    territory="rural" if n % 5 == 0 else "urban",
                )
                for n, rep in enumerate(reps)
            ]
        )
        for rep in reps:
            desk.people.record_basis(rep, purpose="tracking", basis="consent", notice="v1", at=DAY - timedelta(days=30))
        desk.people.put_absences(
            [
                Absence(id=f"a{n}", rep=reps[n], kind=AbsenceKind.LEAVE, start=DAY, end=DAY + timedelta(days=1))
                for n in range(17, size, 40)
            ]
        )
        desk.places.put(
            [
                Place(id="o1", kind=PlaceKind.OFFICE, name="Office", lat=office[0], lon=office[1], datum=Datum.WGS84),
                Place(
                    id="home",
                    kind=PlaceKind.HOME,
                    name="Secret Garden",
                    lat=float(home[0]),
                    lon=float(home[1]),
                    datum=Datum.WGS84,
                    subject="r002",
                    private=True,
                ),
                Place(id="mall", kind=PlaceKind.INTEREST, category="mall", lat=mall[0], lon=mall[1], datum=Datum.WGS84),
            ]
        )
        desk.customers.put(
            [
                Customer(
                    id=f"{rep}-c{k}",
                    name=f"成都{GIVEN[(n + k) % 21]}{GIVEN[(n * 5 + k) % 21]}有限公司",
                    owner=rep,
                    addresses=(
                        Address(
                            id="1",
                            lat=float(spots[n, k, 0]) + (0.05 if (n, k) == (2, 2) else 0.0),
                            lon=float(spots[n, k, 1]),
                            datum=Datum.WGS84,
                        ),
                    ),
                )
                for n, rep in enumerate(reps)
                for k in range(3)
            ]
        )
        desk.outings.put(
            [
                Outing(
                    id=f"{rep}-o{k}",
                    rep=rep,
                    customer=f"{rep}-c{k}",
                    start=_at(f"{10 + 2 * k}:00"),
                    end=_at(f"{11 + 2 * k}:15"),
                )
                for rep in reps
                for k in range(3)
            ]
        )
    clock = hr.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(now)
    with hr.acting_as(ADMIN, purpose="integration") as desk:
        _live_before(desk, reps, spots, office, mall, history)
        desk.positions.record(_fixes(reps, spots, office, mall, now), datum=Datum.WGS84)
        desk.visits.check_in(
            [
                CheckIn(
                    id=f"{rep}-k{k}",
                    rep=rep,
                    customer=f"{rep}-c{k}",
                    time=_at(f"{10 + 2 * k}:05"),
                    lat=float(spots[n, k, 0]) + (0.02 if n % 29 == 3 else 0.0),
                    lon=float(spots[n, k, 1]),
                    datum=Datum.WGS84,
                    accuracy_m=12.0,
                )
                for n, rep in enumerate(reps)
                for k in range(2)
                if n % 40 != 17
            ]
        )
        desk.visits.write(
            [
                FollowUp(
                    id=f"{rep}-f0",
                    rep=rep,
                    customer=f"{rep}-c0",
                    kind="visit",
                    start=_at("10:05"),
                    end=_at("11:00"),
                    written=_at("11:30"),
                )
                for rep in reps[: size * 3 // 4]
            ]
        )
        desk.messages.submit(
            [
                Message(
                    id=f"{rep}-m",
                    thread=rep,
                    rep=rep,
                    customer=f"{rep}-c0",
                    speaker="rep",
                    text="这款产品保本保息，稳赚不赔" if n % 13 == 1 else "明天上午方便见面吗？",
                    time=_at("11:40"),
                    product="wealth_product",
                )
                for n, rep in enumerate(reps)
            ]
        )
    return hr


def _live_before(desk: Any, reps: list[str], spots: Any, office: Any, mall: Any, days: int) -> None:
    """Let working days pass before today: visits, check-ins, records, sales; fewer of them for some."""
    rng = np.random.default_rng(11)
    earlier = [DAY - timedelta(days=n) for n in range(1, days + 1) if (DAY - timedelta(days=n)).isoweekday() < 6]
    for day in reversed(earlier):
        outings, checkins, records, deals, fixes = [], [], [], [], []
        for n, rep in enumerate(reps):
            for k in range(3):
                start = day.replace(hour=10 + 2 * k)
                if rng.random() < 0.12 + 0.02 * (n % 7):
                    continue
                key = f"{rep}-{day:%m%d}-{k}"
                outings.append(
                    Outing(
                        id=f"o{key}", rep=rep, customer=f"{rep}-c{k}", start=start, end=start + timedelta(minutes=75)
                    )
                )
                checkins.append(
                    CheckIn(
                        id=f"k{key}", rep=rep, customer=f"{rep}-c{k}", time=start + timedelta(minutes=6), datum=Datum.WGS84,
                        lat=float(spots[n, k, 0]) + (0.03 if rng.random() < 0.03 else 0.0), lon=float(spots[n, k, 1]), accuracy_m=12.0,
                    )
                )  # fmt: skip
                there = milliseconds(start) + np.arange(0, 70, 4) * 60_000
                noise = rng.normal(0, 4e-5, (2, len(there)))
                fixes.append(
                    REPORTED.table(
                        rep=Coded.same(rep, len(there)), device=Coded.same(f"phone-{rep}", len(there)), time_ms=there,
                        lat=spots[n, k, 0] + noise[0], lon=spots[n, k, 1] + noise[1], accuracy_m=np.full(len(there), 9.0),
                    )
                )  # fmt: skip
                if rng.random() < 0.95 - 0.06 * (n % 6):
                    written = start + timedelta(hours=2 if rng.random() < 0.8 else 30)
                    records.append(
                        FollowUp(
                            id=f"f{key}",
                            rep=rep,
                            customer=f"{rep}-c{k}",
                            kind="visit",
                            start=start,
                            end=start + timedelta(minutes=60),
                            written=written,
                        )
                    )
            if rng.random() < 0.35:
                closed = day.replace(hour=16)
                won = rng.random() < 0.6
                deals.append(
                    Deal(
                        id=f"d{rep}-{day:%m%d}", rep=rep, customer=f"{rep}-c{n % 3}", product="loan", stage="won" if won else "lost",
                        opened=day - timedelta(days=6), closed=closed, amount_minor=int(rng.integers(5, 90)) * 1_000_000, currency="CNY",
                    )
                )  # fmt: skip
        desk.outings.put(outings)
        desk.positions.record(Table.concat(REPORTED, fixes), datum=Datum.WGS84)
        desk.visits.check_in(checkins)
        desk.visits.write(records)
        desk.deals.put(deals)
        desk.messages.submit(
            [
                Message(
                    id=f"m{day:%m%d}{rep}",
                    thread=f"{rep}{day:%m%d}",
                    rep=rep,
                    customer=f"{rep}-c0",
                    speaker="rep",
                    time=day.replace(hour=11),
                    text="资料已经发您邮箱了。",
                )
                for rep in reps
            ]
        )


def _at(text: str) -> datetime:
    hours, minutes = text.split(":")
    return DAY.replace(hour=int(hours), minute=int(minutes))


def _fixes(
    reps: list[str], spots: np.ndarray, office: tuple[float, float], mall: tuple[float, float], now: datetime
) -> Table:
    """Office, first customer, lunch, second customer, third customer; every ninth goes to the mall, every eleventh
    falls silent after lunch. One fix a minute with a few metres of noise."""
    parts = []
    minutes = np.arange(0, int((now - DAY.replace(hour=9)).total_seconds() // 60))
    rng = np.random.default_rng(8)
    for n, rep in enumerate(reps):
        if n % 40 == 17:
            continue
        goals = [office, tuple(spots[n, 0]), tuple(spots[n, 1]), mall if n % 9 == 4 else tuple(spots[n, 2])]
        knots = np.array([0, 40, 60, 130, 160, 280, 310, 400], dtype=float)
        lat = np.interp(minutes, knots, np.repeat([g[0] for g in goals], 2))
        lon = np.interp(minutes, knots, np.repeat([g[1] for g in goals], 2))
        keep = minutes < (250 if n % 11 == 6 else 10_000)
        noise = rng.normal(0, 4e-5, (2, len(minutes)))
        parts.append(
            REPORTED.table(
                rep=Coded.same(rep, int(keep.sum())),
                device=Coded.same(f"phone-{rep}", int(keep.sum())),
                time_ms=milliseconds(DAY.replace(hour=9)) + minutes[keep] * 60_000,
                lat=(lat + noise[0])[keep],
                lon=(lon + noise[1])[keep],
                accuracy_m=np.full(int(keep.sum()), 9.0),
            )
        )
    return Table.concat(REPORTED, parts)
