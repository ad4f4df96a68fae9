"""The people who are tracked: the fence, their consent, how old data grow coarse, their own view, and who decides."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any, Final
from zoneinfo import ZoneInfo

from fieldhr_core.care.evidence.proof import HOST, Finds, Scene, check, pairs
from fieldhr_core.care.evidence.stage import Act, principals, rehearsal
from fieldhr_core.errors import FieldhrError
from fieldhr_core.model import (
    Absence,
    AbsenceKind,
    CaseState,
    CaseStep,
    Principal,
    Role,
    WorkPattern,
    instant,
    milliseconds,
)
from fieldhr_core.trust.retention import PROFILES, precision_of
from fieldhr_core.trust.scope import TABLES

__all__: list[str] = []

#: Rep-days of a tenant that are opened to see whether every position stands on a basis.
_DAYS: Final = 200


@check("fence.edges")
def _fence(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish(bases=False)
        _set_up(act)
        cases: list[tuple[str, str, datetime, int]] = [
            ("working time", "r1", act.at("10:00"), 4),
            ("the first second of the shift", "r1", act.at("09:00"), 1),
            ("the second before the shift", "r1", act.at("09:00") - timedelta(seconds=1), 0),
            ("the end of the shift", "r1", act.at("18:00"), 0),
            ("the last second of the shift", "r1", act.at("18:00") - timedelta(seconds=1), 1),
            ("the evening", "r1", act.at("20:30"), 0),
            ("the night", "r1", act.at("03:00"), 0),
            ("a Sunday", "r1", act.at("11:00", -1), 0),
            ("a holiday", "r1", act.at("11:00", -3), 0),
            ("leave", "r2", act.at("10:00"), 0),
            ("after the leave", "r2", act.at("14:00"), 4),
            ("private mode", "r2", act.at("15:30"), 0),
            ("a break that may not be tracked", "r3", act.at("12:30"), 0),
            ("no consent", "m1", act.at("10:00"), 0),
            ("before the consent", "r1", act.at("10:00", -6), 0),
            ("a stranger", "nobody", act.at("10:00"), 0),
        ]
        for what, rep, start, kept in cases:
            count = 1 if "second" in what or "end" in what else 4
            before = _fixes(act, rep)
            receipt = act.record(rep, start, count)
            stored = receipt.stored + receipt.flagged
            finds.count("positions", count)
            finds.expect(stored <= kept, f"Positions of {what} are stored.")
            finds.expect(stored >= kept, f"Positions of {what} are lost.")
            finds.expect(_fixes(act, rep) - before == stored, f"What is stored for {what} is not what was said.")
            finds.expect(
                receipt.submitted == stored + receipt.deduplicated + receipt.quarantined + receipt.rejected,
                "Receipts of positions do not add up.",
            )
            finds.expect(stored or receipt.reasons, f"Positions of {what} are refused without a reason.")
        counters = act.tables.counters
        counted = act.count(counters, counters.c.tenant == act.home, counters.c.name.startswith("privacy.dropped"))
        finds.expect(counted, "Refused positions are not counted.")
        _nothing_outside(act, finds)


def _set_up(act: Act) -> None:
    from fieldhr_core.model import Person

    friday = act.monday + timedelta(hours=8, days=-3)
    with act.desk(act.admin()) as desk:
        for rep in ("r1", "r2", "r3"):
            desk.people.record_basis(rep, purpose="tracking", basis="consent", notice="v1", at=act.at("00:00", -4))
        desk.people.put_absences(
            [
                Absence(id="l", rep="r2", kind=_kind("leave"), start=act.at("09:00"), end=act.at("12:00")),
                Absence(id="p", rep="r2", kind=_kind("private"), start=act.at("15:00"), end=act.at("16:00")),
            ]
        )
        strict = WorkPattern(zone="Asia/Shanghai", track_breaks=False)
        desk.people.put([Person(id="r3", name="r3", manager="m2", pattern=strict)])
    import sqlalchemy as sa

    from fieldhr_core.store.rows import canonical_json

    table = act.tables.tenants
    holiday = {"holidays": {friday.date().isoformat(): "Holiday"}, "workdays": {}, "official_until": None}
    assert canonical_json(holiday)
    act.connection.execute(sa.update(table).where(table.c.id == act.home).values(calendar=holiday))


def _kind(name: str) -> AbsenceKind:
    return next((kind for kind in AbsenceKind if kind.value == name), next(iter(AbsenceKind)))


def _fixes(act: Act, rep: str) -> int:
    import sqlalchemy as sa

    table = act.tables.track_parts
    mine = (table.c.tenant == act.home, table.c.rep == rep)
    found = act.connection.execute(sa.select(sa.func.sum(table.c.fixes)).where(*mine)).scalar()
    return int(found or 0)


def _nothing_outside(act: Act, finds: Finds) -> None:
    """Look at what is stored, and not at what was said to be."""
    for rep in ("r1", "r2", "r3"):
        for back in range(8):
            day = act.monday.astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=back)
            with act.desk(act.admin(), "supervision") as desk:
                try:
                    times = desk.reports.day(rep, day).fixes["time_ms"].tolist()
                except FieldhrError:
                    continue
            for time_ms in times:
                local = instant(time_ms).astimezone(ZoneInfo("Asia/Shanghai"))
                on_duty = (
                    local.date() == act.monday.astimezone(ZoneInfo("Asia/Shanghai")).date() and 9 <= local.hour < 18
                )
                finds.expect(on_duty, "A position outside working time is in the store.")


@check("fence.stored")
def _stored(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    assert scene.premises.stage is not None
    stage = scene.premises.stage(scene.premises.binding, scene.premises.now())
    tables = scene.premises.tables
    with scene.premises.binding.transaction(write=False) as connection:
        tenants = connection.execute(sa.select(tables.tenants)).mappings().all()
        parts, bases = tables.track_parts, tables.bases
        days = connection.execute(
            sa.select(parts.c.tenant, parts.c.rep, parts.c.date).distinct().order_by(parts.c.date, parts.c.rep)
        ).all()
        ledger: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for row in connection.execute(sa.select(bases).where(bases.c.purpose == "tracking")).mappings():
            until = (1 << 62) if row["until_ms"] is None else row["until_ms"]
            ledger.setdefault((row["tenant"], row["rep"]), []).append((row["from_ms"], until))
        moved = _moved(connection, tables)
    for tenant in tenants:
        mine = [(rep, day) for owner, rep, day in days if owner == tenant["id"]]
        step = -(-len(mine) // _DAYS) or 1
        keeper = Principal(tenant=tenant["id"], id="fieldhr.evidence", role=Role.ADMIN)
        for rep, day in mine[::step]:
            with stage.hr.acting_as(keeper, purpose="supervision") as desk:
                try:
                    report = desk.reports.day(rep, date.fromisoformat(day))
                except FieldhrError as failure:
                    finds.expect(failure.code == "FHR-ACC-001", f"A stored day cannot be opened ({failure.code}).")
                    continue
            finds.count("rep_days")
            spans = ledger.get((tenant["id"], rep), [])
            duty = report.day.duty_ms
            for time_ms in report.fixes["time_ms"].tolist():
                finds.count("positions")
                finds.expect(
                    any(start <= time_ms < until for start, until in spans),
                    f"Positions of {tenant['id']} are stored that stood on no basis.",
                )
                if tenant["id"] not in moved:
                    finds.expect(
                        any(start <= time_ms < until for start, until in duty),
                        f"Positions of {tenant['id']} are stored that lie outside working time.",
                    )
    finds.facts["tenants_judged_by_the_ledger_alone"] = len(moved)


def _moved(connection: Any, tables: Any) -> set[str]:
    """Return the tenants in which working time was changed after the first positions had come."""
    import sqlalchemy as sa

    audit = tables.audit
    first = pairs(
        connection.execute(
            sa.select(audit.c.tenant, sa.func.min(audit.c.seq))
            .where(audit.c.action == "positions.record")
            .group_by(audit.c.tenant)
        )
    )
    last = connection.execute(
        sa.select(audit.c.tenant, sa.func.max(audit.c.seq))
        .where(audit.c.action.in_(["people.put", "absences.put", "tenant.configure", "system.unsafe"]))
        .group_by(audit.c.tenant)
    ).all()
    return {tenant for tenant, seq in last if seq > first.get(tenant, seq)}


@check("consent.withdrawal")
def _withdrawal(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        rep = principals(act.home)["rep"]
        with act.desk(rep, "visits") as desk:
            desk.people.withdraw_basis("r1", purpose="tracking", at=act.at("15:00"))
        after = act.record("r1", act.at("15:00"), 4)
        late = act.record("r1", act.at("14:45"), 4)
        finds.expect(not after.stored, "Positions after a withdrawal are stored.")
        finds.expect(
            "privacy.basis_withdrawn" in after.reasons, "The refusal does not say that the basis was withdrawn."
        )
        finds.expect(late.stored, "Lawful positions of before a withdrawal are lost.")
        act.record("r1", act.at("15:10"), 4)
        with act.desk(act.admin(), "supervision") as desk:
            told = [case for case in desk.alerts.list() if case.finding.code == "privacy.consent_withdrawn"]
            blamed = [
                case
                for case in desk.alerts.list(rep="r1")
                if case.finding.opened_at >= act.at("15:00") and not case.finding.code.startswith("privacy.")
            ]
        finds.expect(len(told) == 1, f"A withdrawal is told {len(told)} times instead of once.")
        finds.expect(not blamed, "A withdrawal is held against the rep.")
        with act.desk(act.admin(), "operations") as desk:
            desk.people.record_basis("m1", purpose="recording", basis="consent", notice="v1", at=act.at("00:00"))
        finds.expect(not act.record("m1", act.at("10:00"), 4).stored, "A basis for another purpose carries positions.")
        table = act.tables.bases
        entry = act.count(
            table, table.c.tenant == act.home, table.c.rep == "r1", table.c.until_ms == milliseconds(act.at("15:00"))
        )
        finds.expect(entry == 1, "The ledger does not hold when the basis was withdrawn.")
        before = _basis_rows(act)
        with act.desk(act.admin(), "operations") as desk, contextlib.suppress(FieldhrError):
            desk.people.record_basis(
                "r1", purpose="tracking", basis="consent", notice="v2", at=act.monday - timedelta(days=1)
            )
        kept = [row for row in before if row in _basis_rows(act)]
        finds.expect(kept == before, "An entry of the ledger was overwritten by a later one.")


def _basis_rows(act: Act) -> list[tuple[Any, ...]]:
    import sqlalchemy as sa

    table = act.tables.bases
    rows = act.connection.execute(sa.select(table).where(table.c.tenant == act.home).order_by(table.c.id))
    return [tuple(row) for row in rows]


@check("consent.ledger")
def _ledger(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    tables = scene.premises.tables
    bases, audit = tables.bases, tables.audit
    with scene.premises.binding.transaction(write=False) as connection:
        rows = connection.execute(sa.select(bases)).mappings().all()
        said = connection.execute(
            sa.select(audit.c.tenant, audit.c.action, audit.c.object, audit.c.detail, audit.c.seq)
            .where(audit.c.action.in_(["basis.record", "basis.withdraw"]))
            .order_by(audit.c.tenant, audit.c.seq)
        ).all()
    there = {(row["tenant"], row["id"]): row for row in rows}
    recorded = {(event.tenant, event.object): event for event in said if event.action == "basis.record"}
    finds.facts |= {"entries": len(rows), "events": len(said)}
    for key, event in recorded.items():
        row = there.get(key)
        finds.expect(row is not None, f"An entry of the ledger of {key[0]} is gone.")
        if row is not None:
            detail = json.loads(event.detail)
            same = (row["basis"], row["notice"]) == (detail.get("basis"), detail.get("notice"))
            finds.expect(same, f"An entry of the ledger of {key[0]} is not what was recorded.")
            finds.expect(
                row["id"].endswith(f":{row['from_ms']}"), f"An entry of the ledger of {key[0]} was dated back."
            )
    for key, row in there.items():
        finds.expect(key in recorded, f"The ledger of {key[0]} holds an entry that the trail does not know.")
        finds.expect(row["notice"], f"An entry of the ledger of {key[0]} names no notice.")
    for event in said:
        if event.action != "basis.withdraw":
            continue
        purpose = json.loads(event.detail).get("purpose")
        open_ = [
            row
            for key, row in there.items()
            if key[0] == event.tenant
            and row["rep"] == event.object
            and row["purpose"] == purpose
            and row["until_ms"] is None
            and recorded[key].seq < event.seq
            if key in recorded
        ]
        finds.expect(not open_, f"A basis of {event.tenant} that was withdrawn is in force again.")


@check("retention.steps")
def _steps(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        import sqlalchemy as sa

        tenants, days = act.tables.tenants, act.tables.rep_days
        act.connection.execute(sa.update(tenants).where(tenants.c.id == act.home).values(settings={"retention": "EU"}))
        profile, table = PROFILES["EU"], act.tables.track_parts
        mine = (table.c.tenant == act.home, table.c.rep == "r1")
        raw = _times(act)
        for age, state, is_gone in (
            (profile.raw_days, "raw", False),
            (profile.raw_days + 1, "grid", False),
            (profile.grid_days + 1, "visits", True),
            (profile.visits_days + 1, "counts", True),
        ):
            act.hr.clock.advance(act.at("12:00", age))
            with act.desk(act.admin()) as desk:
                desk.retention.decay()
            finds.count("edges")
            found = act.connection.execute(
                sa.select(days.c.state).where(days.c.tenant == act.home, days.c.rep == "r1")
            ).scalar()
            finds.expect(
                state == "raw" or found == state, f"At the age of {age} days a rep-day is {found}, not {state}."
            )
            finds.expect(
                bool(act.count(table, *mine)) != is_gone, f"At the age of {age} days fixes are not as they must be."
            )
            if state == "raw":
                finds.expect(_times(act) == raw, "Fixes lose precision before their time.")
            if state == "grid":
                finds.expect(len(_times(act)) < len(raw), "Fixes keep their precision after their time.")
        late = act.record("r1", act.at("10:00", 1), 3)
        finds.expect(not late.stored, "Positions too old to be held are taken in.")


def _times(act: Act) -> list[int]:
    day = act.monday.astimezone(ZoneInfo("Asia/Shanghai")).date()
    with act.desk(act.admin(), "supervision") as desk:
        found: list[int] = desk.reports.day("r1", day).fixes["time_ms"].tolist()
    return found


@check("retention.kept")
def _kept(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    tables = scene.premises.tables
    with scene.premises.binding.transaction(write=False) as connection:
        tenants = connection.execute(sa.select(tables.tenants)).mappings().all()
        days, parts, checkins = tables.rep_days, tables.track_parts, tables.checkins
        without = []
        for tenant in tenants:
            profile = PROFILES.get(tenant["settings"].get("retention") or "")
            if profile is None:
                without.append(tenant["id"])
                continue
            held = _has_holds(connection, tables, tenant["id"])
            late = 0
            for row in connection.execute(sa.select(days).where(days.c.tenant == tenant["id"])).mappings():
                finds.count("rep_days")
                today = scene.premises.now().astimezone(ZoneInfo(row["zone"])).date()
                # The job runs at midnight of the tenant's zone; a day of grace for the night that has just begun.
                allowed = precision_of(profile, date.fromisoformat(row["date"]), today - timedelta(days=1))
                late += row["state"] != "forgotten" and _finer(row["state"], allowed.value)
                if allowed.value in ("visits", "counts") and row["state"] != "forgotten":
                    late += bool(row["resolved_sealed"])
            limit = milliseconds(scene.premises.now() - timedelta(days=profile.visits_days + 2))
            oldest = (scene.premises.now() - timedelta(days=profile.grid_days + 2)).date().isoformat()
            late += _number(connection, checkins, checkins.c.tenant == tenant["id"], checkins.c.time_ms < limit)
            late += _number(connection, parts, parts.c.tenant == tenant["id"], parts.c.date < oldest)
            finds.expect(held or not late, f"{late} records of {tenant['id']} are finer than their age allows.")
            finds.facts["under_hold"] = int(finds.facts.get("under_hold", 0)) + bool(held and late)
        real = [tenant["id"] for tenant in tenants if tenant["id"] in without and not tenant["simulated"]]
    finds.facts |= {"without_profile": len(without)}
    if without:
        finds.leave(HOST, f"{len(without)} tenants name no retention profile; {len(real)} of them hold real people.")


def _finer(state: str, allowed: str) -> bool:
    order = ("raw", "grid", "visits", "counts")
    have = order.index(state) if state in order else 0
    return have < order.index(allowed)


def _number(connection: Any, table: Any, *where: Any) -> int:
    import sqlalchemy as sa

    return int(connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar() or 0)


def _has_holds(connection: Any, tables: Any, tenant: str) -> bool:
    events = tables.case_events
    return bool(_number(connection, events, events.c.tenant == tenant, events.c.step == "hold"))


@check("subject.view")
def _view(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        asked = principals(act.home)
        day = act.monday.astimezone(ZoneInfo("Asia/Shanghai")).date()
        with act.desk(asked["manager"], "supervision") as desk:
            desk.reports.day("r1", day)
        with act.desk(asked["rep"], "subject_access") as desk:
            view = desk.subject.view("r1")
        text = view.as_json().decode()
        for what in ("name", "customer", "note", "message"):
            finds.expect(act.word(act.home, "r1", what) in text, f"The own view does not hold the {what}.")
        for rep in ("r2", "r3"):
            finds.expect(act.word(act.home, rep, "")[:-1] not in text, "The own view holds somebody else's data.")
        finds.expect(f"canary-{act.mark}-other" not in text, "The own view holds another tenant's data.")
        finds.expect(any(look.actor == asked["manager"].id for look in view.looks), "The own view hides who looked.")
        for name, rule in TABLES.items():
            if rule.person is None or name in ("audit", "keys"):
                continue
            table = getattr(act.tables, name)
            where = [table.c.tenant == act.home, table.c[rule.person] == "r1"]
            if "confidential" in table.c:
                where.append(table.c.confidential.is_(False))
            finds.expect(
                len(view.facts.get(name, ())) == act.count(table, *where),
                f"The own view does not hold every row of {name}.",
            )
            finds.count("tables")
        archive = zipfile.ZipFile(BytesIO(view.as_zip()))
        finds.expect({f"{name}.json" for name in view.facts} <= set(archive.namelist()), "The export is not whole.")
        for role in ("manager", "compliance", "auditor", "integrator"):
            with act.desk(asked[role], "subject_access") as desk:
                try:
                    desk.subject.view("r2" if role == "manager" else "r1")
                except FieldhrError:
                    continue
            finds.wrong.append(f"As {role}, everything held about somebody is shown.")
        with act.desk(asked["hr_payroll"], "payroll") as desk:
            try:
                desk.subject.view("r1")
            except FieldhrError:
                return
        finds.wrong.append("HR gets everything held about somebody for payroll.")


@check("cases.people")
def _people(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        asked = principals(act.home)
        case = act.stage.raise_finding(_finding(act, "r1", "a"), act.home)
        rep, manager = asked["rep"], asked["manager"]
        other = Principal(tenant=act.home, id="rehearsal.compliance2", role=Role.COMPLIANCE)
        _refuse(act, finds, rep, case, CaseStep.DISMISS, "let me off", "A rep decides about the own case.")
        _refuse(act, finds, rep, case, CaseStep.ACKNOWLEDGE, "", "A rep acknowledges the own case.")
        _refuse(act, finds, manager, case, CaseStep.CONFIRM, "yes", "A case is confirmed before anybody looked at it.")
        _step(act, manager, case, CaseStep.ACKNOWLEDGE)
        _step(act, rep, case, CaseStep.EXPLAIN, "the customer was late")
        _refuse(act, finds, manager, case, CaseStep.CONFIRM, "  ", "A case is decided without a reason.")
        _step(act, manager, case, CaseStep.CONFIRM, "seen")
        _step(act, rep, case, CaseStep.CONTEST, "no")
        _refuse(act, finds, manager, case, CaseStep.CONFIRM, "still", "Whoever judged a case decides on its contest.")
        _refuse(act, finds, manager, case, CaseStep.DISMISS, "fine", "Whoever judged a case decides on its contest.")
        done = _step(act, other, case, CaseStep.DISMISS, "the evidence is weak")
        finds.expect(done is not None and done.state is CaseState.DISMISSED, "A contested case cannot be dismissed.")
        own = act.stage.raise_finding(_finding(act, "m1", "b"), act.home)
        _refuse(act, finds, manager, own, CaseStep.DISMISS, "not me", "A manager decides about the own case.")
        for ident in ("fieldhr", "fieldhr.schedule"):
            fresh = act.stage.raise_finding(_finding(act, "r2", ident), act.home)
            machine = Principal(tenant=act.home, id=ident, role=Role.ADMIN)
            _step(act, manager, fresh, CaseStep.ACKNOWLEDGE)
            _refuse(act, finds, machine, fresh, CaseStep.CONFIRM, "rule", "The machine confirms a case.")
        history = [event.step for event in done.history] if done else []
        finds.expect(
            {"acknowledge", "explain", "confirm", "contest", "dismiss"} <= set(history), "A case's history lacks steps."
        )


def _finding(act: Act, rep: str, instance: str) -> Any:
    from fieldhr_core.model import Audience, Evidence, Finding, Severity

    return Finding(
        code="track.rehearsal",
        subject_kind="rep",
        subject=rep,
        rep=rep,
        instance=f"{act.mark}{instance}",
        opened_at=act.at("15:00"),
        severity=Severity.MEDIUM,
        confidence=1.0,
        rule="fieldhr.rehearsal",
        version="1",
        evidence=(Evidence(kind="rehearsal", ids=(rep,)),),
        explanation="rehearsal",
        audience=(Audience.REP, Audience.MANAGER),
    )


def _step(act: Act, principal: Principal, case: str, step: CaseStep, note: str = "") -> Any:
    with act.desk(principal, "supervision") as desk:
        return desk.alerts.step(case, step, note=note)


def _refuse(act: Act, finds: Finds, principal: Principal, case: str, step: CaseStep, note: str, otherwise: str) -> None:
    finds.count("tried")
    with act.undone():
        try:
            _step(act, principal, case, step, note)
        except FieldhrError:
            return
        finds.wrong.append(otherwise)


@check("cases.sanction")
def _sanction(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        admin = act.admin()
        before, figures = _all_else(act), _figures(act)
        case = act.stage.raise_finding(_finding(act, "r1", "s"), act.home)
        finds.expect(_figures(act) == figures, "Raising a case changes what is measured before anybody upheld it.")
        _step(act, admin, case, CaseStep.ACKNOWLEDGE)
        _step(act, principals(act.home)["rep"], case, CaseStep.EXPLAIN, "it was the customer's wish")
        _step(act, admin, case, CaseStep.CONFIRM, "seen")
        after = _all_else(act)
        changed = sorted(name for name in before if before[name] != after[name])
        finds.expect(not changed, f"Confirming a case changes {', '.join(changed)}.")
        finds.facts["tables"] = len(before)


#: What a case may change: itself, notices about it, keys, the trail; and metrics, which are compared by themselves.
_OF_CASES: Final = frozenset({"cases", "case_events", "outbox", "keys", "audit", "metrics", "meta", "version", "jobs"})


def _all_else(act: Act) -> Mapping[str, list[str]]:
    import sqlalchemy as sa

    found = {}
    for table in act.tables.metadata.sorted_tables:
        name = act.tables.plain_name(table)
        if name not in _OF_CASES and "tenant" in table.c:
            rows = act.connection.execute(sa.select(table).where(table.c.tenant == act.home))
            found[name] = sorted(repr(tuple(row)) for row in rows)
    return found


def _figures(act: Act) -> list[str]:
    from fieldhr_core.model import Period

    day = act.monday.astimezone(ZoneInfo("Asia/Shanghai")).date()
    with act.desk(act.admin(), "performance") as desk:
        table = desk.scores.measure(Period(day, day))
    return [
        repr(row) for row in table.rows() if row["subject"] in ("r1", "r2") and "case" not in str(row["metric"]).lower()
    ]
