"""Small made-up records: a customer in Shanghai, a rep's Monday, what they said. Fictitious, and the same each time."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from fieldhr_core.hooks.providers import Notice
from fieldhr_core.model import (
    CHECKINS,
    DEALS,
    DUTY_DAYS,
    FIXES,
    FOLLOW_UPS,
    OUTINGS,
    PEOPLE,
    PLACES,
    STAYS,
    Address,
    Customer,
    Datum,
    Envelope,
    Message,
    Period,
    RepDay,
    RepDays,
    Table,
    milliseconds,
)
from fieldhr_core.testing.fakes import FakeTables

__all__ = [
    "CUSTOMER_AT",
    "HOME_AT",
    "MALL_AT",
    "NINE",
    "DayBuilder",
    "rep_days",
    "sample_customer",
    "sample_envelope",
    "sample_message",
    "sample_notice",
    "sample_outings",
    "sample_places",
    "sample_tables",
]

#: Monday 2026-03-02, 09:00 in Shanghai.
NINE: Final = datetime(2026, 3, 2, 1, tzinfo=UTC)
#: Where the customer ``c-1``, the mall and the home of ``r-1`` are: WGS-84 degrees, kilometres apart.
CUSTOMER_AT: Final = (31.2304, 121.4737)
MALL_AT: Final = (31.2500, 121.5000)
HOME_AT: Final = (31.2000, 121.4300)

_DEGREE_M: Final = 111_195.0


class DayBuilder:
    """A rep's day, told step by step: ``DayBuilder().stay(40).go(*MALL_AT, 20).silence(15).stay(35)``.

    Args:
        rep: id of the rep.
        at: where the day starts, WGS-84 degrees.
        start: aware instant of the first fix.
        every_s: seconds between fixes.
        accuracy_m: what the phone reports; fixes scatter within a third of it.
    """

    def __init__(
        self,
        rep: str = "r-1",
        *,
        at: tuple[float, float] = CUSTOMER_AT,
        start: datetime = NINE,
        every_s: int = 30,
        accuracy_m: float = 10.0,
    ) -> None:
        self.rep = rep
        self._lat, self._lon = at
        self._first = start
        self._now = start
        self._every_s = every_s
        self._accuracy_m = accuracy_m
        self._fixes: list[tuple[int, float, float]] = []

    def stay(self, minutes: float) -> DayBuilder:
        """Stay where you are."""
        return self.go(self._lat, self._lon, minutes)

    def go(self, lat: float, lon: float, minutes: float) -> DayBuilder:
        """Move there in a straight line, evenly."""
        steps = max(1, round(minutes * 60 / self._every_s))
        for step in range(1, steps + 1):
            share = step / steps
            self._fix(self._lat + (lat - self._lat) * share, self._lon + (lon - self._lon) * share)
            self._now += timedelta(seconds=self._every_s)
        self._lat, self._lon = lat, lon
        return self

    def silence(self, minutes: float) -> DayBuilder:
        """Send nothing."""
        self._now += timedelta(minutes=minutes)
        return self

    @property
    def day(self) -> RepDay:
        """The rep-day: on duty 09:00-18:00 local time in Shanghai, lunch 12:00-13:30."""
        nine = self._first.astimezone(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
        return RepDay(
            rep=self.rep,
            date=self._first.date().isoformat(),
            zone="Asia/Shanghai",
            duty_ms=((milliseconds(nine), milliseconds(nine + timedelta(hours=9))),),
            breaks_ms=((milliseconds(nine + timedelta(hours=3)), milliseconds(nine + timedelta(hours=4.5))),),
        )

    @property
    def fixes(self) -> Table:
        """What was sent, as ``FIXES``."""
        return FIXES.table(
            time_ms=[moment for moment, _, _ in self._fixes],
            lat=[lat for _, lat, _ in self._fixes],
            lon=[lon for _, _, lon in self._fixes],
            accuracy_m=[self._accuracy_m] * len(self._fixes),
        )

    def _fix(self, lat: float, lon: float) -> None:
        # Scatter that is the same every time: a walk round a small circle at an odd angle.
        angle = 2.399963 * len(self._fixes)
        reach = self._accuracy_m / 3 * abs(math.sin(1.7 * len(self._fixes))) / _DEGREE_M
        self._fixes.append(
            (
                milliseconds(self._now),
                lat + reach * math.sin(angle),
                lon + reach * math.cos(angle) / math.cos(math.radians(lat)),
            )
        )


def rep_days(*days: DayBuilder) -> RepDays:
    """Put days together as a resolver gets them."""
    import numpy as np

    lengths = [len(day.fixes) for day in days]
    return RepDays(
        days=tuple(day.day for day in days),
        offsets=np.cumsum([0, *lengths]).astype("i8"),
        fixes=Table.concat(FIXES, [day.fixes for day in days]),
    )


def sample_places() -> Table:
    """Return ``PLACES``: customers ``c-1`` and ``c-2``, a mall, the home of ``r-1``, an office."""
    rows: list[dict[str, Any]] = [
        _place("a-1", "customer", "c-1", CUSTOMER_AT),
        _place("a-2", "customer", "c-2", (31.2800, 121.4000)),
        _place("p-mall", "interest", None, MALL_AT, category="mall"),
        _place("p-home", "home", "r-1", HOME_AT),
        _place("p-office", "office", None, (31.2200, 121.5300)),
    ]
    return PLACES.from_rows(rows)


def sample_outings(rep: str = "r-1", customer: str = "c-1", hours: float = 2.0) -> Table:
    """Return ``OUTINGS``: one claimed visit from 09:00 local time."""
    return OUTINGS.from_rows(
        [
            {
                "outing": f"o-{rep}",
                "rep": rep,
                "customer": customer,
                "start_ms": milliseconds(NINE),
                "end_ms": milliseconds(NINE + timedelta(hours=hours)),
                "meeting_place": None,
            }
        ]
    )


def sample_tables(days: int = 5, as_of: datetime | None = None) -> FakeTables:
    """Return an ordinary week of two reps, ``r-1`` and ``r-2``: visits, check-ins, follow-ups, one deal each."""
    reps, first = ("r-1", "r-2"), date(2026, 3, 2)
    duty: list[dict[str, Any]] = []
    checkins: list[dict[str, Any]] = []
    stays: list[dict[str, Any]] = []
    outings: list[dict[str, Any]] = []
    follow_ups: list[dict[str, Any]] = []
    for number in range(days):
        nine = NINE + timedelta(days=number)
        day = (first + timedelta(days=number)).isoformat()
        for rep in reps:
            duty.append(
                {
                    "rep": rep,
                    "date": day,
                    "expected": True,
                    "duty_s": 27_000.0,
                    "start_ms": milliseconds(nine),
                    "end_ms": milliseconds(nine + timedelta(hours=9)),
                }
            )
            for visit in range(2):
                start, end = nine + timedelta(hours=2 * visit), nine + timedelta(hours=2 * visit + 1)
                key = f"{rep}-{number}-{visit}"
                span = {"rep": rep, "customer": "c-1", "start_ms": milliseconds(start), "end_ms": milliseconds(end)}
                outings.append({"outing": f"o-{key}", **span})
                checkins.append(_checkin(f"k-{key}", rep, start))
                stays.append(_stay(rep, day, start, end))
                written = milliseconds(end + timedelta(minutes=10))
                follow_ups.append(
                    {"followup": f"f-{key}", "kind": "visit", "written_ms": written, "received_ms": written, **span}
                )
    people = [
        {"rep": rep, "role": "credit_manager", "manager": "m-1", "team": "east", "branch": "b-1", "territory": "urban"}
        for rep in reps
    ]
    deals = [
        {
            "deal": f"d-{rep}",
            "rep": rep,
            "customer": "c-1",
            "product": "loan",
            "stage": "signed",
            "opened_ms": milliseconds(NINE),
        }
        for rep in reps
    ]
    return FakeTables(
        PEOPLE.from_rows(people),
        DUTY_DAYS.from_rows(duty),
        OUTINGS.from_rows(outings),
        CHECKINS.from_rows(checkins),
        STAYS.from_rows(stays),
        FOLLOW_UPS.from_rows(follow_ups),
        DEALS.from_rows(deals),
        sample_places(),
        period=Period(first, first + timedelta(days=days - 1)),
        as_of=as_of if as_of is not None else NINE + timedelta(days=days - 1, hours=15),
    )


def sample_customer(id_: str = "c-1") -> Customer:
    """Return a customer with one address in WGS-84."""
    address = Address(id="a-1", text="1 Sample Road", lat=CUSTOMER_AT[0], lon=CUSTOMER_AT[1], datum=Datum.WGS84)
    return Customer(id=id_, name="Sample Trading", owner="r-1", need="open an account", addresses=(address,))


def sample_message(text: str, id_: str = "m-1") -> Message:
    """Return something a rep wrote to a customer."""
    return Message(id=id_, thread="th-1", rep="r-1", customer="c-1", speaker="rep", text=text, time=NINE)


def sample_envelope(source: str, body: bytes = b"", **fields: Any) -> Envelope:
    """Return a payload that arrived at 09:00 local time."""
    given: dict[str, Any] = {"received": NINE, "options": {"device": "phone-1"}, **fields}
    return Envelope(source=source, body=body, **given)


def sample_notice(id_: str = "n-1", body: str = "40 minutes away from the customer.") -> Notice:
    """Return a message to a manager about a case."""
    return Notice(
        id=id_,
        case="case-1",
        code="track.offsite_dwell",
        severity="medium",
        to="m-1",
        language="en",
        title="Off-site dwell",
        body=body,
        facts={"minutes": 40},
    )


def _place(
    id_: str, kind: str, subject: str | None, at: tuple[float, float], category: str | None = None
) -> dict[str, Any]:
    return {
        "place": id_,
        "kind": kind,
        "subject": subject,
        "category": category,
        "lat": at[0],
        "lon": at[1],
        "radius_m": 150.0,
        "private": kind == "home",
    }


def _checkin(id_: str, rep: str, moment: datetime) -> dict[str, Any]:
    return {
        "checkin": id_,
        "rep": rep,
        "customer": "c-1",
        "time_ms": milliseconds(moment),
        "lat": CUSTOMER_AT[0],
        "lon": CUSTOMER_AT[1],
        "accuracy_m": 10.0,
        "verdict": "at",
        "reason": "checkin.within_radius",
        "distance_m": 5.0,
    }


def _stay(rep: str, day: str, start: datetime, end: datetime) -> dict[str, Any]:
    seconds = (end - start).total_seconds()
    return {
        "rep": rep,
        "date": day,
        "start_ms": milliseconds(start),
        "end_ms": milliseconds(end),
        "certain_s": seconds,
        "possible_s": seconds,
        "lat": CUSTOMER_AT[0],
        "lon": CUSTOMER_AT[1],
        "radius_m": 8.0,
        "fixes": 120,
        "accuracy_m": 10.0,
        "verdict": "at",
        "reason": "stay.at_customer",
        "confidence": 0.95,
        "place": "a-1",
        "kind": "customer",
        "customer": "c-1",
        "nearest_customer": "c-1",
        "nearest_m": 5.0,
    }
