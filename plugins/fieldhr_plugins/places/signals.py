"""Named doubts about the data of a rep-day. None convicts alone; each says what was measured.

All are read off whole columns at once; only the few suspicious spots are looked at one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import SIGNALS, RepDays, Table, Verdict
from fieldhr_plugins.places.nearby import distances_m
from fieldhr_plugins.places.settings import PlacesSettings
from fieldhr_plugins.places.verdicts import Claims, KnownPlaces

__all__ = ["SIGNAL_NAMES", "signals_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Signal -> what it means. Those that are alert codes can become one; the others are facts for an alerter.
SIGNAL_NAMES: Final[dict[str, str]] = {
    "device.mock_location": "The phone said that a position was made up.",
    "device.impossible_speed": "Jumps no vehicle makes, between two accurate fixes, without coming back.",
    "device.replayed_track": "The same coordinates to the last digit for long, from a source that says gps.",
    "device.clock_tamper": "Fixes from the future: the device's clock runs far ahead of their arrival.",
    "track.gap": "Long silence inside working time, with charge left, ending far away.",
    "track.sketch": "A sample of the turns of the day's track, hashed, to tell a replay of another day.",
    "visit.unsupported": "A claimed visit during which nobody came near the customer, tracking on.",
    "visit.not_verifiable": "A claimed visit that silence neither supports nor denies.",
}

#: Steps that belong to fast but honest travel: a train keeps its speed before and after.
_TRAVEL_MPS: Final = 40.0
#: A jump over a longer silence may be a flight or a train; nothing is said about it.
_JUMP_SILENCE_MS: Final = 1_800_000
#: Fixes within which an outlier comes back.
_RETURN_FIXES: Final = 3
#: A replay is told by cells of so many to a degree (as sealed tracks keep them), so many of them in a row a turn.
_CELLS: Final = 100_000.0
_TURN: Final = 5
#: A day's sketch is so many turns, those with the least hashes; a day with fewer than the other has none.
_SKETCH: Final = 64
_SKETCH_LEAST: Final = 24
_HALF: Final = np.uint64(32)
_LOWER: Final = np.uint64(0xFFFFFFFF)
#: So few fixes are not coordinates that stand still.
_FROZEN_FIXES: Final = 10


@attrs.frozen(kw_only=True)
class _Signal:
    day: int
    name: str
    start_ms: int
    end_ms: int
    seen_ms: int
    strength: float
    facts: Mapping[str, Any]


@attrs.frozen(eq=False, kw_only=True)
class _Fixes:
    """Columns of all fixes, with the rep-day of each."""

    day: Ints
    t: Ints
    received: Ints
    lat: Floats
    lon: Floats
    accuracy: Floats
    battery: Floats
    mock: Any
    table: Table

    @classmethod
    def of(cls, days: RepDays) -> _Fixes:
        f = days.fixes
        return cls(
            day=np.repeat(np.arange(len(days)), np.diff(days.offsets)),
            t=f["time_ms"],
            received=f["received_ms"],
            lat=f["lat"],
            lon=f["lon"],
            accuracy=f["accuracy_m"],
            battery=f["battery_pct"],
            mock=f["mock"],
            table=f,
        )

    def at(self, rows: Ints) -> _Fixes:
        """Return the fixes at *rows*, ascending."""
        return (
            self
            if len(rows) == len(self.t)
            else _Fixes(**{a.name: self._some(a.name, rows) for a in attrs.fields(_Fixes)})
        )

    def _some(self, name: str, rows: Ints) -> Any:
        return self.table.take(rows) if name == "table" else getattr(self, name)[rows]


def signals_of(
    days: RepDays, known: KnownPlaces, claims: Claims, outings: Table, stays: Table, settings: PlacesSettings
) -> Table:
    """Return ``SIGNALS`` of the rep-days, ordered by rep-day, name and start.

    Args:
        days: the rep-days. known, claims: places and claimed visits, prepared.
        outings: ``OUTINGS`` of the rep-days. stays: their ``STAYS``.
        settings: limits.
    """
    fixes = _Fixes.of(days)
    found = [
        *_mocked(fixes, settings),
        *_jumps(fixes, settings),
        *_frozen(fixes, settings),
        *_clocks(fixes, settings),
        *_gaps(fixes, days, settings),
        *_sketches(fixes, days),
        *_unsupported(fixes, days, known, claims, outings, stays, settings),
    ]
    found.sort(key=lambda s: (s.day, s.name, s.start_ms, s.end_ms))
    if not found:
        return SIGNALS.empty()
    return SIGNALS.table(
        rep=[days.days[s.day].rep for s in found],
        date=[days.days[s.day].date for s in found],
        signal=[s.name for s in found],
        start_ms=[s.start_ms for s in found],
        end_ms=[s.end_ms for s in found],
        seen_ms=[s.seen_ms for s in found],
        strength=[s.strength for s in found],
        facts=[json.dumps(s.facts, ensure_ascii=False, sort_keys=True) for s in found],
    )


def _runs(holds: Bools, fixes: _Fixes, bridge_ms: int) -> list[tuple[int, int]]:
    """Return (first, last) rows of runs of *holds* inside one rep-day, silence over *bridge_ms* ending one."""
    rows = np.flatnonzero(holds)
    if not len(rows):
        return []
    cut = (np.diff(rows) > 1) | (np.diff(fixes.t[rows]) > bridge_ms) | (np.diff(fixes.day[rows]) != 0)
    first = rows[np.r_[True, cut]]
    last = rows[np.r_[cut, True]]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _mocked(fixes: _Fixes, settings: PlacesSettings) -> list[_Signal]:
    flagged = np.asarray(fixes.mock == 1)
    if flagged.any():
        for device in settings.test_devices:
            flagged &= ~fixes.table["device"].where(device)
    limit_ms = int(settings.mock_run_s * 1000)
    found = []
    for first, last in _runs(flagged, fixes, int(settings.bridge_s * 1000)):
        seen = int(np.searchsorted(fixes.t[first : last + 1], fixes.t[first] + limit_ms)) + first
        if seen <= last:
            found.append(_signal(fixes, "device.mock_location", first, last, seen, 0.7, {"fixes": last - first + 1}))
    return found


def _jumps(fixes: _Fixes, settings: PlacesSettings) -> list[_Signal]:
    """Find jumps without return; so many of them in a day are a signal, seen with the last one needed.

    Fixes of a clock that runs ahead are left out: they lie among those of the clock set right again, and going to and
    fro between the two would be jumps that nobody made.
    """
    fixes = fixes.at(np.flatnonzero(~_ahead(fixes, settings)))
    count = len(fixes.t)
    if count < 3:
        return []
    dt = np.diff(fixes.t)
    # A quick bound in degrees first: haversines only where something is fast at all.
    degrees = np.maximum(np.abs(np.diff(fixes.lat)), np.abs(np.diff(fixes.lon)) * np.cos(np.radians(fixes.lat[:-1])))
    seconds = np.maximum(dt, 1) / 1000.0
    speed = degrees * 111_195.0 / seconds
    limit = settings.jump_speed_mps
    same = fixes.day[1:] == fixes.day[:-1]
    with np.errstate(invalid="ignore"):
        accurate = fixes.accuracy <= settings.jump_accuracy_m
    fast = np.flatnonzero(
        (speed > limit * 0.7) & same & accurate[1:] & accurate[:-1] & (dt <= _JUMP_SILENCE_MS) & (dt > 0)
    )
    metres = distances_m(fixes.lat[fast], fixes.lon[fast], fixes.lat[fast + 1], fixes.lon[fast + 1])
    by_day: dict[int, list[tuple[int, float, int]]] = {}
    for step, far in zip(fast.tolist(), metres.tolist(), strict=True):
        if far / (dt[step] / 1000.0) <= limit:
            continue
        before = step > 0 and same[step - 1] and speed[step - 1] > _TRAVEL_MPS
        after = step + 1 < len(speed) and same[step + 1] and speed[step + 1] > _TRAVEL_MPS
        next_rows = [
            r for r in range(step + 2, min(step + 2 + _RETURN_FIXES, count)) if fixes.day[r] == fixes.day[step]
        ]
        if before or after or len(next_rows) < _RETURN_FIXES:
            continue
        back = distances_m(fixes.lat[step], fixes.lon[step], fixes.lat[next_rows], fixes.lon[next_rows])
        if float(back.min()) > far / 2:
            by_day.setdefault(int(fixes.day[step]), []).append((step, far, next_rows[-1]))
    found = []
    for jumps in by_day.values():
        if len(jumps) >= settings.jump_count:
            seen = jumps[settings.jump_count - 1][2]
            facts = {
                "jumps": [
                    {"at_ms": int(fixes.t[s + 1]), "metres": round(far), "seconds": round(dt[s] / 1000.0, 1)}
                    for s, far, _ in jumps
                ]
            }
            found.append(_signal(fixes, "device.impossible_speed", jumps[0][0], jumps[-1][0] + 1, seen, 0.6, facts))
    return found


def _frozen(fixes: _Fixes, settings: PlacesSettings) -> list[_Signal]:
    if len(fixes.t) < 2:
        return []
    bridge_ms = int(settings.bridge_s * 1000)
    same = (np.diff(fixes.lat) == 0) & (np.diff(fixes.lon) == 0) & (np.diff(fixes.day) == 0)
    # The step into a run counts too: over silence, or where the clock was set, nothing is known to stand still.
    same &= np.diff(fixes.t) <= bridge_ms
    holds = np.r_[False, same] & fixes.table["source"].where("gps")
    found = []
    for first, last in _runs(holds, fixes, bridge_ms):
        begin = first - 1
        if last - begin + 1 >= _FROZEN_FIXES and fixes.t[last] - fixes.t[begin] >= settings.frozen_s * 1000:
            seen = int(np.searchsorted(fixes.t[begin : last + 1], fixes.t[begin] + settings.frozen_s * 1000)) + begin
            facts = {"kind": "frozen", "fixes": last - begin + 1, "source": "gps"}
            found.append(_signal(fixes, "device.replayed_track", begin, last, seen, 0.7, facts))
    return found


def _ahead(fixes: _Fixes, settings: PlacesSettings) -> Bools:
    return np.asarray((fixes.received > 0) & (fixes.t - fixes.received > settings.clock_skew_s * 1000))


def _clocks(fixes: _Fixes, settings: PlacesSettings) -> list[_Signal]:
    ahead = _ahead(fixes, settings)
    found = []
    for first, last in _runs(ahead, fixes, int(settings.join_s * 1000)):
        if last - first >= 2:
            skew = float(np.median((fixes.t - fixes.received)[first : last + 1])) / 1000.0
            facts = {"ahead_s": round(skew), "fixes": last - first + 1}
            signal = _signal(fixes, "device.clock_tamper", first, last, first + 2, 0.6, facts)
            found.append(attrs.evolve(signal, seen_ms=int(fixes.received[first + 2])))
    return found


def _gaps(fixes: _Fixes, days: RepDays, settings: PlacesSettings) -> list[_Signal]:
    if len(fixes.t) < 2:
        return []
    dt = np.diff(fixes.t)
    found = []
    for row in np.flatnonzero((dt >= settings.gap_min_s * 1000) & (np.diff(fixes.day) == 0)).tolist():
        day = int(fixes.day[row])
        start, end = int(fixes.t[row]), int(fixes.t[row + 1])
        breaks = days.days[day].breaks_ms
        working = sum(max(0, min(end, b) - max(start, a)) for a, b in days.days[day].duty_ms)
        working -= sum(max(0, min(end, b) - max(start, a)) for a, b in breaks)
        if not settings.gap_min_s * 1000 <= working <= settings.gap_max_s * 1000:
            continue
        moved = float(distances_m(fixes.lat[row], fixes.lon[row], fixes.lat[row + 1], fixes.lon[row + 1]))
        battery = [None if np.isnan(b) else round(float(b)) for b in fixes.battery[row : row + 2]]
        facts = {"silent_s": working // 1000, "moved_m": round(moved), "battery_pct": battery}
        found.append(_signal(fixes, "track.gap", row, row + 1, row + 1, 0.3, facts))
    return found


def _sketches(fixes: _Fixes, days: RepDays) -> list[_Signal]:
    """Sample the turns a day took, five places in a row each: only the same track again takes the same turns.

    Places are cells of 1e-5 degrees, as sealed tracks keep them, so a sealed day and an open one compare. The order of
    five tells a replay from two honest days about one desk, where single cells recur by chance. Positions from the
    network recur for honest reasons and are left out.
    """
    lat, lon = np.rint(fixes.lat * _CELLS), np.rint(fixes.lon * _CELLS)
    usable = np.isfinite(lat) & np.isfinite(lon) & ~fixes.table["source"].where("network")
    rows = np.flatnonzero(usable)
    day = fixes.day[rows]
    cell = lat[rows].astype(np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    cell ^= lon[rows].astype(np.int64).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    moved = np.flatnonzero(np.r_[True, (cell[1:] != cell[:-1]) | (day[1:] != day[:-1])]) if len(rows) else rows
    cell, day = cell[moved], day[moved]
    if len(cell) < _TURN:
        return []
    turns = np.lib.stride_tricks.sliding_window_view(cell, _TURN)
    mixed = np.zeros(len(turns), dtype=np.uint64)
    for nth in range(_TURN):
        mixed = _stirred(mixed * np.uint64(0x100000001B3) ^ turns[:, nth])
    ordered = np.sort(turns, axis=1)
    # To and fro between two or three cells is rest, not a way that was gone.
    wide = (np.diff(ordered, axis=1) != 0).sum(axis=1) >= _TURN - 2
    whole = wide & (day[: len(turns)] == day[_TURN - 1 :])
    # Sorted once for all days: the day in the upper half of a number, the hash in the lower.
    marks = np.sort((day[: len(turns)][whole].astype(np.uint64) << _HALF) | (mixed[whole] >> _HALF))
    marks = marks[np.r_[True, marks[1:] != marks[:-1]]] if len(marks) else marks
    found = []
    for n, (first, last) in enumerate(pairwise(np.searchsorted(marks >> _HALF, np.arange(len(days) + 1)).tolist())):
        hashes = (marks[first : min(last, first + _SKETCH)] & _LOWER).tolist()
        if len(hashes) >= _SKETCH_LEAST:
            begin, end = int(days.offsets[n]), int(days.offsets[n + 1]) - 1
            found.append(_signal(fixes, "track.sketch", begin, end, end, 0.0, {"turns": hashes}))
    return found


def _stirred(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return *values* with every bit depending on every other (a finaliser in the manner of splitmix)."""
    values = (values ^ (values >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    return values ^ (values >> np.uint64(32))


def _unsupported(
    fixes: _Fixes,
    days: RepDays,
    known: KnownPlaces,
    claims: Claims,
    outings: Table,
    stays: Table,
    settings: PlacesSettings,
) -> list[_Signal]:
    """Hold claimed visits without a stay at the customer against every fix around their time."""
    window = int(settings.support_window_s * 1000)
    names = {code: customer for customer, code in known.customers.items()}
    ids = _outing_ids(outings)
    seen_at = _visited(stays)
    found = []
    for (day, code), spans in claims.spans.items():
        if code < 0:
            continue
        rep_day = days.days[day]
        for start, end in spans:
            low, high = start - window, end + window
            at = seen_at.get((rep_day.rep, rep_day.date, names[code]), ())
            if any(a <= high and low <= b for a, b in at):
                continue
            first, last = int(days.offsets[day]), int(days.offsets[day + 1])
            t = fixes.t[first:last]
            a, b = (int(n) + first for n in np.searchsorted(t, (low, high + 1)))
            near, used = _nearest_fix(fixes, a, b, code, known, settings)
            silence = _longest_silence(fixes.t[a:b], low, high, rep_day.duty_ms)
            during = _longest_silence(fixes.t[a:b], start, end, rep_day.duty_ms)
            if near is not None and near <= settings.support_radius_m:
                continue
            quiet = during > settings.support_gap_s or silence > settings.support_window_s / 2
            told = near is not None and not quiet and used >= 3
            facts = {
                "outing": ids.get((rep_day.rep, names[code], start), ""),
                "customer": names[code],
                "nearest_m": None if near is None else round(near),
                "fixes": used,
                "longest_silence_s": round(silence),
                "zone": rep_day.zone,
            }
            name = "visit.unsupported" if told else "visit.not_verifiable"
            found.append(
                _Signal(
                    day=day,
                    name=name,
                    start_ms=start,
                    end_ms=end,
                    seen_ms=high,
                    strength=0.6 if told else 0.1,
                    facts=facts,
                )
            )
    return found


def _outing_ids(outings: Table) -> dict[tuple[str, str, int], str]:
    columns = outings["rep"], outings["customer"].tolist(), outings["start_ms"].tolist(), outings["outing"].tolist()
    return {(rep or "", customer, start): outing for rep, customer, start, outing in zip(*columns, strict=True)}


def _visited(stays: Table) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
    """Return the spans at customers by (rep, date, customer)."""
    at = stays.take(stays["verdict"].where(Verdict.AT))
    result: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    columns = at["rep"], at["date"], at["customer"].tolist(), at["start_ms"].tolist(), at["end_ms"].tolist()
    for rep, date, customer, start, end in zip(*columns, strict=True):
        if customer is not None:
            result.setdefault((rep or "", date or "", customer), []).append((start, end))
    return result


def _nearest_fix(
    fixes: _Fixes, first: int, last: int, code: int, known: KnownPlaces, settings: PlacesSettings
) -> tuple[float | None, int]:
    """Return (metres from the nearest fix to the customer less its accuracy, fixes looked at)."""
    with np.errstate(invalid="ignore"):
        vague = fixes.accuracy[first:last] > settings.accuracy_limit_m
    rows = np.flatnonzero(~vague & np.isfinite(fixes.lat[first:last]) & np.isfinite(fixes.lon[first:last])) + first
    places = np.flatnonzero((known.customer == code) & np.isfinite(known.lat) & np.isfinite(known.lon))
    if not len(rows) or not len(places):
        return None, len(rows)
    excuse = np.nan_to_num(fixes.accuracy[rows], nan=settings.assumed_accuracy_m)
    lat, lon = fixes.lat[rows][:, None], fixes.lon[rows][:, None]
    metres = distances_m(lat, lon, known.lat[places][None, :], known.lon[places][None, :]).min(axis=1)
    return float((metres - excuse).min()), len(rows)


def _longest_silence(t: Ints, start: int, end: int, duty: tuple[tuple[int, int], ...]) -> float:
    """Return the longest stretch without a fix inside duty between *start* and *end*, seconds."""
    longest = 0
    for a, b in duty:
        low, high = max(start, a), min(end, b)
        if high <= low:
            continue
        inside = t[(t >= low) & (t <= high)]
        longest = max(longest, int(np.diff(np.r_[low, inside, high]).max()))
    return longest / 1000.0


def _signal(
    fixes: _Fixes, name: str, first: int, last: int, seen: int, strength: float, facts: Mapping[str, Any]
) -> _Signal:
    return _Signal(
        day=int(fixes.day[first]),
        name=name,
        start_ms=int(fixes.t[first]),
        end_ms=int(fixes.t[last]),
        seen_ms=int(fixes.t[seen]),
        strength=strength,
        facts=facts,
    )
