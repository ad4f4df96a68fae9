"""What is stored: tenants and their settings, people, the schedule, what waits and what was refused."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from fieldhr_core.care.doctor.patient import DAY_MS, HOUR_MS, Check, Fault, Patient, TenantRow
from fieldhr_core.model import instant
from fieldhr_core.trust.retention import PROFILES, Precision, precision_of

__all__ = ["CHECKS"]

#: Names of zones that are often written and are none -> what is meant.
_MEANT: Final[Mapping[str, str]] = {
    "Asia/Beijing": "Asia/Shanghai",
    "China/Beijing": "Asia/Shanghai",
    "Beijing": "Asia/Shanghai",
    "GMT+8": "Etc/GMT-8",
    "UTC+8": "Etc/GMT-8",
    "CST": "Asia/Shanghai",
    "Asia/Bombay": "Asia/Kolkata",
    "Europe/Munich": "Europe/Berlin",
}
#: Codes of languages with three letters, and a country's that is taken for one -> the tag.
_LANGUAGES: Final[Mapping[str, str]] = {
    "chi": "zh", "zho": "zh", "cn": "zh", "eng": "en", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de",
    "spa": "es", "por": "pt", "ita": "it", "jpn": "ja", "jp": "ja", "kor": "ko", "rus": "ru", "vie": "vi", "tha": "th",
}  # fmt: skip
#: Tables with a rep who must be one of the people.
_OF_REPS: Final = (
    "absences",
    "bases",
    "outings",
    "rep_days",
    "checkins",
    "follow_ups",
    "deals",
    "feedback",
    "attendance",
)
_MANY: Final = 1_000


def _zone(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        if not patient.has_zone(tenant.zone):
            meant = _MEANT.get(tenant.zone)
            yield Fault(
                cause=f"The working hours of tenant {tenant.id} are in the zone {tenant.zone!r}, which does not exist.",
                remedy=f"Set the zone to {meant or 'an IANA name'}.",
                repair=partial(_set_zone, patient, tenant, meant) if meant else None,
            )


def _zone_of_people(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    people = patient.tables.people
    rows = patient.rows(sa.select(people.c.tenant, people.c.pattern).where(people.c.pattern.is_not(None)))
    bad = sorted(
        {(row.tenant, row.pattern["zone"]) for row in rows if row.pattern and not patient.has_zone(row.pattern["zone"])}
    )
    for tenant, zone in bad:
        yield Fault(
            cause=f"People of tenant {tenant} work in the zone {zone!r}, which does not exist.",
            remedy="Store them again with an IANA name of a zone.",
        )


def _empty_calendar(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    people = patient.tables.people
    employers = {row.tenant for row in patient.rows(sa.select(people.c.tenant).distinct())}
    for tenant in patient.tenants():
        if tenant.id in employers and not tenant.calendar.get("holidays") and not tenant.calendar.get("workdays"):
            yield Fault(
                cause=f"The calendar of tenant {tenant.id} is empty: reps are judged on public holidays.",
                remedy="Give the tenant a calendar; the extra 'calendars' has those of most countries.",
            )


def _old_calendar(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        until = tenant.calendar.get("official_until")
        if until and date.fromisoformat(until) < instant(tenant.now_ms).date():
            yield Fault(
                cause=f"The calendar of tenant {tenant.id} is official until {until} only.",
                remedy="Give the tenant the calendar of this year.",
            )


def _retention_setting(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        name = tenant.settings.get("retention")
        if name and name not in PROFILES:
            yield Fault(
                cause=f"Tenant {tenant.id} asks for the retention profile {name!r}, which does not exist.",
                remedy=f"Set retention to one of {', '.join(sorted(PROFILES))}.",
            )


def _retention_overdue(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    days = patient.tables.rep_days
    for tenant in patient.tenants():
        profile = PROFILES.get(tenant.settings.get("retention", ""))
        if profile is None:
            continue
        today = instant(tenant.now_ms).date() - timedelta(days=1)
        done = [Precision.COUNTS.value, "forgotten"]
        rows = patient.rows(
            sa.select(days.c.date, days.c.state).where(days.c.tenant == tenant.id, days.c.state.not_in(done))
        )
        fine = {
            Precision.RAW: 0,
            Precision.GRID: 1,
            Precision.VISITS: 2,
            Precision.COUNTS: 3,
        }
        has = {"grid": 1, "visits": 2}
        late = [r for r in rows if has.get(r.state, 0) < fine[precision_of(profile, date.fromisoformat(r.date), today)]]
        if late and not _has_holds(patient, tenant):
            yield Fault(
                cause=f"{len(late)} rep-days of tenant {tenant.id} are more precise than their age allows.",
                remedy="Run: fieldhr doctor --fix, and see that the schedule is advanced every day.",
                repair=None if patient.decay is None else partial(patient.decay, tenant.id),
            )


def _manager_gone(patient: Patient) -> Iterator[Fault]:
    managers = _managers(patient)
    for tenant, tree in managers.items():
        gone = {boss for boss in tree.values() if boss and boss not in tree}
        if gone:
            yield Fault(
                cause=f"{len(gone)} managers in tenant {tenant} are not stored as people: nobody is told of alerts.",
                remedy="Store the managers, or give their people others.",
            )


def _manager_circle(patient: Patient) -> Iterator[Fault]:
    for tenant, tree in _managers(patient).items():
        circle = next((found for person in tree if (found := _circle(tree, person))), ())
        if circle:
            yield Fault(
                cause=f"In tenant {tenant} {len(circle)} people are each other's managers in a circle.",
                remedy="Store one of them with another manager.",
            )


def _manager_none(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    people, bases = patient.tables.people, patient.tables.bases
    rows = patient.rows(
        sa.select(people.c.tenant, sa.func.count(sa.distinct(people.c.id)))
        .join(bases, sa.and_(bases.c.tenant == people.c.tenant, bases.c.rep == people.c.id))
        .where(people.c.manager.is_(None), bases.c.purpose == "tracking", bases.c.until_ms.is_(None))
        .group_by(people.c.tenant)
    )
    for tenant, count in rows:
        yield Fault(
            cause=f"{count} tracked reps of tenant {tenant} have no manager: nobody is told of their alerts.",
            remedy="Store them with a manager.",
        )


def _orphaned_reps(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    people = patient.tables.people
    for name in _OF_REPS:
        table = getattr(patient.tables, name)
        known = sa.and_(people.c.tenant == table.c.tenant, people.c.id == table.c.rep)
        lost = sa.select(table.c.tenant, table.c.rep).where(~sa.exists().where(known).correlate(table)).distinct()
        reps: dict[str, set[str]] = {}
        for row in patient.rows(lost):
            reps.setdefault(row.tenant, set()).add(row.rep)
        for tenant, gone in reps.items():
            yield Fault(
                cause=f"Rows of {name} in tenant {tenant} belong to {len(gone)} reps who are not stored.",
                remedy="Store these people again; their leaving is the field 'left', not their removal.",
                repair=None if patient.store_leavers is None else partial(_store_again, patient, tenant, gone),
            )


def _basis_missing(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    counters, bases = patient.tables.counters, patient.tables.bases
    has_any = sa.and_(
        bases.c.tenant == counters.c.tenant, bases.c.rep == counters.c.subject, bases.c.purpose == "tracking"
    )
    rows = patient.rows(
        sa.select(counters.c.tenant, sa.func.count(sa.distinct(counters.c.subject)))
        .where(counters.c.name == "privacy.dropped_no_basis", ~sa.exists().where(has_any).correlate(counters))
        .group_by(counters.c.tenant)
    )
    for tenant, count in rows:
        yield Fault(
            cause=f"{count} reps of tenant {tenant} send positions and have no basis: every one is refused.",
            remedy="Show them the notice and record the basis: desk.people.record_basis(...).",
        )


def _wrong_datum(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    checkins = patient.tables.checkins
    far: dict[str, list[float]] = {}
    rows = patient.rows(
        sa.select(checkins.c.tenant, checkins.c.distance_m).where(checkins.c.distance_m.is_not(None)).limit(20_000)
    )
    for row in rows:
        far.setdefault(row.tenant, []).append(row.distance_m)
    for tenant, metres in far.items():
        # In China, GCJ-02 taken for WGS-84 is off by 219 to 661 m, everywhere: honest check-ins lie in that ring.
        ring = [metre for metre in metres if 200 <= metre <= 700]
        if len(metres) >= 8 and len(ring) >= 0.8 * len(metres):
            yield Fault(
                cause=f"{len(ring)} of {len(metres)} check-ins of {tenant} lie {statistics.median(ring):.0f} m off:"
                " the datum of the addresses or of the phones is not the one that was said.",
                remedy="Store the customers again with the datum their coordinates are in (often gcj02).",
            )


def _no_coordinates(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    addresses, customers = patient.tables.addresses, patient.tables.customers
    for tenant in patient.tenants():
        rows = patient.rows(
            sa.select(sa.func.length(addresses.c.body_sealed))
            .join(customers, sa.and_(customers.c.tenant == addresses.c.tenant, customers.c.id == addresses.c.customer))
            .where(addresses.c.tenant == tenant.id, customers.c.gone_ms.is_(None))
        )
        count = sum(1 for _ in rows)
        placed = patient.rows(
            sa.select(sa.func.count())
            .select_from(customers)
            .where(customers.c.tenant == tenant.id, customers.c.gone_ms.is_(None))
        )[0][0]
        if placed >= 4 and count < placed / 2:
            yield Fault(
                cause=f"{placed - count} of {placed} customers of {tenant.id} have no address to verify a visit at.",
                remedy="Pull their addresses from the CRM, with coordinates and datum.",
            )


def _locales(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    if not patient.languages:
        return
    people = patient.tables.people
    for row in patient.rows(
        sa.select(people.c.tenant, people.c.language, sa.func.count().label("n")).group_by(
            people.c.tenant, people.c.language
        )
    ):
        if row.language and not {row.language, row.language.split("-")[0]} & patient.languages:
            tag = _tag(row.language, patient.languages)
            yield Fault(
                cause=f"{row.n} people of tenant {row.tenant} read {row.language!r}, for which there are no texts.",
                remedy="Add the language to the plugins' messages.json; until then they are told in English.",
                repair=partial(_set_language, patient, row.tenant, row.language, tag) if tag else None,
            )


def _routes(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        for place, items in _lists_in(tenant.settings):
            bare = [_bare(item) for item in items]
            repeated = [n for n, item in enumerate(bare) if item in bare[:n]]
            if repeated:
                yield Fault(
                    cause=f"The setting {place} of tenant {tenant.id} names the same source or channel twice.",
                    remedy="Take the repeats out, or run: fieldhr doctor --fix",
                    repair=partial(_drop, patient, tenant, items, repeated),
                )


def _refused(patient: Patient) -> Iterator[Fault]:
    yield from _undelivered(patient, "refused", "were refused by their channel")


def _given_up(patient: Patient) -> Iterator[Fault]:
    yield from _undelivered(patient, "given_up", "were tried for hours and given up")


def _undelivered(patient: Patient, state: str, what: str) -> Iterator[Fault]:
    import sqlalchemy as sa

    box = patient.tables.outbox
    rows = patient.rows(
        sa.select(box.c.channel, sa.func.count().label("n"), sa.func.max(box.c.reason).label("reason"))
        .where(box.c.state == state)
        .group_by(box.c.channel)
    )
    for row in rows:
        yield Fault(
            cause=f"{row.n} notices {what} {row.channel!r}: {row.reason[:120] or 'no reason was given'}.",
            remedy="Check the address and the channel's settings, then run: fieldhr doctor --fix (sends them again).",
            repair=partial(_send_again, patient, row.channel, state),
        )


def _stuck(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    box = patient.tables.outbox
    for tenant in patient.tenants():
        waiting = patient.rows(
            sa.select(sa.func.count()).where(
                box.c.tenant == tenant.id, box.c.state == "due", box.c.due_ms < tenant.now_ms - HOUR_MS
            )
        )[0][0]
        if waiting:
            yield Fault(
                cause=f"{waiting} notices of tenant {tenant.id} have been due for more than an hour.",
                remedy="See that something calls advance() every minute, or run: fieldhr doctor --fix",
                repair=patient.advance,
            )


def _dirty(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    days = patient.tables.rep_days
    for tenant in patient.tenants():
        before = (instant(tenant.now_ms) - timedelta(days=1)).date().isoformat()
        count = patient.rows(
            sa.select(sa.func.count()).where(days.c.tenant == tenant.id, days.c.state == "dirty", days.c.date < before)
        )[0][0]
        if count:
            yield Fault(
                cause=f"{count} rep-days of tenant {tenant.id} wait to be resolved since yesterday or longer.",
                remedy="See that the resolver works (fieldhr plugins list), then run: fieldhr doctor --fix",
                repair=patient.advance,
            )


def _behind(patient: Patient) -> Iterator[Fault]:
    for tenant, job, done_ms in _jobs(patient):
        if done_ms < tenant.now_ms - 2 * DAY_MS:
            days = (tenant.now_ms - done_ms) / DAY_MS
            yield Fault(
                cause=f"The job {job!r} of tenant {tenant.id} was last done {days:.0f} days ago.",
                remedy="See that something calls advance() every minute, or run: fieldhr doctor --fix",
                repair=patient.advance,
            )


def _ahead(patient: Patient) -> Iterator[Fault]:
    for tenant, job, done_ms in _jobs(patient):
        if done_ms > tenant.now_ms + DAY_MS:
            yield Fault(
                cause=f"The job {job!r} of {tenant.id} is noted as done on {instant(done_ms).date()}, in the future.",
                remedy="Run: fieldhr doctor --fix, and look at the machine's clock.",
                repair=partial(_set_job, patient, tenant, job),
            )


def _sources(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    cursors = patient.tables.cursors
    for tenant in patient.tenants():
        for row in patient.rows(sa.select(cursors).where(cursors.c.tenant == tenant.id)):
            if row.failures:
                yield Fault(
                    cause=f"The source {row.source!r} of {tenant.id} failed {row.failures} times: {row.reason[:120]}",
                    remedy=f"Mend the source, then pull again: desk.customers.pull({row.source!r}).",
                )
            elif row.pulled_ms is not None and row.pulled_ms < tenant.now_ms - 7 * DAY_MS:
                yield Fault(
                    cause=f"The source {row.source!r} of tenant {tenant.id} was last asked on"
                    f" {instant(row.pulled_ms).date()}.",
                    remedy=f"Let the host call desk.customers.pull({row.source!r}) every night.",
                )


def _quarantine(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    table = patient.tables.quarantine
    for row in patient.rows(
        sa.select(table.c.tenant, table.c.code, sa.func.count().label("n")).group_by(table.c.tenant, table.c.code)
    ):
        if row.n > _MANY:
            yield Fault(
                cause=f"{row.n} records of tenant {row.tenant} lie in quarantine as {row.code}.",
                remedy="Look at a few of them and at the source that sends them.",
            )


#: Jobs with a time of day; the alerters of an evening are the others. What else the table holds are marks, not times.
_SCHEDULED: Final = ("seal", "decay", "audit")


def _jobs(patient: Patient) -> Iterator[tuple[TenantRow, str, int]]:
    import sqlalchemy as sa

    jobs = patient.tables.jobs
    tenants = {tenant.id: tenant for tenant in patient.tenants()}
    for row in patient.rows(sa.select(jobs).order_by(jobs.c.tenant, jobs.c.job)):
        if row.tenant in tenants and (row.job in _SCHEDULED or row.job.startswith("alerters ")):
            yield tenants[row.tenant], row.job, row.done_ms


def _managers(patient: Patient) -> dict[str, dict[str, str | None]]:
    import sqlalchemy as sa

    people = patient.tables.people
    found: dict[str, dict[str, str | None]] = {}
    for row in patient.rows(sa.select(people.c.tenant, people.c.id, people.c.manager)):
        found.setdefault(row.tenant, {})[row.id] = row.manager
    return found


def _circle(tree: Mapping[str, str | None], person: str) -> tuple[str, ...]:
    path: list[str] = []
    at: str | None = person
    while at is not None and at in tree and at not in path:
        path.append(at)
        at = tree[at]
    return tuple(path) if at == person else ()


def _has_holds(patient: Patient, tenant: TenantRow) -> bool:
    import sqlalchemy as sa

    events = patient.tables.case_events
    return bool(
        patient.rows(sa.select(events.c.case).where(events.c.tenant == tenant.id, events.c.step == "hold").limit(1))
    )


def _lists_in(settings: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, list[Any]]]:
    for name, value in settings.items():
        here = f"{place}.{name}" if place else str(name)
        if isinstance(value, Mapping):
            yield from _lists_in(value, here)
        elif isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
            yield here, value


def _bare(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in ("name", "id")}


def _drop(patient: Patient, tenant: TenantRow, items: list[Any], repeated: list[int]) -> None:
    for number in reversed(repeated):
        del items[number]  # the list is part of the settings that were read
    patient.configure(tenant.id, tenant.settings)


def _set_zone(patient: Patient, tenant: TenantRow, zone: str) -> None:
    import sqlalchemy as sa

    table = patient.tables.tenants
    with patient.writing() as connection:
        connection.execute(
            sa.update(table).where(table.c.id == tenant.id).values(pattern={**tenant.pattern, "zone": zone})
        )
    patient.note(tenant.id, "doctor.zone")


def _store_again(patient: Patient, tenant: str, reps: set[str]) -> None:
    """Store people again as people who have left: what is held about them stays within reach, and nobody is tracked."""
    import sqlalchemy as sa

    days, bases, today = patient.tables.rep_days, patient.tables.bases, patient.now.date()
    last = patient.rows(
        sa.select(days.c.rep, sa.func.max(days.c.date).label("day")).where(days.c.tenant == tenant).group_by(days.c.rep)
    )
    ended = {row.rep: date.fromisoformat(row.day) for row in last}
    now_ms = next((each.now_ms for each in patient.tenants() if each.id == tenant), patient.now_ms)
    assert patient.store_leavers is not None
    patient.store_leavers(tenant, {rep: ended.get(rep, today) for rep in sorted(reps)})
    still = sa.or_(bases.c.until_ms.is_(None), bases.c.until_ms > now_ms)
    with patient.writing() as connection:
        connection.execute(
            sa.update(bases)
            .where(bases.c.tenant == tenant, bases.c.rep.in_(sorted(reps)), still)
            .values(until_ms=now_ms)
        )


def _tag(written: str, languages: frozenset[str]) -> str | None:
    """Return the tag that is meant by a language as another system writes it (``zh_CN``, ``ZH-hans``, ``chi``)."""
    first, *rest = re.split(r"[-_.@]", written.strip())
    first = _LANGUAGES.get(first.lower(), first.lower())
    part = rest[0].title() if rest and re.fullmatch(r"[A-Za-z]{2}|[A-Za-z]{4}", rest[0]) else ""
    if first in languages:
        return f"{first}-{part.upper() if len(part) == 2 else part}" if part else first
    near = sorted(tag for tag in languages if tag.split("-")[0] == first)
    if first == "zh":
        script = "Hant" if part in ("Tw", "Hk", "Mo", "Hant") else "Hans"
        near = [tag for tag in near if tag == f"zh-{script}"]
    return near[0] if len(near) == 1 else None


def _set_language(patient: Patient, tenant: str, written: str, tag: str) -> None:
    import sqlalchemy as sa

    people = patient.tables.people
    with patient.writing() as connection:
        connection.execute(
            sa.update(people).where(people.c.tenant == tenant, people.c.language == written).values(language=tag)
        )
    patient.note(tenant, "doctor.language")


def _send_again(patient: Patient, channel: str, state: str) -> None:
    import sqlalchemy as sa

    box = patient.tables.outbox
    with patient.writing() as connection:
        connection.execute(
            sa.update(box)
            .where(box.c.channel == channel, box.c.state == state)
            .values(state="due", attempts=0, due_ms=patient.now_ms)
        )


def _set_job(patient: Patient, tenant: TenantRow, job: str) -> None:
    import sqlalchemy as sa

    jobs = patient.tables.jobs
    with patient.writing() as connection:
        connection.execute(
            sa.update(jobs).where(jobs.c.tenant == tenant.id, jobs.c.job == job).values(done_ms=tenant.now_ms - DAY_MS)
        )


CHECKS: Final = (
    Check("tenant.zone", "tables", _zone),
    Check("people.zone", "tables", _zone_of_people),
    Check("calendar.empty", "tables", _empty_calendar),
    Check("calendar.old", "tables", _old_calendar),
    Check("retention.unknown", "tables", _retention_setting),
    Check("retention.overdue", "tables", _retention_overdue),
    Check("people.manager_gone", "tables", _manager_gone),
    Check("people.manager_circle", "tables", _manager_circle),
    Check("people.manager_none", "tables", _manager_none),
    Check("people.orphans", "tables", _orphaned_reps),
    Check("basis.missing", "tables", _basis_missing),
    Check("datum.wrong", "tables", _wrong_datum),
    Check("addresses.missing", "tables", _no_coordinates),
    Check("language.missing", "plugins", _locales),
    Check("source.duplicate", "tables", _routes),
    Check("source.failing", "tables", _sources),
    Check("outbox.refused", "tables", _refused),
    Check("outbox.given_up", "tables", _given_up),
    Check("outbox.stuck", "tables", _stuck),
    Check("days.dirty", "tables", _dirty),
    Check("schedule.behind", "tables", _behind),
    Check("schedule.ahead", "tables", _ahead),
    Check("quarantine.growing", "tables", _quarantine),
)
