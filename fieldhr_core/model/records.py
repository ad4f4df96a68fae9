"""Column schemas of stored records, as alerters and scorers read them."""

from __future__ import annotations

from typing import Final

from fieldhr_core.model.table import Column, Kind, Schema

__all__ = ["ATTENDANCE", "CHECKINS", "DEALS", "DUTY_DAYS", "FEEDBACK", "FOLLOW_UPS", "JUDGED", "PEOPLE", "POINTS"]

_NAN: Final = float("nan")

#: Who works here, as of the end of the period asked for.
PEOPLE: Final = Schema(
    "people",
    "People of the tenant, one row each.",
    (
        Column("rep", Kind.TEXT, "Id."),
        Column("role", Kind.CODED, "The host's role (credit_manager ...)."),
        Column("manager", Kind.CODED, "Id of the manager; null at the top."),
        Column("team", Kind.CODED, "Team."),
        Column("branch", Kind.CODED, "Branch."),
        Column("territory", Kind.CODED, "urban, rural or the host's class."),
        Column("contract_share", Kind.FLOAT, "1.0 full time.", low=0, high=1.5, default=1.0),
        Column("joined", Kind.TEXT, "ISO date; null unknown.", default=None),
        Column("left", Kind.TEXT, "ISO date; null still here.", default=None),
    ),
)

#: One row a rep and calendar day: what was expected of them.
DUTY_DAYS: Final = Schema(
    "duty_days",
    "Expected working days; leave, training, holidays and rest days are not expected days.",
    (
        Column("rep", Kind.CODED, "Rep."),
        Column("date", Kind.CODED, "ISO local date."),
        Column("expected", Kind.BOOLEAN, "Work at customers was expected for the greater part of the day."),
        Column("duty_s", Kind.FLOAT, "Seconds of duty, breaks and absences left out.", low=0),
        Column("absence", Kind.CODED, "Kind of absence that day; null none.", default=None),
        Column("start_ms", Kind.TIME_MS, "Start of duty; 0 no duty.", default=0),
        Column("end_ms", Kind.TIME_MS, "End of duty; 0 no duty.", default=0),
    ),
)

#: Visit records and other follow-ups.
FOLLOW_UPS: Final = Schema(
    "follow_ups",
    "What reps wrote down, one row a record.",
    (
        Column("followup", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("kind", Kind.CODED, "visit, call, message, preparation, document ..."),
        Column("start_ms", Kind.TIME_MS, "Start the record claims."),
        Column("end_ms", Kind.TIME_MS, "End the record claims."),
        Column("written_ms", Kind.TIME_MS, "Device time of writing."),
        Column("received_ms", Kind.TIME_MS, "Arrival."),
        Column("is_joint", Kind.BOOLEAN, "Somebody else was there too, by the record.", default=False),
    ),
)

#: Check-ins with the verdict they were given.
CHECKINS: Final = Schema(
    "checkins",
    "Check-ins with their verdicts.",
    (
        Column("checkin", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer claimed."),
        Column("time_ms", Kind.TIME_MS, "Instant of the fix."),
        Column("lat", Kind.FLOAT, "Latitude, WGS-84.", low=-90, high=90),
        Column("lon", Kind.FLOAT, "Longitude, WGS-84.", low=-180, high=180),
        Column("accuracy_m", Kind.FLOAT, "Reported accuracy.", low=0, default=_NAN),
        Column("device", Kind.CODED, "Device.", default=None),
        Column("verdict", Kind.CODED, "at, away, unknown."),
        Column("reason", Kind.CODED, "Dotted reason."),
        Column("distance_m", Kind.FLOAT, "To the nearest address of the customer; NaN none.", low=0, default=_NAN),
    ),
)

#: Deals in columns.
DEALS: Final = Schema(
    "deals",
    "Sales, loans and contracts, one row each.",
    (
        Column("deal", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("product", Kind.CODED, "Product class."),
        Column("stage", Kind.CODED, "Stage in the host's words."),
        Column("opened_ms", Kind.TIME_MS, "Opened."),
        Column("closed_ms", Kind.TIME_MS, "Closed; 0 open.", default=0),
        Column("amount_minor", Kind.INTEGER, "Amount in minor units of the tenant's currency.", default=0),
    ),
)

#: What customers said of how they were served.
FEEDBACK: Final = Schema(
    "feedback",
    "Complaints, praise and ratings, one row each.",
    (
        Column("feedback", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep it is about."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("kind", Kind.CODED, "complaint, praise, rating ..."),
        Column("state", Kind.CODED, "open, upheld, rejected, done."),
        Column("at_ms", Kind.TIME_MS, "When it was said."),
        Column("settled_ms", Kind.TIME_MS, "Decided on; 0 not yet.", default=0),
        Column("rating", Kind.FLOAT, "0 (worst) to 1; NaN none.", low=0, high=1, default=_NAN),
        Column("deal", Kind.TEXT, "Deal it is about; null none.", default=None),
    ),
)

#: The host's own time clock.
ATTENDANCE: Final = Schema(
    "attendance",
    "Stamps of the host's own time clock, one row each.",
    (
        Column("attendance", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Who."),
        Column("kind", Kind.CODED, "in, out."),
        Column("time_ms", Kind.TIME_MS, "When."),
    ),
)

#: Single points to be judged against one claimed customer each.
POINTS: Final = Schema(
    "points",
    "Single positions, each claimed to be at a customer.",
    (
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer claimed."),
        Column("time_ms", Kind.TIME_MS, "Instant of the fix."),
        Column("lat", Kind.FLOAT, "Latitude, WGS-84.", low=-90, high=90),
        Column("lon", Kind.FLOAT, "Longitude, WGS-84.", low=-180, high=180),
        Column("accuracy_m", Kind.FLOAT, "Reported accuracy; NaN unknown.", low=0, default=_NAN),
    ),
)

#: The judgement of POINTS, row for row.
JUDGED: Final = Schema(
    "judged",
    "Verdicts on single points, in the order of the points.",
    (
        Column("verdict", Kind.CODED, "at, away, unknown."),
        Column("reason", Kind.CODED, "Dotted reason."),
        Column("distance_m", Kind.FLOAT, "To the nearest address of the customer; NaN none.", low=0),
        Column("place", Kind.TEXT, "Id of that address; null none.", default=None),
    ),
)
