"""A house made of somebody's own files: their CRM export and their tracks, handed in through the public interface.

The clock is frozen at the evening after the last day, and moved there from before the first one: what is due in the
evenings runs as of each of them, as if the house had been there all the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Envelope, Person, Principal, Receipt, Role, WorkPattern

if TYPE_CHECKING:
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR

__all__ = ["TENANT", "OwnFiles", "OwnHouse", "closing_instant", "days_of", "move_in", "opening_instant", "principal"]

TENANT: Final = "own-data"
#: Ending of a file -> the decoder that reads it.
_DECODERS: Final = {
    "gpx": "gpx",
    "geojson": "geojson",
    "json": "geojson",
    "csv": "csv",
    "plt": "plt",
    "rec": "rec",
    "kml": "kml",
}
#: Files are looked at as from a time by which all of them lie in the past.
_LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class OwnFiles:
    """What a prospect brings.

    Attributes:
        customers: exports of the CRM (CSV, XLSX); reps are the owners named there.
        tracks: rep -> files of positions.
        datum: of coordinates that do not say it; ``None`` refuses those.
        zone: IANA zone of working hours, and of times without one.
        settings: of plugins, as for any tenant (a phrase list, a connector of one's own ...).
    """

    customers: Sequence[Path] = ()
    tracks: Mapping[str, Sequence[Path]] = attrs.field(factory=dict)
    datum: str | None = None
    zone: str = "Asia/Shanghai"
    settings: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class OwnHouse:
    """What came of it.

    Attributes:
        customers, positions: receipts that add up.
        days: rep -> local dates on which their files hold positions.
        refused: reasons for which whole files were not taken, by file.
    """

    reps: tuple[str, ...]
    customers: Receipt
    positions: Receipt
    days: Mapping[str, tuple[date, ...]]
    refused: Mapping[str, str]


def principal() -> Principal:
    """Return who hands everything in."""
    return Principal(tenant=TENANT, id="own-data", role=Role.ADMIN)


def days_of(files: OwnFiles) -> dict[str, tuple[date, ...]]:
    """Return rep -> local dates on which their files hold positions, read once without keeping anything.

    Raises:
        SandboxError: FHR-SBX-001 where a file is not there, of no kind that is read, or where no file holds a position.
    """
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR

    for path in (*files.customers, *(path for mine in files.tracks.values() for path in mine)):
        if not path.is_file():
            raise SandboxError(f"There is no file {path}.", code="FHR-SBX-001")
    zone, found = ZoneInfo(files.zone), dict[str, tuple[date, ...]]()
    with FieldHR.open("sqlite://", clock=FrozenClock(_LATER)) as hr:
        hr.tenants.create(TENANT, name="A look at files")
        with hr.acting_as(principal(), purpose="integration") as desk:
            for rep, paths in files.tracks.items():
                positions = [
                    one
                    for path in paths
                    for one in desk.positions.receive(_envelope(path, files), rep=rep).decoded.positions
                ]
                found[rep] = tuple(sorted({one.time.astimezone(zone).date() for one in positions}))
    if not any(found.values()):
        raise SandboxError(
            "No file holds a position that can be read.",
            code="FHR-SBX-001",
            hint="fieldhr positions decode says of each what is wrong; CSV needs --datum.",
        )
    return found


def move_in(hr: FieldHR, clock: FrozenClock, files: OwnFiles, days: Mapping[str, tuple[date, ...]]) -> OwnHouse:
    """Hand customers and tracks in, and let the evenings of all their days pass.

    Args:
        clock: frozen at :func:`opening_instant` of *days*.
    """
    settings: dict[str, Any] = {**files.settings}
    if files.customers:
        settings["fieldhr.crm_files"] = {
            "customers": [str(path) for path in files.customers],
            **({"datum": files.datum} if files.datum else {}),
            "zone": files.zone,
            **settings.get("fieldhr.crm_files", {}),
        }
    hr.tenants.create(TENANT, name="Own data (a trial)", pattern=WorkPattern(zone=files.zone), settings=settings)
    receipt, refused = Receipt(), dict[str, str]()
    with hr.acting_as(principal(), purpose="integration") as desk:
        taken = desk.customers.pull("files") if files.customers else Receipt()
        owners = {one.owner for one in desk.customers.list() if one.owner}
        reps = tuple(sorted({*owners, *files.tracks}))
        desk.people.put([Person(id=rep, name=rep) for rep in reps])
        notice = "trial of one's own files"
        desk.people.record_bases(reps, purpose="tracking", basis="own data", notice=notice, at=clock.now())
        clock.advance(closing_instant(days, files.zone))
        for rep, paths in sorted(files.tracks.items()):
            for path in paths:
                received = desk.positions.receive(_envelope(path, files), rep=rep)
                receipt += received.receipt
                if received.decoded.rejected is not None:
                    refused[path.name] = received.decoded.rejected.code
                elif received.decoded.ignored:
                    refused[path.name] = received.decoded.ignored
    hr.advance(to=clock.now() + timedelta(hours=9))
    return OwnHouse(reps=reps, customers=taken, positions=receipt, days=days, refused=refused)


def opening_instant(days: Mapping[str, tuple[date, ...]], zone: str) -> datetime:
    """Return noon of the day before the first one."""
    first = min(day for mine in days.values() for day in mine)
    return datetime.combine(first, datetime.min.time(), ZoneInfo(zone)) - timedelta(hours=12)


def closing_instant(days: Mapping[str, tuple[date, ...]], zone: str) -> datetime:
    """Return the late evening of the last day."""
    last = max(day for mine in days.values() for day in mine)
    return datetime.combine(last, datetime.min.time(), ZoneInfo(zone)) + timedelta(hours=23, minutes=40)


def _envelope(path: Path, files: OwnFiles) -> Envelope:
    source = _DECODERS.get(path.suffix.lower().removeprefix("."))
    if source is None:
        known = ", ".join(sorted(_DECODERS))
        raise SandboxError(
            f"{path.name} is of no kind that is read.", code="FHR-SBX-001", hint=f"Endings that are: {known}."
        )
    options = {"zone": files.zone, **({"datum": files.datum} if files.datum else {})}
    return Envelope(source=source, body=path.read_bytes(), name=path.name, options=options)
