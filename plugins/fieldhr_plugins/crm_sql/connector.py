"""Connector ``sql``: what changed in the tables of another database since the last round.

With a column that grows with every change, a round reads from the last value on; without one it reads every row and
hands out those that say something else than before. Ids that are not there any more are gone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import attrs

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.hooks import Pulled
from fieldhr_core.intake.cells import BadCellError
from fieldhr_core.intake.known import digest_of, packed, unpacked
from fieldhr_core.intake.records import MESSAGES, CustomerRows, DealRows, RowReader
from fieldhr_core.model import Customer, Deal, Problem, Table
from fieldhr_plugins.crm_sql import SqlSettings, TableSettings
from fieldhr_plugins.crm_sql.tables import Mark, Source, connected

__all__ = ["SqlConnector"]

_FORMAT: Final = 1
_KINDS: Final = ("customer", "deal")
#: Below so many known customers, a share says nothing.
_FEW_CUSTOMERS: Final = 20


class SqlConnector:
    """Reads the tables of the settings, and writes nothing."""

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings
        self.source = settings.source
        # After a change of how cells are read every row is a changed one.
        read_as = attrs.asdict(settings, filter=lambda field, _: field.name not in ("url", "page_rows", "overlap_s"))
        self._salt = hashlib.sha256(json.dumps(read_as, sort_keys=True, default=str).encode()).digest()[:16]

    def pull(self, cursor: str | None, /) -> Pulled:
        """Return the next page of changed rows.

        Raises:
            ConfigError: FHR-CFG-001 where the settings do not fit the database.
            SourceError: FHR-SRC-001, FHR-SRC-002 or FHR-SRC-004 where it cannot be read.
            RecordError: FHR-REC-006 where the cursor is none of ours, or too many customers are gone at once.
        """
        state = _State.read(cursor)
        kinds = [kind for kind in _KINDS if self._table(kind).table]
        if not kinds:
            raise ConfigError(
                "The connector 'sql' has no table.", code="FHR-CFG-001", hint="Set customers={'table': ...}."
            )
        kind = state.kind if state.kind in kinds else kinds[0]
        with connected(self._settings) as connection:
            source = Source(connection, kind, self._table(kind))
            found, gone, problems = self._page(source, state, kind)
        following = kinds[kinds.index(kind) + 1 :] if state.mark is None else [kind]
        state.kind = following[0] if following else ""
        return Pulled(
            customers=[one for one in found if isinstance(one, Customer)],
            deals=[one for one in found if isinstance(one, Deal)],
            gone=gone,
            problems=problems,
            cursor=state.written(),
            more=bool(following),
        )

    def push(self, visits: Table, /) -> Sequence[Problem]:
        """Return one problem a row: the database is read, not written."""
        return [
            Problem(code="connector.read_only", message="The database takes no visits back.", at=f"row {row}")
            for row in range(len(visits))
        ]

    def _table(self, kind: str) -> TableSettings:
        return self._settings.customers if kind == "customer" else self._settings.deals

    def _page(self, source: Source, state: _State, kind: str) -> tuple[list[Customer | Deal], list[str], list[Problem]]:
        given = self._table(kind)
        reader: RowReader[Any] = (CustomerRows if kind == "customer" else DealRows)(source.fields, self._settings)
        if state.mark is None:
            state.mark = Mark()
        rows, mark = source.page(state.mark, self._from(state.since.get(kind)), self._settings.page_rows)
        found: list[Customer | Deal] = []
        gone: list[str] = []
        problems: list[Problem] = []
        for cells, is_deleted, changed in rows:
            if changed is not None and (kind not in state.latest or changed > state.latest[kind]):
                state.latest[kind] = changed
            place = f"{given.table} {cells[source.fields['id']][:60]}"
            self._take(reader, state, kind, cells, is_deleted, place, found, gone, problems)
        state.mark = mark
        if mark is None:
            if kind in state.latest:
                state.since[kind] = state.latest.pop(kind)
            if kind == "customer" and given.gone == "absence":
                gone += self._missing(source, state)
        return found, sorted(set(gone)), problems

    def _take(
        self,
        reader: RowReader[Any],
        state: _State,
        kind: str,
        cells: list[str],
        is_deleted: bool,
        place: str,
        found: list[Customer | Deal],
        gone: list[str],
        problems: list[Problem],
    ) -> None:
        try:
            ident = reader.identity(cells)
        except BadCellError as bad:
            problems.append(Problem(code=bad.code, message=MESSAGES[bad.code], at=place))
            return
        key = f"{kind[0]}{ident}"
        if is_deleted:
            if ident and kind == "customer" and state.known.pop(key, None) is not None:
                gone.append(ident)
            return
        digest = digest_of(cells, self._salt)
        if ident and state.known.get(key) == digest:
            return
        if ident:
            state.known[key] = digest
        try:
            found.append(reader.read(cells))
        except BadCellError as bad:
            problems.append(Problem(code=bad.code, message=MESSAGES[bad.code], at=place))

    def _missing(self, source: Source, state: _State) -> list[str]:
        known = [key for key in state.known if key.startswith("c")]
        there = {f"c{ident}" for ident in source.ids()}
        gone = [key for key in known if key not in there]
        if len(known) >= _FEW_CUSTOMERS and len(gone) > self._settings.most_gone_share * len(known):
            raise RecordError(
                f"{len(gone)} of {len(known)} customers are missing from the table; nothing was changed.",
                code="FHR-REC-006",
                hint="Check the table; if they are gone indeed, raise the setting most_gone_share.",
            )
        for key in gone:
            del state.known[key]
        return [key[1:] for key in gone]

    def _from(self, since: Any) -> Any:
        overlap = timedelta(seconds=self._settings.overlap_s)
        return since - overlap if isinstance(since, datetime) else since


@attrs.define(eq=False, kw_only=True)
class _State:
    """What a cursor says.

    Attributes:
        kind: of the table being read; empty between two rounds.
        mark: how far it was read; ``None``: not begun.
        since: kind -> greatest value of its changed column in the rounds before.
        latest: the same of this round.
        known: record -> digest of its row.
    """

    kind: str = ""
    mark: Mark | None = None
    since: dict[str, Any] = attrs.field(factory=dict)
    latest: dict[str, Any] = attrs.field(factory=dict)
    known: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        if cursor is None:
            return cls()
        try:
            head, _, rest = cursor.partition(".")
            said = json.loads(base64.urlsafe_b64decode(head))
            if said["format"] != _FORMAT:
                raise ValueError("format")
            mark = said["mark"]
            return cls(
                kind=said["kind"],
                mark=None if mark is None else Mark(_typed(mark[0]), _typed(mark[1]), mark[2], mark[3]),
                since={kind: _typed(value) for kind, value in said["since"].items()},
                latest={kind: _typed(value) for kind, value in said["latest"].items()},
                known=unpacked(rest),
            )
        except (ValueError, KeyError, TypeError, IndexError) as cause:
            raise RecordError(
                "The cursor is none of this connector's.", code="FHR-REC-006", hint="Pull without one."
            ) from cause

    def written(self) -> str:
        mark = self.mark
        head = {
            "format": _FORMAT,
            "kind": self.kind,
            "mark": None if mark is None else [_named(mark.changed), _named(mark.id), mark.begun, mark.nulls],
            "since": {kind: _named(value) for kind, value in self.since.items()},
            "latest": {kind: _named(value) for kind, value in self.latest.items()},
        }
        return f"{base64.urlsafe_b64encode(json.dumps(head).encode()).decode()}.{packed(self.known)}"


def _named(value: Any) -> Any:
    """Return a value of a column with its type, for JSON."""
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if value is None or isinstance(value, (str, int, float)):
        return value
    return {"text": str(value)}


def _typed(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    ((kind, text),) = value.items()
    return _TYPES[kind](text)


_TYPES: Final[Mapping[str, Callable[[str], Any]]] = {
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "text": str,
}
