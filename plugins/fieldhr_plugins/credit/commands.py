"""``fieldhr credit score`` and ``fieldhr credit train``: statements as JSON Lines in."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

import attrs

from fieldhr_core.cli.lines import read_lines, run_lines, write_line
from fieldhr_core.errors import ConfigError, FieldhrError, RecordError
from fieldhr_plugins.credit.assessment import Assessment, assess, assess_ratios
from fieldhr_plugins.credit.consistency import inconsistencies
from fieldhr_plugins.credit.formulas import Ohlson
from fieldhr_plugins.credit.ratios import ratios_of
from fieldhr_plugins.credit.scorecard import Scorecard
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import Statement, faults_of, read_statement, refuse, series_of
from fieldhr_plugins.credit.training import TrainingOptions, train
from fieldhr_plugins.credit.weakening import course_of

__all__ = ["answer", "score_statements", "train_scorecard"]

S = TypeVar("S")

_MOST_OTHERS: Final = 5_000
_UNDATED: Final = "2000-12-31"


def score_statements(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Answer each statement line; returns 0, for a bad borrower is data."""
    card = Scorecard.load(args.model) if args.model else None
    as_of = _day(args.as_of) if args.as_of else None
    settings = _option("--base-rate", lambda: CreditSettings(base_rate=args.base_rate))
    return run_lines(args.file, stdin, stdout, lambda record: answer(record, settings, card, as_of))


def answer(
    record: Mapping[str, Any], settings: CreditSettings, card: Scorecard | None = None, as_of: date | None = None
) -> dict[str, Any]:
    """Return what is said about one record.

    A record is a statement (:func:`~fieldhr_plugins.credit.statement.read_statement`) with, where known, ``earlier``
    statements of the borrower and ``peers``: statements of other borrowers. With a scorecard it may hold ``ratios``
    instead. A statement that does not add up gets its inconsistencies and no probability. ``period_end`` may be left
    out where neither time nor earlier statements matter.

    Raises:
        RecordError: FHR-REC-001 with every line named, where the statement is unfit.
    """
    if "ratios" in record:
        return _of_ratios(record, settings, card)
    is_dated = record.get("period_end") is not None or as_of is not None
    statement = read_statement(record if is_dated else {**record, "period_end": _UNDATED})
    refuse(faults_of(statement, as_of=as_of, stale_after_days=settings.stale_after_days), statement.id)
    earlier = _statements(record, "earlier")
    # Whoever sends a borrower's own earlier statements need not repeat whose they are.
    series = series_of([*(_of_borrower(one, statement) for one in earlier), statement], statement.borrower)
    others = [one for one in _statements(record, "peers") if one.borrower != statement.borrower]
    odd = inconsistencies(statement, series, others, settings)
    assessed = None if odd else assess(statement, series, settings, card)
    found: dict[str, Any] = {
        "id": record.get("id"),
        **_scores(assessed),
        "inconsistencies": [one.as_json() for one in odd],
        "refused": list(dict.fromkeys(name for one in odd for name in one.lines)),
        "derived": list(statement.derived),
        "unknown_lines": list(statement.unknown),
    }
    if len(series) >= settings.weakening_statements:
        course = course_of(statement, series, others, settings)
        found["course"] = {
            "is_weakening": course.is_weakening,
            "since": course.since,
            "factors": [signal.as_json() for signal in course.signals],
        }
        found["advice"] = "stop" if course.is_weakening else "none"
    return found


def train_scorecard(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Train on a file of statements with outcomes, write the scorecard, print how it fared; returns 0.

    Raises:
        RecordError: FHR-REC-001 where there is too little to learn from, FHR-REC-006 where the file cannot be read.
    """
    options = _option(
        "--test-share",
        lambda: TrainingOptions(
            shape=args.shape, calibration=args.calibration, test_share=args.test_share, force=tuple(args.force)
        ),
    )
    rows: list[dict[str, float | None]] = []
    outcomes: list[int] = []
    periods: list[float | None] = []
    skipped: dict[str, int] = {}
    for record, error in read_lines(args.file, stdin):
        try:
            if error is not None:
                raise error
            ratios, outcome, period = _case(record)
        except FieldhrError as fault:
            skipped[fault.code] = skipped.get(fault.code, 0) + 1
            sys.stderr.write(f"left out: {fault.message}\n")
            continue
        rows.append(ratios)
        outcomes.append(outcome)
        periods.append(period)
    names = sorted({name for row in rows for name in row})
    if not names:
        raise RecordError("The file holds no case to learn from.", code="FHR-REC-001")
    known_periods = [period for period in periods if period is not None]
    if known_periods and len(known_periods) < len(periods):
        raise RecordError("Some cases have a period and some have none.", code="FHR-REC-001")
    columns = {name: [_or_nan(row.get(name)) for row in rows] for name in names}
    card = train(columns, outcomes, known_periods or None, options)
    try:
        card.save(args.out)
    except OSError as cause:
        raise RecordError(
            f"The model cannot be written to {args.out!r}: {cause}.",
            code="FHR-REC-006",
            hint="Give a file in a folder that may be written to.",
        ) from cause
    summary = {"out": str(Path(args.out)), "sha256": card.as_json()["sha256"], **card.summary, "skipped": skipped}
    write_line(stdout, summary)
    return 0


def _case(record: Mapping[str, Any]) -> tuple[dict[str, float | None], int, float | None]:
    outcome = record.get("bad")
    if outcome not in (0, 1):
        raise RecordError("Field 'bad' must be 1 (failed) or 0.", code="FHR-REC-001")
    if "ratios" in record:
        ratios = _ratios(record)
        given = record.get("period", record.get("period_end"))
        period = None if given is None else _period(given)
        return ratios, int(outcome), period
    statement = read_statement(record)
    refuse(faults_of(statement), statement.id)
    return ratios_of(statement), int(outcome), float(statement.period_end.toordinal())


def _of_ratios(record: Mapping[str, Any], settings: CreditSettings, card: Scorecard | None) -> dict[str, Any]:
    if card is None:
        raise RecordError(
            "Ratios alone can only be scored by a scorecard trained on them.",
            code="FHR-REC-001",
            hint="Give --model FILE, or send the lines of the statement.",
        )
    scores = _scores(assess_ratios(_ratios(record), settings, card))
    return {"id": record.get("id"), **scores, "inconsistencies": [], "refused": []}


def _scores(assessed: Assessment | None) -> dict[str, Any]:
    if assessed is None:
        return {
            "probability": None,
            "band": None,
            "score": None,
            "base": None,
            "zone": None,
            "z": None,
            "ohlson": None,
            "factors": [],
            "model": None,
            "remarks": ["does_not_add_up"],
        }
    z = assessed.altman
    return {
        "probability": round(assessed.probability, 6),
        "band": assessed.band,
        "score": round(assessed.score, 2),
        "base": round(assessed.base, 2),
        "zone": None if z is None else z.zone.value,
        "z": None if z is None else round(z.score, 4),
        "ohlson": None if assessed.ohlson is None else _ohlson(assessed.ohlson),
        "factors": [factor.as_json() for factor in assessed.factors],
        "model": assessed.model,
        "remarks": list(assessed.remarks),
    }


def _ohlson(found: Ohlson) -> dict[str, Any]:
    return {
        "score": None if found.score is None else round(found.score, 4),
        "probability": None if found.probability is None else round(found.probability, 6),
        "missing": list(found.missing),
        "left_out": list(found.left_out),
        "is_size_assumed": found.is_size_assumed,
    }


def _statements(record: Mapping[str, Any], field: str) -> list[Statement]:
    given = record.get(field)
    if given is None:
        return []
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > _MOST_OTHERS:
        raise RecordError(f"Field {field!r} must be a list of at most {_MOST_OTHERS} statements.", code="FHR-REC-001")
    found = []
    for one in given:
        if not isinstance(one, Mapping):
            raise RecordError(f"Field {field!r} holds a {type(one).__name__}, not a statement.", code="FHR-REC-001")
        found.append(read_statement(one))
    return found


def _of_borrower(one: Statement, statement: Statement) -> Statement:
    return one if one.borrower else attrs.evolve(one, borrower=statement.borrower)


def _ratios(record: Mapping[str, Any]) -> dict[str, float | None]:
    given = record["ratios"]
    if not isinstance(given, Mapping) or not given:
        raise RecordError("Field 'ratios' must be an object of names and numbers.", code="FHR-REC-001")
    found: dict[str, float | None] = {}
    for name, value in given.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
        if value is not None and not is_number:
            raise RecordError(f"Ratio {str(name)[:80]!r} is no number; null where not known.", code="FHR-REC-001")
        found[str(name)] = None if value is None else float(value)
    return found


def _period(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
        return float(given)
    try:
        return float(date.fromisoformat(str(given)[:10]).toordinal())
    except ValueError as cause:
        raise RecordError("Field 'period' must be a day or a number.", code="FHR-REC-001") from cause


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _option(name: str, make: Callable[[], S]) -> S:
    try:
        return make()
    except ValueError as cause:
        raise ConfigError(f"{name} is out of range: {cause}.", code="FHR-CLI-001") from cause


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as cause:
        raise ConfigError(f"--as-of {text!r} is no day such as 2026-03-02.", code="FHR-CLI-001") from cause
