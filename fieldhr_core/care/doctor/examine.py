"""The examination: every question asked, in the order in which one answer makes the next possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fieldhr_core.care.doctor import database, plugins, records, surroundings, trust
from fieldhr_core.care.doctor.patient import Answer, Check, Fault, Patient
from fieldhr_core.errors import FieldhrError

__all__ = ["CHECKS", "examine"]

#: Every question, in the order in which they are asked.
CHECKS: Final = (
    *[check for check in surroundings.CHECKS if check.needs == "nothing"],
    *database.CHECKS,
    *[check for check in surroundings.CHECKS if check.needs != "nothing"],
    *trust.CHECKS,
    *plugins.CHECKS,
    *records.CHECKS,
)


def examine(patient: Patient, *, fix: bool = False) -> list[Answer]:
    """Ask everything; with *fix*, mend what can be mended without losing anything, and look again.

    A code appears once for each fault that is found, and once with ``ok`` or ``skipped`` otherwise.
    """
    return [answer for check in CHECKS for answer in _ask(patient, check, fix=fix)]


def _ask(patient: Patient, check: Check, *, fix: bool) -> Iterator[Answer]:
    if not _can_ask(patient, check.needs):
        yield Answer(code=check.code, status="skipped", cause=f"It needs {check.needs}.")
        return
    found = _faults(patient, check)
    left = found
    if fix and any(fault.repair for fault in found):
        for fault in found:
            _mend(fault)
        left = _faults(patient, check)
    open_causes = {fault.cause for fault in left}
    for fault in found:
        if fault.cause not in open_causes:
            yield Answer(code=check.code, status="fixed", cause=fault.cause, remedy=fault.remedy, fixed=True)
    for fault in left:
        yield Answer(code=check.code, status="fault", cause=fault.cause, remedy=fault.remedy)
    if not found and not left:
        yield Answer(code=check.code, status="ok")


def _faults(patient: Patient, check: Check) -> Sequence[Fault]:
    import sqlalchemy as sa

    try:
        return list(check.find(patient))
    except (FieldhrError, OSError, sa.exc.SQLAlchemyError) as failure:
        # A question that cannot be answered is an answer: something is wrong that has no name of its own yet.
        message = getattr(failure, "message", "") or failure.__class__.__name__
        return [Fault(cause=f"This could not be looked at: {message}", remedy="Mend what is named above it first.")]


def _mend(fault: Fault) -> None:
    import sqlalchemy as sa

    if fault.repair is None:
        return
    try:
        fault.repair()
    except (FieldhrError, OSError, sa.exc.SQLAlchemyError):
        return  # looking again says that it is still there


def _can_ask(patient: Patient, needs: str) -> bool:
    if needs == "nothing":
        return True
    if not patient.open():
        return False
    if needs == "database":
        return True
    if not patient.has_tables():
        return False
    if needs == "keys":
        return patient.premises() is not None
    if needs == "plugins":
        return patient.registry is not None
    return True
