"""The tables of names, read once from the package into what the matchers look up."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.errors import ConfigError

__all__ = ["AliasRow", "HanTable", "Tables", "load_tables"]

#: Words or names that mean the same.
AliasRow = tuple[str, ...]

_FOLDER: Final = "fieldhr_plugins.screening"


@attrs.frozen(eq=False, kw_only=True)
class HanTable:
    """What is known of single Chinese characters.

    Attributes:
        simplify: for ``str.translate``: traditional, variant and Japanese forms to simplified ones.
        pinyin: readings without tone, ü as v, the usual one first.
        jyutping: Cantonese readings without tone.
    """

    simplify: Mapping[int, str]
    pinyin: Mapping[str, tuple[str, ...]]
    jyutping: Mapping[str, tuple[str, ...]]


@attrs.frozen(eq=False, kw_only=True)
class Tables:
    """Everything the matchers know. Words are as they stand in the files; whoever compares folds them."""

    han: HanTable
    persons: Mapping[str, Any]
    organizations: Mapping[str, Any]
    scripts: Mapping[str, str]
    aliases: tuple[AliasRow, ...]


def load_tables(alias_file: str = "") -> Tables:
    """Read the tables of the package, and a tenant's own aliases.

    Args:
        alias_file: path of a UTF-8 CSV whose lines hold names that mean the same; empty for none.

    Raises:
        ConfigError: FHR-CFG-001 where the alias file cannot be read.
    """
    aliases = [*_alias_rows(_read("aliases.csv").splitlines())]
    if alias_file:
        try:
            aliases += _alias_rows(Path(alias_file).read_text("utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError, csv.Error) as cause:
            raise ConfigError(
                f"The file of aliases {alias_file!r} cannot be read: {cause}.",
                code="FHR-CFG-001",
                hint="Write a CSV in UTF-8: one line a brand, every way to write it in a cell of its own.",
            ) from cause
    return Tables(
        han=_han(),
        persons=tomllib.loads(_read("persons.toml")),
        organizations=tomllib.loads(_read("organizations.toml")),
        scripts=tomllib.loads(_read("scripts.toml")),
        aliases=tuple(aliases),
    )


def _read(name: str) -> str:
    return files(_FOLDER).joinpath("tables", name).read_text("utf-8")


def _han() -> HanTable:
    raw = json.loads(_read("han.json"))
    return HanTable(
        simplify={ord(old): new for old, new in zip(raw["traditional"], raw["simplified"], strict=True)},
        pinyin=_readings(raw["pinyin"], raw["pinyin_also"]),
        jyutping=_readings(raw["jyutping"], raw["jyutping_also"]),
    )


def _readings(first: Mapping[str, str], also: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    readings: dict[str, tuple[str, ...]] = {}
    for table in (first, also):
        for syllable, characters in table.items():
            for character in characters:
                readings[character] = (*readings.get(character, ()), syllable)
    return readings


def _alias_rows(lines: Iterable[str]) -> Iterator[AliasRow]:
    for row in csv.reader(line for line in lines if not line.lstrip().startswith("#")):
        cells = tuple(cell.strip() for cell in row if cell.strip())
        if len(cells) > 1:
            yield cells
