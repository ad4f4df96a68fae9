"""What commands that use a store have in common: which database, which tenant, and as whom."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fieldhr_core.errors import ConfigError
from fieldhr_core.model import Principal, Role

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.runtime import FieldHR

__all__ = ["add_store_arguments", "desk_of", "open_store"]

#: Where a command looks when it is not told.
DEFAULT_DB = "fieldhr.db"


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--db`` and ``--tenant``."""
    parser.add_argument(
        "--db", metavar="URL", default=DEFAULT_DB, help=f"database URL or SQLite file (default: {DEFAULT_DB})"
    )
    parser.add_argument("--tenant", metavar="ID", help="tenant (default: the only one there is)")


@contextlib.contextmanager
def open_store(args: argparse.Namespace) -> Iterator[FieldHR]:
    """Open the runtime that ``--db`` names."""
    from fieldhr_core.runtime import FieldHR

    url = args.db if "://" in args.db else f"sqlite:///{args.db}"
    with FieldHR.open(url, disabled=getattr(args, "disabled", ())) as hr:
        yield hr


@contextlib.contextmanager
def desk_of(hr: FieldHR, args: argparse.Namespace, *, purpose: str = "operations") -> Iterator[Desk]:
    """Open a desk on the tenant that ``--tenant`` names, as the person at the keyboard with the role of administrator.

    Raises:
        ConfigError: FHR-CFG-001 where no tenant is named and there is not exactly one.
    """
    tenant = args.tenant or _only_tenant(hr)
    principal = Principal(tenant=tenant, id=f"cli:{getpass.getuser()}", role=Role.ADMIN)
    with hr.acting_as(principal, purpose=purpose) as desk:
        yield desk


def _only_tenant(hr: FieldHR) -> str:
    tenants = hr.tenants.list()
    if len(tenants) != 1:
        found = "no tenant" if not tenants else f"the tenants {', '.join(tenants[:5])}"
        raise ConfigError(f"The store has {found}.", code="FHR-CFG-001", hint="Name one with --tenant.")
    return tenants[0]
