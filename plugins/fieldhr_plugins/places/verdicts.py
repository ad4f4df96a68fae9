"""Verdicts: which known place a stay is at, whether a check-in is where it claims, and why.

Three verdicts, never two. The accuracy circle decides for the person: at the customer as soon as the circle touches the
customer's radius; elsewhere only when the whole circle is outside; what lies between, and what is too vague to say, is
UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import JUDGED, STAYS, Coded, PlaceKind, RepDay, Table, Verdict
from fieldhr_plugins.places.nearby import PointGrid, distances_m
from fieldhr_plugins.places.settings import PlacesSettings
from fieldhr_plugins.places.tracks import MeasuredStays

__all__ = ["CHECKIN_REASONS", "STAY_REASONS", "Claims", "KnownPlaces", "judged", "placed"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Reason of a stay's verdict -> what it means.
STAY_REASONS: Final[dict[str, str]] = {
    "stay.private_place": "At a place that is closed to judgement; not named.",
    "stay.at_claimed_customer": "At the address of a customer claimed that day.",
    "stay.at_meeting_place": "At the place agreed for an outing.",
    "stay.at_customer": "At the address of another customer of the rep.",
    "stay.at_office": "At an office.",
    "stay.near_customer": "The accuracy circle touches a customer's radius; the centre alone does not.",
    "stay.poor_accuracy": "The fixes are too vague to tell a place.",
    "stay.too_few_fixes": "Fewer than three fixes, or mostly silence.",
    "stay.at_lawful_errand": "At a point of interest where anybody may wait on the way.",
    "stay.at_interest": "At a known point of interest that is nobody's office or customer.",
    "stay.no_known_place": "At no known place, and at no customer.",
}

#: Reason of a check-in's verdict -> what it means.
CHECKIN_REASONS: Final[dict[str, str]] = {
    "checkin.within_radius": "Within the radius of an address of the customer.",
    "checkin.accuracy_overlaps": "Outside the radius, but the accuracy circle touches it.",
    "checkin.beyond_radius": "The whole accuracy circle lies outside every address of the customer.",
    "checkin.at_other_customer": "Outside every address of the claimed customer, at another one's.",
    "checkin.accuracy_too_poor": "The fix claims less certainty than is needed to say anything.",
    "checkin.accuracy_unknown": "Outside the radius by less than an unstated accuracy could explain.",
    "checkin.no_position": "The check-in carries no usable coordinates.",
    "checkin.no_coordinates": "No address of the customer has coordinates.",
    "checkin.unknown_customer": "No address of such a customer is on record.",
}

#: Order in which a place is taken where several fit; the lowest counts.
_PRIVATE, _MEETING, _CLAIMED_NOW, _CLAIMED, _CUSTOMER, _OFFICE, _NEAR, _LAWFUL, _INTEREST = range(9)
_REASON_OF_RANK: Final = (
    "stay.private_place",
    "stay.at_meeting_place",
    "stay.at_claimed_customer",
    "stay.at_claimed_customer",
    "stay.at_customer",
    "stay.at_office",
    "stay.near_customer",
    "stay.at_lawful_errand",
    "stay.at_interest",
)
_VERDICT_OF_RANK: Final = (
    Verdict.UNKNOWN, Verdict.AT, Verdict.AT, Verdict.AT, Verdict.AT, Verdict.AT, Verdict.UNKNOWN, Verdict.AWAY,
    Verdict.AWAY,
)  # fmt: skip

#: Places wider than this are few: they are compared one by one instead of widening everybody's search.
_WIDE_M: Final = 600.0
#: A stay vaguer than this says nothing about a place.
_VAGUE_M: Final = 120.0
#: How far the nearest customer is looked for.
_NEAREST_M: Final = (400.0, 4_000.0, 40_000.0)


class KnownPlaces:
    """``PLACES`` prepared for questions; built once a table."""

    def __init__(self, places: Table, settings: PlacesSettings) -> None:
        self.ids, self.subject = places["place"], places["subject"]
        self.lat, self.lon = np.asarray(places["lat"]), np.asarray(places["lon"])
        self.radius = np.asarray(places["radius_m"])
        self.kind, self.category = places["kind"], places["category"]
        kinds: Coded = places["kind"]
        self.is_customer = kinds.where(PlaceKind.CUSTOMER)
        self.is_home = kinds.where(PlaceKind.HOME)
        self.is_office = kinds.where(PlaceKind.OFFICE)
        closed = np.asarray(places["private"]) | kinds.where(PlaceKind.PRIVATE)
        for category in settings.private_categories:
            closed = closed | (self.category.where(category) & ~self.is_customer)
        self.is_private = closed | self.is_home
        self.is_lawful = np.zeros(len(places), dtype=bool)
        for category in settings.lawful_categories:
            self.is_lawful |= self.category.where(category)
        self.reps: dict[str, int] = {}
        homes = np.flatnonzero(self.is_home)
        self.home_of = np.full(len(places), -1, dtype=np.int64)
        self.home_of[homes] = [self.reps.setdefault(str(s), len(self.reps)) for s in self.subject[homes]]
        owner: Coded = places["owner"]
        translation = np.array([self.reps.setdefault(v, len(self.reps)) for v in owner.values] + [-1], dtype=np.int64)
        self.owner = translation[owner.codes]
        self.customers: dict[str, int] = {}
        rows = np.flatnonzero(self.is_customer)
        self.customer = np.full(len(places), -1, dtype=np.int64)
        known = self.customers
        self.customer[rows] = [known.setdefault(s, len(known)) for s in self.subject[rows].tolist()]
        wide = self.radius > _WIDE_M
        self._wide = np.flatnonzero(wide & np.isfinite(self.lat) & np.isfinite(self.lon))
        narrow = np.where(wide, np.nan, self.lat)
        largest = float(self.radius[~wide].max(initial=0.0))
        self.grid = PointGrid(narrow, self.lon, largest + settings.accuracy_limit_m)
        self._nearest: dict[float, PointGrid] = {}
        located = np.flatnonzero(self.is_customer & np.isfinite(self.lat) & np.isfinite(self.lon))
        self._is_common = np.zeros(len(places), dtype=bool)
        self._is_common[located[self.owner[located] < 0]] = True
        self._by_owner = located[np.argsort(self.owner[located], kind="stable")]
        self._owners = self.owner[self._by_owner]
        self._by_customer = located[np.argsort(self.customer[located], kind="stable")]
        self._owned = self.customer[self._by_customer]

    def pairs(self, lat: Floats, lon: Floats, slack_m: Floats) -> tuple[Ints, Ints, Floats]:
        """Return (query, place, distance) of places whose radius plus the query's slack reaches the query."""
        query, place, distance = self.grid.within(lat, lon)
        if len(self._wide):
            for row in self._wide.tolist():
                far = distances_m(lat, lon, self.lat[row], self.lon[row])
                hit = np.flatnonzero(far <= self.radius[row] + slack_m)
                query = np.r_[query, hit]
                place = np.r_[place, np.full(len(hit), row)]
                distance = np.r_[distance, far[hit]]
        fits = np.flatnonzero(distance <= self.radius[place] + slack_m[query])
        fits = fits[np.lexsort((place[fits], query[fits]))]
        return query[fits], place[fits], distance[fits]

    def nearest_customers(
        self, lat: Floats, lon: Floats, owner: Ints, claimed: tuple[Ints, Ints]
    ) -> tuple[Ints, Floats]:
        """Return (place row or -1, metres or NaN) of the customer address nearest to each query.

        Args:
            lat, lon: of the queries, WGS-84 degrees.
            owner: code of the rep of each query; their own customers count, and those that nobody holds.
            claimed: (query, customer code) of customers that count beside.
        """
        # A rep's own customers are few: all of them are compared, wherever in a crowded city they are.
        query, place = self._paired(np.arange(len(lat)), owner, self._by_owner, self._owners)
        also = self._paired(*claimed, self._by_customer, self._owned)
        query, place = np.r_[query, also[0]], np.r_[place, also[1]]
        distance = distances_m(lat[query], lon[query], self.lat[place], self.lon[place])
        near = np.flatnonzero(distance <= _NEAREST_M[-1])
        common = self._nearest_common(lat, lon)
        query, place = np.r_[query[near], common[0]], np.r_[place[near], common[1]]
        distance = np.r_[distance[near], common[2]]
        order = np.lexsort((place, distance, query))
        query, place, distance = query[order], place[order], distance[order]
        lead = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, np.int64)
        best, metres = np.full(len(lat), -1, dtype=np.int64), np.full(len(lat), np.nan)
        best[query[lead]], metres[query[lead]] = place[lead], distance[lead]
        return best, metres

    @staticmethod
    def _paired(query: Ints, wanted: Ints, rows: Ints, keys: Ints) -> tuple[Ints, Ints]:
        """Return (query, place) of every place whose key a query wants; *rows* are in the order of their *keys*."""
        first = np.searchsorted(keys, wanted, side="left")
        number = np.where(wanted >= 0, np.searchsorted(keys, wanted, side="right") - first, 0)
        nth = np.arange(int(number.sum())) - np.repeat(np.cumsum(number) - number, number)
        return np.repeat(query, number), rows[np.repeat(first, number) + nth]

    def _nearest_common(self, lat: Floats, lon: Floats) -> tuple[Ints, Ints, Floats]:
        """Return (query, place, distance) of the nearest customers that nobody holds: as many rings as it takes."""
        found: list[tuple[Ints, Ints, Floats]] = []
        open_rows = np.arange(len(lat)) if self._is_common.any() else np.empty(0, np.int64)
        for reach in _NEAREST_M:
            if not len(open_rows):
                break
            if reach not in self._nearest:
                self._nearest[reach] = PointGrid(np.where(self._is_common, self.lat, np.nan), self.lon, reach)
            query, place, distance = self._nearest[reach].within(lat[open_rows], lon[open_rows])
            found.append((open_rows[query], place, distance))
            open_rows = np.setdiff1d(open_rows, open_rows[query])
        none = np.empty(0, np.int64)
        if not found:
            return none, none, np.empty(0)
        queries, places, distances = zip(*found, strict=True)
        return np.concatenate(queries), np.concatenate(places), np.concatenate(distances)


class SameKnownPlace:
    """Two points are at one place where one known place's radius holds both."""

    def __init__(self, known: KnownPlaces) -> None:
        self._known = known

    def __call__(self, lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> Bools:
        """Return the answer pair by pair; where no known place reaches, no."""
        none = np.zeros(len(lat1))
        query, place, _ = self._known.pairs(lat1, lon1, none)
        other_query, other_place, _ = self._known.pairs(lat2, lon2, none)
        size = max(len(self._known.ids), 1)
        shared = np.isin(query * size + place, other_query * size + other_place)
        same = np.zeros(len(lat1), dtype=bool)
        same[query[shared]] = True
        return same

    def visits(self, lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> Bools:
        """Return whether the first point lies at a customer's at which the second does not lie."""
        known, none = self._known, np.zeros(len(lat1))
        query, place, _ = known.pairs(lat1, lon1, none)
        other_query, other_place, _ = known.pairs(lat2, lon2, none)
        size = max(len(known.customers), 1)
        met, others = known.is_customer[place], known.is_customer[other_place]
        code = query[met] * size + known.customer[place[met]]
        other_code = other_query[others] * size + known.customer[other_place[others]]
        only = np.zeros(len(lat1), dtype=bool)
        only[query[met][~np.isin(code, other_code)]] = True
        return only


@attrs.frozen(eq=False, kw_only=True)
class Claims:
    """Outings sorted by rep-day.

    Attributes:
        spans: (rep-day index, customer code) -> claimed (start, end) spans in milliseconds.
        meetings: (rep-day index, place id) -> customer of the outing that is to take place there.
    """

    spans: dict[tuple[int, int], list[tuple[int, int]]]
    meetings: dict[tuple[int, str], str]

    @classmethod
    def of(cls, outings: Table, days: Sequence[RepDay], known: KnownPlaces) -> Claims:
        """Sort *outings* by the local date of their start in the rep-day's zone."""
        zones: dict[tuple[str, str], int] = {(d.rep, d.date): n for n, d in enumerate(days)}
        zone_of = {d.rep: ZoneInfo(d.zone) for d in days}
        spans: dict[tuple[int, int], list[tuple[int, int]]] = {}
        meetings: dict[tuple[int, str], str] = {}
        columns = outings["rep"], outings["customer"], outings["start_ms"].tolist(), outings["end_ms"].tolist()
        for rep, customer, start, end, place in zip(*columns, outings["meeting_place"], strict=True):
            zone = zone_of.get(rep or "")
            if zone is None:
                continue
            date = datetime.fromtimestamp(start / 1000, UTC).astimezone(zone).date().isoformat()
            day = zones.get((rep or "", date))
            if day is None:
                continue
            spans.setdefault((day, known.customers.get(customer, -1)), []).append((start, end))
            if place is not None:
                meetings[day, place] = customer
        return cls(spans=spans, meetings=meetings)


def placed(
    stays: MeasuredStays, days: Sequence[RepDay], known: KnownPlaces, claims: Claims, settings: PlacesSettings
) -> Table:
    """Return ``STAYS``: measured stays with place, verdict and reason."""
    count = len(stays)
    slack = np.maximum(np.minimum(stays.accuracy_m, settings.accuracy_limit_m), stays.error_m * 2.0)
    query, place, distance = known.pairs(stays.lat, stays.lon, slack)
    rank = _ranks(stays, query, place, distance, known, claims, _rep_codes(days, known))
    fits = np.flatnonzero(rank >= 0)
    query, place, distance, rank = query[fits], place[fits], distance[fits], rank[fits]
    order = np.lexsort((place, distance, rank, query))
    query, place, distance, rank = query[order], place[order], distance[order], rank[order]
    lead = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, np.int64)
    best, best_rank = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    best[query[lead]], best_rank[query[lead]] = place[lead], rank[lead]
    return _table(stays, days, known, claims, best, best_rank, settings)


def _rep_codes(days: Sequence[RepDay], known: KnownPlaces) -> Ints:
    """Return the code of each rep-day's rep among those who own customers or have homes (-2: neither)."""
    return np.array([known.reps.get(d.rep, -2) for d in days], dtype=np.int64)


def _ranks(
    stays: MeasuredStays, query: Ints, place: Ints, distance: Floats, known: KnownPlaces, claims: Claims, reps: Ints
) -> Ints:
    """Return how good each (stay, place) pair is: the rank, or -1 where the place does not count."""
    day = stays.day[query]
    rep = reps[day] if len(reps) else np.empty(0, np.int64)
    radius = known.radius[place]
    certain = distance <= radius + 2.0 * stays.error_m[query]
    rank = np.full(len(query), -1, dtype=np.int64)
    lawful = certain & known.is_lawful[place]
    rank[certain & ~known.is_customer[place] & ~known.is_office[place] & ~known.is_private[place]] = _INTEREST
    rank[lawful & _nearly_nearest(query, distance, rank, stays.error_m)] = _LAWFUL
    rank[certain & known.is_office[place]] = _OFFICE
    customer = np.flatnonzero(known.is_customer[place])
    code = known.customer[place]
    owner = known.owner[place]
    for row in customer.tolist():
        spans = claims.spans.get((int(day[row]), int(code[row])))
        if spans is None and owner[row] != -1 and owner[row] != rep[row]:
            continue
        if not certain[row]:
            rank[row] = _NEAR
        elif spans is None:
            rank[row] = _CUSTOMER
        else:
            begin, end = stays.start_ms[query[row]], stays.end_ms[query[row]]
            now = any(begin <= finish and start <= end for start, finish in spans)
            rank[row] = _CLAIMED_NOW if now else _CLAIMED
    own_home = known.home_of[place] == rep
    private = known.is_private[place] & certain & (~known.is_home[place] | own_home) & ~known.is_customer[place]
    rank[private] = _PRIVATE
    if claims.meetings:
        ids = known.ids[place]
        for row in range(len(query)):
            if certain[row] and (int(day[row]), ids[row]) in claims.meetings:
                rank[row] = _MEETING
    return _customer_before_private(query, rank)


def _nearly_nearest(query: Ints, distance: Floats, rank: Ints, error: Floats) -> Bools:
    """Whether a point of interest is as near as the nearest one, within the error of the stay."""
    best = np.full(len(error), np.inf)
    shown = rank == _INTEREST
    np.minimum.at(best, query[shown], distance[shown])
    return np.asarray(distance <= best[query] + 2.0 * error[query])


def _customer_before_private(query: Ints, rank: Ints) -> Ints:
    """Let a claimed customer inside a closed place (the hospital that is a client) be a visit, not a private stop."""
    claimed = np.isin(query, query[(rank >= _MEETING) & (rank <= _CLAIMED)])
    return np.where(claimed & (rank == _PRIVATE), -1, rank)


def _table(
    stays: MeasuredStays,
    days: Sequence[RepDay],
    known: KnownPlaces,
    claims: Claims,
    best: Ints,
    rank: Ints,
    settings: PlacesSettings,
) -> Table:
    count = len(stays)
    verdicts = [v.value for v in (Verdict.AT, Verdict.AWAY, Verdict.UNKNOWN)]
    reasons = list(STAY_REASONS)
    matched = rank >= 0
    verdict = np.full(count, verdicts.index(Verdict.AWAY), dtype="i4")
    reason = np.full(count, reasons.index("stay.no_known_place"), dtype="i4")
    verdict[matched] = np.array([verdicts.index(v) for v in _VERDICT_OF_RANK])[rank[matched]]
    reason[matched] = np.array([reasons.index(r) for r in _REASON_OF_RANK])[rank[matched]]
    doubtful = verdict == verdicts.index(Verdict.AWAY)
    vague = doubtful & (stays.accuracy_m > _VAGUE_M)
    silent = stays.certain_s < 0.25 * (stays.end_ms - stays.start_ms) / 1000.0
    # What was said when the limit passed is not taken back because of silence that came later.
    thin = doubtful & ~vague & (stays.over_ms == 0) & ((stays.fixes < 3) | silent)
    for rows, name in ((vague, "stay.poor_accuracy"), (thin, "stay.too_few_fixes")):
        verdict[rows] = verdicts.index(Verdict.UNKNOWN)
        reason[rows] = reasons.index(name)
    private = rank == _PRIVATE
    shown = matched & ~private & ~vague & ~thin
    customer_row = shown & known.is_customer[best] & (rank != _NEAR) if len(known.ids) else np.zeros(count, bool)
    nearest, nearest_m = _nearest(stays, days, known, claims)
    customers = _texts(known.subject, np.where(customer_row, best, -1))
    for row in np.flatnonzero(rank == _MEETING).tolist():
        customers[row] = claims.meetings.get((int(stays.day[row]), known.ids[best[row]]))
    kind_codes, kind_values = _picked(known.kind, np.where(shown, best, -1))
    kind_values = (*kind_values, PlaceKind.PRIVATE.value)
    kind_codes[private] = len(kind_values) - 1
    category_codes, category_values = _picked(known.category, np.where(shown, best, -1))
    hide = np.where(private, np.nan, 0.0)
    margin = np.where(np.isnan(nearest_m), 1e6, nearest_m) - settings.stay_radius_m
    reps = Coded.of(d.rep for d in days)
    dates = Coded.of(d.date for d in days)
    return STAYS.table(
        rep=Coded(reps.codes[stays.day] if count else reps.codes[:0], reps.values),
        date=Coded(dates.codes[stays.day] if count else dates.codes[:0], dates.values),
        start_ms=stays.start_ms,
        end_ms=stays.end_ms,
        certain_s=stays.certain_s,
        possible_s=stays.possible_s,
        counted_s=stays.counted_s,
        lat=np.round(stays.lat, 6) + hide,
        lon=np.round(stays.lon, 6) + hide,
        radius_m=np.round(stays.spread_m, 1),
        fixes=stays.fixes,
        refused=stays.refused,
        accuracy_m=np.round(stays.accuracy_m, 1),
        verdict=Coded(verdict, tuple(verdicts)),
        reason=Coded(reason, tuple(reasons)),
        confidence=_confidence(stays, verdict == verdicts.index(Verdict.AWAY), margin),
        place=_texts(known.ids, np.where(shown, best, -1)),
        kind=Coded(kind_codes, kind_values),
        category=Coded(category_codes, category_values),
        customer=customers,
        nearest_customer=_texts(known.subject, np.where(private, -1, nearest)),
        nearest_m=np.round(nearest_m, 1) + hide,
        over_ms=stays.over_ms,
        is_open=stays.is_open,
    )


def _nearest(stays: MeasuredStays, days: Sequence[RepDay], known: KnownPlaces, claims: Claims) -> tuple[Ints, Floats]:
    """Return the nearest customer address of each stay's rep: their own, everybody's, or claimed that day."""
    reps = _rep_codes(days, known)
    owner = reps[stays.day] if len(reps) else np.empty(0, np.int64)
    pairs = np.array(sorted(pair for pair in claims.spans if pair[1] >= 0), dtype=np.int64).reshape(-1, 2)
    first = np.searchsorted(pairs[:, 0], stays.day, side="left")
    number = np.searchsorted(pairs[:, 0], stays.day, side="right") - first
    nth = np.arange(int(number.sum())) - np.repeat(np.cumsum(number) - number, number)
    claimed = pairs[np.repeat(first, number) + nth, 1]
    query = np.repeat(np.arange(len(stays)), number)
    return known.nearest_customers(stays.lat, stays.lon, owner, (query, claimed))


def _confidence(stays: MeasuredStays, is_away: Bools, margin: Floats) -> Floats:
    """Return 0-1: how many fixes, how much of the time is known, how clear the distance is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(stays.possible_s > 0, stays.certain_s / np.maximum(stays.possible_s, 1.0), 1.0)
    enough = 1.0 - np.exp(-stays.fixes / 4.0)
    clear = np.where(is_away, 1.0 - np.exp(-np.maximum(margin, 0.0) / np.maximum(stays.accuracy_m, 15.0)), 1.0)
    return np.asarray(np.round(np.clip(np.sqrt(np.clip(known, 0.0, 1.0)) * enough * clear, 0.0, 1.0), 3))


def _texts(values: Any, rows: Ints) -> Any:
    result = np.full(len(rows), None, dtype="O")
    hit = np.flatnonzero(rows >= 0)
    result[hit] = values[rows[hit]]
    return result


def _picked(column: Coded, rows: Ints) -> tuple[Any, tuple[str, ...]]:
    codes = np.full(len(rows), -1, dtype="i4")
    hit = np.flatnonzero(rows >= 0)
    codes[hit] = column.codes[rows[hit]]
    return codes, column.values


def judged(points: Table, known: KnownPlaces, settings: PlacesSettings) -> Table:
    """Return ``JUDGED`` for ``POINTS``: is each point at the customer it claims, and why."""
    count = len(points)
    lat, lon, accuracy = np.asarray(points["lat"]), np.asarray(points["lon"]), np.asarray(points["accuracy_m"])
    code = np.array([known.customers.get(c, -1) for c in points["customer"].tolist()], dtype=np.int64)
    best, distance, has_address = _nearest_address(lat, lon, code, known)
    reasons = list(CHECKIN_REASONS)
    radius = np.where(best >= 0, known.radius[best], np.nan) if len(known.ids) else np.full(count, np.nan)
    at_other = np.zeros(count, dtype=bool)
    query, place, metres = known.pairs(lat, lon, np.zeros(count))
    other = known.is_customer[place] & (known.customer[place] != code[query]) & (metres <= known.radius[place])
    at_other[query[other]] = True
    no_position = ~(np.isfinite(lat) & np.isfinite(lon)) | ((lat == 0.0) & (lon == 0.0))
    with np.errstate(invalid="ignore"):
        # First match counts: what cannot be told before what can, the kinder reading before the harsher.
        cases = (
            ("checkin.unknown_customer", Verdict.UNKNOWN, code < 0),
            ("checkin.no_coordinates", Verdict.UNKNOWN, ~has_address),
            ("checkin.no_position", Verdict.UNKNOWN, no_position),
            ("checkin.accuracy_too_poor", Verdict.UNKNOWN, accuracy > settings.accuracy_limit_m),
            ("checkin.within_radius", Verdict.AT, distance <= radius),
            ("checkin.accuracy_overlaps", Verdict.AT, distance - accuracy <= radius),
            (
                "checkin.accuracy_unknown",
                Verdict.UNKNOWN,
                np.isnan(accuracy) & (distance - settings.accuracy_limit_m <= radius),
            ),
            ("checkin.at_other_customer", Verdict.AWAY, at_other),
            ("checkin.beyond_radius", Verdict.AWAY, np.ones(count, dtype=bool)),
        )
    verdicts = tuple(v.value for v in Verdict)
    verdict, reason = np.full(count, -1, dtype="i4"), np.full(count, -1, dtype="i4")
    for name, value, holds in cases:
        rows = (reason < 0) & holds
        verdict[rows], reason[rows] = verdicts.index(value.value), reasons.index(name)
    return JUDGED.table(
        verdict=Coded(verdict, verdicts),
        reason=Coded(reason, tuple(reasons)),
        distance_m=np.round(np.where(no_position, np.nan, distance), 1),
        place=_texts(known.ids, np.where(no_position, -1, best)),
    )


def _nearest_address(lat: Floats, lon: Floats, code: Ints, known: KnownPlaces) -> tuple[Ints, Floats, Bools]:
    """Return (place row or -1, metres or NaN, whether any address has coordinates) for each point's own customer."""
    count = len(code)
    rows = np.flatnonzero(known.is_customer & np.isfinite(known.lat) & np.isfinite(known.lon))
    rows = rows[np.argsort(known.customer[rows], kind="stable")]
    owned = known.customer[rows]
    first = np.searchsorted(owned, code, side="left")
    number = np.where(code >= 0, np.searchsorted(owned, code, side="right") - first, 0)
    query = np.repeat(np.arange(count), number)
    nth = np.arange(int(number.sum())) - np.repeat(np.cumsum(number) - number, number)
    place = rows[np.repeat(first, number) + nth]
    distance = distances_m(lat[query], lon[query], known.lat[place], known.lon[place])
    order = np.lexsort((place, distance, query))
    query, place, distance = query[order], place[order], distance[order]
    lead = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, np.int64)
    best, metres = np.full(count, -1, dtype=np.int64), np.full(count, np.nan)
    best[query[lead]], metres[query[lead]] = place[lead], distance[lead]
    return best, metres, np.asarray(number > 0)
