"""Connector ``files``: what changed in the files since the last pull.

The cursor holds, for every record of the last round, its id and a digest of its row. A pull compares and returns only
what differs; ids that are not there any more are ``gone``. The same files give the same answer, from any process.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.hooks import Pulled
from fieldhr_core.intake.cells import BadCellError
from fieldhr_core.intake.known import digest_of, packed, unpacked
from fieldhr_core.model import Customer, Deal, Problem, Table
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.reading import Opened, open_customers, open_deals
from fieldhr_plugins.crm_files.sheets import file_digest, unreadable

__all__ = ["FileConnector"]

#: What a round found in a row: a record, or a problem.
Found = Customer | Deal | Problem

_FORMAT: Final = 1
#: Below so many known customers, a share says nothing.
_FEW_CUSTOMERS: Final = 20


class FileConnector:
    """Pulls from the files of the settings, read-only.

    A round is one pass over all files, in pages of ``page_rows``. If a file changes between two pages, the round begins
    again; records already handed out come again then, which does no harm.
    """

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._going: tuple[str, list[tuple[int, int, int]], _Round] | None = None

    def pull(self, cursor: str | None, /) -> Pulled:
        """Return the next page of changed records.

        Raises:
            ConfigError: FHR-CFG-001 where no file is set or a mapping does not fit.
            RecordError: FHR-REC-006 where a file cannot be read, the cursor is none of ours, or too many customers are
                gone at once.
        """
        if not self._settings.customers and not self._settings.deals:
            raise ConfigError(
                "The connector 'files' has no files.", code="FHR-CFG-001", hint="Set customers=[...] or deals=[...]."
            )
        going = self._resumed(cursor)
        if going is None:
            state, files = _State.read(cursor), self._digest()
            if state.files == files and state.rows_done == 0:
                return Pulled(cursor=cursor)
            going = _Round(self._settings, files, state.known)
            if state.files == files:
                going.skip(state.rows_done)
        stamp = self._stamp()
        page = going.page(self._settings.page_rows)
        self._going = (str(page.cursor), stamp, going) if page.more else None
        return page

    def _resumed(self, cursor: str | None) -> _Round | None:
        """Return the round this cursor goes on with, where it still stands open here and no file was touched."""
        going, self._going = self._going, None
        if going is None or going[0] != cursor or going[1] != self._stamp():
            return None
        return going[2]

    def _stamp(self) -> list[tuple[int, int, int]]:
        try:
            found = [Path(name).stat() for name in (*self._settings.customers, *self._settings.deals)]
        except OSError:
            return []  # reading says which file it is
        return [(one.st_ino, one.st_size, one.st_mtime_ns) for one in found]

    def push(self, visits: Table, /) -> Sequence[Problem]:
        """Return one problem a row: files are read, not written."""
        return [
            Problem(code="connector.read_only", message="Files take no visits back.", at=f"row {row}")
            for row in range(len(visits))
        ]

    def _digest(self) -> str:
        """Return what stands for the files' contents and everything that decides how they are read."""
        parts = [_read_as(self._settings)]
        for kind in ("customers", "deals"):
            parts += [f"{kind} {file_digest(Path(name))}" for name in getattr(self._settings, kind)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_as(settings: FileSettings) -> str:
    """Return the settings that decide what a row becomes: after a change every row is a changed one."""
    others = ("page_rows", "most_gone_share", "max_unpacked_mb", "customers", "deals")
    return json.dumps(attrs.asdict(settings, filter=lambda field, _: field.name not in others), sort_keys=True)


class _Round:
    """One pass over all files."""

    def __init__(self, settings: FileSettings, files: str, known: Mapping[str, int]) -> None:
        self._settings = settings
        self._files = files
        self._known = known
        self._now: dict[str, int] = {}
        self._rows_done = 0
        self._is_whole = True
        self._known_text = packed(known)
        self._salt = hashlib.sha256(_read_as(settings).encode()).digest()[:16]
        self._rows = self._read()

    def skip(self, rows: int) -> None:
        """Pass over rows that were handed out before, noting what they hold."""
        for _ in itertools.islice(self._rows, rows):
            pass

    def page(self, most: int) -> Pulled:
        """Return up to *most* changed records with the problems between them."""
        customers: list[Customer] = []
        deals: list[Deal] = []
        problems: list[Problem] = []
        for found in self._rows:
            if isinstance(found, Customer):
                customers.append(found)
            elif isinstance(found, Deal):
                deals.append(found)
            elif isinstance(found, Problem):
                problems.append(found)
            if len(customers) + len(deals) + len(problems) >= most:
                cursor = f"{_head(self._files, self._rows_done)}.{self._known_text}"
                return Pulled(customers=customers, deals=deals, problems=problems, cursor=cursor, more=True)
        gone = self._gone()
        cursor = f"{_head(self._files, 0)}.{packed(self._now)}"
        return Pulled(customers=customers, deals=deals, problems=problems, gone=gone, cursor=cursor)

    def _read(self) -> Iterator[Found | None]:
        """Yield, row for row, what changed; ``None`` for a row that did not."""
        for name in self._settings.customers:
            yield from self._changed(open_customers(Path(name), self._settings), "customer")
        for name in self._settings.deals:
            yield from self._changed(open_deals(Path(name), self._settings), "deal")

    def _changed(self, opened: Opened[Any], kind: str) -> Iterator[Found | None]:
        if not opened.fields:
            raise unreadable(
                opened.path, "none of its first rows holds headings that are known; set sheet, or map its columns"
            )
        known, now, salt, reader = self._known, self._now, self._salt, opened.reader
        for number, row in opened.rows:
            self._rows_done += 1
            if isinstance(row, Problem):
                # Rows may hide behind a row that cannot be read; nobody is declared gone on such a file.
                self._is_whole = False
                yield opened.record(number, row)
                continue
            try:
                ident = reader.identity(row)
            except BadCellError as bad:
                self._is_whole = False
                yield opened.problem(bad.code, number)
                continue
            key = f"{kind[0]}{ident}"
            if ident and key in now:
                yield opened.problem(f"{kind}.duplicate_id", number)
                continue
            digest = digest_of(row, salt)
            if ident:
                now[key] = digest
                if known.get(key) == digest:
                    yield None
                    continue
            yield opened.record(number, row)

    def _gone(self) -> list[str]:
        if not self._is_whole:
            # Not gone, not forgotten either: a later round can tell.
            self._now = {**self._known, **self._now}
            return []
        known = [key for key in self._known if key.startswith("c")]
        gone = sorted(key[1:] for key in known if key not in self._now)
        if len(known) >= _FEW_CUSTOMERS and len(gone) > self._settings.most_gone_share * len(known):
            raise RecordError(
                f"{len(gone)} of {len(known)} customers are missing from the files; nothing was changed.",
                code="FHR-REC-006",
                hint="Check that the export is complete; if it is, raise the setting most_gone_share.",
            )
        return gone


@attrs.frozen(eq=False, kw_only=True)
class _State:
    """What a cursor says.

    Attributes:
        files: digest of the files and how they are read.
        rows_done: rows of a round that goes on; 0 between rounds.
        known: record -> digest of its row, as of the last whole round.
    """

    files: str
    rows_done: int
    known: Mapping[str, int]

    @classmethod
    def read(cls, cursor: str | None) -> _State:
        if cursor is None:
            return cls(files="", rows_done=0, known={})
        try:
            head, _, rest = cursor.partition(".")
            stated = json.loads(base64.urlsafe_b64decode(head))
            if stated["format"] != _FORMAT:
                raise ValueError("format")
            known = unpacked(rest)
            return cls(files=stated["files"], rows_done=stated["rows_done"], known=known)
        except (ValueError, KeyError, TypeError) as cause:
            raise RecordError(
                "The cursor is none of this connector's.", code="FHR-REC-006", hint="Pull without one."
            ) from cause


def _head(files: str, rows_done: int) -> str:
    head = {"format": _FORMAT, "files": files, "rows_done": rows_done}
    return base64.urlsafe_b64encode(json.dumps(head).encode()).decode()
