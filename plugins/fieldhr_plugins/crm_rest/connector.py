"""Connector ``rest``: pages of JSON, followed to the last one, and records that say something else than before."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from fieldhr_core.errors import ConfigError, RecordError, SourceError
from fieldhr_core.hooks import Pulled
from fieldhr_core.intake.cells import BadCellError
from fieldhr_core.intake.headings import headings
from fieldhr_core.intake.known import digest_of, packed, unpacked
from fieldhr_core.intake.paths import Path, filled
from fieldhr_core.intake.records import MESSAGES, CustomerRows, DealRows, RowReader
from fieldhr_core.intake.web import Answer, Web
from fieldhr_core.model import Customer, Deal, Problem, Table
from fieldhr_plugins.crm_rest import ResourceSettings, RestSettings
from fieldhr_plugins.crm_rest.presets import with_preset

__all__ = ["RestConnector"]

_FORMAT: Final = 1
_KINDS: Final = ("customer", "deal")
_FEW_CUSTOMERS: Final = 20
_NEXT_LINK: Final = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')


class RestConnector:
    """Reads the collections of the settings, and writes nothing.

    Raises:
        ConfigError: FHR-CFG-001 where a path or field of the mapping is none, or the address may not be asked.
    """

    def __init__(self, settings: RestSettings) -> None:
        self._settings = settings = with_preset(settings)
        self.source = settings.source
        if not any(self._resource(kind).path for kind in _KINDS):
            raise ConfigError(
                "The connector 'rest' has nothing to fetch.",
                code="FHR-CFG-001",
                hint="Set preset=..., or customers={'path': ..., 'mapping': {...}}.",
            )
        self._readings = {kind: _Reading(kind, self._resource(kind), settings) for kind in _KINDS}
        self._headers = dict(settings.headers)
        if settings.authorization:
            self._headers["Authorization"] = settings.authorization
        Web(settings.web)  # an address that may not be asked is refused now
        read_as = attrs.asdict(settings, filter=lambda field, _: field.name not in ("web", "authorization", "headers"))
        self._salt = hashlib.sha256(json.dumps(read_as, sort_keys=True, default=str).encode()).digest()[:16]

    def pull(self, cursor: str | None, /) -> Pulled:
        """Return the next page of changed records.

        Raises:
            SourceError: FHR-SRC-001 to FHR-SRC-005 where the system cannot be asked or refuses.
            RecordError: FHR-REC-006 where the cursor is none of ours, or too many customers are gone at once.
        """
        state = _State.read(cursor)
        kinds = [kind for kind in _KINDS if self._resource(kind).path]
        kind = state.kind if state.kind in kinds else kinds[0]
        reading, resource = self._readings[kind], self._resource(kind)
        with Web(self._settings.web, headers=self._headers) as web:
            answer = self._asked(web, resource, state, kind)
            items = reading.items.value(answer.body)
            if not isinstance(items, list):
                raise SourceError(
                    f"{web.host} answered without a list at {resource.items or 'its top'!r}.",
                    code="FHR-SRC-004",
                    hint=f"Set {kind}s.items to the path of the list.",
                )
            page = _Page()
            for number, item in enumerate(items):
                self._take(reading, state, kind, item, f"{resource.path} {state.done + number}", page)
            self._turn(web, resource, state, answer, items)
        if not state.place:
            self._end(state, kind, page)
            following = kinds[kinds.index(kind) + 1 :]
            state.kind, state.done, state.seen = (following[0] if following else ""), 0, []
        else:
            following, state.kind = [kind], kind
        return Pulled(
            customers=page.customers,
            deals=page.deals,
            gone=sorted(set(page.gone)),
            problems=page.problems,
            cursor=state.written(),
            more=bool(following),
        )

    def push(self, visits: Table, /) -> Sequence[Problem]:
        """Return one problem a row: how a system takes visits is its own, and needs a connector of its own."""
        return [
            Problem(code="connector.read_only", message="The system takes no visits back.", at=f"row {row}")
            for row in range(len(visits))
        ]

    def _resource(self, kind: str) -> ResourceSettings:
        return self._settings.customers if kind == "customer" else self._settings.deals

    def _asked(self, web: Web, resource: ResourceSettings, state: _State, kind: str) -> Answer:
        place = state.place
        if place.get("link"):
            return web.get(str(place["link"]))
        places = {
            "since": _written(state.since.get(kind), resource),
            "size": resource.page_rows,
            "offset": place.get("offset", 0),
            "page": place.get("page", 1),
            "cursor": place.get("cursor", ""),
        }
        params = {
            name: filled(value, places)
            for name, value in resource.params.items()
            if "{cursor}" not in value or places["cursor"]
        }
        body = filled(resource.body, places) if resource.method == "POST" else None
        return web.ask(resource.method, resource.path, params=params, body=body, again=True)

    def _turn(self, web: Web, resource: ResourceSettings, state: _State, answer: Answer, items: list[Any]) -> None:
        """Note where the next page is, or that there is none."""
        before, state.place = state.place, {}
        state.done += len(items)
        if resource.paging in ("offset", "page"):
            # Some systems give smaller pages than they are asked for, so only an empty one is surely the last; some
            # give the last one for ever.
            first = hashlib.sha256(json.dumps(items[:1]).encode()).hexdigest()
            if items and first != before.get("first"):
                state.place = {"offset": state.done, "page": before.get("page", 1) + 1, "first": first}
        elif resource.paging == "cursor":
            found = Path(resource.next).value(answer.body)
            if found not in (None, "", False) and found != before.get("cursor"):
                state.place = {"cursor": found}
        elif resource.paging == "link":
            found = Path(resource.next).value(answer.body) if resource.next else _linked(answer)
            if found and found != before.get("link"):
                state.place = {"link": _absolute(self._settings.web.url, str(found))}
        if state.done > _MOST_RECORDS:
            raise SourceError(f"{web.host} has pages without an end.", code="FHR-SRC-004")

    def _take(self, reading: _Reading, state: _State, kind: str, item: Any, at: str, page: _Page) -> None:
        cells = [path.cell(item) for path in reading.paths]
        try:
            ident = reading.rows.identity(cells)
        except BadCellError as bad:
            page.problems.append(Problem(code=bad.code, message=MESSAGES[bad.code], at=at))
            return
        changed = reading.changed.cell(item) if reading.changed else ""
        if changed and changed > state.latest.get(kind, ""):
            state.latest[kind] = changed
        key = f"{kind[0]}{ident}"
        if reading.deleted and reading.deleted.cell(item) not in ("", "0", "false"):
            if ident and kind == "customer" and state.known.pop(key, None) is not None:
                page.gone.append(ident)
            return
        if ident:
            if reading.notes_who_is_there:
                state.seen.append(key)
            digest = digest_of(cells, self._salt)
            if state.known.get(key) == digest:
                return
            state.known[key] = digest
        try:
            found = reading.rows.read(cells)
        except BadCellError as bad:
            page.problems.append(Problem(code=bad.code, message=MESSAGES[bad.code], at=at))
        else:
            (page.customers if kind == "customer" else page.deals).append(found)

    def _end(self, state: _State, kind: str, page: _Page) -> None:
        if kind in state.latest:
            state.since[kind] = state.latest.pop(kind)
        if not self._readings[kind].notes_who_is_there:
            return
        there = set(state.seen)
        known = [key for key in state.known if key.startswith("c")]
        gone = [key for key in known if key not in there]
        if len(known) >= _FEW_CUSTOMERS and len(gone) > self._settings.most_gone_share * len(known):
            raise RecordError(
                f"{len(gone)} of {len(known)} customers are missing from the answer; nothing was changed.",
                code="FHR-REC-006",
                hint="Check the rights of the key; if they are gone indeed, raise the setting most_gone_share.",
            )
        for key in gone:
            del state.known[key]
        page.gone += [key[1:] for key in gone]


#: More than any collection of customers holds: pages go in a circle.
_MOST_RECORDS: Final = 50_000_000


class _Reading:
    """How one kind of record is read."""

    def __init__(self, kind: str, resource: ResourceSettings, settings: RestSettings) -> None:
        fields = headings(kind)
        unknown = sorted({field for field in resource.mapping.values() if field not in fields})
        if unknown:
            raise ConfigError(
                f"{kind}s.mapping: there is no field {unknown[0]!r}.",
                code="FHR-CFG-001",
                hint=f"Fields are: {', '.join(fields)}.",
            )
        if resource.path and "id" not in resource.mapping.values():
            raise ConfigError(f"{kind}s.mapping: no path is the field 'id'.", code="FHR-CFG-001")
        self.items, self.changed, self.deleted = Path(resource.items), Path(resource.changed), Path(resource.deleted)
        self.paths = [Path(path) for path in resource.mapping]
        places = {field: place for place, field in enumerate(resource.mapping.values())}
        # Who is missing can be told only where every round asks for everybody.
        self.notes_who_is_there = kind == "customer" and resource.gone == "absence" and not resource.changed
        rows: RowReader[Any] = (CustomerRows if kind == "customer" else DealRows)(places, settings)
        self.rows = rows


@attrs.define(eq=False)
class _Page:
    customers: list[Customer] = attrs.field(factory=list)
    deals: list[Deal] = attrs.field(factory=list)
    gone: list[str] = attrs.field(factory=list)
    problems: list[Problem] = attrs.field(factory=list)


@attrs.define(eq=False, kw_only=True)
class _State:
    """What a cursor says.

    Attributes:
        kind: being fetched; empty between two rounds.
        place: where its next page is.
        done: records of it so far.
        seen: ids of it so far.
        since, latest: kind -> text of the last change seen, in the rounds before and in this one.
        known: record -> digest of what it said.
    """

    kind: str = ""
    place: dict[str, Any] = attrs.field(factory=dict)
    done: int = 0
    seen: list[str] = attrs.field(factory=list)
    since: dict[str, str] = attrs.field(factory=dict)
    latest: dict[str, str] = attrs.field(factory=dict)
    known: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        if cursor is None:
            return cls()
        try:
            head, _, rest = cursor.partition(".")
            said = json.loads(base64.urlsafe_b64decode(head))
            if said.pop("format") != _FORMAT:
                raise ValueError("format")
            return cls(**said, known=unpacked(rest))
        except (ValueError, KeyError, TypeError, AttributeError) as cause:
            raise RecordError(
                "The cursor is none of this connector's.", code="FHR-REC-006", hint="Pull without one."
            ) from cause

    def written(self) -> str:
        said = attrs.asdict(self, recurse=False, filter=lambda field, _: field.name != "known")
        head = json.dumps({"format": _FORMAT, **said}, separators=(",", ":"))
        return f"{base64.urlsafe_b64encode(head.encode()).decode()}.{packed(self.known)}"


def _written(since: str | None, resource: ResourceSettings) -> str:
    """Return the instant of the last change as the system wants it written."""
    given = since or resource.first_since
    if not resource.since:
        return given
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return given
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime(resource.since)


def _linked(answer: Answer) -> str | None:
    found = _NEXT_LINK.search(answer.headers.get("link", ""))
    return found[1] if found else None


def _absolute(base: str, link: str) -> str:
    if "://" in link or not link.startswith("/"):
        return link
    root = urlsplit(base)
    return f"{root.scheme}://{root.netloc}{link}"
