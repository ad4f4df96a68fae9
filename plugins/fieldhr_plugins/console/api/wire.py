"""What goes over the wire: strict on the way in, where nothing is coerced or passed over; complete on the way out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar.params import Parameter
from msgspec import Meta

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.values import plain
from fieldhr_core.model import (
    Absence,
    AbsenceKind,
    Address,
    CaseStep,
    CheckIn,
    Customer,
    Datum,
    FollowUp,
    Message,
    Outing,
    Person,
    Table,
)

__all__ = [
    "AbsenceIn",
    "BasisIn",
    "CheckInIn",
    "ColumnsIn",
    "CustomerIn",
    "CustomersIn",
    "DayPath",
    "FollowUpIn",
    "FollowUpsIn",
    "IdPath",
    "Ident",
    "MessagesIn",
    "OutingsIn",
    "PeopleIn",
    "StepIn",
    "SubmissionsIn",
    "TokenIn",
    "WithdrawIn",
    "columns_of",
    "sensible",
    "sensible_day",
]

#: Text without control characters: what every database can hold and every log can show.
_CLEAN: Final = r"^[^\u0000-\u001f\u007f]+$"
Ident = Annotated[str, Meta(min_length=1, max_length=120, pattern=_CLEAN)]
Word = Annotated[str, Meta(max_length=60, pattern=r"^[^\u0000-\u001f\u007f]*$")]
Line = Annotated[str, Meta(max_length=500, pattern=r"^[^\u0000-\u001f\u007f]*$")]
Text = Annotated[str, Meta(max_length=20_000, pattern=r"^[^\u0000]*$")]
Instant = Annotated[datetime, Meta(tz=True)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lon = Annotated[float, Meta(ge=-180, le=180)]
Metres = Annotated[float, Meta(ge=0, le=1_000_000)]
IdPath = Annotated[str, Parameter(min_length=1, max_length=120, pattern=_CLEAN)]
DayPath = Annotated[date, Parameter(description="Local date of the rep, from 2000-01-01 to 2099-12-31.")]

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def sensible(moment: datetime) -> datetime:
    """Return an instant if anything here can have happened then.

    Raises:
        RecordError: FHR-REC-001 before 2000 or from 2100 on.
    """
    if not _FIRST <= moment < _LAST:
        raise RecordError(f"The time {moment.isoformat()} lies outside 2000 to 2099.", code="FHR-REC-001")
    return moment


def sensible_day(day: date) -> date:
    """Return a day if anything here can have happened on it; see :func:`sensible`."""
    if not _FIRST.date() <= day < _LAST.date():
        raise RecordError(f"The day {day.isoformat()} lies outside 2000 to 2099.", code="FHR-REC-001")
    return day


class _In(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What comes in."""


class CheckInIn(_In):
    """A rep says "I am at this customer now", with the fix that goes with it.

    ``rep`` may be left out by a rep. ``time`` is the device's clock; the answer says when it arrived by ours.
    """

    id: Ident
    customer: Ident
    time: Instant
    lat: Lat
    lon: Lon
    datum: Datum
    rep: Ident | None = None
    accuracy_m: Metres | None = None
    device: Annotated[str, Meta(max_length=120, pattern=r"^[^\u0000-\u001f\u007f]*$")] = ""
    mock: bool | None = None
    offline: bool = False

    def value(self, rep: str) -> CheckIn:
        """Return the model's value."""
        return CheckIn(
            id=self.id,
            rep=rep,
            customer=self.customer,
            time=sensible(self.time),
            lat=self.lat,
            lon=self.lon,
            datum=self.datum,
            accuracy_m=self.accuracy_m,
            device=self.device,
            mock=self.mock,
            offline=self.offline,
        )


class OutingIn(_In):
    """A visit planned or claimed for a customer."""

    id: Ident
    rep: Ident
    customer: Ident
    start: Instant
    end: Instant
    meeting_place: Ident | None = None


class OutingsIn(_In):
    """Outings; one whose id is known already is exchanged."""

    outings: Annotated[list[OutingIn], Meta(min_length=1, max_length=5_000)]

    def values(self) -> list[Outing]:
        """Return the model's values."""
        return [
            Outing(
                id=one.id,
                rep=one.rep,
                customer=one.customer,
                start=sensible(one.start),
                end=sensible(one.end),
                meeting_place=one.meeting_place,
            )
            for one in self.outings
        ]


class FollowUpIn(_In):
    """A visit or contact as the rep wrote it down."""

    id: Ident
    customer: Ident
    kind: Word
    start: Instant
    end: Instant
    written: Instant
    rep: Ident | None = None
    text: Text = ""
    joint_with: Annotated[list[Ident], Meta(max_length=50)] = []
    next_step: Instant | None = None


class FollowUpsIn(_In):
    """Follow-ups; one whose id is known already is exchanged."""

    follow_ups: Annotated[list[FollowUpIn], Meta(min_length=1, max_length=5_000)]

    def values(self, own: str) -> list[FollowUp]:
        """Return the model's values; those without a rep are *own*'s."""
        return [
            FollowUp(
                id=one.id,
                rep=one.rep or own,
                customer=one.customer,
                kind=one.kind,
                start=sensible(one.start),
                end=sensible(one.end),
                written=sensible(one.written),
                text=one.text,
                joint_with=tuple(one.joint_with),
                next_step=None if one.next_step is None else sensible(one.next_step),
            )
            for one in self.follow_ups
        ]


class AddressIn(_In):
    """One place of a customer; where a coordinate is given, its datum is, too."""

    id: Ident
    text: Line = ""
    lat: Lat | None = None
    lon: Lon | None = None
    datum: Datum | None = None
    radius_m: Annotated[float, Meta(ge=0, le=50_000)] = 150.0


class CustomerIn(_In):
    """A customer as the host's records have it."""

    id: Ident
    name: Annotated[str, Meta(min_length=1, max_length=500, pattern=_CLEAN)]
    schema: Literal["Person", "Organization"] = "Organization"
    owner: Ident | None = None
    need: Line = ""
    addresses: Annotated[list[AddressIn], Meta(max_length=50)] = []
    identifiers: Annotated[dict[str, str], Meta(max_length=20)] = {}
    industry: Word = ""
    risk: Annotated[str, Meta(max_length=20, pattern=r"^[^\u0000-\u001f\u007f]*$")] = "normal"
    potential: Annotated[str, Meta(max_length=40, pattern=r"^[^\u0000-\u001f\u007f]*$")] = ""
    birth_date: date | None = None
    countries: Annotated[list[Annotated[str, Meta(pattern="^[A-Za-z]{2}$")]], Meta(max_length=20)] = []

    def value(self) -> Customer:
        """Return the model's value."""
        return Customer(
            id=self.id,
            name=self.name,
            schema=self.schema,
            owner=self.owner,
            need=self.need,
            addresses=tuple(
                Address(id=a.id, text=a.text, lat=a.lat, lon=a.lon, datum=a.datum, radius_m=a.radius_m)
                for a in self.addresses
            ),
            identifiers=dict(self.identifiers),
            industry=self.industry,
            risk=self.risk,
            potential=self.potential,
            birth_date=self.birth_date,
            countries=tuple(self.countries),
            source="host",
        )


class CustomersIn(_In):
    """Customers; one whose id is known already is exchanged."""

    customers: Annotated[list[CustomerIn], Meta(min_length=1, max_length=2_000)]


class MessageIn(_In):
    """One utterance of a conversation."""

    id: Ident
    thread: Ident
    speaker: Literal["rep", "customer"]
    text: Text
    time: Instant
    rep: Ident | None = None
    customer: Ident | None = None
    channel: Annotated[str, Meta(max_length=20, pattern=r"^[^\u0000-\u001f\u007f]*$")] = "chat"
    language: Annotated[str, Meta(max_length=20, pattern=r"^[^\u0000-\u001f\u007f]*$")] = ""
    product: Word = ""
    offset_s: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None


class MessagesIn(_In):
    """Messages to be checked, in the order in which they were said."""

    messages: Annotated[list[MessageIn], Meta(min_length=1, max_length=2_000)]

    def values(self, own: str) -> list[Message]:
        """Return the model's values; those without a rep are *own*'s."""
        return [
            Message(
                id=one.id,
                thread=one.thread,
                rep=one.rep or own,
                customer=one.customer,
                speaker=one.speaker,
                text=one.text,
                time=sensible(one.time),
                channel=one.channel,
                language=one.language,
                product=one.product,
                offset_s=one.offset_s,
                confidence=one.confidence,
            )
            for one in self.messages
        ]


class SubmissionsIn(_In):
    """Records to be ruled on, each with its id in the field its kind has; ``context`` bears on them."""

    records: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=500)]
    context: Annotated[list[dict[str, Any]], Meta(max_length=2_000)] = []


class PersonIn(_In):
    """An employee."""

    id: Ident
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=_CLEAN)]
    role: Word = "rep"
    manager: Ident | None = None
    team: Annotated[str, Meta(max_length=120, pattern=r"^[^\u0000-\u001f\u007f]*$")] = ""
    branch: Annotated[str, Meta(max_length=120, pattern=r"^[^\u0000-\u001f\u007f]*$")] = ""
    territory: Word = ""
    joined: date | None = None
    left: date | None = None
    language: Annotated[str, Meta(max_length=20, pattern=r"^[A-Za-z0-9-]*$")] = "en"


class PeopleIn(_In):
    """People; one whose id is known already is exchanged."""

    people: Annotated[list[PersonIn], Meta(min_length=1, max_length=2_000)]

    def values(self) -> list[Person]:
        """Return the model's values."""
        return [
            Person(
                id=one.id,
                name=one.name,
                role=one.role,
                manager=one.manager,
                team=one.team,
                branch=one.branch,
                territory=one.territory,
                joined=None if one.joined is None else sensible_day(one.joined),
                left=None if one.left is None else sensible_day(one.left),
                language=one.language,
            )
            for one in self.people
        ]


class AbsenceIn(_In):
    """A span in which the person is not judged; ``private`` is the person's own private mode."""

    id: Ident
    kind: AbsenceKind
    start: Instant
    end: Instant

    def value(self, rep: str) -> Absence:
        """Return the model's value."""
        return Absence(id=self.id, rep=rep, kind=self.kind, start=sensible(self.start), end=sensible(self.end))


class BasisIn(_In):
    """On what basis a person may be tracked from now on, and which notice they were shown."""

    basis: Annotated[str, Meta(min_length=1, max_length=40, pattern=_CLEAN)]
    notice: Annotated[str, Meta(min_length=1, max_length=60, pattern=_CLEAN)]
    purpose: Annotated[str, Meta(min_length=1, max_length=40, pattern=_CLEAN)] = "tracking"


class WithdrawIn(_In):
    """What a person takes their consent back for."""

    purpose: Annotated[str, Meta(min_length=1, max_length=40, pattern=_CLEAN)] = "tracking"


class StepIn(_In):
    """What somebody does with a case, and why; a decision takes a reason."""

    step: CaseStep
    note: Text = ""


class TokenIn(_In):
    """Whom a new token acts as, and for how long."""

    principal: Ident
    role: Literal["rep", "manager", "compliance", "hr_payroll", "auditor", "admin", "integrator"]
    person: Ident | None = None
    purpose: Literal[
        "",
        "visits",
        "customer_care",
        "supervision",
        "compliance",
        "performance",
        "payroll",
        "audit",
        "subject_access",
        "administration",
        "integration",
    ] = ""
    days: Annotated[int, Meta(ge=1, le=366)] = 90


class ColumnsIn(_In):
    """Positions as columns of one length, of any reps, in any order; duplicates and late ones are welcome.

    ``reps[rep[i]]`` is the rep of row ``i``, and likewise for ``devices``. ``time_ms`` is UTC milliseconds. A column
    that is left out says "unknown" in every row; ``null`` says it in one.
    """

    datum: Datum
    reps: Annotated[list[Ident], Meta(min_length=1, max_length=50_000)]
    time_ms: Annotated[list[int], Meta(min_length=1, max_length=500_000)]
    lat: Annotated[list[float | None], Meta(min_length=1, max_length=500_000)]
    lon: Annotated[list[float | None], Meta(min_length=1, max_length=500_000)]
    rep: Annotated[list[int], Meta(max_length=500_000)] | None = None
    devices: Annotated[list[Ident], Meta(max_length=50_000)] | None = None
    device: Annotated[list[int], Meta(max_length=500_000)] | None = None
    accuracy_m: Annotated[list[float | None], Meta(max_length=500_000)] | None = None
    speed_mps: Annotated[list[float | None], Meta(max_length=500_000)] | None = None
    battery_pct: Annotated[list[float | None], Meta(max_length=500_000)] | None = None
    mock: Annotated[list[int], Meta(max_length=500_000)] | None = None


def columns_of(table: Table) -> dict[str, list[Any]]:
    """Return a table as lists by column; what is unknown is null."""
    found: dict[str, list[Any]] = {column.name: [] for column in table.schema.columns}
    for row in table.rows():
        for name, value in row.items():
            found[name].append(None if value != value else plain(value))
    return found
