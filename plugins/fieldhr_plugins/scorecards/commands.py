"""The commands ``scores cards``, ``scores report`` and ``scores behind``."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.cli.lines import write_line
from fieldhr_core.cli.store import add_store_arguments, desk_of, open_store
from fieldhr_core.errors import ConfigError, FieldhrError
from fieldhr_core.model import Period

if TYPE_CHECKING:
    import argparse

__all__ = ["behind", "behind_arguments", "cards", "cards_arguments", "report", "report_arguments"]


def cards_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``scores cards``."""
    _common(parser)
    parser.add_argument("--rep", action="append", metavar="REP", help="only this rep (may be given several times)")
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="CARD.METRIC=PERCENT",
        help="try another weight; what a tried card does not name counts nothing, and nothing is stored",
    )


def cards(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    """Write one line a scorecard.

    Raises:
        ConfigError: FHR-CFG-001 where the period or a weight makes no sense.
        RecordError: FHR-REC-001 for weights of an unknown card or metric.
    """
    from fieldhr_plugins.scorecards.report.sheets import card_line

    weights = _weights(args.weight)
    with open_store(args) as hr, desk_of(hr, args) as desk:
        for card in desk.scores.cards(_period(args), weights=weights, reps=args.rep):
            write_line(stdout, card_line(card))
    return 0


def report_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``scores report``."""
    _common(parser)
    parser.add_argument("--subject", default="", metavar="ID", help="rep id, team:ID or branch:ID (default: everybody)")
    parser.add_argument(
        "--format", default="json", choices=("json", "html", "csv", "xlsx", "pdf"), help="default: json"
    )
    parser.add_argument("--lang", default="en", choices=("en", "zh-Hans"), help="language of the report (default: en)")
    parser.add_argument("--out", metavar="FILE", help="write there instead of standard output")


def report(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    """Write the appraisal report of a rep, team, branch or everybody.

    Raises:
        ConfigError: FHR-CFG-001 where the period makes no sense.
        AccessError: FHR-ACC-001 where there is no such subject.
        MissingDependencyError: FHR-CFG-010 where the format needs a package that is not installed.
    """
    from fieldhr_plugins.scorecards.report import appraisal, rendered

    with open_store(args) as hr, desk_of(hr, args) as desk:
        found = appraisal(desk, _period(args), args.subject)
    body = rendered(found, args.format, args.lang)
    if args.out and args.out != "-":
        try:
            Path(args.out).write_bytes(body)
        except OSError as cause:
            raise FieldhrError(
                f"The file {args.out!r} cannot be written: {cause.strerror or cause}.",
                code="FHR-CLI-001",
                hint="Name a file in a folder that can be written.",
            ) from cause
        return 0
    binary = getattr(stdout, "buffer", None)
    if binary is not None:
        stdout.flush()
        binary.write(body)
        binary.flush()
    elif args.format in ("xlsx", "pdf"):
        raise ConfigError("This output takes text only.", code="FHR-CFG-001", hint="Name a file with --out.")
    else:
        stdout.write(body.decode("utf-8"))
    return 0


def behind_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``scores behind``."""
    _common(parser)
    parser.add_argument("--subject", required=True, metavar="ID", help="rep id, team:ID, branch:ID or the tenant's id")
    parser.add_argument("--metric", required=True, metavar="NAME", help="overdue_rate, credited_visits_per_day ...")


def behind(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    """Write one line a record that a figure was made of.

    Raises:
        RecordError: FHR-REC-001 where nobody can trace that metric.
    """
    with open_store(args) as hr, desk_of(hr, args) as desk:
        for row in desk.scores.behind(_period(args), args.subject, args.metric).rows():
            write_line(stdout, row)
    return 0


def _common(parser: argparse.ArgumentParser) -> None:
    add_store_arguments(parser)
    parser.add_argument("--month", metavar="YYYY-MM", help="a whole month")
    parser.add_argument("--from", dest="first", metavar="D", help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", metavar="D", help="last day, YYYY-MM-DD")


def _period(args: argparse.Namespace) -> Period:
    try:
        if args.month:
            first = date.fromisoformat(f"{args.month}-01")
            return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        if args.first and args.last:
            period = Period(date.fromisoformat(args.first), date.fromisoformat(args.last))
            if period.first <= period.last:
                return period
    except ValueError as cause:
        raise ConfigError(
            "The period is no date.",
            code="FHR-CFG-001",
            hint="Write --month 2026-03, or --from and --to as YYYY-MM-DD.",
        ) from cause
    raise ConfigError(
        "Which period?", code="FHR-CFG-001", hint="Give --month 2026-03, or --from and --to, the earlier day first."
    )


def _weights(given: list[str]) -> dict[str, dict[str, float]] | None:
    weights: dict[str, dict[str, float]] = {}
    for text in given:
        place, _, percent = text.partition("=")
        card, _, metric = place.partition(".")
        try:
            weights.setdefault(card, {})[metric] = float(percent)
        except ValueError as cause:
            raise ConfigError(
                f"{text!r} is no weight.", code="FHR-CFG-001", hint="Write --weight agent.repurchase_rate=30."
            ) from cause
    return weights or None
