"""What a check says, and how checks are found by name."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.store.rows import canonical_json

if TYPE_CHECKING:
    from fieldhr_core.care.premises import Premises

__all__ = [
    "CHECKS",
    "FAIL",
    "HOST",
    "PASS",
    "UNSHOWN",
    "Check",
    "Finds",
    "Proof",
    "Scene",
    "carried_out",
    "check",
    "pairs",
]

PASS: Final = "pass"  # noqa: S105 - a result, not a word to pass by
FAIL: Final = "fail"
#: What is asked is for the host to see to.
HOST: Final = "host"
#: It cannot be shown here.
UNSHOWN: Final = "unshown"


@attrs.frozen(kw_only=True)
class Proof:
    """What one check found.

    Attributes:
        check: its name.
        status: ``pass``, ``fail``, ``host`` or ``unshown``.
        tried: what was tried, in words.
        found: what is wrong, one sentence each; empty where nothing is.
        facts: counts and names, JSON values without personal data.
        at: instant, RFC 3339.
    """

    check: str
    status: str
    tried: str
    found: tuple[str, ...] = ()
    facts: Mapping[str, Any] = attrs.field(factory=dict)
    at: str = ""

    @property
    def sha256(self) -> str:
        """Hash of everything the proof says."""
        return hashlib.sha256(canonical_json(attrs.asdict(self))).hexdigest()

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values, its hash among them."""
        return {**attrs.asdict(self), "found": list(self.found), "sha256": self.sha256}


@attrs.define(eq=False)
class Finds:
    """What a check gathers while it runs.

    Attributes:
        wrong: what is wrong; one sentence each.
        facts: counts and names.
        status: said by the check itself where nothing is wrong and it is still no pass.
        why: in that case, why.
    """

    wrong: list[str] = attrs.field(factory=list)
    facts: dict[str, Any] = attrs.field(factory=dict)
    status: str = PASS
    why: str = ""

    def expect(self, holds: object, otherwise: str) -> None:
        """Note *otherwise* where something does not hold."""
        if not holds and otherwise not in self.wrong:
            self.wrong.append(otherwise)

    def count(self, name: str, more: int = 1) -> None:
        """Count something."""
        self.facts[name] = int(self.facts.get(name, 0)) + more

    def leave(self, status: str, why: str) -> None:
        """Say that it is the host's, or cannot be shown here, and why."""
        self.status, self.why = status, why


@attrs.frozen(kw_only=True, eq=False)
class Scene:
    """What checks look at.

    Attributes:
        premises: the store.
        file: the database's file, if it is one.
        is_trial: whether every tenant is synthetic.
        plugins: how plugins fared.
        drill: whether a backup is made and destroyed.
    """

    premises: Premises
    file: Path | None
    is_trial: bool
    plugins: tuple[Any, ...]
    drill: bool


Run = Callable[[Scene, Finds], None]


@attrs.frozen(kw_only=True)
class Check:
    """A named check. What it tries stands in ``checks.toml``, in both languages."""

    name: str
    run: Run


#: Name -> check, in the order in which they run.
CHECKS: Final[dict[str, Check]] = {}


def check(name: str) -> Callable[[Run], Run]:
    """Register a function as the check of a name."""

    def registered(run: Run) -> Run:
        CHECKS[name] = Check(name=name, run=run)
        return run

    return registered


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return what each check tries: name -> language -> text."""
    return tomllib.loads(files("fieldhr_core.care.evidence").joinpath("checks.toml").read_text("utf-8"))


def carried_out(scene: Scene, names: Iterator[str]) -> Iterator[Proof]:
    """Run checks one after the other. One that cannot be carried out has not passed."""
    for name in names:
        one, finds = CHECKS[name], Finds()
        try:
            one.run(scene, finds)
        except Exception as failure:  # noqa: BLE001 - whatever a broken system raises, it is no pass
            code = getattr(failure, "code", "")
            finds.wrong.append(f"It could not be carried out: {type(failure).__name__}{f' {code}' if code else ''}.")
        status = FAIL if finds.wrong else finds.status
        yield Proof(
            check=name,
            status=status,
            tried=texts()[name]["en"],
            found=tuple(finds.wrong) or ((finds.why,) if finds.why else ()),
            facts=finds.facts,
            at=scene.premises.now().isoformat(),
        )


def pairs(rows: Iterable[Any]) -> dict[Any, Any]:
    """Return rows of two columns as a mapping."""
    return {row[0]: row[1] for row in rows}
