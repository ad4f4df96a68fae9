"""Hands a tenant to the product, through its public interface and in the order in which things happen.

The clock is frozen. For each upload of the day it is moved there, everything that has arrived by then is handed in, and
only then is the product told to do what is due: nothing is ever known before it could be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import attrs

from fieldhr_core.model import CheckInAnswer, Customer, Datum, FollowUp, Principal, Receipt, Role, Table
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.script import Handed
from fieldhr_sandbox.watchlist import changes_of, screening_settings, write_list

if TYPE_CHECKING:
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.runtime import FieldHR
    from fieldhr_sandbox.tenant import Tenant

__all__ = ["Fed", "Fixes", "feed", "introduce", "opening_instant", "principal"]

#: Morning of the next day: what was written offline in the evening has arrived by then.
_MORNING_S: Final = clock_s("08:50")
_NIGHT_S: Final = clock_s("22:30")
_EVENING_S: Final = clock_s("23:30")

T = TypeVar("T")


class Fixes(Protocol):
    """Where the fixes of a day come from: made here, or by other processes."""

    def __call__(self, day: int, /) -> Table:
        """Return ``REPORTED`` of one day, in order of arrival."""
        ...


@attrs.define(kw_only=True)
class Fed:
    """What was handed in, and what the product said to it."""

    receipt: Receipt = attrs.field(factory=Receipt)
    answers: list[CheckInAnswer] = attrs.field(factory=list)
    messages: int = 0
    follow_ups: int = 0
    handed: int = 0
    uploads: int = 0


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
    fed = Fed()
    with hr.acting_as(principal(tenant), purpose="integration") as desk:
        introduce(desk, tenant, clock.now())
        late_notes: list[FollowUp] = []
        for day in range(tenant.days.count):
            table = fixes(day)
            for until_s in _uploads(tenant, day):
                _hand_in(hr, clock, desk, tenant, day, until_s, table, late_notes, list_file, fed)
            if progress is not None:
                progress(f"{tenant.days.date(day)} {fed.receipt.submitted:,} fixes")
        hr.advance(to=tenant.days.instant(tenant.days.count, _MORNING_S))
    return fed


def introduce(desk: Desk, tenant: Tenant, at: datetime) -> None:
    """Hand in what exists before the first day."""
    desk.people.put(tenant.world.people())
    desk.people.put_absences(tenant.absences)
    for rep in tenant.world.reps:
        desk.people.record_basis(rep.id, purpose="tracking", basis="consent", notice="trial-1", at=at)
    desk.customers.put(list(tenant.world.customers.values()))
    desk.places.put(tenant.world.places())
    desk.outings.put(list(tenant.outings()))


def _uploads(tenant: Tenant, day: int) -> Iterator[int]:
    """Yield the seconds of a day at which everything that has arrived is handed in."""
    yield _MORNING_S
    second = tenant.days.start_s if tenant.days.works(day) else tenant.days.end_s
    while second < tenant.days.end_s:
        second = min(tenant.days.end_s, second + tenant.pack.slice_minutes * 60)
        yield second
    yield _EVENING_S


def _put_before_checks(
    clock: FrozenClock,
    desk: Desk,
    tenant: Tenant,
    day: int,
    until: datetime,
    list_file: Path | None,
    fed: Fed,
) -> None:
    """Hand in what is checked before it is acted on, each at its own instant, and change the list when it changes."""
    since = clock.now()
    due = _in_time((each for script in tenant.day_scripts(day) for each in script.handed), since, until, lambda h: h.at)
    moves: list[tuple[datetime, Handed | None]] = [(each.at, each) for each in due]
    if list_file is not None:
        moves += [(at, None) for at in changes_of(tenant.world.listed) if since < at <= until]
    for at, handed in sorted(moves, key=lambda move: move[0]):
        clock.advance(at)
        if handed is None:
            assert list_file is not None
            write_list(list_file, tenant.world.listed, at)
            desk.customers.screen_again()
            continue
        if isinstance(handed.value, Customer):
            desk.customers.submit([handed.value])
        else:
            desk.submissions.submit(handed.kind, [handed.value], context=handed.context)
        fed.handed += 1


def _hand_in(
    hr: FieldHR,
    clock: FrozenClock,
    desk: Desk,
    tenant: Tenant,
    day: int,
    until_s: int,
    table: Table,
    late_notes: list[FollowUp],
    list_file: Path | None,
    fed: Fed,
) -> None:
    until = tenant.days.instant(day, until_s)
    since = clock.now()
    _put_before_checks(clock, desk, tenant, day, until, list_file, fed)
    if until_s == _EVENING_S:
        unasked = _between(table, since, tenant.days.instant(day, _NIGHT_S))
        # What is written by the end of the working day is in before the evening's work begins.
        since = tenant.days.instant(day, tenant.days.end_s)
        until_notes = since + timedelta(minutes=4)
        _write(hr, clock, desk, tenant, day, since, until_notes, late_notes, fed)
        if len(unasked):
            hr.advance(to=tenant.days.instant(day, _NIGHT_S))
            fed.receipt += desk.positions.record(unasked, datum=Datum.WGS84)
        hr.advance(to=until)
        return
    clock.advance(until)
    for rep, at in tenant.withdrawals:
        if since < at <= until:
            desk.people.withdraw_basis(rep, purpose="tracking", at=at)
    scripts = tenant.day_scripts(day)
    rows = _between(table, since, until)
    if len(rows):
        fed.receipt += desk.positions.record(rows, datum=Datum.WGS84)
        fed.uploads += 1
    check_ins = _in_time((each for script in scripts for each in script.check_ins), since, until, lambda c: c.time)
    if check_ins:
        fed.answers += desk.visits.check_in(check_ins)
    messages = _in_time((each for script in scripts for each in script.messages), since, until, lambda m: m.time)
    if messages:
        desk.messages.submit(messages)
        fed.messages += len(messages)
    _write(hr, clock, desk, tenant, day, since, until, late_notes, fed)
    hr.advance(to=until)


def _write(
    hr: FieldHR,
    clock: FrozenClock,
    desk: Desk,
    tenant: Tenant,
    day: int,
    since: datetime,
    until: datetime,
    late_notes: list[FollowUp],
    fed: Fed,
) -> None:
    """Hand in the follow-ups that arrive in a span, those of earlier days among them."""
    if until > clock.now():
        hr.advance(to=until)
    today = [note for script in tenant.day_scripts(day) for note in script.follow_ups]
    arrived = _in_time([*today, *late_notes], since, until, _arrival)
    last = tenant.days.instant(day, _EVENING_S)
    known = {note.id for note in late_notes}
    late_notes += [note for note in today if _arrival(note) > last and note.id not in known]
    if arrived:
        desk.visits.write(arrived)
        fed.follow_ups += len(arrived)


def _arrival(note: FollowUp) -> datetime:
    return note.received or note.written


def _in_time(values: Iterable[T], since: datetime, until: datetime, when: Callable[[T], datetime]) -> list[T]:
    """Return the values of ``(since, until]`` in order of time."""
    return sorted((value for value in values if since < when(value) <= until), key=when)


def _between(table: Table, since: datetime, until: datetime) -> Table:
    received: Any = table["received_ms"]
    return table.take((received > _ms(since)) & (received <= _ms(until)))


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
