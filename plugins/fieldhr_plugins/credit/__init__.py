"""Credit: what a borrower's statements say, whether they add up, and who borrows behind whose name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldhr_core.hooks import Check, Command, Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_plugins.credit.settings import CreditSettings

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

__all__ = ["PLUGIN", "fieldhr_register_checks", "fieldhr_register_commands"]

PLUGIN = PluginInfo(
    name="fieldhr.credit",
    version="0.1.0",
    summary="Scores statements with reasons; finds books that do not add up, connected borrowers, evergreening.",
    purposes=("compliance",),
    settings=CreditSettings,
)


def _statements(settings: CreditSettings | None) -> Check:
    from fieldhr_plugins.credit.statement_check import StatementCheck

    return StatementCheck(settings or CreditSettings())


def _applications(settings: CreditSettings | None) -> Check:
    from fieldhr_plugins.credit.lending_checks import ApplicationCheck

    return ApplicationCheck(settings or CreditSettings())


def _loans(settings: CreditSettings | None) -> Check:
    from fieldhr_plugins.credit.lending_checks import LoanCheck

    return LoanCheck(settings or CreditSettings())


def _transfers(settings: CreditSettings | None) -> Check:
    from fieldhr_plugins.credit.lending_checks import TransferCheck

    return TransferCheck(settings or CreditSettings())


@hookimpl
def fieldhr_register_checks(context: RegistrationContext) -> Iterable[Offer[Check]]:
    """Offer the checks of statements, applications, loans and transfers."""
    del context
    return [
        Offer("credit.statement", _statements),
        Offer("credit.applications", _applications),
        Offer("credit.loans", _loans),
        Offer("credit.transfers", _transfers),
    ]


def _score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help="JSON Lines of statements; - or none reads standard input")
    parser.add_argument("--model", metavar="FILE", help="a scorecard that credit train wrote; else the built-in map")
    parser.add_argument("--as-of", metavar="DATE", help="day of judgement: refuses statements that are stale by then")
    parser.add_argument(
        "--base-rate", metavar="SHARE", type=float, help="share of borrowers that fail in a year, for the built-in map"
    )


def _score(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.credit.commands import score_statements

    return score_statements(args, stdin, stdout)


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", default="-", help="JSON Lines of statements or ratios, each with bad: 0 or 1"
    )
    parser.add_argument("--out", metavar="MODEL", required=True, help="where the scorecard is written")
    parser.add_argument("--shape", choices=("monotone", "free"), default="monotone", help="of the bins")
    parser.add_argument("--calibration", choices=("platt", "isotonic"), default="platt", help="of the probability")
    parser.add_argument("--test-share", type=float, default=0.25, help="share of the cases, the latest, that only mark")
    parser.add_argument(
        "--force",
        metavar="RATIO",
        action="append",
        default=[],
        help="keep this ratio although it seems to know too much",
    )


def _train(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.credit.commands import train_scorecard

    return train_scorecard(args, stdin, stdout)


@hookimpl
def fieldhr_register_commands(context: RegistrationContext) -> Iterable[Command]:
    """Offer ``fieldhr credit score`` and ``fieldhr credit train``."""
    del context
    return [
        Command(
            path=("credit", "score"),
            summary="Score borrowers' statements, with reasons.",
            arguments=_score_arguments,
            run=_score,
        ),
        Command(
            path=("credit", "train"),
            summary="Train a scorecard on your own history.",
            arguments=_train_arguments,
            run=_train,
        ),
    ]
