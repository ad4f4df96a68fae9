"""The audit trail as a desk shows it: read, and proved from its first event to its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from fieldhr_core.errors import AccessError
from fieldhr_core.flow import scoping
from fieldhr_core.flow.witnessing import signer, witness_of
from fieldhr_core.store.audit import chain_key, events_of
from fieldhr_core.trust.audit import Chain, Event, Witness, verify

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Trail", "proved"]


def proved(acting: Acting, unit: Unit, witness: Witness | None = None) -> Chain:
    """Read a tenant's whole chain within a unit, and hold it against its witness if it has one."""
    witness = witness or witness_of(acting, unit)
    anchors = () if witness is None else witness.checkpoints(acting.tenant)
    public = signer(acting, unit) if anchors else None
    key = chain_key(unit.vault, acting.tenant)
    with closing(events_of(unit.connection, acting.tables, acting.tenant)) as rows:
        return verify(rows, key, acting.tenant, checkpoints=anchors, public=public)


class Trail:
    """The desk's room for the audit trail; for auditors, compliance and administrators."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def list(self, *, after: int = 0, limit: int = 1_000) -> list[Event]:
        """Return events with a sequence number greater than *after*, at most *limit* of them.

        Raises:
            AccessError: FHR-ACC-003 where the principal's role does not read the trail.
        """
        found: list[Event] = []
        with (
            self._reading() as unit,
            closing(events_of(unit.connection, self._acting.tables, self._acting.tenant)) as rows,
        ):
            for event, _ in rows:
                if event.seq > after:
                    found.append(event)
                if len(found) == limit:
                    break
        return found

    def verify(self, witness: Witness | None = None) -> Chain:
        """Read the tenant's whole chain and say whether it holds, and which place is the first that does not.

        Args:
            witness: whose checkpoints it must hold with; by default the one the tenant's setting names.

        Raises:
            AccessError: FHR-ACC-003 where the principal's role does not read the trail.
        """
        with self._reading() as unit:
            return proved(self._acting, unit, witness)

    @contextmanager
    def _reading(self) -> Iterator[Unit]:
        with self._acting.unit() as unit:
            if not scoping.reaches_everybody(self._acting.principal, "audit"):
                raise AccessError("This principal may not read the audit trail.", code="FHR-ACC-003")
            yield unit
