"""Keys, trail, witness, backups: what must hold so that the rest can be believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from fieldhr_core.care import keycopy
from fieldhr_core.care.doctor.patient import DAY_MS, HOUR_MS, Check, Fault, Patient, TenantRow
from fieldhr_core.care.premises import Premises
from fieldhr_core.care.rotation import ROTATION, rewrap, rotate
from fieldhr_core.errors import TrustError
from fieldhr_core.store.audit import chain_key, checkpoint_key, events_of, witness_file
from fieldhr_core.store.sealed import key_ids
from fieldhr_core.trust.audit import Checkpoint, FileWitness, verify

__all__ = ["CHECKS"]


def _foreign(patient: Patient) -> Iterator[Fault]:
    premises = _premises(patient)
    with patient.reading() as connection:
        rows = keycopy.rows_of(connection, patient.tables)
        vault = premises.vault_on(connection)
        closed = 0
        for tenant in {row["tenant"] for row in rows}:
            try:
                # Unwraps what is not wrapped with the present key, and so proves that it opens.
                for row in rows:
                    if row["tenant"] == tenant and row["wrapped"] is not None:
                        _unwrap(vault, row)
            except TrustError:
                closed += 1
    if closed:
        yield Fault(
            cause=f"The key file does not open the data keys of {closed} tenants: it is another store's, or too old.",
            remedy="Put back the key file that belongs to this store.",
        )


def _lost(patient: Patient) -> Iterator[Fault]:
    with patient.reading() as connection:
        known = {(row["tenant"], row["id"]) for row in keycopy.rows_of(connection, patient.tables)}
        tenants = [tenant.id for tenant in patient.tenants()]
        lost = [
            column.table
            for tenant in tenants
            for column, ident in key_ids(connection, patient.tables, tenant)
            if (tenant, ident) not in known
        ]
    if lost:
        yield Fault(
            cause=f"Values of {', '.join(sorted(set(lost)))} are sealed with keys that are not there.",
            remedy="Restore the newest copy of the keys: fieldhr backup restore ... --keys-from FILE",
        )


def _half_rotated(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    jobs = patient.tables.jobs
    begun = sa.select(jobs.c.tenant).where(jobs.c.job.startswith(f"{ROTATION} ")).distinct()
    for row in patient.rows(begun):
        yield Fault(
            cause=f"A rotation of the keys of tenant {row.tenant} was cut off.",
            remedy="Run: fieldhr keys rotate (it goes on where it stopped)",
            repair=partial(rotate, _premises(patient), row.tenant),
        )


def _rewrap_due(patient: Patient) -> Iterator[Fault]:
    premises = _premises(patient)
    with patient.reading() as connection:
        rows = keycopy.rows_of(connection, patient.tables)
    old = [row for row in rows if row["wrapped"] is not None and not premises.keys.is_current(row["wrapped"])]
    if old:
        yield Fault(
            cause=f"{len(old)} data keys are wrapped with a key that is no longer the present one.",
            remedy="Run: fieldhr doctor --fix",
            repair=lambda: rewrap(premises),
        )


def _copy_gone(patient: Patient) -> Iterator[Fault]:
    with patient.reading() as connection:
        gone = [path for path in keycopy.known_copies(connection, patient.tables) if not path.exists()]
    if gone:
        yield Fault(
            cause=f"{len(gone)} copies of the data keys are gone: backups cannot be restored without one.",
            remedy="Run: fieldhr doctor --fix, or fieldhr backup create",
            repair=lambda: keycopy.refresh(_premises(patient)),
        )


def _trail(patient: Patient) -> Iterator[Fault]:
    premises = _premises(patient)
    for tenant in patient.tenants():
        with patient.reading() as connection:
            first = next(iter(events_of(connection, patient.tables, tenant.id)), None)
            if first is None:
                continue
            key = chain_key(premises.vault_on(connection), tenant.id)
            with closing(events_of(connection, patient.tables, tenant.id)) as events:
                chain = verify(events, key, tenant.id)
        if chain.broken is not None:
            yield Fault(
                cause=f"The trail of tenant {tenant.id} breaks at event {chain.broken.seq} ({chain.broken.reason}).",
                remedy="Keep the database as it is, tell the auditor, and run: fieldhr audit verify --witness FILE",
            )


def _witness(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        file = _witness_file(patient, tenant)
        if file is not None and not file.parent.is_dir():
            yield Fault(
                cause=f"The witness of tenant {tenant.id} cannot be reached: its folder is not there.",
                remedy=f"Mount or make the folder of {file}.",
            )


def _witness_file(patient: Patient, tenant: TenantRow) -> Path | None:
    place = tenant.settings.get("witness")
    if not place:
        return None
    with patient.reading() as connection:
        return witness_file(connection, str(place))


def _checkpoints(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        file = _witness_file(patient, tenant)
        if not tenant.settings.get("witness") or (file is not None and not file.parent.is_dir()):
            continue
        made = _last_made(patient, tenant)
        last = tenant.created_ms if made is None else made.at_ms
        if last < tenant.now_ms - HOUR_MS:
            yield Fault(
                cause=f"The trail of {tenant.id} was last witnessed {(tenant.now_ms - last) / HOUR_MS:.0f} hours ago.",
                remedy="See that something calls advance() every minute, or run: fieldhr doctor --fix",
                repair=patient.advance,
            )


def _forgetful(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        file = _witness_file(patient, tenant)
        made = _last_made(patient, tenant)
        if file is None or made is None or not file.parent.is_dir():
            continue
        remedy = f"Keep {file} as it is, tell the auditor, and name a new file as witness."
        try:
            kept = FileWitness(file).checkpoints(tenant.id)
        except (OSError, TrustError):
            yield Fault(cause=f"The witness of tenant {tenant.id} cannot be read.", remedy=remedy)
            continue
        if made not in kept:
            cause = (
                f"The witness of tenant {tenant.id} lacks the last checkpoint that was made: it was cut or exchanged."
            )
            yield Fault(cause=cause, remedy=remedy)


def _last_made(patient: Patient, tenant: TenantRow) -> Checkpoint | None:
    import sqlalchemy as sa

    meta = patient.tables.meta
    rows = patient.rows(sa.select(meta.c.value).where(meta.c.key == checkpoint_key(tenant.id)))
    return Checkpoint.from_record(json.loads(rows[0].value)) if rows else None


def _no_backup(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    audit = patient.tables.audit
    for tenant in patient.tenants():
        if tenant.simulated:
            continue
        last = patient.rows(
            sa.select(sa.func.max(audit.c.at_ms)).where(audit.c.tenant == tenant.id, audit.c.action == "backup.create")
        )[0][0]
        if (last or tenant.created_ms) < tenant.now_ms - 7 * DAY_MS:
            what = "never been backed up" if last is None else "not been backed up for a week"
            yield Fault(cause=f"Tenant {tenant.id} has {what}.", remedy="Run: fieldhr backup create FILE, every night.")


def _premises(patient: Patient) -> Premises:
    premises = patient.premises()
    assert premises is not None  # these questions are asked only where the keys open
    return premises


def _unwrap(vault: object, row: dict[str, object]) -> None:
    from fieldhr_core.trust.vault import KeyRow, Vault

    assert isinstance(vault, Vault)
    vault.prove(
        KeyRow(
            **{
                name: row[name]  # type: ignore[arg-type] # a row of the table of keys
                for name in ("tenant", "id", "data_class", "person", "version", "suite", "wrapped", "state")
            }
        )
    )


CHECKS: Final = (
    Check("keys.foreign", "keys", _foreign),
    Check("keys.lost", "tables", _lost),
    Check("keys.half_rotated", "keys", _half_rotated),
    Check("keys.rewrap_due", "keys", _rewrap_due),
    Check("keys.copy_gone", "keys", _copy_gone),
    Check("audit.broken", "keys", _trail),
    Check("witness.unreachable", "tables", _witness),
    Check("witness.silent", "keys", _checkpoints),
    Check("witness.forgetful", "tables", _forgetful),
    Check("backup.overdue", "tables", _no_backup),
)
