"""The resolver: rep-days to stays with verdicts, and points to check-in verdicts."""

from __future__ import annotations

from fieldhr_core.model import RepDays, Resolved, Table
from fieldhr_plugins.places.settings import PlacesSettings
from fieldhr_plugins.places.signals import signals_of
from fieldhr_plugins.places.tracks import measured_stays
from fieldhr_plugins.places.verdicts import Claims, KnownPlaces, SameKnownPlace, judged, placed

__all__ = ["StayResolver"]


class StayResolver:
    """Resolver ``places``: robust, accuracy-aware, never counting silence as presence.

    Holds nothing but the index of the places table it was last given.
    """

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()
        self._index: tuple[Table, KnownPlaces] | None = None

    def resolve(self, days: RepDays, places: Table, outings: Table, /) -> Resolved:
        """Return ``STAYS`` and ``SIGNALS`` of the rep-days; see :class:`fieldhr_core.hooks.Resolver`."""
        known = self._known(places)
        claims = Claims.of(outings, days.days, known)
        measured = measured_stays(days, self.settings, SameKnownPlace(known))
        stays = placed(measured, days.days, known, claims, self.settings)
        return Resolved(stays=stays, signals=signals_of(days, known, claims, outings, stays, self.settings))

    def judge(self, points: Table, places: Table, /) -> Table:
        """Return ``JUDGED`` for ``POINTS``; see :class:`fieldhr_core.hooks.Resolver`."""
        return judged(points, self._known(places), self.settings)

    def _known(self, places: Table) -> KnownPlaces:
        held = self._index
        if held is None or held[0] is not places:
            held = (places, KnownPlaces(places, self.settings))
            self._index = held
        return held[1]
