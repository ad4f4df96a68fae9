"""What commands that use a store have in common: which database, which tenant, and as whom."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fieldhr_core.errors import ConfigError, StoreError
from fieldhr_core.model import Principal, Role

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.runtime import FieldHR
    from fieldhr_core.trust.audit import Witness
    from fieldhr_core.trust.keys import KeyProvider

__all__ = [
    "add_key_arguments",
    "add_store_arguments",
    "desk_of",
    "file_witness",
    "keys_of",
    "only_tenant",
    "open_store",
    "url_of",
]

#: Where a command looks when it is not told.
DEFAULT_DB = "fieldhr.db"


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--db`` and ``--tenant``."""
    parser.add_argument(
        "--db", metavar="URL", default=DEFAULT_DB, help=f"database URL or SQLite file (default: {DEFAULT_DB})"
    )
    parser.add_argument("--tenant", metavar="ID", help="tenant (default: the only one there is)")
    add_key_arguments(parser)


def add_key_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--key-file`` and ``--key-variable``."""
    parser.add_argument(
        "--key-file", metavar="FILE", help="file with the keys of the store (default: FILE.keys beside a SQLite file)"
    )
    parser.add_argument("--key-variable", metavar="NAME", help="environment variable with the keys of the store")


def keys_of(args: argparse.Namespace) -> KeyProvider | None:
    """Return the keys that the options name; ``None``: the default of the runtime."""
    from fieldhr_core.trust.keys import EnvironmentKeys, FileKeys

    if getattr(args, "key_variable", None):
        return EnvironmentKeys(args.key_variable)
    return FileKeys(args.key_file) if getattr(args, "key_file", None) else None


def file_witness(file: str | None) -> Witness | None:
    """Return the witness of ``--witness``.

    Raises:
        ConfigError: FHR-CFG-001 where there is no such file: a trail would hold with whatever it does not say.
    """
    from fieldhr_core.trust.audit import FileWitness

    if file is None:
        return None
    if not Path(file).is_file():
        raise ConfigError(
            f"There is no witness {file!r}.", code="FHR-CFG-001", hint="Give the file of its checkpoints to --witness."
        )
    return FileWitness(file)


def url_of(args: argparse.Namespace) -> str:
    """Return the database URL that ``--db`` names."""
    url: str = args.db
    return url if "://" in url else f"sqlite:///{url}"


@contextlib.contextmanager
def open_store(args: argparse.Namespace, *, begin: bool = False) -> Iterator[FieldHR]:
    """Open the runtime that ``--db`` names.

    Args:
        args: as parsed.
        begin: whether an SQLite file that is not there yet may be made: for commands that bring data in.

    Raises:
        StoreError: FHR-STO-001 where there is no such file, so that a slip of the pen leaves no empty database behind.
    """
    from fieldhr_core.runtime import FieldHR

    if not begin:
        _require_there(url_of(args))
    with FieldHR.open(url_of(args), disabled=getattr(args, "disabled", ()), keys=keys_of(args)) as hr:
        yield hr


def _require_there(url: str) -> None:
    import sqlalchemy as sa

    try:
        named = sa.make_url(url)
    except sa.exc.ArgumentError:
        return  # opening says what is wrong with it
    file = named.database or ""
    if named.get_backend_name() != "sqlite" or not file or file.startswith((":", "file:")) or Path(file).exists():
        return
    raise StoreError(
        f"There is no database {file!r}.",
        code="FHR-STO-001",
        hint="Name the right one with --db, or begin one: fieldhr positions import",
    )


@contextlib.contextmanager
def desk_of(hr: FieldHR, args: argparse.Namespace, *, purpose: str = "operations") -> Iterator[Desk]:
    """Open a desk on the tenant that ``--tenant`` names, as the person at the keyboard with the role of administrator.

    Raises:
        ConfigError: FHR-CFG-001 where no tenant is named and there is not exactly one.
    """
    tenant = args.tenant or only_tenant(hr)
    principal = Principal(tenant=tenant, id=f"cli:{getpass.getuser()}", role=Role.ADMIN)
    with hr.acting_as(principal, purpose=purpose) as desk:
        yield desk


def only_tenant(hr: FieldHR) -> str:
    """Return the only tenant there is.

    Raises:
        ConfigError: FHR-CFG-001 where there is not exactly one.
    """
    tenants = hr.tenants.list()
    if len(tenants) != 1:
        found = "no tenant" if not tenants else f"the tenants {', '.join(tenants[:5])}"
        raise ConfigError(f"The store has {found}.", code="FHR-CFG-001", hint="Name one with --tenant.")
    return tenants[0]
