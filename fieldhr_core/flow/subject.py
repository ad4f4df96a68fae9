"""A person's own view: every stored fact about them, what scores rest on, and who looked at them, when and why.

Everything is read by the policy of tables and the list of sealed columns, so a new table cannot be left out. One thing
is: cases told neither to the rep nor to their manager (suspicion of a crime, say) are not shown, because the law may
forbid to warn the person; auditors see them.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import AccessError
from fieldhr_core.flow.people import FORGOTTEN_NAME
from fieldhr_core.flow.values import plain, rfc3339
from fieldhr_core.flow.view import opened_days
from fieldhr_core.model import Role, Table, instant
from fieldhr_core.store.sealed import SEALED, SealedColumn
from fieldhr_core.store.trackblock import decode
from fieldhr_core.trust.purposes import Purpose
from fieldhr_core.trust.scope import TABLES

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Glance", "Look", "Subject", "SubjectView"]

#: Tables with rows about a person that hold no fact about them of their own.
_TECHNICAL: Final = frozenset({"keys", "audit"})


@attrs.frozen(kw_only=True)
class Look:
    """That somebody looked at the person or changed something of theirs."""

    at: datetime
    actor: str
    role: str
    purpose: str
    action: str
    detail: str


@attrs.frozen(kw_only=True)
class SubjectView:
    """Everything held about one person.

    Attributes:
        tenant, person: whose.
        made: when, aware.
        facts: table -> rows as JSON values, sealed columns opened; ``metrics`` holds what scores rest on.
        looks: who looked, oldest first.
        simulated: whether the tenant is synthetic.
    """

    tenant: str
    person: str
    made: datetime
    facts: Mapping[str, Sequence[Mapping[str, Any]]]
    looks: tuple[Look, ...]
    simulated: bool

    def as_json(self) -> bytes:
        """Return it as one JSON object, UTF-8."""
        return json.dumps(plain(self), ensure_ascii=False, indent=1).encode()

    def as_zip(self) -> bytes:
        """Return it as a ZIP archive: one JSON file a table, and one with who looked."""
        archive = io.BytesIO()
        files = {**{f"{name}.json": rows for name, rows in self.facts.items()}, "who_looked.json": self.looks}
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            for name, content in files.items():
                # A fixed date: the same facts give the same archive.
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                out.writestr(entry, json.dumps(plain(content), ensure_ascii=False, indent=1).encode())
        return archive.getvalue()


@attrs.frozen(kw_only=True)
class Glance:
    """What is held about a person in numbers: rows a table, the bases on record, and who looked, oldest first."""

    held: Mapping[str, int]
    bases: tuple[Mapping[str, Any], ...]
    looks: tuple[Look, ...]


class Subject:
    """The desk's room for what is held about a person."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def view(self, person: str) -> SubjectView:
        """Return everything held about *person*; that it was shown is noted.

        Anybody may see their own; HR and the administrator may see a person's for the purpose ``subject_access``.

        Raises:
            AccessError: FHR-ACC-003 for anybody else, FHR-ACC-001 where there is no such person.
        """
        with self._acting.unit():  # so that a refusal is noted
            self._may(person)
        acting = attrs.evolve(self._acting, purpose=Purpose.SUBJECT_ACCESS)
        house = attrs.evolve(acting.as_house(), purpose=Purpose.SUBJECT_ACCESS)
        with house.unit() as unit, unit.housework():  # numbers of customers, too, which the runtime has no need to see
            if not _rows_of(unit, "people", person):
                raise acting.not_found("people", person)
            facts = {name: _facts(unit, name, person) for name in sorted(TABLES) if _is_personal(name)}
            looks = _looks(unit, person)
            simulated = house.facts(unit).simulated
        with acting.unit() as unit:
            # Noted under the name of whoever asked; the reading itself is the runtime's.
            unit.audit("read.subject", "person", person, rows=sum(map(len, facts.values())))
            made = instant(unit.at_ms)
        return SubjectView(
            tenant=acting.tenant, person=person, made=made, facts=facts, looks=looks, simulated=simulated
        )

    def glance(self, person: str) -> Glance:
        """Return how much is held about *person*, on what basis, and who looked, without opening anything sealed.

        For whom :meth:`view` is.

        Raises:
            AccessError: FHR-ACC-003 for anybody else, FHR-ACC-001 where there is no such person.
        """
        self._may(person)
        acting = attrs.evolve(self._acting, purpose=Purpose.SUBJECT_ACCESS)
        house = attrs.evolve(acting.as_house(), purpose=Purpose.SUBJECT_ACCESS)
        with house.unit() as unit, unit.housework():
            if not _rows_of(unit, "people", person):
                raise acting.not_found()
            held = {name: len(_rows_of(unit, name, person)) for name in sorted(TABLES) if _is_personal(name)}
            bases = tuple(_readable(dict(row._mapping)) for row in _rows_of(unit, "bases", person))
            looks = _looks(unit, person)
        return Glance(held={name: count for name, count in held.items() if count}, bases=bases, looks=looks)

    def _may(self, person: str) -> None:
        principal = self._acting.principal
        is_own = principal.person is not None and principal.person == person
        is_clerk = principal.role in (Role.HR_PAYROLL, Role.ADMIN) and self._acting.purpose == Purpose.SUBJECT_ACCESS
        if not is_own and not is_clerk:
            raise AccessError(
                "Only the person, or HR for the purpose subject_access, may see everything held about somebody.",
                code="FHR-ACC-003",
                role=principal.role.value,
            )


def _is_personal(name: str) -> bool:
    return name not in _TECHNICAL and (TABLES[name].person is not None or TABLES[name].parent is not None)


def _rows_of(unit: Unit, name: str, person: str) -> list[Any]:
    """Return the rows of a table about a person: by its own column, or by the row it belongs to."""
    import sqlalchemy as sa

    rule, tables = TABLES[name], unit.acting.tables
    table = getattr(tables, name)
    where = [table.c.tenant == unit.acting.tenant]
    if rule.parent is not None:
        other, here, there = rule.parent
        parent = getattr(tables, other)
        mine = sa.select(parent.c[there]).where(parent.c.tenant == unit.acting.tenant, *_about(other, parent, person))
        where += [table.c[here].in_(mine), *(table.c[column] == value for column, value in rule.only)]
    else:
        where += _about(name, table, person)
    return unit.all(sa.select(table).where(*where).order_by(*table.primary_key.columns))


def _about(name: str, table: Any, person: str) -> list[Any]:
    rule = TABLES[name]
    assert rule.person is not None
    about = [table.c[rule.person] == person, *(table.c[column] == value for column, value in rule.only)]
    return [*about, table.c.confidential.is_(False)] if "confidential" in table.c else about


def _facts(unit: Unit, name: str, person: str) -> list[dict[str, Any]]:
    rows = _rows_of(unit, name, person)
    found = [{key: value for key, value in row._mapping.items() if not key.endswith("_sealed")} for row in rows]
    for column in SEALED:
        if column.table == name:
            for fact, row in zip(found, rows, strict=True):
                fact[column.column.removesuffix("_sealed")] = _opened(unit, column, row)
    return [_readable(fact) for fact in found]


def _opened(unit: Unit, column: SealedColumn, row: Any) -> Any:
    sealed = getattr(row, column.column)
    if sealed is None:
        return None
    person = getattr(row, column.person) if column.person else None
    if person is not None and unit.is_forgotten(column.data_class, person):
        return FORGOTTEN_NAME
    if column.column == "resolved_sealed":
        stays, signals = opened_days(unit, [row])
        return {"stays": _listed(stays[0]), "signals": _listed(signals[0])}
    table = getattr(unit.acting.tables, column.table)
    ids = [column.row_id(row)]
    text = unit.open(table, column.column, column.data_class, ids, [sealed], person=person)[0]
    if column.table == "track_parts":
        return _listed(decode(text))
    try:
        return json.loads(text)
    except ValueError:
        return text.decode()


def _listed(table: Table) -> list[dict[str, Any]]:
    return [{name: None if value != value else value for name, value in row.items()} for row in table.rows()]


def _readable(fact: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with instants as text; what is no JSON value does not occur."""
    shown: dict[str, Any] = {}
    for name, value in fact.items():
        if name.endswith("_ms") and isinstance(value, int):
            shown[name.removesuffix("_ms")] = rfc3339(instant(value))
        elif name not in ("tenant", "row"):
            shown[name] = value
    return shown


def _looks(unit: Unit, person: str) -> tuple[Look, ...]:
    import sqlalchemy as sa

    table = unit.acting.tables.audit
    rows = unit.all(
        sa.select(table)
        .where(
            table.c.tenant == unit.acting.tenant,
            sa.or_(
                sa.and_(table.c.object_kind == "person", table.c.object == person),
                # Days of a rep are named rep/date.
                sa.and_(table.c.object_kind == "tracks", table.c.object.startswith(f"{person}/", autoescape=True)),
            ),
        )
        .order_by(table.c.seq)
    )
    return tuple(
        Look(
            at=instant(row.at_ms),
            actor=row.actor,
            role=row.role,
            purpose=row.purpose,
            action=row.action,
            detail=row.detail,
        )
        for row in rows
    )
