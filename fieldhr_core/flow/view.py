"""The column tables of one tenant and period, as alerters and scorers see them: loaded when asked for, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.customers import known_customers
from fieldhr_core.flow.deals import deals_table, first_visits
from fieldhr_core.flow.feedback import feedback_table
from fieldhr_core.flow.people import duties, duty_table, people_table
from fieldhr_core.flow.places import known_places
from fieldhr_core.flow.shelf import shelf_of
from fieldhr_core.hooks.dates import cut
from fieldhr_core.model import (
    ATTENDANCE,
    CASES,
    CHECKINS,
    CONTACTS,
    CUSTOMERS,
    DEALS,
    DUTY_DAYS,
    FEEDBACK,
    FOLLOW_UPS,
    INSPECTIONS,
    LOANS,
    MESSAGES,
    MET,
    NOTES,
    OUTINGS,
    PEOPLE,
    PLACES,
    PRESENCE,
    SIGNALS,
    STAYS,
    Coded,
    Period,
    Schema,
    Table,
    milliseconds,
)
from fieldhr_core.store.columns import as_columns
from fieldhr_core.store.packing import unpack
from fieldhr_core.store.rows import within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["View", "hold_days", "opened_days", "outings_between", "stays_of"]

#: Check-ins at customers of one source that are shown beside a rep's own: enough to judge the source by.
_PEERS_AT_MOST = 200
#: For so many reps it is cheaper to look at everybody's dates, most of which are known already.
_MANY_REPS = 20
#: Rep-days whose results stay at hand, newest last.
_AT_HAND = 4_096
#: Inspections so long before the period are shown too: what is signed in it was looked at before.
_INSPECTED_BEFORE_MS = 180 * 86_400_000


class View:
    """Implements :class:`fieldhr_core.hooks.Tables` over a unit.

    Args:
        period: local days, both included.
        as_of: nothing later is shown.
        reps: only these reps' rows, or all the principal may see.
        peers: whose check-ins are shown beside those of *reps*: at the same ``customer``, from the same ``device``, or
            the first ones at customers of the same ``source``; with ``picture`` everybody's inspections are shown;
            empty for nobody's.
    """

    def __init__(
        self,
        acting: Acting,
        unit: Unit,
        period: Period,
        as_of: datetime,
        reps: Sequence[str] | None = None,
        peers: str = "",
    ) -> None:
        self._acting = acting
        self._unit = unit
        self._reps = None if reps is None else sorted(set(reps))
        self._peers = peers
        self._loaded: dict[str, Table] = {}
        #: Whether something is computed again: what was learned since is not shown.
        self.again = False
        self.period = period
        self.as_of = as_of

    @property
    def tenant(self) -> str:
        """Id of the tenant."""
        return self._acting.tenant

    def __getitem__(self, schema: Schema) -> Table:
        """Return the rows of one schema, loaded at the first call."""
        if schema.name not in self._loaded:
            loader = _LOADERS.get(schema.name)
            if loader is None:
                raise RecordError(f"There is no stored table {schema.name!r}.", code="FHR-REC-004")
            self._loaded[schema.name] = loader(self)
        return self._loaded[schema.name]

    def by_date(self, schema: Schema) -> dict[str, Table]:
        """Return the rows of one schema by local date; see :func:`fieldhr_core.hooks.by_date`."""
        if schema.name not in _DATED or not self._is_shelved or self._reps is not None:
            return cut(self, schema)
        if schema.name == PRESENCE.name:
            return self._presence_dates()
        dates = self._dates_of(schema)
        if schema.name == OUTINGS.name:
            dates = {day: _since(table, self._span_of(day)[0]) for day, table in dates.items()}
        return {day: table for day, table in dates.items() if len(table)}

    @property
    def _is_shelved(self) -> bool:
        """Whether the rows come from the shelf: the runtime's own look at many people."""
        return self._acting.is_runtime and (self._reps is None or len(self._reps) >= _MANY_REPS)

    @property
    def _is_one_day(self) -> bool:
        """Whether it is the runtime's look at one date: whoever checks in is judged beside the same others, again."""
        return self._acting.is_runtime and self.period.first == self.period.last

    def _midnight_ms(self, day: date) -> int:
        """Return the beginning of a local day of the tenant, UTC milliseconds."""
        return milliseconds(datetime.combine(day, datetime.min.time(), self._zone))

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._acting.facts(self._unit).pattern.zone)

    def _span_ms(self) -> tuple[int, int]:
        end = self._midnight_ms(self.period.last + timedelta(days=1))
        return self._midnight_ms(self.period.first), min(end, milliseconds(self.as_of) + 1)

    def _span_of(self, day: str) -> tuple[int, int]:
        first = date.fromisoformat(day)
        return self._midnight_ms(first), self._midnight_ms(first + timedelta(days=1))

    def _dates_of(self, schema: Schema) -> dict[str, Table]:
        """Return everybody's rows of each date, up to the instant of judgement."""
        shelf, period = shelf_of(self._acting), (self.period.first, self.period.last)
        if schema.name in (STAYS.name, SIGNALS.name):
            days = shelf.dated(self._acting, self._unit, "days", *period, self._resolved_on)
            return {day: kept.stays if schema.name == STAYS.name else kept.signals for day, kept in days.items()}
        kind, zone = schema.name, str(self._zone)
        read = {
            OUTINGS.name: self._outings_on,
            FOLLOW_UPS.name: self._follow_ups_on,
            MESSAGES.name: self._messages_on,
        }
        dates: dict[str, Table]
        if kind == CHECKINS.name:
            kept = shelf.dated(self._acting, self._unit, kind, *period, self._checkins_on, zone)
            dates = {day: one.table for day, one in kept.items()}
        elif kind == NOTES.name:
            written = FOLLOW_UPS.name
            dates = shelf.dated(self._acting, self._unit, written, *period, self._notes_on, zone, what=NOTES.name)
        else:
            dates = shelf.dated(self._acting, self._unit, kind, *period, read[kind], zone)
        column = _INSTANTS.get(kind)
        if column is None:
            return dates
        end = self._span_ms()[1]
        return {day: _before(table, column, end) for day, table in dates.items()}

    def _resolved_on(self, day: str, before: _ResolvedDate | None) -> _ResolvedDate:
        """Return one date's stays and signals; only what changed since *before* is opened."""
        import sqlalchemy as sa

        table = self._acting.tables.rep_days
        rows = self._unit.all(
            sa.select(table.c.rep, table.c.date, table.c.resolved_sealed)
            .where(table.c.tenant == self._acting.tenant, table.c.date == day, table.c.resolved_sealed.is_not(None))
            .order_by(table.c.rep)
        )
        known = {} if before is None else before.heads
        heads = {row.rep: row.resolved_sealed[:_HEAD] for row in rows}
        changed = [row for row in rows if known.get(row.rep) != heads[row.rep]]
        stays, signals = opened_days(self._unit, changed)
        if before is not None:
            same = {rep for rep, head in heads.items() if known.get(rep) == head}
            stays.insert(0, _of_reps(before.stays, same))
            signals.insert(0, _of_reps(before.signals, same))
        return _ResolvedDate(
            heads=heads,
            stays=Table.concat(STAYS, stays).sort("rep"),
            signals=Table.concat(SIGNALS, signals).sort("rep"),
        )

    def _outings_on(self, day: str, _before: Table | None) -> Table:
        return outings_between(self._acting, self._unit, *self._span_of(day))

    def _checkins_on(self, day: str, before: _CheckedInDate | None) -> _CheckedInDate:
        """Return one date's check-ins; only those that came since *before* are opened."""
        import sqlalchemy as sa

        table, (start, end) = self._acting.tables.checkins, self._span_of(day)
        of_date = (self._unit.scope(table), table.c.time_ms >= start, table.c.time_ms < end)
        every = sa.select(table).where(*of_date).order_by(table.c.time_ms, table.c.id)
        if before is not None:
            # None is changed, as long as the dates' version stands; one that came in between is missing in the count.
            rows = self._unit.all(every.where(table.c.recorded_ms >= before.recorded_ms))
            new = [row for row in rows if row.id not in before.ids]
            count = self._unit.connection.execute(
                sa.select(sa.func.count()).select_from(table).where(*of_date)
            ).scalar()
            if count == len(before.ids) + len(new):
                return before.with_more(self._checkin_table(new), new)
        rows = self._unit.all(every)
        return _CheckedInDate.of(self._checkin_table(rows), rows)

    def _follow_ups_on(self, day: str, _before: Table | None) -> Table:
        return self._follow_ups_of(self._span_of(day))

    def _messages_on(self, day: str, _before: Table | None) -> Table:
        table = self._acting.tables.messages
        return self._message_table(self._rows(table, table.c.time_ms, self._span_of(day)))

    def _notes_on(self, day: str, _before: Table | None) -> Table:
        table = self._acting.tables.follow_ups
        return self._note_table(self._rows(table, table.c.written_ms, self._span_of(day)))

    def _seen_on(self, day: str, _before: Table | None) -> Table:
        """Return the stays at customers of the rep-days of a date, and the rep-days of which there are positions."""
        seen, days = self._acting.tables.visits, self._acting.tables.rep_days
        of_day = (days.c.tenant == self._acting.tenant, days.c.fixes > 0, days.c.date == day)
        met = (seen.c.tenant == self._acting.tenant, seen.c.date == day)
        parts = [self._tracked(of_day), as_columns(self._unit.connection, PRESENCE, self._met_select(met))]
        return Table.concat(PRESENCE, parts).sort("start_ms", "record")

    def _presence_dates(self) -> dict[str, Table]:
        """Return everybody's presence by the local date on which it begins, each date in the order of its rows."""
        shelf, aside = shelf_of(self._acting), timedelta(days=2)
        wide = (self.period.first - aside, self.period.last + aside)
        seen = shelf.dated(self._acting, self._unit, "days", *wide, self._seen_on, str(self._zone), what=PRESENCE.name)
        if not all(_begins_in(table, self._span_of(day)) for day, table in seen.items()):
            # Reps of other zones: their dates are not the tenant's.
            whole = Table.concat(PRESENCE, list(seen.values()))
            seen = {day: _between(whole, self._span_of(day)) for day in seen}
        said, end = self._dates_of(CHECKINS), self._span_ms()[1]
        found = {}
        for day, checkins in said.items():
            table = _before(shelf.paired(day, seen[day], checkins, _presence_of), "start_ms", end)
            if len(table):
                found[day] = table
        return found

    def _everybody(self, schema: Schema) -> Table:
        return shelf_of(self._acting).join(schema, list(self._dates_of(schema).values()))

    def _theirs(self, table: Table) -> Table:
        return table if self._reps is None else _of_reps(table, set(self._reps))

    def _rows(self, table: Any, instant_column: Any, span: tuple[int, int] | None = None) -> list[Any]:
        """Return rows of a span: everybody's of a given one, else those of this view."""
        import sqlalchemy as sa

        start, end = span or self._span_ms()
        where = [self._unit.scope(table), instant_column >= start, instant_column < end]
        if self._reps is not None and span is None:
            where.append(table.c.rep.in_(self._reps))
        return self._unit.all(sa.select(table).where(*where).order_by(instant_column, table.c.id))

    def _stays(self) -> Table:
        self._load_days()
        return self._loaded[STAYS.name]

    def _signals(self) -> Table:
        self._load_days()
        return self._loaded[SIGNALS.name]

    def _load_days(self) -> None:
        import sqlalchemy as sa

        if self._acting.is_runtime and self._reps is None:
            self._loaded[STAYS.name] = self._everybody(STAYS)
            self._loaded[SIGNALS.name] = self._everybody(SIGNALS)
            return
        table = self._acting.tables.rep_days
        where = [
            self._unit.scope(table),
            table.c.date >= self.period.first.isoformat(),
            table.c.date <= self.period.last.isoformat(),
            table.c.resolved_sealed.is_not(None),
        ]
        if self._reps is not None:
            where.append(table.c.rep.in_(self._reps))
        rows = self._unit.all(
            sa.select(table.c.rep, table.c.date, table.c.resolved_sealed)
            .where(*where)
            .order_by(table.c.date, table.c.rep)
        )
        stays, signals = opened_days(self._unit, rows)
        self._loaded[STAYS.name] = Table.concat(STAYS, stays)
        self._loaded[SIGNALS.name] = Table.concat(SIGNALS, signals)

    def _outings(self) -> Table:
        start = self._midnight_ms(self.period.first)
        end = self._midnight_ms(self.period.last + timedelta(days=1))
        if not self._is_shelved:
            return outings_between(self._acting, self._unit, start, end, self._reps)
        dates = list(self._dates_of(OUTINGS).items())
        # What reaches into several dates stands in each of them: it counts where it begins, or on the first one.
        parts = [table if n == 0 else _since(table, self._span_of(day)[0]) for n, (day, table) in enumerate(dates)]
        # Dates follow each other, and each is in the order of rep, start and id already.
        return self._theirs(shelf_of(self._acting).join(OUTINGS, parts)).sort("rep")

    def _checkins(self) -> Table:
        table = self._acting.tables.checkins
        if self._is_shelved or self._is_one_day:
            everybody = self._everybody(CHECKINS)
            if self._reps is None or not self._peers:
                return self._theirs(everybody)
            return self._with_peers(everybody)
        rows = self._rows(table, table.c.time_ms)
        if self._reps is not None and self._peers:
            seen = {row.id for row in rows}
            rows += [row for row in self._peer_rows(rows) if row.id not in seen]
            rows.sort(key=lambda row: (row.time_ms, row.id))
        return self._checkin_table(rows)

    def _with_peers(self, everybody: Table) -> Table:
        """Return the check-ins of this view's reps, and beside them those the view's peers made."""
        import numpy as np

        mine = _mask_of_reps(everybody, set(self._reps or ()))
        today = everybody.take(mine & (everybody["time_ms"] >= self._midnight_ms(self.period.last)))
        if self._peers == "source":
            ids = self._peer_ids(sorted({customer for customer in today["customer"].tolist() if customer}))
            beside = np.isin(everybody["checkin"].astype("U"), list(ids)) if ids else np.zeros(len(mine), dtype=bool)
        elif self._peers == "device":
            devices = {device for device in today["device"] if device}
            beside = np.asarray([device in devices for device in everybody["device"]], dtype=bool)
        else:
            customers = set(today["customer"].tolist()) - {""}
            beside = np.asarray([customer in customers for customer in everybody["customer"].tolist()], dtype=bool)
        return everybody.take(mine | beside)

    def _peer_ids(self, customers: Sequence[str]) -> list[str]:
        """Return the first check-ins of the period at customers of the same sources."""
        import sqlalchemy as sa

        table = self._acting.tables.checkins
        statement = self._of_sources(customers, sa.select(table.c.id))
        return [] if statement is None else [row.id for row in self._unit.all(statement)]

    def _checkin_table(self, rows: Sequence[Any]) -> Table:
        import json

        table = self._acting.tables.checkins
        bodies: list[dict[str, Any]] = [dict.fromkeys(("lat", "lon", "accuracy_m"))] * len(rows)
        by_rep: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            by_rep.setdefault(row.rep, []).append(place)
        self._unit.prepare("whereabouts", by_rep)
        for rep, mine in by_rep.items():
            if self._unit.is_forgotten("whereabouts", rep):
                continue
            opened = self._unit.open(
                table,
                "body_sealed",
                "whereabouts",
                [rows[n].id for n in mine],
                [rows[n].body_sealed for n in mine],
                person=rep,
            )
            for place, body in zip(mine, opened, strict=True):
                bodies[place] = json.loads(body)
        nan = float("nan")
        return CHECKINS.table(
            checkin=[row.id for row in rows],
            rep=Coded.of(row.rep for row in rows),
            customer=[row.customer for row in rows],
            time_ms=[row.time_ms for row in rows],
            lat=[nan if body["lat"] is None else body["lat"] for body in bodies],
            lon=[nan if body["lon"] is None else body["lon"] for body in bodies],
            accuracy_m=[nan if body["accuracy_m"] is None else body["accuracy_m"] for body in bodies],
            device=Coded.of(row.device or None for row in rows),
            verdict=Coded.of(row.verdict for row in rows),
            reason=Coded.of(row.reason for row in rows),
            distance_m=[nan if row.distance_m is None else row.distance_m for row in rows],
        )

    def _peer_rows(self, own: Sequence[Any]) -> list[Any]:
        """Return check-ins of the period that share a customer, device or source with those of the last day."""
        import sqlalchemy as sa

        table = self._acting.tables.checkins
        start, end = self._span_ms()
        last = self._midnight_ms(self.period.last)
        today = [row for row in own if row.time_ms >= last]
        by = table.c.device if self._peers == "device" else table.c.customer
        keys = {row.device if self._peers == "device" else row.customer for row in today} - {""}
        if self._peers == "source":
            alike = self._of_sources(sorted(keys), sa.select(table))
            return [] if alike is None else self._unit.all(alike)
        where = [self._unit.scope(table), table.c.time_ms >= start, table.c.time_ms < end]
        statement = sa.select(table).where(*where).order_by(table.c.time_ms, table.c.id)
        return [row for chunk in within(sorted(keys)) for row in self._unit.all(statement.where(by.in_(chunk)))]

    def _of_sources(self, customers: Sequence[str], statement: Any) -> Any:
        """Narrow a select of check-ins to the first ones of the period at customers of the sources of *customers*."""
        import sqlalchemy as sa

        if not customers:
            return None
        table, book = self._acting.tables.checkins, self._acting.tables.customers
        start, end = self._span_ms()
        named = book.c.tenant == self._acting.tenant
        sources = {
            row.source
            for chunk in within(customers)
            for row in self._unit.all(sa.select(book.c.source).where(named, book.c.id.in_(chunk)).distinct())
        }
        alike = sa.select(book.c.id).where(named, book.c.source.in_(sorted(sources)))
        where = [self._unit.scope(table), table.c.time_ms >= start, table.c.time_ms < end, table.c.customer.in_(alike)]
        return statement.where(*where).order_by(table.c.time_ms, table.c.id).limit(_PEERS_AT_MOST)

    def _follow_ups(self) -> Table:
        if self._is_shelved:
            return self._theirs(self._everybody(FOLLOW_UPS))
        return self._follow_ups_of(None)

    def _follow_ups_of(self, span: tuple[int, int] | None) -> Table:
        """Return the records written in a span, or in that of this view, without opening what they say."""
        import sqlalchemy as sa

        table = self._acting.tables.follow_ups
        start, end = span or self._span_ms()
        where = [self._unit.scope(table), table.c.written_ms >= start, table.c.written_ms < end]
        if self._reps is not None and span is None:
            where.append(table.c.rep.in_(self._reps))
        # Read as text: a list for each of a million records takes longer than everything else.
        together = sa.cast(table.c.joint_with, sa.Text) != "[]"
        chosen = [
            together if column.name == "is_joint" else table.c["id" if column.name == "followup" else column.name]
            for column in FOLLOW_UPS.columns
        ]
        statement = sa.select(*chosen).where(*where).order_by(table.c.written_ms, table.c.id)
        return as_columns(self._unit.connection, FOLLOW_UPS, statement)

    def _notes(self) -> Table:
        table = self._acting.tables.follow_ups
        if self._is_shelved and self._reps is None:
            return self._everybody(NOTES)
        return self._note_table(self._rows(table, table.c.written_ms))

    def _note_table(self, rows: Sequence[Any]) -> Table:
        table = self._acting.tables.follow_ups
        rows = [row for row in rows if row.text_sealed is not None]
        texts = self._unit.open(
            table, "text_sealed", "message", [row.id for row in rows], [row.text_sealed for row in rows]
        )
        return NOTES.table(
            followup=[row.id for row in rows],
            rep=Coded.of(row.rep for row in rows),
            customer=[row.customer for row in rows],
            kind=Coded.of(row.kind for row in rows),
            start_ms=[row.start_ms for row in rows],
            written_ms=[row.written_ms for row in rows],
            text=[text.decode() for text in texts],
        )

    def _messages(self) -> Table:
        if self._is_shelved:
            return self._theirs(self._everybody(MESSAGES))
        table = self._acting.tables.messages
        return self._message_table(self._rows(table, table.c.time_ms))

    def _message_table(self, rows: Sequence[Any]) -> Table:
        texts = self._unit.open(
            self._acting.tables.messages,
            "text_sealed",
            "message",
            [row.id for row in rows],
            [row.text_sealed for row in rows],
        )
        return MESSAGES.table(
            message=[row.id for row in rows],
            rep=Coded.of(row.rep for row in rows),
            customer=[row.customer for row in rows],
            speaker=Coded.of(row.speaker for row in rows),
            channel=Coded.of(row.channel for row in rows),
            time_ms=[row.time_ms for row in rows],
            text=[text.decode() for text in texts],
        )

    def _of_period(
        self, schema: Schema, table: Any, at: str, names: dict[str, str], *, everybody: bool = False, before_ms: int = 0
    ) -> Table:
        """Return the rows of a table whose instant *at* falls into the period, in columns."""
        import sqlalchemy as sa

        start, end = self._span_ms()
        where = [self._unit.scope(table), table.c[at] >= start - before_ms, table.c[at] < end]
        if self._reps is not None and not everybody:
            where.append(table.c.rep.in_(self._reps))
        chosen = [table.c[names.get(column.name, column.name)] for column in schema.columns]
        statement = sa.select(*chosen).where(*where).order_by(table.c[at], table.c.id)
        return as_columns(self._unit.connection, schema, statement)

    def _contacts(self) -> Table:
        return self._of_period(CONTACTS, self._acting.tables.contacts, "at_ms", {"contact": "id"})

    def _inspections(self) -> Table:
        # Other people's photos are of interest only where there is a new one to hold against them.
        everybody = self._peers == "picture" and self._has_new_picture()
        return self._of_period(
            INSPECTIONS,
            self._acting.tables.inspections,
            "received_ms",
            {"inspection": "id"},
            everybody=everybody,
            before_ms=_INSPECTED_BEFORE_MS,
        )

    def _has_new_picture(self) -> bool:
        import sqlalchemy as sa

        table, (start, end) = self._acting.tables.inspections, self._span_ms()
        where = [self._unit.scope(table), table.c.received_ms >= start, table.c.received_ms < end]
        if self._reps is not None:
            where.append(table.c.rep.in_(self._reps))
        found = sa.select(table.c.id).where(*where, table.c.fingerprint.is_not(None)).limit(1)
        return bool(self._unit.all(found))

    def _loans(self) -> Table:
        """Return every loan booked so far, as it stood: what became of it later is not known."""
        import numpy as np
        import sqlalchemy as sa

        table, until = self._acting.tables.loans, milliseconds(self.as_of)
        chosen = [table.c["id" if column.name == "loan" else column.name] for column in LOANS.columns]
        where = [self._unit.scope(table), table.c.booked_ms <= until]
        found = as_columns(
            self._unit.connection,
            LOANS,
            sa.select(*chosen).where(*where).order_by(table.c.booked_ms, table.c.id),
        )
        return found.replace(
            **{name: np.where(found[name] > until, 0, found[name]) for name in ("overdue_ms", "cured_ms", "closed_ms")}
        )

    def _met(self) -> Table:
        until = milliseconds(self.as_of)
        if self._reps is not None:
            return first_visits(self._acting, self._unit, self[DEALS], until)
        # What the period's own figures rest on was read already; only what lies before it is not known yet.
        stays, notes = self[PRESENCE], self[FOLLOW_UPS]
        known = [stays.take(stays["kind"].where("stay")), notes.take(notes["kind"].where("visit"))]
        start = self._span_ms()[0]
        return first_visits(self._acting, self._unit, self[DEALS], until, known=known, known_from_ms=start)

    def _presence(self) -> Table:
        import sqlalchemy as sa

        if self._is_shelved and self._reps is None:
            return shelf_of(self._acting).join(PRESENCE, list(self._presence_dates().values()))
        seen, said = self._acting.tables.visits, self._acting.tables.checkins
        start, end = self._span_ms()
        stays = self._met_select((self._unit.scope(seen), seen.c.start_ms >= start, seen.c.start_ms < end))
        checkins = sa.select(
            said.c.rep,
            said.c.customer,
            sa.literal("checkin"),
            said.c.verdict,
            said.c.time_ms,
            said.c.time_ms,
            sa.literal(0.0),
            sa.null(),
            said.c.id,
        ).where(self._unit.scope(said), said.c.time_ms >= start, said.c.time_ms < end)
        if self._reps is not None:
            stays, checkins = stays.where(seen.c.rep.in_(self._reps)), checkins.where(said.c.rep.in_(self._reps))
        connection = self._unit.connection
        parts = [
            self._tracked_days(),
            as_columns(connection, PRESENCE, stays),
            as_columns(connection, PRESENCE, checkins),
        ]
        return Table.concat(PRESENCE, parts).sort("start_ms", "record")

    def _met_select(self, where: Sequence[Any]) -> Any:
        import sqlalchemy as sa

        seen = self._acting.tables.visits
        return sa.select(
            seen.c.rep,
            seen.c.customer,
            sa.literal("stay"),
            sa.literal("at"),
            seen.c.start_ms,
            seen.c.end_ms,
            seen.c.certain_s,
            seen.c.possible_s,
            seen.c.rep + sa.literal("/") + seen.c.date,
        ).where(*where)

    def _tracked_days(self) -> Table:
        """Return the rep-days of which there are positions: there, silence about a customer says something."""
        table = self._acting.tables.rep_days
        where = [
            self._unit.scope(table),
            table.c.fixes > 0,
            table.c.date >= self.period.first.isoformat(),
            table.c.date <= self.period.last.isoformat(),
        ]
        if self._reps is not None:
            where.append(table.c.rep.in_(self._reps))
        return self._tracked(where)

    def _tracked(self, where: Sequence[Any]) -> Table:
        import sqlalchemy as sa

        table = self._acting.tables.rep_days
        rows = self._unit.all(sa.select(table.c.rep, table.c.date).where(*where).order_by(table.c.date, table.c.rep))
        reps, dates = zip(*rows, strict=True) if rows else ((), ())
        midnights = {day: self._midnight_ms(date.fromisoformat(day)) for day in set(dates)}
        at = [midnights[day] for day in dates]
        return PRESENCE.table(
            rep=Coded.of(reps),
            customer=[""] * len(rows),
            kind=Coded.same("tracked", len(rows)),
            verdict=Coded.same("unknown", len(rows)),
            start_ms=at,
            end_ms=at,
            record=[f"{rep}/{day}" for rep, day in zip(reps, dates, strict=True)],
        )

    def _duty_days(self) -> Table:
        reps = [rep for rep in self[PEOPLE]["rep"].tolist() if self._reps is None or rep in self._reps]
        first, last = self.period.first - timedelta(days=1), self.period.last + timedelta(days=1)
        return duty_table(duties(self._acting, self._unit, reps, first, last), reps, self.period)

    def _people(self) -> Table:
        return people_table(self._acting, self._unit)

    def _deals(self) -> Table:
        return deals_table(self._acting, self._unit, milliseconds(self.as_of))

    def _feedback(self) -> Table:
        return feedback_table(self._acting, self._unit, milliseconds(self.as_of))

    def _attendance(self) -> Table:
        table = self._acting.tables.attendance
        rows = self._rows(table, table.c.time_ms)
        return ATTENDANCE.table(
            attendance=[row.id for row in rows],
            rep=Coded.of(row.rep for row in rows),
            kind=Coded.of(row.kind for row in rows),
            time_ms=[row.time_ms for row in rows],
        )

    def _cases(self) -> Table:
        import sqlalchemy as sa

        table, as_of_ms = self._acting.tables.cases, milliseconds(self.as_of)
        start, end = self._span_ms()
        where = [
            self._unit.scope(table),
            table.c.confidential.is_(sa.false()),
            table.c.opened_ms >= start,
            table.c.opened_ms < end,
        ]
        if self._reps is not None:
            where.append(table.c.rep.in_(self._reps))
        rows = self._unit.all(sa.select(table).where(*where).order_by(table.c.opened_ms, table.c.id))
        closed = [row.settled_ms or 0 for row in rows]
        return CASES.table(
            case=[row.id for row in rows],
            code=Coded.of(row.code for row in rows),
            rep=Coded.of(row.rep for row in rows),
            severity=Coded.of(row.severity for row in rows),
            state=Coded.of(row.state for row in rows),
            outcome=Coded.of(row.outcome or None for row in rows),
            opened_ms=[row.opened_ms for row in rows],
            closed_ms=[at if at <= as_of_ms else 0 for at in closed],
        )

    def _customers(self) -> Table:
        import numpy as np

        table = known_customers(self._acting, self._unit)
        if self._reps is None:
            return table
        held = table["rep"]
        shown = np.isin(held.codes, [code for code, rep in enumerate(held.values) if rep in self._reps])
        return table.take(shown | ~table["risk"].where("normal"))

    def _places(self) -> Table:
        return known_places(self._acting, self._unit, milliseconds(self.as_of) if self.again else None)


@attrs.frozen(eq=False, kw_only=True)
class _ResolvedDate:
    """What one date was resolved to: the head of each rep's sealed value (no two are alike), stays and signals."""

    heads: Mapping[str, bytes]
    stays: Table
    signals: Table


@attrs.frozen(eq=False, kw_only=True)
class _CheckedInDate:
    """The check-ins of one date in order of time and id, their ids, and when the last of them was recorded."""

    table: Table
    ids: frozenset[str]
    recorded_ms: int

    @classmethod
    def of(cls, table: Table, rows: Sequence[Any]) -> _CheckedInDate:
        """Return what rows hold."""
        ids, recorded = frozenset(row.id for row in rows), max((row.recorded_ms for row in rows), default=0)
        return cls(table=table, ids=ids, recorded_ms=recorded)

    def with_more(self, table: Table, rows: Sequence[Any]) -> _CheckedInDate:
        """Return these and others."""
        more = _CheckedInDate.of(table, rows)
        return _CheckedInDate(
            table=Table.concat(CHECKINS, [self.table, table]).sort("time_ms", "checkin") if rows else self.table,
            ids=self.ids | more.ids,
            recorded_ms=max(self.recorded_ms, more.recorded_ms),
        )


def _mask_of_reps(table: Table, reps: set[str]) -> Any:
    import numpy as np

    column = table["rep"]
    return np.asarray([value in reps for value in column.values] + [False], dtype=bool)[column.codes]


def _of_reps(table: Table, reps: set[str]) -> Table:
    mask = _mask_of_reps(table, reps)
    return table if mask.all() else table.take(mask)


def _presence_of(seen: Table, checkins: Table) -> Table:
    """Return a date's presence: what was seen, and what reps said."""
    said = PRESENCE.table(
        rep=checkins["rep"],
        customer=checkins["customer"],
        kind=Coded.same("checkin", len(checkins)),
        verdict=checkins["verdict"],
        start_ms=checkins["time_ms"],
        end_ms=checkins["time_ms"],
        record=checkins["checkin"],
    )
    return Table.concat(PRESENCE, [seen, said]).sort("start_ms", "record")


def _begins_in(table: Table, span: tuple[int, int]) -> bool:
    start = table["start_ms"]
    return not len(start) or bool(span[0] <= start[0] and start[-1] < span[1])


def _between(table: Table, span: tuple[int, int]) -> Table:
    start = table["start_ms"]
    return table.take((start >= span[0]) & (start < span[1])).sort("start_ms", "record")


def _before(table: Table, column: str, end_ms: int) -> Table:
    times = table[column]
    return table if not len(times) or times[-1] < end_ms else table.take(times < end_ms)


def _since(table: Table, start_ms: int) -> Table:
    begun = table["start_ms"] >= start_ms
    return table if begun.all() else table.take(begun)


def outings_between(acting: Acting, unit: Unit, start_ms: int, end_ms: int, reps: Sequence[str] | None = None) -> Table:
    """Return ``OUTINGS`` that overlap a span, of some reps or of all this principal may see."""
    import sqlalchemy as sa

    table = acting.tables.outings
    where = [unit.scope(table), table.c.start_ms < end_ms, table.c.end_ms > start_ms]
    if reps is not None:
        where.append(table.c.rep.in_(list(reps)))
    rows = unit.all(sa.select(table).where(*where).order_by(table.c.rep, table.c.start_ms, table.c.id))
    return OUTINGS.table(
        outing=[row.id for row in rows],
        rep=Coded.of(row.rep for row in rows),
        customer=[row.customer for row in rows],
        start_ms=[row.start_ms for row in rows],
        end_ms=[row.end_ms for row in rows],
        meeting_place=[row.meeting_place for row in rows],
    )


def opened_days(unit: Unit, rows: Sequence[Any]) -> tuple[list[Table], list[Table]]:
    """Open what was resolved for rows of ``rep_days``: their stays and their signals, in the rows' order."""
    # Several alerters of one evening look at the same days: each is opened once a transaction, as long as it stands.
    # What the runtime has just worked out itself it need not open at all.
    hand = unit.acting.house.cached.get((unit.acting.tenant, "days at hand"), {}) if unit.acting.is_runtime else {}
    for row in rows:
        key = (row.rep, row.date)
        if key in hand and hand[key][0] == row.resolved_sealed:
            unit.opened[key] = hand[key]
    unopened = [row for row in rows if unit.opened.get((row.rep, row.date), (None,))[0] != row.resolved_sealed]
    unit.prepare("whereabouts", (row.rep for row in unopened))
    table = unit.acting.tables.rep_days
    for row in unopened:
        body = unit.open(
            table,
            "resolved_sealed",
            "whereabouts",
            [f"{row.rep}/{row.date}"],
            [row.resolved_sealed],
            person=row.rep,
        )[0]
        tables = (stays_of(body), unpack(SIGNALS, body[4 + int.from_bytes(body[:4], "big") :]))
        unit.opened[row.rep, row.date] = (row.resolved_sealed, *tables)
    days = [unit.opened[row.rep, row.date] for row in rows]
    return [stays for _, stays, _ in days], [signals for _, _, signals in days]


def stays_of(body: bytes) -> Table:
    """Return ``STAYS`` of what a rep-day was resolved to, without its signals."""
    return unpack(STAYS, body[4 : 4 + int.from_bytes(body[:4], "big")])


def hold_days(unit: Unit, days: Mapping[tuple[str, str], tuple[bytes, Table, Table]]) -> None:
    """Keep at hand what rep-days were just resolved to: (rep, date) -> sealed value, stays, signals."""
    unit.opened.update(days)
    if unit.acting.is_runtime:
        hand = unit.acting.house.cached.setdefault((unit.acting.tenant, "days at hand"), {})
        for key, day in days.items():
            hand.pop(key, None)
            hand[key] = day
        for old in list(hand)[: max(0, len(hand) - _AT_HAND)]:
            del hand[old]


#: Kinds of rows that are read date by date, and the column whose instant may lie after the judgement.
_DATED = frozenset(schema.name for schema in (STAYS, SIGNALS, OUTINGS, CHECKINS, FOLLOW_UPS, MESSAGES, NOTES, PRESENCE))
_INSTANTS = {
    CHECKINS.name: "time_ms",
    FOLLOW_UPS.name: "written_ms",
    MESSAGES.name: "time_ms",
    NOTES.name: "written_ms",
}
#: A sealed value's key and nonce: enough to tell it from every other.
_HEAD = 24

_LOADERS: dict[str, Callable[[View], Table]] = {
    STAYS.name: View._stays,
    SIGNALS.name: View._signals,
    OUTINGS.name: View._outings,
    CHECKINS.name: View._checkins,
    FOLLOW_UPS.name: View._follow_ups,
    DUTY_DAYS.name: View._duty_days,
    PEOPLE.name: View._people,
    DEALS.name: View._deals,
    ATTENDANCE.name: View._attendance,
    CUSTOMERS.name: View._customers,
    PLACES.name: View._places,
    CASES.name: View._cases,
    CONTACTS.name: View._contacts,
    FEEDBACK.name: View._feedback,
    INSPECTIONS.name: View._inspections,
    LOANS.name: View._loans,
    MESSAGES.name: View._messages,
    MET.name: View._met,
    NOTES.name: View._notes,
    PRESENCE.name: View._presence,
}
