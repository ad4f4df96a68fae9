"""``appraisal.followup``: what records show of the quality of a follow-up, without a word of them being opened.

Every part is a share of *credited* visits that have a record, and the record is the first one written: writing more,
longer or again adds nothing. What the text shows of itself - how much of the stated need it speaks of, how much it
says beside that, a fingerprint - was worked out when it was written.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CONTACTS, DEALS, FOLLOW_UPS, INSPECTIONS, Coded, Metric, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.effort import Visits, credited_visits
from fieldhr_plugins.scorecards.joins import Ints
from fieldhr_plugins.scorecards.ledger import DAY_MS, Crew, Tally, behind, entries, measured
from fieldhr_plugins.scorecards.stages import is_won

__all__ = ["COMPLETE", "KEPT", "NEED", "OWN", "QUALITY", "FollowUpScorer"]

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

NEED: Final = Metric(
    name="need_answered_rate",
    unit="share",
    direction="up",
    doc="Credited visits to customers with a stated need whose record speaks of it in words of its own, of those with "
    "a record.",
)
OWN: Final = Metric(
    name="own_words_rate",
    unit="share",
    direction="up",
    doc="Credited visits whose record says something and is no copy of one about another customer, of those with a "
    "record. Not measured for a tenant that hands in no texts.",
)
KEPT: Final = Metric(
    name="next_step_kept_rate",
    unit="share",
    direction="up",
    doc="Credited visits with a next step that was agreed and kept - the customer was met or spoken with when it was "
    "due - of those whose record says none or whose next step is due. Not measured for a tenant that hands in none.",
)
COMPLETE: Final = Metric(
    name="inspection_complete_rate",
    unit="share",
    direction="up",
    doc="Deals won in the period whose customer was inspected before in every kind (a statement analysed and a site "
    "photographed, not with another customer's photo), of all won. Not measured for a tenant without inspections.",
)
QUALITY: Final = Metric(
    name="followup_quality",
    unit="0-1",
    direction="up",
    doc="Mean over credited visits of the share of what can be said of each that is fulfilled: record in time, need "
    "answered, own words, next step kept.",
)

#: Later than any instant: a pair and an instant fit one integer.
_FAR_MS: Final = 1 << 43
_HOUR_MS: Final = 3_600_000


class FollowUpScorer:
    """How good follow-ups are, by their records."""

    metrics: tuple[Metric, ...] = (NEED, OWN, KEPT, COMPLETE, QUALITY)

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
        visits = credited_visits(tables, crew, self._settings)
        parts = _Parts.of(tables, crew, visits, self._settings)
        record = np.where(parts.has_record, parts.record, visits.record)
        said = {NEED: (parts.answered, parts.has_need), OWN: (parts.own, parts.has_text), KEPT: (parts.kept, parts.due)}
        tallies = [
            Tally(metric, "share", (entries("followup", visits.rep, record, counts=good & told, of=told),))
            for metric, (good, told) in said.items()
        ]
        told = np.ones(len(visits.rep)) + parts.has_need + parts.has_text + parts.due
        good = parts.timely * 1.0 + (parts.answered & parts.has_need) + (parts.own & parts.has_text)
        good += parts.kept & parts.due
        quality = entries("visit", visits.rep, visits.record, counts=good / told, of=1.0)
        tallies += [self._complete(tables, crew), Tally(QUALITY, "mean", (quality,))]
        return {tally.metric.name: tally for tally in tallies}

    def _complete(self, tables: Tables, crew: Crew) -> Tally:
        deals, looked = tables[DEALS], tables[INSPECTIONS]
        kinds = self._settings.inspection_kinds
        if not len(looked) or not kinds:
            return Tally(COMPLETE, "share", ())
        looked = looked.take(~_reused(looked, self._settings.copied_bits))
        deals = deals.take(is_won(deals, self._settings) & crew.inside(deals["closed_ms"]))
        names = Coded.of([*looked["customer"].tolist(), *deals["customer"].tolist()]).codes
        mine, theirs = names[: len(looked)], names[len(looked) :]
        complete = np.ones(len(deals), dtype=bool)
        for kind in kinds:
            first = np.full(int(names.max(initial=0)) + 1, np.iinfo("i8").max)
            of_kind = looked["kind"].where(kind)
            np.minimum.at(first, mine[of_kind], looked["at_ms"][of_kind])
            complete &= first[theirs] <= deals["closed_ms"]
        return Tally(
            COMPLETE, "share", (entries("deal", crew.codes(deals["rep"]), deals["deal"], counts=complete, of=1.0),)
        )


@attrs.frozen(eq=False, kw_only=True)
class _Parts:
    """What can be said of each credited visit, and whether it holds.

    Attributes:
        record: id of the first record of the visit; has_record: whether there is one.
        has_need, has_text, due: whether the part can be said of this visit.
    """

    record: Any
    has_record: Mask
    timely: Mask
    answered: Mask
    has_need: Mask
    own: Mask
    has_text: Mask
    kept: Mask
    due: Mask

    @classmethod
    def of(cls, tables: Tables, crew: Crew, visits: Visits, settings: ScorecardSettings) -> _Parts:
        notes = tables[FOLLOW_UPS]
        notes = notes.take(notes["kind"].where("visit") | notes["kind"].where("joint_visit"))
        notes = notes.take(notes["written_ms"] >= notes["start_ms"]).sort("written_ms", "followup")
        keys = visits.keys_of(crew, notes["rep"], notes["customer"], notes["start_ms"])
        first, place = np.unique(keys, return_index=True)  # the first of each: they stand in the order of writing
        at = np.minimum(np.searchsorted(first, visits.key), max(len(first) - 1, 0))
        there = (first[at] == visits.key) if len(first) else np.zeros(len(visits.key), dtype=bool)
        row = place[at] if len(first) else np.zeros(len(visits.key), dtype="i8")

        def of_visit(values: Any, otherwise: Any) -> Any:
            return np.where(there, values[row], otherwise) if len(values) else np.full(len(row), otherwise)

        within = round(settings.record_within_h * _HOUR_MS)
        says = (notes["terms"] >= settings.least_terms) & ~_copied(notes, settings)
        answers = says & (notes["need_share"] >= settings.need_share)
        until = notes["next_ms"] + round(settings.next_step_days * DAY_MS)
        agreed = notes["next_ms"] > 0
        uses_texts, uses_steps = bool((notes["sketch"] != 0).any()), bool(agreed.any())
        return cls(
            record=of_visit(notes["followup"], ""),
            has_record=there,
            timely=of_visit(notes["written_ms"] - notes["end_ms"] <= within, False),
            answered=of_visit(answers, False),
            has_need=of_visit(~np.isnan(notes["need_share"]), False),
            own=of_visit(says, False),
            has_text=there & uses_texts,
            kept=of_visit(agreed & _met(tables, crew, visits, notes, settings), False),
            due=of_visit(~agreed | (until <= crew.as_of_ms), False) & uses_steps,
        )


def _copied(notes: Table, settings: ScorecardSettings) -> Mask:
    """Return which records are nearly the text of an earlier one of the same rep about another customer."""
    order = np.lexsort((notes["written_ms"], notes["rep"].codes))
    order = order[notes["sketch"][order] != 0]
    rep, written = notes["rep"].codes[order], notes["written_ms"][order]
    customer = Coded.of(notes["customer"][order].tolist()).codes
    sketch = notes["sketch"][order].astype("u8")
    copied = np.zeros(len(notes), dtype=bool)
    alike = np.zeros(len(order), dtype=bool)
    for lag in range(1, len(order)):
        near = (rep[lag:] == rep[:-lag]) & (written[lag:] - written[:-lag] <= settings.copied_days * DAY_MS)
        if not near.any():
            break
        near &= customer[lag:] != customer[:-lag]
        pairs = np.flatnonzero(near)
        bits = _bits(sketch[pairs + lag] ^ sketch[pairs])
        alike[pairs[bits <= settings.copied_bits] + lag] = True
    copied[order] = alike
    return copied


def _reused(looked: Table, bits: int) -> Mask:
    """Return which photos show what an earlier photo of the same rep shows, for another customer."""
    reused = np.zeros(len(looked), dtype=bool)
    seen: dict[int, list[tuple[int, Any]]] = {}
    reps, customers, ids = looked["rep"].codes, looked["customer"], looked["fingerprint"].tolist()
    for place in np.argsort(looked["at_ms"], kind="stable").tolist():
        if not ids[place] or len(ids[place]) % 16:
            continue
        # One hash of the whole picture and one of each of its crops: a crop of a picture is the picture.
        hashes = np.frombuffer(bytes.fromhex(ids[place]), dtype=">u8").astype("u8")
        earlier = seen.setdefault(int(reps[place]), [])
        reused[place] = any(
            customers[other] != customers[place] and int(_bits((hashes[:, None] ^ theirs).ravel()).min()) <= bits
            for other, theirs in earlier
        )
        earlier.append((place, hashes))
    return reused


def _bits(values: Any) -> Ints:
    """Return how many bits of each of these are set."""
    found: Ints = np.unpackbits(np.ascontiguousarray(values).view("u1").reshape(-1, 8), axis=1).sum(axis=1)
    return found


def _met(tables: Tables, crew: Crew, visits: Visits, notes: Table, settings: ScorecardSettings) -> Mask:
    """Return whether each record's customer was visited or spoken with by its rep when the next step was due.

    Met is who was met by a credited visit on a later day: what is only said to have been done keeps no promise, and who
    is not tracked is asked for no more than anybody else.
    """
    contacts = tables[CONTACTS]
    contacts = contacts.take(contacts["talk_s"] > 0)
    who, day, whom = visits.parts(crew)
    reps = np.concatenate([who, crew.codes(contacts["rep"]), crew.codes(notes["rep"])])
    named = Coded.of([*whom, *contacts["customer"].tolist(), *notes["customer"].tolist()])
    pairs = np.unique(reps * max(len(named.values), 1) + named.codes, return_inverse=True)[1]
    noon = crew.midnights[day] + DAY_MS // 2
    at = np.concatenate([noon, contacts["at_ms"]])
    if not len(at):
        return np.zeros(len(notes), dtype=bool)
    events = np.sort(pairs[: len(at)] * _FAR_MS + at)
    grace = round(settings.next_step_days * DAY_MS)
    tomorrow = crew.midnights[np.clip(crew.day_of(notes["end_ms"]) + 1, 0, crew.days)]
    since = np.maximum(tomorrow, notes["next_ms"] - grace)
    mine = pairs[len(at) :] * _FAR_MS
    place = np.minimum(np.searchsorted(events, mine + since), len(events) - 1)
    met: Mask = (events[place] >= mine + since) & (events[place] <= mine + notes["next_ms"] + grace)
    return met
