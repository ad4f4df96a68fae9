"""What the evidence says about each claimed outing: anomalous, effective, unverifiable, or simply done otherwise."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, EARTH_RADIUS_M, FOLLOW_UPS, OUTINGS, PLACES, STAYS, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.joins import Ints, Spans, codes_of, overlapping, shared_ms

__all__ = ["JudgedOutings", "is_off_site", "judge_outings"]

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

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
    records = _of_reps(tables[FOLLOW_UPS], reps)
    records = records.take(records["kind"].where("visit"))
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
    anomalous[_dwelt_in(claimed, stayed, is_off_site(stays) & (stays["over_ms"] > 0))] = True
    contradicted = _contradicted(records, written, stays, stayed, checkins, checked, tables[PLACES], settings)
    near_record = _same_customer(overlapping(claimed, written), outings, records)
    anomalous |= _any(len(outings), near_record, contradicted)

    known = overlapping(claimed, stayed)
    known = (known[0], known[1])
    is_known = ~stays["verdict"].where("unknown")
    weights = np.where(is_known[known[1]], shared_ms(claimed, stayed, known), 0)
    known_ms = np.bincount(known[0], weights=weights, minlength=len(outings))
    unverifiable = ~met & ~anomalous & (2 * known_ms <= claimed.end_ms - claimed.start_ms)

    walk_ins = at_checkin.copy()
    walk_ins[near_checkin[1]] = False
    return JudgedOutings(
        claimed.rep, anomalous, effective, unverifiable, _once_a_day(checkins, checked, walk_ins, tables)
    )


def is_off_site(stays: Table) -> Mask:
    """Return which stays were spent away from every customer, office and home; private places are never among them."""
    elsewhere: Mask = stays["verdict"].where("away")
    for kind in ("customer", "home", "office", "private"):
        elsewhere = elsewhere & ~stays["kind"].where(kind)
    return elsewhere


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


def _contradicted(
    records: Table,
    written: Spans,
    stays: Table,
    stayed: Spans,
    checkins: Table,
    checked: Spans,
    places: Table,
    settings: ScorecardSettings,
) -> Mask:
    """Return which visit records positions contradict.

    More than half of the claimed span was spent in stays that lie, uncertainty taken off, farther than
    ``elsewhere_m`` from every address of the customer, and nothing within the slack speaks for the visit.
    Private places and homes are no evidence.
    """
    around = written.widened(round(settings.claim_slack_min * _MINUTE_MS))
    near_stay = _same_customer(overlapping(around, stayed), records, stays)
    near_checkin = _same_customer(overlapping(around, checked), records, checkins)
    supported = _any(len(records), near_stay, stays["verdict"].where("at"))
    supported |= _any(len(records), near_checkin, checkins["verdict"].where("at"))

    usable = ~stays["kind"].where("private") & ~stays["kind"].where("home") & ~np.isnan(stays["accuracy_m"])
    i, j = overlapping(written, stayed)
    i, j = i[usable[j] & ~supported[i]], j[usable[j] & ~supported[i]]
    uncertain_m = stays["accuracy_m"] + stays["radius_m"]
    far = _nearest_address_m(records, stays, places, i, j) - uncertain_m[j] > settings.elsewhere_m
    pairs = (i[far], j[far])
    elsewhere_ms = np.bincount(pairs[0], weights=shared_ms(written, stayed, pairs), minlength=len(records))
    span = written.end_ms - written.start_ms
    contradicted: Mask = (span > 0) & (2 * elsewhere_ms > span)
    return contradicted


def _nearest_address_m(records: Table, stays: Table, places: Table, i: Ints, j: Ints) -> Floats:
    """Return metres from each stay to the nearest address of the record's customer; NaN where none is known."""
    addresses = places.take(places["kind"].where("customer"))
    customers: dict[Any, int] = {}
    of_address = np.asarray(
        [customers.setdefault(c, len(customers)) for c in addresses["subject"].tolist()], dtype="i8"
    )
    of_pair = np.asarray([customers.get(c, -1) for c in records["customer"][i].tolist()], dtype="i8")
    order = np.argsort(of_address, kind="stable")
    first = np.searchsorted(of_address[order], of_pair, side="left")
    counts = np.searchsorted(of_address[order], of_pair, side="right") - first
    pair = np.repeat(np.arange(len(i)), counts)
    address = order[np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)]
    stay = j[pair]
    metres = _distances_m(stays["lat"][stay], stays["lon"][stay], addresses["lat"][address], addresses["lon"][address])
    nearest = np.full(len(i), np.inf)
    np.minimum.at(nearest, pair, metres)
    return np.where(np.isinf(nearest), np.nan, nearest)


def _distances_m(lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> Floats:
    """Return great-circle distances in metres (haversine), WGS-84 degrees."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    chord = np.sin((phi2 - phi1) / 2) ** 2
    chord = chord + np.cos(phi1) * np.cos(phi2) * np.sin(np.radians(lon2 - lon1) / 2) ** 2
    metres: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord)))
    return metres


def _once_a_day(checkins: Table, checked: Spans, wanted: Mask, tables: Tables) -> Ints:
    """Return the rep of each wanted check-in, one a rep, customer and local day."""
    offset = tables.as_of.utcoffset()
    shift_ms = 0 if offset is None else round(offset.total_seconds() * 1000)
    days = (checked.start_ms[wanted] + shift_ms) // 86_400_000
    seen = set(zip(checked.rep[wanted].tolist(), checkins["customer"][wanted].tolist(), days.tolist(), strict=True))
    return np.asarray(sorted(rep for rep, _, _ in seen), dtype="i8")
