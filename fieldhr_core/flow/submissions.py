"""Submissions journey: sales, statements, applications, loans, transfers, ruled on before they are acted on.

The host keeps these records; what bears on one - earlier applications, a rep's other loans, the accounts that were
declared - is handed in with it. Kept here are the rulings, and what they found; a case carries the record and what bore
on it, sealed, so that it can be computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.cases import since_then
from fieldhr_core.flow.rulings import keep_rulings, rule, strictest, submission_from
from fieldhr_core.model import Finding, Ruling, Submission, instant

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["KINDS", "Submissions", "submission_ruled_again"]

#: What can be handed in -> the field that holds its id. Messages and customers have rooms of their own.
KINDS: Final[Mapping[str, str]] = {
    "sale": "sale",
    "statement": "id",
    "application": "application",
    "loan": "loan",
    "transfer": "transfer",
}


class Submissions:
    """The desk's room for what is checked before it is confirmed and kept by the host."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def submit(
        self, kind: str, records: Iterable[Mapping[str, Any]], *, context: Iterable[Mapping[str, Any]] = ()
    ) -> list[Ruling]:
        """Put records before every check of their kind, raise what was found, and return one ruling each, in order.

        Args:
            kind: one of :data:`KINDS`.
            records: JSON objects with an id in the field that :data:`KINDS` names.
            context: earlier records that bear on these, in any order. Each record is also read with those before it
                in *records*.

        Where a check raises, hangs or misbehaves, or none is installed, the ruling is REVIEW: not cleared.

        Raises:
            RecordError: FHR-REC-001 for an unknown kind, or a record without an id; nothing is ruled on then.
            AccessError: FHR-ACC-003 for a principal that may hand in no deals.
        """
        records, earlier = list(records), tuple(context)
        ids = [_id_of(kind, record) for record in records]
        acting, house = self._acting, self._acting.as_house()
        with acting.unit() as unit:
            unit.allow("deals", "write")
        with house.unit() as unit:
            at = instant(unit.at_ms)
            submissions = [
                Submission(id=name, kind=kind, value=record, at=at, context=(*earlier, *records[:place]))
                for place, (name, record) in enumerate(zip(ids, records, strict=True))
            ]
            each, failed = rule(house, unit, kind, submissions)
        with acting.unit() as unit:
            unit.audit("submissions.submit", kind, count=len(records), failed=len(failed))
        with house.unit() as unit:
            keep_rulings(house, unit, kind, each, handed=submissions)
        return strictest(submissions, each, failed)


def submission_ruled_again(acting: Acting, unit: Unit, case: Any, packed: Mapping[str, Any]) -> list[Finding]:
    """Rule again on what a case carries."""
    submission = submission_from(packed)
    each, _ = rule(acting, unit, submission.kind, [submission])
    return [since_then(finding, case) for ruling in each.get(case.origin, ()) for finding in ruling.findings]


def _id_of(kind: str, record: Mapping[str, Any]) -> str:
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise RecordError(f"There is no kind {kind!r} of submission; there are {known}.", code="FHR-REC-001")
    name = record.get(KINDS[kind])
    if not isinstance(name, str) or not name:
        raise RecordError(f"A {kind} without {KINDS[kind]!r} cannot be ruled on.", code="FHR-REC-001")
    return name
