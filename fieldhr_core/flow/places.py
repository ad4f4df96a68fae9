"""Places: what lies where for a tenant, in one table for everybody who asks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.model import PLACES, Coded, Datum, Place, Table
from fieldhr_core.model.datums import to_wgs84
from fieldhr_core.store.rows import canonical_json, put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["DOUBTS", "Places", "address_bodies", "is_on_earth", "known_places", "places_version", "touch_places"]

#: Alerts that say an address is wrong. While such a case is open, nobody is held against that address.
DOUBTS: Final = ("crm.address_suspect", "quality.datum_shift")
_SETTLED: Final = ("confirmed", "dismissed", "withdrawn", "closed")


class Places:
    """The desk's room for places that are no customer's address."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, places: Iterable[Place]) -> int:
        """Store places; one whose id is known already is exchanged. Return how many were handed in."""
        places = list(places)
        for place in places:
            if not is_on_earth(place.lat, place.lon):
                raise RecordError(f"Place {place.id!r} lies at no possible coordinate.", code="FHR-REC-001")
        acting, table = self._acting, self._acting.tables.places
        bodies = [
            canonical_json({"name": p.name, "lat": p.lat, "lon": p.lon, "datum": p.datum.value, "radius_m": p.radius_m})
            for p in places
        ]
        with acting.unit() as unit:
            unit.allow("places", "write")
            # A home is sealed with the key of whose home it is, so that it is forgotten with them.
            sealed = [
                unit.seal(table, "body_sealed", "contact", [place.id], [body], person=place.subject)[0]
                for place, body in zip(places, bodies, strict=True)
            ]
            put(
                unit.connection,
                table,
                [
                    {
                        "tenant": acting.tenant,
                        "id": place.id,
                        "kind": place.kind.value,
                        "category": place.category,
                        "subject": place.subject,
                        "private": place.private,
                        "body_sealed": body,
                    }
                    for place, body in zip(places, sealed, strict=True)
                ],
            )
            touch_places(acting, unit)
            unit.audit("places.put", "places", count=len(places))
        return len(places)


def known_places(acting: Acting, unit: Unit, before_ms: int | None = None) -> Table:
    """Return ``PLACES`` of the tenant in WGS-84; the same object until a place or customer changes.

    Args:
        before_ms: show the doubts about addresses that were there before this instant, for computing something again.
    """
    with unit.housework():  # everybody's map is the same one
        table = _known_places(acting, unit)
        return table if before_ms is None else _doubted_before(acting, unit, table, before_ms)


def _known_places(acting: Acting, unit: Unit) -> Table:
    version = places_version(acting, unit)
    cached = acting.house.cached.get((acting.tenant, "places"))
    if cached is not None and cached[0] == version:
        table: Table = cached[1]
        return table
    table = _load_places(acting, unit)
    acting.house.cached[acting.tenant, "places"] = (version, table)
    return table


def touch_places(acting: Acting, unit: Unit) -> None:
    """Say that a place, a customer or an address changed, to every process that caches the map."""
    with unit.housework():
        version = {"name": "places.version", "subject": "", "date": "", "count": places_version(acting, unit) + 1}
        put(unit.connection, acting.tables.counters, [{"tenant": acting.tenant, **version}])


def is_on_earth(lat: float, lon: float) -> bool:
    """Return whether a latitude and longitude in degrees can be somewhere; (0, 0) is a phone without a fix."""
    return -90 <= lat <= 90 and -180 <= lon <= 180 and not (lat == 0 and lon == 0)


def address_bodies(unit: Unit, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what rows of ``addresses`` hold, opened, in order."""
    bodies = unit.open(
        unit.acting.tables.addresses,
        "body_sealed",
        "contact",
        [f"{row.customer}/{row.id}" for row in rows],
        [row.body_sealed for row in rows],
    )
    return [json.loads(body) for body in bodies]


def places_version(acting: Acting, unit: Unit) -> int:
    """Return a number that goes up whenever a place, a customer or an address changes."""
    import sqlalchemy as sa

    table = acting.tables.counters
    version = unit.connection.execute(
        sa.select(table.c.count).where(table.c.tenant == acting.tenant, table.c.name == "places.version")
    ).scalar()
    return version or 0


def _load_places(acting: Acting, unit: Unit) -> Table:
    import sqlalchemy as sa

    table, addresses, customers = acting.tables.places, acting.tables.addresses, acting.tables.customers
    rows = unit.all(sa.select(table).where(table.c.tenant == acting.tenant).order_by(table.c.id))
    entries: list[tuple[Any, ...]] = [
        (row.id, row.kind, row.subject, row.category or None, json.loads(body), row.private, None, None, None)
        for row, body in zip(rows, _place_bodies(unit, rows), strict=True)
        if body is not None
    ]
    rows = unit.all(
        sa.select(addresses, customers.c.owner, customers.c.source)
        .join(customers, sa.and_(customers.c.tenant == addresses.c.tenant, customers.c.id == addresses.c.customer))
        .where(addresses.c.tenant == acting.tenant, customers.c.gone_ms.is_(None))
        .order_by(addresses.c.customer, addresses.c.id)
    )
    doubted = _doubts(acting, unit)
    for row, body in zip(rows, address_bodies(unit, rows), strict=True):
        if body["lat"] is not None:
            doubt = doubted.get(("source", row.source)) or doubted.get(("customer", row.customer))
            place = (f"{row.customer}/{row.id}", "customer", row.customer)
            entries.append((*place, None, body, False, row.owner, row.source, doubt))
    lat, lon = _in_wgs84([entry[4] for entry in entries])
    return PLACES.table(
        place=[entry[0] for entry in entries],
        kind=Coded.of(entry[1] for entry in entries),
        subject=[entry[2] for entry in entries],
        category=Coded.of(entry[3] for entry in entries),
        lat=lat,
        lon=lon,
        radius_m=[entry[4]["radius_m"] for entry in entries],
        private=[entry[5] for entry in entries],
        owner=Coded.of(entry[6] for entry in entries),
        source=Coded.of(entry[7] for entry in entries),
        doubt=Coded.of(entry[8] for entry in entries),
    )


def _doubted_before(acting: Acting, unit: Unit, table: Table, before_ms: int) -> Table:
    import sqlalchemy as sa

    cases = acting.tables.cases
    settled = cases.c.state.in_(_SETTLED)
    of_tenant = (cases.c.tenant == acting.tenant, cases.c.code.in_(DOUBTS))
    changed = sa.or_(cases.c.raised_ms >= before_ms, sa.and_(settled, cases.c.updated_ms >= before_ms))
    if not unit.all(sa.select(cases.c.id).where(*of_tenant, changed).limit(1)):
        return table
    stood = sa.and_(cases.c.raised_ms < before_ms, sa.or_(sa.not_(settled), cases.c.updated_ms >= before_ms))
    rows = unit.all(sa.select(cases.c.subject_kind, cases.c.subject, cases.c.code).where(*of_tenant, stood))
    doubted = {(row.subject_kind, row.subject): row.code for row in rows}
    columns = (table["kind"], table["subject"].tolist(), table["source"])
    return table.replace(
        doubt=Coded.of(
            doubted.get(("source", source or "")) or doubted.get(("customer", subject or ""))
            if kind == "customer"
            else None
            for kind, subject, source in zip(*columns, strict=True)
        )
    )


def _doubts(acting: Acting, unit: Unit) -> dict[tuple[str, str], str]:
    """Return the code of the open case about each customer or source whose addresses are doubted."""
    import sqlalchemy as sa

    cases = acting.tables.cases
    rows = unit.all(
        sa.select(cases.c.subject_kind, cases.c.subject, cases.c.code).where(
            cases.c.tenant == acting.tenant, cases.c.code.in_(DOUBTS), cases.c.state.not_in(_SETTLED)
        )
    )
    return {(row.subject_kind, row.subject): row.code for row in rows}


def _place_bodies(unit: Unit, rows: Sequence[Any]) -> list[bytes | None]:
    """Open places, homes with the key of whose home it is; ``None`` where that person was forgotten."""
    table, by_person = unit.acting.tables.places, dict[str | None, list[Any]]()
    for row in rows:
        by_person.setdefault(row.subject, []).append(row)
    unit.prepare("contact", (person for person in by_person if person is not None))
    opened: dict[str, bytes] = {}
    for person, mine in by_person.items():
        if person is None or not unit.is_forgotten("contact", person):
            ids = [row.id for row in mine]
            sealed = [row.body_sealed for row in mine]
            opened |= zip(ids, unit.open(table, "body_sealed", "contact", ids, sealed, person=person), strict=True)
    return [opened.get(row.id) for row in rows]


def _in_wgs84(bodies: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    import numpy as np

    lat = np.array([body["lat"] for body in bodies], dtype="f8")
    lon = np.array([body["lon"] for body in bodies], dtype="f8")
    datums = np.array([body["datum"] for body in bodies], dtype="O")
    for datum in (Datum.GCJ02, Datum.BD09):
        rows = np.flatnonzero(datums == datum.value)
        if len(rows):
            lat[rows], lon[rows] = to_wgs84(lat[rows], lon[rows], datum)
    return lat, lon
