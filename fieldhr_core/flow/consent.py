"""Tells that a phone goes on sending although its rep withdrew the basis for tracking: once for each withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.model import Audience, Evidence, Finding, Severity, instant

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["tell_withdrawn"]


def tell_withdrawn(acting: Acting, unit: Unit, withdrawn: Mapping[str, int]) -> None:
    """Raise ``privacy.consent_withdrawn`` for reps whose fixes were refused for it; the same withdrawal is told once.

    Args:
        withdrawn: rep -> UTC milliseconds since which no basis is in force. Nothing about the fixes is told but that
            some came.
    """
    if withdrawn:
        with unit.housework():
            findings = [_finding(rep, since_ms) for rep, since_ms in sorted(withdrawn.items())]
            raise_findings(acting, unit, findings, origin="fieldhr.consent")


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
