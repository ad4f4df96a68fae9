"""Who sees what: both layers, each alone and together; masks; what refusals tell; the door for repairs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from fieldhr_core.care.evidence.proof import Finds, Scene, check
from fieldhr_core.care.evidence.stage import REPS, Act, principals, rehearsal
from fieldhr_core.errors import FieldhrError
from fieldhr_core.model import Principal, Role
from fieldhr_core.store.wall import Who
from fieldhr_core.trust.scope import TABLES

__all__: list[str] = []

#: Tables in which a rep must find the own rows and nobody else's, and a manager those of the people led.
_PERSONAL: Final = ("customers", "addresses", "outings", "visits", "checkins", "follow_ups", "messages", "rep_days")
_LED: Final = {"rep": {"r1"}, "manager": {"r1", "r2", "m1"}}
#: (role, table, column) that must never be seen: what a policy may not give away, whatever it says.
_HIDDEN: Final = (
    ("manager", "customers", "identity_sealed"),
    ("admin", "customers", "identity_sealed"),
    ("admin", "keys", "wrapped"),
    ("auditor", "messages", "text_sealed"),
    ("auditor", "customers", "body_sealed"),
    ("auditor", "customers", "identity_sealed"),
    ("auditor", "people", "name_sealed"),
    ("auditor", "people", "contact_sealed"),
    ("auditor", "places", "body_sealed"),
    ("auditor", "addresses", "body_sealed"),
    ("auditor", "checkins", "body_sealed"),
    ("auditor", "follow_ups", "text_sealed"),
    ("auditor", "rulings", "grounds_sealed"),
    ("auditor", "cases", "body_sealed"),
    ("auditor", "case_events", "body_sealed"),
    ("auditor", "keys", "wrapped"),
    ("integrator", "customers", "identity_sealed"),
    ("integrator", "people", "name_sealed"),
    ("integrator", "people", "contact_sealed"),
    ("integrator", "places", "body_sealed"),
    ("integrator", "addresses", "body_sealed"),
    ("compliance", "checkins", "body_sealed"),
)
#: (role, table) of which no row may be seen.
_CLOSED: Final = (
    ("rep", "keys"), ("rep", "outbox"), ("rep", "jobs"), ("manager", "keys"), ("manager", "outbox"),
    ("compliance", "track_parts"), ("compliance", "rep_days"), ("hr_payroll", "track_parts"),
    ("hr_payroll", "messages"), ("hr_payroll", "customers"), ("auditor", "track_parts"),
    ("integrator", "track_parts"), ("integrator", "cases"), ("integrator", "messages"),
)  # fmt: skip


@check("scope.database")
def _database(scene: Scene, finds: Finds) -> None:
    wall: Any = scene.premises.binding
    finds.expect(wall.is_up, "The database itself holds nothing back: the second layer of scope is down.")
    if not wall.is_up:
        return
    with rehearsal(scene.premises) as act:
        act.fill()
        strange = f"{act.mark}!"
        for role, principal in principals(act.home).items():
            for name in TABLES:
                _look(act, finds, role, principal, name)
                _meddle(act, finds, role, principal, name, strange)


def _look(act: Act, finds: Finds, role: str, principal: Principal, name: str) -> None:
    import sqlalchemy as sa

    table, rule = getattr(act.tables, name), TABLES[name]
    tenant = table.c.id if name == "tenants" else table.c.tenant
    whose = table.c[rule.person] if rule.person else None
    if rule.parent:
        whose = table.c[rule.parent[1]]
    columns = [tenant] if whose is None else [tenant, whose]
    rows = _answer(act, principal, sa.select(*columns))
    finds.count("reads")
    finds.expect(
        all(row[0] == act.home for row in rows), f"As {role}, rows of {name} of other tenants are seen in the database."
    )
    if (role, name) in _CLOSED:
        finds.expect(not rows, f"As {role}, rows of {name} are seen in the database.")
    if name in _PERSONAL and role in _LED:
        seen = {str(row[1]).rsplit("-", 1)[-1] for row in rows if row[0] == act.home}
        finds.expect(seen <= _LED[role], f"As {role}, rows of {name} of other people are seen in the database.")
        finds.expect("r1" in seen, f"As {role}, the own rows of {name} are not found.")
    if role == "admin" and name in _PERSONAL:
        seen = {str(row[1]).rsplit("-", 1)[-1] for row in rows}
        finds.expect(seen >= set(REPS), f"As admin, rows of {name} of the own tenant are not found.")


def _meddle(act: Act, finds: Finds, role: str, principal: Principal, name: str, strange: str) -> None:
    """Change, delete and insert rows of the other tenant, and of other people as a rep."""
    import sqlalchemy as sa

    table, rule = getattr(act.tables, name), TABLES[name]
    tenant = table.c.id if name == "tenants" else table.c.tenant
    text = next(
        (c for c in table.c if isinstance(c.type, (sa.String, sa.Text)) and not c.primary_key and c.name != "tenant"),
        None,
    )
    theirs = [tenant == act.other]
    if name in _PERSONAL and role == "rep" and rule.person:
        theirs = [sa.or_(tenant == act.other, sa.and_(tenant == act.home, table.c[rule.person] != "r1"))]
    before = act.count(table, *theirs)
    with act.undone():
        if text is not None:
            _answer(act, principal, sa.update(table).where(*theirs).values({text.name: strange[: text.type.length]}))
            changed = act.count(table, *theirs, text == strange[: text.type.length])
            finds.expect(not changed, f"As {role}, rows of {name} of others are changed by a bare statement.")
        _answer(act, principal, sa.delete(table).where(*theirs))
        finds.expect(
            act.count(table, *theirs) >= before, f"As {role}, rows of {name} of others are deleted by a bare statement."
        )
        if name != "tenants":
            row = {**act.row(name, act.other, "r9", 7), **({"id": "r9"} if name == "people" else {})}
            _answer(act, principal, sa.insert(table).values(row))
            finds.expect(act.count(table, *theirs) <= before, f"As {role}, a row of {name} is put into another tenant.")
        if name == "audit":
            everything = act.count(table)
            _answer(act, principal, sa.delete(table))
            _answer(act, principal, sa.update(table).values(actor=strange))
            kept = act.count(table) == everything and not act.count(table, table.c.actor == strange)
            finds.expect(kept, f"As {role}, the audit trail is changed by a bare statement.")
    finds.count("writes", 3)


@check("scope.masks")
def _masks(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    wall: Any = scene.premises.binding
    with rehearsal(scene.premises) as act:
        act.fill()
        asked = principals(act.home)
        for role, name, column in _HIDDEN:
            table = getattr(act.tables, name)
            if wall.is_up:
                rows = _answer(act, asked[role], sa.select(table.c[column]))
                finds.expect(
                    all(row[0] is None for row in rows), f"As {role}, {name}.{column} is seen in the database."
                )
            finds.count("columns")
        table = act.tables.customers
        if wall.is_up:
            mine = _answer(act, asked["rep"], sa.select(table.c.identity_sealed))
            finds.expect(any(row[0] is not None for row in mine), "As rep, the own customers' numbers are not found.")
    with rehearsal(scene.premises) as act:
        act.furnish()
        _masked_desks(act, finds)


def _masked_desks(act: Act, finds: Finds) -> None:
    asked = principals(act.home)
    number = act.word(act.home, "r1", "account")
    with act.desk(asked["rep"], "customer_care") as desk:
        finds.expect(number in _shown(desk.customers.get("c-r1")), "A rep does not see the own customer's number.")
    for role in ("manager", "admin", "auditor", "integrator"):
        for purpose in ("customer_care", "compliance"):
            with act.desk(asked[role], purpose) as desk:
                found = _shown(_tried(desk.customers.list))
            finds.expect(number not in found, f"As {role}, a desk shows the number of a customer's account.")
    for role, words in (("auditor", ("name", "customer", "note", "message")), ("integrator", ("name", "customer"))):
        with act.desk(asked[role], "supervision") as desk:
            found = _shown(_everything(desk))
        for word in words:
            finds.expect(act.word(act.home, "r1", word) not in found, f"As {role}, a desk shows a masked {word}.")


@check("scope.queries")
def _queries(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises, walled=False) as act:
        act.furnish()
        _desks(act, finds)


@check("scope.desks")
def _both(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        _desks(act, finds)


def _desks(act: Act, finds: Finds) -> None:
    case = act.stage.raise_finding(_finding(act, "r3"), act.home)
    foreign = act.stage.raise_finding(_finding(act, "r3", name="other"), act.other)
    for role, principal in principals(act.home).items():
        for purpose in ("supervision", "customer_care", "compliance"):
            with act.desk(principal, purpose) as desk:
                found = _shown(_everything(desk, cases=(case, foreign)))
            finds.count("desks")
            finds.expect(f"canary-{act.mark}-other" not in found, f"As {role}, a desk shows another tenant's data.")
            if role == "rep":
                others = any(act.word(act.home, rep, "")[:-1] in found for rep in ("r2", "r3"))
                finds.expect(not others, "As rep, a desk shows a colleague's data.")
            if role == "manager":
                finds.expect(
                    act.word(act.home, "r3", "")[:-1] not in found, "As manager, a desk shows people of another team."
                )
    for role, mine in (("rep", "r1"), ("manager", "r2"), ("admin", "r3")):
        with act.desk(principals(act.home)[role], "supervision") as desk:
            found = _shown(_everything(desk))
        finds.expect(act.word(act.home, mine, "customer") in found, f"As {role}, a desk does not show what is theirs.")


def _finding(act: Act, rep: str, name: str = "home") -> Any:
    from fieldhr_core.model import Audience, Evidence, Finding, Severity

    said = act.word(act.home if name == "home" else act.other, rep, "case")
    return Finding(
        code="track.rehearsal",
        subject_kind="rep",
        subject=rep,
        rep=rep,
        instance=f"{act.mark}-{rep}",
        opened_at=act.at("15:00"),
        severity=Severity.MEDIUM,
        confidence=1.0,
        rule="fieldhr.rehearsal",
        version="1",
        evidence=(Evidence(kind="rehearsal", ids=(rep,)),),
        explanation=said,
        params={"said": said},
        audience=(Audience.REP, Audience.MANAGER),
    )


def _everything(desk: Any, cases: tuple[str, ...] = ()) -> list[Any]:
    """Return whatever a desk gives of what it may or may not give."""
    methods = [getattr(room, name, None) for room in vars(desk).values() for name in ("list", "holds")]
    found = [_tried(method) for method in methods if callable(method)]
    for rep in REPS:
        found += [_tried(partial(desk.customers.get, f"c-{rep}")), _tried(partial(desk.subject.view, rep))]
    return [*found, *(_tried(partial(desk.alerts.get, case)) for case in cases)]


def _shown(value: Any) -> str:
    """Return everything in a value as text, fields that are hidden from ``repr`` too."""
    import attrs

    if attrs.has(type(value)):
        return repr(attrs.asdict(value))
    if isinstance(value, (list, tuple)):
        return " ".join(map(_shown, value))
    return repr(value)


def _tried(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except FieldhrError:
        return None


@check("scope.refusals")
def _refusals(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        with act.desk(act.admin(act.other)) as desk:
            from fieldhr_core.model import Customer

            desk.customers.put([Customer(id="only-there", name=act.word(act.other, "r1", "only"))])
        case = act.stage.raise_finding(_finding(act, "r3"), act.home)
        away = act.stage.raise_finding(_finding(act, "r1", name="other"), act.other)
        day = act.monday.date() + timedelta(days=1)
        with act.desk(principals(act.home)["rep"], "customer_care") as desk:
            customers = {_said(partial(desk.customers.get, id_)) for id_ in ("c-r3", "only-there", "nobody")}
            alerts = {_said(partial(desk.alerts.get, id_)) for id_ in (case, away, "nobody")}
            days = {_said(partial(desk.reports.day, rep, day)) for rep in ("r3", "nobody")}
        for what, said in (("customers", customers), ("alerts", alerts), ("days", days)):
            finds.expect(len(said) == 1, f"Refusals of {what} tell whether an id exists.")
            finds.expect("" not in said, f"An id of somebody else's {what} was answered.")
        finds.facts["ids"] = 8


def _said(call: Callable[[], Any]) -> str:
    try:
        call()
    except FieldhrError as refused:
        return f"{refused.code} {refused.message} {refused.hint}"
    return ""


@check("scope.door")
def _door(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    with rehearsal(scene.premises) as act:
        with contextlib.suppress(FieldhrError), act.hr.unsafe_as_system(reason=" "):
            finds.wrong.append("The door for repairs opens without a reason.")
        audit = act.tables.audit
        with act.hr.unsafe_as_system(reason="rehearsal"):
            for tenant in act.hr.tenants.list():
                noted = act.count(
                    audit,
                    audit.c.tenant == tenant,
                    audit.c.action == "system.unsafe",
                    sa.func.coalesce(audit.c.detail, "").contains("rehearsal"),
                )
                finds.expect(noted, "The door for repairs opens without an event in every tenant's trail.")
                finds.count("tenants")


@check("scope.roles")
def _roles(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        for role, principal in principals(act.home).items():
            for what, call in _forbidden(act, role):
                with act.desk(principal, "supervision") as desk, act.undone():
                    try:
                        call(desk)
                    except FieldhrError:
                        finds.count("refused")
                    else:
                        finds.wrong.append(f"As {role}: {what} is not refused.")
        with act.desk(principals(act.home)["rep"], "visits") as desk:
            finds.expect(desk.positions.record(act.track("r1", act.at("16:00"), 2), datum=_wgs84()).stored == 2,
                         "A rep's own positions are refused.")  # fmt: skip


def _forbidden(act: Act, role: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    from fieldhr_core.model import Absence, AbsenceKind, Customer, Person

    absence = Absence(id="z", rep="r3", kind=next(iter(AbsenceKind)), start=act.at("09:00", 1), end=act.at("18:00", 1))
    if role not in ("hr_payroll", "admin", "integrator"):
        yield "storing people", lambda desk: desk.people.put([Person(id="new", name="n")])
        yield "recording an absence of somebody else's", lambda desk: desk.people.put_absences([absence])
    if role not in ("admin", "integrator"):
        yield "storing customers", lambda desk: desk.customers.put([Customer(id="new", name="n")])
        yield (
            "handing in somebody else's positions",
            lambda desk: desk.positions.record(act.track("r3", act.at("16:00"), 2), datum=_wgs84()),
        )
    if role in ("rep", "manager", "hr_payroll", "integrator"):
        yield "reading the whole trail", lambda desk: desk.trail.list()
    if role not in ("compliance", "admin"):
        yield "a legal hold", lambda desk: desk.retention.hold("nothing", until=act.monday.date(), reason="x")
    if role not in ("hr_payroll", "admin", "compliance"):
        yield "seeing all that is held about somebody else", lambda desk: desk.subject.view("r3")


def _wgs84() -> Any:
    from fieldhr_core.model import Datum

    return Datum.WGS84


def _answer(act: Act, principal: Principal, statement: Any) -> list[tuple[Any, ...]]:
    """Run a statement behind the wall as a principal; what is refused gives no rows."""
    from sqlalchemy.exc import SQLAlchemyError

    who = Who(principal.tenant, Role(principal.role).value, principal.person)
    with contextlib.suppress(SQLAlchemyError, FieldhrError), act.wall.entered(act.connection, who), _kept(act):
        result = act.connection.execute(statement)
        return [tuple(row) for row in result] if result.returns_rows else []
    return []


@contextlib.contextmanager
def _kept(act: Act) -> Iterator[None]:
    with act.connection.begin_nested():
        yield
