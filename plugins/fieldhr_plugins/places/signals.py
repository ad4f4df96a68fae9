"""Named doubts about the data of a rep-day. None convicts alone; each says what was measured."""

from __future__ import annotations

from fieldhr_core.model import SIGNALS, RepDays, Table
from fieldhr_plugins.places.settings import PlacesSettings
from fieldhr_plugins.places.verdicts import Claims, KnownPlaces

__all__ = ["signals_of"]


def signals_of(
    days: RepDays, known: KnownPlaces, claims: Claims, outings: Table, settings: PlacesSettings
) -> Table:
    """Return ``SIGNALS`` of the rep-days."""
    del days, known, claims, outings, settings
    return SIGNALS.empty()
