"""Geocoding: written addresses to coordinates, by whatever means the host has. Nothing is asked unless it is given.

A geocoder is handed to ``desk.sources.pull(..., geocoder=...)``. It fills in coordinates that a source does not give,
and touches none that it gives.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Protocol

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.intake.cells import BadCellError, coordinate
from fieldhr_core.intake.paths import Path, filled
from fieldhr_core.intake.web import Web, WebSettings
from fieldhr_core.model import Address, Customer, Datum

__all__ = ["Gazetteer", "Geocoder", "Located", "WebGeocoder", "located"]


@attrs.frozen(kw_only=True)
class Located:
    """Where an address is, in *datum*, and within how many metres that holds."""

    lat: float
    lon: float
    datum: Datum
    radius_m: float = 150.0


class Geocoder(Protocol):
    """Written addresses to coordinates."""

    def locate(self, texts: Sequence[str], /) -> Sequence[Located | None]:
        """Return one answer a text, in order; ``None``: not found, or not surely.

        Raises:
            SourceError: it cannot be asked; the customers are then taken without coordinates.
        """
        ...


class Gazetteer:
    """A CSV file with the columns ``address``, ``lat`` and ``lon``; only an address written alike is found.

    Args:
        path: the file, UTF-8.
        datum: of its coordinates; never guessed.

    Raises:
        RecordError: FHR-REC-006 where it cannot be read.
    """

    def __init__(self, path: str | FilePath, datum: Datum) -> None:
        path = FilePath(path)
        self._known: dict[str, Located] = {}
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    lat, lon = coordinate(row["lat"]), coordinate(row["lon"])
                    if lat is not None and lon is not None and -90 <= lat <= 90 and -180 <= lon <= 180:
                        self._known[_folded(row["address"])] = Located(lat=lat, lon=lon, datum=datum)
        except (OSError, UnicodeError, KeyError, BadCellError, csv.Error) as cause:
            raise RecordError(
                f"The gazetteer {path.name!r} cannot be read.",
                code="FHR-REC-006",
                hint="It needs the columns address, lat and lon.",
            ) from cause

    def locate(self, texts: Sequence[str], /) -> list[Located | None]:
        """Return what the file says of each address."""
        return [self._known.get(_folded(text)) for text in texts]


class WebGeocoder:
    """A geocoder that answers with JSON, asked once an address.

    Args:
        web: where it is.
        path: below that address.
        params: of the query; ``{address}`` stands for the address.
        lat, lon: paths in the answer (``results[0].location.lat``).
        pair: path of both in one text, longitude first (``geocodes[0].location`` of "121.47,31.23"), instead of those.
        datum: of its coordinates; never guessed.
        headers: of every request, credentials among them.
    """

    def __init__(
        self,
        web: WebSettings,
        *,
        path: str,
        params: Mapping[str, str],
        datum: Datum,
        lat: str = "",
        lon: str = "",
        pair: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._web, self._path, self._params, self._datum = web, path, dict(params), datum
        self._lat, self._lon, self._pair = Path(lat), Path(lon), Path(pair)
        self._headers = dict(headers or {})
        Web(web)  # an address that may not be asked is refused now

    def locate(self, texts: Sequence[str], /) -> list[Located | None]:
        """Ask for each address.

        Raises:
            SourceError: see :meth:`fieldhr_core.intake.web.Web.ask`.
        """
        with Web(self._web, headers=self._headers) as web:
            return [self._located(web.get(self._path, params=self._asking(text)).body) for text in texts]

    def _asking(self, text: str) -> Any:
        return filled(self._params, {"address": text})

    def _located(self, body: Any) -> Located | None:
        try:
            if self._pair:
                lon_text, _, lat_text = self._pair.cell(body).partition(",")
                lat, lon = coordinate(lat_text), coordinate(lon_text)
            else:
                lat, lon = coordinate(self._lat.cell(body)), coordinate(self._lon.cell(body))
        except BadCellError:
            return None
        if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
            return None
        return Located(lat=lat, lon=lon, datum=self._datum)


def located(customers: Sequence[Customer], geocoder: Geocoder) -> list[Customer]:
    """Return the customers with coordinates for written addresses that have none, each text asked for once.

    Raises:
        SourceError: the geocoder cannot be asked.
        RecordError: FHR-REC-004 where it answers another number of texts than it was asked for.
    """
    texts = list(dict.fromkeys(a.text for c in customers for a in c.addresses if a.lat is None and a.text))
    if not texts:
        return list(customers)
    answers = list(geocoder.locate(texts))
    if len(answers) != len(texts):
        raise RecordError(f"The geocoder answered {len(answers)} of {len(texts)} addresses.", code="FHR-REC-004")
    found = {text: place for text, place in zip(texts, answers, strict=True) if place is not None}

    def placed(address: Address) -> Address:
        place = found.get(address.text) if address.lat is None else None
        if place is None:
            return address
        return attrs.evolve(address, lat=place.lat, lon=place.lon, datum=place.datum, radius_m=place.radius_m)

    return [
        attrs.evolve(c, addresses=tuple(map(placed, c.addresses))) if any(a.text in found for a in c.addresses) else c
        for c in customers
    ]


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
