# Copyright (C) the fieldhr authors. Licensed under the GPL-3.0-or-later, see LICENSE.
"""Coordinates of addresses, which Tryton does not keep."""

from trytond.model import fields
from trytond.pool import PoolMeta

__all__ = ["DATUMS", "Address"]

DATUMS = [(None, ""), ("wgs84", "WGS-84"), ("gcj02", "GCJ-02"), ("bd09", "BD-09")]


class Address(metaclass=PoolMeta):
    """Address."""

    __name__ = "party.address"

    latitude = fields.Float("Latitude")
    longitude = fields.Float("Longitude")
    datum = fields.Selection(DATUMS, "Datum")
