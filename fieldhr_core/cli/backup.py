"""``fieldhr backup create|verify|restore|drill``."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fieldhr_core.cli.lines import write_line
from fieldhr_core.cli.store import add_key_arguments, add_store_arguments, file_witness, keys_of, open_store, url_of
from fieldhr_core.errors import ConfigError, TrustError
from fieldhr_core.hooks.plugin import Command

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.care.backup import Backup
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["COMMANDS"]


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="backup to write; an older one of that name is replaced")
    parser.add_argument(
        "--keys-to",
        metavar="FILE",
        help="copy of the data keys to replace; keep it apart from the backups (default: data.keys beside FILE)",
    )
    add_store_arguments(parser)


def _create(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    keys_to = Path(args.keys_to) if args.keys_to else Path(args.file).with_name("data.keys")
    with open_store(args) as hr:
        made = hr.care.acting(_who()).backup(args.file, keys_to)
    write_line(stdout, {**_record(made), "keys": str(keys_to)})
    return 0


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="backup to read from its first byte to its last")
    parser.add_argument("--keys-from", metavar="FILE", help="copy of the data keys that must belong to it")
    parser.add_argument("--db", metavar="URL", default="fieldhr.db", help="store whose key file opens it")
    add_key_arguments(parser)


def _verify(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.care.backup import verify

    keys_from = Path(args.keys_from) if args.keys_from else None
    keys = _keys(args)
    try:
        found = verify(Path(args.file), keys, keys_from=keys_from)
    except TrustError as fault:
        write_line(stdout, {"file": args.file, "valid": False, "error": fault.as_record()})
        return 1
    write_line(stdout, {**_record(found), "valid": True})
    return 0


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="backup to restore")
    parser.add_argument(
        "--keys-from", metavar="FILE", help="newest copy of the data keys (default: data.keys beside FILE)"
    )
    parser.add_argument("--replace", action="store_true", help="replace the store that is there")
    parser.add_argument("--witness", metavar="FILE", help="refuse a backup older than what this witness has seen")
    parser.add_argument("--accept-rollback", action="store_true", help="restore it all the same, and note that")
    add_store_arguments(parser)


def _restore(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.care.backup import restore
    from fieldhr_core.flow.clock import SystemClock

    done = restore(
        Path(args.file),
        url_of(args),
        _keys(args),
        Path(args.keys_from) if args.keys_from else Path(args.file).with_name("data.keys"),
        now=SystemClock().now(),
        tenants=[args.tenant] if args.tenant else None,
        witness=file_witness(args.witness),
        accept_rollback=args.accept_rollback,
        replace=args.replace,
        actor=_who(),
    )
    write_line(
        stdout,
        {
            **_record(done.backup),
            "digest_equal": done.digest_equal,
            "rolled_back": list(done.rolled_back),
            "forgotten": done.forgotten,
            "seconds": round(done.seconds, 3),
        },
    )
    return 0


def _drill(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr:
        done = hr.drill()
    write_line(
        stdout,
        {
            "rpo_s": done.rpo_s,
            "rto_s": done.rto_s,
            "digest_equal": done.digest_equal,
            "bytes": done.bytes,
            "rows": done.rows,
        },
    )
    return 0 if done.digest_equal else 1


def _keys(args: argparse.Namespace) -> KeyProvider:
    """Return the keys that open a backup without a store: those named, or the key file of the SQLite file."""
    from fieldhr_core.care.pages import file_of
    from fieldhr_core.trust.keys import FileKeys

    named = keys_of(args)
    if named is not None:
        return named
    file = file_of(url_of(args)) if url_of(args).startswith("sqlite") else None
    if file is None:
        raise ConfigError(
            "It is not said which keys open the backup.", code="FHR-CFG-001", hint="Name them with --key-file."
        )
    return FileKeys(f"{file}.keys")


def _record(made: Backup) -> dict[str, Any]:
    return {
        "file": str(made.path),
        "created": made.created.isoformat().replace("+00:00", "Z"),
        "tenants": list(made.tenants),
        "rows": made.rows,
        "bytes": made.bytes,
    }


def _who() -> str:
    return f"cli:{getpass.getuser()}"


COMMANDS = (
    Command(
        path=("backup", "create"), summary="Back the store up, encrypted.", arguments=_create_arguments, run=_create
    ),
    Command(
        path=("backup", "verify"),
        summary="Prove a backup from its first byte to its last; exit 1 where it does not hold.",
        arguments=_verify_arguments,
        run=_verify,
    ),
    Command(
        path=("backup", "restore"),
        summary="Make a store of a backup, proved before it takes its place.",
        arguments=_restore_arguments,
        run=_restore,
    ),
    Command(
        path=("backup", "drill"),
        summary="Destroy and restore a copy of the store; measure time, loss and equality.",
        arguments=add_store_arguments,
        run=_drill,
    ),
)
