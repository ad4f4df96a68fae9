"""From the outbox to somebody's channel: at least once, each notice recognisable as itself.

Delivery gathers digests that are due, claims what is due - the most urgent first -, hands it to the channel's provider,
and keeps what became of it. A notice whose process died is tried again under the same id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import PluginError
from fieldhr_core.flow.notices import notice_row
from fieldhr_core.flow.outages import note_outages
from fieldhr_core.flow.pacing import pacing_of, rank
from fieldhr_core.flow.wording import Wording
from fieldhr_core.hooks.providers import Notice
from fieldhr_core.model import Severity
from fieldhr_core.store.rows import insert_new, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["deliver_due"]

#: Claimed in one go: what a killed process leaves unsaid, and so is sent once more, is no more than this.
_AT_ONCE: Final = 25
#: A claimed notice whose process died is due again after this.
_LEASE_MS: Final = 30_000
#: Waits between tries in vain; after the last one the notice is given up and shown by the doctor.
_WAITS_S: Final = (30, 120, 600, 3_600, 21_600)
_MINUTE_MS: Final = 60_000
#: Lines of a digest; the others are counted.
_LINES: Final = 40
_CRITICAL: Final = rank(Severity.CRITICAL)


def deliver_due(acting: Acting) -> int:
    """Try every notice of the tenant that is due, once. Return how many were sent."""
    sent = 0
    _gather(acting)
    while True:
        with acting.unit() as unit:
            claimed = _claim(acting, unit)
            if not claimed:
                return sent
            notices = _notices(unit, claimed)
        together = list(zip(claimed, notices, strict=True))
        for channel in dict.fromkeys(row.channel for row in claimed):
            mine = [notice for row, notice in together if row.channel == channel]
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
        note_outages(acting, unit, channel, became)
    return sum(status == "sent" for status, _ in became.values())


def _gather(acting: Acting) -> None:
    """Make one notice a recipient of what waits for a digest that is due; what it holds is marked with its id."""
    import sqlalchemy as sa

    table = acting.tables.outbox
    with acting.unit() as unit:
        rows = unit.all(
            sa.select(table)
            .where(table.c.tenant == acting.tenant, table.c.state == "digest", table.c.due_ms <= unit.at_ms)
            .order_by(table.c.recipient, table.c.urgency.desc(), table.c.created_ms, table.c.id)
        )
        if not rows:
            return
        wording = Wording.of(acting.house.registry)
        bodies = dict(zip((row.id for row in rows), _bodies(unit, rows), strict=True))
        groups: dict[str, list[Any]] = {}
        for row in rows:
            groups.setdefault(row.recipient, []).append(row)
        for mine in groups.values():
            ident = hashlib.sha256("/".join(sorted(row.id for row in mine)).encode()).hexdigest()[:32]
            notice = _digest(wording, [bodies[row.id] for row in mine])
            insert_new(
                unit.connection,
                table,
                [notice_row(acting, unit, ident, mine[0].channel, notice, unit.at_ms)],
                ("tenant", "id"),
            )
            for chunk in within(row.id for row in mine):
                unit.connection.execute(
                    sa.update(table)
                    .where(table.c.tenant == acting.tenant, table.c.id.in_(chunk))
                    .values(state="gathered", reason=ident)
                )


def _digest(wording: Wording, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = bodies[0]
    counts: dict[tuple[str, str], int] = {}
    for body in bodies:
        key = (body["code"], body["severity"])
        counts[key] = counts.get(key, 0) + 1
    codes = sorted({body["code"] for body in bodies})
    language = first["language"]
    lines = [f"{code} ({severity}): {count}" for (code, severity), count in sorted(counts.items())]
    lines += ["", *(f"{body['case']}  {body['body'].splitlines()[0]}" for body in bodies[:_LINES])]
    if len(bodies) > _LINES:
        lines.append(wording.text("digest.more", language, {"count": len(bodies) - _LINES}))
    mark = "[simulated] " if first["simulated"] else ""
    return {
        "case": "",
        "code": codes[0] if len(codes) == 1 else "digest",
        "severity": max((body["severity"] for body in bodies), key=rank),
        "to": first["to"],
        "language": language,
        "title": mark + wording.text("digest.title", language, {"count": len(bodies)}),
        "body": "\n".join(lines),
        "simulated": first["simulated"],
        "cases": [body["case"] for body in bodies],
    }


def _claim(acting: Acting, unit: Unit) -> list[Any]:
    import sqlalchemy as sa

    table = acting.tables.outbox
    pacing = pacing_of(acting.facts(unit).settings)
    statement = (
        sa.select(table)
        .where(table.c.tenant == acting.tenant, table.c.state == "due", table.c.due_ms <= unit.at_ms)
        .order_by((table.c.urgency == _CRITICAL).desc(), table.c.due_ms, table.c.urgency.desc(), table.c.id)
        .limit(_AT_ONCE)
    )
    if unit.connection.dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    rows = unit.all(statement)
    if not rows:
        return []
    room = {recipient: pacing.per_minute - sent for recipient, sent in _sent_lately(acting, unit, rows).items()}
    claimed, too_many = [], []
    for row in rows:
        left = room.get(row.recipient, pacing.per_minute)
        if left > 0 or row.urgency >= _CRITICAL:
            claimed.append(row)
            room[row.recipient] = left - 1
        else:
            too_many.append(row.id)
    if too_many:
        unit.connection.execute(
            sa.update(table)
            .where(table.c.tenant == acting.tenant, table.c.id.in_(too_many))
            .values(due_ms=unit.at_ms + _MINUTE_MS)
        )
    # Due again after a while: if this process dies before it can say what became of it, another one tries.
    unit.connection.execute(
        sa.update(table)
        .where(table.c.tenant == acting.tenant, table.c.id.in_([row.id for row in claimed]))
        .values(due_ms=unit.at_ms + _LEASE_MS)
    )
    return claimed if claimed or not too_many else _claim(acting, unit)


def _sent_lately(acting: Acting, unit: Unit, rows: Sequence[Any]) -> dict[str, int]:
    import sqlalchemy as sa

    table = acting.tables.outbox
    # Of what is sent, due_ms is when.
    found = unit.all(
        sa.select(table.c.recipient, sa.func.count().label("sent"))
        .where(
            table.c.tenant == acting.tenant,
            table.c.recipient.in_(sorted({row.recipient for row in rows})),
            table.c.state == "sent",
            table.c.due_ms > unit.at_ms - _MINUTE_MS,
        )
        .group_by(table.c.recipient)
    )
    return {row.recipient: row.sent for row in found}


def _settle(acting: Acting, unit: Unit, became: Mapping[str, tuple[str, str]]) -> None:
    import sqlalchemy as sa

    table = acting.tables.outbox
    tried = {
        row.id: row.attempts
        for row in unit.all(
            sa.select(table.c.id, table.c.attempts).where(table.c.tenant == acting.tenant, table.c.id.in_(list(became)))
        )
    }
    for ident, (status, reason) in became.items():
        attempts = tried.get(ident, 0)
        values: dict[str, Any] = {"reason": reason, "attempts": attempts + 1}
        if status in ("sent", "refused"):
            values |= {"state": status, "due_ms": unit.at_ms}
        elif attempts >= len(_WAITS_S):
            values["state"] = "given_up"
        else:
            values["due_ms"] = unit.at_ms + _WAITS_S[attempts] * 1000
        unit.connection.execute(
            sa.update(table).where(table.c.tenant == acting.tenant, table.c.id == ident).values(**values)
        )


def _notices(unit: Unit, rows: Sequence[Any]) -> list[Notice]:
    notices = []
    for row, body in zip(rows, _bodies(unit, rows), strict=True):
        facts = {"simulated": body.pop("simulated"), **({"cases": body.pop("cases")} if "cases" in body else {})}
        notices.append(Notice(id=row.id, facts=facts, **body))
    return notices


def _bodies(unit: Unit, rows: Sequence[Any]) -> list[dict[str, Any]]:
    opened = unit.open(
        unit.acting.tables.outbox, "body_sealed", "message", [row.id for row in rows], [row.body_sealed for row in rows]
    )
    return [json.loads(raw) for raw in opened]
