"""Positions: what a device says about where it was, before and after it is taken in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.model.geo import Datum
from fieldhr_core.model.table import Column, Kind, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["FIXES", "REPORTED", "Decoded", "Envelope", "Position", "Problem", "Receipt", "RepDay", "RepDays"]


@attrs.frozen(kw_only=True)
class Position:
    """One timed position as a device reported it. Unknown is ``None``, never 0 or -1.

    Attributes:
        device: the device's own identity as its protocol carries it.
        time: instant of the fix, aware.
        received: instant it reached us, aware; the device's clock is no evidence alone.
        lat, lon: degrees in *datum*.
        accuracy_m: radius the device believes in (about 68 %), metres.
        altitude_m, speed_mps, heading_deg: metres, metres per second, degrees clockwise from north.
        battery_pct, charging: 0-100, and whether it is being charged.
        mock: true, false, or ``None`` where the protocol does not say.
        source: what located it: ``gps``, ``network``, ``fused``, ``manual``; ``None`` unknown.
        extras: what else the payload held that a plugin may want; JSON values.
    """

    device: str
    time: datetime
    received: datetime | None = None
    lat: float
    lon: float
    datum: Datum
    accuracy_m: float | None = None
    altitude_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    battery_pct: float | None = None
    charging: bool | None = None
    mock: bool | None = None
    source: str | None = None
    extras: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Problem:
    """Why one record, or one line of a file, was not taken as it stood.

    Attributes:
        code: dotted reason, stable (``position.no_time``).
        message: one sentence with the place, without personal data.
        at: line, index or path inside the payload, where known.
    """

    code: str
    message: str
    at: str = ""


@attrs.frozen(kw_only=True)
class Envelope:
    """A payload as it arrived, before any plugin has looked at it.

    Attributes:
        source: name of the decoder it is meant for (``owntracks``, ``osmand``, ``gpx`` ...).
        body: raw bytes (for a file, the whole file).
        method, query, headers, topic: what HTTP or MQTT carried beside the body; header names lower case.
        received: instant of arrival, aware.
        name: the file's name, where it is a file.
        options: settings of this one source: ``datum``, ``zone``, ``key`` (a passphrase), ``device`` ...
    """

    source: str
    body: bytes = b""
    method: str = "POST"
    query: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    topic: str = ""
    received: datetime | None = None
    name: str = ""
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class Decoded:
    """What a decoder made of one envelope.

    Exactly one of three things holds: there are ``positions``; the payload was legitimate but holds none
    (``ignored`` says why); or it is ``rejected`` with a problem. ``problems`` lists records inside the payload that
    could not be used beside the positions that could. ``reply`` is the body that makes the sender clear its queue.
    """

    positions: Sequence[Position] = ()
    ignored: str | None = None
    rejected: Problem | None = None
    problems: Sequence[Problem] = ()
    reply: bytes = b""


#: What a host or a decoder hands in, any number of reps, any order, one datum a table.
REPORTED: Final = Schema(
    "reported",
    "Positions handed in for storing: any reps, any order, duplicates allowed.",
    (
        Column("rep", Kind.CODED, "Id of the rep the device is enrolled for."),
        Column("device", Kind.CODED, "Id of the device.", default=None),
        Column("time_ms", Kind.TIME_MS, "Instant of the fix by the device's clock."),
        Column("received_ms", Kind.TIME_MS, "Instant of arrival; 0 = the runtime's clock at the call.", default=0),
        Column("lat", Kind.FLOAT, "Latitude in degrees, datum as the call says.", low=-90.0, high=90.0),
        Column("lon", Kind.FLOAT, "Longitude in degrees, datum as the call says.", low=-180.0, high=180.0),
        Column("accuracy_m", Kind.FLOAT, "Radius of about 68 %, metres.", low=0.0, default=float("nan")),
        Column("speed_mps", Kind.FLOAT, "Speed the device reported, m/s.", low=0.0, default=float("nan")),
        Column("battery_pct", Kind.FLOAT, "Charge of the battery.", low=0.0, high=100.0, default=float("nan")),
        Column("mock", Kind.TRISTATE, "Mock flag: -1 not said, 0 no, 1 yes.", low=-1, high=1, default=-1),
        Column("source", Kind.CODED, "gps, network, fused, manual; null unknown.", default=None),
    ),
)

#: What resolvers see: WGS-84, inside duty, one row a fix, ascending in time, no exact duplicates.
FIXES: Final = Schema(
    "fixes",
    "Stored positions in WGS-84, ascending in time within a rep-day.",
    tuple(column for column in REPORTED.columns if column.name != "rep"),
)


@attrs.frozen(kw_only=True)
class Receipt:
    """What became of a batch: ``stored + flagged + deduplicated + quarantined + rejected == submitted``, always.

    *flagged* is stored too, with a doubt on it (a mock flag, a clock far off). *quarantined* is kept apart for a person
    to look at. *rejected* was refused; ``reasons`` counts why, by dotted code. ``dropped`` of the fence (off duty, no
    basis) are rejected too, counted by reason, and their coordinates are kept nowhere.
    """

    submitted: int = 0
    stored: int = 0
    flagged: int = 0
    deduplicated: int = 0
    quarantined: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = attrs.field(factory=dict)

    def __add__(self, other: Receipt) -> Receipt:
        reasons = dict(self.reasons)
        for code, count in other.reasons.items():
            reasons[code] = reasons.get(code, 0) + count
        return Receipt(
            submitted=self.submitted + other.submitted,
            stored=self.stored + other.stored,
            flagged=self.flagged + other.flagged,
            deduplicated=self.deduplicated + other.deduplicated,
            quarantined=self.quarantined + other.quarantined,
            rejected=self.rejected + other.rejected,
            reasons=reasons,
        )

    @property
    def adds_up(self) -> bool:
        """Whether every submitted record is accounted for exactly once."""
        return self.submitted == sum((self.stored, self.flagged, self.deduplicated, self.quarantined, self.rejected))


@attrs.frozen(kw_only=True)
class RepDay:
    """One rep on one local date: the unit everything about whereabouts is computed in.

    Attributes:
        rep: id of the person.
        date: ISO local date of the rep's zone.
        zone: IANA name.
        duty_ms: (start, end) spans of working time, UTC milliseconds, ascending, not overlapping.
        breaks_ms: (start, end) spans inside duty that do not count against anybody (lunch).
    """

    rep: str
    date: str
    zone: str
    duty_ms: tuple[tuple[int, int], ...]
    breaks_ms: tuple[tuple[int, int], ...] = ()


@attrs.frozen(eq=False, kw_only=True)
class RepDays:
    """Many rep-days in one column table: ``fixes[offsets[i]:offsets[i + 1]]`` belongs to ``days[i]``."""

    days: tuple[RepDay, ...]
    offsets: npt.NDArray[np.int64]
    fixes: Table

    def __len__(self) -> int:
        return len(self.days)

    def fixes_of(self, index: int) -> Table:
        """Return the fixes of one rep-day, without copying."""
        return self.fixes.take(slice(int(self.offsets[index]), int(self.offsets[index + 1])))
