"""Pins: where the house has put a customer's address, against what the source says of it.

A pin stands in the address itself, with what the source said when it was set. When the source sends the address again
as it was, or without any coordinate, the pin holds; when it says something new, its word counts again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.flow.values import rfc3339
from fieldhr_core.model import Address, Datum
from fieldhr_core.store.rows import canonical_json, put, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Pin", "body_of", "held", "history", "is_held", "pins_of", "put_pin", "without_pin"]

_Key = tuple[str, str]


@attrs.frozen(kw_only=True)
class Pin:
    """One address put somewhere: when, by whom, why, and which case proposed it."""

    address: str
    lat: float
    lon: float
    datum: Datum
    at: datetime
    by: str
    reason: str
    case: str = ""


def body_of(address: Address) -> dict[str, Any]:
    """Return an address as it is stored; written out, because a large import does little else."""
    return {
        "id": address.id,
        "text": address.text,
        "lat": address.lat,
        "lon": address.lon,
        "datum": None if address.datum is None else address.datum.value,
        "radius_m": address.radius_m,
    }


def without_pin(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored address without what is noted of its pins."""
    return {name: value for name, value in body.items() if name != "pins"}


def pins_of(acting: Acting, unit: Unit, customers: Sequence[str]) -> dict[_Key, dict[str, Any]]:
    """Return the stored addresses of these customers that are pinned."""
    import sqlalchemy as sa

    table = acting.tables.addresses
    found: dict[_Key, dict[str, Any]] = {}
    with unit.housework():  # the host's system may hand in what it may not read
        for chunk in within(customers):
            where = (table.c.tenant == acting.tenant, table.c.customer.in_(chunk), table.c.pinned.is_(sa.true()))
            rows = unit.all(sa.select(table.c.customer, table.c.id, table.c.body_sealed).where(*where))
            ids, sealed = [f"{row.customer}/{row.id}" for row in rows], [row.body_sealed for row in rows]
            bodies = unit.open(table, "body_sealed", "contact", ids, sealed) if rows else []
            found |= {(row.customer, row.id): json.loads(body) for row, body in zip(rows, bodies, strict=True)}
    return found


def is_held(address: Address, stored: Mapping[str, Any]) -> bool:
    """Return whether what the source says now leaves a pin where it is."""
    said = stored["pins"]["source"]
    now = body_of(address)
    if now["text"] != said["text"]:
        return False
    # Where the source had no coordinate, one that comes now for the same text is a geocoder's.
    return now["lat"] is None or said["lat"] is None or all(now[name] == said[name] for name in ("lat", "lon", "datum"))


def held(address: Address, stored: Mapping[str, Any]) -> bytes:
    """Return an address as it is to be stored: with its pin where that holds, else as the source says."""
    now = body_of(address)
    if is_held(address, stored):
        now |= {name: stored[name] for name in ("lat", "lon", "datum", "pins")}
    return canonical_json(now)


def put_pin(acting: Acting, unit: Unit, customer: str, address: Address, pin: Pin) -> None:
    """Put an address somewhere and note it in its history."""
    table = acting.tables.addresses
    stored = pins_of(acting, unit, [customer]).get((customer, address.id))
    source = stored["pins"]["source"] if stored else body_of(address)
    before = stored["pins"]["history"] if stored else []
    noted = {**attrs.asdict(pin), "datum": pin.datum.value, "at": rfc3339(pin.at)}
    body = {
        **body_of(address),
        "lat": pin.lat,
        "lon": pin.lon,
        "datum": pin.datum.value,
        "pins": {"source": source, "history": [*before, noted]},
    }
    sealed = unit.seal(table, "body_sealed", "contact", [f"{customer}/{address.id}"], [canonical_json(body)])[0]
    row = {"tenant": acting.tenant, "customer": customer, "id": address.id, "pinned": True, "body_sealed": sealed}
    put(unit.connection, table, [row])


def history(acting: Acting, unit: Unit, customer: str) -> list[Pin]:
    """Return the pins of a customer's addresses, oldest first."""
    noted = [pin for body in pins_of(acting, unit, [customer]).values() for pin in body["pins"]["history"]]
    pins = [Pin(**{**pin, "datum": Datum(pin["datum"]), "at": datetime.fromisoformat(pin["at"])}) for pin in noted]
    return sorted(pins, key=lambda pin: (pin.at, pin.address))
