"""The cursor: what a round still has to fetch, and what the rounds before it have seen."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import datetime
from typing import Final

import attrs

from fieldhr_core.errors import RecordError

__all__ = ["State"]

_FORMAT: Final = 1


@attrs.define(eq=False, kw_only=True)
class State:
    """What a cursor says.

    Attributes:
        phase: kind being fetched; empty between two rounds.
        after: id up to which that kind is done.
        pending: ids of parties this round still has to bring.
        gone: ids of parties this round found missing.
        since: kind -> ISO instant of the last change the rounds before it had seen.
        latest: kind -> the same for this round.
        known: id of a party -> digest of its addresses' ids, as of the last sweep.
        recent: kind -> id -> digest of a record near the last change seen: looked at twice, brought once.
        fresh: the same, as this round finds it.
    """

    phase: str = ""
    after: int = 0
    pending: list[int] = attrs.field(factory=list)
    gone: list[int] = attrs.field(factory=list)
    since: dict[str, str] = attrs.field(factory=dict)
    latest: dict[str, str] = attrs.field(factory=dict)
    known: dict[int, int] = attrs.field(factory=dict)
    recent: dict[str, dict[int, int]] = attrs.field(factory=dict)
    fresh: dict[str, dict[int, int]] = attrs.field(factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> State:
        """Read a cursor.

        Raises:
            RecordError: FHR-REC-006 where it is none of ours.
        """
        if cursor is None:
            return cls()
        try:
            said = json.loads(zlib.decompress(base64.urlsafe_b64decode(cursor)))
            if said.pop("format") != _FORMAT:
                raise ValueError("format")
            for name in ("recent", "fresh"):
                said[name] = {kind: _by_number(found) for kind, found in said[name].items()}
            said["known"] = _by_number(said["known"])
            for name in ("since", "latest"):
                for stamp in said[name].values():
                    datetime.fromisoformat(stamp)
            return cls(**said)
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as cause:
            raise RecordError(
                "The cursor is none of this connector's.", code="FHR-REC-006", hint="Pull without one."
            ) from cause

    def written(self) -> str:
        """Return the cursor."""
        said = {"format": _FORMAT, **attrs.asdict(self, recurse=False)}
        said["known"] = _pairs(self.known)
        for name in ("recent", "fresh"):
            said[name] = {kind: _pairs(found) for kind, found in said[name].items()}
        return base64.urlsafe_b64encode(zlib.compress(json.dumps(said, separators=(",", ":")).encode(), 1)).decode()


def _pairs(found: dict[int, int]) -> list[list[int]]:
    """Return ids as steps and digests: neighbouring ids take little room that way."""
    ids = sorted(found)
    steps = [id_ - before for id_, before in zip(ids, [0, *ids], strict=False)]
    return [steps, [found[id_] for id_ in ids]]


def _by_number(pairs: list[list[int]]) -> dict[int, int]:
    found, id_ = {}, 0
    for step, digest in zip(*pairs, strict=True):
        id_ += step
        found[id_] = digest
    return found
