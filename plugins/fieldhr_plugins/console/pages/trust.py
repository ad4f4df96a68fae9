"""Trust: whether the audit trail holds, who did what, when it was backed up, what can be proven of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fieldhr_core.model import Role
from fieldhr_plugins.console.pages import words
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fieldhr_core.care.evidence.proof import Proof
    from fieldhr_core.flow.desk import Desk

__all__ = ["render"]

_CARE: Final = ("backup.create", "backup.drill", "backup.restore", "keys.rotate", "keys.rewrap", "keys.forget")
_SHOWN: Final = 60


def render(desk: Desk, asked: Asked) -> Answer:
    """Return the page. Query: ``prove`` reads the whole chain. Form: ``evidence`` runs the checks of the store."""
    speech = asked.speech
    _, _, zone, simulated = desk.boards.whose()
    chain = desk.trail.verify() if asked.query.get("prove") else None
    events = desk.boards.trail(limit=_SHOWN)
    care = desk.boards.trail(limit=12, actions=_CARE)
    return Answer(
        title=speech.t("Trust"),
        sub=speech.t("what was done, by whom, and whether it can be proven"),
        simulated=simulated,
        body=template(
            "trust.html.j2",
            asked,
            chain=chain,
            events=events,
            care=care,
            proofs=_proofs(asked),
            may_prove=asked.hr is not None and asked.principal.role is Role.ADMIN,
            zone=zone,
            purpose=lambda code: words.purpose(speech, code),
            role=lambda code: words.role(speech, code),
            last=next((event for event in care if event.action == "backup.create"), None),
            drill=next((event for event in care if event.action == "backup.drill"), None),
        ),
    )


def _proofs(asked: Asked) -> Sequence[Proof] | None:
    """Return what the checks of the store found; ``None`` where no form of ours asked for them: they are work."""
    if asked.hr is None or not asked.form.get("evidence") or asked.principal.role is not Role.ADMIN:
        return None
    return asked.hr.care.evidence(drill=False).proofs
