"""The commands about positions and datums: ``positions decode``, ``positions import``, ``places convert``."""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from fieldhr_core.cli.lines import Record, run_lines, write_line
from fieldhr_core.errors import ConfigError, FieldhrError, RecordError
from fieldhr_core.model import Datum, Decoded, Envelope, Position, Problem, Receipt
from fieldhr_plugins.phones.files import format_of, read_file
from fieldhr_plugins.phones.settings import datum_named, zone_named
from fieldhr_plugins.phones.sources import APPS, FILES, decoder
from fieldhr_plugins.phones.times import TimeRefusedError, instant
from fieldhr_plugins.phones.values import number

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.runtime import FieldHR

__all__ = [
    "convert",
    "convert_arguments",
    "decode",
    "decode_arguments",
    "import_arguments",
    "import_files",
]

#: The tenant that files go to in a store that has none.
_OWN_TENANT: Final = "default"

#: Characters of an id that every database holds.
_LONGEST_ID: Final = 120

#: A fix cannot lie further ahead than this of now, where the payload does not say when it arrived.
_AHEAD: Final = timedelta(days=1)


def decode_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``positions decode``."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="JSON Lines of payloads (default: standard input)")
    parser.add_argument("--source", required=True, choices=[*APPS, *FILES], metavar="NAME", help=", ".join(APPS))
    parser.add_argument("--key", metavar="PASSPHRASE", help="opens encrypted payloads of OwnTracks")
    parser.add_argument(
        "--datum", metavar="D", help="wgs84, gcj02 or bd09, where it is not the source's documented one"
    )
    parser.add_argument("--zone", metavar="TZ", help="IANA zone of times that carry none")


def decode(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Answer each payload with its positions, or why there are none."""
    from fieldhr_core.flow.clock import SystemClock

    options: dict[str, Any] = {"latest": SystemClock().now() + _AHEAD}
    if args.key:
        options["key"] = args.key
    if args.datum:
        options["datum"] = datum_named(args.datum)
    if args.zone:
        options["zone"] = str(zone_named(args.zone))
    reading = decoder(args.source)

    def answer(record: Record) -> Record:
        [decoded] = reading.decode([_envelope(args.source, record, options)])
        return _as_record(decoded)

    return run_lines(args.file, stdin, stdout, answer)


def _envelope(source: str, record: Mapping[str, Any], options: Mapping[str, Any]) -> Envelope:
    received = record.get("received")
    try:
        arrival = None if received in (None, "") else instant(received)
    except TimeRefusedError as cause:
        raise RecordError("The time 'received' cannot be read.", code="FHR-REC-002") from cause
    headers = record.get("headers") or {}
    if not isinstance(headers, dict):
        raise RecordError("The field 'headers' is no JSON object.", code="FHR-REC-006")
    return Envelope(
        source=source,
        body=_body(record),
        method=_text(record, "method") or "POST",
        query=_text(record, "query"),
        headers={str(name).lower(): str(value) for name, value in headers.items()},
        topic=_text(record, "topic"),
        received=arrival,
        name=_text(record, "name"),
        options=options,
    )


def _body(record: Mapping[str, Any]) -> bytes:
    coded = record.get("body_b64")
    if coded is not None:
        try:
            return base64.b64decode(str(coded), validate=True)
        except ValueError as cause:
            raise RecordError("The field 'body_b64' is no base64.", code="FHR-REC-006") from cause
    body = record.get("body")
    if isinstance(body, (dict, list)):
        # Written by hand, without the quoting that a body inside JSON needs.
        return json.dumps(body).encode()
    return _text(record, "body").encode("utf-8", "surrogatepass")


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RecordError(f"The field {name!r} is no text.", code="FHR-REC-006")
    return value


def _as_record(decoded: Decoded) -> Record:
    answer: Record = {
        "positions": [_position(position) for position in decoded.positions],
        "ignored": decoded.ignored,
        "rejected": decoded.rejected.code if decoded.rejected else None,
    }
    problems = [*([decoded.rejected] if decoded.rejected else []), *decoded.problems]
    if problems:
        answer["problems"] = [_problem(problem) for problem in problems]
    answer["reply"] = decoded.reply.decode()
    return answer


def _position(position: Position) -> Record:
    return {
        "device": position.device,
        "time": _rfc3339(position.time),
        "received": None if position.received is None else _rfc3339(position.received),
        "lat": position.lat,
        "lon": position.lon,
        "datum": position.datum.value,
        "accuracy_m": position.accuracy_m,
        "altitude_m": position.altitude_m,
        "speed_mps": position.speed_mps,
        "heading_deg": position.heading_deg,
        "battery_pct": position.battery_pct,
        "charging": position.charging,
        "mock": position.mock,
        "source": position.source,
        "extras": dict(position.extras),
    }


def _problem(problem: Problem) -> Record:
    return {"code": problem.code, "message": problem.message, "at": problem.at}


def _rfc3339(at: datetime) -> str:
    fine = at.astimezone(UTC)
    return fine.isoformat(timespec="milliseconds" if fine.microsecond else "seconds").replace("+00:00", "Z")


def convert_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``places convert``."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="JSON Lines of points (default: standard input)")
    parser.add_argument("--from", required=True, dest="given", metavar="D", help="wgs84, gcj02 or bd09")
    parser.add_argument("--to", required=True, dest="wanted", metavar="D", help="wgs84, gcj02 or bd09")


def convert(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Answer each point with the same place in another datum."""
    given, wanted = datum_named(args.given), datum_named(args.wanted)
    return run_lines(args.file, stdin, stdout, partial(_converted, given, wanted))


def _converted(given: Datum, wanted: Datum, record: Record) -> Record:
    from fieldhr_core.model.datums import convert as convert_point
    from fieldhr_core.model.datums import one_datum

    lat, lon = _degrees(record, "lat", 90.0), _degrees(record, "lon", 180.0)
    if record.get("datum") is not None:
        one_datum([given, datum_named(record["datum"])])
    new_lat, new_lon = convert_point(lat, lon, given, wanted)
    return {"lat": new_lat, "lon": new_lon, "datum": wanted.value}


def _degrees(record: Record, name: str, limit: float) -> float:
    value = record.get(name)
    found = None if isinstance(value, str) else number(value)
    if found is None or abs(found) > limit:
        raise RecordError(
            f"The field {name!r} is no number between -{limit:g} and {limit:g}.",
            code="FHR-REC-001",
            hint="Give degrees as JSON numbers.",
        )
    return found


def import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``positions import``."""
    from fieldhr_core.cli.store import add_store_arguments

    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="files of positions; - or none: standard input, with --format"
    )
    parser.add_argument("--rep", required=True, metavar="REP", help="whose positions they are")
    parser.add_argument("--format", choices=list(FILES), metavar="F", help=f"{', '.join(FILES)} (default: the ending)")
    parser.add_argument("--datum", metavar="D", help="wgs84, gcj02 or bd09; needed for CSV")
    parser.add_argument("--zone", metavar="TZ", help="IANA zone of times that carry none, and of the days")
    parser.add_argument("--key", metavar="PASSPHRASE", help="opens encrypted messages in .rec files")
    add_store_arguments(parser)


def import_files(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Read files into the store and print one receipt; status 2 where a file could not be read at all."""
    from fieldhr_core.cli.store import open_store

    if args.datum:
        datum_named(args.datum)
    if args.zone:
        zone_named(args.zone)
    if not args.rep.strip() or not args.rep.isprintable() or len(args.rep) > _LONGEST_ID:
        raise ConfigError(
            "The id after --rep is empty, too long or has line breaks in it.",
            code="FHR-CFG-001",
            hint=f"Give the person's id, at most {_LONGEST_ID} characters: --rep ann",
        )
    paths = [Path(name) for name in args.files or ["-"]]
    for path in paths:
        format_of(path, args.format)
    read: list[Decoded] = []
    errors: list[Record] = []
    for path in paths:
        try:
            read.append(
                read_file(path, stated=args.format, datum=args.datum, zone=args.zone, key=args.key, stdin=stdin)
            )
        except FieldhrError as fault:
            errors.append({"file": path.name, **fault.as_record(), "reason": fault.where.get("reason")})
            sys.stderr.write(f"fieldhr: {fault}\n")
    receipt, notes = Receipt(), Counter[str]()
    if read:
        with open_store(args, begin=True) as hr:
            receipt, notes = _record(hr, args, read)
    answer = _receipt(receipt)
    if notes:
        answer["notes"] = dict(sorted(notes.items()))
    if errors:
        answer["errors"] = errors
    write_line(stdout, answer)
    return 2 if errors else 0


def _record(hr: FieldHR, args: argparse.Namespace, read: Sequence[Decoded]) -> tuple[Receipt, Counter[str]]:
    from fieldhr_core.cli.store import desk_of
    from fieldhr_core.model.tabulate import reported

    if not hr.tenants.list() and args.tenant in (None, _OWN_TENANT):
        try:
            hr.tenants.create(_OWN_TENANT, name="Own files")
        except FieldhrError:
            # Another process may have begun the same store since we looked.
            if _OWN_TENANT not in hr.tenants.list():
                raise
    receipt, notes = Receipt(), Counter[str]()
    with desk_of(hr, args) as desk:
        if desk.principal.tenant == _OWN_TENANT:
            _enrol(desk, args.rep, args.zone or "UTC")
        for decoded in read:
            problems = [*([decoded.rejected] if decoded.rejected else []), *decoded.problems]
            refused = Counter(problem.code for problem in problems if problem.code.startswith("position."))
            notes.update(problem.code for problem in problems if not problem.code.startswith("position."))
            if decoded.ignored:
                notes[decoded.ignored] += 1
            receipt += Receipt(submitted=refused.total(), rejected=refused.total(), reasons=refused)
            for datum, table in reported(decoded.positions, args.rep).items():
                receipt += desk.positions.record(table, datum=datum)
    if receipt.reasons.get("position.unknown_rep"):
        sys.stderr.write(f"fieldhr: the tenant has no rep {args.rep!r}; store the person first.\n")
    return receipt, notes


def _enrol(desk: Desk, rep: str, zone: str) -> None:
    """Make somebody known whose own files these are: on duty at all hours, on the basis that the data are theirs."""
    from datetime import time

    from fieldhr_core.model import Person, WorkPattern

    if any(person.id == rep for person in desk.people.list()):
        return
    always = WorkPattern(zone=zone, weekdays=(1, 2, 3, 4, 5, 6, 7), start=time(0), end=time(0), breaks=())
    desk.people.put([Person(id=rep, name=rep, pattern=always)])
    since = datetime(2000, 1, 1, tzinfo=UTC)
    desk.people.record_basis(rep, purpose="tracking", basis="own data", notice="imported by its owner", at=since)


def _receipt(receipt: Receipt) -> Record:
    return {
        "stored": receipt.stored,
        "flagged": receipt.flagged,
        "deduplicated": receipt.deduplicated,
        "quarantined": receipt.quarantined,
        "rejected": receipt.rejected,
        "submitted": receipt.submitted,
        "reasons": dict(sorted(receipt.reasons.items())),
    }
