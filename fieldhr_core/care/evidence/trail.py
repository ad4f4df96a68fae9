"""The audit trail: every call and refusal leaves its event, no event means no reading, and no tampering goes unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

import attrs

from fieldhr_core.care.evidence.proof import HOST, Finds, Scene, check, pairs
from fieldhr_core.care.evidence.stage import Act, principals, rehearsal
from fieldhr_core.errors import FieldhrError, TrustError
from fieldhr_core.model import Period, Principal, Role
from fieldhr_core.store.audit import chain_key, checkpoint_key, events_of, witness_beside
from fieldhr_core.trust.audit import Checkpoint, Witness, verify

__all__: list[str] = []

_HOUR_MS: Final = 3_600_000
#: Clocks of several machines may differ by this much.
_SKEW_MS: Final = 120_000


@check("audit.chain")
def _chain(scene: Scene, finds: Finds) -> None:
    assert scene.premises.stage is not None
    stage = scene.premises.stage(scene.premises.binding, scene.premises.now())
    for tenant in stage.hr.tenants.list():
        auditor = Principal(tenant=tenant, id="fieldhr.evidence", role=Role.AUDITOR)
        with stage.hr.acting_as(auditor, purpose="audit") as desk:
            chain = desk.trail.verify()
        finds.count("events", chain.events)
        if chain.broken is not None:
            finds.expect(False, f"The trail of {tenant} breaks at event {chain.broken.seq} ({chain.broken.reason}).")
    finds.facts["tenants"] = len(stage.hr.tenants.list())
    finds.expect(
        not finds.facts["tenants"] or finds.facts.get("events") or _is_new(scene), "There are rows and no trail."
    )


def _is_new(scene: Scene) -> bool:
    import sqlalchemy as sa

    with scene.premises.binding.transaction(write=False) as connection:
        people = connection.execute(sa.select(sa.func.count()).select_from(scene.premises.tables.people)).scalar()
    return not people


@check("audit.witness")
def _witness(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    tables = scene.premises.tables
    with scene.premises.binding.transaction(write=False) as connection:
        tenants = connection.execute(sa.select(tables.tenants)).mappings().all()
        metas = pairs(connection.execute(sa.select(tables.meta.c.key, tables.meta.c.value)))
        audit = tables.audit
        heads = {
            row[0]: (row[1], row[2])
            for row in connection.execute(
                sa.select(audit.c.tenant, sa.func.max(audit.c.seq), sa.func.max(audit.c.at_ms)).group_by(audit.c.tenant)
            )
        }
        named = {tenant["id"]: tenant["settings"].get("witness") for tenant in tenants}
        witnesses = {each: witness_beside(connection, str(place)) for each, place in named.items() if place}
    without = []
    for tenant in tenants:
        witness, made = witnesses.get(tenant["id"]), metas.get(checkpoint_key(tenant["id"]))
        if witness is None:
            without.append(tenant["id"])
            finds.expect(made is None, f"The trail of {tenant['id']} was witnessed and has no witness any more.")
            continue
        seq, at_ms = heads.get(tenant["id"], (0, tenant["created_ms"]))
        _held(finds, tenant["id"], witness, made, (seq or 0, at_ms or 0))
    finds.facts["without"] = len(without)
    if without:
        finds.leave(
            HOST, f"{len(without)} tenants name no witness: their administrator can rewrite the trail with its key."
        )


def _held(finds: Finds, tenant: str, witness: Witness, made: str | None, head: tuple[int, int]) -> None:
    try:
        kept = list(witness.checkpoints(tenant))
    except (OSError, TrustError) as failure:
        finds.expect(False, f"The witness of {tenant} cannot be read: {type(failure).__name__}.")
        return
    finds.count("checkpoints", len(kept))
    last = None if made is None else Checkpoint.from_record(json.loads(made))
    finds.expect(last is None or last in kept, f"The witness of {tenant} lacks the last checkpoint that was made.")
    finds.expect(kept or not head[0], f"The witness of {tenant} knows nothing.")
    newest = max(kept, key=lambda one: one.seq, default=None)
    if newest is not None:
        late = head[1] - newest.at_ms > _HOUR_MS or head[0] - newest.seq > 1_000
        finds.expect(not late, f"The witness of {tenant} is behind: it knows {newest.seq} of {head[0]} events.")
        finds.expect(newest.seq <= head[0], f"The witness of {tenant} knows later events than there are.")


@check("audit.events")
def _events(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        act.stage.raise_finding(_case(act), act.home)
        table = act.tables.audit
        for what, principal, purpose, call in _calls(act):
            before = act.count(table, table.c.tenant == act.home)
            with act.desk(principal, purpose) as desk:
                call(desk)
            rows = _since(act, before)
            finds.count("calls")
            finds.expect(rows, f"{what} leaves no event.")
            for row in rows:
                whole = row.actor and row.role and row.purpose and row.action and row.object_kind and row.at_ms
                finds.expect(whole, f"The event of {what} does not say who, as what, why or what.")
            if rows:
                finds.expect(any(row.actor == principal.id for row in rows), f"No event of {what} names who called.")
                finds.expect(any(row.purpose == purpose for row in rows), f"No event of {what} says why.")
        with act.desk(principals(act.home)["auditor"], "audit") as desk:
            finds.expect(desk.trail.verify().broken is None, "The trail does not hold after a day's work.")


def _calls(act: Act) -> Iterator[tuple[str, Principal, str, Callable[[Any], Any]]]:
    asked = principals(act.home)
    day = act.monday.date() + timedelta(days=1)
    rep, manager, admin, hr = asked["rep"], asked["manager"], act.admin(), asked["hr_payroll"]
    yield "reading customers", rep, "customer_care", lambda desk: desk.customers.list()
    yield "reading one customer", rep, "customer_care", lambda desk: desk.customers.get("c-r1")
    yield "a day's report", manager, "supervision", lambda desk: desk.reports.day("r1", day)
    yield "a list of alerts", manager, "supervision", lambda desk: desk.alerts.list()
    yield "one's own view", rep, "subject_access", lambda desk: desk.subject.view("r1")
    yield "measuring", hr, "performance", lambda desk: desk.scores.measure(Period(day, day))
    yield (
        "recording a basis",
        hr,
        "administration",
        lambda desk: desk.people.record_basis(
            "r1", purpose="recording", basis="consent", notice="v1", at=act.at("16:00")
        ),
    )
    yield (
        "withdrawing a basis",
        rep,
        "visits",
        lambda desk: desk.people.withdraw_basis("r1", purpose="recording", at=act.at("17:00")),
    )
    yield (
        "handing in positions",
        rep,
        "visits",
        lambda desk: desk.positions.record(act.track("r1", act.at("17:00"), 2), datum=_wgs84()),
    )
    yield "storing people", admin, "administration", lambda desk: desk.people.put([_person()])


def _person() -> Any:
    from fieldhr_core.model import Person

    return Person(id="extra", name="extra")


def _wgs84() -> Any:
    from fieldhr_core.model import Datum

    return Datum.WGS84


def _case(act: Act) -> Any:
    from fieldhr_core.model import Audience, Evidence, Finding, Severity

    return Finding(
        code="track.rehearsal",
        subject_kind="rep",
        subject="r1",
        rep="r1",
        instance=act.mark,
        opened_at=act.at("15:00"),
        severity=Severity.MEDIUM,
        confidence=1.0,
        rule="fieldhr.rehearsal",
        version="1",
        evidence=(Evidence(kind="rehearsal", ids=("r1",)),),
        explanation="rehearsal",
        audience=(Audience.REP, Audience.MANAGER),
    )


def _since(act: Act, count: int) -> list[Any]:
    import sqlalchemy as sa

    table = act.tables.audit
    rows = act.connection.execute(sa.select(table).where(table.c.tenant == act.home).order_by(table.c.seq)).all()
    return list(rows[count:])


@check("audit.refusals")
def _refusals(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        asked, table = principals(act.home), act.tables.audit
        day = act.monday.date() + timedelta(days=1)
        tried: list[tuple[Principal, str, Callable[[Any], Any]]] = [
            (asked["rep"], "customer_care", lambda desk: desk.customers.get("c-r3")),
            (asked["rep"], "visits", lambda desk: desk.reports.day("r3", day)),
            (asked["rep"], "visits", lambda desk: desk.trail.list()),
            (asked["rep"], "visits", lambda desk: desk.subject.view("r3")),
            (asked["admin"], "payroll", lambda desk: desk.reports.day("r1", day)),
            (asked["manager"], "supervision", lambda desk: desk.people.put([_person()])),
        ]
        for principal, purpose, call in tried:
            before = act.count(table, table.c.tenant == act.home)
            with act.desk(principal, purpose) as desk:
                try:
                    call(desk)
                except FieldhrError:
                    finds.count("refused")
                else:
                    finds.expect(False, "A call that must be refused was not.")
            rows = [row for row in _since(act, before) if row.action == "access.refused"]
            finds.expect(any(row.actor == principal.id for row in rows), "A refusal leaves no event.")


@check("audit.stops")
def _stops(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    with rehearsal(scene.premises) as act:
        act.furnish()
        house = act.stage.house
        gone = copy.copy(house.tables)
        columns = (sa.Column(column.name, column.type) for column in house.tables.audit.c)
        gone.audit = sa.Table(f"{house.tables.prefix}no_trail", sa.MetaData(schema=house.tables.schema), *columns)
        blind = type(act.hr)(attrs.evolve(house, tables=gone))
        day, rep = act.monday.date() + timedelta(days=1), principals(act.home)["rep"]
        calls: list[tuple[str, str, Callable[[Any], Any]]] = [
            ("a day's positions", "visits", lambda desk: desk.reports.day("r1", day).fixes),
            ("a customer's number", "customer_care", lambda desk: desk.customers.get("c-r1")),
            ("everything held", "subject_access", lambda desk: desk.subject.view("r1")),
        ]
        for what, purpose, call in calls:
            with act.undone(), blind.acting_as(rep, purpose=purpose) as desk:
                finds.expect(_fails(partial(call, desk)), f"Without a trail {what} can be read.")
            with act.desk(rep, purpose) as desk:
                finds.expect(not _fails(partial(call, desk)), f"With a trail {what} cannot be read.")
            finds.count("reads")
        table = act.tables.track_parts
        before = act.count(table, table.c.tenant == act.home)
        with blind.acting_as(act.admin(), purpose="integration") as desk:
            finds.expect(
                _fails(lambda: desk.positions.record(act.track("r1", act.at("16:30"), 5), datum=_wgs84())),
                "Without a trail positions are taken in.",
            )
        finds.expect(act.count(table, table.c.tenant == act.home) == before, "Without a trail positions are kept.")


def _fails(call: Callable[[], Any]) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        call()
    except (FieldhrError, SQLAlchemyError):
        return True
    return False


@check("audit.reads")
def _reads(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        asked, table = principals(act.home), act.tables.audit
        day = act.monday.date() + timedelta(days=1)
        expected: list[tuple[str, Principal, str, str, str, Callable[[Any], Any]]] = [
            (
                "positions",
                asked["manager"],
                "supervision",
                "read.whereabouts",
                "r1",
                lambda d: d.reports.day("r1", day),
            ),
            ("numbers", asked["rep"], "customer_care", "read.identity", "", lambda d: d.customers.get("c-r1")),
            ("everything held", asked["rep"], "subject_access", "read.subject", "r1", lambda d: d.subject.view("r1")),
        ]
        for what, principal, purpose, action, person, call in expected:
            before = act.count(table, table.c.tenant == act.home)
            with act.desk(principal, purpose) as desk:
                call(desk)
                receipts = getattr(desk, "receipts", ())
            rows = [row for row in _since(act, before) if row.action == action]
            finds.count("reads")
            named = any(row.object == person and row.purpose == purpose and row.actor == principal.id for row in rows)
            finds.expect(named, f"Reading {what} leaves no event that says who, whom and why.")
            macs = {(row.seq, bytes(row.mac)) for row in _since(act, before)}
            finds.expect(
                any((receipt.seq, receipt.mac) in macs for receipt in receipts), f"Reading {what} gives no receipt."
            )


@check("audit.tampering")
def _tampering(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    with rehearsal(scene.premises) as act:
        act.furnish()
        table = act.tables.audit
        mine = table.c.tenant == act.home
        last = act.count(table, mine)
        middle = max(2, last // 2)
        here = sa.and_(mine, table.c.seq == middle)
        changes: list[tuple[str, int, list[Any]]] = [
            (column, middle, [sa.update(table).where(here).values({column: value})])
            for column, value in (
                ("at_ms", 1), ("actor", "x"), ("role", "x"), ("purpose", "x"), ("action", "x"), ("object_kind", "x"),
                ("object", "x"), ("detail", "{}x"), ("mac", b"x" * 32),
            )
        ]  # fmt: skip
        changes += [
            ("deleted", middle, [sa.delete(table).where(here)]),
            ("renumbered", middle, [
                sa.delete(table).where(here),
                *(
                    sa.update(table).where(mine, table.c.seq == seq).values(seq=seq - 1)
                    for seq in range(middle + 1, last + 1)
                ),
            ]),
            ("swapped", middle, [
                sa.update(table).where(here).values(seq=-1),
                sa.update(table).where(mine, table.c.seq == middle + 1).values(seq=middle),
                sa.update(table).where(mine, table.c.seq == -1).values(seq=middle + 1),
            ]),
        ]  # fmt: skip
        auditor = principals(act.home)["auditor"]
        for what, place, statements in changes:
            with act.undone():
                if not _runs(act, statements):
                    finds.count("refused_by_the_database")
                    continue
                with act.desk(auditor, "audit") as desk:
                    broken = desk.trail.verify().broken
                finds.count("tried")
                finds.expect(broken is not None and broken.seq == place, f"A trail that was {what} is not found out.")
        with act.desk(auditor, "audit") as desk:
            finds.expect(desk.trail.verify().broken is None, "A trail nobody touched is accused.")
        key = chain_key(act.vault(), act.home)
        rows = list(events_of(act.connection, act.tables, act.home))
        for place in range(len(rows)):
            changed = [*rows[:place], (rows[place][0]._replace(actor="x"), rows[place][1]), *rows[place + 1 :]]
            found = verify(changed, key, act.home).broken
            finds.count("tried")
            finds.expect(found is not None and found.seq == place + 1, "A changed event is not found out.")


def _runs(act: Act, statements: list[Any]) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with act.connection.begin_nested():
            for statement in statements:
                act.connection.execute(statement)
    except SQLAlchemyError:
        return False
    return True


@check("audit.clock")
def _clock(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    table = scene.premises.tables.audit
    now_ms = scene.premises.now_ms()
    with scene.premises.binding.transaction(write=False) as connection:
        for tenant in scene.premises.tenants(connection):
            latest = 0
            rows = connection.execute(
                sa.select(table.c.at_ms).where(table.c.tenant == tenant).order_by(table.c.seq)
            ).scalars()
            for at_ms in rows:
                finds.expect(
                    at_ms >= latest - _SKEW_MS, f"Times in the trail of {tenant} go back: a clock was set back."
                )
                latest = max(latest, at_ms)
                finds.count("events")
            finds.expect(
                latest <= now_ms + _SKEW_MS, f"The trail of {tenant} is ahead of the clock: the clock was set back."
            )
