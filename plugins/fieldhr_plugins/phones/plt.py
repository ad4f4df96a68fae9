"""PLT: trajectories as the GeoLife data set and OziExplorer write them.

Read from the GeoLife user guide: six lines of head, then latitude, longitude, 0, altitude in feet (-777 unknown), days
since 1899-12-30, date, time; times in GMT, datum WGS-84 (named in the head's second line).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.encodings import decoded_text
from fieldhr_plugins.phones.points import Points
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import TimeRefusedError, attempt, from_epoch
from fieldhr_plugins.phones.values import UnreadableError, identity, number

__all__ = ["read"]

_HEAD_LINES: Final = 6

_FOOT_M: Final = 0.3048

#: Altitude that stands for none, feet.
_NO_ALTITUDE: Final = -777.0

#: 1899-12-30 to 1970-01-01, in days.
_DAY_ZERO: Final = 25_569.0


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one file; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    lines = decoded_text(envelope.body).splitlines()
    if not any(line.strip() for line in lines):
        raise UnreadableError("file.empty", "The file is empty.")
    if number(lines[0].partition(",")[0]) is not None:
        first = 0
    elif len(lines) >= 2 and ("track" in lines[0].lower() or "traject" in lines[0].lower()):
        first = _HEAD_LINES
        datum = lines[1].replace(" ", "").replace("-", "").upper()
        if not datum.startswith(("WGS84", "WGS1984")):
            raise UnreadableError("file.other_datum", "The head of the file names another datum than WGS 84.")
    else:
        raise UnreadableError("file.not_the_format", "The file does not begin like a PLT file.")
    points = Points(terms, identity(envelope.name, envelope.source))
    for count, line in enumerate(lines[first:], start=first + 1):
        if line.strip():
            _take(points, [cell.strip() for cell in line.split(",")], f"line {count}")
    return points.decoded(nothing="file.no_track_points")


def _take(points: Points, cells: list[str], at: str) -> None:
    lat, lon, _, feet, days, date, time, *_ = [*cells, *[""] * 7]
    height = number(feet)
    points.take(
        at=at,
        time=_time(f"{date}T{time}Z", days),
        lat=number(lat),
        lon=number(lon),
        altitude_m=None if height is None or height == _NO_ALTITUDE else height * _FOOT_M,
    )


def _time(written: str, days: str) -> datetime | TimeRefusedError:
    found = attempt(written)
    count = number(days)
    if isinstance(found, datetime) or count is None:
        return found
    # OziExplorer writes date and time in the words of its user's language; the days are always plain.
    try:
        return from_epoch(round((count - _DAY_ZERO) * 86_400.0))
    except TimeRefusedError as refusal:
        return refusal
