"""Notices of cases, written into the outbox in the transaction that raises them, so neither exists without the other.

Routes are settings of the tenant::

    {"routes": [
        {"channel": "webhook", "to": "https://...", "audience": "manager", "min_severity": "medium"},
        {"channel": "email", "person": "owner", "by": "email", "min_severity": "medium"},
        {"channel": "file", "to": "all", "digest": true},
    ]}

A route goes to one recipient (``to``) or to a person: the ``owner`` of the case or its ``rep``, reached ``by`` a kind
of contact and written to in their language.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.flow.deadlines import ROLE_DESKS
from fieldhr_core.flow.outcomes import Lessons
from fieldhr_core.flow.pacing import Pacing, digest_at_ms, due_at_ms, pacing_of, rank
from fieldhr_core.flow.people import person_contact
from fieldhr_core.flow.wording import Wording
from fieldhr_core.model import Audience, Case
from fieldhr_core.store.rows import canonical_json, insert_new, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["drop_unsent", "enqueue", "notice_row", "recipient_of", "storming"]


@attrs.frozen
class _Recipient:
    to: str
    language: str
    zone: str


def enqueue(acting: Acting, unit: Unit, cases: Sequence[Case], *, why: str = "") -> int:
    """Write a notice for every case and recipient that fits. Return how many.

    Args:
        why: what happened to a case that recipients know already (``escalated``, ``woken`` ...); empty: it is new.
    """
    facts = acting.facts(unit)
    routes = facts.settings.get("routes", ())
    if not routes or not cases:
        return 0
    wording, pacing = Wording.of(acting.house.registry), pacing_of(facts.settings)
    storms, lessons = storming(acting, unit), Lessons.of(acting, unit)
    rows: list[dict[str, Any]] = []
    for case in cases:
        for route in routes:
            if not _fits(case, route):
                continue
            for recipient in _recipients(acting, unit, case, route, facts.pattern.zone):
                ident = _ident(acting, case, route["channel"], recipient.to, why)
                title, body = wording.of_case(case, recipient.language, why)
                notice = {
                    "case": case.id,
                    "code": case.finding.code,
                    "severity": case.finding.severity.value,
                    "to": recipient.to,
                    "language": recipient.language,
                    "title": title,
                    "body": body,
                    "simulated": case.simulated,
                }
                state, due_ms = _when(pacing, case, route, recipient, unit.at_ms, storms, lessons)
                rows.append(
                    {
                        **notice_row(acting, unit, ident, route["channel"], notice, due_ms),
                        "state": state,
                        "case": case.id,
                    }
                )
    insert_new(unit.connection, acting.tables.outbox, rows, ("tenant", "id"))
    return len(rows)


def drop_unsent(acting: Acting, unit: Unit, cases: Sequence[str]) -> set[str]:
    """Take back what was not sent yet of cases that are no more. Return those of which something was."""
    import sqlalchemy as sa

    table = acting.tables.outbox
    known: set[str] = set()
    for chunk in within(cases):
        mine = (table.c.tenant == acting.tenant, table.c.case.in_(chunk))
        unit.connection.execute(
            sa.update(table)
            .where(*mine, table.c.state.in_(["due", "digest"]), table.c.attempts == 0)
            .values(state="dropped", reason="the case was withdrawn")
        )
        gone = sa.select(table.c.case).where(*mine, table.c.state != "dropped").distinct()
        known |= {row.case for row in unit.all(gone)}
    return known


def notice_row(
    acting: Acting, unit: Unit, ident: str, channel: str, notice: Mapping[str, Any], due_ms: int
) -> dict[str, Any]:
    """Return a row of the outbox for a notice that is due at an instant."""
    table = acting.tables.outbox
    return {
        "tenant": acting.tenant,
        "id": ident,
        "channel": channel,
        "recipient": recipient_of(acting.tenant, channel, notice["to"]),
        "code": notice["code"],
        "case": None,
        "urgency": rank(notice["severity"]),
        "created_ms": unit.at_ms,
        "due_ms": due_ms,
        "attempts": 0,
        "state": "due",
        "reason": "",
        "body_sealed": unit.seal(table, "body_sealed", "message", [ident], [canonical_json(dict(notice))])[0],
    }


def recipient_of(tenant: str, channel: str, to: str) -> str:
    """Return a digest of channel and recipient, by which they can be counted without being opened."""
    return hashlib.sha256(f"{tenant}/{channel}/{to}".encode()).hexdigest()[:32]


def storming(acting: Acting, unit: Unit) -> dict[str, int]:
    """Return code -> the instant at which what its storm raised goes out, of storms that go on."""
    import sqlalchemy as sa

    table = acting.tables.jobs
    rows = unit.all(
        sa.select(table.c.job, table.c.done_ms).where(
            table.c.tenant == acting.tenant, table.c.job.startswith("storm "), table.c.done_ms > unit.at_ms
        )
    )
    return {row.job.removeprefix("storm "): row.done_ms for row in rows}


def _when(
    pacing: Pacing,
    case: Case,
    route: Mapping[str, Any],
    to: _Recipient,
    now_ms: int,
    storms: Mapping[str, int],
    lessons: Lessons,
) -> tuple[str, int]:
    """Return whether a notice goes out by itself or in a digest, and when."""
    severity = case.finding.severity.value
    if case.finding.code in storms:
        return "digest", storms[case.finding.code]
    waits = bool(pacing.digest_up_to) and rank(severity) <= rank(pacing.digest_up_to)
    # What people dismissed again and again is said more quietly; what is high or critical never is.
    minor = rank(severity) < rank("high")
    waits = waits or (minor and lessons.is_quiet(case.finding.code, case.finding.pattern))
    if (route.get("digest") or waits) and severity != "critical":
        return "digest", digest_at_ms(pacing, now_ms, to.zone)
    return "due", due_at_ms(pacing, severity, now_ms, to.zone)


def _recipients(acting: Acting, unit: Unit, case: Case, route: Mapping[str, Any], zone: str) -> Iterator[_Recipient]:
    import sqlalchemy as sa

    if "person" not in route:
        yield _Recipient(route["to"], route.get("language", "en"), zone)
        return
    if route["person"] == "rep":
        may_know = Audience.REP in case.finding.audience or case.told_at is not None
        person = case.finding.rep if may_know else None
    else:
        person = case.owner if case.owner not in ROLE_DESKS else None
    if person is None:
        return
    people = acting.tables.people
    with unit.housework():  # whoever raises a case need not see how its owner is reached
        row = unit.connection.execute(
            sa.select(people.c.language, people.c.pattern).where(
                people.c.tenant == acting.tenant, people.c.id == person
            )
        ).first()
        contact = person_contact(unit, person, housework=True)
    address = contact.get(route.get("by", "email"), "")
    if row is None or not address:
        return
    prefix = f"{route['to']}/" if route.get("to") else ""
    own_zone = row.pattern["zone"] if row.pattern else zone
    yield _Recipient(f"{prefix}{address}", route.get("language") or row.language, own_zone)


def _ident(acting: Acting, case: Case, channel: str, to: str, why: str) -> str:
    # The same thing can happen to a case twice; how long its history was then tells the two apart.
    again = (why, str(len(case.history))) if why else ()
    parts = (acting.tenant, case.id, channel, to, f"{case.finding.repeat}", *again)
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]


def _fits(case: Case, route: Mapping[str, Any]) -> bool:
    severe = rank(case.finding.severity) >= rank(route.get("min_severity", "info"))
    audience = route.get("audience")
    return severe and (audience is None or audience in case.finding.audience)
