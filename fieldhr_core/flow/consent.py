"""Tells that a phone goes on sending although its rep withdrew the basis for tracking: once for each withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.model import Audience, Evidence, Finding, Severity, instant

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["CONSENT", "tell_withdrawn", "withdrawn_again"]

#: Who raises it, as cases remember it.
CONSENT: Final = "fieldhr.consent"


def tell_withdrawn(acting: Acting, unit: Unit, withdrawn: Mapping[str, int]) -> None:
    """Raise ``privacy.consent_withdrawn`` for reps whose fixes were refused for it; the same withdrawal is told once.

    Args:
        withdrawn: rep -> UTC milliseconds since which no basis is in force. Nothing about the fixes is told but that
            some came.
    """
    if withdrawn:
        with unit.housework():
            findings = [_finding(rep, since_ms) for rep, since_ms in sorted(withdrawn.items())]
            raise_findings(acting, unit, findings, origin=CONSENT)


def withdrawn_again(acting: Acting, unit: Unit, row: Any) -> list[Finding]:
    """Return what the ledger still says about the withdrawals of a case's rep."""
    import sqlalchemy as sa

    table = acting.tables.bases
    with unit.housework():
        ended = unit.all(
            sa.select(table.c.until_ms)
            .where(table.c.tenant == acting.tenant, table.c.rep == row.rep, table.c.until_ms.is_not(None))
            .distinct()
        )
    return [_finding(row.rep, each.until_ms) for each in ended]


def _finding(rep: str, since_ms: int) -> Finding:
    since = instant(since_ms)
    facts = {"since": since.isoformat()}
    return Finding(
        code="privacy.consent_withdrawn",
        subject_kind="rep",
        subject=rep,
        rep=rep,
        instance=since.isoformat(),
        opened_at=since,
        closed_at=since,
        severity=Severity.INFO,
        confidence=1.0,
        rule="fieldhr.consent",
        version="1",
        evidence=(Evidence(kind="basis", ids=(rep,), facts=facts),),
        explanation="privacy.consent_withdrawn",
        params=facts,
        audience=(Audience.HR, Audience.ADMIN),
    )
