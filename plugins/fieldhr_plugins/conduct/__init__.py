"""Conduct: forbidden wording in what reps write and say, and sales that must not be made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fieldhr_core.hooks import Alerter, Channel, Check, Command, Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_plugins.conduct.settings import ConductSettings

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

__all__ = ["PLUGIN", "fieldhr_register_alerters", "fieldhr_register_checks", "fieldhr_register_commands"]

PLUGIN = PluginInfo(
    name="fieldhr.conduct",
    version="0.1.0",
    summary="Finds forbidden promises and evasions in messages and transcripts, and unsuitable or unrecorded sales.",
    purposes=("compliance",),
    settings=ConductSettings,
)


def _make(settings: Any) -> Check:
    from fieldhr_plugins.conduct.check import PhraseCheck

    return PhraseCheck(settings or ConductSettings())


def _make_sales(settings: Any) -> Check:
    from fieldhr_plugins.conduct.sales import SaleCheck

    return SaleCheck(settings or ConductSettings())


def _make_waves(settings: Any) -> Alerter:
    from fieldhr_plugins.conduct.waves import PhraseWaves

    return PhraseWaves(settings or ConductSettings())


@hookimpl
def fieldhr_register_alerters(
    context: RegistrationContext,  # noqa: ARG001 - the hook's shape
) -> Iterable[Offer[Alerter] | Offer[Channel]]:
    """Offer the alerter that proposes phrases a branch has begun to use."""
    return [Offer("conduct.waves", _make_waves, role="find")]


@hookimpl
def fieldhr_register_checks(context: RegistrationContext) -> Iterable[Offer[Check]]:  # noqa: ARG001 - the hook's shape
    """Offer the checks of phrases and of sales."""
    return [Offer("conduct.phrases", _make), Offer("conduct.sales", _make_sales)]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help="JSON Lines of messages; - or none reads standard input")
    parser.add_argument(
        "--lexicon", metavar="FILE", help="your own phrases: CSV (phrase,category,severity), TOML or JSON"
    )


def _check(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.conduct.commands import check_messages

    return check_messages(args, stdin, stdout)


@hookimpl
def fieldhr_register_commands(context: RegistrationContext) -> Iterable[Command]:  # noqa: ARG001 - the hook's shape
    """Offer ``fieldhr conduct check``."""
    return [
        Command(
            path=("conduct", "check"), summary="Find forbidden wording in messages.", arguments=_arguments, run=_check
        )
    ]
