"""CSV: one fix a line under a head that names its columns, in Latin or Chinese words.

Nothing about a coordinate's datum or a wall time's zone stands in such a file, so both must be said. Distances are
metres and speeds m/s unless the column's name says otherwise (``speed_kmh``, ``速度(km/h)``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.encodings import decoded_text
from fieldhr_plugins.phones.osmand import KNOT_MPS
from fieldhr_plugins.phones.points import REFUSALS, Points, rejected
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import TimeRefusedError, attempt
from fieldhr_plugins.phones.values import UnreadableError, flag, identity, number

__all__ = ["read"]

#: What a column is -> its usual names, in lower case without units, spaces and underscores.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "lat": (
        *("lat", "latitude", "gpslat", "gpslatitude", "latdeg", "latitudedeg", "latitudedegrees"),
        *("positionlat", "locationlat", "纬度", "緯度", "y", "breite", "breitengrad", "latitud", "latitudine"),
        *("широта", "위도"),
    ),
    "lon": (
        *("lon", "lng", "long", "longitude", "gpslon", "gpslng", "gpslongitude", "londeg", "lngdeg", "longitudedeg"),
        *(
            "longitudedegrees",
            "positionlong",
            "positionlon",
            "locationlon",
            "locationlng",
            "经度",
            "經度",
            "x",
            "länge",
        ),
        *("längengrad", "laenge", "laengengrad", "longitud", "longitudine", "долгота", "경도", "経度"),
    ),
    "time": (
        *("time", "timestamp", "datetime", "gpstime", "fixtime", "recordedat", "ts", "tst", "epoch", "unixtime"),
        *(
            "utc",
            "utctime",
            "timeutc",
            "datetimeutc",
            "utcdatetime",
            "timestamputc",
            "timestampms",
            "timems",
            "gmt",
            "gmttime",
        ),
        *("t", "localtime", "devicetime", "eventtime", "loctime", "locationtime", "measuredat"),
        *("时间", "時間", "日期时间", "定位时间", "上报时间", "采集时间", "时间戳"),
        *("zeit", "zeitstempel", "uhrzeit", "heure", "horodatage", "hora", "fechahora", "ora", "dataora", "日時"),
        *("время", "시간", "時刻"),
    ),
    "date": ("date", "日期", "utcdate", "dateutc", "datum", "fecha", "дата", "日付", "날짜"),
    "ns": ("n/s", "ns", "latref", "latituderef", "lathemisphere", "gpslatituderef"),
    "ew": ("e/w", "ew", "lonref", "longituderef", "lonhemisphere", "gpslongituderef"),
    "accuracy": ("accuracy", "acc", "accuracym", "hacc", "horizontalaccuracy", "精度", "定位精度"),
    "altitude": ("altitude", "alt", "ele", "elevation", "altitudem", "海拔", "高度"),
    "speed": ("speed", "speedmps", "velocity", "spd", "速度"),
    "speed_kmh": ("speedkmh", "speedkph", "kmh"),
    "speed_knots": ("speedknots", "speedkn", "knots"),
    "heading": ("heading", "headingdeg", "bearing", "course", "direction", "方向", "航向"),
    "battery": ("battery", "batterypct", "batterylevel", "batt", "电量"),
    "charging": ("charging", "ischarging", "batterycharging", "charge"),
    "mock": ("mock", "ismock", "mocked", "mocklocation"),
    "source": ("source", "provider", "prov"),
    "device": ("device", "deviceid", "设备", "设备号"),
}
_KINDS: Final = {name: kind for kind, names in _NAMES.items() for name in names}

_UNITS: Final = (
    (re.compile(r"km/?h|kph|公里"), "speed_kmh"),
    (re.compile(r"knot|\bkn\b|节"), "speed_knots"),
)

#: Units that a head may name in brackets, for columns in metres and in metres per second; all others are refused.
_IN_BRACKETS: Final = re.compile(r"[(\[（【](.*?)[)\]）】]")
_METRES: Final = frozenset({"", "m", "meter", "meters", "metre", "metres", "米", "公尺"})
_PER_SECOND: Final = frozenset({"", "m/s", "mps", "ms", "米/秒"})
_LENGTHS: Final = frozenset({"accuracy", "altitude"})

_SOURCES: Final = frozenset({"gps", "network", "fused", "manual"})

#: A head may stand below a few lines of title.
_SEARCHED_LINES: Final = 20

#: Lines that one row may take, where a cell holds line breaks.
_LONGEST_ROW: Final = 100

_UTC: Final = ZoneInfo("UTC")


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one file; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    text = decoded_text(envelope.body)
    if not text.strip():
        raise UnreadableError("file.empty", "The file is empty.")
    lines = text.splitlines()
    try:
        head, delimiter, columns = _head(lines)
    except UnreadableError:
        # Umlauts of Windows read as Chinese: the head tells.
        lines = envelope.body.decode("cp1252", "replace").splitlines()
        head, delimiter, columns = _head(lines)
    if terms.datum is None:
        return rejected("position.no_datum", REFUSALS["position.no_datum"])
    zone = _UTC if columns.in_utc else terms.zone
    rows = [(f"line {at}", columns.of(cells)) for at, cells in _rows(lines[head + 1 :], delimiter, head + 2)]
    points = Points(terms, identity(envelope.name, envelope.source))
    swapped = _swapped(rows)
    for at, cells in rows:
        if swapped:
            points.refuse("position.swapped_columns", at, "Latitude and longitude stand in each other's column.")
        else:
            _take(points, cells, at, zone)
    return points.decoded(nothing="file.no_rows")


class _Columns:
    """Which cell of a row is what."""

    def __init__(self, names: Sequence[str]) -> None:
        self.kinds: dict[str, int] = {}
        self.in_utc = False
        for index, name in enumerate(names):
            kind = _kind(name)
            if kind is not None and kind not in self.kinds:
                self.kinds[kind] = index
                if kind in ("time", "date") and re.search("utc|gmt", name.lower()):
                    self.in_utc = True

    def of(self, cells: Sequence[str]) -> dict[str, str]:
        return {kind: cells[index].strip() for kind, index in self.kinds.items() if index < len(cells)}


def _kind(name: str) -> str | None:
    plain = name.strip().strip("\"'").lower()
    for pattern, kind in _UNITS:
        if pattern.search(plain) and ("speed" in plain or "速度" in plain or "veloc" in plain):
            return kind
    bare = re.sub(r"[\s_\-.]+", "", _IN_BRACKETS.sub("", plain))
    found = _KINDS.get(bare)
    units = {unit.strip() for unit in _IN_BRACKETS.findall(plain)}
    if (found in _LENGTHS and not units <= _METRES) or (found == "speed" and not units <= _PER_SECOND):
        return None  # feet, miles an hour: unknown is better than a guess
    return found


def _head(lines: Sequence[str]) -> tuple[int, str, _Columns]:
    for index, line in enumerate(lines[:_SEARCHED_LINES]):
        for delimiter in (",", ";", "\t", "|"):
            columns = _Columns(next(csv.reader([line], delimiter=delimiter), []))
            if {"lat", "lon"} <= set(columns.kinds):
                return index, delimiter, columns
    raise UnreadableError("file.no_header", "No line names a latitude and a longitude column.")


def _rows(lines: Sequence[str], delimiter: str, first: int) -> Iterator[tuple[int, list[str]]]:
    plain = [line.replace("\0", "") for line in lines]
    at = 0
    while at < len(plain):
        cells, count = _row(plain, at, delimiter)
        if any(cell.strip() for cell in cells):
            yield first + at, cells
        at += count


def _row(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """Return the cells of the row that begins at a line, and how many lines it takes.

    A quote that is opened and never closed costs its own line, not the rest of the file.
    """
    end = at + 1
    while '"' in lines[at]:
        try:
            return next(csv.reader([f"{line}\n" for line in lines[at:end]], delimiter=delimiter, strict=True)), end - at
        except csv.Error:
            is_open = sum(line.count('"') for line in lines[at:end]) % 2
            more = range(end, min(at + _LONGEST_ROW, len(lines))) if is_open else ()
            closing = next((number for number in more if '"' in lines[number]), None)
            if closing is None:
                break
            end = closing + 1
    try:
        return next(csv.reader([lines[at]], delimiter=delimiter), []), 1
    except csv.Error:
        # A cell of absurd length; the row is refused for its missing coordinate.
        return ["?"], 1


def _swapped(rows: Sequence[tuple[str, Mapping[str, str]]]) -> bool:
    """Return whether most rows make sense only with the columns exchanged."""
    pairs = [(_decimal(cells.get("lat")), _decimal(cells.get("lon"))) for _, cells in rows]
    known = [(lat, lon) for lat, lon in pairs if lat is not None and lon is not None]
    crossed = sum(90.0 < abs(lat) <= 180.0 and abs(lon) <= 90.0 for lat, lon in known)
    return crossed > 0 and crossed * 2 >= len(known)


def _take(points: Points, cells: Mapping[str, str], at: str, zone: ZoneInfo | None) -> None:
    source = cells.get("source", "").lower()
    points.take(
        at=at,
        time=_time(cells, zone),
        lat=_signed(cells.get("lat"), cells.get("ns"), "N", "S"),
        lon=_signed(cells.get("lon"), cells.get("ew"), "E", "W"),
        device=identity(cells.get("device")),
        accuracy_m=_decimal(cells.get("accuracy")),
        altitude_m=_decimal(cells.get("altitude")),
        speed_mps=_speed(cells),
        heading_deg=_decimal(cells.get("heading")),
        battery_pct=_decimal((cells.get("battery") or "").rstrip("%")),
        charging=flag(cells.get("charging")),
        mock=flag(cells.get("mock")),
        source=source if source in _SOURCES else None,
    )


def _time(cells: Mapping[str, str], zone: ZoneInfo | None) -> datetime | TimeRefusedError:
    written = cells.get("time", "")
    day = cells.get("date", "")
    if day and not re.search("[-/.年]", written):
        written = f"{day} {written}"
    elif not written:
        written = day
    for sign, plain in (("年", "-"), ("月", "-"), ("日", " "), ("时", ":"), ("点", ":"), ("分", ":"), ("秒", "")):
        written = written.replace(sign, plain)
    return attempt(written.strip().rstrip(":"), zone)


def _speed(cells: Mapping[str, str]) -> float | None:
    for kind, factor in (("speed", 1.0), ("speed_kmh", 1.0 / 3.6), ("speed_knots", KNOT_MPS)):
        value = _decimal(cells.get(kind))
        if value is not None:
            return value * factor
    return None


def _signed(cell: str | None, side: str | None, positive: str, negative: str) -> float | None:
    """Return degrees whose sign may stand in a column of its own; a side that is none leaves nothing to go by."""
    degrees = _decimal(cell)
    letter = (side or "").strip().upper()
    if degrees is None or not letter or letter == positive:
        return degrees
    return -degrees if letter == negative and degrees >= 0 else None


def _decimal(cell: str | None) -> float | None:
    """Return a number that may have a decimal comma."""
    if cell is None:
        return None
    if "," in cell and "." not in cell and cell.count(",") == 1:
        cell = cell.replace(",", ".")
    return number(cell)
