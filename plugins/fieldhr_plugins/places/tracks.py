"""Rep-days to measured stays: where, from when to when, how much of it certain; no places looked at yet.

Everything a stay is judged by is measured up to the fix by which the dwell limit was passed (or to its end where it was
not): what was said live is what is said at night.
"""

from __future__ import annotations

import itertools
from typing import Any, Final, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import RepDays
from fieldhr_plugins.places.segments import METRES_A_DEGREE, Doubt, Segment, SegmentRules, Trail, segments_of
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["MeasuredStays", "SamePlace", "measured_stays"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Rep-days are taken in chunks of about this many fixes: arrays stay in the cache and memory stays small.
_CHUNK: Final = 200_000
#: A start or end that lies outside the stay's own core for less than this is an approach or a departure.
_TRIM_MS: Final = 120_000
#: Who is outside the core for longer than this, and still near, is taken to stay there: a departure is quicker.
_SETTLED_MS: Final = 75_000
#: The core of a stay is measured on its first twenty minutes, so that it is known when a dwell limit passes.
_HEAD_MS: Final = 1_200_000
#: Fixes before a segment that may still belong to it (an outlier came between).
_LOOK_BACK: Final = 3
_LOOK_BACK_MS: Final = 600_000
#: Accuracy that excuses a fix from counting as outside, at most.
_EXCUSE_M: Final = 75.0
#: A segment whose bounding box has a shorter diagonal is no movement.
_STILL_M: Final = 80.0
#: Motion is measured on fixes at least this far apart in time.
_STRIDE_MS: Final = 20_000
#: Devices that report at least this often need nothing made good; silence longer than the other is no interval.
_OFTEN_MS: Final = 60_000
_RAREST_MS: Final = 900_000
#: Silence so many reporting intervals long is a hole, and says nothing about when somebody came or went.
_MISSED: Final = 2.5
#: A fix is off the way where going by it is longer than going straight by this share and these metres.
_DETOUR, _DETOUR_M = 0.25, 150.0
#: Stays of one place complex lie within this distance of each other.
COMPLEX_M: Final = 300.0


@attrs.frozen(eq=False, kw_only=True)
class MeasuredStays:
    """Columns of stays before any place is looked at; one element a stay, ascending by day and time.

    Attributes:
        day: index of the rep-day. start_ms, end_ms: first and last fix inside, of rare reporters half-way
            to the next fix.
        certain_s, possible_s, counted_s: see ``STAYS``.
        lat, lon, spread_m, accuracy_m: centre, root mean square distance from it, median accuracy, up to the
            deciding fix. error_m: standard error of the centre.
        fixes, refused: used and unused fixes from start to end.
        over_ms: fix by which the dwell limit was passed; 0 not.
        decided_ms: last fix that decided about the place.
        is_open: not left yet.
    """

    day: Ints
    start_ms: Ints
    end_ms: Ints
    certain_s: Floats
    possible_s: Floats
    counted_s: Floats
    lat: Floats
    lon: Floats
    spread_m: Floats
    accuracy_m: Floats
    error_m: Floats
    fixes: Ints
    refused: Ints
    over_ms: Ints
    decided_ms: Ints
    is_open: Bools

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: Any) -> MeasuredStays:
        """Return the stays at *rows* (indices or mask)."""
        return MeasuredStays(**{a.name: getattr(self, a.name)[rows] for a in attrs.fields(MeasuredStays)})


class SamePlace(Protocol):
    """What is known of places, asked pair by pair of points (lat, lon, lat, lon)."""

    def __call__(self, lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats, /) -> Bools:
        """Return whether both lie at the same known place."""
        ...

    def visits(self, lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats, /) -> Bools:
        """Return whether the first lies at a customer's at which the second does not lie."""
        ...


def measured_stays(days: RepDays, settings: PlacesSettings, same_place: SamePlace) -> MeasuredStays:
    """Return the stays of all rep-days; loops, jams and walks are none."""
    offsets = np.asarray(days.offsets, dtype=np.int64)
    chunks = []
    first = 0
    while first < len(days):
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK, side="right")) - 1
        last = min(max(last, first + 1), len(days))
        chunks.append(_chunk(days, first, last, offsets, settings, same_place))
        first = last
    return _joined(chunks)


def _chunk(
    days: RepDays, first: int, last: int, offsets: Ints, settings: PlacesSettings, same_place: SamePlace
) -> MeasuredStays:
    """Return the stays of rep-days ``first:last``."""
    low, high = int(offsets[first]), int(offsets[last])
    fixes = days.fixes
    lat, lon, accuracy = fixes["lat"][low:high], fixes["lon"][low:high], fixes["accuracy_m"][low:high]
    counts = np.diff(offsets[first : last + 1])
    with np.errstate(invalid="ignore"):
        usable = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon) & ~(accuracy > settings.accuracy_limit_m))
    day = np.repeat(np.arange(first, last), counts)[usable]
    t = fixes["time_ms"][low:high][usable]
    lat, lon, accuracy = lat[usable], lon[usable], accuracy[usable]
    accuracy = np.where(np.isnan(accuracy), settings.assumed_accuracy_m, accuracy)
    starts = np.searchsorted(day, np.arange(first, last + 1))
    origin = lon[np.minimum(starts[:-1], max(len(lon) - 1, 0))] if len(lon) else np.zeros(last - first)
    # Days across the antimeridian: longitudes are unwrapped round the day's first fix.
    turned = np.round((lon - np.repeat(origin, np.diff(starts))) / 360.0)
    x, y = (lon - 360.0 * turned) * METRES_A_DEGREE, lat * METRES_A_DEGREE
    reach = settings.stay_radius_m + np.minimum(accuracy, _EXCUSE_M)
    rules = SegmentRules(
        int(settings.stay_s * 1000), settings.stay_radius_m, int(settings.bridge_s * 1000),
        int(settings.merge_s * 1000), int(settings.join_s * 1000),
    )  # fmt: skip
    trail = Trail.of(t, x, y, accuracy, reach * reach, rules)
    found: list[Segment] = []
    doubts: list[Doubt] = []
    for begin, end in itertools.pairwise(starts.tolist()):
        found += segments_of(trail, begin, end, rules, doubts)
    if not found:
        return _joined([])
    track = _Track(t=t, x=x, y=y, accuracy=accuracy, reach2=reach * reach, day=day, starts=starts, first_day=first)
    stays = _Segments(track, found, doubts, settings, same_place)
    chunk = _Chunk(
        track=track, stays=stays, groups=stays.group, days=days, first=first, last=last, original=usable + low
    )
    return _without_movement(chunk, settings)


@attrs.frozen(eq=False, kw_only=True)
class _Track:
    """The usable fixes of a chunk."""

    t: Ints
    x: Floats
    y: Floats
    accuracy: Floats
    reach2: Floats
    day: Ints
    starts: Ints
    first_day: int


class _Segments:
    """Segments with their members: a fix is a member where it is compatible with being at the segment's anchor."""

    def __init__(
        self,
        track: _Track,
        found: list[Segment],
        doubts: list[Doubt],
        settings: PlacesSettings,
        same_place: SamePlace,
    ) -> None:
        self.settings = settings
        columns = list(zip(*found, strict=True))
        first, last, confirm = (np.asarray(c, dtype=np.int64) for c in columns[:3])
        self.cx, self.cy = (np.asarray(c, dtype=np.float64) for c in columns[3:5])
        self.left, self.is_brief = (np.asarray(c, dtype=bool) for c in columns[5:7])
        self.day, self.first, self.last, self.confirm = track.day[first], first, last, confirm
        # Where it seemed to be when it was confirmed: merging may not depend on what came later.
        self.lat, self.lon = self.cy / METRES_A_DEGREE, self.cx / METRES_A_DEGREE
        self.scale = np.cos(np.radians(self.lat))
        self._track = track
        self.group, self.ready = self._grouped(same_place)
        # Look back a few fixes and ahead one, but not into another segment nor into another day.
        floor = track.starts[self.day - track.first_day]
        close = track.starts[self.day - track.first_day + 1] - 1
        close[:-1] = np.minimum(close[:-1], np.where(self.day[1:] == self.day[:-1], first[1:] - 1, close[:-1]))
        self.last = last
        last = np.minimum(last + 1, close)
        floor[1:] = np.maximum(floor[1:], np.where(self.day[1:] == self.day[:-1], last[:-1] + 1, 0))
        begin = np.maximum(first - _LOOK_BACK, floor)
        lengths = last - begin + 1
        self.segment = np.repeat(np.arange(len(first)), lengths)
        self.offsets = np.cumsum(lengths) - lengths
        self.fix = np.arange(int(lengths.sum())) - np.repeat(self.offsets - begin, lengths)
        self._anchor(track)
        self._trim(track)
        self.settles &= ~_covered(doubts, len(track.t))[self.member]

    def _anchor(self, track: _Track) -> None:
        """Find each segment's anchor (mean of its head, outliers left out) and its core radius.

        The head is the first twenty minutes; of segments that continue a stay, what confirmed them. Both are complete
        before a dwell limit can pass.
        """
        s, i = self.segment, self.fix
        limit_ms = min(_HEAD_MS, int(self.settings.dwell_limit_s * 1000))
        radius2 = self.settings.stay_radius_m**2
        continues = np.r_[False, self.group[1:] == self.group[:-1]]
        until = np.where(continues, track.t[self.confirm], track.t[self.first] + limit_ms)
        belongs = (i >= self.first[s]) & (track.t[i] <= until[s])
        # Indoors a phone repeats its last position for long: that is one observation, not many.
        belongs &= (i == self.first[s]) | (track.x[i] != track.x[i - 1]) | (track.y[i] != track.y[i - 1])
        dx, dy = self._off(track, self.cx, self.cy)
        head = belongs & (dx * dx + dy * dy <= radius2)
        count = np.maximum(self._sum(head), 1.0)
        self.cx = self.cx + self._sum(np.where(head, dx, 0.0)) / count / self.scale
        self.cy = self.cy + self._sum(np.where(head, dy, 0.0)) / count
        dx, dy = self._off(track, self.cx, self.cy)
        self.d2 = dx * dx + dy * dy
        head = belongs & (self.d2 <= radius2)
        count = np.maximum(self._sum(head), 1.0)
        spread = np.sqrt(self._sum(np.where(head, self.d2, 0.0)) / count)
        # Of few observations the spread alone would make the core too small.
        vague = self._sum(np.where(head, track.accuracy[i], 0.0)) / count
        self.core = np.clip(np.maximum(2.2 * spread + 5.0, 1.4 * vague), 20.0, self.settings.stay_radius_m)

    def _trim(self, track: _Track) -> None:
        """Take approaches and departures off, and early fixes before an outlier in."""
        s, i = self.segment, self.fix
        near = (i >= self.first[s]) | (track.t[self.first][s] - track.t[i] <= _LOOK_BACK_MS)
        # A fix may lie as far off as its own accuracy explains: nearly all lie within twice it.
        excused = np.minimum(2.0 * track.accuracy[i], self.settings.stay_radius_m)
        core = near & (self.d2 <= np.maximum(self.core[s], excused) ** 2)
        # Who reports rarely is not seen on the way: a fix that its accuracy explains was the first or last one inside.
        step = np.diff(track.t, prepend=track.t[:1])[np.where(i < self.first[s], i + 1, i)]
        rare = near & (step > 2 * _OFTEN_MS)
        inside = (i >= self.first[s]) & (i <= self.last[s])
        core &= rare | (i <= self.last[s])
        fits = core | ((inside | rare) & (self.d2 <= track.reach2[i]))
        t, none = track.t, np.iinfo(np.int64).max
        first, last = (self._extreme(np.minimum, np.where(rows, i, none)) for rows in (core, fits))
        # Every core fix fits, so where there is a core there is both.
        safe = np.where(first == none, 0, first), np.where(last == none, 0, last)
        begin = np.where((first < none) & (t[safe[0]] - t[safe[1]] <= _TRIM_MS), first, last)
        first, last = (self._extreme(np.maximum, np.where(rows, i, -1)) for rows in (core, fits))
        end = np.where((first >= 0) & (t[last] - t[first] <= _TRIM_MS), first, last)
        lost = (begin == none) | (end < 0)
        begin, end = np.where(lost, self.confirm, begin), np.where(lost, self.confirm, end)
        member = ((i >= begin[s]) & (i <= end[s]) & fits) | (lost[s] & (i == self.confirm[s]))
        keep = np.flatnonzero(member)
        self.member_segment, self.member = s[keep], i[keep]
        # A member counts as arrival at the dwell limit when it is in the core, or when the rep has moved on inside
        # the place for longer than a departure takes.
        last_core = np.maximum.accumulate(np.where(core, i, -1))[keep]
        settled = t[self.member] - t[np.maximum(last_core, 0)] > _SETTLED_MS
        self.settles = core[keep] | settled | (last_core < begin[self.member_segment])

    def _extreme(self, which: Any, rows: Ints) -> Ints:
        return np.asarray(which.reduceat(rows, self.offsets))

    def _off(self, track: _Track, cx: Floats, cy: Floats) -> tuple[Floats, Floats]:
        s, i = self.segment, self.fix
        return (track.x[i] - cx[s]) * self.scale[s], track.y[i] - cy[s]

    def _sum(self, values: Any) -> Floats:
        return np.asarray(np.add.reduceat(values, self.offsets, dtype=np.float64))

    def _grouped(self, same_place: SamePlace) -> tuple[Ints, Ints]:
        """Return the group of each segment and the fix by which it is known to belong there.

        Neighbours at one place, less than the merge limit apart, are one stay.
        """
        t, day, first, last = self._track.t, self.day, self.first, self.last
        count = len(day)
        before, after = np.maximum(last - 1, first), np.minimum(last + 1, len(t) - 1)
        steps = np.minimum(t[last] - t[before], t[after] - t[last])
        # Seen from fix to fix an absence looks longer than it was, by up to the reporting interval at either end.
        interval = np.where((before < last) & (self._track.day[after] == day), steps, 0)
        interval += np.maximum(interval - _OFTEN_MS, 0) // 2
        joined = np.zeros(count, dtype=bool)
        ready = self.confirm.copy()
        merge_ms = int(self.settings.merge_s * 1000)
        for step in (1, 2):
            # Step 2: a short stay in between (the car park of the mall) belongs to the complex it lies in.
            a, b = np.arange(count - step), np.arange(step, count)
            near = (day[a] == day[b]) & (t[first[b]] - t[last[a]] - interval[a] < merge_ms) & self._complex(a, b)
            if step == 2:
                near &= self._complex(a, a + 1)
            pick = np.flatnonzero(near)
            if step == 2 and len(pick):
                # Unless it was a visit: a customer met between two coffees is not part of the cafe.
                rows = a[pick]
                pick = pick[~same_place.visits(self.lat[rows + 1], self.lon[rows + 1], self.lat[rows], self.lon[rows])]
            if len(pick):
                one, other = a[pick], b[pick]
                same = same_place(self.lat[one], self.lon[one], self.lat[other], self.lon[other])
                same |= self._apart(one, other) <= self.settings.stay_radius_m
                for nth in range(1, step + 1):
                    rows = one[same] + nth
                    ready[rows] = np.where(joined[rows], ready[rows], self.confirm[other[same]])
                    joined[rows] = True
        return np.cumsum(~joined) - 1, ready

    def _complex(self, a: Ints, b: Ints) -> Bools:
        return self._apart(a, b) <= COMPLEX_M

    def _apart(self, a: Ints, b: Ints) -> Floats:
        east, north = (self.lon[a] - self.lon[b]) * self.scale[a], self.lat[a] - self.lat[b]
        return np.asarray(np.hypot(east, north) * METRES_A_DEGREE)


@attrs.frozen(eq=False, kw_only=True)
class _Chunk:
    """Everything known about some rep-days: fixes, segments, which segments are one stay, where fixes came from."""

    track: _Track
    stays: _Segments
    groups: Ints
    days: RepDays
    first: int
    last: int
    original: Ints


def _without_movement(chunk: _Chunk, settings: PlacesSettings) -> MeasuredStays:
    """Measure groups; segments that turn out to be movement are taken off and their group is measured again.

    What counts as movement is judged up to the fix that decides, so taking a segment off can only move the decision to
    a later fix: the sequence of decisions is the same however much of the day is known.
    """
    segment = chunk.stays.member_segment
    rows = np.arange(len(segment))
    settled: list[MeasuredStays] = []
    while len(rows):
        measured, moving = _measured(chunk, rows, settings)
        again = np.unique(chunk.groups[moving])
        present = np.unique(chunk.groups[segment[rows]])
        left_out = np.r_[again, _too_short(chunk, segment[rows])]
        settled.append(measured.take(~np.isin(present, left_out)))
        rows = rows[np.isin(chunk.groups[segment[rows]], again) & ~np.isin(segment[rows], moving)]
    together = _joined(settled)
    return together.take(np.lexsort((together.start_ms, together.day)))


def _too_short(chunk: _Chunk, segment: Ints) -> Ints:
    """Return the groups that are nothing but one segment too short to be a stay."""
    single = segment[np.r_[True, segment[1:] != segment[:-1]]]
    group, count = np.unique(chunk.groups[single], return_counts=True)
    return np.intersect1d(group[count == 1], chunk.groups[single[chunk.stays.is_brief[single]]])


def _measured(chunk: _Chunk, rows: Ints, settings: PlacesSettings) -> tuple[MeasuredStays, Ints]:
    """Measure the groups of the members at *rows* as one stay each; return them and the moving segments."""
    track, stays = chunk.track, chunk.stays
    t, member, segment = track.t, stays.member[rows], stays.member_segment[rows]
    group = chunk.groups[segment]
    heads = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    owner = np.cumsum(np.r_[False, group[1:] != group[:-1]])
    tails = np.r_[heads[1:], len(member)] - 1
    start, end = member[heads], member[tails]
    time = t[member]
    gap = np.r_[0, np.diff(time)]
    gap[heads] = 0
    bridged = gap <= int(settings.bridge_s * 1000)
    _allow_rare_reporters(gap, bridged, member, t, track, settings)
    duty_clock = _without_breaks(time, track.day[member], chunk.days, chunk.first, chunk.last)
    worked = np.r_[0, np.diff(duty_clock)]
    worked[heads] = 0
    certain = np.cumsum(np.where(bridged, gap, 0))
    counted = np.cumsum(np.where(bridged, worked, 0))
    base = counted[heads]
    in_time = stays.settles[rows] & (time >= t[stays.ready[segment]])
    over = _first_over(counted - base[owner], gap, heads, tails, int(settings.dwell_limit_s * 1000), in_time)
    decided = np.where(over >= 0, over, tails)
    known = np.arange(len(member)) <= decided[owner]
    # Approaches and departures that were taken off are possible time, and so is silence beyond them.
    begun, gone = np.minimum(start, stays.first[segment[heads]]), np.maximum(end, stays.last[segment[tails]])
    before, after = np.maximum(begun - 1, 0), np.minimum(gone + 1, len(t) - 1)
    lead = np.where((begun > 0) & (track.day[before] == track.day[start]), t[start] - t[before], 0)
    trail = np.where(track.day[after] == track.day[end], t[after] - t[end], 0)
    used = tails - heads + 1
    measured = MeasuredStays(
        day=track.day[start],
        start_ms=t[start] - _half_seen(track, start, before, 1, lead),
        end_ms=t[end] + _half_seen(track, end, after, -1, trail),
        certain_s=(certain[tails] - certain[heads]) / 1000.0,
        possible_s=(t[end] - t[start] + lead + trail) / 1000.0,
        counted_s=(counted[tails] - base) / 1000.0,
        fixes=used,
        refused=chunk.original[end] - chunk.original[start] + 1 - used,
        over_ms=np.where(over >= 0, time[np.maximum(over, 0)], 0),
        decided_ms=time[decided],
        is_open=~stays.left[segment[tails]],
        **_at_decision(track, member, owner, heads, decided, known, settings),
    )
    return measured, _moving_segments(track, member, segment, known, settings)


def _allow_rare_reporters(
    gap: Ints, bridged: Bools, member: Ints, t: Ints, track: _Track, settings: PlacesSettings
) -> None:
    """Bridge silence that is only a few of the device's own reporting intervals long."""
    long = np.flatnonzero(~bridged & (gap <= int(settings.bridge_max_s * 1000)))
    for row in long.tolist():
        before = int(member[row - 1])
        begin = max(before - 8, int(track.starts[track.day[before] - track.first_day]))
        if before - begin < 3:
            continue
        interval = float(np.median(np.diff(t[begin : before + 1])))
        bridged[row] = gap[row] <= settings.bridge_intervals * interval


def _covered(doubts: list[Doubt], count: int) -> Bools:
    """Return the mask of the fixes that lie in any of the ranges."""
    if not doubts:
        return np.zeros(count, dtype=bool)
    ends = np.fromiter(itertools.chain.from_iterable(doubts), np.int64, 2 * len(doubts))
    change = np.bincount(ends[::2], minlength=count + 1) - np.bincount(ends[1::2], minlength=count + 1)
    return np.asarray(np.cumsum(change)[:-1] > 0)


def _without_breaks(time: Ints, day: Ints, days: RepDays, first: int, last: int) -> Ints:
    """Return a clock that stands still during the breaks of each rep-day."""
    breaks = [days.days[d].breaks_ms for d in range(first, last)]
    clock = time.copy()
    for nth in range(max((len(b) for b in breaks), default=0)):
        begin = np.array([b[nth][0] if nth < len(b) else 0 for b in breaks], dtype=np.int64)
        finish = np.array([b[nth][1] if nth < len(b) else 0 for b in breaks], dtype=np.int64)
        own = day - first
        clock -= np.clip(time, begin[own], finish[own]) - begin[own]
    return clock


def _first_over(spent: Ints, gap: Ints, heads: Ints, tails: Ints, limit_ms: int, in_time: Bools) -> Ints:
    """Return the row of the first member by which more than the limit was spent, -1 where there is none.

    Only members that settle the matter (*in_time*) decide: not a fix on the way out, not a stay still unconfirmed.
    What a rare reporter proves falls short of what was, by one interval on average: half of what its interval is over
    a minute is made good. The interval is the shortest of the last three steps.
    """
    steps = np.where(gap > 0, gap, np.iinfo(np.int64).max)
    for back in (1, 2):
        steps[back:] = np.minimum(steps[back:], steps[:-back])
    steps[steps > _RAREST_MS] = 0
    made_good = np.maximum(steps - _OFTEN_MS, 0) // 2
    over = in_time & (spent + made_good > limit_ms)
    none = len(over)
    first = np.minimum.reduceat(np.where(over, np.arange(none), none), heads)
    return np.where(first <= tails, first, -1)


def _half_seen(track: _Track, edge: Ints, beyond: Ints, inward: int, gap: Ints) -> Ints:
    """Return how far an edge lies beyond its fix, on average: where a device reports rarely, half the way to the next.

    Nothing for who reports every minute or faster, and nothing where the next fix is missing: silence is no presence.
    The interval is the shorter of the two steps inside the stay, which are known by the time it is judged. A next fix
    far off the way to the one after it is a wild one, and tells no more of where somebody was than a missing one.
    """
    t = track.t
    one, two = (np.clip(edge + inward * n, 0, len(t) - 1) for n in (1, 2))
    interval = np.minimum(np.abs(t[one] - t[edge]), np.maximum(np.abs(t[two] - t[one]), 1))
    past = np.clip(beyond - inward, 0, len(t) - 1)
    straight = _metres(track, edge, past)
    detour = _metres(track, edge, beyond) + _metres(track, beyond, past) - straight
    is_wild = (track.day[past] == track.day[edge]) & (detour > _DETOUR * straight + _DETOUR_M)
    further = np.where(is_wild, np.abs(t[past] - t[edge]), gap)
    gap = np.where(further <= _MISSED * interval, further, gap)
    seen = (interval <= _RAREST_MS) & (gap <= _MISSED * interval)
    return np.where(seen, np.maximum(gap - _OFTEN_MS, 0) // 2, 0)


def _metres(track: _Track, one: Ints, other: Ints) -> Floats:
    scale = np.cos(np.radians(track.y[one] / METRES_A_DEGREE))
    return np.hypot((track.x[one] - track.x[other]) * scale, track.y[one] - track.y[other])


def _at_decision(
    track: _Track, member: Ints, owner: Ints, heads: Ints, decided: Ints, known: Bools, settings: PlacesSettings
) -> dict[str, Any]:
    """Measure centre, spread and accuracy on the members up to the deciding one."""
    whole = _Extent.of(track, member, owner, heads, _telling(track, member, owner, heads, known, settings))
    # Position errors stay alike for minutes: what counts is how often they were renewed, about every five minutes.
    minutes = (track.t[member[decided]] - track.t[member[heads]]) / 60_000.0
    renewals = np.minimum(whole.count, 1.0 + minutes / 5.0)
    return {
        "lat": whole.y / METRES_A_DEGREE,
        "lon": (whole.x / METRES_A_DEGREE + 180.0) % 360.0 - 180.0,
        "spread_m": whole.spread,
        "accuracy_m": whole.accuracy,
        "error_m": np.maximum(whole.spread, whole.accuracy * 0.5) / np.sqrt(renewals),
    }


def _telling(track: _Track, member: Ints, owner: Ints, heads: Ints, known: Bools, settings: PlacesSettings) -> Bools:
    """Return which known members say where a group was: none vaguer than a stay is wide, where there are others."""
    clear = known & (track.accuracy[member] <= settings.stay_radius_m)
    if np.array_equal(clear, known):
        return known
    has_clear = np.logical_or.reduceat(clear, heads)
    return np.asarray(np.where(has_clear[owner], clear, known))


def _moving_segments(track: _Track, member: Ints, segment: Ints, known: Bools, settings: PlacesSettings) -> Ints:
    """Return the segments that are movement rather than staying, as far as is known at the decision."""
    begins = np.flatnonzero(np.r_[True, segment[1:] != segment[:-1]])
    part = np.cumsum(np.r_[False, segment[1:] != segment[:-1]])
    known = _telling(track, member, part, begins, known, settings)
    # Who keeps this near to one point does not walk, creep or loop; most need no closer look.
    x = np.where(known, track.x[member], track.x[member[begins]][part])
    y = np.where(known, track.y[member], track.y[member[begins]][part])
    width = np.hypot(
        (np.maximum.reduceat(x, begins) - np.minimum.reduceat(x, begins))
        * np.cos(np.radians(y[begins] / METRES_A_DEGREE)),
        np.maximum.reduceat(y, begins) - np.minimum.reduceat(y, begins),
    )
    rows = np.flatnonzero((width > _STILL_M)[part])
    if not len(rows):
        return np.empty(0, np.int64)
    member, segment, known = member[rows], segment[rows], known[rows]
    begins = np.flatnonzero(np.r_[True, segment[1:] != segment[:-1]])
    part = np.cumsum(np.r_[False, segment[1:] != segment[:-1]])
    extent = _Extent.of(track, member, part, begins, known)
    return np.asarray(segment[begins][_moving(track, member, part, known, begins, extent)])


@attrs.frozen(eq=False, kw_only=True)
class _Extent:
    """Centre, spread and accuracy of groups of members, and each member's offset from its centre."""

    count: Floats
    x: Floats
    y: Floats
    dx: Floats
    dy: Floats
    spread: Floats
    accuracy: Floats

    @classmethod
    def of(cls, track: _Track, member: Ints, owner: Ints, heads: Ints, known: Bools) -> _Extent:
        """Measure groups ``owner`` (ascending, one head row each) on their known members; none known: zeros."""
        weight = known.astype(np.float64)
        count = np.add.reduceat(weight, heads)
        divisor = np.maximum(count, 1.0)
        x0, y0 = track.x[member[heads]], track.y[member[heads]]
        scale = np.cos(np.radians(y0 / METRES_A_DEGREE))
        dx = (track.x[member] - x0[owner]) * scale[owner]
        dy = track.y[member] - y0[owner]
        mx = np.add.reduceat(dx * weight, heads) / divisor
        my = np.add.reduceat(dy * weight, heads) / divisor
        dx, dy = dx - mx[owner], dy - my[owner]
        spread = np.sqrt(np.add.reduceat((dx * dx + dy * dy) * weight, heads) / divisor)
        accuracy = _medians(track.accuracy[member], owner, known, heads, count)
        return cls(count=count, x=x0 + mx / scale, y=y0 + my, dx=dx, dy=dy, spread=spread, accuracy=accuracy)


def _medians(values: Floats, owner: Ints, known: Bools, heads: Ints, count: Floats) -> Floats:
    """Return the lower median of the known values of each group."""
    ranked = np.sort(np.where(known, values, 1e6) + owner * 1e7)
    middle = np.maximum(count - 1.0, 0.0) // 2
    return np.asarray(ranked[heads + middle.astype(np.int64)] - np.arange(len(heads)) * 1e7)


def _moving(track: _Track, member: Ints, owner: Ints, known: Bools, heads: Ints, extent: _Extent) -> Bools:
    """Tell walking loops, canvassing and creeping traffic from staying.

    Position noise turns back at every step; a walk keeps its heading, a creep keeps its direction, and a loop seen
    rarely is wider than its accuracy explains.
    """
    dx, dy, accuracy = extent.dx, extent.dy, extent.accuracy
    t = track.t[member]
    bucket = t // _STRIDE_MS
    fresh = np.r_[True, bucket[1:] != bucket[:-1]]
    fresh[heads] = True
    rows = np.flatnonzero(fresh & known)
    own = owner[rows]
    sx, sy = np.diff(dx[rows]), np.diff(dy[rows])
    same = own[1:] == own[:-1]
    sx, sy = np.where(same, sx, 0.0), np.where(same, sy, 0.0)
    length2 = sx * sx + sy * sy
    size = len(heads)
    steps = np.bincount(own[1:], same.astype(float), size)
    travelled = np.bincount(own[1:], np.sqrt(length2), size)
    seconds = np.bincount(own[1:], np.where(same, np.diff(t[rows]), 0) / 1000.0, size)
    energy = np.bincount(own[1:], length2, size)
    kept = np.bincount(own[2:], sx[1:] * sx[:-1] + sy[1:] * sy[:-1], size)
    with np.errstate(divide="ignore", invalid="ignore"):
        heading = np.where(energy > 0, kept / energy, 0.0)
        speed = np.where(seconds > 0, travelled / seconds, 0.0)
    walks = (steps >= 6) & (heading > 0.35 + 0.8 / np.sqrt(np.maximum(steps, 1.0))) & (speed > 0.35)
    wide = extent.spread > np.maximum(45.0, 2.5 * accuracy)
    return np.asarray(walks | wide | _creeps(t[rows], dx[rows], dy[rows], own, size, accuracy))


def _creeps(t: Ints, dx: Floats, dy: Floats, own: Ints, size: int, accuracy: Floats) -> Bools:
    """Tell steady progress: position explained by time, over a distance that noise does not make."""
    count = np.maximum(np.bincount(own, minlength=size), 1)
    first = t[np.searchsorted(own, np.arange(size))] if len(t) else np.zeros(size)
    u = (t - first[own]) / 1000.0
    mean_u = np.bincount(own, u, size) / count
    v = u - mean_u[own]
    vv = np.maximum(np.bincount(own, v * v, size), 1e-9)
    bx, by = np.bincount(own, v * dx, size) / vv, np.bincount(own, v * dy, size) / vv
    total = np.maximum(np.bincount(own, dx * dx + dy * dy, size), 1e-9)
    explained = (bx * bx + by * by) * vv / total
    length = np.hypot(bx, by) * np.bincount(own, np.abs(v), size) / count * 4.0
    return np.asarray((count >= 6) & (explained > 0.85) & (length > np.maximum(80.0, 2.0 * accuracy)))


def _joined(parts: list[MeasuredStays]) -> MeasuredStays:
    columns = {a.name: [_empty_column(str(a.type))] for a in attrs.fields(MeasuredStays)}
    for part in parts:
        for name, column in columns.items():
            column.append(getattr(part, name))
    whole: dict[str, Any] = {name: np.concatenate(column) for name, column in columns.items()}
    return MeasuredStays(**whole)


def _empty_column(kind: str) -> Any:
    kinds: dict[str, Any] = {"Ints": np.int64, "Floats": np.float64, "Bools": np.bool_}
    return np.empty(0, kinds[kind])
