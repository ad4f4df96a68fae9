"""Attachments: photos and voice notes that go with a check-in or a follow-up, sealed like what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.model import instant, milliseconds
from fieldhr_core.store.rows import insert_new

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting

__all__ = ["MEDIA", "Attachment", "Attachments"]

#: Types that are taken, and what a file of each begins with (at which byte): what a page calls a photo must be one.
MEDIA: Final[dict[str, tuple[tuple[int, bytes], ...]]] = {
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/webp": ((0, b"RIFF"), (8, b"WEBP")),
    "audio/webm": ((0, b"\x1a\x45\xdf\xa3"),),
    "audio/ogg": ((0, b"OggS"),),
    "audio/mp4": ((4, b"ftyp"),),
    "audio/wav": ((0, b"RIFF"), (8, b"WAVE")),
}

_MOST_BYTES: Final = 8 * 2**20


@attrs.frozen(kw_only=True)
class Attachment:
    """What is known of one attachment without opening it.

    Attributes:
        record: id of the check-in or follow-up it goes with.
        media: one of :data:`MEDIA`.
        digest: SHA-256 of its bytes, hex.
        time: when it was taken, by the device's clock; *recorded*: when it arrived.
    """

    id: str
    rep: str
    record: str
    media: str
    size: int
    digest: str
    time: datetime
    recorded: datetime


class Attachments:
    """The desk's room for photos and voice notes."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, ident: str, *, rep: str, record: str, media: str, body: bytes, time: datetime) -> Attachment:
        """Store an attachment; the same id again gives the first one again, whatever comes with it.

        Raises:
            RecordError: FHR-REC-001 for a type that is not taken, bytes that are not of it, or too many of them.
            AccessError: FHR-ACC-003 where the principal may not write for this rep.
        """
        import sqlalchemy as sa

        begins = MEDIA.get(media)
        if begins is None:
            raise RecordError(f"The type {media[:40]!r} is not taken.", code="FHR-REC-001", hint=", ".join(MEDIA))
        if not all(body[at : at + len(mark)] == mark for at, mark in begins):
            raise RecordError(f"The bytes are no {media}.", code="FHR-REC-001")
        if len(body) > _MOST_BYTES:
            raise RecordError(f"An attachment has at most {_MOST_BYTES} bytes.", code="FHR-REC-001")
        if not ident or not record:
            raise RecordError("An attachment needs an id and the record it goes with.", code="FHR-REC-001")
        table = self._acting.tables.attachments
        with self._acting.unit() as unit:
            unit.allow("follow_ups", "write", rep)
            sealed = unit.seal(table, "body_sealed", "message", [ident], [body])[0]
            row = {
                "tenant": self._acting.tenant,
                "id": ident,
                "rep": rep,
                "record": record,
                "media": media,
                "size": len(body),
                "digest": hashlib.sha256(body).hexdigest(),
                "time_ms": milliseconds(time),
                "recorded_ms": unit.at_ms,
                "body_sealed": sealed,
            }
            insert_new(unit.connection, table, [row], ("tenant", "id"))
            with unit.housework():
                whose = unit.all(sa.select(table.c.rep).where(table.c.tenant == row["tenant"], table.c.id == ident))
            if whose[0].rep != rep:
                raise RecordError("The id of an attachment is taken by somebody else's.", code="FHR-REC-001")
            found = unit.all(unit.select(table).where(table.c.id == ident))
            unit.audit("attachments.put", "attachment", ident, media=media, size=len(body))
        if not found:  # whoever writes without being able to read back
            return _attachment(row)
        return _attachment(found[0]._mapping)

    def of(self, record: str) -> Sequence[Attachment]:
        """Return the attachments of a check-in or follow-up that this principal may see, by time."""
        table = self._acting.tables.attachments
        with self._acting.unit() as unit:
            rows = unit.all(unit.select(table).where(table.c.record == record).order_by(table.c.time_ms, table.c.id))
            unit.audit("attachments.list", "record", record, count=len(rows))
        return [_attachment(row._mapping) for row in rows]

    def open(self, ident: str) -> tuple[Attachment, bytes]:
        """Return an attachment with its bytes; that it was looked at is noted.

        Raises:
            AccessError: FHR-ACC-001 where there is none this principal may see, FHR-ACC-002 where the purpose does not
                open what was said.
        """
        table = self._acting.tables.attachments
        with self._acting.unit() as unit:
            rows = unit.all(unit.select(table).where(table.c.id == ident))
            if not rows:
                raise self._acting.not_found()
            body = unit.open(table, "body_sealed", "message", [ident], [rows[0].body_sealed])[0]
            unit.audit("attachments.open", "attachment", ident)
        return _attachment(rows[0]._mapping), body


def _attachment(row: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=row["id"],
        rep=row["rep"],
        record=row["record"],
        media=row["media"],
        size=row["size"],
        digest=row["digest"],
        time=instant(row["time_ms"]),
        recorded=instant(row["recorded_ms"]),
    )
