"""What plugins provide: typed objects that take and return whole batches.

A provider is made by an :class:`~fieldhr_core.hooks.plugin.Offer` for one tenant, with that tenant's settings. It holds
no tenant data between calls except caches keyed by what it was given, does no I/O unless its family is about I/O
(connectors, channels), and never sees a row at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import attrs

from fieldhr_core.model import (
    Absence,
    Attendance,
    Customer,
    Deal,
    Decoded,
    Envelope,
    Feedback,
    Finding,
    FollowUp,
    Heard,
    Metric,
    Period,
    Person,
    Problem,
    Recording,
    RepDays,
    Resolved,
    Ruling,
    Schema,
    Scorecard,
    Submission,
    Table,
    Weighting,
)

__all__ = [
    "Alerter",
    "Channel",
    "Check",
    "Composer",
    "Connector",
    "Decoder",
    "Delivery",
    "Notice",
    "Pulled",
    "Recogniser",
    "Resolver",
    "Scorer",
    "Tables",
    "TakesNotes",
]


class Decoder(Protocol):
    """Locator, role ``decode``: payloads of one source to positions."""

    def decode(self, envelopes: Sequence[Envelope], /) -> Sequence[Decoded]:
        """Return one :class:`Decoded` an envelope, in order.

        Never raises on bad payloads: they come back ``rejected`` or ``ignored`` with a reason.
        """
        ...


class Resolver(Protocol):
    """Locator, role ``resolve``: what fixes say about where somebody was."""

    def resolve(self, days: RepDays, places: Table, outings: Table, /) -> Resolved:
        """Return stays and signals of the rep-days.

        Args:
            days: fixes in WGS-84, ascending in time within a rep-day.
            places: ``PLACES`` of the whole tenant; the same object until it changes, so an index may be cached by
                identity. Homes count only for their own rep.
            outings: ``OUTINGS`` of these rep-days.

        A pure function: the same input gives the same output, whatever was resolved before.
        """
        ...

    def judge(self, points: Table, places: Table, /) -> Table:
        """Return ``JUDGED`` for ``POINTS``, row for row: is each point at the customer it claims?"""
        ...


@attrs.frozen(eq=False, kw_only=True)
class Pulled:
    """What a connector brought, and from where to go on.

    Attributes:
        gone: ids of customers that no longer exist at the source.
        merged: id of a customer that went up in another one -> id of that one; it is gone, and its records follow.
        people, absences, attendance: of the other system's employees, where it keeps them.
        cursor: opaque text to hand back next time.
        more: another page is ready now.
    """

    customers: Sequence[Customer] = ()
    deals: Sequence[Deal] = ()
    gone: Sequence[str] = ()
    merged: Mapping[str, str] = attrs.field(factory=dict)
    people: Sequence[Person] = ()
    absences: Sequence[Absence] = ()
    attendance: Sequence[Attendance] = ()
    feedback: Sequence[Feedback] = ()
    problems: Sequence[Problem] = ()
    cursor: str | None = None
    more: bool = False


class Connector(Protocol):
    """CRM connector: records out of another system, visits and notes back where it allows."""

    def pull(self, cursor: str | None, /) -> Pulled:
        """Return what changed since *cursor* (``None``: everything). Raises where the source is down."""
        ...

    def push(self, visits: Table, /) -> Sequence[Problem]:
        """Write ``STAYS`` verified as visits back; return problems. A read-only source returns one a row.

        A batch holds every visit of each rep-day in it, in time order, and a rep-day comes again when late positions
        changed it: what stands at the other side for that rep-day is exchanged, never doubled.

        A connector may also have ``push_notes(notes: Sequence[FollowUp])``, with the same promise note by note: their
        texts leave the store then. One may state ``source``, what its customers bear as theirs, where that is not its
        name.
        """
        ...


@runtime_checkable
class TakesNotes(Protocol):
    """A connector whose system takes notes, too."""

    def push_notes(self, notes: Sequence[FollowUp], /) -> Sequence[Problem]:
        """Write visit records with their texts; return problems. A note that comes again is exchanged."""
        ...


class Tables(Protocol):
    """Column tables of one tenant and period, loaded when asked for."""

    @property
    def tenant(self) -> str:
        """Id of the tenant."""
        ...

    @property
    def period(self) -> Period:
        """Local days covered, both ends included."""
        ...

    @property
    def as_of(self) -> datetime:
        """The instant of judgement, aware; nothing later is in the tables."""
        ...

    def __getitem__(self, schema: Schema) -> Table:
        """Return the rows of one schema.

        There are ``STAYS``, ``SIGNALS``, ``OUTINGS``, ``CHECKINS``, ``FOLLOW_UPS``, ``DUTY_DAYS``, ``PEOPLE``,
        ``DEALS``, ``MET``, ``LOANS``, ``CONTACTS``, ``FEEDBACK``, ``INSPECTIONS``, ``PRESENCE``, ``NOTES``,
        ``MESSAGES``, ``ATTENDANCE``, ``CUSTOMERS``, ``PLACES`` and ``CASES``. Of deals, loans and feedback all are
        shown, however old, as they stood at :attr:`as_of`.
        """
        ...


class Scorer(Protocol):
    """Scorer: tables of a period to metric values with exposure and uncertainty."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it can return."""
        ...

    def score(self, tables: Tables, /) -> Table:
        """Return ``METRICS``; a value that cannot be known is NaN or left out, never 0."""
        ...


class Composer(Protocol):
    """Scorer, role ``compose``: what was measured to one scorecard a rep. Pure: it sees metrics and people only."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it can weigh; scorers that measure none of these are not asked."""
        ...

    def weighting(self) -> Weighting:
        """Return the weights in force for the tenant."""
        ...

    def compose(self, measured: Table, people: Table, period: Period, weighting: Weighting, /) -> Sequence[Scorecard]:
        """Return one card a rep of ``PEOPLE`` whom a scorecard is for.

        Args:
            measured: ``METRICS`` of the period; a metric that is not there could not be measured.
            people: ``PEOPLE``.
            weighting: the weights to use, those in force or others somebody tries.

        The contributions of a card add up to its total exactly, in hundredths of a point; a weighted metric without
        evidence is named in ``missing`` and its weight goes to the others.
        """
        ...


class Tracer(Protocol):
    """Scorer, role ``trace``: which records a figure was made of."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Whose records it can name."""
        ...

    def behind(self, tables: Tables, subject: str, metric: str, /) -> Table:
        """Return ``BEHIND`` for one figure.

        Where the metric is a share, a rate or a mean, the sum of ``counts`` over the sum of ``of`` is its value.
        """
        ...


class Alerter(Protocol):
    """Alerter, role ``find``: tables to findings with evidence.

    Attributes:
        codes: every alert code it may raise.
        cadence: ``live`` = whenever something of a rep-day changed; ``HH:MM`` = at that local time every day.
        days: how many local days, counted back from ``as_of``, it needs to see.

    A live alerter is shown the rows of the reps whose day changed. It may state ``peers`` on its class: ``customer`` or
    ``device`` adds the check-ins of others at the same customers, or from the same devices; ``source`` adds the first
    200 check-ins of the period at customers of the same sources; ``picture`` shows the inspections of everybody.
    """

    @property
    def codes(self) -> tuple[str, ...]:
        """Every alert code it may raise."""
        ...

    @property
    def cadence(self) -> str:
        """``live`` or ``HH:MM`` local time."""
        ...

    @property
    def days(self) -> int:
        """Local days it needs, today included."""
        ...

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return every finding that holds in the tables.

        The answer is complete for the period: a finding of its last day that is no longer returned after late data is
        withdrawn with that reason, and so is a finding of an earlier day that has not ended
        (``closed_at`` is ``None``).
        """
        ...


@attrs.frozen(kw_only=True)
class Notice:
    """One message to one recipient about one case; ``id`` is the idempotency key, equal on every retry."""

    id: str
    case: str
    code: str
    severity: str
    to: str
    language: str
    title: str
    body: str
    facts: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Delivery:
    """What became of one notice: ``sent``, ``retry`` (with a reason) or ``refused`` (do not try again)."""

    notice: str
    status: str
    reason: str = ""


class Channel(Protocol):
    """Alerter, role ``deliver``: notices out of the house."""

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        """Try each notice once; return one :class:`Delivery` a notice, in order."""
        ...


class Check(Protocol):
    """Compliance check: submissions to rulings. A check that raises, hangs or misbehaves clears nothing."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of submission it looks at (``message``, ``customer``, ``sale`` ...)."""
        ...

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a submission, in order."""
        ...


class Recogniser(Protocol):
    """What turns recordings into text; given to ``desk.messages.hear``, not registered: a model is the host's to bring.

    Handing in transcripts (messages with ``offset_s`` and ``confidence``) needs none.
    """

    def recognise(self, recording: Recording, /) -> Sequence[Heard]:
        """Return what was said in a recording, in order of time. Raises where it cannot be understood at all."""
        ...
