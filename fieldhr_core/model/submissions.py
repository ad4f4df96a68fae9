"""What is put before a compliance check, and its ruling."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from fieldhr_core.model.findings import Finding

__all__ = ["Ground", "Outcome", "Ruling", "Submission"]


class Outcome(enum.StrEnum):
    """A check clears, asks for a person, or advises to stop. What cannot be checked is never CLEARED."""

    CLEARED = "cleared"
    REVIEW = "review"
    STOP = "stop"


@attrs.frozen(kw_only=True)
class Submission:
    """One thing to be checked: a message, a customer, a sale, a statement, a payslip.

    Attributes:
        kind: ``message``, ``customer``, ``sale``, ``statement``, ``application``, ``loan``, ``transfer``, ``payslip``.
        value: the value itself (a :class:`~fieldhr_core.model.Message`, a :class:`~fieldhr_core.model.Customer` ...).
        context: earlier values it must be read with (the last messages of a thread), oldest first.
    """

    id: str
    kind: str
    value: Any
    at: datetime
    context: tuple[Any, ...] = ()


@attrs.frozen(kw_only=True)
class Ground:
    """One reason for a ruling: what was found, where, under which rule and from which source.

    ``facts`` holds JSON values only: offsets into the text, the normal form, list entry, score ...
    """

    code: str
    verdict: str
    severity: str
    rule: str
    source: str
    facts: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Ruling:
    """A check's answer to one submission, with every ground it saw, the dismissed ones too.

    ``findings`` are what should become alerts; a ruling that is CLEARED has none. ``carries`` are JSON values of the
    check's own that its findings were made with and that will change (the entry of a list): they are sealed with the
    cases, and given back as the only ``context`` when an alert is computed again.
    """

    submission: str
    outcome: Outcome
    grounds: tuple[Ground, ...] = ()
    findings: tuple[Finding, ...] = ()
    check: str = ""
    version: str = ""
    carries: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
