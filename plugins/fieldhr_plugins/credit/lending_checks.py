"""The compliance checks on applications, loans and transfers: each ruled on with what came before it.

A submission's value is a JSON object (a mapping); its context holds the earlier ones, in any order. What of the context
cannot be read is left out; a value that cannot be read goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fieldhr_core.errors import FieldhrError, RecordError
from fieldhr_core.model import (
    Audience,
    Evidence,
    Finding,
    Ground,
    Outcome,
    Ruling,
    Schema,
    Severity,
    Submission,
    instant,
)
from fieldhr_plugins.credit.connected import Group, connected_groups
from fieldhr_plugins.credit.evergreening import Chain, evergreening
from fieldhr_plugins.credit.records import ACCOUNTS, APPLICATIONS, LINK_KINDS, LINKS, LOANS, TRANSFERS, table_of
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.transfers import Dealings, money_with_customers

__all__ = ["ApplicationCheck", "LoanCheck", "TransferCheck"]

CONNECTED: Final = "credit.connected_borrowers"
EVERGREENING: Final = "credit.evergreening"
MONEY: Final = "conduct.money_with_customer"
_VERSION: Final = "1"
_SOURCE: Final = "fieldhr.credit"


class ApplicationCheck:
    """Connected borrowers, at the application that makes them a group.

    Value: the columns of ``APPLICATIONS``, and ``links``: kind -> value or list of values. Context: earlier
    applications, and objects with ``borrower`` and ``links`` only, for customers who did not apply.
    """

    def __init__(self, settings: CreditSettings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at applications."""
        return ("application",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling an application."""
        return [self._rule(submission) for submission in submissions]

    def _rule(self, submission: Submission) -> Ruling:
        try:
            mine = _record(submission.value)
            applications = [mine, *_readable(APPLICATIONS, submission.context)]
            table = table_of(APPLICATIONS, _once(applications, "application"))
            known = [one for one in submission.context if isinstance(one, Mapping)]
            links = table_of(LINKS, [link for one in [mine, *known] for link in _links_of(one, strict=one is mine)])
        except FieldhrError as refused:
            return _unread(submission, "credit.applications", refused)
        findings = tuple(
            _connected(submission, group, self._settings)
            for group in connected_groups(table, links, self._settings)
            if mine["application"] in group.applications
        )
        return _answer(submission, "credit.applications", findings)


class LoanCheck:
    """Evergreening, at the settlement that makes it a habit.

    Value: the columns of ``LOANS``, sent again when a loan becomes overdue or is settled. Context: the other loans of
    the rep as they stand.
    """

    def __init__(self, settings: CreditSettings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at loans."""
        return ("loan",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a loan."""
        return [self._rule(submission) for submission in submissions]

    def _rule(self, submission: Submission) -> Ruling:
        try:
            mine = _record(submission.value)
            table = table_of(LOANS, _once([mine, *_readable(LOANS, submission.context)], "loan"))
        except FieldhrError as refused:
            return _unread(submission, "credit.loans", refused)
        findings = tuple(
            _habit(submission, chain, self._settings)
            for chain in evergreening(table, self._settings)
            if any(mine["loan"] in (one.old, one.new) for one in chain.renewals)
        )
        return _answer(submission, "credit.loans", findings)


class TransferCheck:
    """Money between a rep and customers, at the second customer; told to compliance only.

    Value: the columns of ``TRANSFERS``. Context: earlier transfers, and the columns of ``ACCOUNTS`` for every account
    that a rep declared or a customer or employer holds.
    """

    def __init__(self, settings: CreditSettings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at transfers."""
        return ("transfer",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a transfer."""
        return [self._rule(submission) for submission in submissions]

    def _rule(self, submission: Submission) -> Ruling:
        try:
            mine = _record(submission.value)
            transfers = table_of(TRANSFERS, _once([mine, *_readable(TRANSFERS, submission.context)], "transfer"))
            accounts = table_of(ACCOUNTS, _readable(ACCOUNTS, submission.context))
        except FieldhrError as refused:
            return _unread(submission, "credit.transfers", refused)
        findings = tuple(
            _money(submission, dealings, self._settings)
            for dealings in money_with_customers(transfers, accounts, self._settings)
            if any(one.transfer == mine["transfer"] for one in dealings.passages)
        )
        return _answer(submission, "credit.transfers", findings)


def _record(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise RecordError(f"A {type(value).__name__} is no JSON object.", code="FHR-REC-001")


def _readable(schema: Schema, context: Sequence[Any]) -> list[Mapping[str, Any]]:
    found = []
    for one in context:
        if isinstance(one, Mapping):
            try:
                table_of(schema, [one])
            except FieldhrError:
                continue
            found.append(one)
    return found


def _once(records: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    """Return the first record of each id: the submission itself stands before its context."""
    seen: dict[Any, Mapping[str, Any]] = {}
    for record in records:
        name = record.get(key)
        seen.setdefault(name if isinstance(name, str) else None, record)
    return list(seen.values())


def _links_of(record: Mapping[str, Any], *, strict: bool) -> list[dict[str, Any]]:
    """Return one record's links as rows of ``LINKS``; what cannot be read is refused, or left out if not *strict*."""
    given = record.get("links") or {}
    borrower = record.get("borrower")
    if not isinstance(given, Mapping) or not isinstance(borrower, str) or not borrower:
        if strict:
            raise RecordError("links must be an object of kinds and values.", code="FHR-REC-001", column="links")
        return []
    unknown = sorted(str(kind) for kind in given if kind not in LINK_KINDS)
    if unknown and strict:
        raise RecordError(
            f"links cannot hold {unknown[0][:40]!r}; there are {', '.join(LINK_KINDS)}.",
            code="FHR-REC-001",
            column="links",
        )
    rows = []
    for kind in LINK_KINDS:
        values = given.get(kind)
        for value in values if isinstance(values, list | tuple) else [values]:
            if isinstance(value, str) and value:
                rows.append({"borrower": borrower, "kind": kind, "value": value})
            elif value is not None and value != "" and strict:
                raise RecordError(f"links.{kind} must be text.", code="FHR-REC-001", column=f"links.{kind}")
    return rows


def _answer(submission: Submission, check: str, findings: tuple[Finding, ...]) -> Ruling:
    grounds = tuple(
        Ground(
            code=finding.code,
            verdict="review",
            severity=finding.severity.value,
            rule=finding.rule,
            source=_SOURCE,
            facts=dict(finding.evidence[0].facts),
        )
        for finding in findings
    )
    outcome = Outcome.REVIEW if findings else Outcome.CLEARED
    return Ruling(
        submission=submission.id, outcome=outcome, grounds=grounds, findings=findings, check=check, version=_VERSION
    )


def _unread(submission: Submission, check: str, refused: FieldhrError) -> Ruling:
    ground = Ground(
        code=f"{check}.unreadable",
        verdict="review",
        severity="medium",
        rule="readable record",
        source=_SOURCE,
        facts={"message": refused.message, "column": str(refused.where.get("column", ""))},
    )
    return Ruling(submission=submission.id, outcome=Outcome.REVIEW, grounds=(ground,), check=check, version=_VERSION)


def _connected(submission: Submission, group: Group, settings: CreditSettings) -> Finding:
    facts = {
        "borrowers": list(group.borrowers),
        "links": [link.as_json() for link in group.links],
        "applications": len(group.applications),
    }
    return Finding(
        code=CONNECTED,
        subject_kind="rep",
        subject=group.rep,
        rep=group.rep,
        instance=group.first,
        opened_at=_known(group.known_ms, submission),
        severity=Severity.HIGH,
        confidence=0.9,
        rule=CONNECTED,
        version=_VERSION,
        thresholds={
            "connected_days": settings.connected_days,
            "connected_applications": settings.connected_applications,
            "common_value": settings.common_value,
        },
        evidence=(
            Evidence(kind="application", ids=group.applications, facts=facts),
            Evidence(kind="borrower", ids=group.borrowers),
        ),
        explanation=CONNECTED,
        params={
            "borrowers": len(group.borrowers),
            "names": ", ".join(group.borrowers),
            "links": "; ".join(f"{link.kind} {link.shown}: {', '.join(link.borrowers)}" for link in group.links),
            "days": settings.connected_days,
        },
        advice="credit.advice.review_as_one_borrower",
        readings=("credit.reading.family_of_firms", "credit.reading.borrowed_names"),
        audience=(Audience.MANAGER, Audience.COMPLIANCE),
    )


def _habit(submission: Submission, chain: Chain, settings: CreditSettings) -> Finding:
    pairs = [
        {
            "overdue_loan": one.old,
            "new_loan": one.new,
            "borrower": one.borrower,
            "overdue_days": one.overdue_days,
            "hours_between": round((one.time_ms - one.paid_out_ms) / 3_600_000, 1),
        }
        for one in chain.renewals
    ]
    return Finding(
        code=EVERGREENING,
        subject_kind="rep",
        subject=chain.rep,
        rep=chain.rep,
        instance=chain.renewals[0].old,
        opened_at=_known(chain.known_ms, submission),
        severity=Severity.HIGH,
        confidence=0.85,
        rule=EVERGREENING,
        version=_VERSION,
        thresholds={
            "evergreening_days": settings.evergreening_days,
            "evergreening_times": settings.evergreening_times,
            "evergreening_window_days": settings.evergreening_window_days,
            "evergreening_cover": settings.evergreening_cover,
        },
        evidence=(
            Evidence(
                kind="loan",
                ids=tuple(name for one in chain.renewals for name in (one.old, one.new)),
                facts={"renewals": pairs},
            ),
        ),
        explanation=EVERGREENING,
        params={
            "times": len(pairs),
            "days": settings.evergreening_days,
            "pairs": ", ".join(f"{one.old} → {one.new}" for one in chain.renewals),
        },
        advice="credit.advice.show_overdue_as_overdue",
        audience=(Audience.MANAGER, Audience.COMPLIANCE),
    )


def _money(submission: Submission, dealings: Dealings, settings: CreditSettings) -> Finding:
    facts = {
        "transfers": [
            {
                "transfer": one.transfer,
                "customer": one.customer,
                "direction": "to_rep" if one.is_to_rep else "to_customer",
                "amount_minor": one.amount_minor,
            }
            for one in dealings.passages
        ]
    }
    return Finding(
        code=MONEY,
        subject_kind="rep",
        subject=dealings.rep,
        rep=dealings.rep,
        instance=dealings.passages[0].transfer,
        opened_at=_known(dealings.known_ms, submission),
        severity=Severity.CRITICAL,
        confidence=0.9,
        rule=MONEY,
        version=_VERSION,
        thresholds={
            "transfers_days": settings.transfers_days,
            "transfers_customers": settings.transfers_customers,
        },
        evidence=(Evidence(kind="transfer", ids=tuple(one.transfer for one in dealings.passages), facts=facts),),
        explanation=MONEY,
        params={
            "transfers": len(dealings.passages),
            "customers": len(dealings.customers),
            "days": settings.transfers_days,
        },
        advice="credit.advice.compliance_inquiry",
        audience=(Audience.COMPLIANCE,),
    )


def _known(time_ms: int, submission: Submission) -> datetime:
    """Return when it could be known: the record's own time, but never after it was handed in."""
    return min(instant(time_ms), submission.at)
