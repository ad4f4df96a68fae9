"""Screening: customers against lists of sanctioned and dishonest persons and firms, and numbers that cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fieldhr_core.hooks import Alerter, Check, Command, Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_plugins.screening.settings import FORMATS, ScreeningSettings

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

__all__ = ["PLUGIN", "fieldhr_register_alerters", "fieldhr_register_checks", "fieldhr_register_commands"]

PLUGIN = PluginInfo(
    name="fieldhr.screening",
    version="0.1.0",
    summary="Screens customers against lists by number and by name, Chinese names included.",
    purposes=("compliance",),
    settings=ScreeningSettings,
)


def _make(settings: Any) -> Check:
    from fieldhr_plugins.screening.check import ListCheck

    return ListCheck(settings or ScreeningSettings())


@hookimpl
def fieldhr_register_checks(context: RegistrationContext) -> Iterable[Offer[Check]]:  # noqa: ARG001 - the hook's shape
    """Offer the check of customers against lists."""
    return [Offer("screening.lists", _make)]


def _make_contacts(settings: Any) -> Alerter:
    from fieldhr_plugins.screening.contacts import FrequentContact

    return FrequentContact(settings or ScreeningSettings())


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Alerter]]:  # noqa: ARG001 - the hook's shape
    """Offer the alerter on frequent contact with risky customers."""
    return [Offer("screening.frequent_contact", _make_contacts, role="find")]


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help="JSON Lines; - or none reads standard input")


def _match_arguments(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument("--aliases", metavar="FILE", help="CSV of your own brands: one line a brand, a cell a writing")


def _search_arguments(parser: argparse.ArgumentParser) -> None:
    _match_arguments(parser)
    parser.add_argument(
        "--list", metavar="FILE", action="append", required=True, help="a list; may be given repeatedly"
    )
    parser.add_argument("--list-format", choices=FORMATS, default="auto", help="auto looks at the file")


def _match(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.screening.commands import match_names

    return match_names(args, stdin, stdout)


def _search(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.screening.commands import search_lists

    return search_lists(args, stdin, stdout)


def _identify(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.screening.commands import identify_numbers

    return identify_numbers(args, stdin, stdout)


@hookimpl
def fieldhr_register_commands(context: RegistrationContext) -> Iterable[Command]:  # noqa: ARG001 - the hook's shape
    """Offer ``fieldhr screening match``, ``search`` and ``identify``."""
    return [
        Command(path=("screening", "match"), summary="Compare two names.", arguments=_match_arguments, run=_match),
        Command(
            path=("screening", "search"), summary="Search customers in lists.", arguments=_search_arguments, run=_search
        ),
        Command(
            path=("screening", "identify"),
            summary="Check identity numbers and credit codes.",
            arguments=_file,
            run=_identify,
        ),
    ]
