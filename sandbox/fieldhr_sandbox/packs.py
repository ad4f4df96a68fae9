"""Packs: which tenant to build, what to plant in it, and the marks that must be reached. Data, no code."""

from __future__ import annotations

from datetime import date
from typing import Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_sandbox.sensors import REFERENCE, Dials

__all__ = ["BASELINES", "PACKS", "Bar", "Pack", "pack"]


@attrs.frozen(kw_only=True)
class Bar:
    """The marks a pack must reach; below them ``fieldhr trial run`` exits with 1."""

    precision: float = 0.95
    recall: float = 0.95


@attrs.frozen(kw_only=True)
class Pack:
    """One trial.

    Attributes:
        name, title: as in ``fieldhr trial run NAME``, and as in reports.
        recipe: kind of house.
        reps, days: size; days are calendar days from *first*.
        plantings: (scenario key, instances).
        bar: marks to reach.
        customers_per_rep: overrides the recipe's.
        slice_minutes: how often phones upload during the day; the product sees everything up to that instant.
        dials: what phones are like.
        beside: resolvers of others whose marks are shown beside ours.
    """

    name: str
    title: str
    recipe: str
    reps: int
    days: int
    first: date = date(2026, 3, 2)
    plantings: tuple[tuple[str, int], ...] = ()
    bar: Bar = Bar()
    customers_per_rep: int | None = None
    slice_minutes: int = 120
    dials: Dials = REFERENCE
    beside: tuple[str, ...] = ()


#: Published rules of other trackers that come as resolvers; setting ``resolver`` of a tenant.
BASELINES: Final = ("circle", "traccar", "cluster", "classic")

_QUIET: Final = (
    ("Q01", 2),
    ("Q02", 2),
    ("Q03", 2),
    ("Q04", 2),
    ("Q09", 2),
)
_SILENT: Final = (
    ("L01/short", 2),
    ("L01/at-customer", 1),
    ("L01/near-customer", 1),
    ("L02/lunch", 1),
    ("L02/early-lunch", 1),
    ("L03/exact", 1),
    ("L03/under", 1),
    ("L05/doubt", 2),
    ("B01/weekend", 1),
    ("B01/leave", 1),
    ("B01/offline", 1),
    ("C03", 10),
)

#: Every pack by name.
PACKS: Final[dict[str, Pack]] = {
    each.name: each
    for each in (
        Pack(
            name="smoke",
            title="20 reps for a week, one of each row",
            recipe="city-bank",
            reps=20,
            days=7,
            customers_per_rep=26,
            plantings=(
                ("L01", 2),
                ("L02", 2),
                ("L03", 1),
                ("L05", 2),
                ("B01", 2),
                ("C01", 3),
                *_SILENT,
                *_QUIET,
            ),
        ),
        Pack(
            name="places",
            title="40 reps for a week, rows of places that this version looks for",
            recipe="city-bank",
            reps=40,
            days=7,
            customers_per_rep=26,
            beside=BASELINES,
            plantings=(
                ("L01", 12),
                ("L02", 10),
                ("L03", 6),
                ("L04", 6),
                ("L05", 12),
                ("O01", 4),
                ("L01/short", 8),
                ("L01/at-customer", 2),
                ("L01/near-customer", 2),
                ("L02/lunch", 3),
                ("L02/early-lunch", 3),
                ("L03/exact", 5),
                ("L03/under", 5),
                ("L04/two-malls", 5),
                ("L05/doubt", 8),
                ("L20", 5),
                ("L20/home", 3),
                ("O02", 4),
                ("Q01", 3),
                ("Q02", 2),
                ("Q03", 5),
                ("Q04", 5),
                ("Q05", 4),
                ("Q06", 2),
                ("Q07", 2),
                ("Q08", 1),
                ("Q09", 3),
                ("Q15", 4),
            ),
        ),
        Pack(
            name="background",
            title="40 reps for five weeks, nothing planted",
            recipe="city-bank",
            reps=40,
            days=35,
        ),
    )
}


def pack(name: str) -> Pack:
    """Return a pack by name.

    Raises:
        SandboxError: FHR-SBX-001 where there is none of that name.
    """
    try:
        return PACKS[name]
    except KeyError:
        known = ", ".join(sorted(PACKS))
        raise SandboxError(f"There is no pack {name!r}; there are {known}.", code="FHR-SBX-001") from None
