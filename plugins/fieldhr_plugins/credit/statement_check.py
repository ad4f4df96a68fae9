"""The compliance check ``credit.statement``: a statement is ruled on when it is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from fieldhr_core.errors import FieldhrError, RecordError
from fieldhr_core.model import Audience, Evidence, Finding, Ground, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.credit.assessment import Assessment, assess
from fieldhr_plugins.credit.consistency import Inconsistency, benford, inconsistencies
from fieldhr_plugins.credit.scorecard import Scorecard
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import Fault, Statement, faults_of, read_statement, series_of
from fieldhr_plugins.credit.weakening import Course, course_of

__all__ = ["StatementCheck", "as_statement"]

NAME: Final = "credit.statement"
VERSION: Final = "1"
RISK: Final = "credit.repayment_risk"
INCONSISTENT: Final = "credit.statement_inconsistent"
_SOURCE: Final = "fieldhr.credit"


class StatementCheck:
    """Rules on statements: unfit or inconsistent ones go to a person, a weakening borrower advises stop.

    A submission's value is a :class:`Statement` or the JSON object it is read from; its context holds, in any order,
    earlier statements of the borrower and statements of other borrowers (peers of the industry, and whoever it may be
    copied from).
    """

    def __init__(self, settings: CreditSettings) -> None:
        self._settings = settings
        self._card: Scorecard | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at statements."""
        return ("statement",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a statement; what cannot be read goes to a person, with the line named.

        Raises:
            RecordError: FHR-REC-006 where the tenant's scorecard cannot be read; nothing of the batch is cleared then.
        """
        if self._settings.model_file and self._card is None:
            self._card = Scorecard.load(self._settings.model_file)
        return [self._rule(submission) for submission in submissions]

    def _rule(self, submission: Submission) -> Ruling:
        try:
            statement = as_statement(submission.value)
        except RecordError as refused:
            faults = refused.where.get("faults")
            grounds = tuple(map(_of_fault, faults)) if isinstance(faults, tuple) else ()
            return _ruling(submission, Outcome.REVIEW, grounds or (_unread(refused),), ())
        read = [one for one in map(_or_none, submission.context) if one is not None]
        series = series_of([*read, statement], statement.borrower)
        others = [one for one in read if one.borrower != statement.borrower]
        settings = self._settings
        grounds = tuple(
            _of_fault(fault)
            for fault in faults_of(
                statement, as_of=submission.at.astimezone(UTC).date(), stale_after_days=settings.stale_after_days
            )
        )
        odd = inconsistencies(statement, series, others, settings)
        findings: list[Finding] = []
        if odd:
            grounds += tuple(_of_inconsistency(one) for one in odd)
            findings.append(_inconsistent(submission, statement, odd, settings))
        if grounds:
            # What does not add up is not scored: a probability of wrong figures would be believed.
            return _ruling(submission, Outcome.REVIEW, grounds, tuple(findings))
        assessed = assess(statement, series, settings, self._card)
        course = course_of(statement, series, others, settings)
        grounds = (_of_assessment(assessed), *_of_digits(series))
        if course.is_weakening:
            return _ruling(
                submission,
                Outcome.STOP,
                (_of_course(course), *grounds),
                (_weakening(submission, statement, course, assessed, settings),),
            )
        return _ruling(submission, Outcome.REVIEW if assessed.band == "high" else Outcome.CLEARED, grounds, ())


def as_statement(value: object) -> Statement:
    """Return a statement as it is, or read from a JSON object.

    Raises:
        RecordError: FHR-REC-001 where it is neither, or cannot be read.
    """
    if isinstance(value, Statement):
        return value
    if isinstance(value, Mapping):
        return read_statement(value)
    raise RecordError(f"A {type(value).__name__} is no statement.", code="FHR-REC-001")


def _or_none(value: object) -> Statement | None:
    try:
        return as_statement(value)
    except FieldhrError:
        return None


def _ruling(
    submission: Submission, outcome: Outcome, grounds: tuple[Ground, ...], findings: tuple[Finding, ...]
) -> Ruling:
    return Ruling(
        submission=submission.id, outcome=outcome, grounds=grounds, findings=findings, check=NAME, version=VERSION
    )


def _ground(code: str, verdict: str, severity: str, rule: str, facts: Mapping[str, Any]) -> Ground:
    return Ground(code=code, verdict=verdict, severity=severity, rule=rule, source=_SOURCE, facts=facts)


def _unread(refused: RecordError) -> Ground:
    return _ground("credit.statement_unreadable", "review", "medium", "fit statement", {"message": refused.message})


def _of_fault(fault: Fault) -> Ground:
    facts = {"reason": fault.reason, "line": fault.line, "text": fault.text}
    return _ground("credit.statement_unfit", "review", "medium", "fit statement", facts)


def _of_inconsistency(odd: Inconsistency) -> Ground:
    return _ground(INCONSISTENT, "review", "high", odd.code, odd.as_json())


def _of_assessment(assessed: Assessment) -> Ground:
    facts = {
        "probability": round(assessed.probability, 4),
        "band": assessed.band,
        "score": round(assessed.score, 1),
        "zone": None if assessed.altman is None else assessed.altman.zone.value,
        "model": assessed.model,
        "factors": [factor.as_json() for factor in assessed.factors[:5]],
        "remarks": list(assessed.remarks),
    }
    return _ground(
        "credit.assessment", "review" if assessed.band == "high" else "cleared", "info", assessed.model, facts
    )


def _of_course(course: Course) -> Ground:
    facts = {"since": course.since, "factors": [signal.as_json() for signal in course.signals]}
    return _ground(RISK, "stop", "high", "weakening borrower", facts)


def _of_digits(series: Sequence[Statement]) -> tuple[Ground, ...]:
    found = benford(series)
    return () if found is None else (_ground("credit.first_digits", "cleared", "info", "Benford's law", found),)


def _inconsistent(
    submission: Submission, statement: Statement, odd: Sequence[Inconsistency], settings: CreditSettings
) -> Finding:
    lines = list(dict.fromkeys(name for one in odd for name in one.lines))
    others = tuple(dict.fromkeys(other for one in odd for other in one.others))
    return Finding(
        code=INCONSISTENT,
        subject_kind="borrower",
        subject=statement.borrower,
        rep=statement.rep,
        instance=f"{statement.period_end.isoformat()}/{statement.months}",
        opened_at=submission.at,
        closed_at=submission.at,
        severity=Severity.HIGH,
        confidence=0.95 if any(one.code != "copied" for one in odd) else 0.9,
        rule="credit.consistency",
        version=VERSION,
        thresholds={
            "balance_tolerance": settings.balance_tolerance,
            "copied_lines": settings.copied_lines,
            "copied_share": settings.copied_share,
        },
        evidence=(
            Evidence(
                kind="statement", ids=(statement.id, *others), facts={"inconsistencies": [one.as_json() for one in odd]}
            ),
        ),
        explanation=INCONSISTENT,
        params={
            "period_end": statement.period_end.isoformat(),
            "lines": ", ".join(lines),
            "kinds": ", ".join(dict.fromkeys(one.code for one in odd)),
        },
        advice="credit.advice.ask_for_originals",
        readings=("credit.reading.slip", "credit.reading.made_up"),
        audience=(Audience.MANAGER, Audience.COMPLIANCE),
    )


def _weakening(
    submission: Submission, statement: Statement, course: Course, assessed: Assessment, settings: CreditSettings
) -> Finding:
    adverse = [signal for signal in course.signals if signal.is_adverse]
    return Finding(
        code=RISK,
        subject_kind="borrower",
        subject=statement.borrower,
        rep=statement.rep,
        instance=course.since or statement.period_end.isoformat(),
        opened_at=submission.at,
        severity=Severity.HIGH,
        confidence=min(0.95, 0.6 + 0.1 * len(adverse)),
        rule="credit.weakening",
        version=VERSION,
        thresholds={
            "weakening_statements": settings.weakening_statements,
            "weakening_factors": settings.weakening_factors,
            "peers_margin": settings.peers_margin,
            "min_peers": settings.min_peers,
        },
        evidence=(
            Evidence(
                kind="statement",
                ids=course.statements,
                facts={
                    "probability": round(assessed.probability, 4),
                    "band": assessed.band,
                    "model": assessed.model,
                    "factors": [signal.as_json() for signal in course.signals],
                },
            ),
        ),
        explanation=RISK,
        params={
            "adverse": len(adverse),
            "factors": len(course.signals),
            "names": ", ".join(signal.name for signal in adverse),
            "probability_pct": round(100 * assessed.probability, 1),
            "since": course.since,
            "statements": len(course.statements),
        },
        advice="credit.advice.stop_follow_up",
        audience=(Audience.MANAGER, Audience.COMPLIANCE),
    )
