"""``fieldhr audit verify``: proves the audit trail, or names the first place that does not hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.cli.store import add_store_arguments, desk_of, file_witness, open_store
from fieldhr_core.hooks.plugin import Command

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_store_arguments(parser)
    parser.add_argument(
        "--witness", metavar="FILE", help="checkpoints the trail must hold with (default: the tenant's own witness)"
    )


def _verify(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    witness = file_witness(args.witness)
    with open_store(args) as hr:
        tenants = [args.tenant] if args.tenant else hr.tenants.list()
        holds = True
        for tenant in tenants:
            args.tenant = tenant
            with desk_of(hr, args, purpose="audit") as desk:
                chain = desk.trail.verify(witness)
            broken = None if chain.broken is None else {"seq": chain.broken.seq, "reason": chain.broken.reason}
            holds = holds and broken is None
            stdout.write(json.dumps({"tenant": tenant, "events": chain.events, "broken": broken}) + "\n")
    return 0 if holds else 1


COMMANDS = (
    Command(
        path=("audit", "verify"),
        summary="Prove the audit trail; exit 1 and name the first broken place where it does not hold.",
        arguments=_arguments,
        run=_verify,
    ),
)
