"""``record.photo_reused``: one picture, perhaps cropped and compressed again, handed in for several borrowers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import INSPECTIONS, Audience, Evidence, Finding, Severity, Table
from fieldhr_plugins.records import RecordSettings

__all__ = ["CODE", "ReusedPhotos"]

CODE: Final = "record.photo_reused"
_VERSION: Final = "1"

Hashes = npt.NDArray[np.uint64]


class ReusedPhotos:
    """One picture of one rep is one case, however often it is used; its instance is the first upload of it in sight.

    Two photos of one borrower may show the same gate; only another borrower makes it a reuse.
    """

    codes: tuple[str, ...] = (CODE,)
    cadence = "live"
    days = 1
    peers = "picture"

    def __init__(self, settings: RecordSettings) -> None:
        self._settings = settings

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return the pictures uploaded on the last day that were there before, for another borrower."""
        photos = _photos(tables[INSPECTIONS])
        begins = round(datetime.combine(tables.period.last, time(), tables.as_of.tzinfo).timestamp() * 1000)
        new = np.flatnonzero(photos["received_ms"] >= begins)
        if not len(new):
            return []
        hashes, customers = _hashes(photos), photos["customer"]
        groups: dict[tuple[str, int], list[int]] = {}
        for place in new.tolist():
            near = np.flatnonzero(_distances(hashes, place)[: place + 1] <= self._settings.same_bits)
            others = [each for each in near.tolist() if customers[each] != customers[place]]
            rep = photos["rep"][place]
            if others and rep is not None:
                groups.setdefault((rep, min(near.tolist())), [])
                known = groups[rep, min(near.tolist())]
                known += [each for each in near.tolist() if each not in known]
        return [self._finding(photos, rep, sorted(group)) for (rep, _), group in sorted(groups.items())]

    def _finding(self, photos: Table, rep: str, group: list[int]) -> Finding:
        customers = photos["customer"][group].tolist()
        received = photos["received_ms"][group].tolist()
        first = customers[0]
        second = next(at for at, customer in zip(received, customers, strict=True) if customer != first)
        # Known with the second borrower; where that was on an earlier day, it was told then by its own rep's case.
        uploaders = list(photos["rep"].take(group))
        mine = [at for at, each in zip(received, uploaders, strict=True) if each == rep and at >= second]
        opened = datetime.fromtimestamp((mine[0] if mine else second) / 1000, UTC)
        reps = {each for each in uploaders if each is not None}
        facts: dict[str, Any] = {"uploads": len(group), "borrowers": len(set(customers)), "reps": len(reps)}
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=str(photos["inspection"][group[0]]),
            opened_at=opened,
            closed_at=datetime.fromtimestamp(max(received[-1], mine[0] if mine else 0) / 1000, UTC),
            severity=Severity.HIGH,
            confidence=0.9,
            rule=CODE,
            version=_VERSION,
            thresholds={"same_bits": self._settings.same_bits},
            evidence=(
                Evidence(kind="inspection", ids=tuple(photos["inspection"][group].tolist()), facts=facts),
                Evidence(kind="customer", ids=tuple(sorted(set(customers)))),
            ),
            explanation=CODE,
            params=facts,
            advice=f"{CODE}.advice",
            readings=("record.photo_reused.never_there", "record.photo_reused.mixed_up"),
            audience=(Audience.MANAGER, Audience.COMPLIANCE),
        )


def _photos(inspections: Table) -> Table:
    known = [bool(one) and len(one) % 16 == 0 for one in inspections["fingerprint"].tolist()]
    photos = inspections.take(np.asarray(known, dtype=bool))
    return photos.sort("received_ms", "inspection") if len(photos) else photos


def _hashes(photos: Table) -> Hashes:
    """Return one row a photo: the hash of the whole, then those of its crops; short rows repeat the whole."""
    rows = []
    for text in photos["fingerprint"].tolist():
        try:
            rows.append([int(text[start : start + 16], 16) for start in range(0, len(text), 16)])
        except ValueError:
            rows.append([])
    width = max((len(row) for row in rows), default=1) or 1
    padded = [row + [row[0]] * (width - len(row)) if row else [0] * width for row in rows]
    return np.asarray(padded, dtype="u8").reshape(len(rows), width)


def _distances(hashes: Hashes, place: int) -> npt.NDArray[np.int64]:
    """Return in how many bits each photo differs from one: the whole of either against every view of the other."""
    whole, views = hashes[place, 0], hashes[place]
    one = _bits(hashes ^ whole).min(axis=1)
    other = _bits(hashes[:, :1] ^ views[None, :]).min(axis=1)
    nearest: npt.NDArray[np.int64] = np.minimum(one, other)
    return nearest


def _bits(values: Hashes) -> npt.NDArray[np.int64]:
    count: npt.NDArray[np.int64] = np.unpackbits(
        np.ascontiguousarray(values).view("u1").reshape(*values.shape, 8), axis=-1
    ).sum(axis=-1, dtype="i8")
    return count
