"""``fieldhr tokens create|revoke|list``: what programs, phones and browsers show to ``fieldhr serve``."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.cli.lines import write_line
from fieldhr_core.cli.store import add_store_arguments, only_tenant, open_store
from fieldhr_core.hooks.plugin import Command
from fieldhr_core.model import Principal, Role

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    roles = [role.value for role in Role]
    parser.add_argument("principal", metavar="PRINCIPAL", help="id of whoever the token acts as")
    parser.add_argument("--role", choices=roles, required=True, metavar="ROLE", help=f"one of {', '.join(roles)}")
    parser.add_argument("--person", metavar="ID", help="the person they are, where they are one: a rep, a manager")
    parser.add_argument("--purpose", default="", metavar="PURPOSE", help="the only purpose it acts for (default: any)")
    parser.add_argument("--days", type=float, default=90.0, metavar="N", help="how long it is valid (default: 90)")
    add_store_arguments(parser)


def _create(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr:
        principal = Principal(
            tenant=args.tenant or only_tenant(hr), id=args.principal, role=Role(args.role), person=args.person
        )
        token = hr.tokens.create(principal, lasts=timedelta(days=args.days), purpose=args.purpose, by=_who())
    write_line(stdout, {"id": token.split(".")[2], "tenant": principal.tenant, "token": token})
    return 0


def _revoke_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="id of the token, as list shows it")
    add_store_arguments(parser)


def _revoke(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr:
        tenant = args.tenant or only_tenant(hr)
        hr.tokens.revoke(tenant, args.id, by=_who())
    write_line(stdout, {"id": args.id, "tenant": tenant, "revoked": True})
    return 0


def _list(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.flow.values import plain

    with open_store(args) as hr:
        for token in hr.tokens.list(args.tenant or only_tenant(hr)):
            write_line(stdout, plain(token))
    return 0


def _who() -> str:
    return f"cli:{getpass.getuser()}"


COMMANDS = (
    Command(
        path=("tokens", "create"),
        summary="Make a token; it is shown this once.",
        arguments=_create_arguments,
        run=_create,
    ),
    Command(path=("tokens", "revoke"), summary="Take a token back.", arguments=_revoke_arguments, run=_revoke),
    Command(path=("tokens", "list"), summary="List a tenant's tokens.", arguments=add_store_arguments, run=_list),
)
