"""The evidence table: controls of the standards, and what the checks behind each of them found here."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.care.evidence.proof import CHECKS, FAIL, HOST, PASS, UNSHOWN, Check, Proof, Scene, carried_out
from fieldhr_core.errors import FieldhrError
from fieldhr_core.store.rows import canonical_json

if TYPE_CHECKING:
    from fieldhr_core.care.premises import Premises

__all__ = ["Control", "Evidence", "Row", "checks", "controls", "evidence", "unopened"]

#: Code of the error with which a runtime does not open -> the check that this answers.
_ANSWERED: Final = {
    "FHR-TRU-001": "keys.rows",
    "FHR-TRU-002": "keys.provider",
    "FHR-STO-006": "scope.weaknesses",
}


@attrs.frozen(kw_only=True)
class Control:
    """A control of a standard.

    Attributes:
        id: of ours, stable.
        standard, clause: where it stands, in the standard's own numbering.
        title: language -> what it asks for.
        checks: names of the checks that show it.
        host: language -> what remains for the host; empty where nothing does.
    """

    id: str
    standard: str
    clause: str
    title: Mapping[str, str]
    checks: tuple[str, ...]
    host: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Row:
    """A control with what was found.

    Attributes:
        status: ``pass``: every check behind it passed; ``fail``: one did not; ``host``: it is the host's to see to;
            ``unshown``: it cannot be shown here.
        found: what is wrong, or why it is no pass.
        sha256: hash over the proofs behind it; empty without any.
    """

    control: Control
    status: str
    found: tuple[str, ...]
    sha256: str

    def as_record(self, language: str = "en") -> dict[str, Any]:
        """Return the row as JSON values, its texts in one language."""
        one = self.control
        return {
            "control": one.id,
            "standard": one.standard,
            "clause": one.clause,
            "title": one.title.get(language) or one.title["en"],
            "status": self.status,
            "checks": list(one.checks),
            "found": list(self.found),
            "host": one.host.get(language) or one.host.get("en", ""),
            "sha256": self.sha256,
        }


@attrs.frozen(kw_only=True)
class Evidence:
    """What one examination found.

    Attributes:
        made: instant, RFC 3339.
        tool: name and version of what examined.
        tenants: how many, and how many of them are synthetic.
        rows: the table, in the order of the standards.
        proofs: what each check tried and found.
    """

    made: str
    tool: str
    tenants: int
    simulated: int
    rows: tuple[Row, ...]
    proofs: tuple[Proof, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many controls have which status."""
        found = dict.fromkeys((PASS, FAIL, HOST, UNSHOWN), 0)
        for row in self.rows:
            found[row.status] += 1
        return found

    @property
    def sha256(self) -> str:
        """Hash over all proofs and rows."""
        parts = [proof.sha256 for proof in self.proofs] + [f"{row.control.id} {row.status}" for row in self.rows]
        return hashlib.sha256(canonical_json([self.made, self.tool, *parts])).hexdigest()

    def row(self, control: str) -> Row:
        """Return the row of a control's id; ``KeyError`` where there is none."""
        return {row.control.id: row for row in self.rows}[control]

    def proof(self, name: str) -> Proof:
        """Return what a check found; ``KeyError`` where there is none of that name."""
        return {proof.check: proof for proof in self.proofs}[name]

    def as_record(self, language: str = "en") -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "format": 1,
            "made": self.made,
            "tool": self.tool,
            "tenants": self.tenants,
            "simulated": bool(self.simulated),
            "statement": "What was tried on this store, and nothing beyond it. No assessment body took part.",
            "counts": self.counts,
            "controls": [row.as_record(language) for row in self.rows],
            "checks": [proof.as_record() for proof in self.proofs],
            "sha256": self.sha256,
        }

    def as_json(self, language: str = "en") -> bytes:
        """Return everything as one JSON object, UTF-8."""
        return json.dumps(self.as_record(language), ensure_ascii=False, indent=1).encode() + b"\n"

    def as_html(self, language: str = "en") -> str:
        """Return the table as a page that needs nothing besides, in ``en`` or ``zh-Hans``."""
        from fieldhr_core.care.evidence.sheet import sheet

        return sheet(self, language)


@cache
def controls() -> tuple[Control, ...]:
    """Return every control, in the order of the standards."""
    text = files("fieldhr_core.care.evidence").joinpath("controls.toml").read_text("utf-8")
    found = [
        Control(
            id=record["id"],
            standard=record["standard"],
            clause=record["clause"],
            title=record["title"],
            checks=tuple(record["checks"]),
            host=record.get("host", {}),
        )
        for record in tomllib.loads(text)["control"]
    ]
    standards = list(dict.fromkeys(one.standard for one in found))
    return tuple(sorted(found, key=lambda one: standards.index(one.standard)))


def checks() -> Mapping[str, Check]:
    """Return every check by name, in the order in which they run."""
    import fieldhr_core.care.evidence.house
    import fieldhr_core.care.evidence.recovery
    import fieldhr_core.care.evidence.scope
    import fieldhr_core.care.evidence.sealing
    import fieldhr_core.care.evidence.trail
    import fieldhr_core.care.evidence.worker  # noqa: F401 - each brings its checks

    return CHECKS


def evidence(premises: Premises, *, drill: bool = True, only: Iterable[str] | None = None) -> Evidence:
    """Carry out the checks on a store and its runtime, and hold the standards' controls against what they found.

    Args:
        drill: whether a backup is made, a copy destroyed and restored; that takes about a minute for two gigabytes.
        only: names of checks; ``None``: all. A control whose checks were not all carried out cannot be shown.

    The trail of every tenant notes that it was done. Nothing that is tried is kept.
    """
    import sqlalchemy as sa

    from fieldhr_core.care.pages import file_of

    assert premises.stage is not None
    tenants = premises.tables.tenants
    with premises.binding.transaction(write=True) as connection:
        simulated = list(connection.execute(sa.select(tenants.c.simulated)).scalars())
        file = file_of(connection.engine.url) if connection.dialect.name == "sqlite" else None
        for tenant in premises.tenants(connection):
            premises.note(connection, tenant, "evidence.run", "store")
    scene = Scene(
        premises=premises,
        file=file,
        is_trial=bool(simulated) and all(simulated),
        plugins=premises.stage(premises.binding, premises.now()).hr.plugins,
        drill=drill,
    )
    names = [name for name in checks() if only is None or name in set(only)]
    proofs = tuple(carried_out(scene, iter(names)))
    return _table(premises.now().isoformat(), proofs, len(simulated), sum(map(bool, simulated)))


def unopened(failure: FieldhrError, at: str) -> Evidence:
    """Return the table for a store that no runtime opens on: what that answers fails, the rest cannot be shown."""
    blamed = _ANSWERED.get(failure.code, "durable.pages")
    names = dict.fromkeys(name for control in controls() for name in control.checks)
    proofs = tuple(
        Proof(
            check=name,
            status=FAIL if name == blamed else UNSHOWN,
            tried="A runtime was opened on the store.",
            found=(f"It does not open: {failure.message}" if name == blamed else "No runtime opens on the store.",),
            facts={"code": failure.code},
            at=at,
        )
        for name in names
    )
    return _table(at, proofs, 0, 0)


def _table(made: str, proofs: tuple[Proof, ...], tenants: int, simulated: int) -> Evidence:
    by_name = {proof.check: proof for proof in proofs}
    rows = tuple(_row(control, [by_name.get(name) for name in control.checks]) for control in controls())
    return Evidence(made=made, tool=_tool(), tenants=tenants, simulated=simulated, rows=rows, proofs=proofs)


def _row(control: Control, proofs: Sequence[Proof | None]) -> Row:
    done = [proof for proof in proofs if proof is not None]
    found = tuple(dict.fromkeys(text for proof in done if proof.status != PASS for text in proof.found))
    said = {proof.status for proof in done}
    if FAIL in said:
        status = FAIL
        found = tuple(dict.fromkeys(text for proof in done if proof.status == FAIL for text in proof.found))
    elif not control.checks:
        status = HOST if control.host else UNSHOWN
    elif UNSHOWN in said or len(done) < len(proofs):
        status = UNSHOWN
    elif said == {HOST}:
        status = HOST
    else:
        # What passed is shown; what of it is the host's is said beside it.
        status = PASS
    digest = hashlib.sha256("".join(proof.sha256 for proof in done).encode()).hexdigest() if done else ""
    return Row(control=control, status=status, found=found, sha256=digest)


def _tool() -> str:
    import importlib.metadata

    try:
        return f"fieldhr {importlib.metadata.version('fieldhr')}"
    except importlib.metadata.PackageNotFoundError:
        return "fieldhr (without metadata)"
