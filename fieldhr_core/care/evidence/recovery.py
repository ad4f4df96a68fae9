"""What survives: settings for durability, whole pages, backups that open for nobody else, and a drill that was run."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shutil
import sqlite3
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fieldhr_core.care import backup, keycopy, stream
from fieldhr_core.care.drill import drill
from fieldhr_core.care.evidence.proof import HOST, UNSHOWN, Finds, Scene, check, pairs
from fieldhr_core.errors import FieldhrError, TrustError
from fieldhr_core.model import instant
from fieldhr_core.trust.audit import Checkpoint, Frontier
from fieldhr_core.trust.keys import EphemeralKeys

__all__: list[str] = []

_WEEK: Final = timedelta(days=7)
_FLIPS: Final = 50


@check("durable.settings")
def _settings(scene: Scene, finds: Finds) -> None:
    with scene.premises.binding.transaction(write=False) as connection:
        if connection.dialect.name == "sqlite":
            wanted = {
                "synchronous": ("2", "3"), "secure_delete": ("1",), "foreign_keys": ("1",),
                "journal_mode": ("wal", "delete", "truncate", "persist"), "temp_store": ("2",),
            }  # fmt: skip
            if scene.file is None:
                wanted = {"foreign_keys": ("1",)}
            elif os.name == "posix":
                shown = scene.file.stat().st_mode
                finds.expect(not shown & 0o022, f"Others may write to the database (mode {shown & 0o777:o}).")
                around = scene.file.parent.stat().st_mode
                finds.expect(
                    not around & 0o002 or around & stat.S_ISVTX, "Everybody may exchange files beside the database."
                )
            for name, good in wanted.items():
                found = str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()).lower()
                finds.facts[name] = found
                finds.expect(found in good, f"{name} is {found}: {_MEANS[name]}")
            return
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            found = str(connection.exec_driver_sql(f"SHOW {name}").scalar())
            finds.facts[name] = found
            finds.expect(
                found not in ("off", "local_off"), f"{name} is {found}: a power cut loses what was acknowledged."
            )


_MEANS: Final = {
    "synchronous": "a power cut loses what was acknowledged.",
    "secure_delete": "what was deleted stays in the pages of the file.",
    "foreign_keys": "rows may belong to rows that are not there.",
    "journal_mode": "a crash can break the database.",
    "temp_store": "what is sorted may be written to temporary files.",
}


@check("durable.wiped")
def _wiped(scene: Scene, finds: Finds) -> None:
    from fieldhr_core.store.binding import bind

    if scene.premises.binding.dialect != "sqlite":
        finds.leave(HOST, "Dead rows of PostgreSQL stay until VACUUM: schedule it, and encrypt the disk.")
        return
    mark = secrets.token_hex(16)
    with _room(scene) as folder:
        file = folder / "scratch.db"
        with contextlib.closing(bind(f"sqlite:///{file}")) as binding:
            with binding.transaction(write=True) as connection:
                connection.exec_driver_sql("CREATE TABLE t (a TEXT)")
            with binding.transaction(write=True) as connection:
                connection.exec_driver_sql("INSERT INTO t VALUES (?)", (mark * 50,))
            with binding.transaction(write=True) as connection:
                connection.exec_driver_sql("DELETE FROM t")
            driver = sqlite3.connect(file)
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            driver.close()
            held = [path.name for path in folder.iterdir() if mark.encode() in path.read_bytes()]
        finds.facts["files"] = 1
        finds.expect(not held, "What was deleted is still in the file.")


@check("durable.pages")
def _pages(scene: Scene, finds: Finds) -> None:
    with scene.premises.binding.transaction(write=False) as connection:
        if connection.dialect.name == "sqlite":
            found = connection.exec_driver_sql("PRAGMA quick_check").scalar()
            finds.expect(found == "ok", "The pages of the database do not hold together.")
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            finds.expect(not orphans, "Rows belong to rows that are not there.")
        else:
            found = connection.exec_driver_sql("SHOW data_checksums").scalar()
            finds.facts["data_checksums"] = str(found)
            if found != "on":
                finds.leave(HOST, "Pages of this server have no checksums: initdb --data-checksums.")


def _is_walled(scene: Scene, finds: Finds) -> bool:
    """Whether the user who logs in cannot read the whole database, which is as it should be and makes no backup."""
    wall: Any = scene.premises.binding
    if wall.dialect != "postgresql" or not wall.is_up:
        return False
    finds.leave(UNSHOWN, "Backups are made by another database user: run the checks as that one, too.")
    return True


@check("backup.sealed")
def _sealed(scene: Scene, finds: Finds) -> None:
    if _is_walled(scene, finds):
        return
    premises = scene.premises
    with _room(scene) as folder:
        path, keys_to = folder / "b", folder / "k"
        _create(scene, path, keys_to)
        finds.expect(backup.verify(path, premises.keys, keys_from=keys_to).rows >= 0, "A backup cannot be verified.")
        for name, file in (("backup", path), ("copy of the keys", keys_to)):
            raw = file.read_bytes()
            body = raw[12 + int.from_bytes(raw[8:12], "big") :][-65_536:]  # what follows the header
            finds.facts[f"{name} bytes"] = len(raw)
            finds.expect(b"SQLite format 3" not in raw, f"The {name} holds pages in the clear.")
            finds.expect(b"CREATE TABLE" not in raw, f"The {name} holds pages in the clear.")
            finds.expect(_looks_random(body), f"The bytes of the {name} are not those of something encrypted.")
        _holds_no_key(scene, finds, path)
        stranger = EphemeralKeys()
        for file in (path, keys_to):
            finds.expect(_refused(lambda file=file: _read(file, stranger)), "A backup opens with somebody else's keys.")
        _damaged(scene, finds, path, folder)


def _create(scene: Scene, path: Path, keys_to: Path) -> Any:
    return backup.create(scene.premises, path, keys_to, is_kept=False)


def _looks_random(body: bytes) -> bool:
    """Whether bytes are spread as those of a cipher: nearly eight bits of entropy each, as their number allows."""
    if len(body) < 2_048:
        return True
    counts = Counter(body)
    entropy = -sum(n / len(body) * math.log2(n / len(body)) for n in counts.values())
    return entropy > 8 - 200 / len(body) * math.log2(math.e) - 0.2


def _holds_no_key(scene: Scene, finds: Finds, path: Path) -> None:
    with scene.premises.binding.transaction(write=False) as connection:
        wrapped = [row["wrapped"] for row in keycopy.rows_of(connection, scene.premises.tables) if row["wrapped"]]
    plain = b"".join(stream.opened(path, scene.premises.keys)) if path.stat().st_size < 1 << 28 else b""
    finds.expect(not any(bytes(key) in plain for key in wrapped[:200]), "The backup holds the data keys, too.")
    finds.expect(plain or not wrapped, "The backup is empty.")


def _read(path: Path, keys: Any) -> None:
    for _ in stream.opened(path, keys):
        pass


def _damaged(scene: Scene, finds: Finds, path: Path, folder: Path) -> None:
    raw, broken = path.read_bytes(), folder / "broken"
    places = [0, 9, 40, len(raw) // 2, len(raw) - 1, *(secrets.randbelow(len(raw)) for _ in range(_FLIPS))]
    variants = [raw[:place] + bytes([raw[place] ^ 1 << secrets.randbelow(8)]) + raw[place + 1 :] for place in places]
    variants += [raw[: len(raw) * part // 8] for part in range(8)] + [raw + b"x", raw[:-1]]
    for variant in variants:
        broken.write_bytes(variant)
        finds.count("damaged")
        finds.expect(_refused(lambda: backup.verify(broken, scene.premises.keys)), "A damaged backup is accepted.")


def _refused(call: Any) -> bool:
    try:
        call()
    except FieldhrError:
        return True
    return False


@check("backup.refuses")
def _refuses(scene: Scene, finds: Finds) -> None:
    premises = scene.premises
    if premises.binding.dialect != "sqlite":
        finds.leave(
            UNSHOWN, "It is tried on SQLite files only; on PostgreSQL the drill restores into tables of its own."
        )
        return
    with _room(scene) as folder:
        path, keys_to, target = folder / "b", folder / "k", f"sqlite:///{folder / 'r.db'}"
        made = _create(scene, path, keys_to)
        options: dict[str, Any] = {"now": premises.now(), "prefix": premises.tables.prefix}
        finds.expect(
            _refused(lambda: backup.restore(path, target, EphemeralKeys(), keys_to, **options)),
            "A backup is restored with somebody else's keys.",
        )
        finds.expect(
            _refused(
                lambda: backup.restore(path, target, premises.keys, keys_to, tenants={"somebody.else"}, **options)
            ),
            "A backup is restored in place of another tenant's store.",
        )
        finds.expect(
            _refused(lambda: backup.restore(path, target, premises.keys, path, **options)),
            "A backup is restored without its keys.",
        )
        if made.tenants:
            ahead = _Ahead()
            finds.expect(
                _refused(lambda: backup.restore(path, target, premises.keys, keys_to, witness=ahead, **options)),
                "A backup is restored although the witness knows later events.",
            )
        done = backup.restore(path, target, premises.keys, keys_to, **options)
        finds.expect(done.digest_equal, "What was restored is not what was backed up.")
        finds.facts |= {"rows": made.rows, "seconds": round(done.seconds, 1)}


class _Ahead:
    """A witness that knows more than any backup."""

    def publish(self, signed: Checkpoint, /) -> None:
        """Keep nothing."""

    def checkpoints(self, tenant: str, /) -> list[Checkpoint]:
        """Return one checkpoint of the far future."""
        return [Checkpoint(tenant=tenant, seq=1 << 40, mac=b"", frontier=Frontier(), at_ms=0, signature=b"")]


@check("backup.drill")
def _drill(scene: Scene, finds: Finds) -> None:
    if _is_walled(scene, finds):
        return
    if not scene.drill:
        finds.leave(UNSHOWN, "No drill was asked for.")
        return
    try:
        done = drill(scene.premises)
    except TrustError as failure:
        finds.wrong.append(f"The drill did not bring the store back: {failure.code}.")
        return
    finds.facts |= {"rpo_s": done.rpo_s, "rto_s": done.rto_s, "bytes": done.bytes, "rows": done.rows}
    finds.expect(done.digest_equal, "What came back is not what was there.")
    gigabytes = max(done.bytes / 1e9, 0.02)
    # A small store is measured coarsely; the bar is for a gigabyte.
    finds.expect(done.rto_s <= 30 * gigabytes + 30, f"Restoring took {done.rto_s} s.")


@check("backup.recent")
def _recent(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    tables = scene.premises.tables
    with scene.premises.binding.transaction(write=False) as connection:
        audit = tables.audit
        last = pairs(
            connection.execute(
                sa.select(audit.c.tenant, sa.func.max(audit.c.at_ms))
                .where(audit.c.action == "backup.create")
                .group_by(audit.c.tenant)
            )
        )
        real = connection.execute(sa.select(tables.tenants.c.id).where(tables.tenants.c.simulated.is_(False))).scalars()
        ids = list(real)
        copies = keycopy.known_copies(connection, tables)
    gone = [path for path in copies if not path.exists()]
    finds.expect(not gone, "The copy of the data keys is gone: no backup can be restored.")
    for path in copies:
        if path.exists():
            finds.expect(
                not _refused(lambda path=path: keycopy.read(path, scene.premises.keys)),
                "The copy of the data keys does not open.",
            )
    late = [tenant for tenant in ids if scene.premises.now() - instant(last.get(tenant, 0)) > _WEEK]
    finds.facts |= {"copies": len(copies), "late": len(late)}
    if late:
        finds.leave(
            HOST, f"{len(late)} tenants were not backed up within a week: fieldhr backup create FILE, every night."
        )


@check("backup.naive")
def _naive(scene: Scene, finds: Finds) -> None:
    file = scene.file
    if file is None:
        finds.leave(HOST, "Copies of a server's database are its administrator's to guard.")
        return
    own = {file.name, *(file.name + end for end in ("-wal", "-shm", "-journal"))}
    mine = _tenants_of(file, scene.premises.tables.tenants.name)
    for path in sorted(file.parent.iterdir()):
        if path.name in own or not path.is_file():
            continue
        finds.count("files")
        with path.open("rb") as opened:
            head = opened.read(16)
        if head == b"SQLite format 3\x00" and _tenants_of(path, scene.premises.tables.tenants.name) & mine:
            finds.expect(False, f"{path.name} is an unencrypted copy of the store.")


def _tenants_of(path: Path, table: str) -> set[str]:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return {row[0] for row in database.execute(f'SELECT id FROM "{table}"')}  # noqa: S608 - a name of our own
    except sqlite3.Error:
        return set()


@contextlib.contextmanager
def _room(scene: Scene) -> Iterator[Path]:
    """Yield a folder only its owner reads, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".fieldhr-evidence-", dir=scene.file.parent if scene.file else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
