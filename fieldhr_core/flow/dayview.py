"""A day report made ready to be shown: plain words, local times, numbered stops, and nothing that must not be seen.

Whoever shows a rep's day takes it from here: private places have lost their name, their coordinates and the track round
them, silence stands apart from ways, and time adds up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.model import Verdict, distance_m, distances_m

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fieldhr_core.flow.reports import DayReport

    Floats = npt.NDArray[np.float64]

__all__ = ["Claim", "DayView", "Entry", "Piece", "Words"]

#: The track is not drawn within this distance of a private place.
_PRIVATE_M: Final = 300.0
#: A step shorter than this is noise, not way.
_STEP_M: Final = 40.0
_VAGUE_M: Final = 200.0

#: A drawn piece of the track: latitudes, longitudes, and whether it is known (false: only its ends are).
Piece = tuple[list[float], list[float], bool]


class Words(Protocol):
    """What a day is told in: the text of a key in the reader's language.

    Keys are ``private_place``, ``office``, ``no_place``, ``category.<category>`` and ``reason.<dotted reason>``.
    """

    def __call__(self, key: str, /) -> str:
        """Return the text of *key*."""
        ...


@attrs.frozen(kw_only=True)
class Entry:
    """One row of the day: a stay, a move or time of which nothing is known.

    ``number`` counts stays from 1 and is 0 elsewhere; ``lat``/``lon`` are NaN where they must not be shown.
    """

    kind: str
    number: int
    start_ms: int
    end_ms: int
    certain_s: float
    possible_s: float
    verdict: str
    reason: str
    place: str
    customer: str
    nearest: str
    nearest_m: float
    lat: float
    lon: float
    confidence: float
    is_open: bool
    is_private: bool

    @property
    def seconds(self) -> float:
        """Length of the row."""
        return (self.end_ms - self.start_ms) / 1000.0


@attrs.frozen(kw_only=True)
class Claim:
    """A claimed visit and what the positions say: ``supported``, ``none`` or ``unknown``."""

    customer: str
    start_ms: int
    end_ms: int
    outcome: str
    seen_s: float


@attrs.frozen(eq=False, kw_only=True)
class DayView:
    """Everything the renderers need, in the language of the reader."""

    rep: str
    rep_name: str
    date: str
    zone: str
    simulated: bool
    duty_ms: tuple[tuple[int, int], ...]
    breaks_ms: tuple[tuple[int, int], ...]
    entries: tuple[Entry, ...]
    claims: tuple[Claim, ...]
    checkins: tuple[Mapping[str, Any], ...]
    alerts: tuple[Mapping[str, Any], ...]
    rings: tuple[Mapping[str, Any], ...]
    pieces: tuple[Piece, ...]
    travelled_m: float
    positions: int
    gaps_ms: tuple[tuple[int, int], ...]
    gap_s: float
    unofficial_after: str | None = None

    @classmethod
    def of(cls, report: DayReport, words: Words) -> DayView:
        """Prepare *report*; private places lose their name, their coordinates and the track round them."""
        stays = sorted(report.stays.rows(), key=lambda row: (row["start_ms"], row["end_ms"]))
        entries = _entries(report, stays, words)
        pieces = _pieces(report, stays)
        return cls(
            rep=report.day.rep,
            rep_name=report.rep_name,
            date=report.day.date,
            zone=report.day.zone,
            simulated=report.simulated,
            duty_ms=report.day.duty_ms,
            breaks_ms=report.day.breaks_ms,
            entries=tuple(entries),
            claims=tuple(_claims(report, stays)),
            checkins=tuple(_checkin(row, report.names, words) for row in report.checkins.sort("time_ms").rows()),
            alerts=tuple(_alert(case) for case in report.cases),
            rings=tuple(_rings(report)),
            pieces=tuple(pieces),
            travelled_m=_travelled(pieces),
            positions=len(report.fixes),
            unofficial_after=_unofficial(report),
            gaps_ms=report.gaps_ms,
            gap_s=report.gap_s,
        )

    @property
    def stays(self) -> tuple[Entry, ...]:
        """The numbered stops."""
        return tuple(entry for entry in self.entries if entry.kind == "stay")

    def clock(self, ms: int, seconds: bool = False) -> str:
        """Return a local wall time."""
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(self.zone))
        return local.strftime("%H:%M:%S" if seconds else "%H:%M")

    def instant(self, ms: int) -> str:
        """Return a local time with its offset, RFC 3339."""
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(self.zone)).isoformat(timespec="seconds")

    @property
    def duty_s(self) -> float:
        """Seconds of duty, breaks left out."""
        return (sum(b - a for a, b in self.duty_ms) - sum(b - a for a, b in self.breaks_ms)) / 1000.0

    def seconds(self, kind: str, verdict: str = "") -> float:
        """Return the known seconds of rows of one kind (and verdict) inside duty; breaks and silence are left out."""
        spans = [
            (e.start_ms, e.end_ms) for e in self.entries if e.kind == kind and (not verdict or e.verdict == verdict)
        ]
        return self._known_s(spans)

    @property
    def at_customers_s(self) -> float:
        """Known seconds at customers inside duty, breaks left out."""
        return self._known_s([(e.start_ms, e.end_ms) for e in self.stays if e.verdict == Verdict.AT and e.customer])

    @property
    def unknown_s(self) -> float:
        """Seconds of duty of which nothing is known, or not where they were spent; breaks left out."""
        silent = sum(_worked(a, b, self.duty_ms, self.breaks_ms) for a, b in self.gaps_ms) / 1000.0
        return silent + self.seconds("stay", "unknown")

    def _known_s(self, spans: Sequence[tuple[int, int]]) -> float:
        parts = [part for span in spans for part in _without(span, self.gaps_ms)]
        return sum(_worked(a, b, self.duty_ms, self.breaks_ms) for a, b in parts) / 1000.0

    @property
    def visits(self) -> int:
        """Stays at customers."""
        return sum(1 for e in self.stays if e.verdict == Verdict.AT and e.customer)


def _worked(start: int, end: int, duty: Sequence[tuple[int, int]], breaks: Sequence[tuple[int, int]]) -> int:
    inside = sum(max(0, min(end, b) - max(start, a)) for a, b in duty)
    return inside - sum(max(0, min(end, b) - max(start, a)) for a, b in breaks)


def _entries(report: DayReport, stays: Sequence[Mapping[str, Any]], words: Words) -> list[Entry]:
    rows = [_stay(row, n, report.names, words) for n, row in enumerate(stays, start=1)]
    spans = [(row["start_ms"], row["end_ms"]) for row in stays]
    gaps = [span for gap in report.gaps_ms for span in _without(gap, spans)]
    rows += [_plain("gap", a, b) for a, b in gaps]
    bounds = [(a, min(b, report.now_ms)) for a, b in report.day.duty_ms if a < report.now_ms]
    if len(report.fixes):
        t = report.fixes["time_ms"]
        bounds = bounds or [(int(t[0]), int(t[-1]))]
    for bound in bounds:
        rows += [_plain("move", a, b) for a, b in _without(bound, sorted(spans + gaps)) if b > a]
    return sorted(rows, key=lambda entry: (entry.start_ms, entry.end_ms))


def _without(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of *span* after *others* (ascending) are cut out."""
    left, at = [], span[0]
    for a, b in others:
        if b <= at or a >= span[1]:
            continue
        if a > at:
            left.append((at, min(a, span[1])))
        at = max(at, b)
    if at < span[1]:
        left.append((at, span[1]))
    return left


def _plain(kind: str, start: int, end: int) -> Entry:
    nan = float("nan")
    return Entry(
        kind=kind, number=0, start_ms=start, end_ms=end, certain_s=0.0, possible_s=0.0, verdict="", reason="", place="",
        customer="", nearest="", nearest_m=nan, lat=nan, lon=nan, confidence=nan, is_open=False, is_private=False,
    )  # fmt: skip


def _stay(row: Mapping[str, Any], number: int, names: Mapping[str, str], words: Words) -> Entry:
    customer = names.get(row["customer"], row["customer"]) if row["customer"] else ""
    nearest = names.get(row["nearest_customer"], row["nearest_customer"]) if row["nearest_customer"] else ""
    private = row["kind"] == "private"
    if private:
        place = words("private_place")
    elif customer:
        place = customer
    elif row["kind"] == "office":
        place = words("office")
    elif row["category"]:
        place = words(f"category.{row['category']}")
    else:
        place = words("no_place")
    return Entry(
        kind="stay",
        number=number,
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        certain_s=row["certain_s"],
        possible_s=row["possible_s"],
        verdict=row["verdict"],
        reason=words(f"reason.{row['reason']}"),
        place=place,
        customer=customer,
        nearest="" if private else nearest,
        nearest_m=float("nan") if private else row["nearest_m"],
        lat=float("nan") if private else row["lat"],
        lon=float("nan") if private else row["lon"],
        confidence=row["confidence"],
        is_open=row["is_open"],
        is_private=private,
    )


def _claims(report: DayReport, stays: Sequence[Mapping[str, Any]]) -> list[Claim]:
    result = []
    for row in report.outings.sort("start_ms").rows():
        at = [s for s in stays if s["customer"] == row["customer"] and s["verdict"] == Verdict.AT]
        seen = sum(s["end_ms"] - s["start_ms"] for s in at) / 1000.0
        silent = sum(max(0, min(b, row["end_ms"]) - max(a, row["start_ms"])) for a, b in report.gaps_ms)
        outcome = "supported" if at else "unknown" if silent else "none"
        result.append(
            Claim(
                customer=report.names.get(row["customer"], row["customer"]),
                start_ms=row["start_ms"],
                end_ms=row["end_ms"],
                outcome=outcome,
                seen_s=seen,
            )
        )
    return result


def _checkin(row: Mapping[str, Any], names: Mapping[str, str], words: Words) -> Mapping[str, Any]:
    return {
        "id": row["checkin"],
        "time_ms": row["time_ms"],
        "customer": names.get(row["customer"], row["customer"]),
        "verdict": row["verdict"],
        "reason": words(f"reason.{row['reason']}"),
        "distance_m": row["distance_m"],
    }


def _alert(case: Any) -> Mapping[str, Any]:
    finding = case.finding
    return {
        "id": case.id,
        "code": finding.code,
        "severity": str(finding.severity),
        "state": str(case.state),
        "time_ms": int(finding.opened_at.timestamp() * 1000),
    }


def _rings(report: DayReport) -> list[Mapping[str, Any]]:
    return [
        {
            "name": report.names.get(row["subject"], row["subject"]),
            "lat": row["lat"],
            "lon": row["lon"],
            "radius_m": row["radius_m"],
        }
        for row in report.places.rows()
        if not row["private"] and not math.isnan(row["lat"])
    ]


def _pieces(report: DayReport, stays: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """Return the track between stops: stops are single points, silence is a piece of which only the ends are known."""
    import numpy as np

    fixes = report.fixes
    t, lat, lon = fixes["time_ms"], np.array(fixes["lat"]), np.array(fixes["lon"])
    with np.errstate(invalid="ignore"):
        use = np.isfinite(lat) & np.isfinite(lon) & ~(fixes["accuracy_m"] > _VAGUE_M)
    for stay in stays:
        inside = (t >= stay["start_ms"]) & (t <= stay["end_ms"]) & use
        if not inside.any():
            continue
        if stay["kind"] == "private":
            middle = float(np.median(lat[inside])), float(np.median(lon[inside]))
            use &= distances_m(lat, lon, *middle) > _PRIVATE_M
        else:
            first = int(np.flatnonzero(inside)[0])
            use &= ~inside
            use[first] = True
            lat[first], lon[first] = stay["lat"], stay["lon"]
    rows = np.flatnonzero(use)
    if not len(rows):
        return []
    rows = rows[_settled(lat[rows], lon[rows])]
    ends = {stay["start_ms"]: stay["end_ms"] for stay in stays}
    left = np.array([ends.get(int(ms), int(ms)) for ms in t[rows]], dtype=np.int64)
    quiet = t[rows][1:] - left[:-1] > report.gap_s * 1000
    pieces: list[Piece] = []
    begin = 0
    for cut in [*np.flatnonzero(quiet).tolist(), len(rows) - 1]:
        part = rows[begin : cut + 1]
        pieces.append((lat[part].tolist(), lon[part].tolist(), True))
        if cut < len(rows) - 1 and not _hides(stays, int(left[cut]), int(t[rows[cut + 1]])):
            both = rows[[cut, cut + 1]]
            pieces.append((lat[both].tolist(), lon[both].tolist(), False))
        begin = cut + 1
    return pieces


def _hides(stays: Sequence[Mapping[str, Any]], start_ms: int, end_ms: int) -> bool:
    """Whether a private stop lies between: a line across would point at it."""
    return any(s["kind"] == "private" and s["start_ms"] < end_ms and start_ms < s["end_ms"] for s in stays)


def _settled(lat: Floats, lon: Floats) -> npt.NDArray[np.bool_]:
    """Return which points are no spikes: far from both neighbours while those are near each other."""
    import numpy as np

    keep = np.ones(len(lat), dtype=bool)
    if len(lat) < 3:
        return keep
    before = distances_m(lat[:-2], lon[:-2], lat[1:-1], lon[1:-1])
    after = distances_m(lat[1:-1], lon[1:-1], lat[2:], lon[2:])
    across = distances_m(lat[:-2], lon[:-2], lat[2:], lon[2:])
    keep[1:-1] = ~((before > 150.0) & (after > 150.0) & (across < 0.5 * np.minimum(before, after)))
    return keep


def _travelled(pieces: Sequence[Piece]) -> float:
    total = 0.0
    for lat, lon, _ in pieces:
        at = (lat[0], lon[0])
        for point in zip(lat[1:], lon[1:], strict=True):
            step = distance_m(*at, *point)
            if step >= _STEP_M:
                total += step
                at = point
    return total


def _unofficial(report: DayReport) -> str | None:
    """Return the date after which holidays are not official, where the day lies behind it."""
    until = report.official_until
    return until.isoformat() if until is not None and report.day.date > until.isoformat() else None
