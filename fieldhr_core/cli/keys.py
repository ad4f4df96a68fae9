"""``fieldhr keys rotate|forget``."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.cli.lines import write_line
from fieldhr_core.cli.store import add_store_arguments, only_tenant, open_store
from fieldhr_core.hooks.plugin import Command

if TYPE_CHECKING:
    import argparse


__all__ = ["COMMANDS"]


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch", type=int, default=500, metavar="N", help="values sealed anew in one transaction")
    parser.add_argument(
        "--retire", action="store_true", help="destroy the old keys at the end; earlier backups open no more"
    )
    parser.add_argument("--wrapping", action="store_true", help="also draw a new key in the key file")
    add_store_arguments(parser)


def _rotate(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr:
        care = hr.care.acting(_who())
        rewrapped = care.rotate_wrapping() if args.wrapping else 0
        for tenant in [args.tenant] if args.tenant else hr.tenants.list():
            done = care.rotate(tenant, batch=args.batch, retire=args.retire)
            write_line(
                stdout,
                {
                    "tenant": tenant,
                    "keys": done.keys,
                    "values": done.values,
                    "retired": done.retired,
                    "rewrapped": rewrapped,
                    "unreached": [str(path) for path in done.unreached],
                },
            )
    return 0


def _forget_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", metavar="PERSON", help="id of the person; this cannot be undone")
    add_store_arguments(parser)


def _forget(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr:
        tenant = args.tenant or only_tenant(hr)
        done = hr.care.acting(_who()).forget(tenant, args.person)
    write_line(
        stdout,
        {
            "tenant": tenant,
            "person": args.person,
            "keys": done.keys,
            "rows": done.rows,
            "unreached": list(done.unreached),
        },
    )
    return 0 if not done.unreached else 1


def _who() -> str:
    return f"cli:{getpass.getuser()}"


COMMANDS = (
    Command(
        path=("keys", "rotate"),
        summary="Give everything new keys while others go on working; takes up a rotation that was cut off.",
        arguments=_rotate_arguments,
        run=_rotate,
    ),
    Command(
        path=("keys", "forget"),
        summary="Destroy a person's keys for good; exit 1 where a copy of the keys could not be replaced.",
        arguments=_forget_arguments,
        run=_forget,
    ),
)
