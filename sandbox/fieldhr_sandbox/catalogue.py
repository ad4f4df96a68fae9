"""Which instances of which rows a pack plants: those it names, or so many of every row there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldhr_sandbox.recipes import recipe
from fieldhr_sandbox.scenarios import REGISTRY, Scenario

if TYPE_CHECKING:
    from fieldhr_sandbox.packs import Every, Pack

__all__ = ["plantings_of"]


def plantings_of(pack: Pack) -> tuple[tuple[str, int], ...]:
    """Return (scenario key, instances) of a pack, in the order of keys; a row that is named counts as it says."""
    if pack.every is None:
        return pack.plantings
    named = dict(pack.plantings)
    unknown = recipe(pack.recipe).without
    rows = {key: _count(row, pack.every) for key, row in sorted(REGISTRY.items()) if row.id not in unknown}
    return tuple((key, count) for key, count in {**rows, **named}.items() if count)


def _count(row: Scenario, every: Every) -> int:
    if row.id in every.without or row.id[0] not in every.kinds:
        return 0
    if row.id.startswith("Q"):
        return every.quiet_reps if row.needs.whole_rep else every.quiet
    if row.variant:
        return every.silent_reps if row.needs.whole_rep else every.silent
    return every.planted
