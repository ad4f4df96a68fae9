"""The audit trail as a desk shows it: read, and proved from its first event to its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from fieldhr_core.errors import AccessError
from fieldhr_core.flow import scoping
from fieldhr_core.store.audit import chain_key, events_of
from fieldhr_core.trust.audit import Chain, Event, verify

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Trail"]


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

    def verify(self) -> Chain:
        """Read the tenant's whole chain and say whether it holds, and which place is the first that does not.

        Raises:
            AccessError: FHR-ACC-003 where the principal's role does not read the trail.
        """
        with self._reading() as unit:
            key = chain_key(unit.vault, self._acting.tenant)
            with closing(events_of(unit.connection, self._acting.tables, self._acting.tenant)) as rows:
                return verify(rows, key, self._acting.tenant)

    @contextmanager
    def _reading(self) -> Iterator[Unit]:
        with self._acting.unit() as unit:
            if not scoping.reaches_everybody(self._acting.principal, "audit"):
                raise AccessError("This principal may not read the audit trail.", code="FHR-ACC-003")
            yield unit
