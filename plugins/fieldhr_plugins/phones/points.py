"""From numbers to positions: one place where every source's points are checked, so that all refuse the same things."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.model import Datum, Decoded, Position, Problem
from fieldhr_plugins.phones.times import TimeRefusedError

if TYPE_CHECKING:
    from fieldhr_plugins.phones.settings import Terms

__all__ = ["REFUSALS", "Points", "ignored", "rejected"]

#: Nearer than this to (0, 0), degrees: a metre. Nobody sells there, and software that knows no place writes it.
_NULL_ISLAND: Final = 1e-5

#: Beyond these a value is a fault of the device, so unknown: metres, metres per second.
_ALTITUDES: Final = (-1_000.0, 100_000.0)
_FASTEST: Final = 2_000.0
_WIDEST: Final = 10_000_000.0

#: Dotted code -> sentence, of the refusals every source shares.
REFUSALS: Final[dict[str, str]] = {
    "position.no_coordinate": "There is no coordinate.",
    "position.out_of_range": "The coordinate lies outside -90..90, -180..180 degrees.",
    "position.null_island": "The coordinate is (0, 0): the sender knew no place.",
    "position.not_valid": "The sender says that the coordinate is not valid.",
    "position.no_identity": "Nothing says which device sent it.",
    "position.impossible_time": "The time is older than positions are or lies ahead of the arrival.",
    "position.no_datum": "Nobody said whether its coordinates are wgs84, gcj02 or bd09 (FHR-REC-003).",
}


class Points:
    """Collects the positions of one payload: takes what is whole, refuses the rest by name, loses nothing between."""

    def __init__(self, terms: Terms, device: str | None = None) -> None:
        self.terms = terms
        self.device = terms.device or device
        self.positions: list[Position] = []
        self.refused: list[Problem] = []
        self.notes: list[Problem] = []

    def take(
        self,
        *,
        at: str,
        time: datetime | TimeRefusedError,
        lat: float | None,
        lon: float | None,
        device: str | None = None,
        datum: Datum | None = None,
        accuracy_m: float | None = None,
        altitude_m: float | None = None,
        speed_mps: float | None = None,
        heading_deg: float | None = None,
        battery_pct: float | None = None,
        charging: bool | None = None,
        mock: bool | None = None,
        source: str | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        """Take one point, or refuse it with the first reason that holds.

        Args:
            at: where it stands in the payload.
            time: instant of the fix, or why there is none.
            lat: degrees, finite or ``None``.
            lon: degrees, finite or ``None``.
            device: identity of this one point's device, where it differs from the payload's.
            datum: where this one point says it.
            accuracy_m: zero and less mean unknown: no device is exact.
            altitude_m: metres; beyond the atmosphere means unknown.
            speed_mps: less than zero means unknown.
            heading_deg: degrees from north; less than zero or above 360 means unknown.
            battery_pct: 0 to 100; anything else means unknown.
            charging: whether the battery is being charged.
            mock: what the protocol says of the mock flag.
            source: what located it.
            extras: JSON values to carry along.
        """
        terms = self.terms
        named = terms.device or device or self.device
        found_datum = datum or terms.datum
        if lat is None or lon is None:
            self.refuse("position.no_coordinate", at)
        elif not (-90.0 <= lat <= 90.0 and -180.0 <= lon <= 180.0):
            self.refuse("position.out_of_range", at)
        elif abs(lat) < _NULL_ISLAND and abs(lon) < _NULL_ISLAND:
            self.refuse("position.null_island", at)
        elif not isinstance(time, datetime):
            self.refuse(time.code, at, time.message)
        elif not self._possible(time):
            self.refuse("position.impossible_time", at)
        elif not named:
            self.refuse("position.no_identity", at)
        elif found_datum is None:
            self.refuse("position.no_datum", at)
        else:
            self.positions.append(
                Position(
                    device=named,
                    time=time,
                    received=terms.received,
                    lat=lat,
                    lon=lon,
                    datum=found_datum,
                    accuracy_m=accuracy_m if accuracy_m is not None and 0.0 < accuracy_m <= _WIDEST else None,
                    altitude_m=_between(altitude_m, *_ALTITUDES),
                    speed_mps=_between(speed_mps, 0.0, _FASTEST),
                    heading_deg=None if heading_deg is None or not 0.0 <= heading_deg <= 360.0 else heading_deg % 360.0,
                    battery_pct=_between(battery_pct, 0.0, 100.0),
                    charging=charging,
                    mock=mock,
                    source=source,
                    extras=extras or {},
                )
            )

    def refuse(self, code: str, at: str = "", message: str = "") -> None:
        """Note that one record was not taken."""
        self.refused.append(Problem(code=code, message=message or REFUSALS[code], at=at))

    def note(self, code: str, message: str, at: str = "") -> None:
        """Note something about the payload that cost no record; such codes begin with ``payload.`` or ``file.``."""
        self.notes.append(Problem(code=code, message=message, at=at))

    def decoded(self, *, nothing: str, reply: bytes = b"") -> Decoded:
        """Return what became of the payload.

        Args:
            nothing: the reason to give where the payload held no record at all.
            reply: what makes the sender clear its queue. It is withheld where our side is what is missing: the sender
                should keep its data then.
        """
        if self.positions:
            return Decoded(positions=tuple(self.positions), problems=(*self.refused, *self.notes), reply=reply)
        if not self.refused:
            return Decoded(ignored=nothing, problems=tuple(self.notes), reply=reply)
        first, *others = self.refused
        ours = first.code == "position.no_datum"
        return Decoded(rejected=first, problems=(*others, *self.notes), reply=b"" if ours else reply)

    def _possible(self, time: datetime) -> bool:
        seconds = time.timestamp()
        latest = self.terms.latest_s
        return seconds >= self.terms.earliest_s and (latest is None or seconds <= latest)


def _between(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def ignored(reason: str, reply: bytes = b"") -> Decoded:
    """Return that a payload is legitimate but holds no position."""
    return Decoded(ignored=reason, reply=reply)


def rejected(code: str, message: str, reply: bytes = b"") -> Decoded:
    """Return that a payload as a whole was refused."""
    return Decoded(rejected=Problem(code=code, message=message), reply=reply)
