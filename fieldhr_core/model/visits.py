"""Outings, check-ins, visit records, and what the positions say about them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import attrs

from fieldhr_core.model.geo import Datum
from fieldhr_core.model.table import Column, Kind, Schema, Table

__all__ = [
    "OUTINGS",
    "PLACES",
    "SIGNALS",
    "STAYS",
    "CheckIn",
    "CheckInAnswer",
    "FollowUp",
    "Outing",
    "Place",
    "PlaceKind",
    "Resolved",
    "Verdict",
]


class Verdict(enum.StrEnum):
    """Three, never two. Silence and doubt are UNKNOWN; only AWAY may ever lead to an alert."""

    AT = "at"
    AWAY = "away"
    UNKNOWN = "unknown"


class PlaceKind(enum.StrEnum):
    """What a known place is to the rep whose day is resolved."""

    CUSTOMER = "customer"
    HOME = "home"
    OFFICE = "office"
    INTEREST = "interest"
    PRIVATE = "private"


@attrs.frozen(kw_only=True)
class Place:
    """A place that is no customer's address: an office, a home, a point of interest.

    Attributes:
        subject: the rep whose home it is; ``None`` for places that are the same for everybody.
        category: the host's class of a point of interest (``mall``, ``restaurant``, ``fuel`` ...).
        private: never named in evidence or reports ("private place").
    """

    id: str
    kind: PlaceKind
    name: str = ""
    category: str = ""
    lat: float
    lon: float
    datum: Datum
    radius_m: float = 100.0
    subject: str | None = None
    private: bool = False


@attrs.frozen(kw_only=True)
class Outing:
    """A visit that is planned or claimed for a customer: what the day is held against.

    ``meeting_place`` is the id of another place where rep and customer agreed to meet.
    """

    id: str
    rep: str
    customer: str
    start: datetime
    end: datetime
    meeting_place: str | None = None


@attrs.frozen(kw_only=True)
class CheckIn:
    """A rep says "I am at this customer now", with the fix that goes with it."""

    id: str
    rep: str
    customer: str
    time: datetime
    lat: float
    lon: float
    datum: Datum
    accuracy_m: float | None = None
    device: str = ""
    mock: bool | None = None
    offline: bool = False


@attrs.frozen(kw_only=True)
class CheckInAnswer:
    """What the rep sees at once.

    Attributes:
        verdict: AT, AWAY or UNKNOWN, with ``reason`` as a dotted code (``checkin.within_radius`` ...).
        customer_name, need: who is visited and what they want now.
        distance_m: to the nearest address of the customer; ``None`` where none has coordinates.
        alerts: ids of cases this check-in raised.
    """

    checkin: str
    verdict: Verdict
    reason: str
    customer_name: str
    need: str
    distance_m: float | None
    recorded: datetime
    alerts: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class FollowUp:
    """A visit or contact as the rep wrote it down.

    Attributes:
        start, end: what the record claims.
        written: device time at which it was written; ``received`` when it reached the host.
        kind: ``visit``, ``call``, ``message``, ``preparation``, ``document`` ...
        next_step: when the next step was agreed for; ``None``: none was, or nobody says.
    """

    id: str
    rep: str
    customer: str
    kind: str
    start: datetime
    end: datetime
    written: datetime
    received: datetime | None = None
    text: str = ""
    joint_with: tuple[str, ...] = ()
    next_step: datetime | None = None


#: Where a tenant's people may legitimately or otherwise be; one row a place or customer address, WGS-84.
PLACES: Final = Schema(
    "places",
    "Known places of a tenant in WGS-84: customer addresses, offices, homes, points of interest.",
    (
        Column("place", Kind.TEXT, "Id of the place or of the customer's address."),
        Column("kind", Kind.CODED, "customer, home, office, interest, private."),
        Column("subject", Kind.TEXT, "Customer id, or the rep whose home it is; null for everybody's."),
        Column("category", Kind.CODED, "Class of a point of interest; null elsewhere.", default=None),
        Column("lat", Kind.FLOAT, "Latitude, WGS-84 degrees.", low=-90, high=90),
        Column("lon", Kind.FLOAT, "Longitude, WGS-84 degrees.", low=-180, high=180),
        Column("radius_m", Kind.FLOAT, "Radius within which somebody is there, metres.", low=0),
        Column("private", Kind.BOOLEAN, "Closed to judgement: never named, never alerted on.", default=False),
        Column("owner", Kind.CODED, "Rep who holds the customer; null = counts for every rep.", default=None),
        Column("source", Kind.CODED, "Where the customer's record came from; null elsewhere.", default=None),
        Column(
            "doubt",
            Kind.CODED,
            "Code of an open case that says the address is wrong: nobody is held against it; null none.",
            default=None,
        ),
    ),
)

#: Claimed or planned visits in columns.
OUTINGS: Final = Schema(
    "outings",
    "Visits planned or claimed, one row each.",
    (
        Column("outing", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer id."),
        Column("start_ms", Kind.TIME_MS, "Start."),
        Column("end_ms", Kind.TIME_MS, "End."),
        Column("meeting_place", Kind.TEXT, "Another agreed place; null usually.", default=None),
    ),
)

#: What a resolver makes of rep-days.
STAYS: Final = Schema(
    "stays",
    "Periods in one place, ascending in time within a rep-day. Time between stays is a move or unknown, never a stay.",
    (
        Column("rep", Kind.CODED, "Rep."),
        Column("date", Kind.CODED, "ISO local date of the rep-day."),
        Column("start_ms", Kind.TIME_MS, "First fix inside; of rare reporters the likely arrival before it."),
        Column("end_ms", Kind.TIME_MS, "Last fix inside; of rare reporters the likely departure after it."),
        Column("certain_s", Kind.FLOAT, "Seconds certainly spent there (fixes inside, silence left out).", low=0),
        Column("possible_s", Kind.FLOAT, "Seconds possibly spent there (silence on both sides included).", low=0),
        Column("lat", Kind.FLOAT, "Centre, WGS-84 degrees.", low=-90, high=90),
        Column("lon", Kind.FLOAT, "Centre, WGS-84 degrees.", low=-180, high=180),
        Column("radius_m", Kind.FLOAT, "Spread of the fixes round the centre, metres.", low=0),
        Column("fixes", Kind.INTEGER, "Fixes inside.", low=1),
        Column("accuracy_m", Kind.FLOAT, "Median reported accuracy; NaN unknown.", low=0),
        Column("verdict", Kind.CODED, "at, away, unknown."),
        Column("reason", Kind.CODED, "Dotted reason of the verdict."),
        Column("confidence", Kind.FLOAT, "0-1.", low=0, high=1),
        Column("place", Kind.TEXT, "Id of the matched place; null none.", default=None),
        Column("kind", Kind.CODED, "Kind of that place; null none.", default=None),
        Column("category", Kind.CODED, "Category of that place; null none.", default=None),
        Column("customer", Kind.TEXT, "Customer visited; null none.", default=None),
        Column("nearest_customer", Kind.TEXT, "Nearest customer of this rep; null none.", default=None),
        Column("nearest_m", Kind.FLOAT, "Metres to that customer; NaN none.", low=0, default=float("nan")),
        Column(
            "over_ms",
            Kind.TIME_MS,
            "First fix by which more than the resolver's dwell limit was spent; 0 not.",
            default=0,
        ),
        Column("is_open", Kind.BOOLEAN, "Still going on at the last fix.", default=False),
        Column(
            "counted_s",
            Kind.FLOAT,
            "Certain seconds outside breaks: what is held against the dwell limit.",
            low=0,
            default=float("nan"),
        ),
        Column(
            "refused",
            Kind.INTEGER,
            "Fixes of the span that were not used: too inaccurate, or outliers.",
            low=0,
            default=0,
        ),
    ),
)

#: Named doubts about the data itself. None convicts alone.
SIGNALS: Final = Schema(
    "signals",
    "Doubts about the data of a rep-day (mock flag, impossible speed, a replayed track ...).",
    (
        Column("rep", Kind.CODED, "Rep."),
        Column("date", Kind.CODED, "ISO local date of the rep-day."),
        Column("signal", Kind.CODED, "Dotted name, an alert code where it can become one."),
        Column("start_ms", Kind.TIME_MS, "Start."),
        Column("end_ms", Kind.TIME_MS, "End."),
        Column("seen_ms", Kind.TIME_MS, "Instant from which it could be known."),
        Column("strength", Kind.FLOAT, "0-1.", low=0, high=1),
        Column("facts", Kind.TEXT, "JSON object with what was measured."),
    ),
)


@attrs.frozen(eq=False, kw_only=True)
class Resolved:
    """What a resolver returns for the rep-days it was given: stays and signals, both keyed by (rep, date)."""

    stays: Table
    signals: Table
