"""Alerters about the device and the track: signals that are strong enough for a person to look at. None convicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import CHECKINS, DUTY_DAYS, SIGNALS, Audience, Evidence, Finding, Severity, Table
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["DeviceDoubts", "GapPattern", "ReplayedTrack", "SharedDevice"]

_SEVERITY: Final[dict[str, Severity]] = {
    "device.mock_location": Severity.HIGH,
    "device.impossible_speed": Severity.MEDIUM,
    "device.clock_tamper": Severity.MEDIUM,
}

#: Signals of one rep-day that are weighed together: each is independent of the others.
_WEIGHED: Final = (*_SEVERITY, "device.replayed_track", "track.gap", "visit.unsupported")
_SUREST: Final = 0.95

#: Days that are judged each evening.
_JUDGED: Final = 4
#: A share is read off at least so many turns.
_COVERED: Final = 8


class DeviceDoubts:
    """Alerter, live: mock flag, impossible speed, clock ahead of receipt. Each says that it does not convict alone."""

    codes = tuple(_SEVERITY)
    cadence = "live"
    days = 1

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a rep-day and signal, however often it recurs that day, weighed with the day's others."""
        beside = _by_day(tables[SIGNALS])
        first: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for row in _signals(tables[SIGNALS], *_SEVERITY):
            first.setdefault((row["rep"], row["date"], row["signal"]), []).append(row)
        limits = {
            "device.mock_location": {"mock_run_s": self.settings.mock_run_s},
            "device.impossible_speed": {
                "jump_speed_mps": self.settings.jump_speed_mps,
                "jump_accuracy_m": self.settings.jump_accuracy_m,
                "jump_count": self.settings.jump_count,
            },
            "device.clock_tamper": {"clock_skew_s": self.settings.clock_skew_s},
        }
        return [
            _finding(
                code, rep, day, rows, min(r["seen_ms"] for r in rows), _SEVERITY[code], limits[code], beside[rep, day]
            )
            for (rep, day, code), rows in first.items()
        ]


class ReplayedTrack:
    """Alerter, end of day: coordinates frozen for long, or the track of another day once more.

    Whoever sends an old track again need not take yesterday's, so a day is compared with those of a month; of the days
    themselves only the last few are judged, as late uploads may still change them.
    """

    codes = ("device.replayed_track",)
    cadence = "23:00"
    days = 31

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()
        self._by_date: Remembered[_Traces] = Remembered(_traces_on)

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a rep-day that is frozen or repeats an earlier day of the period."""
        by_day = self._by_date.of(tables, by_date(tables, SIGNALS))
        since = (tables.as_of - timedelta(days=_JUDGED - 1)).date().isoformat()
        limits = {"frozen_s": self.settings.frozen_s, "replay_share": self.settings.replay_share}
        found = []
        for day, traces in by_day.items():
            if day < since:
                continue
            for rep in sorted(traces.frozen.keys() | traces.sketches.keys()):
                rows = traces.frozen.get(rep)
                if rows is None:
                    row = traces.sketches[rep]
                    earlier = [
                        (date, other.sketches[rep]["turns"])
                        for date, other in by_day.items()
                        if date < day and rep in other.sketches
                    ]
                    twin = self._twin(row["turns"], earlier)
                    if twin is None:
                        continue
                    rows = [{**row, "facts": json.dumps({"kind": "replayed", "of": twin[0], "share": twin[1]})}]
                beside = traces.beside.get(rep, ())
                seen = rows[0]["seen_ms"]
                found.append(_finding("device.replayed_track", rep, day, rows, seen, Severity.HIGH, limits, beside))
        return found

    def _twin(self, turns: frozenset[int], earlier: Sequence[tuple[str, frozenset[int]]]) -> tuple[str, float] | None:
        for day, others in earlier:
            share = _share(turns, others)
            if share >= self.settings.replay_share:
                return day, round(share, 3)
        return None


@attrs.frozen(eq=False)
class _Traces:
    """What the signals of one date say of each rep: frozen spans, a sketch of the track, what is weighed along."""

    frozen: Mapping[str, list[dict[str, Any]]]
    sketches: Mapping[str, dict[str, Any]]
    beside: Mapping[str, list[dict[str, Any]]]


def _traces_on(_day: str, signals: Table) -> _Traces:
    frozen: dict[str, list[dict[str, Any]]] = {}
    sketches: dict[str, dict[str, Any]] = {}
    for row in _signals(signals, "device.replayed_track", "track.sketch"):
        if row["signal"] == "device.replayed_track":
            frozen.setdefault(row["rep"], []).append(row)
        else:
            row["turns"] = frozenset(json.loads(row["facts"]).get("turns", []))
            sketches[row["rep"]] = row
    return _Traces(frozen, sketches, {rep: rows for (rep, _), rows in _by_day(signals).items()})


def _share(own: frozenset[int], other: frozenset[int]) -> float:
    """Return the share of a day's turns another day took too, read off the least hashes that both samples cover."""
    if own.isdisjoint(other):
        return 0.0
    reach = min(max(own), max(other))
    covered = [turn for turn in own if turn <= reach]
    return len(other.intersection(covered)) / len(covered) if len(covered) >= _COVERED else 0.0


class SharedDevice:
    """Alerter, live: one device checks in for two reps within minutes."""

    codes = ("device.shared",)
    cadence = "live"
    days = 1
    peers = "device"

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding for each of both reps, device and day."""
        checkins = tables[CHECKINS].sort("device", "time_ms")
        handed_over = _handovers(self.settings.handovers)
        limit = {"shared_device_s": self.settings.shared_device_s}
        found: dict[tuple[str, str], Finding] = {}
        before: dict[str, Any] | None = None
        for row in checkins.rows():
            if (
                before is not None
                and row["device"]
                and row["device"] == before["device"]
                and row["rep"] != before["rep"]
                and row["time_ms"] - before["time_ms"] <= self.settings.shared_device_s * 1000
                and not any(before["time_ms"] <= ms <= row["time_ms"] for ms in handed_over.get(row["device"], ()))
            ):
                pair = (before, row)
                for rep in sorted({before["rep"], row["rep"]}):
                    key = (rep, f"{row['device']}/{_instant(row['time_ms']).date().isoformat()}")
                    if key not in found:
                        found[key] = _shared(rep, key[1], pair, limit)
            before = row
        return list(found.values())


def _handovers(recorded: Sequence[str]) -> dict[str, list[int]]:
    """Return the instants (UTC milliseconds) at which each device changed hands; a record without a zone is UTC."""
    found: dict[str, list[int]] = {}
    for record in recorded:
        device, _, moment = record.rpartition("@")
        at = datetime.fromisoformat(moment)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        found.setdefault(device, []).append(round(at.timestamp() * 1000))
    return found


class GapPattern:
    """Alerter, end of day: long silences inside working time, with charge left, ending far away, again and again."""

    codes = ("track.gap_pattern",)
    cadence = "23:00"
    days = 10

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a rep whose last duty days show the pattern, on the day that completes it."""
        gaps: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for row in _signals(tables[SIGNALS], "track.gap"):
            if self._counts(json.loads(row["facts"])):
                gaps.setdefault(row["rep"], {}).setdefault(row["date"], []).append(row)
        expected: dict[str, list[str]] = {}
        if not gaps:
            return []
        duty = tables[DUTY_DAYS]
        for rep, day in zip(*duty.take(duty["expected"]).lists("rep", "date"), strict=True):
            expected.setdefault(rep, []).append(day)
        limits = {
            "gap_min_s": self.settings.gap_min_s,
            "gap_max_s": self.settings.gap_max_s,
            "gap_days": self.settings.gap_days,
            "gap_window_days": self.settings.gap_window_days,
            "gap_battery_pct": self.settings.gap_battery_pct,
            "gap_moved_m": self.settings.gap_moved_m,
        }
        found = []
        for rep, by_day in sorted(gaps.items()):
            complete = self._completed(sorted(by_day), sorted(set(expected.get(rep, ())) | set(by_day)))
            if complete is not None:
                rows = [row for day in complete for row in by_day[day]]
                found.append(
                    _finding("track.gap_pattern", rep, complete[-1], rows, rows[-1]["seen_ms"], Severity.MEDIUM, limits)
                )
        return found

    def _counts(self, facts: Mapping[str, Any]) -> bool:
        battery = [b for b in facts["battery_pct"] if b is not None]
        charged = len(battery) == 2 and min(battery) > self.settings.gap_battery_pct
        return charged and facts["moved_m"] > self.settings.gap_moved_m

    def _completed(self, days: Sequence[str], duty: Sequence[str]) -> list[str] | None:
        """Return the first days that complete the pattern."""
        for n in range(self.settings.gap_days - 1, len(days)):
            window = duty[: duty.index(days[n]) + 1][-self.settings.gap_window_days :]
            inside = [day for day in days[: n + 1] if day in window]
            if len(inside) >= self.settings.gap_days:
                return inside
        return None


def _signals(signals: Table, *names: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of some signals by rep, date and start."""
    wanted = np.logical_or.reduce([signals["signal"].where(name) for name in names])
    return signals.take(wanted).sort("rep", "date", "start_ms").rows()


def _by_day(signals: Table) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the signals that are weighed together, by rep-day."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _signals(signals, *_WEIGHED):
        found.setdefault((row["rep"], row["date"]), []).append(row)
    return found


def _finding(
    code: str,
    rep: str,
    day: str,
    rows: Sequence[Mapping[str, Any]],
    seen_ms: int,
    severity: Severity,
    limits: Mapping[str, Any],
    beside: Sequence[Mapping[str, Any]] = (),
) -> Finding:
    others: dict[str, float] = {}
    for row in beside:
        if row["signal"] != code:
            others[row["signal"]] = max(row["strength"], others.get(row["signal"], 0.0))
    doubt = 1.0 - min(_SUREST, max(row["strength"] for row in rows) + 0.05 * (len(rows) - 1))
    for strength in others.values():
        doubt *= 1.0 - strength
    evidence = tuple(
        Evidence(
            kind="signal",
            ids=(f"{row['rep']}/{row['date']}/{row['signal']}/{row['start_ms']}",),
            facts={**json.loads(row["facts"]), "start": _text(row["start_ms"]), "end": _text(row["end_ms"])},
        )
        for row in (*rows, *(row for row in beside if row["signal"] != code))
    )
    return Finding(
        code=code,
        subject_kind="rep",
        subject=rep,
        rep=rep,
        instance=day,
        opened_at=_instant(seen_ms),
        closed_at=_instant(max(seen_ms, *(row["end_ms"] for row in rows))),  # a doubt may be seen after it ended
        severity=severity,
        confidence=round(min(_SUREST, 1.0 - doubt), 3),
        rule=f"places.{code}",
        version="1",
        thresholds=limits,
        evidence=evidence,
        explanation=code,
        params={"date": day, "count": len(rows), "beside": sorted(others), **_shown(rows[0])},
        advice=f"{code}.advice",
        readings=(f"{code}.reading.technical", f"{code}.reading.deliberate"),
        audience=(Audience.MANAGER,),
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = json.loads(row["facts"])
    minutes = round((row["end_ms"] - row["start_ms"]) / 60_000, 1)
    return {"minutes": minutes, "of": facts.get("of", ""), "ahead_minutes": round(facts.get("ahead_s", 0) / 60, 1)}


def _shared(
    rep: str, instance: str, pair: tuple[Mapping[str, Any], Mapping[str, Any]], limit: Mapping[str, Any]
) -> Finding:
    one, other = pair
    minutes = round((other["time_ms"] - one["time_ms"]) / 60_000, 1)
    partner = other["rep"] if one["rep"] == rep else one["rep"]
    return Finding(
        code="device.shared",
        subject_kind="rep",
        subject=rep,
        rep=rep,
        instance=instance,
        opened_at=_instant(other["time_ms"]),
        closed_at=_instant(other["time_ms"]),
        severity=Severity.HIGH,
        confidence=0.8,
        rule="places.device.shared",
        version="1",
        thresholds=limit,
        evidence=(
            Evidence(
                kind="checkin",
                ids=(one["checkin"], other["checkin"]),
                facts={"device": other["device"], "seconds_apart": (other["time_ms"] - one["time_ms"]) / 1000},
            ),
        ),
        explanation="device.shared",
        params={"device": other["device"], "partner": partner, "minutes": minutes},
        advice="device.shared.advice",
        readings=("device.shared.reading.technical", "device.shared.reading.deliberate"),
        audience=(Audience.MANAGER,),
    )


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _text(ms: int) -> str:
    return _instant(ms).isoformat().replace("+00:00", "Z")
