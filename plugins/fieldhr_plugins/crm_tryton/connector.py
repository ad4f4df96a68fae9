"""Connector ``tryton``: what changed in a Tryton since the last round, and visits and notes back to it.

A round begins with a look at what there is: which parties changed themselves, by an address, a number or an
opportunity; which have other addresses than before; which are gone. Then it brings them page by page, and after them
the other kinds. Everything the next page needs stands in the cursor, so any process can go on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.hooks import Pulled
from fieldhr_core.model import Attendance, Customer, Deal, Feedback, FollowUp, Person, Problem, Table
from fieldhr_plugins.crm_tryton import TrytonSettings
from fieldhr_plugins.crm_tryton.cursor import State
from fieldhr_plugins.crm_tryton.doors import ALL, Door, door_of
from fieldhr_plugins.crm_tryton.notes import push_notes, push_visits
from fieldhr_plugins.crm_tryton.records import FIELDS, MODELS, Records, stamp_of

__all__ = ["TrytonConnector"]

#: What makes a party a changed one: model -> field with the party; none: the party itself.
_OF_PARTIES: Final[Mapping[str, str]] = {
    "party.party": "id",
    "party.address": "party",
    "party.contact_mechanism": "party",
    "party.identifier": "party",
    "sale.opportunity": "party",
}
_OWN: Final = ("company.company", "company.employee")
_SWEEP_ROWS: Final = 5_000
#: Ids of one condition: they travel in the address of a request.
_IDS: Final = 200
#: Below so many known parties, a share says nothing.
_FEW_PARTIES: Final = 20
_PARTIES: Final = "parties"


class TrytonConnector:
    """Pulls from and pushes to the Tryton of the settings."""

    def __init__(self, settings: TrytonSettings) -> None:
        self._settings = settings
        self._records = Records(settings)
        self.source = settings.source

    def pull(self, cursor: str | None, /) -> Pulled:
        """Return the next page of what changed.

        Raises:
            ConfigError: FHR-CFG-001 where the settings name no server, database or credentials.
            SourceError: FHR-SRC-001 to FHR-SRC-005 where the server cannot be asked or refuses.
            RecordError: FHR-REC-006 where the cursor is none of ours, or too many parties are gone at once.
        """
        state = State.read(cursor)
        with door_of(self._settings) as door:
            if not state.phase:
                self._begin(door, state)
            return self._page(door, state)

    def push(self, visits: Table, /) -> Sequence[Problem]:
        """Write visits as notes of their parties; those of a rep-day that are there already are exchanged.

        Raises:
            ConfigError, SourceError: see :meth:`pull`.
        """
        if not len(visits):
            return []
        with door_of(self._settings) as door:
            return push_visits(door, self._records, visits)

    def push_notes(self, notes: Sequence[FollowUp], /) -> Sequence[Problem]:
        """Write visit records as notes of their parties.

        Raises:
            ConfigError, SourceError: see :meth:`pull`.
        """
        if not notes:
            return []
        with door_of(self._settings) as door:
            return push_notes(door, self._records, notes)

    # -- the beginning of a round --------------------------------------------------------------------------------

    def _begin(self, door: Door, state: State) -> None:
        models = [model for model in _OF_PARTIES if model != "sale.opportunity" or self._fetches("opportunities")]
        models += [MODELS[kind] for kind in self._settings.kinds if MODELS[kind] not in models]
        # Noted before anything is read: what changes from here on comes in the next round.
        state.latest = {model: stamp.isoformat() for model in models if (stamp := _last_change(door, model))}
        state.fresh = {}
        changed: set[int] = set()
        for model in models:
            field = _OF_PARTIES.get(model)
            if field is not None and model in state.since:
                changed |= self._changed_parties(door, state, model, field)
        present = self._sweep(door)
        changed |= {id_ for id_, digest in present.items() if state.known.get(id_) != digest}
        state.gone = sorted(id_ for id_ in state.known if id_ not in present)
        if len(state.known) >= _FEW_PARTIES and len(state.gone) > self._settings.most_gone_share * len(state.known):
            raise RecordError(
                f"{len(state.gone)} of {len(state.known)} parties are missing; nothing was changed.",
                code="FHR-REC-006",
                hint="Check the rights of the user; if they are gone indeed, raise the setting most_gone_share.",
            )
        state.pending = sorted(changed & set(present))
        state.known = present
        state.phase, state.after = _PARTIES, 0

    def _changed_parties(self, door: Door, state: State, model: str, field: str) -> set[int]:
        fields = ["id", *([] if field == "id" else [field])]
        rows = _every(door, model, self._since(state, model), fields, context=ALL)
        return {row[field] for row in rows if isinstance(row.get(field), int)}

    def _sweep(self, door: Door) -> dict[int, int]:
        """Return every active party with a digest of its addresses' ids: nothing else tells of one that was deleted."""
        addresses: dict[int, list[int]] = {}
        for row in _every(door, "party.address", [], ["id", "party"]):
            if isinstance(row.get("party"), int):
                addresses.setdefault(row["party"], []).append(row["id"])
        # Companies and their employees are parties, too, but nobody's customers.
        own = {row["party"] for model in _OWN for row in _every(door, model, [], ["party"], context=ALL)}
        ids = (row["id"] for row in _every(door, "party.party", [], ["id"]) if row["id"] not in own)
        return {id_: zlib.crc32(repr(addresses.get(id_, [])).encode()) for id_ in ids}

    # -- its pages -----------------------------------------------------------------------------------------------

    def _page(self, door: Door, state: State) -> Pulled:
        page = _Page()
        if state.phase == _PARTIES:
            ids, state.pending = state.pending[: self._settings.page_rows], state.pending[self._settings.page_rows :]
            self._bring_parties(door, state, page, ids)
            if not state.pending:
                self._tell_gone(door, state, page)
                self._next_phase(state)
        else:
            self._bring(door, state, page, state.phase)
        if state.phase:
            return page.pulled(state, more=True)
        state.since = {**state.since, **state.latest}
        state.recent, state.fresh, state.latest = self._near_the_end(state), {}, {}
        return page.pulled(state, more=False)

    def _next_phase(self, state: State) -> None:
        order = [_PARTIES, *(kind for kind in MODELS if self._fetches(kind))]
        place = order.index(state.phase) + 1
        state.phase, state.after = (order[place] if place < len(order) else ""), 0

    def _bring_parties(self, door: Door, state: State, page: _Page, ids: Sequence[int]) -> None:
        rows: list[dict[str, Any]] = []
        needs: dict[int, list[dict[str, Any]]] = {}
        for some in _cut(ids):
            rows += door.search("party.party", [["id", "in", some]], FIELDS[_PARTIES], limit=len(some))
            if self._fetches("opportunities"):
                fields = ("party", "employee", "description", "state")
                for need in _every(door, "sale.opportunity", [["party", "in", some]], fields):
                    needs.setdefault(need["party"], []).append(need)
        for row in rows:
            found = self._records.customer(row, needs.get(row["id"], ()))
            page.take(found, self._is_news(state, _PARTIES, row, found))

    def _tell_gone(self, door: Door, state: State, page: _Page) -> None:
        replaced: dict[int, int] = {}
        for some in _cut(state.gone):
            rows = door.search(
                "party.party",
                [["id", "in", some], ["replaced_by", "!=", None]],
                ("replaced_by",),
                limit=len(some),
                context=ALL,
            )
            replaced |= {row["id"]: row["replaced_by"] for row in rows}
        for id_ in state.gone:
            ident = self._records.ident("party", id_)
            if id_ in replaced:
                page.merged[ident] = self._records.ident("party", replaced[id_])
            else:
                page.gone.append(ident)
        state.gone = []

    def _bring(self, door: Door, state: State, page: _Page, kind: str) -> None:
        domain = [["id", ">", state.after], *self._since(state, MODELS[kind])]
        limit = self._settings.page_rows
        rows = door.search(MODELS[kind], domain, FIELDS[kind], limit=limit, context=_context(kind))
        read = self._reader(door, kind, rows)
        for row in rows:
            found = read(row)
            page.take(found, self._is_news(state, kind, row, found))
        if len(rows) < limit:
            self._next_phase(state)
        else:
            state.after = rows[-1]["id"]

    def _reader(self, door: Door, kind: str, rows: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], Any]:
        records = self._records
        if kind == "employees":
            return records.person
        if kind == "opportunities":
            return records.opportunity
        if kind == "attendance":
            return records.attendance
        if kind == "sales":
            held = self._held_by(door, rows)
            return lambda row: records.sale(row, held)
        served = self._served_by(door, rows)
        return lambda row: records.complaint(row, served)

    def _held_by(self, door: Door, sales: Iterable[Mapping[str, Any]]) -> dict[int, int]:
        """Return opportunity -> employee, for the opportunities that sales came from."""
        if not self._fetches("opportunities"):
            return {}
        ids = _origins(sales, "sale.opportunity")
        return {
            row["id"]: row["employee"]
            for some in _cut(ids)
            for row in door.search("sale.opportunity", [["id", "in", some]], ("employee",), limit=len(some))
            if row.get("employee")
        }

    def _served_by(self, door: Door, complaints: Sequence[Mapping[str, Any]]) -> dict[int, int]:
        """Return sale -> employee, and party (negative) -> employee of its newest opportunity."""
        found: dict[int, int] = {}
        parties = sorted({row["customer"] for row in complaints if isinstance(row.get("customer"), int)})
        if self._fetches("opportunities"):
            for some in _cut(parties):
                rows = _every(door, "sale.opportunity", [["party", "in", some]], ("party", "employee"))
                found |= {-row["party"]: row["employee"] for row in rows if row.get("employee")}
        if self._fetches("sales"):
            fields = ("origin", "quoted_by", "confirmed_by")
            sales = [
                row
                for some in _cut(_origins(complaints, "sale.sale"))
                for row in door.search("sale.sale", [["id", "in", some]], fields, limit=len(some))
            ]
            held = self._held_by(door, sales)
            for sale in sales:
                employee = (
                    held.get(_origin(sale, "sale.opportunity")) or sale.get("quoted_by") or sale.get("confirmed_by")
                )
                if employee:
                    found[sale["id"]] = employee
        return found

    # -- what is news --------------------------------------------------------------------------------------------

    def _fetches(self, kind: str) -> bool:
        return kind in self._settings.kinds

    def _since(self, state: State, model: str) -> list[Any]:
        """Return the condition for what changed since the rounds before; ``write_date`` is null until it does."""
        if model not in state.since:
            return []
        since = datetime.fromisoformat(state.since[model]) - timedelta(seconds=self._settings.overlap_s)
        never_written = [["write_date", "=", None], ["create_date", ">=", since]]
        changed: list[Any] = ["OR", ["write_date", ">=", since], never_written]
        if model == "company.employee":
            # A name belongs to the party.
            changed += [["party.write_date", ">=", since]]
        return [changed]

    def _is_news(self, state: State, kind: str, row: Mapping[str, Any], found: object) -> bool:
        """Note a record, and return whether it differs from what the last round brought."""
        digest = zlib.crc32(repr(found).encode() + repr(getattr(found, "identifiers", "")).encode())
        state.fresh.setdefault(kind, {})[row["id"]] = digest
        return state.recent.get(kind, {}).get(row["id"]) != digest

    def _near_the_end(self, state: State) -> dict[str, dict[int, int]]:
        return {
            kind: dict(list(found.items())[-self._settings.page_rows * 20 :]) for kind, found in state.fresh.items()
        }


@attrs.define(eq=False)
class _Page:
    """What one call brings."""

    customers: list[Customer] = attrs.field(factory=list)
    deals: list[Deal] = attrs.field(factory=list)
    people: list[Person] = attrs.field(factory=list)
    attendance: list[Attendance] = attrs.field(factory=list)
    feedback: list[Feedback] = attrs.field(factory=list)
    problems: list[Problem] = attrs.field(factory=list)
    gone: list[str] = attrs.field(factory=list)
    merged: dict[str, str] = attrs.field(factory=dict)

    def take(self, found: object, is_news: bool) -> None:
        """Take a record or a problem in, where it is news."""
        if is_news:
            self._of(found).append(found)

    def _of(self, found: object) -> list[Any]:
        kinds: tuple[tuple[type, list[Any]], ...] = (
            (Customer, self.customers),
            (Deal, self.deals),
            (Person, self.people),
            (Attendance, self.attendance),
            (Feedback, self.feedback),
        )
        return next((into for kind, into in kinds if isinstance(found, kind)), self.problems)

    def pulled(self, state: State, *, more: bool) -> Pulled:
        """Return the page with the cursor to go on from."""
        return Pulled(
            customers=self.customers,
            deals=self.deals,
            people=self.people,
            attendance=self.attendance,
            feedback=self.feedback,
            problems=self.problems,
            gone=self.gone,
            merged=self.merged,
            cursor=state.written(),
            more=more,
        )


def _last_change(door: Door, model: str) -> datetime | None:
    """Return when anything of a model last changed, by the server's own clock."""
    found = []
    for field in ("write_date", "create_date"):
        rows = door.search(model, [[field, "!=", None]], [field], order=[[field, "DESC"]], limit=1, context=ALL)
        found += [stamp for row in rows if (stamp := stamp_of(row))]
    return max(found, default=None)


def _every(
    door: Door, model: str, domain: Sequence[Any], fields: Sequence[str], context: Mapping[str, Any] | None = None
) -> Iterable[dict[str, Any]]:
    """Yield every record by id, page by page."""
    after = 0
    while True:
        where = [["id", ">", after], *domain]
        rows = door.search(model, where, fields, limit=_SWEEP_ROWS, context=context)
        yield from rows
        if len(rows) < _SWEEP_ROWS:
            return
        after = rows[-1]["id"]


def _context(kind: str) -> Mapping[str, Any] | None:
    return ALL if kind == "employees" else None


def _cut(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (list(ids[start : start + _IDS]) for start in range(0, len(ids), _IDS))


def _origin(row: Mapping[str, Any], model: str) -> int:
    name, _, id_ = str(row.get("origin") or "").partition(",")
    return int(id_) if name == model and id_.isdigit() else 0


def _origins(rows: Iterable[Mapping[str, Any]], model: str) -> list[int]:
    return sorted({found for row in rows if (found := _origin(row, model))})
