"""Overviews: what somebody who leads many sees at once, each read in a few queries whatever the number of people.

A board holds values, texts are codes and ids; how it looks is a plugin's business. Everything is limited to what the
principal may see, and what was opened of somebody's whereabouts is noted like any other look.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import AccessError, PluginLoadError
from fieldhr_core.flow import scoping
from fieldhr_core.flow.cases import opened
from fieldhr_core.flow.people import FORGOTTEN_NAME, duties
from fieldhr_core.flow.view import stays_of
from fieldhr_core.flow.visits import names_of
from fieldhr_core.flow.wording import Wording
from fieldhr_core.model import OPEN, Case, Message, Principal, RepDay, instant, milliseconds
from fieldhr_core.store.rows import within
from fieldhr_core.trust.purposes import opens
from fieldhr_core.trust.scope import MASKED, Reach, reach

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Boards", "CasePage", "Checked", "DayCount", "Figure", "Glimpse", "Member", "TeamBoard", "TrailEntry"]

_OPEN: Final = tuple(state.value for state in OPEN)
#: Worst first.
SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
#: An open stay that was last heard of longer ago than this is no present any more.
_STALE_MS: Final = 20 * 60_000
_DAY_MS: Final = 86_400_000


@attrs.frozen(kw_only=True)
class Glimpse:
    """A stay as an overview shows it; a private place has neither name nor coordinates (NaN)."""

    start_ms: int
    end_ms: int
    verdict: str
    reason: str
    kind: str
    category: str
    customer: str
    lat: float
    lon: float
    is_open: bool


@attrs.frozen(kw_only=True)
class Member:
    """Somebody on the board.

    Attributes:
        id, name, team, branch, territory: who; the name is empty for roles that see people masked.
        now: ``at``, ``away``, ``unknown``, ``moving``, ``off`` (no duty now) or ``absent`` (on leave).
        since_ms: since when, UTC milliseconds; 0 where nothing was heard that day.
        heard_ms: when the last positions came in; 0 never that day.
        last: the stay that *now* is about, or the last one.
        absence: kind of absence; empty where none.
        day: duty and breaks.
        stays: of the day up to now.
        visits, planned, checkins, mismatches: of the day so far.
        cases: (id, code, severity, opened UTC milliseconds) of open cases, the worst first.
    """

    id: str
    name: str
    team: str
    branch: str
    territory: str
    now: str
    since_ms: int
    heard_ms: int
    last: Glimpse | None
    absence: str
    day: RepDay
    stays: tuple[Glimpse, ...]
    visits: int
    planned: int
    checkins: int
    mismatches: int
    cases: tuple[tuple[str, str, str, int], ...]


@attrs.frozen(kw_only=True)
class DayCount:
    """What happened on one local date; counts only."""

    date: str
    visits: int = 0
    checkins: int = 0
    mismatches: int = 0
    records: int = 0
    raised: Mapping[str, int] = attrs.field(factory=dict)
    messages: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen(eq=False, kw_only=True)
class TeamBoard:
    """A team's day as it stands.

    ``tracked`` is false where the principal's role or purpose may not see whereabouts: then nobody's are shown.
    ``names`` holds the names of customers that occur, ``days`` the last days by date, the present one last.
    """

    tenant: str
    date: str
    zone: str
    now_ms: int
    simulated: bool
    tracked: bool
    members: tuple[Member, ...]
    names: Mapping[str, str]
    days: tuple[DayCount, ...]


@attrs.frozen(eq=False, kw_only=True)
class CasePage:
    """Some of the cases, and how many there are in all by severity and by state; the counts know no page."""

    cases: tuple[Case, ...]
    total: int
    by_severity: Mapping[str, int]
    by_state: Mapping[str, int]
    by_code: Mapping[str, int]
    names: Mapping[str, str]


@attrs.frozen(eq=False, kw_only=True)
class Checked:
    """A message beside what the checks said of it: grounds as they were given."""

    message: Message
    outcome: str
    rep_name: str
    grounds: tuple[Mapping[str, Any], ...]


@attrs.frozen(kw_only=True)
class Figure:
    """A metric of somebody as it was last measured; ``None`` = not enough evidence."""

    subject: str
    metric: str
    value: float | None
    exposure: float
    low: float | None
    high: float | None
    first: str
    last: str


@attrs.frozen(kw_only=True)
class TrailEntry:
    """An event of the audit trail, as it is shown."""

    seq: int
    at: datetime
    actor: str
    role: str
    purpose: str
    action: str
    kind: str
    thing: str
    detail: Mapping[str, Any]


class Boards:
    """The desk's room for overviews."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def team(self, day: date | None = None, *, days: int = 14) -> TeamBoard:
        """Return the day of everybody this principal sees, as it stands now.

        Args:
            day: local date of the tenant; the present one by default.
            days: how many dates the counts go back.
        """
        acting = self._acting
        with acting.unit() as unit:
            facts = acting.facts(unit)
            zone = ZoneInfo(facts.pattern.zone)
            day = day or instant(unit.at_ms).astimezone(zone).date()
            start_ms, end_ms = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
            now_ms = min(unit.at_ms, end_ms)
            people = _people(acting, unit)
            tracked = _may_track(acting)
            tracks = _tracks(acting, unit, day) if tracked else {}
            leaders = {row.manager for row, _ in people}
            shown = [(row, name) for row, name in people if row.id not in leaders or row.id in tracks]
            known = duties(acting, unit, [row.id for row, _ in shown], day, day)
            counts = _counts(acting, unit, start_ms, now_ms, day)
            cases = _open_cases(acting, unit)
            members = tuple(
                _member(row, name, known.day(row.id, day), known.absent(row.id, day), tracks, counts, cases, now_ms)
                for row, name in shown
            )
            customers = {s.customer for member in members for s in member.stays if s.customer}
            board = TeamBoard(
                tenant=facts.name,
                date=day.isoformat(),
                zone=facts.pattern.zone,
                now_ms=now_ms,
                simulated=facts.simulated,
                tracked=tracked,
                members=members,
                names={customer: name for customer, (name, _) in names_of(unit, customers).items()}
                if customers
                else {},
                days=_days(acting, unit, day - timedelta(days=days - 1), day, zone),
            )
            unit.audit("boards.team", "people", count=len(members), date=day.isoformat())
        return board

    def trends(self, first: date, last: date) -> tuple[DayCount, ...]:
        """Return the counts of each local date from *first* to *last*."""
        acting = self._acting
        with acting.unit() as unit:
            zone = ZoneInfo(acting.facts(unit).pattern.zone)
            counted = _days(acting, unit, first, last, zone)
            unit.audit("boards.trends", "counters", f"{first}..{last}")
        return counted

    def cases(
        self,
        *,
        states: Sequence[str] = _OPEN,
        severity: str = "",
        code: str = "",
        rep: str = "",
        offset: int = 0,
        limit: int = 50,
    ) -> CasePage:
        """Return a page of the cases this principal may see, the worst first, then the newest."""
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.cases
        with acting.unit() as unit:
            scope = unit.scope(table)
            open_now = sa.and_(table.c.state.in_(list(states)), table.c.opened_ms <= unit.at_ms)
            about = [table.c.rep == rep] if rep else []
            narrowed = [*about, *([table.c.severity == severity] if severity else [])]
            narrowed += [table.c.code == code] if code else []
            rank = sa.case({name: place for place, name in enumerate(SEVERITIES)}, value=table.c.severity)
            rows = unit.all(
                sa.select(table)
                .where(scope, open_now, *narrowed)
                .order_by(rank, table.c.opened_ms.desc(), table.c.id)
                .offset(offset)
                .limit(limit)
            )
            total = unit.connection.execute(
                sa.select(sa.func.count()).select_from(table).where(scope, open_now, *narrowed)
            ).scalar_one()
            page = CasePage(
                cases=tuple(opened(acting, unit, rows)) if _may_open(acting, "cases", "body_sealed") else (),
                total=total,
                by_severity=_tally(unit, table.c.severity, scope, open_now, *about),
                by_state=_tally(unit, table.c.state, scope, *about),
                by_code=_tally(unit, table.c.code, scope, open_now, *about),
                names=_names(acting, unit, {row.rep for row in rows if row.rep}),
            )
            unit.audit("boards.cases", "cases", count=len(rows))
        return page

    def checked(
        self, *, outcomes: Sequence[str] = ("stop", "review"), offset: int = 0, limit: int = 50
    ) -> tuple[Checked, ...]:
        """Return messages whose outcome is one of *outcomes*, the newest first, beside the grounds of every check.

        Empty for roles and purposes that do not open what was said.
        """
        import sqlalchemy as sa

        acting = self._acting
        table, rulings = acting.tables.messages, acting.tables.rulings
        if not (opens(acting.purpose, "message") and _may_open(acting, "messages", "text_sealed")):
            return ()
        with acting.unit() as unit:
            rows = unit.all(
                sa.select(table)
                .where(unit.scope(table), table.c.outcome.in_(list(outcomes)))
                .order_by(table.c.time_ms.desc(), table.c.id)
                .offset(offset)
                .limit(limit)
            )
            texts = unit.open(table, "text_sealed", "message", [r.id for r in rows], [r.text_sealed for r in rows])
            grounds: dict[str, list[Mapping[str, Any]]] = {}
            for chunk in within([row.id for row in rows]):
                said = unit.all(
                    sa.select(rulings).where(
                        rulings.c.tenant == acting.tenant, rulings.c.kind == "message", rulings.c.submission.in_(chunk)
                    )
                )
                ids = [f"message/{each.submission}/{each.check}" for each in said]
                sealed = [each.grounds_sealed for each in said]
                for each, body in zip(said, unit.open(rulings, "grounds_sealed", "message", ids, sealed), strict=True):
                    grounds.setdefault(each.submission, []).extend(json.loads(body))
            names = _names(acting, unit, {row.rep for row in rows})
            unit.audit("boards.checked", "messages", count=len(rows))
        return tuple(
            Checked(
                message=Message(
                    id=row.id,
                    thread=row.thread,
                    rep=row.rep,
                    customer=row.customer,
                    speaker=row.speaker,
                    text=text.decode(),
                    time=instant(row.time_ms),
                    channel=row.channel,
                    language=row.language,
                    product=row.product,
                    offset_s=row.offset_s,
                    confidence=row.confidence,
                ),
                outcome=row.outcome,
                rep_name=names.get(row.rep, ""),
                grounds=tuple(grounds.get(row.id, ())),
            )
            for row, text in zip(rows, texts, strict=True)
        )

    def figures(self) -> tuple[tuple[Figure, ...], Mapping[str, str]]:
        """Return the latest measured metrics of everybody this principal sees, and their names.

        Nothing is measured here: ``desk.scores.measure`` does, when the host or its schedule says so.
        """
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.metrics
        with acting.unit() as unit:
            unit.allow("metrics", "read")
            scope = unit.scope(table)
            newest = unit.connection.execute(
                sa.select(table.c.first, table.c.last)
                .where(scope)
                .order_by(table.c.last.desc(), table.c.first, table.c.computed_ms.desc())
                .limit(1)
            ).first()
            rows = []
            if newest is not None:
                rows = unit.all(
                    sa.select(table)
                    .where(scope, table.c.first == newest.first, table.c.last == newest.last)
                    .order_by(table.c.subject, table.c.metric)
                )
            names = _names(acting, unit, {row.subject for row in rows})
            unit.audit("boards.figures", "metrics", count=len(rows))
        return tuple(
            Figure(
                subject=row.subject,
                metric=row.metric,
                value=row.value,
                exposure=row.exposure,
                low=row.low,
                high=row.high,
                first=row.first,
                last=row.last,
            )
            for row in rows
        ), names

    def trail(self, *, limit: int = 50, actions: Sequence[str] = ()) -> tuple[TrailEntry, ...]:
        """Return the last events of the audit trail, the newest first; of some actions only where they are named.

        Raises:
            AccessError: FHR-ACC-003 where the principal's role does not read the trail.
        """
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.audit
        if not scoping.reaches_everybody(acting.principal, "audit"):
            raise AccessError("This principal may not read the audit trail.", code="FHR-ACC-003")
        with acting.unit(write=False) as unit:
            where = [unit.scope(table), *([table.c.action.in_(list(actions))] if actions else [])]
            rows = unit.all(sa.select(table).where(*where).order_by(table.c.seq.desc()).limit(limit))
        return tuple(
            TrailEntry(
                seq=row.seq,
                at=instant(row.at_ms),
                actor=row.actor,
                role=row.role,
                purpose=row.purpose,
                action=row.action,
                kind=row.object_kind,
                thing=row.object,
                detail=json.loads(row.detail),
            )
            for row in rows
        )

    def whose(self) -> tuple[Principal, str, str, bool]:
        """Return the principal, the tenant's name and zone, and whether it is synthetic."""
        with self._acting.unit(write=False) as unit:
            facts = self._acting.facts(unit)
        return self._acting.principal, facts.name, facts.pattern.zone, facts.simulated

    def settings_of(self, plugin: str) -> Any:
        """Return the tenant's settings of a plugin, as an instance of its settings class.

        For pages that a plugin offers: what a tenant set about them. ``None`` where it has none, or where a host shows
        its pages without having it active.
        """
        with self._acting.unit(write=False) as unit:
            settings = self._acting.facts(unit).settings
        try:
            return self._acting.house.registry.settings_for(plugin, settings)
        except PluginLoadError:
            return None

    def now(self) -> datetime:
        """Return the clock's present, aware."""
        return self._acting.house.clock.now()

    def customers(self, customers: Iterable[str]) -> Mapping[str, str]:
        """Return the names of customers this principal may see."""
        with self._acting.unit() as unit:
            return {each: name for each, (name, _) in names_of(unit, set(customers)).items() if name}

    def today(self) -> date:
        """Return the tenant's local date."""
        with self._acting.unit(write=False) as unit:
            return instant(unit.at_ms).astimezone(ZoneInfo(self._acting.facts(unit).pattern.zone)).date()

    def wording(self) -> Wording:
        """Return what alerts say: the texts of every active plugin."""
        cached = self._acting.house.cached
        if ("", "wording") not in cached:
            cached["", "wording"] = Wording.of(self._acting.house.registry)
        found: Wording = cached["", "wording"]
        return found

    def names(self, people: Iterable[str]) -> Mapping[str, str]:
        """Return the names of people this principal may see."""
        with self._acting.unit() as unit:
            return _names(self._acting, unit, set(people))


def _people(acting: Acting, unit: Unit) -> list[tuple[Any, str]]:
    table = acting.tables.people
    rows = unit.all(unit.select(table).order_by(table.c.team, table.c.id))
    return list(zip(rows, _opened_names(unit, rows), strict=True))


def _names(acting: Acting, unit: Unit, people: set[str]) -> dict[str, str]:
    table = acting.tables.people
    found: dict[str, str] = {}
    for chunk in within(sorted(people)):
        rows = unit.all(unit.select(table).where(table.c.id.in_(chunk)))
        found |= {row.id: name for row, name in zip(rows, _opened_names(unit, rows), strict=True)}
    return found


def _opened_names(unit: Unit, rows: Sequence[Any]) -> list[str]:
    table = unit.acting.tables.people
    unit.prepare("contact", [row.id for row in rows])
    may_open = opens(unit.acting.purpose, "contact")
    forgotten = {row.id for row in rows if unit.is_forgotten("contact", row.id)}
    there = [row for row in rows if may_open and row.name_sealed is not None and row.id not in forgotten]
    ids, sealed = [row.id for row in there], [row.name_sealed for row in there]
    names = dict(
        zip(ids, unit.open_each(table, "name_sealed", "contact", ids, sealed, ids, bytes.decode), strict=True)
        if there
        else ()
    )
    told = {row.id for row in rows if may_open and row.name_sealed is not None} & forgotten
    return [FORGOTTEN_NAME if row.id in told else names.get(row.id, "") for row in rows]


def _may_track(acting: Acting) -> bool:
    return reach(acting.principal.role, "tracks") is not Reach.NONE and opens(acting.purpose, "whereabouts")


def _may_open(acting: Acting, table: str, column: str) -> bool:
    return column not in MASKED.get(acting.principal.role, {}).get(table, frozenset())


def _tracks(acting: Acting, unit: Unit, day: date) -> dict[str, tuple[int, tuple[Glimpse, ...]]]:
    """Return, by rep, when positions last came in and the stays of a day."""
    import sqlalchemy as sa

    table = acting.tables.rep_days
    rows = unit.all(
        sa.select(table.c.rep, table.c.date, table.c.resolved_ms, table.c.resolved_sealed).where(
            unit.scope(table), table.c.date == day.isoformat()
        )
    )
    unit.prepare("whereabouts", (row.rep for row in rows))
    there = [row for row in rows if row.resolved_sealed is not None and not unit.is_forgotten("whereabouts", row.rep)]
    days = unit.open_each(
        table,
        "resolved_sealed",
        "whereabouts",
        [f"{row.rep}/{row.date}" for row in there],
        [row.resolved_sealed for row in there],
        [row.rep for row in there],
        _glimpses,
    )
    found: dict[str, tuple[int, tuple[Glimpse, ...]]] = {row.rep: (row.resolved_ms, ()) for row in rows}
    found |= {row.rep: (row.resolved_ms, glimpses) for row, glimpses in zip(there, days, strict=True)}
    return found


def _glimpses(body: bytes) -> tuple[Glimpse, ...]:
    """Return the stays of a resolved rep-day."""
    stays = stays_of(body)
    nan = float("nan")
    names = ("start_ms", "end_ms", "lat", "lon", "is_open")
    start, end, lat, lon, is_open = (stays[name].tolist() for name in names)
    coded = [list(stays[name]) for name in ("verdict", "reason", "kind", "category")]
    customers = stays["customer"].tolist()
    glimpses = []
    for n in range(len(stays)):
        verdict, reason, kind, category = (column[n] or "" for column in coded)
        hidden = kind in ("private", "home")
        glimpses.append(
            Glimpse(
                start_ms=start[n],
                end_ms=end[n],
                verdict=verdict,
                reason=reason,
                kind="private" if hidden else kind,
                category="" if hidden else category,
                customer=customers[n] or "",
                lat=nan if hidden else lat[n],
                lon=nan if hidden else lon[n],
                is_open=is_open[n],
            )
        )
    return tuple(glimpses)


def _member(
    row: Any,
    name: str,
    day: RepDay,
    absence: str | None,
    tracks: Mapping[str, tuple[int, tuple[Glimpse, ...]]],
    counts: Mapping[str, Mapping[str, int]],
    cases: Mapping[str, list[tuple[str, str, str, int]]],
    now_ms: int,
) -> Member:
    heard, stays = tracks.get(row.id, (0, ()))
    if stays and stays[-1].end_ms > now_ms:
        stays = tuple(attrs.evolve(s, end_ms=min(s.end_ms, now_ms)) for s in stays if s.start_ms < now_ms)
    now, since = _present(day, absence, stays, heard, now_ms)
    return Member(
        id=row.id,
        name=name,
        team=row.team,
        branch=row.branch,
        territory=row.territory,
        now=now,
        since_ms=since,
        heard_ms=min(heard, now_ms),
        last=stays[-1] if stays else None,
        absence=absence or "",
        day=day,
        stays=stays,
        visits=counts["visits"].get(row.id, 0),
        planned=counts["planned"].get(row.id, 0),
        checkins=counts["checkins"].get(row.id, 0),
        mismatches=counts["mismatches"].get(row.id, 0),
        cases=tuple(cases.get(row.id, ())),
    )


def _present(day: RepDay, absence: str | None, stays: Sequence[Glimpse], heard_ms: int, now_ms: int) -> tuple[str, int]:
    """Return what is known of the present, and since when. Silence is unknown, whatever was before it."""
    on_duty = any(start <= now_ms < end for start, end in day.duty_ms)
    if not on_duty:
        return ("absent" if absence else "off"), 0
    if not heard_ms:
        return "unknown", 0
    last = stays[-1] if stays else None
    if last is not None and (last.is_open or last.end_ms >= now_ms):
        if now_ms - last.end_ms > _STALE_MS:
            return "unknown", last.end_ms
        return last.verdict, last.start_ms
    left = last.end_ms if last is not None else day.duty_ms[0][0]
    if now_ms - min(heard_ms, now_ms) > _STALE_MS:
        return "unknown", min(heard_ms, now_ms)
    return "moving", left


def _counts(acting: Acting, unit: Unit, start_ms: int, end_ms: int, day: date) -> dict[str, dict[str, int]]:
    import sqlalchemy as sa

    tables = acting.tables
    visits, outings, checkins = tables.visits, tables.outings, tables.checkins

    def by_rep(table: Any, *where: Any) -> dict[str, int]:
        statement = sa.select(table.c.rep, sa.func.count()).where(unit.scope(table), *where).group_by(table.c.rep)
        return dict(tuple(row) for row in unit.all(statement))

    today = [checkins.c.time_ms >= start_ms, checkins.c.time_ms < end_ms]
    return {
        "visits": by_rep(visits, visits.c.date == day.isoformat(), visits.c.start_ms < end_ms),
        "planned": by_rep(outings, outings.c.start_ms >= start_ms, outings.c.start_ms < start_ms + _DAY_MS),
        "checkins": by_rep(checkins, *today),
        "mismatches": by_rep(checkins, *today, checkins.c.verdict == "away"),
    }


def _open_cases(acting: Acting, unit: Unit) -> dict[str, list[tuple[str, str, str, int]]]:
    import sqlalchemy as sa

    table = acting.tables.cases
    rows = unit.all(
        sa.select(table.c.rep, table.c.id, table.c.code, table.c.severity, table.c.opened_ms)
        .where(unit.scope(table), table.c.state.in_(_OPEN), table.c.rep.is_not(None), table.c.opened_ms <= unit.at_ms)
        .order_by(table.c.opened_ms.desc(), table.c.id)
    )
    found: dict[str, list[tuple[str, str, str, int]]] = {}
    for row in rows:
        found.setdefault(row.rep, []).append((row.id, row.code, row.severity, row.opened_ms))
    for mine in found.values():
        mine.sort(key=lambda case: SEVERITIES.index(case[2]))
    return found


def _days(acting: Acting, unit: Unit, first: date, last: date, zone: ZoneInfo) -> tuple[DayCount, ...]:
    """Count by local date of the tenant."""
    import sqlalchemy as sa

    tables = acting.tables
    dates = [(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    cuts = [_midnight(day, zone) for day in [*dates, last + timedelta(days=1)]]
    visits = tables.visits
    seen = dict(
        tuple(row)
        for row in unit.all(
            sa.select(visits.c.date, sa.func.count())
            .where(
                unit.scope(visits),
                visits.c.date >= first.isoformat(),
                visits.c.date <= last.isoformat(),
                visits.c.start_ms <= unit.at_ms,
            )
            .group_by(visits.c.date)
        )
    )

    def by_date(table: Any, column: Any, key: Any, *where: Any) -> list[dict[str, int]]:
        slot = sa.case(*((column < cut, place) for place, cut in enumerate(cuts[1:])), else_=len(dates))
        until = min(cuts[-1], unit.at_ms + 1)
        statement = (
            sa.select(slot.label("slot"), key.label("key"), sa.func.count().label("count"))
            .where(unit.scope(table), column >= cuts[0], column < until, *where)
            .group_by("slot", "key")
        )
        found: list[dict[str, int]] = [{} for _ in dates]
        for row in unit.all(statement):
            found[row.slot][row.key] = row.count
        return found

    checkins, follow_ups, cases, messages = tables.checkins, tables.follow_ups, tables.cases, tables.messages
    judged = by_date(checkins, checkins.c.time_ms, checkins.c.verdict)
    records = by_date(follow_ups, follow_ups.c.start_ms, follow_ups.c.kind)
    raised = by_date(cases, cases.c.opened_ms, cases.c.severity)
    said = by_date(messages, messages.c.time_ms, messages.c.outcome)
    return tuple(
        DayCount(
            date=day.isoformat(),
            visits=seen.get(day.isoformat(), 0),
            checkins=sum(judged[n].values()),
            mismatches=judged[n].get("away", 0),
            records=records[n].get("visit", 0),
            raised=raised[n],
            messages=said[n],
        )
        for n, day in enumerate(dates)
    )


def _tally(unit: Unit, column: Any, *where: Any) -> dict[str, int]:
    import sqlalchemy as sa

    rows = unit.all(sa.select(column, sa.func.count()).where(*where).group_by(column))
    return dict(tuple(row) for row in rows)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return milliseconds(datetime.combine(day, datetime.min.time(), zone).astimezone(UTC))
