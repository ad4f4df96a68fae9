"""Hands a tenant to the product, through its public interface and in the order in which things happen.

The clock is frozen. For each upload of the day it is moved there, everything that has arrived by then is handed in, and
only then is the product told to do what is due: nothing is ever known before it could be.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from fieldhr_core.model import (
    CaseState,
    CheckIn,
    CheckInAnswer,
    Customer,
    Datum,
    Deal,
    FollowUp,
    Inspection,
    Message,
    Principal,
    Receipt,
    Role,
    Table,
)
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.script import Handed
from fieldhr_sandbox.watchlist import changes_of, screening_settings, write_list

if TYPE_CHECKING:
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.runtime import FieldHR
    from fieldhr_sandbox.script import Script
    from fieldhr_sandbox.tenant import Tenant

__all__ = ["STREAMS", "Fed", "Feeding", "Fixes", "Stream", "feed", "introduce", "opening_instant", "principal"]

#: Morning of the next day: what was written offline in the evening has arrived by then.
_MORNING_S: Final = clock_s("08:50")
_NIGHT_S: Final = clock_s("22:30")
_EVENING_S: Final = clock_s("23:30")
#: What is written by the end of the working day is in before the evening's work begins.
_WRITTEN_S: Final = 4 * 60


class Fixes(Protocol):
    """Where the fixes of a day come from: made here, or by other processes."""

    def __call__(self, day: int, /) -> Table:
        """Return ``REPORTED`` of one day, in order of arrival."""
        ...


@attrs.define(kw_only=True)
class Fed:
    """What was handed in, and what the product said to it.

    Attributes:
        day_seconds: how long each calendar day took, from its first upload to the last thing due on it.
    """

    receipt: Receipt = attrs.field(factory=Receipt)
    answers: list[CheckInAnswer] = attrs.field(factory=list)
    messages: int = 0
    follow_ups: int = 0
    handed: int = 0
    uploads: int = 0
    day_seconds: list[float] = attrs.field(factory=list)


def principal(tenant: Tenant) -> Principal:
    """Return who hands everything in: the tenant's own system."""
    return Principal(tenant=tenant.id, id="sandbox", role=Role.ADMIN)


def opening_instant(tenant: Tenant) -> datetime:
    """Return where the frozen clock is set at creation: noon of the day before the first one."""
    return tenant.days.instant(0, 0) - timedelta(hours=12)


def feed(
    hr: FieldHR,
    clock: FrozenClock,
    tenant: Tenant,
    fixes: Fixes,
    *,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
    folder: Path | None = None,
) -> Fed:
    """Create the tenant and hand in everything that happens in it.

    Args:
        hr: an open runtime on *clock*.
        clock: frozen at :func:`opening_instant`.
        tenant: what to hand in.
        fixes: the fixes of a day.
        settings: of plugins, for this tenant.
        progress: told one line a day.
        folder: where the list is written that the tenant screens against; a list needs one.
    """
    feeding = Feeding.begin(hr, clock, tenant, fixes, settings=settings, folder=folder)
    while not feeding.is_over:
        day = feeding.hand_in_day()
        if progress is not None:
            progress(f"{day} {feeding.fed.receipt.submitted:,} fixes")
    return feeding.fed


@attrs.define(eq=False, kw_only=True)
class Feeding:
    """A tenant on its way into the product, day by day.

    Attributes:
        next_day: the first day that was not handed in yet.
        fed: what was handed in so far.
    """

    hr: FieldHR
    clock: FrozenClock
    tenant: Tenant
    fixes: Fixes
    list_file: Path | None
    next_day: int = 0
    fed: Fed = attrs.field(factory=Fed)
    _waiting: _Waiting = attrs.field(factory=lambda: _Waiting(), init=False)
    _first: _First | None = attrs.field(default=None)

    @classmethod
    def begin(
        cls,
        hr: FieldHR,
        clock: FrozenClock,
        tenant: Tenant,
        fixes: Fixes,
        *,
        settings: Mapping[str, Any] | None = None,
        folder: Path | None = None,
        first: Collection[str] | None = None,
    ) -> Feeding:
        """Create the tenant and hand in what exists before the first day; arguments as of :func:`feed`.

        Args:
            first: reps whose customers and plans come first; those of all others wait for the next :meth:`hand_in_day`.
        """
        list_file = None if folder is None or not tenant.world.listed else folder / "trial-list.csv"
        if list_file is not None:
            write_list(list_file, tenant.world.listed, clock.now())
            settings = {**screening_settings(list_file), **(settings or {})}
        hr.tenants.create(
            tenant.id,
            name=f"{tenant.recipe.title} ({tenant.world.city}, simulated)",
            pattern=tenant.days.pattern,
            calendar=tenant.days.calendar,
            settings=settings,
            simulated=True,
        )
        early = None if first is None else _First.of(tenant, first)
        with hr.acting_as(principal(tenant), purpose="integration") as desk:
            introduce(desk, tenant, clock.now(), early)
        feeding = cls(hr=hr, clock=clock, tenant=tenant, fixes=fixes, list_file=list_file, first=early)
        feeding._waiting.books_until = clock.now()
        return feeding

    @property
    def is_over(self) -> bool:
        """Whether every day was handed in."""
        return self.next_day >= self.tenant.days.count

    def look_ahead(self) -> None:
        """Hand in the first day of the reps that come first, up to the end of its working time, but for what was said.

        The day's :meth:`hand_in_day` goes on from there: alerts carry the instant at which they could be known, so in
        the end they are those of a day that was handed in for everybody at once.
        """
        tenant, first = self.tenant, self._first
        assert first is not None, "nobody comes first"
        scripts = [script for script in tenant.day_scripts(0) if tenant.world.reps[script.rep].id in first.reps]
        self._waiting.add(tenant.fixes(scripts).table, scripts, tenant.day_scripts(0))
        until = tenant.days.instant(0, tenant.days.end_s + _WRITTEN_S)
        with self.hr.acting_as(principal(tenant), purpose="integration") as desk:
            _hand_in(
                self.hr, self.clock, desk, tenant, until, self._waiting, self.list_file, self.fed, without={"messages"}
            )

    def hand_in_day(self) -> date:
        """Hand in the next day, and after the last one the morning that follows; return the day's date."""
        tenant, day, first = self.tenant, self.next_day, self._first
        table, scripts, handed = self.fixes(day), tenant.day_scripts(day), tenant.day_scripts(day)
        began = time.perf_counter()
        with self.hr.acting_as(principal(tenant), purpose="integration") as desk:
            if first is not None:
                first.introduce_others(desk, tenant)
                if self._waiting.streams:
                    table, handed = first.others_of(table), []
                    scripts = [each for each in scripts if tenant.world.reps[each.rep].id not in first.reps]
                self._first = None
            self._waiting.add(table, scripts, handed)
            for until_s in _uploads(tenant, day):
                until = tenant.days.instant(day, until_s)
                if until > self.clock.now():
                    _hand_in(self.hr, self.clock, desk, tenant, until, self._waiting, self.list_file, self.fed)
        self.next_day += 1
        self.fed.day_seconds.append(round(time.perf_counter() - began, 4))
        if self.is_over:
            self.hr.advance(to=tenant.days.instant(tenant.days.count, _MORNING_S))
        return tenant.days.date(day)


@attrs.frozen(eq=False, kw_only=True)
class _First:
    """Who and what is handed in before all others: some reps, their customers, and whoever is spoken of elsewhere.

    A customer who is on the list, or about whom something is put before the checks, is there from the beginning.
    """

    reps: frozenset[str]
    customers: frozenset[str]

    @classmethod
    def of(cls, tenant: Tenant, reps: Collection[str]) -> _First:
        """Return those of *reps*."""
        names = {name for one in tenant.world.listed for name in (one.name, *one.aliases)}
        spoken_of = {
            leaf for script in tenant.scripts.values() for each in script.handed for leaf in _texts(each.value)
        }
        chosen = (
            customer.id
            for customer in tenant.world.customers.values()
            if customer.owner in reps or customer.id in spoken_of or customer.name in names
        )
        visited = (visit for script in tenant.day_scripts(0) for visit in script.check_ins if visit.rep in reps)
        return cls(reps=frozenset(reps), customers=frozenset(chosen) | {visit.customer for visit in visited})

    def introduce_others(self, desk: Desk, tenant: Tenant) -> None:
        """Hand in the customers and plans that were left out."""
        desk.customers.put([each for each in tenant.world.customers.values() if each.id not in self.customers])
        desk.outings.put([outing for outing in tenant.outings() if outing.rep not in self.reps])

    def others_of(self, table: Table) -> Table:
        """Return the fixes of everybody else."""
        import numpy as np

        other = np.array([rep not in self.reps for rep in table["rep"].values], dtype=bool)
        return table.take(other[table["rep"].codes])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def introduce(desk: Desk, tenant: Tenant, at: datetime, first: _First | None = None) -> None:
    """Hand in what exists before the first day; of customers and plans only those of *first*, where it is given."""
    desk.people.put(tenant.world.people())
    desk.people.put_absences(tenant.absences)
    reps = [rep.id for rep in tenant.world.reps]
    desk.people.record_bases(reps, purpose="tracking", basis="consent", notice="trial-1", at=at)
    customers, outings = tenant.world.customers.values(), tenant.outings()
    desk.customers.put([each for each in customers if first is None or each.id in first.customers])
    desk.places.put(tenant.world.places())
    desk.outings.put([each for each in outings if first is None or each.rep in first.reps])
    _keep_books(desk, tenant, None, at)


def _keep_books(desk: Desk, tenant: Tenant, since: datetime | None, until: datetime) -> None:
    """Hand in the loans and deals that something happened to, as the books say by then."""
    if tenant.books is None:
        return
    loans, deals = tenant.books.changes(None if since is None else _ms(since), _ms(until))
    if len(loans):
        desk.loans.put(loans)
    if len(deals):
        desk.deals.put(deals)


def _books_come_over(tenant: Tenant, until: datetime) -> bool:
    """Whether the books come over by *until*: once a night, before the alerters of that evening run, and at the end."""
    days = tenant.days
    second = (_ms(until) - days.midnight_ms(0)) // 1000 % 86_400
    return second == _NIGHT_S or until == days.instant(days.count - 1, _EVENING_S)


def _uploads(tenant: Tenant, day: int) -> Iterator[int]:
    """Yield the seconds of a day at which everything that has arrived is handed in."""
    yield _MORNING_S
    length_s = tenant.pack.slice_minutes * 60
    if tenant.days.works(day) and length_s < tenant.days.end_s - tenant.days.start_s:
        yield from range(tenant.days.start_s + length_s, tenant.days.end_s, length_s)
        yield tenant.days.end_s
        yield tenant.days.end_s + _WRITTEN_S
    yield _NIGHT_S
    yield _EVENING_S


@attrs.define(eq=False)
class _Waiting:
    """What was made and has not arrived yet: fixes, and of each stream what people recorded.

    Attributes:
        books_until: instant up to which the books came over.
    """

    tables: list[Table] = attrs.field(factory=list)
    streams: dict[str, list[tuple[datetime, Any]]] = attrs.field(factory=dict)
    handed: list[Handed] = attrs.field(factory=list)
    books_until: datetime | None = None

    def add(self, table: Table, scripts: Sequence[Script], handed: Sequence[Script]) -> None:
        """Take in a day: its fixes, what people recorded, and what they put before checks."""
        self.tables.append(table)
        self.handed = sorted([*self.handed, *(each for script in handed for each in script.handed)], key=_at)
        for stream in STREAMS:
            queue = self.streams.setdefault(stream.name, [])
            queue += [(stream.arrives(each), each) for script in scripts for each in stream.of(script)]
            queue.sort(key=lambda pair: pair[0])

    def fixes(self, until: datetime) -> list[Table]:
        """Return the fixes that have arrived, of each day in order of arrival, and forget them."""
        arrived, later = [], []
        for table in self.tables:
            here = table["received_ms"] <= _ms(until)
            arrived.append(table if here.all() else table.take(here))
            if not here.all():
                later.append(table.take(~here))
        self.tables = later
        return [table for table in arrived if len(table)]

    def records(self, stream: Stream, until: datetime) -> list[Any]:
        """Return what has arrived of a stream in order of arrival, and forget it."""
        queue = self.streams.get(stream.name, [])
        count = bisect.bisect_right(queue, until, key=lambda pair: pair[0])
        self.streams[stream.name] = queue[count:]
        return [each for _, each in queue[:count]]

    def handed_by(self, until: datetime) -> list[Handed]:
        """Return what is put before checks by an instant, in order of time, and forget it."""
        count = bisect.bisect_right(self.handed, until, key=_at)
        due, self.handed = self.handed[:count], self.handed[count:]
        return due


def _at(handed: Handed) -> datetime:
    return handed.at


def _put_before_checks(
    hr: FieldHR,
    clock: FrozenClock,
    desk: Desk,
    tenant: Tenant,
    until: datetime,
    waiting: _Waiting,
    list_file: Path | None,
    fed: Fed,
) -> None:
    """Hand in what is checked before it is acted on, each at its own instant, and change the list when it changes."""
    since = clock.now()
    moves: list[tuple[datetime, Handed | None]] = [(each.at, each) for each in waiting.handed_by(until)]
    if list_file is not None:
        moves += [(at, None) for at in changes_of(tenant.world.listed) if since < at <= until]
    for at, handed in sorted(moves, key=lambda move: move[0]):
        clock.advance(at)
        if handed is None:
            assert list_file is not None
            write_list(list_file, tenant.world.listed, at)
            desk.customers.screen_again()
            continue
        if handed.kind == "decision":
            _decide(hr, tenant, handed.value)
        elif isinstance(handed.value, Customer):
            desk.customers.submit([handed.value])
        else:
            desk.submissions.submit(handed.kind, [handed.value], context=handed.context)
        fed.handed += 1


def _decide(hr: FieldHR, tenant: Tenant, decision: Any) -> None:
    """Let compliance confirm the alerts of a code about a subject, where the product has raised any."""
    compliance = Principal(tenant=tenant.id, id="sandbox.compliance", role=Role.COMPLIANCE)
    with hr.acting_as(compliance, purpose="compliance") as desk:
        for case in desk.alerts.list(code=decision["code"], state=CaseState.RAISED):
            if case.finding.subject == decision["subject"]:
                desk.alerts.acknowledge(case.id)
                desk.alerts.confirm(case.id, decision["reason"])


def _hand_in(
    hr: FieldHR,
    clock: FrozenClock,
    desk: Desk,
    tenant: Tenant,
    until: datetime,
    waiting: _Waiting,
    list_file: Path | None,
    fed: Fed,
    *,
    without: Collection[str] = (),
) -> None:
    since = clock.now()
    _put_before_checks(hr, clock, desk, tenant, until, waiting, list_file, fed)
    clock.advance(until)
    if _books_come_over(tenant, until):
        _keep_books(desk, tenant, waiting.books_until, until)
        waiting.books_until = until
    for rep, at in tenant.withdrawals:
        if since < at <= until:
            desk.people.withdraw_basis(rep, purpose="tracking", at=at)
    for stream in STREAMS:
        arrived = [] if stream.name in without else waiting.records(stream, until)
        if arrived:
            stream.give(desk, arrived, fed)
    # Positions last: what was written and said is known when their days are resolved.
    for table in waiting.fixes(until):
        fed.receipt += desk.positions.record(table, datum=Datum.WGS84)
        fed.uploads += 1
    hr.advance(to=until)


@attrs.frozen(kw_only=True)
class Stream:
    """One kind of record that people leave during a day, and how it is handed in.

    Attributes:
        of: the records of a rep-day.
        arrives: when the host learns of one.
        give: hands in what has arrived.
    """

    name: str
    of: Callable[[Script], Sequence[Any]]
    arrives: Callable[[Any], datetime]
    give: Callable[[Desk, list[Any], Fed], None]


def _check_in(desk: Desk, check_ins: list[CheckIn], fed: Fed) -> None:
    fed.answers += desk.visits.check_in(check_ins)


def _say(desk: Desk, messages: list[Message], fed: Fed) -> None:
    desk.messages.submit(messages)
    fed.messages += len(messages)


def _write(desk: Desk, notes: list[FollowUp], fed: Fed) -> None:
    desk.visits.write(notes)
    fed.follow_ups += len(notes)


def _sign(desk: Desk, deals: list[Deal], _: Fed) -> None:
    desk.deals.put(deals)


def _inspect(desk: Desk, inspections: list[Inspection], _: Fed) -> None:
    desk.inspections.put(inspections)


#: What is handed in during a day, in this order.
STREAMS: Final = (
    Stream(
        name="inspections",
        of=lambda script: script.inspections,
        arrives=lambda each: each.received or each.at,
        give=_inspect,
    ),
    Stream(name="deals", of=lambda script: script.deals, arrives=lambda each: each.closed or each.opened, give=_sign),
    Stream(name="check_ins", of=lambda script: script.check_ins, arrives=lambda each: each.time, give=_check_in),
    Stream(name="messages", of=lambda script: script.messages, arrives=lambda each: each.time, give=_say),
    Stream(
        name="follow_ups",
        of=lambda script: script.follow_ups,
        arrives=lambda each: each.received or each.written,
        give=_write,
    ),
)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
