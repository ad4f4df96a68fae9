"""What compliance checks say about something handed in. A check that cannot answer clears nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fieldhr_core.errors import PluginError
from fieldhr_core.flow.cases import case_id, raise_findings
from fieldhr_core.flow.values import plain
from fieldhr_core.model import Ground, Outcome, Ruling, Submission, instant, milliseconds
from fieldhr_core.store.rows import canonical_json, put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["is_checked", "keep_rulings", "pack_submission", "rule", "strictest", "submission_from"]

#: Letters of a submission with what it must be read with, that a case carries at most.
_CARRIED_AT_MOST = 1 << 20

_STRICTNESS = {Outcome.CLEARED: 0, Outcome.REVIEW: 1, Outcome.STOP: 2}


def is_checked(acting: Acting, unit: Unit, kind: str) -> bool:
    """Return whether anything of a kind must be put before a check: one looks at it, failed to, or is relied on."""
    if acting.facts(unit).settings.get("required_checks", {}).get(kind) or acting.house.registry.missing("checks"):
        return True
    checks = [check for _, check in acting.providers(unit, "checks")]
    return any(isinstance(check, PluginError) or kind in check.kinds for check in checks)


def rule(
    acting: Acting, unit: Unit, kind: str, submissions: Sequence[Submission]
) -> tuple[dict[str, Sequence[Ruling]], list[str]]:
    """Ask every check of a kind. Return each check's rulings, and the names of those that could not answer.

    A tenant names the checks it relies on (``{"required_checks": {"message": ["conduct.phrases"]}}``), so that one that
    could not even be loaded keeps everything uncleared too.
    """
    answered: dict[str, Sequence[Ruling]] = {}
    failed: list[str] = []
    for offer, check in acting.providers(unit, "checks"):
        if isinstance(check, PluginError):
            failed.append(f"{offer}: {check.code}")
            continue
        if kind not in check.kinds:
            continue
        try:
            answered[offer] = acting.house.guard.call(check, "check", list(submissions))
        except PluginError as failure:
            failed.append(f"{offer}: {failure.code}")
    failed += acting.house.registry.missing("checks")
    required = acting.facts(unit).settings.get("required_checks", {}).get(kind, ())
    failed += [f"{name}: not installed" for name in required if name not in answered]
    return answered, failed


def strictest(
    submissions: Sequence[Submission], each: dict[str, Sequence[Ruling]], failed: Sequence[str]
) -> list[Ruling]:
    """Return one ruling a submission: the strictest outcome, every ground and every finding."""
    answers = []
    for place, submission in enumerate(submissions):
        mine = [rulings[place] for rulings in each.values()]
        grounds = tuple(ground for ruling in mine for ground in ruling.grounds)
        findings = tuple(finding for ruling in mine for finding in ruling.findings)
        outcome = max((ruling.outcome for ruling in mine), key=_STRICTNESS.__getitem__, default=Outcome.REVIEW)
        if failed or not mine:
            outcome = max(outcome, Outcome.REVIEW, key=_STRICTNESS.__getitem__)
            grounds += (_unanswered(failed),)
        answers.append(
            Ruling(submission=submission.id, outcome=outcome, grounds=grounds, findings=findings, check="all")
        )
    return answers


def _unanswered(failed: Sequence[str]) -> Ground:
    return Ground(
        code="check.failed" if failed else "check.none",
        verdict="review",
        severity="high",
        rule="checks fail closed",
        source="fieldhr",
        facts={"checks": list(failed)},
    )


def keep_rulings(
    acting: Acting,
    unit: Unit,
    kind: str,
    each: dict[str, Sequence[Ruling]],
    *,
    handed: Sequence[Submission] = (),
) -> None:
    """Keep every check's rulings with their grounds, and raise what they found.

    Args:
        handed: what was ruled on, in the rulings' order, where nobody but the host keeps it: the cases carry it.
    """
    with unit.housework():  # what is found may be kept from whoever handed it in
        _keep_rulings(acting, unit, kind, each, handed)


def _keep_rulings(
    acting: Acting, unit: Unit, kind: str, each: dict[str, Sequence[Ruling]], handed: Sequence[Submission]
) -> None:
    table = acting.tables.rulings
    for offer, rulings in each.items():
        ids = [f"{kind}/{ruling.submission}/{offer}" for ruling in rulings]
        # The grounds of a whole batch are often the same ones: no list, nothing found.
        written: dict[tuple[int, ...], bytes] = {}
        bodies = []
        for ruling in rulings:
            same = tuple(map(id, ruling.grounds))
            if same not in written:
                written[same] = canonical_json([plain(ground) for ground in ruling.grounds])
            bodies.append(written[same])
        sealed = unit.seal(table, "grounds_sealed", "message", ids, bodies)
        put(
            unit.connection,
            table,
            [
                {
                    "tenant": acting.tenant,
                    "kind": kind,
                    "submission": ruling.submission,
                    "check": offer,
                    "version": ruling.version,
                    "outcome": ruling.outcome.value,
                    "at_ms": unit.at_ms,
                    "grounds_sealed": body,
                }
                for ruling, body in zip(rulings, sealed, strict=True)
            ],
        )
        findings = [finding for ruling in rulings for finding in ruling.findings]
        carried: dict[str, Any] = {}
        for place, ruling in enumerate(rulings):
            packed = pack_submission(handed[place]) if handed and ruling.findings else None
            for finding in ruling.findings if packed or ruling.carries else ():
                carried[case_id(acting.tenant, finding)] = packed or {"with": plain(ruling.carries)}
        raise_findings(acting, unit, findings, origin=offer, carried=carried)


def pack_submission(submission: Submission) -> dict[str, Any] | None:
    """Return a submission as JSON values; ``None`` where it is too large, or would not come back as it was."""
    packed = {
        "id": submission.id,
        "kind": submission.kind,
        "value": submission.value,
        "at_ms": milliseconds(submission.at),
        "context": list(submission.context),
    }
    try:
        written = json.dumps(packed, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    if len(written) > _CARRIED_AT_MOST or json.loads(written) != packed:
        return None
    return packed


def submission_from(packed: Mapping[str, Any]) -> Submission:
    """Return the submission that :func:`pack_submission` made these values of."""
    return Submission(
        id=packed["id"],
        kind=packed["kind"],
        value=packed["value"],
        at=instant(packed["at_ms"]),
        context=tuple(packed["context"]),
    )
