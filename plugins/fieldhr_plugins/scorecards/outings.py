"""What the evidence says about each claimed outing: anomalous, effective, unverifiable, or simply done otherwise."""

from __future__ import annotations

import json
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, FOLLOW_UPS, OUTINGS, SIGNALS, STAYS, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.joins import Ints, Spans, codes_of, overlapping, shared_ms

__all__ = ["JudgedOutings", "is_off_site", "judge_outings"]

Mask = npt.NDArray[np.bool_]

_MINUTE_MS: Final = 60_000


@attrs.frozen(eq=False)
class JudgedOutings:
    """One row an outing of a known rep.

    Attributes:
        rep: code of the rep.
        anomalous: a check-in from elsewhere, an off-site dwell, or a visit record that positions contradict.
        effective: the customer was met: a long enough stay, or a check-in on the spot.
        unverifiable: nothing is known about where the rep was; neither good nor bad, counted apart.
        walk_ins: reps of check-ins on the spot that belong to no outing, one a customer and day.
    """

    rep: Ints
    anomalous: Mask
    effective: Mask
    unverifiable: Mask
    walk_ins: Ints


def judge_outings(tables: Tables, reps: dict[str, int], settings: ScorecardSettings) -> JudgedOutings:
    """Hold each outing against stays, check-ins and visit records of its rep.

    One dwell makes one outing anomalous: the one it overlaps longest.
    """
    outings = _of_reps(tables[OUTINGS], reps)
    stays = _of_reps(tables[STAYS], reps)
    checkins = _of_reps(tables[CHECKINS], reps)
    followed_up = _of_reps(tables[FOLLOW_UPS], reps)
    records = followed_up.take(followed_up["kind"].where("visit"))
    slack_ms = round(settings.claim_slack_min * _MINUTE_MS)

    claimed = _spans(outings, reps)
    around = claimed.widened(slack_ms)
    stayed = _spans(stays, reps)
    checked = _spans(checkins, reps, start="time_ms", end="time_ms")
    written = _spans(records, reps)

    at_stay = stays["verdict"].where("at")
    at_checkin = checkins["verdict"].where("at")
    is_long = stays["end_ms"] - stays["start_ms"] >= settings.effective_visit_min * _MINUTE_MS
    near_stay = _same_customer(overlapping(around, stayed), outings, stays)
    near_checkin = _same_customer(overlapping(around, checked), outings, checkins)
    met = _any(len(outings), near_stay, at_stay) | _any(len(outings), near_checkin, at_checkin)
    effective = _any(len(outings), near_stay, at_stay & is_long) | _any(len(outings), near_checkin, at_checkin)

    anomalous = _any(len(outings), near_checkin, checkins["verdict"].where("away"))
    anomalous[_dwelt_in(claimed, stayed, is_off_site(stays, followed_up, reps, settings) & (stays["over_ms"] > 0))] = (
        True
    )
    near_record = _same_customer(overlapping(claimed, written), outings, records)
    anomalous |= _any(len(outings), near_record, _contradicted(records, written, tables[SIGNALS], reps))

    known = overlapping(claimed, stayed)
    is_known = ~stays["verdict"].where("unknown")
    weights = np.where(is_known[known[1]], shared_ms(claimed, stayed, known), 0)
    known_ms = np.bincount(known[0], weights=weights, minlength=len(outings))
    unverifiable = ~met & ~anomalous & (2 * known_ms <= claimed.end_ms - claimed.start_ms)

    walk_ins = at_checkin.copy()
    walk_ins[near_checkin[1]] = False
    return JudgedOutings(
        claimed.rep, anomalous, effective, unverifiable, _once_a_day(checkins, checked, walk_ins, tables)
    )


def is_off_site(stays: Table, records: Table, reps: dict[str, int], settings: ScorecardSettings) -> Mask:
    """Return which stays were certainly spent at a place that is nobody's customer, office or home.

    A known point of interest where anybody may wait on the way (fuel, parking ...) is none, an unknown spot is none (a
    jam looks like it), and neither is a stay during which a joint visit is recorded.
    """
    lawful = np.zeros(len(stays), dtype=bool)
    for category in settings.lawful_categories:
        lawful |= stays["category"].where(category)
    together = np.zeros(len(records), dtype=bool)
    for kind in settings.joint_kinds:
        together |= records["kind"].where(kind)
    joint = overlapping(_spans(stays, reps), _spans(records.take(together), reps))[0]
    off_site: Mask = stays["verdict"].where("away") & stays["kind"].where("interest") & ~lawful
    off_site[joint] = False
    return off_site


def _of_reps(table: Table, reps: dict[str, int]) -> Table:
    return table.take(codes_of(table["rep"], reps) >= 0)


def _spans(table: Table, reps: dict[str, int], *, start: str = "start_ms", end: str = "end_ms") -> Spans:
    return Spans(codes_of(table["rep"], reps), table[start], np.maximum(table[end], table[start]))


def _same_customer(pairs: tuple[Ints, Ints], left: Table, right: Table) -> tuple[Ints, Ints]:
    i, j = pairs
    same = np.asarray(left["customer"][i] == right["customer"][j], dtype=bool)
    return i[same], j[same]


def _any(length: int, pairs: tuple[Ints, Ints], right: Mask) -> Mask:
    """Return which left rows have a pair whose right row is marked."""
    found = np.zeros(length, dtype=bool)
    found[pairs[0][right[pairs[1]]]] = True
    return found


def _dwelt_in(claimed: Spans, stayed: Spans, is_dwell: Mask) -> Ints:
    """Return, for each dwell, the outing it overlaps longest; of equals the earlier one."""
    i, j = overlapping(claimed, stayed)
    i, j = i[is_dwell[j]], j[is_dwell[j]]
    shared = shared_ms(claimed, stayed, (i, j))
    i, j, shared = i[shared > 0], j[shared > 0], shared[shared > 0]
    order = np.lexsort((claimed.start_ms[i], -shared, j))
    _, first = np.unique(j[order], return_index=True)
    return i[order[first]]


def _contradicted(records: Table, written: Spans, signals: Table, reps: dict[str, int]) -> Mask:
    """Return which visit records the resolver's signal ``visit.unsupported`` speaks against.

    The signal says that nobody came near the claimed customer while positions were there all along; where silence
    leaves it open, the resolver gives no such signal.
    """
    doubts = signals.take(signals["signal"].where("visit.unsupported"))
    claimed = np.asarray([json.loads(facts).get("customer") for facts in doubts["facts"].tolist()], dtype=object)
    i, j = overlapping(written, _spans(doubts, reps))
    same = np.asarray(records["customer"][i] == claimed[j], dtype=bool)
    contradicted = np.zeros(len(records), dtype=bool)
    contradicted[i[same]] = True
    return contradicted


def _once_a_day(checkins: Table, checked: Spans, wanted: Mask, tables: Tables) -> Ints:
    """Return the rep of each wanted check-in, one a rep, customer and local day."""
    offset = tables.as_of.utcoffset()
    shift_ms = 0 if offset is None else round(offset.total_seconds() * 1000)
    days = (checked.start_ms[wanted] + shift_ms) // 86_400_000
    seen = set(zip(checked.rep[wanted].tolist(), checkins["customer"][wanted].tolist(), days.tolist(), strict=True))
    return np.asarray(sorted(rep for rep, _, _ in seen), dtype="i8")
