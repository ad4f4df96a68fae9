"""``behaviour.low_visits``: under one visit a day on average, over five expected working days."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, FOLLOW_UPS, PEOPLE, Audience, Evidence, Finding, Severity
from fieldhr_plugins.behaviour import BehaviourSettings
from fieldhr_plugins.behaviour.days import Ints, Judged, JudgedDay, as_ms, judged_days, judged_instant, starts_unseen
from fieldhr_plugins.behaviour.traces import Traces
from fieldhr_plugins.behaviour.visits import count_visits

__all__ = ["CODE", "LowVisits"]

CODE: Final = "behaviour.low_visits"
_VERSION: Final = "1"
_DAY_MS: Final = 86_400_000
#: Below exact equality by rounding only: 3 visits in 5 days are not below 0.6 a day.
_ROUNDING: Final = 1e-9
#: Judged days before the window that make an own past.
_OWN_PAST_DAYS: Final = 10


@attrs.frozen
class _Bar:
    """What a rep's mean is held against, visits a day at this rep's contract share."""

    per_day: float
    contract_share: float
    peers_median: float | None
    own_past: float | None
    by_territory: bool


class LowVisits:
    """A spell of low means is one case; spells less than a window apart are the same spell.

    Where the peers of a territory themselves lie below the threshold, a rep is compared with those peers and with the
    own past instead, and the explanation says so.
    """

    codes: tuple[str, ...] = (CODE,)
    days = 60

    def __init__(self, settings: BehaviourSettings) -> None:
        self._settings = settings
        self._traces = Traces()
        self.cadence = settings.judged_at

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a rep whose spell lasts, or ended with the last judged day."""
        window = self._settings.low_visits_window_days
        judged = judged_days(tables, self._settings)
        counted = count_visits(judged, self._traces.of(tables, judged))
        shares = dict(zip(tables[PEOPLE]["rep"].tolist(), tables[PEOPLE]["contract_share"].tolist(), strict=True))
        peers = _Peers(tables, judged, counted, shares, window)
        findings = []
        for place in self._few(judged, counted, shares):
            rep, of_rep = judged.reps[place], judged.days(place)
            visits = counted[judged.starts[place] : judged.starts[place + 1]].tolist()
            bar = self._bar(rep, visits, shares[rep], peers)
            low = [
                sum(visits[last - window + 1 : last + 1]) < bar.per_day * window - _ROUNDING
                for last in range(window - 1, len(of_rep))
            ]
            spell = _last_spell(low, window)
            if spell is None:
                continue
            first, last = (index + window - 1 for index in spell)
            lasts = last == len(of_rep) - 1
            just_ended = last == len(of_rep) - 2 and of_rep[-1].end_ms > as_ms(tables.as_of) - _DAY_MS
            began_unseen = first == window - 1 and starts_unseen(
                of_rep[0], of_rep, tables, self.days, self._settings.fresh_start_days
            )
            if (lasts or just_ended) and not began_unseen:
                findings.append(self._finding(tables, rep, of_rep, visits, first, last, bar))
        return findings

    def _few(self, judged: Judged, counted: Ints, shares: dict[str, float]) -> list[int]:
        """Return who made fewer visits than the threshold in a window of late: nobody's own bar lies above it."""
        window = self._settings.low_visits_window_days
        total = np.concatenate([[0], np.cumsum(counted)])
        share = np.asarray([shares[rep] for rep in judged.reps], dtype="f8")
        limit = self._settings.low_visits_per_day * share * window
        few = np.zeros(len(judged.reps), dtype=bool)
        for back in (0, 1):  # the spell lasts, or ended with the last judged day
            last = judged.starts[1:] - back
            enough = last - window >= judged.starts[:-1]
            few |= enough & (total[last] - total[np.maximum(last - window, 0)] < limit)
        return np.flatnonzero(few).tolist()

    def _bar(self, rep: str, visits: list[int], share: float, peers: _Peers) -> _Bar:
        settings = self._settings
        peers_median = peers.median_of(rep, settings.min_peers)
        past = visits[: -settings.low_visits_window_days]
        own_past = fmean(past) / share if len(past) >= _OWN_PAST_DAYS and share > 0 else None
        if peers_median is None or peers_median >= settings.low_visits_per_day:
            return _Bar(settings.low_visits_per_day * share, share, peers_median, own_past, by_territory=False)
        usual = min(value for value in (peers_median, own_past) if value is not None)
        per_day = min(settings.low_visits_per_day, settings.low_territory_share * usual)
        return _Bar(per_day * share, share, peers_median, own_past, by_territory=True)

    def _finding(
        self, tables: Tables, rep: str, days: list[JudgedDay], visits: list[int], first: int, last: int, bar: _Bar
    ) -> Finding:
        window = self._settings.low_visits_window_days
        shown = days[last - window + 1 : last + 1]
        total = sum(visits[last - window + 1 : last + 1])
        is_over = last < len(days) - 1
        facts: dict[str, Any] = {
            "visits": total,
            "days": window,
            "mean_per_day": _rounded(total / window),
            "bar_per_day": _rounded(bar.per_day),
            "contract_share": bar.contract_share,
            "peers_median_per_day": _rounded(bar.peers_median),
            "own_past_per_day": _rounded(bar.own_past),
            "compared_with": ["peers", "own_past"] if bar.by_territory else ["threshold"],
        }
        span = (shown[0].begins_ms, shown[-1].end_ms)
        evidence = [Evidence(kind="duty_day", ids=tuple(f"{rep}/{day.date}" for day in shown), facts=facts)]
        for kind, schema, key, time in (
            ("checkin", CHECKINS, "checkin", "time_ms"),
            ("followup", FOLLOW_UPS, "followup", "start_ms"),
        ):
            rows = tables[schema]
            mask = rows["rep"].where(rep) & (rows[time] >= span[0]) & (rows[time] <= span[1])
            if mask.any():
                evidence.append(Evidence(kind=kind, ids=tuple(sorted(rows[key][mask].tolist()))))
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=days[first].date,
            opened_at=judged_instant(days[first], tables, self._settings.judged_at),
            closed_at=judged_instant(days[-1], tables, self._settings.judged_at) if is_over else None,
            severity=Severity.LOW,
            confidence=0.7,
            rule=CODE,
            version=_VERSION,
            thresholds={
                "low_visits_per_day": self._settings.low_visits_per_day,
                "low_visits_window_days": window,
                "low_territory_share": self._settings.low_territory_share,
            },
            evidence=tuple(evidence),
            explanation=f"{CODE}.territory" if bar.by_territory else CODE,
            params={
                **facts,
                "own_past_per_day": "–" if bar.own_past is None else facts["own_past_per_day"],
                "first_day": shown[0].date,
                "last_day": shown[-1].date,
            },
            advice="behaviour.low_visits.advice",
            readings=("behaviour.reading.slack", "behaviour.reading.overload"),
            audience=(Audience.MANAGER,),
        )


class _Peers:
    """Visits a day at full contract, of everybody in a territory, over the days in sight."""

    def __init__(self, tables: Tables, judged: Judged, visits: Ints, shares: dict[str, float], window: int) -> None:
        people = tables[PEOPLE]
        self._territory = dict(zip(people["rep"].tolist(), people["territory"], strict=True))
        total = np.concatenate([[0], np.cumsum(visits)])
        sums, counts = (total[judged.starts[1:]] - total[judged.starts[:-1]]).tolist(), judged.counts.tolist()
        self._rates = {
            rep: of_rep / days / shares[rep]
            for rep, of_rep, days in zip(judged.reps, sums, counts, strict=True)
            if days >= window and shares[rep] > 0
        }
        self._ranked: dict[str | None, list[float]] = {}
        for rep, rate in self._rates.items():
            self._ranked.setdefault(self._territory[rep], []).append(rate)
        for rates in self._ranked.values():
            rates.sort()

    def median_of(self, rep: str, least: int) -> float | None:
        """Return the median of the others in the rep's territory; ``None`` where they are fewer than *least*."""
        others = list(self._ranked.get(self._territory[rep], ()))
        if rep in self._rates:
            del others[bisect.bisect_left(others, self._rates[rep])]
        if len(others) < least:
            return None
        return (others[(len(others) - 1) // 2] + others[len(others) // 2]) / 2


def _last_spell(low: list[bool], apart: int) -> tuple[int, int] | None:
    """Return (first, last) index of the latest spell of lows; lows at most *apart* from each other are one spell."""
    lows = [index for index, is_low in enumerate(low) if is_low]
    if not lows:
        return None
    first = lows[-1]
    for index in reversed(lows):
        if first - index > apart:
            break
        first = index
    return first, lows[-1]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
