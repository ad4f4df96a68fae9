"""Fixes of one rep-day to segments of staying: the one loop that must go fix by fix.

It only ever looks back, so what it says at a fix does not depend on later ones: a live run and a nightly run agree.
Members are held against a running median, not against the first fix; leaving takes several fixes and some time; a
return within the merge limit continues the stay; silence keeps a stay together but is never taken for presence.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final

import attrs
import numpy as np

__all__ = ["METRES_A_DEGREE", "Doubt", "Segment", "SegmentRules", "Trail", "segments_of"]

#: Metres along a meridian for one degree on the mean sphere.
METRES_A_DEGREE: Final = 111_195.08

#: Most fixes looked at in one run.
_RUN: Final = 64

#: (first fix, last fix, fix by which it was confirmed, x and y of the centre at that fix, whether it was left, whether
#: it is too short to be a stay unless it goes on with the stay before the last).
Segment = tuple[int, int, int, float, float, bool, bool]

#: (first, end) of fixes that were not known to lie inside when they came: strays, and all until a return was sure.
Doubt = tuple[int, int]

_RADIANS: Final = math.pi / 180.0 / METRES_A_DEGREE

#: Leaving a confirmed stay: so many fixes certainly outside over so many milliseconds; rare reporters need two.
_LEAVE_FIXES, _LEAVE_MS = 3, 120_000
_LEAVE_RARE_FIXES, _LEAVE_RARE_MS = 2, 150_000

#: Giving up a stay that is not confirmed yet.
_DROP_FIXES, _DROP_MS = 2, 15_000

#: So many fixes inside make the first median; a return to the last stay is looked for from then on.
_FIRST_LOOK: Final = 4

#: Who reports at least this often needs nothing made good.
_OFTEN_MS: Final = 60_000

#: Back at the stay before: so many fixes in a row nearer to it over so many milliseconds; rare reporters need two.
_BACK_FIXES, _BACK_MS = 3, 75_000
_BACK_RARE_FIXES, _BACK_RARE_MS = 2, 150_000
#: How far from the stay before somebody may be without having gone elsewhere: the width of a place complex.
_BACK_WITHIN_M: Final = 300.0

#: Most fixes a median looks at; more would cost time and change nothing.
_MEDIAN_FIXES: Final = 32


@attrs.frozen
class SegmentRules:
    """Limits of the loop: milliseconds and metres."""

    stay_ms: int
    radius_m: float
    bridge_ms: int
    merge_ms: int
    join_ms: int


@attrs.frozen(eq=False)
class Trail:
    """Fixes of many rep-days as plain lists, with what lets the loop skip.

    Attributes:
        t: instants in milliseconds, ascending within a rep-day.
        x, y: degrees of longitude and latitude times :data:`METRES_A_DEGREE`; longitude unwrapped.
        reach2: squared distance from a centre beyond which a fix is certainly outside (radius plus accuracy).
        young2: the same for a stay that has hardly begun: only a fix that says nothing is excused by its accuracy.
        jump: for each fix the next one (itself included) whose successor lies within the radius: where a stay can
            begin at all.
        silences: the fixes that come after silence, ascending; closed by the number of fixes.
        vague: the fixes that are less certain than a stay is wide, ascending; no centre rests on them alone.
    """

    t: list[int]
    x: list[float]
    y: list[float]
    reach2: Any
    young2: Any
    jump: Any
    silences: list[int]
    vague: list[int]

    @classmethod
    def of(cls, t: Any, x: Any, y: Any, accuracy: Any, reach2: Any, rules: SegmentRules) -> Trail:
        """Build from columns; skipping never changes what the loop finds."""
        radius2 = rules.radius_m * rules.radius_m
        vague = accuracy > rules.radius_m
        young2 = np.where(vague, reach2, radius2)
        dx = np.diff(x) * np.cos(np.radians(y[:-1] / METRES_A_DEGREE))
        dy = np.diff(y)
        alone = dx * dx + dy * dy > radius2
        count = len(t)
        rows = np.where(np.r_[alone, False], count, np.arange(count))
        jump = np.minimum.accumulate(rows[::-1])[::-1]
        silences = [*(np.flatnonzero(np.diff(t) > rules.bridge_ms) + 1).tolist(), count]
        return cls(t.tolist(), x.tolist(), y.tolist(), reach2, young2, jump, silences, np.flatnonzero(vague).tolist())


def segments_of(trail: Trail, first: int, end: int, rules: SegmentRules, doubts: list[Doubt]) -> list[Segment]:
    """Return the segments of the rep-day at fixes ``first:end`` of the trail, ascending; append to *doubts*."""
    t, x, y, jump, silences = trail.t, trail.x, trail.y, trail.jump, trail.silences
    reach2, young2 = trail.reach2, trail.young2
    radius2 = rules.radius_m * rules.radius_m
    stay_ms, bridge_ms, merge_ms, join_ms = rules.stay_ms, rules.bridge_ms, rules.merge_ms, rules.join_ms
    found: list[Segment] = []
    after_silence = -1
    i = first
    while i < end:
        i = int(jump[i])
        if i >= end:
            break
        # A new hypothesis: somebody stays where fix i is.
        start = last = i
        cx, cy = x[i], y[i]
        scale = math.cos(cy * _RADIANS)
        inside, look_at = 1, _FIRST_LOOK
        silent = 0
        back: _Back | None = None
        confirmed = -1
        is_brief = False
        confirmed_x = confirmed_y = 0.0
        outside, outside_from = 0, 0
        i += 1
        left = False
        while i < end:
            dx = (x[i] - cx) * scale
            dy = y[i] - cy
            d2 = dx * dx + dy * dy
            if back is not None:
                back.see(trail, i, last)
                if back.is_sure:
                    if 0 <= confirmed < back.since:
                        # What lies between was a stay of its own; it ended where the way back began.
                        doubts.append((back.since, i))
                        is_brief = is_brief and t[back.before] - t[start] - silent < stay_ms
                        found.append((start, back.before, confirmed, confirmed_x, confirmed_y, True, is_brief))
                        start, silent = back.since, 0
                        cx, cy = _centre(trail, start, i + 1)
                        confirmed, confirmed_x, confirmed_y, is_brief = i, cx, cy, True
                    else:
                        doubts.append((found[-1][1] + 1, i))
                        start, _, confirmed, confirmed_x, confirmed_y, _, is_brief = found.pop()
                        cx, cy = _centre(trail, start, i + 1)
                    scale = math.cos(cy * _RADIANS)
                    inside += 1
                    look_at = 2 * inside
                    last, outside, back = i, 0, None
                    i += 1
                    continue
                if back.is_over:
                    back = None
            if d2 <= radius2:
                quiet = t[i] - t[last]
                if quiet > bridge_ms:
                    if quiet > join_ms:
                        left, outside_from = True, i
                        break
                    silent += quiet
                # Run on while fixes are inside: up to the next median, silence, or the moment of confirmation.
                stop = i + look_at - inside
                if stop > i + _RUN:
                    stop = i + _RUN
                if after_silence <= i:
                    after_silence = silences[bisect_right(silences, i)]
                if stop > after_silence:
                    stop = after_silence
                if stop > end:
                    stop = end
                if back is not None:
                    stop = i + 1
                if confirmed < 0 and t[stop - 1] - t[start] - silent >= stay_ms:
                    stop = bisect_left(t, t[start] + silent + stay_ms, i, stop) + 1
                j = i + 1
                for at_x, at_y in zip(x[j:stop], y[j:stop], strict=True):
                    dx = (at_x - cx) * scale
                    dy = at_y - cy
                    if dx * dx + dy * dy > radius2:
                        break
                    j += 1
                inside += j - i
                last = j - 1
                outside = 0
                i = j
                ripe = confirmed < 0 and t[last] - t[start] - silent >= stay_ms
                if inside >= look_at or ripe:
                    cx, cy = _centre(trail, start, i)
                    scale = math.cos(cy * _RADIANS)
                    look_at = 2 * inside
                    if confirmed < 0:
                        if found and _is_return(found[-1], t[start], cx, cy, scale, radius2, merge_ms, t):
                            # Back where the last stay was: it goes on, the excursion included.
                            doubts.append((found[-1][1] + 1, last))
                            start, _, confirmed, confirmed_x, confirmed_y, _, is_brief = found.pop()
                            cx, cy = _centre(trail, start, i)
                            scale = math.cos(cy * _RADIANS)
                        elif ripe:
                            confirmed, confirmed_x, confirmed_y = last, cx, cy
                        elif len(found) > 1 and _is_return(found[-2], t[start], cx, cy, scale, radius2, merge_ms, t):
                            # Back from the car park, which was a stay of its own: no need to wait for five minutes.
                            confirmed, confirmed_x, confirmed_y, is_brief = last, cx, cy, True
                        elif found and back is None:
                            back = _Back.to(found[-1], trail, start, cx, cy, scale, rules)
                continue
            if confirmed >= 0:
                # Not known to be inside when it came: it may count later, but decides nothing.
                doubts.append((i, i + 1))
            # A fix is excused by its accuracy for a stay that is certain; for one that has hardly begun only where it
            # is too vague to say anything.
            if d2 > (reach2[i] if confirmed >= 0 else young2[i]):
                if not outside:
                    outside_from = i
                outside += 1
                away = t[i] - t[outside_from]
                if confirmed >= 0:
                    left = (outside >= _LEAVE_FIXES and away >= _LEAVE_MS) or (
                        outside >= _LEAVE_RARE_FIXES and away >= _LEAVE_RARE_MS
                    )
                else:
                    left = inside == 1 or (outside >= _DROP_FIXES and away >= _DROP_MS)
                if left:
                    break
            i += 1
        if confirmed >= 0:
            is_brief = is_brief and t[last] - t[start] - silent < stay_ms
            found.append((start, last, confirmed, confirmed_x, confirmed_y, left, is_brief))
        if left:
            i = outside_from
    return found


def _centre(trail: Trail, start: int, end: int) -> tuple[float, float]:
    """Return the median position of a range; up to a tenth of outliers inside it do no harm, nor do vague fixes."""
    x, y, vague = trail.x, trail.y, trail.vague
    first = bisect_left(vague, start)
    until = bisect_left(vague, end, first)
    if first < until < first + end - start:
        unclear = set(vague[first:until])
        rows = [row for row in range(start, end) if row not in unclear]
        rows = rows[:: 1 + (len(rows) - 1) // _MEDIAN_FIXES]
        xs, ys = sorted([x[row] for row in rows]), sorted([y[row] for row in rows])
    else:
        step = 1 + (end - start - 1) // _MEDIAN_FIXES
        xs, ys = sorted(x[start:end:step]), sorted(y[start:end:step])
    middle = len(xs) // 2
    if len(xs) % 2:
        return xs[middle], ys[middle]
    return (xs[middle - 1] + xs[middle]) / 2.0, (ys[middle - 1] + ys[middle]) / 2.0


class _Back:
    """Watches whether somebody who left a stay is back there, while another one nearby has hardly begun.

    Mall and car park lie nearer to each other than a fix indoors is certain, so that a stay which began in the car park
    never ends by fixes outside it: what tells is that fix after fix lies nearer to where the last stay was.

    Attributes:
        since: first fix of the run that says so. before: last fix of the stay that began nearby.
        is_sure: whether the run is long enough. is_over: whether a return would come too late to count.
    """

    __slots__ = (
        "_anchor",
        "_count",
        "_previous",
        "_radius2",
        "_scale",
        "_until_ms",
        "before",
        "is_over",
        "is_sure",
        "since",
    )

    def __init__(
        self,
        previous: tuple[float, float],
        anchor: tuple[float, float],
        scale: float,
        radius2: float,
        until_ms: int,
    ) -> None:
        self._previous, self._anchor, self._scale, self._radius2 = previous, anchor, scale, radius2
        self._until_ms, self._count, self.since, self.before = until_ms, 0, 0, 0
        self.is_sure = self.is_over = False

    @classmethod
    def to(
        cls, previous: Segment, trail: Trail, start: int, cx: float, cy: float, scale: float, rules: SegmentRules
    ) -> _Back | None:
        """Return a watch where a stay at (*cx*, *cy*) since fix *start* lies close to the one before, else None."""
        t = trail.t
        until_ms = t[previous[1]] + rules.merge_ms + _interval(previous, t)
        if t[start] >= until_ms:
            return None
        px, py = _centre(trail, previous[0], previous[1] + 1)
        dx, dy = (px - cx) * scale, py - cy
        if dx * dx + dy * dy > _BACK_WITHIN_M**2:
            return None
        return cls((px, py), (cx, cy), scale, rules.radius_m**2, until_ms)

    def see(self, trail: Trail, i: int, last: int) -> None:
        """Take in fix *i*; *last* is the last one that counted to the stay that began nearby."""
        if trail.young2[i] > self._radius2:
            return
        t = trail.t
        dx, dy = (trail.x[i] - self._previous[0]) * self._scale, trail.y[i] - self._previous[1]
        there = dx * dx + dy * dy
        dx, dy = (trail.x[i] - self._anchor[0]) * self._scale, trail.y[i] - self._anchor[1]
        here = dx * dx + dy * dy
        if there < here and there <= self._radius2:
            if not self._count:
                self.since, self.before = i, last
            self._count += 1
            spent = t[i] - t[self.since]
            self.is_sure = (self._count >= _BACK_FIXES and spent >= _BACK_MS) or (
                self._count >= _BACK_RARE_FIXES and spent >= _BACK_RARE_MS
            )
        elif here <= self._radius2:
            self._count = 0
        self.is_over = not self._count and t[i] >= self._until_ms


def _interval(stay: Segment, t: Sequence[int]) -> int:
    """Return by how much an absence after a stay looks longer than it was.

    Seen from fix to fix it looks longer by up to the reporting interval at either end: one interval, and for who
    reports rarely half as much again as lies beyond a minute.
    """
    last = stay[1]
    if last <= stay[0]:
        return 0
    interval = min(t[last] - t[last - 1], t[last + 1] - t[last])
    return interval + max(interval - _OFTEN_MS, 0) // 2


def _is_return(
    previous: Segment,
    start_ms: int,
    cx: float,
    cy: float,
    scale: float,
    radius2: float,
    merge_ms: int,
    t: Sequence[int],
) -> bool:
    if start_ms - t[previous[1]] - _interval(previous, t) >= merge_ms:
        return False
    dx, dy = (previous[3] - cx) * scale, previous[4] - cy
    return bool(dx * dx + dy * dy <= radius2)
