"""The host's room for care: what it does with a store as a whole, in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.errors import ConfigError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from fieldhr_core.care.backup import Backup
    from fieldhr_core.care.drill import Drill
    from fieldhr_core.care.evidence.table import Evidence
    from fieldhr_core.care.forgetting import Forgotten
    from fieldhr_core.care.premises import Premises
    from fieldhr_core.care.rotation import Rotated

__all__ = ["Care"]


@attrs.frozen(eq=False)
class Care:
    """Backup, drill, rotation and forgetting of one runtime's store. Each call leaves its event in the audit trail."""

    premises: Premises

    def acting(self, actor: str) -> Care:
        """Return the same room for somebody whose name goes into the audit trail."""
        return Care(attrs.evolve(self.premises, actor=actor))

    def backup(self, path: str | os.PathLike[str], keys_to: str | os.PathLike[str]) -> Backup:
        """Back the store up while others use it; see :func:`fieldhr_core.care.backup.create`."""
        from fieldhr_core.care.backup import create

        return create(self.premises, Path(path), Path(keys_to))

    def drill(self) -> Drill:
        """Destroy and restore a copy of the store and measure it; see :func:`fieldhr_core.care.drill.drill`."""
        from fieldhr_core.care.drill import drill

        return drill(self.premises)

    def evidence(self, *, drill: bool = True, only: Iterable[str] | None = None) -> Evidence:
        """Try what must not work and say what was found; see :func:`fieldhr_core.care.evidence.table.evidence`."""
        from fieldhr_core.care.evidence.table import evidence

        return evidence(self.premises, drill=drill, only=only)

    def rotate(self, tenant: str, *, batch: int = 500, retire: bool = False) -> Rotated:
        """Give a tenant new data keys; see :func:`fieldhr_core.care.rotation.rotate`."""
        from fieldhr_core.care.rotation import rotate

        return rotate(self.premises, tenant, batch=batch, retire=retire)

    def rotate_wrapping(self) -> int:
        """Draw a new key in the key file and wrap every data key with it. Return how many were.

        Raises:
            ConfigError: FHR-CFG-001 where the keys are in no file of ours: rotate them where they are, then call
                :meth:`rewrap`.
        """
        from fieldhr_core.trust.keys import FileKeys

        if not isinstance(self.premises.keys, FileKeys):
            raise ConfigError(
                f"Keys of kind {self.premises.keys.name!r} are rotated where they are kept.", code="FHR-CFG-001"
            )
        self.premises.keys.rotate()
        return self.rewrap()

    def rewrap(self) -> int:
        """Wrap every data key with the provider's current key. Return how many were not."""
        from fieldhr_core.care.rotation import rewrap

        return rewrap(self.premises)

    def forget(self, tenant: str, person: str) -> Forgotten:
        """Destroy a person's keys; see :func:`fieldhr_core.care.forgetting.forget`."""
        from fieldhr_core.care.forgetting import forget

        return forget(self.premises, tenant, person)
