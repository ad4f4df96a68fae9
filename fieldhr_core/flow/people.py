"""People: who works here, when they work, and on what basis they may be tracked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.values import pattern_from, plain
from fieldhr_core.model import (
    DUTY_DAYS,
    PEOPLE,
    Absence,
    AbsenceKind,
    Attendance,
    Calendar,
    Coded,
    Period,
    Person,
    RepDay,
    Table,
    WorkPattern,
    instant,
    milliseconds,
)
from fieldhr_core.store import freshness
from fieldhr_core.store.rows import canonical_json, put
from fieldhr_core.trust.duty import Span, duty_day, judged_ms, untracked_ms

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.flow.standing import Standing

__all__ = [
    "FORGOTTEN_NAME",
    "Duties",
    "People",
    "duties",
    "duty_table",
    "local_days",
    "people_table",
    "person_contact",
    "person_name",
    "write_absences",
    "write_attendance",
    "write_people",
]


#: Stands where the name of a forgotten person was.
FORGOTTEN_NAME: Final = "(forgotten)"
#: So many people are named one by one in a statement.
_FEW: Final = 100
_KIND: Final = "people"


class People:
    """The desk's room for people."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, people: Iterable[Person]) -> int:
        """Store people; a person whose id is known already is exchanged. Return how many were handed in.

        Whoever was forgotten stays forgotten.
        """
        people = list(people)
        with self._acting.unit() as unit:
            unit.allow("people", "write")
            kept = write_people(self._acting, unit, people)
            unit.audit("people.put", "people", count=kept)
        return len(people)

    def list(self) -> list[Person]:
        """Return the people this principal may see, ordered by id."""
        table = self._acting.tables.people
        with self._acting.unit() as unit:
            rows = unit.all(unit.select(table).order_by(table.c.id))
            unit.prepare("contact", [row.id for row in rows])
            names = [
                FORGOTTEN_NAME.encode()
                if unit.is_forgotten("contact", row.id)
                else unit.open_known(table, "name_sealed", "contact", [row.id], [row.name_sealed], person=row.id)[0]
                for row in rows
            ]
            contacts = [_contact(unit, row) for row in rows]
        return [
            Person(
                id=row.id,
                name="" if name is None else name.decode(),
                role=row.role,
                manager=row.manager,
                team=row.team,
                branch=row.branch,
                territory=row.territory,
                pattern=pattern_from(row.pattern),
                joined=_date(row.joined),
                left=_date(row.left),
                language=row.language,
                traits=row.traits or {},
                contact=contact,
            )
            for row, name, contact in zip(rows, names, contacts, strict=True)
        ]

    def standing(self, rep: str) -> Standing:
        """Return what holds for a person's whereabouts now: duty, basis, private mode.

        Raises:
            AccessError: FHR-ACC-003 where this principal may not see it, FHR-ACC-001 where there is no such person.
        """
        from fieldhr_core.flow.standing import standing_of

        with self._acting.unit() as unit:
            found = standing_of(self._acting, unit, rep)
            unit.audit("people.standing", "people", rep)
        return found

    def put_absences(self, absences: Iterable[Absence]) -> int:
        """Store absences; one whose id is known already is exchanged. Return how many were handed in."""
        absences = list(absences)
        for absence in absences:
            if absence.end <= absence.start:
                raise RecordError(f"Absence {absence.id!r} ends before it starts.", code="FHR-REC-001")
        with self._acting.unit() as unit:
            unit.allow("absences", "write", *{absence.rep for absence in absences})
            write_absences(self._acting, unit, absences)
            unit.audit("absences.put", "absences", count=len(absences))
        return len(absences)

    def put_attendance(self, attendance: Iterable[Attendance]) -> int:
        """Store stamps of the host's time clock; one whose id is known already is exchanged. Return how many.

        Raises:
            RecordError: FHR-REC-001 for a kind that is neither ``in`` nor ``out``.
        """
        stamps = list(attendance)
        with self._acting.unit() as unit:
            unit.allow("absences", "write", *{stamp.rep for stamp in stamps})
            write_attendance(self._acting, unit, stamps)
            unit.audit("people.put_attendance", "attendance", count=len(stamps))
        return len(stamps)

    def record_basis(self, rep: str, *, purpose: str, basis: str, notice: str, at: datetime) -> str:
        """Record on what basis a rep's data may be used for *purpose* from *at* on, and which notice they were shown.

        Returns:
            The id of the ledger entry. Entries are never changed but for the instant of withdrawal: recording the same
            one again is fine, another one in its place is not.

        Raises:
            RecordError: FHR-REC-001 for an entry that would stand in the place of another one, or begin before the last
                withdrawal for the same purpose and so undo it.
        """
        return self.record_bases([rep], purpose=purpose, basis=basis, notice=notice, at=at)[0]

    def record_bases(
        self, reps: Iterable[str], *, purpose: str, basis: str, notice: str, at: datetime
    ) -> Sequence[str]:
        """Record one basis for many reps at once, as :meth:`record_basis` for one; return the entries' ids."""
        reps = list(reps)
        entries = [f"{rep}:{purpose}:{milliseconds(at)}" for rep in reps]
        pairs = list(zip(reps, entries, strict=True))
        with self._acting.unit() as unit:
            unit.allow("bases", "write", *reps)
            said = (basis, notice, milliseconds(at))
            new = [(rep, entry) for rep, entry in pairs if not self._is_recorded(unit, entry, rep, purpose, said)]
            put(
                unit.connection,
                self._acting.tables.bases,
                [
                    {
                        "tenant": self._acting.tenant,
                        "id": entry,
                        "rep": rep,
                        "purpose": purpose,
                        "basis": basis,
                        "notice": notice,
                        "from_ms": milliseconds(at),
                        "until_ms": None,
                    }
                    for rep, entry in new
                ],
            )
            for _, entry in new:
                unit.audit("basis.record", "bases", entry, basis=basis, notice=notice)
        return entries

    def _is_recorded(self, unit: Unit, entry: str, rep: str, purpose: str, given: tuple[str, str, int]) -> bool:
        """Return whether the same entry is in the ledger; refuse one that contradicts it."""
        import sqlalchemy as sa

        table = self._acting.tables.bases
        mine = (table.c.tenant == self._acting.tenant, table.c.rep == rep, table.c.purpose == purpose)
        rows = unit.all(sa.select(table).where(*mine))
        for row in rows:
            if row.id == entry:
                if (row.basis, row.notice, row.until_ms) == (*given[:2], None):
                    return True
                raise RecordError(
                    "The ledger holds another entry for that instant.",
                    code="FHR-REC-001",
                    hint="Record the new basis from a later instant on.",
                )
        if any(row.until_ms is not None and given[2] < row.until_ms for row in rows):
            raise RecordError(
                "A basis cannot begin before the last withdrawal for the same purpose.",
                code="FHR-REC-001",
                hint="Record it from the instant on at which the person agreed again.",
            )
        return False

    def withdraw_basis(self, rep: str, *, purpose: str, at: datetime) -> int:
        """Withdraw every basis of *rep* for *purpose* that holds at *at*, in one call. Return how many ended."""
        import sqlalchemy as sa

        table = self._acting.tables.bases
        ends = milliseconds(at)
        with self._acting.unit() as unit:
            unit.allow("bases", "write", rep)
            still = sa.and_(
                table.c.tenant == self._acting.tenant,
                table.c.rep == rep,
                table.c.purpose == purpose,
                sa.or_(table.c.until_ms.is_(None), table.c.until_ms > ends),
            )
            # Counted first: behind the wall on SQLite a change goes through triggers, and the driver counts none.
            ended = len(unit.all(sa.select(table.c.id).where(still).with_for_update()))
            unit.connection.execute(sa.update(table).where(still).values(until_ms=ends))
            unit.audit("basis.withdraw", "bases", rep, purpose=purpose)
        return ended


def write_people(acting: Acting, unit: Unit, people: Iterable[Person]) -> int:
    """Store people within a unit, but for those who were forgotten. Return how many were stored."""
    table = acting.tables.people
    people = list(people)
    unit.prepare("contact", [person.id for person in people])
    # A host goes on sending people who were forgotten; they come back only by a decision of its own.
    people = [person for person in people if not unit.is_forgotten("contact", person.id)]
    names = [unit.seal(table, "name_sealed", "contact", [p.id], [p.name.encode()], person=p.id)[0] for p in people]
    contacts = [
        unit.seal(table, "contact_sealed", "contact", [p.id], [canonical_json(p.contact)], person=p.id)[0]
        if p.contact
        else None
        for p in people
    ]
    put(
        unit.connection,
        table,
        [
            {
                "tenant": acting.tenant,
                "id": person.id,
                "name_sealed": name,
                "contact_sealed": contact,
                "role": person.role,
                "manager": person.manager,
                "team": person.team,
                "branch": person.branch,
                "territory": person.territory,
                "pattern": plain(person.pattern),
                "joined": plain(person.joined),
                "left": plain(person.left),
                "language": person.language,
                "traits": plain(person.traits),
            }
            for person, name, contact in zip(people, names, contacts, strict=True)
        ],
    )
    with unit.housework():
        freshness.touch(unit.connection, acting.tables, acting.tenant, _KIND)
    return len(people)


def write_absences(acting: Acting, unit: Unit, absences: Iterable[Absence]) -> None:
    """Store absences within a unit."""
    put(
        unit.connection,
        acting.tables.absences,
        [
            {
                "tenant": acting.tenant,
                "id": absence.id,
                "rep": absence.rep,
                "kind": absence.kind.value,
                "start_ms": milliseconds(absence.start),
                "end_ms": milliseconds(absence.end),
            }
            for absence in absences
        ],
    )


def write_attendance(acting: Acting, unit: Unit, stamps: Iterable[Attendance]) -> None:
    """Store stamps of the host's time clock within a unit.

    Raises:
        RecordError: FHR-REC-001 for a kind that is neither ``in`` nor ``out``.
    """
    stamps = list(stamps)
    for stamp in stamps:
        if stamp.kind not in ("in", "out"):
            raise RecordError(f"Attendance {stamp.id!r} is neither 'in' nor 'out'.", code="FHR-REC-001")
    put(
        unit.connection,
        acting.tables.attendance,
        [
            {
                "tenant": acting.tenant,
                "id": stamp.id,
                "rep": stamp.rep,
                "kind": stamp.kind,
                "time_ms": milliseconds(stamp.time),
            }
            for stamp in stamps
        ],
    )


@attrs.frozen(eq=False, kw_only=True)
class Duties:
    """When the people of a tenant work, loaded once and asked per rep and date."""

    patterns: Mapping[str, WorkPattern]
    joined: Mapping[str, tuple[date | None, date | None]]
    absences: Mapping[str, tuple[Absence, ...]]
    calendar: Calendar
    _usual: dict[tuple[WorkPattern, date], RepDay] = attrs.field(factory=dict, repr=False)

    def knows(self, rep: str) -> bool:
        """Whether *rep* is one of the tenant's people."""
        return rep in self.patterns

    def day(self, rep: str, day: date) -> RepDay:
        """Return what *rep* had to work on *day*; without duty before joining and after leaving."""
        pattern, absences = self.patterns[rep], self.absences.get(rep, ())
        if absences and any(_may_touch(absence, day) for absence in absences):
            repday = duty_day(pattern, self.calendar, absences, rep, day)
        else:
            repday = attrs.evolve(self.usual_day(pattern, day), rep=rep)
        return repday if self.is_employed(rep, day) else attrs.evolve(repday, duty_ms=(), breaks_ms=())

    def usual_day(self, pattern: WorkPattern, day: date) -> RepDay:
        """Return what everybody of a pattern has to work on *day*: colleagues share their working time."""
        usual = self._usual.get((pattern, day))
        if usual is None:
            usual = self._usual[pattern, day] = duty_day(pattern, self.calendar, (), "", day)
        return usual

    def is_employed(self, rep: str, day: date) -> bool:
        """Whether *day* lies between joining and leaving."""
        first, last = self.joined[rep]
        return (first is None or first <= day) and (last is None or day <= last)

    def untracked(self, rep: str) -> list[Span]:
        """Return the spans in which *rep* is on leave or in private mode, UTC milliseconds."""
        return untracked_ms(self.absences.get(rep, ()), rep)

    def absent(self, rep: str, day: date) -> str | None:
        """Return the kind of the longest absence of *rep* that touches their duty on *day*."""
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(self.patterns[rep].zone)
        start = datetime.combine(day, datetime.min.time(), zone)
        end = start + timedelta(days=1)
        touching = [a for a in self.absences.get(rep, ()) if a.start < end and a.end > start]
        if not touching:
            return None
        return max(touching, key=lambda a: min(a.end, end) - max(a.start, start)).kind.value


def duties(acting: Acting, unit: Unit, reps: Iterable[str] | None, first: date, last: date) -> Duties:
    """Load what is needed to say when *reps* (``None``: all) work between two local dates."""
    import sqlalchemy as sa

    facts, absences = acting.facts(unit), acting.tables.absences
    wanted = None if reps is None else list(dict.fromkeys(reps))
    # Few are named one by one; of many, everybody's rows are read and the others left aside.
    named = sorted(wanted) if wanted is not None and len(wanted) <= _FEW else None
    staff = _staff(acting, unit, named)
    # A day either side: local dates reach into the neighbouring UTC dates.
    low = milliseconds(datetime.fromisoformat(f"{first - timedelta(days=1)}T00:00:00Z"))
    high = milliseconds(datetime.fromisoformat(f"{last + timedelta(days=2)}T00:00:00Z"))
    away: dict[str, list[Absence]] = {}
    for row in unit.all(
        sa.select(absences)
        .where(
            absences.c.tenant == acting.tenant,
            absences.c.start_ms < high,
            absences.c.end_ms > low,
            *([] if named is None else [absences.c.rep.in_(named)]),
        )
        .order_by(absences.c.start_ms, absences.c.id)
    ):
        away.setdefault(row.rep, []).append(
            Absence(
                id=row.id,
                rep=row.rep,
                kind=AbsenceKind(row.kind),
                start=instant(row.start_ms),
                end=instant(row.end_ms),
            )
        )
    patterns, joined = staff.patterns, staff.joined
    if wanted is not None:
        known = [rep for rep in wanted if rep in staff.patterns]
        patterns, joined = {rep: patterns[rep] for rep in known}, {rep: joined[rep] for rep in known}
    return Duties(
        patterns=patterns,
        joined=joined,
        absences={rep: tuple(found) for rep, found in away.items()},
        calendar=facts.calendar,
        usual=staff.usual,
    )


@attrs.frozen(eq=False, kw_only=True)
class _Staff:
    """The tenant's people as far as working time and groups go.

    Attributes:
        made_of: version of the people, and the tenant's pattern and calendar.
        table: ``PEOPLE``, for the runtime only.
        usual: what everybody of a pattern has to work on a date, as far as it was asked.
    """

    made_of: tuple[int, WorkPattern, Calendar]
    patterns: Mapping[str, WorkPattern]
    joined: Mapping[str, tuple[date | None, date | None]]
    table: Table
    usual: dict[tuple[WorkPattern, date], RepDay] = attrs.field(factory=dict, init=False)


def _staff(acting: Acting, unit: Unit, named: Sequence[str] | None = None) -> _Staff:
    """Return the people this principal may see; to the runtime, the same object until one changes.

    Args:
        named: who is asked for, where they are few; the runtime, who keeps what it read, is given everybody.
    """
    import sqlalchemy as sa

    facts, table = acting.facts(unit), acting.tables.people
    version = 0
    if acting.is_runtime:
        versions = freshness.versions(unit.connection, acting.tables, acting.tenant, _KIND, "-", "-")
        version = versions.get(freshness.ALL_DATES, 0)
    made_of = (version, facts.pattern, facts.calendar)
    kept: _Staff | None = acting.house.cached.get((acting.tenant, _KIND)) if version else None
    if kept is not None and kept.made_of == made_of:
        return kept
    names = ["id", "pattern", "joined", "left"]
    if acting.is_runtime:
        names += ["role", "manager", "team", "branch", "territory"]
    chosen = sa.select(*(table.c[name] for name in names)).where(table.c.tenant == acting.tenant)
    if named is not None and not version:
        chosen = chosen.where(table.c.id.in_(named))
    rows = unit.all(chosen.order_by(table.c.id))
    patterns = {row.id: pattern_from(row.pattern) or facts.pattern for row in rows}
    staff = _Staff(
        made_of=made_of,
        patterns=patterns,
        joined={row.id: (_date(row.joined), _date(row.left)) for row in rows},
        table=_people_of(rows, patterns) if acting.is_runtime else PEOPLE.empty(),
    )
    if version:
        acting.house.cached[acting.tenant, _KIND] = staff
    return staff


def local_days(acting: Acting, unit: Unit, moments: Sequence[tuple[str, datetime]]) -> list[tuple[str, str]]:
    """Return the (rep, local date) of instants.

    Raises:
        RecordError: FHR-REC-007 for an unknown rep.
    """
    from zoneinfo import ZoneInfo

    if not moments:
        return []
    dates = [moment.date() for _, moment in moments]
    known = duties(acting, unit, {rep for rep, _ in moments}, min(dates), max(dates))
    for rep, _ in moments:
        if not known.knows(rep):
            raise RecordError("A record names a rep that is not stored.", code="FHR-REC-007", rep=rep)
    return [(rep, moment.astimezone(ZoneInfo(known.patterns[rep].zone)).date().isoformat()) for rep, moment in moments]


def person_name(unit: Unit, person: str) -> str:
    """Return a person's name; empty where the unit's principal sees them masked or not at all."""
    table = unit.acting.tables.people
    rows = unit.all(unit.select(table).where(table.c.id == person))
    if rows and unit.is_forgotten("contact", person):
        return FORGOTTEN_NAME
    sealed = [row.name_sealed for row in rows]
    names = unit.open_known(table, "name_sealed", "contact", [row.id for row in rows], sealed, person=person)
    return next((name.decode() for name in names if name is not None), "")


def person_contact(unit: Unit, person: str, *, housework: bool = False) -> Mapping[str, str]:
    """Return how a person is reached at work; empty where the unit's principal sees it masked or not at all.

    Args:
        housework: whether the runtime asks for its own business; nothing of it is then shown to the principal.
    """
    import sqlalchemy as sa

    table = unit.acting.tables.people
    select = sa.select(table).where(table.c.tenant == unit.acting.tenant) if housework else unit.select(table)
    rows = unit.all(select.where(table.c.id == person))
    return _contact(unit, rows[0]) if rows else {}


def _contact(unit: Unit, row: Any) -> Mapping[str, str]:
    import json

    if row.contact_sealed is None or unit.is_forgotten("contact", row.id):
        return {}
    table = unit.acting.tables.people
    body = unit.open(table, "contact_sealed", "contact", [row.id], [row.contact_sealed], person=row.id)[0]
    found: Mapping[str, str] = json.loads(body)
    return found


def duty_table(duties: Duties, reps: Sequence[str], period: Period) -> Table:
    """Return ``DUTY_DAYS`` of *reps* for every day of *period*.

    A day is expected where at least half of the duty the pattern and calendar give is left after absences, trainings
    and meetings.
    """
    import numpy as np

    days = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
    ordinals = np.asarray([day.toordinal() for day in days], dtype="i8")
    patterns: dict[WorkPattern, int] = {}
    of_rep = [patterns.setdefault(duties.patterns[rep], len(patterns)) for rep in reps]
    usual = [[_duty_row(duties.usual_day(pattern, day), 0, None) for day in days] for pattern in patterns]
    shape = (len(patterns), len(days))
    expected, worth, start, end = (
        np.asarray([[row[n] for row in rows] for rows in usual], dtype=kind).reshape(shape)[of_rep]
        for n, kind in ((0, "?"), (1, "f8"), (3, "i8"), (4, "i8"))
    )
    spans = [duties.joined[rep] for rep in reps]
    first = np.asarray([0 if joined is None else joined.toordinal() for joined, _ in spans], dtype="i8")
    last = np.asarray([date.max.toordinal() if left is None else left.toordinal() for _, left in spans], dtype="i8")
    for column in (expected, worth, start, end):
        column[(ordinals < first[:, None]) | (ordinals > last[:, None])] = 0
    kinds: dict[str, int] = {}
    absence = np.full((len(reps), len(days)), -1, dtype="i4")
    for place, rep in enumerate(reps):
        absences = duties.absences.get(rep, ())
        touched = [n for n, day in enumerate(days) if any(_may_touch(one, day) for one in absences)] if absences else ()
        for n in touched:
            kind = duties.absent(rep, days[n])
            if kind is not None:
                absence[place, n] = kinds.setdefault(kind, len(kinds))
            if duties.is_employed(rep, days[n]):
                full = judged_ms(duties.usual_day(duties.patterns[rep], days[n]))
                row = _duty_row(duties.day(rep, days[n]), full, kind)
                expected[place, n], worth[place, n], _, start[place, n], end[place, n] = row
    return DUTY_DAYS.table(
        rep=Coded(np.repeat(np.arange(len(reps), dtype="i4"), len(days)), tuple(reps)),
        date=Coded(np.tile(np.arange(len(days), dtype="i4"), len(reps)), tuple(day.isoformat() for day in days)),
        expected=expected.ravel(),
        duty_s=worth.ravel(),
        absence=Coded(absence.ravel(), tuple(kinds)),
        start_ms=start.ravel(),
        end_ms=end.ravel(),
    )


#: expected, seconds that count, kind of absence, start and end of a day's duty.
_DutyRow = tuple[bool, float, str | None, int, int]


def _duty_row(real: RepDay, full_ms: int, absence: str | None) -> _DutyRow:
    worth = judged_ms(real)
    start, end = (real.duty_ms[0][0], real.duty_ms[-1][1]) if real.duty_ms else (0, 0)
    return worth > 0 and 2 * worth >= full_ms, worth / 1000, absence, start, end


def _may_touch(absence: Absence, day: date) -> bool:
    """Whether an absence may have to do with a local date, in whatever zone."""
    two = timedelta(days=2)
    return absence.start.date() - two <= day <= absence.end.date() + two


def people_table(acting: Acting, unit: Unit) -> Table:
    """Return ``PEOPLE`` this principal may see, ordered by id."""
    import sqlalchemy as sa

    if acting.is_runtime:
        return _staff(acting, unit).table
    table, facts = acting.tables.people, acting.facts(unit)
    rows = unit.all(sa.select(table).where(unit.scope(table)).order_by(table.c.id))
    return _people_of(rows, {row.id: pattern_from(row.pattern) or facts.pattern for row in rows})


def _people_of(rows: Sequence[Any], patterns: Mapping[str, WorkPattern]) -> Table:
    return PEOPLE.table(
        rep=[row.id for row in rows],
        role=Coded.of(row.role for row in rows),
        manager=Coded.of(row.manager for row in rows),
        team=Coded.of(row.team for row in rows),
        branch=Coded.of(row.branch for row in rows),
        territory=Coded.of(row.territory for row in rows),
        contract_share=[patterns[row.id].contract_share for row in rows],
        joined=[row.joined for row in rows],
        left=[row.left for row in rows],
    )


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
