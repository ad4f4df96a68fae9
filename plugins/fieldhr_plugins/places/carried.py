"""``device.carried_for_another``: two phones that go everywhere together while their reps claim different customers.

Stays are compared, not fixes: two phones in one bag arrive, stay and leave together at every stop of the day. That
needs no second copy of anybody's track, and two reps who part at a single long stop no longer look alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import (
    CHECKINS,
    FOLLOW_UPS,
    OUTINGS,
    STAYS,
    Audience,
    Evidence,
    Finding,
    PlaceKind,
    Severity,
    Table,
    distance_m,
)
from fieldhr_plugins.places.evenings import EVENING, evening, full_days, is_unseen, local_date
from fieldhr_plugins.places.nearby import PointGrid
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["CarriedForAnother"]

Row = Mapping[str, Any]

CODE: Final = "device.carried_for_another"
#: Homes and private places are nobody's business.
_LEFT_OUT: Final = (PlaceKind.HOME, PlaceKind.PRIVATE)
#: Longest way between two stops that counts as made together.
_WAY_MS: Final = 3 * 3_600_000
#: Two phones see the beginning and the end of one stop that far apart.
_APART_MS: Final = 600_000
#: A day may fall so much short of the share that all days together must reach.
_DAY_SLACK: Final = 0.1
#: Who arrives and leaves together, to this, came and went together; what they claim to be apart is error then.
_IN_STEP_MS: Final = 120_000
#: Shorter silence than this is part of any day.
_SILENT_MS: Final = 900_000
#: Stops are different places when they lie this far apart.
_APART_M: Final = 500.0


@attrs.frozen
class _Day:
    """One day two phones spent together.

    Attributes:
        together_s: stops and the ways between them. stops: how many outside offices. stays: which stays say so.
        apart_ms, stayed_ms: how long they were apart, of how long they stayed: all stays, and those outside offices.
    """

    together_s: float
    stops: int
    stays: tuple[str, ...]
    apart_ms: tuple[int, int]
    stayed_ms: tuple[int, int]


class CarriedForAnother:
    """Alerter, end of day: at least four hours together, stops and the ways between, on five of seven working days.

    The five days count where 90 % of either phone's stays, homes and private places left out, and 90 % of those outside
    offices, were spent in one office or within 20 m of the other, their mean accuracy allowed for (twice the error of
    a centre; both accuracies where the two arrived and left within two minutes of each other); each day for itself may
    fall short by another 10 %. Each day has one stop outside offices or more, at two places or more; both reps checked
    in at customers that day, none claimed by both, and neither wrote down a joint visit. Office time counts, but days
    in an office alone say nothing. While one phone is silent nothing is known of the two: such time counts neither way.
    """

    codes = (CODE,)
    cadence = EVENING
    days = 21

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()
        self._together: Remembered[list[tuple[tuple[str, str], _Day]]] = Remembered(self._of_day)

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding for each of both reps; see :class:`fieldhr_core.hooks.Alerter`."""
        by_pair = self._days(tables)
        if not by_pair:
            return []
        expected = full_days(tables)
        known: dict[str, set[str]] = {}
        for day, stays in by_date(tables, STAYS).items():
            for rep in {rep or "" for rep in stays["rep"]}:
                known.setdefault(rep, set()).add(day)
        found: list[Finding] = []
        for pair, days in sorted(by_pair.items()):
            duty = sorted({d["date"] for rep in pair for d in expected.get(rep, ())} | set(days))
            for spell, complete in self._spells(sorted(days), duty, days):
                if is_unseen(tables, spell[0], sorted(known[pair[0]] & known[pair[1]])):
                    continue
                for rep, partner in (pair, pair[::-1]):
                    found.append(self._finding(tables, rep, partner, spell, complete, days))
        return found

    def _days(self, tables: Tables) -> dict[tuple[str, str], dict[str, _Day]]:
        joint = _joint(tables)
        dated = [by_date(tables, schema) for schema in (STAYS, CHECKINS, OUTINGS)]
        found: dict[tuple[str, str], dict[str, _Day]] = {}
        for day, together in self._together.of(tables, *dated).items():
            for pair, judged in together:
                if not any((rep, day) in joint for rep in pair):
                    found.setdefault(pair, {})[day] = judged
        return found

    def _of_day(
        self, _day: str, stays: Table | None, checkins: Table | None, outings: Table | None
    ) -> list[tuple[tuple[str, str], _Day]]:
        """Return the pairs of reps who spent a day together, each at customers of their own."""
        if stays is None or checkins is None:
            return []
        checked, customers = _claimed(checkins, outings)
        kept: dict[str, list[Row]] = {}
        left_out: dict[str, list[tuple[int, int]]] = {}
        for row in stays.sort("rep", "start_ms").rows():
            if row["kind"] in _LEFT_OUT or row["reason"] == "stay.private_place" or math.isnan(row["lat"]):
                left_out.setdefault(row["rep"], []).append((row["start_ms"], row["end_ms"]))
            elif row["rep"] in checked:
                kept.setdefault(row["rep"], []).append(row)
        found = []
        rows = [row for mine in kept.values() for row in mine]
        for pair, together in sorted(self._meetings(rows).items()):
            one, other = (customers.get(rep, set()) for rep in pair)
            if one & other:
                continue
            apart = [span for rep in pair for span in left_out.get(rep, ())]
            judged = self._judge([kept[rep] for rep in pair], together, apart)
            if judged is not None:
                found.append((pair, judged))
        return found

    def _meetings(self, rows: Sequence[Row]) -> dict[tuple[str, str], list[tuple[Row, Row]]]:
        """Return the pairs of stays of two reps at one place at one time, by pair of reps."""
        if not rows:
            return {}
        ranks = {rep: rank for rank, rep in enumerate(sorted({row["rep"] for row in rows}))}
        rep = np.array([ranks[row["rep"]] for row in rows])
        start, end = (np.array([row[name] for row in rows]) for name in ("start_ms", "end_ms"))
        lat, lon = (np.array([row[name] for row in rows]) for name in ("lat", "lon"))
        accuracy = np.array([row["accuracy_m"] for row in rows])
        vague = np.where(np.isnan(accuracy), self.settings.assumed_accuracy_m, accuracy)
        reach = self.settings.carried_within_m + self.settings.accuracy_limit_m
        one, other, metres = PointGrid(lat, lon, reach).within(lat, lon)
        at_once = (rep[one] < rep[other]) & (start[one] < end[other]) & (start[other] < end[one])
        in_step = (np.abs(start[one] - start[other]) <= _IN_STEP_MS) & (np.abs(end[one] - end[other]) <= _IN_STEP_MS)
        near = metres <= self.settings.carried_within_m + (vague[one] + vague[other]) / np.where(in_step, 1, 2)
        desk = [row["place"] if row["kind"] == PlaceKind.OFFICE else None for row in rows]
        names = {name: number for number, name in enumerate(sorted({name for name in desk if name is not None}))}
        office = np.array([-1 if name is None else names[name] for name in desk])
        near |= (office[one] >= 0) & (office[one] == office[other])
        together = np.flatnonzero(at_once & near)
        found: dict[tuple[str, str], list[tuple[Row, Row]]] = {}
        for a, b in zip(one[together].tolist(), other[together].tolist(), strict=True):
            found.setdefault((rows[a]["rep"], rows[b]["rep"]), []).append((rows[a], rows[b]))
        return found

    def _judge(
        self,
        own: Sequence[Sequence[Row]],
        together: Sequence[tuple[Row, Row]],
        apart: Sequence[tuple[int, int]],
    ) -> _Day | None:
        outside = [pair for pair in together if pair[0]["kind"] != PlaceKind.OFFICE]
        # Colleagues share an office and a lunch and part at customers: what counts must hold outside offices as well.
        away = [[row for row in rows if row["kind"] != PlaceKind.OFFICE] for rows in own]
        met = {id(row) for pair in together for row in pair}
        stayed = [max(_stayed_ms(stays[n], own[1 - n], met) for n in (0, 1)) for stays in (own, away)]
        parted = [
            all_ms - sum(end - start for start, end in _shared(pairs))
            for all_ms, pairs in zip(stayed, (together, outside), strict=True)
        ]
        if not all(self._is_little(*each, 1, _DAY_SLACK) for each in zip(parted, stayed, strict=True)):
            return None
        spans = _shared(together)
        stopped = sum(end - start for start, end in spans)
        ways = 0
        for (_, left), (arrived, _) in pairwise(spans):
            if 0 < arrived - left <= _WAY_MS and not any(a < arrived and left < b for a, b in apart):
                ways += arrived - left
        places: list[Row] = []
        for one, _ in together:
            if all(distance_m(one["lat"], one["lon"], p["lat"], p["lon"]) > _APART_M for p in places):
                places.append(one)
        seconds = (stopped + ways) / 1000
        if seconds < self.settings.carried_s or len(outside) < self.settings.carried_stops or len(places) < 2:
            return None
        ids = sorted({f"{r['rep']}/{r['date']}/{r['start_ms']}" for pair in together for r in pair})
        return _Day(seconds, len(outside), tuple(ids), (parted[0], parted[1]), (stayed[0], stayed[1]))

    def _is_little(self, apart_ms: float, stayed_ms: float, days: int, slack: float = 0.0) -> bool:
        return apart_ms <= max((1.0 - self.settings.carried_share + slack) * stayed_ms, days * _APART_MS)

    def _spells(
        self, days: Sequence[str], duty: Sequence[str], judged: Mapping[str, _Day]
    ) -> list[tuple[list[str], str]]:
        """Return (days of a spell, the day that completed the pattern); days a window apart begin another spell."""
        spells: list[list[str]] = []
        for day in days:
            if spells and duty.index(day) - duty.index(spells[-1][-1]) < self.settings.carried_window_days:
                spells[-1].append(day)
            else:
                spells.append([day])
        found = []
        for spell in spells:
            for n in range(self.settings.carried_days - 1, len(spell)):
                last = spell[n - self.settings.carried_days + 1 : n + 1]
                is_close = duty.index(last[-1]) - duty.index(last[0]) < self.settings.carried_window_days
                if is_close and all(
                    self._is_little(
                        sum(judged[day].apart_ms[kind] for day in last),
                        sum(judged[day].stayed_ms[kind] for day in last),
                        len(last),
                    )
                    for kind in (0, 1)
                ):
                    found.append((spell, spell[n]))
                    break
        return found

    def _finding(
        self, tables: Tables, rep: str, partner: str, spell: Sequence[str], complete: str, days: Mapping[str, _Day]
    ) -> Finding:
        hours = round(sum(days[day].together_s for day in spell) / len(spell) / 3600, 1)
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=f"{partner}/{spell[0]}",
            opened_at=evening(tables, complete),
            closed_at=evening(tables, spell[-1]),
            severity=Severity.HIGH,
            confidence=0.75,
            rule="places.carried_for_another",
            version="1",
            thresholds={
                "carried_within_m": self.settings.carried_within_m,
                "carried_s": self.settings.carried_s,
                "carried_share": self.settings.carried_share,
                "carried_stops": self.settings.carried_stops,
                "carried_days": self.settings.carried_days,
                "carried_window_days": self.settings.carried_window_days,
            },
            evidence=tuple(
                Evidence(
                    kind="stay",
                    ids=days[day].stays,
                    facts={
                        "date": day,
                        "with": partner,
                        "together_s": round(days[day].together_s),
                        "stops": days[day].stops,
                    },
                )
                for day in spell
            ),
            explanation=CODE,
            params={"partner": partner, "count": len(spell), "hours": hours, "from": spell[0], "to": spell[-1]},
            advice=f"{CODE}.advice",
            readings=(f"{CODE}.reading.together", f"{CODE}.reading.deliberate"),
            audience=(Audience.MANAGER,),
        )


def _shared(together: Sequence[tuple[Row, Row]]) -> list[tuple[int, int]]:
    """Return the spans that both stays of each pair have in common, ascending."""
    return sorted((max(a["start_ms"], b["start_ms"]), min(a["end_ms"], b["end_ms"])) for a, b in together)


def _silences(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Return the spans in which a phone may have been silent: next to a stay, by as much as it may have lasted longer.

    A stay does not say on which side of it the silence was, so both are taken; where the phone stayed it was heard.
    """
    found = []
    for n, row in enumerate(rows):
        silent_ms = int(row["possible_s"] * 1000) - (row["end_ms"] - row["start_ms"])
        if silent_ms < _SILENT_MS:
            continue
        before = rows[n - 1]["end_ms"] if n else 0
        after = rows[n + 1]["start_ms"] if n + 1 < len(rows) else row["end_ms"] + silent_ms
        found.append((max(before, row["start_ms"] - silent_ms), row["start_ms"]))
        found.append((row["end_ms"], min(after, row["end_ms"] + silent_ms)))
    return found


def _stayed_ms(rows: Sequence[Row], others: Sequence[Row], met: set[int]) -> int:
    """Return how long a phone is known to have stayed anywhere while the other one was heard."""
    unheard = sorted(_silences(others))
    total = 0
    for row in rows:
        start, end = row["start_ms"], row["end_ms"]
        if id(row) not in met and any(_is_silent_in(other, start, end) for other in others):
            continue
        reached = start
        for a, b in unheard:
            a, b = max(a, reached), min(b, end)
            if a < b:
                total -= b - a
                reached = b
        total += min(end - start, int(row["certain_s"] * 1000))
    return total


def _is_silent_in(stay: Row, start: int, end: int) -> bool:
    """Return whether a phone may have been silent from *start* to *end*, in the middle of what counts as one stay."""
    silent_ms = stay["end_ms"] - stay["start_ms"] - int(stay["certain_s"] * 1000)
    return bool(stay["start_ms"] <= start and end <= stay["end_ms"] and silent_ms >= max(end - start, _SILENT_MS))


def _claimed(checkins: Table | None, outings: Table | None) -> tuple[set[str], dict[str, set[str]]]:
    """Return who checked in on a day, and which customers each rep claimed."""
    checked: set[str] = set()
    customers: dict[str, set[str]] = {}
    for table in (checkins, outings):
        if table is None:
            continue
        for rep, customer in zip(table["rep"], table["customer"].tolist(), strict=True):
            customers.setdefault(rep or "", set()).add(customer)
        if table is checkins:
            checked = set(customers)
    return checked, customers


def _joint(tables: Tables) -> set[tuple[str, str]]:
    """Return by (rep, date) who wrote down a joint visit."""
    notes = tables[FOLLOW_UPS]
    joint = notes.take(notes["is_joint"] | notes["kind"].where("joint_visit"))
    return {
        (rep or "", local_date(tables, start))
        for rep, start in zip(joint["rep"], joint["start_ms"].tolist(), strict=True)
    }
