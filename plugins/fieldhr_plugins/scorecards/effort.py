"""``appraisal.effort``: credited visits, timely records, talk, answers, ratings, inspections.

Nothing here reads positions, absences, consent or cases. What somebody did is measured per *active day*: a local day on
which they left any record of work. A day without a record says nothing, whatever the reason was, so neither sick leave
nor a refused consent can move a figure.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import (
    CONTACTS,
    DEALS,
    FEEDBACK,
    FOLLOW_UPS,
    INSPECTIONS,
    PRESENCE,
    Coded,
    Metric,
    Table,
)
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.joins import Ints, distinct, either, without
from fieldhr_plugins.scorecards.ledger import Crew, Entries, Tally, behind, entries, measured
from fieldhr_plugins.scorecards.stages import is_won

__all__ = ["EffortScorer", "Visits", "active_days", "as_days", "credited_visits"]

Mask = npt.NDArray[np.bool_]

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000

CREDITED: Final = Metric(
    name="credited_visits_per_day",
    unit="visits/day",
    direction="up",
    doc="Visits of at least a quarter of an hour, or confirmed by the customer, one a customer and day, per active "
    "day. A visit about which positions say nothing counts by its check-in or record.",
)
TIMELY: Final = Metric(
    name="timely_record_rate",
    unit="share",
    direction="up",
    doc="Credited visits with a record written after they began and within a day, of all credited visits.",
)
TALK: Final = Metric(
    name="talk_minutes_per_day", unit="min/day", direction="up", doc="Minutes talked with customers per active day."
)
PROMPT: Final = Metric(
    name="prompt_answer_rate",
    unit="share",
    direction="up",
    doc="Enquiries answered in time, of those whose time is up or that were answered.",
)
RATING: Final = Metric(
    name="customer_rating", unit="0-1", direction="up", doc="Mean rating by customers, 0 the worst and 1 the best."
)
INSPECTED: Final = Metric(
    name="inspection_rate",
    unit="share",
    direction="up",
    doc="Deals won in the period whose customer was inspected before (a statement analysed, a site photographed), of "
    "all won. Not measured for a tenant that hands in no inspections.",
)


class EffortScorer:
    """What reps did, by their records."""

    metrics: tuple[Metric, ...] = (CREDITED, TIMELY, TALK, PROMPT, RATING, INSPECTED)

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings

    def score(self, tables: Tables, /) -> Table:
        """Return ``METRICS`` of everybody with exposure."""
        crew = Crew.of(tables)
        return measured(crew, self._tallies(tables, crew).values())

    def behind(self, tables: Tables, subject: str, metric: str, /) -> Table:
        """Return the records behind one figure."""
        crew = Crew.of(tables)
        return behind(crew, self._tallies(tables, crew)[metric], subject)

    def _tallies(self, tables: Tables, crew: Crew) -> dict[str, Tally]:
        visits, days = credited_visits(tables, crew, self._settings), active_days(tables, crew)
        credited = entries("visit", visits.rep, visits.record, counts=1.0)
        tallies = [
            Tally(CREDITED, "rate", (credited, as_days(crew, days, of=1.0))),
            self._timely(tables, crew, visits),
            self._talk(tables, crew, days),
            self._prompt(tables, crew),
            self._ratings(tables, crew),
            self._inspected(tables, crew),
        ]
        return {tally.metric.name: tally for tally in tallies}

    def _timely(self, tables: Tables, crew: Crew, visits: Visits) -> Tally:
        notes = tables[FOLLOW_UPS]
        within = round(self._settings.record_within_h * _HOUR_MS)
        in_time = (notes["written_ms"] >= notes["start_ms"]) & (notes["written_ms"] - notes["end_ms"] <= within)
        written = notes.take((notes["kind"].where("visit") | notes["kind"].where("joint_visit")) & in_time)
        keys = visits.keys_of(crew, written["rep"], written["customer"], written["start_ms"])
        timely = _is_in(visits.key, distinct(keys))
        return Tally(TIMELY, "share", (entries("visit", visits.rep, visits.record, counts=timely, of=1.0),))

    def _talk(self, tables: Tables, crew: Crew, days: Ints) -> Tally:
        contacts = tables[CONTACTS]
        contacts = contacts.take(crew.inside(contacts["at_ms"]) & (contacts["talk_s"] > 0))
        minutes = contacts["talk_s"] / 60
        rep = crew.codes(contacts["rep"])
        key = rep * (crew.days + 1) + crew.day_of(contacts["at_ms"])
        place = np.searchsorted(days, key)
        known = (rep >= 0) & (place < len(days))
        known[known] = days[place[known]] == key[known]
        of_day = np.bincount(place[known], weights=minutes[known], minlength=len(days))
        return Tally(
            TALK,
            "mean",
            (entries("contact", rep, contacts["contact"], counts=minutes), as_days(crew, days, of=1.0))
            if len(contacts)
            else (),
            units=as_days(crew, days, counts=of_day, of=1.0),
        )

    def _prompt(self, tables: Tables, crew: Crew) -> Tally:
        asked = tables[CONTACTS]
        asked = asked.take(crew.inside(asked["at_ms"]) & asked["direction"].where("in"))
        within = round(self._settings.prompt_answer_h * _HOUR_MS)
        answered = (asked["answered_ms"] > 0) & (asked["answered_ms"] <= crew.as_of_ms)
        waited = np.where(answered, asked["answered_ms"], crew.as_of_ms) - asked["at_ms"]
        told = answered | (waited > within)
        prompt = answered & (waited <= within)
        return Tally(
            PROMPT, "share", (entries("contact", crew.codes(asked["rep"]), asked["contact"], counts=prompt, of=told),)
        )

    def _ratings(self, tables: Tables, crew: Crew) -> Tally:
        said = tables[FEEDBACK]
        said = said.take(crew.inside(said["at_ms"]) & ~np.isnan(said["rating"]))
        return Tally(
            RATING,
            "mean",
            (entries("feedback", crew.codes(said["rep"]), said["feedback"], counts=said["rating"], of=1.0),),
        )

    def _inspected(self, tables: Tables, crew: Crew) -> Tally:
        deals, looked = tables[DEALS], tables[INSPECTIONS]
        if not len(looked):
            return Tally(INSPECTED, "share", ())
        deals = deals.take(is_won(deals, self._settings) & crew.inside(deals["closed_ms"]))
        names = Coded.of([*looked["customer"].tolist(), *deals["customer"].tolist()]).codes
        first = np.full(int(names.max(initial=0)) + 1, np.iinfo("i8").max)
        np.minimum.at(first, names[: len(looked)], looked["at_ms"])
        before = first[names[len(looked) :]] <= deals["closed_ms"]
        return Tally(
            INSPECTED, "share", (entries("deal", crew.codes(deals["rep"]), deals["deal"], counts=before, of=1.0),)
        )


@attrs.frozen(eq=False)
class Visits:
    """Credited visits: one row a rep, customer and local day.

    Attributes:
        rep: code.
        key: rep, day and customer in one integer, ascending.
        record: id of what says so (a check-in, a record, or rep/date of positions).
        customers: codes of customers in the keys.
    """

    rep: Ints
    key: Ints
    record: Any
    customers: dict[str, int]

    def keys_of(self, crew: Crew, rep: Coded, customer: Any, at_ms: Ints) -> Ints:
        """Return the key of each row; -1 where there can be none."""
        return _keys(crew, rep, customer, at_ms, self.customers)

    def parts(self, crew: Crew) -> tuple[Ints, Ints, list[str]]:
        """Return the rep's code, the number of the day and the customer of each."""
        names = list(self.customers)
        return (
            self.rep,
            self.key // _CUSTOMERS % (crew.days + 1),
            [names[code] for code in (self.key % _CUSTOMERS).tolist()],
        )


def credited_visits(tables: Tables, crew: Crew, settings: ScorecardSettings) -> Visits:
    """Return the visits that a score may credit.

    Credited is whoever positions show at the customer for long enough, or whom the customer confirms. Where positions
    say nothing - none are taken, or there is a hole in them - a check-in on the spot counts unless its record itself
    claims less, and without any positions that day a record of such a length does: silence is never held against
    anybody. A known short stay is not credited, whatever was written about it.
    """
    presence, notes, said = tables[PRESENCE], tables[FOLLOW_UPS], tables[FEEDBACK]
    presence = presence.take(crew.inside(presence["start_ms"]))
    stays = presence.take(presence["kind"].where("stay"))
    checkins = presence.take(presence["kind"].where("checkin") & presence["verdict"].where("at"))
    tracked = presence.take(presence["kind"].where("tracked"))
    is_visit = notes["kind"].where("visit") | notes["kind"].where("joint_visit")
    records = notes.take(is_visit & crew.inside(notes["start_ms"]) & (notes["written_ms"] >= notes["start_ms"]))
    confirmed = said.take(said["kind"].where("confirmation") & (said["at_ms"] <= crew.as_of_ms))
    least = settings.effective_visit_min * _MINUTE_MS

    customers: dict[str, int] = {}
    stay_keys = _keys(crew, stays["rep"], stays["customer"], stays["start_ms"], customers)
    said_keys = _keys(crew, checkins["rep"], checkins["customer"], checkins["start_ms"], customers)
    note_keys = _keys(crew, records["rep"], records["customer"], records["start_ms"], customers)
    length = stays["end_ms"] - stays["start_ms"]
    possible = np.where(np.isnan(stays["possible_s"]), length, stays["possible_s"] * 1000)
    claimed = records["end_ms"] - records["start_ms"]

    long_stay = distinct(stay_keys[length >= least])
    short_stay = without(distinct(stay_keys), distinct(stay_keys[possible >= least]))
    long_note, short_note = distinct(note_keys[claimed >= least]), distinct(note_keys[claimed < least])
    by_checkin = without(distinct(said_keys), without(short_note, long_note))
    seen_days = distinct(crew.codes(tracked["rep"]) * (crew.days + 1) + crew.day_of(tracked["start_ms"]))
    by_record = long_note[~_is_in(long_note // _CUSTOMERS, seen_days)]
    by_customer = _confirmed(crew, confirmed, (records, note_keys), (checkins, said_keys), customers)
    unseen = without(either(by_checkin, by_record), short_stay)
    keys = either(long_stay, unseen, by_customer)
    keys = keys[keys >= 0]

    record = np.empty(len(keys), dtype="O")
    for ids, found in (
        (stays["record"], stay_keys),
        (checkins["record"], said_keys),
        (records["followup"], note_keys),
    ):
        order = np.argsort(found, kind="stable")
        there = found[order]
        starts = np.flatnonzero(np.concatenate([[True], there[1:] != there[:-1]])) if len(there) else order
        there, first = there[starts], order[starts]
        place = np.minimum(np.searchsorted(there, keys), max(len(there) - 1, 0))
        hit = there[place] == keys if len(there) else np.zeros(len(keys), dtype=bool)
        record[hit] = ids[first[place[hit]]]
    lacking = np.asarray([one is None for one in record.tolist()], dtype=bool)
    record[lacking] = [f"confirmed/{key}" for key in keys[lacking].tolist()]
    return Visits(keys // _CUSTOMERS // (crew.days + 1), keys, record, customers)


def active_days(tables: Tables, crew: Crew) -> Ints:
    """Return rep and day in one integer, ascending: the days on which a rep left any record of work."""
    notes, contacts, looked, presence = (tables[s] for s in (FOLLOW_UPS, CONTACTS, INSPECTIONS, PRESENCE))
    checkins = presence.take(presence["kind"].where("checkin"))
    found = []
    for table, at in ((notes, "start_ms"), (contacts, "at_ms"), (looked, "at_ms"), (checkins, "start_ms")):
        rep = crew.codes(table["rep"])
        mine = (rep >= 0) & crew.inside(table[at])
        if table is contacts:
            mine &= contacts["direction"].where("out") | (contacts["talk_s"] > 0)
        found.append(rep[mine] * (crew.days + 1) + crew.day_of(table[at][mine]))
    return either(*found)


def _is_in(values: Ints, others: Ints) -> Mask:
    """Return which values are among *others*, distinct and ascending."""
    if not len(others):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(others, values), len(others) - 1)
    found: Mask = others[place] == values
    return found


#: More customers than any tenant has: a rep-day and a customer fit one integer.
_CUSTOMERS: Final = 1 << 32


def _keys(crew: Crew, rep: Coded, customer: Any, at_ms: Ints, customers: dict[str, int]) -> Ints:
    codes = crew.codes(rep)
    names = customer.tolist()
    for name in dict.fromkeys(names):
        customers.setdefault(name, len(customers))
    named = np.fromiter(map(customers.__getitem__, names), dtype="i8", count=len(names))
    packed: Ints = (codes * (crew.days + 1) + crew.day_of(at_ms)) * _CUSTOMERS + named
    return np.where((codes >= 0) & crew.inside(at_ms), packed, -1)


def _confirmed(
    crew: Crew, confirmed: Table, records: tuple[Table, Ints], checkins: tuple[Table, Ints], customers: dict[str, int]
) -> Ints:
    """Return the keys of visits that customers confirm: the one named, else theirs of that day."""
    if not len(confirmed):
        return np.zeros(0, dtype="i8")
    about = {one for one in confirmed["about"].tolist() if one}
    named = [
        keys[np.isin(table[ident].astype(str), sorted(about))]
        for (table, keys), ident in ((records, "followup"), (checkins, "record"))
    ]
    unnamed = confirmed.take(np.asarray([not one for one in confirmed["about"].tolist()], dtype=bool))
    same_day = _keys(crew, unnamed["rep"], unnamed["customer"], unnamed["at_ms"], customers)
    claimed = np.concatenate([records[1], checkins[1]])
    found: Ints = np.unique(np.concatenate([*named, same_day[np.isin(same_day, claimed)]]))
    return found[found >= 0]


def as_days(crew: Crew, days: Ints, *, counts: Any = 0.0, of: Any = 0.0) -> Entries:
    """Return one entry an active day, named rep/date."""
    rep, day = days // (crew.days + 1), days % (crew.days + 1)
    return entries("day", rep, DayNames(crew, rep, day), counts=counts, of=of)


@attrs.frozen(eq=False)
class DayNames:
    """Ids of days, made when somebody asks for them: a year of 2,000 reps has half a million."""

    crew: Crew
    rep: Ints
    day: Ints

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        first = self.crew.first
        names = [
            f"{self.crew.reps[rep]}/{first.fromordinal(first.toordinal() + day).isoformat()}"
            for rep, day in zip(self.rep.tolist(), self.day.tolist(), strict=True)
        ]
        found = np.empty(len(names), dtype="O")
        found[:] = names
        return found
