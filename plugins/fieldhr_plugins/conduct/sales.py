"""The compliance check ``conduct.sales``: is this product for this customer, is it ours, was the sale recorded?

A submission's value is a JSON object: ``sale``, ``rep``, ``customer``, ``product``; and, where the host knows them,
``product_risk`` (``"R1"`` to ``"R5"``), ``customer_risk`` (``"C1"`` to ``"C5"``), ``customer_age`` (years), ``waiver``
(a signed one that the law allows), ``time`` (RFC 3339), ``requires_recording`` and ``recorded_at`` (RFC 3339).
A sale that needs a recording is handed in again when its time is up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Audience, Evidence, Finding, Ground, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.conduct.settings import ConductSettings

__all__ = ["SaleCheck"]

_NAME: Final = "conduct.sales"
_VERSION: Final = "1"
MISMATCH: Final = "conduct.suitability_mismatch"
OFF_BOOK: Final = "conduct.off_book_sale"
UNRECORDED: Final = "conduct.missing_recording"
_SOURCES: Final = {
    MISMATCH: "证券期货投资者适当性管理办法 (from memory)",
    OFF_BOOK: "the tenant's list of approved products",
    UNRECORDED: "保险销售行为可回溯管理暂行办法 (from memory)",
}


class SaleCheck:
    """Rules on sales before they are confirmed."""

    def __init__(self, settings: ConductSettings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at sales."""
        return ("sale",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a sale: stop where it must not be made, review where a person must look, else cleared."""
        return [self._rule(submission) for submission in submissions]

    def _rule(self, submission: Submission) -> Ruling:
        try:
            sale = _sale(submission.value)
            found = [*self._unsuitable(submission, sale), *self._off_book(submission, sale)]
            found += self._unrecorded(submission, sale)
        except RecordError as refused:
            return _ruling(submission, Outcome.REVIEW, (_unreadable(refused),), ())
        asked = self._to_be_acknowledged(sale)
        if any(finding.severity is Severity.CRITICAL for finding in found):
            outcome = Outcome.STOP
        else:
            outcome = Outcome.REVIEW if found or asked else Outcome.CLEARED
        return _ruling(submission, outcome, (*map(_ground, found), *asked), tuple(found))

    def _above(self, sale: Mapping[str, Any]) -> tuple[int, int, int] | None:
        """Return product level, customer level and by how much too high the product is; ``None`` where it is not."""
        product, customer = _level(sale, "product_risk", "R"), _level(sale, "customer_risk", "C")
        if product is None or customer is None:
            return None
        above = product - customer - self._settings.suitable_margin
        return None if above <= 0 else (product, customer, above)

    def _may_insist(self, customer: int, above: int) -> bool:
        # A tenant that sets a margin of its own has said already how far it goes.
        return above == 1 and customer > 1 and self._settings.suitable_margin == 0

    def _to_be_acknowledged(self, sale: Mapping[str, Any]) -> tuple[Ground, ...]:
        """Return a ground where the customer may insist, after a warning in writing: one level, and not the lowest."""
        found = self._above(sale)
        if found is None or not self._may_insist(*found[1:]) or sale.get("waiver") is True:
            return ()
        facts = {"product_risk": f"R{found[0]}", "customer_risk": f"C{found[1]}"}
        return (
            Ground(
                code=f"{_NAME}.acknowledgement",
                verdict="review",
                severity="low",
                rule="a warning in writing before a product one level above the customer's",
                source=_SOURCES[MISMATCH],
                facts=facts,
            ),
        )

    def _unsuitable(self, submission: Submission, sale: Mapping[str, Any]) -> list[Finding]:
        found = self._above(sale)
        waived = sale.get("waiver") is True
        if found is None or (self._may_insist(*found[1:]) and not waived):
            return []
        product, customer, _ = found
        facts = {
            "product": str(sale["product"]),
            "product_risk": f"R{product}",
            "customer_risk": f"C{customer}",
            "customer_age": sale.get("customer_age"),
            "waiver": waived,
        }
        return [
            _finding(
                submission,
                sale,
                MISMATCH,
                Severity.LOW if waived else Severity.CRITICAL,
                facts,
                {"suitable_margin": self._settings.suitable_margin},
                told=(Audience.COMPLIANCE,) if waived else (Audience.COMPLIANCE, Audience.MANAGER),
            )
        ]

    def _off_book(self, submission: Submission, sale: Mapping[str, Any]) -> list[Finding]:
        approved = self._settings.approved_products
        if not approved or sale["product"] in approved:
            return []
        facts = {"product": str(sale["product"])}
        return [_finding(submission, sale, OFF_BOOK, Severity.CRITICAL, facts, {}, told=(Audience.COMPLIANCE,))]

    def _unrecorded(self, submission: Submission, sale: Mapping[str, Any]) -> list[Finding]:
        if sale.get("requires_recording") is not True or sale.get("recorded_at") is not None:
            return []
        due = _time(sale, "time") + timedelta(hours=self._settings.recording_within_h)
        if submission.at <= due:
            return []
        facts = {"product": str(sale["product"]), "hours": self._settings.recording_within_h}
        thresholds = {"recording_within_h": self._settings.recording_within_h}
        told = (Audience.COMPLIANCE, Audience.MANAGER)
        return [_finding(submission, sale, UNRECORDED, Severity.HIGH, facts, thresholds, told=told)]


def _sale(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RecordError(f"A {type(value).__name__} is no JSON object.", code="FHR-REC-001")
    for name in ("sale", "rep", "customer", "product"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise RecordError(f"A sale needs {name!r} as text.", code="FHR-REC-001", column=name)
    return value


def _level(sale: Mapping[str, Any], name: str, letter: str) -> int | None:
    """Return a level of 1 to 5; ``None`` where the host does not say.

    Raises:
        RecordError: FHR-REC-001 where it says something else: what cannot be read clears nothing.
    """
    value = sale.get(name)
    if value is None:
        return None
    if isinstance(value, str) and len(value) == 2 and value[0].upper() == letter and value[1] in "12345":
        return int(value[1])
    raise RecordError(f"{name} must be {letter}1 to {letter}5.", code="FHR-REC-001", column=name)


def _time(sale: Mapping[str, Any], name: str) -> datetime:
    value = sale.get(name)
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise RecordError(f"{name} must be an RFC 3339 time with its zone.", code="FHR-REC-001", column=name)
    return time


def _finding(
    submission: Submission,
    sale: Mapping[str, Any],
    code: str,
    severity: Severity,
    facts: dict[str, Any],
    thresholds: dict[str, Any],
    *,
    told: tuple[Audience, ...],
) -> Finding:
    off_book = code == OFF_BOOK
    return Finding(
        code=code,
        subject_kind="rep" if off_book else "sale",
        subject=sale["rep"] if off_book else sale["sale"],
        rep=sale["rep"],
        instance=sale["sale"],
        opened_at=submission.at,
        closed_at=submission.at,
        severity=severity,
        confidence=0.95,
        rule=code,
        version=_VERSION,
        thresholds=thresholds,
        evidence=(Evidence(kind="sale", ids=(sale["sale"],), facts=facts),),
        explanation=f"{code}.sale" if off_book else code,
        params=facts,
        advice=f"{code}.advice",
        audience=told,
    )


def _ground(finding: Finding) -> Ground:
    return Ground(
        code=finding.code,
        verdict="stop" if finding.severity is Severity.CRITICAL else "review",
        severity=finding.severity.value,
        rule=finding.rule,
        source=_SOURCES[finding.code],
        facts=dict(finding.params),
    )


def _unreadable(refused: RecordError) -> Ground:
    return Ground(
        code=f"{_NAME}.unreadable",
        verdict="review",
        severity="medium",
        rule="readable record",
        source="fieldhr.conduct",
        facts={"message": refused.message, "column": str(refused.where.get("column", ""))},
    )


def _ruling(
    submission: Submission, outcome: Outcome, grounds: tuple[Ground, ...], findings: tuple[Finding, ...]
) -> Ruling:
    return Ruling(
        submission=submission.id, outcome=outcome, grounds=grounds, findings=findings, check=_NAME, version=_VERSION
    )
