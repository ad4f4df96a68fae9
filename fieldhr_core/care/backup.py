"""Backup and restore: online, encrypted, verified, and never a way back to what was forgotten or taken back.

A backup holds every table but the one of data keys; these are kept apart (:mod:`fieldhr_core.care.keycopy`). What it
says about itself - tenants, heads of their audit chains, counts and digests - is bound to every byte of it. A restore
works beside the database, proves what it made, and only then takes its place.
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.care import keycopy, pages, rows
from fieldhr_core.care.digest import contents
from fieldhr_core.care.forgetting import erase_again
from fieldhr_core.care.premises import Premises
from fieldhr_core.care.stream import opened, read_header, write
from fieldhr_core.errors import StoreError, TrustError
from fieldhr_core.model import instant, milliseconds
from fieldhr_core.store.audit import chain_key, events_of
from fieldhr_core.store.sealed import key_ids
from fieldhr_core.store.tables import SCHEMA_VERSION, StoreTables
from fieldhr_core.trust.audit import Chain, Checkpoint, Witness, public_key
from fieldhr_core.trust.audit import verify as verify_chain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["Backup", "Restored", "create", "header_of", "restore", "verify"]

_FORMAT: Final = 1


@attrs.frozen(kw_only=True)
class Backup:
    """A backup as its header describes it.

    Attributes:
        path: its file.
        created: as of when it is, aware.
        tenants: ids.
        rows: of all tables together.
        bytes: size of the file.
        contents: table -> ``{"rows", "digest"}``.
    """

    path: Path
    created: datetime
    tenants: tuple[str, ...]
    rows: int
    bytes: int
    contents: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, path: Path, header: Mapping[str, Any]) -> Backup:
        """Return the backup a header tells of."""
        return cls(
            path=path,
            created=instant(header["created_ms"]),
            tenants=tuple(chain["tenant"] for chain in header["chains"]),
            rows=sum(content["rows"] for content in header["contents"].values()),
            bytes=path.stat().st_size,
            contents=header["contents"],
        )


@attrs.frozen(kw_only=True)
class Restored:
    """What a restore made.

    Attributes:
        backup: what it was made of.
        digest_equal: whether counts and digests of every table are those of the backup.
        rolled_back: tenants whose trail now ends before its last witnessed event.
        forgotten: people whose keys were destroyed since the backup, and whose rows were taken out again.
        seconds: how long it took.
    """

    backup: Backup
    digest_equal: bool
    rolled_back: tuple[str, ...]
    forgotten: int
    seconds: float


def create(premises: Premises, path: Path, keys_to: Path, *, is_kept: bool = True) -> Backup:
    """Back the store up while others use it.

    Args:
        path: file of the backup; written beside and moved into place.
        keys_to: file of the copy of the data keys; replaced. Keep it apart from the backups.
        is_kept: whether it is a backup to rely on, which the trail notes and whose copy of the keys is kept up to date;
            a drill's is not.

    Raises:
        StoreError: FHR-STO-005 where a disk is full; FHR-STO-001 where the host owns the transaction.
    """
    if premises.binding.dialect == "sqlite":
        with pages.copied(premises.binding) as copy, _bound(f"sqlite:///{copy}") as binding:
            with binding.transaction(write=False) as connection:
                header = header_of(premises, connection) | {"contents": contents(connection, premises.tables)}
                keys = keycopy.rows_of(connection, premises.tables)
            binding.close()
            pages.without_keys(copy, premises.tables)
            header |= {"kind": "pages", "bytes": copy.stat().st_size}
            keycopy.keep(keys_to, premises.keys, keys, header)
            write(path, premises.keys, header, pages.read_pages(copy))
    else:
        with rows.snapshot(premises.binding) as connection:
            header = header_of(premises, connection) | {"contents": contents(connection, premises.tables)}
            header |= {"kind": "rows", "columns": rows.columns_of(premises.tables)}
            keycopy.keep(keys_to, premises.keys, keycopy.rows_of(connection, premises.tables), header)
            write(path, premises.keys, header, rows.dumped(connection, premises.tables))
    made = Backup.of(path, header)
    if not is_kept:
        return made
    with premises.binding.transaction(write=True) as connection:
        keycopy.remember(connection, premises.tables, keys_to)
        for tenant in premises.tenants(connection):
            premises.note(connection, tenant, "backup.create", "backup", path.name, rows=made.rows)
    return made


def header_of(premises: Premises, connection: Connection) -> dict[str, Any]:
    """Return what every file of a backup says about the store it comes from."""
    now_ms = premises.now_ms()
    return {
        "format": _FORMAT,
        "tool": f"fieldhr {_version()}",
        "created": instant(now_ms).isoformat(),
        "created_ms": now_ms,
        "schema_version": SCHEMA_VERSION,
        "chains": [_chain_record(premises, connection, tenant) for tenant in premises.tenants(connection)],
    }


def verify(path: Path, keys: KeyProvider, *, keys_from: Path | None = None) -> Backup:
    """Read a whole backup and prove every byte of it; with *keys_from*, also that the copy of the keys belongs to it.

    Raises:
        TrustError: FHR-TRU-004 where it is damaged or does not open with these keys, or the keys are older than it.
    """
    header = _data_header(path)
    size = sum(len(piece) for piece in opened(path, keys))
    if header.get("bytes", size) != size:
        raise TrustError(f"The file {path.name} holds less than it says.", code="FHR-TRU-004")
    if keys_from is not None:
        _keys_for(header, keys_from, keys)
    return Backup.of(path, header)


def restore(
    path: Path,
    target: Any,
    keys: KeyProvider,
    keys_from: Path,
    *,
    now: datetime,
    tenants: Collection[str] | None = None,
    witness: Witness | None = None,
    accept_rollback: bool = False,
    replace: bool = False,
    prefix: str = "fieldhr_",
    schema: str | None = None,
    actor: str = "fieldhr.care",
) -> Restored:
    """Make a store out of a backup. It takes its place only when it is proved whole; until then nothing is touched.

    Args:
        path, keys_from: files that :func:`create` wrote; of the keys the newest.
        target: database URL, or an ``Engine`` of PostgreSQL. Nobody else may have it open.
        now: aware instant, for the audit trail.
        tenants: whose store it must be; by default those of the store that is there, if one is.
        witness: refuses a backup whose audit trail ends before an event that it has witnessed,
        accept_rollback: unless this says that it shall be restored all the same, which the trail notes.
        replace: whether a store that is there may be replaced.
        prefix, schema: where the tables are.
        actor: who is noted in the audit trail.

    Raises:
        TrustError: FHR-TRU-004 where the backup is damaged, of another tenant, older than the witness knows, or does
            not open with these keys.
        StoreError: FHR-STO-002 where it is of another release, FHR-STO-001 where a store is there and *replace* is
            not given, FHR-STO-005 where the disk is full.
    """
    began = time.perf_counter()
    header = _data_header(path)
    if header.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"The backup has tables of revision {header.get('schema_version')}, this release {SCHEMA_VERSION}.",
            code="FHR-STO-002",
            hint="Restore it with the release that made it, then upgrade.",
        )
    task = _Task(
        header=header,
        path=path,
        keys=keys,
        key_rows=_keys_for(header, keys_from, keys),
        tables=StoreTables(prefix, schema),
        now=now,
        witness=witness,
        accept_rollback=accept_rollback,
        actor=actor,
    )
    is_there, residents = _residents(target, task.tables)
    if is_there and not replace:
        raise StoreError(
            "There is a store already.", code="FHR-STO-001", hint="Say that it may be replaced: --replace."
        )
    task.refuse_strangers(residents if tenants is None else tenants)
    rolled_back = task.rolled_back()
    kind = header["kind"]
    forgotten = _restore_pages(task, target) if kind == "pages" else _restore_rows(task, target)
    return Restored(
        backup=Backup.of(path, header),
        digest_equal=True,  # anything else was refused
        rolled_back=rolled_back,
        forgotten=forgotten,
        seconds=time.perf_counter() - began,
    )


@attrs.frozen(kw_only=True, eq=False)
class _Task:
    """One restore: what is restored, with which keys, and what it must fit."""

    header: Mapping[str, Any]
    path: Path
    keys: KeyProvider
    key_rows: list[dict[str, Any]]
    tables: StoreTables
    now: datetime
    witness: Witness | None
    accept_rollback: bool
    actor: str

    def refuse_strangers(self, tenants: Collection[str] | None) -> None:
        mine = {chain["tenant"] for chain in self.header["chains"]}
        if tenants and set(tenants) != mine:
            raise TrustError(
                "The backup is of other tenants.", code="FHR-TRU-004", hint="Use a backup of this store, or --tenant."
            )

    def rolled_back(self) -> tuple[str, ...]:
        """Return the tenants whose trail would end before its last witnessed event; refuse where that is not wanted."""
        if self.witness is None:
            return ()
        late = []
        for chain in self.header["chains"]:
            last = max((one.seq for one in self.witness.checkpoints(chain["tenant"])), default=0)
            if last > chain["seq"]:
                late.append(chain["tenant"])
        if late and not self.accept_rollback:
            raise TrustError(
                f"The witness knows later events than the backup of {len(late)} tenants.",
                code="FHR-TRU-004",
                hint="Use a newer backup, or say that the loss is accepted: --accept-rollback.",
            )
        return tuple(late)

    def finish(self, premises: Premises, connection: Connection) -> int:
        """Prove what was loaded, put the keys in, and note it. Return how many people were forgotten since."""
        if contents(connection, self.tables) != self.header["contents"]:
            raise _refused("what was restored is not what was backed up")
        keycopy.load(connection, self.tables, self.key_rows)
        known = {(row["tenant"], row["id"]) for row in self.key_rows}
        for chain in self.header["chains"]:
            tenant = chain["tenant"]
            if any((tenant, ident) not in known for _, ident in key_ids(connection, self.tables, tenant)):
                raise _refused("the copy of the keys lacks keys that its values are sealed with")
            if _chain_record(premises, connection, tenant, self.witness) != chain:
                raise _refused("its audit trail is not the one that was backed up, or not the witnessed one")
        forgotten = erase_again(connection, self.tables)
        late = self.rolled_back()
        for chain in self.header["chains"]:
            tenant = chain["tenant"]
            premises.note(
                connection,
                tenant,
                "backup.restore",
                "backup",
                self.path.name,
                of=self.header["created"],
                rolled_back=tenant in late,
            )
        return forgotten


def _restore_pages(task: _Task, target: Any) -> int:
    file = pages.file_of(target)
    if file is None:
        raise StoreError("A backup of a SQLite file is restored to a file.", code="FHR-STO-001")
    side = pages.side_file(file, opened(task.path, task.keys), task.header["bytes"])
    try:
        with _bound(f"sqlite:///{side}") as binding, binding.transaction(write=True) as connection:
            forgotten = task.finish(_premises(task, binding), connection)
        # Its own log goes first: a log of the replaced file must never meet the new one.
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        side.replace(file)
    finally:
        pages.remove(side)
    return forgotten


def _restore_rows(task: _Task, target: Any) -> int:
    import sqlalchemy as sa

    with _bound(target) as binding, binding.transaction(write=True) as connection:
        if connection.dialect.name != "postgresql":
            raise StoreError("A backup of PostgreSQL is restored to PostgreSQL.", code="FHR-STO-001")
        task.tables.metadata.drop_all(connection)
        if task.tables.schema is not None:
            connection.execute(sa.schema.CreateSchema(task.tables.schema, if_not_exists=True))
        task.tables.metadata.create_all(connection)
        rows.load(connection, task.tables, task.header["columns"], opened(task.path, task.keys))
        return task.finish(_premises(task, binding), connection)


def _premises(task: _Task, binding: Any) -> Premises:
    from fieldhr_core.trust.vault import MemoryKeyStore, Vault

    def refuse(_reading: object) -> None:
        raise TrustError("A restore opens no sealed values.", code="FHR-TRU-001")

    return Premises(
        binding=binding,
        tables=task.tables,
        vault=Vault(task.keys, MemoryKeyStore(), refuse),
        keys=task.keys,
        now=lambda: task.now,
        actor=task.actor,
    )


def _data_header(path: Path) -> dict[str, Any]:
    header = read_header(path)
    if header.get("format") != _FORMAT or header.get("kind") not in ("pages", "rows"):
        raise TrustError(f"The file {path.name} is no backup of a store.", code="FHR-TRU-004")
    return header


def _keys_for(header: Mapping[str, Any], keys_from: Path, keys: KeyProvider) -> list[dict[str, Any]]:
    copy, found = keycopy.read(keys_from, keys)
    if copy["created_ms"] < header["created_ms"]:
        raise TrustError(
            f"The copy of the keys {keys_from.name} is older than the backup.",
            code="FHR-TRU-004",
            hint="Give the newest one; older ones may lack keys and bring forgotten people back.",
        )
    return found


def _chain_record(
    premises: Premises, connection: Connection, tenant: str, witness: Witness | None = None
) -> dict[str, Any]:
    """Return where a tenant's trail stands: its last event, its MAC and Merkle root, and where it breaks if it does."""
    chain = _chain(premises, connection, tenant, witness)
    return {
        "tenant": tenant,
        "seq": chain.events,
        "mac": base64.b64encode(chain.mac).decode(),
        "root": base64.b64encode(chain.frontier.root()).decode(),
        "broken": None if chain.broken is None else chain.broken.seq,
    }


def _chain(premises: Premises, connection: Connection, tenant: str, witness: Witness | None) -> Chain:
    import sqlalchemy as sa

    table = premises.tables.audit
    if connection.execute(sa.select(table.c.seq).where(table.c.tenant == tenant).limit(1)).first() is None:
        return verify_chain((), b"", tenant)  # no event, and perhaps no key either
    vault = premises.vault_on(connection)
    key, public = chain_key(vault, tenant), None
    anchors: tuple[Checkpoint, ...] = ()
    if witness is not None:
        public = public_key(vault.secret(tenant, "audit", "checkpoint"))
        last = connection.execute(sa.select(sa.func.max(table.c.seq)).where(table.c.tenant == tenant)).scalar_one()
        anchors = tuple(one for one in witness.checkpoints(tenant) if one.seq <= last)
    with closing(events_of(connection, premises.tables, tenant)) as events:
        return verify_chain(events, key, tenant, checkpoints=anchors, public=public)


def _residents(target: Any, tables: StoreTables) -> tuple[bool, set[str]]:
    """Return whether a store is there, and its tenants; of a wrecked one nothing is known."""
    import sqlite3

    import sqlalchemy as sa

    file = None if isinstance(target, sa.Engine) else pages.file_of(target)
    if file is not None and sa.make_url(target).get_backend_name() == "sqlite" and not file.exists():
        return False, set()
    try:
        with _bound(target) as binding, binding.transaction(write=False) as connection:
            if not sa.inspect(connection).has_table(tables.tenants.name, schema=tables.schema):
                return False, set()
            return True, set(connection.execute(sa.select(tables.tenants.c.id)).scalars())
    except (StoreError, sa.exc.DatabaseError, sqlite3.Error):
        return True, set()


@contextlib.contextmanager
def _bound(url: Any) -> Iterator[Any]:
    from fieldhr_core.store.binding import bind

    binding = bind(url)
    try:
        yield binding
    finally:
        binding.close()


def _refused(why: str) -> TrustError:
    return TrustError(f"The backup is not restored: {why}.", code="FHR-TRU-004", hint="Use another backup.")


def _version() -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version("fieldhr")
    except importlib.metadata.PackageNotFoundError:
        return "(without metadata)"


def age_s(made: Backup, now: datetime) -> float:
    """Return how old a backup is, in seconds."""
    return (milliseconds(now) - milliseconds(made.created)) / 1000
