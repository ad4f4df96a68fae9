"""Column schemas of stored records, as alerters and scorers read them."""

from __future__ import annotations

from typing import Final

from fieldhr_core.model.table import Column, Kind, Schema

__all__ = [
    "ATTENDANCE",
    "CHECKINS",
    "CONTACTS",
    "CUSTOMERS",
    "DEALS",
    "DUTY_DAYS",
    "FEEDBACK",
    "FOLLOW_UPS",
    "INSPECTIONS",
    "JUDGED",
    "LOANS",
    "MESSAGES",
    "MET",
    "NOTES",
    "PEOPLE",
    "POINTS",
    "PRESENCE",
]

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
        Column("next_ms", Kind.TIME_MS, "When the next step was agreed for; 0 none was.", default=0),
        Column("need_share", Kind.FLOAT, "Share of the stated need it speaks of; NaN no need.", low=0, default=_NAN),
        Column("terms", Kind.INTEGER, "Different terms it has beside those of the need.", default=0),
        Column("sketch", Kind.INTEGER, "Fingerprint of what was written; 0 nothing was.", default=0),
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
        Column("channel", Kind.CODED, "Where it came from (branch, online ...); null not said.", default=None),
        Column("cancelled_ms", Kind.TIME_MS, "Taken back by the customer after signing; 0 not.", default=0),
        Column("met_ms", Kind.TIME_MS, "First visit that led to it, by the host; 0 not said: see MET.", default=0),
    ),
)

#: Which visit led to which deal.
MET: Final = Schema(
    "met",
    "First visit that led to each deal of which one is known: the host's word, else positions and records.",
    (
        Column("deal", Kind.TEXT, "Id of the deal."),
        Column("at_ms", Kind.TIME_MS, "When the visit began."),
    ),
)

#: Loans in columns: every one booked so far, however old.
LOANS: Final = Schema(
    "loans",
    "Loans, one row each.",
    (
        Column("loan", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep who answers for it."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("product", Kind.CODED, "Product class."),
        Column("booked_ms", Kind.TIME_MS, "Paid out: its month is the vintage."),
        Column("amount_minor", Kind.INTEGER, "Amount in minor units of the tenant's currency.", default=0),
        Column("due_ms", Kind.TIME_MS, "Payment due; 0 not said.", default=0),
        Column("overdue_ms", Kind.TIME_MS, "Start of the latest spell of being overdue; 0 never.", default=0),
        Column("cured_ms", Kind.TIME_MS, "End of that spell; 0 it lasts.", default=0),
        Column("closed_ms", Kind.TIME_MS, "Off the book; 0 still on it.", default=0),
        Column("state", Kind.CODED, "The host's word for how it stands.", default=None),
        Column("risk", Kind.CODED, "high, or anything else.", default="normal"),
    ),
)

#: Calls, messages and enquiries in columns.
CONTACTS: Final = Schema(
    "contacts",
    "Contacts between reps and customers, one row each.",
    (
        Column("contact", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("channel", Kind.CODED, "phone, chat, email ..."),
        Column("direction", Kind.CODED, "in: the customer began; out: the rep did."),
        Column("at_ms", Kind.TIME_MS, "Begin."),
        Column("answered_ms", Kind.TIME_MS, "When the rep answered; 0 not yet.", default=0),
        Column("talk_s", Kind.FLOAT, "Seconds they talked.", low=0, default=0.0),
    ),
)

#: Inspection records in columns.
INSPECTIONS: Final = Schema(
    "inspections",
    "Statements analysed and sites photographed, of the period and the half year before it, one row each.",
    (
        Column("inspection", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("kind", Kind.CODED, "statement_analysis, site_photo ..."),
        Column("at_ms", Kind.TIME_MS, "When it was done."),
        Column("received_ms", Kind.TIME_MS, "Arrival."),
        Column("fingerprint", Kind.TEXT, "What the picture looks like; null no picture.", default=None),
    ),
)

#: Who was where, as far as scores may know: with whom and how long, never at which coordinates.
PRESENCE: Final = Schema(
    "presence",
    "Stays at customers, check-ins, and days with positions, one row each, without coordinates.",
    (
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer; empty of a day."),
        Column("kind", Kind.CODED, "stay: seen by positions; checkin: said by the rep; tracked: a day with positions."),
        Column("verdict", Kind.CODED, "at, away, unknown; a stay is always at, a day unknown."),
        Column("start_ms", Kind.TIME_MS, "Start; of a check-in its instant."),
        Column("end_ms", Kind.TIME_MS, "End; of a check-in its instant."),
        Column("certain_s", Kind.FLOAT, "Seconds certainly spent there.", low=0, default=0.0),
        Column("possible_s", Kind.FLOAT, "Seconds possibly spent there; NaN not known.", low=0, default=_NAN),
        Column("record", Kind.TEXT, "Id of the check-in, or rep/date of the day."),
    ),
)

#: Follow-ups with what was written.
NOTES: Final = Schema(
    "notes",
    "Visit records and other follow-ups with their text, which is opened for it.",
    (
        Column("followup", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("kind", Kind.CODED, "visit, call, message, preparation, document ..."),
        Column("start_ms", Kind.TIME_MS, "Start the record claims."),
        Column("written_ms", Kind.TIME_MS, "Device time of writing."),
        Column("text", Kind.TEXT, "What was written."),
    ),
)

#: What was said, with its words.
MESSAGES: Final = Schema(
    "messages",
    "Messages and utterances with their text, which is opened for it, one row each.",
    (
        Column("message", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer; null where none is addressed."),
        Column("speaker", Kind.CODED, "rep, customer."),
        Column("channel", Kind.CODED, "chat, email, call ..."),
        Column("time_ms", Kind.TIME_MS, "When it was said."),
        Column("text", Kind.TEXT, "What was said."),
    ),
)

#: Customers as the host classes them; no name, no number.
CUSTOMERS: Final = Schema(
    "customers",
    "Customers as they stand, one row each: those of the reps shown, and all whose risk is not normal.",
    (
        Column("customer", Kind.TEXT, "Id."),
        Column("rep", Kind.CODED, "Rep who holds the customer; null nobody."),
        Column("schema", Kind.CODED, "Person, Organization."),
        Column("industry", Kind.CODED, "The host's class of business; null unknown."),
        Column("risk", Kind.CODED, "The host's own label: normal, high ..."),
        Column("potential", Kind.CODED, "high, medium, low; null unknown."),
        Column("source", Kind.CODED, "System the record came from."),
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
        Column("kind", Kind.CODED, "complaint, praise, rating, confirmation ..."),
        Column("state", Kind.CODED, "open, upheld, rejected, done."),
        Column("at_ms", Kind.TIME_MS, "When it was said."),
        Column("settled_ms", Kind.TIME_MS, "Decided on; 0 not yet.", default=0),
        Column("rating", Kind.FLOAT, "0 (worst) to 1; NaN none.", low=0, high=1, default=_NAN),
        Column("deal", Kind.TEXT, "Deal it is about; null none.", default=None),
        Column("about", Kind.TEXT, "Visit record, outing or check-in that it confirms; null none.", default=None),
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
