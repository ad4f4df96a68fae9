"""``fieldhr trial security DIR``: the evidence checks on the store of a trial, or on any store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from fieldhr_core.errors import FieldhrError, SandboxError

if TYPE_CHECKING:
    from fieldhr_core.care.evidence.table import Evidence
    from fieldhr_core.flow.clock import Clock

__all__ = ["examine", "write"]

#: Files that are written beside the store.
JSON: Final = "security.json"
PAGES: Final = {"en": "security.html", "zh-Hans": "security.zh-Hans.html"}


def examine(folder: Path, *, db: str | None = None, key_file: str | None = None, drill: bool = True) -> Evidence:
    """Open the store of a trial and carry out every check on it; a store that does not open is evidence, too.

    Args:
        folder: of the trial.
        db: database URL; ``None``: ``trial.db`` in *folder*.
        key_file: with its keys; ``None``: the file beside the database.
        drill: whether a copy is destroyed and restored.

    Raises:
        SandboxError: FHR-SBX-002 where there is no store.
    """
    import sqlalchemy as sa

    from fieldhr_core.care.evidence.table import unopened
    from fieldhr_core.flow.clock import SystemClock
    from fieldhr_core.runtime import FieldHR
    from fieldhr_core.trust.keys import FileKeys

    url = db if db is not None and "://" in db else f"sqlite:///{db or folder / 'trial.db'}"
    file = Path(str(sa.make_url(url).database)) if url.startswith("sqlite") else None
    if file is not None and not file.is_file():
        raise SandboxError(
            f"There is no store {file}.", code="FHR-SBX-002", hint="Run: fieldhr trial run smoke --out DIR"
        )
    try:
        keys = FileKeys(key_file or f"{file}.keys") if key_file or file is not None else None
        with FieldHR.open(url, keys=keys, clock=_clock(url), migrate=False) as hr:
            return hr.care.acting("fieldhr.trial").evidence(drill=drill)
    except (FieldhrError, sa.exc.SQLAlchemyError) as failure:
        known = failure if isinstance(failure, FieldhrError) else FieldhrError("It is damaged.", code="FHR-STO-001")
        return unopened(known, SystemClock().now().isoformat())


def write(found: Evidence, folder: Path) -> None:
    """Write the table as JSON and as a page in each language."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_bytes(found.as_json())
    for language, name in PAGES.items():
        (folder / name).write_text(found.as_html(language), encoding="utf-8")


def _clock(url: str) -> Clock | None:
    """Return a clock that stands where that of a synthetic store stood last; ``None`` for a store with real tenants."""
    import sqlalchemy as sa

    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.model import instant
    from fieldhr_core.store.tables import StoreTables

    tables = StoreTables()
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            simulated = list(connection.execute(sa.select(tables.tenants.c.simulated)).scalars())
            last = connection.execute(sa.select(sa.func.max(tables.audit.c.at_ms))).scalar()
    finally:
        engine.dispose()
    return FrozenClock(instant(int(last))) if simulated and all(simulated) and last else None
