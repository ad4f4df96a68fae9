"""The commands ``places stays``, ``places day`` and ``places calendar``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldhr_core.cli.lines import Record, read_lines, write_line
from fieldhr_core.cli.store import add_store_arguments, desk_of, open_store
from fieldhr_core.errors import ConfigError, FieldhrError, RecordError
from fieldhr_core.model import FIXES, OUTINGS, PLACES, Datum, Envelope, RepDay, RepDays, Table

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.hooks.loader import Registry

__all__ = ["calendar", "calendar_arguments", "day", "day_arguments", "stays", "stays_arguments"]

#: A point of a track: instant in ms, latitude, longitude, accuracy, source, datum (empty: not said).
Point = tuple[int, float, float, float | None, str | None, str]

#: Endings that are no name of a format -> the format.
_ENDINGS: Final = {"json": "geojson", "tsv": "csv", "txt": "csv"}

#: Positions are not older than civil GPS.
_EARLIEST: Final = datetime(2000, 5, 2, tzinfo=UTC)

#: A calendar ends before its days after it are asked for.
_LAST_DAY: Final = date(9990, 12, 31)

_LINES: Final = ("jsonl", "ndjson")


def stays_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``places stays``."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="files of one person's track (default: standard input)"
    )
    parser.add_argument(
        "--format", metavar="NAME", help="jsonl (positions, the default of standard input), gpx, csv ..."
    )
    parser.add_argument("--min-minutes", type=float, default=5.0, metavar="N", help="shortest stay (default 5)")
    parser.add_argument(
        "--radius", type=float, default=100.0, metavar="M", help="metres round its centre (default 100)"
    )
    parser.add_argument("--datum", metavar="D", help="wgs84, gcj02 or bd09, where the file does not say")
    parser.add_argument("--zone", metavar="TZ", help="IANA zone of times that carry none")
    parser.add_argument(
        "--rule", default="places", metavar="NAME", help="resolver (default places; classic, traccar ...)"
    )


def stays(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Write one line a stay of the track in the files, in the datum they are in.

    Raises:
        ConfigError: FHR-CFG-001 where the length or the radius is not positive.
        RecordError: FHR-REC-006 where a file cannot be read; FHR-REC-005 where the files mix datums.
    """
    if not args.min_minutes > 0 or not args.radius > 0:
        raise ConfigError(
            "A stay needs a length and a radius over zero.",
            code="FHR-CFG-001",
            hint="Use --min-minutes 5 --radius 100.",
        )
    registry = _registry()
    points: list[Point] = []
    for name in args.files or ["-"]:
        points += _points(registry, name, args, stdin, stdout)
    datums = sorted({point[5] for point in points if point[5]})
    if len(datums) > 1:
        raise RecordError(
            f"The track mixes datums ({', '.join(datums)}).",
            code="FHR-REC-005",
            hint="Convert one side first: fieldhr places convert.",
        )
    table = _stays_of(registry, args, points)
    for row in table.rows():
        if row["end_ms"] - row["start_ms"] < args.min_minutes * 60_000:
            continue
        write_line(
            stdout,
            {
                "start": _text(row["start_ms"]),
                "end": _text(row["end_ms"]),
                "lat": row["lat"],
                "lon": row["lon"],
                "radius_m": row["radius_m"],
                "fixes": row["fixes"],
                "confidence": row["confidence"],
                "certain_s": row["certain_s"],
                "possible_s": row["possible_s"],
                "open": row["is_open"],
                "datum": datums[0] if datums else None,
            },
        )
    return 0


def _stays_of(registry: Registry, args: argparse.Namespace, points: Sequence[Point]) -> Table:
    track = sorted(set(points), key=lambda point: (*point[:3], -1.0 if point[3] is None else point[3], point[4] or ""))
    fixes = FIXES.table(
        time_ms=[p[0] for p in track],
        lat=[p[1] for p in track],
        lon=[p[2] for p in track],
        accuracy_m=[float("nan") if p[3] is None else p[3] for p in track],
        source=[p[4] for p in track],
    )
    bounds = (track[0][0], track[-1][0]) if track else (0, 0)
    whole = RepDay(rep="track", date=_text(bounds[0])[:10], zone="UTC", duty_ms=(bounds,))
    days = RepDays(days=(whole,), offsets=_offsets(len(track)), fixes=fixes)
    own = {"stay_s": min(300.0, args.min_minutes * 60.0), "stay_radius_m": args.radius}
    settings = {"fieldhr.places": own}
    if args.rule == "classic":
        settings["fieldhr.baselines"] = {
            "classic_radius_m": args.radius,
            "classic_stay_s": args.min_minutes * 60.0,
        }
    resolver = registry.provider("locators", args.rule, "resolve", settings=settings)
    found = registry.guard.call(resolver, "resolve", days, PLACES.empty(), OUTINGS.empty())
    table: Table = found.stays
    return table


def _offsets(count: int) -> Any:
    import numpy as np

    return np.array([0, count], dtype=np.int64)


def _registry() -> Registry:
    from fieldhr_core.hooks.loader import Registry

    registry = Registry()
    registry.load()
    return registry


def _points(registry: Registry, name: str, args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> Iterator[Point]:
    """Yield the points of one input; what cannot be used goes to standard error, or into its line."""
    stated = args.format or ("jsonl" if name == "-" else Path(name).suffix.removeprefix("."))
    source = _ENDINGS.get(stated.lower(), stated.lower())
    if source in _LINES:
        yield from _line_points(name, stdin, stdout)
        return
    known = [offer.name for offer in registry.offers("locators", "decode")]
    if source not in known:
        raise RecordError(
            f"The format of {Path(name).name!r} is not known.",
            code="FHR-REC-006",
            hint=f"Name it with --format: jsonl, {', '.join(sorted(known))}.",
        )
    options: dict[str, Any] = {"datum": _datum(args.datum), "latest": _latest()}
    if args.zone:
        options["zone"] = _zone(args.zone)
    envelope = Envelope(source=source, body=_bytes(name, stdin), name=Path(name).name, options=options)
    decoder = registry.provider("locators", source, "decode")
    (decoded,) = registry.guard.call(decoder, "decode", [envelope])
    refusal = decoded.rejected
    if refusal is None and not decoded.positions and decoded.problems:
        refusal = decoded.problems[0]
    if refusal is not None:
        raise RecordError(
            f"{Path(name).name!r} cannot be read: {refusal.message} ({refusal.code})",
            code="FHR-REC-006",
            hint="Check the file, or name its format with --format.",
        )
    for code, count in Counter(problem.code for problem in decoded.problems).items():
        first = next(problem for problem in decoded.problems if problem.code == code)
        sys.stderr.write(f"{Path(name).name}: {count} x {code}, first at {first.at}: {first.message}\n")
    if decoded.ignored is not None:
        sys.stderr.write(f"{Path(name).name}: no positions ({decoded.ignored})\n")
    for position in decoded.positions:
        at = int(position.time.timestamp() * 1000)
        # Stays do not depend on the datum: without one stated, the answer is in whatever the file is in.
        datum = position.datum.value if args.datum or source in ("gpx", "plt", "geojson", "rec", "kml") else ""
        yield at, position.lat, position.lon, position.accuracy_m, position.source, datum


def _datum(stated: str | None) -> Datum:
    if stated is None:
        return Datum.WGS84
    try:
        return Datum(stated.lower())
    except ValueError as cause:
        raise RecordError(f"There is no datum {stated!r}.", code="FHR-REC-003") from cause


def _zone(name: str) -> str:
    try:
        return str(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise ConfigError(
            f"{name!r} is no time zone.", code="FHR-CFG-001", hint="Give an IANA name, such as Asia/Shanghai."
        ) from cause


def _latest() -> datetime:
    """Return the last instant that a fix of a file can have: a day ahead, for clocks that are wrong."""
    from fieldhr_core.flow.clock import SystemClock

    return SystemClock().now() + timedelta(days=1)


def _bytes(name: str, stdin: TextIO) -> bytes:
    if name == "-":
        binary = getattr(stdin, "buffer", None)
        return binary.read() if binary is not None else stdin.read().encode("utf-8", "surrogatepass")
    try:
        return Path(name).read_bytes()
    except OSError as cause:
        raise RecordError(
            f"The file {name!r} cannot be read: {cause.strerror or cause}.",
            code="FHR-REC-006",
            hint="Check its path and permissions.",
        ) from cause


def _line_points(name: str, stdin: TextIO, stdout: TextIO) -> Iterator[Point]:
    for record, error in read_lines(name, stdin):
        if error is not None:
            write_line(stdout, {"id": record.get("id"), "error": error.as_record()})
            continue
        try:
            points = [_line_point(one) for one in _positions(record)]
        except RecordError as fault:
            write_line(stdout, {"id": record.get("id"), "error": fault.as_record()})
            continue
        yield from points


def _positions(record: Record) -> list[Record]:
    """Return the positions in a record: those of an answer of ``positions decode``, or the record itself."""
    found = record.get("positions", [record])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RecordError("The field 'positions' is no list of positions.", code="FHR-REC-006")
    return found


def _line_point(record: Record) -> Point:
    """Return the point of one position as ``positions decode`` writes it."""
    lat, lon = _number(record, "lat", 90.0), _number(record, "lon", 180.0)
    accuracy = record.get("accuracy_m")
    if accuracy is not None and (isinstance(accuracy, bool) or not isinstance(accuracy, (int, float)) or accuracy < 0):
        raise RecordError("The field 'accuracy_m' is no distance.", code="FHR-REC-001")
    datum = record.get("datum")
    source = record.get("source")
    return (
        _instant(record),
        lat,
        lon,
        None if accuracy is None else float(accuracy),
        source if isinstance(source, str) else None,
        _datum(str(datum)).value if datum else "",
    )


def _number(record: Record, name: str, limit: float) -> float:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -limit <= value <= limit:
        raise RecordError(f"The field {name!r} is no angle within {limit:g} degrees.", code="FHR-REC-001")
    return float(value)


def _instant(record: Record) -> int:
    try:
        at = datetime.fromisoformat(str(record.get("time")))
    except ValueError as cause:
        raise RecordError("The field 'time' is no RFC 3339 time.", code="FHR-REC-001") from cause
    if at.tzinfo is None:
        raise RecordError("The field 'time' has no zone.", code="FHR-REC-002")
    if not _EARLIEST <= at <= _latest():
        raise RecordError("The field 'time' is before GPS or lies ahead.", code="FHR-REC-001")
    return round(at.timestamp() * 1000)


def _text(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")


def day_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``places day``."""
    add_store_arguments(parser)
    parser.add_argument("--rep", required=True, metavar="REP", help="id of the rep")
    parser.add_argument("--date", required=True, metavar="D", help="local date, YYYY-MM-DD")
    parser.add_argument(
        "--format", default="json", choices=("json", "html", "csv", "xlsx", "pdf"), help="default: json"
    )
    parser.add_argument("--lang", default="en", choices=("en", "zh-Hans"), help="language of the report (default: en)")
    parser.add_argument("--out", metavar="FILE", help="write there instead of standard output")


def day(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    """Write the daily trajectory report of one rep.

    Raises:
        ConfigError: FHR-CFG-001 where the date is none.
        AccessError: FHR-ACC-001 where there is no such rep.
        MissingDependencyError: FHR-CFG-010 where the format needs a package that is not installed.
    """
    from fieldhr_plugins.places.report import rendered

    try:
        wanted = date.fromisoformat(args.date)
    except ValueError as cause:
        raise ConfigError(f"{args.date!r} is no date.", code="FHR-CFG-001", hint="Write it as YYYY-MM-DD.") from cause
    if not _EARLIEST.date() <= wanted <= _LAST_DAY:
        raise ConfigError(
            f"There are no positions of {args.date}.", code="FHR-CFG-001", hint="Name a day since 2000-05-02."
        )
    with open_store(args) as hr, desk_of(hr, args) as desk:
        report = desk.reports.day(args.rep, wanted)
    body = rendered(report, args.format, args.lang)
    if args.out and args.out != "-":
        try:
            Path(args.out).write_bytes(body)
        except OSError as cause:
            raise FieldhrError(
                f"The file {args.out!r} cannot be written: {cause.strerror or cause}.",
                code="FHR-CLI-001",
                hint="Name a file in a folder that can be written.",
            ) from cause
        return 0
    binary = getattr(stdout, "buffer", None)
    if binary is not None:
        stdout.flush()
        binary.write(body)
        binary.flush()
    elif args.format in ("xlsx", "pdf"):
        raise ConfigError("This output takes text only.", code="FHR-CFG-001", hint="Name a file with --out.")
    else:
        stdout.write(body.decode("utf-8"))
    return 0


def calendar_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``places calendar``."""
    parser.add_argument("country", metavar="COUNTRY", help="ISO 3166 code: CN, SG, DE ...")
    parser.add_argument("--from", dest="first", required=True, metavar="D", help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", required=True, metavar="D", help="last day, YYYY-MM-DD")
    parser.add_argument("--subdivision", metavar="S", help="province, state or canton, where its holidays differ")


def calendar(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    """Write one line: the calendar, as ``Calendar`` holds it.

    Raises:
        ConfigError: FHR-CFG-001 where there is no such country or a date is none.
        MissingDependencyError: FHR-CFG-010 where the extra ``calendars`` is not installed.
    """
    from fieldhr_plugins.places.calendars import calendar_of

    try:
        first, last = date.fromisoformat(args.first), date.fromisoformat(args.last)
    except ValueError as cause:
        raise ConfigError("A date is none.", code="FHR-CFG-001", hint="Write dates as YYYY-MM-DD.") from cause
    found = calendar_of(args.country, first, last, subdivision=args.subdivision)
    write_line(
        stdout,
        {
            "holidays": {day.isoformat(): name for day, name in found.holidays.items()},
            "workdays": {day.isoformat(): name for day, name in found.workdays.items()},
            "official_until": found.official_until and found.official_until.isoformat(),
        },
    )
    return 0
