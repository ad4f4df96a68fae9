"""Visits: outings claimed, check-ins answered at once, and what reps write down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import PluginError, RecordError
from fieldhr_core.flow.days import resolve_dirty, touch_days
from fieldhr_core.flow.judging import run_alerters
from fieldhr_core.flow.people import local_days
from fieldhr_core.flow.places import known_places
from fieldhr_core.flow.shelf import touch
from fieldhr_core.flow.substance import Substance, substance_of
from fieldhr_core.model import (
    JUDGED,
    POINTS,
    CheckIn,
    CheckInAnswer,
    Coded,
    FollowUp,
    Outing,
    Receipt,
    Table,
    Verdict,
    instant,
    milliseconds,
)
from fieldhr_core.model.datums import to_wgs84
from fieldhr_core.store.rows import canonical_json, insert_new, put, within
from fieldhr_core.trust.purposes import opens

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Outings", "Visits", "names_of"]


class Outings:
    """The desk's room for visits that are planned or claimed."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, outings: Iterable[Outing]) -> int:
        """Store outings; one whose id is known already is exchanged. Return how many were handed in."""
        outings = list(outings)
        for outing in outings:
            if outing.end <= outing.start:
                raise RecordError(f"Outing {outing.id!r} ends before it starts.", code="FHR-REC-001")
        acting = self._acting
        with acting.unit() as unit:
            unit.allow("outings", "write", *{outing.rep for outing in outings})
            table = acting.tables.outings
            _touch_dates(acting, unit, table, [outing.id for outing in outings], (table.c.start_ms, table.c.end_ms))
            put(
                unit.connection,
                table,
                [
                    {
                        "tenant": acting.tenant,
                        "id": outing.id,
                        "rep": outing.rep,
                        "customer": outing.customer,
                        "start_ms": milliseconds(outing.start),
                        "end_ms": milliseconds(outing.end),
                        "meeting_place": outing.meeting_place,
                    }
                    for outing in outings
                ],
            )
            _touch_dates(acting, unit, table, [outing.id for outing in outings], (table.c.start_ms, table.c.end_ms))
            touch_days(acting, unit, local_days(acting, unit, [(o.rep, o.start) for o in outings]))
            unit.audit("outings.put", "outings", count=len(outings))
        resolve_dirty(acting)
        return len(outings)


class Visits:
    """The desk's room for check-ins and visit records."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def check_in(self, checkins: Iterable[CheckIn]) -> list[CheckInAnswer]:
        """Record check-ins and answer each with its verdict, the customer's name and current need.

        Every check-in is recorded, whatever its verdict; the same id again gives the first answer again. A check-in is
        the rep's own act, so it is taken outside duty too.

        Raises:
            RecordError: FHR-REC-001 for an impossible coordinate, FHR-REC-007 for an unknown rep.
        """
        checkins = list(checkins)
        for checkin in checkins:
            if not (-90 <= checkin.lat <= 90 and -180 <= checkin.lon <= 180):
                raise RecordError(f"Check-in {checkin.id!r} lies at no possible coordinate.", code="FHR-REC-001")
        acting, reps = self._acting, {checkin.rep for checkin in checkins}
        if reps != {acting.principal.person}:
            # What may be refused for whom it names is refused before it is done together with anybody else's.
            with acting.unit(write=False) as unit:
                unit.allow("checkins", "write", *reps)
        asked = _Asked(acting=acting, checkins=checkins)
        return acting.house.gathering.ask(acting.tenant, asked, partial(_check_in_together, acting.as_house()))

    def write(self, follow_ups: Iterable[FollowUp]) -> Receipt:
        """Store visit records and other follow-ups; one whose id is known already is exchanged.

        Returns:
            A receipt; a record that ends before it starts is rejected (``followup.ends_before_start``).
        """
        handed = list(follow_ups)
        good = [record for record in handed if record.end >= record.start]
        acting, table = self._acting, self._acting.tables.follow_ups
        with acting.unit() as unit:
            unit.allow("follow_ups", "write", *{record.rep for record in good})
            texts = unit.seal(table, "text_sealed", "message", [r.id for r in good], [r.text.encode() for r in good])
            shown = _substances(acting, unit, good)
            written = (table.c.written_ms, table.c.written_ms)
            _touch_dates(acting, unit, table, [record.id for record in good], written)
            put(
                unit.connection,
                table,
                [
                    {
                        "tenant": acting.tenant,
                        "id": record.id,
                        "rep": record.rep,
                        "customer": record.customer,
                        "kind": record.kind,
                        "start_ms": milliseconds(record.start),
                        "end_ms": milliseconds(record.end),
                        "written_ms": milliseconds(record.written),
                        "received_ms": milliseconds(record.received) if record.received else unit.at_ms,
                        "joint_with": list(record.joint_with),
                        "next_ms": milliseconds(record.next_step) if record.next_step else None,
                        **attrs.asdict(substance),
                        "text_sealed": text,
                    }
                    for record, text, substance in zip(good, texts, shown, strict=True)
                ],
            )
            _touch_dates(acting, unit, table, [record.id for record in good], written)
            # A visit claimed without an outing is held against the track when the day is resolved next.
            touch_days(acting, unit, local_days(acting, unit, [(r.rep, r.start) for r in good if r.kind == "visit"]))
            unit.audit("visits.write", "follow_ups", count=len(good))
        bad = len(handed) - len(good)
        return Receipt(
            submitted=len(handed),
            stored=len(good),
            rejected=bad,
            reasons={"followup.ends_before_start": bad} if bad else {},
        )


def _substances(acting: Acting, unit: Unit, records: Sequence[FollowUp]) -> list[Substance]:
    """Return what the texts of records show, beside the needs that their customers have stated by now."""
    import sqlalchemy as sa

    needs: dict[str, str] = {}
    table = acting.tables.customers
    with unit.housework():  # whoever hands a record in may not see the customer's
        key = unit.vault.secret(acting.tenant, "message", "sketch")
        named = {record.customer for record in records if record.text} if opens(acting.purpose, "contact") else set()
        for chunk in within(sorted(named)):
            where = (table.c.tenant == acting.tenant, table.c.id.in_(chunk), table.c.gone_ms.is_(None))
            rows = unit.all(sa.select(table.c.id, table.c.body_sealed).where(*where))
            ids, sealed = [row.id for row in rows], [row.body_sealed for row in rows]
            bodies = unit.open(table, "body_sealed", "contact", ids, sealed) if rows else []
            needs |= {ident: json.loads(body)["need"] for ident, body in zip(ids, bodies, strict=True)}
    return [substance_of(record.text, needs.get(record.customer, ""), key) for record in records]


@attrs.frozen(eq=False, kw_only=True)
class _Asked:
    """Check-ins of one call, and on whose behalf they are recorded."""

    acting: Acting
    checkins: list[CheckIn]


def _check_in_together(house: Acting, asked: Sequence[_Asked]) -> list[list[CheckInAnswer]]:
    """Record the check-ins of one call or of several, judge them, and answer each call; all in one transaction.

    Each row is written with the rights of whoever asked, and noted as theirs. What is the same for all - the map, the
    rules, the look at peers, the chain and the disk - is gone through once.
    """
    checkins = [checkin for one in asked for checkin in one.checkins]
    with house.unit() as unit:
        days = local_days(house, unit, [(checkin.rep, checkin.time) for checkin in checkins])
        points = _points(checkins)
        rows = iter(_rows(house, unit, checkins, points, _judged(house, unit, points)))
        for one in asked:
            with unit.on_behalf(one.acting) as theirs:
                theirs.allow("checkins", "write", *{checkin.rep for checkin in one.checkins})
                table = house.tables.checkins
                insert_new(theirs.connection, table, [next(rows) for _ in one.checkins], ("tenant", "id"))
                theirs.audit("visits.check_in", "checkins", count=len(one.checkins))
        zone = ZoneInfo(house.facts(unit).pattern.zone)
        touch(house, unit, "checkins", {checkin.time.astimezone(zone).date().isoformat() for checkin in checkins})
        run_alerters(house, unit, "live", sorted(set(days)))
        answers = iter(_answers(unit, checkins))
        return [[next(answers) for _ in one.checkins] for one in asked]


def _points(checkins: Sequence[CheckIn]) -> Table:
    """Return ``POINTS`` of the check-ins in WGS-84, row for row."""
    placed = [to_wgs84(checkin.lat, checkin.lon, checkin.datum) for checkin in checkins]
    return POINTS.table(
        rep=Coded.of(checkin.rep for checkin in checkins),
        customer=[checkin.customer for checkin in checkins],
        time_ms=[milliseconds(checkin.time) for checkin in checkins],
        lat=[float(lat) for lat, _ in placed],
        lon=[float(lon) for _, lon in placed],
        accuracy_m=[float("nan") if c.accuracy_m is None else c.accuracy_m for c in checkins],
    )


def _judged(acting: Acting, unit: Unit, points: Table) -> Table:
    """Ask the tenant's resolver; where it fails nobody is accused: the verdict is UNKNOWN."""
    name = acting.facts(unit).settings.get("resolver", "places")
    try:
        resolver = acting.provider(unit, "locators", name, role="resolve")
        judged: Table = acting.house.guard.call(resolver, "judge", points, known_places(acting, unit))
    except PluginError:
        count = len(points)
        return JUDGED.table(
            verdict=Coded.same(Verdict.UNKNOWN.value, count),
            reason=Coded.same("checkin.resolver_failed", count),
            distance_m=[float("nan")] * count,
            place=[None] * count,
        )
    return judged


def _rows(
    acting: Acting, unit: Unit, checkins: Sequence[CheckIn], points: Table, judged: Table
) -> list[dict[str, Any]]:
    """Return the rows of judged check-ins, sealed, in order."""
    table = acting.tables.checkins
    unit.prepare("whereabouts", {checkin.rep for checkin in checkins})
    rows = []
    for checkin, point, verdict in zip(checkins, points.rows(), judged.rows(), strict=True):
        distance = verdict["distance_m"]
        body = canonical_json(
            {
                "lat": point["lat"],
                "lon": point["lon"],
                "accuracy_m": checkin.accuracy_m,
                "mock": checkin.mock,
                "offline": checkin.offline,
                "place": verdict["place"],
            }
        )
        rows.append(
            {
                "tenant": acting.tenant,
                "id": checkin.id,
                "rep": checkin.rep,
                "customer": checkin.customer,
                "time_ms": point["time_ms"],
                "recorded_ms": unit.at_ms,
                "device": checkin.device,
                "verdict": verdict["verdict"],
                "reason": verdict["reason"],
                "distance_m": None if distance != distance else distance,
                "body_sealed": unit.seal(table, "body_sealed", "whereabouts", [checkin.id], [body], person=checkin.rep)[
                    0
                ],
            }
        )
    return rows


def _touch_dates(acting: Acting, unit: Unit, table: Any, ids: Sequence[str], span: tuple[Any, Any]) -> None:
    """Say that rows changed on the dates they stand on now; asked before and after an exchange, of both."""
    import sqlalchemy as sa

    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    dates: set[str] = set()
    start, end = span
    with unit.housework():
        for chunk in within(ids):
            for row in unit.all(
                sa.select(start.label("first"), end.label("last")).where(
                    table.c.tenant == acting.tenant, table.c.id.in_(chunk)
                )
            ):
                day, last = (instant(ms).astimezone(zone).date() for ms in (row.first, row.last))
                dates |= {(day + timedelta(days=n)).isoformat() for n in range((last - day).days + 1)}
    touch(acting, unit, acting.tables.plain_name(table), dates)


def _answers(unit: Unit, checkins: Sequence[CheckIn]) -> list[CheckInAnswer]:
    """Answer as the rep of each check-in may be answered: with names of the customers they visit, and no others."""
    import sqlalchemy as sa

    acting = unit.acting
    visited = _visited(unit, checkins)
    names = names_of(unit, {customer for _, customer in visited})
    table, cases = acting.tables.checkins, acting.tables.cases
    ids = [checkin.id for checkin in checkins]
    rows = {}
    for chunk in within(ids):
        for row in unit.all(sa.select(table).where(table.c.tenant == acting.tenant, table.c.id.in_(chunk))):
            rows[row.id] = row
    raised: dict[tuple[str, int], list[str]] = {}
    instants = {row.time_ms for row in rows.values()}
    for row in unit.all(
        sa.select(cases.c.id, cases.c.rep, cases.c.opened_ms).where(
            cases.c.tenant == acting.tenant,
            cases.c.opened_ms >= min(instants, default=0),
            cases.c.opened_ms <= max(instants, default=-1),
        )
    ):
        raised.setdefault((row.rep, row.opened_ms), []).append(row.id)
    answers = []
    for checkin in checkins:
        row = rows[checkin.id]
        if row.rep != checkin.rep:
            raise RecordError("The id of a check-in is taken by somebody else's.", code="FHR-REC-001")
        is_visited = (row.rep, row.customer) in visited
        name, need = names.get(row.customer, ("", "")) if is_visited else ("", "")
        answers.append(
            CheckInAnswer(
                checkin=row.id,
                verdict=Verdict(row.verdict),
                reason=row.reason,
                customer_name=name,
                need=need,
                distance_m=row.distance_m,
                recorded=instant(row.recorded_ms),
                alerts=tuple(sorted(raised.get((row.rep, row.time_ms), ()))),
            )
        )
    return answers


def names_of(unit: Unit, customers: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the name and need of each customer that the unit's principal may see."""
    table = unit.acting.tables.customers
    found: dict[str, tuple[str, str]] = {}
    for chunk in within(sorted(customers)):
        rows = unit.all(unit.select(table).where(table.c.id.in_(chunk)))
        there = [row for row in rows if row.body_sealed is not None]
        found |= {row.id: ("", "") for row in rows}
        if there:
            ids, sealed = [row.id for row in there], [row.body_sealed for row in there]
            nobody = [None] * len(there)
            made = unit.open_each(table, "body_sealed", "contact", ids, sealed, nobody, _name_and_need)
            found |= zip(ids, made, strict=True)
    return found


def _name_and_need(body: bytes) -> tuple[str, str]:
    fields = json.loads(body)
    return fields["name"], fields["need"]


def _visited(unit: Unit, checkins: Sequence[CheckIn]) -> set[tuple[str, str]]:
    """Return the (rep, customer) pairs of check-ins at customers the rep holds, nobody holds, or an outing names."""
    import sqlalchemy as sa

    customers, outings = unit.acting.tables.customers, unit.acting.tables.outings
    pairs = {(checkin.rep, checkin.customer) for checkin in checkins}
    held: set[tuple[str, str]] = set()
    for chunk in within(sorted({customer for _, customer in pairs})):
        owners = unit.all(
            sa.select(customers.c.id, customers.c.owner).where(
                customers.c.tenant == unit.acting.tenant, customers.c.id.in_(chunk)
            )
        )
        held |= {
            (rep, row.id)
            for rep, customer in pairs
            for row in owners
            if row.id == customer and row.owner in (rep, None)
        }
        claimed = sa.select(outings.c.rep, outings.c.customer).where(
            outings.c.tenant == unit.acting.tenant, outings.c.customer.in_(chunk)
        )
        held |= {(row.rep, row.customer) for row in unit.all(claimed.distinct())}
    return pairs & held
