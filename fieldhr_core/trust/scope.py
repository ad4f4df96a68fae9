"""Who may see and change which rows: one policy, as data.

The policy says for each *kind* of record and each role how far it reaches, and for each table how its rows belong to a
kind and to a person. Everything not named is denied. Two layers are compiled from it: the condition in every query
(here), and the guard in the database.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Principal, Role

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy import Table as SqlTable

__all__ = [
    "DOMAINS",
    "MASKED",
    "POLICY",
    "TABLES",
    "Action",
    "Reach",
    "TableRule",
    "Tables",
    "columns",
    "condition",
    "is_allowed",
    "reach",
]


class Action(enum.StrEnum):
    """What is done to records of a kind."""

    READ = "read"
    WRITE = "write"


class Reach(enum.StrEnum):
    """How far a role reaches within its tenant. Nothing ever reaches another tenant."""

    NONE = "none"
    """No row."""
    OWN = "own"
    """Rows of the principal's own person."""
    SUBTREE = "subtree"
    """Rows of the principal and of everybody below them."""
    DOMAIN = "domain"
    """Rows whose code belongs to the role's domain, see :data:`DOMAINS`."""
    TENANT = "tenant"
    """Every row of the tenant."""


_N, _O, _S, _D, _T = Reach.NONE, Reach.OWN, Reach.SUBTREE, Reach.DOMAIN, Reach.TENANT
_ROLES: Final = (Role.REP, Role.MANAGER, Role.COMPLIANCE, Role.HR_PAYROLL, Role.AUDITOR, Role.ADMIN, Role.INTEGRATOR)

#: kind -> reach of reading, then of writing, each in the order rep, manager, compliance, hr_payroll, auditor, admin,
#: integrator.
_MATRIX: Final[Mapping[str, tuple[tuple[Reach, ...], tuple[Reach, ...]]]] = {
    "tenants": ((_T, _T, _T, _T, _T, _T, _T), (_N, _N, _N, _N, _N, _T, _N)),
    "people": ((_O, _S, _T, _T, _T, _T, _T), (_N, _N, _N, _T, _N, _T, _T)),
    "absences": ((_O, _S, _N, _T, _T, _T, _T), (_O, _S, _N, _T, _N, _T, _T)),
    "bases": ((_O, _S, _N, _T, _T, _T, _T), (_O, _N, _N, _T, _N, _T, _T)),
    "places": ((_O, _S, _N, _N, _T, _T, _T), (_N, _N, _N, _N, _N, _T, _T)),
    "customers": ((_O, _S, _T, _N, _T, _T, _T), (_N, _N, _N, _N, _N, _T, _T)),
    "outings": ((_O, _S, _T, _N, _T, _T, _T), (_O, _S, _N, _N, _N, _T, _T)),
    "tracks": ((_O, _S, _N, _N, _N, _T, _N), (_O, _N, _N, _N, _N, _T, _T)),
    "visits": ((_O, _S, _T, _T, _T, _T, _T), (_N, _N, _N, _N, _N, _T, _N)),
    "checkins": ((_O, _S, _T, _N, _T, _T, _N), (_O, _N, _N, _N, _N, _T, _T)),
    "follow_ups": ((_O, _S, _T, _N, _T, _T, _N), (_O, _O, _N, _N, _N, _T, _T)),
    "messages": ((_O, _S, _T, _N, _T, _T, _N), (_O, _N, _T, _N, _N, _T, _T)),
    "deals": ((_O, _S, _T, _T, _T, _T, _T), (_N, _N, _N, _N, _N, _T, _T)),
    "cases": ((_O, _S, _D, _D, _T, _T, _N), (_O, _S, _D, _D, _N, _T, _N)),
    "metrics": ((_O, _S, _N, _T, _T, _T, _T), (_N, _N, _N, _T, _N, _T, _N)),
    "audit": ((_O, _O, _T, _O, _T, _T, _N), (_N, _N, _N, _N, _N, _N, _N)),
    "quarantine": ((_O, _S, _N, _N, _N, _T, _N), (_N, _N, _N, _N, _N, _T, _T)),
    "counters": ((_O, _S, _N, _T, _T, _T, _N), (_N, _N, _N, _N, _N, _T, _N)),
    "operations": ((_N, _N, _N, _N, _T, _T, _T), (_N, _N, _N, _N, _N, _T, _N)),
    "keys": ((_N, _N, _N, _N, _T, _T, _N), (_N, _N, _N, _N, _N, _N, _N)),
    "tokens": ((_N, _N, _N, _N, _T, _T, _N), (_N, _N, _N, _N, _N, _T, _N)),
    "answers": ((_N, _N, _N, _N, _N, _N, _N), (_N, _N, _N, _N, _N, _N, _N)),
}

#: (kind, action, role) -> reach. What is not in it reaches nothing.
POLICY: Final[Mapping[tuple[str, Action, Role], Reach]] = MappingProxyType(
    {
        (kind, action, role): far
        for kind, rows in _MATRIX.items()
        for action, row in zip(Action, rows, strict=True)
        for role, far in zip(_ROLES, row, strict=True)
    }
)

#: Role -> families of alert codes it deals with.
DOMAINS: Final[Mapping[Role, tuple[str, ...]]] = MappingProxyType(
    {
        # Compliance also decides what a rep contests, so it reaches whatever may be held against one.
        Role.COMPLIANCE: (
            "aml",
            "behaviour",
            "checkin",
            "conduct",
            "credit",
            "device",
            "privacy",
            "record",
            "risk",
            "score",
            "security",
            "track",
            "visit",
        ),
        Role.HR_PAYROLL: ("hiring", "labour", "pay", "privacy", "score", "wellbeing"),
    }
)


@attrs.frozen(kw_only=True)
class TableRule:
    """How the rows of a table belong to a kind and to a person.

    Attributes:
        kind: of :data:`POLICY`.
        person: column with the id of the person the row is about; ``None``: nobody, and OWN and SUBTREE see nothing.
        shared: whether a row whose *person* is null is everybody's.
        only: further columns and values a row must have to count as the person's.
        unless: column that is true where a row is kept from the person it is about, and from whoever leads them.
        parent: (table, column here, column there): the row belongs to whom its parent belongs to.
        code: column with an alert code, for DOMAIN.
    """

    kind: str
    person: str | None = None
    shared: bool = False
    only: tuple[tuple[str, str], ...] = ()
    unless: str | None = None
    parent: tuple[str, str, str] | None = None
    code: str | None = None


#: Table -> rule. A table that is not here cannot be reached at all.
TABLES: Final[Mapping[str, TableRule]] = MappingProxyType(
    {
        "tenants": TableRule(kind="tenants"),
        "keys": TableRule(kind="keys"),
        "people": TableRule(kind="people", person="id"),
        "absences": TableRule(kind="absences", person="rep"),
        "bases": TableRule(kind="bases", person="rep"),
        "places": TableRule(kind="places", person="subject", shared=True),
        "customers": TableRule(kind="customers", person="owner"),
        "addresses": TableRule(kind="customers", parent=("customers", "customer", "id")),
        "outings": TableRule(kind="outings", person="rep"),
        "rep_days": TableRule(kind="tracks", person="rep"),
        "track_parts": TableRule(kind="tracks", person="rep"),
        "visits": TableRule(kind="visits", person="rep"),
        "checkins": TableRule(kind="checkins", person="rep"),
        "follow_ups": TableRule(kind="follow_ups", person="rep"),
        "attachments": TableRule(kind="follow_ups", person="rep"),
        "messages": TableRule(kind="messages", person="rep"),
        "rulings": TableRule(kind="messages", parent=("messages", "submission", "id"), only=(("kind", "message"),)),
        "deals": TableRule(kind="deals", person="rep"),
        # A rep hands in neither what customers say of them nor anything else that they are judged by alone.
        "feedback": TableRule(kind="deals", person="rep"),
        "attendance": TableRule(kind="absences", person="rep"),
        "loans": TableRule(kind="deals", person="rep"),
        "contacts": TableRule(kind="follow_ups", person="rep"),
        "inspections": TableRule(kind="follow_ups", person="rep"),
        "cases": TableRule(kind="cases", person="rep", unless="confidential", code="code"),
        "case_events": TableRule(kind="cases", parent=("cases", "case", "id")),
        "metrics": TableRule(kind="metrics", person="subject"),
        # Who looked at somebody is theirs to know.
        "audit": TableRule(kind="audit", person="object", only=(("object_kind", "person"),)),
        "outbox": TableRule(kind="operations"),
        "quarantine": TableRule(kind="quarantine", person="rep"),
        "counters": TableRule(kind="counters", person="subject"),
        "tokens": TableRule(kind="tokens"),
        "answers": TableRule(kind="answers"),
        "jobs": TableRule(kind="operations"),
        "cursors": TableRule(kind="operations"),
    }
)

#: Role -> table -> columns it gets as NULL. Numbers of identity cards and accounts are for whoever talks with the
#: customer or checks them: reps and compliance. Leading reps, running the system, feeding it and proving what was done
#: need none of them.
MASKED: Final[Mapping[Role, Mapping[str, frozenset[str]]]] = MappingProxyType(
    {
        Role.MANAGER: {"customers": frozenset({"identity_sealed"})},
        Role.COMPLIANCE: {"people": frozenset({"traits"}), "checkins": frozenset({"body_sealed", "distance_m"})},
        Role.AUDITOR: {
            "people": frozenset({"name_sealed", "contact_sealed", "traits"}),
            "places": frozenset({"body_sealed", "subject"}),
            "customers": frozenset({"body_sealed", "identity_sealed"}),
            "addresses": frozenset({"body_sealed"}),
            "checkins": frozenset({"body_sealed", "distance_m"}),
            "follow_ups": frozenset({"text_sealed"}),
            "attachments": frozenset({"body_sealed"}),
            "messages": frozenset({"text_sealed"}),
            "rulings": frozenset({"grounds_sealed"}),
            "deals": frozenset({"amount_minor", "facts"}),
            "loans": frozenset({"amount_minor"}),
            "inspections": frozenset({"text_sealed"}),
            "cases": frozenset({"body_sealed"}),
            "case_events": frozenset({"body_sealed"}),
            "outbox": frozenset({"body_sealed"}),
            "keys": frozenset({"wrapped"}),
            "tokens": frozenset({"digest"}),
        },
        Role.ADMIN: {
            "customers": frozenset({"identity_sealed"}),
            "keys": frozenset({"wrapped"}),
            "tokens": frozenset({"digest"}),
        },
        Role.INTEGRATOR: {
            "people": frozenset({"name_sealed", "contact_sealed", "traits"}),
            "places": frozenset({"body_sealed", "subject"}),
            "customers": frozenset({"body_sealed", "identity_sealed"}),
            "addresses": frozenset({"body_sealed"}),
            "outbox": frozenset({"body_sealed"}),
        },
    }
)

#: An object with one SQLAlchemy table an attribute: the store's tables.
Tables = Any


def reach(role: Role, kind: str, action: Action | str = Action.READ) -> Reach:
    """Return how far a role reaches; what the policy does not name reaches nothing."""
    return POLICY.get((kind, Action(action), role), Reach.NONE)


def is_allowed(
    principal: Principal, kind: str, action: Action | str, persons: Iterable[str | None] = (), led: Collection[str] = ()
) -> bool:
    """Return whether a principal may do something to records of a kind that belong to *persons*.

    Args:
        persons: ids of the people the records are about; none for the question whether any at all.
        led: ids of everybody below the principal.
    """
    far = reach(principal.role, kind, action)
    if far in (Reach.NONE, Reach.TENANT, Reach.DOMAIN):
        return far is not Reach.NONE
    if principal.person is None:
        return False
    mine = {principal.person, *(led if far is Reach.SUBTREE else ())}
    return all(person in mine for person in persons)


def condition(
    tables: Tables, name: str, principal: Principal, *, action: Action | str = Action.READ, led: Any = ()
) -> ColumnElement[bool]:
    """Return the condition for the rows of a table that a principal reaches, to be put into every statement on it.

    Args:
        tables: the store's tables.
        name: of the table, as an attribute of *tables* (a key of :data:`TABLES`).
        led: everybody below the principal: ids, or a select of ids.

    Raises:
        AccessError: FHR-ACC-001 for a table the policy does not know.
    """
    _rule(name)
    return _condition(tables, name, getattr(tables, name), principal, Action(action), led)


def columns(tables: Tables, name: str, role: Role) -> list[Any]:
    """Return the columns of a table to select for a role: masked ones as NULL of the same name.

    Raises:
        AccessError: FHR-ACC-001 for a table the policy does not know.
    """
    import sqlalchemy as sa

    _rule(name)
    hidden = MASKED.get(role, {}).get(name, frozenset())
    table: SqlTable = getattr(tables, name)
    return [
        sa.cast(sa.null(), column.type).label(column.name) if column.name in hidden else column for column in table.c
    ]


def _condition(
    tables: Tables, name: str, table: Any, principal: Principal, action: Action, led: Any
) -> ColumnElement[bool]:
    import sqlalchemy as sa

    rule = _rule(name)
    far = reach(principal.role, rule.kind, action)
    mine: ColumnElement[bool] = (table.c.id if name == "tenants" else table.c.tenant) == principal.tenant
    only = [table.c[column] == value for column, value in rule.only]
    if far is Reach.TENANT:
        return mine
    if far is Reach.NONE:
        return sa.false()
    if rule.parent is not None:
        other, here, there = rule.parent
        # Under a name of its own, so that a statement that reads the parent, too, does not get in its way.
        parent = getattr(tables, other).alias()
        theirs = _condition(tables, other, parent, principal, action, led)
        belongs = sa.select(sa.true()).where(parent.c[there] == table.c[here], theirs).correlate(table).exists()
        return sa.and_(mine, *only, belongs)
    if far is Reach.DOMAIN:
        families = DOMAINS.get(principal.role, ()) if rule.code else ()
        codes = [table.c[rule.code].startswith(f"{family}.", autoescape=True) for family in families]
        return sa.and_(mine, sa.or_(sa.false(), *codes))
    if rule.person is None or principal.person is None:
        return sa.false()
    person = table.c[rule.person]
    whose = [person == principal.person]
    if far is Reach.SUBTREE:
        whose.append(person.in_(led))
    if rule.shared:
        whose.append(person.is_(None))
    open_to_them = [table.c[rule.unless].is_(sa.false())] if rule.unless else []
    return sa.and_(mine, *only, *open_to_them, sa.or_(*whose))


def _rule(name: str) -> TableRule:
    rule = TABLES.get(name)
    if rule is None:
        raise AccessError(f"No policy covers the table {name!r}.", code="FHR-ACC-001")
    return rule
