"""The machine: disk, files, clock, zones, certificates."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fieldhr_core.care.doctor.patient import DAY_MS, Check, Fault, Patient
from fieldhr_core.errors import TrustError

__all__ = ["CHECKS", "paths_in"]

_LEAST_FREE: Final = 64 << 20
_OLD_S: Final = 3_600
_RELEASED_MS: Final = 1_735_689_600_000  # 2025-01-01: no clock of a machine that runs this is earlier
_FAR_MS: Final = 4_102_444_800_000  # 2100-01-01


def _disk_full(patient: Patient) -> Iterator[Fault]:
    folder = _folder(patient)
    free = patient.free_bytes(folder)
    if free < _LEAST_FREE:
        ours = _left_over(patient)
        yield Fault(
            cause=f"There are {free >> 20} MiB left on the disk of the database.",
            remedy=f"Free space on the disk of {folder}; nothing that was acknowledged is lost.",
            repair=(lambda: _remove(ours)) if ours else None,
        )


def _left_over(patient: Patient) -> list[Path]:
    """Return what backups and restores that were cut off left beside the database."""
    if patient.file is None or not patient.file.parent.is_dir():
        return []
    now = patient.now.timestamp()
    return [
        path
        for path in patient.file.parent.iterdir()
        if (path.name.startswith((".fieldhr-copy-", ".fieldhr-drill-")) or path.suffix in (".restoring", ".part"))
        and now - path.stat().st_mtime > _OLD_S
    ]


def _leftovers(patient: Patient) -> Iterator[Fault]:
    found = _left_over(patient)
    if found:
        yield Fault(
            cause=f"{len(found)} files of backups or restores that were cut off lie beside the database.",
            remedy="Remove them, or run: fieldhr doctor --fix",
            repair=lambda: _remove(found),
        )


def _zones(patient: Patient) -> Iterator[Fault]:
    if not (patient.has_zone("Asia/Shanghai") and patient.has_zone("Europe/Paris")):
        yield Fault(cause="The machine has no data on time zones.", remedy="Run: python -m pip install tzdata")


def _clock_far_off(patient: Patient) -> Iterator[Fault]:
    if not _RELEASED_MS < patient.now_ms < _FAR_MS:
        yield Fault(
            cause=f"The machine's clock says {patient.now.year}.", remedy="Set the clock; let it follow a time server."
        )


def _clock_behind(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    audit, tenants = patient.tables.audit, patient.tables.tenants
    real = sa.select(sa.func.max(audit.c.at_ms)).join(tenants, tenants.c.id == audit.c.tenant)
    last = patient.rows(real.where(tenants.c.simulated.is_(False)))[0][0]
    if last is not None and last > patient.now_ms + 300_000:
        hours = (last - patient.now_ms) / 3_600_000
        yield Fault(
            cause=f"The audit trail is {hours:.1f} hours ahead of the machine's clock: one of two clocks is wrong.",
            remedy="Set the clock of every machine that writes to this store; let them follow one time server.",
        )


def _folder_read_only(patient: Patient) -> Iterator[Fault]:
    if patient.file is not None and not os.access(patient.file.parent, os.W_OK):
        yield Fault(
            cause=f"The folder {patient.file.parent} cannot be written: SQLite keeps its log there.",
            remedy="Give the program's user write access to the folder.",
        )


def _file_read_only(patient: Patient) -> Iterator[Fault]:
    file = patient.file
    if file is not None and file.exists() and not file.stat().st_mode & 0o200:
        yield Fault(
            cause=f"The file {file.name} is marked read-only.",
            remedy=f"Run: chmod u+w {file}",
            repair=lambda: file.chmod(file.stat().st_mode | 0o600),
        )


def _file_exposed(patient: Patient) -> Iterator[Fault]:
    file = patient.file
    if os.name == "posix" and file is not None and file.exists() and file.stat().st_mode & 0o022:
        yield Fault(
            cause=f"Others may write to {file.name} (mode {file.stat().st_mode & 0o777:o}).",
            remedy=f"Run: chmod go-w {file}",
            repair=lambda: file.chmod(file.stat().st_mode & 0o755),
        )


def _keys_exposed(patient: Patient) -> Iterator[Fault]:
    file = patient.key_file
    if os.name == "posix" and file is not None and file.exists() and file.stat().st_mode & 0o077:
        yield Fault(
            cause=f"Others may read the key file {file.name} (mode {file.stat().st_mode & 0o777:o}).",
            remedy=f"Run: chmod 600 {file}; think about who read it, then: fieldhr keys rotate --wrapping",
            repair=lambda: file.chmod(0o600),
        )


def _keys_unreadable(patient: Patient) -> Iterator[Fault]:
    file = patient.key_file
    if file is not None and file.exists() and file.stat().st_mode & 0o077:
        return  # has a name of its own
    if os.name == "posix" and file is not None and file.exists() and not file.stat().st_mode & 0o400:
        yield Fault(
            cause=f"Its owner may not read the key file {file.name} (mode {file.stat().st_mode & 0o777:o}).",
            remedy=f"Run: chmod 600 {file}",
            repair=lambda: file.chmod(0o600),
        )
        return
    try:
        patient.open_keys()
    except TrustError as fault:
        yield Fault(cause=fault.message, remedy=f"{fault.hint} Without it nothing sealed can be read.")


def _certificates(patient: Patient) -> Iterator[Fault]:
    from cryptography import x509

    for tenant in patient.tenants():
        for place, path in paths_in(tenant.settings, (".pem", ".crt", ".cer")):
            if not path.exists():
                yield Fault(cause=f"The certificate {path.name} of {place} is not there.", remedy=f"Put it to {path}.")
                continue
            try:
                ends = [one.not_valid_after_utc for one in x509.load_pem_x509_certificates(path.read_bytes())]
            except ValueError:
                continue  # a key, or nothing of ours
            if ends and min(ends) < patient.now:
                yield Fault(
                    cause=f"The certificate {path.name} of {place} expired on {min(ends).date()}.",
                    remedy=f"Put a valid one to {path}.",
                )


def _lists(patient: Patient) -> Iterator[Fault]:
    for tenant in patient.tenants():
        for place, path in paths_in(tenant.settings, (".csv", ".json", ".jsonl", ".xml", ".toml", ".txt")):
            if "list" not in place.lower():
                continue
            if not path.exists():
                yield Fault(cause=f"The list {path.name} of {place} is not there.", remedy=f"Put it to {path}.")
            elif tenant.now_ms - path.stat().st_mtime * 1000 > 35 * DAY_MS:
                day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
                yield Fault(
                    cause=f"The list {path.name} of {place} is of {day}.",
                    remedy="Fetch the present one from its source.",
                )


def paths_in(settings: Mapping[str, Any], endings: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield (place in the settings, path) of every text that looks like a file with one of these endings."""

    def walk(place: str, value: Any) -> Iterator[tuple[str, Path]]:
        if isinstance(value, Mapping):
            for name, item in value.items():
                yield from walk(f"{place}.{name}" if place else str(name), item)
        elif isinstance(value, (list, tuple)):
            for number, item in enumerate(value):
                yield from walk(f"{place}[{number}]", item)
        elif isinstance(value, str) and value.endswith(endings) and "://" not in value:
            yield place, Path(value)

    yield from walk("", settings)


def _folder(patient: Patient) -> Path:
    folder = patient.file.parent if patient.file is not None else Path()
    return folder if folder.exists() else Path()


def _remove(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


CHECKS: Final = (
    Check("disk.full", "nothing", _disk_full),
    Check("disk.leftovers", "nothing", _leftovers),
    Check("zones.missing", "nothing", _zones),
    Check("clock.far_off", "nothing", _clock_far_off),
    Check("clock.behind", "tables", _clock_behind),
    Check("folder.read_only", "nothing", _folder_read_only),
    Check("database.read_only", "nothing", _file_read_only),
    Check("database.exposed", "nothing", _file_exposed),
    Check("keys.exposed", "nothing", _keys_exposed),
    Check("keys.unreadable", "nothing", _keys_unreadable),
    Check("certificate.expired", "tables", _certificates),
    Check("list.stale", "tables", _lists),
)
