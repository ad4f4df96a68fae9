"""What phones saw of a timeline: fixes with honest errors, gaps, batteries, late and doubled uploads.

Everything random about one rep-day's phone comes from that rep-day's own stream, so it can be made alone and in any
order; rep-days are only computed side by side because arrays are faster that way, never because they depend on each
other. Only integer words, sums, products and square roots are used, so the columns are equal on every platform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import REPORTED, Coded, Table
from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.script import Phone, Script
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Setting, Timeline
from fieldhr_sandbox.world import Rep, World

__all__ = ["NOISE_M", "REFERENCE", "STEP_S", "Dials", "Observed", "observe", "tick_seconds"]

#: Seconds between fixes.
STEP_S: Final = 30
#: Standard deviation of the error per axis by surroundings, metres: medians of about 4.5, 7, 11 and 28 m.
NOISE_M: Final[tuple[float, float, float, float]] = (3.8, 6.0, 9.4, 24.0)
#: Radius that holds 68 % of a round normal error, in standard deviations per axis.
_COVER: Final = 1.51
#: Median of a round normal error, in standard deviations per axis.
_MEDIAN: Final = 1.1774
#: Length of an ordinary hole in the track, and the least time between two of them: longer silences are scenarios.
_GAP_S: Final = (2 * 60, 9 * 60)
_GAP_APART_S: Final = 6 * 60

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True)
class Dials:
    """What phones are like in this tenant.

    Attributes:
        noise_m: median position error everywhere, ``None`` = as the surroundings make it; the accuracy follows.
        gap_share: share of time without fixes, in holes of 2 to 9 minutes.
        duplicate_share, disorder_share, late_share: shares of fixes sent twice, sent out of order, sent late.
        dead_battery_share: share of days on which the battery dies.
        jump_share: share of fixes thrown 150-400 m aside (with a poor accuracy, as receivers report it).
        spared: whether ordinary gaps and flat batteries keep clear of the edges of what is planted.
    """

    noise_m: float | None = None
    gap_share: float = 0.03
    duplicate_share: float = 0.01
    disorder_share: float = 0.01
    late_share: float = 0.05
    dead_battery_share: float = 0.02
    jump_share: float = 0.002
    spared: bool = True

    @property
    def sigma_m(self) -> tuple[float, ...]:
        """Standard deviation of the error per axis, by surroundings."""
        return NOISE_M if self.noise_m is None else (self.noise_m / _MEDIAN,) * len(NOISE_M)


#: The device mix of the scenario book.
REFERENCE: Final = Dials()


@attrs.frozen(eq=False, kw_only=True)
class Observed:
    """Fixes of some rep-days, and beside them what only the sandbox may know.

    ``table`` is in order of arrival; ``true_x``, ``true_y``, ``setting`` are its rows' truth in the world's frame.
    """

    table: Table
    true_x: Floats
    true_y: Floats
    setting: npt.NDArray[np.int64]


def tick_seconds(rep: int, day: int, days: Days, streams: Streams) -> npt.NDArray[np.int64]:
    """Return the seconds of local day at which this phone takes fixes: one in 30 s, two seconds about it.

    A scenario that needs an exact length looks here, instead of bending the phone's clock.
    """
    draw = streams.of("ticks", rep, day)
    phase = draw.below(STEP_S - 4)
    count = (days.end_s - days.start_s) // STEP_S
    sway = (draw.words(count) % np.uint64(5)).astype("i8")
    seconds: npt.NDArray[np.int64] = days.start_s + phase + STEP_S * np.arange(count, dtype="i8") + sway
    return seconds


def observe(
    scripts: Sequence[Script],
    world: World,
    days: Days,
    streams: Streams,
    dials: Dials | None = None,
    everything: Mapping[tuple[int, int], Script] | None = None,
) -> Observed:
    """Return the fixes of *scripts* (rep-days), as their phones send them.

    *everything* is needed where a phone sends another day's track again or lies in somebody else's bag: scripts by
    (rep index, day).
    """
    dials = dials or REFERENCE
    everything = everything or {}
    on_duty = _observed_on_duty(scripts, world, days, streams, dials, everything)
    unasked = [_observed_off_duty(script, world, days, streams) for script in scripts if script.phone.off_duty]
    return _together([on_duty, *unasked]) if unasked else on_duty


def _observed_on_duty(
    scripts: Sequence[Script],
    world: World,
    days: Days,
    streams: Streams,
    dials: Dials,
    everything: Mapping[tuple[int, int], Script],
) -> Observed:
    rows = [script for script in scripts if script.works]
    if not rows:
        return Observed(table=REPORTED.empty(), true_x=np.empty(0), true_y=np.empty(0), setting=np.empty(0, dtype="i8"))
    seen = _seen(rows, world, days, streams, dials, everything)
    seconds, count = seen.seconds, seen.seconds.shape[1]
    reps = [world.reps[script.rep] for script in rows]
    for index, script in enumerate(rows):
        if script.phone.replayed_day is not None:
            again = _seen([everything[script.rep, script.phone.replayed_day]], world, days, streams, dials, everything)
            seen.lat[index], seen.lon[index] = _replayed(script, again, seen.spare[index], world)
            if script.at_home:
                # Whoever sends a whole day from the sofa sends its speeds along.
                seen.speed[index] = again.speed[0]
    phones = [
        _phone_day(script, rep, draw, seconds[index], dials, days)
        for index, (script, rep, draw) in enumerate(zip(rows, reps, seen.draws, strict=True))
    ]
    shown = np.stack([phone.shown for phone in phones])
    frozen = np.stack([phone.frozen for phone in phones])
    network = np.stack([phone.network for phone in phones])
    midnight = np.asarray([days.midnight_ms(script.day) for script in rows], dtype="i8")[:, None]
    received = np.stack([phone.received_s for phone in phones]) * 1000 + (seen.spare & np.uint64(1023)).astype("i8")
    columns = {
        "rep": np.repeat(np.arange(len(rows)), count).reshape(len(rows), count),
        "time_ms": midnight + (seconds + np.stack([phone.skew_s for phone in phones])) * 1000,
        "received_ms": midnight + received,
        "lat": _hold(frozen, seen.lat),
        "lon": _hold(frozen, seen.lon),
        "accuracy_m": np.round(_hold(frozen, seen.accuracy), 1),
        "speed_mps": np.where(frozen & (network == 1), 0.0, np.round(seen.speed, 1)),
        "battery_pct": np.stack([phone.battery for phone in phones]),
        "mock": np.stack([phone.mock for phone in phones]),
        "source": network,
    }
    copies = (seen.chance > 0.6) & (seen.chance < 0.6 + dials.duplicate_share)
    swaps = (seen.chance > 0.8) & (seen.chance < 0.8 + dials.disorder_share)
    flat = {name: column[shown] for name, column in columns.items()}
    order, twice = _arrival(copies[shown], swaps[shown], flat["received_ms"], flat["rep"])
    flat = {name: column[order] for name, column in flat.items()}
    flat["received_ms"] = np.where(twice, flat["received_ms"] + 47_000, flat["received_ms"])
    table = REPORTED.table(
        rep=_coded(flat["rep"], [rep.id for rep in reps]),
        device=_coded(flat["rep"], [s.phone.device or rep.device for s, rep in zip(rows, reps, strict=True)]),
        source=Coded(flat["source"].astype("i4"), ("gps", "network")),
        **{name: column for name, column in flat.items() if name not in ("rep", "source")},
    )
    return Observed(
        table=table,
        true_x=seen.true_x[shown][order],
        true_y=seen.true_y[shown][order],
        setting=seen.setting[shown][order],
    )


def _replayed(script: Script, again: _Seen, spare: npt.NDArray[np.uint64], world: World) -> tuple[Floats, Floats]:
    """Return the coordinates of an earlier day, later and a little moved where the phone says so."""
    jitter_m, lag_s = script.phone.replay
    lat, lon = again.lat[0], again.lon[0]
    if lag_s:
        lat, lon = (np.concatenate([np.full(lag_s // STEP_S, one[0]), one])[: len(one)] for one in (lat, lon))
    if jitter_m:
        east, north = (_normal(spare >> np.uint64(shift)) * jitter_m for shift in (0, 7))
        here, there = world.frame.many_to_degrees(east, north), world.frame.many_to_degrees(0 * east, 0 * north)
        lat, lon = lat + here[0] - there[0], lon + here[1] - there[1]
    return lat, lon


def _observed_off_duty(script: Script, world: World, days: Days, streams: Streams) -> Observed:
    """Return what a phone sends outside working time: one fix in 30 s from where its owner is."""
    rep = world.reps[script.rep]
    seconds = np.concatenate([np.arange(start, end, STEP_S, dtype="i8") for start, end in script.phone.off_duty])
    words = streams.of("off-duty", script.rep, script.day).words(2 * len(seconds)).reshape(2, len(seconds))
    true_x, true_y, setting = _true_positions([script], seconds[None, :], {})
    sigma = np.asarray(NOISE_M)[setting[0]]
    lat, lon = world.frame.many_to_degrees(true_x[0] + _normal(words[0]) * sigma, true_y[0] + _normal(words[1]) * sigma)
    table = REPORTED.table(
        rep=Coded.same(rep.id, len(seconds)),
        device=Coded.same(rep.device, len(seconds)),
        source=Coded.same("gps", len(seconds)),
        time_ms=days.midnight_ms(script.day) + seconds * 1000,
        received_ms=days.midnight_ms(script.day) + seconds * 1000 + 2000,
        lat=lat,
        lon=lon,
        accuracy_m=np.round(_COVER * sigma, 1),
        speed_mps=np.zeros(len(seconds)),
        battery_pct=np.full(len(seconds), 60.0),
        mock=np.zeros(len(seconds), dtype="i1"),
    )
    return Observed(table=table, true_x=true_x[0], true_y=true_y[0], setting=setting[0])


def _together(parts: Sequence[Observed]) -> Observed:
    """Return several parts as one, in order of arrival."""
    table = Table.concat(REPORTED, [part.table for part in parts])
    order = np.argsort(table["received_ms"] // 60_000, kind="stable")
    return Observed(
        table=table.take(order),
        true_x=np.concatenate([part.true_x for part in parts])[order],
        true_y=np.concatenate([part.true_y for part in parts])[order],
        setting=np.concatenate([part.setting for part in parts])[order],
    )


@attrs.frozen(eq=False, kw_only=True)
class _Seen:
    """What receivers computed, one row a rep-day and one column a tick; nothing held back or lost yet."""

    draws: list[Draw]
    seconds: npt.NDArray[np.int64]
    spare: npt.NDArray[np.uint64]
    chance: Floats
    true_x: Floats
    true_y: Floats
    setting: npt.NDArray[np.int64]
    lat: Floats
    lon: Floats
    accuracy: Floats
    speed: Floats


def _seen(
    rows: Sequence[Script],
    world: World,
    days: Days,
    streams: Streams,
    dials: Dials,
    everything: Mapping[tuple[int, int], Script],
) -> _Seen:
    seconds = np.stack([tick_seconds(script.rep, script.day, days, streams) for script in rows])
    draws = [streams.of(f"phone{script.phone.again or ''}", script.rep, script.day) for script in rows]
    count = seconds.shape[1]
    words = np.stack([draw.words(4 * count) for draw in draws]).reshape(len(rows), 4, count)
    true_x, true_y, setting = _true_positions(rows, seconds, everything)
    sigma = np.asarray(dials.sigma_m)[setting]
    keep = np.asarray([world.reps[script.rep].persistence for script in rows])
    error_x = _correlated(_normal(words[:, 0]), keep) * sigma
    error_y = _correlated(_normal(words[:, 1]), keep) * sigma
    wobble = 1.0 + 0.17 * _normal(words[:, 2])
    accuracy = np.maximum(3.0, _COVER * sigma * np.maximum(0.4, wobble))
    chance = (words[:, 3] >> np.uint64(11)).astype("f8") * 2.0**-53
    error_x, error_y, accuracy = _jump(words, chance < dials.jump_share, error_x, error_y, accuracy)
    for index, script in enumerate(rows):
        _throw(script.phone, seconds[index], error_x[index], error_y[index], accuracy[index])
    # Honest receivers now and then report an accuracy of 0 (unknown, wrongly sent) or a very poor one.
    poor = (chance > 0.40) & (chance < 0.402)
    accuracy = np.where(poor, np.where(chance < 0.4005, 0.0, 400.0), accuracy)
    lat, lon = world.frame.many_to_degrees(true_x + error_x, true_y + error_y)
    return _Seen(
        draws=draws,
        seconds=seconds,
        spare=words[:, 3],
        chance=chance,
        true_x=true_x,
        true_y=true_y,
        setting=setting,
        lat=lat,
        lon=lon,
        accuracy=accuracy,
        speed=_speed(true_x, true_y, seconds, wobble),
    )


def _throw(phone: Phone, seconds: npt.NDArray[np.int64], error_x: Floats, error_y: Floats, accuracy: Floats) -> None:
    """Move single fixes (whose accuracy admits some of it) and whole spans (whose does not), in place."""
    for second, metres in phone.scattered:
        at = int(np.argmin(np.abs(seconds - second)))
        error_x[at] += metres * 0.6
        error_y[at] += metres * 0.8
        accuracy[at] = max(accuracy[at], min(120.0, 0.2 * metres))
    for start, end, east, north in phone.thrown:
        span = (seconds >= start) & (seconds < end)
        error_x[span] += east
        error_y[span] += north
        accuracy[span] = np.minimum(accuracy[span], 30.0)


def _coded(rows: npt.NDArray[np.int64], values: Sequence[str]) -> Coded:
    """Return a coded column of one value a rep-day; a value may come twice."""
    distinct = tuple(dict.fromkeys(values))
    lookup = np.asarray([distinct.index(value) for value in values], dtype="i4")
    return Coded(lookup[rows], distinct)


def _true_positions(
    rows: Sequence[Script], seconds: npt.NDArray[np.int64], everything: Mapping[tuple[int, int], Script]
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    true_x, true_y = np.empty(seconds.shape), np.empty(seconds.shape)
    setting = np.empty(seconds.shape, dtype="i8")
    for index, script in enumerate(rows):
        carrier, east, north = script.phone.rides_with or (script.rep, 0.0, 0.0)
        timeline: Timeline = script.timeline if carrier == script.rep else everything[carrier, script.day].timeline
        knots, xs, ys = timeline.knots()
        true_x[index] = np.interp(seconds[index], knots, xs) + east
        true_y[index] = np.interp(seconds[index], knots, ys) + north
        ends, settings = timeline.settings()
        setting[index] = settings[np.minimum(np.searchsorted(ends, seconds[index], side="right"), len(ends) - 1)]
    return true_x, true_y, setting


def _normal(words: npt.NDArray[np.uint64]) -> Floats:
    """Return numbers of mean 0 and variance 1, one a word: four 16-bit uniforms added, so never beyond 3.5."""
    mask = np.uint64(0xFFFF)
    total = (words & mask) + ((words >> np.uint64(16)) & mask) + ((words >> np.uint64(32)) & mask)
    total += words >> np.uint64(48)
    normal: Floats = (total.astype("f8") - 2 * 65535.0) * (np.sqrt(3.0) / 65536.0)
    return normal


def _correlated(innovations: Floats, keep: Floats) -> Floats:
    """Return an AR(1) series a row, of variance 1, whose lag-1 autocorrelation is *keep*."""
    steps = np.ascontiguousarray(innovations.T)
    fresh = np.sqrt(1.0 - keep * keep)
    steps[1:] *= fresh
    for step in range(1, len(steps)):
        steps[step] += keep * steps[step - 1]
    return steps.T


def _jump(
    words: npt.NDArray[np.uint64], jumping: Flags, error_x: Floats, error_y: Floats, accuracy: Floats
) -> tuple[Floats, Floats, Floats]:
    length = 150.0 + 250.0 * ((words[:, 2] & np.uint64(0xFFFF)).astype("f8") / 65536.0)
    side = np.where((words[:, 1] & np.uint64(1)) == 0, 0.8, -0.8)
    return (
        np.where(jumping, error_x + 0.6 * length, error_x),
        np.where(jumping, error_y + side * length, error_y),
        np.where(jumping, np.maximum(accuracy, 0.7 * length), accuracy),
    )


def _speed(true_x: Floats, true_y: Floats, seconds: npt.NDArray[np.int64], wobble: Floats) -> Floats:
    step = np.diff(seconds, axis=1)
    metres = np.sqrt(np.diff(true_x, axis=1) ** 2 + np.diff(true_y, axis=1) ** 2)
    speed = np.zeros(true_x.shape)
    speed[:, 1:] = metres / step * np.maximum(0.3, wobble[:, 1:])
    return speed


def _hold(frozen: Flags, values: Floats) -> Floats:
    """Return *values* with each run of *frozen* fixes repeating the value it began with."""
    if not frozen.any():
        return values
    rows, count = values.shape
    index = np.where(frozen, 0, np.arange(count)[None, :])
    begins = frozen.copy()
    begins[:, 1:] &= ~frozen[:, :-1]
    index = np.where(begins, np.arange(count)[None, :], index)
    index = np.maximum.accumulate(index, axis=1)
    held: Floats = values[np.arange(rows)[:, None], index]
    return held


@attrs.frozen(eq=False)
class _PhoneDay:
    """One phone on one day, one value a tick."""

    shown: Flags
    received_s: npt.NDArray[np.int64]
    skew_s: npt.NDArray[np.int64]
    battery: Floats
    mock: npt.NDArray[np.int8]
    frozen: Flags
    network: npt.NDArray[np.int64]


def _phone_day(
    script: Script, rep: Rep, draw: Draw, seconds: npt.NDArray[np.int64], dials: Dials, days: Days
) -> _PhoneDay:
    phone: Phone = script.phone
    gaps = _gaps(phone, draw, dials, days)
    level, died = _battery(phone, rep, draw, seconds, dials)
    if died is not None:
        gaps = [*gaps, died]
    shown = ~_within(seconds, [*gaps, *phone.off, *script.untracked])
    resting = _resting(script, draw)
    if script.at_home and phone.replayed_day is not None:
        resting = []
    frozen_spans = [(start, end) for start, end, _ in phone.frozen] + resting
    network_spans = [(start, end) for start, end, rests in phone.frozen if rests] + resting
    skew = np.zeros(len(seconds), dtype="i8")
    for start, end, ahead in phone.fast_by:
        skew[(seconds >= start) & (seconds < end)] = ahead
    received = seconds + 1 + (np.arange(len(seconds)) % 3)
    # A clock that runs ahead can only be known where fixes arrive at once.
    late = [] if phone.fast_by else _late_chunk(draw, dials, days)
    for start, end in [*phone.held_back, *late]:
        held = (seconds >= start) & (seconds < end)
        received[held] = end + (np.cumsum(held)[held] // 40)
    return _PhoneDay(
        shown=shown,
        received_s=received,
        skew_s=skew,
        battery=level,
        mock=_within(seconds, phone.mock).astype("i1"),
        frozen=_within(seconds, frozen_spans),
        network=_within(seconds, network_spans).astype("i8"),
    )


def _gaps(phone: Phone, draw: Draw, dials: Dials, days: Days) -> list[tuple[int, int]]:
    """Return spans without fixes that hold ``gap_share`` of the day, none of them over an *awake* span."""
    budget = dials.gap_share * (days.end_s - days.start_s) * draw.between(0.5, 1.5)
    gaps: list[tuple[int, int]] = []
    for _ in range(60):
        if budget < 45:
            break
        length = int(min(budget, draw.between(*_GAP_S)))
        for _attempt in range(12):
            start = draw.whole(days.start_s, days.end_s - length)
            kept_clear = (
                *(phone.awake if dials.spared else ()),
                *((begin - _GAP_APART_S, end + _GAP_APART_S) for begin, end in gaps),
            )
            if not any(start < end and begin < start + length for begin, end in kept_clear):
                gaps.append((start, start + length))
                break
        budget -= length
    return gaps


def _battery(
    phone: Phone, rep: Rep, draw: Draw, seconds: npt.NDArray[np.int64], dials: Dials
) -> tuple[Floats, tuple[int, int] | None]:
    """Return the charge at each tick, and the span in which the phone was flat."""
    dies = draw.chance(dials.dead_battery_share)
    from_pct = draw.between(82, 100)
    charged_at = draw.whole(12 * 3600, 13 * 3600)
    dead_from = draw.whole(11 * 3600, 16 * 3600)
    dead_for = draw.whole(40, 110) * 60
    if phone.flat is not None:
        dies = phone.flat
    elif phone.awake and dials.spared:
        dies = False
    hours = (seconds - seconds[0]) / 3600.0
    level = from_pct - rep.drain_pct_h * hours
    if dies:
        slope = (from_pct - 2.0) / max(0.5, (dead_from - int(seconds[0])) / 3600.0)
        level = np.where(seconds < dead_from + dead_for, from_pct - slope * hours, 38.0 - rep.drain_pct_h * (hours - 4))
        return np.clip(np.round(level), 1.0, 100.0), (dead_from, dead_from + dead_for)
    level = np.where(seconds >= charged_at, np.minimum(100.0, level + 35.0), level)
    return np.clip(np.round(level), 6.0, 100.0), None


def _resting(script: Script, draw: Draw) -> list[tuple[int, int]]:
    """Return spans in which a phone that lies indoors repeats its last Wi-Fi position, as honest phones do."""
    spans = []
    for stay in script.timeline.stays():
        if stay.spot.setting == Setting.INDOOR and stay.end_s - stay.start_s > 20 * 60 and draw.chance(0.25):
            start = stay.start_s + draw.whole(60, 300)
            spans.append((start, min(stay.end_s - 90, start + draw.whole(4, 25) * 60)))
    return [(start, end) for start, end in spans if start < end]


def _late_chunk(draw: Draw, dials: Dials, days: Days) -> list[tuple[int, int]]:
    """Return a span that is sent late: ``late_share`` of all fixes, in one chunk on about half of the days."""
    length = int((days.end_s - days.start_s) * dials.late_share / 0.45 * draw.between(0.6, 1.4))
    start = draw.whole(days.start_s, max(days.start_s, days.end_s - length - 600))
    return [(start, start + length)] if draw.chance(0.45) and length > 120 else []


def _within(seconds: npt.NDArray[np.int64], spans: Sequence[tuple[int, int]]) -> Flags:
    inside = np.zeros(len(seconds), dtype=bool)
    for start, end in spans:
        inside |= (seconds >= start) & (seconds < end)
    return inside


def _arrival(copies: Flags, swaps: Flags, received: Any, rep: Any) -> tuple[npt.NDArray[np.int64], Flags]:
    """Return row numbers in order of arrival, some twice, some exchanged with the row before; and which are copies."""
    base = np.arange(len(copies), dtype="i8")
    exchange = np.flatnonzero(swaps[1:] & ~swaps[:-1]) + 1
    base[exchange], base[exchange - 1] = base[exchange - 1].copy(), base[exchange].copy()
    order = np.concatenate([base, np.flatnonzero(copies)])
    twice = np.concatenate([np.zeros(len(base), dtype=bool), np.ones(int(copies.sum()), dtype=bool)])
    arrives = received[order] + np.where(twice, 47_000, 0)
    # Swapped rows keep their places within a second; everything else goes by arrival.
    ranked = np.lexsort((rep[order], arrives // 60_000))
    return order[ranked], twice[ranked]
