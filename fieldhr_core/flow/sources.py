"""Other systems: what changed there comes in page by page, verified visits and notes go back.

A source that is down changes nothing here: what is known of its customers stays in force, marked stale with the reason,
check-ins go on, and the next pull goes on from the last page that was kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from fieldhr_core.errors import FieldhrError
from fieldhr_core.flow.customers import sifted, take_in
from fieldhr_core.flow.deals import write_deals
from fieldhr_core.flow.feedback import feedback_fault, write_feedback
from fieldhr_core.flow.people import write_absences, write_attendance, write_people
from fieldhr_core.flow.places import touch_places
from fieldhr_core.flow.shelf import touch
from fieldhr_core.flow.view import opened_days
from fieldhr_core.hooks.providers import TakesNotes
from fieldhr_core.intake.geocoding import Geocoder, located
from fieldhr_core.model import STAYS, FollowUp, Problem, Receipt, Table, instant
from fieldhr_core.store.freshness import ALL_DATES
from fieldhr_core.store.rows import put, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.hooks.handle import ProviderHandle
    from fieldhr_core.hooks.providers import Pulled

__all__ = ["SourceState", "Sources"]

T = TypeVar("T")

#: Added to a connector's name, it names the row that says how far was pushed.
_BACK: Final = " back"
#: Rep-days, or notes, of one call of ``push``.
_AT_ONCE: Final = 200
#: Of what bears a customer's id, the kinds that the runtime keeps in memory by date; ``days`` are the visits.
_SHELVED: Final = ("outings", "follow_ups", "checkins", "messages", "days")
#: What bears a customer's id, and follows when that customer goes up in another one.
_BEARING: Final = ("deals", "outings", "follow_ups", "visits", "checkins", "messages", "feedback")


@attrs.frozen(kw_only=True)
class SourceState:
    """How it stands with one connector's source.

    Attributes:
        name: of the connector.
        state: ``fresh``, or ``stale`` since its last call failed: what is known of its customers may be out of date.
        pulled: when it last answered to the end of a page; ``None``: never.
        pushed: when visits were last written back; ``None``: never.
        failures: failed calls in a row, pulls and pushes.
        reason: of the last failure, with its code and without personal data; empty while there is none.
    """

    name: str
    state: str
    pulled: datetime | None
    pushed: datetime | None
    failures: int
    reason: str


class Sources:
    """The desk's room for connectors to other systems."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def pull(self, connector: str, *, geocoder: Geocoder | None = None) -> Receipt:
        """Fetch what changed at a connector's source since the last time, page by page, and store it.

        A source that fails leaves what is there, is marked stale with the reason, and the failure is raised after what
        had already come is kept.

        Args:
            connector: its name.
            geocoder: fills in coordinates that the source does not give; where it cannot be asked, customers are taken
                without, and the receipt counts the page as ``geocoder.failed``.

        Raises:
            PluginError: the connector failed, or there is none of that name.
            ConfigError: FHR-CFG-001 where its settings do not fit.
            AccessError: FHR-ACC-003 for a principal that may not change customers.
        """
        total = Receipt()
        provider, cursor = self._opened(connector, connector)
        while True:
            pulled: Pulled = self._asked(connector, cursor, provider, "pull", cursor)
            total += self._keep(connector, *_placed(pulled, geocoder))
            cursor = pulled.cursor
            if not pulled.more:
                return total

    def push(self, connector: str, *, notes: bool = False) -> Receipt:
        """Write verified visits back that came or changed since the last push, and with *notes* visit records, too.

        Only visits to customers of that source go there. What has been written is noted batch by batch, so a push that
        fails goes on where it stopped; a batch may come twice, which a connector takes as one.

        Returns:
            A receipt: ``submitted`` what was handed over, ``rejected`` by the reasons the connector gave.

        Raises:
            PluginError: the connector failed; the source is marked stale.
            AccessError: FHR-ACC-003 for a principal that may not change customers.
        """
        key = connector + _BACK
        provider, mark = self._opened(connector, key)
        since = int(mark) if mark else 0
        source = provider.source or connector
        total = Receipt()
        house = self._acting.as_house()
        with house.unit() as unit:
            until = unit.at_ms
            days = _days_since(house, unit, since)
            written = _notes_since(house, unit, since, source) if notes and _takes_notes(provider) else []
        for chunk in _cut(days):
            with house.unit() as unit:
                visits = _visits_of(house, unit, chunk, source)
                unit.audit("sources.push", "source", connector, visits=len(visits))
            total += self._pushed(key, str(since), provider, "push", visits, len(visits))
            since = max(since, chunk[-1].resolved_ms)
            self._noted(key, str(since), "")
        for some in _cut(written):
            with house.unit() as unit:
                unit.audit("sources.push_notes", "source", connector, notes=len(some))
            total += self._pushed(key, str(since), provider, "push_notes", some, len(some))
        self._noted(key, str(until), "")
        return total

    def states(self) -> Sequence[SourceState]:
        """Return how it stands with every source that was ever asked, by name."""
        import sqlalchemy as sa

        table = self._acting.tables.cursors
        with self._acting.unit() as unit:
            unit.allow("operations", "read")
            rows = {row.source: row for row in unit.all(sa.select(table).where(unit.scope(table)))}
        names = sorted({name.removesuffix(_BACK) for name in rows})
        return [_state(name, rows.get(name), rows.get(name + _BACK)) for name in names]

    def _opened(self, connector: str, key: str) -> tuple[ProviderHandle, str | None]:
        """Return the connector and how far it is, or note why it cannot be asked."""
        acting = self._acting
        with acting.unit() as unit:
            unit.allow("customers", "write")
            cursor = _cursor(acting, unit, key)
        try:
            with acting.unit() as unit:
                return acting.provider(unit, "connectors", connector), cursor
        except FieldhrError as failure:
            if failure.code != "FHR-PLG-015":  # a name that nobody offers is no source
                self._noted(key, cursor, str(failure))
            raise

    def _asked(self, key: str, mark: str | None, provider: Any, method: str, argument: Any) -> Any:
        try:
            return self._acting.house.guard.call(provider, method, argument)
        except FieldhrError as failure:
            self._noted(key, mark, failure.message)
            raise

    def _pushed(self, key: str, mark: str, provider: Any, method: str, batch: Any, size: int) -> Receipt:
        if not size:
            return Receipt()
        problems: Sequence[Problem] = self._asked(key, mark, provider, method, batch)
        rejected = min(size, len(problems))
        return Receipt(submitted=size, stored=size - rejected, rejected=rejected, reasons=_reasons(problems[:rejected]))

    def _noted(self, key: str, mark: str | None, failure: str) -> None:
        with self._acting.unit() as unit, unit.housework():
            _note_source(self._acting, unit, key, mark, failure)

    def _keep(self, connector: str, pulled: Pulled, failures: Mapping[str, int]) -> Receipt:
        acting = self._acting
        good, reasons = sifted(pulled.customers)
        feedback = [one for one in pulled.feedback if feedback_fault(one) is None]
        for code in (feedback_fault(one) for one in pulled.feedback):
            if code is not None:
                reasons[code] = reasons.get(code, 0) + 1
        for code, count in _reasons(pulled.problems).items():
            reasons[code] = reasons.get(code, 0) + count
        take_in(acting, good)
        gone = [*pulled.gone, *pulled.merged]
        with acting.unit() as unit:
            unit.allow("customers", "write")
            write_deals(acting, unit, pulled.deals)
            with unit.housework():
                write_people(acting, unit, pulled.people)
                write_absences(acting, unit, pulled.absences)
                write_attendance(acting, unit, pulled.attendance)
                write_feedback(acting, unit, feedback)
                _merge(acting, unit, pulled.merged)
                _mark_gone(acting, unit, gone)
                _note_source(acting, unit, connector, pulled.cursor, "")
            touch_places(acting, unit)
            unit.audit("customers.pull", "source", connector, count=len(good), gone=len(gone), **_others(pulled))
        rejected = sum(reasons.values())
        reasons = {**reasons, **failures}  # who could not be placed was taken all the same
        return Receipt(submitted=len(good) + rejected, stored=len(good), rejected=rejected, reasons=reasons)


def _placed(pulled: Pulled, geocoder: Geocoder | None) -> tuple[Pulled, dict[str, int]]:
    if geocoder is None:
        return pulled, {}
    try:
        return attrs.evolve(pulled, customers=located(pulled.customers, geocoder)), {}
    except FieldhrError:
        return pulled, {"geocoder.failed": 1}


def _others(pulled: Pulled) -> dict[str, int]:
    counts = {
        name: len(getattr(pulled, name)) for name in ("deals", "merged", "people", "absences", "attendance", "feedback")
    }
    return {name: count for name, count in counts.items() if count}


def _reasons(problems: Iterable[Problem]) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for problem in problems:
        reasons[problem.code] = reasons.get(problem.code, 0) + 1
    return reasons


def _takes_notes(provider: ProviderHandle) -> bool:
    return isinstance(provider.provider, TakesNotes)


def _cut(rows: Sequence[T]) -> Iterable[Sequence[T]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))


def _days_since(acting: Acting, unit: Unit, since_ms: int) -> list[Any]:
    """Return the keys of rep-days that were resolved at or after an instant, oldest first."""
    import sqlalchemy as sa

    table = acting.tables.rep_days
    return unit.all(
        sa.select(table.c.rep, table.c.date, table.c.resolved_ms)
        .where(table.c.tenant == acting.tenant, table.c.resolved_ms >= since_ms, table.c.resolved_sealed.is_not(None))
        .order_by(table.c.resolved_ms, table.c.rep, table.c.date)
    )


def _visits_of(acting: Acting, unit: Unit, days: Sequence[Any], source: str) -> Table:
    """Return the ``STAYS`` of rep-days that are visits to customers of a source."""
    import sqlalchemy as sa

    table = acting.tables.rep_days
    rows = []
    for day in days:
        key = (table.c.tenant == acting.tenant, table.c.rep == day.rep, table.c.date == day.date)
        rows += unit.all(sa.select(table.c.rep, table.c.date, table.c.resolved_sealed).where(*key))
    stays = Table.concat(STAYS, opened_days(unit, [row for row in rows if row.resolved_sealed is not None])[0])
    if not len(stays):
        return stays
    stays = stays.take(stays["verdict"].where("at"))
    theirs = _customers_of(acting, unit, source, {name for name in stays["customer"].tolist() if name is not None})
    return stays.take([name in theirs for name in stays["customer"].tolist()])


def _customers_of(acting: Acting, unit: Unit, source: str, ids: Iterable[str]) -> set[str]:
    import sqlalchemy as sa

    table = acting.tables.customers
    found: set[str] = set()
    for chunk in within(sorted(ids)):
        where = (table.c.tenant == acting.tenant, table.c.source == source, table.c.id.in_(chunk))
        found |= {row.id for row in unit.all(sa.select(table.c.id).where(*where))}
    return found


def _notes_since(acting: Acting, unit: Unit, since_ms: int, source: str) -> list[FollowUp]:
    """Return what reps wrote down about customers of a source and what arrived at or after an instant."""
    import sqlalchemy as sa

    table = acting.tables.follow_ups
    rows = unit.all(
        sa.select(table)
        .where(table.c.tenant == acting.tenant, table.c.received_ms >= since_ms)
        .order_by(table.c.received_ms, table.c.id)
    )
    theirs = _customers_of(acting, unit, source, {row.customer for row in rows})
    rows = [row for row in rows if row.customer in theirs]
    texts = unit.open_known(table, "text_sealed", "message", [r.id for r in rows], [r.text_sealed for r in rows])
    return [
        FollowUp(
            id=row.id,
            rep=row.rep,
            customer=row.customer,
            kind=row.kind,
            start=instant(row.start_ms),
            end=instant(row.end_ms),
            written=instant(row.written_ms),
            received=instant(row.received_ms),
            text="" if text is None else text.decode(),
            joint_with=tuple(row.joint_with),
            next_step=None if row.next_ms is None else instant(row.next_ms),
        )
        for row, text in zip(rows, texts, strict=True)
    ]


def _merge(acting: Acting, unit: Unit, merged: Mapping[str, str]) -> None:
    """Let what bears the id of a merged customer bear the id of the one it went up in."""
    import sqlalchemy as sa

    for old, new in merged.items():
        for name in _BEARING:
            table = getattr(acting.tables, name)
            where = (table.c.tenant == acting.tenant, table.c.customer == old)
            unit.connection.execute(sa.update(table).where(*where).values(customer=new))
    for kind in _SHELVED if merged else ():
        touch(acting, unit, kind, [ALL_DATES])


def _mark_gone(acting: Acting, unit: Unit, ids: Sequence[str]) -> None:
    import sqlalchemy as sa

    table = acting.tables.customers
    for chunk in within(ids):
        unit.connection.execute(
            sa.update(table).where(table.c.tenant == acting.tenant, table.c.id.in_(chunk)).values(gone_ms=unit.at_ms)
        )


def _cursor(acting: Acting, unit: Unit, source: str) -> str | None:
    import sqlalchemy as sa

    table = acting.tables.cursors
    cursor: str | None = unit.connection.execute(
        sa.select(table.c.cursor).where(table.c.tenant == acting.tenant, table.c.source == source)
    ).scalar()
    return cursor


def _note_source(acting: Acting, unit: Unit, source: str, cursor: str | None, failure: str) -> None:
    import sqlalchemy as sa

    table = acting.tables.cursors
    before = unit.connection.execute(
        sa.select(table).where(table.c.tenant == acting.tenant, table.c.source == source)
    ).first()
    put(
        unit.connection,
        table,
        [
            {
                "tenant": acting.tenant,
                "source": source,
                "cursor": cursor,
                "pulled_ms": (before.pulled_ms if before else None) if failure else unit.at_ms,
                "state": "stale" if failure else "fresh",
                "failures": (before.failures if before else 0) + 1 if failure else 0,
                "reason": failure,
            }
        ],
    )


def _state(name: str, pulls: Any, pushes: Any) -> SourceState:
    rows = [row for row in (pulls, pushes) if row is not None]
    return SourceState(
        name=name,
        state="stale" if any(row.state == "stale" for row in rows) else "fresh",
        pulled=_instant(pulls),
        pushed=_instant(pushes),
        failures=sum(row.failures for row in rows),
        reason=next((row.reason for row in rows if row.reason), ""),
    )


def _instant(row: Any) -> datetime | None:
    return None if row is None or row.pulled_ms is None else instant(row.pulled_ms)
