"""The list a tenant screens against: who is on it and when, as a file in the format of OpenSanctions' simple CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

__all__ = ["LIST_NAME", "Listed", "changes_of", "screening_settings", "write_list"]

LIST_NAME: Final = "trial list (simulated)"
#: Columns of ``targets.simple.csv`` (OpenSanctions, zavod's exporter; names in a list are divided by ``;``).
_COLUMNS: Final = (
    "id",
    "schema",
    "name",
    "aliases",
    "birth_date",
    "countries",
    "addresses",
    "identifiers",
    "sanctions",
    "phones",
    "emails",
    "dataset",
    "first_seen",
    "last_seen",
    "last_change",
)


@attrs.frozen(kw_only=True)
class Listed:
    """One entry.

    Attributes:
        since: instant from which the list holds it; ``None`` = from the start.
        until: instant at which it is taken off again.
    """

    id: str
    schema: str
    name: str
    aliases: tuple[str, ...] = ()
    birth_date: str = ""
    identifiers: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def is_on(self, at: datetime) -> bool:
        """Whether the list holds it at an instant."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def changes_of(listed: Iterable[Listed]) -> list[datetime]:
    """Return the instants at which the list changes, in order."""
    return sorted({at for one in listed for at in (one.since, one.until) if at is not None})


def screening_settings(path: Path) -> dict[str, Any]:
    """Return the settings by which a tenant screens against the file."""
    entry = {"path": str(path), "format": "opensanctions", "name": LIST_NAME, "kind": "dishonest_debtor"}
    return {"fieldhr.screening": {"lists": [entry]}}


def write_list(path: Path, listed: Iterable[Listed], at: datetime) -> None:
    """Write the list as it is at an instant."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, restval="")
        writer.writeheader()
        for one in sorted(listed, key=lambda each: each.id):
            if one.is_on(at):
                writer.writerow(
                    {
                        "id": one.id,
                        "schema": one.schema,
                        "name": one.name,
                        "aliases": ";".join(one.aliases),
                        "birth_date": one.birth_date,
                        "countries": "cn",
                        "identifiers": ";".join(one.identifiers),
                        "dataset": "simulated",
                    }
                )
