"""How precise whereabouts stay as they grow old: fine for a week, coarse for a month, visits for two, then counts.

The steps are data; :func:`coarsened` is a pure function that does the same thing however often it is applied. What is
left of a day depends on its age alone, so a run that was interrupted is simply repeated.

The default profile follows what trackers of the field were found to need (a week to clear up an alert, a month for
patterns) and the shortest period a regulator names: the French CNIL, deliberation 2015-165, allows two months for
checking activity. Longer periods that a law demands (proof of service, working time) concern counts and visits, not
positions. A lawyer should read a profile before it goes live.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.model import EARTH_RADIUS_M, FIXES, Table

__all__ = ["GRID_M", "HALF_DIAGONAL_M", "PROFILES", "Precision", "Profile", "coarsened", "gridded", "precision_of"]

#: Side of the cells to which old fixes are moved, metres.
GRID_M: Final = 100.0


class Precision(enum.StrEnum):
    """What is left of a rep-day, finest first."""

    RAW = "raw"
    """Fixes as they were stored."""
    GRID = "grid"
    """Fixes in the middle of cells of :data:`GRID_M`, one a cell and quarter of an hour."""
    VISITS = "visits"
    """No fixes and no stays: which customer was visited from when to when."""
    COUNTS = "counts"
    """Numbers of visits and hours a day."""


@attrs.frozen(kw_only=True)
class Profile:
    """Until which age a rep-day keeps which precision, in whole local days after it; both ends included.

    Attributes:
        name: of the profile (``EU``, ``FR``, ``CN``).
        raw_days, grid_days, visits_days: last age, in days, of each precision; ascending.
        source: where the figures come from.
        continuous: whether following a rep all day is allowed at all; where not, only check-ins are taken.
    """

    name: str
    raw_days: int = 7
    grid_days: int = 30
    visits_days: int = 60
    source: str = ""
    continuous: bool = True

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.raw_days <= self.grid_days <= self.visits_days:
            raise RecordError(
                f"The ages of the retention profile {self.name!r} do not ascend.",
                code="FHR-REC-001",
                hint="Give raw_days <= grid_days <= visits_days.",
            )


#: Country or region -> profile. A tenant picks one, or brings its own.
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "EU": Profile(name="EU", source="GDPR art. 5(1)(c) and (e), WP249; the ages are this project's choice"),
        "FR": Profile(
            name="FR",
            source="CNIL deliberation 2015-165: two months; its example of excess is a sales rep",
            continuous=False,
        ),
        "CN": Profile(name="CN", source="PIPL art. 6, 19 and 28, GB/T 45574-2025; the ages are this project's choice"),
    }
)


def precision_of(profile: Profile, day: date, today: date) -> Precision:
    """Return how precise the whereabouts of a rep-day may be *today*, both local dates of the rep's zone."""
    age = (today - day).days
    if age <= profile.raw_days:
        return Precision.RAW
    if age <= profile.grid_days:
        return Precision.GRID
    return Precision.VISITS if age <= profile.visits_days else Precision.COUNTS


def coarsened(fixes: Table) -> Table:
    """Return ``FIXES`` at grid precision: one fix a cell and quarter of an hour, in the middle of its cell.

    Times become the start of their quarter, the accuracy the cell's half diagonal or the fix's own, whichever is worse.
    Device, speed, battery and arrival, which could tell the exact track again, are dropped; a mock flag stays. Applied
    to its own result it changes nothing.

    Args:
        fixes: ``FIXES`` in WGS-84, any order.

    Returns:
        ``FIXES`` in ascending order of time.
    """
    import numpy as np

    if not len(fixes):
        return FIXES.empty()
    rows, cells, lat, lon = _cells(fixes["lat"], fixes["lon"])
    quarter = fixes["time_ms"] // _QUARTER_MS
    accuracy = np.fmax(fixes["accuracy_m"], HALF_DIAGONAL_M)
    order = np.lexsort((-accuracy, -fixes["mock"], cells, rows, quarter))
    keys = np.stack([quarter[order], rows[order], cells[order]])
    is_first = np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)]
    kept = order[is_first]
    # The worst of each cell speaks for it: the largest radius, and a mock flag if any fix had one.
    worst = np.maximum.reduceat(accuracy[order], np.flatnonzero(is_first))
    return FIXES.table(
        time_ms=quarter[kept] * _QUARTER_MS, lat=lat[kept], lon=lon[kept], accuracy_m=worst, mock=fixes["mock"][kept]
    )


def gridded(lat: Any, lon: Any) -> tuple[Any, Any]:
    """Return WGS-84 coordinates moved to the middle of their cells of :data:`GRID_M`; those stay where they are."""
    return _cells(lat, lon)[2:]


def _cells(lat: Any, lon: Any) -> tuple[Any, Any, Any, Any]:
    """Return row, place in the row, and middle of the cell of each coordinate."""
    import numpy as np

    step = math.degrees(GRID_M / EARTH_RADIUS_M)
    rows = np.floor((lat + 90.0) / step).astype("i8")
    middle = (rows + 0.5) * step - 90.0
    # Cells of one row are equally wide in degrees; the last one of a row may be narrower.
    width = step / np.maximum(np.cos(np.radians(middle)), 1e-6)
    cells = np.floor((lon + 180.0) / width).astype("i8")
    middle_lat = np.clip(np.round(middle, 5), -90.0, 90.0)
    middle_lon = np.clip(np.round((cells + 0.5) * width - 180.0, 5), -180.0, 180.0)
    return rows, cells, middle_lat, middle_lon


_QUARTER_MS: Final = 900_000
#: Half the diagonal of a cell, metres, on the ladder of track blocks: how far a gridded place may be off.
HALF_DIAGONAL_M: Final = 75.0
