"""From a case to somebody's channel: a transactional outbox, at least once, each notice recognisable as itself.

A notice is written in the transaction that raises its case, so neither can exist without the other. Delivery claims
what is due, hands it to the channel's provider, and keeps what became of it; a notice whose process died is tried
again under the same id.

Routes are settings of the tenant::

    {"routes": [{"channel": "webhook", "to": "https://...", "audience": "manager", "min_severity": "medium"}]}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fieldhr_core.errors import PluginError
from fieldhr_core.flow.wording import Wording
from fieldhr_core.hooks.providers import Notice
from fieldhr_core.model import Case, Severity
from fieldhr_core.store.rows import canonical_json, insert_new

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["deliver_due", "enqueue"]

_ORDER = list(Severity)
_AT_ONCE = 100
#: Waits between tries; after the last one the notice is given up and shown by the doctor.
_WAITS_S = (30, 120, 600, 3_600, 21_600)


def enqueue(acting: Acting, unit: Unit, cases: Sequence[Case], *, why: str = "") -> int:
    """Write a notice for every case and route that fits. Return how many.

    Args:
        why: what happened to a case that recipients know already (``escalated``, ``woken`` ...); empty: it is new.
    """
    routes = acting.facts(unit).settings.get("routes", ())
    wording = Wording.of(acting.house.registry) if routes else None
    table = acting.tables.outbox
    rows: list[dict[str, Any]] = []
    for case in cases:
        for route in routes:
            if wording is None or not _fits(case, route):
                continue
            ident = hashlib.sha256(
                "/".join(
                    (
                        acting.tenant,
                        case.id,
                        route["channel"],
                        route["to"],
                        f"{case.finding.repeat}",
                        *_again(case, why),
                    )
                ).encode()
            ).hexdigest()[:32]
            recipient = hashlib.sha256(f"{acting.tenant}/{route['channel']}/{route['to']}".encode()).hexdigest()[:32]
            language = route.get("language", "en")
            title, body = wording.of_case(case, language)
            notice = {
                "case": case.id,
                "code": case.finding.code,
                "severity": case.finding.severity.value,
                "to": route["to"],
                "language": language,
                "title": title,
                "body": body,
                "simulated": case.simulated,
            }
            rows.append(
                {
                    "tenant": acting.tenant,
                    "id": ident,
                    "channel": route["channel"],
                    "recipient": recipient,
                    "code": case.finding.code,
                    "urgency": _ORDER.index(case.finding.severity),
                    "created_ms": unit.at_ms,
                    "due_ms": unit.at_ms,
                    "attempts": 0,
                    "state": "due",
                    "reason": "",
                    "body_sealed": unit.seal(table, "body_sealed", "message", [ident], [canonical_json(notice)])[0],
                }
            )
    insert_new(unit.connection, table, rows, ("tenant", "id"))
    return len(rows)


def deliver_due(acting: Acting) -> int:
    """Try every notice of the tenant that is due, once. Return how many were sent."""
    sent = 0
    while True:
        with acting.unit() as unit:
            claimed = _claim(acting, unit)
            if not claimed:
                return sent
            notices = _notices(unit, claimed)
        for channel in sorted({row.channel for row in claimed}):
            mine = [notice for row, notice in zip(claimed, notices, strict=True) if row.channel == channel]
            sent += _through(acting, channel, mine)


def _through(acting: Acting, channel: str, notices: Sequence[Notice]) -> int:
    with acting.unit() as unit:
        try:
            provider = acting.provider(unit, "alerters", channel, role="deliver")
            outcomes = acting.house.guard.call(provider, "deliver", list(notices))
            became = {outcome.notice: (outcome.status, outcome.reason) for outcome in outcomes}
        except PluginError as failure:
            became = {notice.id: ("retry", failure.message) for notice in notices}
    with acting.unit() as unit:
        _settle(acting, unit, became)
    return sum(status == "sent" for status, _ in became.values())


def _claim(acting: Acting, unit: Unit) -> list[Any]:
    import sqlalchemy as sa

    table = acting.tables.outbox
    statement = (
        sa.select(table)
        .where(table.c.tenant == acting.tenant, table.c.state == "due", table.c.due_ms <= unit.at_ms)
        .order_by(table.c.due_ms, table.c.id)
        .limit(_AT_ONCE)
    )
    if unit.connection.dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    rows = unit.all(statement)
    # Due again after a wait: if this process dies before it can say what became of it, another one tries.
    for row in rows:
        wait = _WAITS_S[min(row.attempts, len(_WAITS_S) - 1)]
        unit.connection.execute(
            sa.update(table)
            .where(table.c.tenant == acting.tenant, table.c.id == row.id)
            .values(
                attempts=row.attempts + 1,
                due_ms=unit.at_ms + wait * 1000,
                state="given_up" if row.attempts >= len(_WAITS_S) else "due",
            )
        )
    return rows


def _settle(acting: Acting, unit: Unit, became: Mapping[str, tuple[str, str]]) -> None:
    import sqlalchemy as sa

    table = acting.tables.outbox
    states = {"sent": "sent", "refused": "refused"}
    for ident, (status, reason) in became.items():
        values: dict[str, Any] = {"reason": reason}
        if status in states:
            values["state"] = states[status]
        unit.connection.execute(
            sa.update(table).where(table.c.tenant == acting.tenant, table.c.id == ident).values(**values)
        )


def _notices(unit: Unit, rows: Sequence[Any]) -> list[Notice]:
    bodies = unit.open(
        unit.acting.tables.outbox, "body_sealed", "message", [row.id for row in rows], [row.body_sealed for row in rows]
    )
    notices = []
    for row, raw in zip(rows, bodies, strict=True):
        body = json.loads(raw)
        facts = {"simulated": body.pop("simulated")}
        notices.append(Notice(id=row.id, facts=facts, **body))
    return notices


def _again(case: Case, why: str) -> tuple[str, ...]:
    # The same thing can happen to a case twice; how long its history was then tells the two apart.
    return (why, str(len(case.history))) if why else ()


def _fits(case: Case, route: Mapping[str, Any]) -> bool:
    severe = _ORDER.index(case.finding.severity) >= _ORDER.index(Severity(route.get("min_severity", "info")))
    audience = route.get("audience")
    return severe and (audience is None or audience in case.finding.audience)
