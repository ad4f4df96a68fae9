"""Learned: somebody's days are no longer like their own past, and their peers' days are.

Four codes out of one pass over the days: a lasting fall of customer work (``behaviour.change``), the same in a whole
branch (``branch.change``), too much work (``wellbeing.overload``), and customers of high potential left aside
(``behaviour.potential_neglected``). Each is dated, says what it rests on feature by feature, and is told once: what is
known on an evening is computed from the days before it only, so later evenings come to the same finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from math import log, sqrt
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CUSTOMERS, DEALS, DUTY_DAYS, Audience, Evidence, Finding, Severity
from fieldhr_plugins.behaviour import BehaviourSettings, LearnedSettings
from fieldhr_plugins.behaviour.baseline import (
    BELIEF,
    Change,
    Contribution,
    Peers,
    dates_of,
    first_evening,
    level_of,
    spread_of,
)
from fieldhr_plugins.behaviour.days import Ints, Judged, JudgedDay, judged_days, judged_instant
from fieldhr_plugins.behaviour.features import DayFeatures, Features, Floats, Group, Mask, RepDays, groups_of

__all__ = ["Learned"]

_VERSION: Final = "1"
#: Share of what overload takes from which on the hours are looked at: peers can lower a level by no more.
_BUSIER: Final = 0.8
#: Own visits after to before above which there is no fall, whatever peers do: their weight in the level is small.
_PLAINLY: Final = 0.9
#: A change is dated among lengths from this on; it is told only when it has lasted longer.
_SHORTEST: Final = 3
#: A fall of everybody to this share is the common cause; less than that is chance.
_COMMON: Final = 0.7
#: Feature -> whether less of it speaks for a withdrawal, and its weight in the score.
_FEATURES: Final = (
    ("visits", True, 1.0),
    ("with_min", True, 0.5),
    ("records", True, 0.5),
    ("elsewhere_min", False, 1.0),
)
#: Room for rounding where something is looked at before it is judged.
_ROOM: Final = 1 + 1e-9
_LOST: Final = frozenset({"lost", "rejected", "cancelled", "canceled", "withdrawn", "declined"})


class Learned:
    """Alerter of the evening; see the module."""

    codes: tuple[str, ...] = (
        "behaviour.change",
        "branch.change",
        "wellbeing.overload",
        "behaviour.potential_neglected",
    )
    days = 85

    def __init__(self, settings: BehaviourSettings) -> None:
        self._settings = settings
        self._learned = settings.learned
        self._features = Features()
        self.cadence = settings.judged_at

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return what is not as it used to be; told for a few evenings, then over."""
        judged = judged_days(tables, self._settings)
        if judged.counts.max(initial=0) < self._learned.least_baseline_days + _SHORTEST:
            return []  # nobody has a past yet
        days = self._features.of(tables, judged, busy=self._busy)
        groups = groups_of(tables)
        peers = Peers(days, groups, self._settings.min_peers)
        maybe = _Maybe(days, peers, self._learned)
        changes = [
            one
            for rep in maybe.reps("change")
            if (one := self._change(tables, days.rep(rep), peers, maybe)) is not None
        ]
        found = [*self._within_budget(changes, groups), *self._branches(tables, days, groups, peers)]
        signed = _Signed(tables)
        overloaded, neglecting = maybe.reps("overload"), maybe.reps("neglect")
        for place in sorted({*overloaded, *neglecting}):
            rep = days.rep(place)
            both = (
                self._overload(tables, rep, peers, maybe) if place in overloaded else None,
                self._neglect(tables, rep, peers, signed, maybe) if place in neglecting else None,
            )
            found += [one for one in both if one is not None]
        return found

    def _busy(self, judged: Judged, visits: Floats) -> Mask:
        """Return who may have done so much more lately that it is worth looking at their hours."""
        learned = self._learned
        sums = np.concatenate([[0.0], np.cumsum(visits)])
        found = np.zeros(len(judged.reps), dtype=bool)
        for back in range(2 * learned.lasting_days + 1):
            last = judged.starts[1:] - back
            first = last - learned.overload_window_days
            begin = np.maximum(judged.starts[:-1], first - learned.baseline_days)
            enough = first - begin >= learned.least_baseline_days
            first, last = np.maximum(first, 0), np.maximum(last, 0)
            now, then = sums[last] - sums[first], sums[first] - sums[begin]
            limit = _BUSIER * learned.overload_visits
            found |= enough & (now * (first - begin) >= limit * then * (last - first))
        return found

    # -- a lasting fall of customer work ------------------------------------------------------------------------------

    def _change(self, tables: Tables, rep: RepDays, peers: Peers, maybe: _Maybe) -> Finding | None:
        known = self._told(rep.days, maybe.only("change", rep, partial(self._change_on, rep, peers)))
        if known is None:
            return None
        evening, change = known
        before = max(0, change.at - self._learned.baseline_days)
        facts: dict[str, Any] = {
            "change_date": rep.days[change.at].date,
            "change_date_within_working_days": 3,
            "visits_ratio": round(change.ratio, 2),
            "peers_ratio": round(change.peers_ratio, 2),
            "days_before": change.at - before,
            "days_after": evening - change.at + 1,
            "score": round(change.score, 2),
            "contributions": [_shown(each) for each in change.contributions],
            "would_not_have_fired": {
                "with_change_ratio": round(max(change.ratio, 0.0), 2),
                "with_change_score": round(change.score, 2),
                "with_visits_more": _visits_more(change, self._learned.change_ratio, evening - change.at + 1),
            },
        }
        shown = rep.days[change.at : evening + 1]
        visits = change.contributions[0]
        return self._finding(
            tables,
            rep,
            evening,
            code="behaviour.change",
            instance=f"change/{rep.days[evening].date}",
            severity=Severity.MEDIUM,
            confidence=round(min(0.95, 0.5 + 0.06 * change.score), 2),
            evidence=[
                _of_days(rep, shown, facts),
                _of_days(rep, rep.days[before : change.at], {"role": "own past"}),
            ],
            thresholds={
                "change_ratio": self._learned.change_ratio,
                "half_ratio": self._learned.half_ratio,
                "change_score": self._learned.change_score,
                "change_days": self._learned.change_days,
                "baseline_days": self._learned.baseline_days,
            },
            params={
                "change_date": rep.days[change.at].date,
                "visits_before": round(visits.before, 2),
                "visits_after": round(visits.after, 2),
                "percent": round(100 * change.ratio),
                "peers_percent": round(100 * change.peers_ratio),
            },
            readings=("behaviour.reading.slack", "behaviour.reading.overload", "behaviour.change.reading.private"),
            audience=(Audience.MANAGER,),
        )

    def _change_on(self, rep: RepDays, peers: Peers, evening: int) -> Change | None:
        """Return the change that is known on an evening: the best dated of those that lie far enough back."""
        learned = self._learned
        if evening < learned.least_baseline_days + _SHORTEST:
            return None
        best: tuple[float, int] | None = None
        for length in range(_SHORTEST, learned.change_days + 4):
            at = evening - length + 1
            begin = max(0, at - learned.baseline_days)
            if at - begin < learned.least_baseline_days:
                continue
            level = rep.visits_between(begin, at) / (at - begin)
            gain = _gain(level, rep.visits_between(at, evening + 1), length)
            if best is None or gain > best[0]:
                best = (gain, at)
        if best is None or evening - best[1] + 1 < learned.change_days:
            return None  # what began only lately may still pass
        at, begin = best[1], max(0, best[1] - learned.baseline_days)
        now, then = rep.visits_between(at, evening + 1), rep.visits_between(begin, at)
        if now * (at - begin) > _PLAINLY * then * (evening + 1 - at):
            return None  # nothing that peers could make a fall of
        if not self._is_low(rep, peers, at, evening):
            return None
        change = self._measured(rep, peers, at, evening)
        # The level fell and stayed low: one bad week, or one holiday of the customers, is no change.
        low = change.ratio <= learned.change_ratio and max(change.halves) <= learned.half_ratio
        low = low and change.lately <= learned.late_ratio
        return change if low and change.score >= learned.change_score and change.contributions[0].z >= 1.5 else None

    def _is_low(self, rep: RepDays, peers: Peers, at: int, until: int) -> bool:
        """Return whether visits fell far enough below own past and the peers' level, before peers take blame off."""
        begin = max(0, at - self._learned.baseline_days)
        theirs = peers.mean(rep.place, "visits", *dates_of(rep.days, begin, at - 1))
        level = level_of(rep.visits[begin:at], theirs)
        return float(rep.visits[at : until + 1].mean()) <= self._learned.change_ratio * level * _ROOM

    def _measured(self, rep: RepDays, peers: Peers, at: int, until: int) -> Change:
        learned = self._learned
        begin = max(0, at - learned.baseline_days)
        spans = dates_of(rep.days, begin, at - 1), dates_of(rep.days, at, until)
        contributions, score, ratio, halves, peers_ratio = [], 0.0, 1.0, (1.0, 1.0), 1.0
        lately = 1.0
        for feature, is_less, weight in _FEATURES:
            values = rep.column(feature)
            before, after = values[begin:at], values[at : until + 1]
            level = level_of(before, peers.mean(rep.place, feature, *spans[0]))
            theirs = peers.ratio(rep.place, feature, *spans)
            # Peers who do less take the blame off; peers who do more put none on.
            expected = level * (min(1.0, theirs) if is_less else max(1.0, min(theirs, 3.0)))
            spread = spread_of(before, feature, _spread_of_poisson(level))
            error = spread * sqrt(1 / len(before) + 1 / len(after))
            z = (expected - float(after.mean())) / error * (1 if is_less else -1)
            score += weight * max(-1.0, min(z, 6.0))
            contributions.append(
                Contribution(feature=feature, before=level, expected=expected, after=float(after.mean()), z=z)
            )
            if feature == "visits" and expected > 0:
                middle = len(after) // 2
                ratio, peers_ratio = float(after.mean()) / expected, theirs
                halves = (float(after[:middle].mean()) / expected, float(after[middle:].mean()) / expected)
                lately = float(after[-3:].mean()) / expected
        return Change(
            at=at,
            until=until,
            ratio=ratio,
            halves=halves,
            lately=lately,
            peers_ratio=peers_ratio,
            contributions=tuple(contributions),
            score=score / 2,
        )

    def _within_budget(self, findings: Iterable[Finding], groups: dict[str, Group]) -> list[Finding]:
        """Keep what a manager is asked to look at within a week's budget: beyond it the weaker ones are for the digest.

        Those of the last seven days count; the strongest stay at their severity.
        """
        kept: list[Finding] = []
        by_manager: dict[tuple[str, int], list[Finding]] = {}
        for finding in findings:
            week = finding.opened_at.date().toordinal() // 7
            by_manager.setdefault((groups[finding.subject].manager, week), []).append(finding)
        for mine in by_manager.values():
            ranked = sorted(mine, key=lambda each: (-each.confidence, each.opened_at, each.subject))
            kept += ranked[: self._learned.budget_per_manager_week]
            beyond = ranked[self._learned.budget_per_manager_week :]
            kept += [attrs.evolve(each, severity=Severity.LOW) for each in beyond]
        return kept

    # -- a whole branch -----------------------------------------------------------------------------------------------

    def _branches(self, tables: Tables, every: DayFeatures, groups: dict[str, Group], peers: Peers) -> list[Finding]:
        found = []
        for branch in sorted({group.branch for group in groups.values() if group.branch}):
            members = peers.members(branch)
            if len(members) <= self._settings.min_peers:
                continue
            days = _days_of(every.judged, members)
            known = self._told(days, partial(self._branch_on, branch, every, members, days, peers))
            if known is None:
                continue
            evening, (at, ratio, low) = known
            facts = {
                "change_date": days[at].date,
                "change_date_within_working_days": 3,
                "visits_ratio": round(ratio, 2),
                "reps": len(members),
                "reps_lower": low,
            }
            opened, closed = self._span(tables, days, evening)
            found.append(
                Finding(
                    code="branch.change",
                    subject_kind="branch",
                    subject=branch,
                    rep=None,
                    instance=f"change/{days[evening].date}",
                    opened_at=opened,
                    closed_at=closed,
                    severity=Severity.INFO,
                    confidence=0.8,
                    rule="branch.change",
                    version=_VERSION,
                    thresholds={
                        "change_ratio": self._learned.change_ratio,
                        "branch_share": self._learned.branch_share,
                        "change_days": self._learned.change_days,
                    },
                    evidence=(Evidence(kind="branch", ids=(branch,), facts=facts),),
                    explanation="branch.change",
                    params={**facts, "percent": round(100 * ratio)},
                    advice="branch.change.advice",
                    audience=(Audience.MANAGER, Audience.ADMIN),
                )
            )
        return found

    def _branch_on(
        self,
        branch: str,
        every: DayFeatures,
        members: Sequence[int],
        days: Sequence[JudgedDay],
        peers: Peers,
        evening: int,
    ) -> tuple[int, float, int] | None:
        learned = self._learned
        best: tuple[float, int] | None = None
        for length in range(learned.change_days, learned.change_days + 4):
            at = evening - length + 1
            if at < learned.least_baseline_days:
                continue
            begin = max(0, at - learned.baseline_days)
            ratio = peers.branch_ratio(branch, dates_of(days, begin, at - 1), dates_of(days, at, evening))
            if ratio is not None and (best is None or ratio < best[0]):
                best = (ratio, at)
        if best is None or best[0] > learned.change_ratio:
            return None
        at = best[1]
        begin = max(0, at - learned.baseline_days)
        before, after = dates_of(days, begin, at - 1), dates_of(days, at, evening)
        low = sum(_own_ratio(every, rep, before, after) <= learned.half_ratio for rep in members)
        return (at, best[0], low) if low >= learned.branch_share * len(members) else None

    # -- too much work ------------------------------------------------------------------------------------------------

    def _overload(self, tables: Tables, rep: RepDays, peers: Peers, maybe: _Maybe) -> Finding | None:
        known = self._told(rep.days, maybe.only("overload", rep, partial(self._overload_on, rep, peers)))
        if known is None:
            return None
        mine = tables[DUTY_DAYS].take(tables[DUTY_DAYS]["rep"].where(rep.rep))
        duty = {row["date"]: row["duty_s"] / 3600 for row in mine.rows()}
        evening, (heavy, ratio) = known
        learned = self._learned
        first = evening - learned.overload_window_days + 1
        spans = rep.span_h[first : evening + 1]
        shown = rep.days[first : evening + 1]
        usual = [duty.get(day.date, 0.0) for day in shown]
        overtime = sum(
            max(0.0, span - learned.pause_h - hours) for span, hours in zip(spans.tolist(), usual, strict=True)
        )
        is_broken = overtime > learned.overtime_h * learned.overload_window_days / 22
        facts: dict[str, Any] = {
            "heavy_days": heavy,
            "days": learned.overload_window_days,
            "visits_ratio": round(ratio, 2),
            "median_hours": round(float(np.nanmedian(spans)), 1),
            "night_records": int(rep.night[first : evening + 1].sum()),
            "overtime_h": round(overtime, 1),
            "overtime_limit_h_a_month": learned.overtime_h,
            "rule_broken": learned.overtime_rule if is_broken else None,
            "would_not_have_fired": {
                "with_heavy_days_less": heavy - learned.overload_heavy_days + 1,
                "with_overload_visits": round(ratio, 2),
            },
        }
        return self._finding(
            tables,
            rep,
            evening,
            code="wellbeing.overload",
            instance=f"overload/{rep.days[evening].date}",
            severity=Severity.MEDIUM,
            confidence=0.8,
            evidence=[_of_days(rep, shown, facts)],
            thresholds={
                "overload_window_days": learned.overload_window_days,
                "overload_heavy_days": learned.overload_heavy_days,
                "overload_visits": learned.overload_visits,
                "long_day_h": learned.long_day_h,
            },
            params={
                "heavy_days": heavy,
                "days": learned.overload_window_days,
                "percent": round(100 * (ratio - 1)),
                "hours": facts["median_hours"],
                "night_records": facts["night_records"],
                "overtime_h": facts["overtime_h"],
                "rule": learned.overtime_rule if is_broken else "–",
            },
            explanation="wellbeing.overload.rule" if is_broken else "wellbeing.overload",
            readings=(),
            audience=(Audience.MANAGER, Audience.HR),
        )

    def _overload_on(self, rep: RepDays, peers: Peers, evening: int) -> tuple[int, float] | None:
        learned = self._learned
        first = evening - learned.overload_window_days + 1
        begin = max(0, first - learned.baseline_days)
        if first - begin < learned.least_baseline_days:
            return None
        heavy = (np.nan_to_num(rep.span_h) >= learned.long_day_h) | (rep.night > 0)
        many = int(heavy[first : evening + 1].sum())
        usual = float(heavy[begin:first].mean())
        if many < learned.overload_heavy_days or usual >= 0.5:
            return None
        peers_mean = peers.mean(rep.place, "visits", *dates_of(rep.days, begin, first - 1))
        level = level_of(rep.visits[begin:first], peers_mean)
        if level <= 0:
            return None
        ratio = float(rep.visits[first : evening + 1].mean()) / level
        return (many, ratio) if ratio >= learned.overload_visits else None

    # -- easy customers only -----------------------------------------------------------------------------------------

    def _neglect(self, tables: Tables, rep: RepDays, peers: Peers, signed: _Signed, maybe: _Maybe) -> Finding | None:
        if not signed.left(rep.rep):
            return None  # whoever has none of them left neglects none
        fires = partial(self._neglect_on, rep, peers, signed.share(rep.rep))
        known = self._told(rep.days, maybe.only("neglect", rep, fires))
        if known is None:
            return None
        evening, (was, now, z) = known
        learned = self._learned
        first = evening - learned.potential_days + 1
        shown = rep.days[first : evening + 1]
        facts: dict[str, Any] = {
            "share_before": round(was, 2),
            "share_after": round(now, 2),
            "visits": int(rep.potential[first : evening + 1].sum()),
            "customers_of_high_potential_left": signed.left(rep.rep),
            "share_of_list": round(signed.share(rep.rep), 2),
            "z": round(z, 2),
            "would_not_have_fired": {"with_potential_ratio": round(now / was, 2), "with_potential_z": round(z, 2)},
        }
        return self._finding(
            tables,
            rep,
            evening,
            code="behaviour.potential_neglected",
            instance=f"potential/{rep.days[evening].date}",
            severity=Severity.LOW,
            confidence=round(min(0.95, 0.5 + 0.1 * z), 2),
            evidence=[_of_days(rep, shown, facts)],
            thresholds={
                "potential_days": learned.potential_days,
                "potential_share": learned.potential_share,
                "potential_ratio": learned.potential_ratio,
                "potential_list_ratio": learned.potential_list_ratio,
                "potential_z": learned.potential_z,
            },
            params={"days": len(shown), "before": round(100 * was), "after": round(100 * now)},
            readings=("behaviour.potential_neglected.reading.signed", "behaviour.potential_neglected.reading.easy"),
            audience=(Audience.MANAGER,),
        )

    def _neglect_on(self, rep: RepDays, peers: Peers, listed: float, evening: int) -> tuple[float, float, float] | None:
        learned = self._learned
        first = evening - learned.potential_days + 1
        begin = max(0, first - learned.baseline_days)
        if first - begin < learned.baseline_days:
            return None  # a share of few visits is chance
        n0, n1 = float(rep.potential[begin:first].sum()), float(rep.potential[first : evening + 1].sum())
        h0, h1 = float(rep.high[begin:first].sum()), float(rep.high[first : evening + 1].sum())
        if n0 < learned.potential_visits or n1 < learned.potential_visits:
            return None
        was, now = h0 / n0, h1 / n1
        if was < learned.potential_share or now > learned.potential_ratio * was:
            return None
        spans = dates_of(rep.days, begin, first - 1), dates_of(rep.days, first, evening)
        # Two of a branch who do the same would excuse each other, so all of the territory are asked.
        kinds = ("territory",)
        theirs = peers.ratio(rep.place, "high", *spans, kinds) / max(
            0.2, peers.ratio(rep.place, "potential", *spans, kinds)
        )
        expected = was * theirs if theirs <= _COMMON else was
        pooled = (h0 + h1) / (n0 + n1)
        error = sqrt(max(pooled * (1 - pooled), 0.02) * (1 / n0 + 1 / n1))
        z = (expected - now) / error
        # Preferences come and go by chance; going below what the list of customers gives does not.
        avoided = now <= learned.potential_list_ratio * listed
        fell = now <= learned.potential_ratio * expected and avoided
        return (was, now, z) if fell and z >= learned.potential_z else None

    # -- what they have in common -------------------------------------------------------------------------------------

    def _told(self, days: Sequence[JudgedDay], fires: Callable[[int], Any]) -> tuple[int, Any] | None:
        learned = self._learned
        return first_evening(fires, len(days) - 1, lasting=learned.lasting_days, quiet=learned.lasting_days)

    def _span(self, tables: Tables, days: Sequence[JudgedDay], evening: int) -> tuple[datetime, datetime | None]:
        opened = judged_instant(days[evening], tables, self._settings.judged_at)
        is_over = len(days) - 1 - evening >= self._learned.lasting_days
        over = days[min(evening + self._learned.lasting_days, len(days) - 1)]
        return opened, judged_instant(over, tables, self._settings.judged_at) if is_over else None

    def _finding(
        self,
        tables: Tables,
        rep: RepDays,
        evening: int,
        *,
        code: str,
        instance: str,
        severity: Severity,
        confidence: float,
        evidence: list[Evidence],
        thresholds: dict[str, Any],
        params: dict[str, Any],
        readings: tuple[str, ...],
        audience: tuple[Audience, ...],
        explanation: str = "",
    ) -> Finding:
        opened, closed = self._span(tables, rep.days, evening)
        return Finding(
            code=code,
            subject_kind="rep",
            subject=rep.rep,
            rep=rep.rep,
            instance=instance,
            opened_at=opened,
            closed_at=closed,
            severity=severity,
            confidence=confidence,
            rule=code,
            version=_VERSION,
            thresholds=thresholds,
            evidence=tuple(evidence),
            explanation=explanation or code,
            params=params,
            advice=f"{code}.advice",
            readings=readings,
            audience=audience,
        )


class _Maybe:
    """Whom a rule may fire for on an evening, worked out for everybody at once: the rule itself looks at these only.

    What is asked here is part of what the rule asks, with a little room for rounding.
    """

    def __init__(self, days: DayFeatures, peers: Peers, learned: LearnedSettings) -> None:
        self._days, self._peers, self._learned = days, peers, learned
        self._known: dict[tuple[str, int], Mask] = {}
        self._rules = {"change": self._changed, "overload": self._overloaded, "neglect": self._neglecting}

    def reps(self, rule: str) -> list[int]:
        """Return the places of reps for whom a rule may fire on one of the evenings that are still told."""
        found = np.zeros(len(self._days.judged.reps), dtype=bool)
        for back in range(self._learned.lasting_days + 1):
            found |= self._on(rule, back)
        return np.flatnonzero(found).tolist()

    def only(self, rule: str, rep: RepDays, fires: Callable[[int], Any]) -> Callable[[int], Any]:
        """Return what *fires* says of an evening (index of the rep's day), asked only where the rule may fire."""
        today = len(rep.days) - 1
        return lambda evening: fires(evening) if self._on(rule, today - evening)[rep.place] else None

    def _on(self, rule: str, back: int) -> Mask:
        if (rule, back) not in self._known:
            self._known[rule, back] = self._rules[rule](self._days.judged.starts[1:] - 1 - back)
        return self._known[rule, back]

    def _spans(self, evening: Ints, length: int, least: int) -> tuple[Mask, Ints, Ints]:
        """Return whether there is enough past, and where it and the days since begin, of days that end on *evening*."""
        starts = self._days.judged.starts[:-1]
        at = evening - length + 1
        begin = np.maximum(starts, at - self._learned.baseline_days)
        enough = at - begin >= least
        return enough, np.where(enough, begin, starts), np.where(enough, at, starts + 1)

    def _changed(self, evening: Ints) -> Mask:
        learned, sums = self._learned, self._days.sums("visits")
        found = np.zeros(len(evening), dtype=bool)
        for length in range(learned.change_days, learned.change_days + 4):
            enough, begin, at = self._spans(evening, length, learned.least_baseline_days)
            if not enough.any():
                continue
            end = np.where(enough, evening + 1, at + 1)
            now, then = sums[end] - sums[at], sums[at] - sums[begin]
            theirs = self._peers.means("visits", begin, at - 1)
            level = np.where(np.isnan(theirs), then / (at - begin), (then + BELIEF * theirs) / (at - begin + BELIEF))
            found |= enough & (now / (end - at) <= learned.change_ratio * level * _ROOM)
        return found

    def _overloaded(self, evening: Ints) -> Mask:
        learned, days = self._learned, self._days
        enough, _, first = self._spans(evening, learned.overload_window_days, learned.least_baseline_days)
        heavy = np.concatenate([[0], np.cumsum((np.nan_to_num(days.span_h) >= learned.long_day_h) | (days.night > 0))])
        end = np.where(enough, evening + 1, first)
        found: Mask = enough & (heavy[end] - heavy[first] >= learned.overload_heavy_days)
        return found

    def _neglecting(self, evening: Ints) -> Mask:
        learned = self._learned
        enough, begin, first = self._spans(evening, learned.potential_days, learned.baseline_days)
        end = np.where(enough, evening + 1, first)
        (n0, n1), (h0, h1) = (
            (sums[first] - sums[begin], sums[end] - sums[first])
            for sums in (self._days.sums("potential"), self._days.sums("high"))
        )
        least = learned.potential_visits
        enough &= (n0 >= least) & (n1 >= least)
        return enough & (h1 * n0 <= learned.potential_ratio * h0 * n1 * _ROOM)


class _Signed:
    """Customers of high potential that a rep still has to win."""

    def __init__(self, tables: Tables) -> None:
        deals, customers = tables[DEALS], tables[CUSTOMERS]
        won = {
            customer
            for customer, stage, closed in zip(
                deals["customer"].tolist(), deals["stage"], deals["closed_ms"].tolist(), strict=True
            )
            if closed > 0 and (stage or "").lower() not in _LOST
        }
        self._left: dict[str, int] = {}
        self._known: dict[str, list[int]] = {}
        for row in customers.rows():
            if row["rep"] and row["potential"]:
                counts = self._known.setdefault(row["rep"], [0, 0])
                counts[0] += row["potential"] == "high"
                counts[1] += 1
            if row["rep"] and row["potential"] == "high" and row["customer"] not in won:
                self._left[row["rep"]] = self._left.get(row["rep"], 0) + 1

    def share(self, rep: str) -> float:
        """Return the share of a rep's customers, of known potential, whose potential is high."""
        high, known = self._known.get(rep, (0, 0))
        return high / known if known else 0.0

    def left(self, rep: str) -> int:
        """Return how many."""
        return self._left.get(rep, 0)


def _gain(level: float, total: float, days: int) -> float:
    """Return the likelihood gain of another level in the days after a change, of counts."""
    expected = max(level, 0.05) * days
    return (total * log(total / expected) if total > 0 else 0.0) - (total - expected) if total < expected else 0.0


def _spread_of_poisson(level: float) -> float:
    return sqrt(max(level, 0.0)) * 0.7


def _own_ratio(every: DayFeatures, rep: int, before: tuple[int, int], after: tuple[int, int]) -> float:
    begin, end = every.judged.starts[rep : rep + 2].tolist()
    dates, sums = every.judged.dates[begin:end], every.sums("visits")
    spans = [begin + np.searchsorted(dates, (first, last + 1)) for first, last in (before, after)]
    then, now = (float(sums[high] - sums[low]) for low, high in spans)
    then_days, now_days = (int(high - low) for low, high in spans)
    if not then_days or not now_days or not then:
        return 1.0
    return (now / now_days) / (then / then_days)


def _days_of(judged: Judged, members: Sequence[int]) -> list[JudgedDay]:
    """Return the days on which any of some reps is judged, ascending."""
    places = np.concatenate([np.arange(judged.starts[rep], judged.starts[rep + 1]) for rep in members])
    _, last = np.unique(judged.dates[places][::-1], return_index=True)
    return [judged.day(places[len(places) - 1 - at]) for at in last.tolist()]


def _visits_more(change: Change, limit: float, days: int) -> int:
    expected = change.contributions[0].expected * days
    return max(1, int(limit * expected - change.ratio * expected) + 1)


def _shown(contribution: Contribution) -> dict[str, Any]:
    return {
        "feature": contribution.feature,
        "before": round(contribution.before, 2),
        "expected": round(contribution.expected, 2),
        "after": round(contribution.after, 2),
        "z": round(contribution.z, 2),
    }


def _of_days(rep: RepDays, days: Sequence[JudgedDay], facts: dict[str, Any]) -> Evidence:
    return Evidence(kind="duty_day", ids=tuple(f"{rep.rep}/{day.date}" for day in days), facts=facts)
